/* What the fuzz targets of engines share: the input says what an engine observes, step by step, in
 * time that only goes on. Packets are of the kinds that engines take, between a cast of endpoints
 * and addresses, and repeat what the engine has sent, so that crafted answers are right more often
 * than not. When the input ends only timers fire, and the engine must end as well. */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <errno.h>
#include <string.h>

#include "cursor.h"
#include "engine.h"
#include "fuzz.h"

enum {
    RIG_MEMORY = 64, /* packets sent that answers repeat */
    RIG_ECHO_DATA = 64,
    RIG_MAX_STEPS = 300,
};

struct rig_send {
    struct send_request request; /* its bytes are those that follow */
    uint8_t bytes[TEREDO_MAX_SIZE];
};

struct rig {
    struct outbox outbox;
    struct engine *engine;
    struct reader in;
    nsec now;
    bool done;
    bool prompt; /* each SEND is reported as SENT at once */
    const struct endpoint *local;
    unsigned sockets; /* of which the engine has `local` */
    struct endpoint cast[8];
    struct in6_addr names[8];
    struct rig_send sent[RIG_MEMORY]; /* the last ones */
    unsigned long send_count, reported;
    /* The target's own view of what happens; any may be NULL. */
    void (*sending)(const struct send_request *send, const struct teredo_packet *packet);
    void (*told)(const struct event *event);
    void (*receiving)(const struct observation *o);
};

static inline bool rig_coin(struct rig *g)
{
    return (reader_u8(&g->in) & 1) != 0;
}

static inline const struct send_request *rig_sent(const struct rig *g, unsigned long number)
{
    return &g->sent[number % RIG_MEMORY].request;
}

static inline void rig_take_send(struct outbox *outbox, const struct send_request *send)
{
    struct rig *g = (struct rig *)outbox;
    struct rig_send *kept = &g->sent[g->send_count++ % RIG_MEMORY];
    struct teredo_packet packet;
    struct wire_fault fault;
    bool teredo = teredo_decode(send->bytes, send->size, &packet, &fault);

    HOLDS(!g->done && send->size <= sizeof kept->bytes);
    HOLDS(send->socket < g->sockets && send->to.port != 0);
    if (g->sending != NULL)
        g->sending(send, teredo ? &packet : NULL);
    kept->request = *send;
    kept->request.bytes = kept->bytes;
    memcpy(kept->bytes, send->bytes, send->size);
}

static inline void rig_take_event(struct outbox *outbox, const struct event *event)
{
    const struct rig *g = (const struct rig *)outbox;

    HOLDS(!g->done && event->when == g->now);
    if (g->told != NULL)
        g->told(event);
}

static inline void rig_take_end(struct outbox *outbox)
{
    struct rig *g = (struct rig *)outbox;

    HOLDS(!g->done);
    g->done = true;
}

static inline void rig_feed(struct rig *g, const struct observation *o)
{
    g->outbox = (struct outbox){rig_take_send, rig_take_event, rig_take_end};
    engine_observe(g->engine, o, &g->outbox);
    /* Whoever has not ended waits for something. */
    HOLDS((engine_deadline(g->engine) == NSEC_NEVER) == g->done);
}

static inline void rig_report(struct rig *g, int errnum)
{
    const struct send_request *send = rig_sent(g, g->reported++);

    rig_feed(g, &(struct observation){.kind = errnum == 0 ? OBSERVED_SENT : OBSERVED_SEND_FAILED,
                                      .when = g->now,
                                      .socket = send->socket,
                                      .tag = send->tag,
                                      .from = g->local[send->socket],
                                      .to = send->to,
                                      .size = send->size,
                                      .errnum = errnum});
}

static inline void rig_observe(struct rig *g, struct observation o)
{
    if (g->done)
        return;
    o.when = g->now;
    rig_feed(g, &o);
    /* What is older than the memory was never reported. */
    if (g->send_count - g->reported > RIG_MEMORY)
        g->reported = g->send_count - RIG_MEMORY;
    while (g->prompt && !g->done && g->reported < g->send_count)
        rig_report(g, 0);
}

static inline void rig_timer(struct rig *g, nsec late)
{
    nsec deadline = engine_deadline(g->engine);

    if (!g->done && deadline != NSEC_NEVER)
        g->now = nsec_max(g->now, deadline) + late;
    rig_observe(g, (struct observation){.kind = OBSERVED_TIMER});
}

static inline struct endpoint rig_endpoint(struct rig *g)
{
    return g->cast[reader_u8(&g->in) % 8];
}

/* An address of the cast, or of a packet that was sent. */
static inline struct in6_addr rig_name(struct rig *g, const struct teredo_packet *like)
{
    uint8_t byte = reader_u8(&g->in);

    if (like != NULL && byte >= 0x80)
        return (byte & 1) != 0 ? like->ip6.source : like->ip6.destination;
    return g->names[byte % 8];
}

static inline bool rig_is_echo(const struct teredo_packet *p)
{
    return (p->kind == TEREDO_ECHO_REQUEST || p->kind == TEREDO_ECHO_REPLY) &&
           p->icmp6.echo.size <= RIG_ECHO_DATA;
}

/* An answer to LIKE, which may be NULL, or something of its own. */
static inline size_t rig_make_packet(struct rig *g, const struct teredo_packet *like, uint8_t *out)
{
    struct in6_addr source = rig_name(g, like), destination = rig_name(g, like);
    uint8_t kind = reader_u8(&g->in), extras = reader_u8(&g->in);
    uint8_t body[TEREDO_RA_SIZE + RIG_ECHO_DATA], nonce[4], echo[RIG_ECHO_DATA];
    struct teredo_packet p;
    struct writer w = writer_of(out, TEREDO_MAX_SIZE);
    uint32_t theirs = 0;

    /* Without something to answer, others of the same kind. */
    kind %= 8;
    if (kind == 0 && (like == NULL || !rig_is_echo(like)))
        kind = 3;
    if (kind == 4 && like == NULL)
        kind = 7;
    switch (kind) {
    case 0: /* and a little beside it */
        memcpy(echo, like->icmp6.echo.data, like->icmp6.echo.size);
        echo[0] ^= extras >> 4 & 1;
        teredo_make_echo(&p, &source, &destination,
                         &(struct teredo_echo){ICMP6_TYPE_ECHO_REPLY,
                                               like->icmp6.echo.id ^ (extras >> 5 & 1),
                                               like->icmp6.echo.sequence ^ (extras >> 6 & 1), echo,
                                               like->icmp6.echo.size},
                         body);
        break;
    case 1:
        teredo_make_ra(&p, &source, &destination,
                       (struct teredo_advertised){rig_endpoint(g).address, 1280}, body);
        break;
    case 2:
        teredo_make_echo(&p, &source, &destination,
                         &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, extras, kind, "ping", 4},
                         body);
        break;
    case 3:
        teredo_make_rs(&p, &source, body);
        break;
    case 4: /* what was sent, from where it went */
        p = *like;
        p.has_auth = false;
        break;
    default:
        teredo_make_bubble(&p, &source, &destination);
    }
    if ((extras & 1) != 0 && like != NULL && like->has_auth)
        teredo_add_auth_nonce(&p, like->auth.nonce);
    if ((extras & 2) != 0) {
        p.has_origin = true;
        p.origin = rig_endpoint(g);
    }
    if ((extras & 4) != 0 && p.trailer_count == 0) {
        if (like == NULL || !teredo_trailer_nonce(like, &theirs) || (extras & 8) != 0)
            theirs = reader_u32(&g->in);
        teredo_add_nonce_trailer(&p, theirs, nonce);
    }
    teredo_encode(&w, &p);
    HOLDS(!w.failed);
    if (extras >= 0xe0)
        out[reader_u8(&g->in) % w.size] ^= reader_u8(&g->in);
    return w.size;
}

static inline void rig_receive(struct rig *g)
{
    uint8_t made[TEREDO_MAX_SIZE], back = reader_u8(&g->in), *copy;
    struct observation o = {.kind = OBSERVED_RECEIVED};
    struct teredo_packet like, packet;
    struct wire_fault fault;
    bool has_like = false;

    if (g->send_count > 0) {
        unsigned long memory = g->send_count < RIG_MEMORY ? g->send_count : RIG_MEMORY;
        const struct send_request *send = rig_sent(g, g->send_count - 1 - (back & 0xf) % memory);

        has_like = teredo_decode(send->bytes, send->size, &like, &fault);
        o.socket = send->socket;
        o.from = send->to;
    }
    if ((back & 0x10) != 0)
        o.socket = reader_u8(&g->in) % g->sockets;
    if ((back & 0x20) != 0 || g->send_count == 0)
        o.from = rig_endpoint(g);
    o.to = g->local[o.socket];
    o.size = rig_make_packet(g, has_like ? &like : NULL, made);
    /* Of just its size, so that reading beyond it shows. */
    if ((copy = malloc(o.size)) == NULL)
        return;
    memcpy(copy, made, o.size);
    if (teredo_decode(copy, o.size, &packet, &o.fault))
        o.packet = &packet;
    if (g->receiving != NULL && !g->done)
        g->receiving(&o);
    rig_observe(g, o);
    free(copy);
}

static inline void rig_step(struct rig *g)
{
    static const int errors[] = {ENETUNREACH, EPERM, ENOBUFS, EHOSTUNREACH};
    uint8_t byte = reader_u8(&g->in);

    switch (byte & 7) {
    case 0:
    case 1:
        rig_timer(g, byte >> 3);
        break;
    case 2: /* a timer that nobody asked for */
        g->now += (nsec)(byte >> 3) * 10 * NSEC_MS;
        rig_observe(g, (struct observation){.kind = OBSERVED_TIMER});
        break;
    case 3:
        if (g->reported < g->send_count && !g->done)
            rig_report(g, byte >= 0xe0 ? errors[byte >> 3 & 3] : 0);
        break;
    case 4: {
        struct endpoint to = rig_endpoint(g);
        uint8_t type = reader_u8(&g->in);

        rig_observe(g, (struct observation){
                           .kind = OBSERVED_ICMP_ERROR,
                           .socket = (byte >> 3) % g->sockets,
                           .from = g->local[(byte >> 3) % g->sockets],
                           .to = to,
                           .icmp = {(type & 1) != 0 ? 3 : 11, type >> 4, rig_endpoint(g).address},
                           .quotes_sent = (type & 2) != 0});
        break;
    }
    case 5:
        if (byte == 0xfd)
            rig_observe(g, (struct observation){.kind = OBSERVED_STOP});
        g->now += (nsec)(byte >> 3) * NSEC_MS;
        break;
    default:
        g->now += (nsec)(byte >> 3) * NSEC_MS;
        rig_receive(g);
    }
}

/* The whole run: at most TIMERS deadlines pass after the input has ended. */
static inline void rig_run(struct rig *g, unsigned timers)
{
    g->now = 1000 * NSEC_S;
    rig_observe(g, (struct observation){.kind = OBSERVED_TIMER});
    for (unsigned i = 0; i < RIG_MAX_STEPS && !g->done && reader_left(&g->in) > 0; i++)
        rig_step(g);
    for (unsigned i = 0; i < timers && !g->done; i++)
        rig_timer(g, 0);
    HOLDS(g->done);
    /* Late packets change nothing any more. */
    rig_feed(g, &(struct observation){.kind = OBSERVED_TIMER, .when = g->now});
}

#endif
