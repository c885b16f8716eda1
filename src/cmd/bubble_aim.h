/* Where the packets of `teredoctl bubble` go, and how fast they may. */
#ifndef CMD_BUBBLE_AIM_H
#define CMD_BUBBLE_AIM_H

#include "bubble_plan.h"

/* Fills the plan's targets and its interval. 0, or -1 and ERROR filled as bubble_plan_make. */
int bubble_aim_make(struct bubble_plan *plan, const struct bubble_options *o, struct error *error);

#endif
