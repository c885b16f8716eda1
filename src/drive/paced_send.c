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
    struct loop *loop;
    struct loop_timer timer; /* the next round, or the end of the wait */
    nsec started;
    nsec end; /* of the wait; known once all is fired */
    unsigned long fired;
    bool interrupted;
    uint8_t buf[UDP_SOCKET_BUFFER];
};

static void finish(struct paced_send *v)
{
    v->timer.when = NSEC_NEVER;
    loop_stop(v->loop);
}

static void take_all(struct paced_send *v)
{
    struct udp_receipt receipt;

    while (inject_receive(v->config->inject, &receipt, v->buf))
        v->config->receive(v->config->context, &receipt, v->buf);
}

static int on_readable(void *context, struct pollfd ready, struct error *error)
{
    (void)ready;
    (void)error;
    take_all(context);
    return 0;
}

static nsec round_time(const struct paced_send *v)
{
    return v->started + (nsec)v->fired * v->config->interval;
}

/* Fires what is due. The times are counted from the first round, so that lateness does not add up.
 */
static int on_timer(void *context, struct error *error)
{
    struct paced_send *v = context;
    const struct paced_send_config *c = v->config;

    (void)error;
    for (int i = 0; i < ROUNDS_A_TURN && v->fired < c->rounds && clock_now() >= round_time(v); i++)
        c->fire(c->context, v->fired++);
    /* ICMP errors that a send has met wait in the socket, where no poll sees them. */
    take_all(v);
    if (v->fired < c->rounds) {
        v->timer.when = round_time(v);
        return 0;
    }
    if (v->end == 0)
        v->end = clock_now() + c->wait;
    if (clock_now() >= v->end)
        finish(v);
    else
        v->timer.when = v->end;
    return 0;
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

    v->loop = loop_new(error);
    if (v->loop == NULL || loop_on_stop(v->loop, on_stop, v, error) != 0)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        struct loop_watch watch = {
            .fd = fds[i], .events = POLLIN, .ready = on_readable, .context = v};

        if (loop_watch(v->loop, &watch, error) != 0)
            return -1;
    }
    if (v->config->tick != NULL && loop_on_tick(v->loop, on_tick, v, error) != 0)
        return -1;
    v->started = clock_now();
    v->timer = (struct loop_timer){.when = v->started, .fired = on_timer, .context = v};
    loop_add_timer(v->loop, &v->timer);
    return loop_run(v->loop, error);
}

int paced_send_run(const struct paced_send_config *config, bool *interrupted, struct error *error)
{
    struct paced_send *v = calloc(1, sizeof *v);
    int result;

    if (v == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    v->config = config;
    result = run(v, error);
    *interrupted = v->interrupted;
    loop_free(v->loop);
    free(v);
    return result;
}
