#include "udp.h"

#include <stddef.h>

#include "bytes.h"

/* The running sum of the pseudo-header of RFC 768. */
static uint32_t pseudo_sum(uint32_t source, uint32_t destination, size_t size)
{
    uint8_t pseudo[12];

    store_u32(pseudo, source);
    store_u32(pseudo + 4, destination);
    pseudo[8] = 0;
    pseudo[9] = IP_PROTOCOL_UDP;
    store_u16(pseudo + 10, (uint16_t)size);
    return checksum_add(0, pseudo, sizeof pseudo);
}

/* The checksum field over that and SEGMENT (UDP header and data). Of a segment whose field is
 * filled in and right, the result is 0. */
static uint16_t segment_checksum(uint32_t source, uint32_t destination, const uint8_t *segment,
                                 size_t size)
{
    return checksum_finish(checksum_add(pseudo_sum(source, destination, size), segment, size));
}

/* RFC 768:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-------------------------------+-------------------------------+
 *   0 |          Source port          |       Destination port        |
 *     +-------------------------------+-------------------------------+
 *   4 |    Length (header and data)   |     Checksum (0 = none)       |
 *     +-------------------------------+-------------------------------+
 */
static bool decode_udp(struct reader *r, bool truncated_ok, struct udp_datagram *out,
                       struct wire_fault *fault)
{
    const uint8_t *udp;
    size_t start, claimed, have, length;

    out->unfilled = false;
    if (out->ip.fragment_offset != 0)
        return wire_fail(fault, WIRE_IP4_FRAGMENT, 6);
    if (out->ip.protocol != IP_PROTOCOL_UDP)
        return wire_fail(fault, WIRE_NOT_UDP, 9);

    /* What follows the total length is padding of the link, not the packet. */
    start = r->offset;
    if (r->size > out->ip.total_length)
        r->size = out->ip.total_length;
    claimed = out->ip.total_length - start;
    have = reader_left(r);
    udp = reader_take(r, UDP_HEADER_SIZE);
    if (udp == NULL)
        return wire_fail(fault, WIRE_TRUNCATED, r->size);
    out->from = (struct endpoint){out->ip.source, load_u16(udp)};
    out->to = (struct endpoint){out->ip.destination, load_u16(udp + 2)};
    out->length = load_u16(udp + 4);
    out->checksum = load_u16(udp + 6);
    if (out->length < UDP_HEADER_SIZE)
        return wire_fail(fault, WIRE_UDP_LENGTH, start + 4);
    length = out->length;
    if (length > claimed && !(truncated_ok && out->ip.more_fragments))
        length = claimed;
    out->truncated = length > have;
    out->payload_size = (out->truncated ? have : length) - UDP_HEADER_SIZE;
    out->payload = reader_take(r, out->payload_size);
    if (length < out->length)
        return wire_fail(fault, WIRE_UDP_LENGTH, start + 4);
    if (out->checksum != 0 && !out->truncated &&
        segment_checksum(out->ip.source, out->ip.destination, udp, out->length) != 0)
        return wire_fail(fault, WIRE_UDP_CHECKSUM, start + 6);
    return true;
}

bool udp4_decode(const uint8_t *data, size_t size, bool truncated_ok, struct udp_datagram *out,
                 struct wire_fault *fault)
{
    struct reader r = reader_of(data, size);

    return ip4_decode(&r, &out->ip, truncated_ok, fault) &&
           decode_udp(&r, truncated_ok, out, fault);
}

/* What Linux writes into the field when the network card is to fill it in: the sum of the
 * pseudo-header, as it is. */
static uint16_t left_to_the_card(uint32_t source, uint32_t destination, size_t length)
{
    return checksum_finish(pseudo_sum(source, destination, length)) ^ 0xffff;
}

bool udp4_dissect(const uint8_t *data, size_t size, struct udp_datagram *out,
                  struct wire_fault *fault)
{
    struct reader r = reader_of(data, size);
    bool wrong_header = false;

    if (!ip4_decode(&r, &out->ip, true, fault)) {
        if (fault->reason != WIRE_IP4_CHECKSUM)
            return false;
        wrong_header = true;
    }
    if (decode_udp(&r, true, out, fault)) {
        fault->reason = WIRE_OK;
    } else if (fault->reason == WIRE_UDP_CHECKSUM &&
               out->checksum ==
                   left_to_the_card(out->ip.source, out->ip.destination, out->length)) {
        out->unfilled = true;
        fault->reason = WIRE_OK;
    }
    if (fault->reason == WIRE_UDP_LENGTH)
        return out->length >= UDP_HEADER_SIZE;
    if (fault->reason != WIRE_OK && fault->reason != WIRE_UDP_CHECKSUM)
        return false;
    if (wrong_header) {
        out->unfilled |= out->ip.checksum == 0;
        wire_fail(fault, WIRE_IP4_CHECKSUM, 10);
    }
    return true;
}

static uint16_t chosen_checksum(const struct udp_options *options, uint16_t right,
                                uint16_t unfilled)
{
    uint16_t wrong = right;

    /* RFC 768: a sum of zero is sent as all ones, for zero says that there is none. */
    if (right == 0)
        right = 0xffff;
    switch (options->checksum) {
    case UDP_CHECKSUM_RIGHT:
        break;
    case UDP_CHECKSUM_ZERO:
        return 0;
    case UDP_CHECKSUM_WRONG:
        /* Neither none nor one that a capture excuses. */
        for (uint16_t bit = 1; wrong == right || wrong == 0 || wrong == unfilled; bit <<= 1)
            wrong = right ^ bit;
        return wrong;
    }
    return right;
}

size_t udp4_encode(uint8_t *out, size_t capacity, const struct udp_message *message,
                   const struct udp_options *options)
{
    static const struct udp_options usual;
    struct writer w = writer_of(out, capacity);
    struct ip4_header ip;
    uint16_t right, unfilled;
    size_t length;

    if (message->size > UINT16_MAX - IP4_HEADER_SIZE - UDP_HEADER_SIZE)
        return 0;
    if (options == NULL)
        options = &usual;
    length = UDP_HEADER_SIZE + message->size;
    ip = (struct ip4_header){
        .tos = options->tos,
        .id = options->id,
        .dont_fragment = options->dont_fragment,
        .ttl = options->ttl != 0 ? options->ttl : UDP_DEFAULT_TTL,
        .protocol = IP_PROTOCOL_UDP,
        .source = message->from.address,
        .destination = message->to.address,
    };
    ip4_encode(&w, &ip, length);
    writer_u16(&w, message->from.port);
    writer_u16(&w, message->to.port);
    writer_u16(&w, (uint16_t)length);
    writer_u16(&w, 0);
    writer_bytes(&w, message->payload, message->size);
    if (w.failed)
        return 0;
    right =
        segment_checksum(message->from.address, message->to.address, out + IP4_HEADER_SIZE, length);
    unfilled = left_to_the_card(message->from.address, message->to.address, length);
    writer_patch_u16(&w, IP4_HEADER_SIZE + 6, chosen_checksum(options, right, unfilled));
    return w.size;
}
