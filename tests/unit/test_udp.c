#include "hex.h"
#include "prng.h"
#include "tap.h"
#include "udp.h"

static const struct endpoint client = {0xc0000201, 40000};
static const struct endpoint server = {0xc6336401, 3544};

/* Decodes an exact copy; OUT's payload pointer is not to be followed afterwards. */
static enum wire_reason decode(const uint8_t *data, size_t size, bool truncated_ok,
                               struct udp_datagram *out, struct wire_fault *fault)
{
    uint8_t *copy = exact_copy(data, size);
    bool good = udp4_decode(copy, size, truncated_ok, out, fault);

    if (good && out->payload != copy + out->ip.header_length + UDP_HEADER_SIZE)
        good = wire_fail(fault, WIRE_REASON_COUNT, 0);
    free(copy);
    return good ? WIRE_OK : fault->reason;
}

static size_t encode(uint8_t *out, size_t capacity, const void *payload, size_t size,
                     const struct udp_options *options)
{
    return udp4_encode(out, capacity, &(struct udp_message){client, server, payload, size},
                       options);
}

static void fill_ip_checksum(uint8_t *ip)
{
    uint16_t sum;

    ip[10] = ip[11] = 0;
    sum = checksum_finish(checksum_add(0, ip, 20));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

static void test_round_trip(void)
{
    struct prng p = {.state = 5};
    unsigned wrong = 0;

    for (unsigned i = 0; i < 10000; i++) {
        struct endpoint from = {(uint32_t)prng_next(&p), (uint16_t)prng_next(&p)};
        struct endpoint to = {(uint32_t)prng_next(&p), (uint16_t)prng_next(&p)};
        struct udp_options options = {.ttl = (uint8_t)(1 + prng_below(&p, 255)),
                                      .tos = (uint8_t)prng_next(&p),
                                      .id = (uint16_t)prng_next(&p),
                                      .dont_fragment = prng_below(&p, 2)};
        size_t size = prng_below(&p, 200);
        uint8_t payload[200], buf[228];
        struct udp_datagram out;
        struct wire_fault fault;
        size_t total;

        for (size_t j = 0; j < size; j++)
            payload[j] = (uint8_t)prng_next(&p);
        total =
            udp4_encode(buf, sizeof buf, &(struct udp_message){from, to, payload, size}, &options);
        wrong += total != 28 + size || !udp4_decode(buf, total, false, &out, &fault) ||
                 !endpoint_equal(out.from, from) || !endpoint_equal(out.to, to) ||
                 out.length != 8 + size || out.checksum == 0 || out.payload_size != size ||
                 memcmp(out.payload, payload, size) != 0 || out.truncated ||
                 out.ip.ttl != options.ttl || out.ip.tos != options.tos ||
                 out.ip.id != options.id || out.ip.dont_fragment != options.dont_fragment;
    }
    is_int(wrong, 0, "10,000 random datagrams come back as they were");
}

static void test_known_bytes(void)
{
    /* As tcpdump saw it on Linux's loopback; tshark computes the checksum to 53b5. */
    uint8_t data[64];
    size_t size = hex_read("4500 0020 c49d 4000 4011 782d 7f00 0001 7f00 0001"
                           "9c40 0dd8 000c fe1f 01020304",
                           data);
    struct udp_datagram out;
    struct wire_fault fault;
    uint8_t built[64];
    const struct udp_options options = {.id = 0xc49d, .dont_fragment = true};
    struct endpoint from = {0x7f000001, 40000}, to = {0x7f000001, 3544};

    /* The kernel leaves the UDP checksum to the network card: loopback shows the partial sum. */
    is_int(decode(data, size, false, &out, &fault), WIRE_UDP_CHECKSUM,
           "a checksum left to the network card is wrong");
    ok(endpoint_equal(out.from, from) && endpoint_equal(out.to, to) && out.payload_size == 4,
       "and yet the datagram is taken apart");
    is_int((int64_t)udp4_encode(built, sizeof built, &(struct udp_message){from, to, data + 28, 4},
                                &options),
           (int64_t)size, "the same datagram is built");
    is_mem(built, data, 26, "with the same bytes up to the checksum");
    is_int(built[26] << 8 | built[27], 0x53b5, "which is right");
}

static void test_checksums(void)
{
    struct udp_datagram out;
    struct wire_fault fault;
    uint8_t payload[2] = {0, 0}, buf[64];
    struct udp_options options = {.checksum = UDP_CHECKSUM_RIGHT};
    unsigned accepted = 0, excused = 0;
    size_t size = encode(buf, sizeof buf, payload, sizeof payload, NULL);

    ok(size == 30 && buf[8] == 64 && (buf[26] | buf[27]) != 0,
       "by default the TTL is 64 and there is a checksum");
    /* With the complement of the sum as data, the sum is all ones and the checksum 0. */
    memcpy(payload, buf + 26, 2);
    size = encode(buf, sizeof buf, payload, sizeof payload, NULL);
    is_int(buf[26] << 8 | buf[27], 0xffff,
           "if the computed checksum is zero, it is transmitted as all ones");
    is_int(decode(buf, size, false, &out, &fault), WIRE_OK, "and all ones is accepted for it");

    options.checksum = UDP_CHECKSUM_ZERO;
    size = encode(buf, sizeof buf, "ab", 2, &options);
    is_int(buf[26] | buf[27], 0, "no checksum is sent as zero");
    is_int(decode(buf, size, false, &out, &fault), WIRE_OK,
           "an all zero checksum means that the transmitter generated none");
    is_int(out.checksum, 0, "and is shown as zero");

    options.checksum = UDP_CHECKSUM_WRONG;
    for (unsigned i = 0; i < 65536; i++) {
        payload[0] = (uint8_t)(i >> 8);
        payload[1] = (uint8_t)i;
        size = encode(buf, sizeof buf, payload, 2, &options);
        accepted += (buf[26] | buf[27]) == 0 || udp4_decode(buf, size, false, &out, &fault);
        excused += !udp4_dissect(buf, size, &out, &fault) || fault.reason != WIRE_UDP_CHECKSUM;
    }
    is_int(excused, 0, "and never one that a network card had still to fill in,");
    is_int(accepted, 0, "a wrong checksum is wrong for each of the 65,536 sums");
    is_int(decode(buf, size, false, &out, &fault), WIRE_UDP_CHECKSUM, "which is udp_checksum");
    is_int((int64_t)fault.offset, 26, "at the checksum field");
}

static void test_odd_sizes(void)
{
    struct udp_datagram out;
    struct wire_fault fault;
    uint8_t buf[64];

    for (size_t size = 0; size < 9; size++)
        ok(udp4_decode(buf, encode(buf, sizeof buf, "abcdefgh", size, NULL), false, &out, &fault) &&
               out.payload_size == size && memcmp(out.payload, "abcdefgh", size) == 0,
           "a payload of %zu bytes has its own checksum", size);
}

static void test_faults(void)
{
    static const struct {
        enum wire_reason reason;
        uint8_t at, value, offset;
        const char *what;
    } rows[] = {
        {WIRE_IP4_VERSION, 0, 0x55, 0, "IP version 5"},
        {WIRE_IP4_FRAGMENT, 7, 1, 6, "a later fragment"},
        {WIRE_NOT_UDP, 9, 6, 9, "TCP"},
        {WIRE_UDP_LENGTH, 25, 7, 24, "a UDP length of 7"},
        {WIRE_UDP_LENGTH, 25, 13, 24, "a UDP length beyond the packet"},
        {WIRE_UDP_CHECKSUM, 27, 0, 26, "a wrong checksum"},
        {WIRE_UDP_CHECKSUM, 29, 0, 26, "a changed payload"},
        {WIRE_UDP_CHECKSUM, 21, 0, 26, "a changed port"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t buf[32];
        size_t size = encode(buf, sizeof buf, "\1\2\3\4", 4, NULL);
        struct udp_datagram out;
        struct wire_fault fault = {0};

        buf[rows[i].at] = rows[i].value;
        fill_ip_checksum(buf);
        is_int(decode(buf, size, false, &out, &fault), rows[i].reason, "%s is %s", rows[i].what,
               wire_reason_code(rows[i].reason));
        is_int((int64_t)fault.offset, rows[i].offset, "%s: the offset shows it", rows[i].what);
    }
}

static void test_truncation(void)
{
    uint8_t buf[40];
    size_t size = encode(buf, sizeof buf, "abcdefghijkl", 12, NULL);
    struct udp_datagram out;
    struct wire_fault fault;

    for (size_t cut = 0; cut < size; cut++) {
        is_int(decode(buf, cut, false, &out, &fault),
               cut < 20 ? WIRE_TRUNCATED : WIRE_IP4_TOTAL_LENGTH,
               "a datagram cut at %zu bytes is a fault", cut);
        if (cut < 28)
            ok(decode(buf, cut, true, &out, &fault) == WIRE_TRUNCATED && fault.offset == cut,
               "a capture that cuts the headers at %zu bytes is truncated there", cut);
        else
            ok(decode(buf, cut, true, &out, &fault) == WIRE_OK && out.truncated &&
                   out.payload_size == cut - 28 && out.length == 20,
               "a capture that cuts the payload at %zu bytes gives what there is", cut);
    }
    buf[3] = 27;
    fill_ip_checksum(buf);
    ok(decode(buf, size, false, &out, &fault) == WIRE_TRUNCATED && fault.offset == 27,
       "a packet too short for a UDP header is truncated where the packet ends, not the bytes");
}

static void test_first_fragment(void)
{
    uint8_t buf[64];
    struct ip4_header ip = {.ttl = 64,
                            .protocol = IP_PROTOCOL_UDP,
                            .more_fragments = true,
                            .source = client.address,
                            .destination = server.address};
    struct writer w = writer_of(buf, sizeof buf);
    struct udp_datagram out;
    struct wire_fault fault;

    ip4_encode(&w, &ip, 24);
    writer_u16(&w, client.port);
    writer_u16(&w, server.port);
    writer_u16(&w, 1000);
    writer_u16(&w, 0x1234);
    writer_zeros(&w, 16);
    ok(decode(buf, w.size, true, &out, &fault) == WIRE_OK && out.truncated &&
           out.payload_size == 16 && out.length == 1000,
       "a first fragment gives its part of the payload, checksum unverified");
    ok(decode(buf, w.size, false, &out, &fault) == WIRE_UDP_LENGTH && fault.offset == 24,
       "where nothing may be missing it is a UDP length beyond the payload");
}

static void test_padding(void)
{
    uint8_t buf[64] = {0};
    size_t size = encode(buf, sizeof buf, "abcd", 4, NULL);
    struct udp_datagram out;
    struct wire_fault fault;

    memset(buf + size, 0xee, 14);
    ok(decode(buf, size + 14, false, &out, &fault) == WIRE_OK && out.payload_size == 4,
       "the padding of a short Ethernet frame is not payload");
}

static void test_capacity(void)
{
    uint8_t buf[32];
    static uint8_t large[65536], out[65536];

    ok(encode(buf, 31, "abcd", 4, NULL) == 0, "a datagram that does not fit is not built");
    ok(encode(buf, 32, "abcd", 4, NULL) == 32, "one that just fits is");
    ok(encode(out, sizeof out, large, 65507, NULL) == 65535,
       "65,507 bytes of payload are the most that IPv4 carries");
    ok(encode(out, sizeof out, large, 65508, NULL) == 0, "one more is refused");
}

static enum wire_reason dissect(const uint8_t *data, size_t size, struct udp_datagram *out,
                                bool *good)
{
    uint8_t *copy = exact_copy(data, size);
    struct wire_fault fault;

    *good = udp4_dissect(copy, size, out, &fault);
    free(copy);
    return fault.reason;
}

static void test_dissection(void)
{
    uint8_t buf[64];
    struct udp_options wrong = {.checksum = UDP_CHECKSUM_WRONG};
    size_t size = encode(buf, sizeof buf, "abcd", 4, NULL);
    struct udp_datagram out;
    bool good;

    ok(dissect(buf, size, &out, &good) == WIRE_OK && good && out.payload_size == 4,
       "a good datagram is dissected without a word");
    buf[10] ^= 1;
    ok(dissect(buf, size, &out, &good) == WIRE_IP4_CHECKSUM && good && out.payload_size == 4 &&
           endpoint_equal(out.from, client),
       "a wrong header checksum is told, and hides nothing");
    buf[10] ^= 1;
    buf[9] = 6;
    ok(dissect(buf, size, &out, &good) == WIRE_NOT_UDP && !good,
       "it is not told of a packet that is no UDP");
    size = encode(buf, sizeof buf, "abcd", 4, &wrong);
    ok(dissect(buf, size, &out, &good) == WIRE_UDP_CHECKSUM && good && out.payload_size == 4,
       "a wrong UDP checksum is told, and hides nothing");
    buf[10] ^= 1;
    ok(dissect(buf, size, &out, &good) == WIRE_IP4_CHECKSUM && good,
       "of two wrong checksums the header's is told");
    size = encode(buf, sizeof buf, "abcd", 4, NULL);
    buf[25] = 200;
    ok(dissect(buf, size, &out, &good) == WIRE_UDP_LENGTH && good && out.payload_size == 4,
       "a length that is too long is told, and the payload is what IPv4 has of it");
    buf[10] ^= 1;
    ok(dissect(buf, size, &out, &good) == WIRE_UDP_LENGTH && good && out.payload_size == 4,
       "also behind a wrong header checksum");
    buf[25] = 7;
    ok(dissect(buf, size, &out, &good) == WIRE_UDP_LENGTH && !good,
       "one that is too short leaves nothing to dissect");
}

static void test_left_to_the_card(void)
{
    uint8_t buf[64];
    size_t size = encode(buf, sizeof buf, "abcd", 4, NULL);
    uint32_t sum = checksum_add(0, buf + 12, 8);
    struct udp_datagram out;
    bool good;

    sum = checksum_add_u16(checksum_add_u16(sum, 17), 12);
    sum = (sum & 0xffff) + (sum >> 16);
    buf[26] = (uint8_t)(sum >> 8);
    buf[27] = (uint8_t)sum;
    ok(dissect(buf, size, &out, &good) == WIRE_OK && good,
       "a checksum that holds the pseudo-header's sum is left to the network card, and not wrong");
    ok(out.unfilled, "which is told");
    buf[27] ^= 1;
    ok(dissect(buf, size, &out, &good) == WIRE_UDP_CHECKSUM && good && !out.unfilled,
       "any other is wrong");
    buf[10] = buf[11] = 0;
    ok(dissect(buf, size, &out, &good) == WIRE_IP4_CHECKSUM && good && out.unfilled,
       "a header checksum of 0 is wrong, but may be unfilled");
    buf[11] = 1;
    ok(dissect(buf, size, &out, &good) == WIRE_IP4_CHECKSUM && good && !out.unfilled,
       "any other is just wrong");
}

static void test_dissected_cuts(void)
{
    uint8_t buf[64];
    size_t size = encode(buf, sizeof buf, "abcd", 4, NULL), wrong = 0;
    struct udp_datagram out;
    bool good;

    for (size_t cut = 0; cut < size; cut++) {
        enum wire_reason reason = dissect(buf, cut, &out, &good);

        wrong += cut < 28 ? good || reason != WIRE_TRUNCATED
                          : !good || reason != WIRE_OK || out.payload_size != cut - 28;
    }
    is_int((int64_t)wrong, 0, "cut anywhere, a datagram gives the payload that is there");
}

int main(void)
{
    test_round_trip();
    test_known_bytes();
    test_checksums();
    test_odd_sizes();
    test_faults();
    test_truncation();
    test_first_fragment();
    test_padding();
    test_capacity();
    test_dissection();
    test_left_to_the_card();
    test_dissected_cuts();
    return done_testing();
}
