#include "passage.h"

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
} reasons[PASSAGE_REASON_COUNT] = {
    [PASSAGE_NO_REASON] = {"", ""},
    [PASSAGE_BY_NAT] = {"by_nat", "discarded by the NAT"},
    [PASSAGE_NOT_IPV4] = {"not_ipv4", "not an IPv4 packet"},
    [PASSAGE_MALFORMED] = {"malformed", "malformed header"},
    [PASSAGE_PROTOCOL] = {"protocol", "neither UDP nor an ICMP message that can pass"},
    [PASSAGE_FRAGMENT] = {"fragment", "fragment at a NAT that does not reassemble"},
    [PASSAGE_TTL] = {"ttl", "time to live ran out"},
    [PASSAGE_NO_HOST] = {"no_host", "nobody has the destination address"},
    [PASSAGE_NO_NET] = {"no_net", "no network of the destination address outside"},
    [PASSAGE_TOO_MANY] = {"too_many", "too many packets under way"},
    [PASSAGE_NOT_TAKEN] = {"not_taken", "not taken by the kernel"},
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

const char *passage_kind_name(enum passage_kind kind)
{
    switch (kind) {
    case PASSAGE_SENT:
        return "sent";
    case PASSAGE_NAT:
        return "nat";
    case PASSAGE_FORWARDED:
        return "forwarded";
    case PASSAGE_DUPLICATED:
        return "duplicated";
    case PASSAGE_LOST:
        return "lost";
    case PASSAGE_DISCARDED:
        return "discarded";
    case PASSAGE_DELIVERED:
        return "delivered";
    }
    return "";
}

const char *passage_reason_name(enum passage_reason reason)
{
    return reasons[reason].name;
}

const char *passage_reason_text(enum passage_reason reason)
{
    return reasons[reason].text;
}
