/* What a classification sends in each round; internal to engine/classify. */
#ifndef ENGINE_CLASSIFY_ROUND_H
#define ENGINE_CLASSIFY_ROUND_H

#include "classify.h"

/* Sets up every test: which port sends what to whom, and where the answer comes from. */
void classify_plan_tests(struct classify *p);

/* Until the first answer the round trip is not known, and the server may not be there: few packets,
 * to both addresses. */
enum {
    CLASSIFY_BLIND_ROUNDS = 28
};
void classify_send_blind_round(struct classify *p);

/* Everything that may still bring news at NOW, and the controls. */
void classify_send_round(struct classify *p, nsec now);

/* What all tests share. */
struct classify_server classify_server_of(struct classify *p);

#endif
