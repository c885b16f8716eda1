#include <arpa/inet.h>
#include <stdlib.h>

#include "ip6_block.h"
#include "tap.h"

static struct in6_addr address_of(const char *text)
{
    struct in6_addr address = {0};

    if (inet_pton(AF_INET6, text, &address) != 1)
        ok(false, "the test's own %s is an address", text);
    return address;
}

static void test_blocks(void)
{
    static const struct {
        const char *address, *code;
    } rows[] = {
        {"::", "unspecified"},
        {"::1", "loopback"},
        {"::2", "ip4_compatible"},
        {"::192.0.2.1", "ip4_compatible"},
        {"::1:0:0", "reserved"},
        {"::ffff:192.0.2.1", "ip4_mapped"},
        {"::fffe:192.0.2.1", "reserved"},
        {"64:ff9b::192.0.2.1", "nat64"},
        {"64:ff9b::1:0:1", "reserved"},
        {"64:ff9b:1::1", "nat64_local"},
        {"64:ff9b:2::1", "reserved"},
        {"100::1", "discard"},
        {"100:0:0:1::", "reserved"},
        {"2001::1", "teredo"},
        {"2001:0:ffff::1", "teredo"},
        {"2001:1::1", "protocol"},
        {"2001:2::1", "benchmarking"},
        {"2001:2:1::1", "protocol"},
        {"2001:10::1", "orchid"},
        {"2001:1f:ffff::1", "orchid"},
        {"2001:20::1", "orchid2"},
        {"2001:2f:ffff::1", "orchid2"},
        {"2001:30::1", "protocol"},
        {"2001:1ff::1", "protocol"},
        {"2001:200::1", "global_unicast"},
        {"2001:db8::1", "documentation"},
        {"2001:db9::1", "global_unicast"},
        {"2002:c000:201::1", "6to4"},
        {"2003::1", "global_unicast"},
        {"3ffe:831f::1", "teredo"},
        {"3ffe:831e::1", "6bone"},
        {"3ffe:8320::1", "6bone"},
        {"3fff::1", "documentation"},
        {"3fff:fff::1", "documentation"},
        {"3fff:1000::1", "global_unicast"},
        {"2a00:1450:4001::1", "global_unicast"},
        {"1fff::1", "reserved"},
        {"4000::1", "reserved"},
        {"fbff::1", "reserved"},
        {"fc00::1", "unique_local"},
        {"fdff::1", "unique_local"},
        {"fe00::1", "reserved"},
        {"fe80::1", "link_local"},
        {"febf::1", "link_local"},
        {"fec0::1", "site_local"},
        {"feff::1", "site_local"},
        {"ff01::1", "multicast_interface"},
        {"ff02::2", "multicast_link"},
        {"ff05::2", "multicast"},
        {"ffff::", "multicast"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct in6_addr address = address_of(rows[i].address);

        is_str(ip6_block_of(&address)->code, rows[i].code, "%s is %s", rows[i].address,
               rows[i].code);
    }
}

/* The prefix in words and the prefix in bits are the same. */
static void test_prefixes(void)
{
    static const char *const samples[] = {
        "::",           "::1",       "::2",        "::ffff:1.2.3.4", "64:ff9b::1",
        "64:ff9b:1::1", "100::1",    "2001::1",    "2001:1::",       "2001:2::1",
        "2001:10::",    "2001:20::", "2001:db8::", "2002::",         "3fff::",
        "3ffe:831f::",  "3ffe::",    "2a00::",     "fc00::",         "fe80::",
        "fec0::",       "ff01::",    "ff02::",     "ff05::",         "4000::",
    };

    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct in6_addr address = address_of(samples[i]);
        const struct ip6_block *block = ip6_block_of(&address);
        const char *slash = strchr(block->prefix, '/');
        char text[INET6_ADDRSTRLEN] = "";
        struct in6_addr prefix;

        memcpy(text, block->prefix, (size_t)(slash - block->prefix));
        prefix = address_of(text);
        ok(memcmp(&prefix, block->bits, 16) == 0 && strtol(slash + 1, NULL, 10) == block->length,
           "%s is what the bits of its block say", block->prefix);
    }
}

static void test_ip4(void)
{
    static const char *const with[] = {"::ffff:192.0.2.1", "::192.0.2.1", "64:ff9b::192.0.2.1",
                                       "2002:c000:201::1"};
    static const char *const without[] = {"2001::1", "fe80::c000:201", "64:ff9b:1::1", "::1"};

    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        struct in6_addr address = address_of(with[i]);
        uint32_t ip4 = 0;

        ok(ip6_block_ip4(ip6_block_of(&address), &address, &ip4) && ip4 == 0xc0000201,
           "%s holds 192.0.2.1", with[i]);
    }
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        struct in6_addr address = address_of(without[i]);
        uint32_t ip4 = 42;

        ok(!ip6_block_ip4(ip6_block_of(&address), &address, &ip4) && ip4 == 42,
           "%s holds no IPv4 address", without[i]);
    }
}

static void test_identifiers(void)
{
    static const struct {
        const char *address;
        enum ip6_identifier want;
        const char *why;
    } rows[] = {
        {"fe80::8000:f227:3fff:fdfe", IP6_IDENTIFIER_TEREDO, "miredo-server's at 192.0.2.1:3544"},
        {"fe80::f227:3fff:fdfe", IP6_IDENTIFIER_TEREDO, "the same without the cone bit"},
        {"fe80::63bf:3f57:fefd", IP6_IDENTIFIER_TEREDO,
         "identifiers used in link-local addresses MAY include a private IPv4 address"},
        {"fe80::ffff:ffff:ffff", IP6_IDENTIFIER_CLIENT, "miredo's RS source"},
        {"fe80::ffff:ffff:fffe", IP6_IDENTIFIER_CLIENT, "Windows' RS source"},
        {"fe80::8000:ffff:ffff:fffe", IP6_IDENTIFIER_CLIENT, "Windows' RS source, cone bit set"},
        {"fe80::1", IP6_IDENTIFIER_OTHER, "a short one"},
        {"fe80::c0a8:101", IP6_IDENTIFIER_OTHER, "one with an IPv4 address and no port"},
        {"fe80::5efe:c000:201", IP6_IDENTIFIER_OTHER, "ISATAP"},
        {"fe80::ff:fe00:1", IP6_IDENTIFIER_OTHER, "made from a MAC address"},
        {"fe80::200:f227:3fff:fdfe", IP6_IDENTIFIER_OTHER, "universal"},
        {"fe80::1c2b:3a49:5867:768e", IP6_IDENTIFIER_OTHER, "a random one"},
        {"fe80:0:0:1:8000:f227:3fff:fdfe", IP6_IDENTIFIER_OTHER, "not in fe80::/64"},
        {"2001:db8::8000:f227:3fff:fdfe", IP6_IDENTIFIER_OTHER, "not link-local"},
        {"fe80::63bf:1f00:1", IP6_IDENTIFIER_OTHER, "a multicast address"},
        {"fe80::63bf:80ff:fffe", IP6_IDENTIFIER_OTHER, "a loopback address"},
    };
    uint16_t flags = 0;
    struct endpoint mapped = {0};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct in6_addr address = address_of(rows[i].address);

        is_int(ip6_identifier_of(&address, &flags, &mapped), rows[i].want, "%s: %s",
               rows[i].address, rows[i].why);
    }
    struct in6_addr server = address_of(rows[0].address);
    ip6_identifier_of(&server, &flags, &mapped);
    ok(flags == TEREDO_FLAG_CONE && mapped.address == 0xc0000201 && mapped.port == 3544,
       "flags, address and port of a Teredo identifier are told");
}

int main(void)
{
    test_blocks();
    test_prefixes();
    test_ip4();
    test_identifiers();
    return done_testing();
}
