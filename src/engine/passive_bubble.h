/* The bubbles of a captured initiator: attempts, and controls; internal to the engine. */
#ifndef ENGINE_PASSIVE_BUBBLE_H
#define ENGINE_PASSIVE_BUBBLE_H

#include <string.h>

#include "passive_punch.h"

/* Attempt N of those that are kept: the oldest such is the other's result. */
struct passive_attempt *passive_attempt_at(struct passive_punch *p, unsigned n);
unsigned passive_oldest_attempt(const struct passive_punch *p);

/* Takes in one of the initiator's bubbles: ROLE_DIRECT, ROLE_INDIRECT or ROLE_FORWARDED. */
void passive_take_bubble(struct passive_punch *p, const struct observation *o,
                         enum passive_role role);

/* The same of a bubble of the control; false if it is none. */
bool passive_take_reference(struct passive_punch *p, const struct observation *o,
                            enum passive_role role);

#endif
