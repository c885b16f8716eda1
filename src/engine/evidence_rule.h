/* What the judges' tables have in common: a row holds where all the evidence that it needs stands,
 * and none of what refutes it. */
#ifndef ENGINE_EVIDENCE_RULE_H
#define ENGINE_EVIDENCE_RULE_H

#include <stdbool.h>
#include <stdint.h>

static inline bool evidence_holds(uint64_t evidence, uint64_t needs, uint64_t refuted_by)
{
    return (evidence & needs) == needs && (evidence & refuted_by) == 0;
}

#endif
