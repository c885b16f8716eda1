#include "lifetime_test.h"

#include "odds.h"

#define TEST_SHARE 0.5
#define TEST_INTERVAL_MIN (10 * NSEC_MS)

nsec lifetime_test_interval(const struct lifetime *l)
{
    return nsec_max((nsec)(TEST_SHARE * (double)l->config.rtt), TEST_INTERVAL_MIN);
}

/* Of all tests together, loss shall explain no more than this: so many can be made. */
static double odds_a_test(const struct lifetime *l)
{
    return l->config.odds / (LIFETIME_IDLE_PORTS + 2);
}

void lifetime_solicit(struct lifetime *l, unsigned port)
{
    struct lifetime_port *p = &l->ports[port];
    unsigned round = p->open.sent % CLASSIFY_ROUNDS;

    p->open.tries[round] = (struct classify_try){0};
    nat_test_send(&p->open, round, lifetime_tag(port, LIFETIME_SENT_OPEN, round), &l->config.server,
                  l->out);
}

static void count(const struct lifetime *l, const struct lifetime_port *p, nsec now, bool hopeful,
                  struct classify_count *c)
{
    const struct nat_test *reference = &p->reference;

    *c = (struct classify_count){0};
    nat_test_count(&p->bubble, &reference, 1, 0, p->rounds, now, l->config.wait, hopeful, c);
}

static double silence(const struct lifetime *l, const struct lifetime_port *p, nsec now,
                      bool hopeful)
{
    struct classify_count c;

    count(l, p, now, hopeful, &c);
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

    if (!lifetime_is_idle_port(port)) {
        end(p, is_gone_too_soon(l, port) ? LIFETIME_GONE : LIFETIME_UNDECIDED);
        return;
    }
    p->gone_at = p->bubble.last_sent + l->config.wait - p->last_out;
    end(p, LIFETIME_GONE);
    if (p->gone_at < l->at_most) {
        l->at_most = p->gone_at;
        l->gone = lifetime_test_evidence(l, port);
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

void lifetime_test_start(struct lifetime *l, unsigned port, nsec now)
{
    struct lifetime_port *p = &l->ports[port];

    p->state = LIFETIME_TESTING;
    p->rounds = 0;
    p->bubble.open = p->reference.open = true;
    lifetime_test_step(l, port, now);
}

static void send_round(struct lifetime *l, unsigned port)
{
    struct lifetime_port *p = &l->ports[port];
    struct lifetime_port *reference = &l->ports[LIFETIME_REFERENCE];
    struct nat_test *tests[2] = {&p->reference, &p->bubble};

    /* Its mapping is fresh then, and known anew if it had gone. */
    lifetime_solicit(l, LIFETIME_REFERENCE);
    p->reference.target = reference->bubble.target;
    /* Who drops what comes too fast must not always meet the same one. */
    for (unsigned i = 0; i < 2; i++) {
        unsigned which = (i + p->rounds) % 2;

        nat_test_send(tests[which], p->rounds,
                      lifetime_tag(port,
                                   which == 0 ? LIFETIME_SENT_REFERENCE : LIFETIME_SENT_BUBBLE,
                                   p->rounds),
                      &l->config.server, l->out);
    }
    p->rounds++;
}

void lifetime_test_step(struct lifetime *l, unsigned port, nsec now)
{
    struct lifetime_port *p = &l->ports[port];

    if (silence(l, p, now, false) < odds_a_test(l)) {
        end_gone(l, port);
        return;
    }
    if (l->ports[LIFETIME_REFERENCE].state != LIFETIME_IDLE ||
        (p->rounds == CLASSIFY_ROUNDS && now - p->bubble.last_sent >= l->config.wait)) {
        end_undecided(l, port);
        return;
    }
    p->due = now + lifetime_test_interval(l);
    if (p->rounds < CLASSIFY_ROUNDS && silence(l, p, now, true) >= odds_a_test(l))
        send_round(l, port);
}

void lifetime_test_arrived(struct lifetime *l, unsigned port)
{
    struct lifetime_port *p = &l->ports[port];

    /* Those sent before it may have come as far as the NAT, and refreshed the mapping. */
    p->alive_at = p->bubble.first_sent - p->last_any;
    end(p, LIFETIME_ALIVE);
    if (lifetime_is_idle_port(port) && p->alive_at > l->at_least && p->alive_at < l->at_most) {
        l->at_least = p->alive_at;
        l->alive = lifetime_test_evidence(l, port);
    }
}

struct classify_evidence lifetime_test_evidence(const struct lifetime *l, unsigned port)
{
    const struct lifetime_port *p = &l->ports[port];
    bool alive = p->state == LIFETIME_ALIVE, idle = lifetime_is_idle_port(port);
    struct classify_count c;
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

    count(l, p, NSEC_NEVER, false, &c);
    e.paired = c.misses;
    e.references = c.trials;
    e.references_answered = c.trials - c.failed;
    if (!alive)
        e.odds = odds_of_silence(c.trials, c.failed, c.misses);
    return e;
}
