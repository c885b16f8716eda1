/* The event loop: what it promises of timers, descriptors, signals and children, above all while
 * one descriptor is flooded. Signals are tried in children: what becomes of them is the process's.
 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "own_network.h"
#include "port.h"
#include "tap.h"

enum {
    LOOPBACK = 0x7f000001
};

static struct error error;

static struct loop *make_loop(void)
{
    struct loop *l = loop_new(&error);

    if (l == NULL) {
        printf("Bail out! %s\n", error.what);
        _exit(1);
    }
    return l;
}

struct counted {
    struct loop *loop;
    unsigned count;
    unsigned enough; /* the loop ends then */
    nsec when;       /* of the last */
};

static void count_one(struct counted *c)
{
    c->when = clock_now();
    if (++c->count == c->enough)
        loop_stop(c->loop);
}

static int count_timer(void *context, struct error *e)
{
    (void)e;
    count_one(context);
    return 0;
}

static int count_ready(void *context, struct pollfd ready, struct error *e)
{
    (void)ready;
    (void)e;
    count_one(context);
    return 0;
}

static int fail_ready(void *context, struct pollfd ready, struct error *e)
{
    (void)context;
    return error_set(e, EX_IOERR, 0, "descriptor %s", ready.revents == POLLIN ? "read" : "?");
}

/* A descriptor that can always be read. */
static int always_ready(void)
{
    return eventfd(1, EFD_CLOEXEC);
}

static void watch(struct loop *l, int fd,
                  int (*ready)(void *context, struct pollfd ready, struct error *error),
                  void *context)
{
    struct loop_watch w = {.fd = fd, .events = POLLIN, .ready = ready, .context = context};

    if (loop_watch(l, &w, &error) != 0)
        ok(false, "%s", error.what);
}

static void test_timers(void)
{
    struct loop *l = make_loop();
    struct counted first = {.loop = l}, second = {.loop = l, .enough = 1}, never = {.loop = l};
    struct loop_timer a = {.fired = count_timer, .context = &first};
    struct loop_timer b = {.fired = count_timer, .context = &second};
    struct loop_timer c = {.when = NSEC_NEVER, .fired = count_timer, .context = &never};
    nsec start = clock_now();

    b.when = start + 2345678;
    a.when = start + 1234567;
    loop_add_timer(l, &b);
    loop_add_timer(l, &a);
    loop_add_timer(l, &c);
    is_int(loop_run(l, &error), 0, "a loop runs until it is stopped");
    is_int(first.count, 1, "a timer fires once");
    is_int(never.count, 0, "and one that is not set never");
    ok(first.when >= start + 1234567 && second.when >= start + 2345678,
       "no timer fires before its time, to the nanosecond");
    ok(a.when == NSEC_NEVER && b.when == NSEC_NEVER, "one that has fired is not set any more");
    second.enough = 2;
    b.when = start;
    loop_run(l, &error);
    is_int(second.count, 2, "a time that has passed fires at once");
    loop_remove_timer(l, &b);
    b.when = start;
    loop_poll(l, &error);
    is_int(second.count, 2, "a timer that was removed does not");
    loop_stop(l);
    is_int(loop_run(l, &error), 0, "a loop that is stopped before it runs does not wait");
    loop_free(l);
}

struct pair {
    struct counted counted;
    int other;
};

static int unwatch_other(void *context, struct pollfd ready, struct error *e)
{
    struct pair *p = context;

    loop_unwatch(p->counted.loop, p->other);
    return count_ready(&p->counted, ready, e);
}

static void test_descriptors(void)
{
    struct loop *l = make_loop();
    struct counted a = {.loop = l}, b = {.loop = l, .enough = 3};
    struct pair pair = {.counted = {.loop = l}};
    int one = always_ready(), two = always_ready();

    watch(l, one, count_ready, &a);
    watch(l, two, count_ready, &b);
    loop_run(l, &error);
    ok(a.count == 3 && b.count == 3, "what is still ready is served again, each once a turn");
    loop_unwatch(l, one);
    loop_poll(l, &error);
    ok(a.count == 3 && b.count == 4, "what is not watched is left alone");
    pair.other = two;
    watch(l, one, unwatch_other, &pair);
    loop_poll(l, &error);
    ok(pair.counted.count == 1 && b.count == 4, "what was unwatched in a turn is not served in it");
    watch(l, one, fail_ready, NULL);
    is_int(loop_run(l, &error), -1, "a callback that fails ends the run");
    ok(error.status == EX_IOERR && strcmp(error.what, "descriptor read") == 0,
       "with its error; a second watch has taken the place of the first");
    loop_free(l);
    is_int(write(two, &(uint64_t){1}, 8), 8, "the descriptors stay open");
    close(one);
    close(two);
}

static void test_limits(void)
{
    struct loop *l = make_loop();
    struct rlimit limit, low;
    struct counted c = {.loop = l};
    struct loop_watch w = {.events = POLLIN, .ready = count_ready, .context = &c};
    int failed = 0;

    for (w.fd = 1000; failed == 0 && w.fd < 2000; w.fd++)
        failed = loop_watch(l, &w, &error);
    ok(failed == -1 && w.fd > 1100 && error.status == EX_SOFTWARE, "too many descriptors: %s",
       error.what);
    loop_free(l);
    getrlimit(RLIMIT_NOFILE, &limit);
    low = (struct rlimit){3, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    ok(loop_new(&error) == NULL && error.status == EX_OSERR, "no descriptor left: %s", error.what);
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Runs ROLE in a child; its status as waitpid has it. */
static int in_child(int (*role)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(role());
    waitpid(pid, &status, 0);
    return status;
}

struct flood {
    struct loop *loop;
    struct port port;
    struct port_batch *batch;
    uint64_t taken;
    unsigned ticks;
    bool stopped;
};

static int take_flood(void *context, struct pollfd ready, struct error *e)
{
    struct flood *f = context;
    int n = port_receive(&f->port, f->batch, PORT_BATCH, e);

    (void)ready;
    f->taken += n > 0 ? (uint64_t)n : 0;
    return n < 0 ? -1 : 0;
}

static void stop_flood(void *context)
{
    struct flood *f = context;

    f->stopped = true;
    loop_stop(f->loop);
}

static struct loop_timer flood_timer;

/* The last of the ticks sends the signal that ends the loop. */
static int tick_flood(void *context, struct error *e)
{
    struct flood *f = context;

    (void)e;
    flood_timer.when = clock_now() + NSEC_MS;
    if (++f->ticks == 50)
        raise(SIGTERM);
    return 0;
}

static pid_t start_flood(struct endpoint to)
{
    pid_t pid = fork();
    struct port_config config = {.use = PORT_SERVER, .local.address = LOOPBACK};
    static struct port_queue queue;
    struct port p;

    if (pid != 0)
        return pid;
    alarm(20);
    if (port_open(&p, &config, &error) != 0)
        _exit(1);
    port_queue_init(&queue);
    for (;;) {
        for (int i = 0; i < PORT_BATCH; i++)
            port_queue_add(&queue, to, (const uint8_t *)"flood", 5);
        port_flush(&p, &queue, NULL, NULL);
    }
}

/* A port that is never empty beside a descriptor, a timer and a signal. */
static int flooded(void)
{
    static struct flood f;
    struct port_config config = {.use = PORT_CLIENT, .local.address = LOOPBACK};
    struct counted other;
    pid_t flood;
    int result;

    f.loop = make_loop();
    f.batch = port_batch_new(PORT_DATAGRAM, &error);
    other = (struct counted){.loop = f.loop};
    if (f.batch == NULL || port_open(&f.port, &config, &error) != 0)
        return 1;
    flood = start_flood(f.port.local);
    watch(f.loop, f.port.fd, take_flood, &f);
    watch(f.loop, always_ready(), count_ready, &other);
    flood_timer = (struct loop_timer){.when = clock_now(), .fired = tick_flood, .context = &f};
    loop_add_timer(f.loop, &flood_timer);
    alarm(20);
    result = loop_on_stop(f.loop, stop_flood, &f, &error) == 0 ? loop_run(f.loop, &error) : -1;
    kill(flood, SIGKILL);
    waitpid(flood, NULL, 0);
    loop_free(f.loop);
    port_close(&f.port);
    port_batch_free(f.batch);
    return result == 0 && f.stopped && f.taken > 0 && f.ticks == 50 && other.count > 0 ? 0 : 2;
}

static void test_flood(void)
{
    is_int(in_child(flooded), 0,
           "a flood on one port keeps neither timers nor signals nor other descriptors waiting");
}

static struct loop *stopping;
static unsigned stops;

static void note_stop(void *context)
{
    (void)context;
    stops++;
    loop_stop(stopping);
}

static void stop_twice(void *context)
{
    note_stop(context);
    raise(SIGINT);
}

static int second_kills(void)
{
    /* As a shell without job control leaves it to what runs in the background. */
    signal(SIGINT, SIG_IGN);
    stopping = make_loop();
    loop_on_stop(stopping, stop_twice, NULL, &error);
    raise(SIGINT);
    loop_run(stopping, &error);
    return 1;
}

static int both_are_one(void)
{
    stopping = make_loop();
    loop_on_stop(stopping, note_stop, NULL, &error);
    raise(SIGINT);
    raise(SIGTERM);
    loop_run(stopping, &error);
    loop_free(stopping);
    return stops == 1 && loop_interrupted() ? 0 : 1;
}

static int late_counts(void)
{
    stopping = make_loop();
    loop_on_stop(stopping, note_stop, NULL, &error);
    raise(SIGTERM);
    loop_free(stopping);
    if (stops != 0 || !loop_interrupted())
        return 1;
    stopping = make_loop();
    loop_on_stop(stopping, note_stop, NULL, &error);
    loop_run(stopping, &error);
    loop_free(stopping);
    if (stops != 1)
        return 2;
    raise(SIGTERM);
    return 3;
}

static int held(void)
{
    loop_hold_stop();
    stopping = make_loop();
    loop_on_stop(stopping, note_stop, NULL, &error);
    loop_poll(stopping, &error);
    loop_free(stopping);
    raise(SIGINT);
    if (loop_interrupted())
        return 1;
    stopping = make_loop();
    loop_on_stop(stopping, note_stop, NULL, &error);
    loop_run(stopping, &error);
    loop_free(stopping);
    return stops == 1 ? 0 : 2;
}

static void note_signal(void *context, const struct loop_signal *signal)
{
    struct counted *c = context;

    if (signal->number == SIGUSR1 && !signal->from_kernel)
        count_one(c);
}

static int usr1(void)
{
    struct loop *l = make_loop();
    struct counted c = {.loop = l, .enough = 1};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t mask;

    loop_on_signal(l, SIGUSR1, note_signal, &c, &error);
    raise(SIGUSR1);
    loop_run(l, &error);
    loop_free(l);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigaction(SIGUSR1, &ignore, NULL);
    return c.count == 1 && !sigismember(&mask, SIGUSR1) && !loop_interrupted() ? 0 : 1;
}

static bool died_of(int status, int number)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == number;
}

static void test_signals(void)
{
    ok(died_of(in_child(second_kills), SIGINT), "the second stop ends the program");
    is_int(in_child(both_are_one), 0, "SIGINT and SIGTERM together are one stop");
    ok(died_of(in_child(late_counts), SIGTERM),
       "a stop after the last turn goes to the next loop, and the one after it ends the program");
    is_int(in_child(held), 0, "a stop that is held comes to the next loop");
    is_int(in_child(usr1), 0, "other signals are taken while the loop lives");
}

static enum loop_tick ticks[8];
static unsigned tick_count;

static void note_tick(void *context, enum loop_tick why)
{
    if (tick_count < 8)
        ticks[tick_count++] = why;
    if (why == LOOP_TICK_RESUMED || why == LOOP_TICK_TIME)
        loop_stop(context);
}

static int terminal(void)
{
    struct loop *l = make_loop();

    loop_on_tick(l, note_tick, l, &error);
    raise(SIGWINCH);
    raise(SIGTSTP);
    loop_run(l, &error);
    loop_run(l, &error);
    loop_free(l);
    return tick_count == 4 &&
                   ticks[0] + ticks[1] + ticks[2] ==
                       LOOP_TICK_RESIZED + LOOP_TICK_SUSPENDED + LOOP_TICK_RESUMED &&
                   ticks[3] == LOOP_TICK_TIME
               ? 0
               : 1;
}

static void test_terminal(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(terminal());
    waitpid(pid, &status, WUNTRACED);
    ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "Ctrl-Z stops the program");
    kill(pid, SIGCONT);
    waitpid(pid, &status, 0);
    is_int(status, 0, "and the terminal is told of it, of its size and of the time");
}

struct ended {
    struct loop *loop;
    pid_t pid;
    int status;
    unsigned count;
};

static void note_end(void *context, pid_t pid, int status)
{
    struct ended *e = context;

    e->pid = pid;
    e->status = status;
    e->count++;
    loop_stop(e->loop);
}

static void test_children(void)
{
    struct loop *l = make_loop();
    struct ended ended = {.loop = l};
    pid_t pid = fork(), other;
    siginfo_t info;

    if (pid == 0)
        _exit(7);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    is_int(loop_on_child(l, pid, note_end, &ended, &error), 0, "a child is watched");
    loop_run(l, &error);
    ok(ended.pid == pid && WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 7,
       "its end is told, also where it came before");
    ok(waitpid(pid, NULL, WNOHANG) == -1 && errno == ECHILD, "and it has been waited for");
    other = fork();
    if (other == 0) {
        pause();
        _exit(0);
    }
    loop_on_child(l, other, note_end, &ended, &error);
    loop_poll(l, &error);
    is_int(ended.count, 1, "one that is at work is not told");
    kill(other, SIGKILL);
    loop_run(l, &error);
    ok(ended.pid == other && died_of(ended.status, SIGKILL), "until a signal ends it");
    loop_free(l);
    is_int(loop_on_child(NULL, 0, note_end, NULL, &error), -1, "no child: %s", error.what);
}

int main(void)
{
    need_loopback();
    test_timers();
    test_descriptors();
    test_limits();
    test_flood();
    test_signals();
    test_terminal();
    test_children();
    return done_testing();
}
