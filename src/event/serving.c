#include "serving.h"

static const struct wording drops[SERVER_DROP_COUNT] = {
    [SERVER_ACCEPTED] = {NULL, "nothing was wrong with it", .rfc = ""},
    [SERVER_DROP_TOO_LARGE] = {"too_large", "the IPv6 packet is larger than the link MTU",
                               .rfc = "RFC 4380 5.1.2"},
    [SERVER_DROP_MALFORMED] = {"malformed", "not a well-formed Teredo packet",
                               .rfc = "RFC 4380 5.3.1 rule 1"},
    [SERVER_DROP_TRAILER] = {"trailer_must_discard",
                             "an unknown trailer asks for the packet to be discarded",
                             .rfc = "RFC 6081 4"},
    [SERVER_DROP_NOT_BUBBLE_OR_ICMP6] = {"not_bubble_or_icmp6",
                                         "neither a bubble nor ICMPv6, and this is no relay",
                                         .rfc = "RFC 4380 5.3.1 rule 2"},
    [SERVER_DROP_SOURCE_NOT_GLOBAL] = {"source_not_global",
                                       "the IPv4 source is not a global unicast address",
                                       .rfc = "RFC 4380 5.3.1 rule 3"},
    [SERVER_DROP_SOURCE_PORT_ZERO] = {"source_port_zero",
                                      "the UDP source port is 0: nobody can be answered there",
                                      .rfc = "RFC 4380 5.3.1"},
    [SERVER_DROP_SOURCE_IS_SERVER] =
        {"source_is_server", "the packet claims to come from this server's own address and port",
         .rfc = "RFC 4380 7.4.1"},
    [SERVER_DROP_RS_HOP_LIMIT] = {"rs_hop_limit",
                                  "a router solicitation with a hop limit other than 255",
                                  .rfc = "RFC 4861 6.1.1"},
    [SERVER_DROP_RS_MALFORMED] = {"rs_malformed", "a router solicitation with a code other than 0",
                                  .rfc = "RFC 4861 6.1.1"},
    [SERVER_DROP_AUTH_MISSING] =
        {"authentication_missing",
         "a solicitation without a client identifier, and secure qualification is required",
         .rfc = "RFC 4380 5.3.1 rule 4"},
    [SERVER_DROP_AUTH_UNKNOWN_CLIENT] =
        {"authentication_unknown_client",
         "a solicitation with a client identifier that has no secret here",
         .rfc = "RFC 4380 5.3.1 rule 4"},
    [SERVER_DROP_AUTH_VALUE] = {"authentication_value",
                                "a solicitation with a wrong authentication value",
                                .rfc = "RFC 4380 5.3.1 rule 4"},
    [SERVER_DROP_SOURCE_MISMATCH] =
        {"source_mismatch",
         "the Teredo source address does not hold the IPv4 source address and port",
         .rfc = "RFC 4380 5.3.1 rule 5"},
    [SERVER_DROP_NOT_OUR_CLIENT] =
        {"not_our_client", "neither end has a Teredo address that this server can vouch for",
         .rfc = "RFC 4380 5.3.1 rules 6 and 7"},
    [SERVER_DROP_IP6_SOURCE_INVALID] = {"ip6_source_invalid",
                                        "an IPv6 source address that may not be forwarded",
                                        .rfc = "RFC 4291 2.5 and 2.7"},
    [SERVER_DROP_NOT_FOR_SERVER] =
        {"not_for_server",
         "sent to the server itself, and neither a router solicitation nor an echo request",
         .rfc = "RFC 4380 5.3.1"},
    [SERVER_DROP_DESTINATION_NOT_GLOBAL] = {"destination_not_global",
                                            "the IPv6 destination is not of global scope",
                                            .rfc = "RFC 4380 5.3.1"},
    [SERVER_DROP_NO_IP6_ROUTE] = {"no_ip6_route",
                                  "the destination is not a Teredo address, and this server has no "
                                  "route to the IPv6 Internet",
                                  .rfc = "RFC 4380 5.3"},
    [SERVER_DROP_NOT_RELAYED] = {"not_relayed", "ICMPv6, but neither echo request nor echo reply",
                                 .rfc = "RFC 4380 5.3"},
    [SERVER_DROP_TARGET_NOT_GLOBAL] =
        {"target_not_global", "the IPv4 address in the destination is not a global unicast address",
         .rfc = "RFC 4380 5.3.1"},
    [SERVER_DROP_TARGET_PORT_ZERO] = {"target_port_zero",
                                      "the port in the destination address is 0",
                                      .rfc = "RFC 4380 5.3.1"},
    [SERVER_DROP_TARGET_IS_SERVER] =
        {"target_is_server",
         "the destination address holds this server's own address and port: a loop",
         .rfc = "RFC 4380 7.4.1"},
    [SERVER_DROP_TARGET_RESERVED] = {"target_reserved",
                                     "the IPv4 address in the destination is shared, of a "
                                     "benchmark, of the protocols or reserved",
                                     .rfc = "RFC 6890"},
    [SERVER_DROP_TARGET_PORT_LOW] =
        {"target_port_low", "the port in the destination address is a well-known service's",
         .rfc = "RFC 4380 7.4.1"},
    [SERVER_DROP_TARGET_IS_HOST] = {"target_is_host",
                                    "the destination address holds another address of this host",
                                    .rfc = "RFC 4380 7.4.1"},
    [SERVER_DROP_RATE] = {"rate_limited", "this address has had as much as it may have a second",
                          .rfc = "RFC 4380 7.4.1"},
};

const struct words server_drops = WORDS("drop_reason", drops);

static const struct wording replies[SERVER_REPLY_KINDS] = {
    [SERVER_ADVERTISED] = {"advertised"},
    [SERVER_RELAYED] = {"relayed"},
    [SERVER_ECHOED] = {"echoed"},
};

const struct words server_replies = WORDS("server_reply", replies);

void serving_add(struct serving *s, const struct serving *more)
{
    /* Counted up last, and so read first: what was received has been counted by its kind. */
    s->received += more->received;
    for (int i = 0; i < SERVER_REPLY_KINDS; i++)
        s->replies[i] += more->replies[i];
    for (int i = 0; i < SERVER_DROP_COUNT; i++)
        s->drops[i] += more->drops[i];
    s->send_failed += more->send_failed;
}

uint64_t serving_dropped(const struct serving *s)
{
    uint64_t dropped = 0;

    for (int i = SERVER_ACCEPTED + 1; i < SERVER_DROP_COUNT; i++)
        dropped += s->drops[i];
    return dropped;
}

static const struct field server_fields[] = {
    {KEY("server"), FIELD_ENDPOINT, AT(struct serving, primary)},
    {KEY("secondary"), FIELD_ENDPOINT, AT(struct serving, secondary)},
};

const struct record_type server_record = RECORD_TYPE("server", server_fields);

struct drop_count {
    enum server_drop reason;
    uint64_t count;
};

static const struct field drop_fields[] = {
    {KEY("reason"), FIELD_CODE, AT(struct drop_count, reason), .words = &server_drops},
    {KEY("rfc"), FIELD_RFC, AT(struct drop_count, reason), .words = &server_drops},
    {KEY("count"), FIELD_COUNT, AT(struct drop_count, count)},
};

static const struct record_type drop_record = RECORD_TYPE("drop", drop_fields);

static size_t count_drops(const void *record)
{
    const struct serving *s = record;
    size_t count = 0;

    for (int i = SERVER_ACCEPTED + 1; i < SERVER_DROP_COUNT; i++)
        count += s->drops[i] > 0;
    return count;
}

static const void *drop_item(const void *record, size_t i, union field_room *room)
{
    const struct serving *s = record;
    struct drop_count *item = (struct drop_count *)(void *)room;
    int reason = SERVER_ACCEPTED + 1;

    while (s->drops[reason] == 0 || i-- > 0)
        reason++;
    *item = (struct drop_count){(enum server_drop)reason, s->drops[reason]};
    return item;
}

RECORD_VALUE(dropped, struct serving, uint64_t, serving_dropped(r))

static const struct field fields[] = {
    {KEY("elapsed_s"), FIELD_DURATION, AT(struct serving, elapsed)},
    {KEY("received"), FIELD_COUNT, AT(struct serving, received)},
    {KEY("advertised"), FIELD_COUNT, AT(struct serving, replies[SERVER_ADVERTISED])},
    {KEY("relayed"), FIELD_COUNT, AT(struct serving, replies[SERVER_RELAYED])},
    {KEY("echoed"), FIELD_COUNT, AT(struct serving, replies[SERVER_ECHOED])},
    {KEY("send_failed"), FIELD_COUNT, AT(struct serving, send_failed)},
    {KEY("dropped"), FIELD_COUNT, FOUND(uint64_t, dropped)},
    {KEY("drops"), FIELD_LIST, .record = &drop_record, .count = count_drops, .item = drop_item},
};

const struct record_type counters_record = RECORD_TYPE("counters", fields);
