#include "clock.h"

static nsec read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (nsec)t.tv_sec * NSEC_S + t.tv_nsec;
}

/* What turns the boot-time clock, which counts while the machine sleeps (as NATs do), into the
 * timeline; fixed at the first call. */
static nsec timeline_offset(void)
{
    static nsec offset;
    static int known;

    if (!known) {
        offset = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_BOOTTIME);
        known = 1;
    }
    return offset;
}

nsec clock_now(void)
{
    return read_clock(CLOCK_BOOTTIME) + timeline_offset();
}

nsec clock_from_realtime(const struct timespec *stamp)
{
    nsec age = read_clock(CLOCK_REALTIME) - ((nsec)stamp->tv_sec * NSEC_S + stamp->tv_nsec);

    /* A stamp from the future, or an hour old, means that somebody set the clock in between. */
    if (age < 0 || age > 3600 * NSEC_S)
        age = 0;
    return clock_now() - age;
}

struct timespec clock_to_timer(nsec when)
{
    nsec t = nsec_max(when - timeline_offset(), 1);

    return (struct timespec){.tv_sec = t / NSEC_S, .tv_nsec = t % NSEC_S};
}
