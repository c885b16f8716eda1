/* Captures of the world (world.h), and what the ear of src/engine/overhear.h makes of them. */
#ifndef SCENARIO_EAR_H
#define SCENARIO_EAR_H

#include "overhear.h"
#include "world.h"

enum {
    EAR_PACKETS = 4096,
    EAR_PUNCHES = 8
};

struct ear_packet {
    struct world_sight sight;
    uint8_t bytes[512];
};

/* All that passed, in the order of time, and what was heard of it. */
struct ear {
    struct ear_packet packets[EAR_PACKETS];
    unsigned count;
    unsigned overflow; /* packets without room; a test must find 0 */
    unsigned punches;
    struct punching punch[EAR_PUNCHES];
    unsigned qualifications;
    struct qualification qualification; /* the last one */
    unsigned rejected;
    unsigned events;
    bool done;
    struct overheard_summary summary;
};

/* For the watch of a world_config, with a struct ear as its context. */
void ear_watch(void *context, const struct world_sight *sight);

/* Replays the captures of POINTS, in this order the vantage points, as src/drive/replay.c does. The
 * captures go on for TAIL after the last packet. */
void ear_listen(struct ear *e, const enum world_point *points, unsigned point_count, nsec tail);

#endif
