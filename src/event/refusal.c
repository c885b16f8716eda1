#include "refusal.h"

#include <errno.h>

bool refusal_is_refusal(struct icmp_error icmp)
{
    return icmp.type == ICMP4_UNREACHABLE && icmp.code != ICMP4_FRAGMENTATION_NEEDED;
}

enum refusal_weight refusal_weigh(const struct observation *error)
{
    struct icmp_error icmp = error->icmp;

    if (!refusal_is_refusal(icmp))
        return REFUSAL_IS_NONE;
    if (icmp.code == ICMP4_NET || icmp.code == ICMP4_HOST || icmp.code == ICMP4_SOURCE_ROUTE_FAILED)
        return REFUSAL_IS_HINT;
    return error->quotes_sent ? REFUSAL_IS_FINAL : REFUSAL_IS_DOUBTED;
}

enum refusal refusal_of_icmp(struct icmp_error icmp, uint32_t own, uint32_t destination)
{
    if (icmp.reporter == own && own != destination)
        return REFUSAL_SEND_REFUSED;
    switch (icmp.code) {
    case ICMP4_NET:
        return REFUSAL_NET_UNREACHABLE;
    case ICMP4_PROTOCOL:
    case ICMP4_PORT:
        return icmp.reporter == destination ? REFUSAL_PORT_UNREACHABLE : REFUSAL_PROHIBITED;
    case ICMP4_NET_PROHIBITED:
    case ICMP4_HOST_PROHIBITED:
    case ICMP4_PROHIBITED:
        return REFUSAL_PROHIBITED;
    default:
        return REFUSAL_HOST_UNREACHABLE;
    }
}

enum refusal refusal_of_errno(int errnum)
{
    return errnum == ENETUNREACH || errnum == EHOSTUNREACH || errnum == ENETDOWN
               ? REFUSAL_NO_ROUTE
               : REFUSAL_SEND_REFUSED;
}

bool send_failure_is_passing(int errnum)
{
    return errnum == ENOBUFS || errnum == EAGAIN || errnum == ENOMEM;
}

const char *icmp_error_text(struct icmp_error icmp)
{
    if (icmp.type == ICMP4_TIME_EXCEEDED)
        return "time to live exceeded";
    if (icmp.type != ICMP4_UNREACHABLE)
        return "ICMP error";
    switch (icmp.code) {
    case ICMP4_NET:
        return "network unreachable";
    case ICMP4_HOST:
        return "host unreachable";
    case ICMP4_PROTOCOL:
        return "protocol unreachable";
    case ICMP4_PORT:
        return "port unreachable";
    case ICMP4_FRAGMENTATION_NEEDED:
        return "fragmentation needed";
    case ICMP4_NET_PROHIBITED:
        return "network administratively prohibited";
    case ICMP4_HOST_PROHIBITED:
        return "host administratively prohibited";
    case ICMP4_PROHIBITED:
        return "communication administratively prohibited";
    default:
        return "destination unreachable";
    }
}
