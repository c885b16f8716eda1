#include "craft.h"
#include "hex.h"
#include "prng.h"
#include "samples.h"
#include "tap.h"

enum {
    ROUNDS = 20000,
    MAX_PAYLOAD = 600,
    MAX_TAIL = 12,
};

/* A packet of random fields, and what it borrows from. */
struct sample {
    struct craft c;
    uint8_t client_id[255], value[255];
    uint8_t payload[MAX_PAYLOAD];
    uint8_t trailers[TEREDO_MAX_TRAILERS][255];
};

static bool one_in(struct prng *r, uint32_t n)
{
    return prng_below(r, n) == 0;
}

static void fill(struct prng *r, void *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)out)[i] = (uint8_t)prng_next(r);
}

static struct endpoint random_endpoint(struct prng *r)
{
    return (struct endpoint){(uint32_t)prng_next(r), (uint16_t)prng_next(r)};
}

static void random_outer(struct prng *r, struct craft *c)
{
    c->from = random_endpoint(r);
    c->to = random_endpoint(r);
    c->udp.ttl = (uint8_t)(1 + prng_below(r, 255));
    c->udp.tos = (uint8_t)prng_next(r);
    c->udp.id = (uint16_t)prng_next(r);
    c->udp.dont_fragment = one_in(r, 2);
    c->udp.checksum = one_in(r, 3) ? UDP_CHECKSUM_ZERO : UDP_CHECKSUM_RIGHT;
}

static void random_auth(struct prng *r, struct sample *s)
{
    struct teredo_auth *auth = &s->c.packet.auth;

    s->c.packet.has_auth = true;
    fill(r, s->client_id, sizeof s->client_id);
    fill(r, s->value, sizeof s->value);
    auth->client_id = s->client_id;
    auth->client_id_size = (uint8_t)(one_in(r, 2) ? 0 : prng_below(r, 256));
    auth->value = s->value;
    auth->value_size = (uint8_t)(one_in(r, 2) ? 0 : prng_below(r, 256));
    fill(r, auth->nonce, sizeof auth->nonce);
    auth->confirmation = (uint8_t)prng_next(r);
}

/* Bubbles, echo requests whose checksum is computed, and data of any next header. */
static void random_ip6(struct prng *r, struct sample *s)
{
    struct teredo_packet *p = &s->c.packet;
    uint32_t kind = prng_below(r, 3);

    p->ip6.traffic_class = (uint8_t)prng_next(r);
    p->ip6.flow_label = prng_below(r, 1 << 20);
    p->ip6.hop_limit = (uint8_t)prng_next(r);
    p->ip6.next_header = IP_PROTOCOL_NONE;
    fill(r, &p->ip6.source, sizeof p->ip6.source);
    fill(r, &p->ip6.destination, sizeof p->ip6.destination);
    if (kind == 0)
        return;
    fill(r, s->payload, sizeof s->payload);
    p->payload = s->payload;
    p->payload_size = 8 + prng_below(r, MAX_PAYLOAD - 8);
    p->ip6.next_header = (uint8_t)prng_next(r);
    if (kind == 1 || p->ip6.next_header == IP_PROTOCOL_ICMP6) {
        p->ip6.next_header = IP_PROTOCOL_ICMP6;
        s->payload[0] = ICMP6_TYPE_ECHO_REQUEST;
        s->payload[2] = s->payload[3] = 0;
        s->c.icmp6_checksum = true;
    }
}

static void random_trailers(struct prng *r, struct sample *s)
{
    struct teredo_packet *p = &s->c.packet;

    p->trailer_count = one_in(r, 3) ? 0 : prng_below(r, TEREDO_MAX_TRAILERS + 1);
    for (unsigned i = 0; i < p->trailer_count; i++) {
        fill(r, s->trailers[i], sizeof s->trailers[i]);
        p->trailers[i] = (struct teredo_trailer){
            .type = (uint8_t)(one_in(r, 2) ? 1 + prng_below(r, 5) : prng_next(r)),
            .size = (uint8_t)(one_in(r, 2) ? prng_below(r, 8) : prng_below(r, 256)),
            .value = s->trailers[i],
        };
    }
}

static void random_sample(struct prng *r, struct sample *s)
{
    *s = (struct sample){0};
    random_outer(r, &s->c);
    if (one_in(r, 2))
        random_auth(r, s);
    if (one_in(r, 2)) {
        s->c.packet.has_origin = true;
        s->c.packet.origin = random_endpoint(r);
    }
    random_ip6(r, s);
    random_trailers(r, s);
}

static bool same_bytes(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

static const char *outer_difference(const struct craft *a, const struct craft *b)
{
    if (!endpoint_equal(a->from, b->from) || !endpoint_equal(a->to, b->to))
        return "endpoints";
    if (a->udp.ttl != b->udp.ttl)
        return "ttl";
    if (a->udp.tos != b->udp.tos)
        return "tos";
    if (a->udp.id != b->udp.id)
        return "id";
    if (a->udp.dont_fragment != b->udp.dont_fragment)
        return "dont_fragment";
    return a->udp.checksum != b->udp.checksum ? "checksum" : NULL;
}

static const char *front_difference(const struct teredo_packet *a, const struct teredo_packet *b)
{
    if (a->has_auth != b->has_auth || a->has_origin != b->has_origin)
        return "encapsulations";
    if (a->has_auth &&
        (!same_bytes(a->auth.client_id, a->auth.client_id_size, b->auth.client_id,
                     b->auth.client_id_size) ||
         !same_bytes(a->auth.value, a->auth.value_size, b->auth.value, b->auth.value_size) ||
         memcmp(a->auth.nonce, b->auth.nonce, sizeof a->auth.nonce) != 0 ||
         a->auth.confirmation != b->auth.confirmation))
        return "auth";
    return a->has_origin && !endpoint_equal(a->origin, b->origin) ? "origin" : NULL;
}

static const char *ip6_difference(const struct craft *a, const struct craft *b)
{
    const struct ip6_header *x = &a->packet.ip6, *y = &b->packet.ip6;

    if (x->traffic_class != y->traffic_class || x->flow_label != y->flow_label ||
        x->next_header != y->next_header || x->hop_limit != y->hop_limit ||
        !ip6_equal(&x->source, &y->source) || !ip6_equal(&x->destination, &y->destination))
        return "ipv6";
    if (a->icmp6_checksum != b->icmp6_checksum)
        return "icmp6_checksum";
    if (a->packet.payload_size != b->packet.payload_size)
        return "payload size";
    /* The computed checksum lies behind type and code. */
    if (a->icmp6_checksum)
        return same_bytes(a->packet.payload + 4, a->packet.payload_size - 4, b->packet.payload + 4,
                          b->packet.payload_size - 4)
                   ? NULL
                   : "message";
    return same_bytes(a->packet.payload, a->packet.payload_size, b->packet.payload,
                      b->packet.payload_size)
               ? NULL
               : "payload";
}

static const char *trailer_difference(const struct craft *a, const struct craft *b)
{
    const struct teredo_packet *x = &a->packet, *y = &b->packet;

    if (x->trailer_count != y->trailer_count)
        return "trailer_count";
    for (unsigned i = 0; i < x->trailer_count; i++)
        if (x->trailers[i].type != y->trailers[i].type ||
            !same_bytes(x->trailers[i].value, x->trailers[i].size, y->trailers[i].value,
                        y->trailers[i].size))
            return "trailer";
    return same_bytes(a->tail, a->tail_size, b->tail, b->tail_size) ? NULL : "tail";
}

/* The first field that differs, or NULL. */
static const char *difference(const struct craft *a, const struct craft *b)
{
    const char *what = outer_difference(a, b);

    if (what == NULL)
        what = front_difference(&a->packet, &b->packet);
    if (what == NULL)
        what = ip6_difference(a, b);
    return what != NULL ? what : trailer_difference(a, b);
}

/* Writes C, decodes it from memory of just its size into OUT; what is wrong with that, or NULL.
 * *COPY is the caller's to free. */
static const char *round_trip(const struct craft *c, struct craft *out, uint8_t **copy,
                              struct wire_fault *fault)
{
    static uint8_t bytes[CRAFT_MAX_SIZE], again[CRAFT_MAX_SIZE];
    size_t size = craft_encode(c, bytes, sizeof bytes);

    *copy = exact_copy(bytes, size);
    if (size == 0)
        return "not written";
    if (!craft_decode(*copy, size, out, fault))
        return "not decoded";
    if (c->udp.checksum != UDP_CHECKSUM_WRONG &&
        !same_bytes(*copy, size, again, craft_encode(out, again, sizeof again)))
        return "other bytes";
    return NULL;
}

static void test_property(void)
{
    struct prng r = {.state = 4380};
    unsigned wrong = 0, bubbles = 0, echoes = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        static struct sample s;
        struct craft out;
        struct wire_fault fault;
        uint8_t *copy;
        const char *what;

        random_sample(&r, &s);
        what = round_trip(&s.c, &out, &copy, &fault);
        if (what == NULL)
            what = difference(&s.c, &out);
        if (what != NULL && wrong++ < 5)
            printf("# round %u: %s\n", i, what);
        bubbles += s.c.packet.payload_size == 0;
        echoes += s.c.icmp6_checksum;
        free(copy);
    }
    is_int(wrong, 0, "%d packets of random fields: decoding gives every field back", ROUNDS);
    ok(bubbles > ROUNDS / 4 && echoes > ROUNDS / 4 && bubbles + echoes < ROUNDS,
       "bubbles, echo requests and data among them");
}

/* Where the payload length is a lie, fields behind it are not to be told, but the lie is, and all
 * bytes come back. */
static void test_lies(void)
{
    struct prng r = {.state = 6081};
    unsigned wrong = 0, beyond = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        static struct sample s;
        struct craft out;
        struct wire_fault fault;
        uint8_t *copy;
        const char *what;

        random_sample(&r, &s);
        s.c.lies_about_length = true;
        s.c.packet.ip6.payload_length = (uint16_t)prng_below(&r, 2000);
        what = round_trip(&s.c, &out, &copy, &fault);
        if (what == NULL)
            what = outer_difference(&s.c, &out);
        if (what == NULL)
            what = front_difference(&s.c.packet, &out.packet);
        if (what == NULL && out.packet.ip6.payload_length != s.c.packet.ip6.payload_length)
            what = "payload length";
        if (what == NULL && out.lies_about_length != (fault.reason == WIRE_IP6_PAYLOAD_LENGTH))
            what = "lies_about_length";
        if (what != NULL && wrong++ < 5)
            printf("# round %u: %s\n", i, what);
        beyond += out.lies_about_length;
        free(copy);
    }
    is_int(wrong, 0, "with a wrong payload length, all bytes and that length come back");
    ok(beyond > ROUNDS / 4 && beyond < ROUNDS, "it may be beyond the packet, or short of its end");
}

static void test_tails(void)
{
    struct prng r = {.state = 5991};
    unsigned wrong = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        static struct sample s;
        uint8_t tail[MAX_TAIL];
        struct craft out;
        struct wire_fault fault;
        uint8_t *copy;
        const char *what;

        random_sample(&r, &s);
        fill(&r, tail, sizeof tail);
        /* A last trailer of 255 bytes does not fit. */
        tail[1] = 255;
        s.c.tail = tail;
        s.c.tail_size = prng_below(&r, sizeof tail);
        what = round_trip(&s.c, &out, &copy, &fault);
        if (what == NULL)
            what = difference(&s.c, &out);
        if (what != NULL && wrong++ < 5)
            printf("# round %u: %s\n", i, what);
        free(copy);
    }
    is_int(wrong, 0, "bytes behind the last trailer come back as they are");
}

/* Whatever the bytes, they come back: nothing is lost that a packet sent again would lack. */
static void test_any_bytes(void)
{
    struct prng r = {.state = 768};
    unsigned wrong = 0, raw = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        static struct sample s;
        static uint8_t bytes[CRAFT_MAX_PAYLOAD], again[CRAFT_MAX_SIZE];
        struct writer w = writer_of(bytes, sizeof bytes);
        struct craft out;
        struct wire_fault fault;
        uint8_t *copy;
        size_t size;

        random_sample(&r, &s);
        craft_payload(&w, &s.c);
        for (uint32_t changes = prng_below(&r, 4); changes > 0; changes--)
            bytes[prng_below(&r, (uint32_t)w.size)] = (uint8_t)prng_next(&r);
        size = one_in(&r, 2) ? w.size : prng_below(&r, (uint32_t)w.size);
        size = udp4_encode(again, sizeof again,
                           &(struct udp_message){s.c.from, s.c.to, bytes, size}, &s.c.udp);
        copy = exact_copy(again, size);
        if (!craft_decode(copy, size, &out, &fault))
            wrong++;
        else if (s.c.udp.checksum != UDP_CHECKSUM_WRONG) /* which becomes a right one */
            wrong += !same_bytes(copy, size, again, craft_encode(&out, again, sizeof again));
        raw += out.raw != NULL;
        free(copy);
    }
    is_int(wrong, 0, "%d payloads, changed and cut at random: every byte comes back", ROUNDS);
    ok(raw > 0 && raw < ROUNDS / 2, "with an IPv6 header or without");
}

static void test_bytes(void)
{
    struct craft c = {
        .from = {0xc0000202, 40000},
        .to = {0xc6336414, 3544},
        .udp = {.ttl = 7, .tos = 0xb8, .id = 0x1234, .dont_fragment = true},
    };
    struct in6_addr source, destination;
    uint8_t got[256], want[256], raw[] = {0xde, 0xad};
    size_t size;
    struct writer w;

    hex_read("fe80000000000000 1c2b3a495867768e", source.s6_addr);
    hex_read("20010000c0000281 000063bf34ff8ef6", destination.s6_addr);
    teredo_make_bubble(&c.packet, &source, &destination);
    w = writer_of(got, sizeof got);
    craft_payload(&w, &c);
    size = hex_read(SAMPLE_BUBBLE, want);
    is_int((int64_t)w.size, (int64_t)size, "a bubble of usual fields");
    is_mem(got, want, size, "is what miredo sends");

    size = craft_encode(&c, got, sizeof got);
    hex_read("45b8 0044 1234 4000 0711", want);
    is_int((int64_t)size, 68, "with IPv4 and UDP it is of 68 bytes");
    is_mem(got, want, 10, "TOS, length, identification, DF and TTL are in their places");

    c.lies_about_length = true;
    c.packet.ip6.payload_length = 0x1234;
    craft_encode(&c, got, sizeof got);
    is_mem(got + 32, (uint8_t[]){0x12, 0x34}, 2, "a payload length is written as it is told");
    c.lies_about_length = false;

    c.raw = raw;
    c.raw_size = sizeof raw;
    size = craft_encode(&c, got, sizeof got);
    ok(size == 30 && memcmp(got + 28, raw, sizeof raw) == 0,
       "raw bytes are the UDP payload, and nothing else is");
}

static void test_checksums(void)
{
    struct craft c = {.from = {0xc0000202, 1}, .to = {0xc6336414, 2}};
    struct udp_datagram d;
    struct wire_fault fault;
    uint8_t bytes[256], echo[16] = {ICMP6_TYPE_ECHO_REQUEST};
    size_t size;
    struct teredo_packet p;
    struct craft out;

    teredo_make_bubble(&c.packet, &teredo_rs_source, &teredo_rs_source);
    c.udp.checksum = UDP_CHECKSUM_ZERO;
    size = craft_encode(&c, bytes, sizeof bytes);
    ok(udp4_decode(bytes, size, false, &d, &fault) && d.checksum == 0, "a UDP checksum of zero");
    c.udp.checksum = UDP_CHECKSUM_WRONG;
    size = craft_encode(&c, bytes, sizeof bytes);
    ok(!udp4_decode(bytes, size, false, &d, &fault) && fault.reason == WIRE_UDP_CHECKSUM,
       "a wrong one");
    ok(craft_decode(bytes, size, &out, &fault) && out.udp.checksum == UDP_CHECKSUM_RIGHT,
       "which is right when the packet is sent again");

    c.packet.ip6.next_header = IP_PROTOCOL_ICMP6;
    c.packet.payload = echo;
    c.packet.payload_size = sizeof echo;
    size = craft_encode(&c, bytes, sizeof bytes);
    ok(!teredo_decode(bytes + 28, size - 28, &p, &fault) && fault.reason == WIRE_ICMP6_CHECKSUM,
       "an ICMPv6 checksum is written as it is in the payload");
    ok(craft_decode(bytes, size, &out, &fault) && !out.icmp6_checksum &&
           fault.reason == WIRE_ICMP6_CHECKSUM && out.packet.payload_size == sizeof echo,
       "and a wrong one stays, with the fault told");
    c.icmp6_checksum = true;
    size = craft_encode(&c, bytes, sizeof bytes);
    ok(teredo_decode(bytes + 28, size - 28, &p, &fault) && p.kind == TEREDO_ECHO_REQUEST,
       "unless it is to be computed");
    c.packet.ip6.source.s6_addr[15] ^= 1;
    size = craft_encode(&c, bytes, sizeof bytes);
    ok(teredo_decode(bytes + 28, size - 28, &p, &fault), "for whatever addresses there are");
    c.packet.payload_size = 3;
    size = craft_encode(&c, bytes, sizeof bytes);
    ok(size == 28 + 40 + 3, "in a message that has room for one");
}

static void test_sizes(void)
{
    static uint8_t payload[UINT16_MAX + 1], out[CRAFT_MAX_SIZE];
    struct craft c = {.from = {1, 1}, .to = {2, 2}};

    c.packet.payload = payload;
    c.packet.payload_size = CRAFT_MAX_PAYLOAD - IP6_HEADER_SIZE;
    is_int((int64_t)craft_encode(&c, out, sizeof out), CRAFT_MAX_SIZE,
           "a packet has up to 65,535 bytes");
    is_int((int64_t)craft_encode(&c, out, sizeof out - 1), 0, "if there is room for them");
    c.packet.payload_size++;
    is_int((int64_t)craft_encode(&c, out, sizeof out), 0, "and not one more");
    c.packet.payload_size = UINT16_MAX + 1;
    is_int((int64_t)craft_encode(&c, out, sizeof out), 0, "however long the payload");
}

static void test_no_teredo(void)
{
    static const struct {
        const char *hex, *what;
        enum wire_reason reason;
    } rows[] = {
        {"", "an empty datagram", WIRE_TRUNCATED},
        {"ff", "one byte", WIRE_TRUNCATED},
        {"1234 0100 0001", "a DNS query", WIRE_UNKNOWN_ENCAPSULATION},
        {"6000 0000 0000 3b00", "an IPv6 header that is cut", WIRE_TRUNCATED},
        {"0000 0000", "an origin indication that is cut", WIRE_TRUNCATED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t payload[64], bytes[128], again[128], *copy;
        size_t size =
            udp4_encode(bytes, sizeof bytes,
                        &(struct udp_message){(struct endpoint){1, 1}, (struct endpoint){2, 2},
                                              payload, hex_read(rows[i].hex, payload)},
                        NULL);
        struct craft c;
        struct wire_fault fault;

        copy = exact_copy(bytes, size);
        ok(craft_decode(copy, size, &c, &fault) && c.raw != NULL && fault.reason == rows[i].reason,
           "%s is raw bytes", rows[i].what);
        is_int((int64_t)craft_encode(&c, again, sizeof again), (int64_t)size, "of its size");
        is_mem(again, bytes, size, "and written again as it was");
        free(copy);
    }
}

static void test_cuts(void)
{
    uint8_t bytes[256];
    struct craft c = {.from = {1, 1}, .to = {2, 2}}, out;
    struct wire_fault fault;
    struct writer w;
    size_t size;
    unsigned wrong = 0;

    teredo_make_bubble(&c.packet, &teredo_rs_source, &teredo_rs_source);
    size = craft_encode(&c, bytes, sizeof bytes);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = exact_copy(bytes, cut);

        wrong += craft_decode(copy, cut, &out, &fault);
        free(copy);
    }
    is_int(wrong, 0, "a packet that is cut, wherever, is not decoded");
    w = writer_of(bytes, sizeof bytes);
    ip4_encode(&w,
               &(struct ip4_header){.ttl = 1, .protocol = IP_PROTOCOL_UDP, .more_fragments = true},
               size - IP4_HEADER_SIZE);
    ok(!craft_decode(bytes, size, &out, &fault) && fault.reason == WIRE_IP4_FRAGMENT,
       "nor is a fragment");
}

int main(void)
{
    test_bytes();
    test_checksums();
    test_sizes();
    test_no_teredo();
    test_cuts();
    test_property();
    test_lies();
    test_tails();
    test_any_bytes();
    return done_testing();
}
