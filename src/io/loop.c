#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"

static void timer_ready(void *context)
{
    struct loop *l = context;
    uint64_t count;

    if (read(l->timer_fd, &count, sizeof count) == (ssize_t)sizeof count && l->on_timer != NULL)
        l->on_timer(l->timer_context);
}

int loop_init_uv(uv_loop_t *uv, struct error *error)
{
    int pipes[2][2];
    int open = 0, failed = 0;

    /* libuv aborts where it gets no pipe for its signals, so there must be descriptors left. */
    while (open < 2 && failed == 0) {
        if (pipe2(pipes[open], O_CLOEXEC) == 0)
            open++;
        else
            failed = -errno;
    }
    while (open-- > 0) {
        close(pipes[open][0]);
        close(pipes[open][1]);
    }
    if (failed == 0)
        failed = uv_loop_init(uv);
    if (failed != 0)
        return error_set(error, EX_OSERR, -failed, "cannot set up the event loop");
    return 0;
}

int loop_init(struct loop *l, struct error *error)
{
    *l = (struct loop){.timer_fd = -1};
    if (loop_init_uv(&l->uv, error) != 0)
        return -1;
    l->open = true;
    l->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (l->timer_fd < 0)
        return error_set(error, EX_OSERR, errno, "cannot create a timer");
    return loop_watch_fd(l, l->timer_fd, timer_ready, l, error);
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
    struct loop_watch *w = poll->data;

    (void)events;
    w->ready(w->context);
    /* libuv stops watching a descriptor with a pending error; the reader has just taken it. */
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll))
        uv_poll_start(poll, UV_READABLE | UV_PRIORITIZED, poll_ready);
}

int loop_watch_fd(struct loop *l, int fd, void (*ready)(void *context), void *context,
                  struct error *error)
{
    struct loop_watch *w;
    int failed;

    if (l->watch_count == LOOP_MAX_FDS)
        return error_set(error, EX_SOFTWARE, 0, "too many descriptors in one event loop");
    w = &l->watches[l->watch_count];
    *w = (struct loop_watch){.loop = l, .ready = ready, .context = context};
    w->poll.data = w;
    failed = uv_poll_init(&l->uv, &w->poll, fd);
    w->poll.data = w;
    if (failed == 0)
        failed = uv_poll_start(&w->poll, UV_READABLE | UV_PRIORITIZED, poll_ready);
    if (failed != 0)
        return error_set(error, EX_OSERR, -failed, "cannot watch a descriptor");
    l->watch_count++;
    return 0;
}

void loop_on_timer(struct loop *l, void (*fired)(void *context), void *context)
{
    l->on_timer = fired;
    l->timer_context = context;
}

void loop_set_timer(struct loop *l, nsec when)
{
    struct itimerspec spec = {0};

    if (when != NSEC_NEVER)
        spec.it_value = clock_to_timer(when);
    timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static const int stop_signals[LOOP_SIGNALS] = {SIGINT, SIGTERM};
static bool interrupted;

static void stop_signal_set(sigset_t *set)
{
    sigemptyset(set);
    for (int i = 0; i < LOOP_SIGNALS; i++)
        sigaddset(set, stop_signals[i]);
}

void loop_hold_signals(void)
{
    sigset_t set;

    stop_signal_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

bool loop_interrupted(void)
{
    return interrupted;
}

static void signal_came(uv_signal_t *handle, int number)
{
    struct loop *l = handle->data;

    (void)number;
    interrupted = true;
    if (l->on_stop == NULL)
        return;
    for (int i = 0; i < LOOP_SIGNALS; i++)
        uv_signal_stop(&l->signals[i]);
    l->on_stop(l->stop_context);
}

int loop_on_stop(struct loop *l, void (*stop)(void *context), void *context, struct error *error)
{
    sigset_t set;

    l->on_stop = stop;
    l->stop_context = context;
    for (int i = 0; i < LOOP_SIGNALS; i++) {
        int failed = uv_signal_init(&l->uv, &l->signals[i]);

        l->signals[i].data = l;
        if (failed == 0)
            failed = uv_signal_start(&l->signals[i], signal_came, stop_signals[i]);
        if (failed != 0)
            return error_set(error, EX_OSERR, -failed, "cannot watch for signals");
    }
    stop_signal_set(&set);
    sigprocmask(SIG_UNBLOCK, &set, &l->mask);
    l->has_mask = true;
    return 0;
}

static void tick_passed(uv_timer_t *handle)
{
    struct loop *l = handle->data;

    l->on_tick(l->tick_context, LOOP_TICK_TIME);
}

static void terminal_signal_came(uv_signal_t *handle, int number)
{
    struct loop *l = handle->data;

    if (number == SIGWINCH) {
        l->on_tick(l->tick_context, LOOP_TICK_RESIZED);
        return;
    }
    l->on_tick(l->tick_context, LOOP_TICK_SUSPENDED);
    raise(SIGSTOP);
    l->on_tick(l->tick_context, LOOP_TICK_RESUMED);
}

int loop_on_tick(struct loop *l, nsec interval, void (*tick)(void *context, enum loop_tick why),
                 void *context, struct error *error)
{
    static const int numbers[LOOP_TERMINAL_SIGNALS] = {SIGWINCH, SIGTSTP};
    uint64_t milliseconds = (uint64_t)(interval / NSEC_MS);
    int failed = uv_timer_init(&l->uv, &l->tick);

    l->on_tick = tick;
    l->tick_context = context;
    l->tick.data = l;
    if (failed == 0)
        failed = uv_timer_start(&l->tick, tick_passed, milliseconds, milliseconds);
    for (int i = 0; i < LOOP_TERMINAL_SIGNALS && failed == 0; i++) {
        failed = uv_signal_init(&l->uv, &l->terminal_signals[i]);
        l->terminal_signals[i].data = l;
        if (failed == 0)
            failed = uv_signal_start(&l->terminal_signals[i], terminal_signal_came, numbers[i]);
    }
    return failed == 0 ? 0 : error_set(error, EX_OSERR, -failed, "cannot look after the terminal");
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_all_but_signals(uv_handle_t *handle, void *unused)
{
    if (handle->type != UV_SIGNAL)
        close_handle(handle, unused);
}

/* A signal may have come after the loop had looked for the last time: it is in libuv's pipe. */
static void take_late_signals(struct loop *l)
{
    sigprocmask(SIG_SETMASK, &l->mask, NULL);
    l->has_mask = false;
    l->on_stop = NULL;
    uv_walk(&l->uv, close_all_but_signals, NULL);
    /* Twice, as in loop_close. */
    uv_run(&l->uv, UV_RUN_NOWAIT);
    uv_run(&l->uv, UV_RUN_NOWAIT);
}

void loop_close(struct loop *l)
{
    if (l->has_mask)
        take_late_signals(l);
    if (l->open) {
        uv_walk(&l->uv, close_handle, NULL);
        /* A stop that came before the loop ran ends the first run at once. */
        while (uv_loop_close(&l->uv) == UV_EBUSY)
            uv_run(&l->uv, UV_RUN_DEFAULT);
        l->open = false;
    }
    if (l->timer_fd >= 0)
        close(l->timer_fd);
    l->timer_fd = -1;
}
