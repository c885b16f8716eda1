#include "check.h"

/* How long a bubble is waited for once the round trip is known. */
#define BUBBLE_WAIT(rtt) (2 * (rtt) + 300 * NSEC_MS)

/* What the qualification says of the server: that our NAT is symmetric, or that this host cannot
 * send, is none of its doing. */
static enum check_status status_of(const struct qualification *q)
{
    if (q->reason == QUALIFY_REFUSAL(REFUSAL_NO_ROUTE) ||
        q->reason == QUALIFY_REFUSAL(REFUSAL_SEND_REFUSED))
        return CHECK_UNKNOWN;
    switch (q->reason) {
    case QUALIFY_BOTH_AGREE:
    case QUALIFY_SYMMETRIC_NAT:
    case QUALIFY_TWO_LOCAL_ADDRESSES:
        return CHECK_OK;
    case QUALIFY_ONLY_PRIMARY:
        return CHECK_WARNING;
    case QUALIFY_INTERRUPTED:
    case QUALIFY_NAME_NO_ADDRESS:
    case QUALIFY_ADDRESS_UNUSABLE:
    case QUALIFY_RESOLVER_FAILED:
        return CHECK_UNKNOWN;
    case QUALIFY_NO_REPLY:
    case QUALIFY_ONLY_SECONDARY:
    case QUALIFY_REJECTED:
    case QUALIFY_REFUSED:
    case QUALIFY_NAME_NOT_FOUND:
    case QUALIFY_NAME_MALFORMED:
    case QUALIFY_ONE_ASKED: /* of captures alone */
    case QUALIFY_UNANSWERED:
    case QUALIFY_CAPTURE_ENDED:
    case QUALIFY_ANSWER_CUT:
    case QUALIFY_REASON_COUNT:
        break;
    }
    return CHECK_CRITICAL;
}

static void worsen(struct checking *r, enum check_status status, enum check_cause cause)
{
    if (status <= r->status)
        return;
    r->status = status;
    r->cause = cause;
}

static void conclude(struct check *c, nsec now, bool interrupted)
{
    struct checking *r = &c->result;
    double rtt = nsec_seconds(r->qualification.rtt);

    worsen(r, status_of(&r->qualification), CHECK_CAUSE_QUALIFICATION);
    if (r->relay == RELAY_SILENT || r->relay == RELAY_WRONG_ORIGIN)
        worsen(r, CHECK_CRITICAL, CHECK_CAUSE_RELAY);
    /* RFC 4380 5.3.1: a server should put the origin in front. */
    if (r->relay == RELAY_NO_ORIGIN)
        worsen(r, CHECK_WARNING, CHECK_CAUSE_RELAY);
    if (r->qualification.rtt > 0) {
        if (check_range_alerts(&r->critical, rtt))
            worsen(r, CHECK_CRITICAL, CHECK_CAUSE_RTT);
        if (check_range_alerts(&r->warning, rtt))
            worsen(r, CHECK_WARNING, CHECK_CAUSE_RTT);
    }
    if (interrupted || r->qualification.reason == QUALIFY_INTERRUPTED) {
        r->status = CHECK_UNKNOWN;
        r->cause = CHECK_CAUSE_INTERRUPTED;
    }
    r->elapsed = now - c->started;
    c->done = true;
    outbox_emit(c->out, &(struct event){.kind = EVENT_CHECKING, .when = now, .checking = *r});
    outbox_done(c->out);
}

/* A bubble from our Teredo address to our Teredo address (RFC 4380 5.2.6, 5.3.1). The random flags
 * of the source (RFC 5991) are new each time: the server looks at the mapped endpoint alone, and
 * they tell which bubble came back. */
static void send_bubble(struct check *c, nsec now)
{
    unsigned n = c->result.relay_sent++;
    struct teredo_packet p;
    struct teredo_addr source;
    uint16_t random;

    teredo_addr_decode(&c->result.qualification.teredo_address, &source);
    nonce_take(&c->nonces, &random, sizeof random);
    source.flags = random & TEREDO_FLAGS_RANDOM;
    teredo_addr_encode(&source, &c->sources[n]);
    teredo_make_bubble(&p, &c->sources[n], &c->result.qualification.teredo_address);
    outbox_send_packet(
        c->out, (struct send_request){.tag = QUALIFY_TAGS + n, .to = c->config.qualify.server}, &p);
    c->next = now + nsec_min(BUBBLE_WAIT(c->result.qualification.rtt),
                             c->config.relay_timeout / CHECK_BUBBLES);
}

static void take_qualification(struct check *c, nsec now, const struct qualification *q)
{
    c->result.qualification = *q;
    c->qualified = true;
    c->mapped = q->mapped;
    if (q->has_address && !endpoint_is_unset(q->mapped) && q->reason != QUALIFY_INTERRUPTED)
        send_bubble(c, now);
    else
        conclude(c, now, false);
}

static void told(struct engine *engine, const struct event *e)
{
    struct check *c = (struct check *)engine;

    outbox_emit(c->out, e);
    if (e->kind == EVENT_QUALIFICATION)
        take_qualification(c, e->when, &e->qualification);
}

static void on_timer(struct check *c, nsec now)
{
    if (now < c->next)
        return;
    if (c->result.relay_sent < CHECK_BUBBLES) {
        send_bubble(c, now);
        return;
    }
    if (c->result.relay == RELAY_UNTESTED)
        c->result.relay = RELAY_SILENT;
    conclude(c, now, false);
}

/* The bubble must come from the server, as it was sent, with our mapping in its origin. */
static void on_received(struct check *c, const struct observation *o)
{
    const struct teredo_packet *p = o->packet;

    if (p == NULL || p->kind != TEREDO_BUBBLE ||
        !endpoint_equal(o->from, c->config.qualify.server) ||
        !ip6_equal(&p->ip6.destination, &c->result.qualification.teredo_address))
        return;
    for (unsigned i = 0; i < c->result.relay_sent; i++) {
        if (!ip6_equal(&p->ip6.source, &c->sources[i]))
            continue;
        c->result.relay_rtt = c->sent_at[i] != 0 ? o->when - c->sent_at[i] : 0;
        c->result.relay = !p->has_origin                         ? RELAY_NO_ORIGIN
                          : endpoint_equal(p->origin, c->mapped) ? RELAY_WORKS
                                                                 : RELAY_WRONG_ORIGIN;
        conclude(c, o->when, false);
        return;
    }
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct check *c = (struct check *)engine;

    if (c->done)
        return;
    c->out = out;
    if (c->started == 0)
        c->started = o->when;
    if (!c->qualified) {
        part_observe(&c->qualifying, o, out);
        return;
    }
    switch (o->kind) {
    case OBSERVED_TIMER:
        on_timer(c, o->when);
        break;
    case OBSERVED_SENT:
        if (o->tag >= QUALIFY_TAGS && o->tag - QUALIFY_TAGS < c->result.relay_sent)
            c->sent_at[o->tag - QUALIFY_TAGS] = o->when;
        break;
    case OBSERVED_RECEIVED:
        on_received(c, o);
        break;
    case OBSERVED_STOP:
        conclude(c, o->when, true);
        break;
    case OBSERVED_ICMP_ERROR:
    case OBSERVED_SEND_FAILED:
        /* A bubble that this costs is one that did not come back. */
    case OBSERVED_SEEN: /* of captures, which this engine is not fed from */
        break;
    }
}

static nsec deadline(const struct engine *engine)
{
    const struct check *c = (const struct check *)engine;

    if (c->done)
        return NSEC_NEVER;
    return c->qualified ? c->next : engine_deadline(&c->qualify.engine);
}

static void waiting(const struct engine *engine, struct waiting *out)
{
    const struct check *c = (const struct check *)engine;

    if (!c->qualified) {
        engine_waiting(&c->qualify.engine, out);
        return;
    }
    *out = (struct waiting){
        .what = c->done ? WAITING_FOR_NOTHING : WAITING_FOR_SERVER,
        .whom = c->config.qualify.server,
        .since = c->started,
        .until = NSEC_NEVER,
        .at_most = NSEC_NEVER,
    };
}

void check_init(struct check *c, const struct check_config *config)
{
    static const struct engine_ops ops = {observe, deadline, waiting};

    *c = (struct check){.engine = {&ops},
                        .config = *config,
                        .next = NSEC_NEVER,
                        .qualifying = {.engine = &c->qualify.engine,
                                       .composite = &c->engine,
                                       .told = told,
                                       .tags = QUALIFY_TAGS}};
    qualify_init(&c->qualify, &config->qualify);
    /* Not the sequence that the qualification draws from. */
    c->nonces = config->qualify.nonces;
    c->nonces.counter = UINT64_C(1) << 32;
    c->result.name = config->name;
    c->result.warning = config->warning;
    c->result.critical = config->critical;
}
