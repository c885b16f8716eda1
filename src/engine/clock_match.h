/* The clock of one capture against another's, from packets that both show. A packet is never seen
 * at its second vantage point before its first: each is a bound on the offset between the clocks,
 * from above or from below by the way that it went. Between packets of both ways the offset is
 * caught, and how widely is the error, without a word on how long packets take. */
#ifndef ENGINE_CLOCK_MATCH_H
#define ENGINE_CLOCK_MATCH_H

#include <stddef.h>

#include "passive_summary.h"

/* Clocks of computers run wrong by less than this share (200 parts in a million). */
#define CLOCK_MAX_DRIFT 200e-6

enum clock_order {
    CLOCK_REFERENCE_FIRST,
    CLOCK_OTHER_FIRST,
    CLOCK_ORDER_UNKNOWN /* on the same wire: both saw it at nearly the same time */
};

/* One packet in both captures. */
struct clock_sample {
    nsec reference; /* by the clock of the first capture */
    nsec other;     /* by the clock to be corrected */
    enum clock_order order;
};

/* Fits the other clock to the reference. Packets of one way alone, or of unknown order, give an
 * offset without an error bound. */
struct clock_match clock_match(const struct clock_sample *samples, size_t count);

/* A time by the other clock, corrected. */
nsec clock_correct(const struct clock_match *fit, nsec when);

#endif
