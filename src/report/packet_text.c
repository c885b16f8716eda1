#include "ip6_text.h"
#include "packet.h"

static char *put_ip6(char *p, const struct in6_addr *address)
{
    return p + ip6_format(address, p);
}

char *packet_put_prefix(char *p, const struct icmp6_prefix *prefix)
{
    p = put_ip6(p, &prefix->prefix);
    *p++ = '/';
    return put_decimal(p, prefix->length);
}

/* What only this kind of packet has. */
static char *put_details(char *p, const struct captured_packet *s)
{
    const struct icmp6_message *m = &s->packet.icmp6;

    if (s->extent >= TEREDO_KIND && s->packet.kind == TEREDO_DATA)
        return put_decimal(put_string(p, ", next header "), s->packet.ip6.next_header);
    if (!captured_packet_has_icmp6(s))
        return p;
    switch (s->packet.kind) {
    case TEREDO_RA:
        if (m->ra.prefix_count > 0)
            p = packet_put_prefix(put_string(p, ", prefix "), &m->ra.prefix);
        return m->ra.mtu == 0 ? p : put_decimal(put_string(p, ", mtu "), m->ra.mtu);
    case TEREDO_ECHO_REQUEST:
    case TEREDO_ECHO_REPLY:
        p = put_decimal(put_string(p, ", id "), m->echo.id);
        return put_decimal(put_string(p, ", seq "), m->echo.sequence);
    case TEREDO_ICMP6:
        p = put_decimal(put_string(p, ", type "), m->type);
        return put_decimal(put_string(p, ", code "), m->code);
    case TEREDO_BUBBLE:
    case TEREDO_RS:
    case TEREDO_DATA:
        break;
    }
    return p;
}

char *packet_put_trailer(char *p, const struct teredo_trailer *trailer)
{
    const uint8_t *value = trailer->value;

    /* The lengths are as the types ask for: teredo_decode has made sure. */
    switch (trailer->type) {
    case TRAILER_NONCE:
        return put_hex(put_string(p, "nonce 0x"), value, trailer->size);
    case TRAILER_ALTERNATE_ADDRESS: {
        struct reader r = reader_of(value, trailer->size);

        p = put_string(p, "alternate address");
        reader_u16(&r);
        while (reader_left(&r) > 0) {
            struct endpoint e = {.address = reader_u32(&r)};

            e.port = reader_u16(&r);
            *p++ = ' ';
            p = put_endpoint(p, e);
        }
        return p;
    }
    case TRAILER_ND_OPTION:
        p = put_string(p, "nd option ");
        return value[0] == 0   ? put_string(p, "solicitation")
               : value[0] == 1 ? put_string(p, "advertisement")
                               : put_decimal(p, value[0]);
    case TRAILER_RANDOM_PORT:
        return put_decimal(put_string(p, "random port "), (unsigned)value[0] << 8 | value[1]);
    default:
        p = put_decimal(put_string(p, "trailer "), trailer->type);
        *p++ = ':';
        return put_hex(p, value, trailer->size);
    }
}

unsigned packet_kept_trailers(const struct teredo_packet *packet)
{
    return packet->trailer_count < TEREDO_MAX_TRAILERS ? packet->trailer_count
                                                       : TEREDO_MAX_TRAILERS;
}

char *packet_put_line(struct stamp *stamp, char *p, const struct captured_packet *s)
{
    const struct teredo_packet *packet = &s->packet;
    const char *kind = captured_packet_kind(s);

    if (s->outside != CAPTURED_PACKET_ALONE) {
        p = stamp_put(stamp, p, s->when);
        *p++ = ' ';
        p = put_endpoint(p, s->udp.from);
        p = put_endpoint(put_string(p, " > "), s->udp.to);
        p = put_string(p, ": ");
    }
    p = put_string(p, kind == NULL ? "unknown" : kind);
    if (s->extent >= TEREDO_HEADER) {
        *p++ = ' ';
        p = put_ip6(p, &packet->ip6.source);
        p = put_ip6(put_string(p, " > "), &packet->ip6.destination);
        p = put_details(p, s);
        p = put_decimal(put_string(p, ", hop limit "), packet->ip6.hop_limit);
    }
    if (packet->has_auth)
        p = put_hex(put_string(p, ", auth nonce "), packet->auth.nonce, TEREDO_NONCE_SIZE);
    if (packet->has_origin)
        p = put_endpoint(put_string(p, ", origin "), packet->origin);
    for (unsigned i = 0; i < packet_kept_trailers(packet); i++)
        p = packet_put_trailer(put_string(p, ", "), &packet->trailers[i]);
    p = put_decimal(put_string(p, ", "), s->size);
    p = put_string(p, " bytes");
    for (unsigned i = 0; i < s->problem_count; i++) {
        p = put_string(put_string(p, "; "), wire_reason_code(s->problems[i].reason));
        p = put_decimal(put_string(p, " at byte "), s->problems[i].offset);
    }
    *p++ = '\n';
    return p;
}
