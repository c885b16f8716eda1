/* What engines say that they wait for: what, which try of how many, and until when. */
#include "punch.h"
#include "qualify.h"
#include "tap.h"

#define START (INT64_C(1000) * NSEC_S)

static const struct endpoint server = {UINT32_C(0xc0000201), 3544};
static const struct endpoint secondary = {UINT32_C(0xc0000202), 3544};

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

static void test_qualify(void)
{
    struct qualify_config config = {.server = server,
                                    .secondary = secondary,
                                    .local = {UINT32_C(0x64400102), 40000},
                                    .timeout = 7 * NSEC_S,
                                    .attempts = 3};
    struct qualify q;
    struct waiting w;
    struct observation now = {.kind = OBSERVED_TIMER, .when = START};

    qualify_init(&q, &config);
    engine_waiting(&q.engine, &w);
    is_int(w.what, WAITING_FOR_NOTHING, "before it starts, it waits for nothing");
    engine_observe(&q.engine, &now, &deaf);
    engine_waiting(&q.engine, &w);
    is_int(w.what, WAITING_FOR_SERVER, "then for the server");
    ok(endpoint_equal(w.whom, server), "the primary address first");
    is_int(w.try, 1, "the first try");
    is_int(w.tries, 3, "of three");
    is_int(w.until, START + 7 * NSEC_S, "until the timeout");
    now.when = engine_deadline(&q.engine);
    engine_observe(&q.engine, &now, &deaf);
    engine_waiting(&q.engine, &w);
    is_int(w.try, 2, "the second try");
    is_int(w.until, START + 7 * NSEC_S, "and the timeout is the same");
    now.kind = OBSERVED_STOP;
    engine_observe(&q.engine, &now, &deaf);
    engine_waiting(&q.engine, &w);
    is_int(w.what, WAITING_FOR_NOTHING, "when it is done, it waits for nothing");
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
}

int main(void)
{
    test_qualify();
    test_punch();
    return done_testing();
}
