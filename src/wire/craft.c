#include "craft.h"

enum {
    ICMP6_CHECKSUM_OFFSET = 2,
    ICMP6_MIN_SIZE = 4,
    TRAILER_HEADER_SIZE = 2,
};

/* Over the payload that begins at OFFSET of what W holds, whose checksum field is still 0. */
static void fill_icmp6_checksum(struct writer *w, size_t offset, const struct craft *c)
{
    const struct ip6_header *ip6 = &c->packet.ip6;
    size_t size = c->packet.payload_size;
    uint32_t sum = checksum_add_ip6_pseudo(0, &ip6->source, &ip6->destination, (uint32_t)size,
                                           IP_PROTOCOL_ICMP6);

    writer_patch_u16(w, offset + ICMP6_CHECKSUM_OFFSET, 0);
    if (!w->failed)
        writer_patch_u16(w, offset + ICMP6_CHECKSUM_OFFSET,
                         checksum_finish(checksum_add(sum, w->data + offset, size)));
}

void craft_payload(struct writer *w, const struct craft *c)
{
    const struct teredo_packet *p = &c->packet;
    struct ip6_header ip6 = p->ip6;
    size_t offset;

    if (c->raw != NULL) {
        writer_bytes(w, c->raw, c->raw_size);
        return;
    }
    if (!teredo_put_encapsulations(w, p))
        return;
    if (!c->lies_about_length)
        ip6.payload_length = (uint16_t)p->payload_size;
    ip6_encode(w, &ip6);
    offset = w->size;
    writer_bytes(w, p->payload, p->payload_size);
    if (c->icmp6_checksum && p->payload_size >= ICMP6_MIN_SIZE)
        fill_icmp6_checksum(w, offset, c);
    for (unsigned i = 0; i < p->trailer_count; i++) {
        writer_u8(w, p->trailers[i].type);
        writer_u8(w, p->trailers[i].size);
        writer_bytes(w, p->trailers[i].value, p->trailers[i].size);
    }
    writer_bytes(w, c->tail, c->tail_size);
}

size_t craft_encode(const struct craft *c, uint8_t *out, size_t capacity)
{
    uint8_t payload[CRAFT_MAX_PAYLOAD];
    struct writer w = writer_of(payload, sizeof payload);

    craft_payload(&w, c);
    return w.failed ? 0
                    : udp4_encode(out, capacity,
                                  &(struct udp_message){c->from, c->to, payload, w.size}, &c->udp);
}

/* Every trailer that fits, whether its type and length make sense or not: all of them can be
 * written again. */
static void take_trailers(struct craft *c, const uint8_t *data, size_t size)
{
    struct teredo_packet *p = &c->packet;
    struct reader r = reader_of(data, size);

    p->trailer_count = 0;
    while (reader_left(&r) >= TRAILER_HEADER_SIZE && p->trailer_count < TEREDO_MAX_TRAILERS) {
        struct reader next = r;
        struct teredo_trailer *trailer = &p->trailers[p->trailer_count];

        trailer->type = reader_u8(&next);
        trailer->size = reader_u8(&next);
        trailer->value = reader_take(&next, trailer->size);
        if (trailer->value == NULL)
            break;
        p->trailer_count++;
        r = next;
    }
    c->tail_size = reader_left(&r);
    c->tail = reader_take(&r, c->tail_size);
}

/* The UDP payload. Where teredo_decode objects to something behind the IPv6 header, that header and
 * what precedes it are there all the same. */
static void take_payload(struct craft *c, const uint8_t *data, size_t size,
                         struct wire_fault *fault)
{
    struct teredo_packet *p = &c->packet;
    size_t begin;

    if (!teredo_decode(data, size, p, fault) && fault->reason != WIRE_IP6_PAYLOAD_LENGTH &&
        fault->reason != WIRE_ICMP6_CHECKSUM && fault->reason != WIRE_ICMP6_TRUNCATED &&
        fault->reason != WIRE_ND_OPTION_LENGTH && fault->reason != WIRE_TRAILER_MUST_DISCARD) {
        c->raw = data;
        c->raw_size = size;
        return;
    }
    begin = p->ip6_offset + IP6_HEADER_SIZE;
    if (fault->reason == WIRE_IP6_PAYLOAD_LENGTH) {
        c->lies_about_length = true;
    }
    if (fault->reason == WIRE_OK || fault->reason == WIRE_TRAILER_LENGTH ||
        fault->reason == WIRE_TRAILER_MUST_DISCARD)
        c->icmp6_checksum = p->ip6.next_header == IP_PROTOCOL_ICMP6;
    take_trailers(c, data + begin + p->payload_size, size - begin - p->payload_size);
}

bool craft_decode(const uint8_t *data, size_t size, struct craft *out, struct wire_fault *fault)
{
    struct udp_datagram d;

    *out = (struct craft){0};
    if (!udp4_decode(data, size, false, &d, fault) && fault->reason != WIRE_UDP_CHECKSUM)
        return false;
    if (d.ip.more_fragments)
        return wire_fail(fault, WIRE_IP4_FRAGMENT, 6);
    out->from = d.from;
    out->to = d.to;
    out->udp = (struct udp_options){
        .ttl = d.ip.ttl,
        .tos = d.ip.tos,
        .id = d.ip.id,
        .dont_fragment = d.ip.dont_fragment,
        .checksum = d.checksum == 0 ? UDP_CHECKSUM_ZERO : UDP_CHECKSUM_RIGHT,
    };
    take_payload(out, d.payload, d.payload_size, fault);
    return true;
}
