/* src/wire/pcapng.c: blocks of both byte orders, whole, cut anywhere and damaged anyhow. */
#include "hex.h"
#include "pcapng.h"
#include "prng.h"
#include "tap.h"

enum {
    ROOM = 512
};

static struct pcapng_block block;
static struct pcapng_fault fault;
static struct pcapng_interface interfaces[2] = {{1, 0, 6, 0}, {101, 8, 9, 0}};
static const struct pcapng_section section = {interfaces, 2};
static struct pcapng_packet packet;
static struct pcapng_statistics statistics;

/* The block of that text, with head, in memory of just its size; the caller frees it. NULL if its
 * head is no good. */
static uint8_t *read_block(const char *hex, bool big)
{
    uint8_t data[ROOM] = {0};
    size_t size = hex_read(hex, data);

    if (!pcapng_decode_head(data, big, &block, &fault))
        return NULL;
    return exact_copy(data, block.size > size ? ROOM : block.size);
}

static bool decode(const char *hex, bool big)
{
    uint8_t *data = read_block(hex, big);
    struct pcapng_interface interface;
    bool fine = false;

    if (data == NULL)
        return false;
    switch (block.kind) {
    case PCAPNG_SECTION:
        fine = pcapng_decode_section(data, &block, &fault);
        break;
    case PCAPNG_INTERFACE:
        fine = pcapng_decode_interface(data, &block, &interface, &fault);
        break;
    case PCAPNG_PACKET:
        fine = pcapng_decode_packet(data, &block, section, &packet, &fault);
        break;
    case PCAPNG_STATISTICS:
        fine = pcapng_decode_statistics(data, &block, section, &statistics, &fault);
        break;
    case PCAPNG_ENTRY:
    case PCAPNG_OTHER:
        fine = pcapng_check_trailer(data + block.size - PCAPNG_TRAILER_SIZE, &block, &fault);
        break;
    }
    free(data);
    return fine;
}

static void test_sections(void)
{
    ok(decode("0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000", true) &&
           block.kind == PCAPNG_SECTION && !block.big_endian && block.size == 28,
       "a section brings its byte order, little-endian");
    ok(decode("0a0d0d0a 0000001c 1a2b3c4d 0001 0002 ffffffffffffffff 0000001c", false) &&
           block.big_endian,
       "or big-endian");
    ok(!decode("0a0d0d0a 1c000000 4d3c2b1b 0100 0000 ffffffffffffffff 1c000000", false) &&
           fault.reason == PCAPNG_BYTE_ORDER && fault.offset == 8,
       "without a byte order it is damaged");
    ok(!decode("0a0d0d0a 1c000000 4d3c2b1a 0200 0000 ffffffffffffffff 1c000000", false) &&
           fault.reason == PCAPNG_VERSION && fault.offset == 12,
       "of another version it is not known");
    ok(!decode("0a0d0d0a 18000000 4d3c2b1a 0100 0000 ffffffff 18000000", false) &&
           fault.reason == PCAPNG_LENGTH && fault.offset == 4,
       "a section header is not shorter than 28 bytes");
    ok(!decode("0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1d000000", false) &&
           fault.reason == PCAPNG_TRAILER && fault.offset == 24,
       "the two lengths of a block have to agree");
}

static void test_interfaces(void)
{
    static const struct {
        const char *name, *hex;
        bool big;
        struct pcapng_interface want;
    } rows[] = {
        {"without options",
         "01000000 14000000 0100 0000 ffff0000 14000000",
         false,
         {1, 65535, 6, 0}},
        {"big-endian", "00000001 00000014 0071 0000 00000044 00000014", true, {113, 68, 6, 0}},
        {"with nanoseconds",
         "01000000 20000000 0100 0000 00000000 0900 0100 09000000 "
         "0000 0000 20000000",
         false,
         {1, 0, 9, 0}},
        {"with an offset, a name and no end of options",
         "00000001 00000028 0065 0000 00000000 0002 0003 65746800 000e 0008 fffffffffffffffe "
         "00000028",
         true,
         {101, 0, 6, -2}},
        {"with an offset, little-endian",
         "01000000 20000000 0100 0000 00000000 0e00 0800 0100000002000000 20000000",
         false,
         {1, 0, 6, INT64_C(0x200000001)}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *data = read_block(rows[i].hex, rows[i].big);
        struct pcapng_interface got = {0};

        ok(data != NULL && pcapng_decode_interface(data, &block, &got, &fault) &&
               got.link == rows[i].want.link && got.snap == rows[i].want.snap &&
               got.resolution == rows[i].want.resolution && got.offset == rows[i].want.offset,
           "an interface %s", rows[i].name);
        free(data);
    }
    ok(!decode("01000000 1c000000 0100 0000 00000000 0900 0900 09000000 1c000000", false) &&
           fault.reason == PCAPNG_OPTION && fault.offset == 16,
       "an option that ends beyond its block is damage");
    ok(!decode("01000000 10000000 0100 0000 10000000", false) && fault.reason == PCAPNG_LENGTH,
       "so is an interface of 16 bytes");
}

static void test_packets(void)
{
    ok(decode("06000000 28000000 01000000 02000000 03000000 06000000 40000000 "
              "010203040506 0000 28000000",
              false) &&
           packet.interface == 1 && packet.has_time && packet.ticks == INT64_C(0x200000003) &&
           packet.captured == 6 && packet.whole == 64 && packet.direction == LINK_EITHER_WAY,
       "an enhanced packet block");
    ok(decode("00000006 0000002c 00000000 00000002 00000003 00000001 00000001 0a000000 "
              "0002 0004 00000002 0000002c",
              true) &&
           packet.interface == 0 && packet.captured == 1 && packet.direction == LINK_SENT,
       "one with flags, big-endian, was sent");
    ok(!decode("06000000 30000000 00000000 00000000 00000000 00000000 00000000 "
               "0100 0003 41424300 0200 0400 05000000 30000000",
               false) &&
           fault.reason == PCAPNG_OPTION && fault.offset == 28,
       "a comment of 768 bytes does not fit");
    ok(decode("06000000 34000000 00000000 00000000 00000000 00000000 00000000 "
              "0100 0300 41424300 0200 0400 05000000 0000 0000 34000000",
              false) &&
           packet.captured == 0 && packet.direction == LINK_RECEIVED,
       "an empty frame with a comment and flags was received");
    ok(decode("02000000 24000000 0100 0700 00000000 03000000 04000000 04000000 0a0b0c0d 24000000",
              false) &&
           packet.interface == 1 && packet.has_time && packet.ticks == 3 && packet.captured == 4,
       "an obsolete packet block counts what it dropped beside its interface");
    ok(decode("00000003 00000014 00000003 01020300 00000014", true) && packet.interface == 0 &&
           !packet.has_time && packet.captured == 3 && packet.whole == 3,
       "a simple packet block is of the first interface and has no time");
    interfaces[0].snap = 2;
    ok(decode("00000003 00000014 00000009 01020000 00000014", true) && packet.captured == 2 &&
           packet.whole == 9,
       "it is as long as the snap length leaves it");
    interfaces[0].snap = 0;
    ok(!decode("00000003 00000014 00000009 01020000 00000014", true) &&
           fault.reason == PCAPNG_FRAME_LENGTH && fault.offset == 12,
       "or else damaged");
    ok(!decode("06000000 24000000 02000000 00000000 00000000 01000000 01000000 01000000 24000000",
               false) &&
           fault.reason == PCAPNG_NO_INTERFACE && fault.offset == 8,
       "a packet of an interface that is not there is damage");
    ok(!decode("06000000 24000000 00000000 00000000 00000000 05000000 05000000 01000000 24000000",
               false) &&
           fault.reason == PCAPNG_FRAME_LENGTH && fault.offset == 28,
       "so is a frame that is longer than its block");
    ok(!decode("06000000 18000000 00000000 00000000 00000000 18000000", false) &&
           fault.reason == PCAPNG_LENGTH,
       "and a block without its lengths");
    ok(decode("06000000 21000000 00000000 00000000 00000000 01000000 01000000 01000000 21000000",
              false) &&
           block.size == 36 && packet.captured == 1,
       "a length without the padding is read as it was meant");
}

static void test_statistics(void)
{
    ok(decode("05000000 34000000 01000000 0000000000000000 0500 0800 0300000000000000 "
              "0700 0800 0400000000000000 0000 0000 34000000",
              false) &&
           statistics.interface == 1 && statistics.dropped == 7,
       "statistics tell what the card and the system have dropped");
    ok(decode("00000005 00000024 00000000 0000000000000000 0007 0008 0000000100000002 00000024",
              true) &&
           statistics.dropped == (UINT64_C(1) << 32 | 2),
       "in either byte order");
    ok(decode("05000000 18000000 00000000 0000000000000000 18000000", false) &&
           statistics.dropped == 0,
       "or nothing");
    ok(!decode("05000000 18000000 02000000 0000000000000000 18000000", false) &&
           fault.reason == PCAPNG_NO_INTERFACE,
       "of an interface that is not there they are damage");
    ok(!decode("05000000 14000000 00000000 00000000 14000000", false) &&
           fault.reason == PCAPNG_LENGTH,
       "and so are shorter ones");
}

static bool is_numbered(uint32_t type)
{
    return type == 9 || (type & 0xffff) == 0xbad;
}

static void test_others(void)
{
    static const uint32_t types[] = {4, 9, 10, 0xbad, 0x40000bad, 0x204, 0xdeadbeef};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char hex[64];

        snprintf(hex, sizeof hex, "%08x 00000010 01020304 00000010", types[i]);
        ok(decode(hex, true) &&
               block.kind == (is_numbered(types[i]) ? PCAPNG_ENTRY : PCAPNG_OTHER) &&
               block.type == types[i],
           "a block of type 0x%x is passed over%s: %s", types[i],
           is_numbered(types[i]) ? ", and has a number" : "",
           pcapng_block_name(types[i]) == NULL ? "unknown" : pcapng_block_name(types[i]));
    }
    ok(!decode("deadbeef 0000000b 01020304 0000000b", true) && fault.reason == PCAPNG_LENGTH,
       "a block has at least 12 bytes");
    ok(!decode("deadbeef fffffffd 01020304 fffffffd", true) && fault.reason == PCAPNG_LENGTH,
       "and at most what can be padded");
}

static void test_times(void)
{
    static const struct {
        const char *name;
        struct pcapng_interface interface;
        uint64_t ticks;
        nsec want;
    } rows[] = {
        {"microseconds", {.resolution = 6}, 1764000000123456, 1764000000123456000},
        {"nanoseconds", {.resolution = 9}, 1764000000123456789, 1764000000123456789},
        {"seconds", {.resolution = 0}, 1764000000, 1764000000 * NSEC_S},
        {"picoseconds", {.resolution = 12}, 1764000000123456, 1764000000123},
        {"units of 10^-127 s", {.resolution = 127}, UINT64_MAX, 0},
        {"1024ths",
         {.resolution = 0x8a},
         UINT64_C(1764000000) * 1024 + 512,
         1764000000 * NSEC_S + NSEC_S / 2},
        {"units of 2^-63 s", {.resolution = 0xbf}, UINT64_C(1) << 62, NSEC_S / 2},
        {"units of 2^-127 s", {.resolution = 0xff}, UINT64_MAX, 0},
        {"seconds that nobody lives to see", {.resolution = 0}, UINT64_MAX, NSEC_LATEST},
        {"an offset", {.resolution = 6, .offset = 1764000000}, 5, 1764000000 * NSEC_S + 5000},
        {"an offset before 1970", {.resolution = 6, .offset = -5}, 5, 0},
        {"the largest offset", {.resolution = 6, .offset = INT64_MAX}, UINT64_MAX, NSEC_LATEST},
        {"the smallest", {.resolution = 0, .offset = INT64_MIN}, UINT64_MAX, NSEC_LATEST},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        is_int(pcapng_time(&rows[i].interface, rows[i].ticks), rows[i].want, "a clock of %s",
               rows[i].name);
}

/* Blocks that are damaged at random are refused or read; ASan sees what is read beyond them. */
static void test_any_bytes(void)
{
    static const char *const blocks[] = {
        "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000",
        "01000000 20000000 0100 0000 00000000 0e00 0800 0100000002000000 20000000",
        ("06000000 34000000 00000000 00000000 00000000 00000000 00000000 "
         "0100 0300 41424300 0200 0400 05000000 0000 0000 34000000"),
        "02000000 24000000 0100 0700 00000000 03000000 04000000 04000000 0a0b0c0d 24000000",
        "03000000 14000000 03000000 01020300 14000000",
    };
    struct prng prng = {7};
    unsigned wrong = 0, fine = 0;

    for (unsigned i = 0; i < 200000; i++) {
        const char *text = blocks[prng_below(&prng, sizeof blocks / sizeof *blocks)];
        uint8_t data[ROOM] = {0}, *copy;
        size_t size = hex_read(text, data);
        struct pcapng_interface interface;

        for (unsigned j = 0; j <= i % 3; j++)
            data[prng_below(&prng, (uint32_t)size)] = (uint8_t)prng_next(&prng);
        if (!pcapng_decode_head(data, false, &block, &fault) || block.size > ROOM)
            continue;
        copy = exact_copy(data, block.size);
        fault.offset = 0;
        if (block.kind == PCAPNG_SECTION)
            fine += pcapng_decode_section(copy, &block, &fault);
        else if (block.kind == PCAPNG_INTERFACE)
            fine += pcapng_decode_interface(copy, &block, &interface, &fault);
        else if (block.kind == PCAPNG_PACKET &&
                 pcapng_decode_packet(copy, &block, section, &packet, &fault)) {
            fine++;
            wrong += packet.interface > 1 || packet.data < copy ||
                     packet.data + packet.captured > copy + block.size - PCAPNG_TRAILER_SIZE;
        }
        wrong += fault.offset > block.size;
        free(copy);
    }
    is_int(wrong, 0, "whatever the bytes, no frame and no fault lies beyond its block");
    ok(fine > 1000, "and some were read: %u", fine);
}

int main(void)
{
    test_sections();
    test_interfaces();
    test_packets();
    test_statistics();
    test_others();
    test_times();
    test_any_bytes();
    return done_testing();
}
