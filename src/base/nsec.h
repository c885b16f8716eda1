/* Time as 64-bit signed nanoseconds. One timeline runs through the program: nanoseconds since the
 * Unix epoch, read once at start and advanced by the clock since boot, so that it is printable and
 * never steps (src/io/clock.h); a replay uses the capture's own times. */
#ifndef BASE_NSEC_H
#define BASE_NSEC_H

#include <stdint.h>

typedef int64_t nsec;

#define NSEC_US INT64_C(1000)
#define NSEC_MS INT64_C(1000000)
#define NSEC_S INT64_C(1000000000)
/* The latest time that a capture may claim: deadlines after it still fit. */
#define NSEC_LATEST ((INT64_MAX / NSEC_S - 3600) * NSEC_S)
/* A deadline that never comes. */
#define NSEC_NEVER INT64_MAX

static inline double nsec_seconds(nsec t)
{
    return (double)t / 1e9;
}

static inline nsec nsec_min(nsec a, nsec b)
{
    return a < b ? a : b;
}

static inline nsec nsec_max(nsec a, nsec b)
{
    return a > b ? a : b;
}

#endif
