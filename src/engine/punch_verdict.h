/* Events and verdicts of the punch engine; internal to the engine. */
#ifndef ENGINE_PUNCH_VERDICT_H
#define ENGINE_PUNCH_VERDICT_H

#include "punch.h"

/* When step 1 of the first attempt was sent: offsets count from here. */
nsec punch_origin(const struct punch *p);

/* Records a step as sent (its latest sending counts) and tells it. ATTEMPT counts from 0. */
void punch_step_sent(struct punch *p, enum punch_step step, unsigned attempt,
                     const struct observation *o);

/* Tells the present report of a step. */
void punch_emit_step(struct punch *p, enum punch_step step, unsigned attempt, nsec now);

/* Infers step 3: the server forwarded our bubble at some time from SENT to LATEST. */
void punch_set_forwarded(struct punch *p, nsec sent, nsec latest);

/* Tells evidence found on the way. */
void punch_note(struct punch *p, enum punch_note note, const struct observation *o);

void punch_conclude(struct punch *p, nsec now, enum punch_verdict verdict, enum punch_cause cause);

/* Time is up: names the cause from the evidence. */
void punch_conclude_silence(struct punch *p, nsec now);

#endif
