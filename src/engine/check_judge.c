#include "check_judge.h"

#include "evidence_rule.h"
#include "qualify_judge.h"

#define EVIDENCE(name) CHECK_EVIDENCE(name)

/* CRITICAL is for what the server does, UNKNOWN for what this host, its resolver or the path does,
 * and WARNING for what a server only should do; that our NAT is symmetric is none of them. */
static const struct check_rule rules[] = {
    {CHECK_UNKNOWN, CHECK_CAUSE_INTERRUPTED, EVIDENCE(INTERRUPTED), 0},
    {CHECK_UNKNOWN, CHECK_CAUSE_ERROR, EVIDENCE(LOCAL_FAILURE), 0},
    {CHECK_CRITICAL, CHECK_CAUSE_QUALIFICATION, EVIDENCE(NAME_ABSENT), 0},
    {CHECK_UNKNOWN, CHECK_CAUSE_ERROR, EVIDENCE(NAME_UNKNOWN), 0},
    {CHECK_UNKNOWN, CHECK_CAUSE_QUALIFICATION, EVIDENCE(OWN_REFUSAL), EVIDENCE(SERVER_ANSWER)},
    {CHECK_UNKNOWN, CHECK_CAUSE_QUALIFICATION, EVIDENCE(NOTHING_SENT), EVIDENCE(SERVER_ANSWER)},
    /* The primary address, without which there is no server. */
    {CHECK_CRITICAL, CHECK_CAUSE_QUALIFICATION, EVIDENCE(SERVER_REFUSAL), EVIDENCE(SERVER_ANSWER)},
    {CHECK_CRITICAL, CHECK_CAUSE_QUALIFICATION, EVIDENCE(BROKEN_RULE), EVIDENCE(SERVER_ANSWER)},
    {CHECK_CRITICAL, CHECK_CAUSE_QUALIFICATION, EVIDENCE(SERVER_SILENCE), EVIDENCE(SERVER_ANSWER)},
    /* Relaying (RFC 4380 5.3.1): the origin must be right where it is there at all. */
    {CHECK_CRITICAL, CHECK_CAUSE_RELAY, EVIDENCE(BUBBLE_WITH_WRONG_ORIGIN), 0},
    {CHECK_CRITICAL, CHECK_CAUSE_RELAY, EVIDENCE(RELAY_SILENCE), EVIDENCE(BUBBLE_RELAYED)},
    {CHECK_CRITICAL, CHECK_CAUSE_RTT, EVIDENCE(RTT_CRITICAL), 0},
    /* What could not be told is worse than what is told of the rest. */
    {CHECK_WARNING, CHECK_CAUSE_QUALIFICATION,
     EVIDENCE(SECONDARY_REFUSAL) | EVIDENCE(BUBBLE_RELAYED), EVIDENCE(SECONDARY_ANSWER)},
    {CHECK_WARNING, CHECK_CAUSE_QUALIFICATION,
     EVIDENCE(SECONDARY_SILENCE) | EVIDENCE(BUBBLE_RELAYED), EVIDENCE(SECONDARY_ANSWER)},
    {CHECK_WARNING, CHECK_CAUSE_QUALIFICATION,
     EVIDENCE(BROKEN_RULE) | EVIDENCE(SERVER_ANSWER) | EVIDENCE(BUBBLE_RELAYED),
     EVIDENCE(SECONDARY_ANSWER)},
    {CHECK_WARNING, CHECK_CAUSE_RELAY, EVIDENCE(BUBBLE_WITHOUT_ORIGIN) | EVIDENCE(SECONDARY_ANSWER),
     0},
    {CHECK_WARNING, CHECK_CAUSE_RTT,
     EVIDENCE(RTT_WARNING) | EVIDENCE(SECONDARY_ANSWER) | EVIDENCE(BUBBLE_RELAYED), 0},
    {CHECK_OK, CHECK_CAUSE_NONE,
     EVIDENCE(SERVER_ANSWER) | EVIDENCE(SECONDARY_ANSWER) | EVIDENCE(BUBBLE_RELAYED), 0},
    {CHECK_UNKNOWN, CHECK_CAUSE_ERROR, EVIDENCE(OWN_REFUSAL) | EVIDENCE(SERVER_ANSWER), 0},
    {CHECK_UNKNOWN, CHECK_CAUSE_LOSS, 0, 0},
};

const struct check_rule *check_rules(unsigned *count)
{
    *count = sizeof rules / sizeof *rules;
    return rules;
}

void check_judge(struct checking *c)
{
    const struct check_rule *r = rules;

    while (!evidence_holds(c->evidence, r->needs, r->refuted_by))
        r++;
    c->status = r->status;
    c->cause = r->cause;
}

uint32_t check_evidence_of(const struct qualification *q)
{
    static const struct {
        uint32_t seen, shows;
    } rows[] = {
        {QUALIFY_EVIDENCE(PRIMARY_ANSWER), EVIDENCE(SERVER_ANSWER)},
        {QUALIFY_EVIDENCE(SECONDARY_ANSWER), EVIDENCE(SECONDARY_ANSWER)},
        {QUALIFY_EVIDENCE(PRIMARY_HINT), EVIDENCE(SERVER_REFUSAL)},
        {QUALIFY_EVIDENCE(SECONDARY_HINT), EVIDENCE(SECONDARY_REFUSAL)},
        {QUALIFY_EVIDENCE(PRIMARY_REFUSAL), EVIDENCE(SERVER_REFUSAL)},
        {QUALIFY_EVIDENCE(SECONDARY_REFUSAL), EVIDENCE(SECONDARY_REFUSAL)},
        {QUALIFY_EVIDENCE(OWN_REFUSAL), EVIDENCE(OWN_REFUSAL)},
        {QUALIFY_EVIDENCE(OWN_REFUSAL_OF_SECONDARY), EVIDENCE(OWN_REFUSAL)},
        {QUALIFY_EVIDENCE(REJECTED_ANSWER), EVIDENCE(BROKEN_RULE)},
        {QUALIFY_EVIDENCE(NOTHING_SENT), EVIDENCE(NOTHING_SENT)},
        {QUALIFY_EVIDENCE(LOSS), EVIDENCE(LOSS)},
        {QUALIFY_EVIDENCE(INTERRUPTED), EVIDENCE(INTERRUPTED)},
    };
    uint32_t evidence = 0;

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((q->evidence & rows[i].seen) != 0)
            evidence |= rows[i].shows;
    /* Nothing from either: there is no other address to tell the loss by. */
    if ((q->evidence & QUALIFY_EVIDENCE(PRIMARY_SILENCE)) != 0 &&
        (q->evidence & QUALIFY_EVIDENCE(SECONDARY_ANSWER)) == 0)
        evidence |= EVIDENCE(SERVER_SILENCE);
    return evidence;
}
