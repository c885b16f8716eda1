#include "recognize.h"

enum {
    GENEVE_PORT = 6081,
    GENEVE_IP6 = 0x86dd, /* what a Geneve header has where an origin indication has its port */
};

static bool is_teredo(const struct in6_addr *address)
{
    struct teredo_addr unused;

    return teredo_addr_decode(address, &unused);
}

/* Geneve without options: 0000 86dd, virtual network identifier (24 bits), 00 (RFC 8926 3.4). */
static bool is_geneve(const struct teredo_packet *p, struct endpoint from, struct endpoint to)
{
    return p->has_origin && !p->has_auth && (to.port == GENEVE_PORT || from.port == GENEVE_PORT) &&
           p->origin.port == (uint16_t)~GENEVE_IP6 && (p->origin.address & 0xff) == 0xff;
}

static bool is_link_pair(const struct ip6_header *ip6)
{
    const uint8_t *to = ip6->destination.s6_addr;

    return ip6_is_link_local(&ip6->source) &&
           (ip6_is_link_local(&ip6->destination) || (to[0] == 0xff && (to[1] & 0x0f) == 2));
}

static bool is_plausible_origin(const struct teredo_packet *p)
{
    uint8_t first = (uint8_t)(p->origin.address >> 24);

    return !p->has_origin || (p->origin.port != 0 && first != 0 && first < 224);
}

bool recognize_packet(const struct teredo_packet *packet, enum teredo_extent extent,
                      enum wire_reason reason, struct endpoint from, struct endpoint to)
{
    const struct ip6_header *ip6 = &packet->ip6;
    bool source, destination;

    if (extent == TEREDO_NOTHING || is_geneve(packet, from, to))
        return false;
    source = is_teredo(&ip6->source);
    destination = is_teredo(&ip6->destination);
    if (reason == WIRE_IP6_PAYLOAD_LENGTH)
        return (source && (destination || ip6_is_link_local(&ip6->destination))) ||
               (destination && ip6_is_link_local(&ip6->source));
    if (source || destination)
        return true;
    return extent >= TEREDO_KIND &&
           (packet->kind == TEREDO_BUBBLE || packet->kind == TEREDO_RS ||
            packet->kind == TEREDO_RA) &&
           is_link_pair(ip6) && is_plausible_origin(packet);
}

bool recognize_is_too_short(const struct teredo_packet *packet, enum teredo_extent extent,
                            enum wire_reason reason)
{
    if (reason != WIRE_TRUNCATED)
        return false;
    return extent == TEREDO_NOTHING ||
           (extent == TEREDO_HEADER && is_link_pair(&packet->ip6) && is_plausible_origin(packet));
}
