#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"

/* How often a terminal is looked after. */
#define TICK (500 * NSEC_MS)

enum {
    MAX_FDS = 128,
    MAX_SIGNALS = 8,
    /* The loop's own descriptors, before all others. */
    TIMER_SLOT = 0,
    SIGNAL_SLOT,
    FIRST_SLOT,
};

struct taker {
    int number;
    void (*came)(void *context, const struct loop_signal *signal);
    void *context;
};

struct child {
    pid_t pid;
    void (*ended)(void *context, pid_t pid, int status);
    void *context;
    struct loop *loop;
    struct child *next;
};

struct loop {
    /* By slot; a free one has the descriptor -1, which poll passes over. */
    struct pollfd polls[MAX_FDS];
    struct loop_watch watches[MAX_FDS];
    unsigned slots;
    struct loop_timer *timers;
    nsec armed; /* what the timer's descriptor is set to */
    struct taker takers[MAX_SIGNALS];
    unsigned taker_count;
    sigset_t taken;
    sigset_t mask; /* of the process, before this loop */
    void (*on_stop)(void *context);
    void *stop_context;
    struct loop_timer tick;
    void (*on_tick)(void *context, enum loop_tick why);
    void *tick_context;
    struct child *children;
    bool stopped;
};

/* Signals are the process's, and so is what has become of them. */
static bool interrupted;

static void stop_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

struct loop *loop_new(struct error *error)
{
    struct loop *l = calloc(1, sizeof *l);

    if (l == NULL) {
        error_set(error, EX_OSERR, ENOMEM, "cannot set up the event loop");
        return NULL;
    }
    sigemptyset(&l->taken);
    sigprocmask(SIG_BLOCK, NULL, &l->mask);
    l->armed = NSEC_NEVER;
    l->slots = FIRST_SLOT;
    l->polls[TIMER_SLOT] = (struct pollfd){
        .fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC), .events = POLLIN};
    l->polls[SIGNAL_SLOT] = (struct pollfd){
        .fd = signalfd(-1, &l->taken, SFD_NONBLOCK | SFD_CLOEXEC), .events = POLLIN};
    if (l->polls[TIMER_SLOT].fd >= 0 && l->polls[SIGNAL_SLOT].fd >= 0)
        return l;
    error_set(error, EX_OSERR, errno, "cannot set up the event loop");
    loop_free(l);
    return NULL;
}

static struct pollfd *find_poll(struct loop *l, int fd)
{
    for (unsigned i = FIRST_SLOT; i < l->slots; i++)
        if (l->polls[i].fd == fd)
            return &l->polls[i];
    return NULL;
}

int loop_watch(struct loop *l, const struct loop_watch *watch, struct error *error)
{
    struct pollfd *p = find_poll(l, watch->fd);

    if (p == NULL)
        p = find_poll(l, -1);
    if (p == NULL && l->slots < MAX_FDS)
        p = &l->polls[l->slots++];
    if (p == NULL)
        return error_set(error, EX_SOFTWARE, 0, "too many descriptors in one event loop");
    *p = (struct pollfd){.fd = watch->fd, .events = watch->events};
    l->watches[p - l->polls] = *watch;
    return 0;
}

void loop_unwatch(struct loop *l, int fd)
{
    struct pollfd *p = fd >= 0 ? find_poll(l, fd) : NULL;

    if (p != NULL)
        *p = (struct pollfd){.fd = -1};
}

void loop_add_timer(struct loop *l, struct loop_timer *t)
{
    t->next = l->timers;
    l->timers = t;
}

void loop_remove_timer(struct loop *l, struct loop_timer *t)
{
    struct loop_timer **at = &l->timers;

    while (*at != NULL && *at != t)
        at = &(*at)->next;
    if (*at != NULL)
        *at = t->next;
}

static nsec first_timer(const struct loop *l)
{
    nsec first = NSEC_NEVER;

    for (const struct loop_timer *t = l->timers; t != NULL; t = t->next)
        first = nsec_min(first, t->when);
    return first;
}

static int arm(struct loop *l, nsec when, struct error *error)
{
    struct itimerspec spec = {0};

    if (when == l->armed)
        return 0;
    if (when != NSEC_NEVER)
        spec.it_value = clock_to_timer(when);
    if (timerfd_settime(l->polls[TIMER_SLOT].fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0)
        return error_set(error, EX_OSERR, errno, "cannot set a timer");
    l->armed = when;
    return 0;
}

static int fire_timers(struct loop *l, struct error *error)
{
    nsec now = clock_now();

    /* A timer may remove itself, but no other. */
    for (struct loop_timer *t = l->timers, *next; t != NULL; t = next) {
        next = t->next;
        if (t->when > now)
            continue;
        t->when = NSEC_NEVER;
        if (t->fired(t->context, error) != 0)
            return -1;
    }
    return 0;
}

static int serve_descriptors(struct loop *l, struct error *error)
{
    for (unsigned i = FIRST_SLOT; i < l->slots; i++) {
        struct pollfd ready = l->polls[i];
        const struct loop_watch *w = &l->watches[i];

        /* One that is watched only now has had no poll yet. */
        l->polls[i].revents = 0;
        if (ready.fd >= 0 && ready.revents != 0 && w->ready(w->context, ready, error) != 0)
            return -1;
    }
    return 0;
}

/* SIGINT and SIGTERM have their usual effect again. */
static void release_stop_signals(struct loop *l)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t set;

    sigdelset(&l->taken, SIGINT);
    sigdelset(&l->taken, SIGTERM);
    signalfd(l->polls[SIGNAL_SLOT].fd, &l->taken, 0);
    /* A shell without job control has its background commands ignore SIGINT. */
    sigaction(SIGINT, &usual, NULL);
    sigaction(SIGTERM, &usual, NULL);
    sigdelset(&l->mask, SIGINT);
    sigdelset(&l->mask, SIGTERM);
    stop_set(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void call_stop(struct loop *l)
{
    void (*stop)(void *context) = l->on_stop;

    l->on_stop = NULL;
    release_stop_signals(l);
    stop(l->stop_context);
}

static void tell_takers(struct loop *l, const struct signalfd_siginfo *info)
{
    struct loop_signal signal = {(int)info->ssi_signo, info->ssi_code == SI_KERNEL};

    for (unsigned i = 0; i < l->taker_count; i++)
        if (l->takers[i].number == signal.number)
            l->takers[i].came(l->takers[i].context, &signal);
}

static void take_signals(struct loop *l)
{
    struct signalfd_siginfo info;

    while (read(l->polls[SIGNAL_SLOT].fd, &info, sizeof info) == (ssize_t)sizeof info)
        tell_takers(l, &info);
}

/* TIMEOUT is that of poll: 0 or -1. */
static int turn(struct loop *l, int timeout, struct error *error)
{
    nsec first = first_timer(l);
    bool due = first <= clock_now() || (l->on_stop != NULL && interrupted);

    if (due)
        timeout = 0;
    if (timeout != 0 && arm(l, first, error) != 0)
        return -1;
    if (poll(l->polls, l->slots, timeout) < 0) {
        if (errno != EINTR)
            return error_set(error, EX_OSERR, errno, "cannot wait for packets");
        return 0;
    }
    /* It has run down, and is to be set anew whatever to. */
    if (l->polls[TIMER_SLOT].revents != 0)
        l->armed = 0;
    /* Packets first: they came before the time that they were waited for had passed. */
    if (serve_descriptors(l, error) != 0 || fire_timers(l, error) != 0)
        return -1;
    if (l->polls[SIGNAL_SLOT].revents != 0)
        take_signals(l);
    if (l->on_stop != NULL && interrupted)
        call_stop(l);
    return 0;
}

int loop_run(struct loop *l, struct error *error)
{
    int result = 0;

    while (!l->stopped && result == 0)
        result = turn(l, -1, error);
    l->stopped = false;
    return result;
}

int loop_poll(struct loop *l, struct error *error)
{
    int result = turn(l, 0, error);

    l->stopped = false;
    return result;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

int loop_on_signal(struct loop *l, int number,
                   void (*came)(void *context, const struct loop_signal *signal), void *context,
                   struct error *error)
{
    if (l->taker_count == MAX_SIGNALS)
        return error_set(error, EX_SOFTWARE, 0, "too many signals in one event loop");
    l->takers[l->taker_count++] = (struct taker){number, came, context};
    sigaddset(&l->taken, number);
    sigprocmask(SIG_BLOCK, &l->taken, NULL);
    if (signalfd(l->polls[SIGNAL_SLOT].fd, &l->taken, 0) < 0)
        return error_set(error, EX_OSERR, errno, "cannot watch for signals");
    return 0;
}

static void note_stop(void *context, const struct loop_signal *signal)
{
    (void)context;
    (void)signal;
    interrupted = true;
}

int loop_on_stop(struct loop *l, void (*stop)(void *context), void *context, struct error *error)
{
    l->on_stop = stop;
    l->stop_context = context;
    return loop_on_signal(l, SIGINT, note_stop, NULL, error) != 0
               ? -1
               : loop_on_signal(l, SIGTERM, note_stop, NULL, error);
}

void loop_hold_stop(void)
{
    sigset_t set;

    stop_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

bool loop_interrupted(void)
{
    return interrupted;
}

static int tick_passed(void *context, struct error *error)
{
    struct loop *l = context;

    (void)error;
    l->tick.when = clock_now() + TICK;
    l->on_tick(l->tick_context, LOOP_TICK_TIME);
    return 0;
}

static void terminal_resized(void *context, const struct loop_signal *signal)
{
    const struct loop *l = context;

    (void)signal;
    l->on_tick(l->tick_context, LOOP_TICK_RESIZED);
}

static void terminal_stopped(void *context, const struct loop_signal *signal)
{
    const struct loop *l = context;

    (void)signal;
    l->on_tick(l->tick_context, LOOP_TICK_SUSPENDED);
    raise(SIGSTOP);
    l->on_tick(l->tick_context, LOOP_TICK_RESUMED);
}

int loop_on_tick(struct loop *l, void (*tick)(void *context, enum loop_tick why), void *context,
                 struct error *error)
{
    l->on_tick = tick;
    l->tick_context = context;
    l->tick = (struct loop_timer){.when = clock_now() + TICK, .fired = tick_passed, .context = l};
    loop_add_timer(l, &l->tick);
    if (loop_on_signal(l, SIGWINCH, terminal_resized, l, error) != 0)
        return -1;
    return loop_on_signal(l, SIGTSTP, terminal_stopped, l, error);
}

static void forget_child(struct loop *l, struct child *child, int fd)
{
    struct child **at = &l->children;

    while (*at != child)
        at = &(*at)->next;
    *at = child->next;
    loop_unwatch(l, fd);
    close(fd);
    free(child);
}

static int child_ended(void *context, struct pollfd ready, struct error *error)
{
    struct child *child = context, ended = *child;
    int status = 0;

    (void)error;
    if (waitpid(ended.pid, &status, WNOHANG) == 0)
        return 0;
    forget_child(ended.loop, child, ready.fd);
    ended.ended(ended.context, ended.pid, status);
    return 0;
}

int loop_on_child(struct loop *l, pid_t pid, void (*ended)(void *context, pid_t pid, int status),
                  void *context, struct error *error)
{
    struct child *child = malloc(sizeof *child);
    int fd = child != NULL ? pidfd_open(pid, 0) : -1;
    struct loop_watch watch = {.fd = fd, .events = POLLIN, .ready = child_ended, .context = child};

    if (fd < 0) {
        error_set(error, EX_OSERR, errno, "cannot wait for a program");
        free(child);
        return -1;
    }
    if (loop_watch(l, &watch, error) != 0) {
        close(fd);
        free(child);
        return -1;
    }
    *child = (struct child){pid, ended, context, l, l->children};
    l->children = child;
    return 0;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    /* Children that are still at work are their owner's again. */
    for (unsigned i = FIRST_SLOT; i < l->slots; i++)
        if (l->polls[i].fd >= 0 && l->watches[i].ready == child_ended)
            forget_child(l, l->watches[i].context, l->polls[i].fd);
    /* A stop that comes after the last turn still counts, and ends no program before its results
     * are out. */
    if (l->polls[SIGNAL_SLOT].fd >= 0) {
        take_signals(l);
        if (interrupted)
            release_stop_signals(l);
        close(l->polls[SIGNAL_SLOT].fd);
    }
    if (l->polls[TIMER_SLOT].fd >= 0)
        close(l->polls[TIMER_SLOT].fd);
    sigprocmask(SIG_SETMASK, &l->mask, NULL);
    free(l);
}
