/* What happens between the two hosts of the world (world.h), told line by line. */
#ifndef SCENARIO_STORY_H
#define SCENARIO_STORY_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

enum {
    STORY_LINE = 400
};

static char line[STORY_LINE];
static nsec origin; /* of the times that are printed */

__attribute__((format(printf, 1, 2))) static inline void put(const char *format, ...)
{
    size_t n = strlen(line);
    va_list args;

    va_start(args, format);
    vsnprintf(line + n, sizeof line - n, format, args);
    va_end(args);
}

/* A host's service port is its letter; its second port, of the reference, has a dash; outside of
 * its NAT it has a star, unless the NAT has made it another port. */
static inline void put_endpoint(struct endpoint e)
{
    static const struct {
        uint32_t address;
        const char *name;
    } names[] = {{WORLD_INSIDE_A, "A"},  {WORLD_OUTSIDE_A, "A*"},
                 {WORLD_INSIDE_B, "B"},  {WORLD_OUTSIDE_B, "B*"},
                 {WORLD_SERVER_1, "S1"}, {(uint32_t)WORLD_SERVER_1 + 1, "S1+"},
                 {WORLD_SERVER_2, "S2"}, {(uint32_t)WORLD_SERVER_2 + 1, "S2+"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (e.address != names[i].address)
            continue;
        put("%s", names[i].name);
        if (e.port == world_port(1))
            put("-");
        else if (e.port != world_port(0) && e.port != TEREDO_PORT)
            put(":other");
        return;
    }
    put("%s", endpoint_is_unset(e) ? "nobody" : "somebody");
}

static inline void put_two(struct endpoint one, const char *word, struct endpoint other)
{
    put_endpoint(one);
    put(" %s ", word);
    put_endpoint(other);
}

static inline void put_time(const char *what, nsec when)
{
    put(" %s %.1f", what, nsec_seconds(when - origin) * 1e3);
}

#endif
