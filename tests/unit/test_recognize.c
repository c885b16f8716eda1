#include "hex.h"
#include "prng.h"
#include "recognize.h"
#include "samples.h"
#include "tap.h"

enum {
    MAX_PAYLOAD = 2048
};

/* An RS and a bubble that are at home elsewhere, too: in any IPv6 network. */
#define PLAIN_RS                                                                          \
    "6000000000083aff fe800000000000000000ffffffffffff ff020000000000000000000000000002 " \
    "85007d3700000000"
#define DATA_OF(source, destination) "60000000000411 40" source destination "00000000"
#define TEREDO_A "20010000c00002012c5a63bf34ff8ef6"
#define OLD_A "3ffe831fc00002012c5a63bf34ff8ef6"
#define LINK_LOCAL "fe800000000000001c2b3a495867768e"
#define GLOBAL "20010db8000000000000000000000001"
#define ALL_NODES "ff020000000000000000000000000001"
#define GENEVE "000086dd00000100"

static const struct endpoint somewhere = {0xcb007109, 40000}, elsewhere = {0xc6336414, 36852};

static bool is_certain(const uint8_t *data, size_t size, size_t claimed, uint16_t port)
{
    uint8_t *copy = exact_copy(data, size);
    struct teredo_packet packet;
    struct wire_fault fault;
    enum teredo_extent extent = teredo_decode_part(copy, size, claimed, &packet, &fault);
    struct endpoint to = {elsewhere.address, port};
    bool there = recognize_packet(&packet, extent, fault.reason, somewhere, to);
    bool back = recognize_packet(&packet, extent, fault.reason, to, somewhere);

    if (there != back)
        ok(false, "a datagram is recognized in both directions");
    if (there && !recognize_start(copy, size))
        ok(false, "what is recognized was recognized at a glance");
    free(copy);
    return there;
}

static bool is_certain_hex(const char *hex, uint16_t port)
{
    uint8_t data[MAX_PAYLOAD] = {0};
    size_t size = hex_read(hex, data);

    return is_certain(data, size, size, port);
}

static bool decodes(const char *hex)
{
    uint8_t data[MAX_PAYLOAD] = {0};
    struct teredo_packet packet;
    struct wire_fault fault;

    return teredo_decode(data, hex_read(hex, data), &packet, &fault);
}

static void test_teredo(void)
{
    static const struct {
        const char *name;
        const char *hex;
    } rows[] = {
        {"miredo's solicitation", SAMPLE_RS},
        {"an advertisement with authentication and origin", SAMPLE_RA},
        {"miredo's bubble", SAMPLE_BUBBLE},
        {"a bubble with trailers", SAMPLE_BUBBLE SAMPLE_INDIRECT_TRAILERS},
        {"a bubble with an origin indication", SAMPLE_ORIGIN SAMPLE_BUBBLE},
        {"data from a Teredo address", DATA_OF(TEREDO_A, GLOBAL)},
        {"data to a Teredo address", DATA_OF(GLOBAL, TEREDO_A)},
        {"data with the old prefix", DATA_OF(OLD_A, GLOBAL)},
        {"a plain solicitation", PLAIN_RS},
        {"a bubble between link-local addresses", "6000000000003b00" LINK_LOCAL LINK_LOCAL},
        {"a bubble to all nodes of the link", "6000000000003b00" LINK_LOCAL ALL_NODES},
        {"a wrong ICMPv6 checksum",
         "6000000000083aff" TEREDO_A "ff020000000000000000000000000002 8500123400000000"},
        {"a trailer that asks for the packet to be discarded", SAMPLE_BUBBLE "7f00"},
        {"a payload length that lies, from a Teredo address to another",
         "6000000000443b00" TEREDO_A TEREDO_A},
        {"the same to a link-local address", "6000000000443b00" TEREDO_A LINK_LOCAL},
        {"the same from one", "6000000000443b00" LINK_LOCAL TEREDO_A},
        {"the origin indication of a port like Geneve's IPv6, on another port",
         GENEVE DATA_OF(TEREDO_A, GLOBAL)},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ok(is_certain_hex(rows[i].hex, 36852), "certain: %s", rows[i].name);
    ok(is_certain_hex(SAMPLE_ORIGIN SAMPLE_BUBBLE, 6081), "certain: Teredo on the port of Geneve");
}

/* Each reads as Teredo, or nearly, and is none. */
static void test_others(void)
{
    static const struct {
        const char *name;
        const char *hex;
        uint16_t port;
        bool decodes; /* as Teredo: by its form alone it would be taken for one */
    } rows[] = {
        {"a DNS query whose identifier begins with 6",
         "60000100 0001 0000 0000 0000 0377777707 6578616d706c6503636f6d00 0001 0001 "
         "000029 04d0 0000 0000 0000",
         53, true},
        {"a DNS answer whose identifier begins with 6",
         "6abc8180 0001 0001 0000 0000 0377777707 6578616d706c6503636f6d00 0001 0001 "
         "c00c 0001 0001 00000e10 0004 c0000201 00",
         53, true},
        {"a DNS query whose identifier is 0",
         "00000100 0001 0000 0000 0000 0377777707 6578616d706c6503636f6d00 0001 0001", 53, false},
        {"a DNS query whose identifier is 1",
         "00010100 0001 0000 0000 0000 0377777707 6578616d706c6503636f6d00 0001 0001", 53, false},
        {"Geneve with IPv6", GENEVE DATA_OF(GLOBAL, GLOBAL), 6081, true},
        {"Geneve with a solicitation", GENEVE PLAIN_RS, 6081, true},
        {"Geneve with a packet of a Teredo client", GENEVE DATA_OF(TEREDO_A, GLOBAL), 6081, true},
        {"LISP with IPv6", "0000000000000001" DATA_OF(GLOBAL, GLOBAL), 4341, true},
        {"LISP with a solicitation", "0000000000000001" PLAIN_RS, 4341, true},
        {"LISP with a nonce", "80000102 00000001" DATA_OF(GLOBAL, GLOBAL), 4341, false},
        {"LSP ping",
         "00010000 01020000 00000000 00000001 65a1b2c3 00 6000000000003b40 " GLOBAL GLOBAL, 3503,
         true},
        {"LSP ping, its bytes as unlucky as can be",
         "00010000 01020000 0a0b0c0d 00 6000000000003b40 " GLOBAL GLOBAL, 3503, true},
        {"QUIC with a short header",
         "6b0102030405060708090a0b0c0d0e0f1011121314151617"
         "18191a1b1c1d1e1f202122232425262728292a2b",
         443, false},
        {"QUIC with a long header", "c300000001080102030405060708000044d0", 443, false},
        {"RTP", "80600001000003e81234567800010203", 5004, false},
        {"WireGuard's initiation", "0100000012345678" GLOBAL GLOBAL, 51820, false},
        {"WireGuard's data", "0400000012345678 0000000000000000" GLOBAL GLOBAL, 51820, false},
        {"STUN", "0001000c2112a442 0102030405060708090a0b0c 80220008 6d6f7a696c6c6100", 3478,
         false},
        {"IKE behind a NAT, its identifier as unlucky as can be",
         "00000000 01020304 6000000000003b40 " GLOBAL GLOBAL, 4500, true},
        {"TFTP", "0001 6669 6c65 00 6f63746574 00", 69, false},
        {"NAT-PMP", "0001 0000 0db8 0db8 00000e10", 5351, false},
        {"GUE with IPv6", "0029 0000" DATA_OF(GLOBAL, GLOBAL), 6080, false},
        {"GRE in UDP with IPv6", "0000 86dd" DATA_OF(TEREDO_A, TEREDO_A), 4754, false},
        {"MPLS in UDP", "00001140" DATA_OF(TEREDO_A, TEREDO_A), 6635, false},
        {"VXLAN", "0800000000000100" DATA_OF(GLOBAL, GLOBAL), 4789, false},
        {"IPv6 straight in UDP", DATA_OF(GLOBAL, GLOBAL), 5555, true},
        {"neighbor discovery straight in UDP", "6000000000003a00" LINK_LOCAL ALL_NODES, 5555,
         false},
        {"a bubble from link-local to global", "6000000000003b00" LINK_LOCAL GLOBAL, 5555, true},
        {"a bubble from global to link-local", "6000000000003b00" GLOBAL LINK_LOCAL, 5555, true},
        {"data between link-local addresses", DATA_OF(LINK_LOCAL, LINK_LOCAL), 5555, true},
        {"a length that lies, and one address that may be chance",
         "6000000000443b00" TEREDO_A GLOBAL, 443, false},
        {"a single byte", "60", 3544, false},
        {"nothing", "", 3544, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ok(!is_certain_hex(rows[i].hex, rows[i].port), "not certain: %s", rows[i].name);
        is_int(decodes(rows[i].hex), rows[i].decodes, "%s: %s by its form", rows[i].name,
               rows[i].decodes ? "Teredo" : "not even Teredo");
    }
}

static void test_random(void)
{
    static const uint8_t starts[][2] = {{0x60, 0x00}, {0x00, 0x00}, {0x00, 0x01}, {0x6f, 0xff}};
    struct prng prng = {7};
    int certain = 0;

    for (int i = 0; i < 400000; i++) {
        uint8_t data[160] = {0};

        for (size_t j = 0; j < sizeof data; j += 8) {
            uint64_t random = prng_next(&prng);

            memcpy(data + j, &random, 8);
        }
        memcpy(data, starts[i % 4], 2);
        certain += is_certain(data, sizeof data, sizeof data, 443);
    }
    is_int(certain, 0, "random bytes behind a good start are never certain");
}

/* Where a packet becomes certain as the snap length grows. */
static void test_cut(const char *name, const char *hex, size_t certain_from)
{
    uint8_t data[MAX_PAYLOAD] = {0};
    size_t size = hex_read(hex, data), wrong = 0;

    for (size_t cut = 0; cut <= size; cut++)
        wrong += is_certain(data, cut, size, 36852) != (cut >= certain_from);
    is_int((int64_t)wrong, 0, "%s is certain from %zu captured bytes on", name, certain_from);
}

int main(void)
{
    test_teredo();
    test_others();
    test_random();
    test_cut("a bubble to a Teredo address", SAMPLE_BUBBLE, 40);
    test_cut("a bubble with trailers", SAMPLE_BUBBLE SAMPLE_INDIRECT_TRAILERS, 40);
    test_cut("a solicitation", SAMPLE_RS, 13 + 41);
    test_cut("an advertisement", SAMPLE_RA, 21 + 41);
    test_cut("data", DATA_OF(TEREDO_A, GLOBAL), 40);
    return done_testing();
}
