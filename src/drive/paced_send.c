#include "paced_send.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "clock.h"
#include "loop.h"

enum {
    ROUNDS_A_TURN = 64 /* when late; then what has come is looked at */
};

struct paced_send {
    const struct paced_send_config *config;
    struct loop loop;
    nsec started;
    nsec end; /* of the wait; known once all is fired */
    unsigned long fired;
    bool done;
    bool interrupted;
    uint8_t buf[UDP_SOCKET_BUFFER];
};

static void finish(struct paced_send *v)
{
    v->done = true;
    loop_set_timer(&v->loop, NSEC_NEVER);
    loop_stop(&v->loop);
}

static void take_all(struct paced_send *v)
{
    struct udp_receipt receipt;

    while (inject_receive(v->config->inject, &receipt, v->buf))
        v->config->receive(v->config->context, &receipt, v->buf);
}

static void on_readable(void *context)
{
    take_all(context);
}

static nsec round_time(const struct paced_send *v)
{
    return v->started + (nsec)v->fired * v->config->interval;
}

/* Fires what is due. The times are counted from the first round, so that lateness does not add up.
 */
static void on_timer(void *context)
{
    struct paced_send *v = context;
    const struct paced_send_config *c = v->config;

    for (int i = 0; i < ROUNDS_A_TURN && v->fired < c->rounds && clock_now() >= round_time(v); i++)
        c->fire(c->context, v->fired++);
    /* ICMP errors that a send has met wait in the socket, where no poll sees them. */
    take_all(v);
    if (v->fired < c->rounds) {
        loop_set_timer(&v->loop, round_time(v));
        return;
    }
    if (v->end == 0)
        v->end = clock_now() + c->wait;
    if (clock_now() >= v->end)
        finish(v);
    else
        loop_set_timer(&v->loop, v->end);
}

static void on_stop(void *context)
{
    struct paced_send *v = context;

    v->interrupted = true;
    finish(v);
}

static void on_tick(void *context, enum loop_tick why)
{
    const struct paced_send *v = context;

    if (why == LOOP_TICK_TIME)
        v->config->tick(v->config->context, clock_now(), v->end != 0 ? v->end : NSEC_NEVER);
}

static int run(struct paced_send *v, struct error *error)
{
    int fds[2];
    unsigned count = inject_fds(v->config->inject, fds);

    if (loop_init(&v->loop, error) != 0 || loop_on_stop(&v->loop, on_stop, v, error) != 0)
        return -1;
    for (unsigned i = 0; i < count; i++)
        if (loop_watch_fd(&v->loop, fds[i], on_readable, v, error) != 0)
            return -1;
    if (v->config->tick != NULL && loop_on_tick(&v->loop, 500 * NSEC_MS, on_tick, v, error) != 0)
        return -1;
    loop_on_timer(&v->loop, on_timer, v);
    v->started = clock_now();
    on_timer(v);
    if (!v->done)
        loop_run(&v->loop);
    return 0;
}

int paced_send_run(const struct paced_send_config *config, bool *interrupted, struct error *error)
{
    struct paced_send *v = calloc(1, sizeof *v);
    int result;

    if (v == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    v->config = config;
    v->loop.timer_fd = -1;
    result = run(v, error);
    *interrupted = v->interrupted;
    loop_close(&v->loop);
    free(v);
    return result;
}
