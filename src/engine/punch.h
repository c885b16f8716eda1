/* The hole punch: client A's side of the bubble procedure (RFC 4380 5.2.4 case 5, 5.2.6) with the
 * nonce trailers of RFC 6081, as five observable steps. */
#ifndef ENGINE_PUNCH_H
#define ENGINE_PUNCH_H

#include "engine.h"
#include "nonce.h"
#include "punch_judge.h"
#include "punch_proof.h"
#include "rs_make.h"

enum {
    PUNCH_MAX_ATTEMPTS = 4, /* RFC 4380 5.2.6: no more in 300 seconds without an answer */
    PUNCH_MAX_ECHOES = 8,
    PUNCH_MAX_CHECKS = 200,
    PUNCH_CHECK_NONCE = 8,
    PUNCH_ECHO_DATA = 16,
    /* Of its sends, from 0: a pair, its reference and one more direct bubble an attempt, an echo
     * request with its bubble, and a check. */
    PUNCH_TAGS = 5 * PUNCH_MAX_ATTEMPTS + 2 * PUNCH_MAX_ECHOES + PUNCH_MAX_CHECKS,
};

/* RFC 4380 5.2.6: bubbles to one peer are at least two seconds apart. The peer applies the same
 * rule to its answers, so that jitter must not bring two of ours closer together. */
#define PUNCH_INTERVAL (2200 * NSEC_MS)

/* Where no answer comes, both servers are asked this often: how much is lost? */
#define PUNCH_CHECK_INTERVAL (10 * NSEC_MS)

/* Which proof the bubbles ask for (--proof). */
enum punch_ask {
    PUNCH_ASK_AUTO,       /* nonce first, link-local in every second attempt until the peer shows
                           * that it knows RFC 6081 */
    PUNCH_ASK_NONCE,      /* Teredo source, nonce trailer: Windows' way */
    PUNCH_ASK_LINK_LOCAL, /* unguessable link-local source: miredo's way */
    PUNCH_ASK_ENDPOINT,   /* Teredo source, no trailer: RFC 4380 alone */
};

struct punch_config {
    struct in6_addr own;    /* our Teredo address */
    struct in6_addr peer;   /* must be a Teredo address */
    struct endpoint server; /* our own server, as solicited */
    struct endpoint local;
    struct endpoint mapped;
    enum qualify_nat own_nat;
    nsec server_rtt; /* to our own server; 0 = unknown */
    enum punch_ask ask;
    unsigned attempts; /* bubble pairs, at most PUNCH_MAX_ATTEMPTS */
    uint8_t ttl;       /* of direct bubbles; 0 = the system's default */
    bool allow_private;
    uint8_t reference_ttl; /* 0 = no reference; else the engine has a second socket for it */
    uint16_t server_port;  /* of the peer's server: TEREDO_PORT outside laboratories */
    struct nonce_source nonces;
    struct rs_identity identity; /* to our own server */
    /* Of the qualification that gave us `own`; both 0 = our server was not asked. */
    unsigned solicitations, advertisements;
};

/* One bubble pair and the proofs that an answer to it may carry. */
struct punch_attempt {
    struct punch_mark mark;
    nsec asked;       /* when it was to be sent */
    nsec sent_direct; /* 0 = not yet confirmed */
    nsec sent_indirect;
    bool answered_indirectly; /* the peer answered it through a server */
    nsec again;               /* when one more direct bubble answered that answer; 0 = never */
};

/* How a server is asked whether it lives. Any server advertises, unless it wants authentication;
 * all should answer an echo request to their link-local address, and relay a bubble to ourselves
 * (RFC 4380 5.3.1). */
enum punch_way {
    PUNCH_SOLICIT,
    PUNCH_ECHO,
    PUNCH_SELF_BUBBLE,
    PUNCH_WAYS
};

struct punch_check {
    bool own; /* of our own server; else of the peer's */
    enum punch_way way;
    uint8_t nonce[PUNCH_CHECK_NONCE];
    nsec asked;
    bool answered;
};

/* A packet that was asked for, and of which attempt, or the how manieth echo. */
struct punch_sent {
    enum {
        PUNCH_SENT_DIRECT,
        PUNCH_SENT_INDIRECT,
        PUNCH_SENT_ECHO,
        PUNCH_SENT_CHECK,
        PUNCH_SENT_BUBBLE, /* with an echo request, or after an indirect answer */
        PUNCH_SENT_REFERENCE,
    } what;
    unsigned index;
};

struct punch {
    struct engine engine;
    struct outbox *out; /* while it is observed */
    struct punch_config config;
    struct teredo_addr peer; /* taken apart */
    struct endpoint peer_server;
    struct punch_attempt attempts[PUNCH_MAX_ATTEMPTS];
    unsigned attempt_count;
    struct punch_sent sent[PUNCH_TAGS]; /* by their tags */
    unsigned sent_count;
    nsec started; /* 0 = not yet */
    nsec next_attempt;
    nsec give_up;
    /* The reference: another bubble pair from another local port, whose direct bubble opens our NAT
     * but stops short of the peer's. It can be answered where ours cannot: at a NAT that keeps
     * state for the direct bubble it should discard. */
    struct in6_addr reference_source;
    bool reference_answered[PUNCH_MAX_ATTEMPTS];
    struct in6_addr answered_to; /* where step 4's packet was addressed to */
    unsigned answered_attempt;
    /* RFC 6081: what direct bubbles repeat, of the last indirect bubble of the peer. */
    bool has_peer_nonce;
    uint32_t peer_nonce;
    unsigned peer_nonce_attempt; /* that it came in answer to */
    bool peer_nonces_differ;     /* of several answers to that */
    /* Behind a symmetric NAT the address that passes the peer's server: that server, and the
     * endpoint that we have there. */
    bool has_source_there;
    struct in6_addr source_there;
    nsec first_indirect; /* 0 = none yet */
    /* An answer with a weaker proof than the one that is asked for: taken if no other comes. */
    bool has_weak_answer;
    struct endpoint weak_from;
    unsigned weak_attempt;
    unsigned echoes;
    uint16_t echo_id;
    uint8_t echo_data[PUNCH_ECHO_DATA];
    nsec echo_asked[PUNCH_MAX_ECHOES];
    nsec echo_sent[PUNCH_MAX_ECHOES]; /* 0 = not yet confirmed */
    uint32_t fresh[PUNCH_MAX_ECHOES]; /* nonces of the bubbles beside the echo requests */
    bool is_fresh[PUNCH_MAX_ECHOES];
    nsec next_echo;
    struct punch_check checks[PUNCH_MAX_CHECKS];
    unsigned check_count;
    nsec next_check;
    bool way_answers[PUNCH_WAYS]; /* of the peer's server */
    bool own_answers;             /* our server answers solicitations */
    nsec slowest;                 /* answer that has come */
    unsigned judged;              /* attempts when it was last judged */
    uint64_t evidence;            /* what shows by itself */
    bool done;
    struct punching result;
};

/* Sets up an engine whose first TIMER observation sends the first bubble pair. False, and nothing
 * set up, if the peer is no Teredo address. */
bool punch_init(struct punch *p, const struct punch_config *config);

#endif
