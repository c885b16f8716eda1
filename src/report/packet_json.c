#include "ip6_text.h"
#include "json_put.h"
#include "packet.h"

static char *put_ip6_pair(char *p, const char *key, const struct in6_addr *address)
{
    p = json_put_key(p, key);
    *p++ = '"';
    p += ip6_format(address, p);
    *p++ = '"';
    return p;
}

/* The first key of an object, which no comma precedes. */
static char *put_object(char *p, const char *key, const char *first)
{
    p = put_string(json_put_key(p, key), "{\"");
    return put_string(put_string(p, first), "\":");
}

static char *put_where(struct stamp *stamp, char *p, const struct captured_packet *s)
{
    if (s->outside == CAPTURED_PACKET_ALONE)
        return put_string(p, ",\"when\":null,\"from\":null,\"to\":null");
    p = stamp_put(stamp, put_string(p, ",\"when\":\""), s->when);
    *p++ = '"';
    p = json_put_endpoint(p, "from", s->udp.from);
    return json_put_endpoint(p, "to", s->udp.to);
}

static char *put_outer(char *p, const struct captured_packet *s)
{
    const struct ip4_header *ip = &s->udp.ip;

    if (s->outside != CAPTURED_PACKET_CAPTURED)
        return put_string(p, ",\"ipv4\":null,\"udp\":null");
    p = put_decimal(put_object(p, "ipv4", "ttl"), ip->ttl);
    p = json_put_number(p, "tos", ip->tos);
    p = json_put_number(p, "id", ip->id);
    p = json_put_flag(p, "dont_fragment", ip->dont_fragment);
    p = json_put_flag(p, "more_fragments", ip->more_fragments);
    p = put_decimal(put_string(p, "},\"udp\":{\"length\":"), s->udp.length);
    p = put_hex16(put_string(p, ",\"checksum\":\""), s->udp.checksum);
    return put_string(p, "\"}");
}

static char *put_encapsulations(char *p, const struct teredo_packet *packet)
{
    const struct teredo_auth *auth = &packet->auth;

    if (packet->has_auth) {
        p = put_string(json_put_key(p, "auth"), "{\"client_id\":\"");
        p = put_hex(p, auth->client_id, auth->client_id_size);
        *p++ = '"';
        p = json_put_hex(p, "value", auth->value, auth->value_size);
        p = json_put_hex(p, "nonce", auth->nonce, sizeof auth->nonce);
        p = json_put_number(p, "confirmation", auth->confirmation);
        *p++ = '}';
    } else {
        p = json_put_null(p, "auth");
    }
    return packet->has_origin ? json_put_endpoint(p, "origin", packet->origin)
                              : json_put_null(p, "origin");
}

static char *put_ip6(char *p, const struct ip6_header *ip6)
{
    p = put_string(put_object(p, "ipv6", "source"), "\"");
    p += ip6_format(&ip6->source, p);
    *p++ = '"';
    p = put_ip6_pair(p, "destination", &ip6->destination);
    p = json_put_number(p, "hop_limit", ip6->hop_limit);
    p = json_put_number(p, "next_header", ip6->next_header);
    p = json_put_number(p, "payload_length", ip6->payload_length);
    p = json_put_number(p, "traffic_class", ip6->traffic_class);
    p = json_put_number(p, "flow_label", ip6->flow_label);
    *p++ = '}';
    return p;
}

static char *put_parts(char *p, const struct in6_addr *address)
{
    struct teredo_addr teredo;

    if (!teredo_addr_decode(address, &teredo))
        return put_string(p, "null");
    p = put_ip4(put_string(p, "{\"server\":\""), teredo.server);
    *p++ = '"';
    p = json_put_endpoint(p, "mapped", teredo.mapped);
    p = json_put_teredo_flags(p, teredo.flags);
    *p++ = '}';
    return p;
}

static char *put_teredo(char *p, const struct ip6_header *ip6)
{
    p = put_parts(put_object(p, "teredo", "source"), &ip6->source);
    p = put_parts(json_put_key(p, "destination"), &ip6->destination);
    *p++ = '}';
    return p;
}

static char *put_icmp6(char *p, const struct icmp6_message *m)
{
    bool echo = m->type == ICMP6_TYPE_ECHO_REQUEST || m->type == ICMP6_TYPE_ECHO_REPLY;
    bool ra = m->type == ICMP6_TYPE_RA;

    p = put_decimal(put_object(p, "icmp6", "type"), m->type);
    p = json_put_number(p, "code", m->code);
    p = echo ? json_put_number(p, "id", m->echo.id) : json_put_null(p, "id");
    p = echo ? json_put_number(p, "sequence", m->echo.sequence) : json_put_null(p, "sequence");
    if (ra && m->ra.prefix_count > 0) {
        p = put_ip6_pair(p, "prefix", &m->ra.prefix.prefix) - 1;
        *p++ = '/';
        p = put_decimal(p, m->ra.prefix.length);
        *p++ = '"';
    } else {
        p = json_put_null(p, "prefix");
    }
    p = ra && m->ra.mtu != 0 ? json_put_number(p, "mtu", m->ra.mtu) : json_put_null(p, "mtu");
    *p++ = '}';
    return p;
}

static char *put_bytes_or_null(char *p, const char *key, struct captured_packet_bytes bytes)
{
    return bytes.data == NULL ? json_put_null(p, key)
                              : json_put_hex(p, key, bytes.data, bytes.size);
}

const char *packet_trailer_name(uint8_t type)
{
    switch ((enum teredo_trailer_type)type) {
    case TRAILER_NONCE:
        return "nonce";
    case TRAILER_ALTERNATE_ADDRESS:
        return "alternate_address";
    case TRAILER_ND_OPTION:
        return "nd_option";
    case TRAILER_RANDOM_PORT:
        return "random_port";
    }
    return NULL;
}

static char *put_trailers(char *p, const struct captured_packet *s)
{
    const struct teredo_packet *packet = &s->packet;

    p = put_string(json_put_key(p, "trailers"), "[");
    for (unsigned i = 0; i < packet_kept_trailers(packet); i++) {
        const struct teredo_trailer *trailer = &packet->trailers[i];
        const char *name = packet_trailer_name(trailer->type);

        if (i > 0)
            *p++ = ',';
        p = put_decimal(put_string(p, "{\"type\":"), trailer->type);
        p = name == NULL ? json_put_null(p, "name") : json_put_pair(p, "name", name);
        p = json_put_hex(p, "value", trailer->value, trailer->size);
        *p++ = '}';
    }
    *p++ = ']';
    return p;
}

static char *put_problems(char *p, const struct captured_packet *s)
{
    p = put_string(json_put_key(p, "problems"), "[");
    for (unsigned i = 0; i < s->problem_count; i++) {
        p = put_string(p, i > 0 ? ",{\"reason\":\"" : "{\"reason\":\"");
        p = put_string(p, wire_reason_code(s->problems[i].reason));
        p = put_decimal(put_string(p, "\",\"offset\":"), s->problems[i].offset);
        *p++ = '}';
    }
    *p++ = ']';
    return p;
}

char *packet_put_json(struct stamp *stamp, char *p, const struct captured_packet *s)
{
    const char *kind = captured_packet_kind(s);

    p = put_where(stamp, p, s);
    p = json_put_number(p, "size", s->size);
    p = kind == NULL ? json_put_null(p, "kind") : json_put_pair(p, "kind", kind);
    p = put_outer(p, s);
    p = put_encapsulations(p, &s->packet);
    if (s->extent >= TEREDO_HEADER)
        p = put_teredo(put_ip6(p, &s->packet.ip6), &s->packet.ip6);
    else
        p = put_string(p, ",\"ipv6\":null,\"teredo\":null");
    p = captured_packet_has_icmp6(s) ? put_icmp6(p, &s->packet.icmp6) : json_put_null(p, "icmp6");
    p = put_bytes_or_null(p, "payload", captured_packet_payload(s));
    p = put_trailers(p, s);
    p = put_bytes_or_null(p, "tail", captured_packet_tail(s));
    return put_problems(p, s);
}
