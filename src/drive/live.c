#include "live.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "clock.h"
#include "loop.h"
#include "observe.h"
#include "send_queue.h"
#include "wire_stamps.h"

struct live_socket {
    struct live *live;
    unsigned index;
    struct port port;
};

struct live {
    struct outbox outbox; /* the engine's */
    struct send_queue sends;
    struct loop *loop;
    struct loop_timer timer; /* the engine's deadline */
    struct live_socket sockets[LIVE_MAX_SOCKETS];
    unsigned count;
    struct wire_stamps *stamps; /* NULL = the sockets' own */
    struct engine *engine;
    const struct event_sink *sink;
    const struct live_tap *tap;
    nsec latest; /* of the observations so far: the engine never sees time go back */
    bool done;
    struct port_batch *batch;
};

struct live *live_open(uint16_t port, unsigned count, struct endpoint towards, bool wire,
                       struct error *error)
{
    struct live *l = calloc(1, sizeof *l);
    uint16_t ports[LIVE_MAX_SOCKETS];

    if (l == NULL) {
        error_set(error, EX_OSERR, ENOMEM, "cannot start");
        return NULL;
    }
    for (unsigned i = 0; i < LIVE_MAX_SOCKETS; i++)
        l->sockets[i] = (struct live_socket){.live = l, .index = i, .port = {.fd = -1}};
    if ((l->batch = port_batch_new(PORT_DATAGRAM, error)) == NULL ||
        (l->loop = loop_new(error)) == NULL) {
        live_close(l);
        return NULL;
    }
    for (; l->count < count; l->count++) {
        struct port *s = &l->sockets[l->count].port;
        struct port_config config = {
            .use = PORT_CLIENT, .local.port = l->count == 0 ? port : 0, .towards = towards};

        if (port_open(s, &config, error) != 0) {
            live_close(l);
            return NULL;
        }
        ports[l->count] = s->local.port;
    }
    if (wire)
        l->stamps = wire_stamps_open(ports, count);
    return l;
}

struct endpoint live_local(const struct live *l, unsigned socket)
{
    return l->sockets[socket].port.local;
}

const char *live_stamps_name(const struct live *l)
{
    return l->stamps != NULL ? "libpcap" : "so_timestampns";
}

static void feed(struct live *l, struct observation *o, const uint8_t *bytes, uint8_t ttl)
{
    if (bytes != NULL && l->stamps != NULL) {
        nsec when;

        if (wire_stamps_find(l->stamps, &(struct udp_message){o->from, o->to, bytes, o->size},
                             &when))
            o->when = when;
    }
    o->when = l->latest = nsec_max(o->when, l->latest);
    if (l->tap != NULL)
        l->tap->see(l->tap->context, o, bytes, ttl);
    engine_observe(l->engine, o, &l->outbox);
}

static void carry_out_send(struct live *l, const struct send_request *send)
{
    struct teredo_packet packet;
    struct observation o;

    observe_send(&l->sockets[send->socket].port, send, &o, &packet);
    feed(l, &o, o.errnum == 0 ? send->bytes : NULL, send->ttl);
}

/* When to look at the engine, or at errors that a send has met: those wait in the port, where no
 * poll sees them. */
static nsec next_look(const struct live *l)
{
    if (l->done)
        return NSEC_NEVER;
    for (unsigned i = 0; i < l->count; i++)
        if (l->sockets[i].port.kept_count > 0)
            return l->latest;
    return engine_deadline(l->engine);
}

/* What is sent, the engine observes, and may send more. */
static void carry_out_sends(struct live *l)
{
    struct queued_send *s;

    while ((s = send_queue_take(&l->sends)) != NULL) {
        carry_out_send(l, &s->request);
        free(s);
    }
    l->timer.when = next_look(l);
}

static void take_send(struct outbox *outbox, const struct send_request *request)
{
    send_queue_add(&((struct live *)outbox)->sends, request);
}

static void take_event(struct outbox *outbox, const struct event *event)
{
    const struct live *l = (const struct live *)outbox;

    l->sink->emit(l->sink->context, event);
}

static void take_end(struct outbox *outbox)
{
    struct live *l = (struct live *)outbox;

    l->done = true;
    loop_stop(l->loop);
}

static int take_batch(struct live_socket *s, struct error *error)
{
    struct live *l = s->live;
    int count = port_receive(&s->port, l->batch, PORT_BATCH, error);

    for (int i = 0; i < count && !l->done; i++) {
        const uint8_t *bytes = l->batch->receipts[i].bytes;
        struct teredo_packet packet;
        struct observation o;

        observe_receipt(&l->batch->receipts[i], &o, &packet);
        o.socket = s->index;
        feed(l, &o, bytes, 0);
        carry_out_sends(l);
    }
    return count < 0 ? -1 : 0;
}

static int on_readable(void *context, struct pollfd ready, struct error *error)
{
    (void)ready;
    return take_batch(context, error);
}

static void feed_bare(struct live *l, enum observation_kind kind)
{
    struct observation o = {.kind = kind, .when = clock_now()};

    feed(l, &o, NULL, 0);
    carry_out_sends(l);
}

static int on_timer(void *context, struct error *error)
{
    struct live *l = context;

    for (unsigned i = 0; i < l->count; i++)
        if (l->sockets[i].port.kept_count > 0 && take_batch(&l->sockets[i], error) != 0)
            return -1;
    if (!l->done && engine_deadline(l->engine) <= clock_now())
        feed_bare(l, OBSERVED_TIMER);
    else
        l->timer.when = next_look(l);
    return 0;
}

static void on_stop(void *context)
{
    feed_bare(context, OBSERVED_STOP);
}

static void on_tick(void *context, enum loop_tick why)
{
    const struct live *l = context;
    struct waiting waiting;

    engine_waiting(l->engine, &waiting);
    l->tap->tick(l->tap->context, why, clock_now(), &waiting);
}

int live_run(struct live *l, struct engine *engine, const struct event_sink *sink,
             const struct live_tap *tap, struct error *error)
{
    l->outbox = (struct outbox){take_send, take_event, take_end};
    l->engine = engine;
    l->sink = sink;
    l->tap = tap;
    l->timer = (struct loop_timer){.when = NSEC_NEVER, .fired = on_timer, .context = l};
    loop_add_timer(l->loop, &l->timer);
    if (loop_on_stop(l->loop, on_stop, l, error) != 0)
        return -1;
    if (tap != NULL && tap->tick != NULL && loop_on_tick(l->loop, on_tick, l, error) != 0)
        return -1;
    for (unsigned i = 0; i < l->count; i++) {
        struct loop_watch watch = {.fd = l->sockets[i].port.fd,
                                   .events = POLLIN,
                                   .ready = on_readable,
                                   .context = &l->sockets[i]};

        if (loop_watch(l->loop, &watch, error) != 0)
            return -1;
    }
    feed_bare(l, OBSERVED_TIMER);
    return loop_run(l->loop, error);
}

void live_close(struct live *l)
{
    loop_free(l->loop);
    port_batch_free(l->batch);
    send_queue_clear(&l->sends);
    wire_stamps_close(l->stamps);
    for (unsigned i = 0; i < LIVE_MAX_SOCKETS; i++)
        port_close(&l->sockets[i].port);
    free(l);
}
