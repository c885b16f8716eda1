/* One hole punch as captures show it: its bubbles, their answers and the data that follows, each
 * with every sight of it. Pure bookkeeping; src/engine/passive_verdict.h judges. */
#ifndef ENGINE_PASSIVE_PUNCH_H
#define ENGINE_PASSIVE_PUNCH_H

#include "passive_data.h"
#include "passive_summary.h"
#include "punch_proof.h"

enum {
    PASSIVE_ATTEMPTS = 4, /* bubble pairs that are kept: the latest */
    PASSIVE_FRESH = 8,    /* nonces of other bubbles, likewise */
    /* Below it a direct bubble stops short of the peer's NAT, above it does not. */
    PASSIVE_SHORT_TTL = 8,
};

/* Copies of a packet at several vantage points lie closer together than this, and two attempts
 * further apart (RFC 4380 5.2.6: two seconds). */
#define PASSIVE_SAME (1000 * NSEC_MS)

/* Clients send bubble pairs two (RFC 4380 5.2.6) or three seconds (miredo) apart, and solicit every
 * four (5.2.1). After this long without another one they have given up. */
#define PASSIVE_PATIENCE (6 * NSEC_S)
/* Where the peer has answered, data is to come, and may have to be sent again. */
#define PASSIVE_LONG_PATIENCE (12 * NSEC_S)
/* A client that never gives up gets a verdict after so long. */
#define PASSIVE_LONGEST (60 * NSEC_S)

/* The two parties, as indices. */
enum passive_party {
    INITIATOR,
    PEER
};

/* A packet, with where it was seen. */
struct passive_packet {
    uint8_t count;
    struct step_view views[STEP_MAX_VIEWS]; /* the earliest first */
};

/* A bubble pair of the initiator. Windows puts another nonce into each of the two. */
struct passive_attempt {
    struct punch_mark direct_mark, indirect_mark;
    struct passive_packet direct, indirect, forwarded;
    bool answered_indirectly;
};

/* A direct bubble that may be a part of a pair. */
struct passive_bubble {
    struct punch_mark mark;
    struct passive_packet packet; /* none = there is no such bubble */
};

struct passive_punch {
    uint32_t reference; /* in the book; 0 = the slot is free */
    bool done;          /* told; what follows for a while belongs to it */
    bool absorbed;      /* done, but told as a part of another */
    bool has_companion; /* the same host punches to the same peer from another port as well */
    nsec last;          /* when something of it was seen */
    nsec opened;        /* when both directions were first shown to work; 0 = not yet */
    struct in6_addr initiator;
    struct in6_addr peer;
    bool initiator_known; /* `initiator` is a Teredo address */
    bool relay;
    struct teredo_addr initiator_parts; /* if known */
    struct teredo_addr peer_parts;
    struct endpoint initiator_inside;  /* next to it; unset = never seen */
    struct endpoint initiator_outside; /* beyond its NAT; unset = never seen */
    /* The two are of its service port, which indirect bubbles come from (a direct one may come from
     * a random port, RFC 6081 5.4.4.3). */
    bool has_service_inside, has_service_outside;
    /* The party's own IPv4 address at each vantage point that is next to it; 0 = none is. */
    uint32_t next_to[2][PASSIVE_VANTAGES];
    nsec first;        /* the first bubble */
    nsec last_attempt; /* the last one of the initiator */
    unsigned attempt_count;
    unsigned attempts_before; /* of the same initiator, under other names */
    struct passive_attempt attempts[PASSIVE_ATTEMPTS]; /* attempt N is at N modulo the size */
    unsigned attempts_after_answer;                    /* begun though the peer had answered */
    nsec first_answer;                                 /* 0 = none */
    struct passive_packet answer;
    enum punch_proof proof;
    unsigned answered_attempt;
    struct endpoint answered_from; /* as nearest to the initiator; unset = none */
    bool answer_elsewhere; /* left the peer's NAT from another endpoint than its address says */
    unsigned indirect_answers;
    nsec first_indirect;         /* the first indirect answer; 0 = none */
    unsigned sent_since;         /* direct bubbles since then: the peer has opened its NAT */
    struct endpoint peer_origin; /* of an indirect answer: the peer, as that server sees it */
    /* The port that the peer listens on as well (RFC 6081 5.4); 0 = it has named none. */
    uint16_t peer_random_port;
    bool random_port_tried;    /* the initiator has sent to it */
    bool random_port_answered; /* and the peer answered from it */
    /* The initiator's direct bubbles that ask whether a known path is open (RFC 6081 5.7): the
     * nonces of the latest, and whether the peer's repeats one, or advertises itself. */
    bool solicited;
    uint32_t fresh[PASSIVE_FRESH];
    unsigned fresh_count;
    bool answered_fresh;
    struct passive_bubble lone; /* the last one after the peer was heard */
    /* Nonces of the peer's own bubbles, which the initiator's answers repeat. */
    struct passive_nonce {
        uint32_t nonce;
        bool direct;
    } peer_nonces[PASSIVE_FRESH];
    unsigned peer_nonce_count;
    struct endpoint unproven_from;
    /* `teredoctl trace` sends a reference with each pair: from another port, and with a direct
     * bubble that stops short of the peer's NAT. */
    bool has_reference;
    struct in6_addr reference_source;
    unsigned reference_attempts, reference_answers;
    nsec reference_last, reference_answered_last;
    bool reference_proven; /* it was answered from the endpoint in the peer's address */
    bool has_icmp;
    bool icmp_from_direct;
    struct icmp_error icmp;
    struct passive_talk talk;
};

/* The role of a packet in a punch. */
enum passive_role {
    ROLE_DIRECT,    /* 1: the initiator's direct bubble */
    ROLE_INDIRECT,  /* 2: its indirect one */
    ROLE_FORWARDED, /* 3: the same, out of the peer's server */
    ROLE_ANSWER,    /* 4: the peer's direct bubble */
    ROLE_INDIRECT_ANSWER,
    ROLE_DATA /* 5: either's, directly */
};

/* Makes *P a punch that begins with the bubble O of ROLE (one of the first three). LONE came before
 * it, and is a part of the punch if O is an indirect bubble that follows closely. */
void passive_begin(struct passive_punch *p, const struct observation *o, enum passive_role role,
                   const struct passive_bubble *lone);

/* Whether the bubble asks whether a known path is open (RFC 6081 5.7.4.1), by its trailer. */
bool passive_is_solicitation(const struct teredo_packet *packet);

/* Holds the direct bubble O, of either party, on a path that was open. */
void passive_hold(struct passive_punch *p, const struct observation *o);

/* What O is in the punch; its IPv6 addresses, or endpoints, name the two parties. */
enum passive_role passive_role(const struct passive_punch *p, const struct observation *o);

/* Whether the initiator has sent O. */
bool passive_from_initiator(const struct passive_punch *p, const struct observation *o);

/* Whether the direct bubble O, of another source but of the same host to the same peer, makes the
 * one of the two a reference of the other. */
bool passive_is_reference_pair(const struct passive_punch *p, const struct observation *o);

/* Takes it in. */
void passive_take(struct passive_punch *p, const struct observation *o, enum passive_role role);
void passive_take_icmp(struct passive_punch *p, const struct observation *o);

/* True if the bubble answers a solicitation by its trailer (RFC 6081 5.7.4.2). */
bool passive_is_advertisement(const struct teredo_packet *packet);

/* True where the addresses show that O was seen before its first router. */
bool passive_is_at_sender(const struct observation *o);

/* How long after what was seen last the punch may go on. */
nsec passive_patience(const struct passive_punch *p);

/* Places the packets again by all that is now known of who stands where. */
void passive_place_again(struct passive_punch *p);

/* The attempt that the steps are told of: the answered one, else the last. NULL = none. */
const struct passive_attempt *passive_shown(const struct passive_punch *p);

/* True if a packet of PARTY was seen at some vantage point next to it. */
bool passive_is_next_to(const struct passive_punch *p, enum passive_party party);

/* The view of PACKET at PLACE; NULL if there is none. */
const struct step_view *passive_view(const struct passive_packet *packet, enum view_place place);

#endif
