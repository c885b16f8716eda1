#include "captured_packet.h"

static const char *kind_code(unsigned kind)
{
    return teredo_kind_name((enum teredo_kind)kind);
}

/* What is all right has none. */
static const char *reason_code(unsigned reason)
{
    return reason != WIRE_OK ? wire_reason_code((enum wire_reason)reason) : NULL;
}

static const struct words packet_kinds = {
    .name = "packet_kind", .count = CAPTURED_PACKET_KINDS, .code = kind_code};
static const struct words wire_reasons = {
    .name = "wire_reason", .count = WIRE_REASON_COUNT, .code = reason_code};

RECORD_VALUE(is_cone, uint16_t, bool, (*r & TEREDO_FLAG_CONE) != 0)
RECORD_VALUE(is_reserved, uint16_t, bool, (*r & TEREDO_FLAG_RESERVED) != 0)
RECORD_VALUE(is_universal, uint16_t, bool, (*r & TEREDO_FLAG_UNIVERSAL) != 0)
RECORD_VALUE(is_group, uint16_t, bool, (*r & TEREDO_FLAG_GROUP) != 0)
RECORD_VALUE(random_bits, uint16_t, uint16_t, *r &TEREDO_FLAGS_RANDOM)

static const struct field flags_fields[] = {
    {KEY("value"), FIELD_HEX16, .offset = 0, .size = sizeof(uint16_t)},
    {KEY("cone"), FIELD_BOOL, FOUND(bool, is_cone)},
    {KEY("reserved"), FIELD_BOOL, FOUND(bool, is_reserved)},
    {KEY("universal"), FIELD_BOOL, FOUND(bool, is_universal)},
    {KEY("group"), FIELD_BOOL, FOUND(bool, is_group)},
    {KEY("random"), FIELD_HEX16, FOUND(uint16_t, random_bits)},
};

const struct record_type teredo_flags_record = RECORD_TYPE("teredo_flags", flags_fields);

static const struct field ip4_fields[] = {
    {KEY("ttl"), FIELD_COUNT, AT(struct ip4_header, ttl)},
    {KEY("tos"), FIELD_COUNT, AT(struct ip4_header, tos)},
    {KEY("id"), FIELD_COUNT, AT(struct ip4_header, id)},
    {KEY("dont_fragment"), FIELD_BOOL, AT(struct ip4_header, dont_fragment)},
    {KEY("more_fragments"), FIELD_BOOL, AT(struct ip4_header, more_fragments)},
};

static const struct record_type ip4_record = RECORD_TYPE("ip4_header", ip4_fields);

static const struct field udp_fields[] = {
    {KEY("length"), FIELD_COUNT, AT(struct udp_datagram, length)},
    {KEY("checksum"), FIELD_HEX16, AT(struct udp_datagram, checksum)},
};

static const struct record_type udp_record = RECORD_TYPE("udp_header", udp_fields);

RECORD_VALUE(client_id, struct teredo_auth, struct bytes,
             ((struct bytes){r->client_id, r->client_id_size}))
RECORD_VALUE(auth_value, struct teredo_auth, struct bytes,
             ((struct bytes){r->value, r->value_size}))
RECORD_VALUE(nonce, struct teredo_auth, struct bytes, ((struct bytes){r->nonce, sizeof r->nonce}))

static const struct field auth_fields[] = {
    {KEY("client_id"), FIELD_BYTES, FOUND(struct bytes, client_id)},
    {KEY("value"), FIELD_BYTES, FOUND(struct bytes, auth_value)},
    {KEY("nonce"), FIELD_BYTES, FOUND(struct bytes, nonce)},
    {KEY("confirmation"), FIELD_COUNT, AT(struct teredo_auth, confirmation)},
};

static const struct record_type auth_record = RECORD_TYPE("auth", auth_fields);

static const struct field ip6_fields[] = {
    {KEY("source"), FIELD_IP6, AT(struct ip6_header, source)},
    {KEY("destination"), FIELD_IP6, AT(struct ip6_header, destination)},
    {KEY("hop_limit"), FIELD_COUNT, AT(struct ip6_header, hop_limit)},
    {KEY("next_header"), FIELD_COUNT, AT(struct ip6_header, next_header)},
    {KEY("payload_length"), FIELD_COUNT, AT(struct ip6_header, payload_length)},
    {KEY("traffic_class"), FIELD_COUNT, AT(struct ip6_header, traffic_class)},
    {KEY("flow_label"), FIELD_COUNT, AT(struct ip6_header, flow_label)},
};

static const struct record_type ip6_record = RECORD_TYPE("ip6_header", ip6_fields);

static const struct field parts_fields[] = {
    {KEY("server"), FIELD_IP4, AT(struct teredo_addr, server)},
    {KEY("mapped"), FIELD_ENDPOINT, AT(struct teredo_addr, mapped)},
    {KEY("flags"), FIELD_RECORD, AT(struct teredo_addr, flags), .record = &teredo_flags_record},
};

static const struct record_type parts_record = RECORD_TYPE("teredo_parts", parts_fields);

static const void *source_parts(const void *record, const struct run_facts *run,
                                union field_room *room)
{
    const struct ip6_header *ip6 = record;

    (void)run;
    return teredo_addr_decode(&ip6->source, (struct teredo_addr *)(void *)room) ? room : NULL;
}

static const void *destination_parts(const void *record, const struct run_facts *run,
                                     union field_room *room)
{
    const struct ip6_header *ip6 = record;

    (void)run;
    return teredo_addr_decode(&ip6->destination, (struct teredo_addr *)(void *)room) ? room : NULL;
}

static const struct field teredo_fields[] = {
    {KEY("source"), FIELD_RECORD, .find = source_parts, .record = &parts_record,
     .flags = FIELD_NULLABLE},
    {KEY("destination"), FIELD_RECORD, .find = destination_parts, .record = &parts_record,
     .flags = FIELD_NULLABLE},
};

static const struct record_type teredo_record = RECORD_TYPE("teredo_addresses", teredo_fields);

RECORD_TEST(is_echo, struct icmp6_message,
            r->type == ICMP6_TYPE_ECHO_REQUEST || r->type == ICMP6_TYPE_ECHO_REPLY)
RECORD_TEST(is_ra, struct icmp6_message, r->type == ICMP6_TYPE_RA)
RECORD_TEST(has_prefix, struct icmp6_message, r->type == ICMP6_TYPE_RA && r->ra.prefix_count > 0)

static const struct field icmp6_fields[] = {
    {KEY("type"), FIELD_COUNT, AT(struct icmp6_message, type)},
    {KEY("code"), FIELD_COUNT, AT(struct icmp6_message, code)},
    {KEY("id"), FIELD_COUNT, AT(struct icmp6_message, echo.id), .known = is_echo},
    {KEY("sequence"), FIELD_COUNT, AT(struct icmp6_message, echo.sequence), .known = is_echo},
    {KEY("prefix"), FIELD_PREFIX, AT(struct icmp6_message, ra.prefix), .known = has_prefix},
    {KEY("mtu"), FIELD_COUNT, AT(struct icmp6_message, ra.mtu), .known = is_ra,
     .flags = FIELD_ZERO_IS_NULL},
};

static const struct record_type icmp6_record = RECORD_TYPE("icmp6", icmp6_fields);

static const char *trailer_name(const struct teredo_trailer *trailer)
{
    switch ((enum teredo_trailer_type)trailer->type) {
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

RECORD_VALUE(name, struct teredo_trailer, const char *, trailer_name(r))
RECORD_VALUE(trailer_value, struct teredo_trailer, struct bytes,
             ((struct bytes){r->value, r->size}))

static const struct field trailer_fields[] = {
    {KEY("type"), FIELD_COUNT, AT(struct teredo_trailer, type), .flags = FIELD_IN_LIST},
    {KEY("name"), FIELD_TEXT, FOUND(const char *, name),
     .flags = FIELD_ZERO_IS_NULL | FIELD_IN_LIST},
    {KEY("value"), FIELD_BYTES, FOUND(struct bytes, trailer_value)},
};

static const struct record_type trailer_record = RECORD_TYPE("trailer", trailer_fields);

static size_t count_trailers(const void *record)
{
    return teredo_kept_trailers(&((const struct captured_packet *)record)->packet);
}

static const void *trailer_item(const void *record, size_t i, union field_room *room)
{
    (void)room;
    return &((const struct captured_packet *)record)->packet.trailers[i];
}

static const struct field problem_fields[] = {
    {KEY("reason"), FIELD_CODE, AT(struct wire_fault, reason), .words = &wire_reasons,
     .flags = FIELD_IN_LIST},
    {KEY("offset"), FIELD_COUNT, AT(struct wire_fault, offset)},
};

static const struct record_type problem_record = RECORD_TYPE("problem", problem_fields);

static size_t count_problems(const void *record)
{
    return ((const struct captured_packet *)record)->problem_count;
}

static const void *problem_item(const void *record, size_t i, union field_room *room)
{
    (void)room;
    return &((const struct captured_packet *)record)->problems[i];
}

RECORD_TEST(is_seen, struct captured_packet, r->outside != CAPTURED_PACKET_ALONE)
RECORD_TEST(is_timed, struct captured_packet, r->outside != CAPTURED_PACKET_ALONE && !r->timeless)
RECORD_TEST(is_captured, struct captured_packet, r->outside == CAPTURED_PACKET_CAPTURED)
RECORD_TEST(has_kind, struct captured_packet, r->extent >= TEREDO_KIND)
RECORD_TEST(has_auth, struct captured_packet, r->packet.has_auth)
RECORD_TEST(has_origin, struct captured_packet, r->packet.has_origin)
RECORD_TEST(has_header, struct captured_packet, r->extent >= TEREDO_HEADER)
RECORD_TEST(has_icmp6, struct captured_packet, captured_packet_has_icmp6(r))
RECORD_VALUE(payload, struct captured_packet, struct bytes, captured_packet_payload(r))
RECORD_VALUE(tail, struct captured_packet, struct bytes, captured_packet_tail(r))

static const struct field packet_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct captured_packet, when), .known = is_timed},
    {KEY("from"), FIELD_ENDPOINT, AT(struct captured_packet, udp.from), .known = is_seen},
    {KEY("to"), FIELD_ENDPOINT, AT(struct captured_packet, udp.to), .known = is_seen},
    {KEY("size"), FIELD_COUNT, AT(struct captured_packet, size)},
    {KEY("kind"), FIELD_CODE, AT(struct captured_packet, packet.kind), .known = has_kind,
     .words = &packet_kinds},
    {KEY("ipv4"), FIELD_RECORD, AT(struct captured_packet, udp.ip), .known = is_captured,
     .record = &ip4_record},
    {KEY("udp"), FIELD_RECORD, AT(struct captured_packet, udp), .known = is_captured,
     .record = &udp_record},
    {KEY("auth"), FIELD_RECORD, AT(struct captured_packet, packet.auth), .known = has_auth,
     .record = &auth_record},
    {KEY("origin"), FIELD_ENDPOINT, AT(struct captured_packet, packet.origin), .known = has_origin},
    {KEY("ipv6"), FIELD_RECORD, AT(struct captured_packet, packet.ip6), .known = has_header,
     .record = &ip6_record},
    {KEY("teredo"), FIELD_RECORD, AT(struct captured_packet, packet.ip6), .known = has_header,
     .record = &teredo_record},
    {KEY("icmp6"), FIELD_RECORD, AT(struct captured_packet, packet.icmp6), .known = has_icmp6,
     .record = &icmp6_record},
    {KEY("payload"), FIELD_BYTES, FOUND(struct bytes, payload), .flags = FIELD_ZERO_IS_NULL},
    {KEY("trailers"), FIELD_LIST, .record = &trailer_record, .count = count_trailers,
     .item = trailer_item},
    {KEY("tail"), FIELD_BYTES, FOUND(struct bytes, tail), .flags = FIELD_ZERO_IS_NULL},
    {KEY("problems"), FIELD_LIST, .record = &problem_record, .count = count_problems,
     .item = problem_item},
};

const struct record_type packet_record = RECORD_TYPE("packet", packet_fields);

static const struct field captured_fields[] = {
    {KEY("file"), FIELD_FOREIGN, AT(struct captured_packet, file), .flags = FIELD_ZERO_IS_NULL},
    {KEY("frame"), FIELD_COUNT, AT(struct captured_packet, frame), .flags = FIELD_ZERO_IS_NULL},
    {KEY("packet"), FIELD_KEYS, .record = &packet_record},
    {KEY("fragments"), FIELD_COUNT, AT(struct captured_packet, fragments),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("copy"), FIELD_BOOL, AT(struct captured_packet, copy)},
};

const struct record_type captured_packet_record = RECORD_TYPE("sighting", captured_fields);

#define KIND(name, kind)                                              \
    {                                                                 \
        KEY(name), FIELD_COUNT, AT(struct flows_summary, kinds[kind]) \
    }

static const struct field kinds_fields[] = {
    KIND("bubble", TEREDO_BUBBLE),
    KIND("rs", TEREDO_RS),
    KIND("ra", TEREDO_RA),
    KIND("echo_request", TEREDO_ECHO_REQUEST),
    KIND("echo_reply", TEREDO_ECHO_REPLY),
    KIND("icmp6", TEREDO_ICMP6),
    KIND("data", TEREDO_DATA),
    {KEY("unknown"), FIELD_COUNT, AT(struct flows_summary, unknown)},
};

static const struct record_type kinds_record = RECORD_TYPE("kinds", kinds_fields);

struct reason_count {
    enum wire_reason reason;
    uint64_t count;
};

static const struct field reason_fields[] = {
    {KEY("reason"), FIELD_CODE, AT(struct reason_count, reason), .words = &wire_reasons,
     .flags = FIELD_IN_LIST},
    {KEY("count"), FIELD_COUNT, AT(struct reason_count, count)},
};

static const struct record_type reason_record = RECORD_TYPE("reason_count", reason_fields);

static size_t count_reasons(const void *record)
{
    const struct flows_summary *s = record;
    size_t count = 0;

    for (int i = 0; i < WIRE_REASON_COUNT; i++)
        count += s->reasons[i] > 0;
    return count;
}

static const void *reason_item(const void *record, size_t i, union field_room *room)
{
    const struct flows_summary *s = record;
    struct reason_count *item = (struct reason_count *)(void *)room;
    int reason = 0;

    while (s->reasons[reason] == 0 || i-- > 0)
        reason++;
    *item = (struct reason_count){(enum wire_reason)reason, s->reasons[reason]};
    return item;
}

RECORD_TEST(has_packets, struct flows_summary, r->packets > 0)

static const struct field summary_fields[] = {
    {KEY("frames"), FIELD_COUNT, AT(struct flows_summary, frames)},
    {KEY("datagrams"), FIELD_COUNT, AT(struct flows_summary, datagrams)},
    {KEY("packets"), FIELD_COUNT, AT(struct flows_summary, packets)},
    {KEY("first"), FIELD_TIME, AT(struct flows_summary, first), .known = has_packets},
    {KEY("last"), FIELD_TIME, AT(struct flows_summary, last), .known = has_packets},
    {KEY("kinds"), FIELD_RECORD, .record = &kinds_record},
    {KEY("flows"), FIELD_COUNT, AT(struct flows_summary, flows)},
    {KEY("clients"), FIELD_COUNT, AT(struct flows_summary, clients)},
    {KEY("servers"), FIELD_COUNT, AT(struct flows_summary, servers)},
    {KEY("hole_punches"), FIELD_COUNT, AT(struct flows_summary, punches)},
    {KEY("unanswered_punches"), FIELD_COUNT, AT(struct flows_summary, unanswered)},
    {KEY("forgotten"), FIELD_COUNT, AT(struct flows_summary, forgotten)},
    {KEY("dropped"), FIELD_COUNT, AT(struct flows_summary, dropped)},
    {KEY("problems"), FIELD_LIST, .record = &reason_record, .count = count_reasons,
     .item = reason_item},
    {KEY("remarks"), FIELD_KEYS, AT(struct flows_summary, remarks),
     .record = &capture_remarks_record},
};

const struct record_type flows_summary_record = RECORD_TYPE("decode_totals", summary_fields);
