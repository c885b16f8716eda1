/* What the classification of a NAT found, in the terms of RFC 4787, with the evidence. Everything
 * may be unknown: a finding that the evidence does not bear out is never given. */
#ifndef EVENT_CLASSIFICATION_H
#define EVENT_CLASSIFICATION_H

#include "qualification.h"

/* The exit status of `teredoctl classify`, in this order. */
enum classify_verdict {
    CLASSIFY_CLASSIFIED, /* mapping and filtering are known */
    CLASSIFY_BLOCKED,    /* UDP does not get through to this server */
    CLASSIFY_PARTIAL,    /* something of these stays unknown */
};

/* What answered, or why nothing did. */
enum classify_reach {
    REACH_BOTH,           /* both server addresses answered */
    REACH_ONLY_PRIMARY,   /* the secondary is silent, more surely than loss explains */
    REACH_ONLY_SECONDARY, /* likewise the primary */
    REACH_UNSURE,         /* one answered; the other did not, which may be loss */
    REACH_NO_REPLY,       /* nothing came back at all, not even an ICMP error */
    REACH_SERVER_SILENT,  /* likewise, but routers outside, or the server's host, told of UDP */
    REACH_ONLY_EXTRA,     /* neither answers, but the primary's extra port does */
    REACH_REJECTED,       /* all replies broke a rule */
    REACH_NAME_NOT_FOUND,
    REACH_NAME_NO_ADDRESS,  /* the name is there, and has no IPv4 address */
    REACH_ADDRESS_UNUSABLE, /* an address that no server can have */
    REACH_RESOLVER_FAILED,  /* the name servers did not say */
    REACH_INTERRUPTED,      /* before anything answered */
    REACH_NOT_SENT,         /* this host had no room for a single packet */
    REACH_REFUSED,          /* from here on: REACH_REFUSAL of each enum refusal */
    REACH_COUNT = REACH_REFUSED + REFUSAL_COUNT
};

/* The reach that is a refusal, and nothing else. */
#define REACH_REFUSAL(refusal) ((enum classify_reach)(REACH_REFUSED + (int)(refusal)))

/* The NAT in one word; the cone words are RFC 3489's. */
enum nat_name {
    NAT_NAME_UNKNOWN,
    NAT_NAME_NONE,
    NAT_NAME_FIREWALL,
    NAT_NAME_BLOCKED,
    NAT_NAME_CONE,
    NAT_NAME_ADDRESS_RESTRICTED,
    NAT_NAME_PORT_RESTRICTED,
    NAT_NAME_SYMMETRIC,
    NAT_NAME_COUNT
};

/* What mapping (RFC 4787 4.1) or filtering (5) depends on. */
enum nat_depends {
    DEPENDS_UNKNOWN,
    DEPENDS_ENDPOINT_INDEPENDENT,
    DEPENDS_ADDRESS,
    DEPENDS_ADDRESS_AND_PORT,
    DEPENDS_ENDPOINT, /* on the address, and perhaps on the port too */
    DEPENDS_COUNT
};

/* How external ports are chosen (RFC 4787 4.2.1). */
enum port_allocation {
    PORTS_UNKNOWN,
    PORTS_PRESERVING,
    PORTS_SEQUENTIAL,
    PORTS_RANDOM,
    PORTS_NOT_APPLICABLE,
};

/* How external addresses are chosen (RFC 4787 4.1, REQ-2). */
enum address_pooling {
    POOLING_UNKNOWN,
    POOLING_ONE_ADDRESS, /* every port of this host was seen from one address: paired */
    POOLING_ARBITRARY,   /* its ports were seen from several */
    POOLING_NOT_APPLICABLE,
};

/* What the server makes of a solicitation with the cone bit, which it should answer from its other
 * address (RFC 4380 5.3.2). */
enum server_cone {
    SERVER_CONE_UNTRIED,
    SERVER_CONE_HONOURED,
    SERVER_CONE_IGNORED,    /* answered from the address that was asked */
    SERVER_CONE_UNANSWERED, /* more surely than loss explains */
    SERVER_CONE_COUNT
};

/* What is proven, each a word of the key "proven". The table in classify_judge.c says what each
 * finding needs of it, and what refutes that.
 *
 * - An answer is one that meets all rules of ra_check.h, or a bubble that came where it must.
 * - P is called silent, or S, where so many solicitations to it were unanswered, each in a round in
 *   which one to the other was answered, that loss explains it with odds below one in a million if
 * at least one in four comes through; no sooner than the timeout. Where neither
 * answers all solicitations are taken together.
 * - What stayed out did so at two ports, in so many rounds with a control that came back, that loss
 *   explains it with the same odds. What came in, or did not stay the same, did so at two ports.
 * - A control is dead by the same odds, beside solicitations in the same rounds that were answered.
 * - An error of the network is a refusal after three, or half a second, if nothing answers; network
 *   and host unreachable are a hint until the time is up (RFC 1122 3.2.2.1). */
enum classify_proven {
    CLASSIFY_PROVEN_PRIMARY_ANSWER,
    CLASSIFY_PROVEN_SECONDARY_ANSWER,
    CLASSIFY_PROVEN_EXTRA_PORT_ANSWER,
    CLASSIFY_PROVEN_PRIMARY_SILENCE,
    CLASSIFY_PROVEN_SECONDARY_SILENCE,
    CLASSIFY_PROVEN_PRIMARY_REFUSAL,
    CLASSIFY_PROVEN_PRIMARY_PROHIBITED, /* by a firewall on the way */
    CLASSIFY_PROVEN_PRIMARY_HINT,
    CLASSIFY_PROVEN_SECONDARY_REFUSAL,
    CLASSIFY_PROVEN_REJECTED_ANSWER,
    CLASSIFY_PROVEN_UDP_OUTSIDE, /* a router outside, or the server's host, told of a packet */
    CLASSIFY_PROVEN_INTERRUPTED,
    CLASSIFY_PROVEN_NOTHING_SENT,
    CLASSIFY_PROVEN_TRANSLATED,
    CLASSIFY_PROVEN_UNTRANSLATED,
    CLASSIFY_PROVEN_UNSTEADY,      /* an endpoint of one port changed between two answers */
    CLASSIFY_PROVEN_SAME_MAPPING,  /* P and S saw the same endpoint */
    CLASSIFY_PROVEN_OTHER_MAPPING, /* of one port at least they did not */
    CLASSIFY_PROVEN_SAME_MAPPING_BY_PORT,
    CLASSIFY_PROVEN_OTHER_MAPPING_BY_PORT,
    CLASSIFY_PROVEN_STRANGER_IN, /* from an address that was not sent to */
    CLASSIFY_PROVEN_STRANGER_OUT,
    CLASSIFY_PROVEN_OTHER_PORT_IN, /* from another port of an address that was */
    CLASSIFY_PROVEN_OTHER_PORT_OUT,
    CLASSIFY_PROVEN_CONE_BIT_DEAD, /* no control of the cone bit came back */
    CLASSIFY_PROVEN_RELAY_DEAD,    /* none of the relayed bubbles */
    CLASSIFY_PROVEN_HAIRPIN_IN,
    CLASSIFY_PROVEN_HAIRPIN_OUT,
    CLASSIFY_PROVEN_MAPPED_ANEW, /* once P had sent unasked */
    CLASSIFY_PROVEN_NOT_MAPPED_ANEW,
    CLASSIFY_PROVEN_SHARED_SPACE_ROUTER,
    CLASSIFY_PROVEN_PRIVATE_ROUTER,
    CLASSIFY_PROVEN_COUNT
};

enum classify_test {
    TEST_SILENCE,       /* solicitations that nothing answered */
    TEST_HOPS,          /* solicitations that die on the way: how far does UDP get? */
    TEST_MAPPING,       /* one port, both server addresses */
    TEST_MAPPING_PORT,  /* one port, two ports of the primary address */
    TEST_FILTER_ANY,    /* cone-bit solicitation: answered from an address never sent to */
    TEST_FILTER_PORT,   /* the same, once another port of that address was sent to */
    TEST_FILTER_OPEN,   /* the same, once that very endpoint was sent to: the control */
    TEST_RELAY_ANY,     /* bubble from an address to which this port never sent */
    TEST_RELAY_PORT,    /* bubble from another port of an address to which it has sent */
    TEST_RELAY_OPEN,    /* bubble from the endpoint to which it has sent: the control */
    TEST_PORTS,         /* the external ports of fresh local ports */
    TEST_POOLING,       /* their external addresses */
    TEST_HAIRPIN,       /* two ports of this host, by their external endpoints */
    TEST_UNASKED,       /* one port, both server addresses; the latter sent to it first, unasked */
    TEST_LIFETIME,      /* bubble to a port that was silent for a time */
    TEST_KEPT_INBOUND,  /* to one that only received */
    TEST_KEPT_OUTBOUND, /* to one that only sent */
    TEST_COUNT
};

/* What the outcome of a test shows. */
enum classify_proof {
    PROVES_NOTHING,
    PROVES_NO_UDP,
    PROVES_UDP_LEAVES,
    PROVES_SHARED_SPACE,
    PROVES_PRIVATE_ROUTER,
    PROVES_NO_TRANSLATION,
    PROVES_MAPPING_INDEPENDENT,
    PROVES_MAPPING_DEPENDENT,
    PROVES_MAPPING_BY_ADDRESS,
    PROVES_MAPPING_BY_PORT,
    PROVES_ANYONE_GETS_IN,
    PROVES_NOT_ANYONE,
    PROVES_ADDRESS_GETS_IN,
    PROVES_NOT_ADDRESS,
    PROVES_REFERENCE_WORKS,
    PROVES_PRESERVING,
    PROVES_SEQUENTIAL,
    PROVES_RANDOM,
    PROVES_ONE_ADDRESS,
    PROVES_ARBITRARY,
    PROVES_HAIRPIN,
    PROVES_NO_HAIRPIN,
    PROVES_MAPPED_ANEW,
    PROVES_NOT_MAPPED_ANEW,
    PROVES_ALIVE,
    PROVES_GONE,
    PROVES_REFRESHES,
    PROVES_NO_REFRESH,
    PROVES_COUNT
};

enum {
    CLASSIFY_EVIDENCE = 48,
    CLASSIFY_PORTS = 12,
    /* Peers of the table for hole punching: the NAT at the other end. */
    CLASSIFY_PEERS = 7,
};

/* One test: what was sent, what came back. */
struct classify_evidence {
    enum classify_test test;
    enum classify_proof proof;
    uint16_t port;       /* local port that sent (or, relayed bubbles, that should receive) */
    unsigned sent;       /* times */
    unsigned answered;   /* of these */
    unsigned paired;     /* unanswered, with a control of the same round that did come back */
    unsigned references; /* control probes sent */
    unsigned references_answered;
    struct endpoint to;      /* where it was sent */
    struct endpoint answer;  /* where the answer came from, or would have; unset = none expected */
    struct endpoint seen[2]; /* mapped endpoints that the answers named; a router that answered */
    nsec sent_at;            /* the first sending, since the start */
    nsec delay;              /* of the first answer, since its own sending; 0 = none */
    nsec idle;               /* LIFETIME: how long the port had been silent */
    double odds; /* that loss alone explains the silence; 0 where nothing rests on silence */
    unsigned port_count; /* PORTS */
    struct {
        uint16_t local;
        uint16_t mapped;
    } ports[CLASSIFY_PORTS];
};

/* How long a mapping lives without traffic (RFC 4787 4.3). */
struct mapping_lifetime {
    bool asked;
    bool measured; /* the server answers, so that it could be tried */
    bool no_relay; /* but it relays no bubbles, or none came back */
    nsec at_least; /* 0 = nothing known */
    nsec at_most;  /* NSEC_NEVER = nothing known */
    enum finding outbound_refreshes;
    enum finding inbound_refreshes;
};

enum punch_outcome {
    OUTCOME_UNKNOWN,
    OUTCOME_DIRECT,       /* with RFC 4380 alone */
    OUTCOME_DIRECT_FIRST, /* likewise, if this side sends first */
    OUTCOME_EXTENSION,    /* with an extension of RFC 6081 */
    OUTCOME_NO,
};

struct punch_prospect {
    const char *peer; /* the peer's NAT: a stable snake_case word */
    enum punch_outcome outcome;
    const char *needs; /* what the outcome takes, for people; empty where nothing */
};

struct classification {
    enum classify_verdict verdict;
    enum classify_reach reach;
    enum nat_name nat;
    enum finding translated;
    enum nat_depends mapping;
    enum nat_depends filtering;
    enum port_allocation ports;
    int port_step; /* of PORTS_SEQUENTIAL */
    enum finding hairpinning;
    enum address_pooling pooling;
    enum finding trips; /* a port that was sent to unasked is mapped anew towards that sender */
    uint32_t shared_space_router; /* on the way, of RFC 6598's addresses; 0 = none was seen */
    uint32_t private_router;      /* on the way, behind the first one (RFC 1918); 0 = none */
    bool unsteady;                /* external endpoints changed while they were compared */
    struct mapping_lifetime lifetime;
    uint32_t proven; /* bit 1 << N for that of enum classify_proven */
    enum server_cone server_cone;
    enum finding server_relays;    /* bubbles, RFC 4380 5.3.1 */
    unsigned rejected;             /* replies that broke a rule */
    enum ra_rule rejected_rule;    /* the last one, where there is one */
    struct endpoint rejected_from; /* by whom */
    struct endpoint server;
    struct endpoint secondary;
    struct endpoint local;
    struct endpoint mapped;           /* of `local`, as the primary saw it; unset = unknown */
    struct endpoint mapped_secondary; /* as the secondary saw it; unset = unknown */
    unsigned references;              /* probes that any NAT lets the answer of in */
    unsigned references_answered;     /* the rest is loss */
    double error_odds; /* that loss alone made one of the negative findings; 0 = there is none */
    unsigned sent;     /* packets */
    unsigned received;
    nsec rtt; /* 0 = unknown */
    nsec elapsed;
    bool interrupted;
    bool has_icmp;
    struct icmp_error icmp; /* behind a refusal */
    int errnum;             /* behind a refusal of this host */
    unsigned evidence_count;
    struct classify_evidence evidence[CLASSIFY_EVIDENCE];
};

extern const struct words classify_verdicts;
extern const struct words classify_reaches;
extern const struct words nat_names;
extern const struct words nat_dependences;
extern const struct words port_allocations; /* null where not applicable, as the next */
extern const struct words address_poolings;
extern const struct words classify_proven_words;
extern const struct words server_cones;
extern const struct words classify_tests;
extern const struct words classify_proofs; /* the text alone */
extern const struct words punch_outcomes;
extern const struct record_type classification_record;

/* What it is, in a sentence. */
const char *classification_text(const struct classification *c);
/* What to do about all of it: about the server, else about the NAT; may be empty. */
const char *classification_advice(const struct classification *c);

/* What other vocabularies call this NAT: RFC 4380 2.8 ("none", "cone", "restricted", "symmetric",
 * "unknown"), RFC 3489 5, and `netsh interface teredo show state`. */
const char *rfc4380_name(const struct classification *c);
const char *rfc3489_name(const struct classification *c);
const char *netsh_name(const struct classification *c);

/* How a hole punch with a peer behind each kind of NAT will end (RFC 4380 5.2.6, RFC 6081). */
void punch_prospects(const struct classification *c, struct punch_prospect out[CLASSIFY_PEERS]);

#endif
