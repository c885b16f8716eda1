#include "paced_send.h"

#include "clock.h"
#include "loop.h"

enum {
    ROUNDS_A_TURN = 64,  /* when late; then what has come is looked at */
    BATCHES_AT_END = 64, /* of what has come by then, looked at at most */
};

struct paced_send {
    const struct paced_send_config *config;
    struct loop *loop;
    struct loop_timer timer; /* the next round, or the end of the wait */
    nsec started;
    nsec end; /* of the wait; known once all is fired */
    unsigned long fired;
    bool interrupted;
    struct port_batch *batch;
};

static void finish(struct paced_send *v)
{
    v->timer.when = NSEC_NEVER;
    loop_stop(v->loop);
}

/* Returns how many there were, or -1. */
static int take_batch(struct paced_send *v, struct error *error)
{
    int count = inject_receive(v->config->inject, v->batch, error);

    for (int i = 0; i < count; i++)
        v->config->receive(v->config->context, &v->batch->receipts[i]);
    return count;
}

static int on_readable(void *context, struct pollfd ready, struct error *error)
{
    (void)ready;
    return take_batch(context, error) < 0 ? -1 : 0;
}

/* Where no time is to be waited, what has come already is still told. */
static int take_the_rest(struct paced_send *v, struct error *error)
{
    int count = PORT_BATCH;

    for (int i = 0; i < BATCHES_AT_END && count == PORT_BATCH; i++)
        count = take_batch(v, error);
    finish(v);
    return count < 0 ? -1 : 0;
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

    for (int i = 0; i < ROUNDS_A_TURN && v->fired < c->rounds && clock_now() >= round_time(v); i++)
        c->fire(c->context, v->fired++);
    /* ICMP errors that a send has met wait in the socket, where no poll sees them. */
    if (take_batch(v, error) < 0)
        return -1;
    if (v->fired < c->rounds) {
        v->timer.when = round_time(v);
        return 0;
    }
    if (v->end == 0)
        v->end = clock_now() + c->wait;
    if (clock_now() >= v->end)
        return take_the_rest(v, error);
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
    struct loop_watch watch = {
        .fd = inject_fd(v->config->inject), .events = POLLIN, .ready = on_readable, .context = v};

    if ((v->batch = port_batch_new(PORT_DATAGRAM, error)) == NULL ||
        (v->loop = loop_new(error)) == NULL || loop_on_stop(v->loop, on_stop, v, error) != 0)
        return -1;
    if (watch.fd >= 0 && loop_watch(v->loop, &watch, error) != 0)
        return -1;
    if (v->config->tick != NULL && loop_on_tick(v->loop, on_tick, v, error) != 0)
        return -1;
    v->started = clock_now();
    v->timer = (struct loop_timer){.when = v->started, .fired = on_timer, .context = v};
    loop_add_timer(v->loop, &v->timer);
    return loop_run(v->loop, error);
}

int paced_send_run(const struct paced_send_config *config, bool *interrupted, struct error *error)
{
    struct paced_send v = {.config = config};
    int result = run(&v, error);

    *interrupted = v.interrupted;
    loop_free(v.loop);
    port_batch_free(v.batch);
    return result;
}
