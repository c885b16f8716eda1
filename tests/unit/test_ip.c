#include "hex.h"
#include "ip.h"
#include "prng.h"
#include "tap.h"

/* Decodes an exact copy of the bytes; the fault's reason, or WIRE_OK. */
static enum wire_reason decode_ip4(const uint8_t *data, size_t size, bool truncated_ok,
                                   struct ip4_header *h, struct wire_fault *fault)
{
    uint8_t *copy = exact_copy(data, size);
    struct reader r = reader_of(copy, size);
    bool good = ip4_decode(&r, h, truncated_ok, fault);

    free(copy);
    return good ? WIRE_OK : fault->reason;
}

static void fill_checksum(uint8_t *p, size_t header_length)
{
    uint16_t sum;

    p[10] = p[11] = 0;
    sum = checksum_finish(checksum_add(0, p, header_length));
    p[10] = (uint8_t)(sum >> 8);
    p[11] = (uint8_t)sum;
}

/* The sum of RFC 1071 done slowly: 16 bits at a time. */
static uint16_t slow_checksum(const uint8_t *p, size_t size)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void test_checksum(void)
{
    const uint8_t rfc1071[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    struct prng p = {.state = 2};
    uint8_t data[300];
    unsigned wrong = 0, split = 0;

    is_int(checksum_finish(checksum_add(0, rfc1071, sizeof rfc1071)), (uint16_t)~0xddf2,
           "RFC 1071's example sums to ddf2");
    is_int(checksum_finish(0), 0xffff, "the checksum of nothing is ffff");
    for (unsigned i = 0; i < 20000; i++) {
        size_t size = prng_below(&p, sizeof data + 1);
        size_t cut = prng_below(&p, (uint32_t)(size / 2 + 1)) * 2;
        uint8_t fill = (uint8_t)(prng_below(&p, 3) * 0x7f + prng_below(&p, 2));

        for (size_t j = 0; j < size; j++)
            data[j] = i % 4 == 0 ? fill : (uint8_t)prng_next(&p);
        wrong += checksum_finish(checksum_add(0, data, size)) != slow_checksum(data, size);
        split += checksum_finish(checksum_add(checksum_add(0, data, cut), data + cut,
                                              size - cut)) != slow_checksum(data, size);
    }
    is_int(wrong, 0, "20,000 random blocks sum as 16-bit words do, one at a time");
    is_int(split, 0, "and in two pieces the same");
    memset(data, 0xff, sizeof data);
    for (unsigned i = 0, sum = 0; i < 1000; i++) {
        sum = checksum_add(sum, data, sizeof data);
        wrong += sum == 0 || checksum_finish(sum) != 0;
    }
    is_int(wrong, 0, "a running sum of 300,000 bytes of ones never overflows");
}

static void test_ip4_round_trip(void)
{
    struct prng p = {.state = 3};
    unsigned wrong = 0;

    for (unsigned i = 0; i < 10000; i++) {
        size_t payload_size = prng_below(&p, 100);
        struct ip4_header in = {
            .tos = (uint8_t)prng_next(&p),
            .id = (uint16_t)prng_next(&p),
            .dont_fragment = prng_below(&p, 2),
            .more_fragments = prng_below(&p, 2),
            .fragment_offset = (uint16_t)prng_below(&p, 0x2000),
            .ttl = (uint8_t)prng_next(&p),
            .protocol = (uint8_t)prng_next(&p),
            .source = (uint32_t)prng_next(&p),
            .destination = (uint32_t)prng_next(&p),
        };
        struct ip4_header out;
        struct wire_fault fault;
        uint8_t buf[120] = {0};
        struct writer w = writer_of(buf, sizeof buf);

        ip4_encode(&w, &in, payload_size);
        writer_zeros(&w, payload_size);
        wrong += decode_ip4(buf, w.size, false, &out, &fault) != WIRE_OK ||
                 out.header_length != 20 || out.total_length != 20 + payload_size ||
                 out.tos != in.tos || out.id != in.id || out.dont_fragment != in.dont_fragment ||
                 out.more_fragments != in.more_fragments ||
                 out.fragment_offset != in.fragment_offset || out.ttl != in.ttl ||
                 out.protocol != in.protocol || out.source != in.source ||
                 out.destination != in.destination;
    }
    is_int(wrong, 0, "10,000 random IPv4 headers come back as they were");
}

static void test_ip4_lengths(void)
{
    struct ip4_header h = {.ttl = 64, .protocol = 17}, out;
    struct wire_fault fault;
    uint8_t buf[64] = {0};
    struct writer w = writer_of(buf, sizeof buf);
    struct reader r;

    ip4_encode(&w, &(struct ip4_header){.total_length = 99}, 0);
    is_int(buf[3], 99, "a total length that was asked for is written");
    ip4_encode(&w, &h, 65516);
    ok(w.failed, "a packet above 65,535 bytes is refused");

    w = writer_of(buf, sizeof buf);
    ip4_encode(&w, &h, 12);
    is_int(decode_ip4(buf, 40, false, &out, &fault), WIRE_OK,
           "bytes beyond the total length (link padding) are no fault");
    is_int(decode_ip4(buf, 31, true, &out, &fault), WIRE_OK,
           "a total length beyond a capture's snap length is no fault where that is allowed");
    is_int(decode_ip4(buf, 31, false, &out, &fault), WIRE_IP4_TOTAL_LENGTH,
           "and a fault where it is not");
    is_int((int64_t)fault.offset, 2, "at the total length field");

    buf[0] = 0x46;
    fill_checksum(buf, 24);
    r = reader_of(buf, 32);
    ok(ip4_decode(&r, &out, false, &fault) && out.header_length == 24 && r.offset == 24,
       "options are part of the header, and passed over");
}

static void test_ip4_faults(void)
{
    static const struct {
        enum wire_reason reason;
        uint8_t at, value;
        uint8_t offset;
        const char *what;
    } rows[] = {
        {WIRE_IP4_VERSION, 0, 0x65, 0, "version 6"},
        {WIRE_IP4_VERSION, 0, 0x05, 0, "version 0"},
        {WIRE_IP4_HEADER_LENGTH, 0, 0x44, 0, "a header length of 16"},
        {WIRE_IP4_TOTAL_LENGTH, 3, 19, 2, "a total length below the header"},
        {WIRE_IP4_TOTAL_LENGTH, 3, 33, 2, "a total length beyond the bytes"},
        {WIRE_IP4_TOTAL_LENGTH, 0, 0x4f, 2, "a header length beyond the total length"},
        {WIRE_IP4_CHECKSUM, 8, 63, 10, "one changed byte"},
        {WIRE_IP4_CHECKSUM, 11, 0, 10, "a wrong checksum field"},
    };
    struct ip4_header out;
    struct wire_fault fault;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t buf[32] = {0};
        struct writer w = writer_of(buf, sizeof buf);

        ip4_encode(&w, &(struct ip4_header){.ttl = 64, .protocol = 17}, 12);
        buf[rows[i].at] = rows[i].value;
        is_int(decode_ip4(buf, sizeof buf, false, &out, &fault), rows[i].reason, "%s is %s",
               rows[i].what, wire_reason_code(rows[i].reason));
        is_int((int64_t)fault.offset, rows[i].offset, "%s: the offset shows it", rows[i].what);
    }
}

static void test_ip4_truncation(void)
{
    uint8_t buf[60] = {0};
    struct ip4_header out;
    struct wire_fault fault;

    buf[0] = 0x4f;
    buf[3] = 60;
    fill_checksum(buf, 60);
    is_int(decode_ip4(buf, 60, false, &out, &fault), WIRE_OK, "a header of 60 bytes is read");
    for (size_t size = 0; size < 60; size++) {
        is_int(decode_ip4(buf, size, true, &out, &fault), WIRE_TRUNCATED,
               "a header cut at %zu bytes is truncated", size);
        is_int((int64_t)fault.offset, (int64_t)size, "at %zu, where the bytes end", size);
    }
    is_int(decode_ip4(buf, 59, false, &out, &fault), WIRE_IP4_HEADER_LENGTH,
           "in a whole packet, a header beyond the bytes is a wrong header length");
}

static bool same_ip6(const struct ip6_header *a, const struct ip6_header *b)
{
    return a->traffic_class == b->traffic_class && a->flow_label == b->flow_label &&
           a->payload_length == b->payload_length && a->next_header == b->next_header &&
           a->hop_limit == b->hop_limit && memcmp(&a->source, &b->source, 16) == 0 &&
           memcmp(&a->destination, &b->destination, 16) == 0;
}

static void test_ip6(void)
{
    struct prng p = {.state = 4};
    unsigned wrong = 0;
    uint8_t buf[41];
    struct wire_fault fault;
    struct ip6_header out;

    for (unsigned i = 0; i < 10000; i++) {
        struct ip6_header in = {
            .traffic_class = (uint8_t)prng_next(&p),
            .flow_label = prng_below(&p, 1 << 20),
            .payload_length = (uint16_t)prng_next(&p),
            .next_header = (uint8_t)prng_next(&p),
            .hop_limit = (uint8_t)prng_next(&p),
        };
        struct writer w = writer_of(buf + 1, IP6_HEADER_SIZE);
        struct reader r = reader_of(buf, sizeof buf);

        for (unsigned j = 0; j < 16; j++) {
            in.source.s6_addr[j] = (uint8_t)prng_next(&p);
            in.destination.s6_addr[j] = (uint8_t)prng_next(&p);
        }
        ip6_encode(&w, &in);
        reader_u8(&r);
        wrong += w.failed || !ip6_decode(&r, &out, &fault) || !same_ip6(&in, &out);
    }
    is_int(wrong, 0, "10,000 random IPv6 headers come back as they were");
    for (size_t size = 0; size < IP6_HEADER_SIZE; size++) {
        uint8_t *copy = exact_copy(buf + 1, size);
        struct reader r = reader_of(copy, size);

        ok(!ip6_decode(&r, &out, &fault) && fault.reason == WIRE_TRUNCATED && fault.offset == size,
           "an IPv6 header cut at %zu bytes is truncated there", size);
        free(copy);
    }
    for (unsigned version = 0; version < 16; version++) {
        struct reader r = reader_of(buf, sizeof buf);

        buf[1] = (uint8_t)(version << 4);
        reader_u8(&r);
        fault = (struct wire_fault){0};
        if (version == 6)
            ok(ip6_decode(&r, &out, &fault), "version 6 is IPv6");
        else
            ok(!ip6_decode(&r, &out, &fault) && fault.reason == WIRE_IP6_VERSION &&
                   fault.offset == 1,
               "version %u is not", version);
    }
}

static void test_reasons(void)
{
    for (unsigned i = 0; i < WIRE_REASON_COUNT; i++) {
        const char *code = wire_reason_code((enum wire_reason)i);
        unsigned twins = 0;

        for (unsigned j = 0; j < i; j++)
            twins += strcmp(code, wire_reason_code((enum wire_reason)j)) == 0;
        ok(code != NULL && strspn(code, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(code) &&
               twins == 0 && strlen(wire_reason_text((enum wire_reason)i)) > 5,
           "reason %u has a snake_case word of its own (%s) and a sentence", i, code);
    }
    is_str(wire_reason_code(WIRE_REASON_COUNT), "unknown", "a reason out of range has a word too");
}

int main(void)
{
    test_checksum();
    test_ip4_round_trip();
    test_ip4_lengths();
    test_ip4_faults();
    test_ip4_truncation();
    test_ip6();
    test_reasons();
    return done_testing();
}
