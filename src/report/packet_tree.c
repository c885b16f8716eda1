#include "address.h"
#include "ip6_text.h"
#include "packet.h"

/* Two blanks, the name, blanks up to the column of the values. */
#define NAME_FRAME "  frame            "
#define NAME_IPV4 "  ipv4             "
#define NAME_UDP "  udp              "
#define NAME_AUTH "  authentication   "
#define NAME_ORIGIN "  origin           "
#define NAME_IPV6 "  ipv6             "
#define NAME_SOURCE "  source           "
#define NAME_DESTINATION "  destination      "
#define NAME_SERVER "    server         "
#define NAME_MAPPED "    mapped         "
#define NAME_FLAGS "    flags          "
#define NAME_PAYLOAD "  payload          "
#define NAME_ICMPV6 "  icmpv6           "
#define NAME_PREFIX "    prefix         "
#define NAME_TRAILER "  trailer          "
#define NAME_TAIL "  tail             "
#define NAME_PROBLEM "  problem          "

static char *put_ip6(char *p, const struct in6_addr *address)
{
    return p + ip6_format(address, p);
}

static char *end_line(char *p)
{
    *p++ = '\n';
    return p;
}

static char *tree_outer(char *p, const struct captured_packet *s)
{
    const struct ip4_header *ip = &s->udp.ip;

    p = put_decimal(put_string(p, NAME_IPV4 "ttl "), ip->ttl);
    p = put_hex(put_string(p, ", tos 0x"), &ip->tos, 1);
    p = put_hex16(put_string(p, ", id "), ip->id);
    if (ip->dont_fragment)
        p = put_string(p, ", don't fragment");
    if (ip->more_fragments)
        p = put_string(p, ", first fragment");
    p = put_decimal(put_string(p, "\n" NAME_UDP "length "), s->udp.length);
    return end_line(put_hex16(put_string(p, ", checksum "), s->udp.checksum));
}

static char *tree_auth(char *p, const struct teredo_auth *auth)
{
    p = put_hex(put_string(p, NAME_AUTH "nonce "), auth->nonce, sizeof auth->nonce);
    p = put_decimal(put_string(p, ", confirmation "), auth->confirmation);
    if (auth->client_id_size > 0)
        p = put_hex(put_string(p, ", client id 0x"), auth->client_id, auth->client_id_size);
    if (auth->value_size > 0)
        p = put_hex(put_string(p, ", value 0x"), auth->value, auth->value_size);
    return end_line(p);
}

static char *tree_address(char *p, const struct in6_addr *address)
{
    struct teredo_addr teredo;

    p = end_line(put_ip6(p, address));
    if (!teredo_addr_decode(address, &teredo))
        return p;
    p = end_line(put_ip4(put_string(p, NAME_SERVER), teredo.server));
    p = end_line(put_endpoint(put_string(p, NAME_MAPPED), teredo.mapped));
    return end_line(address_put_flags(put_string(p, NAME_FLAGS), teredo.flags));
}

static char *tree_ip6(char *p, const struct ip6_header *ip6)
{
    p = put_decimal(put_string(p, NAME_IPV6 "next header "), ip6->next_header);
    p = put_decimal(put_string(p, ", payload "), ip6->payload_length);
    p = put_decimal(put_string(p, " bytes, hop limit "), ip6->hop_limit);
    p = put_hex(put_string(p, ", traffic class 0x"), &ip6->traffic_class, 1);
    p = put_decimal(put_string(p, ", flow label "), ip6->flow_label);
    p = tree_address(put_string(end_line(p), NAME_SOURCE), &ip6->source);
    return tree_address(put_string(p, NAME_DESTINATION), &ip6->destination);
}

static char *tree_icmp6(char *p, const struct icmp6_message *m)
{
    p = put_decimal(put_string(p, NAME_ICMPV6 "type "), m->type);
    p = put_decimal(put_string(p, ", code "), m->code);
    p = put_hex16(put_string(p, ", checksum "), m->checksum);
    if (m->type == ICMP6_TYPE_RA) {
        p = put_decimal(put_string(p, ", router lifetime "), m->ra.router_lifetime);
        p = put_decimal(put_string(p, " s, retransmit timer "), m->ra.retransmit_timer);
        p = put_string(p, " ms");
        if (m->ra.prefix_count > 0) {
            p = packet_put_prefix(put_string(p, "\n" NAME_PREFIX), &m->ra.prefix);
            p = put_decimal(put_string(p, ", valid "), m->ra.prefix.valid_lifetime);
            p = put_decimal(put_string(p, " s, preferred "), m->ra.prefix.preferred_lifetime);
            p = put_string(p, " s");
        }
    }
    return end_line(p);
}

static char *tree_bytes(char *p, struct captured_packet_bytes bytes)
{
    return end_line(put_hex(put_string(p, "0x"), bytes.data, bytes.size));
}

char *packet_put_tree(char *p, const struct captured_packet *s)
{
    const struct teredo_packet *packet = &s->packet;
    const struct captured_packet_bytes payload = captured_packet_payload(s),
                                       tail = captured_packet_tail(s);

    if (s->frame > 0)
        p = end_line(put_decimal(put_string(p, NAME_FRAME), s->frame));
    if (s->outside == CAPTURED_PACKET_CAPTURED)
        p = tree_outer(p, s);
    if (packet->has_auth)
        p = tree_auth(p, &packet->auth);
    if (packet->has_origin)
        p = end_line(put_endpoint(put_string(p, NAME_ORIGIN), packet->origin));
    if (s->extent >= TEREDO_HEADER)
        p = tree_ip6(p, &packet->ip6);
    if (captured_packet_has_icmp6(s))
        p = tree_icmp6(p, &packet->icmp6);
    if (payload.size > 0)
        p = tree_bytes(put_string(p, NAME_PAYLOAD), payload);
    for (unsigned i = 0; i < packet_kept_trailers(packet); i++)
        p = end_line(packet_put_trailer(put_string(p, NAME_TRAILER), &packet->trailers[i]));
    if (tail.size > 0)
        p = tree_bytes(put_string(p, NAME_TAIL), tail);
    for (unsigned i = 0; i < s->problem_count; i++) {
        p = put_string(put_string(p, NAME_PROBLEM), wire_reason_text(s->problems[i].reason));
        p = put_string(put_string(p, " ("), wire_reason_code(s->problems[i].reason));
        p = end_line(put_decimal(put_string(p, ") at byte "), s->problems[i].offset));
    }
    return p;
}
