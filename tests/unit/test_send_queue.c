/* What a driver keeps for an engine until it can be sent, and what a composite makes of its parts'
 * wishes. */
#include <stdlib.h>

#include "send_queue.h"
#include "tap.h"

static void add(struct send_queue *q, uint32_t tag, const char *text)
{
    char bytes[16];

    snprintf(bytes, sizeof bytes, "%s", text);
    send_queue_add(q, &(struct send_request){.tag = tag,
                                             .to = {0xc0000201, 3544},
                                             .ttl = 7,
                                             .size = strlen(bytes),
                                             .bytes = (const uint8_t *)bytes});
    memset(bytes, 'x', sizeof bytes);
}

static void is_next(struct send_queue *q, uint32_t tag, const char *text)
{
    struct queued_send *s = send_queue_take(q);

    ok(s != NULL && s->request.tag == tag && s->request.ttl == 7 && s->request.to.port == 3544 &&
           s->request.size == strlen(text) && memcmp(s->request.bytes, text, strlen(text)) == 0,
       "%s comes as it was, whatever has become of the caller's bytes", text);
    free(s);
}

static void test_order(void)
{
    struct send_queue q = {0};

    ok(send_queue_take(&q) == NULL, "an empty queue gives nothing");
    add(&q, 1, "one");
    add(&q, 2, "two");
    is_next(&q, 1, "one");
    add(&q, 3, "three");
    is_next(&q, 2, "two");
    is_next(&q, 3, "three");
    ok(send_queue_take(&q) == NULL, "and then the queue is empty");
    add(&q, 4, "four");
    is_next(&q, 4, "four");
    for (uint32_t i = 0; i < 1000; i++)
        add(&q, i, "many");
    send_queue_clear(&q);
    ok(send_queue_take(&q) == NULL, "a cleared queue is empty, however much was in it");
    add(&q, 5, "five");
    is_next(&q, 5, "five");
}

/* A part that sends under tag 1, tells and ends with each TIMER, and keeps what it observes. */
struct inner {
    struct engine engine;
    unsigned observed;
    uint32_t tag;
};

struct outer {
    struct outbox outbox; /* of the driver */
    struct engine engine;
    struct inner inner;
    struct part part;
    char log[64];
    struct in6_addr destination;
};

static void inner_observes(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct inner *i = (struct inner *)engine;
    struct in6_addr a = {.s6_addr = {0xfe, 0x80, [15] = 1}}, b = {.s6_addr = {0x20, 0x01}};
    struct teredo_packet bubble;

    i->observed++;
    i->tag = o->tag;
    if (o->kind != OBSERVED_TIMER)
        return;
    teredo_make_bubble(&bubble, &a, &b);
    outbox_send_packet(out, (struct send_request){.tag = 1, .to = {0xc0000201, 3544}}, &bubble);
    outbox_emit(out, &(struct event){.kind = EVENT_NOTE, .when = o->when});
    outbox_done(out);
}

static void driver_sends(struct outbox *outbox, const struct send_request *request)
{
    struct outer *o = (struct outer *)outbox;
    struct teredo_packet packet;
    struct wire_fault fault;
    size_t used = strlen(o->log);

    if (teredo_decode(request->bytes, request->size, &packet, &fault))
        o->destination = packet.ip6.destination;
    snprintf(o->log + used, sizeof o->log - used, "send %u ", request->tag);
}

static void driver_hears(struct outbox *outbox, const struct event *event)
{
    struct outer *o = (struct outer *)outbox;

    (void)event;
    strcat(o->log, "event ");
}

static void driver_ends(struct outbox *outbox)
{
    strcat(((struct outer *)outbox)->log, "end ");
}

static void told(struct engine *composite, const struct event *event)
{
    struct outer *o = (struct outer *)(void *)((char *)composite - offsetof(struct outer, engine));

    strcat(o->log, "told ");
    outbox_emit(o->part.out, event);
}

static void test_part(void)
{
    static const struct engine_ops ops = {inner_observes, NULL, NULL};
    struct outer o = {.outbox = {driver_sends, driver_hears, driver_ends},
                      .inner = {.engine = {&ops}},
                      .part = {.engine = &o.inner.engine,
                               .composite = &o.engine,
                               .told = told,
                               .first_tag = 100,
                               .tags = 5}};
    struct waiting waiting;

    part_observe(&o.part, &(struct observation){.kind = OBSERVED_TIMER}, &o.outbox);
    is_str(o.log, "send 101 told event ", "a part's tags are renumbered, and its end is kept back");
    ok(o.destination.s6_addr[0] == 0x20, "its packets are encoded");
    part_observe(&o.part, &(struct observation){.kind = OBSERVED_SENT, .tag = 104}, &o.outbox);
    ok(o.inner.observed == 2 && o.inner.tag == 4, "it observes its sends under its own tags");
    for (unsigned i = 0; i < 2; i++) {
        enum observation_kind kind = i == 0 ? OBSERVED_SENT : OBSERVED_SEND_FAILED;

        part_observe(&o.part, &(struct observation){.kind = kind, .tag = 99}, &o.outbox);
        part_observe(&o.part, &(struct observation){.kind = kind, .tag = 105}, &o.outbox);
    }
    is_int(o.inner.observed, 2, "and not those of others");
    engine_waiting(&o.inner.engine, &waiting);
    ok(waiting.what == WAITING_FOR_NOTHING && waiting.until == NSEC_NEVER,
       "an engine that does not say what it waits for waits for nothing");
}

int main(void)
{
    test_order();
    test_part();
    return done_testing();
}
