/* A check: what of a qualification and of a relayed bubble makes which status. */
#include "check.h"

#include <errno.h>
#include <math.h>

#include "engine_fixture.h"
#include "prng.h"

static const struct endpoint server = {0xc0000201, TEREDO_PORT};
static const struct endpoint secondary = {0xc0000202, TEREDO_PORT};
static const struct endpoint local = {0x64400102, 40001};
static const struct endpoint mapped = {0xcb00710a, 50001};
static const struct endpoint remapped = {0xcb00710a, 50002};

static struct bench b;
static struct check c;
static struct check_config config;

static void set_up(void)
{
    config = (struct check_config){
        .qualify = {.server = server,
                    .secondary = secondary,
                    .local = local,
                    .timeout = 1500 * NSEC_MS,
                    .attempts = 3,
                    .flags = 0x0c21,
                    .nonces = {.key = {1}}},
        .name = "teredo.example",
        .relay_timeout = 3 * NSEC_S,
    };
}

static void start(void)
{
    check_init(&c, &config);
    bench_start(&b, &c.engine, local);
}

static void advertise(struct endpoint from, struct endpoint origin)
{
    bench_advertise(&b, server, from, origin);
}

/* Both addresses answer after 40 ms, and the bubble is on its way. */
static void qualify(void)
{
    start();
    bench_wait(&b, 40 * NSEC_MS);
    advertise(secondary, mapped);
    advertise(server, mapped);
}

static bool last_bubble(struct teredo_packet *out)
{
    struct wire_fault fault;

    for (unsigned i = b.send_count; i > 0; i--)
        if (teredo_decode(b.sends[i - 1].bytes, b.sends[i - 1].size, out, &fault) &&
            out->kind == TEREDO_BUBBLE)
            return true;
    return false;
}

/* The last bubble comes FROM, with ORIGIN unless that is unset. */
static void relay(struct endpoint from, struct endpoint origin)
{
    struct teredo_packet p;

    if (!last_bubble(&p))
        abort();
    p.has_origin = !endpoint_is_unset(origin);
    p.origin = origin;
    bench_packet(&b, 0, from, &p);
}

/* To the end, while CONTROL answers all that it is asked, but for every LOSS-th (0 = none lost). */
static void finish_beside(struct endpoint control, unsigned loss)
{
    unsigned asked = 0;

    while (!b.done) {
        struct teredo_packet p;
        unsigned before = b.send_count;

        bench_until(&b, engine_deadline(b.engine));
        if (b.send_count > before && bench_last_sent(&b, 0, control, &p) && p.kind == TEREDO_RS &&
            (loss == 0 || ++asked % loss != 0))
            advertise(control, mapped);
    }
}

static const struct checking *verdict(void)
{
    const struct event *e = bench_event(&b, EVENT_CHECKING);

    if (e == NULL || !b.done)
        abort();
    return &e->checking;
}

static void is_verdict(enum check_status status, enum check_cause cause, enum relay_state state,
                       const char *name)
{
    const struct checking *v = verdict();

    is_str(code_of(&check_statuses, v->status), code_of(&check_statuses, status), "%s: status",
           name);
    is_str(code_of(&check_causes, v->cause), code_of(&check_causes, cause), "%s: cause", name);
    is_str(code_of(&relay_states, v->relay), code_of(&relay_states, state), "%s: relay", name);
}

static bool shows(enum check_evidence word)
{
    return (verdict()->evidence & UINT32_C(1) << word) != 0;
}

static void test_works(void)
{
    struct teredo_packet p;
    struct teredo_addr source, destination;

    set_up();
    qualify();
    ok(bench_last_sent(&b, 0, server, &p) && p.kind == TEREDO_BUBBLE,
       "a bubble goes to the primary address");
    ok(teredo_addr_decode(&p.ip6.source, &source) &&
           teredo_addr_decode(&p.ip6.destination, &destination) &&
           endpoint_equal(source.mapped, mapped) && endpoint_equal(destination.mapped, mapped) &&
           source.server == server.address && destination.server == server.address,
       "from our Teredo address to our Teredo address");
    ok((source.flags & ~TEREDO_FLAGS_RANDOM) == 0, "with no other flags than the random ones");
    bench_wait(&b, 40 * NSEC_MS);
    relay(server, mapped);
    is_verdict(CHECK_OK, CHECK_CAUSE_NONE, RELAY_WORKS, "all works");
    is_int(verdict()->relay_rtt, 40 * NSEC_MS, "the bubble's time");
    is_int(verdict()->qualification.rtt, 40 * NSEC_MS, "the round trip");
    is_int(verdict()->elapsed, 80 * NSEC_MS, "and all of it");
    is_int(bench_count(&b, EVENT_QUALIFICATION), 1, "the qualification is told too");
    is_int(b.after_done, 0, "nothing behind the end");
}

static void test_symmetric(void)
{
    set_up();
    start();
    advertise(secondary, remapped);
    advertise(server, mapped);
    relay(server, mapped);
    is_verdict(CHECK_OK, CHECK_CAUSE_NONE, RELAY_WORKS, "a symmetric NAT");
}

static void test_not_relayed(void)
{
    set_up();
    qualify();
    finish_beside(server, 0);
    is_verdict(CHECK_CRITICAL, CHECK_CAUSE_RELAY, RELAY_SILENT,
               "no bubble comes back, while solicitations are answered");
    ok(shows(CHECK_EVIDENCE_RELAY_SILENCE) && !shows(CHECK_EVIDENCE_LOSS),
       "which is what it rests on");
    ok(verdict()->odds > 0 && verdict()->odds <= 1e-4 && verdict()->asked == verdict()->answered &&
           verdict()->relay_sent < CHECK_ROUNDS,
       "loss explains it with odds of at most 1 in 10,000, which ends it");
    ok(verdict()->elapsed < 4 * NSEC_S, "within the time given");

    qualify();
    bench_finish(&b);
    is_verdict(CHECK_UNKNOWN, CHECK_CAUSE_LOSS, RELAY_LOST,
               "no bubble comes back, nor any other answer any more");
    ok(verdict()->answered < verdict()->asked && shows(CHECK_EVIDENCE_LOSS) &&
           !shows(CHECK_EVIDENCE_RELAY_SILENCE),
       "packets were lost, and how many");
    ok(verdict()->elapsed < 4 * NSEC_S, "all the time given is used, and no more");

    qualify();
    finish_beside(server, 3);
    ok(verdict()->relay_sent > 14 && shows(CHECK_EVIDENCE_LOSS) &&
           verdict()->cause == CHECK_CAUSE_RELAY,
       "where a third of all packets is lost, silence takes more bubbles to show");

    qualify();
    bench_wait(&b, 500 * NSEC_MS);
    relay(server, mapped);
    is_verdict(CHECK_OK, CHECK_CAUSE_NONE, RELAY_WORKS, "the first bubble is lost");
    ok(shows(CHECK_EVIDENCE_LOSS) && verdict()->answered < verdict()->asked, "and that is told");
}

static void test_forged(void)
{
    struct teredo_packet p;
    static const struct endpoint stranger = {0xc6336401, TEREDO_PORT};

    set_up();
    qualify();
    relay(stranger, mapped);
    ok(!b.done, "a bubble from elsewhere is not the server's");
    if (!bench_last_sent(&b, 0, server, &p))
        abort();
    p.ip6.source.s6_addr[9] ^= 1;
    p.has_origin = true;
    p.origin = mapped;
    bench_packet(&b, 0, server, &p);
    ok(!b.done, "nor is one that was never sent");
    relay(server, (struct endpoint){0});
    is_verdict(CHECK_WARNING, CHECK_CAUSE_RELAY, RELAY_NO_ORIGIN,
               "RFC 4380 5.3.1: a server should put the origin in front");

    qualify();
    relay(server, remapped);
    is_verdict(CHECK_CRITICAL, CHECK_CAUSE_RELAY, RELAY_WRONG_ORIGIN, "another origin");
}

/* What the SENT of a bubble says, even where it names one that was not sent. */
static void test_sent(void)
{
    set_up();
    start();
    b.mute = true;
    advertise(secondary, mapped);
    advertise(server, mapped);
    for (uint32_t tag = 0; tag < 64; tag++)
        bench_observe(&b, (struct observation){
                              .kind = OBSERVED_SENT, .tag = tag, .from = local, .to = server});
    bench_wait(&b, 500 * NSEC_MS);
    relay(server, mapped);
    is_int(verdict()->relay_rtt, 0, "a bubble that is not known to have left has no time");
}

/* Of causes that weigh the same the first one found is told. */
static void test_first_cause(void)
{
    set_up();
    config.critical = (struct check_range){.text = "0.01", .high = 0.01};
    qualify();
    finish_beside(server, 0);
    is_verdict(CHECK_CRITICAL, CHECK_CAUSE_RELAY, RELAY_SILENT, "no relaying, and slow as well");
    start();
    bench_wait(&b, 40 * NSEC_MS);
    advertise(secondary, mapped);
    finish_beside(secondary, 0);
    is_verdict(CHECK_CRITICAL, CHECK_CAUSE_QUALIFICATION, RELAY_UNTESTED,
               "no primary address, and slow as well");
}

static void test_half_of_it(void)
{
    set_up();
    start();
    advertise(server, mapped);
    bench_wait(&b, config.qualify.timeout);
    relay(server, mapped);
    ok(!b.done, "no secondary address: it is asked for again, beside the primary one");
    finish_beside(server, 0);
    is_verdict(CHECK_WARNING, CHECK_CAUSE_QUALIFICATION, RELAY_WORKS, "no secondary address");
    ok(shows(CHECK_EVIDENCE_SECONDARY_SILENCE) && verdict()->odds <= 1e-4,
       "loss does not explain it");

    start();
    advertise(server, mapped);
    bench_wait(&b, config.qualify.timeout);
    relay(server, mapped);
    bench_wait(&b, 400 * NSEC_MS);
    advertise(secondary, mapped);
    finish_beside(server, 0);
    is_verdict(CHECK_OK, CHECK_CAUSE_NONE, RELAY_WORKS,
               "a secondary address that lost its packets");
    ok(shows(CHECK_EVIDENCE_LOSS), "and that is told");

    start();
    advertise(server, mapped);
    bench_wait(&b, config.qualify.timeout);
    relay(server, mapped);
    bench_finish(&b);
    is_verdict(CHECK_UNKNOWN, CHECK_CAUSE_LOSS, RELAY_WORKS,
               "no secondary address, and no primary one any more");

    start();
    advertise(server, mapped);
    finish_beside(server, 0);
    is_verdict(CHECK_CRITICAL, CHECK_CAUSE_RELAY, RELAY_SILENT, "and no relaying either");

    start();
    advertise(secondary, mapped);
    finish_beside(secondary, 0);
    is_verdict(CHECK_CRITICAL, CHECK_CAUSE_QUALIFICATION, RELAY_UNTESTED, "no primary address");
    ok(shows(CHECK_EVIDENCE_SERVER_SILENCE) && verdict()->odds <= 1e-4, "loss does not explain it");

    start();
    advertise(secondary, mapped);
    bench_finish(&b);
    is_verdict(CHECK_UNKNOWN, CHECK_CAUSE_LOSS, RELAY_UNTESTED,
               "no primary address, and no secondary one any more");

    start();
    bench_finish(&b);
    is_verdict(CHECK_CRITICAL, CHECK_CAUSE_QUALIFICATION, RELAY_UNTESTED, "silence");

    start();
    bench_icmp(&b, 0, server, 3, 3);
    is_verdict(CHECK_CRITICAL, CHECK_CAUSE_QUALIFICATION, RELAY_UNTESTED, "port unreachable");

    start();
    bench_send_failed(&b, 0, server, ENETUNREACH);
    is_verdict(CHECK_UNKNOWN, CHECK_CAUSE_QUALIFICATION, RELAY_UNTESTED,
               "this host has no route, which is nothing that the server did");

    start();
    bench_icmp(&b, 0, secondary, 3, 3);
    advertise(server, mapped);
    relay(server, mapped);
    is_verdict(CHECK_WARNING, CHECK_CAUSE_QUALIFICATION, RELAY_WORKS,
               "a secondary address that refuses, which no loss explains");

    start();
    bench_icmp(&b, 0, server, 3, 3);
    ok(b.done && shows(CHECK_EVIDENCE_SERVER_REFUSAL), "a closed port is told at once");
    start();
    advertise(secondary, mapped);
    bench_icmp(&b, 0, server, 3, 3);
    is_verdict(CHECK_CRITICAL, CHECK_CAUSE_QUALIFICATION, RELAY_UNTESTED,
               "a primary address that refuses, beside a secondary that answers");

    start();
    advertise(server, mapped);
    bench_send_failed(&b, QUALIFY_MAX_ATTEMPTS, secondary, EPERM);
    relay(server, mapped);
    is_verdict(CHECK_UNKNOWN, CHECK_CAUSE_ERROR, RELAY_WORKS,
               "this host will not send to the secondary address");
    qualify();
    for (uint32_t i = 0; i < CHECK_ROUNDS; i++)
        bench_send_failed(&b, QUALIFY_TAGS + i, server, EPERM);
    b.mute = true;
    bench_finish(&b);
    is_verdict(CHECK_UNKNOWN, CHECK_CAUSE_ERROR, RELAY_LOST, "nor bubbles to the primary one");
}

static void test_no_buffers(void)
{
    set_up();
    check_init(&c, &config);
    memset(&b, 0, sizeof b);
    b.engine = &c.engine;
    b.now = BENCH_EPOCH;
    b.mute = true;
    bench_observe(&b, (struct observation){.kind = OBSERVED_TIMER});
    for (unsigned i = 0; !b.done; i++) {
        for (; i < b.send_count; i++)
            bench_send_failed(&b, b.sends[i].tag, b.sends[i].to, ENOBUFS);
        bench_until(&b, engine_deadline(&c.engine));
    }
    is_verdict(CHECK_UNKNOWN, CHECK_CAUSE_QUALIFICATION, RELAY_UNTESTED,
               "a system without room for any packet");
    ok(verdict()->qualification.reason == QUALIFY_NOT_SENT && shows(CHECK_EVIDENCE_NOTHING_SENT) &&
           verdict()->qualification.solicitations == 0,
       "which is no silence of the server's");
    qualify();
    bench_send_failed(&b, QUALIFY_TAGS, server, ENOBUFS);
    ok(!b.done, "a bubble that had no room is lost, and ends nothing");
    bench_wait(&b, 500 * NSEC_MS);
    relay(server, mapped);
    is_verdict(CHECK_OK, CHECK_CAUSE_NONE, RELAY_WORKS, "and the next one may come back");
}

static void test_ranges(void)
{
    static const struct {
        struct check_range warning, critical;
        enum check_status status;
        const char *name;
    } rows[] = {
        {{.text = "0.1", .high = 0.1}, {.text = "0.5", .high = 0.5}, CHECK_OK, "fast enough"},
        {{.text = "0.01", .high = 0.01}, {.text = "0.5", .high = 0.5}, CHECK_WARNING, "slow"},
        {{.text = "0.01", .high = 0.01}, {.text = "0.02", .high = 0.02}, CHECK_CRITICAL, "slower"},
        {{.text = "@0.01:0.1", .inside = true, .low = 0.01, .high = 0.1},
         {0},
         CHECK_WARNING,
         "inside"},
        {{.text = "@0.1:", .inside = true, .low = 0.1, .high = INFINITY},
         {0},
         CHECK_OK,
         "not inside"},
        {{0}, {.text = "0.1:", .low = 0.1, .high = INFINITY}, CHECK_CRITICAL, "too fast"},
    };

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_up();
        config.warning = rows[i].warning;
        config.critical = rows[i].critical;
        qualify();
        relay(server, mapped);
        is_verdict(rows[i].status, rows[i].status == CHECK_OK ? CHECK_CAUSE_NONE : CHECK_CAUSE_RTT,
                   RELAY_WORKS, rows[i].name);
    }
}

static void test_stop(void)
{
    set_up();
    start();
    bench_stop(&b);
    is_verdict(CHECK_UNKNOWN, CHECK_CAUSE_INTERRUPTED, RELAY_UNTESTED, "stopped at once");
    qualify();
    bench_stop(&b);
    is_verdict(CHECK_UNKNOWN, CHECK_CAUSE_INTERRUPTED, RELAY_UNTESTED, "stopped while it relays");
}

/* Whatever comes: one verdict, and OK only with a bubble that came back. */
static void test_anything(void)
{
    struct prng random = {7};
    unsigned bad = 0, runs = 2000;

    for (unsigned run = 0; run < runs; run++) {
        set_up();
        start();
        for (unsigned i = 0; i < 20 && !b.done; i++) {
            struct endpoint from = prng_below(&random, 2) == 0 ? server : secondary;
            struct teredo_packet p;

            switch (prng_below(&random, 6)) {
            case 0:
                if (bench_last_sent(&b, 0, from, &p) && p.kind == TEREDO_RS)
                    advertise(from, prng_below(&random, 2) == 0 ? mapped : remapped);
                break;
            case 1:
                bench_wait(&b, prng_below(&random, 400) * NSEC_MS);
                break;
            case 2:
                bench_icmp(&b, 0, from, 3, (uint8_t)prng_below(&random, 14));
                break;
            case 3:
                bench_bytes(&b, 0, from, (const uint8_t *)"garbage", 7);
                break;
            case 4:
                if (last_bubble(&p))
                    relay(from, prng_below(&random, 2) == 0 ? mapped : remapped);
                break;
            default:
                bench_send_failed(&b, prng_below(&random, 4), from, ENOBUFS);
                break;
            }
        }
        bench_finish(&b);
        bad += bench_count(&b, EVENT_CHECKING) != 1 || b.after_done > 0 ||
               (verdict()->status == CHECK_OK && verdict()->relay != RELAY_WORKS);
    }
    is_int(bad, 0, "2,000 random runs: one verdict each, and never OK without a relayed bubble");
}

int main(void)
{
    test_works();
    test_symmetric();
    test_not_relayed();
    test_forged();
    test_sent();
    test_first_cause();
    test_half_of_it();
    test_no_buffers();
    test_ranges();
    test_stop();
    test_anything();
    return done_testing();
}
