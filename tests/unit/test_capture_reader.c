/* src/drive/capture_reader.c: captures made of one Teredo flow, by what their frames, interfaces
 * and clocks do to it. */
#include <stdlib.h>

#include "capture_reader.h"
#include "tap.h"

enum {
    ROOM = 1 << 18,
    FRAME_ROOM = 2048,
    SLL_SIZE = 16,
};

#define START (INT64_C(1700000000) * NSEC_S)

static const struct endpoint a = {0xcb00710a, 40001}, b = {0xc6336414, 40002};

/* A pcapng file in memory: interfaces of Linux cooked frames. */
static uint8_t file[ROOM];
static size_t file_size;

static struct flows_summary sum;
static bool step_is_named; /* the file is, of the first step of a clock */
static struct error error;

static void put(const void *data, size_t size)
{
    if (file_size + size > sizeof file)
        abort();
    memcpy(file + file_size, data, size);
    file_size += size;
}

static void put32(uint32_t value)
{
    put(&value, sizeof value);
}

static void begin(unsigned interfaces)
{
    static const uint16_t version[] = {1, 0}, link[] = {113, 0}, option[] = {9, 1};

    file_size = 0;
    put32(0x0a0d0d0a);
    put32(28);
    put32(0x1a2b3c4d);
    put(version, sizeof version);
    put32(UINT32_MAX);
    put32(UINT32_MAX);
    put32(28);
    while (interfaces-- > 0) {
        put32(1);
        put32(28);
        put(link, sizeof link);
        put32(0);
        put(option, sizeof option);
        put32(9);
        put32(28);
    }
}

struct frame {
    unsigned interface;
    nsec when; /* after START */
    size_t cut;
    uint8_t way; /* of Linux cooked: 4 = sent */
};

static void add_frame(const struct frame *f, const uint8_t *ip, size_t size)
{
    static const uint8_t zeros[4];
    uint8_t sll[SLL_SIZE] = {0, f->way, 0, 1, 0, 6, [14] = 8};
    uint64_t when = (uint64_t)(START + f->when);
    size_t whole = SLL_SIZE + size, captured = f->cut != 0 && f->cut < whole ? f->cut : whole;
    uint32_t length = 32 + (uint32_t)((captured + 3) & ~(size_t)3);

    put32(6);
    put32(length);
    put32(f->interface);
    put32((uint32_t)(when >> 32));
    put32((uint32_t)when);
    put32((uint32_t)captured);
    put32((uint32_t)whole);
    put(sll, captured < SLL_SIZE ? captured : SLL_SIZE);
    if (captured > SLL_SIZE)
        put(ip, captured - SLL_SIZE);
    put(zeros, -captured & 3);
    put32(length);
}

/* The IPv4 packet of a bubble from A to B with that nonce; its size. */
static size_t bubble(uint8_t packet[static FRAME_ROOM], uint32_t nonce,
                     const struct udp_options *options)
{
    struct teredo_addr from = {TEREDO_PREFIX, 0xc0000201, 0x1234, a};
    struct teredo_addr to = {TEREDO_PREFIX, 0xc0000201, 0x1234, b};
    struct in6_addr source, destination;
    struct teredo_packet p;
    uint8_t payload[128], trailer[4];
    struct writer w = writer_of(payload, sizeof payload);

    teredo_addr_encode(&from, &source);
    teredo_addr_encode(&to, &destination);
    teredo_make_bubble(&p, &source, &destination);
    teredo_add_nonce_trailer(&p, nonce, trailer);
    teredo_encode(&w, &p);
    return udp4_encode(packet, FRAME_ROOM, &(struct udp_message){a, b, payload, w.size}, options);
}

static void add(struct frame f, uint32_t nonce)
{
    struct udp_options options = {.id = (uint16_t)nonce};
    uint8_t packet[FRAME_ROOM];

    add_frame(&f, packet, bubble(packet, nonce, &options));
}

/* What was found: nonces and times. */
static struct {
    uint32_t nonce[64];
    nsec steady[64];
    bool copy[64];
    unsigned problems[64];
    unsigned fragments[64];
    uint64_t frame[64];
    unsigned count;
} got;

static enum capture_reader_result read_all(bool in_order)
{
    static const struct capture_control control = {.loop = NULL};
    struct teredo_flows_config config = {.flows = 100};
    struct capture_reader reader = {
        .teredo_flows = teredo_flows_new(&config), .seed = 1, .in_order = in_order};
    struct capture *capture =
        capture_open_stream(fmemopen(file, file_size, "r"), "test", &control, &error);
    enum capture_reader_result result = CAPTURE_READER_FAILED;
    struct capture_find find;

    memset(&got, 0, sizeof got);
    if (capture_reader_begin(&reader, capture, &error) == 0)
        while ((result = capture_reader_next(&reader, &find, &error)) == CAPTURE_READER_FIND &&
               got.count < 64) {
            teredo_trailer_nonce(&find.packet.packet, &got.nonce[got.count]);
            got.steady[got.count] = find.packet.steady - START;
            got.copy[got.count] = find.packet.copy;
            got.problems[got.count] = find.packet.problem_count;
            got.fragments[got.count] = find.packet.fragments;
            got.frame[got.count++] = find.packet.frame;
        }
    teredo_flows_summary(reader.teredo_flows, &sum);
    step_is_named = sum.remarks.step_count > 0 && strcmp(sum.remarks.steps[0].file, "test") == 0;
    capture_reader_end(&reader);
    capture_close(capture);
    teredo_flows_free(reader.teredo_flows);
    return result;
}

/* Whether the finds are those of these nonces, which end with 0. */
static bool are(const uint32_t *nonces)
{
    unsigned i = 0;

    for (; nonces[i] != 0; i++)
        if (i >= got.count || got.nonce[i] != nonces[i])
            return false;
    return i == got.count;
}

static void test_order(void)
{
    begin(2);
    add((struct frame){.interface = 0, .when = 1 * NSEC_S}, 1);
    add((struct frame){.interface = 0, .when = 2 * NSEC_S}, 4);
    add((struct frame){.interface = 1, .when = 1200 * NSEC_MS}, 2);
    add((struct frame){.interface = 1, .when = 1300 * NSEC_MS}, 3);
    add((struct frame){.interface = 0, .when = 4 * NSEC_S}, 5);
    is_int(read_all(true), CAPTURE_READER_END, "a capture of two interfaces is read");
    ok(are((uint32_t[]){1, 2, 3, 4, 5, 0}), "in the order of time");
    ok(got.steady[1] == 1200 * NSEC_MS && got.frame[1] == 3,
       "with the times and the numbers there");
    read_all(false);
    ok(are((uint32_t[]){1, 4, 2, 3, 5, 0}), "or in its own");
    is_int((int64_t)sum.remarks.step_count, 0, "no clock was set");
    begin(1);
    add((struct frame){.when = 1 * NSEC_S}, 1);
    add((struct frame){.when = 2 * NSEC_S}, 2);
    add((struct frame){.when = 1200 * NSEC_MS}, 3);
    read_all(true);
    ok(are((uint32_t[]){1, 2, 3, 0}) && got.steady[2] == 2 * NSEC_S,
       "frames of one interface stay in the order of the file");
}

static void test_set_clock(void)
{
    begin(1);
    add((struct frame){.when = 1 * NSEC_S}, 1);
    add((struct frame){.when = 12 * NSEC_S}, 2);
    add((struct frame){.when = 13 * NSEC_S}, 3);
    add((struct frame){.when = 3 * NSEC_S}, 4);
    add((struct frame){.when = 4 * NSEC_S}, 5);
    read_all(true);
    ok(are((uint32_t[]){1, 2, 3, 4, 5, 0}) && got.steady[1] == 2 * NSEC_S &&
           got.steady[2] == 3 * NSEC_S && got.steady[3] == 3 * NSEC_S &&
           got.steady[4] == 4 * NSEC_S,
       "frames from when the clock was ahead are put back");
    ok(sum.remarks.step_count == 1 && sum.remarks.steps[0].frame == 4 &&
           sum.remarks.steps[0].by == 10 * NSEC_S && step_is_named,
       "and that it was set back is told, with the frame");
}

/* A bubble back from B to A, with the nonce of another one. */
static void add_answer(struct frame f, uint32_t nonce)
{
    struct udp_options options = {.id = (uint16_t)nonce};
    uint8_t packet[FRAME_ROOM], swapped[12];
    size_t size = bubble(packet, nonce, &options);

    /* Addresses and ports: their sums stay what they are. */
    memcpy(swapped, packet + 16, 4);
    memcpy(swapped + 4, packet + 12, 4);
    memcpy(swapped + 8, packet + 22, 2);
    memcpy(swapped + 10, packet + 20, 2);
    memcpy(packet + 12, swapped, sizeof swapped);
    add_frame(&f, packet, size);
}

static void test_gap(void)
{
    begin(1);
    add((struct frame){.when = 1 * NSEC_S}, 7);
    add((struct frame){.when = 11 * NSEC_S}, 8);
    add_answer((struct frame){.when = 11500 * NSEC_MS}, 7);
    add((struct frame){.when = 12 * NSEC_S}, 9);
    read_all(true);
    ok(are((uint32_t[]){7, 8, 7, 9, 0}) && got.steady[1] == 1 * NSEC_S &&
           got.steady[2] == 1500 * NSEC_MS && got.steady[3] == 2 * NSEC_S,
       "a gap over which somebody got an answer is none");
    ok(sum.remarks.step_count == 1 && sum.remarks.steps[0].kind == CLOCK_SET_FORWARD &&
           sum.remarks.steps[0].frame == 2 && sum.remarks.steps[0].by == 10 * NSEC_S,
       "and that the clock was set is told, with the frame");
    begin(1);
    add((struct frame){.when = 1 * NSEC_S}, 7);
    add((struct frame){.when = 11 * NSEC_S}, 7);
    add_answer((struct frame){.when = 11500 * NSEC_MS}, 7);
    read_all(true);
    ok(got.count == 3 && got.steady[2] == 11500 * NSEC_MS && sum.remarks.step_count == 0,
       "one after which he asked again is one");
    begin(1);
    add((struct frame){.when = 1 * NSEC_S}, 7);
    add((struct frame){.when = 5 * NSEC_S}, 8);
    add_answer((struct frame){.when = 9 * NSEC_S}, 7);
    read_all(true);
    ok(got.count == 3 && got.steady[2] == 9 * NSEC_S && sum.remarks.step_count == 0,
       "and so are several short ones");
}

/* More is ahead than can be held back. */
static void test_too_many(void)
{
    unsigned frames = FIND_QUEUE_ROOM + 10;

    begin(1);
    add((struct frame){.when = 1 * NSEC_S}, 1);
    for (unsigned i = 0; i < frames; i++)
        add((struct frame){.when = 12 * NSEC_S + i * NSEC_MS}, 2 + i);
    add((struct frame){.when = 3 * NSEC_S}, 2 + frames);
    read_all(true);
    ok(got.count == 64 && got.steady[1] == 12 * NSEC_S && got.nonce[63] == 64,
       "what cannot be held back is let go in its order");
}

static void test_copies(void)
{
    begin(2);
    add((struct frame){.when = 1}, 1);
    add((struct frame){.when = 2}, 1);
    add((struct frame){.interface = 1, .when = 3}, 1);
    add((struct frame){.when = 4}, 2);
    add((struct frame){.when = NSEC_S}, 1);
    read_all(true);
    ok(are((uint32_t[]){1, 1, 1, 2, 1, 0}) && !got.copy[0] && got.copy[1] && got.copy[2] &&
           !got.copy[3] && !got.copy[4],
       "copies are told, on one interface and on several, and what is sent again is none");
    ok(sum.packets == 3 && sum.remarks.copies == 2 && sum.frames == 5, "and counted as such");
}

static void test_cut(void)
{
    static const size_t cuts[] = {8, SLL_SIZE + 10, SLL_SIZE + 24, SLL_SIZE + 50, SLL_SIZE + 67};

    begin(1);
    for (unsigned i = 0; i < sizeof cuts / sizeof *cuts; i++)
        add((struct frame){.when = i, .cut = cuts[i]}, 1 + i);
    read_all(false);
    ok(got.count == 0 && sum.remarks.cut == 5 && sum.remarks.cut_least == 8 &&
           sum.remarks.cut_most == SLL_SIZE + 67 && sum.reasons[WIRE_TRUNCATED] == 0,
       "frames that are cut anywhere before the end of the IPv6 header cannot be told");
    begin(1);
    add((struct frame){.when = 1, .cut = SLL_SIZE + 68}, 1);
    add((struct frame){.when = 2, .cut = SLL_SIZE + 50}, 1);
    read_all(false);
    ok(got.count == 2 && sum.remarks.cut == 0, "nor are they missed where their flow is known");
}

static void change_header(uint8_t *ip, uint16_t checksum)
{
    ip[10] = (uint8_t)(checksum >> 8);
    ip[11] = (uint8_t)checksum;
}

/* A bubble with a header checksum of 0 or right, and a right or wrong UDP checksum. */
static void add_unfilled(struct frame f, bool header, bool udp)
{
    struct udp_options options = {.checksum = udp ? UDP_CHECKSUM_WRONG : UDP_CHECKSUM_RIGHT};
    uint8_t packet[FRAME_ROOM];
    size_t size = bubble(packet, (uint32_t)f.when, &options);

    if (header)
        change_header(packet, 0);
    add_frame(&f, packet, size);
}

static void test_checksums(void)
{
    static const struct {
        const char *name;
        uint8_t way;
        bool header, udp, problem;
    } rows[] = {
        {"no header checksum in a frame that is sent", 4, true, false, false},
        {"a wrong UDP checksum in a frame that is sent", 4, false, true, false},
        {"both", 4, true, true, false},
        {"no header checksum in a frame that was received", 0, true, false, true},
        {"a wrong UDP checksum in a frame that was received", 0, false, true, true},
        {"the same of another host", 3, false, true, true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(1);
        add_unfilled((struct frame){.when = 1, .way = rows[i].way}, rows[i].header, rows[i].udp);
        read_all(false);
        ok(got.count == 1 && got.problems[0] == rows[i].problem, "%s: %s", rows[i].name,
           rows[i].problem ? "a problem" : "no problem");
    }
}

/* The bytes FROM to TO of the IPv4 payload. */
static void add_piece(struct frame f, uint32_t nonce, size_t from, size_t to)
{
    struct udp_options options = {.id = 9};
    uint8_t packet[FRAME_ROOM], piece[FRAME_ROOM];
    size_t size = bubble(packet, nonce, &options) - IP4_HEADER_SIZE;
    struct writer w = writer_of(piece, sizeof piece);
    struct ip4_header h = {
        .id = 9,
        .more_fragments = to < size,
        .fragment_offset = (uint16_t)(from / 8),
        .ttl = 64,
        .protocol = IP_PROTOCOL_UDP,
        .source = a.address,
        .destination = b.address,
    };

    if (to > size)
        to = size;
    ip4_encode(&w, &h, to - from);
    writer_bytes(&w, packet + IP4_HEADER_SIZE + from, to - from);
    add_frame(&f, piece, w.size);
}

static void test_fragments(void)
{
    begin(1);
    add_piece((struct frame){.when = 1}, 7, 24, 200);
    add_piece((struct frame){.when = 2}, 7, 0, 24);
    read_all(true);
    ok(are((uint32_t[]){7, 0}) && got.fragments[0] == 2 && got.frame[0] == 2 &&
           got.problems[0] == 0 && sum.remarks.reassembled == 1 &&
           sum.reasons[WIRE_IP4_FRAGMENT] == 0,
       "a packet that came in fragments is whole with the last one");
    begin(1);
    add((struct frame){.when = 1}, 1);
    add_piece((struct frame){.when = 2}, 7, 0, 48);
    add((struct frame){.when = 3}, 2);
    add((struct frame){.when = 40 * NSEC_S}, 3);
    read_all(true);
    ok(got.count == 4 && got.frame[3] == 2 && got.fragments[3] == 0 && got.problems[3] == 1 &&
           sum.remarks.reassembled == 0,
       "of one that misses fragments the first one is shown, when its time is over");
    begin(1);
    add_piece((struct frame){.when = 1}, 7, 48, 200);
    add_piece((struct frame){.when = 2}, 8, 48, 200);
    add_piece((struct frame){.when = 3}, 7, 0, 48);
    read_all(true);
    ok(got.count == 0 && sum.remarks.reassembled == 0 &&
           sum.reasons[WIRE_IP4_FRAGMENT_OVERLAP] == 3,
       "fragments that contradict each other are not put together, and are told");
}

static void test_damage(void)
{
    begin(1);
    add((struct frame){.when = 1 * NSEC_S}, 1);
    add((struct frame){.when = 12 * NSEC_S}, 2);
    put32(6);
    is_int(read_all(true), CAPTURE_READER_FAILED, "damage is told");
    ok(are((uint32_t[]){1, 2, 0}) && strstr(error.what, "damaged after frame 2") != NULL,
       "after all that came before it, what was held back included");
}

int main(void)
{
    test_order();
    test_set_clock();
    test_gap();
    test_too_many();
    test_copies();
    test_cut();
    test_checksums();
    test_fragments();
    test_damage();
    return done_testing();
}
