/* A capture for the bench of `teredoctl decode`: Ethernet, nanoseconds, a fifth of it other UDP.
 * The same seed gives the same file.
 *
 *     make_capture FILE [PACKETS [FLOWS [SEED]]]
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nsec.h"
#include "prng.h"
#include "teredo.h"
#include "udp.h"

enum {
    ETHERNET_SIZE = 14,
    DATA_SIZE = TEREDO_MTU - IP6_HEADER_SIZE,
    QUIC_SIZE = 1200,
    DNS_SIZE = 60,
};

struct maker {
    struct prng prng;
    pcap_dumper_t *dumper;
    uint32_t flows;
    nsec when;
    uint8_t frame[2048];
    uint8_t payload[TEREDO_MAX_SIZE];
    uint8_t filling[TEREDO_MTU];
};

/* Both ends of a flow follow from its number. */
struct ends {
    struct endpoint a, b, server;
    struct in6_addr address_a, address_b;
};

static struct in6_addr teredo_address(struct endpoint mapped, uint32_t server)
{
    struct teredo_addr t = {TEREDO_PREFIX, server, (uint16_t)(mapped.port & TEREDO_FLAGS_RANDOM),
                            mapped};
    struct in6_addr address;

    teredo_addr_encode(&t, &address);
    return address;
}

static struct ends ends_of(uint32_t flow)
{
    struct ends e = {
        .a = {0xcb007100 + (flow & 0xff), (uint16_t)(1024 + (flow >> 8) % 60000)},
        .b = {0xc6336400 + (flow >> 4 & 0xff), (uint16_t)(1024 + flow % 60000)},
        .server = {0xc0000201, TEREDO_PORT},
    };

    e.address_a = teredo_address(e.a, e.server.address);
    e.address_b = teredo_address(e.b, e.server.address);
    return e;
}

static void add(struct maker *m, struct endpoint from, struct endpoint to, const void *payload,
                size_t size)
{
    static const uint8_t ethernet[ETHERNET_SIZE] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
    size_t n = udp4_encode(m->frame + ETHERNET_SIZE, sizeof m->frame - ETHERNET_SIZE,
                           &(struct udp_message){from, to, payload, size}, NULL);
    struct pcap_pkthdr header = {
        .ts = {.tv_sec = m->when / NSEC_S, .tv_usec = m->when % NSEC_S},
        .caplen = (bpf_u_int32)(ETHERNET_SIZE + n),
        .len = (bpf_u_int32)(ETHERNET_SIZE + n),
    };

    if (n == 0)
        abort();
    memcpy(m->frame, ethernet, sizeof ethernet);
    pcap_dump((u_char *)m->dumper, &header, m->frame);
    m->when += 1000 + prng_below(&m->prng, 100000);
}

static void add_packet(struct maker *m, struct endpoint from, struct endpoint to,
                       const struct teredo_packet *p)
{
    struct writer w = writer_of(m->payload, sizeof m->payload);

    teredo_encode(&w, p);
    if (w.failed)
        abort();
    add(m, from, to, m->payload, w.size);
}

static void add_bubble(struct maker *m, const struct ends *e)
{
    struct teredo_packet p;
    uint8_t nonce[4];

    teredo_make_bubble(&p, &e->address_a, &e->address_b);
    if (prng_below(&m->prng, 2) == 0)
        teredo_add_nonce_trailer(&p, (uint32_t)prng_next(&m->prng), nonce);
    add_packet(m, e->a, prng_below(&m->prng, 4) == 0 ? e->server : e->b, &p);
}

static void add_solicitation(struct maker *m, const struct ends *e)
{
    uint8_t body[8], nonce[TEREDO_NONCE_SIZE];
    uint64_t random = prng_next(&m->prng);
    struct teredo_packet p;

    memcpy(nonce, &random, sizeof nonce);
    teredo_make_rs(&p, &teredo_rs_source, body);
    teredo_add_auth_nonce(&p, nonce);
    add_packet(m, e->a, e->server, &p);
}

static void add_advertisement(struct maker *m, const struct ends *e)
{
    struct in6_addr source = teredo_link_local(0x8000, e->server);
    uint8_t body[TEREDO_RA_SIZE], nonce[TEREDO_NONCE_SIZE] = {0};
    struct teredo_packet p;

    teredo_make_ra(&p, &source, &teredo_rs_source,
                   (struct teredo_advertised){e->server.address, TEREDO_MTU}, body);
    teredo_add_auth_nonce(&p, nonce);
    p.has_origin = true;
    p.origin = e->a;
    add_packet(m, e->server, e->a, &p);
}

static void add_echo(struct maker *m, const struct ends *e)
{
    uint8_t body[8 + 56];
    struct teredo_packet p;

    teredo_make_echo(&p, &e->address_a, &e->address_b,
                     &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, 1,
                                           (uint16_t)prng_next(&m->prng), m->filling, 56},
                     body);
    add_packet(m, e->a, e->b, &p);
}

static void add_data(struct maker *m, const struct ends *e)
{
    struct teredo_packet p;

    teredo_make_bubble(&p, &e->address_a, &e->address_b);
    p.ip6.next_header = 6;
    p.ip6.hop_limit = 64;
    p.payload = m->filling;
    p.payload_size = DATA_SIZE;
    add_packet(m, e->a, e->b, &p);
}

static void add_other(struct maker *m, const struct ends *e)
{
    bool quic = prng_below(&m->prng, 2) == 0;
    struct endpoint to = {0x08080808, quic ? 443 : 53};
    uint64_t random;

    for (size_t i = 0; i < QUIC_SIZE; i += sizeof random) {
        random = prng_next(&m->prng);
        memcpy(m->payload + i, &random, sizeof random);
    }
    add(m, e->a, to, m->payload, quic ? QUIC_SIZE : DNS_SIZE);
}

static void add_any(struct maker *m)
{
    struct ends e = ends_of(prng_below(&m->prng, m->flows));
    uint32_t dice = prng_below(&m->prng, 100);

    if (dice < 20)
        add_other(m, &e);
    else if (dice < 45)
        add_data(m, &e);
    else if (dice < 70)
        add_bubble(m, &e);
    else if (dice < 90)
        add_echo(m, &e);
    else if (dice < 95)
        add_solicitation(m, &e);
    else
        add_advertisement(m, &e);
}

int main(int argc, char **argv)
{
    static struct maker m = {.when = 1764000000 * NSEC_S};
    unsigned long packets = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
    pcap_t *pcap =
        pcap_open_dead_with_tstamp_precision(DLT_EN10MB, 65535, PCAP_TSTAMP_PRECISION_NANO);

    if (argc < 2 || pcap == NULL) {
        fprintf(stderr, "usage: make_capture FILE [PACKETS [FLOWS [SEED]]]\n");
        return 64;
    }
    m.flows = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 10000;
    m.prng.state = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    for (size_t i = 0; i < sizeof m.filling; i++)
        m.filling[i] = (uint8_t)i;
    m.dumper = pcap_dump_open(pcap, argv[1]);
    if (m.dumper == NULL) {
        fprintf(stderr, "make_capture: %s\n", pcap_geterr(pcap));
        return 73;
    }
    while (packets-- > 0)
        add_any(&m);
    if (pcap_dump_flush(m.dumper) != 0)
        return 74;
    pcap_dump_close(m.dumper);
    pcap_close(pcap);
    return 0;
}
