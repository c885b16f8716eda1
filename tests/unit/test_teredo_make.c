#include "hex.h"
#include "prng.h"
#include "samples.h"
#include "tap.h"
#include "teredo.h"

static const struct in6_addr client = {{{0xfe, 0x80, [10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}};

/* True if P, as it was built, is what its own bytes decode to. */
static bool as_decoded(const struct teredo_packet *p)
{
    uint8_t buf[2048];
    struct writer w = writer_of(buf, sizeof buf);
    struct teredo_packet out;
    struct wire_fault fault;

    teredo_encode(&w, p);
    if (w.failed || !teredo_decode(buf, w.size, &out, &fault))
        return false;
    return out.kind == p->kind && out.payload_size == p->payload_size &&
           out.ip6.payload_length == p->ip6.payload_length &&
           (p->kind == TEREDO_BUBBLE ||
            (out.icmp6.type == p->icmp6.type && out.icmp6.code == p->icmp6.code &&
             out.icmp6.checksum == p->icmp6.checksum &&
             out.icmp6.options_size == p->icmp6.options_size &&
             (p->icmp6.options_size == 0 ||
              memcmp(out.icmp6.options, p->icmp6.options, p->icmp6.options_size) == 0)));
}

static void test_bubble(void)
{
    struct teredo_packet p;
    struct in6_addr peer = teredo_link_local(0, (struct endpoint){0xc0000201, 5});
    uint8_t buf[64], want[64];
    struct writer w = writer_of(buf, sizeof buf);

    teredo_make_bubble(&p, &client, &peer);
    teredo_encode(&w, &p);
    hex_read("600000000000 3b00", want);
    ok(w.size == 40 && memcmp(buf, want, 8) == 0,
       "a bubble is a minimal IPv6 packet: header, null payload, payload type 59");
    ok(ip6_equal(&p.ip6.source, &client) && ip6_equal(&p.ip6.destination, &peer),
       "from source to destination");
    ok(as_decoded(&p), "the struct is what the bytes decode to");
}

static void test_solicitation(void)
{
    struct teredo_packet p;
    uint8_t body[8], buf[64], want[64];
    size_t size = hex_read(SAMPLE_RS, want);
    struct writer w = writer_of(buf, sizeof buf);

    teredo_make_rs(&p, &client, body);
    p.has_auth = true;
    memcpy(p.auth.nonce, "\1\2\3\4\5\6\7\10", 8);
    teredo_encode(&w, &p);
    is_int((int64_t)w.size, (int64_t)size, "an RS with empty authentication is of 61 bytes");
    is_mem(buf, want, size, "byte for byte as miredo sends it");
    ok(ip6_is_all_routers(&p.ip6.destination) && p.ip6.hop_limit == 255,
       "the IPv6 destination of the RS is the all-routers multicast address");
    ok(as_decoded(&p), "the struct is what the bytes decode to");
}

static void test_advertisement(void)
{
    struct teredo_packet p;
    struct in6_addr server =
        teredo_link_local(TEREDO_FLAG_CONE, (struct endpoint){0xc0000201, TEREDO_PORT});
    uint8_t body[TEREDO_RA_SIZE], buf[128], want[128];
    size_t size = hex_read(SAMPLE_RA, want);
    struct writer w = writer_of(buf, sizeof buf);

    teredo_make_ra(&p, &server, &client, (struct teredo_advertised){0xc0000201, 1280}, body);
    p.has_auth = true;
    memcpy(p.auth.nonce, "\1\2\3\4\5\6\7\10", 8);
    p.has_origin = true;
    p.origin = (struct endpoint){0xcb007109, 40000};
    teredo_encode(&w, &p);
    is_int((int64_t)w.size, (int64_t)size, "an RA with empty authentication is of 117 bytes");
    is_mem(buf, want, size, "byte for byte as miredo-server sends it");
    ok(p.icmp6.ra.prefix_count == 1 && p.icmp6.ra.prefix.length == 64 && p.icmp6.ra.mtu == 1280,
       "prefix and MTU can be read from the struct");
    ok(as_decoded(&p), "the struct is what the bytes decode to");
}

static void test_echo(void)
{
    struct prng r = {.state = 11};
    uint8_t data[1024], body[1032];
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)prng_next(&r);
    for (size_t size = 0; size <= sizeof data; size++) {
        uint8_t type = size % 2 == 0 ? ICMP6_TYPE_ECHO_REQUEST : ICMP6_TYPE_ECHO_REPLY;
        struct teredo_packet p;

        teredo_make_echo(&p, &client, &client,
                         &(struct teredo_echo){type, (uint16_t)size, 7, data, size}, body);
        wrong += p.kind != (size % 2 == 0 ? TEREDO_ECHO_REQUEST : TEREDO_ECHO_REPLY) ||
                 p.icmp6.echo.id != size || p.icmp6.echo.sequence != 7 ||
                 p.icmp6.echo.size != size || memcmp(p.icmp6.echo.data, data, size) != 0 ||
                 p.icmp6.echo.data != body + 8 || !as_decoded(&p);
    }
    is_int(wrong, 0, "echo messages of 0 to 1,024 bytes are what their bytes decode to");
}

int main(void)
{
    test_bubble();
    test_solicitation();
    test_advertisement();
    test_echo();
    return done_testing();
}
