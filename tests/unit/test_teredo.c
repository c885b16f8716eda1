#include "hex.h"
#include "prng.h"
#include "samples.h"
#include "tap.h"
#include "teredo.h"

static uint8_t *copied;

/* Decodes the bytes from memory of just their size, which lives until the next call. */
static enum wire_reason decode_bytes(const uint8_t *data, size_t size, struct teredo_packet *p,
                                     struct wire_fault *fault)
{
    free(copied);
    copied = exact_copy(data, size);
    memset(p, 0xa5, sizeof *p);
    return teredo_decode(copied, size, p, fault) ? WIRE_OK : fault->reason;
}

static enum wire_reason decode(const char *hex, struct teredo_packet *p, struct wire_fault *fault)
{
    uint8_t data[512];

    return decode_bytes(data, hex_read(hex, data), p, fault);
}

static void test_origin_indication(void)
{
    struct teredo_packet p;
    struct wire_fault fault;
    uint8_t data[8], buf[8];
    struct writer w = writer_of(buf, sizeof buf);

    ok(decode(SAMPLE_ORIGIN SAMPLE_BUBBLE, &p, &fault) == WIRE_OK && p.has_origin && !p.has_auth,
       "the server may insert an origin indication in the first bytes of the UDP payload");
    ok(endpoint_equal(p.origin, (struct endpoint){0x01020304, 337}),
       "0000FEAEFEFDFCFB is the origin indication of 1.2.3.4, port 337");
    is_int((int64_t)p.ip6_offset, 8, "the IPv6 packet follows it");
    hex_read(SAMPLE_ORIGIN, data);
    teredo_put_origin(&w, (struct endpoint){0x01020304, 337});
    is_mem(buf, data, 8, "and 1.2.3.4, port 337 is encoded as 0000FEAEFEFDFCFB");
}

static void test_simple_encapsulation(void)
{
    struct teredo_packet p;
    struct wire_fault fault;

    ok(decode(SAMPLE_BUBBLE, &p, &fault) == WIRE_OK && !p.has_auth && !p.has_origin &&
           p.ip6_offset == 0,
       "in simple encapsulation the IPv6 packet is the payload of the UDP datagram");
    ok(endpoint_is_unset(p.origin), "without an origin indication the origin is unset");
    ok(p.kind == TEREDO_BUBBLE && p.payload_size == 0 && p.ip6.hop_limit == 0,
       "a bubble is an IPv6 header with a null payload, and its hop limit may be 0");
    ok(p.trailer_count == 0 && p.junk_size == 0 && fault.reason == WIRE_OK, "nothing follows it");
    ok(decode("6000000000043b00 fe800000000000000000000000000001 "
              "20010000c0000281000063bf34ff8ef6 01020304",
              &p, &fault) == WIRE_OK &&
           p.kind == TEREDO_DATA,
       "No Next Header with a payload is no bubble");
    ok(decode("6000000000001100 fe800000000000000000000000000001 "
              "20010000c0000281000063bf34ff8ef6",
              &p, &fault) == WIRE_OK &&
           p.kind == TEREDO_DATA,
       "another next header without a payload is no bubble");
}

static void test_router_solicitation(void)
{
    struct teredo_packet p;
    struct wire_fault fault;

    ok(decode(SAMPLE_RS, &p, &fault) == WIRE_OK && p.kind == TEREDO_RS,
       "miredo's router solicitation is read");
    ok(p.has_auth && p.auth.client_id_size == 0 && p.auth.value_size == 0,
       "ID-len and AU-len can be null");
    is_mem(p.auth.nonce, "\1\2\3\4\5\6\7\10", 8, "the nonce is read");
    is_int(p.auth.confirmation, 0, "the confirmation byte is set to 0 by the client");
    ok(decode("00010305 616263 a1a2a3a4a5 0807060504030201 07" SAMPLE_RS_IP6, &p, &fault) ==
               WIRE_OK &&
           p.auth.client_id_size == 3 && memcmp(p.auth.client_id, "abc", 3) == 0 &&
           p.auth.value_size == 5 && memcmp(p.auth.value, "\xa1\xa2\xa3\xa4\xa5", 5) == 0 &&
           p.auth.nonce[0] == 8 && p.auth.confirmation == 7,
       "client identifier and authentication value are of the lengths that stand before them");
}

static void test_router_advertisement(void)
{
    struct teredo_packet p;
    struct wire_fault fault;

    ok(decode(SAMPLE_RA, &p, &fault) == WIRE_OK && p.kind == TEREDO_RA,
       "miredo-server's router advertisement is read");
    ok(p.has_auth && p.has_origin && p.ip6_offset == 21,
       "the authentication comes first, then the origin, then the IPv6 packet");
    ok(endpoint_equal(p.origin, (struct endpoint){0xcb007109, 40000}), "its origin indication");
    is_int(p.icmp6.ra.mtu, 1280, "its MTU");
    ok(p.icmp6.ra.prefix_count == 1 && p.icmp6.ra.prefix.length == 64 &&
           memcmp(&p.icmp6.ra.prefix.prefix, "\x20\1\0\0\xc0\0\2\1\0\0\0\0\0\0\0\0", 16) == 0,
       "its prefix: the service prefix and the server's IPv4 address");
}

#define ECHO "6000000000083a40 20010000c0000201000063bf34ff8ef6 20010000c0000281000063bf34ff8ef6 "

static void test_faults(void)
{
    static const struct {
        enum wire_reason reason;
        size_t offset;
        const char *hex, *what;
    } rows[] = {
        {WIRE_TRUNCATED, 0, "", "an empty payload"},
        {WIRE_TRUNCATED, 1, "00", "a payload of one byte"},
        {WIRE_UNKNOWN_ENCAPSULATION, 0, "4500" SAMPLE_BUBBLE, "an IPv4 packet"},
        {WIRE_UNKNOWN_ENCAPSULATION, 0, "ff00" SAMPLE_BUBBLE, "a first byte of ff"},
        {WIRE_UNKNOWN_ENCAPSULATION, 1, "0002" SAMPLE_BUBBLE, "an element of type 2"},
        {WIRE_UNKNOWN_ENCAPSULATION, 14, SAMPLE_AUTH "00ff" SAMPLE_BUBBLE,
         "an unknown element behind the authentication"},
        {WIRE_REPEATED_ENCAPSULATION, 13, SAMPLE_AUTH SAMPLE_AUTH SAMPLE_BUBBLE,
         "a second authentication"},
        {WIRE_REPEATED_ENCAPSULATION, 8, SAMPLE_ORIGIN SAMPLE_ORIGIN SAMPLE_BUBBLE,
         "a second origin indication"},
        {WIRE_REPEATED_ENCAPSULATION, 8, SAMPLE_ORIGIN SAMPLE_AUTH SAMPLE_BUBBLE,
         "an authentication that is not the first element"},
        {WIRE_REPEATED_ENCAPSULATION, 21, SAMPLE_AUTH SAMPLE_ORIGIN SAMPLE_AUTH SAMPLE_BUBBLE,
         "a second authentication behind both"},
        {WIRE_IP6_VERSION, 8, SAMPLE_ORIGIN "4500" SAMPLE_BUBBLE, "IPv4 behind an origin"},
        {WIRE_IP6_VERSION, 13, SAMPLE_AUTH "7500" SAMPLE_BUBBLE, "IPv7 behind an authentication"},
        {WIRE_IP6_PAYLOAD_LENGTH, 12,
         SAMPLE_ORIGIN "6000000000013b00 fe800000000000000000000000000001 "
                       "20010000c0000281000063bf34ff8ef6",
         "an IPv6 payload length of one byte too many"},
        {WIRE_ICMP6_CHECKSUM, 42, ECHO "8000 1234 00010002", "an echo request's wrong checksum"},
        {WIRE_ICMP6_CHECKSUM, 63, SAMPLE_AUTH SAMPLE_ORIGIN ECHO "8000 1234 00010002",
         "the same behind encapsulations"},
        {WIRE_ICMP6_TRUNCATED, 43,
         "6000000000033a40 fe800000000000000000000000000001 20010000c0000281000063bf34ff8ef6 "
         "800000",
         "an ICMPv6 message of three bytes"},
        {WIRE_ND_OPTION_LENGTH, 62,
         SAMPLE_AUTH "6000000000103aff fe800000000000000000ffffffffffff "
                     "ff020000000000000000000000000002 8500 7c2f 00000000 0100000000000000",
         "an RS's option of length 0"},
        {WIRE_TRAILER_MUST_DISCARD, 40, SAMPLE_BUBBLE "4000", "an unknown trailer of type 40"},
        {WIRE_TRAILER_MUST_DISCARD, 46, SAMPLE_BUBBLE "010400000000 7f01aa",
         "an unknown trailer of type 7f"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct teredo_packet p;
        struct wire_fault fault = {0};

        is_int(decode(rows[i].hex, &p, &fault), rows[i].reason, "%s is %s", rows[i].what,
               wire_reason_code(rows[i].reason));
        is_int((int64_t)fault.offset, (int64_t)rows[i].offset, "%s: the offset shows it",
               rows[i].what);
    }
}

/* Where the bytes end, and why that is a fault. */
static void test_truncation(void)
{
    static const struct {
        const char *hex, *what;
        size_t ip6_offset;
    } rows[] = {
        {SAMPLE_BUBBLE, "bubble", 0},
        {SAMPLE_ORIGIN SAMPLE_BUBBLE, "bubble with origin", 8},
        {SAMPLE_RS, "RS", 13},
        {"00010304 616263 a1a2a3a4 0807060504030201 00" SAMPLE_RS_IP6, "RS with identifier", 20},
        {SAMPLE_RA, "RA", 21},
        {ECHO "8000 6bca 00010002", "echo request", 0},
        {ECHO "8100 6aca 00010002", "echo reply", 0},
        {"6000000000081140 20010000c0000201000063bf34ff8ef6 20010000c0000281000063bf34ff8ef6 "
         "0102030405060708",
         "data packet", 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t data[256];
        size_t size = hex_read(rows[i].hex, data);
        struct teredo_packet p;
        struct wire_fault fault;

        is_int(decode_bytes(data, size, &p, &fault), WIRE_OK, "a whole %s is read", rows[i].what);
        for (size_t cut = 0; cut < size; cut++) {
            bool in_payload = cut >= rows[i].ip6_offset + IP6_HEADER_SIZE;

            is_int(decode_bytes(data, cut, &p, &fault),
                   in_payload ? WIRE_IP6_PAYLOAD_LENGTH : WIRE_TRUNCATED,
                   "%s cut at %zu bytes: the payload length should be consistent with the length "
                   "of the UDP datagram",
                   rows[i].what, cut);
            is_int((int64_t)fault.offset, (int64_t)(in_payload ? rows[i].ip6_offset + 4 : cut),
                   "%s cut at %zu bytes: the offset shows it", rows[i].what, cut);
        }
    }
}

static void random_address(struct prng *p, struct in6_addr *out)
{
    for (unsigned i = 0; i < 16; i++)
        out->s6_addr[i] = (uint8_t)prng_next(p);
}

static bool same_auth(const struct teredo_auth *a, const struct teredo_auth *b)
{
    return a->client_id_size == b->client_id_size && a->value_size == b->value_size &&
           memcmp(a->client_id, b->client_id, a->client_id_size) == 0 &&
           memcmp(a->value, b->value, a->value_size) == 0 &&
           memcmp(a->nonce, b->nonce, sizeof a->nonce) == 0 && a->confirmation == b->confirmation;
}

static bool same_trailers(const struct teredo_packet *a, const struct teredo_packet *b)
{
    if (a->trailer_count != b->trailer_count)
        return false;
    for (unsigned i = 0; i < a->trailer_count; i++)
        if (a->trailers[i].type != b->trailers[i].type ||
            a->trailers[i].size != b->trailers[i].size ||
            memcmp(a->trailers[i].value, b->trailers[i].value, a->trailers[i].size) != 0)
            return false;
    return true;
}

static void test_round_trip(void)
{
    struct prng r = {.state = 9};
    unsigned wrong = 0;
    uint8_t noise[512], buf[4096];

    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)prng_next(&r);
    for (unsigned i = 0; i < 20000; i++) {
        struct teredo_packet in = {0}, out;
        struct wire_fault fault;
        struct writer w = writer_of(buf, sizeof buf);

        in.has_auth = prng_below(&r, 2);
        in.has_origin = prng_below(&r, 2);
        in.auth.client_id = noise + prng_below(&r, 200);
        in.auth.client_id_size = (uint8_t)prng_below(&r, 256);
        in.auth.value = noise + prng_below(&r, 200);
        in.auth.value_size = (uint8_t)prng_below(&r, 256);
        memcpy(in.auth.nonce, noise + prng_below(&r, 200), sizeof in.auth.nonce);
        in.auth.confirmation = (uint8_t)prng_next(&r);
        if (in.has_origin)
            in.origin = (struct endpoint){(uint32_t)prng_next(&r), (uint16_t)prng_next(&r)};
        in.ip6.traffic_class = (uint8_t)prng_next(&r);
        in.ip6.flow_label = prng_below(&r, 1 << 20);
        in.ip6.hop_limit = (uint8_t)prng_next(&r);
        in.ip6.next_header = prng_below(&r, 2) ? IP_PROTOCOL_NONE : IP_PROTOCOL_UDP;
        random_address(&r, &in.ip6.source);
        random_address(&r, &in.ip6.destination);
        in.payload = noise;
        in.payload_size = prng_below(&r, 3) * 100;
        in.trailer_count = prng_below(&r, TEREDO_MAX_TRAILERS + 1);
        for (unsigned j = 0; j < in.trailer_count; j++)
            in.trailers[j] = (struct teredo_trailer){
                .type = (uint8_t)(0x80 | prng_next(&r)), /* unknown, and to be skipped */
                .size = (uint8_t)prng_below(&r, 256),
                .value = noise + prng_below(&r, 200),
            };
        teredo_encode(&w, &in);
        wrong += w.failed || decode_bytes(buf, w.size, &out, &fault) != WIRE_OK ||
                 out.has_auth != in.has_auth || out.has_origin != in.has_origin ||
                 (in.has_auth && !same_auth(&in.auth, &out.auth)) ||
                 !endpoint_equal(in.origin, out.origin) ||
                 out.ip6.traffic_class != in.ip6.traffic_class ||
                 out.ip6.flow_label != in.ip6.flow_label || out.ip6.hop_limit != in.ip6.hop_limit ||
                 out.ip6.next_header != in.ip6.next_header ||
                 !ip6_equal(&out.ip6.source, &in.ip6.source) ||
                 !ip6_equal(&out.ip6.destination, &in.ip6.destination) ||
                 out.payload_size != in.payload_size ||
                 memcmp(out.payload, in.payload, in.payload_size) != 0 ||
                 !same_trailers(&in, &out) || out.junk_size != 0;
    }
    is_int(wrong, 0, "20,000 random packets come back as they were");
}

static void test_hostile_bytes(void)
{
    static const char *const seeds[] = {SAMPLE_RS, SAMPLE_RA,
                                        SAMPLE_ORIGIN SAMPLE_BUBBLE SAMPLE_INDIRECT_TRAILERS};
    struct prng r = {.state = 10};
    unsigned outside = 0;

    for (unsigned i = 0; i < 100000; i++) {
        uint8_t data[256];
        size_t size = hex_read(seeds[i % 3], data);
        struct teredo_packet p;
        struct wire_fault fault;

        for (unsigned n = 1 + prng_below(&r, 4); n > 0; n--)
            data[prng_below(&r, (uint32_t)size)] = (uint8_t)prng_next(&r);
        size -= prng_below(&r, 4) == 0 ? prng_below(&r, (uint32_t)size) : 0;
        if (decode_bytes(data, size, &p, &fault) == WIRE_OK)
            outside += p.ip6_offset + 40 + p.payload_size > size ||
                       p.junk_size > size - (p.ip6_offset + 40 + p.payload_size);
        else
            outside += fault.offset > size || fault.reason == WIRE_OK;
    }
    is_int(outside, 0, "of 100,000 damaged packets none leads outside its bytes");
}

static void test_encoding_limits(void)
{
    struct teredo_packet p = {0};
    uint8_t buf[39];
    struct writer w = writer_of(buf, sizeof buf);

    teredo_encode(&w, &p);
    ok(w.failed, "a packet that does not fit is a failed write");
    w = writer_of(buf, sizeof buf);
    p.payload = buf;
    p.payload_size = 65536;
    teredo_encode(&w, &p);
    ok(w.failed && w.size == 0, "a payload above 65,535 bytes is refused");
}

/* What is told of a packet whose capture was cut after each byte. */
static void test_parts(const char *what, const char *hex, size_t header, enum teredo_kind kind,
                       size_t whole)
{
    uint8_t data[256];
    size_t size = hex_read(hex, data), wrong = 0;
    struct teredo_packet p;
    struct wire_fault fault;

    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = exact_copy(data, cut);
        enum teredo_extent extent = teredo_decode_part(copy, cut, size, &p, &fault);
        bool icmp6 = kind != TEREDO_BUBBLE && kind != TEREDO_DATA;
        enum teredo_extent want = cut < header             ? TEREDO_NOTHING
                                  : cut >= whole           ? TEREDO_WHOLE
                                  : icmp6 && cut == header ? TEREDO_HEADER
                                                           : TEREDO_KIND;

        wrong += extent != want || fault.reason != WIRE_TRUNCATED || fault.offset != cut ||
                 (extent >= TEREDO_KIND && p.kind != kind) ||
                 (extent >= TEREDO_HEADER &&
                  p.payload_size != (cut < whole ? cut - header : whole - header));
        free(copy);
    }
    is_int((int64_t)wrong, 0, "%s, cut anywhere, is told as far as it goes", what);
    is_int(teredo_decode_part(data, size, size, &p, &fault), TEREDO_WHOLE, "%s, whole, is whole",
           what);
}

static void test_malformed_parts(void)
{
    static const struct {
        const char *what, *hex;
        enum teredo_extent extent;
        enum wire_reason reason;
    } rows[] = {
        {"a payload length beyond the datagram",
         "6000000000013b00 fe800000000000000000000000000001 20010000c0000281000063bf34ff8ef6",
         TEREDO_HEADER, WIRE_IP6_PAYLOAD_LENGTH},
        {"an ICMPv6 message of no bytes",
         "6000000000003aff fe800000000000000000000000000001 20010000c0000281000063bf34ff8ef6",
         TEREDO_HEADER, WIRE_ICMP6_TRUNCATED},
        {"a wrong checksum", ECHO "8000 6bcb 00010002", TEREDO_KIND, WIRE_ICMP6_CHECKSUM},
        {"a trailer that asks for it to be discarded", SAMPLE_BUBBLE "7f00", TEREDO_KIND,
         WIRE_TRAILER_MUST_DISCARD},
        {"junk behind it", SAMPLE_BUBBLE "01", TEREDO_WHOLE, WIRE_TRAILER_LENGTH},
        {"an encapsulation that is none", "0002" SAMPLE_BUBBLE, TEREDO_NOTHING,
         WIRE_UNKNOWN_ENCAPSULATION},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t data[256];
        size_t size = hex_read(rows[i].hex, data);
        struct teredo_packet p;
        struct wire_fault fault;

        is_int(teredo_decode_part(data, size, size, &p, &fault), rows[i].extent,
               "%s: so far it goes", rows[i].what);
        is_int(fault.reason, rows[i].reason, "%s: and that is why", rows[i].what);
    }
}

static void test_kind_names(void)
{
    is_str(teredo_kind_name(TEREDO_BUBBLE), "bubble", "a bubble has its name");
    is_str(teredo_kind_name(TEREDO_RS), "rs", "so has an RS");
    is_str(teredo_kind_name(TEREDO_RA), "ra", "an RA");
    is_str(teredo_kind_name(TEREDO_ECHO_REQUEST), "echo_request", "an echo request");
    is_str(teredo_kind_name(TEREDO_ECHO_REPLY), "echo_reply", "an echo reply");
    is_str(teredo_kind_name(TEREDO_ICMP6), "icmp6", "another ICMPv6 message");
    is_str(teredo_kind_name(TEREDO_DATA), "data", "and anything else");
}

int main(void)
{
    test_origin_indication();
    test_simple_encapsulation();
    test_router_solicitation();
    test_router_advertisement();
    test_faults();
    test_truncation();
    test_round_trip();
    test_hostile_bytes();
    test_encoding_limits();
    test_kind_names();
    test_parts("a bubble with trailers", SAMPLE_BUBBLE SAMPLE_DIRECT_TRAILERS, 40, TEREDO_BUBBLE,
               40);
    test_parts("an RS", SAMPLE_RS, 13 + 40, TEREDO_RS, 13 + 48);
    test_parts("an RA", SAMPLE_RA, 21 + 40, TEREDO_RA, 21 + 96);
    test_parts("an echo request", ECHO "8000 6bca 00010002", 40, TEREDO_ECHO_REQUEST, 48);
    test_parts("an echo reply with a trailer",
               ECHO "8100 6aca 00010002"
                    "01043b6c5334",
               40, TEREDO_ECHO_REPLY, 48);
    test_parts("data",
               "6000000000081140 20010000c0000201000063bf34ff8ef6 "
               "20010000c0000281000063bf34ff8ef6 0102030405060708",
               40, TEREDO_DATA, 48);
    test_malformed_parts();
    free(copied);
    return done_testing();
}
