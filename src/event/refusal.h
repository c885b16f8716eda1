/* Why a packet got nowhere, as an ICMP error or this host's own system told it. */
#ifndef EVENT_REFUSAL_H
#define EVENT_REFUSAL_H

#include "icmp4.h"

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

/* True for ICMP errors that are final: destination unreachable, but for fragmentation needed. */
bool refusal_is_final(struct icmp_error icmp);

/* True for ICMP errors that tell of the way for the moment alone: network or host unreachable, and
 * source route failed, are hints and no proof that nothing gets there (RFC 1122 3.2.2.1). */
bool refusal_is_hint(struct icmp_error icmp);

/* What a final ICMP error for a packet to DESTINATION means. A port unreachable that is not from
 * the destination itself is a firewall's way to refuse. */
enum refusal refusal_of_icmp(struct icmp_error icmp, uint32_t destination);

/* What the system's refusal to send means. */
enum refusal refusal_of_errno(int errnum);

/* True where the system was only short of room: the packet is lost, no more. */
bool send_failure_is_passing(int errnum);

/* "port unreachable" and so on; "ICMP error" for types that are not known. */
const char *icmp_error_text(struct icmp_error icmp);

#endif
