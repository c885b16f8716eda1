/* What a qualification (RFC 4380 5.2.1) found. */
#ifndef EVENT_QUALIFICATION_H
#define EVENT_QUALIFICATION_H

#include <netinet/in.h>

#include "observation.h"
#include "record.h"
#include "refusal.h"

enum qualify_verdict {
    QUALIFY_QUALIFIED,
    QUALIFY_NOT_QUALIFIED,
    QUALIFY_INCONCLUSIVE
};

enum qualify_reason {
    QUALIFY_BOTH_AGREE,     /* both server addresses answered and saw the same mapping */
    QUALIFY_SYMMETRIC_NAT,  /* both answered and saw different mappings */
    QUALIFY_NO_REPLY,       /* nothing came back at all */
    QUALIFY_ONLY_PRIMARY,   /* only the primary address answered */
    QUALIFY_ONLY_SECONDARY, /* only the secondary address answered */
    QUALIFY_REJECTED,       /* all replies broke a rule */
    QUALIFY_NAME_NOT_FOUND,
    QUALIFY_NAME_NO_ADDRESS,     /* the name is there, and has no IPv4 address */
    QUALIFY_ADDRESS_UNUSABLE,    /* an address that no server can have */
    QUALIFY_NAME_MALFORMED,      /* of a list: no address and no name */
    QUALIFY_RESOLVER_FAILED,     /* of a list: the name servers did not say */
    QUALIFY_TWO_LOCAL_ADDRESSES, /* this host sends to each server address from another one */
    QUALIFY_INTERRUPTED,
    QUALIFY_NOT_SENT, /* this host was short of room for packets all the time */
    /* Only captures come to these. */
    QUALIFY_ONE_ASKED,     /* one server address was solicited, and answered */
    QUALIFY_UNANSWERED,    /* no solicitation was answered */
    QUALIFY_CAPTURE_ENDED, /* before an answer */
    QUALIFY_ANSWER_CUT,    /* by the capture's snap length, so that it cannot be judged */
    QUALIFY_REFUSED,       /* from here on: QUALIFY_REFUSAL of each enum refusal */
    QUALIFY_REASON_COUNT = QUALIFY_REFUSED + REFUSAL_COUNT
};

/* The reason that is a refusal, and nothing else. */
#define QUALIFY_REFUSAL(refusal) ((enum qualify_reason)(QUALIFY_REFUSED + (int)(refusal)))

/* What was observed, each a word of the key "evidence". The judge's table (qualify_judge.c) says
 * what each shows. */
enum qualify_evidence {
    QUALIFY_EVIDENCE_PRIMARY_ANSWER, /* an advertisement that keeps every rule */
    QUALIFY_EVIDENCE_SECONDARY_ANSWER,
    QUALIFY_EVIDENCE_SAME_MAPPING,
    QUALIFY_EVIDENCE_DIFFERENT_MAPPINGS,
    QUALIFY_EVIDENCE_LOCAL_MAPPING, /* the mapped endpoint is the local one */
    QUALIFY_EVIDENCE_TWO_LOCAL_ADDRESSES,
    QUALIFY_EVIDENCE_PRIMARY_SILENCE, /* asked, and no answer, be it one that broke a rule */
    QUALIFY_EVIDENCE_SECONDARY_SILENCE,
    QUALIFY_EVIDENCE_PRIMARY_REFUSAL, /* an ICMP error that is final */
    QUALIFY_EVIDENCE_SECONDARY_REFUSAL,
    QUALIFY_EVIDENCE_OWN_REFUSAL, /* this host would not send to the primary */
    QUALIFY_EVIDENCE_OWN_REFUSAL_OF_SECONDARY,
    QUALIFY_EVIDENCE_PRIMARY_HINT, /* an ICMP error that tells of the way for the moment alone */
    QUALIFY_EVIDENCE_SECONDARY_HINT,
    QUALIFY_EVIDENCE_REJECTED_ANSWER, /* one that broke a rule */
    /* Of rejected answers: */
    QUALIFY_EVIDENCE_ANSWER_WITH_NONCE, /* so that it is an answer to us, as are the next five */
    QUALIFY_EVIDENCE_CROSSED_ANSWER,    /* one address answered for the other */
    QUALIFY_EVIDENCE_ANSWER_ELSEWHERE,  /* it came from neither */
    QUALIFY_EVIDENCE_ANSWER_WITHOUT_ORIGIN,
    QUALIFY_EVIDENCE_PRIVATE_ORIGIN,
    QUALIFY_EVIDENCE_KEY_REFUSED, /* the confirmation byte is not 0 */
    QUALIFY_EVIDENCE_ANSWER_WITHOUT_AUTHENTICATION,
    QUALIFY_EVIDENCE_KEY_SHOWN, /* the client authenticated itself */
    QUALIFY_EVIDENCE_LOSS,      /* an address that answers did not answer every solicitation */
    QUALIFY_EVIDENCE_NOTHING_SENT,
    QUALIFY_EVIDENCE_INTERRUPTED,
    /* Of names and captures: */
    QUALIFY_EVIDENCE_NAME, /* what the name servers said, or that they did not, is the reason */
    QUALIFY_EVIDENCE_CAPTURE_END,
    QUALIFY_EVIDENCE_CUT_ANSWER,
    QUALIFY_EVIDENCE_TRANSLATED, /* captured beside the client: the mapped endpoint is another one
                                  */
    QUALIFY_EVIDENCE_COUNT
};

enum qualify_nat {
    QUALIFY_NAT_UNKNOWN,
    QUALIFY_NAT_NONE,
    QUALIFY_NAT_CONE_OR_RESTRICTED,
    QUALIFY_NAT_SYMMETRIC
};

/* The rules that a router advertisement must meet before it is believed, in the order in which they
 * are checked. */
enum ra_rule {
    RULE_SOURCE_ENDPOINT,
    RULE_ENCAPSULATION,
    RULE_NONCE,
    RULE_CONFIRMATION,
    RULE_AUTH_VALUE,
    RULE_ADVERTISEMENT,
    RULE_CHECKSUM,
    RULE_HOP_LIMIT,
    RULE_INNER_SOURCE,
    RULE_INNER_DESTINATION,
    RULE_ONE_PREFIX,
    RULE_PREFIX,
    RULE_ORIGIN_PRESENT,
    RULE_ORIGIN_GLOBAL,
    RULE_COUNT
};

enum rule_state {
    RULE_UNTESTED,
    RULE_OK,
    RULE_FAILED,
    RULE_NOT_APPLICABLE
};

struct qualification {
    const char *name; /* of a list: the server as it was given, borrowed; NULL = the only one */
    size_t number;    /* and its place there, from 1 */
    enum qualify_verdict verdict;
    enum qualify_reason reason;
    enum qualify_nat nat;
    struct endpoint server;
    struct endpoint secondary;
    struct endpoint local;
    struct endpoint mapped;           /* as the primary saw it; unset = unknown */
    struct endpoint mapped_secondary; /* as the secondary saw it; unset = unknown */
    bool has_address;
    struct in6_addr teredo_address;
    struct in6_addr prefix; /* /64 */
    uint32_t mtu;           /* 0 = the advertisement named none */
    nsec rtt;               /* of the primary if it answered, else of the secondary; 0 = unknown */
    nsec elapsed;
    unsigned solicitations;            /* RS sent */
    unsigned advertisements;           /* RA accepted */
    unsigned rejected[RULE_COUNT];     /* replies that failed, by the first rule broken */
    enum rule_state rules[RULE_COUNT]; /* of the accepted reply, else of the last rejected one */
    bool has_icmp;
    struct icmp_error icmp;        /* behind a refusal */
    int errnum;                    /* behind a refusal of this host */
    uint32_t evidence;             /* bit 1 << N for that of N */
    const char *advice;            /* what to do, as the evidence has it; NULL = the reason's */
    struct endpoint answered_from; /* of ANSWER_ELSEWHERE: from where; unset = none */
    bool captured;                 /* a stranger's, which captures show */
    nsec started;                  /* and then the time of its first solicitation */
};

/* What the qualifications with several servers came to. */
struct qualify_many_summary {
    size_t servers;
    size_t verdicts[3]; /* by enum qualify_verdict */
    size_t bad_names;   /* of these: not found, or malformed */
    size_t left;        /* interrupted before their turn, and in no other count */
    uint64_t solicitations;
    nsec elapsed;
};

extern const struct words qualify_verdicts;
extern const struct words qualify_reasons;
const char *qualification_advice(const struct qualification *q);

extern const struct words qualify_evidences;
extern const struct words qualify_nats; /* the text: a few words, a colon, and what that means */
extern const struct words ra_rules;     /* the text: what is asked */
extern const struct record_type qualification_record;
extern const struct record_type qualify_many_record;

#endif
