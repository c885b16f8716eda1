#include "lifetime.h"

#include <string.h>

#include "odds.h"

enum {
    OPEN_TRIES = 16,
    TEST_ROUNDS = 15,      /* what a test takes where nothing is lost */
    STAGGER = 2 * NSEC_MS, /* between ports that are opened */
};

#define BEAT_MIN (20 * NSEC_MS)
#define BEAT_MAX (5 * NSEC_S)
#define PROGRESS_EVERY NSEC_S

#define TEST_SHARE 0.5
#define TEST_INTERVAL_MIN (10 * NSEC_MS)

static uint32_t tag_of(unsigned port, enum lifetime_sent kind, unsigned round)
{
    return (port * LIFETIME_SENT_KINDS + kind) * CLASSIFY_ROUNDS + round;
}

static bool is_idle_port(unsigned port)
{
    return port < LIFETIME_IDLE_PORTS;
}

/* Between the bubbles of a test. */
static nsec test_interval(const struct lifetime *l)
{
    return nsec_max((nsec)(TEST_SHARE * (double)l->config.rtt), TEST_INTERVAL_MIN);
}

/* Of all tests together, loss shall explain no more than this: so many can be made. */
static double odds_a_test(const struct lifetime *l)
{
    return l->config.odds / (LIFETIME_IDLE_PORTS + 2);
}

/* Solicits from PORT, which then is told its mapping (anew). */
static void solicit(struct lifetime *l, unsigned port)
{
    struct lifetime_port *p = &l->ports[port];
    unsigned round = p->open.sent % CLASSIFY_ROUNDS;

    p->open.tries[round] = (struct classify_try){0};
    nat_test_send(&p->open, round, tag_of(port, LIFETIME_SENT_OPEN, round), &l->config.server,
                  l->out);
}

static struct classify_count count(const struct lifetime *l, const struct lifetime_port *p,
                                   struct nat_test_span span)
{
    const struct nat_test *reference = &p->reference;
    struct classify_count c = {0};

    span.end = p->rounds;
    span.wait = l->config.wait;
    nat_test_count(&p->bubble, &reference, 1, &span, &c);
    return c;
}

/* The evidence of a test that has ended; `port` is the index of its port. */
static struct classify_evidence evidence_of(const struct lifetime *l, unsigned port)
{
    const struct lifetime_port *p = &l->ports[port];
    bool alive = p->state == LIFETIME_ALIVE, idle = is_idle_port(port);
    struct classify_count c = count(l, p, (struct nat_test_span){.now = NSEC_NEVER});
    struct classify_evidence e = {
        .test = port == LIFETIME_INBOUND    ? TEST_KEPT_INBOUND
                : port == LIFETIME_OUTBOUND ? TEST_KEPT_OUTBOUND
                                            : TEST_LIFETIME,
        .proof = alive ? (idle ? PROVES_ALIVE : PROVES_REFRESHES)
                       : (idle ? PROVES_GONE : PROVES_NO_REFRESH),
        .port = (uint16_t)port,
        .sent = p->bubble.sent,
        .answered = p->bubble.answered,
        .to = p->bubble.to,
        .answer = p->bubble.answer,
        .sent_at = p->bubble.first_sent - l->started,
        .delay = p->bubble.first_delay,
        .idle = p->bubble.first_sent - (port == LIFETIME_OUTBOUND ? p->opened : p->last_out),
    };

    e.paired = c.misses;
    e.references = c.trials;
    e.references_answered = c.trials - c.failed;
    if (!alive)
        e.odds = odds_of_silence(c.trials, c.failed, c.misses);
    return e;
}

static double silence(const struct lifetime *l, const struct lifetime_port *p,
                      struct nat_test_span span)
{
    struct classify_count c = count(l, p, span);

    return odds_of_silence(c.trials, c.failed, c.misses);
}

static void end(struct lifetime_port *p, enum lifetime_state state)
{
    p->state = state;
    p->due = NSEC_NEVER;
}

/* The mapping must be gone sooner after the last packet that may have refreshed it than any goes by
 * itself: those that came may have been too few, or too late, to keep it. */
static bool is_gone_too_soon(const struct lifetime *l, unsigned port)
{
    const struct lifetime_port *p = &l->ports[port];
    nsec last = port == LIFETIME_INBOUND ? p->last_any : p->last_out;

    return p->bubble.last_sent + l->config.wait - last < l->at_least;
}

static void end_gone(struct lifetime *l, unsigned port)
{
    struct lifetime_port *p = &l->ports[port];

    if (!is_idle_port(port)) {
        end(p, is_gone_too_soon(l, port) ? LIFETIME_GONE : LIFETIME_UNDECIDED);
        return;
    }
    p->gone_at = p->bubble.last_sent + l->config.wait - p->last_out;
    end(p, LIFETIME_GONE);
    if (p->gone_at < l->at_most) {
        l->at_most = p->gone_at;
        l->gone = evidence_of(l, port);
    }
    /* What is longer need not be waited for. */
    for (unsigned i = 0; i < LIFETIME_IDLE_PORTS; i++)
        if (l->ports[i].idle > p->idle && l->ports[i].state < LIFETIME_ALIVE)
            l->ports[i].state = LIFETIME_UNUSED;
}

static void end_undecided(struct lifetime *l, unsigned port)
{
    struct lifetime_port *p = &l->ports[port];

    if (p->reference.answered == 0 && l->at_least == 0 && l->at_most == NSEC_NEVER)
        l->no_relay = true;
    end(p, LIFETIME_UNDECIDED);
}

static void send_round(struct lifetime *l, unsigned port)
{
    struct lifetime_port *p = &l->ports[port];
    struct lifetime_port *reference = &l->ports[LIFETIME_REFERENCE];
    struct nat_test *tests[2] = {&p->reference, &p->bubble};

    /* Its mapping is fresh then, and known anew if it had gone. */
    solicit(l, LIFETIME_REFERENCE);
    p->reference.target = reference->bubble.target;
    /* Who drops what comes too fast must not always meet the same one. */
    for (unsigned i = 0; i < 2; i++) {
        unsigned which = (i + p->rounds) % 2;

        nat_test_send(
            tests[which], p->rounds,
            tag_of(port, which == 0 ? LIFETIME_SENT_REFERENCE : LIFETIME_SENT_BUBBLE, p->rounds),
            &l->config.server, l->out);
    }
    p->rounds++;
}

/* Carries the test of PORT on: a bubble to it and one to the reference port, in turns first, until
 * one has come or loss does not explain the silence. */
static void step_test(struct lifetime *l, unsigned port, nsec now)
{
    struct lifetime_port *p = &l->ports[port];

    if (silence(l, p, (struct nat_test_span){.now = now}) < odds_a_test(l)) {
        end_gone(l, port);
        return;
    }
    if (l->ports[LIFETIME_REFERENCE].state != LIFETIME_IDLE ||
        (p->rounds == CLASSIFY_ROUNDS && now - p->bubble.last_sent >= l->config.wait)) {
        end_undecided(l, port);
        return;
    }
    p->due = now + test_interval(l);
    if (p->rounds < CLASSIFY_ROUNDS &&
        silence(l, p, (struct nat_test_span){.now = now, .hopeful = true}) >= odds_a_test(l))
        send_round(l, port);
}

/* Begins the test of PORT. */
static void start_test(struct lifetime *l, unsigned port, nsec now)
{
    struct lifetime_port *p = &l->ports[port];

    p->state = LIFETIME_TESTING;
    p->rounds = 0;
    p->bubble.open = p->reference.open = true;
    step_test(l, port, now);
}

/* A bubble of the test of PORT has come: its mapping lives. */
static void end_alive(struct lifetime *l, unsigned port)
{
    struct lifetime_port *p = &l->ports[port];

    /* Those sent before it may have come as far as the NAT, and refreshed the mapping. */
    p->alive_at = p->bubble.first_sent - p->last_any;
    end(p, LIFETIME_ALIVE);
    if (is_idle_port(port) && p->alive_at > l->at_least && p->alive_at < l->at_most) {
        l->at_least = p->alive_at;
        l->alive = evidence_of(l, port);
    }
}

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
    p->due = is_idle_port(index) ? now + p->idle : now + l->beat;
}

static void step_opening(struct lifetime *l, unsigned index, nsec now)
{
    struct lifetime_port *p = &l->ports[index];

    if (p->rounds++ == OPEN_TRIES) {
        p->state = LIFETIME_UNDECIDED;
        return;
    }
    solicit(l, index);
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
    struct nat_test byte = {.arrives = p->open.socket, .prime = l->config.server.primary};

    if (index == LIFETIME_REFERENCE)
        solicit(l, index);
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
        start_test(l, index, now);
    else if (now - p->opened > 2 * p->idle + l->config.wait)
        p->state = LIFETIME_UNDECIDED;
}

static void step_idle(struct lifetime *l, unsigned index, nsec now)
{
    struct lifetime_port *p = &l->ports[index];

    if (is_idle_port(index)) {
        step_idle_port(l, index, now);
    } else if (!refresh_is_due(l, index, now)) {
        beat(l, index);
        p->due = now + l->beat;
    } else if (l->at_least < 2 * l->beat) {
        p->state = LIFETIME_UNDECIDED; /* the beat may have been too slow to keep it */
    } else {
        start_test(l, index, now);
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
        step_test(l, index, now);
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
    nsec slack = TEST_ROUNDS * test_interval(l) + 3 * l->config.wait;

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

/* True, with the answer noted, where the packet is a believable one for TEST. */
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
        end_alive(l, index);
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
            struct classify_evidence e = evidence_of(l, kept[i]);

            add_evidence(&e, local, c);
        }
}
