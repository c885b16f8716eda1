#include "lifetime.h"

#include <string.h>

#include "odds.h"

enum {
    OPEN_TRIES = 16,
    MAX_PASSES = 4,
    SENDS_A_STEP = 3,
    TEST_ROUNDS = 12,      /* what a test takes where nothing is lost */
    STAGGER = 2 * NSEC_MS, /* between ports that are opened */
};

/* Between the bubbles of a test. */
#define TEST_SHARE 0.5
#define TEST_INTERVAL_MIN (10 * NSEC_MS)
#define BEAT_MIN (20 * NSEC_MS)
#define PROGRESS_EVERY NSEC_S

/* What was sent, in a SEND's tag. */
enum sent_kind {
    SENT_OPEN,
    SENT_BUBBLE,
    SENT_CONTROL,
    SENT_BYTE,
};

static uint32_t make_tag(unsigned port, enum sent_kind kind, unsigned round)
{
    return port << 10 | (uint32_t)kind << 8 | round;
}

static bool is_idle_port(unsigned port)
{
    return port < LIFETIME_IDLE_PORTS;
}

static void open_port(struct lifetime *l, unsigned index, nsec idle, nsec when)
{
    struct lifetime_port *p = &l->ports[index];
    unsigned socket = l->config.first_socket + index;

    memset(p, 0, sizeof *p);
    p->state = LIFETIME_OPENING;
    p->idle = idle;
    p->due = when;
    p->open = (struct probe_leg){.open = true,
                                 .kind = PROBE_SOLICITATION,
                                 .socket = socket,
                                 .arrives = socket,
                                 .to = l->config.server.primary,
                                 .answer = l->config.server.primary};
    p->bubble = (struct probe_leg){.kind = PROBE_BUBBLE,
                                   .socket = l->config.sender,
                                   .arrives = socket,
                                   .to = l->config.server.primary,
                                   .answer = l->config.server.primary};
    p->control = p->bubble;
    p->control.arrives = l->config.first_socket + LIFETIME_CONTROL;
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

void lifetime_start(struct lifetime *l, const struct lifetime_config *config,
                    struct nonce_source *nonces, nsec now)
{
    l->config = *config;
    l->nonces = nonces;
    l->started = now;
    l->at_most = NSEC_NEVER;
    l->next_progress = now + PROGRESS_EVERY;
    open_port(l, LIFETIME_CONTROL, 0, now);
    open_port(l, LIFETIME_INBOUND, 0, now);
    open_port(l, LIFETIME_OUTBOUND, 0, now);
    start_pass(l, 0, config->max, now + STAGGER);
    l->beat = nsec_max(l->ports[0].idle / 2, BEAT_MIN);
}

static nsec test_interval(const struct lifetime *l)
{
    return nsec_max((nsec)(TEST_SHARE * (double)l->config.rtt), TEST_INTERVAL_MIN);
}

static void send_byte(struct lifetime *l, unsigned port, struct action_queue *queue)
{
    struct probe_leg byte = {.socket = l->config.first_socket + port,
                             .prime = l->config.server.primary};

    probe_leg_send_prime(&byte, make_tag(port, SENT_BYTE, 0), queue);
}

/* The answer to the solicitation, if it came: from then on the port rests. */
static void on_opened(struct lifetime *l, unsigned index)
{
    struct lifetime_port *p = &l->ports[index];
    struct teredo_addr a = {.prefix = TEREDO_PREFIX,
                            .server = l->config.server.primary.address,
                            .mapped = p->open.mapped};

    teredo_addr_encode(&a, &p->bubble.target);
    p->state = LIFETIME_IDLE;
    p->rounds = 0;
    if (is_idle_port(index))
        p->due = p->last_any + p->idle;
    else
        p->due = index == LIFETIME_CONTROL ? NSEC_NEVER : p->last_any + l->beat;
}

static void step_opening(struct lifetime *l, unsigned index, nsec now, struct action_queue *queue)
{
    struct lifetime_port *p = &l->ports[index];

    if (p->rounds == OPEN_TRIES) {
        p->state = LIFETIME_UNDECIDED;
        return;
    }
    probe_leg_send(&p->open, p->rounds, make_tag(index, SENT_OPEN, p->rounds), &l->config.server,
                   l->nonces, queue);
    p->rounds++;
    p->due = now + l->config.wait;
}

static void count(const struct lifetime *l, const struct lifetime_port *p, nsec now, bool hopeful,
                  struct probe_count *c)
{
    const struct probe_leg *control = &p->control;

    *c = (struct probe_count){l->trials, l->failed, 0};
    probe_leg_count(&p->bubble, &control, 1, 0, p->rounds, now, l->config.wait, hopeful, c);
}

static double silence(const struct lifetime *l, const struct lifetime_port *p, nsec now,
                      bool hopeful)
{
    struct probe_count c;

    count(l, p, now, hopeful, &c);
    return odds_of_silence(c.trials, c.failed, c.misses);
}

/* A test has ended: its controls tell the next one about the loss. */
static void end_test(struct lifetime *l, struct lifetime_port *p, enum lifetime_state state,
                     nsec now)
{
    struct probe_count c;

    count(l, p, now, false, &c);
    l->trials = c.trials;
    l->failed = c.failed;
    p->state = state;
    p->due = NSEC_NEVER;
}

static void test_gone(struct lifetime *l, unsigned index, nsec now)
{
    struct lifetime_port *p = &l->ports[index];

    /* Inbound packets may have been lost, and refreshed nothing for that reason: it must be gone
     * sooner after the last one that came than any mapping goes by itself. */
    if (index == LIFETIME_INBOUND &&
        p->bubble.last_sent + l->config.wait - p->last_any >= l->at_least) {
        end_test(l, p, LIFETIME_UNDECIDED, now);
        return;
    }
    p->gone_at = p->bubble.last_sent + l->config.wait - p->last_out;
    end_test(l, p, LIFETIME_GONE, now);
    if (!is_idle_port(index))
        return;
    l->at_most = nsec_min(l->at_most, p->gone_at);
    /* What is longer need not be waited for. */
    for (unsigned i = 0; i < LIFETIME_IDLE_PORTS; i++)
        if (l->ports[i].idle > p->idle && l->ports[i].state < LIFETIME_ALIVE)
            l->ports[i].state = LIFETIME_UNUSED;
}

static void step_testing(struct lifetime *l, unsigned index, nsec now, struct action_queue *queue)
{
    struct lifetime_port *p = &l->ports[index];
    const struct lifetime_port *control = &l->ports[LIFETIME_CONTROL];

    if (silence(l, p, now, false) < l->config.odds) {
        test_gone(l, index, now);
        return;
    }
    if (control->state != LIFETIME_IDLE ||
        (p->rounds == PROBE_ROUNDS && now - p->bubble.last_sent >= l->config.wait)) {
        end_test(l, p, LIFETIME_UNDECIDED, now);
        return;
    }
    p->due = now + test_interval(l);
    if (p->rounds == PROBE_ROUNDS || silence(l, p, now, true) < l->config.odds)
        return;
    p->bubble.open = p->control.open = true;
    p->control.target = control->bubble.target;
    send_byte(l, LIFETIME_CONTROL, queue);
    probe_leg_send(&p->control, p->rounds, make_tag(index, SENT_CONTROL, p->rounds),
                   &l->config.server, l->nonces, queue);
    probe_leg_send(&p->bubble, p->rounds, make_tag(index, SENT_BUBBLE, p->rounds),
                   &l->config.server, l->nonces, queue);
    p->rounds++;
}

/* Each is tested once it has been without the other direction for longer than a mapping lives; that
 * says something only if its own traffic came sooner than that. */
static bool refresh_is_due(const struct lifetime *l, unsigned index, nsec now)
{
    const struct lifetime_port *p = &l->ports[index];
    nsec since = index == LIFETIME_INBOUND ? p->last_out : p->open.last_sent;

    return l->at_most != NSEC_NEVER && now - since > l->at_most;
}

static void beat(struct lifetime *l, unsigned index, struct action_queue *queue)
{
    struct lifetime_port *p = &l->ports[index];

    if (index == LIFETIME_OUTBOUND) {
        send_byte(l, index, queue);
        return;
    }
    /* Its arrival is of no interest before the test. */
    p->bubble.open = false;
    probe_leg_send(&p->bubble, 0, make_tag(index, SENT_BYTE, 0), &l->config.server, l->nonces,
                   queue);
}

static void step_idle(struct lifetime *l, unsigned index, nsec now, struct action_queue *queue)
{
    struct lifetime_port *p = &l->ports[index];

    if (is_idle_port(index)) {
        /* A late answer may have refreshed the mapping. */
        p->due = p->last_any + p->idle;
        if (now < p->due)
            return;
    } else if (!refresh_is_due(l, index, now)) {
        beat(l, index, queue);
        p->due = now + l->beat;
        return;
    } else if (l->at_least < l->beat) {
        p->state = LIFETIME_UNDECIDED;
        return;
    }
    p->state = LIFETIME_TESTING;
    p->rounds = 0;
    step_testing(l, index, now, queue);
}

static void step(struct lifetime *l, unsigned index, nsec now, struct action_queue *queue)
{
    switch (l->ports[index].state) {
    case LIFETIME_OPENING:
        step_opening(l, index, now, queue);
        break;
    case LIFETIME_IDLE:
        step_idle(l, index, now, queue);
        break;
    case LIFETIME_TESTING:
        step_testing(l, index, now, queue);
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
    if (!pass_is_over(l))
        return;
    if (!is_fine_enough(l) && l->passes < MAX_PASSES &&
        l->ports[LIFETIME_CONTROL].state == LIFETIME_IDLE) {
        start_pass(l, l->at_least, l->at_most, now);
        return;
    }
    l->done = l->at_most == NSEC_NEVER || (!is_waiting(&l->ports[LIFETIME_INBOUND]) &&
                                           !is_waiting(&l->ports[LIFETIME_OUTBOUND]));
}

static void tell_progress(struct lifetime *l, nsec now, struct action_queue *queue)
{
    struct event *e = action_push_event(queue, EVENT_PROGRESS, now);

    e->progress.elapsed = now - l->started;
    e->progress.longest = l->config.max;
    e->progress.at_least = l->at_least;
    e->progress.at_most = l->at_most;
    l->next_progress = now + PROGRESS_EVERY;
}

static void on_timer(struct lifetime *l, nsec now, struct action_queue *queue)
{
    if (now >= l->next_progress)
        tell_progress(l, now, queue);
    for (unsigned i = 0; i < LIFETIME_PORTS; i++)
        if (is_waiting(&l->ports[i]) && now >= l->ports[i].due &&
            queue->count + SENDS_A_STEP <= ACTION_QUEUE_SIZE)
            step(l, i, now, queue);
    check_end(l, now);
}

static void on_sent(struct lifetime *l, const struct observation *o)
{
    unsigned port = o->tag >> 10, round = o->tag & 0xff;
    enum sent_kind kind = o->tag >> 8 & 3;
    struct lifetime_port *p;

    if (port >= LIFETIME_PORTS || round >= PROBE_ROUNDS)
        return;
    p = &l->ports[port];
    if (o->socket == l->config.first_socket + port)
        p->last_out = p->last_any = o->when;
    if (kind == SENT_OPEN)
        probe_leg_sent(&p->open, round, o->when);
    else if (kind == SENT_BUBBLE)
        probe_leg_sent(&p->bubble, round, o->when);
    else if (kind == SENT_CONTROL)
        probe_leg_sent(&p->control, round, o->when);
}

/* True, with the answer noted, where the packet is a believable one for LEG. */
static bool take_answer(struct lifetime *l, struct probe_leg *leg, const struct observation *o)
{
    struct probe_try *t = probe_leg_match(leg, PROBE_ROUNDS, o);
    enum ra_rule broken;

    if (t == NULL || !probe_leg_believes(leg, t, &l->config.server, o, &broken))
        return false;
    probe_leg_answer(leg, t, o);
    return true;
}

static nsec first_answer_sent(const struct probe_leg *leg)
{
    for (unsigned i = 0; i < PROBE_ROUNDS; i++)
        if (leg->tries[i].answered != 0)
            return leg->tries[i].sent;
    return 0;
}

static void on_alive(struct lifetime *l, unsigned index, nsec now)
{
    struct lifetime_port *p = &l->ports[index];

    p->alive_at = first_answer_sent(&p->bubble) - p->last_any;
    end_test(l, p, LIFETIME_ALIVE, now);
    if (is_idle_port(index) && p->alive_at < l->at_most)
        l->at_least = nsec_max(l->at_least, p->alive_at);
}

static void on_received(struct lifetime *l, const struct observation *o)
{
    unsigned index = o->socket - l->config.first_socket;
    struct lifetime_port *p;

    if (o->socket < l->config.first_socket || index >= LIFETIME_PORTS)
        return;
    p = &l->ports[index];
    if (index == LIFETIME_CONTROL)
        for (unsigned i = 0; i < LIFETIME_PORTS; i++)
            if (take_answer(l, &l->ports[i].control, o))
                return;
    if (p->state == LIFETIME_TESTING && take_answer(l, &p->bubble, o))
        on_alive(l, index, o->when);
    p->last_any = o->when;
    if (take_answer(l, &p->open, o) && p->state == LIFETIME_OPENING)
        on_opened(l, index);
}

void lifetime_observe(struct lifetime *l, const struct observation *o, struct action_queue *queue)
{
    if (l->done)
        return;
    switch (o->kind) {
    case OBSERVED_TIMER:
        on_timer(l, o->when, queue);
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
        break;
    }
}

nsec lifetime_deadline(const struct lifetime *l)
{
    nsec deadline = l->next_progress;

    if (l->done)
        return NSEC_NEVER;
    for (unsigned i = 0; i < LIFETIME_PORTS; i++)
        if (is_waiting(&l->ports[i]))
            deadline = nsec_min(deadline, l->ports[i].due);
    return deadline;
}

static enum finding refreshes(const struct lifetime_port *p)
{
    return p->state == LIFETIME_ALIVE  ? FINDING_YES
           : p->state == LIFETIME_GONE ? FINDING_NO
                                       : FINDING_UNKNOWN;
}

static void add_evidence(const struct lifetime *l, unsigned index, const struct endpoint *local,
                         struct classification *c)
{
    const struct lifetime_port *p = &l->ports[index];
    struct classify_evidence *e;
    struct probe_count counted;

    if (c->evidence_count == CLASSIFY_EVIDENCE ||
        (p->state != LIFETIME_ALIVE && p->state != LIFETIME_GONE))
        return;
    count(l, p, NSEC_NEVER - 1, false, &counted);
    e = &c->evidence[c->evidence_count++];
    *e = (struct classify_evidence){
        .test = index == LIFETIME_INBOUND    ? TEST_KEPT_INBOUND
                : index == LIFETIME_OUTBOUND ? TEST_KEPT_OUTBOUND
                                             : TEST_LIFETIME,
        .port = local[index].port,
        .sent = p->bubble.sent,
        .answered = p->bubble.answered,
        .paired = counted.misses,
        .controls = counted.trials - l->trials,
        .controls_answered = counted.trials - l->trials - (counted.failed - l->failed),
        .to = p->bubble.to,
        .answer = p->bubble.answer,
        .sent_at = p->bubble.first_sent - l->started,
        .delay = p->bubble.first_delay,
        .idle =
            p->bubble.first_sent - (index == LIFETIME_OUTBOUND ? p->open.last_sent : p->last_out),
    };
    if (p->state == LIFETIME_ALIVE) {
        e->proof = is_idle_port(index) ? PROVES_ALIVE : PROVES_REFRESHES;
    } else {
        e->proof = is_idle_port(index) ? PROVES_GONE : PROVES_NO_REFRESH;
        e->odds = odds_of_silence(counted.trials, counted.failed, counted.misses);
        c->error_odds += e->odds;
    }
}

void lifetime_result(const struct lifetime *l, const struct endpoint *local,
                     struct classification *c)
{
    struct mapping_lifetime *m = &c->lifetime;

    *m = (struct mapping_lifetime){
        .measured = true,
        .at_least = l->at_least,
        .at_most = l->at_most,
        .inbound_refreshes = refreshes(&l->ports[LIFETIME_INBOUND]),
        .outbound_refreshes = refreshes(&l->ports[LIFETIME_OUTBOUND]),
    };
    /* Of the idle times, those that set the bounds. */
    for (unsigned i = 0; i < LIFETIME_IDLE_PORTS; i++) {
        const struct lifetime_port *p = &l->ports[i];

        if ((p->state == LIFETIME_ALIVE && p->alive_at == l->at_least) ||
            (p->state == LIFETIME_GONE && p->gone_at == l->at_most))
            add_evidence(l, i, local, c);
    }
    add_evidence(l, LIFETIME_OUTBOUND, local, c);
    add_evidence(l, LIFETIME_INBOUND, local, c);
}
