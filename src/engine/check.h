/* The whole of `teredoctl check`: qualify, then have the server relay a bubble to ourselves. */
#ifndef ENGINE_CHECK_H
#define ENGINE_CHECK_H

#include "checking.h"
#include "qualify.h"

enum {
    CHECK_BUBBLES = 3
};

struct check_config {
    struct qualify_config qualify;
    const char *name; /* of the server, borrowed */
    struct check_range warning, critical;
    nsec relay_timeout; /* when a bubble is given up, at the latest */
};

struct check {
    struct engine engine;
    struct outbox *out; /* while it is observed */
    struct check_config config;
    struct qualify qualify;
    struct part qualifying;
    bool qualified; /* the qualification is over */
    bool done;
    nsec started; /* 0 = not yet */
    struct checking result;
    struct endpoint mapped; /* as the primary saw it */
    struct in6_addr sources[CHECK_BUBBLES];
    nsec sent_at[CHECK_BUBBLES]; /* 0 = not yet confirmed by a SENT observation */
    nsec next;                   /* bubble, or the end */
    struct nonce_source nonces;
};

/* Sets up an engine whose first TIMER observation starts. What CONFIG points to must outlive it. */
void check_init(struct check *c, const struct check_config *config);

#endif
