/* How many lines of a kind are told a second. Whoever sends packets to this host has a line told
 * for each of them, and could fill disks and logs with them; so of each kind some are told, and of
 * the others how many they were. What a proven peer came to is told always. */
#ifndef REPORT_LINE_LIMIT_H
#define REPORT_LINE_LIMIT_H

#include "event.h"
#include "rate.h"

enum {
    LINE_LIMIT_KINDS = 64
};

struct line_limit {
    struct {
        nsec spent;
        struct left_out left; /* not told yet; a count of 0 = none */
    } kinds[LINE_LIMIT_KINDS];
    nsec due;             /* when what was left out is to be told; 0 = nothing was */
    unsigned long credit; /* of answers that were asked for */
};

/* Whether E is told, or, being one of too many, only counted. */
bool line_limit_passes(struct line_limit *l, const struct event *e);

/* Whether E sums up what came before it, so that what was left out of that belongs before E. */
bool line_limit_ends(const struct event *e);

/* The same of KIND, below LINE_LIMIT_KINDS, of what has no event. */
bool line_limit_take(struct line_limit *l, unsigned kind, nsec now);

/* So many more may come than were not asked for. */
void line_limit_expect(struct line_limit *l, unsigned count);

/* True if something was left out for a second, or, where NOW is NSEC_NEVER, at all. */
bool line_limit_is_due(const struct line_limit *l, nsec now);

/* Takes what was left out of one kind into OUT; false when all is told. */
bool line_limit_next(struct line_limit *l, struct left_out *out);

#endif
