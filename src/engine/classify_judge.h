/* What a classification comes to: the evidence in, the findings out, each by the first row of one
 * table that fits. */
#ifndef ENGINE_CLASSIFY_JUDGE_H
#define ENGINE_CLASSIFY_JUDGE_H

#include "classification.h"

#define CLASSIFY_PROVEN(name) (UINT32_C(1) << CLASSIFY_PROVEN_##name)

/* What a row decides. */
enum classify_subject {
    SUBJECT_REACH,
    SUBJECT_TRANSLATION,
    SUBJECT_MAPPING,
    SUBJECT_FILTERING,
    SUBJECT_HAIRPIN,
    SUBJECT_TRIP,
    SUBJECT_NAT,
    SUBJECT_VERDICT,
    SUBJECT_COUNT
};

/* A row: of each subject the first holds whose evidence all stands, and none of what refutes it. */
struct classify_rule {
    enum classify_subject subject;
    int value; /* of the subject's own enumeration; REACH_REFUSED is the refusal that was observed
                */
    uint32_t needs;
    uint32_t refuted_by;
};

const struct classify_rule *classify_rules(unsigned *count);

/* The row that decides SUBJECT with this evidence; there always is one. */
const struct classify_rule *classify_rule_of(enum classify_subject subject, uint32_t evidence);

/* Sets the findings of C from C->proven, and the reach, where that is a refusal, from REFUSAL. */
void classify_judge(struct classification *c, enum refusal refusal);

#endif
