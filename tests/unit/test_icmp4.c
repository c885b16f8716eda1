/* ICMP errors about UDP datagrams. */
#include "hex.h"
#include "icmp4.h"
#include "tap.h"

/* Port unreachable, from 198.51.100.20, about 192.168.1.5:40001 > 198.51.100.20:3544. */
#define OUTER "4500 0038 0000 0000 4001 8ed0 c6336414 c0a80105"
#define HEADER "0303 0000 00000000"
#define QUOTED "4500 0044 0000 0000 4011 8eb4 c0a80105 c6336414"
#define PORTS "9c41 0dd8 0030 0000"

static bool decode(const char *hex, struct icmp4_message *out)
{
    uint8_t bytes[128], *copy;
    size_t size = hex_read(hex, bytes);
    bool decoded;

    copy = exact_copy(bytes, size);
    decoded = icmp4_error_decode(copy, size, out);
    free(copy);
    return decoded;
}

static void test_error(void)
{
    struct icmp4_message e;

    ok(decode(OUTER HEADER QUOTED PORTS, &e), "an ICMP error about a datagram is one");
    is_int(e.error.type, 3, "its type");
    is_int(e.error.code, 3, "its code");
    is_int(e.error.reporter, 0xc6336414, "who sent it");
    is_int(e.to, 0xc0a80105, "whom to");
    ok(endpoint_equal(e.quoted_from, (struct endpoint){0xc0a80105, 40001}) &&
           endpoint_equal(e.quoted_to, (struct endpoint){0xc6336414, 3544}),
       "and what it is about");
    ok(decode(OUTER HEADER QUOTED "9c41 0dd8", &e), "the ports are enough of the datagram");
    ok(decode("4500 0038 0000 0000 4001 0000 c6336414 c0a80105" HEADER QUOTED PORTS, &e) &&
           !decode("4500 0038 0000 0000 4001 0001 c6336414 c0a80105" HEADER QUOTED PORTS, &e),
       "its header checksum may be left to the network card, but not be wrong");
    ok(decode(OUTER "0b00 0000 00000000" QUOTED PORTS, &e) && e.error.type == ICMP4_TIME_EXCEEDED,
       "time exceeded");
    ok(decode(OUTER "0c00 0000 00000000" QUOTED PORTS, &e) &&
           e.error.type == ICMP4_PARAMETER_PROBLEM,
       "parameter problem");
}

static void test_others(void)
{
    struct icmp4_message e;

    ok(!decode(OUTER "0800 0000 00000000" QUOTED PORTS, &e), "an echo request is no error");
    ok(!decode(OUTER "0500 0000 00000000" QUOTED PORTS, &e), "nor is a redirect");
    ok(!decode("4500 0038 0000 0000 4011 8ec0 c6336414 c0a80105" HEADER QUOTED PORTS, &e),
       "UDP is no ICMP");
    ok(!decode("4500 0038 0000 2001 4001 6ecf c6336414 c0a80105" HEADER QUOTED PORTS, &e),
       "what follows in a fragment is not its beginning");
    ok(!decode(OUTER HEADER "4500 0044 0000 0000 4006 8ebf c0a80105 c6336414" PORTS, &e),
       "an error about TCP is none about UDP");
    ok(!decode(OUTER HEADER "4500 0044 0000 2001 4011 6eb3 c0a80105 c6336414" PORTS, &e),
       "a later fragment has no ports");
    ok(!decode("6000 0000", &e) && !decode("", &e), "IPv6 and nothing are none");
}

/* However short it is cut, nothing behind the end is read (under ASan), and nothing made up. */
static void test_cuts(void)
{
    uint8_t bytes[128];
    size_t size = hex_read(OUTER HEADER QUOTED PORTS, bytes);
    unsigned decoded = 0;

    for (size_t n = 0; n < size; n++) {
        uint8_t *copy = exact_copy(bytes, n);
        struct icmp4_message e;

        decoded += icmp4_error_decode(copy, n, &e);
        free(copy);
    }
    is_int(decoded, 4, "it is one from the ports on");
}

int main(void)
{
    test_error();
    test_others();
    test_cuts();
    return done_testing();
}
