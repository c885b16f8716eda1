#include "server.h"

static const struct {
    const char *code;
    const char *rfc;
    const char *text;
} drops[SERVER_DROP_COUNT] = {
    [SERVER_ACCEPTED] = {"accepted", "", "nothing was wrong with it"},
    [SERVER_DROP_TOO_LARGE] = {"too_large", "RFC 4380 5.1.2",
                               "the IPv6 packet is larger than the link MTU"},
    [SERVER_DROP_MALFORMED] = {"malformed", "RFC 4380 5.3.1 rule 1",
                               "not a well-formed Teredo packet"},
    [SERVER_DROP_TRAILER] = {"trailer_must_discard", "RFC 6081 4",
                             "an unknown trailer asks for the packet to be discarded"},
    [SERVER_DROP_NOT_BUBBLE_OR_ICMP6] = {"not_bubble_or_icmp6", "RFC 4380 5.3.1 rule 2",
                                         "neither a bubble nor ICMPv6, and this is no relay"},
    [SERVER_DROP_SOURCE_NOT_GLOBAL] = {"source_not_global", "RFC 4380 5.3.1 rule 3",
                                       "the IPv4 source is not a global unicast address"},
    [SERVER_DROP_SOURCE_PORT_ZERO] = {"source_port_zero", "RFC 4380 5.3.1",
                                      "the UDP source port is 0: nobody can be answered there"},
    [SERVER_DROP_SOURCE_IS_SERVER] =
        {"source_is_server", "RFC 4380 7.4.1",
         "the packet claims to come from this server's own address and port"},
    [SERVER_DROP_RS_HOP_LIMIT] = {"rs_hop_limit", "RFC 4861 6.1.1",
                                  "a router solicitation with a hop limit other than 255"},
    [SERVER_DROP_RS_MALFORMED] = {"rs_malformed", "RFC 4861 6.1.1",
                                  "a router solicitation with a code other than 0"},
    [SERVER_DROP_AUTH_MISSING] =
        {"authentication_missing", "RFC 4380 5.3.1 rule 4",
         "a solicitation without a client identifier, and secure qualification is required"},
    [SERVER_DROP_AUTH_UNKNOWN_CLIENT] =
        {"authentication_unknown_client", "RFC 4380 5.3.1 rule 4",
         "a solicitation with a client identifier that has no secret here"},
    [SERVER_DROP_AUTH_VALUE] = {"authentication_value", "RFC 4380 5.3.1 rule 4",
                                "a solicitation with a wrong authentication value"},
    [SERVER_DROP_SOURCE_MISMATCH] =
        {"source_mismatch", "RFC 4380 5.3.1 rule 5",
         "the Teredo source address does not hold the IPv4 source address and port"},
    [SERVER_DROP_NOT_OUR_CLIENT] =
        {"not_our_client", "RFC 4380 5.3.1 rules 6 and 7",
         "neither end has a Teredo address that this server can vouch for"},
    [SERVER_DROP_IP6_SOURCE_INVALID] = {"ip6_source_invalid", "RFC 4291 2.5 and 2.7",
                                        "an IPv6 source address that may not be forwarded"},
    [SERVER_DROP_NOT_FOR_SERVER] =
        {"not_for_server", "RFC 4380 5.3.1",
         "sent to the server itself, and neither a router solicitation nor an echo request"},
    [SERVER_DROP_DESTINATION_NOT_GLOBAL] = {"destination_not_global", "RFC 4380 5.3.1",
                                            "the IPv6 destination is not of global scope"},
    [SERVER_DROP_NO_IP6_ROUTE] = {"no_ip6_route", "RFC 4380 5.3",
                                  "the destination is not a Teredo address, and this server has no "
                                  "route to the IPv6 Internet"},
    [SERVER_DROP_NOT_RELAYED] = {"not_relayed", "RFC 4380 5.3",
                                 "ICMPv6, but neither echo request nor echo reply"},
    [SERVER_DROP_TARGET_NOT_GLOBAL] =
        {"target_not_global", "RFC 4380 5.3.1",
         "the IPv4 address in the destination is not a global unicast address"},
    [SERVER_DROP_TARGET_PORT_ZERO] = {"target_port_zero", "RFC 4380 5.3.1",
                                      "the port in the destination address is 0"},
    [SERVER_DROP_TARGET_IS_SERVER] =
        {"target_is_server", "RFC 4380 7.4.1",
         "the destination address holds this server's own address and port: a loop"},
};

const char *server_drop_code(enum server_drop drop)
{
    return drops[drop].code;
}

const char *server_drop_rfc(enum server_drop drop)
{
    return drops[drop].rfc;
}

const char *server_drop_text(enum server_drop drop)
{
    return drops[drop].text;
}

const char *server_reply_name(enum server_reply_kind kind)
{
    static const char *const names[SERVER_REPLY_KINDS] = {
        [SERVER_ADVERTISED] = "advertised",
        [SERVER_RELAYED] = "relayed",
        [SERVER_ECHOED] = "echoed",
    };

    return names[kind];
}
