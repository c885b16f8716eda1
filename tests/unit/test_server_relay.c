#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prng.h"
#include "server_fixture.h"

static void test_target(void)
{
    static const uint32_t refused[] = {0x00000001, 0x7f000001, 0x0a000001, 0xac100001, 0xc0a80001,
                                       0xa9fe0001, 0xc0586301, 0xe0000001, 0xffffffff};
    struct in6_addr a = teredo_address(PRIMARY, client_a);
    struct teredo_packet p;
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        p = make_bubble(a, teredo_address(PRIMARY, (struct endpoint){refused[i], 4000}));
        wrong += give(client_a, &p) != SERVER_DROP_TARGET_NOT_GLOBAL;
        p = make_bubble(a, teredo_address(OTHER_SERVER, (struct endpoint){refused[i], 4000}));
        wrong += give(client_a, &p) != SERVER_DROP_TARGET_NOT_GLOBAL;
    }
    is_int(wrong, 0,
           "5.3.1: a destination whose IPv4 address is none of 5.2.4's global unicast addresses "
           "is silently discarded");
    p = make_bubble(a, teredo_address(PRIMARY, (struct endpoint){client_b.address, 0}));
    is_drop(give(client_a, &p), SERVER_DROP_TARGET_PORT_ZERO, "so is one whose port is 0");
    p = make_bubble(a, teredo_address(PRIMARY, (struct endpoint){PRIMARY, TEREDO_PORT}));
    is_drop(give(client_a, &p), SERVER_DROP_TARGET_IS_SERVER,
            "the server never sends to its own endpoint: it would relay that for ever");
    p = make_bubble(native, teredo_address(PRIMARY, (struct endpoint){SECONDARY, TEREDO_PORT}));
    is_drop(give(relay_host, &p), SERVER_DROP_TARGET_IS_SERVER, "nor to its secondary one");
    p = make_bubble(a, teredo_address(PRIMARY, (struct endpoint){PRIMARY, 4000}));
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "but to a client on its own host it does");

    config.allow_private = true;
    server_init(&server, &config);
    p = make_bubble(a, teredo_address(PRIMARY, (struct endpoint){0x0a000001, 4000}));
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "with allow_private to a private address too");
    p = make_bubble(a, teredo_address(PRIMARY, (struct endpoint){0xe0000001, 4000}));
    is_drop(give(client_a, &p), SERVER_DROP_TARGET_NOT_GLOBAL,
            "even with allow_private to no multicast group");
    set_up();
}

static void test_relaying(void)
{
    struct in6_addr a = teredo_address(PRIMARY, client_a), b = teredo_address(PRIMARY, client_b);
    uint8_t in[256], want[256];
    struct teredo_packet p;
    size_t size;

    size = hex_read(SAMPLE_BUBBLE SAMPLE_INDIRECT_TRAILERS, in);
    memcpy(in + 24, &b, sizeof b);
    is_drop(give_bytes(client_a, SERVER_PRIMARY, in, size), SERVER_ACCEPTED,
            "a bubble to our client is relayed");
    is_int(reply.kind, SERVER_RELAYED, "as such");
    ok(endpoint_equal(reply.to, client_b),
       "5.3.1: destination address and port are derived from the IPv6 destination");
    is_int(reply.from, SERVER_PRIMARY, "5.3.1: the source is the server's address");
    hex_read(SAMPLE_RA_ORIGIN, want); /* of client A */
    is_mem(reply.data, want, 8,
           "5.3.1: an origin indication of the sender is inserted in the first bytes");
    is_int((int64_t)reply.size, (int64_t)size + 8, "nothing else is added");
    is_mem(reply.data + 8, in, size,
           "the packet follows as it came: hop limit 0 and RFC 6081 trailers included");
    give_bytes(client_a, SERVER_SECONDARY, in, size);
    is_int(reply.from, SERVER_PRIMARY,
           "5.3.1: the source is that address even if the secondary received it");

    hex_read("010900", in + size);
    is_drop(give_bytes(client_a, SERVER_PRIMARY, in, size + 3), SERVER_ACCEPTED,
            "bytes behind the trailers that are none do not hinder");
    is_int((int64_t)reply.size, (int64_t)size + 8, "but are not relayed");

    p = make_bubble(a, b);
    p.has_origin = true;
    p.origin = client_b;
    p.has_auth = true;
    p.auth = (struct teredo_auth){0};
    is_drop(give(client_a, &p), SERVER_ACCEPTED,
            "a client's own authentication and origin indication do not hinder either");
    is_int((int64_t)reply.size, 48, "but are not relayed");
    p = answer();
    ok(endpoint_equal(p.origin, client_a), "only the server says what the origin is");

    p = make_bubble(a, teredo_address(OTHER_SERVER, client_b));
    is_drop(give(client_a, &p), SERVER_ACCEPTED,
            "5.3.1: from a client that rule 5 has checked, another server's client is reached too");
    is_int((int64_t)reply.size, 40, "5.3.1: without an origin indication, byte for byte");
    ok(endpoint_equal(reply.to, client_b), "at the endpoint in its address");
    p = make_bubble(teredo_address(OTHER_SERVER, client_a), b);
    is_drop(give(client_a, &p), SERVER_ACCEPTED,
            "5.3.1 rule 5: the sender may be another server's client");

    p = make_echo(a, b, 32);
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "5.3: an echo request is relayed");
    is_int((int64_t)reply.size, 8 + 40 + 8 + 32, "behind an origin indication");
    p = make_echo(native, b, 32);
    is_drop(give(relay_host, &p), SERVER_ACCEPTED, "5.3: also from a native address");
    p = make_icmp6(ICMP6_TYPE_ECHO_REPLY, 0, a, b);
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "5.3: an echo reply is relayed");
    p = make_icmp6(1, 0, a, b);
    is_drop(give(client_a, &p), SERVER_DROP_NOT_RELAYED, "5.3: other ICMPv6 is not: an error");
    p = make_icmp6(ICMP6_TYPE_RS, 0, a, b);
    is_drop(give(client_a, &p), SERVER_DROP_NOT_RELAYED, "nor a solicitation");
    give_hex(client_a, SAMPLE_RS);
    memcpy(in, reply.data, reply.size);
    p = make_icmp6(137, 0, a, b);
    is_drop(give(client_a, &p), SERVER_DROP_NOT_RELAYED,
            "nor a redirect, which must never seem to come from a client's server");

    p = make_echo(a, b, TEREDO_MTU - 48);
    is_drop(give(client_a, &p), SERVER_ACCEPTED, "an IPv6 packet may be as large as the MTU");
    is_int((int64_t)reply.size, 8 + TEREDO_MTU, "and is relayed whole");
    p = make_echo(a, b, TEREDO_MTU - 47);
    is_drop(give(client_a, &p), SERVER_DROP_TOO_LARGE, "5.1.2: but no larger");
}

/* A forged advertisement must not reach a client from its own server. */
static void test_forged_advertisement(void)
{
    struct in6_addr b = teredo_address(PRIMARY, client_b);
    uint8_t buf[TEREDO_RA_SIZE];
    struct teredo_packet p;

    teredo_make_ra(&p, &native, &b, (struct teredo_advertised){OTHER_SERVER, 1280}, buf);
    is_drop(give(relay_host, &p), SERVER_DROP_NOT_RELAYED,
            "an advertisement to a client is never relayed");
    teredo_make_ra(&p, &server.link_local, &b, (struct teredo_advertised){OTHER_SERVER, 1280}, buf);
    is_drop(give(relay_host, &p), SERVER_DROP_IP6_SOURCE_INVALID,
            "least of all one in the server's own name");
}

/* A relayed datagram is the one received plus at most 8 bytes, an advertisement is 56 bytes longer
 * than its solicitation (5.3.2 asks for that many): never more. */
static void check_growth(size_t size, unsigned *grown)
{
    size_t most = reply.kind == SERVER_ADVERTISED ? size + 48 + 8 + TEREDO_HMAC_SIZE
                  : reply.kind == SERVER_RELAYED  ? size + 8
                                                  : size;

    *grown += reply.size > most;
}

static void test_random_bytes(void)
{
    struct prng prng = {4380};
    struct in6_addr a = teredo_address(PRIMARY, client_a), b = teredo_address(PRIMARY, client_b);
    struct teredo_packet samples[] = {
        make_bubble(a, b),
        make_bubble(link_local(0), b),
        make_echo(a, server.link_local, 40),
    };
    uint8_t data[512];
    unsigned seen[SERVER_DROP_COUNT] = {0}, grown = 0, kinds = 0;

    for (int i = 0; i < 200000; i++) {
        struct writer w = writer_of(data, sizeof data);
        unsigned changes = prng_below(&prng, 4);
        enum server_drop drop;
        size_t size;

        switch (prng_below(&prng, 4)) {
        case 0:
            size = prng_below(&prng, 128);
            for (size_t k = 0; k < size; k++)
                data[k] = (uint8_t)prng_next(&prng);
            break;
        case 1:
            size = hex_read(SAMPLE_RS, data);
            break;
        default:
            teredo_encode(&w, &samples[prng_below(&prng, 3)]);
            size = w.size + prng_below(&prng, 16);
            memset(data + w.size, (int)prng_below(&prng, 256), size - w.size);
        }
        while (changes-- > 0 && size > 0)
            data[prng_below(&prng, (uint32_t)size)] = (uint8_t)prng_next(&prng);
        if (prng_below(&prng, 8) == 0)
            size = prng_below(&prng, (uint32_t)size + 1);
        drop = give_bytes(client_a, (enum server_address)prng_below(&prng, 2), data, size);
        seen[drop]++;
        if (drop == SERVER_ACCEPTED)
            check_growth(size, &grown);
    }
    for (int i = 0; i < SERVER_DROP_COUNT; i++)
        kinds += seen[i] > 0;
    ok(seen[SERVER_ACCEPTED] > 1000, "of 200,000 damaged packets some are still right: %u",
       seen[SERVER_ACCEPTED]);
    ok(kinds >= 10, "and the others are discarded for many reasons: %u", kinds - 1);
    is_int(grown, 0, "7.4: no answer is longer than RFC 4380 asks for");
}

/* RFC 4380 7.4.1: a server must not be the hands of who wants to reach a third party. */
static void test_targets(void)
{
    static const struct {
        struct endpoint target;
        enum server_drop drop;
        const char *rule;
    } cases[] = {
        {{0x64400001, 50000}, SERVER_DROP_TARGET_RESERVED, "nothing is relayed to 100.64.0.0/10"},
        {{0x647fffff, 50000}, SERVER_DROP_TARGET_RESERVED, "to its last address"},
        {{0x64800000, 50000}, SERVER_ACCEPTED, "but to the one after it"},
        {{0xc6120001, 50000}, SERVER_DROP_TARGET_RESERVED, "198.18.0.0/15"},
        {{0xc613ffff, 50000}, SERVER_DROP_TARGET_RESERVED, "its end"},
        {{0xc6140000, 50000}, SERVER_ACCEPTED, "but behind it"},
        {{0xc00000ff, 50000}, SERVER_DROP_TARGET_RESERVED, "192.0.0.0/24"},
        {{0xf0000001, 50000}, SERVER_DROP_TARGET_RESERVED, "240.0.0.0/4"},
        {{0xc6336414, 1023}, SERVER_DROP_TARGET_PORT_LOW, "a port below 1024"},
        {{0xc6336414, 53}, SERVER_DROP_TARGET_PORT_LOW, "such as DNS"},
        {{0xc6336414, 1024}, SERVER_ACCEPTED, "but 1024"},
        {{0xcb0071aa, 50000}, SERVER_DROP_TARGET_IS_HOST, "another address of this host"},
        {{0xc0000201, 3544}, SERVER_DROP_TARGET_IS_SERVER, "its own endpoint"},
        {{0xc0000201, 50000}, SERVER_DROP_TARGET_IS_HOST, "its own address at another port"},
    };
    static const uint32_t host[] = {PRIMARY, SECONDARY, 0xcb0071aa};
    struct in6_addr a = teredo_address(PRIMARY, client_a);

    set_up();
    config.host = host;
    config.host_count = sizeof host / sizeof *host;
    server_init(&server, &config);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct teredo_packet p = make_bubble(a, teredo_address(PRIMARY, cases[i].target));

        is_drop(give(client_a, &p), cases[i].drop, cases[i].rule);
    }
    {
        struct endpoint here = {0xcb0071aa, 40000};
        struct teredo_packet p =
            make_bubble(teredo_address(PRIMARY, here), teredo_address(PRIMARY, here));

        is_drop(give(here, &p), SERVER_ACCEPTED, "a client on this host reaches itself");
    }
    config.allow_private = true;
    server_init(&server, &config);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct teredo_packet p = make_bubble(a, teredo_address(PRIMARY, cases[i].target));
        bool stays = cases[i].drop == SERVER_DROP_TARGET_PORT_LOW ||
                     cases[i].drop == SERVER_DROP_TARGET_IS_SERVER;

        is_drop(give(client_a, &p), stays ? cases[i].drop : SERVER_ACCEPTED,
                "in a laboratory those that are no loop, and no service");
    }
}

static void test_limit(void)
{
    static struct server_limit limit;
    unsigned taken = 0;

    limit = (struct server_limit){.key = 7};
    for (int i = 0; i < 1000; i++)
        taken += server_limit_take(&limit, 0xc6336414, NSEC_S);
    is_int(taken, 1000, "without a rate nothing is bounded");
    limit.rate = (struct rate){NSEC_S / 100, 200};
    for (int i = 0; i < 10000; i++)
        taken += server_limit_take(&limit, 0xc6336414, NSEC_S + i * NSEC_MS);
    ok(taken - 1000 >= 1199 && taken - 1000 <= 1200, "a burst of 200, and 100 a second: %u in 10 s",
       taken - 1000);
    ok(server_limit_take(&limit, 0xc6336415, 11 * NSEC_S),
       "another address has a bound of its own");
    ok(server_limit_take(&limit, 0xc6336414, 20 * NSEC_S), "after a pause there is room again");
}

static void test_shared_limit(void)
{
    enum {
        PROCESSES = 4,
        BURST = 200000,
    };
    struct {
        struct server_limit limit;
        unsigned taken[PROCESSES];
    } *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned sum = 0;

    if (!ok(shared != MAP_FAILED, "there is memory to share"))
        return;
    shared->limit.rate = (struct rate){NSEC_MS, BURST};
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            for (unsigned j = 0; j < BURST; j++)
                shared->taken[i] += server_limit_take(&shared->limit, 0xc6336414, NSEC_S);
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
    for (int i = 0; i < PROCESSES; i++)
        sum += shared->taken[i];
    is_int(sum, BURST, "processes that share the bounds send together what one may");
    munmap(shared, sizeof *shared);
}

int main(void)
{
    set_up();
    test_target();
    test_relaying();
    test_forged_advertisement();
    test_random_bytes();
    test_targets();
    test_limit();
    test_shared_limit();
    return done_testing();
}
