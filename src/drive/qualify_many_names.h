/* The servers of one run, from names to endpoints: addresses at once, names as the resolver finds
 * them, a few at a time, so that a slow name holds no address up. */
#ifndef DRIVE_QUALIFY_MANY_NAMES_H
#define DRIVE_QUALIFY_MANY_NAMES_H

#include "names.h"

enum {
    QUALIFY_MANY_LOOKUPS = 32 /* names being looked up, or found and waiting for their turn */
};

struct qualify_many_lookup {
    struct qualify_many_names *names;
    size_t number; /* of the server, from 1; 0 = free */
    bool found;
    struct endpoint server;
};

struct qualify_many_names {
    struct names *resolver;
    const char *const *list; /* borrowed */
    size_t count;
    uint16_t default_port;
    size_t next_literal, next_name; /* two walks over the list */
    struct qualify_many_lookup lookups[QUALIFY_MANY_LOOKUPS];
    unsigned busy;
    bool stopped;
    /* A name has no endpoint: OUTCOME says why. */
    void (*failed)(void *context, size_t number, enum names_outcome outcome);
    /* After each answer, also after a failed one; may be called from qualify_many_names_look_up. */
    void (*answered)(void *context);
    void *context;
};

/* Begins to look up as many names as may be under way; the caller has set all but the walks and
 * the lookups, which are zero. */
void qualify_many_names_look_up(struct qualify_many_names *n);

/* The next server whose endpoint is known; false if there is none now. */
bool qualify_many_names_next(struct qualify_many_names *n, size_t *number, struct endpoint *server);

/* Whether each server was given out, or has failed. */
bool qualify_many_names_are_over(const struct qualify_many_names *n);

#endif
