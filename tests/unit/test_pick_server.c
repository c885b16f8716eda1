/* Of a name's addresses, the first that answers as a server does. */
#include "pick_server.h"

#include "engine_fixture.h"

static const struct endpoint servers[] = {
    {0xc000024d, TEREDO_PORT}, {0xc0000201, TEREDO_PORT}, {0xc0000281, TEREDO_PORT}};
static const struct endpoint local = {0x64400102, 40001};
static const struct endpoint mapped = {0xcb00710a, 50001};

static struct bench b;
static struct pick_server p;

static void start(unsigned count)
{
    struct pick_config config = {
        .servers = servers, .count = count, .timeout = 1500 * NSEC_MS, .nonces = {.key = {7}}};

    pick_server_init(&p, &config);
    bench_start(&b, &p.engine, local);
}

static void test_first(void)
{
    start(3);
    for (unsigned i = 0; i < 3; i++)
        is_int(bench_sent(&b, servers[i], TEREDO_RS), 1, "address %u is asked at once", i);
    bench_wait(&b, 30 * NSEC_MS);
    bench_advertise(&b, servers[2], servers[2], mapped);
    ok(!b.done, "the others have as long again");
    bench_wait(&b, 10 * NSEC_MS);
    bench_advertise(&b, servers[1], servers[1], mapped);
    is_int(engine_deadline(&p.engine) - BENCH_EPOCH, 110 * NSEC_MS,
           "the silent one is not waited for till the timeout");
    bench_finish(&b);
    is_int(bench_sent(&b, servers[0], TEREDO_RS), 1, "nor asked again");
    is_int(p.answers, 2, "two answered");
    is_int(p.first, 2, "and the first that did serves");
    ok(!p.answered[0] && p.answered[1] && p.answered[2], "it is known which did not");
}

static enum waiting_for waits_for(void)
{
    struct waiting w;

    engine_waiting(&p.engine, &w);
    return w.what;
}

static void test_silence(void)
{
    struct pick_config config = {.servers = servers, .count = 1, .timeout = NSEC_S};

    pick_server_init(&p, &config);
    is_int(waits_for(), WAITING_FOR_NOTHING, "before it begins it waits for nothing");
    start(2);
    is_int(waits_for(), WAITING_FOR_SERVER, "then for a server");
    bench_finish(&b);
    is_int(waits_for(), WAITING_FOR_NOTHING, "and at its end for nothing");
    is_int(p.answers, 0, "nobody answered");
    is_int(bench_sent(&b, servers[0], TEREDO_RS), PICK_ATTEMPTS, "each was asked three times");
    is_int(bench_sent(&b, servers[1], TEREDO_RS), PICK_ATTEMPTS, "the other too");
}

static void test_forged(void)
{
    start(2);
    bench_advertise(&b, servers[1], servers[0], mapped);
    is_int(p.answers, 0, "an advertisement of another server is none of this one");
    bench_observe(&b, (struct observation){.kind = OBSERVED_STOP});
    ok(b.done, "an interrupt ends it");
}

/* Who shows no identifier (RFC 4380 5.2.2) shares no secret, by which an answer could be checked.
 */
static void test_no_identifier(void)
{
    static const uint8_t secret[] = "sesame";
    struct pick_config config = {
        .servers = servers,
        .count = 1,
        .timeout = NSEC_S,
        .identity = {.secret = secret, .secret_size = sizeof secret},
        .nonces = {.key = {7}},
    };

    pick_server_init(&p, &config);
    bench_start(&b, &p.engine, local);
    bench_advertise(&b, servers[0], servers[0], mapped);
    is_int(p.answers, 1, "without an identifier an answer that is not signed is believed");
}

int main(void)
{
    test_first();
    test_no_identifier();
    test_silence();
    test_forged();
    return done_testing();
}
