#include "lifetime.h"

#include <string.h>

#include "lifetime_test.h"

enum {
    OPEN_TRIES = 16,
    STAGGER = 2 * NSEC_MS, /* between ports that are opened */
};

#define BEAT_MIN (20 * NSEC_MS)
#define BEAT_MAX (5 * NSEC_S)
#define PROGRESS_EVERY NSEC_S

static void open_port(struct lifetime *l, unsigned index, nsec idle, nsec when)
{
    struct lifetime_port *p = &l->ports[index];
    unsigned socket = l->config.first_socket + index;

    memset(p, 0, sizeof *p);
    p->state = LIFETIME_OPENING;
    p->idle = idle;
    p->due = when;
    p->open = (struct nat_test){.open = true,
                                .kind = CLASSIFY_SOLICITATION,
                                .socket = socket,
                                .arrives = socket,
                                .to = l->config.server.primary,
                                .answer = l->config.server.primary};
    p->bubble = (struct nat_test){.kind = CLASSIFY_BUBBLE,
                                  .socket = l->config.sender,
                                  .arrives = socket,
                                  .to = l->config.server.primary,
                                  .answer = l->config.server.primary};
    p->reference = p->bubble;
    p->reference.arrives = l->config.first_socket + LIFETIME_REFERENCE;
}

/* As many idle times as there are ports, evenly between LOW (not tried) and HIGH (tried), but no
 * closer together than the resolution needs: a little less, as a test takes its time too. */
static void start_pass(struct lifetime *l, nsec low, nsec high, nsec now)
{
    nsec apart = nsec_max(l->config.resolution * 7 / 8, 1);
    nsec steps = (high - low + apart - 1) / apart;
    unsigned count = (unsigned)nsec_min(nsec_max(steps, 1), LIFETIME_IDLE_PORTS);

    l->passes++;
    for (unsigned i = 0; i < LIFETIME_IDLE_PORTS; i++) {
        if (i < count)
            open_port(l, i, low + (high - low) * (nsec)(i + 1) / (nsec)count, now + i * STAGGER);
        else
            l->ports[i].state = LIFETIME_UNUSED;
    }
}

/* An answer to the solicitation: from the first on the port rests. */
static void on_opened(struct lifetime *l, unsigned index, nsec now)
{
    struct lifetime_port *p = &l->ports[index];

    if (p->state != LIFETIME_OPENING)
        return;
    p->state = LIFETIME_IDLE;
    p->opened = now;
    p->due = lifetime_is_idle_port(index) ? now + p->idle : now + l->beat;
}

static void step_opening(struct lifetime *l, unsigned index, nsec now)
{
    struct lifetime_port *p = &l->ports[index];

    if (p->rounds++ == OPEN_TRIES) {
        p->state = LIFETIME_UNDECIDED;
        return;
    }
    lifetime_solicit(l, index);
    p->due = now + l->config.wait;
}

/* INBOUND and OUTBOUND are tested once they have been without the other direction for longer than a
 * mapping lives. */
static bool refresh_is_due(const struct lifetime *l, unsigned index, nsec now)
{
    const struct lifetime_port *p = &l->ports[index];
    nsec since = index == LIFETIME_INBOUND ? p->last_out : p->opened;

    return index != LIFETIME_REFERENCE && l->at_most != NSEC_NEVER && now - since > l->at_most;
}

static void beat(struct lifetime *l, unsigned index)
{
    struct lifetime_port *p = &l->ports[index];
    struct nat_test byte = {.socket = p->open.socket, .prime = l->config.server.primary};

    if (index == LIFETIME_REFERENCE)
        lifetime_solicit(l, index);
    else if (index == LIFETIME_OUTBOUND)
        nat_test_send_prime(&byte, LIFETIME_TAG_BEAT, l->out);
    else
        nat_test_send(&p->bubble, 0, LIFETIME_TAG_BEAT, &l->config.server, l->out);
}

static void step_idle_port(struct lifetime *l, unsigned index, nsec now)
{
    struct lifetime_port *p = &l->ports[index];

    /* A late answer may have refreshed the mapping, and so may anybody's packet: but whoever keeps
     * sending to this port shall not keep us. */
    p->due = p->last_any + p->idle;
    if (now >= p->due)
        lifetime_test_start(l, index, now);
    else if (now - p->opened > 2 * p->idle + l->config.wait)
        p->state = LIFETIME_UNDECIDED;
}

static void step_idle(struct lifetime *l, unsigned index, nsec now)
{
    struct lifetime_port *p = &l->ports[index];

    if (lifetime_is_idle_port(index)) {
        step_idle_port(l, index, now);
    } else if (!refresh_is_due(l, index, now)) {
        beat(l, index);
        p->due = now + l->beat;
    } else if (l->at_least < 2 * l->beat) {
        p->state = LIFETIME_UNDECIDED; /* the beat may have been too slow to keep it */
    } else {
        lifetime_test_start(l, index, now);
    }
}

static void step(struct lifetime *l, unsigned index, nsec now)
{
    switch (l->ports[index].state) {
    case LIFETIME_OPENING:
        step_opening(l, index, now);
        break;
    case LIFETIME_IDLE:
        step_idle(l, index, now);
        break;
    case LIFETIME_TESTING:
        lifetime_test_step(l, index, now);
        break;
    case LIFETIME_UNUSED:
    case LIFETIME_ALIVE:
    case LIFETIME_GONE:
    case LIFETIME_UNDECIDED:
        break;
    }
}

static bool is_waiting(const struct lifetime_port *p)
{
    return p->state == LIFETIME_OPENING || p->state == LIFETIME_IDLE ||
           p->state == LIFETIME_TESTING;
}

static bool pass_is_over(const struct lifetime *l)
{
    for (unsigned i = 0; i < LIFETIME_IDLE_PORTS; i++)
        if (is_waiting(&l->ports[i]))
            return false;
    return true;
}

/* Bounds cannot be closer than the time that a test takes. */
static bool is_fine_enough(const struct lifetime *l)
{
    nsec slack = LIFETIME_TEST_ROUNDS * lifetime_test_interval(l) + 3 * l->config.wait;

    return l->at_most == NSEC_NEVER || l->at_most - l->at_least <= l->config.resolution + slack;
}

static void check_end(struct lifetime *l, nsec now)
{
    if (l->no_relay) {
        l->done = true;
        return;
    }
    if (!pass_is_over(l))
        return;
    if (!is_fine_enough(l) && l->passes < LIFETIME_MAX_PASSES &&
        l->ports[LIFETIME_REFERENCE].state == LIFETIME_IDLE) {
        start_pass(l, l->at_least, l->at_most, now);
        return;
    }
    l->done = l->at_most == NSEC_NEVER || (!is_waiting(&l->ports[LIFETIME_INBOUND]) &&
                                           !is_waiting(&l->ports[LIFETIME_OUTBOUND]));
}

static void tell_progress(struct lifetime *l, nsec now)
{
    outbox_emit(l->out, &(struct event){.kind = EVENT_PROGRESS,
                                        .when = now,
                                        .progress = {.phase = PROGRESS_LIFETIME,
                                                     .elapsed = now - l->started,
                                                     .longest = l->config.max,
                                                     .at_least = l->at_least,
                                                     .at_most = l->at_most}});
    l->next_progress = now + PROGRESS_EVERY;
}

static void on_timer(struct lifetime *l, nsec now)
{
    if (now >= l->next_progress)
        tell_progress(l, now);
    for (unsigned i = 0; i < LIFETIME_PORTS; i++)
        if (is_waiting(&l->ports[i]) && now >= l->ports[i].due)
            step(l, i, now);
    check_end(l, now);
}

static void on_sent(struct lifetime *l, const struct observation *o)
{
    unsigned index = o->socket - l->config.first_socket, round = o->tag % CLASSIFY_ROUNDS;
    struct lifetime_port *p;

    if (index < LIFETIME_PORTS)
        l->ports[index].last_out = l->ports[index].last_any = o->when;
    if (o->tag == LIFETIME_TAG_BEAT)
        return;
    p = &l->ports[o->tag / CLASSIFY_ROUNDS / LIFETIME_SENT_KINDS];
    switch ((enum lifetime_sent)(o->tag / CLASSIFY_ROUNDS % LIFETIME_SENT_KINDS)) {
    case LIFETIME_SENT_OPEN:
        nat_test_sent(&p->open, round, o->when);
        break;
    case LIFETIME_SENT_BUBBLE:
        nat_test_sent(&p->bubble, round, o->when);
        break;
    case LIFETIME_SENT_REFERENCE:
        nat_test_sent(&p->reference, round, o->when);
        break;
    case LIFETIME_SENT_KINDS:
        break;
    }
}

/* True, with the answer noted, where the packet is a believable one for LEG. */
static bool take_answer(struct lifetime *l, struct nat_test *test, const struct observation *o)
{
    struct classify_try *t = nat_test_match(test, CLASSIFY_ROUNDS, o);
    enum ra_rule broken;

    if (t == NULL || !nat_test_believes(test, t, &l->config.server, o, &broken))
        return false;
    nat_test_answer(test, t, o);
    return true;
}

static void on_advertisement(struct lifetime *l, unsigned index, const struct observation *o)
{
    struct lifetime_port *p = &l->ports[index];
    struct teredo_addr a = {.prefix = TEREDO_PREFIX,
                            .server = l->config.server.primary.address,
                            .mapped = o->packet->origin};

    teredo_addr_encode(&a, &p->bubble.target);
    on_opened(l, index, o->when);
}

static void on_received(struct lifetime *l, const struct observation *o)
{
    unsigned index = o->socket - l->config.first_socket;
    struct lifetime_port *p;

    if (o->socket < l->config.first_socket || index >= LIFETIME_PORTS)
        return;
    p = &l->ports[index];
    if (index == LIFETIME_REFERENCE)
        for (unsigned i = 0; i < LIFETIME_PORTS; i++)
            if (take_answer(l, &l->ports[i].reference, o))
                return;
    if (p->state == LIFETIME_TESTING && take_answer(l, &p->bubble, o))
        lifetime_test_arrived(l, index);
    p->last_any = o->when;
    if (take_answer(l, &p->open, o))
        on_advertisement(l, index, o);
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct lifetime *l = (struct lifetime *)engine;

    if (l->done)
        return;
    l->out = out;
    switch (o->kind) {
    case OBSERVED_TIMER:
        on_timer(l, o->when);
        break;
    case OBSERVED_SENT:
        on_sent(l, o);
        break;
    case OBSERVED_RECEIVED:
        on_received(l, o);
        check_end(l, o->when);
        break;
    case OBSERVED_ICMP_ERROR:
    case OBSERVED_SEND_FAILED:
    case OBSERVED_STOP:
    case OBSERVED_SEEN:
        break;
    }
    if (l->done)
        outbox_done(out);
}

static nsec deadline(const struct engine *engine)
{
    const struct lifetime *l = (const struct lifetime *)engine;
    nsec when = l->next_progress;

    if (l->done)
        return NSEC_NEVER;
    for (unsigned i = 0; i < LIFETIME_PORTS; i++)
        if (is_waiting(&l->ports[i]))
            when = nsec_min(when, l->ports[i].due);
    return when;
}

void lifetime_init(struct lifetime *l, const struct lifetime_config *config, nsec now)
{
    static const struct engine_ops ops = {observe, deadline, NULL};

    memset(l, 0, sizeof *l);
    l->engine.ops = &ops;
    l->config = *config;
    l->started = now;
    l->at_most = NSEC_NEVER;
    l->next_progress = now + PROGRESS_EVERY;
    open_port(l, LIFETIME_REFERENCE, 0, now);
    open_port(l, LIFETIME_INBOUND, 0, now);
    open_port(l, LIFETIME_OUTBOUND, 0, now);
    start_pass(l, 0, config->max, now + STAGGER);
    l->beat = nsec_min(nsec_max(l->ports[0].idle / 8, BEAT_MIN), BEAT_MAX);
}

static enum finding refreshes(const struct lifetime_port *p)
{
    return p->state == LIFETIME_ALIVE  ? FINDING_YES
           : p->state == LIFETIME_GONE ? FINDING_NO
                                       : FINDING_UNKNOWN;
}

static void add_evidence(const struct classify_evidence *e, const struct endpoint *local,
                         struct classification *c)
{
    if (e->sent == 0 || c->evidence_count == CLASSIFY_EVIDENCE)
        return;
    c->evidence[c->evidence_count] = *e;
    c->evidence[c->evidence_count++].port = local[e->port].port;
    c->error_odds += e->odds;
}

void lifetime_result(const struct lifetime *l, const struct endpoint *local,
                     struct classification *c)
{
    static const unsigned kept[] = {LIFETIME_OUTBOUND, LIFETIME_INBOUND};

    c->lifetime = (struct mapping_lifetime){
        .asked = true,
        .measured = true,
        .no_relay = l->no_relay,
        .at_least = l->at_least,
        .at_most = l->at_most,
        .inbound_refreshes = refreshes(&l->ports[LIFETIME_INBOUND]),
        .outbound_refreshes = refreshes(&l->ports[LIFETIME_OUTBOUND]),
    };
    add_evidence(&l->alive, local, c);
    add_evidence(&l->gone, local, c);
    for (int i = 0; i < 2; i++)
        if (refreshes(&l->ports[kept[i]]) != FINDING_UNKNOWN) {
            struct classify_evidence e = lifetime_test_evidence(l, kept[i]);

            add_evidence(&e, local, c);
        }
}
