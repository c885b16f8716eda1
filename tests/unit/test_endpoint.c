#include "endpoint.h"
#include "prng.h"
#include "tap.h"

static void test_parse_address(void)
{
    static const struct {
        const char *text;
        uint32_t address;
    } good[] = {
        {"0.0.0.0", 0},
        {"1.2.3.4", 0x01020304},
        {"192.0.2.129", 0xc0000281},
        {"255.255.255.255", 0xffffffff},
    };
    static const char *const bad[] = {
        "",          "1",        "1.2.3",    "1.2.3.4.5",         "256.0.0.1", "1.2.3.400",
        "01.2.3.4",  "1.2.3.00", " 1.2.3.4", "1.2.3.4 ",          "1..3.4",    "1.2.3.",
        "0x1.2.3.4", "-1.2.3.4", "1.2.3.4:", "99999999999.0.0.1",
    };
    uint32_t address;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ok(ip4_parse(good[i].text, &address) && address == good[i].address, "%s is an address",
           good[i].text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        address = 42;
        ok(!ip4_parse(bad[i], &address) && address == 42, "\"%s\" is no address", bad[i]);
    }
}

static void test_parse_endpoint(void)
{
    static const char *const bad[] = {
        "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:", "1.2.3.4:080", "1.2.3.4:1 ", ":80", "1.2.3:80",
    };
    struct endpoint e;

    ok(endpoint_parse("1.2.3.4:337", 0, &e) &&
           endpoint_equal(e, (struct endpoint){0x01020304, 337}),
       "address and port are read");
    ok(endpoint_parse("1.2.3.4", 3544, &e) && e.port == 3544, "a missing port is the default port");
    ok(!endpoint_parse("1.2.3.4", 0, &e), "a missing port is refused where there is no default");
    ok(endpoint_parse("1.2.3.4:1", 3544, &e) && e.port == 1, "a given port wins over the default");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!endpoint_parse(bad[i], 3544, &e), "\"%s\" is no endpoint", bad[i]);
}

static void test_round_trip(void)
{
    struct prng p = {.state = 1};
    unsigned wrong = 0;

    for (unsigned i = 0; i < 10000; i++) {
        struct endpoint e = {(uint32_t)prng_next(&p), (uint16_t)(1 + prng_below(&p, 65535))};
        struct endpoint back = {0};
        char text[ENDPOINT_STRLEN];

        wrong += !endpoint_parse(endpoint_format(e, text), 0, &back) || !endpoint_equal(e, back);
    }
    is_int(wrong, 0, "10,000 random endpoints come back from their text");
}

/* RFC 4380 5.2.4 lists what is not in the format of a global unicast address. */
static void test_global_unicast(void)
{
    static const struct {
        const char *first, *last, *why;
    } refused[] = {
        {"0.0.0.0", "0.255.255.255", "the \"local\" network"},
        {"10.0.0.0", "10.255.255.255", "the private block 10/8"},
        {"127.0.0.0", "127.255.255.255", "the loopback network"},
        {"169.254.0.0", "169.254.255.255", "the DHCP link local block"},
        {"172.16.0.0", "172.31.255.255", "the private block 172.16/12"},
        {"192.88.99.0", "192.88.99.255", "the 6to4 relay anycast block"},
        {"192.168.0.0", "192.168.255.255", "the private block 192.168/16"},
        {"224.0.0.0", "239.255.255.255", "the multicast block"},
        {"255.255.255.255", "255.255.255.255", "the limited broadcast address"},
    };
    uint32_t first, last;

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ip4_parse(refused[i].first, &first);
        ip4_parse(refused[i].last, &last);
        ok(!ip4_is_global_unicast(first) && !ip4_is_global_unicast(last),
           "%s is not global unicast", refused[i].why);
        ok((first == 0 || ip4_is_global_unicast(first - 1)) &&
               (last == UINT32_MAX || last == 0xefffffff || ip4_is_global_unicast(last + 1)),
           "%s ends where it ends", refused[i].why);
        ok(ip4_special_block(first) != NULL, "%s has a name", refused[i].why);
    }
    ip4_parse("192.0.2.1", &first);
    ok(ip4_is_global_unicast(first), "documentation addresses pass the test of RFC 4380");
    is_str(ip4_special_block(first), "documentation", "and yet have a name");
    ip4_parse("100.64.0.1", &first);
    is_str(ip4_special_block(first), "shared", "shared addresses have a name");
    ip4_parse("65.54.227.120", &first);
    ok(ip4_special_block(first) == NULL, "an ordinary address has none");
}

int main(void)
{
    ok(endpoint_is_unset((struct endpoint){0}) && !endpoint_is_unset((struct endpoint){0, 1}),
       "only 0.0.0.0:0 is unset");
    test_parse_address();
    test_parse_endpoint();
    test_round_trip();
    test_global_unicast();
    return done_testing();
}
