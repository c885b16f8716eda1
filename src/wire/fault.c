#include "fault.h"

static const struct {
    const char *code;
    const char *text;
} reasons[WIRE_REASON_COUNT] = {
    [WIRE_OK] = {"ok", "well-formed"},
    [WIRE_TRUNCATED] = {"truncated", "the bytes end inside a header"},
    [WIRE_IP4_VERSION] = {"ip4_version", "the outer IP version is not 4"},
    [WIRE_IP4_HEADER_LENGTH] = {"ip4_header_length",
                                "the IPv4 header length is below 20 or beyond the packet"},
    [WIRE_IP4_TOTAL_LENGTH] = {"ip4_total_length",
                               "the IPv4 total length is below the header or beyond the bytes"},
    [WIRE_IP4_CHECKSUM] = {"ip4_checksum", "the IPv4 header checksum is wrong"},
    [WIRE_IP4_FRAGMENT] = {"ip4_fragment", "an IPv4 fragment that does not begin a datagram"},
    [WIRE_IP4_FRAGMENT_OVERLAP] = {"ip4_fragment_overlap",
                                   "fragments of a datagram contradict each other"},
    [WIRE_NOT_UDP] = {"not_udp", "the IPv4 protocol is not UDP"},
    [WIRE_UDP_LENGTH] = {"udp_length", "the UDP length is below 8 or beyond the IPv4 payload"},
    [WIRE_UDP_CHECKSUM] = {"udp_checksum", "the UDP checksum is wrong"},
    [WIRE_UNKNOWN_ENCAPSULATION] = {"unknown_encapsulation",
                                    "the first bytes begin no IPv6 packet, origin indication or "
                                    "authentication"},
    [WIRE_REPEATED_ENCAPSULATION] = {"repeated_encapsulation",
                                     "an authentication or origin indication occurs twice or out "
                                     "of order"},
    [WIRE_IP6_VERSION] = {"ip6_version", "the inner IP version is not 6"},
    [WIRE_IP6_PAYLOAD_LENGTH] = {"ip6_payload_length",
                                 "the IPv6 payload length is beyond the UDP payload"},
    [WIRE_ICMP6_CHECKSUM] = {"icmp6_checksum", "the ICMPv6 checksum is wrong"},
    [WIRE_ICMP6_TRUNCATED] = {"icmp6_truncated",
                              "the ICMPv6 message is shorter than its type asks for"},
    [WIRE_ND_OPTION_LENGTH] = {"nd_option_length",
                               "a neighbor discovery option has length 0 or ends beyond the "
                               "message"},
    [WIRE_TRAILER_LENGTH] = {"trailer_length",
                             "a trailer ends beyond the UDP payload or has a form that its type "
                             "forbids"},
    [WIRE_TRAILER_MUST_DISCARD] = {"trailer_must_discard",
                                   "an unknown trailer asks for the packet to be discarded"},
};

const char *wire_reason_code(enum wire_reason reason)
{
    return (unsigned)reason < WIRE_REASON_COUNT ? reasons[reason].code : "unknown";
}

const char *wire_reason_text(enum wire_reason reason)
{
    return (unsigned)reason < WIRE_REASON_COUNT ? reasons[reason].text : "unknown reason";
}

bool wire_fail(struct wire_fault *fault, enum wire_reason reason, size_t offset)
{
    fault->reason = reason;
    fault->offset = offset;
    return false;
}
