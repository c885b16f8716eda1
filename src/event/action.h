/* What an engine asks for, and the shape that all engines share. */
#ifndef EVENT_ACTION_H
#define EVENT_ACTION_H

#include "event.h"
#include "waiting.h"

enum action_kind {
    ACTION_SEND, /* send these bytes; the driver reports back a SENT (or SEND_FAILED) observation */
    ACTION_EVENT, /* tell the reporter */
    ACTION_DONE,  /* the procedure has ended; nothing follows */
};

struct send_request {
    unsigned socket; /* which of the engine's local ports; 0 = the service port */
    uint32_t tag;    /* comes back in the SENT observation */
    struct endpoint to;
    uint8_t ttl; /* 0 = the system's default */
    size_t size;
    uint8_t bytes[TEREDO_MAX_SIZE];
};

struct action {
    enum action_kind kind;
    union {
        struct send_request send;
        struct event event;
    };
};

/* How a driver works an engine: after every observe, drain next until it returns false. The first
 * observation is a TIMER at the start of the run. A deadline of NSEC_NEVER asks for no timer. */
struct engine_ops {
    void (*observe)(void *engine, const struct observation *observation);
    bool (*next)(void *engine, struct action *action);
    nsec (*deadline)(const void *engine);
    /* Optional: what it waits for at the moment, for a status line. */
    void (*waiting)(const void *engine, struct waiting *out);
};

struct engine {
    const struct engine_ops *ops;
    void *state;
};

#endif
