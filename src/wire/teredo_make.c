/* The packets that clients and servers of RFC 4380 build. */
#include <string.h>

#include "bytes.h"
#include "teredo.h"

enum {
    ND_HOP_LIMIT = 255, /* RFC 4861 6.1.1: a receiver asks for it */
    ECHO_HOP_LIMIT = 64,
    RA_RETRANSMIT_MS = 2000,
    PREFIX_AUTONOMOUS = 0x40, /* the A flag: addresses may be formed from the prefix */
};

static void begin(struct teredo_packet *p, enum teredo_kind kind, const struct in6_addr *source,
                  const struct in6_addr *destination)
{
    *p = (struct teredo_packet){.kind = kind};
    p->ip6.next_header = kind == TEREDO_BUBBLE ? IP_PROTOCOL_NONE : IP_PROTOCOL_ICMP6;
    if (kind == TEREDO_RS || kind == TEREDO_RA)
        p->ip6.hop_limit = ND_HOP_LIMIT;
    else if (kind != TEREDO_BUBBLE)
        p->ip6.hop_limit = ECHO_HOP_LIMIT;
    p->ip6.source = *source;
    p->ip6.destination = *destination;
}

/* Encodes p->icmp6 into BUF and makes it the payload. The options and data pointers of p->icmp6
 * then lead into BUF, FIXED bytes from its begin, as after decoding. */
static void set_icmp6_payload(struct teredo_packet *p, uint8_t *buf, size_t capacity)
{
    struct writer w = writer_of(buf, capacity);

    icmp6_encode(&w, &p->icmp6, &p->ip6);
    p->icmp6.checksum = load_u16(buf + 2);
    p->payload = buf;
    p->payload_size = w.size;
    p->ip6.payload_length = (uint16_t)w.size;
}

void teredo_make_bubble(struct teredo_packet *p, const struct in6_addr *source,
                        const struct in6_addr *destination)
{
    begin(p, TEREDO_BUBBLE, source, destination);
}

const struct in6_addr teredo_rs_source = {
    .s6_addr = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const struct in6_addr teredo_rs_source_cone = {
    .s6_addr = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x80, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}};

void teredo_add_auth_nonce(struct teredo_packet *p, const uint8_t nonce[static TEREDO_NONCE_SIZE])
{
    p->has_auth = true;
    p->auth = (struct teredo_auth){0};
    memcpy(p->auth.nonce, nonce, TEREDO_NONCE_SIZE);
}

void teredo_add_nonce_trailer(struct teredo_packet *p, uint32_t nonce, uint8_t buf[static 4])
{
    struct writer w = writer_of(buf, 4);

    writer_u32(&w, nonce);
    p->trailers[p->trailer_count++] = (struct teredo_trailer){TRAILER_NONCE, 4, buf};
}

void teredo_add_nd_solicitation(struct teredo_packet *p)
{
    static const uint8_t solicitation[4]; /* type 0, and three bytes that are reserved */

    p->trailers[p->trailer_count++] =
        (struct teredo_trailer){TRAILER_ND_OPTION, sizeof solicitation, solicitation};
}

void teredo_add_nd_advertisement(struct teredo_packet *p)
{
    static const uint8_t advertisement[4] = {ND_TRAILER_ADVERTISEMENT};

    p->trailers[p->trailer_count++] =
        (struct teredo_trailer){TRAILER_ND_OPTION, sizeof advertisement, advertisement};
}

void teredo_make_rs(struct teredo_packet *p, const struct in6_addr *source, uint8_t buf[static 8])
{
    static const struct in6_addr all_routers = {
        {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02}}};

    begin(p, TEREDO_RS, source, &all_routers);
    p->icmp6.type = ICMP6_TYPE_RS;
    set_icmp6_payload(p, buf, 8);
    p->icmp6.options = buf + 8;
}

void teredo_make_ra(struct teredo_packet *p, const struct in6_addr *source,
                    const struct in6_addr *destination, struct teredo_advertised what,
                    uint8_t buf[static TEREDO_RA_SIZE])
{
    struct icmp6_message *m = &p->icmp6;
    uint8_t options[TEREDO_RA_SIZE - 16];
    struct writer w = writer_of(options, sizeof options);

    begin(p, TEREDO_RA, source, destination);
    m->type = ICMP6_TYPE_RA;
    m->ra.retransmit_timer = RA_RETRANSMIT_MS;
    m->ra.mtu = what.mtu;
    m->ra.prefix_count = 1;
    m->ra.prefix = (struct icmp6_prefix){
        .length = 64,
        .flags = PREFIX_AUTONOMOUS,
        .valid_lifetime = UINT32_MAX,
        .preferred_lifetime = UINT32_MAX,
    };
    store_u32(m->ra.prefix.prefix.s6_addr, TEREDO_PREFIX);
    store_u32(m->ra.prefix.prefix.s6_addr + 4, what.server);
    nd_put_prefix(&w, &m->ra.prefix);
    nd_put_mtu(&w, what.mtu);
    m->options = options;
    m->options_size = w.size;
    set_icmp6_payload(p, buf, TEREDO_RA_SIZE);
    m->options = buf + TEREDO_RA_SIZE - sizeof options;
}

void teredo_make_echo(struct teredo_packet *p, const struct in6_addr *source,
                      const struct in6_addr *destination, const struct teredo_echo *echo,
                      uint8_t *buf)
{
    begin(p, echo->type == ICMP6_TYPE_ECHO_REQUEST ? TEREDO_ECHO_REQUEST : TEREDO_ECHO_REPLY,
          source, destination);
    p->icmp6.type = echo->type;
    p->icmp6.echo.id = echo->id;
    p->icmp6.echo.sequence = echo->sequence;
    p->icmp6.echo.data = echo->data;
    p->icmp6.echo.size = echo->size;
    set_icmp6_payload(p, buf, 8 + echo->size);
    p->icmp6.echo.data = buf + 8;
}
