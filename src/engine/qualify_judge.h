/* What a qualification comes to: the evidence in, a verdict with its reason and advice out, by the
 * first row of one table that fits. Engines and captures fill in what they have seen. */
#ifndef ENGINE_QUALIFY_JUDGE_H
#define ENGINE_QUALIFY_JUDGE_H

#include "qualification.h"

#define QUALIFY_EVIDENCE(name) (UINT32_C(1) << QUALIFY_EVIDENCE_##name)

/* A row: the verdict is that of the first whose evidence all stands, and none of what refutes it.
 */
struct qualify_rule {
    enum qualify_verdict verdict;
    enum qualify_reason reason; /* QUALIFY_REFUSED stands for the refusal that was observed */
    enum qualify_nat nat;
    uint32_t needs;
    uint32_t refuted_by;
    const char *advice; /* NULL = the reason's own */
};

const struct qualify_rule *qualify_rules(unsigned *count);

/* Of what a capture shows of another's qualification. */
const struct qualify_rule *qualify_captured_rules(unsigned *count);

/* Sets verdict, reason, NAT and advice of Q from its evidence, and, where that is a refusal, from
 * REFUSAL. The last row needs nothing: there is always a verdict. */
void qualify_judge(struct qualification *q, enum refusal refusal);
void qualify_judge_captured(struct qualification *q, enum refusal refusal);

#endif
