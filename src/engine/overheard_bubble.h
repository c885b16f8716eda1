/* The bubbles of an overheard initiator: attempts, and controls; internal to the engine. */
#ifndef ENGINE_OVERHEARD_BUBBLE_H
#define ENGINE_OVERHEARD_BUBBLE_H

#include <string.h>

#include "overheard_punch.h"

/* Attempt N of those that are kept: the oldest such is the other's result. */
struct overheard_attempt *overheard_attempt_at(struct overheard_punch *p, unsigned n);
unsigned overheard_oldest_attempt(const struct overheard_punch *p);

/* Takes in one of the initiator's bubbles: ROLE_DIRECT, ROLE_INDIRECT or ROLE_FORWARDED. */
void overheard_take_bubble(struct overheard_punch *p, const struct observation *o,
                           enum overheard_role role);

/* The same of a bubble of the control; false if it is none. */
bool overheard_take_control(struct overheard_punch *p, const struct observation *o,
                            enum overheard_role role);

#endif
