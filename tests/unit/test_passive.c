/* The analysis of captured punches, on what clients in the field do. Pairs of NATs: tests/scenario.
 */
#include <inttypes.h>

#include "engine_fixture.h"
#include "passive.h"
#include "passive_verdict.h"
#include "server.h"

/* A client A inside its NAT, its mapping, its server; the same of B; a relay. */
static const struct endpoint a_inside = {0xc0a80105, 40001}, a_outside = {0xcb00710a, 40001};
static const struct endpoint b_inside = {0xc0a80207, 50002}, b_outside = {0xc6336414, 50002};
static const struct endpoint server_a = {0xc0000201, 3544}, server_b = {0xc0000281, 3544};
static const struct endpoint other_a = {0xc0000202, 3544}, relay = {0xc0586301, 3545};

enum {
    INSIDE_TTL = 128, /* Windows' */
    FAR_TTL = 115
};

struct rig {
    struct passive *engine;
    struct bench *b;
    struct in6_addr a, peer, native, link_local;
    unsigned vantage;
    bool filtered;
};

static struct in6_addr teredo(struct endpoint mapped, struct endpoint server)
{
    struct teredo_addr t = {TEREDO_PREFIX, server.address, 0x1234, mapped};
    struct in6_addr address;

    teredo_addr_encode(&t, &address);
    return address;
}

static struct rig passive_rig_with(struct passive_config config)
{
    static struct bench bench;
    struct rig e = {.b = &bench,
                    .a = teredo(a_outside, server_a),
                    .peer = teredo(b_outside, server_b),
                    .native = {.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = 9}},
                    .link_local = {.s6_addr = {0xfe, 0x80, [8] = 0x77, 1, 2, 3, 4, 5, 6, 7}}};

    config.seed = 1;
    config.settle = 250 * NSEC_MS;
    if (config.vantages == 0)
        config.vantages = 1;
    e.engine = passive_new(&config);
    if (e.engine == NULL)
        abort();
    return e;
}

static struct rig passive_rig_new(void)
{
    return passive_rig_with((struct passive_config){0});
}

/* E has to be at its place already. */
static void begin(struct rig *e)
{
    bench_start(e->b, passive_engine(e->engine), a_inside);
    if (e->filtered)
        return;
    /* What is none of IPv4: a capture that was not filtered shows some, sooner or later. */
    for (unsigned i = 0; i < PASSIVE_VANTAGES; i++)
        bench_observe(e->b, (struct observation){.kind = OBSERVED_SEEN, .vantage = i});
}

static void end(struct rig *e)
{
    bench_stop(e->b);
    ok(e->b->done && e->b->after_done == 0, "it ends when it is stopped");
    passive_free(e->engine);
}

static void see(struct rig *e, struct endpoint from, struct endpoint to, uint8_t ttl,
                const struct teredo_packet *p)
{
    bench_observe(e->b, (struct observation){.kind = OBSERVED_SEEN,
                                             .from = from,
                                             .to = to,
                                             .ttl = ttl,
                                             .vantage = e->vantage,
                                             .packet = p,
                                             .size = IP6_HEADER_SIZE + p->payload_size});
    bench_wait(e->b, 10 * NSEC_MS);
}

/* NONCE 0 = no trailer. */
static void see_bubble(struct rig *e, struct endpoint from, struct endpoint to, uint8_t ttl,
                       const struct in6_addr *source, const struct in6_addr *destination,
                       uint32_t nonce)
{
    struct teredo_packet p;
    uint8_t trailer[4];

    teredo_make_bubble(&p, source, destination);
    if (nonce != 0)
        teredo_add_nonce_trailer(&p, nonce, trailer);
    see(e, from, to, ttl, &p);
}

static void see_forwarded(struct rig *e, struct endpoint server, struct endpoint to,
                          struct endpoint origin, const struct in6_addr *source,
                          const struct in6_addr *destination, uint32_t nonce)
{
    struct teredo_packet p;
    uint8_t trailer[4];

    teredo_make_bubble(&p, source, destination);
    if (nonce != 0)
        teredo_add_nonce_trailer(&p, nonce, trailer);
    p.has_origin = true;
    p.origin = origin;
    see(e, server, to, FAR_TTL, &p);
}

static void see_echo(struct rig *e, struct endpoint from, struct endpoint to, uint8_t ttl,
                     uint8_t type, const struct in6_addr *source,
                     const struct in6_addr *destination, uint16_t sequence)
{
    struct teredo_packet p;
    uint8_t body[8];

    teredo_make_echo(&p, source, destination, &(struct teredo_echo){type, 1, sequence, NULL, 0},
                     body);
    see(e, from, to, ttl, &p);
}

static void see_data(struct rig *e, struct endpoint from, struct endpoint to, uint8_t ttl,
                     const struct in6_addr *source, const struct in6_addr *destination,
                     uint8_t protocol, const uint8_t *payload, size_t size)
{
    struct teredo_packet p;

    teredo_make_bubble(&p, source, destination);
    p.kind = TEREDO_DATA;
    p.ip6.next_header = protocol;
    p.payload = payload;
    p.payload_size = size;
    p.ip6.payload_length = (uint16_t)size;
    see(e, from, to, ttl, &p);
}

static void see_udp(struct rig *e, bool from_a)
{
    static const uint8_t udp[] = {0x10, 0, 0x20, 0, 0, 9, 0, 0, 42};

    if (from_a)
        see_data(e, a_inside, b_outside, INSIDE_TTL, &e->a, &e->peer, 17, udp, sizeof udp);
    else
        see_data(e, b_outside, a_inside, FAR_TTL, &e->peer, &e->a, 17, udp, sizeof udp);
}

/* A's bubble pair, as seen next to A. */
static void see_pair(struct rig *e, const struct in6_addr *source, uint32_t direct,
                     uint32_t indirect)
{
    see_bubble(e, a_inside, b_outside, INSIDE_TTL, source, &e->peer, direct);
    see_bubble(e, a_inside, server_b, INSIDE_TTL, source, &e->peer, indirect);
}

static void see_answer(struct rig *e, struct endpoint from, const struct in6_addr *to,
                       uint32_t nonce)
{
    see_bubble(e, from, a_inside, FAR_TTL, &e->peer, to, nonce);
}

static void see_ping(struct rig *e, struct endpoint peer)
{
    see_echo(e, a_inside, peer, INSIDE_TTL, ICMP6_TYPE_ECHO_REQUEST, &e->a, &e->peer, 1);
    see_echo(e, peer, a_inside, FAR_TTL, ICMP6_TYPE_ECHO_REPLY, &e->peer, &e->a, 1);
}

/* Event N of KIND, or NULL. */
static const struct event *event_at(const struct rig *e, enum event_kind kind, unsigned n)
{
    for (unsigned i = 0; i < e->b->event_count; i++)
        if (e->b->events[i].kind == kind && n-- == 0)
            return &e->b->events[i];
    return NULL;
}

static unsigned count(const struct rig *e, enum event_kind kind)
{
    unsigned n = 0;

    for (unsigned i = 0; i < e->b->event_count; i++)
        n += e->b->events[i].kind == kind;
    return n;
}

static struct punching punch_at(const struct rig *e, unsigned n)
{
    const struct event *event = event_at(e, EVENT_PUNCHING, n);
    struct punching none = {.verdict = PUNCH_INCONCLUSIVE, .cause = CAUSE_COUNT};

    return event == NULL ? none : event->punching;
}

static struct punching is_punch(const struct rig *e, unsigned n, enum punch_verdict verdict,
                                enum punch_cause cause, const char *what)
{
    struct punching p = punch_at(e, n);

    is_str(code_of(&punch_verdicts, p.verdict), code_of(&punch_verdicts, verdict), "%s", what);
    is_str(p.cause == CAUSE_COUNT ? "(none)" : code_of(&punch_causes, p.cause),
           code_of(&punch_causes, cause), "%s: and why", what);
    return p;
}

/* Windows puts another nonce into each bubble of a pair; a peer behind a symmetric NAT answers from
 * a port that nobody knows yet, with the nonce of the one that it got. */
static void test_windows(void)
{
    struct rig e = passive_rig_new();
    struct endpoint random = {b_outside.address, 61234};
    struct punching p;

    begin(&e);
    see_pair(&e, &e.a, 0x11111111, 0x22222222);
    see_answer(&e, random, &e.a, 0x22222222);
    see_ping(&e, random);
    bench_wait(e.b, NSEC_S);
    p = is_punch(&e, 0, PUNCH_PUNCHED, CAUSE_PEER_REMAPPED, "Windows' bubbles punch");
    is_str(code_of(&punch_proofs, p.proof), "nonce", "the indirect bubble's nonce is the proof");
    ok(endpoint_equal(p.answered_from, random), "the answer's port is told");
    is_int(p.rtt, 10 * NSEC_MS, "and the round trip of the data");
    end(&e);
    is_int(count(&e, EVENT_PUNCHING), 1, "it is one hole punch");
}

/* Without any nonce, and from another endpoint than the peer's address says. */
static void test_unproven(void)
{
    struct rig e = passive_rig_new();

    begin(&e);
    see_pair(&e, &e.a, 0, 0);
    see_answer(&e, (struct endpoint){0xc6336463, 7}, &e.a, 0);
    bench_wait(e.b, 30 * NSEC_S);
    is_punch(&e, 0, PUNCH_INCONCLUSIVE, CAUSE_ANSWER_UNPROVEN, "who answers is not sure");
    end(&e);
}

/* RFC 4380 4: a server's address has that form. */
static void test_guessable_source(void)
{
    struct rig e = passive_rig_new();

    e.link_local = teredo_link_local(TEREDO_FLAG_CONE, a_outside);
    begin(&e);
    see_pair(&e, &e.link_local, 0, 0);
    see_answer(&e, (struct endpoint){0xc6336463, 7}, &e.link_local, 0);
    bench_wait(e.b, 30 * NSEC_S);
    is_punch(&e, 0, PUNCH_INCONCLUSIVE, CAUSE_ANSWER_UNPROVEN,
             "an answer to a source that anybody can write proves no endpoint");
    end(&e);
}

static void test_miredo(void)
{
    struct rig e = passive_rig_new();
    struct punching p;

    begin(&e);
    see_pair(&e, &e.link_local, 0, 0);
    bench_wait(e.b, 3 * NSEC_S);
    see_pair(&e, &e.link_local, 0, 0);
    see_answer(&e, b_outside, &e.link_local, 0);
    see_ping(&e, b_outside);
    end(&e);
    p = is_punch(&e, 0, PUNCH_PUNCHED, CAUSE_NONE, "miredo's bubbles punch");
    ok(p.has_own && ip6_equal(&p.own, &e.a), "the data tells the initiator's address");
    is_int(p.attempts, 2, "two pairs, though they are the same");
    is_str(code_of(&punch_proofs, p.proof), "link_local", "the link-local address is the proof");
    is_int(count(&e, EVENT_PUNCHING), 1, "it is one hole punch");
}

/* RFC 4380 5.4.1, captured at the client. */
static void test_relay(void)
{
    struct rig e = passive_rig_new();
    struct punching p;

    begin(&e);
    see_forwarded(&e, server_b, b_inside, relay, &e.link_local, &e.peer, 0);
    see_bubble(&e, b_inside, relay, INSIDE_TTL, &e.peer, &e.link_local, 0);
    see_echo(&e, relay, b_inside, FAR_TTL, ICMP6_TYPE_ECHO_REQUEST, &e.native, &e.peer, 1);
    see_echo(&e, b_inside, relay, INSIDE_TTL, ICMP6_TYPE_ECHO_REPLY, &e.peer, &e.native, 1);
    end(&e);
    p = is_punch(&e, 0, PUNCH_PUNCHED, CAUSE_NONE, "a relay punches to its client");
    ok(p.relay && p.side == SIDE_PEER, "it is known as a relay, and the client as the peer");
    ok(endpoint_equal(p.mapped, relay), "and where the relay is");
    is_int(count(&e, EVENT_PUNCHING), 1, "it is one hole punch");
}

/* RFC 4380 5.2.4: to an address without the cone bit data goes out only after a packet from there,
 * so that such data shows that a packet arrived at its sender. To a cone address it goes at once.
 */
static void test_cone_flag(void)
{
    for (int cone = 0; cone < 2; cone++) {
        enum punch_verdict verdict = cone ? PUNCH_INCONCLUSIVE : PUNCH_PUNCHED;
        enum punch_cause cause = cone ? CAUSE_NO_DATA : CAUSE_NONE;
        struct rig e = passive_rig_new();

        if (cone)
            e.a.s6_addr[8] |= TEREDO_FLAG_CONE >> 8;
        begin(&e);
        see_pair(&e, &e.a, 5, 6);
        see_answer(&e, b_outside, &e.a, 5);
        see_udp(&e, false);
        bench_wait(e.b, 30 * NSEC_S);
        end(&e);
        is_punch(&e, 0, verdict, cause,
                 cone ? "the peer sends data to a cone client unasked"
                      : "the peer's data shows that it trusts the client");

        e = passive_rig_new();
        if (cone)
            e.peer.s6_addr[8] |= TEREDO_FLAG_CONE >> 8;
        begin(&e);
        see_forwarded(&e, server_b, b_inside, a_outside, &e.a, &e.peer, 6);
        see_bubble(&e, b_inside, a_outside, INSIDE_TTL, &e.peer, &e.a, 6);
        see_data(&e, a_outside, b_inside, FAR_TTL, &e.a, &e.peer, 17, (const uint8_t[9]){0}, 9);
        bench_wait(e.b, 30 * NSEC_S);
        end(&e);
        is_punch(&e, 0, verdict, cause,
                 cone ? "the client sends data to a cone peer unasked"
                      : "the client's data shows that it trusts the peer");
    }
}

/* A pair that the peer answers through A's server, at A. */
static void see_indirect_answer(struct rig *e, uint32_t nonce)
{
    see_pair(e, &e->a, nonce, nonce + 1);
    see_forwarded(e, server_a, a_inside, b_outside, &e->peer, &e->a, nonce);
    bench_wait(e->b, 2 * NSEC_S);
}

static void test_indirect_answers(void)
{
    for (unsigned attempts = 1; attempts <= 4; attempts++) {
        struct rig e = passive_rig_new();

        begin(&e);
        for (unsigned i = 0; i < attempts; i++)
            see_indirect_answer(&e, 10 * (i + 1));
        bench_wait(e.b, 30 * NSEC_S);
        end(&e);
        is_punch(&e, 0, PUNCH_NOT_PUNCHED,
                 attempts < 4 ? CAUSE_DIRECT_ANSWER_MISSING : CAUSE_DIRECT_PATH_BLOCKED,
                 "four pairs that are answered through the server alone show a blocked path");
        is_int(punch_at(&e, 0).indirect_answers, attempts, "%u answers", attempts);
    }
}

/* What `teredoctl trace` sends from its second port beside each pair: its direct bubble stops short
 * of the peer. ANSWERED: the peer answers that one, and not the pair. */
static void see_controlled_pair(struct rig *e, uint32_t nonce, bool answered)
{
    static const struct endpoint second = {0xc0a80105, 40003};
    struct in6_addr source = {.s6_addr = {0xfe, 0x80, [8] = 0x55, [15] = 1}};

    see_bubble(e, second, b_outside, 2, &source, &e->peer, 0);
    see_bubble(e, second, server_b, INSIDE_TTL, &source, &e->peer, 0);
    if (answered)
        see_bubble(e, b_outside, second, FAR_TTL, &e->peer, &source, 0);
    see_pair(e, &e->a, nonce, nonce + 1);
    bench_wait(e->b, 2200 * NSEC_MS);
}

static void test_reference(void)
{
    for (unsigned attempts = 2; attempts <= 4; attempts++)
        for (unsigned unanswered = 0; unanswered < 2; unanswered++) {
            bool trips = attempts >= 3 && unanswered == 0;
            struct rig e = passive_rig_new();
            struct punching p;

            begin(&e);
            for (unsigned i = 0; i < attempts; i++)
                see_controlled_pair(&e, 100 * (i + 1), i + 1 != attempts || unanswered == 0);
            bench_wait(e.b, 30 * NSEC_S);
            end(&e);
            is_int(count(&e, EVENT_PUNCHING), 1, "a control is no hole punch of its own");
            p = punch_at(&e, 0);
            is_str(
                code_of(&punch_causes, p.cause),
                trips ? code_of(&punch_causes, CAUSE_PEER_NAT_TRIPS)
                      : code_of(&punch_causes, CAUSE_NO_ANSWER),
                "three controls that cross beside as many pairs that fail show a NAT that trips");
            ok(p.reference && p.attempts == attempts,
               "the controls are told, and the pairs counted");
            is_str(code_of(&step_states, p.steps[STEP_ANSWER].state), "missing",
                   "an answer to the control is none to the pair");
        }
}

/* The same host, from another port to the same peer, but long ago: no control. Where none of the
 * two can be told from a control, neither is said to have failed. */
static void test_companion(void)
{
    for (int late = 0; late < 2; late++) {
        struct endpoint second = {a_outside.address, 40003};
        struct in6_addr source = {.s6_addr = {0xfe, 0x80, [8] = 0x66, [15] = 1}};
        struct in6_addr other = {.s6_addr = {0xfe, 0x80, [8] = 0x77, [15] = 1}};
        struct rig e = passive_rig_new();

        begin(&e);
        see_forwarded(&e, server_b, b_inside, second, &source, &e.peer, 0);
        see_bubble(&e, b_inside, second, INSIDE_TTL, &e.peer, &source, 0);
        if (late)
            bench_wait(e.b, 61 * NSEC_S);
        for (unsigned i = 0; i < 4; i++) {
            see_forwarded(&e, server_b, b_inside, a_outside, &other, &e.peer, 0);
            bench_wait(e.b, 2200 * NSEC_MS);
        }
        bench_wait(e.b, 30 * NSEC_S);
        end(&e);
        if (late)
            is_punch(&e, 1, PUNCH_NOT_PUNCHED, CAUSE_PEER_HOST_SILENT,
                     "a punch of a minute ago is no control of this one");
        else
            is_punch(&e, 1, PUNCH_INCONCLUSIVE, CAUSE_DIRECT_PATH_UNSEEN,
                     "of two at once either may be the control");
    }
}

/* On all interfaces at once a router sees a packet come and go. */
static void test_two_sights(void)
{
    struct rig e = passive_rig_new();
    struct punching p;

    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    see_bubble(&e, b_outside, a_outside, FAR_TTL, &e.peer, &e.a, 5);
    see_bubble(&e, b_outside, a_outside, FAR_TTL - 1, &e.peer, &e.a, 5);
    see_bubble(&e, b_outside, a_outside, FAR_TTL - 1, &e.peer, &e.a, 5);
    see_answer(&e, b_outside, &e.a, 5);
    see_ping(&e, b_outside);
    end(&e);
    p = punch_at(&e, 0);
    is_int(p.steps[STEP_ANSWER].view_count, 2, "what comes once more begins another answer");
    e = passive_rig_new();
    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    see_bubble(&e, b_outside, a_outside, FAR_TTL, &e.peer, &e.a, 5);
    see_bubble(&e, b_outside, a_outside, FAR_TTL - 1, &e.peer, &e.a, 5);
    see_answer(&e, b_outside, &e.a, 5);
    see_ping(&e, b_outside);
    end(&e);
    p = punch_at(&e, 0);
    is_int(p.steps[STEP_ANSWER].view_count, 3, "with another time to live it is another sight");
}

static void test_both_at_once(void)
{
    struct rig e = passive_rig_new();

    begin(&e);
    see_pair(&e, &e.a, 0x11111111, 0x11111112);
    see_forwarded(&e, server_a, a_inside, b_outside, &e.peer, &e.a, 0x33333333);
    see_answer(&e, b_outside, &e.a, 0x33333334);
    see_bubble(&e, a_inside, b_outside, INSIDE_TTL, &e.a, &e.peer, 0x33333333);
    see_answer(&e, b_outside, &e.a, 0x11111112);
    see_ping(&e, b_outside);
    bench_wait(e.b, 30 * NSEC_S);
    end(&e);
    is_punch(&e, 0, PUNCH_PUNCHED, CAUSE_NONE, "two that punch at once have punched");
    is_int(count(&e, EVENT_PUNCHING), 1, "in one hole punch");
}

static void test_repetition(void)
{
    struct rig e = passive_rig_new();

    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    see_answer(&e, b_outside, &e.a, 5);
    see_ping(&e, b_outside);
    bench_wait(e.b, 20 * NSEC_S);
    is_int(count(&e, EVENT_PUNCHING), 1, "a hole punch is told before the capture ends");
    see_pair(&e, &e.a, 5, 6);
    see_answer(&e, b_outside, &e.a, 5);
    bench_wait(e.b, 20 * NSEC_S);
    is_int(count(&e, EVENT_PUNCHING), 1, "late copies are none of their own");
    see_ping(&e, b_outside);
    bench_wait(e.b, 31 * NSEC_S);
    see_pair(&e, &e.a, 7, 8);
    see_answer(&e, b_outside, &e.a, 7);
    see_ping(&e, b_outside);
    end(&e);
    is_int(count(&e, EVENT_PUNCHING), 2, "but bubbles after 30 seconds of silence are");
    is_punch(&e, 1, PUNCH_PUNCHED, CAUSE_NONE, "the second punches, too");
}

static void test_icmp(void)
{
    struct rig e = passive_rig_new();
    struct punching p;

    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    bench_icmp(e.b, 0, server_b, 3, 3);
    bench_wait(e.b, 10 * NSEC_S);
    p = is_punch(&e, 0, PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_UNREACHABLE,
                 "an ICMP error for the indirect bubble");
    ok(p.has_icmp && p.icmp.type == 3 && p.icmp.reporter == server_b.address, "is told");
    end(&e);
}

static void test_ends(void)
{
    struct rig e = passive_rig_new();

    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    bench_wait(e.b, 3 * NSEC_S);
    end(&e);
    is_punch(&e, 0, PUNCH_INCONCLUSIVE, CAUSE_CAPTURE_ENDED,
             "where another attempt could follow, the end of a capture proves nothing");

    e = passive_rig_new();
    begin(&e);
    for (int i = 0; i < 4; i++) {
        see_pair(&e, &e.a, 5 + i, 50 + i);
        bench_wait(e.b, 2200 * NSEC_MS);
    }
    end(&e);
    is_punch(&e, 0, PUNCH_NOT_PUNCHED, CAUSE_NO_ANSWER,
             "where four went unanswered, none may follow (RFC 4380 5.2.6)");

    e = passive_rig_new();
    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    bench_wait(e.b, 7 * NSEC_S);
    is_punch(&e, 0, PUNCH_NOT_PUNCHED, CAUSE_NO_ANSWER, "nor after six seconds of silence");
    end(&e);
}

/* Bubbles to N peers, which are not answered. */
static void see_peers(struct rig *e, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct endpoint at = {b_outside.address, (uint16_t)(20000 + i)};
        struct in6_addr peer = teredo(at, server_b);

        see_bubble(e, a_inside, server_b, INSIDE_TTL, &e->a, &peer, 100 + i);
    }
}

static void test_eviction(void)
{
    struct rig e = passive_rig_with((struct passive_config){.punches = 2});
    struct passive_summary sum;

    begin(&e);
    see_peers(&e, 5);
    is_int(count(&e, EVENT_PUNCHING), 3, "what has to make way is told");
    is_punch(&e, 0, PUNCH_INCONCLUSIVE, CAUSE_FORGOTTEN, "as forgotten");
    bench_wait(e.b, 20 * NSEC_S);
    sum = passive_summary(e.engine);
    is_int((int64_t)sum.forgotten, 3, "and counted");
    is_int((int64_t)sum.punches, 5, "each hole punch has one verdict");
    end(&e);
    is_int(count(&e, EVENT_PUNCHING), 5, "and no other");
}

static void test_filter(void)
{
    struct rig e = passive_rig_with(
        (struct passive_config){.has_peer = true, .peer = teredo(b_outside, server_b)});

    begin(&e);
    see_peers(&e, 5);
    see_pair(&e, &e.a, 5, 6);
    see_answer(&e, b_outside, &e.a, 5);
    see_ping(&e, b_outside);
    end(&e);
    is_int(count(&e, EVENT_PUNCHING), 1, "only what the peer has part in is told");
    is_punch(&e, 0, PUNCH_PUNCHED, CAUSE_NONE, "that is told in full");
}

static void see_tcp(struct rig *e, bool from_a, uint32_t sequence, uint32_t acknowledged,
                    uint8_t flags)
{
    uint8_t tcp[20] = {[1] = from_a ? 80 : 90,
                       [3] = from_a ? 90 : 80,
                       [7] = (uint8_t)sequence,
                       [11] = (uint8_t)acknowledged,
                       [12] = 0x50,
                       [13] = flags};

    if (from_a)
        see_data(e, a_inside, b_outside, INSIDE_TTL, &e->a, &e->peer, 6, tcp, sizeof tcp);
    else
        see_data(e, b_outside, a_inside, FAR_TTL, &e->peer, &e->a, 6, tcp, sizeof tcp);
}

static void test_data(void)
{
    struct rig e = passive_rig_new();
    struct punching p;

    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    see_answer(&e, b_outside, &e.a, 5);
    see_tcp(&e, true, 7, 0, 0x02);
    bench_wait(e.b, NSEC_S);
    is_int(count(&e, EVENT_PUNCHING), 0, "a SYN alone proves nothing");
    see_tcp(&e, false, 9, 8, 0x12);
    end(&e);
    p = is_punch(&e, 0, PUNCH_PUNCHED, CAUSE_NONE, "a TCP handshake is proof");
    is_int(p.rtt, 1010 * NSEC_MS, "with its round trip");

    e = passive_rig_new();
    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    see_answer(&e, b_outside, &e.a, 5);
    see_tcp(&e, true, 7, 0, 0x02);
    bench_wait(e.b, 3 * NSEC_S);
    see_tcp(&e, true, 7, 0, 0x02);
    bench_wait(e.b, 30 * NSEC_S);
    is_punch(&e, 0, PUNCH_NOT_PUNCHED, CAUSE_DATA_LOST, "a SYN that is not answered was lost");
    end(&e);

    e = passive_rig_new();
    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    see_answer(&e, b_outside, &e.a, 5);
    see_udp(&e, true);
    see_udp(&e, false);
    end(&e);
    is_punch(&e, 0, PUNCH_PUNCHED, CAUSE_NONE, "data of both is proof");

    e = passive_rig_new();
    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    see_answer(&e, b_outside, &e.a, 5);
    for (int i = 0; i < 10; i++)
        see_udp(&e, true);
    bench_wait(e.b, 30 * NSEC_S);
    is_punch(&e, 0, PUNCH_INCONCLUSIVE, CAUSE_NO_DATA,
             "data that nobody has to answer shows nothing by being unanswered");
    end(&e);

    e = passive_rig_new();
    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    see_answer(&e, b_outside, &e.a, 5);
    for (int i = 0; i < 8; i++) {
        see_echo(&e, a_inside, b_outside, INSIDE_TTL, ICMP6_TYPE_ECHO_REQUEST, &e.a, &e.peer,
                 (uint16_t)i);
        bench_wait(e.b, 2 * NSEC_S);
    }
    is_int(count(&e, EVENT_PUNCHING), 0, "as long as data is tried there is hope");
    see_echo(&e, b_outside, a_inside, FAR_TTL, ICMP6_TYPE_ECHO_REPLY, &e.peer, &e.a, 7);
    end(&e);
    is_punch(&e, 0, PUNCH_PUNCHED, CAUSE_NONE, "the last of many requests may be the answered one");
}

/* Whoever has seen a bubble can repeat its nonce. */
static void test_stranger(void)
{
    struct rig e = passive_rig_new();
    struct in6_addr other = teredo((struct endpoint){0xc6336463, 5}, server_b);
    struct endpoint at = {0xc6336463, 5};

    begin(&e);
    see_pair(&e, &e.a, 5, 6);
    see_bubble(&e, at, a_inside, FAR_TTL, &other, &e.a, 5);
    see_echo(&e, a_inside, at, INSIDE_TTL, ICMP6_TYPE_ECHO_REQUEST, &e.a, &other, 1);
    see_echo(&e, at, a_inside, FAR_TTL, ICMP6_TYPE_ECHO_REPLY, &other, &e.a, 1);
    bench_wait(e.b, 30 * NSEC_S);
    end(&e);
    for (unsigned i = 0; i < count(&e, EVENT_PUNCHING); i++) {
        struct punching p = punch_at(&e, i);

        ok(!ip6_equal(&p.peer, &e.peer) || p.verdict == PUNCH_NOT_PUNCHED,
           "a stranger's data is not the peer's");
    }
}

/* Frames out of order, and the latest time that there is. */
static void test_times(void)
{
    struct rig e = passive_rig_new();

    begin(&e);
    e.b->now = NSEC_LATEST;
    see_pair(&e, &e.a, 5, 6);
    e.b->now = NSEC_LATEST - NSEC_S;
    see_answer(&e, b_outside, &e.a, 5);
    see_ping(&e, b_outside);
    e.b->now = 0;
    see_udp(&e, false);
    end(&e);
    is_punch(&e, 0, PUNCH_PUNCHED, CAUSE_NONE, "absurd times change nothing about what happened");
    ok(punch_at(&e, 0).elapsed >= 0 && punch_at(&e, 0).rtt >= 0, "no duration is negative");
}

/* A solicitation of A at its server's address TO, and, if ANSWERED, the answer with MAPPED. */
struct ask {
    struct endpoint to;
    const struct in6_addr *source;
    uint8_t nonce;
    bool answered;
    struct endpoint mapped;
    uint8_t hop_limit; /* 0 = 255 */
};

static void see_ask(struct rig *e, const struct ask *ask)
{
    struct server_config config = {server_a.address, other_a.address, TEREDO_PORT,
                                   .mtu = TEREDO_MTU};
    uint8_t nonce[TEREDO_NONCE_SIZE] = {ask->nonce}, body[8], data[TEREDO_MAX_SIZE];
    struct writer w = writer_of(data, sizeof data);
    static struct server_reply reply;
    struct server_datagram datagram;
    struct wire_fault fault;
    struct server server;
    struct teredo_packet p;

    server_init(&server, &config);
    teredo_make_rs(&p, ask->source, body);
    teredo_add_auth_nonce(&p, nonce);
    teredo_encode(&w, &p);
    see(e, a_inside, ask->to, INSIDE_TTL, &p);
    bench_wait(e->b, 40 * NSEC_MS);
    if (!ask->answered)
        return;
    datagram = (struct server_datagram){
        ask->mapped, ask->to.address == server_a.address ? SERVER_PRIMARY : SERVER_SECONDARY, data,
        w.size};
    if (server_process(&server, &datagram, &reply) != SERVER_ACCEPTED ||
        !teredo_decode(reply.data, reply.size, &p, &fault))
        abort();
    if (ask->hop_limit != 0)
        p.ip6.hop_limit = ask->hop_limit;
    see(e, reply.from == SERVER_PRIMARY ? server_a : other_a, a_inside, FAR_TTL, &p);
}

static struct qualification is_qualification(const struct rig *e, unsigned n,
                                             enum qualify_verdict verdict,
                                             enum qualify_reason reason, const char *what)
{
    const struct event *event = event_at(e, EVENT_QUALIFICATION, n);
    struct qualification none = {.verdict = QUALIFY_INCONCLUSIVE, .reason = QUALIFY_REASON_COUNT};
    struct qualification q = event == NULL ? none : event->qualification;

    is_int(q.verdict, verdict, "%s", what);
    is_int(q.reason, reason, "%s: and why", what);
    return q;
}

static void test_qualification(void)
{
    struct endpoint moved = {a_outside.address, 41000};
    struct rig e = passive_rig_new();
    struct qualification q;

    begin(&e);
    see_ask(&e, &(struct ask){server_a, &teredo_rs_source, 1, true, a_outside, 0});
    bench_wait(e.b, 10 * NSEC_S);
    q = is_qualification(&e, 0, QUALIFY_QUALIFIED, QUALIFY_ONE_ASKED, "one address is asked");
    ok(endpoint_equal(q.mapped, a_outside) && endpoint_equal(q.local, a_inside),
       "mapped and local endpoint are told");
    is_int(q.rtt, 50 * NSEC_MS, "and the round trip");
    bench_wait(e.b, 20 * NSEC_S);
    see_ask(&e, &(struct ask){server_a, &teredo_rs_source, 2, true, a_outside, 0});
    bench_wait(e.b, 10 * NSEC_S);
    is_int(count(&e, EVENT_QUALIFICATION), 1, "a refresh that changes nothing is not told");
    is_int((int64_t)passive_summary(e.engine).refreshes, 1, "but counted");
    see_ask(&e, &(struct ask){server_a, &teredo_rs_source, 3, true, moved, 0});
    end(&e);
    q = is_qualification(&e, 1, QUALIFY_QUALIFIED, QUALIFY_ONE_ASKED, "another mapping is told");
    ok(endpoint_equal(q.mapped, moved), "as it is now");
    is_int(count(&e, EVENT_REJECTED), 0, "no rule was broken");
}

static void test_two_addresses(void)
{
    struct endpoint other = {a_outside.address, 41000};
    struct rig e = passive_rig_new();

    begin(&e);
    see_ask(&e, &(struct ask){server_a, &teredo_rs_source, 1, true, a_outside, 0});
    see_ask(&e, &(struct ask){other_a, &teredo_rs_source, 2, true, a_outside, 0});
    end(&e);
    is_qualification(&e, 0, QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, "both see the same mapping");

    e = passive_rig_new();
    begin(&e);
    see_ask(&e, &(struct ask){server_a, &teredo_rs_source, 1, true, a_outside, 0});
    see_ask(&e, &(struct ask){other_a, &teredo_rs_source, 2, true, other, 0});
    end(&e);
    is_qualification(&e, 0, QUALIFY_NOT_QUALIFIED, QUALIFY_SYMMETRIC_NAT,
                     "each sees another mapping");

    /* RFC 4380 5.2.1, as Windows does it: with the cone bit, the answer comes from elsewhere. */
    e = passive_rig_new();
    begin(&e);
    see_ask(&e, &(struct ask){server_a, &teredo_rs_source_cone, 1, true, a_outside, 0});
    end(&e);
    is_qualification(&e, 0, QUALIFY_QUALIFIED, QUALIFY_ONE_ASKED,
                     "the cone bit is answered from the other address");
    is_int(count(&e, EVENT_REJECTED), 0, "which breaks no rule");
}

static void test_no_answer(void)
{
    struct rig e = passive_rig_new();

    begin(&e);
    for (uint8_t i = 1; i <= 3; i++) {
        see_ask(&e, &(struct ask){.to = server_a, .source = &teredo_rs_source, .nonce = i});
        bench_wait(e.b, 4 * NSEC_S);
    }
    bench_wait(e.b, 10 * NSEC_S);
    is_int(is_qualification(&e, 0, QUALIFY_NOT_QUALIFIED, QUALIFY_UNANSWERED, "nobody answers")
               .solicitations,
           3, "three solicitations are one qualification");
    end(&e);

    e = passive_rig_new();
    begin(&e);
    see_ask(&e, &(struct ask){.to = server_a, .source = &teredo_rs_source, .nonce = 1});
    end(&e);
    is_qualification(&e, 0, QUALIFY_INCONCLUSIVE, QUALIFY_CAPTURE_ENDED,
                     "an answer may have come after the capture");
    for (int seconds = 1; seconds <= 2; seconds++) {
        e = passive_rig_new();
        begin(&e);
        see_ask(&e, &(struct ask){.to = server_a, .source = &teredo_rs_source, .nonce = 1});
        bench_wait(e.b, seconds * NSEC_S + 500 * NSEC_MS);
        end(&e);
        if (seconds == 1)
            is_qualification(&e, 0, QUALIFY_INCONCLUSIVE, QUALIFY_CAPTURE_ENDED,
                             "within two seconds");
        else
            is_qualification(&e, 0, QUALIFY_NOT_QUALIFIED, QUALIFY_UNANSWERED,
                             "after two seconds none is to be expected");
    }

    e = passive_rig_new();
    begin(&e);
    see_ask(&e, &(struct ask){server_a, &teredo_rs_source, 1, true, a_outside, 64});
    bench_wait(e.b, 10 * NSEC_S);
    is_int(count(&e, EVENT_REJECTED), 1, "an advertisement that breaks a rule is told");
    is_qualification(&e, 0, QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, "and does not qualify");
    end(&e);
}

/* A solicitation without a nonce, and its answer, which has none either. */
static void test_no_nonce(void)
{
    struct in6_addr source = teredo_link_local(TEREDO_FLAG_CONE, server_a);
    struct rig e = passive_rig_new();
    uint8_t body[8], ra_body[TEREDO_RA_SIZE];
    struct teredo_packet rs, ra;

    begin(&e);
    teredo_make_rs(&rs, &teredo_rs_source, body);
    see(&e, a_inside, server_a, INSIDE_TTL, &rs);
    teredo_make_ra(&ra, &source, &teredo_rs_source,
                   (struct teredo_advertised){server_a.address, TEREDO_MTU}, ra_body);
    ra.has_origin = true;
    ra.origin = a_outside;
    see(&e, server_a, a_inside, FAR_TTL, &ra);
    end(&e);
    is_qualification(&e, 0, QUALIFY_QUALIFIED, QUALIFY_ONE_ASKED,
                     "a client that sends no nonce gets none back");
    is_int(count(&e, EVENT_REJECTED), 0, "which breaks no rule");

    e = passive_rig_new();
    begin(&e);
    see(&e, a_inside, server_a, INSIDE_TTL, &rs);
    ra.has_origin = false;
    see(&e, server_a, a_inside, FAR_TTL, &ra);
    bench_wait(e.b, 10 * NSEC_S);
    end(&e);
    is_qualification(&e, 0, QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED,
                     "but the other rules hold for its answer");
    is_int(count(&e, EVENT_REJECTED), 1, "and the broken one is told");

    e = passive_rig_new();
    begin(&e);
    ra.has_origin = true;
    see(&e, server_a, a_inside, FAR_TTL, &ra);
    bench_wait(e.b, 10 * NSEC_S);
    end(&e);
    is_int(e.b->event_count, 0, "an advertisement that nobody asked for is no qualification");
}

static void test_client_refused(void)
{
    struct rig e = passive_rig_new();
    struct qualification q;

    begin(&e);
    see_ask(&e, &(struct ask){.to = server_a, .source = &teredo_rs_source, .nonce = 1});
    bench_icmp(e.b, 0, server_a, 11, 0);
    bench_icmp(e.b, 0, server_a, 3, 3);
    bench_wait(e.b, 10 * NSEC_S);
    end(&e);
    q = is_qualification(&e, 0, QUALIFY_NOT_QUALIFIED, QUALIFY_REFUSAL(REFUSAL_PORT_UNREACHABLE),
                         "the server's host refuses the solicitation");
    ok(q.has_icmp && q.icmp.type == 3, "the final error is the one that is told");

    e = passive_rig_new();
    begin(&e);
    see_ask(&e, &(struct ask){.to = server_a, .source = &teredo_rs_source, .nonce = 1});
    bench_icmp(e.b, 0, server_b, 3, 3);
    bench_wait(e.b, 10 * NSEC_S);
    end(&e);
    is_qualification(&e, 0, QUALIFY_NOT_QUALIFIED, QUALIFY_UNANSWERED,
                     "an error for what went to another server is not this one's");

    e = passive_rig_new();
    begin(&e);
    see_ask(&e, &(struct ask){server_a, &teredo_rs_source, 1, true, a_outside, 0});
    bench_icmp(e.b, 0, server_a, 3, 3);
    end(&e);
    q = is_qualification(&e, 0, QUALIFY_QUALIFIED, QUALIFY_ONE_ASKED,
                         "an error after the answer takes nothing back");
    ok(!q.has_icmp, "and is not told");
    is_int(count(&e, EVENT_QUALIFICATION), 1, "once");
}

/* An advertisement that comes when the client has given up. */
static void test_late_advertisement(void)
{
    struct rig e = passive_rig_new();

    begin(&e);
    see_ask(&e, &(struct ask){.to = server_a, .source = &teredo_rs_source, .nonce = 1});
    bench_wait(e.b, 10 * NSEC_S);
    is_int(count(&e, EVENT_QUALIFICATION), 1, "without an answer a qualification ends");
    {
        struct in6_addr source = teredo_link_local(TEREDO_FLAG_CONE, server_a);
        uint8_t body[TEREDO_RA_SIZE], nonce[TEREDO_NONCE_SIZE] = {1};
        struct teredo_packet ra;

        teredo_make_ra(&ra, &source, &teredo_rs_source,
                       (struct teredo_advertised){server_a.address, TEREDO_MTU}, body);
        teredo_add_auth_nonce(&ra, nonce);
        ra.has_origin = true;
        ra.origin = a_outside;
        see(&e, server_a, a_inside, FAR_TTL, &ra);
    }
    bench_wait(e.b, 10 * NSEC_S);
    end(&e);
    is_int(count(&e, EVENT_QUALIFICATION), 1, "an answer after that begins none");
}

/* Who is captured is known from any packet of theirs, also of another hole punch. */
static void test_captured_peer(void)
{
    for (int captured = 0; captured < 2; captured++) {
        struct rig e = passive_rig_with((struct passive_config){.vantages = 2});
        struct in6_addr other = teredo((struct endpoint){0xc6336463, 5}, server_a);

        begin(&e);
        e.vantage = 1;
        if (captured)
            see_bubble(&e, b_inside, server_a, INSIDE_TTL, &e.peer, &other, 77);
        bench_observe(e.b, (struct observation){.kind = OBSERVED_TIMER, .vantage = 1});
        bench_wait(e.b, 20 * NSEC_S);
        e.vantage = 0;
        see_pair(&e, &e.a, 5, 6);
        bench_wait(e.b, 2 * NSEC_S);
        bench_observe(e.b, (struct observation){.kind = OBSERVED_TIMER, .vantage = 1});
        bench_wait(e.b, 20 * NSEC_S);
        end(&e);
        is_punch(&e, count(&e, EVENT_PUNCHING) - 1, PUNCH_NOT_PUNCHED,
                 captured ? CAUSE_NOT_FORWARDED : CAUSE_NO_ANSWER,
                 captured ? "nothing came to a peer that is captured"
                          : "what comes to a peer that is not captured is not known");
    }
}

/* RFC 4380 5.2.6 gives a client four attempts; one that was answered goes on to data. */
static void test_exhausted(void)
{
    for (int answered = 0; answered < 2; answered++) {
        struct rig e = passive_rig_new();

        begin(&e);
        for (unsigned i = 0; i < 4; i++) {
            see_forwarded(&e, server_b, b_inside, a_outside, &e.a, &e.peer, 10 + i);
            if (answered)
                see_bubble(&e, b_inside, a_outside, INSIDE_TTL, &e.peer, &e.a, 10 + i);
            bench_wait(e.b, 2200 * NSEC_MS);
        }
        bench_wait(e.b, NSEC_S);
        end(&e);
        if (answered)
            is_punch(&e, 0, PUNCH_INCONCLUSIVE, CAUSE_CAPTURE_ENDED,
                     "three seconds after an answer data may still come");
        else
            is_punch(&e, 0, PUNCH_NOT_PUNCHED, CAUSE_PEER_HOST_SILENT,
                     "after four attempts without an answer nothing more is to come");
    }
}

static bool has(uint64_t evidence, uint64_t all)
{
    return (evidence & all) == all;
}

/* Words of causes and of their advice, with evidence of which they need some, and that which
 * excludes them. */
static const struct {
    const char *words;
    uint64_t needs_one_of, excluded_by;
} phrases[] = {
    {"crosses directly", EVIDENCE(DATA_CROSSED), 0},
    {"the peer answered directly", EVIDENCE(DIRECT_ANSWER), 0},
    {"the peer lives", EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(DIRECT_ANSWER), 0},
    {"behind one NAT", EVIDENCE(SAME_ADDRESS), 0},
    {"does not hairpin", EVIDENCE(SAME_ADDRESS), 0},
    {"the peer's NAT is symmetric", EVIDENCE(PEER_MAPS_ANEW),
     EVIDENCE(RANDOM_PORT) | EVIDENCE(SAME_ADDRESS)},
    {"reserve a UDP port", 0, EVIDENCE(SAME_ADDRESS)},
    {"find the strict NAT", 0, EVIDENCE(SAME_ADDRESS)},
    {"refuses the bubble's source", 0, EVIDENCE(FORWARDED)},
    {"its NAT may have lost the mapping", 0, EVIDENCE(FORWARD_ARRIVED)},
    {"did arrive at the peer's host", EVIDENCE(FORWARD_ARRIVED),
     EVIDENCE(DIRECT_ANSWER) | EVIDENCE(INDIRECT_ANSWER)},
    {"sent nothing to the initiator", EVIDENCE(PEER_CAPTURED) | EVIDENCE(PEER_HOST_REFUSED), 0},
    {"sent nothing directly", EVIDENCE(PEER_CAPTURED), EVIDENCE(DIRECT_ANSWER)},
    {"the peer's server lives, but", EVIDENCE(PEER_SERVER_ALIVE), 0},
    {"at the peer too", 0, EVIDENCE(PEER_CAPTURED)},
    {"bubbles arrive", 0, EVIDENCE(FORWARD_ARRIVED)},
};

static bool words_fit(const struct punch_judgement *j)
{
    const char *text = text_of(&captured_causes, j->cause);
    const char *advice = advice_of(&captured_causes, j->cause);

    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if ((strstr(text, phrases[i].words) != NULL || strstr(advice, phrases[i].words) != NULL) &&
            ((phrases[i].needs_one_of != 0 && (j->evidence & phrases[i].needs_one_of) == 0) ||
             (j->evidence & phrases[i].excluded_by) != 0))
            return false;
    return true;
}

/* Whether the verdict is carried by the evidence, and neither its words nor the advice refuted. */
static bool is_honest(const struct punch_judgement *j)
{
    uint64_t e = j->evidence;
    bool unseen = !has(e, EVIDENCE(DIRECT_PATH_SEEN)) ||
                  (!has(e, EVIDENCE(ANSWER_PATHS_SEEN)) && !has(e, EVIDENCE(DIRECT_ANSWER)) &&
                   !has(e, EVIDENCE(INDIRECT_ANSWER)) && !has(e, EVIDENCE(REFERENCES_ALONE)) &&
                   !has(e, EVIDENCE(FORWARDED) | EVIDENCE(ARRIVAL_NOT_SEEN)) &&
                   !has(e, EVIDENCE(FORWARD_ARRIVED) | EVIDENCE(PEER_HOST_REFUSED)));
    bool crossed = has(e, EVIDENCE(DATA_CROSSED));

    if ((j->verdict == PUNCH_PUNCHED) != crossed)
        return false;
    if (j->verdict == PUNCH_NOT_PUNCHED &&
        (unseen || has(e, EVIDENCE(CAPTURE_ENDED)) || has(e, EVIDENCE(MAY_BE_REFERENCE))))
        return false;
    return words_fit(j);
}

/* All that captures may show of a punch, in every combination. */
static void test_rules(void)
{
    static const uint64_t bits[] = {
        EVIDENCE(DATA_CROSSED),     EVIDENCE(DIRECT_ANSWER),     EVIDENCE(ANSWER_NOT_SEEN),
        EVIDENCE(INDIRECT_ANSWER),  EVIDENCE(DIRECT_SILENCE),    EVIDENCE(SAME_ADDRESS),
        EVIDENCE(PEER_MAPS_ANEW),   EVIDENCE(INDIRECT_BUBBLE),   EVIDENCE(FORWARDED),
        EVIDENCE(FORWARD_ARRIVED),  EVIDENCE(ARRIVAL_NOT_SEEN),  EVIDENCE(PEER_CAPTURED),
        EVIDENCE(DIRECT_PATH_SEEN), EVIDENCE(ANSWER_PATHS_SEEN), EVIDENCE(PEER_SERVER_ALIVE),
        EVIDENCE(CAPTURE_ENDED),    EVIDENCE(MAY_BE_REFERENCE)};
    static const uint64_t others[] = {0,
                                      EVIDENCE(ANSWER_ELSEWHERE),
                                      EVIDENCE(OWN_MAPS_ANEW),
                                      EVIDENCE(RANDOM_PORT),
                                      EVIDENCE(DATA_SENT) | EVIDENCE(DATA_SILENCE),
                                      EVIDENCE(UNPROVEN_ANSWER),
                                      EVIDENCE(REFERENCES_ALONE),
                                      EVIDENCE(PAIRS_AFTER_ANSWER),
                                      EVIDENCE(FORWARD_NOT_SEEN),
                                      EVIDENCE(PEER_SERVER_ICMP),
                                      EVIDENCE(FORGOTTEN),
                                      EVIDENCE(PEER_HOST_REFUSED),
                                      EVIDENCE(ANSWER_ELSEWHERE) | EVIDENCE(REFERENCE_ANSWERED),
                                      EVIDENCE(DATA_SENT) | EVIDENCE(ANSWER_ARRIVED)};
    unsigned count = sizeof bits / sizeof *bits, rule_count, dishonest = 0, unreached = 0;
    const struct punch_rule *rules = passive_rules(&rule_count);
    bool reached[CAUSE_COUNT] = {false};

    for (uint64_t set = 0; set < (UINT64_C(1) << count) * (sizeof others / sizeof *others); set++) {
        struct punch_facts facts = {.evidence = others[set >> count]};
        struct punch_judgement j;

        for (unsigned i = 0; i < count; i++)
            if ((set >> i & 1) != 0)
                facts.evidence |= bits[i];
        /* What arrives was forwarded, by a server that lives. */
        if ((has(facts.evidence, EVIDENCE(FORWARD_ARRIVED)) &&
             !has(facts.evidence, EVIDENCE(FORWARDED))) ||
            (has(facts.evidence, EVIDENCE(FORWARDED)) &&
             !has(facts.evidence, EVIDENCE(PEER_SERVER_ALIVE))))
            continue;
        j = punch_judge_by(rules, &facts);
        reached[j.cause] = true;
        if (!is_honest(&j) && dishonest++ < 3)
            printf("# %s, evidence %" PRIx64 "\n", code_of(&punch_causes, j.cause), j.evidence);
    }
    is_int(dishonest, 0, "whatever captures show, no verdict says more, and no advice less");
    for (unsigned i = 0; i < rule_count; i++)
        unreached += !reached[rules[i].cause];
    is_int(unreached, 0, "and there is something that leads to each cause");
}

/* The capture has but the flow of the bubbles' pair and that of the peer's server. */
static void test_filtered(void)
{
    struct rig e = passive_rig_new();

    e.filtered = true;
    begin(&e);
    for (unsigned i = 0; i < 4; i++) {
        see_pair(&e, &e.a, 1 + i, 1 + i);
        bench_wait(e.b, 2 * NSEC_S);
    }
    bench_wait(e.b, 30 * NSEC_S);
    end(&e);
    is_punch(&e, 0, PUNCH_INCONCLUSIVE, CAUSE_PATHS_UNSEEN,
             "an answer may come by a way that a filter hides");
}

int main(void)
{
    test_rules();
    test_filtered();
    test_windows();
    test_unproven();
    test_guessable_source();
    test_miredo();
    test_relay();
    test_cone_flag();
    test_indirect_answers();
    test_reference();
    test_companion();
    test_two_sights();
    test_both_at_once();
    test_repetition();
    test_icmp();
    test_ends();
    test_eviction();
    test_filter();
    test_data();
    test_stranger();
    test_times();
    test_qualification();
    test_two_addresses();
    test_no_answer();
    test_no_nonce();
    test_client_refused();
    test_late_advertisement();
    test_captured_peer();
    test_exhausted();
    return done_testing();
}
