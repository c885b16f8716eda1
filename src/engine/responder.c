#include "responder.h"

#include <string.h>

#include "responder_peer.h"

static void finish(struct responder *r, nsec now)
{
    r->done = true;
    if (r->qualified)
        outbox_emit(r->out, &(struct event){.kind = EVENT_LISTENED,
                                            .when = now,
                                            .listened = {.peers = r->trusted_peers,
                                                         .bubbles_received = r->bubbles_received,
                                                         .bubbles_sent = r->bubbles_sent,
                                                         .echoes = r->echoes,
                                                         .ignored = r->ignored,
                                                         .mapping_changes = r->mapping_changes,
                                                         .elapsed = now - r->started,
                                                         .count_reached =
                                                             r->config.count == 0 ||
                                                             r->trusted_peers >= r->config.count}});
    outbox_done(r->out);
}

/* RFC 4380 5.2: the randomized interval is 75 % to 100 % of the refresh interval. */
static void schedule_refresh(struct responder *r, nsec now)
{
    nsec interval = r->config.refresh_interval;

    r->next_refresh = now + nonce_between(&r->config.nonces, interval * 3 / 4, interval);
}

static void start_refresh(struct responder *r)
{
    struct qualify_config again = r->config.qualify;

    nonce_take(&r->config.nonces, again.nonces.key, sizeof again.nonces.key);
    qualify_init(&r->qualify, &again);
    r->refreshing = true;
    r->next_refresh = NSEC_NEVER;
}

static void adopt(struct responder *r, const struct qualification *q)
{
    r->own = q->teredo_address;
    r->mapped = q->mapped;
    r->behind_symmetric_nat = q->nat == QUALIFY_NAT_SYMMETRIC;
}

static void first_qualification(struct responder *r, const struct event *e)
{
    const struct qualification *q = &e->qualification;

    outbox_emit(r->out, e);
    /* Behind a symmetric NAT, or with one server address silent, there still is an address that
     * some peers can reach; the event says what to think of it. */
    if (!q->has_address || q->reason == QUALIFY_INTERRUPTED) {
        finish(r, e->when);
        return;
    }
    r->qualified = true;
    r->started = e->when;
    if (r->config.duration != 0)
        r->end = e->when + r->config.duration;
    adopt(r, q);
    schedule_refresh(r, e->when);
}

/* RFC 4380 5.2.5. */
static void refreshed(struct responder *r, const struct event *e)
{
    const struct qualification *q = &e->qualification;

    schedule_refresh(r, e->when);
    if (!q->has_address || endpoint_is_unset(q->mapped)) {
        outbox_emit(r->out, &(struct event){
                                .kind = EVENT_SERVER_LOST, .when = e->when, .qualification = *q});
        return;
    }
    if (!endpoint_equal(q->mapped, r->mapped)) {
        struct event change = {.kind = EVENT_MAPPING_CHANGED,
                               .when = e->when,
                               .mapping = {r->mapped, q->mapped, q->teredo_address}};

        r->mapping_changes++;
        adopt(r, q);
        outbox_emit(r->out, &change);
    }
}

/* The qualification's verdict is told in our words. */
static void told(struct engine *engine, const struct event *e)
{
    struct responder *r = (struct responder *)engine;

    if (e->kind != EVENT_QUALIFICATION) {
        outbox_emit(r->out, e);
        return;
    }
    r->refreshing = false;
    if (r->qualified)
        refreshed(r, e);
    else
        first_qualification(r, e);
}

static void feed_qualify(struct responder *r, const struct observation *o)
{
    if (r->refreshing)
        part_observe(&r->qualifying, o, r->out);
}

static void on_timer(struct responder *r, const struct observation *o)
{
    if (o->when >= r->end) {
        finish(r, o->when);
        return;
    }
    if (o->when >= r->next_refresh)
        start_refresh(r);
    feed_qualify(r, o);
}

static void on_received(struct responder *r, const struct observation *o)
{
    /* RFC 4380 5.2.3: what is not for our own Teredo address is not for us. */
    if (r->qualified && o->packet != NULL && ip6_equal(&o->packet->ip6.destination, &r->own)) {
        responder_take_packet(r, o);
        /* Linger, so that the last peer's data is answered as well. */
        if (r->config.count != 0 && r->trusted_peers >= r->config.count)
            r->end = nsec_min(r->end, o->when + RESPONDER_LINGER);
    } else if (r->refreshing) {
        feed_qualify(r, o);
    } else {
        r->ignored++;
    }
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct responder *r = (struct responder *)engine;

    if (r->done)
        return;
    r->out = out;
    switch (o->kind) {
    case OBSERVED_TIMER:
        on_timer(r, o);
        break;
    case OBSERVED_RECEIVED:
        on_received(r, o);
        break;
    case OBSERVED_SENT:
    case OBSERVED_SEND_FAILED:
    case OBSERVED_ICMP_ERROR:
        feed_qualify(r, o);
        break;
    case OBSERVED_STOP:
        if (!r->qualified)
            feed_qualify(r, o);
        else
            finish(r, o->when);
        break;
    case OBSERVED_SEEN: /* of captures, which this engine is not fed from */
        break;
    }
}

static nsec deadline(const struct engine *engine)
{
    const struct responder *r = (const struct responder *)engine;
    nsec when = nsec_min(r->next_refresh, r->end);

    if (r->done)
        return NSEC_NEVER;
    return r->refreshing ? nsec_min(when, engine_deadline(&r->qualify.engine)) : when;
}

static void waiting(const struct engine *engine, struct waiting *out)
{
    const struct responder *r = (const struct responder *)engine;

    if (!r->qualified) {
        engine_waiting(&r->qualify.engine, out);
        return;
    }
    *out = (struct waiting){
        .what = r->done ? WAITING_FOR_NOTHING : WAITING_FOR_PEERS,
        .try = r->trusted_peers,
        .tries = r->config.count,
        .since = r->started,
        .until = r->end,
    };
}

void responder_init(struct responder *r, const struct responder_config *config)
{
    static const struct engine_ops ops = {observe, deadline, waiting};

    memset(r, 0, sizeof *r);
    r->engine.ops = &ops;
    r->config = *config;
    r->qualifying = (struct part){
        .engine = &r->qualify.engine, .composite = &r->engine, .told = told, .tags = QUALIFY_TAGS};
    r->next_refresh = r->end = NSEC_NEVER;
    r->link_local = link_local_random(&r->config.nonces);
    qualify_init(&r->qualify, &config->qualify);
    r->refreshing = true;
}
