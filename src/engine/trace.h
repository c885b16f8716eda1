/* The whole of `teredoctl trace`: qualify, then punch with the address that came of it. */
#ifndef ENGINE_TRACE_H
#define ENGINE_TRACE_H

#include "punch.h"
#include "qualify.h"

enum {
    TRACE_SOCKETS = 2
};

enum trace_stage {
    TRACE_QUALIFYING,
    TRACE_PUNCHING,
    TRACE_DONE
};

struct trace_config {
    struct qualify_config qualify; /* with `local` of socket 0 */
    struct punch_config punch;     /* own, server, local, mapped, own_nat: from qualifying */
    bool qualified;                /* those are known already, and set in punch */
};

struct trace {
    struct trace_config config;
    enum trace_stage stage;
    struct qualify qualify;
    struct punch punch;
    nsec started; /* 0 = not yet */
    struct action_queue queue;
};

extern const struct engine_ops trace_ops;

/* Sets up an engine whose first TIMER observation starts. False if the peer is no Teredo address.
 */
bool trace_init(struct trace *t, const struct trace_config *config);

/* The contract of struct engine_ops (event/action.h). */
void trace_observe(struct trace *t, const struct observation *o);
bool trace_next(struct trace *t, struct action *action);
nsec trace_deadline(const struct trace *t);

#endif
