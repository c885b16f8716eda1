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
    struct engine engine;
    struct outbox *out; /* while it is observed */
    struct trace_config config;
    enum trace_stage stage;
    struct qualify qualify;
    struct punch punch;
    struct part qualifying, punching;
    nsec started; /* 0 = not yet */
    /* The last answer of our server that was not believed. */
    bool has_rejected;
    enum ra_rule rejected_rule;
    struct endpoint rejected_from;
};

/* Sets up an engine whose first TIMER observation starts. False if the peer is no Teredo address.
 */
bool trace_init(struct trace *t, const struct trace_config *config);

#endif
