#include "packet_event.h"

static const struct place_words {
    const char *name, *title;
} places[PLACE_COUNT] = {
    [PLACE_HOST_A] = {"host_a", "A"},
    [PLACE_NAT_A] = {"nat_a", "NAT A"},
    [PLACE_CORE] = {"core", "core"},
    [PLACE_NAT_B] = {"nat_b", "NAT B"},
    [PLACE_HOST_B] = {"host_b", "B"},
    [PLACE_SERVER_1] = {"server_1", "server 1"},
    [PLACE_SERVER_2] = {"server_2", "server 2"},
};

static const struct reason_words {
    const char *name, *text;
} reasons[PACKET_EVENT_REASON_COUNT] = {
    [PACKET_EVENT_NO_REASON] = {"", ""},
    [PACKET_EVENT_BY_NAT] = {"by_nat", "discarded by the NAT"},
    [PACKET_EVENT_NOT_IPV4] = {"not_ipv4", "not an IPv4 packet"},
    [PACKET_EVENT_MALFORMED] = {"malformed", "malformed header"},
    [PACKET_EVENT_PROTOCOL] = {"protocol", "neither UDP nor an ICMP message that can pass"},
    [PACKET_EVENT_FRAGMENT] = {"fragment", "fragment at a NAT that does not reassemble"},
    [PACKET_EVENT_TTL] = {"ttl", "time to live ran out"},
    [PACKET_EVENT_NO_HOST] = {"no_host", "nobody has the destination address"},
    [PACKET_EVENT_NO_NET] = {"no_net", "no network of the destination address outside"},
    [PACKET_EVENT_TOO_MANY] = {"too_many", "too many packets under way"},
    [PACKET_EVENT_NOT_TAKEN] = {"not_taken", "not taken by the kernel"},
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

const char *place_name(enum place place)
{
    return places[place].name;
}

const char *place_title(enum place place)
{
    return places[place].title;
}

const char *packet_event_kind_name(enum packet_event_kind kind)
{
    switch (kind) {
    case PACKET_EVENT_SENT:
        return "sent";
    case PACKET_EVENT_NAT:
        return "nat";
    case PACKET_EVENT_FORWARDED:
        return "forwarded";
    case PACKET_EVENT_DUPLICATED:
        return "duplicated";
    case PACKET_EVENT_LOST:
        return "lost";
    case PACKET_EVENT_DISCARDED:
        return "discarded";
    case PACKET_EVENT_DELIVERED:
        return "delivered";
    }
    return "";
}

const char *packet_event_reason_name(enum packet_event_reason reason)
{
    return reasons[reason].name;
}

const char *packet_event_reason_text(enum packet_event_reason reason)
{
    return reasons[reason].text;
}
