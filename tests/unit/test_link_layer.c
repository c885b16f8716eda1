#include "gtpu.h"
#include "hex.h"
#include "link_layer.h"
#include "prng.h"
#include "tap.h"

enum {
    MAX_FRAME = 128
};

#define ETHERNET "020000000001 020000000002 "
#define COOKED "0000 0001 0006 020000000001 0000 "
#define COOKED2 "0000 00000002 0001 00 06 020000000001 0000"
#define PPPOE "11 00 0001 0042 "
#define SNAP "aaaa03 000000 "
#define NFLOG "02 00 0001 "
#define IP4 "4500001c 00000000 40110000 c0000201 c0000202 04d20db0 00080000"

static const struct {
    const char *name;
    enum link_type type;
    const char *header;
} carriers[] = {
    {"Ethernet", LINK_ETHERNET, ETHERNET "0800"},
    {"Ethernet with a VLAN tag", LINK_ETHERNET, ETHERNET "8100 0064 0800"},
    {"Ethernet with two tags of 802.1ad", LINK_ETHERNET, ETHERNET "88a8 0064 8100 0065 0800"},
    {"Ethernet with two tags of the old kind", LINK_ETHERNET, ETHERNET "9100 0064 8100 0065 0800"},
    {"Ethernet with PPPoE", LINK_ETHERNET, ETHERNET "8864" PPPOE "0021"},
    {"Ethernet with a VLAN tag and PPPoE, its protocol compressed", LINK_ETHERNET,
     ETHERNET "8100 0064 8864" PPPOE "21"},
    {"Linux cooked", LINK_LINUX_COOKED, COOKED "0800"},
    {"Linux cooked with a VLAN tag", LINK_LINUX_COOKED, COOKED "8100 0064 0800"},
    {"Linux cooked v2", LINK_LINUX_COOKED2, "0800" COOKED2},
    {"Linux cooked v2 with PPPoE", LINK_LINUX_COOKED2, "8864" COOKED2 PPPOE "0021"},
    {"raw IPv4", LINK_IP4, ""},
    {"BSD loopback of a little-endian machine", LINK_NULL, "02000000"},
    {"BSD loopback of a big-endian machine", LINK_NULL, "00000002"},
    {"OpenBSD loopback", LINK_LOOP, "00000002"},
    {"PPP", LINK_PPP, "0021"},
    {"PPP with address and control", LINK_PPP, "ff03 0021"},
    {"PPP, all compressed", LINK_PPP, "21"},
    {"Cisco HDLC", LINK_PPP, "0f00 0800"},
    {"Cisco HDLC, multicast", LINK_PPP, "8f00 0800"},
    {"PPP with MPLS", LINK_PPP, "ff03 0281 0006 41 40"},
    {"PPP with its direction", LINK_PPP_DIRECTION, "00 ff03 0021"},
    {"PPPoE without Ethernet", LINK_PPPOE, PPPOE "0021"},
    {"Ethernet with an MPLS label", LINK_ETHERNET, ETHERNET "8847 00064140"},
    {"Ethernet with a VLAN tag and three labels", LINK_ETHERNET,
     ETHERNET "8100 0064 8847 00064040 00065040 00000140"},
    {"Ethernet with an upstream label", LINK_ETHERNET, ETHERNET "8848 00064140"},
    {"802.3 with SNAP", LINK_ETHERNET, ETHERNET "0024 " SNAP "0800"},
    {"802.3 with SNAP in a VLAN", LINK_ETHERNET, ETHERNET "8100 0064 0024 " SNAP "0800"},
    {"802.3 with SNAP and a VLAN tag behind it", LINK_ETHERNET,
     ETHERNET "0028 " SNAP "8100 0064 0800"},
    {"802.3 with SNAP of a bridge", LINK_ETHERNET, ETHERNET "0024 aaaa03 0000f8 0800"},
    {"802.3 with IPv4 straight in LLC", LINK_ETHERNET, ETHERNET "001f 060603"},
    {"Linux cooked with LLC", LINK_LINUX_COOKED, COOKED "0004" SNAP "0800"},
    {"LLC", LINK_LLC, SNAP "0800"},
    {"MPLS", LINK_MPLS, "00064040 00065140"},
    {"NFLOG of a little-endian machine", LINK_NFLOG,
     NFLOG "0800 0100 08000300 0500 0a00 41000000 2000 0900"},
    {"NFLOG of a big-endian machine", LINK_NFLOG,
     NFLOG "0008 0001 08000300 0005 000a 41000000 0020 0009"},
    {"NFLOG of a bridge, the payload first", LINK_NFLOG, "07 00 0000 2000 0900"},
};

static const struct {
    const char *name;
    enum link_type type;
    const char *frame;
} strangers[] = {
    {"IPv6 in Ethernet", LINK_ETHERNET, ETHERNET "86dd 60000000"},
    {"ARP", LINK_ETHERNET, ETHERNET "0806 00010800"},
    {"802.3 with LLC", LINK_ETHERNET, ETHERNET "0026 424203"},
    {"802.3 with LLC of two kinds", LINK_ETHERNET, ETHERNET "0026 06aa03 45"},
    {"802.3 with LLC that is numbered", LINK_ETHERNET, ETHERNET "0026 060600 45"},
    {"802.3 with SNAP of Cisco", LINK_ETHERNET, ETHERNET "0026 aaaa03 00000c 0800 45000000"},
    {"802.3 with SNAP and a length in it", LINK_ETHERNET, ETHERNET "0026 " SNAP "0026 060603 45"},
    {"IPv6 in MPLS", LINK_ETHERNET, ETHERNET "8847 00064140 60000000"},
    {"a pseudowire in MPLS", LINK_ETHERNET, ETHERNET "8847 00064140 00000000"},
    {"NFLOG of IPv6", LINK_NFLOG, "0a 00 0000 2000 0900 60000000"},
    {"NFLOG of another version", LINK_NFLOG, "02 01 0000 2000 0900 45000000"},
    {"NFLOG of a bridge with ARP", LINK_NFLOG, "07 00 0000 2000 0900 00010800"},
    {"NFLOG with a TLV that has no end", LINK_NFLOG, NFLOG "0300 0100 45000000"},
    {"a link type that is not known", LINK_UNKNOWN, "45000000"},
    {"IPv6 in a VLAN", LINK_ETHERNET, ETHERNET "8100 0064 86dd 60000000"},
    {"PPPoE discovery", LINK_ETHERNET, ETHERNET "8863 1109 0000 0000"},
    {"PPPoE with a code", LINK_ETHERNET, ETHERNET "8864 1101 0001 0042 0021 45"},
    {"PPPoE of another version", LINK_ETHERNET, ETHERNET "8864 2100 0001 0042 0021 45"},
    {"LCP in PPPoE", LINK_PPPOE, "1100 0001 0004 c021 01010004"},
    {"IPv6 in PPP", LINK_PPP, "ff03 0057 60000000"},
    {"SLARP in Cisco HDLC", LINK_PPP, "8f00 8035 00000002"},
    {"IPv6 on a loopback of FreeBSD", LINK_NULL, "1c000000 60000000"},
    {"little-endian on a loopback of OpenBSD", LINK_LOOP, "02000000 45000000"},
    {"raw IPv6", LINK_RAW, "60000000"},
};

static enum link_find find(enum link_type type, const uint8_t *data, size_t size, size_t *offset)
{
    uint8_t *copy = exact_copy(data, size);
    enum link_find found = link_find_ip4(type, copy, size, offset);

    free(copy);
    return found;
}

/* Whether there is nothing to find but its version in a packet. */
static bool needs_version(const char *name)
{
    return strstr(name, "MPLS") != NULL || strstr(name, "label") != NULL ||
           strstr(name, "NFLOG") != NULL;
}

static void test_carriers(void)
{
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++) {
        uint8_t frame[MAX_FRAME];
        size_t header = hex_read(carriers[i].header, frame);
        size_t size = header + hex_read(IP4, frame + header), offset = SIZE_MAX, wrong = 0;

        ok(find(carriers[i].type, frame, size, &offset) == LINK_HAS_IP4, "%s carries IPv4",
           carriers[i].name);
        is_int((int64_t)offset, (int64_t)header, "%s: it begins behind the header",
               carriers[i].name);
        for (size_t cut = 0; cut <= size; cut++)
            wrong +=
                find(carriers[i].type, frame, cut, &offset) !=
                (cut >= header + needs_version(carriers[i].name) ? LINK_HAS_IP4 : LINK_TOO_SHORT);
        is_int((int64_t)wrong, 0, "%s: cut at any byte of its header it is too short to tell",
               carriers[i].name);
    }
}

static void test_raw(void)
{
    uint8_t frame[MAX_FRAME];
    size_t size = hex_read(IP4, frame), offset = SIZE_MAX;

    ok(find(LINK_RAW, frame, size, &offset) == LINK_HAS_IP4 && offset == 0,
       "raw IP carries IPv4 by its version");
    ok(find(LINK_RAW, frame, 1, &offset) == LINK_HAS_IP4, "of which the first byte tells");
    ok(find(LINK_RAW, frame, 0, &offset) == LINK_TOO_SHORT, "and nothing else");
}

static void test_strangers(void)
{
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        uint8_t frame[MAX_FRAME];
        size_t size = hex_read(strangers[i].frame, frame), offset;

        ok(find(strangers[i].type, frame, size, &offset) == LINK_HAS_NO_IP4, "%s: no IPv4",
           strangers[i].name);
    }
}

static void test_any_bytes(void)
{
    static const uint8_t lead[] = {0x81, 0x00, 0x88, 0x64, 0x08, 0x11, 0x21,
                                   0x47, 0xaa, 0x03, 0x02, 0x09, 0x45};
    struct prng prng = {1};
    size_t beyond = 0, offset;

    for (int i = 0; i < 200000; i++) {
        uint8_t frame[MAX_FRAME];
        size_t size = prng_below(&prng, sizeof frame);

        /* Bytes that lead on, more often than chance would have them. */
        for (size_t j = 0; j < size; j++)
            frame[j] =
                j % 3 == 0 ? (uint8_t)prng_next(&prng) : lead[prng_below(&prng, sizeof lead)];
        beyond += find((enum link_type)prng_below(&prng, LINK_NFLOG + 1), frame, size, &offset) ==
                      LINK_HAS_IP4 &&
                  offset > size;
    }
    is_int((int64_t)beyond, 0, "whatever the bytes, IPv4 does not begin beyond them");
}

static void test_directions(void)
{
    static const struct {
        const char *name;
        enum link_type type;
        const char *frame;
        enum link_direction direction;
    } rows[] = {
        {"Linux cooked, sent", LINK_LINUX_COOKED, "0004 0001 0006 020000000001 0000 0800",
         LINK_SENT},
        {"Linux cooked, received", LINK_LINUX_COOKED, COOKED "0800", LINK_RECEIVED},
        {"Linux cooked, overheard", LINK_LINUX_COOKED, "0003 0001 0006 020000000001 0000 0800",
         LINK_RECEIVED},
        {"Linux cooked v2, sent", LINK_LINUX_COOKED2,
         "0800 0000 00000002 0001 04 06 020000000001 0000", LINK_SENT},
        {"Linux cooked v2, received", LINK_LINUX_COOKED2, "0800" COOKED2, LINK_RECEIVED},
        {"Linux cooked, cut", LINK_LINUX_COOKED, "0004 0001", LINK_EITHER_WAY},
        {"PPP with its direction, sent", LINK_PPP_DIRECTION, "01 21", LINK_SENT},
        {"PPP with its direction, received", LINK_PPP_DIRECTION, "00 21", LINK_RECEIVED},
        {"NFLOG of the chain OUTPUT", LINK_NFLOG, NFLOG "0800 0100 08000300 2000 0900 45",
         LINK_SENT},
        {"NFLOG of the chain INPUT", LINK_NFLOG, NFLOG "0800 0100 08000100 2000 0900 45",
         LINK_RECEIVED},
        {"NFLOG of the chain FORWARD", LINK_NFLOG, NFLOG "0008 0001 08000200 0020 0009 45",
         LINK_EITHER_WAY},
        {"Ethernet", LINK_ETHERNET, ETHERNET "0800", LINK_EITHER_WAY},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t frame[MAX_FRAME], *copy;
        size_t size = hex_read(rows[i].frame, frame);

        copy = exact_copy(frame, size);
        is_int(link_direction_of(rows[i].type, copy, size), rows[i].direction, "which way: %s",
               rows[i].name);
        free(copy);
    }
}

static bool find_gtpu(const char *hex, size_t *offset)
{
    uint8_t data[MAX_FRAME];
    size_t size = hex_read(hex, data);
    uint8_t *copy = exact_copy(data, size);
    bool found = gtpu_find_packet(copy, size, offset);

    free(copy);
    return found;
}

static void test_gtpu(void)
{
    size_t offset = 0;
    uint8_t data[MAX_FRAME];
    size_t size = hex_read("34ff0020 00000001 0000 00 85 01 0000 c0 01 0000 00 45", data);
    size_t wrong = 0;

    ok(find_gtpu("30ff0014 00000001 45", &offset) && offset == 8,
       "a G-PDU without options carries a packet behind 8 bytes");
    ok(find_gtpu("32ff0018 00000001 0001 00 00 45", &offset) && offset == 12,
       "one with a sequence number behind 12");
    ok(find_gtpu("32ff0018 00000001 0001 00 85 45", &offset) && offset == 12,
       "the next type does not count without its flag");
    ok(gtpu_find_packet(data, size, &offset) && offset == 20, "extension headers are passed over");
    for (size_t cut = 0; cut < 20; cut++) {
        uint8_t *copy = exact_copy(data, cut);

        wrong += gtpu_find_packet(copy, cut, &offset);
        free(copy);
    }
    is_int((int64_t)wrong, 0, "cut at any byte of its headers a G-PDU carries nothing");
    ok(!find_gtpu("34ff0018 00000001 0000 00 85 00 0000 00 45", &offset),
       "an extension header of length 0 ends it");
    ok(!find_gtpu("3201000400000001 00000000", &offset), "an echo request carries nothing");
    ok(!find_gtpu("50ff0014 00000001 45", &offset), "version 2 is something else");
    ok(!find_gtpu("20ff0014 00000001 45", &offset), "and so is GTP'");
}

int main(void)
{
    test_carriers();
    test_raw();
    test_strangers();
    test_any_bytes();
    test_directions();
    test_gtpu();
    return done_testing();
}
