/* A server at 192.0.2.1 and .2, two clients and a relay: what the server's tests share. */
#ifndef TESTS_SERVER_FIXTURE_H
#define TESTS_SERVER_FIXTURE_H

#include "hex.h"
#include "samples.h"
#include "server.h"
#include "tap.h"

enum {
    PRIMARY = 0xc0000201,   /* 192.0.2.1 */
    SECONDARY = 0xc0000202, /* 192.0.2.2 */
    OTHER_SERVER = 0xc0000281,
};

static const struct endpoint client_a = {0xcb007109, 40000};  /* 203.0.113.9 */
static const struct endpoint client_b = {0xc6336414, 50000};  /* 198.51.100.20 */
static const struct endpoint relay_host = {0xcb007163, 3544}; /* 203.0.113.99 */
static const struct in6_addr all_routers = {{{0xff, 0x02, [15] = 0x02}}};
static const struct in6_addr native = {{{0x20, 0x01, 0x0d, 0xb8, [15] = 0x01}}};

static struct server_config config;
static struct server server;
static struct server_reply reply;

static inline void set_up(void)
{
    config = (struct server_config){
        .primary = PRIMARY, .secondary = SECONDARY, .port = TEREDO_PORT, .mtu = TEREDO_MTU};
    server_init(&server, &config);
}

static inline struct in6_addr teredo_address(uint32_t server_address, struct endpoint mapped)
{
    struct teredo_addr a = {
        .prefix = TEREDO_PREFIX, .server = server_address, .flags = 0x1234, .mapped = mapped};
    struct in6_addr address;

    teredo_addr_encode(&a, &address);
    return address;
}

static inline struct in6_addr link_local(uint16_t flags)
{
    return (struct in6_addr){{{0xfe, 0x80, [8] = (uint8_t)(flags >> 8), [9] = (uint8_t)flags, 0xaa,
                               0xbb, 0xcc, 0xdd, 0xee, 0xff}}};
}

/* Hands the server the bytes in memory of just their size; REPLY is filled with rubbish before. */
static inline enum server_drop give_bytes(struct endpoint from, enum server_address at,
                                          const uint8_t *data, size_t size)
{
    uint8_t *copy = exact_copy(data, size);
    enum server_drop drop;

    memset(&reply, 0xa5, sizeof reply);
    drop = server_process(&server, &(struct server_datagram){from, at, copy, size}, &reply);
    free(copy);
    return drop;
}

static inline enum server_drop give(struct endpoint from, const struct teredo_packet *p)
{
    uint8_t data[TEREDO_MAX_SIZE];
    struct writer w = writer_of(data, sizeof data);

    teredo_encode(&w, p);
    return give_bytes(from, SERVER_PRIMARY, data, w.size);
}

static inline enum server_drop give_hex(struct endpoint from, const char *hex)
{
    uint8_t data[TEREDO_MAX_SIZE];

    return give_bytes(from, SERVER_PRIMARY, data, hex_read(hex, data));
}

static inline void is_drop(enum server_drop got, enum server_drop want, const char *rule)
{
    is_str(code_of(&server_drops, got), code_of(&server_drops, want), "%s", rule);
}

static inline struct teredo_packet answer(void)
{
    struct teredo_packet p = {0};
    struct wire_fault fault;

    ok(teredo_decode(reply.data, reply.size, &p, &fault), "the answer is a well-formed packet");
    return p;
}

static uint8_t body[TEREDO_MAX_SIZE];

static inline struct teredo_packet make_rs(const struct in6_addr *source)
{
    struct teredo_packet p;

    teredo_make_rs(&p, source, body);
    return p;
}

static inline struct teredo_packet make_bubble(struct in6_addr source, struct in6_addr destination)
{
    struct teredo_packet p;

    teredo_make_bubble(&p, &source, &destination);
    return p;
}

static inline struct teredo_packet make_echo(struct in6_addr source, struct in6_addr destination,
                                             size_t size)
{
    static const uint8_t data[TEREDO_MAX_SIZE];
    struct teredo_packet p;

    teredo_make_echo(&p, &source, &destination,
                     &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, 7, 8, data, size}, body);
    return p;
}

/* An ICMPv6 message of TYPE and CODE and 4 bytes of nothing. */
static inline struct teredo_packet make_icmp6(uint8_t type, uint8_t code, struct in6_addr source,
                                              struct in6_addr destination)
{
    struct teredo_packet p = make_bubble(source, destination);
    uint32_t sum;

    p.ip6.next_header = IP_PROTOCOL_ICMP6;
    p.ip6.hop_limit = 255;
    memset(body, 0, 8);
    body[0] = type;
    body[1] = code;
    sum = checksum_add_ip6_pseudo(0, &source, &destination, 8, IP_PROTOCOL_ICMP6);
    sum = checksum_finish(checksum_add(sum, body, 8));
    body[2] = (uint8_t)(sum >> 8);
    body[3] = (uint8_t)sum;
    p.payload = body;
    p.payload_size = 8;
    return p;
}

#endif
