#include "ip.h"

#include <string.h>

#include "bytes.h"

enum {
    IP4_DF = 0x4000,
    IP4_MF = 0x2000,
    IP4_OFFSET_MASK = 0x1fff,
};

/* RFC 791 3.1:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-------+-------+---------------+-------------------------------+
 *   0 |   4   |  IHL  |Type of service|         Total length          |
 *     +-------+-------+---------------+-----+-------------------------+
 *   4 |        Identification         |0 D M|     Fragment offset     |
 *     +---------------+---------------+-----+-------------------------+
 *   8 | Time to live  |   Protocol    |        Header checksum        |
 *     +---------------+---------------+-------------------------------+
 *  12 |                        Source address                         |
 *     +---------------------------------------------------------------+
 *  16 |                      Destination address                      |
 *     +---------------------------------------------------------------+
 *  20 |                 Options, up to 4 × IHL bytes                  |
 */
bool ip4_decode(struct reader *r, struct ip4_header *h, bool truncated_ok, struct wire_fault *fault)
{
    size_t start = r->offset;
    size_t have = reader_left(r);
    const uint8_t *p = reader_take(r, IP4_HEADER_SIZE);
    uint16_t fragment;

    if (p == NULL)
        return wire_fail(fault, WIRE_TRUNCATED, r->size);
    if (p[0] >> 4 != 4)
        return wire_fail(fault, WIRE_IP4_VERSION, start);
    h->header_length = (uint8_t)((p[0] & 0x0f) * 4);
    if (h->header_length < IP4_HEADER_SIZE)
        return wire_fail(fault, WIRE_IP4_HEADER_LENGTH, start);
    h->tos = p[1];
    h->total_length = load_u16(p + 2);
    h->id = load_u16(p + 4);
    fragment = load_u16(p + 6);
    h->dont_fragment = (fragment & IP4_DF) != 0;
    h->more_fragments = (fragment & IP4_MF) != 0;
    h->fragment_offset = fragment & IP4_OFFSET_MASK;
    h->ttl = p[8];
    h->protocol = p[9];
    h->checksum = load_u16(p + 10);
    h->source = load_u32(p + 12);
    h->destination = load_u32(p + 16);

    if (h->total_length < h->header_length)
        return wire_fail(fault, WIRE_IP4_TOTAL_LENGTH, start + 2);
    if (h->header_length > have)
        return truncated_ok ? wire_fail(fault, WIRE_TRUNCATED, r->size)
                            : wire_fail(fault, WIRE_IP4_HEADER_LENGTH, start);
    if (h->total_length > have && !truncated_ok)
        return wire_fail(fault, WIRE_IP4_TOTAL_LENGTH, start + 2);
    reader_take(r, h->header_length - (size_t)IP4_HEADER_SIZE);
    /* A header whose checksum field is right sums to zero with it. */
    if (checksum_finish(checksum_add(0, p, h->header_length)) != 0)
        return wire_fail(fault, WIRE_IP4_CHECKSUM, start + 10);
    return true;
}

void ip4_encode(struct writer *w, const struct ip4_header *h, size_t payload_size)
{
    uint8_t b[IP4_HEADER_SIZE] = {0x45};
    size_t total = h->total_length != 0 ? h->total_length : IP4_HEADER_SIZE + payload_size;

    if (total > UINT16_MAX) {
        w->failed = true;
        return;
    }
    b[1] = h->tos;
    store_u16(b + 2, (uint16_t)total);
    store_u16(b + 4, h->id);
    store_u16(b + 6, (uint16_t)((h->dont_fragment ? IP4_DF : 0) | (h->more_fragments ? IP4_MF : 0) |
                                (h->fragment_offset & IP4_OFFSET_MASK)));
    b[8] = h->ttl;
    b[9] = h->protocol;
    store_u32(b + 12, h->source);
    store_u32(b + 16, h->destination);
    store_u16(b + 10, checksum_finish(checksum_add(0, b, sizeof b)));
    writer_bytes(w, b, sizeof b);
}

/* RFC 8200 3:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-------+---------------+---------------------------------------+
 *   0 |   6   | Traffic class |              Flow label               |
 *     +-------+---------------+-------+---------------+---------------+
 *   4 |        Payload length         |  Next header  |   Hop limit   |
 *     +-------------------------------+---------------+---------------+
 *   8 |                   Source address (16 bytes)                   |
 *     +---------------------------------------------------------------+
 *  24 |                 Destination address (16 bytes)                |
 *     +---------------------------------------------------------------+
 */
bool ip6_decode(struct reader *r, struct ip6_header *h, struct wire_fault *fault)
{
    size_t start = r->offset;
    const uint8_t *p = reader_take(r, IP6_HEADER_SIZE);
    uint32_t word;

    if (p == NULL)
        return wire_fail(fault, WIRE_TRUNCATED, r->size);
    word = load_u32(p);
    if (word >> 28 != 6)
        return wire_fail(fault, WIRE_IP6_VERSION, start);
    h->traffic_class = (uint8_t)(word >> 20);
    h->flow_label = word & 0xfffff;
    h->payload_length = load_u16(p + 4);
    h->next_header = p[6];
    h->hop_limit = p[7];
    memcpy(&h->source, p + 8, sizeof h->source);
    memcpy(&h->destination, p + 24, sizeof h->destination);
    return true;
}

void ip6_encode(struct writer *w, const struct ip6_header *h)
{
    uint8_t b[IP6_HEADER_SIZE];

    store_u32(b, UINT32_C(6) << 28 | (uint32_t)h->traffic_class << 20 | (h->flow_label & 0xfffff));
    store_u16(b + 4, h->payload_length);
    b[6] = h->next_header;
    b[7] = h->hop_limit;
    memcpy(b + 8, &h->source, sizeof h->source);
    memcpy(b + 24, &h->destination, sizeof h->destination);
    writer_bytes(w, b, sizeof b);
}

static uint64_t load_native(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

static uint64_t add_with_carry(uint64_t a, uint64_t b)
{
    a += b;
    return a + (a < b);
}

/* RFC 1071: one's complement sums do not depend on the byte order, so that the bytes are added as
 * 64-bit words of the machine, with end-around carry, and only the 16-bit sum is put into network
 * byte order. Two sums side by side, for each addition waits for the one before. */
uint32_t checksum_add(uint32_t sum, const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t even = 0, odd = 0;
    uint8_t bytes[4] = {0};
    uint32_t half;
    uint16_t folded;

    for (; size >= 16; p += 16, size -= 16) {
        even = add_with_carry(even, load_native(p));
        odd = add_with_carry(odd, load_native(p + 8));
    }
    if (size >= 8) {
        even = add_with_carry(even, load_native(p));
        p += 8;
        size -= 8;
    }
    if (size >= sizeof half) {
        memcpy(&half, p, sizeof half);
        even = add_with_carry(even, half);
        p += sizeof half;
        size -= sizeof half;
    }
    if (size > 0) {
        for (size_t i = 0; i < size; i++)
            bytes[i] = p[i];
        memcpy(&half, bytes, sizeof half);
        even = add_with_carry(even, half);
    }
    even = add_with_carry(even, odd);
    even = (even & 0xffffffff) + (even >> 32);
    even = (even & 0xffff) + (even >> 16 & 0xffff) + (even >> 32);
    even = (even & 0xffff) + (even >> 16);
    folded = (uint16_t)((even & 0xffff) + (even >> 16));
    memcpy(bytes, &folded, sizeof folded);
    return checksum_add_u16(sum, load_u16(bytes));
}

uint32_t checksum_add_u16(uint32_t sum, uint16_t value)
{
    sum += value;
    return (sum & 0xffff) + (sum >> 16);
}

uint16_t checksum_finish(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    return (uint16_t)~sum;
}

/* RFC 8200 8.1: source, destination, upper-layer length (32 bits), zero (24 bits), next header. */
uint32_t checksum_add_ip6_pseudo(uint32_t sum, const struct in6_addr *source,
                                 const struct in6_addr *destination, uint32_t length,
                                 uint8_t next_header)
{
    sum = checksum_add(sum, source, sizeof *source);
    sum = checksum_add(sum, destination, sizeof *destination);
    sum = checksum_add_u16(sum, (uint16_t)(length >> 16));
    sum = checksum_add_u16(sum, (uint16_t)length);
    return checksum_add_u16(sum, next_header);
}
