/* Processes that share the work of this one: it forks, and each has a loop of its own. The first
 * process is the one that the user knows, and that gets the signals. The others end with it,
 * whatever ends it; and when one of them ends before, the first one's loop ends with an error. */
#ifndef IO_WORKERS_H
#define IO_WORKERS_H

#include <sys/types.h>

#include "error.h"
#include "loop.h"

enum {
    WORKERS_MAX = 64
};

/* All 0 = there are none. */
struct workers {
    unsigned count; /* the first included */
    unsigned self;  /* which of them this process is; 0 = the first */
    int life;       /* one end of a pipe, which ends the others when the first one closes it */
    int readiness;  /* of another one, which the others close once they are ready */
    pid_t pids[WORKERS_MAX]; /* in the first: the others'; 0 = it has ended */
    struct loop *loop;
    struct error failure; /* that one has ended; a status of 0 = none has */
};

/* Forks COUNT - 1 processes, 1 <= COUNT <= WORKERS_MAX, and returns in each. All that is opened is
 * shared; what is printed must have been flushed. 0, or -1 and ERROR filled: then workers_end is
 * still due. */
int workers_fork(struct workers *w, unsigned count, struct error *error);

/* Has LOOP, this process's own, stop when the others are to end, or, in the first, when one of them
 * has ended. To be called before the sandbox, and before workers_ready. 0, or -1 and ERROR filled.
 */
int workers_watch(struct workers *w, struct loop *loop, struct error *error);

/* Says that this process is ready; the first waits until all are, or have ended. */
void workers_ready(struct workers *w);

/* After the loop: 0, or in the first -1 and ERROR filled if another process has ended. */
int workers_check(const struct workers *w, struct error *error);

/* Has the others end, and waits for them. In the others it only forgets the first. May be called
 * twice. */
void workers_end(struct workers *w);

#endif
