/* What a check comes to: the evidence in, a status and its cause out, by the first row of one table
 * that fits. */
#ifndef ENGINE_CHECK_JUDGE_H
#define ENGINE_CHECK_JUDGE_H

#include "checking.h"

#define CHECK_EVIDENCE(name) (UINT32_C(1) << CHECK_EVIDENCE_##name)

/* What lost packets explain with better odds than this is no evidence of the server's silence. The
 * odds are looked at after every round, so that they must be smaller than what is promised. */
#define CHECK_ODDS 1e-5

struct check_rule {
    enum check_status status;
    enum check_cause cause;
    uint32_t needs;
    uint32_t refuted_by;
};

const struct check_rule *check_rules(unsigned *count);

/* Sets status and cause of C from its evidence. The last row needs nothing. */
void check_judge(struct checking *c);

/* The evidence of a check that ends with Q, but for the silence of an address while the other one
 * answers, which needs odds, and for what comes after a qualification. */
uint32_t check_evidence_of(const struct qualification *q);

#endif
