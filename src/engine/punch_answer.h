/* What the punch engine makes of packets that arrive; internal to the engine. */
#ifndef ENGINE_PUNCH_ANSWER_H
#define ENGINE_PUNCH_ANSWER_H

#include "punch.h"

/* Takes a RECEIVED observation whose packet decoded. */
void punch_received(struct punch *p, const struct observation *o);

#endif
