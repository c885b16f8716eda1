#include "responder.h"

#include <string.h>

#include "responder_peer.h"

void responder_init(struct responder *r, const struct responder_config *config)
{
    memset(r, 0, sizeof *r);
    r->config = *config;
    r->next_refresh = r->end = NSEC_NEVER;
    r->link_local = link_local_random(&r->config.nonces);
    qualify_init(&r->qualify, &config->qualify);
    r->refreshing = true;
}

static void finish(struct responder *r, nsec now)
{
    r->done = true;
    if (r->qualified) {
        struct event *e = action_push_event(&r->queue, EVENT_LISTENED, now);

        e->listened.peers = r->trusted_peers;
        e->listened.bubbles_received = r->bubbles_received;
        e->listened.bubbles_sent = r->bubbles_sent;
        e->listened.echoes = r->echoes;
        e->listened.ignored = r->ignored;
        e->listened.mapping_changes = r->mapping_changes;
        e->listened.elapsed = now - r->started;
        e->listened.count_reached = r->config.count == 0 || r->trusted_peers >= r->config.count;
    }
    action_push(&r->queue, ACTION_DONE);
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

    action_push(&r->queue, ACTION_EVENT)->event = *e;
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
        action_push_event(&r->queue, EVENT_SERVER_LOST, e->when)->qualification = *q;
        return;
    }
    if (!endpoint_equal(q->mapped, r->mapped)) {
        struct event *change = action_push_event(&r->queue, EVENT_MAPPING_CHANGED, e->when);

        change->mapping.before = r->mapped;
        change->mapping.after = q->mapped;
        change->mapping.address = q->teredo_address;
        r->mapping_changes++;
        adopt(r, q);
    }
}

/* Passes on what the qualification wants: its packets as they are, its verdict in our words. */
static void drain_qualify(struct responder *r)
{
    struct action a;

    while (qualify_next(&r->qualify, &a)) {
        if (a.kind == ACTION_SEND) {
            a.send.tag |= 1u << 31;
            *action_push(&r->queue, ACTION_SEND) = a;
        } else if (a.kind == ACTION_EVENT && a.event.kind == EVENT_QUALIFICATION) {
            r->refreshing = false;
            if (r->qualified)
                refreshed(r, &a.event);
            else
                first_qualification(r, &a.event);
        } else if (a.kind == ACTION_EVENT) {
            action_push(&r->queue, ACTION_EVENT)->event = a.event;
        }
    }
}

static void feed_qualify(struct responder *r, const struct observation *o)
{
    struct observation copy = *o;

    if (!r->refreshing)
        return;
    copy.tag &= ~(1u << 31);
    qualify_observe(&r->qualify, &copy);
    drain_qualify(r);
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

void responder_observe(struct responder *r, const struct observation *o)
{
    if (r->done)
        return;
    switch (o->kind) {
    case OBSERVED_TIMER:
        on_timer(r, o);
        break;
    case OBSERVED_RECEIVED:
        on_received(r, o);
        break;
    case OBSERVED_SENT:
    case OBSERVED_SEND_FAILED:
        if (o->tag >> 31 != 0)
            feed_qualify(r, o);
        break;
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

bool responder_next(struct responder *r, struct action *action)
{
    return action_pop(&r->queue, action);
}

nsec responder_deadline(const struct responder *r)
{
    nsec deadline = nsec_min(r->next_refresh, r->end);

    if (r->done)
        return NSEC_NEVER;
    return r->refreshing ? nsec_min(deadline, qualify_deadline(&r->qualify)) : deadline;
}

static void observe(void *engine, const struct observation *o)
{
    responder_observe(engine, o);
}

static bool next(void *engine, struct action *action)
{
    return responder_next(engine, action);
}

static nsec deadline(const void *engine)
{
    return responder_deadline(engine);
}

static void waiting(const void *engine, struct waiting *out)
{
    const struct responder *r = engine;

    if (!r->qualified) {
        qualify_waiting(&r->qualify, out);
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

const struct engine_ops responder_ops = {observe, next, deadline, waiting};
