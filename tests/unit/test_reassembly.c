/* src/engine/reassembly.c: fragments in any order, copies, holes, lies, too many and too late. */
#include <stdlib.h>

#include "prng.h"
#include "reassembly.h"
#include "tap.h"

enum {
    HEADER = 20,
    PAYLOAD = 100,
    ROOM = 65535,
};

static struct reassembly *r;
static struct reassembled out;
static nsec now;
static uint8_t payload[ROOM];

static void begin(void)
{
    reassembly_free(r);
    r = reassembly_new();
    now = 100 * NSEC_S;
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 7 + i / 256);
}

/* Bytes FROM to TO of the payload, of the packet ID; MORE follow. */
static bool add(uint16_t id, size_t from, size_t to, bool more)
{
    static uint8_t packet[ROOM];
    struct writer w = writer_of(packet, sizeof packet);
    struct ip4_header h = {
        .id = id,
        .more_fragments = more,
        .fragment_offset = (uint16_t)(from / 8),
        .ttl = 60,
        .protocol = IP_PROTOCOL_UDP,
        .source = 0xcb007109,
        .destination = 0xc0000201,
    };
    struct fragment fragment;
    bool whole;
    uint8_t *copy;

    ip4_encode(&w, &h, to - from);
    writer_bytes(&w, payload + from, to - from);
    copy = malloc(w.size);
    memcpy(copy, packet, w.size);
    if (!reassembly_wants(copy, w.size, &fragment)) {
        free(copy);
        return false;
    }
    while (reassembly_give_up(r, now, &out))
        continue;
    fragment.frame = from + 1;
    fragment.when = now;
    whole = reassembly_add(r, &fragment, now, &out);
    free(copy);
    return whole;
}

/* Whether OUT is the packet of SIZE bytes of payload, in so many FRAGMENTS. */
static bool is_whole(size_t size, unsigned fragments)
{
    struct reader reader = reader_of(out.data, out.size);
    struct wire_fault fault;
    struct ip4_header h;

    return out.size == HEADER + size && ip4_decode(&reader, &h, false, &fault) &&
           !h.more_fragments && h.fragment_offset == 0 && h.total_length == HEADER + size &&
           h.ttl == 60 && memcmp(out.data + HEADER, payload, size) == 0 &&
           out.fragments == fragments;
}

static void test_orders(void)
{
    static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const size_t from[] = {0, 40, 64, PAYLOAD};

    begin();
    for (unsigned i = 0; i < 6; i++) {
        unsigned wrong = 0;

        for (unsigned j = 0; j < 3; j++) {
            unsigned piece = orders[i][j];

            wrong += add((uint16_t)i, from[piece], from[piece + 1], piece < 2) != (j == 2);
        }
        ok(wrong == 0 && is_whole(PAYLOAD, 3), "three fragments in the order %u, %u, %u",
           orders[i][0] + 1, orders[i][1] + 1, orders[i][2] + 1);
        is_int((int64_t)out.frame, 1, "the first one's frame is told");
    }
    ok(!add(7, 0, PAYLOAD, false), "a whole packet is no fragment");
}

static void test_copies(void)
{
    begin();
    ok(!add(1, 0, 48, true) && !add(1, 0, 48, true) && add(1, 48, PAYLOAD, false) &&
           is_whole(PAYLOAD, 2),
       "a fragment that comes twice counts once");
    ok(!add(1, 48, PAYLOAD, false) && !add(1, 0, 48, true),
       "what comes again of a packet that is whole is a copy");
    now += NSEC_S;
    ok(!add(1, 0, 48, true) && add(1, 48, PAYLOAD, false), "but not for long");
    payload[50]++;
    ok(!add(1, 0, 48, true) && !add(1, 48, PAYLOAD, false) && add(1, 0, 48, true),
       "and other bytes are another packet's at once");
}

/* What is whole is remembered for the sake of copies alone. */
static void test_who_makes_way(void)
{
    begin();
    for (unsigned i = 0; i + 2 < REASSEMBLY_PACKETS; i++)
        add((uint16_t)i, 0, 48, true);
    ok(!add(1000, 0, 48, true) && add(1000, 48, PAYLOAD, false), "one of many packets is whole");
    add(1001, 0, 48, true);
    ok(!reassembly_give_up(r, now, &out), "where there is no room left, it makes way");
}

static void test_refusals(void)
{
    begin();
    add(1, 0, 48, true);
    payload[40]++;
    ok(!add(1, 40, 64, true) && !add(1, 48, PAYLOAD, false) && !add(1, 64, PAYLOAD, false),
       "fragments that overlap with other bytes are refused, with all that follows");
    ok(reassembly_give_up(r, NSEC_NEVER, &out) && out.refused && out.data != NULL &&
           out.size == HEADER + 48 && out.fragments == 1 && out.lost == 3,
       "what is left is the first one");
    begin();
    ok(!add(1, 0, 48, true) && !add(1, 40, 64, true) && add(1, 64, PAYLOAD, false) &&
           is_whole(PAYLOAD, 3),
       "fragments that overlap with the same bytes are none that lie");
    begin();
    ok(!add(1, 48, PAYLOAD, false) && !add(1, 96, 128, true) && !add(1, 0, 48, true),
       "a fragment beyond the last one is refused");
    begin();
    ok(!add(1, 96, 128, true) && !add(1, 48, PAYLOAD, false) && !add(1, 0, 48, true),
       "and so is a last one before others");
    begin();
    ok(!add(1, 96, 104, true) && !add(1, 48, PAYLOAD, false) && !add(1, 0, 48, true),
       "even where it ends in the midst of one");
    begin();
    ok(!add(1, 48, PAYLOAD, false) && !add(1, 48, 96, false) && !add(1, 0, 48, true),
       "two last ones do not make a packet");
    begin();
    ok(!add(1, 0, 44, true) && !add(1, 40, PAYLOAD, false),
       "a fragment that is not the last has a multiple of 8 bytes");
    begin();
    ok(!add(1, 0, 65512, true) && !add(1, 65512, 65530, false),
       "a packet has no more than 65,535 bytes");
}

static void test_patience(void)
{
    begin();
    add(1, 0, 48, true);
    add(2, 48, PAYLOAD, false);
    now += 29 * NSEC_S;
    ok(!reassembly_give_up(r, now, &out), "fragments are waited for");
    now += NSEC_S;
    ok(reassembly_give_up(r, now, &out) && out.data != NULL && out.size == HEADER + 48 &&
           out.fragments == 1 && out.lost == 0 && !out.refused && out.frame == 1 &&
           out.when == now - 30 * NSEC_S,
       "for 30 seconds; then there is the first one");
    ok(reassembly_give_up(r, now, &out) && out.data == NULL && out.fragments == 0 && out.lost == 1,
       "or only others");
    ok(!reassembly_give_up(r, now, &out), "and then nothing");
}

static void test_many(void)
{
    unsigned given_up = 0, whole = 0;

    begin();
    for (unsigned id = 0; id < 3 * REASSEMBLY_PACKETS; id++) {
        add((uint16_t)id, 0, 48, true);
        given_up += reassembly_give_up(r, now, &out);
        now += NSEC_MS;
    }
    is_int(given_up, 2 * REASSEMBLY_PACKETS + 1, "of too many packets the oldest are given up");
    for (uint16_t id = 3 * REASSEMBLY_PACKETS; id-- > 2 * REASSEMBLY_PACKETS + 1;)
        whole += add(id, 48, PAYLOAD, false);
    is_int(whole, REASSEMBLY_PACKETS - 1, "the others still become whole");
    ok(!reassembly_give_up(r, NSEC_NEVER, &out), "and none is left");
}

/* Random pieces of a packet, in a random order: it is whole when all of it was there, and then it
 * is what it was. */
static void test_any_pieces(void)
{
    struct prng prng = {11};
    unsigned wrong = 0, whole = 0;

    begin();
    for (uint16_t id = 0; id < 3000; id++) {
        size_t size = 16 + prng_below(&prng, 2000);
        bool there[256] = {false};

        now += 31 * NSEC_S;
        for (unsigned i = 0; i < 400; i++) {
            size_t units = (size + 7) / 8, from = prng_below(&prng, (uint32_t)units);
            size_t to = from + 1 + prng_below(&prng, 60), missing = 0;
            bool last = to >= units;

            if (last)
                to = units;
            if (from == 0 && last)
                continue;
            for (size_t unit = from; unit < to; unit++)
                there[unit] = true;
            for (size_t unit = 0; unit < units; unit++)
                missing += !there[unit];
            if (add(id, from * 8, last ? size : to * 8, !last)) {
                whole++;
                wrong += missing > 0 || out.size != HEADER + size ||
                         memcmp(out.data + HEADER, payload, size) != 0;
                break;
            }
            wrong += missing == 0 && there[units - 1];
        }
    }
    is_int(wrong, 0, "random pieces make the packet that they are of");
    ok(whole > 2500, "%u of 3000 times", whole);
}

int main(void)
{
    test_orders();
    test_copies();
    test_who_makes_way();
    test_refusals();
    test_patience();
    test_many();
    test_any_pieces();
    reassembly_free(r);
    return done_testing();
}
