/* The listening client: client B's side of the bubble procedure (RFC 4380 5.2.3, 5.2.6, with the
 * nonce trailers of RFC 6081), and the maintenance that keeps its mapping alive (5.2.5). */
#ifndef ENGINE_RESPONDER_H
#define ENGINE_RESPONDER_H

#include "qualify.h"
#include "rate.h"

enum {
    RESPONDER_MAX_PEERS =
        256, /* who was never proven goes first, then who was silent for longest */
    RESPONDER_MAX_BUBBLES = 4,  /* to a peer in RESPONDER_BUBBLE_WINDOW without a direct response */
    RESPONDER_ADDRESSES = 1024, /* buckets of IPv4 addresses, by hash: those of one share it */
};

/* Anybody can name an address as a peer's, and have bubbles sent there. So what goes to peers that
 * are not proven is bounded, to all of them and to each IPv4 address. */
#define RESPONDER_RATE_UNPROVEN ((struct rate){NSEC_S / 20, 40})
#define RESPONDER_RATE_ADDRESS ((struct rate){NSEC_S / 2, 16})

#define RESPONDER_BUBBLE_INTERVAL (2 * NSEC_S)
#define RESPONDER_BUBBLE_WINDOW (300 * NSEC_S)
#define RESPONDER_TRUST (30 * NSEC_S) /* RFC 4380 5.2.4: after the last reception */
#define RESPONDER_LINGER NSEC_S

struct responder_config {
    struct qualify_config qualify; /* server, timeouts, secure qualification */
    nsec refresh_interval;         /* RFC 4380 2.15; 30 s by default */
    unsigned count;                /* end after this many peers reached us; 0 = never */
    nsec duration;                 /* end after this long; 0 = never */
    bool allow_private;
    struct nonce_source nonces;
};

/* An entry of the list of recent peers (RFC 4380 5.2). */
struct responder_peer {
    bool used;
    bool trusted;            /* until RESPONDER_TRUST after last_believed */
    enum punch_proof proof;  /* why it is, or was, trusted */
    bool reached;            /* counted among the peers that reached us, which it is once */
    struct in6_addr address; /* as the packets' IPv6 source says */
    struct endpoint
        endpoint; /* where to send; while not trusted, what the address or origin says */
    nsec first_seen;
    nsec last_received;
    nsec last_believed; /* a direct packet that was proven to be its own */
    nsec last_bubble;   /* 0 = none */
    nsec window_start;
    unsigned window_bubbles;
    bool heard_indirect;     /* a bubble came through our server */
    uint32_t nonce_sent;     /* in our last indirect bubble to it (RFC 6081 5.2.1); 0 = none */
    uint32_t nonce_received; /* in its last indirect bubble (RFC 6081 5.2.1); 0 = none */
    uint32_t nonce_repeated; /* in our last direct bubble to it; 0 = it had none */
    bool solicits;           /* the direct bubble that is answered has an ND solicitation */
    struct endpoint stray;   /* a direct bubble came from here, not yet believed; unset = none */
    bool has_voice;
    struct in6_addr voice; /* of a link-local source: the Teredo address that its data comes from */
};

struct responder {
    struct engine engine;
    struct outbox *out; /* while it is observed */
    struct responder_config config;
    struct qualify qualify; /* of the start, then of each refresh */
    struct part qualifying;
    bool refreshing;
    bool qualified;
    struct in6_addr own;
    struct endpoint mapped;
    bool behind_symmetric_nat; /* as the last qualification that could tell has it */
    nsec started;
    nsec next_refresh;
    nsec answered; /* when the server did so last */
    bool lost;     /* it was told since that it does not */
    nsec end;
    struct responder_peer peers[RESPONDER_MAX_PEERS];
    nsec spent; /* of RESPONDER_RATE_UNPROVEN */
    nsec spent_at[RESPONDER_ADDRESSES];
    unsigned trusted_peers;
    unsigned bubbles_received;
    unsigned bubbles_sent;
    unsigned echoes;
    unsigned ignored;
    unsigned mapping_changes;
    bool done;
};

/* Sets up an engine whose first TIMER observation qualifies. The first QUALIFICATION event tells
 * the address; without one the engine ends there. The last event is LISTENED, if it had qualified.
 */
void responder_init(struct responder *r, const struct responder_config *config);

#endif
