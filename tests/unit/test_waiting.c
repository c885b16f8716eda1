/* What engines say that they wait for: what, which try of how many, since when and until when. */
#include "check.h"
#include "classify.h"
#include "engine_fixture.h"
#include "responder.h"
#include "trace.h"

#define START BENCH_EPOCH

static const struct endpoint server = {UINT32_C(0xc0000201), 3544};
static const struct endpoint secondary = {UINT32_C(0xc0000202), 3544};
static const struct endpoint local = {UINT32_C(0x64400102), 40000};
static const struct endpoint mapped = {UINT32_C(0xcb00710a), 40000};
static const struct endpoint peer_mapped = {UINT32_C(0xc6336414), 5};

static void ignore_send(struct outbox *outbox, const struct send_request *request)
{
    (void)outbox;
    (void)request;
}

static void ignore_event(struct outbox *outbox, const struct event *event)
{
    (void)outbox;
    (void)event;
}

static void ignore_end(struct outbox *outbox)
{
    (void)outbox;
}

static struct outbox deaf = {ignore_send, ignore_event, ignore_end};

static struct bench b;

/* Of WANT, `since` 0 stands for START where something is waited for, and `until` 0 for never. */
static void waits(const struct engine *engine, struct waiting want, const char *rule)
{
    struct waiting w;

    if (want.what != WAITING_FOR_NOTHING && want.since == 0)
        want.since = START;
    if (want.until == 0)
        want.until = NSEC_NEVER;
    engine_waiting(engine, &w);
    is_int(w.what, want.what, "%s", rule);
    if (want.what == WAITING_FOR_NOTHING)
        return;
    ok(endpoint_equal(w.whom, want.whom), "%s: for whom", rule);
    is_int(w.try, want.try, "%s: which try", rule);
    is_int(w.tries, want.tries, "%s: of how many", rule);
    is_int(w.since, want.since, "%s: since when", rule);
    is_int(w.until, want.until, "%s: until when", rule);
}

static const struct qualify_config qualify_config = {.server = {UINT32_C(0xc0000201), 3544},
                                                     .secondary = {UINT32_C(0xc0000202), 3544},
                                                     .local = {UINT32_C(0x64400102), 40000},
                                                     .timeout = 7 * NSEC_S,
                                                     .attempts = 3,
                                                     .nonces = {.key = {1}}};

/* Both addresses see the client at its mapped endpoint. */
static void qualify_now(void)
{
    bench_advertise(&b, server, secondary, mapped);
    bench_advertise(&b, server, server, mapped);
}

static void test_qualify(void)
{
    struct qualify q;

    qualify_init(&q, &qualify_config);
    waits(&q.engine, (struct waiting){0}, "before it starts, a qualification waits for nothing");
    bench_start(&b, &q.engine, local);
    waits(&q.engine,
          (struct waiting){.what = WAITING_FOR_SERVER,
                           .whom = server,
                           .try = 1,
                           .tries = 3,
                           .until = START + 7 * NSEC_S},
          "then for the server's primary address");
    bench_until(&b, engine_deadline(&q.engine));
    waits(&q.engine,
          (struct waiting){.what = WAITING_FOR_SERVER,
                           .whom = server,
                           .try = 2,
                           .tries = 3,
                           .until = START + 7 * NSEC_S},
          "the second try is no longer than the first");
    bench_advertise(&b, server, server, mapped);
    bench_wait(&b, 10 * NSEC_MS);
    {
        struct waiting w;

        engine_waiting(&q.engine, &w);
        ok(w.what == WAITING_FOR_SERVER && endpoint_equal(w.whom, secondary),
           "once the primary has answered it waits for the secondary");
        while (w.try < 3 && !b.done) {
            bench_until(&b, engine_deadline(&q.engine));
            engine_waiting(&q.engine, &w);
        }
        is_int(w.until, engine_deadline(&q.engine), "until its last try has had its time");
    }
    bench_stop(&b);
    waits(&q.engine, (struct waiting){0}, "when it is done, it waits for nothing");
}

static void test_check(void)
{
    struct check_config config = {.qualify = qualify_config, .relay_timeout = 3 * NSEC_S};
    struct check c;

    check_init(&c, &config);
    waits(&c.engine, (struct waiting){0}, "before it starts, a check waits for nothing");
    bench_start(&b, &c.engine, local);
    waits(&c.engine,
          (struct waiting){.what = WAITING_FOR_SERVER,
                           .whom = server,
                           .try = 1,
                           .tries = 3,
                           .until = START + 7 * NSEC_S},
          "then for what its qualification waits for");
    bench_wait(&b, 50 * NSEC_MS);
    qualify_now();
    waits(&c.engine, (struct waiting){.what = WAITING_FOR_SERVER, .whom = server},
          "then for the server to relay a bubble");
    bench_finish(&b);
    waits(&c.engine, (struct waiting){0}, "when it is done, it waits for nothing");
}

static void test_trace(void)
{
    struct trace_config config = {.qualify = qualify_config,
                                  .punch = {.peer = bench_teredo(server.address, peer_mapped),
                                            .attempts = 2,
                                            .server_port = 3544,
                                            .nonces = {.key = {2}}}};
    struct trace t;

    ok(trace_init(&t, &config), "a trace");
    waits(&t.engine, (struct waiting){0}, "before it starts, a trace waits for nothing");
    bench_start(&b, &t.engine, local);
    waits(&t.engine,
          (struct waiting){.what = WAITING_FOR_SERVER,
                           .whom = server,
                           .try = 1,
                           .tries = 3,
                           .until = START + 7 * NSEC_S},
          "then for its own server");
    bench_wait(&b, 50 * NSEC_MS);
    qualify_now();
    waits(&t.engine,
          (struct waiting){.what = WAITING_FOR_PEER,
                           .whom = peer_mapped,
                           .try = 1,
                           .tries = 2,
                           .since = START + 50 * NSEC_MS,
                           .until = START + 50 * NSEC_MS + PUNCH_INTERVAL + NSEC_S},
          "then for the peer");
    bench_finish(&b);
    waits(&t.engine, (struct waiting){0}, "when it is done, it waits for nothing");
}

static void test_responder(void)
{
    struct responder_config config = {.qualify = qualify_config,
                                      .refresh_interval = 30 * NSEC_S,
                                      .count = 2,
                                      .duration = 60 * NSEC_S,
                                      .nonces = {.key = {3}}};
    struct responder r;

    responder_init(&r, &config);
    waits(&r.engine, (struct waiting){0}, "before it starts, a listener waits for nothing");
    bench_start(&b, &r.engine, local);
    waits(&r.engine,
          (struct waiting){.what = WAITING_FOR_SERVER,
                           .whom = server,
                           .try = 1,
                           .tries = 3,
                           .until = START + 7 * NSEC_S},
          "then for its server");
    bench_wait(&b, 50 * NSEC_MS);
    qualify_now();
    waits(&r.engine,
          (struct waiting){.what = WAITING_FOR_PEERS,
                           .tries = 2,
                           .since = START + 50 * NSEC_MS,
                           .until = START + 50 * NSEC_MS + 60 * NSEC_S},
          "then for its peers, none of which has come");
    bench_stop(&b);
    waits(&r.engine, (struct waiting){0}, "when it is done, it waits for nothing");
}

static void test_classify(void)
{
    static struct endpoint sockets[CLASSIFY_SOCKETS];
    static struct classify p;
    struct classify_config config = {
        .server = server, .secondary = secondary, .local = sockets, .timeout = 3 * NSEC_S};
    struct observation now = {.kind = OBSERVED_TIMER, .when = START};
    struct waiting w;

    for (unsigned i = 0; i < CLASSIFY_SOCKETS; i++)
        sockets[i] = (struct endpoint){local.address, (uint16_t)(local.port + i)};
    classify_init(&p, &config);
    waits(&p.engine, (struct waiting){0}, "before it starts, a classification waits for nothing");
    engine_observe(&p.engine, &now, &deaf);
    engine_waiting(&p.engine, &w);
    waits(&p.engine,
          (struct waiting){.what = WAITING_FOR_SERVER,
                           .whom = server,
                           .try = 1,
                           .tries = w.tries,
                           .until = START + 3 * NSEC_S},
          "then for the server's first answer");
    ok(w.tries > 1 && w.at_least == 0 && w.at_most == NSEC_NEVER, "in more than one round");
    now.when = engine_deadline(&p.engine);
    engine_observe(&p.engine, &now, &deaf);
    engine_waiting(&p.engine, &w);
    is_int(w.try, 2, "each round is a try");
    now.kind = OBSERVED_STOP;
    engine_observe(&p.engine, &now, &deaf);
    waits(&p.engine, (struct waiting){0}, "when it is done, it waits for nothing");
}

static void test_punch(void)
{
    struct punch_config config = {.server = server,
                                  .local = {UINT32_C(0x64400102), 40000},
                                  .mapped = {UINT32_C(0xcb00710a), 40000},
                                  .attempts = 4,
                                  .allow_private = true,
                                  .server_port = 3544};
    struct teredo_addr peer = {
        .prefix = TEREDO_PREFIX, .server = server.address, .mapped = {UINT32_C(0xc6336414), 5}};
    struct punch p;
    struct waiting w;
    struct observation now = {.kind = OBSERVED_TIMER, .when = START};
    nsec first;

    teredo_addr_encode(&peer, &config.peer);
    ok(punch_init(&p, &config), "a punch");
    engine_waiting(&p.engine, &w);
    is_int(w.what, WAITING_FOR_NOTHING, "before it starts, it waits for nothing");
    engine_observe(&p.engine, &now, &deaf);
    engine_waiting(&p.engine, &w);
    is_int(w.what, WAITING_FOR_PEER, "then for the peer");
    ok(endpoint_equal(w.whom, peer.mapped), "at its mapped endpoint");
    is_int(w.try, 1, "the first pair");
    is_int(w.tries, 4, "of four");
    first = w.until;
    ok(first > START + 3 * PUNCH_INTERVAL, "until the last pair has had its time");
    while (p.attempt_count < 4) {
        now.when = engine_deadline(&p.engine);
        engine_observe(&p.engine, &now, &deaf);
    }
    engine_waiting(&p.engine, &w);
    is_int(w.try, 4, "the last pair");
    is_int(w.until, p.give_up, "until it is given up");
    ok(first - w.until < NSEC_S && w.until - first < NSEC_S, "which was foreseen");
    is_int(w.since, START, "since it began");
}

int main(void)
{
    test_qualify();
    test_check();
    test_trace();
    test_responder();
    test_classify();
    test_punch();
    return done_testing();
}
