#include "icmp6.h"

#include <string.h>

#include "bytes.h"

enum {
    ICMP6_HEADER_SIZE = 4,
    ECHO_SIZE = 8,
    RS_SIZE = 8,
    RA_SIZE = 16,
    ND_OPTION_HEADER_SIZE = 2,
    ND_OPTION_UNIT = 8, /* option lengths count units of 8 bytes */
    MTU_BODY_SIZE = 6,
    PREFIX_BODY_SIZE = 30,
};

static uint16_t message_checksum(const uint8_t *data, size_t size, const struct ip6_header *ip)
{
    uint32_t sum = checksum_add_ip6_pseudo(0, &ip->source, &ip->destination, (uint32_t)size,
                                           IP_PROTOCOL_ICMP6);

    return checksum_finish(checksum_add(sum, data, size));
}

/* The bytes of the type's fixed part, header included. */
static size_t fixed_size(uint8_t type)
{
    switch (type) {
    case ICMP6_TYPE_ECHO_REQUEST:
    case ICMP6_TYPE_ECHO_REPLY:
        return ECHO_SIZE;
    case ICMP6_TYPE_RS:
        return RS_SIZE;
    case ICMP6_TYPE_RA:
        return RA_SIZE;
    default:
        return ICMP6_HEADER_SIZE;
    }
}

/* RFC 4861 4.6: Type, Length (in units of 8 bytes, header included), then the body. */
bool nd_option_next(struct reader *r, struct nd_option *out)
{
    const uint8_t *head = reader_take(r, ND_OPTION_HEADER_SIZE);

    if (head == NULL || head[1] == 0)
        return false;
    out->type = head[0];
    out->size = (size_t)head[1] * ND_OPTION_UNIT - ND_OPTION_HEADER_SIZE;
    out->body = reader_take(r, out->size);
    return out->body != NULL;
}

/* Clears what is behind the first LENGTH bits. */
static void mask_address(struct in6_addr *address, unsigned length)
{
    unsigned whole = length / 8;

    if (whole == sizeof *address)
        return;
    address->s6_addr[whole] &= (uint8_t)(0xff00 >> length % 8);
    memset(address->s6_addr + whole + 1, 0, sizeof *address - whole - 1);
}

/* RFC 4861 4.6.2, offsets in the body:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +---------------+---------------+---------------+-+-+-----------+
 *     |   Type = 3    |  Length = 4   | Prefix length |L|A| Reserved  | 0
 *     +---------------+---------------+---------------+-+-+-----------+
 *     |                        Valid lifetime                         | 2
 *     +---------------------------------------------------------------+
 *     |                      Preferred lifetime                       | 6
 *     +---------------------------------------------------------------+
 *     |                           Reserved                            | 10
 *     +---------------------------------------------------------------+
 *     |                       Prefix (16 bytes)                       | 14
 *     +---------------------------------------------------------------+
 */
bool nd_option_prefix(const struct nd_option *option, struct icmp6_prefix *out)
{
    const uint8_t *p = option->body;

    if (option->size != PREFIX_BODY_SIZE || p[0] > 128)
        return false;
    out->length = p[0];
    out->flags = p[1];
    out->valid_lifetime = load_u32(p + 2);
    out->preferred_lifetime = load_u32(p + 6);
    memcpy(&out->prefix, p + 14, sizeof out->prefix);
    mask_address(&out->prefix, out->length);
    return true;
}

/* Checks that the options are well-formed; of an RA's, keeps MTU and the first prefix. FIRST is the
 * fault offset of the first option. */
static bool decode_options(struct icmp6_message *m, size_t first, struct wire_fault *fault)
{
    struct reader r = reader_of(m->options, m->options_size);
    bool have_prefix = false;

    while (reader_left(&r) > 0) {
        size_t start = r.offset;
        struct nd_option option;

        if (!nd_option_next(&r, &option))
            return wire_fail(fault, WIRE_ND_OPTION_LENGTH, first + start + 1);
        if (m->type != ICMP6_TYPE_RA)
            continue;
        if (option.type == ND_OPTION_MTU && option.size == MTU_BODY_SIZE)
            m->ra.mtu = load_u32(option.body + 2);
        if (option.type == ND_OPTION_PREFIX) {
            m->ra.prefix_count++;
            if (!have_prefix)
                have_prefix = nd_option_prefix(&option, &m->ra.prefix);
        }
    }
    return true;
}

/* RFC 4443 2.1 (all), 4.1 and 4.2 (echo); RFC 4861 4.1 (RS) and 4.2 (RA):
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +---------------+---------------+-------------------------------+
 *   0 |     Type      |     Code      |           Checksum            |
 *     +---------------+---------------+-------------------------------+
 *   4 |          Identifier           |        Sequence number        | echo, then data
 *     +-------------------------------+-------------------------------+
 *   4 |                           Reserved                            | RS, then options
 *     +---------------+-+-+-----------+-------------------------------+
 *   4 | Cur hop limit |M|O| Reserved  |        Router lifetime        | RA
 *     +---------------+-+-+-----------+-------------------------------+
 *   8 |                        Reachable time                         | RA
 *     +---------------------------------------------------------------+
 *  12 |                       Retransmit timer                        | RA, then options
 *     +---------------------------------------------------------------+
 */
bool icmp6_decode(const uint8_t *data, size_t size, const struct ip6_header *ip,
                  struct icmp6_message *out, struct wire_fault *fault)
{
    struct reader r = reader_of(data, size);
    const uint8_t *p = reader_take(&r, ICMP6_HEADER_SIZE);

    if (p == NULL)
        return wire_fail(fault, WIRE_ICMP6_TRUNCATED, size);
    out->type = p[0];
    out->code = p[1];
    out->checksum = load_u16(p + 2);
    out->options = NULL;
    out->options_size = 0;
    if (message_checksum(data, size, ip) != 0)
        return wire_fail(fault, WIRE_ICMP6_CHECKSUM, 2);
    if (reader_take(&r, fixed_size(out->type) - ICMP6_HEADER_SIZE) == NULL)
        return wire_fail(fault, WIRE_ICMP6_TRUNCATED, size);

    switch (out->type) {
    case ICMP6_TYPE_ECHO_REQUEST:
    case ICMP6_TYPE_ECHO_REPLY:
        out->echo.id = load_u16(p + 4);
        out->echo.sequence = load_u16(p + 6);
        out->echo.size = reader_left(&r);
        out->echo.data = reader_take(&r, out->echo.size);
        return true;
    case ICMP6_TYPE_RA:
        memset(&out->ra, 0, sizeof out->ra);
        out->ra.hop_limit = p[4];
        out->ra.flags = p[5];
        out->ra.router_lifetime = load_u16(p + 6);
        out->ra.reachable_time = load_u32(p + 8);
        out->ra.retransmit_timer = load_u32(p + 12);
        break;
    case ICMP6_TYPE_RS:
        break;
    default:
        return true;
    }
    out->options_size = reader_left(&r);
    out->options = reader_take(&r, out->options_size);
    return decode_options(out, size - out->options_size, fault);
}

void icmp6_encode(struct writer *w, const struct icmp6_message *m, const struct ip6_header *ip)
{
    size_t start = w->size;

    writer_u8(w, m->type);
    writer_u8(w, m->code);
    writer_u16(w, 0);
    switch (m->type) {
    case ICMP6_TYPE_ECHO_REQUEST:
    case ICMP6_TYPE_ECHO_REPLY:
        writer_u16(w, m->echo.id);
        writer_u16(w, m->echo.sequence);
        writer_bytes(w, m->echo.data, m->echo.size);
        break;
    case ICMP6_TYPE_RS:
        writer_zeros(w, 4);
        writer_bytes(w, m->options, m->options_size);
        break;
    case ICMP6_TYPE_RA:
        writer_u8(w, m->ra.hop_limit);
        writer_u8(w, m->ra.flags);
        writer_u16(w, m->ra.router_lifetime);
        writer_u32(w, m->ra.reachable_time);
        writer_u32(w, m->ra.retransmit_timer);
        writer_bytes(w, m->options, m->options_size);
        break;
    default:
        break;
    }
    if (!w->failed)
        writer_patch_u16(w, start + 2, message_checksum(w->data + start, w->size - start, ip));
}

/* RFC 4861 4.6.4: Type = 5, Length = 1, Reserved (2 bytes), MTU (4 bytes). */
void nd_put_mtu(struct writer *w, uint32_t mtu)
{
    writer_u8(w, ND_OPTION_MTU);
    writer_u8(w, 1);
    writer_u16(w, 0);
    writer_u32(w, mtu);
}

void nd_put_prefix(struct writer *w, const struct icmp6_prefix *prefix)
{
    writer_u8(w, ND_OPTION_PREFIX);
    writer_u8(w, 4);
    writer_u8(w, prefix->length);
    writer_u8(w, prefix->flags);
    writer_u32(w, prefix->valid_lifetime);
    writer_u32(w, prefix->preferred_lifetime);
    writer_u32(w, 0);
    writer_bytes(w, &prefix->prefix, sizeof prefix->prefix);
}
