/* The hole punch, alone and behind a qualification: whatever happens, in whatever order, it ends
 * with one verdict, says "punched" only for an echo reply, or a bubble that answers a fresh one, of
 * a peer that had proven itself, and for an echo reply always; and sends little, and only to those
 * who are concerned. */
#include "trace.h"

#include "rig.h"

enum {
    /* A pair an attempt and one more direct bubble, and one beside each echo request. */
    MAX_BUBBLES = 3 * PUNCH_MAX_ATTEMPTS + PUNCH_MAX_ECHOES,
    /* These, the references, echoes, checks of the servers, and the qualification's. */
    MAX_SENDS = MAX_BUBBLES + 2 * PUNCH_MAX_ATTEMPTS + PUNCH_MAX_ECHOES + PUNCH_MAX_CHECKS +
                QUALIFY_SERVERS * QUALIFY_MAX_ATTEMPTS,
    MAX_TIMERS = 64 + PUNCH_MAX_CHECKS,
};

static const struct endpoint server = {0xc0000201, TEREDO_PORT};
static const struct endpoint secondary = {0xc0000202, TEREDO_PORT};
static const struct endpoint mapped = {0xcb00710a, 50001};
static const struct endpoint private = {0x0a000001, 40001};
static const struct endpoint locals[TRACE_SOCKETS] = {{0x64400102, 40001}, {0x64400102, 40003}};

/* What the target knows, from what was sent and delivered alone. */
static struct {
    struct endpoint server, peer_mapped, peer_server; /* our server: as qualified */
    struct in6_addr own, peer;
    bool allow_private;
    unsigned bubbles, echoes, sends, verdicts, qualifications;
    struct {
        struct in6_addr source;
        bool has_nonce;
        uint32_t nonce;
        bool asks; /* to be answered by a peer that is reached (RFC 6081 5.7) */
    } bubble[MAX_BUBBLES];
    struct {
        uint16_t id, sequence;
        uint8_t data[PUNCH_ECHO_DATA];
    } echo[PUNCH_MAX_ECHOES];
    struct endpoint proven[RIG_MAX_STEPS]; /* who has sent a proof */
    unsigned proven_count;
    bool echoed;  /* the packet just delivered is a right echo reply */
    bool crossed; /* a bubble came that may answer one that asks */
} seen;

static bool is_proven(struct endpoint e)
{
    for (unsigned i = 0; i < seen.proven_count; i++)
        if (endpoint_equal(seen.proven[i], e))
            return true;
    return false;
}

/* Our Teredo address; behind a symmetric NAT also the one that the peer's server relays to. */
static bool is_ours(const struct in6_addr *address)
{
    struct teredo_addr parts;

    return ip6_equal(address, &seen.own) ||
           (teredo_addr_decode(address, &parts) && parts.server == seen.peer_server.address &&
            !ip6_equal(address, &seen.peer));
}

static void note_echo(const struct send_request *send, const struct teredo_packet *p)
{
    HOLDS(is_proven(send->to));
    HOLDS(seen.echoes < PUNCH_MAX_ECHOES && p->icmp6.echo.size == PUNCH_ECHO_DATA);
    HOLDS(is_ours(&p->ip6.source));
    seen.echo[seen.echoes].id = p->icmp6.echo.id;
    seen.echo[seen.echoes].sequence = p->icmp6.echo.sequence;
    memcpy(seen.echo[seen.echoes++].data, p->icmp6.echo.data, PUNCH_ECHO_DATA);
}

/* What shows whether the peer's server lives: an echo request to it, and a bubble that it is to
 * relay to ourselves (RFC 4380 5.3.1). */
static bool is_check(const struct send_request *send, const struct teredo_packet *p)
{
    return endpoint_equal(send->to, seen.peer_server) &&
           ((p->kind == TEREDO_ECHO_REQUEST && ip6_is_link_local(&p->ip6.destination)) ||
            (p->kind == TEREDO_BUBBLE && ip6_same_interface(&p->ip6.source, &p->ip6.destination)));
}

static void note_bubble(const struct teredo_packet *p)
{
    uint8_t type;

    if (seen.bubbles == MAX_BUBBLES)
        abort();
    seen.bubble[seen.bubbles].source = p->ip6.source;
    seen.bubble[seen.bubbles].has_nonce = teredo_trailer_nonce(p, &seen.bubble[seen.bubbles].nonce);
    seen.bubble[seen.bubbles].asks = teredo_trailer_nd(p, &type);
    seen.bubbles++;
}

static void sending(const struct send_request *send, const struct teredo_packet *p)
{
    HOLDS(p != NULL && ++seen.sends <= MAX_SENDS);
    if (p->kind == TEREDO_RS) {
        HOLDS(endpoint_equal(send->to, server) || endpoint_equal(send->to, secondary) ||
              endpoint_equal(send->to, seen.peer_server));
        return;
    }
    if (is_check(send, p))
        return;
    HOLDS(ip6_equal(&p->ip6.destination, &seen.peer));
    /* To a peer that is trusted whatever its address (RFC 4380 5.2.4 case 1). */
    if (p->kind == TEREDO_ECHO_REQUEST) {
        note_echo(send, p);
        return;
    }
    /* Case 5. */
    HOLDS(p->kind == TEREDO_BUBBLE);
    HOLDS(is_proven(send->to) || ((seen.allow_private || ip4_is_global_unicast(send->to.address)) &&
                                  (endpoint_equal(send->to, seen.peer_mapped) ||
                                   endpoint_equal(send->to, seen.peer_server))));
    if (send->socket != 0)
        return;
    HOLDS(ip6_is_link_local(&p->ip6.source) || is_ours(&p->ip6.source));
    note_bubble(p);
}

/* For one of the addresses that we have sent from, and whether it proves that the peer has sent it
 * (RFC 4380 5.2.3, RFC 6081). */
static bool is_for_us(const struct observation *o, bool *proof)
{
    const struct in6_addr *to = &o->packet->ip6.destination;
    bool for_us = ip6_equal(to, &seen.own);
    uint32_t nonce;
    bool has_nonce = teredo_trailer_nonce(o->packet, &nonce);

    *proof = endpoint_equal(o->from, seen.peer_mapped);
    for (unsigned i = 0; i < seen.bubbles; i++) {
        for_us = for_us || ip6_equal(to, &seen.bubble[i].source);
        *proof = *proof ||
                 (has_nonce && seen.bubble[i].has_nonce && nonce == seen.bubble[i].nonce) ||
                 (ip6_is_link_local(to) && ip6_equal(to, &seen.bubble[i].source));
    }
    return for_us && seen.bubbles > 0;
}

/* Whether a bubble of the peer may answer one of ours that asks. */
static bool may_answer(const struct teredo_packet *p)
{
    uint32_t nonce;
    uint8_t type;

    if (p->kind != TEREDO_BUBBLE)
        return false;
    if (teredo_trailer_nd(p, &type) && type == ND_TRAILER_ADVERTISEMENT)
        return true;
    for (unsigned i = 0; i < seen.bubbles && teredo_trailer_nonce(p, &nonce); i++)
        if (seen.bubble[i].asks && seen.bubble[i].has_nonce && seen.bubble[i].nonce == nonce)
            return true;
    return false;
}

static void receiving(const struct observation *o)
{
    const struct teredo_packet *p = o->packet;
    bool proof;

    seen.echoed = false;
    if (p == NULL || o->socket != 0 || !ip6_equal(&p->ip6.source, &seen.peer) ||
        endpoint_equal(o->from, seen.server) || !is_for_us(o, &proof))
        return;
    if (proof)
        seen.proven[seen.proven_count++] = o->from;
    for (unsigned i = 0; i < seen.echoes && p->kind == TEREDO_ECHO_REPLY; i++)
        if (p->icmp6.echo.id == seen.echo[i].id &&
            p->icmp6.echo.sequence == seen.echo[i].sequence &&
            p->icmp6.echo.size == PUNCH_ECHO_DATA &&
            memcmp(p->icmp6.echo.data, seen.echo[i].data, PUNCH_ECHO_DATA) == 0)
            seen.echoed = true;
    seen.crossed = seen.crossed || may_answer(p);
}

static void check_verdict(const struct punching *v)
{
    const struct step_report *answer = &v->steps[STEP_ANSWER], *data = &v->steps[STEP_DATA];

    HOLDS(seen.verdicts++ == 0);
    HOLDS(v->elapsed >= 0 && v->rtt >= 0 && v->attempts <= PUNCH_MAX_ATTEMPTS);
    HOLDS(v->verdict == PUNCH_PUNCHED || !seen.echoed);
    HOLDS(v->verdict != PUNCH_PUNCHED || seen.echoed || seen.crossed);
    HOLDS(v->verdict != PUNCH_PUNCHED || v->cause == CAUSE_NONE ||
          v->cause == CAUSE_PEER_REMAPPED || v->cause == CAUSE_PEER_NAT_TRIPS);
    HOLDS(v->verdict == PUNCH_PUNCHED ||
          (v->cause != CAUSE_NONE && v->cause != CAUSE_PEER_REMAPPED));
    HOLDS((answer->state == STEP_RECEIVED) == (v->proof != PROOF_NONE));
    HOLDS(answer->state != STEP_RECEIVED || is_proven(v->answered_from));
    /* A bubble may have crossed before it was interrupted. */
    HOLDS((data->state == STEP_RECEIVED) == (v->verdict == PUNCH_PUNCHED) ||
          v->cause == CAUSE_INTERRUPTED);
    if (v->verdict == PUNCH_PUNCHED) {
        HOLDS(answer->state == STEP_RECEIVED && data->when >= answer->when);
        HOLDS((v->cause == CAUSE_NONE) == endpoint_equal(v->answered_from, seen.peer_mapped));
    }
    HOLDS(text_of(&punch_causes, v->cause)[0] != '\0' &&
          code_of(&punch_causes, v->cause)[0] != '\0');
}

static void told(const struct event *e)
{
    if (e->kind == EVENT_PUNCHING)
        check_verdict(&e->punching);
    if (e->kind == EVENT_QUALIFICATION) {
        HOLDS(seen.qualifications++ == 0 && seen.verdicts == 0);
        seen.own = e->qualification.teredo_address;
        seen.server = e->qualification.server;
    }
}

static struct in6_addr address_of(uint32_t server_address, struct endpoint mapped_endpoint)
{
    struct teredo_addr a = {.prefix = TEREDO_PREFIX,
                            .server = server_address,
                            .flags = 0x0c21,
                            .mapped = mapped_endpoint};
    struct in6_addr address;

    teredo_addr_encode(&a, &address);
    return address;
}

static void choose_peer(struct reader *r)
{
    static const struct endpoint peers[] = {
        {0xc6336414, 40001}, {0xc6336414, 40001}, {0x0a000001, 40001},
        {0xc6336414, 0},     {0xcb00710a, 50001},
    };
    uint8_t byte = reader_u8(r);

    seen.peer_mapped = peers[(byte & 7) < 5 ? byte & 7 : 0];
    seen.peer_server = (byte & 8) != 0 ? server : (struct endpoint){0xc0000281, TEREDO_PORT};
    seen.peer = address_of(seen.peer_server.address, seen.peer_mapped);
    seen.allow_private = (byte & 16) != 0;
}

static void choose_cast(struct rig *g)
{
    const struct endpoint cast[8] = {server,           secondary,      seen.peer_mapped,
                                     seen.peer_server, private,        {0xc6336414, 40002},
                                     mapped,           {0xcb007163, 9}};
    const struct in6_addr names[8] = {
        seen.own,
        seen.peer,
        seen.own,
        seen.peer,
        teredo_rs_source,
        {.s6_addr = {0xfe, 0x80, [8] = 0x80, [15] = 1}},
        address_of(server.address, (struct endpoint){0xc6336414, 40002}),
        {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
    };

    memcpy(g->cast, cast, sizeof cast);
    memcpy(g->names, names, sizeof names);
}

static void choose_config(struct trace_config *c, struct reader *r)
{
    choose_peer(r);
    seen.own = address_of(server.address, mapped);
    seen.server = server;
    *c = (struct trace_config){
        .qualify = {.server = server,
                    .secondary = secondary,
                    .local = locals[0],
                    .timeout = (1 + reader_u8(r)) * 20 * NSEC_MS,
                    .attempts = 1 + reader_u8(r) % QUALIFY_MAX_ATTEMPTS,
                    .flags = 0x0c21,
                    .allow_private = seen.allow_private},
        .punch = {.own = seen.own,
                  .peer = seen.peer,
                  .server = server,
                  .local = locals[0],
                  .mapped = mapped,
                  .own_nat = (enum qualify_nat)(reader_u8(r) % (QUALIFY_NAT_SYMMETRIC + 1)),
                  .server_rtt = reader_u8(r) * 10 * NSEC_MS,
                  .ask = (enum punch_ask)(reader_u8(r) % (PUNCH_ASK_ENDPOINT + 1)),
                  .attempts = reader_u8(r) % (PUNCH_MAX_ATTEMPTS + 2),
                  .ttl = reader_u8(r) % 4,
                  .allow_private = seen.allow_private,
                  .reference_ttl = reader_u8(r) % 3,
                  .server_port = TEREDO_PORT},
        .qualified = true,
    };
    c->qualify.nonces.key[0] = c->punch.nonces.key[1] = reader_u8(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct trace trace;
    static struct rig g;
    struct trace_config config;
    uint8_t how;

    memset(&seen, 0, sizeof seen);
    memset(&g, 0, sizeof g);
    g.in = reader_of(data, size);
    choose_config(&config, &g.in);
    choose_cast(&g);
    how = reader_u8(&g.in);
    config.qualified = (how & 1) != 0;
    g.engine = (how & 2) != 0 ? &trace.punch.engine : &trace.engine;
    g.local = locals;
    g.sockets = TRACE_SOCKETS;
    g.prompt = rig_coin(&g);
    g.sending = sending;
    g.told = told;
    g.receiving = receiving;
    HOLDS(trace_init(&trace, &config) && punch_init(&trace.punch, &config.punch));
    rig_run(&g, MAX_TIMERS);
    HOLDS(seen.verdicts == 1);
    return 0;
}
