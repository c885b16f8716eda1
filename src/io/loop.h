/* A thin layer over libuv: readable descriptors, one precise timer, and the signals that end a
 * command. libuv's own timers count milliseconds; ours is a timerfd, in nanoseconds. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <uv.h>

#include "error.h"
#include "nsec.h"

enum {
    LOOP_MAX_FDS = 80,
    LOOP_SIGNALS = 2,
    LOOP_TERMINAL_SIGNALS = 2
};

/* Why a terminal is looked after. */
enum loop_tick {
    LOOP_TICK_TIME,      /* some time has passed */
    LOOP_TICK_RESIZED,   /* it has another size */
    LOOP_TICK_SUSPENDED, /* the user stops the program, now */
    LOOP_TICK_RESUMED,   /* and has it go on */
};

struct loop;

struct loop_watch {
    struct loop *loop;
    uv_poll_t poll;
    void (*ready)(void *context);
    void *context;
};

struct loop {
    uv_loop_t uv;
    bool open; /* uv is set up */
    struct loop_watch watches[LOOP_MAX_FDS];
    unsigned watch_count;
    int timer_fd;
    void (*on_timer)(void *context);
    void *timer_context;
    uv_signal_t signals[LOOP_SIGNALS];
    void (*on_stop)(void *context);
    void *stop_context;
    uv_timer_t tick;
    uv_signal_t terminal_signals[LOOP_TERMINAL_SIGNALS];
    void (*on_tick)(void *context, enum loop_tick why);
    void *tick_context;
    bool has_mask;
    sigset_t mask; /* of the signals, before loop_on_stop */
};

/* uv_loop_init, which gives an error (71) where libuv would abort: without descriptors. */
int loop_init_uv(uv_loop_t *uv, struct error *error);

/* Sets up L, which may not be moved afterwards; loop_close frees it, also after a failure. */
int loop_init(struct loop *l, struct error *error);

/* Calls READY whenever FD can be read; at most LOOP_MAX_FDS - 1 of them. */
int loop_watch_fd(struct loop *l, int fd, void (*ready)(void *context), void *context,
                  struct error *error);

/* Calls FIRED once the timeline has passed what loop_set_timer was last given. */
void loop_on_timer(struct loop *l, void (*fired)(void *context), void *context);
void loop_set_timer(struct loop *l, nsec when);

/* Between loops SIGINT and SIGTERM wait for the next loop's loop_on_stop, from now on. */
void loop_hold_signals(void);

/* Whether one of them has ever stopped a loop. */
bool loop_interrupted(void);

/* Calls STOP at SIGINT and SIGTERM; the second signal has its usual effect. */
int loop_on_stop(struct loop *l, void (*stop)(void *context), void *context, struct error *error);

/* Calls TICK every INTERVAL, and when the terminal changes its size, or the user stops the program
 * (SIGTSTP) and has it go on. */
int loop_on_tick(struct loop *l, nsec interval, void (*tick)(void *context, enum loop_tick why),
                 void *context, struct error *error);

/* Runs until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Closes everything but the watched descriptors, which belong to their callers. */
void loop_close(struct loop *l);

#endif
