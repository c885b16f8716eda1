#include "trace.h"

static void conclude(struct trace *t, nsec now, const struct punching *verdict)
{
    struct event e = {.kind = EVENT_PUNCHING, .when = now, .punching = *verdict};

    e.punching.elapsed = now - t->started;
    t->stage = TRACE_DONE;
    outbox_emit(t->out, &e);
    outbox_done(t->out);
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

    p.blame = BLAME_OWN_SERVER;
    p.loss_odds = -1;
    if (q->reason == QUALIFY_INTERRUPTED) {
        p.cause = CAUSE_INTERRUPTED;
        p.blame = BLAME_UNKNOWN;
    } else if (q->reason == QUALIFY_NOT_SENT) {
        p.cause = CAUSE_PACKETS_LOST;
        p.blame = BLAME_UNKNOWN;
    } else if (q->reason == QUALIFY_REJECTED) {
        p.cause = CAUSE_OWN_SERVER_REJECTED;
        p.has_rejected = t->has_rejected;
        p.rejected_rule = t->rejected_rule;
        p.rejected_from = t->rejected_from;
    } else if (q->has_icmp || q->errnum != 0) {
        p.cause = CAUSE_OWN_SERVER_UNREACHABLE;
        if (q->errnum != 0)
            p.blame = BLAME_UNKNOWN; /* this host has no route, or would not send */
    }
    if (teredo_addr_decode(&p.peer, &peer)) {
        p.peer_mapped = peer.mapped;
        p.peer_server = (struct endpoint){peer.server, t->config.punch.server_port};
    }
    conclude(t, now, &p);
}

/* Runs the punch with what the qualification found. A symmetric NAT, or a silent secondary address,
 * does not rule it out. */
static void start_punch(struct trace *t, nsec now, const struct qualification *q)
{
    struct punch_config config = t->config.punch;
    struct observation start = {.kind = OBSERVED_TIMER, .when = now};

    config.own = q->teredo_address;
    config.server = q->server;
    config.local = q->local;
    config.mapped = endpoint_is_unset(q->mapped) ? q->mapped_secondary : q->mapped;
    config.own_nat = q->nat;
    config.server_rtt = q->rtt;
    config.solicitations = q->solicitations;
    config.advertisements = q->advertisements;
    config.identity = t->config.qualify.identity;
    t->stage = TRACE_PUNCHING;
    punch_init(&t->punch, &config);
    part_observe(&t->punching, &start, t->out);
}

/* The parts' verdicts are the trace's to act on; evidence is passed on as it is. */
static void told(struct engine *engine, const struct event *e)
{
    struct trace *t = (struct trace *)engine;

    if (e->kind == EVENT_PUNCHING) {
        conclude(t, e->when, &e->punching);
        return;
    }
    outbox_emit(t->out, e);
    if (e->kind == EVENT_REJECTED) {
        t->has_rejected = true;
        t->rejected_rule = e->rejected.rule;
        t->rejected_from = e->rejected.from;
    }
    if (e->kind != EVENT_QUALIFICATION)
        return;
    if (e->qualification.has_address && e->qualification.reason != QUALIFY_INTERRUPTED)
        start_punch(t, e->when, &e->qualification);
    else
        conclude_unqualified(t, e->when, &e->qualification);
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct trace *t = (struct trace *)engine;

    if (t->stage == TRACE_DONE)
        return;
    t->out = out;
    if (t->started == 0)
        t->started = o->when;
    part_observe(t->stage == TRACE_QUALIFYING ? &t->qualifying : &t->punching, o, out);
}

static nsec deadline(const struct engine *engine)
{
    const struct trace *t = (const struct trace *)engine;

    if (t->stage == TRACE_DONE)
        return NSEC_NEVER;
    return engine_deadline(t->stage == TRACE_QUALIFYING ? &t->qualify.engine : &t->punch.engine);
}

static void waiting(const struct engine *engine, struct waiting *out)
{
    const struct trace *t = (const struct trace *)engine;

    engine_waiting(t->stage == TRACE_QUALIFYING ? &t->qualify.engine : &t->punch.engine, out);
}

bool trace_init(struct trace *t, const struct trace_config *config)
{
    static const struct engine_ops ops = {observe, deadline, waiting};
    struct teredo_addr peer;

    if (!teredo_addr_decode(&config->punch.peer, &peer))
        return false;
    *t = (struct trace){
        .engine = {&ops},
        .config = *config,
        .stage = config->qualified ? TRACE_PUNCHING : TRACE_QUALIFYING,
        .qualifying = {.engine = &t->qualify.engine,
                       .composite = &t->engine,
                       .told = told,
                       .tags = QUALIFY_TAGS},
        .punching = {.engine = &t->punch.engine,
                     .composite = &t->engine,
                     .told = told,
                     .first_tag = QUALIFY_TAGS,
                     .tags = PUNCH_TAGS},
    };
    if (config->qualified)
        return punch_init(&t->punch, &config->punch);
    qualify_init(&t->qualify, &config->qualify);
    return true;
}
