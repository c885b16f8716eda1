/* Why a packet got nowhere, as an ICMP error or this host's own system told it. */
#ifndef EVENT_REFUSAL_H
#define EVENT_REFUSAL_H

#include "nsec.h"
#include "observation.h"

enum refusal {
    REFUSAL_PORT_UNREACHABLE,
    REFUSAL_HOST_UNREACHABLE,
    REFUSAL_NET_UNREACHABLE,
    REFUSAL_PROHIBITED,   /* administratively */
    REFUSAL_NO_ROUTE,     /* this host has no route */
    REFUSAL_SEND_REFUSED, /* this host would not send (a local firewall, say) */
    REFUSAL_COUNT
};

/* The refusals of a server, for a table of outcomes of which they are the values from FIRST on. */
#define REFUSAL_WORDS(first)                                                                     \
    [(first) +                                                                                   \
        REFUSAL_PORT_UNREACHABLE] =                                                              \
        {"port_unreachable", "the server's host says: port unreachable",                         \
         "check the server's address and port: its host refuses packets there"},                 \
        [(first) + REFUSAL_HOST_UNREACHABLE] = {"host_unreachable",                              \
                                                "a router says: host unreachable",               \
                                                "check the server address"},                     \
        [(first) +                                                                               \
            REFUSAL_NET_UNREACHABLE] = {"net_unreachable", "a router says: network unreachable", \
                                        "check the server address and this network's routes"},   \
        [(first) + REFUSAL_PROHIBITED] = {"prohibited",                                          \
                                          "a firewall on the way refuses the packets",           \
                                          "ask whoever runs it to let UDP port 3544 out"},       \
        [(first) + REFUSAL_NO_ROUTE] = {"no_route", "this host has no route to the server",      \
                                        "check this host's network and default route"},          \
        [(first) +                                                                               \
            REFUSAL_SEND_REFUSED] = {"send_refused", "this host refused to send to the server",  \
                                     "check this host's own firewall and the server address"}

/* How much an ICMP error says. A valid answer outranks them all. */
enum refusal_weight {
    REFUSAL_IS_NONE, /* it refuses nothing: not destination unreachable, or fragmentation needed */
    /* Of the way for the moment alone: network or host unreachable, and source route failed, are no
     * proof that nothing gets there (RFC 1122 3.2.2.1). Believed where nothing else comes until the
     * time is up. */
    REFUSAL_IS_HINT,
    /* It does not quote what was sent, so that anybody can have forged it. Believed where nothing
     * valid comes within REFUSAL_BOUND. */
    REFUSAL_IS_DOUBTED,
    REFUSAL_IS_FINAL,
};

/* What a round trip takes at most while none is known: RFC 6298's first time-out (2.1). */
#define REFUSAL_BOUND NSEC_S

/* True for destination unreachable, but for fragmentation needed. */
bool refusal_is_refusal(struct icmp_error icmp);

/* Of an OBSERVED_ICMP_ERROR. */
enum refusal_weight refusal_weigh(const struct observation *error);

/* What an ICMP error for a packet from OWN to DESTINATION means. A port unreachable that is not
 * from the destination itself is a firewall's way to refuse; whatever this host itself says is its
 * own firewall's. */
enum refusal refusal_of_icmp(struct icmp_error icmp, uint32_t own, uint32_t destination);

/* What the system's refusal to send means. */
enum refusal refusal_of_errno(int errnum);

/* True where the system was only short of room: the packet is lost, no more. */
bool send_failure_is_passing(int errnum);

/* "port unreachable" and so on; "ICMP error" for types that are not known. */
const char *icmp_error_text(struct icmp_error icmp);

#endif
