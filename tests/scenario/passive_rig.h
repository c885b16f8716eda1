/* Captures of the world (world.h), and what src/engine/passive.h makes of them. */
#ifndef SCENARIO_PASSIVE_RIG_H
#define SCENARIO_PASSIVE_RIG_H

#include "passive.h"
#include "world.h"

enum {
    PASSIVE_RIG_PACKETS = 4096,
    PASSIVE_RIG_PUNCHES = 8
};

struct passive_rig_packet {
    struct world_sight sight;
    uint8_t bytes[512];
};

/* All that passed, in the order of time, and what was found in it. */
struct rig {
    struct passive_rig_packet packets[PASSIVE_RIG_PACKETS];
    unsigned count;
    unsigned overflow; /* packets without room; a test must find 0 */
    unsigned punches;
    struct punching punch[PASSIVE_RIG_PUNCHES];
    unsigned qualifications;
    struct qualification qualification; /* the last one */
    unsigned rejected;
    unsigned events;
    bool done;
    struct passive_summary summary;
};

/* For the watch of a world_config, with a struct rig as its context. */
void passive_rig_watch(void *context, const struct world_sight *sight);

/* Replays the captures of POINTS, in this order the vantage points, as src/drive/replay.c does. The
 * captures go on for TAIL after the last packet. */
void passive_rig_listen(struct rig *e, const enum world_point *points, unsigned point_count,
                        nsec tail);

#endif
