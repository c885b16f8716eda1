/* A bound on how often something is done, kept as the one time at which all that was done would
 * have been done at the steady rate (a token bucket that holds its tokens as time). */
#ifndef BASE_RATE_H
#define BASE_RATE_H

#include <stdbool.h>

#include "nsec.h"

struct rate {
    nsec interval;  /* between two, in the long run; 0 = no bound */
    unsigned burst; /* so many at once after a pause; at least 1 */
};

/* Takes one at NOW from the bucket *SPENT, which is 0 at first; false where there is none to take.
 */
static inline bool rate_take(struct rate rate, nsec *spent, nsec now)
{
    nsec from = nsec_max(*spent, now);

    if (from - now > (nsec)(rate.burst - 1) * rate.interval)
        return false;
    *spent = from + rate.interval;
    return true;
}

#endif
