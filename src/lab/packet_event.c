#include "packet_event.h"

static const char *const reasons[PACKET_EVENT_REASON_COUNT] = {
    [PACKET_EVENT_NO_REASON] = "",
    [PACKET_EVENT_BY_NAT] = "discarded by the NAT",
    [PACKET_EVENT_NOT_IPV4] = "not an IPv4 packet",
    [PACKET_EVENT_MALFORMED] = "malformed header",
    [PACKET_EVENT_PROTOCOL] = "neither UDP nor an ICMP message that can pass",
    [PACKET_EVENT_FRAGMENT] = "fragment at a NAT that does not reassemble",
    [PACKET_EVENT_TTL] = "time to live ran out",
    [PACKET_EVENT_NO_HOST] = "nobody has the destination address",
    [PACKET_EVENT_NO_NET] = "no network of the destination address outside",
    [PACKET_EVENT_TOO_MANY] = "too many packets under way",
    [PACKET_EVENT_NOT_TAKEN] = "not taken by the kernel",
};

enum place place_of_host(enum lab_host host)
{
    static const enum place of[LAB_HOSTS] = {
        [LAB_A] = PLACE_HOST_A,
        [LAB_B] = PLACE_HOST_B,
        [LAB_S1] = PLACE_SERVER_1,
        [LAB_S2] = PLACE_SERVER_2,
    };

    return of[host];
}

enum place place_of_nat(enum lab_host host)
{
    return host == LAB_A ? PLACE_NAT_A : PLACE_NAT_B;
}

const char *packet_event_reason_text(enum packet_event_reason reason)
{
    return reasons[reason];
}
