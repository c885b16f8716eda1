/* What a classification sends in each round; internal to engine/probe. */
#ifndef ENGINE_PROBE_ROUND_H
#define ENGINE_PROBE_ROUND_H

#include "probe.h"

/* Sets up every leg: which port sends what to whom, and where the answer comes from. */
void probe_plan_legs(struct probe *p);

/* Until the first answer the round trip is not known, and the server may not be there: few packets,
 * to both addresses. */
enum {
    PROBE_BLIND_ROUNDS = 28
};
void probe_send_blind_round(struct probe *p);

/* Everything that may still bring news at NOW, and the controls. */
void probe_send_round(struct probe *p, nsec now);

/* Makes the next pending packet a SEND action. */
void probe_encode_pending(struct probe *p);

/* What all legs share. */
struct probe_server probe_server_of(const struct probe *p);

#endif
