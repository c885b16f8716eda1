#include <arpa/inet.h>

#include "prng.h"
#include "tap.h"
#include "teredo_addr.h"

static struct in6_addr address_of(const char *text)
{
    struct in6_addr address = {0};

    inet_pton(AF_INET6, text, &address);
    return address;
}

static const char *text_of(const struct in6_addr *address)
{
    static char text[INET6_ADDRSTRLEN];

    return inet_ntop(AF_INET6, address, text, sizeof text);
}

static void test_decode(void)
{
    struct in6_addr address = address_of("2001:0:4136:e378:8000:63bf:3fff:fdd2");
    struct teredo_addr a;

    ok(teredo_addr_decode(&address, &a), "the Teredo prefix is 2001:0000:/32");
    is_int(a.prefix, TEREDO_PREFIX, "which is kept");
    is_int(a.server, 0x4136e378, "the server's IPv4 address is in bits 32 to 63, not obfuscated");
    is_int(a.flags, TEREDO_FLAG_CONE, "the flags are the next 16 bits");
    is_int(a.mapped.port, 40000, "the port is obfuscated: each bit is reversed");
    is_int(a.mapped.address, 0xc000022d, "and so is the client's IPv4 address");
}

static void test_prefixes(void)
{
    static const char *const others[] = {
        "2001:1::",    "2001:0001:4136:e378:8000:63bf:3fff:fdd2",
        "2002::1",     "3ffe:831e::1",
        "3ffe:8320::", "fe80::ffff:ffff:ffff",
        "::",          "ff02::2",
    };
    struct in6_addr address = address_of("3ffe:831f:4136:e378:0:63bf:3fff:fdd2");
    struct teredo_addr a;

    ok(teredo_addr_decode(&address, &a) && a.prefix == TEREDO_PREFIX_OLD && a.mapped.port == 40000,
       "the 6bone's prefix 3ffe:831f::/32 is a Teredo prefix too");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        address = address_of(others[i]);
        ok(!teredo_addr_decode(&address, &a), "%s is no Teredo address", others[i]);
    }
}

static void test_round_trip(void)
{
    struct prng p = {.state = 8};
    unsigned wrong = 0;

    for (unsigned i = 0; i < 10000; i++) {
        struct teredo_addr in = {
            .prefix = prng_below(&p, 2) ? TEREDO_PREFIX : TEREDO_PREFIX_OLD,
            .server = (uint32_t)prng_next(&p),
            .flags = (uint16_t)prng_next(&p),
            .mapped = {(uint32_t)prng_next(&p), (uint16_t)prng_next(&p)},
        };
        struct teredo_addr out;
        struct in6_addr address;

        teredo_addr_encode(&in, &address);
        wrong += !teredo_addr_decode(&address, &out) || out.prefix != in.prefix ||
                 out.server != in.server || out.flags != in.flags ||
                 !endpoint_equal(out.mapped, in.mapped);
    }
    is_int(wrong, 0, "10,000 random Teredo addresses come back as they were");
}

static void test_flags(void)
{
    is_int(TEREDO_FLAGS_RANDOM & (TEREDO_FLAG_CONE | TEREDO_FLAG_RESERVED | TEREDO_FLAG_UNIVERSAL |
                                  TEREDO_FLAG_GROUP),
           0, "the random bits are none of C, R, U and G");
    is_int(TEREDO_FLAGS_RANDOM | TEREDO_FLAG_CONE | TEREDO_FLAG_RESERVED | TEREDO_FLAG_UNIVERSAL |
               TEREDO_FLAG_GROUP,
           0xffff, "together they are all 16 flags");
    is_int(__builtin_popcount(TEREDO_FLAGS_RANDOM), 12, "12 flags are random (RFC 5991)");
}

static void test_link_local(void)
{
    /* miredo-server's, at 192.0.2.1. */
    struct in6_addr address =
        teredo_link_local(TEREDO_FLAG_CONE, (struct endpoint){0xc0000201, TEREDO_PORT});

    is_str(text_of(&address), "fe80::8000:f227:3fff:fdfe",
           "a link-local server address is derived from the server's IPv4 address and Teredo port");
    ok(ip6_is_link_local(&address), "which is link-local");
    address = address_of("fe80:0:0:1::1");
    ok(!ip6_is_link_local(&address), "fe80:0:0:1::1 is not in fe80::/64");
    address = address_of("fec0::1");
    ok(!ip6_is_link_local(&address), "a site-local address is not link-local");
}

static void test_unguessable(void)
{
    static const char *const guessable[] = {
        "fe80::8000:f227:3fff:fdfe",
        "fe80::f227:3fff:fdfe",
        "fe80::8000:ffff:ffff:ffff",
        "fe80::ffff:ffff:fffe",
        "fe80::1",
        "fe80::1c2b:3aff:fe67:768e",
        "fe80::5efe:c000:201",
        "fe80::200:5efe:c0:1",
        "::1",
        "2001:db8::1c2b:3a49:1:2",
    };
    struct in6_addr address = address_of("fe80::1c2b:3a49:5867:768e");

    ok(ip6_is_unguessable_link_local(&address), "a random link-local address cannot be guessed");
    for (unsigned i = 0; i < sizeof guessable / sizeof *guessable; i++) {
        address = address_of(guessable[i]);
        ok(!ip6_is_unguessable_link_local(&address), "anybody can write %s", guessable[i]);
    }
}

static void test_all_routers(void)
{
    struct in6_addr routers = address_of("ff02::2"), nodes = address_of("ff02::1");
    struct in6_addr same = address_of("ff02:0::0:2");

    ok(ip6_is_all_routers(&routers), "ff02::2 is the all-routers address");
    ok(!ip6_is_all_routers(&nodes), "ff02::1 is not");
    ok(ip6_equal(&routers, &same), "equal addresses are equal");
    for (unsigned bit = 0; bit < 128; bit++) {
        same.s6_addr[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ok(!ip6_equal(&routers, &same), "an address that differs in bit %u is another", bit);
        same.s6_addr[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int main(void)
{
    test_decode();
    test_prefixes();
    test_round_trip();
    test_flags();
    test_link_local();
    test_unguessable();
    test_all_routers();
    return done_testing();
}
