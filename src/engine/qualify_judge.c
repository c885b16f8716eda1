#include "qualify_judge.h"

#include "evidence_rule.h"

#define EVIDENCE(name) QUALIFY_EVIDENCE(name)
#define BOTH (EVIDENCE(PRIMARY_ANSWER) | EVIDENCE(SECONDARY_ANSWER))
#define ANSWER_OR_REFUSAL (BOTH | EVIDENCE(PRIMARY_REFUSAL) | EVIDENCE(OWN_REFUSAL))

/* An answer that repeats a nonce is an answer to us, whatever rule it breaks; one that does not may
 * be anybody's. The evidence of each address is that of all its solicitations, each with its time
 * for an answer; QUALIFY_MAX_ATTEMPTS bounds them. */
static const struct qualify_rule rules[] = {
    /* Both addresses have answered: the two mappings tell the NAT (RFC 4380 5.2.1), if both were
     * asked from one local address. */
    {QUALIFY_INCONCLUSIVE, QUALIFY_TWO_LOCAL_ADDRESSES, QUALIFY_NAT_UNKNOWN,
     BOTH | EVIDENCE(TWO_LOCAL_ADDRESSES), 0, NULL},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_SYMMETRIC_NAT, QUALIFY_NAT_SYMMETRIC,
     BOTH | EVIDENCE(DIFFERENT_MAPPINGS), EVIDENCE(TWO_LOCAL_ADDRESSES), NULL},
    {QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, QUALIFY_NAT_NONE,
     BOTH | EVIDENCE(SAME_MAPPING) | EVIDENCE(LOCAL_MAPPING), EVIDENCE(TWO_LOCAL_ADDRESSES), NULL},
    {QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, QUALIFY_NAT_CONE_OR_RESTRICTED,
     BOTH | EVIDENCE(SAME_MAPPING), EVIDENCE(TWO_LOCAL_ADDRESSES) | EVIDENCE(LOCAL_MAPPING), NULL},
    /* The user's patience was shorter than the time for an answer. */
    {QUALIFY_INCONCLUSIVE, QUALIFY_INTERRUPTED, QUALIFY_NAT_UNKNOWN, EVIDENCE(INTERRUPTED), 0,
     NULL},
    /* One address has answered. */
    {QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_PRIMARY, QUALIFY_NAT_UNKNOWN,
     EVIDENCE(PRIMARY_ANSWER) | EVIDENCE(CROSSED_ANSWER), EVIDENCE(SECONDARY_ANSWER),
     "the primary address answers for the second one as well: name a second one that answers for "
     "itself (--secondary); without it the NAT type stays unknown"},
    {QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_PRIMARY, QUALIFY_NAT_UNKNOWN,
     EVIDENCE(PRIMARY_ANSWER) | EVIDENCE(ANSWER_ELSEWHERE), EVIDENCE(SECONDARY_ANSWER),
     "name the address that the answer came from as the second one (--secondary)"},
    {QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_PRIMARY, QUALIFY_NAT_UNKNOWN,
     EVIDENCE(PRIMARY_ANSWER) | EVIDENCE(SECONDARY_REFUSAL), EVIDENCE(SECONDARY_ANSWER),
     "name the server's second address (--secondary), for what was asked refuses; without it the "
     "NAT type stays unknown"},
    {QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_PRIMARY, QUALIFY_NAT_UNKNOWN, EVIDENCE(PRIMARY_ANSWER),
     EVIDENCE(SECONDARY_ANSWER), NULL},
    {QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_SECONDARY, QUALIFY_NAT_UNKNOWN,
     EVIDENCE(SECONDARY_ANSWER) | EVIDENCE(CROSSED_ANSWER), EVIDENCE(PRIMARY_ANSWER),
     "the second address answers for the primary one as well: ask the server's operator to have "
     "each answer for itself (RFC 4380 5.3.2)"},
    {QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_SECONDARY, QUALIFY_NAT_UNKNOWN,
     EVIDENCE(SECONDARY_ANSWER) | EVIDENCE(ANSWER_ELSEWHERE), EVIDENCE(PRIMARY_ANSWER),
     "ask the server's operator to have the primary address answer for itself (RFC 4380 5.3.2)"},
    {QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_SECONDARY, QUALIFY_NAT_UNKNOWN, EVIDENCE(SECONDARY_ANSWER),
     EVIDENCE(PRIMARY_ANSWER), NULL},
    /* A refusal that is final: the closed port's own host, a firewall, or this host. */
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REFUSED, QUALIFY_NAT_UNKNOWN, EVIDENCE(PRIMARY_REFUSAL), BOTH,
     NULL},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REFUSED, QUALIFY_NAT_UNKNOWN, EVIDENCE(OWN_REFUSAL), BOTH,
     NULL},
    /* Answers, none of which could be believed. */
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, QUALIFY_NAT_UNKNOWN, EVIDENCE(CROSSED_ANSWER),
     ANSWER_OR_REFUSAL,
     "each of the two addresses answers for the other: ask the server's operator to have each "
     "answer for itself (RFC 4380 5.3.2), or use another server"},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, QUALIFY_NAT_UNKNOWN, EVIDENCE(ANSWER_ELSEWHERE),
     ANSWER_OR_REFUSAL | EVIDENCE(CROSSED_ANSWER),
     "the server answers from another address than was asked: name that one as the second "
     "(--secondary), or use another server"},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, QUALIFY_NAT_UNKNOWN, EVIDENCE(KEY_REFUSED),
     ANSWER_OR_REFUSAL | EVIDENCE(CROSSED_ANSWER) | EVIDENCE(ANSWER_ELSEWHERE) |
         EVIDENCE(KEY_SHOWN),
     "the server wants to know its clients: give --auth-id and --auth-secret-file, or use another "
     "server"},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, QUALIFY_NAT_UNKNOWN,
     EVIDENCE(KEY_REFUSED) | EVIDENCE(KEY_SHOWN),
     ANSWER_OR_REFUSAL | EVIDENCE(CROSSED_ANSWER) | EVIDENCE(ANSWER_ELSEWHERE),
     "the server does not accept this client's key any more: get a new one for "
     "--auth-secret-file from its operator (RFC 4380 5.2.2)"},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, QUALIFY_NAT_UNKNOWN, EVIDENCE(ANSWER_WITHOUT_ORIGIN),
     ANSWER_OR_REFUSAL | EVIDENCE(CROSSED_ANSWER) | EVIDENCE(ANSWER_ELSEWHERE) |
         EVIDENCE(KEY_REFUSED),
     "the server leaves out the origin indication, without which no client has an address: use "
     "another server"},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, QUALIFY_NAT_UNKNOWN, EVIDENCE(PRIVATE_ORIGIN),
     ANSWER_OR_REFUSAL | EVIDENCE(CROSSED_ANSWER) | EVIDENCE(ANSWER_ELSEWHERE) |
         EVIDENCE(KEY_REFUSED) | EVIDENCE(ANSWER_WITHOUT_ORIGIN),
     "the server sees this host at an address that is not global: use one outside of this "
     "network, or --allow-private in a laboratory"},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, QUALIFY_NAT_UNKNOWN, EVIDENCE(ANSWER_WITH_NONCE),
     ANSWER_OR_REFUSAL | EVIDENCE(CROSSED_ANSWER) | EVIDENCE(ANSWER_ELSEWHERE) |
         EVIDENCE(KEY_REFUSED) | EVIDENCE(ANSWER_WITHOUT_ORIGIN) | EVIDENCE(PRIVATE_ORIGIN),
     "run `teredoctl qualify --explain` to see the rule that the server breaks, or use another "
     "server"},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, QUALIFY_NAT_UNKNOWN,
     EVIDENCE(ANSWER_WITHOUT_AUTHENTICATION),
     ANSWER_OR_REFUSAL | EVIDENCE(CROSSED_ANSWER) | EVIDENCE(ANSWER_ELSEWHERE) |
         EVIDENCE(ANSWER_WITH_NONCE),
     "the server does not repeat the nonce of a solicitation (RFC 4380 5.2.2), or another host "
     "answers in its place: use another server"},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, QUALIFY_NAT_UNKNOWN, EVIDENCE(REJECTED_ANSWER),
     ANSWER_OR_REFUSAL | EVIDENCE(CROSSED_ANSWER) | EVIDENCE(ANSWER_ELSEWHERE) |
         EVIDENCE(ANSWER_WITH_NONCE) | EVIDENCE(ANSWER_WITHOUT_AUTHENTICATION),
     NULL},
    /* A hint of the network (RFC 1122 3.2.2.1) holds where nothing else came until the time was up.
     */
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REFUSED, QUALIFY_NAT_UNKNOWN, EVIDENCE(PRIMARY_HINT),
     ANSWER_OR_REFUSAL | EVIDENCE(REJECTED_ANSWER), NULL},
    /* Nothing. */
    {QUALIFY_INCONCLUSIVE, QUALIFY_NOT_SENT, QUALIFY_NAT_UNKNOWN, EVIDENCE(NOTHING_SENT),
     ANSWER_OR_REFUSAL | EVIDENCE(REJECTED_ANSWER) | EVIDENCE(PRIMARY_HINT), NULL},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_NO_REPLY, QUALIFY_NAT_UNKNOWN, EVIDENCE(KEY_SHOWN), 0,
     "check that UDP port 3544 may leave this network; the server may be off-line, or not know "
     "this client's identifier or its key: try another server"},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_NO_REPLY, QUALIFY_NAT_UNKNOWN, 0, 0, NULL},
};

/* What others' answers show: the client saw them as the capture did. An ICMP error counts only
 * where no answer came, for the capture holds both; what the capture may have missed, its end and
 * its cut frames, leaves the verdict open. */
static const struct qualify_rule captured_rules[] = {
    {QUALIFY_NOT_QUALIFIED, QUALIFY_SYMMETRIC_NAT, QUALIFY_NAT_SYMMETRIC,
     BOTH | EVIDENCE(DIFFERENT_MAPPINGS), 0, NULL},
    {QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, QUALIFY_NAT_NONE,
     BOTH | EVIDENCE(SAME_MAPPING) | EVIDENCE(LOCAL_MAPPING), 0, NULL},
    {QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, QUALIFY_NAT_CONE_OR_RESTRICTED,
     BOTH | EVIDENCE(SAME_MAPPING) | EVIDENCE(TRANSLATED), EVIDENCE(LOCAL_MAPPING), NULL},
    {QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, QUALIFY_NAT_UNKNOWN, BOTH | EVIDENCE(SAME_MAPPING),
     EVIDENCE(LOCAL_MAPPING) | EVIDENCE(TRANSLATED), NULL},
    {QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_PRIMARY, QUALIFY_NAT_UNKNOWN,
     EVIDENCE(PRIMARY_ANSWER) | EVIDENCE(SECONDARY_SILENCE), EVIDENCE(SECONDARY_ANSWER), NULL},
    {QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_SECONDARY, QUALIFY_NAT_UNKNOWN,
     EVIDENCE(SECONDARY_ANSWER) | EVIDENCE(PRIMARY_SILENCE), EVIDENCE(PRIMARY_ANSWER), NULL},
    {QUALIFY_QUALIFIED, QUALIFY_ONE_ASKED, QUALIFY_NAT_UNKNOWN, EVIDENCE(PRIMARY_ANSWER),
     EVIDENCE(SECONDARY_ANSWER) | EVIDENCE(SECONDARY_SILENCE), NULL},
    {QUALIFY_QUALIFIED, QUALIFY_ONE_ASKED, QUALIFY_NAT_UNKNOWN, EVIDENCE(SECONDARY_ANSWER),
     EVIDENCE(PRIMARY_ANSWER) | EVIDENCE(PRIMARY_SILENCE), NULL},
    {QUALIFY_INCONCLUSIVE, QUALIFY_ANSWER_CUT, QUALIFY_NAT_UNKNOWN, EVIDENCE(CUT_ANSWER), BOTH,
     NULL},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REFUSED, QUALIFY_NAT_UNKNOWN, EVIDENCE(PRIMARY_REFUSAL),
     BOTH | EVIDENCE(CUT_ANSWER), NULL},
    {QUALIFY_INCONCLUSIVE, QUALIFY_CAPTURE_ENDED, QUALIFY_NAT_UNKNOWN, EVIDENCE(CAPTURE_END),
     BOTH | EVIDENCE(CUT_ANSWER) | EVIDENCE(PRIMARY_REFUSAL), NULL},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, QUALIFY_NAT_UNKNOWN, EVIDENCE(REJECTED_ANSWER),
     BOTH | EVIDENCE(CUT_ANSWER) | EVIDENCE(PRIMARY_REFUSAL) | EVIDENCE(CAPTURE_END), NULL},
    {QUALIFY_NOT_QUALIFIED, QUALIFY_UNANSWERED, QUALIFY_NAT_UNKNOWN, 0, 0, NULL},
};

const struct qualify_rule *qualify_captured_rules(unsigned *count)
{
    *count = sizeof captured_rules / sizeof *captured_rules;
    return captured_rules;
}

const struct qualify_rule *qualify_rules(unsigned *count)
{
    *count = sizeof rules / sizeof *rules;
    return rules;
}

static void judge_by(const struct qualify_rule *r, struct qualification *q, enum refusal refusal)
{
    while (!evidence_holds(q->evidence, r->needs, r->refuted_by))
        r++;
    q->verdict = r->verdict;
    q->reason = r->reason == QUALIFY_REFUSED ? QUALIFY_REFUSAL(refusal) : r->reason;
    q->nat = r->nat;
    q->advice = r->advice;
}

void qualify_judge(struct qualification *q, enum refusal refusal)
{
    judge_by(rules, q, refusal);
}

void qualify_judge_captured(struct qualification *q, enum refusal refusal)
{
    judge_by(captured_rules, q, refusal);
}
