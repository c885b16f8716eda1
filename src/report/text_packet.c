/* Teredo packets as text: a line, and below it a tree of all fields. */
#include <inttypes.h>

#include "packet.h"
#include "reporter.h"
#include "words.h"

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
            p = put_prefix(put_string(p, ", prefix "), &m->ra.prefix);
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

static char *put_trailer(char *p, const struct teredo_trailer *trailer)
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

static char *put_packet_line(struct stamp *stamp, char *p, const struct captured_packet *s)
{
    const struct teredo_packet *packet = &s->packet;
    const char *kind = captured_packet_kind(s);

    if (s->outside != CAPTURED_PACKET_ALONE) {
        p = s->timeless ? put_string(p, "-") : put_time(stamp, p, s->when);
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
    for (unsigned i = 0; i < teredo_kept_trailers(packet); i++)
        p = put_trailer(put_string(p, ", "), &packet->trailers[i]);
    p = put_decimal(put_string(p, ", "), s->size);
    p = put_string(p, " bytes");
    if (s->fragments > 0)
        p = put_string(put_decimal(put_string(p, " in "), s->fragments), " fragments");
    if (s->copy)
        p = put_string(p, ", a copy");
    for (unsigned i = 0; i < s->problem_count; i++) {
        p = put_string(put_string(p, "; "), wire_reason_code(s->problems[i].reason));
        p = put_decimal(put_string(p, " at byte "), s->problems[i].offset);
    }
    *p++ = '\n';
    return p;
}

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
    return end_line(put_teredo_flags(put_string(p, NAME_FLAGS), teredo.flags));
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
            p = put_prefix(put_string(p, "\n" NAME_PREFIX), &m->ra.prefix);
            p = put_decimal(put_string(p, ", valid "), m->ra.prefix.valid_lifetime);
            p = put_decimal(put_string(p, " s, preferred "), m->ra.prefix.preferred_lifetime);
            p = put_string(p, " s");
        }
    }
    return end_line(p);
}

static char *tree_bytes(char *p, struct bytes bytes)
{
    return end_line(put_hex(put_string(p, "0x"), bytes.data, bytes.size));
}

static char *put_packet_tree(char *p, const struct captured_packet *s)
{
    const struct teredo_packet *packet = &s->packet;
    const struct bytes payload = captured_packet_payload(s), tail = captured_packet_tail(s);

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
    for (unsigned i = 0; i < teredo_kept_trailers(packet); i++)
        p = end_line(put_trailer(put_string(p, NAME_TRAILER), &packet->trailers[i]));
    if (tail.size > 0)
        p = tree_bytes(put_string(p, NAME_TAIL), tail);
    for (unsigned i = 0; i < s->problem_count; i++) {
        p = put_string(put_string(p, NAME_PROBLEM), wire_reason_text(s->problems[i].reason));
        p = put_string(put_string(p, " ("), wire_reason_code(s->problems[i].reason));
        p = end_line(put_decimal(put_string(p, ") at byte "), s->problems[i].offset));
    }
    return p;
}

static void print_remarks(FILE *out, const struct capture_remarks *r)
{
    struct capture_remark lines[CAPTURE_REMARK_LINES];
    unsigned count = capture_remarks_lines(r, lines);

    for (unsigned i = 0; i < count; i++)
        fprintf(out, "  %-16s %s\n", lines[i].label, lines[i].text);
}

static void print_flows(FILE *out, const struct flows_summary *s)
{
    char first[RFC3339_STRLEN], last[RFC3339_STRLEN];

    fprintf(out, "%" PRIu64 " Teredo packets in %" PRIu64 " flows", s->packets, s->flows);
    fprintf(out, ", of %" PRIu64 " frames with %" PRIu64 " UDP datagrams over IPv4\n", s->frames,
            s->datagrams);
    if (s->packets > 0)
        fprintf(out, "  %-16s %s\n  %-16s %s\n", "first", words_time(s->first, first), "last",
                words_time(s->last, last));
    for (int i = 0; i < CAPTURED_PACKET_KINDS; i++)
        if (s->kinds[i] > 0)
            fprintf(out, "  %-16s %" PRIu64 "\n", teredo_kind_name((enum teredo_kind)i),
                    s->kinds[i]);
    if (s->unknown > 0)
        fprintf(out, "  %-16s %" PRIu64 "\n", "unknown", s->unknown);
    fprintf(out, "  %-16s %" PRIu64 "\n  %-16s %" PRIu64 "\n", "clients", s->clients, "servers",
            s->servers);
    fprintf(out, "  %-16s %" PRIu64 " with direct bubbles both ways, ", "hole punches",
            s->punches - s->answered_by_data);
    if (s->answered_by_data > 0)
        fprintf(out, "%" PRIu64 " one way with data both ways, ", s->answered_by_data);
    fprintf(out, "%" PRIu64 " one way\n", s->unanswered);
    if (s->forgotten > 0)
        fprintf(out,
                "  %-16s %" PRIu64
                " flows, clients and servers, the oldest; each may count twice\n",
                "forgotten", s->forgotten);
    if (s->dropped > 0)
        fprintf(out, "  %-16s %" PRIu64 " frames, by the kernel\n", "dropped", s->dropped);
    print_remarks(out, &s->remarks);
    for (int i = 0; i < WIRE_REASON_COUNT; i++)
        if (s->reasons[i] > 0)
            fprintf(out, "  %-16s %" PRIu64 " %s (%s)\n", "problem", s->reasons[i],
                    wire_reason_text((enum wire_reason)i), wire_reason_code((enum wire_reason)i));
}

/* The most that a packet takes: all its bytes as hexadecimal digits, and the rest. */
enum {
    PACKET_ROOM = 2 * 65536 + 16384
};

void packet_put(struct text_buffer *b, const struct captured_packet *s, enum packet_parts parts)
{
    char *p = text_buffer_reserve(b, PACKET_ROOM);

    if ((parts & PACKET_LINE) != 0)
        p = put_packet_line(&b->stamp, p, s);
    if ((parts & PACKET_TREE) != 0)
        p = put_packet_tree(p, s);
    text_buffer_advance(b, p);
}

void text_packet(struct reporter *r, const struct event *e)
{
    packet_put(&r->buffer, e->packet, r->config.verbose ? PACKET_LINE | PACKET_TREE : PACKET_LINE);
}

void text_flows(struct reporter *r, const struct event *e)
{
    if (reporter_is_result(r, e))
        print_flows(r->config.out, e->flows);
}
