/* The one event loop: descriptors, timers in nanoseconds, signals, child processes.
 *
 * The loop is level-triggered and fair. In each turn every descriptor that is ready is served once,
 * and then the timers and the signals are looked at. Whoever serves a descriptor takes a bounded
 * part of what waits there and leaves the rest for the next turn, so that no flood on one
 * descriptor keeps another one, a timer or Ctrl-C waiting.
 *
 * The loop waits by poll: epoll would stay in the wait queues of the sockets, where every datagram
 * that is sent wakes it, which takes a busy server a tenth of its time.
 *
 * A callback that returns an int returns 0; or -1 with ERROR filled, which ends loop_run in the
 * same way. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "error.h"
#include "nsec.h"

struct loop;

/* NULL, and ERROR filled, on failure. */
struct loop *loop_new(struct error *error);

/* Descriptors that are watched stay open: they are their owners'. Takes NULL too. */
void loop_free(struct loop *l);

/* Runs until loop_stop. Returns 0, or -1 with ERROR filled. */
int loop_run(struct loop *l, struct error *error);

/* One turn that waits for nothing. Returns 0, or -1 with ERROR filled. */
int loop_poll(struct loop *l, struct error *error);

/* Ends the run under way after this turn; without one, the next run, before its first turn. */
void loop_stop(struct loop *l);

struct loop_watch {
    int fd;
    short events; /* POLLIN, POLLOUT or both */
    /* Called whenever one of the events, an error or a hang-up is there: READY.revents. */
    int (*ready)(void *context, struct pollfd ready, struct error *error);
    void *context;
};

/* Watches a descriptor, in place of an earlier watch of the same one. Returns 0, or -1 with ERROR
 * filled. */
int loop_watch(struct loop *l, const struct loop_watch *watch, struct error *error);

/* May be called from anywhere, and for a descriptor that is not watched. */
void loop_unwatch(struct loop *l, int fd);

struct loop_timer {
    nsec when; /* of the timeline; NSEC_NEVER = not set. The owner sets it whenever it likes. */
    /* Called once WHEN has passed; WHEN is NSEC_NEVER by then. */
    int (*fired)(void *context, struct error *error);
    void *context;
    struct loop_timer *next; /* the loop's */
};

/* T may be moved or freed only after loop_remove_timer or loop_free. */
void loop_add_timer(struct loop *l, struct loop_timer *t);
void loop_remove_timer(struct loop *l, struct loop_timer *t);

struct loop_signal {
    int number;
    bool from_kernel; /* such as a key of the terminal, which the whole foreground has got */
};

/* Takes a signal: CAME is called for it, and it has no other effect until loop_free. Returns 0, or
 * -1 with ERROR filled. */
int loop_on_signal(struct loop *l, int number,
                   void (*came)(void *context, const struct loop_signal *signal), void *context,
                   struct error *error);

/* Calls STOP once, at the first SIGINT or SIGTERM, also at one that came to an earlier loop when
 * that was over. Both have their usual effect afterwards: the second one ends the program. */
int loop_on_stop(struct loop *l, void (*stop)(void *context), void *context, struct error *error);

/* From now on SIGINT and SIGTERM wait, between loops, for the next one's loop_on_stop. */
void loop_hold_stop(void);

/* Whether one of them has ever come to a loop. */
bool loop_interrupted(void);

/* Why a terminal is looked after. */
enum loop_tick {
    LOOP_TICK_TIME,      /* some time has passed */
    LOOP_TICK_RESIZED,   /* it has another size */
    LOOP_TICK_SUSPENDED, /* the user stops the program, now */
    LOOP_TICK_RESUMED,   /* and has it go on */
};

/* Calls TICK twice a second, and when the terminal changes its size, or the user stops the program
 * (SIGTSTP) and has it go on. */
int loop_on_tick(struct loop *l, void (*tick)(void *context, enum loop_tick why), void *context,
                 struct error *error);

/* Calls ENDED once the child PID has ended, with its status as waitpid has it; the loop has waited
 * for it then. */
int loop_on_child(struct loop *l, pid_t pid, void (*ended)(void *context, pid_t pid, int status),
                  void *context, struct error *error);

#endif
