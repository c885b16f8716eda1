/* The whole of a trace: qualify, then punch with what came of it, under one clock and one verdict.
 */
#include "trace.h"

#include <errno.h>

#include "engine_fixture.h"
#include "prng.h"

static const struct endpoint server = {0xc0000201, TEREDO_PORT};
static const struct endpoint secondary = {0xc0000202, TEREDO_PORT};
static const struct endpoint peer_server = {0xc0000281, TEREDO_PORT};
static const struct endpoint local = {0x64400102, 40001};
static const struct endpoint mapped = {0xcb00710a, 50001};
static const struct endpoint remapped = {0xcb00710a, 50002};
static const struct endpoint peer_mapped = {0xc6336414, 40001};

static struct bench b;
static struct trace t;
static struct trace_config config;
static struct in6_addr own, peer;

static void set_up(void)
{
    own = bench_teredo(server.address, mapped);
    peer = bench_teredo(peer_server.address, peer_mapped);
    config = (struct trace_config){
        .qualify = {.server = server,
                    .secondary = secondary,
                    .local = local,
                    .timeout = 1500 * NSEC_MS,
                    .attempts = 3,
                    .flags = 0x0c21,
                    .nonces = {.key = {1}}},
        .punch = {.peer = peer,
                  .attempts = PUNCH_MAX_ATTEMPTS,
                  .server_port = TEREDO_PORT,
                  .nonces = {.key = {2}}},
    };
}

static void start(void)
{
    ok(trace_init(&t, &config), "a Teredo peer can be traced");
    bench_start(&b, &t.engine, local);
}

static void advertise(struct endpoint from, struct endpoint origin)
{
    bench_advertise(&b, server, from, origin);
}

static void peer_answers(void)
{
    struct teredo_packet p;

    teredo_make_bubble(&p, &peer, &own);
    bench_packet(&b, 0, peer_mapped, &p);
}

static void peer_replies(void)
{
    struct teredo_packet request, reply;
    uint8_t buf[64];

    if (!bench_last_sent(&b, 0, peer_mapped, &request) || request.kind != TEREDO_ECHO_REQUEST)
        abort();
    teredo_make_echo(&reply, &peer, &own,
                     &(struct teredo_echo){ICMP6_TYPE_ECHO_REPLY, request.icmp6.echo.id,
                                           request.icmp6.echo.sequence, request.icmp6.echo.data,
                                           request.icmp6.echo.size},
                     buf);
    bench_packet(&b, 0, peer_mapped, &reply);
}

static const struct punching *verdict(void)
{
    static const struct punching none = {.cause = CAUSE_COUNT - 1};
    const struct event *e = bench_event(&b, EVENT_PUNCHING);

    return e == NULL ? &none : &e->punching;
}

static void is_verdict(enum punch_verdict v, enum punch_cause cause, const char *rule)
{
    ok(bench_count(&b, EVENT_PUNCHING) == 1 && b.done && b.after_done == 0,
       "%s: one verdict, and it is the end", rule);
    is_str(code_of(&punch_verdicts, verdict()->verdict), code_of(&punch_verdicts, v), "%s", rule);
    is_str(code_of(&punch_causes, verdict()->cause), code_of(&punch_causes, cause), "%s", rule);
}

static void test_whole(void)
{
    const struct event *step;

    set_up();
    start();
    ok(bench_sent(&b, server, TEREDO_RS) == 1 && bench_sent(&b, peer_mapped, TEREDO_BUBBLE) == 0,
       "it qualifies first");
    bench_wait(&b, 50 * NSEC_MS);
    advertise(server, mapped);
    advertise(secondary, mapped);
    is_int(bench_count(&b, EVENT_QUALIFICATION), 1, "the qualification is told");
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 1, "and the punch begins at once");
    step = bench_event(&b, EVENT_STEP);
    ok(step != NULL && step->step.offset == 0 && step->when == BENCH_EPOCH + 50 * NSEC_MS,
       "its steps are counted from step 1");
    bench_wait(&b, 75 * NSEC_MS);
    peer_answers();
    bench_wait(&b, 50 * NSEC_MS);
    peer_replies();
    is_verdict(PUNCH_PUNCHED, CAUSE_NONE, "qualified and punched");
    is_int(verdict()->elapsed, 175 * NSEC_MS, "the time is that of both");
    ok(ip6_equal(&verdict()->own, &own) && endpoint_equal(verdict()->mapped, mapped) &&
           endpoint_equal(verdict()->server, server),
       "the verdict knows our address, its mapping and its server");
    is_int(verdict()->own_nat, QUALIFY_NAT_CONE_OR_RESTRICTED, "and our NAT");
}

static void test_half_qualified(void)
{
    static const struct endpoint mapped_there = {0xcb00710a, 50077};
    struct teredo_packet bubble, answer;
    struct teredo_addr source;

    set_up();
    start();
    advertise(server, mapped);
    advertise(secondary, remapped);
    is_int(verdict()->cause, CAUSE_COUNT - 1, "a symmetric NAT does not end it: RFC 6081");
    bench_wait(&b, NSEC_MS);
    bench_advertise(&b, peer_server, peer_server, mapped_there);
    bench_wait(&b, NSEC_MS);
    ok(bench_last_sent(&b, 0, peer_server, &bubble) && bubble.kind == TEREDO_BUBBLE &&
           teredo_addr_decode(&bubble.ip6.source, &source) &&
           source.server == peer_server.address && endpoint_equal(source.mapped, mapped_there),
       "5.3.1 rule 5: its indirect bubbles come from where the peer's server sees us");
    teredo_make_bubble(&answer, &peer, &bubble.ip6.source);
    bench_packet(&b, 0, peer_mapped, &answer);
    peer_replies();
    is_verdict(PUNCH_PUNCHED, CAUSE_NONE, "symmetric and punched");
    is_int(verdict()->own_nat, QUALIFY_NAT_SYMMETRIC, "the NAT is told");
    start();
    bench_wait(&b, 300 * NSEC_MS);
    advertise(secondary, mapped);
    bench_wait(&b, 1400 * NSEC_MS);
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 1,
           "a silent primary address does not end it either");
    ok(endpoint_equal(t.punch.config.mapped, mapped), "the secondary's finding is used");
}

static void test_unqualified(void)
{
    set_up();
    start();
    bench_finish(&b);
    is_verdict(PUNCH_INCONCLUSIVE, CAUSE_OWN_SERVER_SILENT, "our server says nothing");
    is_int(bench_count(&b, EVENT_QUALIFICATION), 1, "why is told by the qualification");
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 0, "nothing was sent to the peer");
    ok(endpoint_equal(verdict()->peer_mapped, peer_mapped) &&
           endpoint_equal(verdict()->peer_server, peer_server),
       "what the peer's address says is told all the same");
    start();
    bench_icmp(&b, 0, server, 3, 3);
    is_verdict(PUNCH_INCONCLUSIVE, CAUSE_OWN_SERVER_UNREACHABLE, "an ICMP error for our server");
    ok(verdict()->has_icmp && verdict()->icmp.code == 3, "it is kept");
    start();
    bench_send_failed(&b, 0, server, ENETUNREACH);
    is_verdict(PUNCH_INCONCLUSIVE, CAUSE_OWN_SERVER_UNREACHABLE, "no route to our server");
    is_int(verdict()->errnum, ENETUNREACH, "the system's error is kept");
    is_int(verdict()->blame, BLAME_UNKNOWN, "and is not our server's doing");
}

/* Fails all that is sent from now on, for want of room, until the end. */
static void fail_all(void)
{
    unsigned failed = b.reported;

    b.mute = true;
    while (!b.done) {
        for (; failed < b.send_count; failed++)
            bench_send_failed(&b, b.sends[failed].tag, b.sends[failed].to, ENOBUFS);
        bench_until(&b, nsec_max(b.now, engine_deadline(b.engine)));
    }
}

static void test_no_buffers(void)
{
    set_up();
    trace_init(&t, &config);
    memset(&b, 0, sizeof b);
    b.engine = &t.engine;
    b.now = BENCH_EPOCH;
    b.local[0] = local;
    b.mute = true;
    bench_observe(&b, (struct observation){.kind = OBSERVED_TIMER});
    fail_all();
    is_verdict(PUNCH_INCONCLUSIVE, CAUSE_PACKETS_LOST,
               "a system without room for any packet shows nothing of our server");
    is_int(verdict()->blame, BLAME_UNKNOWN, "and blames nobody");
    start();
    advertise(server, mapped);
    advertise(secondary, mapped);
    fail_all();
    ok(verdict()->cause != CAUSE_SEND_FAILED && verdict()->elapsed > NSEC_S,
       "nor does a full queue end a trace: it is loss (%s)",
       code_of(&punch_causes, verdict()->cause));
}

static void test_stop(void)
{
    set_up();
    start();
    bench_stop(&b);
    is_verdict(PUNCH_INCONCLUSIVE, CAUSE_INTERRUPTED, "interrupted while it qualifies");
    start();
    advertise(server, mapped);
    bench_stop(&b);
    is_verdict(PUNCH_INCONCLUSIVE, CAUSE_INTERRUPTED, "interrupted with half an answer");
    start();
    advertise(server, mapped);
    advertise(secondary, mapped);
    bench_wait(&b, NSEC_S);
    bench_stop(&b);
    is_verdict(PUNCH_INCONCLUSIVE, CAUSE_INTERRUPTED, "interrupted while it punches");
    is_int(verdict()->elapsed, NSEC_S, "after this time");
    bench_forget(&b);
    peer_answers();
    bench_stop(&b);
    ok(b.event_count == 0 && b.send_count == 0 && engine_deadline(&t.engine) == NSEC_NEVER,
       "after the verdict nothing happens any more");
}

static void test_known_address(void)
{
    set_up();
    config.qualified = true;
    config.punch.own = own;
    config.punch.mapped = mapped;
    config.punch.local = local;
    config.punch.server = server;
    start();
    is_int(bench_sent(&b, server, TEREDO_RS), 0, "a known address is not asked for");
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 1, "the punch begins with it");
    peer_answers();
    peer_replies();
    is_verdict(PUNCH_PUNCHED, CAUSE_NONE, "punched with a known address");
    config.punch.peer = (struct in6_addr){{{0x20, 0x01, 0x0d, 0xb8}}};
    ok(!trace_init(&t, &config), "a peer without Teredo address is refused");
    config.qualified = false;
    ok(!trace_init(&t, &config), "in either case");
}

static void test_late_advertisement(void)
{
    struct teredo_packet rs;

    set_up();
    start();
    advertise(server, mapped);
    advertise(secondary, mapped);
    bench_forget(&b);
    bench_bytes(&b, 0, server, (const uint8_t *)"noise", 5);
    ok(b.event_count == 0, "what our server sends after the qualification is no answer");
    ok(!bench_last_sent(&b, 0, server, &rs), "and is not asked for");
}

/* Time passes, and packets of all kinds come, in any stage. */
static void test_anything(void)
{
    struct prng random = {45};
    unsigned bad = 0, verdicts = 0, runs = 2500;

    for (unsigned run = 0; run < runs; run++) {
        set_up();
        config.punch.reference_ttl = (uint8_t)prng_below(&random, 3);
        if (!trace_init(&t, &config))
            bad++;
        bench_start(&b, &t.engine, local);
        for (int i = 0; i < 40; i++) {
            const struct endpoint who[] = {server, secondary, peer_server, peer_mapped};
            struct endpoint from = who[prng_below(&random, 4)];
            struct in6_addr to = prng_below(&random, 2) == 0 ? own : peer;
            struct teredo_packet p;
            nsec before = b.now;

            switch (prng_below(&random, 6)) {
            case 0:
                bench_wait(&b, prng_below(&random, 1500) * NSEC_MS);
                break;
            case 1:
                if (t.stage == TRACE_QUALIFYING && from.address == server.address)
                    advertise(server, mapped);
                break;
            case 2:
                if (t.stage == TRACE_QUALIFYING && from.address == secondary.address)
                    advertise(secondary, prng_below(&random, 2) == 0 ? mapped : remapped);
                break;
            case 3:
                if (prng_below(&random, 10) == 0)
                    bench_icmp(&b, prng_below(&random, 2), from, 3,
                               (uint8_t)prng_below(&random, 14));
                break;
            case 4:
                if (prng_below(&random, 200) == 0)
                    bench_stop(&b);
                break;
            default:
                teredo_make_bubble(&p, &peer, &to);
                bench_packet(&b, prng_below(&random, 2), from, &p);
            }
            bad += b.now < before || (!b.done && engine_deadline(&t.engine) == NSEC_NEVER);
        }
        bench_finish(&b);
        verdicts += bench_count(&b, EVENT_PUNCHING);
        bad += b.after_done > 0 || !b.done || verdict()->verdict == PUNCH_PUNCHED;
    }
    is_int(bad, 0, "100,000 random observations: never stuck, never punched without data");
    is_int(verdicts, runs, "and one verdict each run");
}

int main(void)
{
    test_whole();
    test_half_qualified();
    test_unqualified();
    test_no_buffers();
    test_stop();
    test_known_address();
    test_late_advertisement();
    test_anything();
    return done_testing();
}
