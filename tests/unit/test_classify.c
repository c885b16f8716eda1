/* What must not mislead a classification: stray errors, short rooms, firewalls that pose as hosts,
 * slow addresses, routers of a carrier. The NATs themselves are in tests/scenario. */
#include <errno.h>
#include <stdlib.h>

#include "classify.h"
#include "classify_judge.h"
#include "send_queue.h"
#include "tap.h"

#define START (INT64_C(1000) * NSEC_S)

enum {
    SERVER = 0xc0000201,
    NAT_BOX = 0xc0a80101,
    HOST = 0xc0a80102,
};

struct sent {
    struct send_request request;
    uint8_t bytes[TEREDO_MAX_SIZE];
};

struct run {
    struct outbox outbox;
    struct send_queue sends_under_way;
    struct classify engine;
    struct endpoint local[CLASSIFY_SOCKETS];
    nsec now;
    bool done;
    unsigned sends;
    unsigned progress;
    struct classification result;
    int fail_with; /* errno of every send; 0 = they leave */
    struct sent last[CLASSIFY_SOCKETS];
};

static void take_send(struct outbox *outbox, const struct send_request *request)
{
    struct run *r = (struct run *)outbox;
    struct sent *last = &r->last[request->socket];

    r->sends++;
    last->request = *request;
    memcpy(last->bytes, request->bytes, request->size);
    send_queue_add(&r->sends_under_way, request);
}

static void take_event(struct outbox *outbox, const struct event *event)
{
    struct run *r = (struct run *)outbox;

    if (event->kind == EVENT_PROGRESS)
        r->progress++;
    if (event->kind == EVENT_CLASSIFICATION)
        r->result = *event->classification;
}

static void take_end(struct outbox *outbox)
{
    ((struct run *)outbox)->done = true;
}

static void observe(struct run *r, struct observation o)
{
    struct queued_send *s;

    o.when = r->now;
    engine_observe(&r->engine.engine, &o, &r->outbox);
    while ((s = send_queue_take(&r->sends_under_way)) != NULL) {
        o = (struct observation){.kind = r->fail_with != 0 ? OBSERVED_SEND_FAILED : OBSERVED_SENT,
                                 .when = r->now,
                                 .socket = s->request.socket,
                                 .tag = s->request.tag,
                                 .from = r->local[s->request.socket],
                                 .to = s->request.to,
                                 .errnum = r->fail_with};
        engine_observe(&r->engine.engine, &o, &r->outbox);
        free(s);
    }
}

static void start(struct run *r, int fail_with)
{
    struct classify_config config = {
        .server = {SERVER, 3544},
        .secondary = {(uint32_t)SERVER + 1, 3544},
        .local = r->local,
        .timeout = 3 * NSEC_S,
    };

    memset(r, 0, sizeof *r);
    r->outbox = (struct outbox){take_send, take_event, take_end};
    for (unsigned i = 0; i < CLASSIFY_SOCKETS; i++)
        r->local[i] = (struct endpoint){HOST, (uint16_t)(40000 + i)};
    r->now = START;
    r->fail_with = fail_with;
    classify_init(&r->engine, &config);
    observe(r, (struct observation){.kind = OBSERVED_TIMER});
}

static void wait_until(struct run *r, nsec when)
{
    unsigned timers = 0;

    while (!r->done && engine_deadline(&r->engine.engine) <= when && timers++ < 10000) {
        nsec deadline = engine_deadline(&r->engine.engine);

        r->now = nsec_max(r->now, deadline);
        observe(r, (struct observation){.kind = OBSERVED_TIMER});
    }
    ok(timers < 10000, "timers do not spin");
    r->now = nsec_max(r->now, when);
}

static void icmp(struct run *r, unsigned socket, uint8_t type, uint8_t code, uint32_t reporter)
{
    observe(r, (struct observation){.kind = OBSERVED_ICMP_ERROR,
                                    .socket = socket,
                                    .from = r->local[socket],
                                    .to = {SERVER, 3544},
                                    .icmp = {type, code, reporter},
                                    .quotes_sent = true});
}

static void test_refusals(struct run *r)
{
    start(r, 0);
    icmp(r, CLASSIFY_X, 3, 13, NAT_BOX);
    ok(!r->done, "one ICMP error decides nothing at once");
    icmp(r, CLASSIFY_X, 3, 13, NAT_BOX);
    icmp(r, CLASSIFY_X, 3, 13, NAT_BOX);
    ok(r->done, "three of them do");
    is_int(r->result.reach, REACH_REFUSAL(REFUSAL_PROHIBITED), "three of them: prohibited");
    is_int(r->result.verdict, CLASSIFY_BLOCKED, "prohibited is blocked");

    start(r, 0);
    icmp(r, CLASSIFY_X, 3, 13, NAT_BOX);
    wait_until(r, START + 5 * NSEC_S);
    ok(r->done && r->result.elapsed < NSEC_S, "one that nothing contradicts is believed soon");
    is_int(r->result.reach, REACH_REFUSAL(REFUSAL_PROHIBITED), "then it is the reason");

    for (uint8_t code = 0; code <= 5; code++) {
        if (code >= 2 && code <= 4)
            continue;
        start(r, 0);
        for (int i = 0; i < 10; i++)
            icmp(r, CLASSIFY_X, 3, code, NAT_BOX);
        wait_until(r, START + NSEC_S);
        ok(!r->done, "code %d is a hint: a route may be changing", code);
        wait_until(r, START + 5 * NSEC_S);
        ok(r->done && r->result.elapsed >= 2 * NSEC_S, "code %d: it is asked until the time is up",
           code);
        is_int(r->result.reach,
               REACH_REFUSAL(code == 0 ? REFUSAL_NET_UNREACHABLE : REFUSAL_HOST_UNREACHABLE),
               "code %d: then it is the reason", code);
        is_int(r->result.verdict, CLASSIFY_PARTIAL, "code %d: and no proof that UDP is blocked",
               code);
    }

    start(r, 0);
    for (int i = 0; i < 3; i++)
        icmp(r, CLASSIFY_X, 3, 3, NAT_BOX);
    is_int(r->result.reach, REACH_REFUSAL(REFUSAL_PROHIBITED),
           "a port unreachable that is not the server's own is a firewall's");
    start(r, 0);
    for (int i = 0; i < 3; i++)
        icmp(r, CLASSIFY_X, 3, 3, SERVER);
    is_int(r->result.reach, REACH_REFUSAL(REFUSAL_PORT_UNREACHABLE),
           "the server's own is the closed port");
    is_int(r->result.verdict, CLASSIFY_PARTIAL, "which says nothing of the NAT");

    start(r, 0);
    for (int i = 0; i < 10; i++)
        icmp(r, CLASSIFY_HOPS, 3, 13, NAT_BOX);
    ok(!r->done, "what becomes of packets that were to die on the way is no refusal");
}

/* RFC 5927: nobody needs to have seen a packet to forge an error about it. */
static void test_forged_refusals(struct run *r)
{
    const struct observation forged = {.kind = OBSERVED_ICMP_ERROR,
                                       .socket = CLASSIFY_X,
                                       .from = r->local[CLASSIFY_X],
                                       .to = {SERVER, 3544},
                                       .icmp = {3, 3, SERVER}};

    start(r, 0);
    for (int i = 0; i < 1000; i++)
        observe(r, forged);
    wait_until(r, START + 900 * NSEC_MS);
    ok(!r->done, "errors that do not quote what was sent end nothing for a round trip's bound");
    wait_until(r, START + 5 * NSEC_S);
    ok(r->done && r->result.elapsed < 2 * NSEC_S, "then they are believed");
    is_int(r->result.reach, REACH_REFUSAL(REFUSAL_PORT_UNREACHABLE), "where nothing else came");
    ok(!r->engine.server_host_answered, "and even so they do not prove that UDP gets there");
}

static void test_send_failures(struct run *r)
{
    start(r, ENOBUFS);
    ok(!r->done, "a full queue is loss, no refusal");
    wait_until(r, START + 5 * NSEC_S);
    ok(r->done && r->result.reach != REACH_REFUSAL(REFUSAL_SEND_REFUSED), "even if it stays full");
    start(r, ENETUNREACH);
    wait_until(r, START + 5 * NSEC_S);
    ok(r->done && r->result.elapsed < NSEC_S, "no route is told soon");
    is_int(r->result.reach, REACH_REFUSAL(REFUSAL_NO_ROUTE), "no route is the reason");
    is_int(r->result.errnum, ENETUNREACH, "with the system's error");
    start(r, EPERM);
    wait_until(r, START + 5 * NSEC_S);
    is_int(r->result.reach, REACH_REFUSAL(REFUSAL_SEND_REFUSED),
           "this host's own firewall is told as such");
}

static const struct classify_evidence *find_evidence(const struct run *r, enum classify_test test)
{
    for (unsigned i = 0; i < r->result.evidence_count; i++)
        if (r->result.evidence[i].test == test)
            return &r->result.evidence[i];
    abort();
}

static void test_silence(struct run *r)
{
    const struct classify_evidence *hops;

    start(r, 0);
    wait_until(r, START + 10 * NSEC_S);
    ok(r->done, "silence ends");
    is_int(r->result.reach, REACH_NO_REPLY, "without a sign of life: no reply");
    is_int(r->result.nat, NAT_NAME_BLOCKED, "no reply is RFC 3489's UDP blocked");
    ok((r->result.proven & CLASSIFY_PROVEN(PRIVATE_ROUTER)) == 0, "no router has shown itself");
    ok(r->progress >= 2, "while waiting, progress is told");
    ok(r->result.elapsed <= 3 * NSEC_S + NSEC_MS, "it takes no longer than the timeout");

    start(r, 0);
    wait_until(r, START + NSEC_S);
    icmp(r, CLASSIFY_HOPS, 11, 0, NAT_BOX);
    icmp(r, CLASSIFY_HOPS, 11, 0, 0x0a000001);
    wait_until(r, START + 10 * NSEC_S);
    is_int(r->result.reach, REACH_NO_REPLY, "private routers do not show that UDP leaves");
    is_int(r->result.private_router, NAT_BOX, "but are told: there may be a second NAT");
    ok((r->result.proven & CLASSIFY_PROVEN(PRIVATE_ROUTER)) != 0, "which is proven by them");
    hops = find_evidence(r, TEST_HOPS);
    ok(hops->proof == PROVES_PRIVATE_ROUTER && hops->seen[0].address == NAT_BOX,
       "and are the evidence");

    start(r, 0);
    wait_until(r, START + NSEC_S);
    icmp(r, CLASSIFY_HOPS, 11, 0, 0xcb007101);
    wait_until(r, START + 10 * NSEC_S);
    is_int(r->result.reach, REACH_SERVER_SILENT, "a public one does");
    is_int(r->result.nat, NAT_NAME_UNKNOWN, "and then nothing is said of the NAT");

    start(r, 0);
    wait_until(r, START + NSEC_S);
    icmp(r, CLASSIFY_HOPS, 11, 0, 0x64400001);
    wait_until(r, START + 10 * NSEC_S);
    is_int(r->result.reach, REACH_NO_REPLY, "a carrier's shared address is not outside");
    is_int(r->result.shared_space_router, 0x64400001, "but is told: there may be a second NAT");

    start(r, 0);
    wait_until(r, START + NSEC_S);
    icmp(r, CLASSIFY_HOPS, 3, 3, SERVER);
    wait_until(r, START + 10 * NSEC_S);
    is_int(r->result.reach, REACH_SERVER_SILENT,
           "a packet that reached the server's host shows it");
    start(r, 0);
    wait_until(r, START + NSEC_S);
    icmp(r, CLASSIFY_HOPS, 3, 3, NAT_BOX);
    wait_until(r, START + 10 * NSEC_S);
    is_int(r->result.reach, REACH_NO_REPLY, "one that a firewall refused does not");

    start(r, 0);
    wait_until(r, START + NSEC_S);
    for (unsigned i = 0; i < 5; i++)
        icmp(r, CLASSIFY_HOPS, 11, 0, 0xcb007101 + i / 2);
    wait_until(r, START + 10 * NSEC_S);
    hops = find_evidence(r, TEST_HOPS);
    is_int(hops->answered, 3, "each router counts once");
    ok(hops->seen[0].address == 0xcb007103 && hops->seen[1].address == 0xcb007102,
       "the two that were told last are shown");
    is_int(hops->proof, PROVES_UDP_LEAVES, "as the proof that UDP leaves");

    start(r, 0);
    wait_until(r, START + NSEC_S);
    icmp(r, CLASSIFY_HOPS, 11, 0, 0xcb007101);
    icmp(r, CLASSIFY_HOPS, 11, 0, 0x64400001);
    wait_until(r, START + 10 * NSEC_S);
    hops = find_evidence(r, TEST_HOPS);
    ok(hops->seen[0].address == 0x64400001 && endpoint_is_unset(hops->seen[1]) &&
           hops->proof == PROVES_SHARED_SPACE,
       "a carrier's shared address is what they show, if one was told");

    start(r, 0);
    wait_until(r, START + NSEC_S);
    observe(r, (struct observation){.kind = OBSERVED_STOP});
    ok(r->done, "an interrupt ends it");
    is_int(r->result.reach, REACH_INTERRUPTED, "and is told");
    is_int(r->result.verdict, CLASSIFY_PARTIAL, "as partial");
}

/* Bytes that are no answer: counted, refused, and never believed. */
static void test_junk(struct run *r)
{
    struct wire_fault fault = {WIRE_TRUNCATED, 3};

    start(r, 0);
    for (int i = 0; i < 1000; i++)
        observe(r, (struct observation){.kind = OBSERVED_RECEIVED,
                                        .socket = (unsigned)i % CLASSIFY_SOCKETS,
                                        .from = {SERVER, 3544},
                                        .to = {HOST, 40000},
                                        .fault = fault,
                                        .size = 3});
    ok(!r->done, "junk from the server's address does not end it");
    wait_until(r, START + 10 * NSEC_S);
    is_int(r->result.reach, REACH_REJECTED, "it is told in the end");
    is_int(r->result.mapped.port, 0, "and nothing is believed");
}

int main(void)
{
    struct run *r = calloc(1, sizeof *r);

    if (r == NULL)
        return 1;
    test_refusals(r);
    test_forged_refusals(r);
    test_send_failures(r);
    test_silence(r);
    test_junk(r);
    free(r);
    return done_testing();
}
