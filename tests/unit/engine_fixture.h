/* A bench for engines: feeds observations, reports what the engine sends as SENT once observe has
 * returned, and records what it said and sent. */
#ifndef TESTS_ENGINE_FIXTURE_H
#define TESTS_ENGINE_FIXTURE_H

#include <stdlib.h>

#include "engine.h"
#include "hex.h"
#include "tap.h"

enum {
    BENCH_ROOM = 1024
};

/* Not at 0, which engines take for "not yet". */
#define BENCH_EPOCH (INT64_C(1000) * NSEC_S)

struct bench_send {
    unsigned socket;
    uint32_t tag;
    struct endpoint to;
    uint8_t ttl;
    size_t size;
    uint8_t bytes[TEREDO_MAX_SIZE];
};

struct bench {
    struct outbox outbox; /* that records */
    struct engine *engine;
    nsec now;
    bool done;
    bool mute; /* do not report SENT */
    struct endpoint local[2];
    struct bench_send sends[BENCH_ROOM];
    nsec sent_at[BENCH_ROOM];
    unsigned send_count, reported;
    struct event events[BENCH_ROOM];
    unsigned event_count;
    unsigned after_done; /* what was asked for behind the end: nothing may be */
};

static inline void bench_take_send(struct outbox *outbox, const struct send_request *r)
{
    struct bench *b = (struct bench *)outbox;
    struct bench_send *send = &b->sends[b->send_count];

    b->after_done += b->done;
    if (b->send_count == BENCH_ROOM || r->size > sizeof send->bytes)
        return;
    *send = (struct bench_send){r->socket, r->tag, r->to, r->ttl, r->size, {0}};
    memcpy(send->bytes, r->bytes, r->size);
    b->sent_at[b->send_count++] = b->now;
}

static inline void bench_take_event(struct outbox *outbox, const struct event *event)
{
    struct bench *b = (struct bench *)outbox;

    b->after_done += b->done;
    if (b->event_count < BENCH_ROOM)
        b->events[b->event_count++] = *event;
}

static inline void bench_take_end(struct outbox *outbox)
{
    struct bench *b = (struct bench *)outbox;

    b->after_done += b->done;
    b->done = true;
}

static inline void bench_observe(struct bench *b, struct observation o)
{
    b->outbox = (struct outbox){bench_take_send, bench_take_event, bench_take_end};
    o.when = b->now;
    engine_observe(b->engine, &o, &b->outbox);
    while (b->reported < b->send_count) {
        const struct bench_send *send = &b->sends[b->reported++];
        struct observation sent = {.kind = OBSERVED_SENT,
                                   .when = b->now,
                                   .socket = send->socket,
                                   .tag = send->tag,
                                   .from = b->local[send->socket],
                                   .to = send->to,
                                   .size = send->size};

        if (!b->mute)
            engine_observe(b->engine, &sent, &b->outbox);
    }
}

static inline void bench_start(struct bench *b, struct engine *engine, struct endpoint local)
{
    memset(b, 0, sizeof *b);
    b->engine = engine;
    b->now = BENCH_EPOCH;
    b->local[0] = b->local[1] = local;
    b->local[1].port += 2;
    bench_observe(b, (struct observation){.kind = OBSERVED_TIMER});
}

/* Fires the timers that are due until WHEN, which then is now. A timer that is always due is a loop
 * that would spin: it ends the run. */
static inline void bench_until(struct bench *b, nsec when)
{
    unsigned spins = 0;

    while (!b->done) {
        nsec deadline = engine_deadline(b->engine);

        if (deadline > when)
            break;
        spins = deadline > b->now ? 0 : spins + 1;
        if (spins > 1000) {
            ok(false, "a timer that has fired is not due any more");
            b->done = true;
        }
        if (deadline > b->now)
            b->now = deadline;
        bench_observe(b, (struct observation){.kind = OBSERVED_TIMER});
    }
    if (when > b->now)
        b->now = when;
}

static inline void bench_wait(struct bench *b, nsec time)
{
    bench_until(b, b->now + time);
}

/* To the end, or for a day. */
static inline void bench_finish(struct bench *b)
{
    nsec end = b->now + 86400 * NSEC_S;

    bench_until(b, end);
}

static inline void bench_bytes(struct bench *b, unsigned socket, struct endpoint from,
                               const uint8_t *data, size_t size)
{
    uint8_t *copy = exact_copy(data, size);
    struct teredo_packet p;
    struct observation o = {.kind = OBSERVED_RECEIVED,
                            .socket = socket,
                            .from = from,
                            .to = b->local[socket],
                            .size = size};

    if (teredo_decode(copy, size, &p, &o.fault))
        o.packet = &p;
    bench_observe(b, o);
    free(copy);
}

static inline void bench_packet(struct bench *b, unsigned socket, struct endpoint from,
                                const struct teredo_packet *p)
{
    uint8_t data[TEREDO_MAX_SIZE];
    struct writer w = writer_of(data, sizeof data);

    teredo_encode(&w, p);
    bench_bytes(b, socket, from, data, w.size);
}

static inline void bench_icmp(struct bench *b, unsigned socket, struct endpoint to, uint8_t type,
                              uint8_t code)
{
    bench_observe(b, (struct observation){.kind = OBSERVED_ICMP_ERROR,
                                          .socket = socket,
                                          .from = b->local[socket],
                                          .to = to,
                                          .icmp = {type, code, to.address},
                                          .quotes_sent = true});
}

/* One that quotes nothing of what was sent, as whoever has not seen it can make. */
static inline void bench_forged_icmp(struct bench *b, struct endpoint to, uint8_t code)
{
    bench_observe(b, (struct observation){.kind = OBSERVED_ICMP_ERROR,
                                          .from = b->local[0],
                                          .to = to,
                                          .icmp = {3, code, to.address}});
}

static inline void bench_send_failed(struct bench *b, uint32_t tag, struct endpoint to, int errnum)
{
    bench_observe(b, (struct observation){.kind = OBSERVED_SEND_FAILED,
                                          .tag = tag,
                                          .from = b->local[0],
                                          .to = to,
                                          .errnum = errnum});
}

static inline void bench_stop(struct bench *b)
{
    bench_observe(b, (struct observation){.kind = OBSERVED_STOP});
}

/* The last event of a kind; NULL if there was none. */
static inline const struct event *bench_event(const struct bench *b, enum event_kind kind)
{
    for (unsigned i = b->event_count; i > 0; i--)
        if (b->events[i - 1].kind == kind)
            return &b->events[i - 1];
    return NULL;
}

static inline unsigned bench_count(const struct bench *b, enum event_kind kind)
{
    unsigned n = 0;

    for (unsigned i = 0; i < b->event_count; i++)
        n += b->events[i].kind == kind;
    return n;
}

/* How many packets of a kind went to an endpoint. */
static inline unsigned bench_sent(const struct bench *b, struct endpoint to, enum teredo_kind kind)
{
    unsigned n = 0;

    for (unsigned i = 0; i < b->send_count; i++) {
        struct teredo_packet p;
        struct wire_fault fault;

        n += endpoint_equal(b->sends[i].to, to) &&
             teredo_decode(b->sends[i].bytes, b->sends[i].size, &p, &fault) && p.kind == kind;
    }
    return n;
}

/* The last packet that went to TO from SOCKET, decoded; it borrows from the bench. False if none.
 */
static inline bool bench_last_sent(const struct bench *b, unsigned socket, struct endpoint to,
                                   struct teredo_packet *out)
{
    struct wire_fault fault;

    for (unsigned i = b->send_count; i > 0; i--)
        if (b->sends[i - 1].socket == socket && endpoint_equal(b->sends[i - 1].to, to))
            return teredo_decode(b->sends[i - 1].bytes, b->sends[i - 1].size, out, &fault);
    return false;
}

/* Forgets what was sent and said so far. */
static inline void bench_forget(struct bench *b)
{
    b->send_count = b->reported = b->event_count = 0;
}

static inline struct in6_addr bench_teredo(uint32_t server, struct endpoint mapped)
{
    struct teredo_addr a = {
        .prefix = TEREDO_PREFIX, .server = server, .flags = 0x0c21, .mapped = mapped};
    struct in6_addr address;

    teredo_addr_encode(&a, &address);
    return address;
}

/* The server SERVER answers the last solicitation that socket 0 sent to FROM, with ORIGIN. */
static inline void bench_advertise(struct bench *b, struct endpoint server, struct endpoint from,
                                   struct endpoint origin)
{
    struct in6_addr source = teredo_link_local(TEREDO_FLAG_CONE, server);
    struct teredo_packet rs, ra;
    uint8_t body[TEREDO_RA_SIZE];

    if (!bench_last_sent(b, 0, from, &rs) || rs.kind != TEREDO_RS)
        abort();
    teredo_make_ra(&ra, &source, &rs.ip6.source, (struct teredo_advertised){server.address, 1280},
                   body);
    ra.has_auth = true;
    ra.auth = rs.auth;
    ra.has_origin = true;
    ra.origin = origin;
    bench_packet(b, 0, from, &ra);
}

#endif
