/* One order of time for what a capture shows. The times that a capture gives are those of clocks
 * that are set back and forth, and of several clocks where it has several interfaces; an engine's
 * time only goes on. So the order of the file is kept, and each frame gets a steady time, which is
 * its own as long as the clock behaves.
 *
 * A clock that goes back by more than a second was set: what follows is told as if it had gone on.
 * Frames that were ahead for a while, and then time went on where it had been before, are put back
 * to where they belong, as long as they have not been let go; so are those after a gap that
 * somebody has waited over who would not have waited so long. Frames of different interfaces may
 * come out of order by up to a second. */
#ifndef ENGINE_TIME_LINE_H
#define ENGINE_TIME_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nsec.h"

enum {
    TIME_LINE_CLOCKS = 16 /* further interfaces share these */
};

struct time_line {
    /* The caller can hold frames back until it is known where they belong. */
    bool patient;
    bool several; /* there are several clocks */
    nsec now;     /* the latest steady time */
    bool begun;
    struct time_line_clock {
        bool seen;
        bool jumped; /* has frames since the jump */
        nsec last;   /* its latest time, since it was set */
        nsec shift;  /* to add to its times */
        nsec set;    /* what it was last set back by, which is in shift; 0 = nothing is */
        nsec gap;    /* that was closed, and is in shift; 0 = none is */
    } clocks[TIME_LINE_CLOCKS];
    bool jumping;
    nsec jump_from, jump_to; /* steady: of the frame before and the first one after */
};

struct time_step {
    nsec steady;    /* the frame's; may lie before that of one of another interface */
    nsec settled;   /* frames up to this steady time stay where they are: they may be let go */
    nsec back;      /* how far the time went back, if it went back by more than a little; else 0 */
    bool apart;     /* the clock goes on, but is so far behind those of other interfaces */
    bool returned;  /* the clock is back where it was before the last gap that was closed */
    nsec too_early; /* not 0: frames of a steady time from JUMPED on belong so much earlier */
    nsec jumped;
};

/* The next frame in the file, which has the time WHEN of interface CLOCK. */
void time_line_add(struct time_line *t, size_t clock, nsec when, struct time_step *step);

/* The gap before what is ahead is none, for something from before it was answered after it: what
 * came then belongs so much earlier, from the steady time *FROM on. 0 if there is no gap, or none
 * of which the one who asks would not have asked again. */
nsec time_line_close_gap(struct time_line *t, nsec *from);

/* No more can be held back: what is ahead is taken for true. */
void time_line_believe(struct time_line *t);

/* Of a live capture, whose frames cannot be of the future: before each, the time by a clock that is
 * never set. */
void time_line_bound(struct time_line *t, size_t clock, nsec when, nsec now);

#endif
