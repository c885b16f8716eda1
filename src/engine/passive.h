/* The passive analysis: what captures show of other programs' qualifications (RFC 4380 5.2.1) and
 * hole punches (5.2.4 to 5.2.6, 5.4; RFC 6081), from one vantage point or several.
 *
 * It is fed SEEN observations in the order of time (without a packet they tell that there was one
 * between two hosts that is none of Teredo's, or, without addresses, none of IPv4, or, with the
 * fault WIRE_TRUNCATED, a frame that was cut too short to tell), ICMP errors, and a TIMER now and
 * then for each vantage point, which says that it was still capturing; it asks for nothing to be
 * sent. A hole punch is told as a whole once its outcome is known.
 *
 * Packets are put together by the addresses of their IPv6 headers and by nonces, not by ports,
 * which NATs change, and of which a client may use several. Memory is bounded: where there is too
 * much, the oldest makes way, and that is told. */
#ifndef ENGINE_PASSIVE_H
#define ENGINE_PASSIVE_H

#include "engine.h"

enum {
    PASSIVE_PUNCHES = 4096, /* under way at once, and those told just now */
    PASSIVE_CLIENTS = 1024, /* that qualify */
};

struct passive;

struct passive_config {
    unsigned vantages; /* 1 to PASSIVE_VANTAGES */
    size_t punches;    /* the bound; 0 = PASSIVE_PUNCHES */
    size_t clients;    /* likewise */
    uint64_t seed;     /* unpredictable, so that nobody can make the tables slow */
    uint64_t count;    /* end after so many hole punches were told; 0 = never */
    nsec settle;       /* by how much sights of a packet at other vantage points may come late */
    bool unfiltered;   /* the captures show all packets of their vantage points */
    bool has_peer;     /* tell only what PEER has part in */
    struct in6_addr peer;
};

/* NULL if memory is out. */
struct passive *passive_new(const struct passive_config *config);
void passive_free(struct passive *o);

/* For a driver. A STOP ends all that is under way. */
struct engine *passive_engine(struct passive *e);

/* What was told so far; frames and dropped are the caller's to fill. */
struct passive_summary passive_summary(const struct passive *e);

#endif
