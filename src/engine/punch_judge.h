/* What a hole punch comes to: facts in, a verdict with its cause, blame and evidence out. The live
 * punch (punch.h) and the captured one (passive_verdict.h) fill in the facts that they have. */
#ifndef ENGINE_PUNCH_JUDGE_H
#define ENGINE_PUNCH_JUDGE_H

#include "odds.h"
#include "punching.h"

/* What lost packets explain with better odds than this is no evidence of anything else: half of 1
 * in 10,000, for a bound that is met exactly is missed now and then. */
#define PUNCH_ODDS 5e-5

enum {
    PUNCH_ENOUGH_REFERENCES = 3,
};

#define EVIDENCE(name) (UINT64_C(1) << EVIDENCE_##name)

/* What was observed, each part only once its answer has had its time. */
struct punch_facts {
    uint64_t evidence;       /* what shows by itself: all but the silences, and EVIDENCE_LOSS */
    struct odds_record seen; /* of all that is known to be answered unless it is lost */
    unsigned pairs;          /* bubble pairs without a direct answer */
    unsigned indirect;       /* of these, answered through a server */
    unsigned opened;         /* direct bubbles that an answer had opened the peer's NAT for */
    unsigned references;     /* pairs of the reference, and how many were answered */
    unsigned references_answered;
    unsigned server_asked; /* in each of three ways, the peer's server, in vain */
    unsigned echoes;       /* echo requests without a reply */
    double bound;          /* odds that loss explains a silence, above which it counts for nothing;
                              0 = PUNCH_ODDS */
};

struct punch_judgement {
    enum punch_verdict verdict;
    enum punch_cause cause;
    enum punch_blame blame;
    uint64_t evidence;
    bool proven; /* more bubble pairs would not change it */
    unsigned asked, answered;
    double odds; /* that loss explains the silence that it rests on; negative = it rests on none */
};

struct punch_judgement punch_judge(const struct punch_facts *facts);

struct punch_rule;

/* The same by other RULES, of which the last one needs nothing, and is refuted by nothing. */
struct punch_judgement punch_judge_by(const struct punch_rule *rules,
                                      const struct punch_facts *facts);

/* A row of the table that the judge reads: the first whose evidence all stands, and none of what
 * refutes it, is the verdict. */
struct punch_rule {
    enum punch_verdict verdict;
    enum punch_cause cause;
    enum punch_blame blame;
    uint64_t needs;
    uint64_t refuted_by;
    bool proven;
};

const struct punch_rule *punch_rules(unsigned *count);

#endif
