#include "hex.h"
#include "icmp6.h"
#include "prng.h"
#include "tap.h"

static const struct ip6_header header = {
    .next_header = IP_PROTOCOL_ICMP6,
    .hop_limit = 255,
    .source = {{{0xfe, 0x80, [15] = 1}}},
    .destination = {{{0xff, 0x02, [15] = 2}}},
};

/* Decodes SIZE bytes from memory of just that size. What OUT borrows is gone afterwards. */
static enum wire_reason decode(const uint8_t *data, size_t size, struct icmp6_message *out,
                               struct wire_fault *fault)
{
    uint8_t *copy = exact_copy(data, size);
    bool good = icmp6_decode(copy, size, &header, out, fault);

    free(copy);
    return good ? WIRE_OK : fault->reason;
}

/* Puts the right checksum into a message. */
static void fill_checksum(uint8_t *data, size_t size)
{
    uint32_t sum = checksum_add_ip6_pseudo(0, &header.source, &header.destination, (uint32_t)size,
                                           IP_PROTOCOL_ICMP6);
    uint16_t value;

    data[2] = data[3] = 0;
    value = checksum_finish(checksum_add(sum, data, size));
    data[2] = (uint8_t)(value >> 8);
    data[3] = (uint8_t)value;
}

static void test_echo(void)
{
    struct prng p = {.state = 6};
    unsigned wrong = 0;

    for (unsigned i = 0; i < 5000; i++) {
        uint8_t data[100] = {0}, buf[108];
        struct icmp6_message in = {.type = (uint8_t)(ICMP6_TYPE_ECHO_REQUEST + prng_below(&p, 2)),
                                   .code = (uint8_t)prng_next(&p)};
        struct icmp6_message out;
        struct wire_fault fault;
        struct writer w = writer_of(buf, sizeof buf);

        in.echo.id = (uint16_t)prng_next(&p);
        in.echo.sequence = (uint16_t)prng_next(&p);
        in.echo.data = data;
        in.echo.size = prng_below(&p, sizeof data + 1);
        for (size_t j = 0; j < in.echo.size; j++)
            data[j] = (uint8_t)prng_next(&p);
        icmp6_encode(&w, &in, &header);
        wrong += w.failed || !icmp6_decode(buf, w.size, &header, &out, &fault) ||
                 out.type != in.type || out.code != in.code || out.echo.id != in.echo.id ||
                 out.echo.sequence != in.echo.sequence || out.echo.size != in.echo.size ||
                 memcmp(out.echo.data, data, in.echo.size) != 0 || out.options_size != 0;
    }
    is_int(wrong, 0, "5,000 random echo messages come back as they were");
}

static void test_advertisement(void)
{
    struct prng p = {.state = 7};
    unsigned wrong = 0;

    for (unsigned i = 0; i < 5000; i++) {
        uint8_t options[64], buf[80];
        struct writer o = writer_of(options, sizeof options);
        struct writer w = writer_of(buf, sizeof buf);
        struct icmp6_message in = {.type = ICMP6_TYPE_RA};
        struct icmp6_message out;
        struct wire_fault fault;
        struct icmp6_prefix prefix = {.length = 128,
                                      .flags = (uint8_t)prng_next(&p),
                                      .valid_lifetime = (uint32_t)prng_next(&p),
                                      .preferred_lifetime = (uint32_t)prng_next(&p)};
        uint32_t mtu = (uint32_t)prng_next(&p);

        for (unsigned j = 0; j < 16; j++)
            prefix.prefix.s6_addr[j] = (uint8_t)prng_next(&p);
        in.ra.hop_limit = (uint8_t)prng_next(&p);
        in.ra.flags = (uint8_t)prng_next(&p);
        in.ra.router_lifetime = (uint16_t)prng_next(&p);
        in.ra.reachable_time = (uint32_t)prng_next(&p);
        in.ra.retransmit_timer = (uint32_t)prng_next(&p);
        nd_put_mtu(&o, mtu);
        nd_put_prefix(&o, &prefix);
        in.options = options;
        in.options_size = o.size;
        icmp6_encode(&w, &in, &header);
        wrong += w.failed || !icmp6_decode(buf, w.size, &header, &out, &fault) ||
                 out.ra.hop_limit != in.ra.hop_limit || out.ra.flags != in.ra.flags ||
                 out.ra.router_lifetime != in.ra.router_lifetime ||
                 out.ra.reachable_time != in.ra.reachable_time ||
                 out.ra.retransmit_timer != in.ra.retransmit_timer || out.ra.mtu != mtu ||
                 out.ra.prefix_count != 1 || out.ra.prefix.flags != prefix.flags ||
                 out.ra.prefix.valid_lifetime != prefix.valid_lifetime ||
                 out.ra.prefix.preferred_lifetime != prefix.preferred_lifetime ||
                 memcmp(&out.ra.prefix.prefix, &prefix.prefix, 16) != 0 ||
                 out.options_size != o.size || memcmp(out.options, options, o.size) != 0;
    }
    is_int(wrong, 0, "5,000 random router advertisements come back as they were");
}

/* An RA with OPTIONS (hexadecimal), checksum right; its size. */
static size_t build_ra(uint8_t *buf, const char *options)
{
    size_t size = hex_read("8600 0000 4000 0708 00000000 00000000", buf);

    size += hex_read(options, buf + size);
    fill_checksum(buf, size);
    return size;
}

static void test_prefix_is_masked(void)
{
    uint8_t buf[80], want[16], ones[16];
    struct icmp6_message m;
    struct wire_fault fault;

    memset(ones, 0xff, sizeof ones);
    for (unsigned length = 0; length <= 128; length++) {
        size_t size = build_ra(buf, "0304 00 c0 00000e10 00000708 00000000 "
                                    "ffffffff ffffffff ffffffff ffffffff");

        buf[18] = (uint8_t)length;
        fill_checksum(buf, size);
        memset(want, 0, sizeof want);
        memcpy(want, ones, length / 8);
        if (length % 8 != 0)
            want[length / 8] = (uint8_t)(0xff00 >> length % 8);
        ok(decode(buf, size, &m, &fault) == WIRE_OK && m.ra.prefix.length == length &&
               m.ra.prefix_count == 1 && memcmp(&m.ra.prefix.prefix, want, 16) == 0,
           "the bits in the prefix after the prefix length %u are ignored by the receiver", length);
    }
    is_int(m.ra.prefix.valid_lifetime, 3600, "the valid lifetime is in seconds");
    is_int(m.ra.prefix.preferred_lifetime, 1800, "so is the preferred lifetime");
    is_int(m.ra.prefix.flags, 0xc0, "the L and A flags are kept");
}

#define PREFIX_A "0304 40c0 ffffffff ffffffff 00000000 20010000 c0000201 00000000 00000000 "
#define PREFIX_B "0304 40c0 ffffffff ffffffff 00000000 20010000 c0000281 00000000 00000000 "
#define PREFIX_129 "0304 81c0 ffffffff ffffffff 00000000 20010000 c0000281 00000000 00000000 "
#define MTU_1280 "0501 0000 00000500 "
#define MTU_1400 "0501 0000 00000578 "

static void test_options(void)
{
    uint8_t buf[160];
    struct icmp6_message m;
    struct wire_fault fault;
    size_t size = build_ra(buf, "0101 020304050607" PREFIX_A MTU_1280 "fe02 0000000000000000000000"
                                "000000" PREFIX_B MTU_1400);
    static const uint8_t types[] = {1, 3, 5, 0xfe, 3, 5};
    struct nd_option option;
    struct reader r;
    unsigned count = 0;

    ok(icmp6_decode(buf, size, &header, &m, &fault), "an RA with six options is read");
    is_int(m.ra.prefix_count, 2, "all prefix information options are counted");
    is_mem(&m.ra.prefix.prefix, "\x20\x01\0\0\xc0\0\x02\x01", 8, "the first prefix is kept");
    is_int(m.ra.mtu, 1400, "the last MTU is kept");
    is_int((int64_t)m.options_size, (int64_t)size - 16, "all options are kept as they came");
    r = reader_of(m.options, m.options_size);
    while (nd_option_next(&r, &option)) {
        is_int(option.type, types[count], "option %u is walked over in its turn", count);
        count++;
    }
    is_int(count, 6, "the walk ends after the last option");

    size = build_ra(buf, PREFIX_129 PREFIX_A);
    ok(icmp6_decode(buf, size, &header, &m, &fault) && m.ra.prefix_count == 2 &&
           m.ra.prefix.prefix.s6_addr[7] == 0x01,
       "a prefix longer than 128 bits is counted, but not taken for a prefix");
    size = build_ra(buf, "0303 40c0 ffffffff ffffffff 00000000 20010000 c0000201");
    ok(icmp6_decode(buf, size, &header, &m, &fault) && m.ra.prefix_count == 1 &&
           m.ra.prefix.length == 0,
       "nor is a prefix option of the wrong size");
    size = build_ra(buf, "0502 0000 00000500 00000000 00000000");
    ok(icmp6_decode(buf, size, &header, &m, &fault) && m.ra.mtu == 0,
       "an MTU option of the wrong size gives no MTU");
    size = build_ra(buf, "");
    ok(icmp6_decode(buf, size, &header, &m, &fault) && m.ra.prefix_count == 0 && m.ra.mtu == 0 &&
           m.options_size == 0,
       "an RA without options has neither prefix nor MTU");
}

static void test_solicitation(void)
{
    uint8_t buf[32];
    struct icmp6_message m;
    struct wire_fault fault;
    /* Real clients send a link-layer address option of 16 bytes. */
    size_t size = hex_read("8500 0000 00000000 0102 0000000000000000000000000000", buf);

    fill_checksum(buf, size);
    ok(icmp6_decode(buf, size, &header, &m, &fault) && m.type == ICMP6_TYPE_RS &&
           m.options == buf + 8 && m.options_size == 16,
       "an RS with a 16-byte link-layer option is read");
}

static void test_other_types(void)
{
    uint8_t buf[] = {1, 3, 0, 0, 0, 0, 0, 0, 0x60};
    struct icmp6_message m;
    struct wire_fault fault;

    fill_checksum(buf, sizeof buf);
    ok(decode(buf, sizeof buf, &m, &fault) == WIRE_OK && m.type == 1 && m.code == 3 &&
           m.options == NULL,
       "of any other type, type and code are read");
    buf[8] ^= 1;
    is_int(decode(buf, sizeof buf, &m, &fault), WIRE_ICMP6_CHECKSUM, "and the checksum verified");
}

static void test_faults(void)
{
    static const struct {
        enum wire_reason reason;
        size_t offset;
        const char *message;
        const char *what;
    } rows[] = {
        {WIRE_ICMP6_TRUNCATED, 0, "", "an empty message"},
        {WIRE_ICMP6_TRUNCATED, 3, "800000", "a message of three bytes"},
        {WIRE_ICMP6_TRUNCATED, 4, "80000000", "an echo request without identifier"},
        {WIRE_ICMP6_TRUNCATED, 7, "81000000000000", "an echo reply of seven bytes"},
        {WIRE_ICMP6_TRUNCATED, 7, "85000000000000", "an RS of seven bytes"},
        {WIRE_ICMP6_TRUNCATED, 15, "860000000000000000000000000000", "an RA of fifteen bytes"},
        {WIRE_ND_OPTION_LENGTH, 9, "8500000000000000 01000000 00000000", "an option of length 0"},
        {WIRE_ND_OPTION_LENGTH, 9, "8500000000000000 0102000000000000",
         "an option beyond the message"},
        {WIRE_ND_OPTION_LENGTH, 17, "8500000000000000 0101000000000000 01",
         "an option without a length"},
        {WIRE_ND_OPTION_LENGTH, 25,
         "8600000000000000 0000000000000000 0501000000000500 0304400000000000",
         "an RA's second option beyond the message"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t buf[64];
        size_t size = hex_read(rows[i].message, buf);
        struct icmp6_message m;
        struct wire_fault fault = {0};

        if (size >= 4)
            fill_checksum(buf, size);
        is_int(decode(buf, size, &m, &fault), rows[i].reason, "%s is %s", rows[i].what,
               wire_reason_code(rows[i].reason));
        is_int((int64_t)fault.offset, (int64_t)rows[i].offset,
               "%s: the offset shows it, counted as the caller asks", rows[i].what);
    }
}

static void test_checksum_covers_all(void)
{
    uint8_t buf[80];
    struct icmp6_message m;
    struct wire_fault fault;
    struct ip6_header other = header;
    size_t size = build_ra(buf, PREFIX_A MTU_1280);
    unsigned missed = 0;

    for (size_t bit = 0; bit < size * 8; bit++) {
        buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
        missed += decode(buf, size, &m, &fault) != WIRE_ICMP6_CHECKSUM || fault.offset != 2;
        buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    is_int(missed, 0, "each single flipped bit of an RA is seen, at the checksum field");
    other.source.s6_addr[8] = 1;
    ok(!icmp6_decode(buf, size, &other, &m, &fault), "the checksum covers the source");
    other = header;
    other.destination.s6_addr[1] = 5;
    ok(!icmp6_decode(buf, size, &other, &m, &fault), "the checksum covers the destination");
    ok(icmp6_decode(buf, size, &header, &m, &fault), "and the message unchanged is right");
}

static void test_truncation(void)
{
    uint8_t buf[80], cut[80];
    struct icmp6_message m;
    struct wire_fault fault;
    size_t size = build_ra(buf, PREFIX_A MTU_1280);

    for (size_t n = 0; n < size; n++) {
        enum wire_reason want = n < 16 ? WIRE_ICMP6_TRUNCATED : WIRE_ND_OPTION_LENGTH;

        memcpy(cut, buf, n);
        if (n >= 4)
            fill_checksum(cut, n);
        is_int(decode(cut, n, &m, &fault), n == 16 || n == 48 ? WIRE_OK : want,
               "an RA cut at %zu bytes, checksum made right, is %s", n,
               n == 16 || n == 48 ? "an RA with fewer options" : "a fault");
    }
}

static void test_encoding_that_does_not_fit(void)
{
    uint8_t buf[7];
    struct writer w = writer_of(buf, sizeof buf);

    icmp6_encode(&w, &(struct icmp6_message){.type = ICMP6_TYPE_RS}, &header);
    ok(w.failed, "a message that does not fit is a failed write");
}

int main(void)
{
    test_echo();
    test_advertisement();
    test_prefix_is_masked();
    test_options();
    test_solicitation();
    test_other_types();
    test_faults();
    test_checksum_covers_all();
    test_truncation();
    test_encoding_that_does_not_fit();
    return done_testing();
}
