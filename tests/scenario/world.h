/* A small internet in virtual time: engines on two hosts, each behind a NAT of src/nat, and two
 * Teredo servers. Nothing waits: the clock jumps to the next event.
 *
 *     host A -- NAT A --(leg)--+      +--(leg)-- NAT B -- host B
 *                              | core |
 *         server 1 --(leg)-----+      +--(leg)-- server 2
 *
 * A NAT is at its host's end of the leg. Packets that leave a host with a small time to live die in
 * the core, as the control of a trace wants it: the NAT takes the first hop, the core the second.
 */
#ifndef SCENARIO_WORLD_H
#define SCENARIO_WORLD_H

#include "engine.h"
#include "heap.h"
#include "nat.h"
#include "prng.h"
#include "send_queue.h"
#include "server.h"

enum {
    WORLD_OUTSIDE_A = 0xcb00710a, /* 203.0.113.10, and the next three of a pool */
    WORLD_OUTSIDE_B = 0xc6336414, /* 198.51.100.20, likewise */
    WORLD_INSIDE_A = 0x64400102,  /* 100.64.1.2 */
    WORLD_INSIDE_B = 0x64400202,  /* 100.64.2.2 */
    WORLD_SERVER_1 = 0xc0000201,  /* 192.0.2.1, and .2 */
    WORLD_SERVER_2 = 0xc0000281,  /* 192.0.2.129, and .130 */
    WORLD_PORT = 40001,           /* of socket 0 on both hosts; socket 1 has the next but one */
    WORLD_SOCKETS = 88,           /* from socket 2 on, ports lie apart: see world_port */
};

/* When every run begins. */
#define WORLD_EPOCH (INT64_C(1700000000) * NSEC_S)

enum world_site {
    WORLD_A,
    WORLD_B,
    WORLD_S1,
    WORLD_S2,
    WORLD_SITES
};

/* Where captures can be made: at each host, outside of its NAT, and at the servers. */
enum world_point {
    WORLD_HOST_A,
    WORLD_WAN_A,
    WORLD_WAN_B,
    WORLD_HOST_B,
    WORLD_AT_S1,
    WORLD_AT_S2,
    WORLD_POINTS
};

/* A packet as a capture at POINT has it, or an ICMP error, whose ends are those of the packet that
 * it is about. */
struct world_sight {
    enum world_point point;
    nsec when;
    struct endpoint from, to;
    uint8_t ttl;
    bool is_icmp;
    struct icmp_error icmp;
    const uint8_t *bytes; /* borrowed */
    size_t size;
};

/* One direction of a leg: every packet is delayed by delay plus up to jitter, so that jitter
 * reorders; reorder is the share of packets that take twice the delay. */
struct world_leg {
    nsec delay;
    nsec jitter;
    double loss;
    double duplicate;
    double reorder;
};

/* How an address of a server behaves. */
enum world_service {
    WORLD_SERVES,
    WORLD_SILENT,
    WORLD_CLOSED,          /* ICMP port unreachable */
    WORLD_ADVERTISES,      /* answers solicitations, relays nothing */
    WORLD_NO_CONE,         /* drops solicitations with the cone bit */
    WORLD_SAME_CONE,       /* answers them from the address that was asked */
    WORLD_CROSSWISE,       /* answers the others from its other address */
    WORLD_SAME_ADVERTISES, /* WORLD_SAME_CONE, and relays nothing */
    WORLD_NO_CONE_ADVERTISES,
};

struct world_config {
    const char *nat[2];                /* words of nat_config_parse, of A and of B */
    struct world_leg leg[WORLD_SITES]; /* both directions alike */
    enum world_service service[2][2];  /* server 1 and 2, primary and secondary address */
    bool trips[2];         /* NAT A, or B, keeps state for what it discards, and maps the port anew
                            * towards whoever has sent it, as Linux does where its own rules let that
                            * in */
    double secondary_loss; /* more, for packets to and from the servers' secondary addresses */
    uint16_t extra_port;   /* on which both servers serve as well; 0 = none */
    enum world_service no_extra; /* WORLD_CLOSED or WORLD_SILENT: they do not, there */
    uint64_t seed;
    /* May change a server's reply before it leaves; false = it never leaves. NULL = as it is. */
    bool (*tamper)(void *context, enum server_reply_kind kind, uint8_t *bytes, size_t *size);
    void *tamper_context;
    /* Is shown all packets where they pass; NULL = nobody looks. */
    void (*watch)(void *context, const struct world_sight *sight);
    void *watch_context;
};

struct world_packet {
    struct heap_item due; /* first: the world's */
    nsec when;
    enum world_site from_site, to_site;
    bool at_core;
    bool hairpinned; /* by its own NAT: it has come back to it already */
    bool is_icmp;    /* from and to are then of the packet that the error is about */
    struct icmp_error icmp;
    struct endpoint from, to;
    unsigned ttl;
    size_t size;
    uint8_t bytes[TEREDO_MAX_SIZE];
};

struct world_host {
    struct outbox outbox; /* the engine's */
    struct send_queue sends;
    struct engine *engine; /* NULL = nobody is there */
    struct endpoint local[WORLD_SOCKETS];
    struct nat *nat;
    bool done;
    unsigned sent;
    unsigned received;
    void (*emit)(void *context, const struct event *event); /* may be NULL */
    void *emit_context;
};

/* A packet FROM an endpoint that nobody had sent to, discarded at EXTERNAL: what EXTERNAL sends
 * back leaves from port ANEW. */
struct world_trip {
    struct endpoint external, from;
    uint16_t anew;
};

enum {
    WORLD_TRIPS = 16
};

enum {
    WORLD_IN_FLIGHT = 256,
    WORLD_EVENTS = 100000, /* a run that needs more does not end */
};

struct world {
    struct world_config config;
    nsec now;
    struct prng random;
    struct world_host hosts[2];
    struct world_trip trips[2][WORLD_TRIPS];
    unsigned trip_count[2];
    struct server servers[2];
    struct server extra[2]; /* the same hosts' on extra_port */
    struct world_packet packets[WORLD_IN_FLIGHT];
    uint16_t unused[WORLD_IN_FLIGHT];
    struct heap flying;
    unsigned overflow; /* packets without room, or too many events; a test must find 0 */
    uint64_t events;   /* handled so far */
};

/* A world of which nobody has said a word yet, at WORLD_EPOCH. Allocated; world_free frees it and
 * its NATs. Aborts on a configuration that is none. */
struct world *world_new(const struct world_config *config);
void world_free(struct world *w);

/* True where SITE's host has its public address itself. */
bool world_is_public(const struct world *w, enum world_site site);

/* The local port of a socket. */
uint16_t world_port(unsigned socket);

/* The endpoint that the Teredo address of a client at SITE embeds if its NAT preserves ports. */
struct endpoint world_outside(enum world_site site);

/* Primary (0) or secondary (1) endpoint of server 1 (0) or 2 (1). */
struct endpoint world_server(unsigned server, unsigned address);

/* Starts an engine on a host with its first TIMER, now. */
void world_start(struct world *w, enum world_site site, struct engine *engine,
                 void (*emit)(void *context, const struct event *event), void *context);

/* Hands the host's engine a STOP observation now. */
void world_stop(struct world *w, enum world_site site);

/* Handles events until *DONE, or until UNTIL has passed; true if *DONE became true. */
bool world_run(struct world *w, const bool *done, nsec until);

#endif
