/* What the trace of a hole punch found: five steps and a verdict. */
#ifndef EVENT_PUNCHING_H
#define EVENT_PUNCHING_H

#include "qualification.h"

enum punch_step {
    STEP_DIRECT_BUBBLE,   /* 1: opens our NAT; the peer's NAT discards it */
    STEP_INDIRECT_BUBBLE, /* 2: to the peer's server */
    STEP_FORWARDED,       /* 3: the server's forwarding, which only the peer's side sees */
    STEP_ANSWER,          /* 4: the peer's direct bubble: opens its NAT */
    STEP_DATA,            /* 5: an echo request and its reply on the direct path */
    STEP_COUNT
};

enum step_state {
    STEP_MISSING,
    STEP_SENT,
    STEP_RECEIVED,
    STEP_INFERRED,
    STEP_OBSERVED, /* captures show it on its way, or at the other end */
};

/* How an answer was shown to be the peer's own. */
enum punch_proof {
    PROOF_NONE,
    PROOF_ENDPOINT,   /* it came from the endpoint in the peer's address (RFC 4380 5.2.3) */
    PROOF_LINK_LOCAL, /* it went to the unguessable link-local source of our bubble */
    PROOF_NONCE,      /* it repeats the nonce trailer of our bubble (RFC 6081) */
};

enum punch_verdict {
    PUNCH_PUNCHED,
    PUNCH_NOT_PUNCHED,
    PUNCH_INCONCLUSIVE
};

enum punch_cause {
    CAUSE_NONE,              /* punched, from the endpoint in the peer's address */
    CAUSE_PEER_REMAPPED,     /* punched, though the peer answered from another endpoint */
    CAUSE_PEER_NAT_TRIPS,    /* works only when the direct bubble never reaches its NAT */
    CAUSE_OWN_SERVER_SILENT, /* no qualification, so nothing could be tried */
    CAUSE_OWN_SERVER_UNREACHABLE,
    CAUSE_PEER_SERVER_SILENT,
    CAUSE_PEER_SERVER_UNREACHABLE, /* ICMP error from or for it */
    CAUSE_DIRECT_PATH_BLOCKED,     /* the peer answered each bubble, but only through our server */
    CAUSE_DIRECT_ANSWER_MISSING,   /* likewise, but too seldom to tell from mere loss */
    CAUSE_ANSWER_UNPROVEN,         /* answers only from another endpoint, without proof */
    CAUSE_DATA_LOST,               /* the peer's bubble came, and nothing of ours is answered */
    CAUSE_PEER_SILENT,             /* nothing at all; its server does answer */
    CAUSE_PEER_NOT_GLOBAL,         /* RFC 4380 5.2.4 forbids sending to the embedded address */
    CAUSE_PEER_IS_SELF,
    CAUSE_SEND_FAILED,
    CAUSE_INTERRUPTED,
    CAUSE_OWN_NAT_SYMMETRIC,   /* the peer lives, and nothing of it arrives directly */
    CAUSE_PEER_NAT_SYMMETRIC,  /* likewise, and our server sees another mapping of the peer */
    CAUSE_SAME_NAT,            /* likewise, and the peer is behind our own NAT: no hairpin */
    CAUSE_PACKETS_LOST,        /* loss explains what is missing as well as anything else */
    CAUSE_OWN_SERVER_REJECTED, /* it answers, and the answers break a rule */
    /* Only captures come to these. */
    CAUSE_NO_ANSWER,          /* neither the peer nor its server was seen to answer */
    CAUSE_NOT_FORWARDED,      /* the indirect bubble did not come out of the server */
    CAUSE_FORWARD_LOST,       /* it did, and never arrived at the peer */
    CAUSE_ANSWER_LOST,        /* the peer's answer never arrived at the initiator */
    CAUSE_NO_DATA,            /* the answer was seen, and nothing after it */
    CAUSE_NO_INDIRECT_BUBBLE, /* a direct bubble alone */
    CAUSE_DIRECT_PATH_UNSEEN, /* only the way through the server was captured */
    CAUSE_CAPTURE_ENDED,
    CAUSE_FORGOTTEN,          /* too many at once: it had to make way */
    CAUSE_PEER_HOST_SILENT,   /* the bubble arrived at the peer's host, which sent nothing */
    CAUSE_PEER_INDIRECT_ONLY, /* the peer's host sent its answers through a server alone */
    CAUSE_PATHS_UNSEEN,       /* answers may have come by ways that were not captured */
    CAUSE_DATA_UNPROVEN, /* of the live trace: as data lost, of a peer that may answer neither */
    CAUSE_COUNT
};

/* Whose it is that the punch fails, or works in a strange way. */
enum punch_blame {
    BLAME_NOBODY, /* punched */
    BLAME_OWN_NAT,
    BLAME_PEER_NAT,
    BLAME_SAME_NAT, /* one NAT in front of both */
    BLAME_PEER,
    BLAME_PEER_SERVER,
    BLAME_OWN_SERVER,
    BLAME_PATH,
    BLAME_UNKNOWN,
    BLAME_COUNT
};

/* What a verdict rests on: bits 1 << N of punching.evidence. A silence counts where lost packets
 * explain it with odds of 1 in 10,000 at most; of captures, which cannot ask more, 1 in 500. */
enum punch_evidence {
    EVIDENCE_DIRECT_ANSWER,       /* a proven packet of the peer, directly */
    EVIDENCE_ANSWER_ELSEWHERE,    /* and not from the endpoint in its address */
    EVIDENCE_UNPROVEN_ANSWER,     /* a direct packet without proof */
    EVIDENCE_ECHO_REPLY,          /* data crossed: the peer replied to our echo request */
    EVIDENCE_BUBBLE_REPLY,        /* and likewise to a direct bubble, by its fresh nonce */
    EVIDENCE_ECHO_SILENCE,        /* echo requests went to where the answer came from, in vain */
    EVIDENCE_INDIRECT_ANSWER,     /* the peer answered through a server */
    EVIDENCE_DIRECT_SILENCE,      /* it did, and what it sent directly never came */
    EVIDENCE_PEER_SILENCE,        /* no bubble was answered in any way */
    EVIDENCE_PEER_MAPS_ANEW,      /* origin of an indirect answer: not the peer's endpoint */
    EVIDENCE_OWN_MAPS_ANEW,       /* two server addresses saw two mappings of ours */
    EVIDENCE_SAME_ADDRESS,        /* the peer's mapped address is our own */
    EVIDENCE_REFERENCE_ANSWERED,  /* the reference was, from the endpoint in the peer's address */
    EVIDENCE_REFERENCES_ALONE,    /* each reference was, and no pair */
    EVIDENCE_PEER_SERVER_ALIVE,   /* it answered */
    EVIDENCE_PEER_SERVER_SILENCE, /* it was asked in three ways, and did not */
    EVIDENCE_PEER_SERVER_ICMP,    /* an ICMP error for what went to it */
    EVIDENCE_PEER_ICMP,           /* an ICMP error for a direct bubble */
    EVIDENCE_LOSS,                /* something was lost of what is known to be answered */
    /* Of captures alone. */
    EVIDENCE_DATA_CROSSED,       /* data or bubbles were seen to work in both directions */
    EVIDENCE_DATA_SENT,          /* the initiator sent data directly */
    EVIDENCE_DATA_SILENCE,       /* which called for an answer, or was not seen to arrive */
    EVIDENCE_ANSWER_ARRIVED,     /* the peer's answer was seen to, or data followed it */
    EVIDENCE_ANSWER_NOT_SEEN,    /* it was not, where it would have arrived */
    EVIDENCE_PAIRS_AFTER_ANSWER, /* the initiator went on as if there had been none */
    EVIDENCE_INDIRECT_BUBBLE,    /* a bubble to the peer's server, or out of it */
    EVIDENCE_FORWARDED,          /* out of it */
    EVIDENCE_FORWARD_ARRIVED,    /* and at the peer */
    EVIDENCE_FORWARD_NOT_SEEN,   /* nothing came out, where it would have been seen */
    EVIDENCE_ARRIVAL_NOT_SEEN,   /* nothing arrived, where that would have been seen */
    EVIDENCE_PEER_CAPTURED,      /* the peer's direct packets would have been seen next to it */
    EVIDENCE_DIRECT_PATH_SEEN,   /* direct packets would have been seen */
    EVIDENCE_ANSWER_PATHS_SEEN,  /* answers through servers would have been seen */
    EVIDENCE_RANDOM_PORT,        /* the port that the peer announced was used (RFC 6081 5.4) */
    EVIDENCE_MAY_BE_REFERENCE,   /* the bubbles may be the reference of another punch */
    EVIDENCE_CAPTURE_ENDED,      /* more could have followed after its end */
    EVIDENCE_FORGOTTEN,          /* it had to make way */
    EVIDENCE_PEER_HOST_REFUSED,  /* it arrived at the peer's host, where nobody listens */
    EVIDENCE_NONCE_REPEATED,     /* of the live trace: the peer repeats nonces (RFC 6081) */
    EVIDENCE_COUNT
};

/* Whose packets a capture shows next to their sender or receiver. */
enum punch_side {
    SIDE_SELF,      /* no capture: this program is the initiator */
    SIDE_INITIATOR, /* the initiator's, and the peer's too if it was captured as well */
    SIDE_PEER,
    SIDE_PATH, /* neither's: seen only in between */
};

/* Where on its way a capture shows a packet. */
enum view_place {
    PLACE_SENDER, /* before the first router */
    PLACE_PATH,
    PLACE_RECEIVER, /* behind the last one */
};

enum {
    STEP_MAX_VIEWS = 4
};

/* One packet at one vantage point. */
struct step_view {
    nsec when;
    struct endpoint from, to; /* as they are there: NATs change them */
    uint8_t vantage;
    uint8_t ttl;
    uint8_t place; /* enum view_place */
};

struct step_report {
    enum step_state state;
    nsec when;   /* SENT, RECEIVED, OBSERVED; INFERRED: not before */
    nsec latest; /* INFERRED: not after */
    struct endpoint from;
    struct endpoint to;
    bool lost;          /* it was not seen where it would have arrived, though that was captured */
    uint8_t view_count; /* of a capture: every sight of the packet, the earliest first */
    struct step_view views[STEP_MAX_VIEWS];
};

struct punching {
    enum punch_verdict verdict;
    enum punch_cause cause;
    /* Of captures alone. */
    enum punch_side side;
    bool both_sides; /* the peer's too, where `side` is the initiator's */
    bool relay;      /* the initiator is a relay: it has native IPv6 behind it */
    bool has_own;    /* else `own` is a link-local address, and the Teredo address is unknown */
    bool reference;  /* the initiator sent controls as `teredoctl trace` does */
    nsec started;    /* the first bubble */
    struct step_report request; /* data that step 5 answers; MISSING = step 5 is no answer */
    /* Of both. */
    struct in6_addr peer;
    struct endpoint peer_mapped;
    struct endpoint peer_server;
    struct endpoint server;
    struct endpoint local;
    struct endpoint mapped;
    struct in6_addr own;
    enum qualify_nat own_nat;
    struct step_report steps[STEP_COUNT];
    enum punch_proof proof;
    struct endpoint answered_from; /* step 4's source; unset = none */
    struct endpoint unproven_from; /* of the last answer that was not believed; unset = none */
    uint8_t direct_ttl;            /* time to live of direct bubbles; 0 = the system's default */
    unsigned attempts;             /* bubble pairs sent */
    unsigned indirect_answers;     /* from the peer, through our own server */
    bool peer_server_alive;        /* it answered a router solicitation, or our own server is it */
    bool peer_server_checked;
    bool has_icmp; /* an error for the peer's server, else for the peer */
    bool icmp_from_direct;
    struct icmp_error icmp;
    int errnum; /* behind SEND_FAILED */
    enum punch_blame blame;
    uint64_t evidence; /* bits of enum punch_evidence */
    /* Of what is known to be answered where nothing is lost: solicitations, checks, bubbles. */
    unsigned loss_asked, loss_answered;
    double loss_odds;             /* that loss alone explains the silence; negative = no matter */
    struct endpoint peer_origin;  /* the peer, as our server sees it; unset = never told */
    uint16_t peer_random_port;    /* that it announced (RFC 6081 5.4); 0 = none */
    struct endpoint mapped_there; /* we, as the peer's server sees us; unset = never told */
    bool has_rejected;            /* OWN_SERVER_REJECTED: the last rule broken, and by whom */
    enum ra_rule rejected_rule;
    struct endpoint rejected_from;
    nsec rtt; /* of the echo; 0 = none came */
    nsec elapsed;
};

/* When step 1 of a captured punch was, or the first step that was seen: offsets count from there.
 */
nsec captured_punch_origin(const struct punching *p);

/* A step as it is told. */
struct step_row {
    struct step_report report;
    enum punch_step step;
    unsigned number; /* from 1 */
    nsec origin;     /* what the offsets count from */
    nsec offset, latest_offset;
};

struct step_row step_row(enum punch_step step, const struct step_report *report, nsec origin);

extern const struct record_type step_record;
extern const struct record_type punching_record;
extern const struct record_type captured_punch_record;

extern const struct words punch_verdicts;
extern const struct words punch_causes;
extern const struct words captured_causes; /* of punches in captures, whose parties are strangers */
extern const struct words punch_steps;
extern const struct words step_states;
extern const struct words punch_proofs;
extern const struct words punch_blames, punch_evidences;
extern const struct words punch_sides;
extern const struct words view_places;

#endif
