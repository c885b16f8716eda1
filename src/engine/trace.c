#include "trace.h"

#include <string.h>

bool trace_init(struct trace *t, const struct trace_config *config)
{
    struct teredo_addr peer;

    if (!teredo_addr_decode(&config->punch.peer, &peer))
        return false;
    memset(t, 0, sizeof *t);
    t->config = *config;
    if (config->qualified) {
        t->stage = TRACE_PUNCHING;
        return punch_init(&t->punch, &config->punch);
    }
    t->stage = TRACE_QUALIFYING;
    qualify_init(&t->qualify, &config->qualify);
    return true;
}

static void conclude(struct trace *t, nsec now, struct punching *verdict)
{
    verdict->elapsed = now - t->started;
    action_push_event(&t->queue, EVENT_PUNCHING, now)->punching = *verdict;
    action_push(&t->queue, ACTION_DONE);
    t->stage = TRACE_DONE;
}

/* Without an address of our own there is nothing to try. */
static void conclude_unqualified(struct trace *t, nsec now, const struct qualification *q)
{
    struct punching p = {
        .verdict = PUNCH_INCONCLUSIVE,
        .cause = CAUSE_OWN_SERVER_SILENT,
        .peer = t->config.punch.peer,
        .server = q->server,
        .local = q->local,
        .has_icmp = q->has_icmp,
        .icmp = q->icmp,
        .errnum = q->errnum,
    };
    struct teredo_addr peer;

    if (q->reason == QUALIFY_INTERRUPTED)
        p.cause = CAUSE_INTERRUPTED;
    else if (q->has_icmp || q->errnum != 0)
        p.cause = CAUSE_OWN_SERVER_UNREACHABLE;
    if (teredo_addr_decode(&p.peer, &peer)) {
        p.peer_mapped = peer.mapped;
        p.peer_server = (struct endpoint){peer.server, t->config.punch.server_port};
    }
    conclude(t, now, &p);
}

/* Runs the punch with what the qualification found. A symmetric NAT, or a silent secondary address,
 * does not rule it out. */
static void start_punch(struct trace *t, const struct observation *o, const struct qualification *q)
{
    struct punch_config config = t->config.punch;
    struct observation now = {.kind = OBSERVED_TIMER, .when = o->when};

    config.own = q->teredo_address;
    config.server = q->server;
    config.local = q->local;
    config.mapped = endpoint_is_unset(q->mapped) ? q->mapped_secondary : q->mapped;
    config.own_nat = q->nat;
    config.server_rtt = q->rtt;
    t->stage = TRACE_PUNCHING;
    punch_init(&t->punch, &config);
    punch_observe(&t->punch, &now);
}

static void take_qualification(struct trace *t, const struct observation *o,
                               const struct qualification *q)
{
    action_push_event(&t->queue, EVENT_QUALIFICATION, o->when)->qualification = *q;
    if (q->has_address && q->reason != QUALIFY_INTERRUPTED)
        start_punch(t, o, q);
    else
        conclude_unqualified(t, o->when, q);
}

/* Passes on packets and evidence; the parts' verdicts are ours to act on. */
static void pass_on(struct trace *t, const struct observation *o, const struct action *a)
{
    if (a->kind == ACTION_DONE)
        return;
    if (a->kind == ACTION_EVENT && a->event.kind == EVENT_QUALIFICATION) {
        take_qualification(t, o, &a->event.qualification);
    } else if (a->kind == ACTION_EVENT && a->event.kind == EVENT_PUNCHING) {
        struct punching verdict = a->event.punching;

        conclude(t, o->when, &verdict);
    } else {
        *action_push(&t->queue, a->kind) = *a;
    }
}

static bool stage_next(struct trace *t, struct action *a)
{
    switch (t->stage) {
    case TRACE_QUALIFYING:
        return qualify_next(&t->qualify, a);
    case TRACE_PUNCHING:
        return punch_next(&t->punch, a);
    case TRACE_DONE:
        break;
    }
    return false;
}

void trace_observe(struct trace *t, const struct observation *o)
{
    struct action a;

    if (t->stage == TRACE_DONE)
        return;
    if (t->started == 0)
        t->started = o->when;
    if (t->stage == TRACE_QUALIFYING)
        qualify_observe(&t->qualify, o);
    else
        punch_observe(&t->punch, o);
    while (stage_next(t, &a))
        pass_on(t, o, &a);
}

bool trace_next(struct trace *t, struct action *action)
{
    return action_pop(&t->queue, action);
}

nsec trace_deadline(const struct trace *t)
{
    if (t->stage == TRACE_DONE)
        return NSEC_NEVER;
    return t->stage == TRACE_QUALIFYING ? qualify_deadline(&t->qualify) : punch_deadline(&t->punch);
}

static void observe(void *engine, const struct observation *o)
{
    trace_observe(engine, o);
}

static bool next(void *engine, struct action *action)
{
    return trace_next(engine, action);
}

static nsec deadline(const void *engine)
{
    return trace_deadline(engine);
}

static void waiting(const void *engine, struct waiting *out)
{
    const struct trace *t = engine;

    if (t->stage == TRACE_QUALIFYING)
        qualify_waiting(&t->qualify, out);
    else
        punch_waiting(&t->punch, out);
}

const struct engine_ops trace_ops = {observe, next, deadline, waiting};
