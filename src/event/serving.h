/* What a Teredo server has done: the packets that came, and what became of them. */
#ifndef EVENT_SERVING_H
#define EVENT_SERVING_H

#include "record.h"

/* Why a packet was discarded; in the order in which the rules are applied. */
enum server_drop {
    SERVER_ACCEPTED, /* not discarded: there is a reply */
    SERVER_DROP_TOO_LARGE,
    SERVER_DROP_MALFORMED,
    SERVER_DROP_TRAILER,
    SERVER_DROP_NOT_BUBBLE_OR_ICMP6,
    SERVER_DROP_SOURCE_NOT_GLOBAL,
    SERVER_DROP_SOURCE_PORT_ZERO,
    SERVER_DROP_SOURCE_IS_SERVER,
    SERVER_DROP_RS_HOP_LIMIT,
    SERVER_DROP_RS_MALFORMED,
    SERVER_DROP_AUTH_MISSING,
    SERVER_DROP_AUTH_UNKNOWN_CLIENT,
    SERVER_DROP_AUTH_VALUE,
    SERVER_DROP_SOURCE_MISMATCH,
    SERVER_DROP_NOT_OUR_CLIENT,
    SERVER_DROP_IP6_SOURCE_INVALID,
    SERVER_DROP_NOT_FOR_SERVER,
    SERVER_DROP_DESTINATION_NOT_GLOBAL,
    SERVER_DROP_NO_IP6_ROUTE,
    SERVER_DROP_NOT_RELAYED,
    SERVER_DROP_TARGET_NOT_GLOBAL,
    SERVER_DROP_TARGET_PORT_ZERO,
    SERVER_DROP_TARGET_IS_SERVER,
    SERVER_DROP_TARGET_RESERVED,
    SERVER_DROP_TARGET_PORT_LOW,
    SERVER_DROP_TARGET_IS_HOST,
    SERVER_DROP_RATE,
    SERVER_DROP_COUNT
};

enum server_reply_kind {
    SERVER_ADVERTISED, /* a router advertisement (5.3.2) */
    SERVER_RELAYED,    /* a client's packet in a new UDP datagram (5.3.1) */
    SERVER_ECHOED,     /* an echo reply of the server itself (5.3.1) */
    SERVER_REPLY_KINDS
};

struct serving {
    struct endpoint primary;
    struct endpoint secondary;
    nsec elapsed; /* since it was ready */
    uint64_t received;
    uint64_t replies[SERVER_REPLY_KINDS];
    uint64_t drops[SERVER_DROP_COUNT];
    uint64_t send_failed; /* of the replies, how many the system refused to send */
};

/* Adds what MORE has counted. Others may be counting it up meanwhile. */
void serving_add(struct serving *s, const struct serving *more);

/* Packets discarded, for whatever reason. */
uint64_t serving_dropped(const struct serving *s);

extern const struct words server_drops;          /* the text: what was wrong with it */
extern const struct words server_replies;        /* "advertised", "relayed", "echoed" */
extern const struct record_type server_record;   /* where it is, of a struct serving */
extern const struct record_type counters_record; /* what it counted */

#endif
