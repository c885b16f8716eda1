#include "hex.h"
#include "samples.h"
#include "tap.h"
#include "teredo.h"

static uint8_t *copied;

/* Decodes a bubble with these trailers from memory of just its size, which lives until the next
 * call. */
static bool decode(const char *trailers, struct teredo_packet *p, struct wire_fault *fault)
{
    uint8_t data[1024];
    size_t size = hex_read(SAMPLE_BUBBLE, data);

    size += hex_read(trailers, data + size);
    free(copied);
    copied = exact_copy(data, size);
    memset(p, 0xa5, sizeof *p);
    return teredo_decode(copied, size, p, fault);
}

static void test_windows_direct_bubble(void)
{
    struct teredo_packet p;
    struct wire_fault fault;
    uint32_t nonce = 0;
    uint16_t port;
    uint8_t type = 0xff;
    struct endpoint alternates[TEREDO_MAX_ALTERNATES];

    ok(decode(SAMPLE_DIRECT_TRAILERS, &p, &fault) && p.kind == TEREDO_BUBBLE &&
           p.trailer_count == 2 && p.junk_size == 0,
       "the two trailers of Windows' direct bubble are read");
    ok(teredo_trailer_nonce(&p, &nonce) && nonce == 0x3b6c5334, "its nonce");
    ok(teredo_trailer_nd(&p, &type) && type == 0, "its ND option: a solicitation");
    ok(!teredo_trailer_random_port(&p, &port), "it has no random port");
    is_int(teredo_trailer_alternates(&p, alternates), 0, "and no alternate address");
    is_int(fault.reason, WIRE_OK, "well-formed trailers are no fault");
}

static void test_windows_indirect_bubble(void)
{
    struct teredo_packet p;
    struct wire_fault fault;
    uint32_t nonce = 0;
    uint16_t port = 0;
    uint8_t type;
    struct endpoint alternates[TEREDO_MAX_ALTERNATES];

    ok(decode(SAMPLE_INDIRECT_TRAILERS, &p, &fault) && p.trailer_count == 3,
       "the three trailers of Windows' indirect bubble are read");
    ok(teredo_trailer_nonce(&p, &nonce) && nonce == 0x6908dbf5, "its nonce");
    is_int(teredo_trailer_alternates(&p, alternates), 1, "its one alternate address");
    ok(endpoint_equal(alternates[0], (struct endpoint){0xc0a80165, 59656}),
       "which is not obfuscated");
    ok(teredo_trailer_random_port(&p, &port) && port == 31382, "its random port");
    ok(!teredo_trailer_nd(&p, &type), "it has no ND option");
    ok(decode("0404 01000000", &p, &fault) && teredo_trailer_nd(&p, &type) && type == 1,
       "an ND option of type 1 is an advertisement");
}

static void test_without_trailers(void)
{
    struct teredo_packet p;
    struct wire_fault fault;
    uint32_t nonce;
    uint8_t type;

    ok(decode("", &p, &fault) && p.trailer_count == 0, "a bubble may have no trailer");
    ok(!teredo_trailer_nonce(&p, &nonce) && !teredo_trailer_nd(&p, &type), "and then has none");
    ok(teredo_find_trailer(&p, TRAILER_NONCE) == NULL, "none is found");
}

static void test_alternates(void)
{
    struct teredo_packet p;
    struct wire_fault fault;
    struct endpoint a[TEREDO_MAX_ALTERNATES] = {{0}};

    ok(decode("031a 0000 01020304 0001 05060708 0002 090a0b0c 0003 0d0e0f10 ffff", &p, &fault) &&
           teredo_trailer_alternates(&p, a) == 4,
       "an alternate address trailer holds up to four addresses");
    ok(endpoint_equal(a[0], (struct endpoint){0x01020304, 1}) &&
           endpoint_equal(a[1], (struct endpoint){0x05060708, 2}) &&
           endpoint_equal(a[2], (struct endpoint){0x090a0b0c, 3}) &&
           endpoint_equal(a[3], (struct endpoint){0x0d0e0f10, 65535}),
       "in their order");
}

static void test_lengths(void)
{
    static const struct {
        const char *hex, *what;
        size_t junk_at; /* in the trailers; SIZE_MAX = none */
        unsigned count;
    } rows[] = {
        {"01", "a type without a length", 0, 0},
        {"0104", "a nonce beyond the UDP payload", 0, 0},
        {"0104 010203", "a nonce cut by one byte", 0, 0},
        {"0103 010203", "a nonce of three bytes", 0, 0},
        {"0105 0102030405", "a nonce of five bytes", 0, 0},
        {"0302 0000", "an alternate address trailer without an address", 0, 0},
        {"0300", "an empty alternate address trailer", 0, 0},
        {"0307 0000 01020304 00", "an alternate address trailer of seven bytes", 0, 0},
        {"0309 0000 01020304 0001 00", "an alternate address trailer of nine bytes", 0, 0},
        {"0320 0000 01020304 0001 01020304 0001 01020304 0001 01020304 0001 01020304 0001",
         "an alternate address trailer of five addresses", 0, 0},
        {"0308 0000 01020304 0000", "an alternate address with port 0", 0, 0},
        {"030e 0000 01020304 0001 01020304 0000", "a second alternate address with port 0", 0, 0},
        {"0403 000000", "an ND option of three bytes", 0, 0},
        {"0405 0000000000", "an ND option of five bytes", 0, 0},
        {"0501 00", "a random port of one byte", 0, 0},
        {"0503 000000", "a random port of three bytes", 0, 0},
        {"0104 01020304 05", "a byte behind a nonce", 6, 1},
        {"0104 01020304 0502 1234 ff", "a byte behind two trailers", 10, 2},
        {"0104 01020304 c0ff 00", "an unknown trailer beyond the UDP payload", 6, 1},
        {"0104 01020304 40ff 00", "an unknown trailer 40 beyond the UDP payload", 6, 1},
        {"0200 c000 8003 010203 ff00", "unknown trailers with the high bits 00, 10 and 11",
         SIZE_MAX, 4},
        {"0000 0000", "zeros", SIZE_MAX, 2},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t raw[64];
        size_t size = hex_read(rows[i].hex, raw), junk_at = rows[i].junk_at;
        struct teredo_packet p;
        struct wire_fault fault;

        ok(decode(rows[i].hex, &p, &fault), "%s: the packet is accepted all the same",
           rows[i].what);
        is_int(p.trailer_count, rows[i].count, "%s: what parsed before stays", rows[i].what);
        if (junk_at == SIZE_MAX)
            ok(p.junk_size == 0 && fault.reason == WIRE_OK, "%s are skipped, and kept",
               rows[i].what);
        else
            ok(p.junk_offset == 40 + junk_at && p.junk_size == size - junk_at &&
                   fault.reason == WIRE_TRAILER_LENGTH && fault.offset == 40 + junk_at,
               "%s: the rest is junk, trailer_length where it begins", rows[i].what);
    }
}

static void test_unknown_types(void)
{
    for (unsigned type = 0; type < 256; type++) {
        char hex[8];
        struct teredo_packet p;
        struct wire_fault fault;
        bool known = type == TRAILER_NONCE || type == TRAILER_ALTERNATE_ADDRESS ||
                     type == TRAILER_ND_OPTION || type == TRAILER_RANDOM_PORT;

        if (known)
            continue;
        snprintf(hex, sizeof hex, "%02x01aa", type);
        if (type >> 6 == 1)
            ok(!decode(hex, &p, &fault) && fault.reason == WIRE_TRAILER_MUST_DISCARD &&
                   fault.offset == 40,
               "unknown trailer %02x: high bits 01 discard the packet", type);
        else
            ok(decode(hex, &p, &fault) && p.trailer_count == 1 && p.trailers[0].type == type &&
                   p.trailers[0].size == 1 && p.trailers[0].value[0] == 0xaa,
               "unknown trailer %02x is skipped, and kept", type);
    }
}

static void test_discard_shows_all(void)
{
    struct teredo_packet p;
    struct wire_fault fault;

    ok(!decode("4100 800155 420177 0104", &p, &fault) &&
           fault.reason == WIRE_TRAILER_MUST_DISCARD && fault.offset == 40,
       "of trailers that ask to discard the packet, the first is told");
    ok(p.trailer_count == 3 && p.trailers[0].type == 0x41 && p.trailers[2].type == 0x42 &&
           p.junk_offset == 48 && p.junk_size == 2,
       "and what else there is can be shown all the same");
}

static void test_truncation(void)
{
    static const char hex[] = SAMPLE_INDIRECT_TRAILERS;
    uint8_t data[128];
    size_t bubble = hex_read(SAMPLE_BUBBLE, data);
    size_t size = bubble + hex_read(hex, data + bubble);

    for (size_t cut = bubble; cut < size; cut++) {
        uint8_t *copy = exact_copy(data, cut);
        size_t at = cut - bubble;
        size_t end = at >= 16 ? 16 : at >= 6 ? 6 : 0;
        struct teredo_packet p;
        struct wire_fault fault;

        ok(teredo_decode(copy, cut, &p, &fault) &&
               p.trailer_count == (unsigned)(at >= 16  ? 2
                                             : at >= 6 ? 1
                                                       : 0) &&
               p.junk_size == at - end && (at == end || p.junk_offset == bubble + end) &&
               fault.reason == (at == end ? WIRE_OK : WIRE_TRAILER_LENGTH),
           "trailers cut at %zu bytes: whole ones stay, %zu bytes are junk", at, at - end);
        free(copy);
    }
}

static void test_many(void)
{
    char hex[8 + 20 * 4 + 1] = "";
    struct teredo_packet p, again;
    struct wire_fault fault;
    uint8_t buf[256];
    struct writer w = writer_of(buf, sizeof buf);
    uint32_t nonce;

    for (unsigned i = 0; i < 20; i++)
        strcat(hex, "8000");
    ok(decode(hex, &p, &fault) && p.trailer_count == 20, "trailers beyond the room are counted");
    teredo_encode(&w, &p);
    ok(!w.failed && teredo_decode(buf, w.size, &again, &fault) &&
           again.trailer_count == TEREDO_MAX_TRAILERS,
       "and not kept");
    ok(!teredo_trailer_nonce(&p, &nonce), "nor searched");
    ok(decode("0104 00000001 0104 00000002", &p, &fault) && teredo_trailer_nonce(&p, &nonce) &&
           nonce == 1,
       "of two trailers of a type the first counts");
}

int main(void)
{
    test_windows_direct_bubble();
    test_windows_indirect_bubble();
    test_without_trailers();
    test_alternates();
    test_lengths();
    test_unknown_types();
    test_discard_shows_all();
    test_truncation();
    test_many();
    free(copied);
    return done_testing();
}
