/* The replay driver: works an engine from captures, of one vantage point or several, in place of
 * sockets. The captures' own times are its clock. */
#ifndef DRIVE_REPLAY_H
#define DRIVE_REPLAY_H

#include "capture_reader.h"
#include "engine.h"
#include "error.h"
#include "passive_summary.h"

/* One capture, that is one vantage point; where there are several, the first one's clock counts. */
struct replay_source {
    struct capture *capture; /* opened; the caller's to close */
    bool live;               /* an interface, which has to be alone */
};

struct replay {
    struct replay_source sources[PASSIVE_VANTAGES];
    unsigned count;
    struct capture_reader capture_reader;
    uint64_t seed; /* unpredictable */
    struct clock_match fits[PASSIVE_VANTAGES];
};

/* Reads the captures, compares their clocks if there are several (each is told as an EVENT_CLOCK),
 * and feeds the engine all that is Teredo, and ICMP errors, in the order of time, with a STOP at
 * the end; SINK gets the engine's events. The replay ends when the engine does. What it wants sent
 * is not. Returns 0, or -1 and ERROR filled (65, 66, 74): then all that came before the damage has
 * been told, too. */
int replay_run(struct replay *r, struct engine *engine, const struct event_sink *sink,
               struct error *error);

#endif
