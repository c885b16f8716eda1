#include "datagram.h"

#include <string.h>

#include "bytes.h"
#include "cursor.h"
#include "udp.h"

enum {
    IP4_TTL_AT = 8,
    IP4_CHECKSUM_AT = 10,
    IP4_SOURCE_AT = 12,
    IP4_DESTINATION_AT = 16,
    UDP_CHECKSUM_AT = 6,
    ICMP4_QUERY_AT = 4,
    ERROR_MAX_SIZE = 576,
};

/* A NAT translates what the obsolete source quench quotes, too. */
static bool is_error_type(uint8_t type)
{
    return icmp4_is_error(type) || type == ICMP4_SOURCE_QUENCH;
}

/* Reads the transport header of LAYER. An embedded one has only its first 8 bytes for certain. */
static bool parse_transport(struct reader *r, struct datagram_layer *layer)
{
    const uint8_t *p;

    layer->transport = r->offset;
    layer->from = (struct endpoint){.address = layer->ip.source};
    layer->to = (struct endpoint){.address = layer->ip.destination};
    if (layer->ip.more_fragments || layer->ip.fragment_offset != 0) {
        layer->kind = DATAGRAM_FRAGMENT;
        return true;
    }
    if (layer->ip.protocol != IP_PROTOCOL_UDP && layer->ip.protocol != IP_PROTOCOL_ICMP) {
        layer->kind = DATAGRAM_FOREIGN;
        return true;
    }
    p = reader_take(r, UDP_HEADER_SIZE);
    if (p == NULL)
        return false;
    if (layer->ip.protocol == IP_PROTOCOL_UDP) {
        layer->kind = DATAGRAM_UDP;
        layer->from.port = load_u16(p);
        layer->to.port = load_u16(p + 2);
        return layer->from.port != 0 && layer->to.port != 0;
    }
    layer->kind = DATAGRAM_OTHER;
    if (p[0] == ICMP4_ECHO || p[0] == ICMP4_ECHO_REPLY) {
        layer->kind = DATAGRAM_ECHO;
        layer->query = load_u16(p + ICMP4_QUERY_AT);
    } else if (is_error_type(p[0])) {
        layer->kind = DATAGRAM_ERROR;
    }
    return true;
}

static bool parse_inner(struct reader *r, struct datagram *d)
{
    struct wire_fault fault;

    d->inner = (struct datagram_layer){.at = r->offset};
    return ip4_decode(r, &d->inner.ip, true, &fault) && parse_transport(r, &d->inner);
}

bool datagram_parse(uint8_t *data, size_t size, struct datagram *out)
{
    struct reader r = reader_of(data, size);
    struct wire_fault fault;

    *out = (struct datagram){.data = data};
    if (!ip4_decode(&r, &out->outer.ip, false, &fault))
        return false;
    out->size = out->outer.ip.total_length;
    /* Link padding is no part of the datagram. */
    r.size = out->size;
    if (!parse_transport(&r, &out->outer))
        return false;
    out->is_icmp_error = out->outer.kind == DATAGRAM_ERROR;
    if (out->is_icmp_error && !parse_inner(&r, out))
        out->outer.kind = DATAGRAM_OTHER;
    return true;
}

/* RFC 1624 equation 3, for a 16-bit word that was OLD and is NEW. */
static uint16_t adjust(uint16_t checksum, uint16_t old, uint16_t new)
{
    uint32_t sum = (uint16_t)~checksum;

    sum += (uint16_t)~old;
    sum += new;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void adjust_at(uint8_t *checksum, uint16_t old, uint16_t new)
{
    store_u16(checksum, adjust(load_u16(checksum), old, new));
}

static void adjust_udp_at(uint8_t *checksum, uint16_t old, uint16_t new)
{
    uint16_t value = load_u16(checksum);

    if (value == 0)
        return;
    value = adjust(value, old, new);
    store_u16(checksum, value == 0 ? 0xffff : value);
}

/* Overwrites 16 bits of an address: the header's checksum and UDP's cover them. */
static void set_address_half(uint8_t *data, const struct datagram_layer *layer, size_t at,
                             uint16_t new)
{
    uint16_t old = load_u16(data + at);

    store_u16(data + at, new);
    adjust_at(data + layer->at + IP4_CHECKSUM_AT, old, new);
    if (layer->kind == DATAGRAM_UDP)
        adjust_udp_at(data + layer->transport + UDP_CHECKSUM_AT, old, new);
}

static void set_layer(uint8_t *data, struct datagram_layer *layer, enum datagram_side side,
                      struct endpoint to)
{
    size_t address = layer->at + (side == DATAGRAM_SOURCE ? IP4_SOURCE_AT : IP4_DESTINATION_AT);
    size_t port = layer->transport + (side == DATAGRAM_SOURCE ? 0 : 2);

    set_address_half(data, layer, address, (uint16_t)(to.address >> 16));
    set_address_half(data, layer, address + 2, (uint16_t)to.address);
    if (layer->kind == DATAGRAM_UDP) {
        uint16_t old = load_u16(data + port);

        store_u16(data + port, to.port);
        adjust_udp_at(data + layer->transport + UDP_CHECKSUM_AT, old, to.port);
    } else if (layer->kind == DATAGRAM_ECHO) {
        store_u16(data + layer->transport + ICMP4_QUERY_AT, to.port);
        adjust_at(data + layer->transport + ICMP4_CHECKSUM_AT, layer->query, to.port);
        layer->query = to.port;
        to.port = 0;
    } else {
        to.port = 0;
    }
    if (side == DATAGRAM_SOURCE)
        layer->from = to;
    else
        layer->to = to;
}

void datagram_set(struct datagram *d, enum datagram_side side, struct endpoint to)
{
    set_layer(d->data, &d->outer, side, to);
}

void datagram_set_inner(struct datagram *d, enum datagram_side side, struct endpoint to)
{
    uint8_t *inner = d->data + d->inner.at;
    size_t size = d->inner.transport + UDP_HEADER_SIZE - d->inner.at;
    uint8_t old[60 + UDP_HEADER_SIZE];

    memcpy(old, inner, size);
    set_layer(d->data, &d->inner, side, to);
    /* The ICMP checksum covers the embedded headers, their checksums among them. */
    for (size_t i = 0; i < size; i += 2)
        adjust_at(d->data + d->outer.transport + ICMP4_CHECKSUM_AT, load_u16(old + i),
                  load_u16(inner + i));
}

void datagram_decrement_ttl(struct datagram *d)
{
    uint8_t *p = d->data + d->outer.at + IP4_TTL_AT;
    uint16_t old = load_u16(p);

    d->outer.ip.ttl--;
    p[0]--;
    adjust_at(d->data + d->outer.at + IP4_CHECKSUM_AT, old, load_u16(p));
}

static bool is_unicast(uint32_t address)
{
    return address >> 24 != 0 && address >> 24 != 127 && address >> 28 < 0xe;
}

bool datagram_may_be_answered(const struct datagram *d)
{
    return !d->is_icmp_error && d->outer.ip.fragment_offset == 0 &&
           is_unicast(d->outer.ip.source) && is_unicast(d->outer.ip.destination);
}

size_t datagram_make_error(const struct datagram *d, struct icmp_error error,
                           uint8_t out[static 576])
{
    struct writer w = writer_of(out, ERROR_MAX_SIZE);
    size_t room = ERROR_MAX_SIZE - IP4_HEADER_SIZE - ICMP4_HEADER_SIZE;
    size_t quoted = d->size < room ? d->size : room;
    struct ip4_header ip = {
        .ttl = 64,
        .protocol = IP_PROTOCOL_ICMP,
        .source = error.reporter,
        .destination = d->outer.ip.source,
    };

    ip4_encode(&w, &ip, ICMP4_HEADER_SIZE + quoted);
    writer_u8(&w, error.type);
    writer_u8(&w, error.code);
    writer_zeros(&w, ICMP4_HEADER_SIZE - 2);
    writer_bytes(&w, d->data, quoted);
    writer_patch_u16(
        &w, IP4_HEADER_SIZE + ICMP4_CHECKSUM_AT,
        checksum_finish(checksum_add(0, out + IP4_HEADER_SIZE, ICMP4_HEADER_SIZE + quoted)));
    return w.size;
}
