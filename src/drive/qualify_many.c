#include "qualify_many.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "entropy.h"
#include "loop.h"
#include "lru_set.h"
#include "observe.h"
#include "qualify_many_names.h"
#include "send_queue.h"

enum {
    SLOTS = 2048,           /* engines at work */
    NONCES = 1 << 16,       /* remembered: also late answers find whose they are */
    CATCH_UP = 5 * NSEC_MS, /* what a late wake-up may send at once */
};

/* What is looked for often; the engines themselves are large. */
struct slot {
    size_t number; /* of the server, from 1; 0 = free */
    nsec deadline; /* NSEC_NEVER for a free one */
    struct endpoint servers[QUALIFY_SERVERS];
    struct qualify *engine;
};

struct qualify_many {
    struct outbox outbox; /* of the engine that observes at the moment */
    struct slot *current; /* which has this slot */
    struct send_queue sends;
    struct loop *loop;
    struct loop_timer timer;
    struct names *resolver;
    struct port port;
    struct route route;
    const struct qualify_many_config *config;
    const struct event_sink *sink;
    const struct live_tap *tap;
    struct qualify_many_summary summary;
    struct nonce_source nonces;
    struct lru_set *owners; /* nonce to the number of its server */
    struct slot slots[SLOTS];
    unsigned slot_count; /* with an engine */
    unsigned busy;
    struct qualify_many_names names;
    nsec interval; /* from packet to packet */
    nsec send_at;  /* when the next may go */
    nsec latest;
    nsec started;
    bool stopped;
    struct port_batch *batch;
};

struct qualify_many *qualify_many_open(uint16_t port, struct error *error)
{
    struct port_config config = {.use = PORT_CLIENT, .local.port = port};
    struct qualify_many *s = calloc(1, sizeof *s);

    if (s == NULL) {
        error_set(error, EX_OSERR, ENOMEM, "cannot start");
        return NULL;
    }
    s->port.fd = -1;
    route_open(&s->route);
    if ((s->batch = port_batch_new(PORT_DATAGRAM, error)) == NULL ||
        (s->loop = loop_new(error)) == NULL || (s->resolver = names_new(s->loop, error)) == NULL ||
        port_open(&s->port, &config, error) != 0) {
        qualify_many_close(s);
        return NULL;
    }
    return s;
}

static nsec tick(struct qualify_many *s, nsec when)
{
    return s->latest = nsec_max(when, s->latest);
}

static void tell(struct qualify_many *s, size_t number, const struct qualification *q)
{
    struct event e = {.kind = EVENT_QUALIFICATION, .when = s->latest, .qualification = *q};

    e.qualification.name = s->config->names[number - 1];
    e.qualification.number = number;
    s->summary.verdicts[q->verdict]++;
    s->summary.bad_names +=
        q->reason == QUALIFY_NAME_NOT_FOUND || q->reason == QUALIFY_NAME_MALFORMED;
    s->summary.solicitations += q->solicitations;
    s->sink->emit(s->sink->context, &e);
}

static void see(struct qualify_many *s, struct observation *o, const uint8_t *bytes, uint8_t ttl)
{
    o->when = tick(s, o->when);
    if (s->tap != NULL)
        s->tap->see(s->tap->context, o, bytes, ttl);
}

static void take_send(struct outbox *outbox, const struct send_request *request)
{
    send_queue_add(&((struct qualify_many *)outbox)->sends, request);
}

static void take_event(struct outbox *outbox, const struct event *event)
{
    struct qualify_many *s = (struct qualify_many *)outbox;

    if (event->kind == EVENT_QUALIFICATION)
        tell(s, s->current->number, &event->qualification);
    else
        s->sink->emit(s->sink->context, event);
}

static void take_end(struct outbox *outbox)
{
    struct qualify_many *s = (struct qualify_many *)outbox;

    s->current->number = 0;
    s->busy--;
}

static void carry_out(struct qualify_many *s, size_t number, const struct send_request *send)
{
    struct teredo_packet packet;
    struct observation o;

    observe_send(&s->port, send, &o, &packet);
    if (o.packet != NULL) {
        uint32_t nonce[2], *owner;

        memcpy(nonce, packet.auth.nonce, sizeof nonce);
        if ((owner = lru_set_add(s->owners, nonce)) != NULL)
            *owner = (uint32_t)number;
    }
    s->send_at = nsec_max(s->send_at, s->latest - CATCH_UP) + s->interval;
    see(s, &o, o.errnum == 0 ? send->bytes : NULL, send->ttl);
    engine_observe(&s->current->engine->engine, &o, &s->outbox);
}

static void feed(struct qualify_many *s, struct slot *slot, const struct observation *o)
{
    struct queued_send *send;
    size_t number = slot->number;

    s->current = slot;
    engine_observe(&slot->engine->engine, o, &s->outbox);
    while ((send = send_queue_take(&s->sends)) != NULL) {
        carry_out(s, number, &send->request);
        free(send);
    }
    slot->deadline = slot->number == 0 ? NSEC_NEVER : engine_deadline(&slot->engine->engine);
}

static bool has_solicited(const struct slot *slot, struct endpoint e)
{
    return slot->number != 0 &&
           (endpoint_equal(slot->servers[0], e) || endpoint_equal(slot->servers[1], e));
}

/* The server that a packet's nonce was made for; 0 = none. */
static size_t find_owner(const struct qualify_many *s, const struct observation *o)
{
    uint32_t nonce[2];
    const uint32_t *owner;

    if (o->packet == NULL || !o->packet->has_auth)
        return 0;
    memcpy(nonce, o->packet->auth.nonce, sizeof nonce);
    owner = lru_set_find(s->owners, nonce);
    return owner == NULL ? 0 : *owner;
}

static void route(struct qualify_many *s, const struct observation *o)
{
    struct endpoint server = o->kind == OBSERVED_ICMP_ERROR ? o->to : o->from;
    size_t owner = o->kind == OBSERVED_ICMP_ERROR ? 0 : find_owner(s, o);

    for (unsigned i = 0; i < s->slot_count; i++)
        if (owner != 0 ? s->slots[i].number == owner : has_solicited(&s->slots[i], server))
            feed(s, &s->slots[i], o);
}

static int take_packets(struct qualify_many *s, struct error *error)
{
    int count = port_receive(&s->port, s->batch, PORT_BATCH, error);

    for (int i = 0; i < count; i++) {
        const uint8_t *bytes = s->batch->receipts[i].bytes;
        struct teredo_packet packet;
        struct observation o;

        observe_receipt(&s->batch->receipts[i], &o, &packet);
        see(s, &o, bytes, 0);
        route(s, &o);
    }
    return count < 0 ? -1 : 0;
}

static bool add_slot(struct qualify_many *s)
{
    struct qualify *engine = malloc(sizeof *engine);

    if (engine != NULL)
        s->slots[s->slot_count++] = (struct slot){.deadline = NSEC_NEVER, .engine = engine};
    return engine != NULL;
}

/* A free slot, or NULL. */
static struct slot *find_slot(struct qualify_many *s)
{
    if (s->busy < s->slot_count) {
        struct slot *slot = s->slots;

        while (slot->number != 0)
            slot++;
        return slot;
    }
    return s->slot_count < SLOTS && add_slot(s) ? &s->slots[s->slot_count - 1] : NULL;
}

/* Starts the next server whose endpoint is known; false if there is none, or no slot for it. */
static bool start_next(struct qualify_many *s)
{
    struct slot *slot = find_slot(s);
    struct qualify_config config = s->config->common;
    struct observation now = {.kind = OBSERVED_TIMER, .when = s->latest};
    size_t number;

    if (slot == NULL || !qualify_many_names_next(&s->names, &number, &config.server))
        return false;
    config.secondary = (struct endpoint){config.server.address + 1, config.server.port};
    config.local = (struct endpoint){route_source(&s->route, config.server), s->port.local.port};
    nonce_take(&s->nonces, &config.flags, sizeof config.flags);
    config.flags &= TEREDO_FLAGS_RANDOM;
    nonce_take(&s->nonces, config.nonces.key, sizeof config.nonces.key);
    config.nonces.counter = 0;
    slot->number = number;
    slot->servers[0] = config.server;
    slot->servers[1] = config.secondary;
    s->busy++;
    qualify_init(slot->engine, &config);
    feed(s, slot, &now);
    return true;
}

static void name_failed(void *context, size_t number, enum names_outcome outcome)
{
    static const enum qualify_reason reasons[] = {
        [NAMES_MALFORMED] = QUALIFY_NAME_MALFORMED,
        [NAMES_NOT_FOUND] = QUALIFY_NAME_NOT_FOUND,
        [NAMES_NO_ADDRESS] = QUALIFY_NAME_NO_ADDRESS,
        [NAMES_FAILED] = QUALIFY_RESOLVER_FAILED,
    };
    struct qualification q = {.verdict = QUALIFY_NOT_QUALIFIED,
                              .reason = reasons[outcome],
                              .evidence = UINT32_C(1) << QUALIFY_EVIDENCE_NAME};

    if (outcome == NAMES_FAILED)
        q.verdict = QUALIFY_INCONCLUSIVE;
    tell(context, number, &q);
}

/* The work is done by the timer: this may be called from within. */
static void name_answered(void *context)
{
    struct qualify_many *s = context;

    s->timer.when = s->latest;
}

static bool may_send(const struct qualify_many *s)
{
    return s->latest >= s->send_at;
}

/* The slot whose time comes first, or NULL. */
static struct slot *first_due(struct qualify_many *s)
{
    struct slot *first = NULL;

    for (unsigned i = 0; i < s->slot_count; i++)
        if (s->slots[i].number != 0 && (first == NULL || s->slots[i].deadline < first->deadline))
            first = &s->slots[i];
    return first;
}

static bool is_over(const struct qualify_many *s)
{
    return s->busy == 0 && (s->stopped || qualify_many_names_are_over(&s->names));
}

/* Does all that is due and sets the timer to what is next. What is under way goes before what is
 * still to be begun. */
static int work(struct qualify_many *s, struct error *error)
{
    nsec wake = NSEC_NEVER;
    struct slot *due;

    tick(s, clock_now());
    if (s->port.kept_count > 0 && take_packets(s, error) != 0)
        return -1;
    while (may_send(s) && (due = first_due(s)) != NULL && due->deadline <= s->latest) {
        feed(s, due, &(struct observation){.kind = OBSERVED_TIMER, .when = s->latest});
        if (take_packets(s, error) != 0)
            return -1;
        tick(s, clock_now());
    }
    if (!s->stopped)
        qualify_many_names_look_up(&s->names);
    while (!s->stopped && may_send(s) && start_next(s)) {
        if (take_packets(s, error) != 0)
            return -1;
        tick(s, clock_now());
        qualify_many_names_look_up(&s->names);
    }
    if (is_over(s)) {
        loop_stop(s->loop);
        return 0;
    }
    if ((due = first_due(s)) != NULL)
        wake = nsec_max(due->deadline, s->send_at);
    if (!s->stopped && s->busy < SLOTS && !may_send(s))
        wake = nsec_min(wake, s->send_at);
    /* Errors that a send has met wait in the port, where no poll sees them. */
    s->timer.when = s->port.kept_count > 0 ? s->latest : wake;
    return 0;
}

static int on_timer(void *context, struct error *error)
{
    return work(context, error);
}

static int on_readable(void *context, struct pollfd ready, struct error *error)
{
    (void)ready;
    return take_packets(context, error) != 0 ? -1 : work(context, error);
}

static void on_stop(void *context)
{
    struct qualify_many *s = context;

    s->stopped = s->names.stopped = true;
    tick(s, clock_now());
    for (unsigned i = 0; i < s->slot_count; i++)
        if (s->slots[i].number != 0)
            feed(s, &s->slots[i], &(struct observation){.kind = OBSERVED_STOP, .when = s->latest});
    /* What is left to do is for the timer. */
    s->timer.when = s->latest;
}

static int prepare(struct qualify_many *s, struct error *error)
{
    struct loop_watch watch = {
        .fd = s->port.fd, .events = POLLIN, .ready = on_readable, .context = s};
    uint64_t seed;

    if (!entropy_fill(s->nonces.key, sizeof s->nonces.key, error) ||
        !entropy_fill(&seed, sizeof seed, error))
        return -1;
    s->owners = lru_set_new(TEREDO_NONCE_SIZE / sizeof(uint32_t), NONCES, seed);
    if (s->owners == NULL || !add_slot(s))
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    s->timer = (struct loop_timer){.when = NSEC_NEVER, .fired = on_timer, .context = s};
    loop_add_timer(s->loop, &s->timer);
    if (loop_on_stop(s->loop, on_stop, s, error) != 0)
        return -1;
    return loop_watch(s->loop, &watch, error);
}

int qualify_many_run(struct qualify_many *s, const struct qualify_many_config *config,
                     const struct event_sink *sink, const struct live_tap *tap, struct error *error)
{
    struct event e = {.kind = EVENT_QUALIFIED_MANY};
    struct qualify_many_summary *sum = &s->summary;
    int result;

    *sum = (struct qualify_many_summary){.servers = config->count};
    s->outbox = (struct outbox){take_send, take_event, take_end};
    s->config = config;
    s->sink = sink;
    s->tap = tap;
    s->interval = NSEC_S / config->rate;
    s->names = (struct qualify_many_names){
        .resolver = s->resolver,
        .list = config->names,
        .count = config->count,
        .default_port = config->default_port,
        .failed = name_failed,
        .answered = name_answered,
        .context = s,
    };
    if (prepare(s, error) != 0)
        return -1;
    s->started = s->send_at = tick(s, clock_now());
    s->timer.when = s->started;
    result = loop_run(s->loop, error);
    /* What came before a failure is told, and that it is all. */
    sum->elapsed = s->latest - s->started;
    sum->left = sum->servers - sum->verdicts[0] - sum->verdicts[1] - sum->verdicts[2];
    e.when = s->latest;
    e.qualified_many = *sum;
    sink->emit(sink->context, &e);
    return result;
}

void qualify_many_close(struct qualify_many *s)
{
    port_close(&s->port);
    route_close(&s->route);
    port_batch_free(s->batch);
    lru_set_free(s->owners);
    send_queue_clear(&s->sends);
    for (unsigned i = 0; i < s->slot_count; i++)
        free(s->slots[i].engine);
    names_free(s->resolver);
    loop_free(s->loop);
    free(s);
}
