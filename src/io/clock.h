/* The program's one timeline (base/nsec.h): the real-time clock read once, then advanced by the
 * clock that counts since boot, through the sleep of the machine as well: NATs do not sleep. */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include <time.h>

#include "nsec.h"

/* Now, on the timeline. */
nsec clock_now(void);

/* A real-time kernel timestamp taken a moment ago, put on the timeline: never later than now. */
nsec clock_from_realtime(const struct timespec *stamp);

/* A point of the timeline as an absolute CLOCK_BOOTTIME time, for timers. */
struct timespec clock_to_timer(nsec when);

#endif
