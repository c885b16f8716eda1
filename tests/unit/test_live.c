/* The live driver, worked by an engine of the test's own: what it does while its port is flooded,
 * or can receive nothing any more. */
#include "live.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "own_network.h"
#include "tap.h"

enum {
    LOOPBACK = 0x7f000001
};

/* Waits for its deadline, or for STOP. */
struct patient {
    struct engine engine;
    nsec deadline;
    unsigned datagrams, timers, icmp_errors;
    struct endpoint send_to; /* at the first observation, if there is a port */
    nsec latest;
    bool backwards; /* the time has gone backwards */
};

static void observe(struct engine *engine, const struct observation *o, struct outbox *outbox)
{
    struct patient *p = (struct patient *)engine;

    p->backwards = p->backwards || o->when < p->latest;
    p->latest = o->when;
    p->datagrams += o->kind == OBSERVED_RECEIVED;
    p->timers += o->kind == OBSERVED_TIMER;
    p->icmp_errors += o->kind == OBSERVED_ICMP_ERROR;
    if (p->send_to.port != 0) {
        struct send_request send = {.to = p->send_to, .size = 1, .bytes = (const uint8_t *)"x"};

        p->send_to.port = 0;
        outbox->send(outbox, &send);
    }
    if ((o->kind == OBSERVED_TIMER && o->when >= p->deadline) || o->kind == OBSERVED_STOP ||
        p->icmp_errors > 0) {
        p->deadline = NSEC_NEVER;
        outbox_done(outbox);
    }
}

static nsec deadline(const struct engine *engine)
{
    return ((const struct patient *)engine)->deadline;
}

static const struct engine_ops ops = {.observe = observe, .deadline = deadline};

static void ignore_event(void *context, const struct event *event)
{
    (void)context;
    (void)event;
}

static const struct event_sink sink = {ignore_event, NULL};
static struct error error;

static struct live *open_live(void)
{
    struct live *l = live_open(0, 1, (struct endpoint){LOOPBACK, 9}, false, &error);

    if (l == NULL) {
        printf("Bail out! %s\n", error.what);
        _exit(1);
    }
    return l;
}

/* Floods TO from a child; it sends SIGNAL, if not 0, to this process after a moment. */
static pid_t flood(struct endpoint to, int signal)
{
    static struct port_queue queue;
    struct port_config config = {.use = PORT_SERVER, .local.address = LOOPBACK};
    nsec start = clock_now();
    pid_t pid = fork();
    struct port p;

    if (pid != 0)
        return pid;
    alarm(30);
    if (port_open(&p, &config, &error) != 0)
        _exit(1);
    port_queue_init(&queue);
    for (;;) {
        for (int i = 0; i < PORT_BATCH; i++)
            port_queue_add(&queue, to, (const uint8_t *)"flood", 5);
        port_flush(&p, &queue, NULL, NULL);
        if (signal != 0 && clock_now() - start > 50 * NSEC_MS) {
            kill(getppid(), signal);
            signal = 0;
        }
    }
}

static int run_flooded(struct patient *p, int signal)
{
    struct live *l = open_live();
    pid_t pid = flood(live_local(l, 0), signal);
    int result;

    p->engine.ops = &ops;
    alarm(20);
    result = live_run(l, &p->engine, &sink, NULL, &error);
    alarm(0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    live_close(l);
    return result;
}

static void test_deadline(void)
{
    struct patient p = {.deadline = clock_now() + 100 * NSEC_MS};

    is_int(run_flooded(&p, 0), 0, "a run under a flood ends");
    ok(p.datagrams > 0 && p.timers == 2 && !p.backwards,
       "by its deadline, after %u datagrams, and time goes one way", p.datagrams);
}

static void test_icmp(void)
{
    struct live *l = open_live();
    struct port_config config = {.use = PORT_CLIENT, .local.address = LOOPBACK};
    struct patient p = {.engine = {&ops}, .deadline = clock_now() + 5 * NSEC_S};
    struct port closed;

    port_open(&closed, &config, &error);
    p.send_to = closed.local;
    port_close(&closed);
    is_int(live_run(l, &p.engine, &sink, NULL, &error), 0, "a run sends to a closed port");
    ok(p.icmp_errors == 1 && p.deadline == NSEC_NEVER && p.timers == 1,
       "and learns so at once, not at its next deadline");
    live_close(l);
}

/* What is no socket stands for one that the system has taken the right to. */
static void test_broken(void)
{
    struct live *l = open_live();
    struct patient p = {.engine = {&ops}, .deadline = clock_now() + 20 * NSEC_S};
    uint16_t port = live_local(l, 0).port;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int fd = 3;

    for (; fd < 64; fd++) {
        struct sockaddr_in sa = {0};
        socklen_t size = sizeof sa;

        if (getsockname(fd, (struct sockaddr *)&sa, &size) == 0 && ntohs(sa.sin_port) == port)
            break;
    }
    dup2(null, fd);
    is_int(live_run(l, &p.engine, &sink, NULL, &error), -1,
           "a port that can receive nothing any more ends the run");
    ok(error.status == EX_OSERR, "with a message: %s", error.what);
    live_close(l);
    close(null);
}

static void test_stop(void)
{
    struct patient p = {.deadline = clock_now() + 60 * NSEC_S};

    is_int(run_flooded(&p, SIGINT), 0, "Ctrl-C under a flood ends the run");
    ok(p.datagrams > 0 && p.timers == 1 && !p.backwards, "after %u datagrams", p.datagrams);
}

int main(void)
{
    need_loopback();
    test_deadline();
    test_icmp();
    test_broken();
    test_stop();
    return done_testing();
}
