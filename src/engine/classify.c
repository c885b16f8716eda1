#include "classify.h"

#include <string.h>

#include "classify_find.h"
#include "classify_round.h"

/* Between rounds, as a share of the round trip: eight rounds, which suffice on a path without loss,
 * then take no more than six round trips with the first and the last one's answer. */
#define ROUND_SHARE 0.3
#define ROUND_MIN (4 * NSEC_MS)
#define ROUND_MAX (200 * NSEC_MS)
#define PROGRESS_EVERY NSEC_S

static nsec blind_interval(const struct classify *p)
{
    double share =
        (double)(p->round + 1) / (CLASSIFY_BLIND_ROUNDS * (CLASSIFY_BLIND_ROUNDS + 1) / 2.0);

    return (nsec)((double)p->config.timeout * share);
}

static nsec round_interval(const struct classify *p)
{
    return nsec_min(nsec_max((nsec)(ROUND_SHARE * (double)p->fastest), ROUND_MIN), ROUND_MAX);
}

static void finish(struct classify *p, nsec now)
{
    struct classification *c = &p->result;

    p->done = true;
    c->elapsed = now - p->started;
    if (p->measuring)
        lifetime_result(p->config.lifetime, p->config.local + CLASSIFY_SOCKETS, c);
    outbox_emit(p->out,
                &(struct event){.kind = EVENT_CLASSIFICATION, .when = now, .classification = c});
    outbox_done(p->out);
}

static void told_by_lifetime(struct engine *engine, const struct event *e)
{
    outbox_emit(((struct classify *)engine)->out, e);
}

/* The classification is made; the lifetime, where asked for, needs a server that answers. */
static void conclude(struct classify *p, nsec now)
{
    struct classification *c = &p->result;
    struct lifetime_config config = {
        .server = classify_server_of(p),
        .first_socket = CLASSIFY_SOCKETS,
        .sender = CLASSIFY_X,
        .max = p->config.lifetime_max,
        .resolution = p->config.lifetime_resolution,
        .rtt = p->fastest,
        .wait = p->wait,
        .odds = CLASSIFY_ODDS,
    };

    classify_find(p, now, false, c);
    classify_evidence(p, now, c);
    p->next_round = NSEC_NEVER;
    if (p->config.lifetime == NULL || !classify_primary_answers(p) || c->interrupted) {
        finish(p, now);
        return;
    }
    p->measuring = true;
    lifetime_init(p->config.lifetime, &config, now);
    p->lifetime = (struct part){.engine = &p->config.lifetime->engine,
                                .composite = &p->engine,
                                .told = told_by_lifetime,
                                .first_tag = CLASSIFY_TAG_LIFETIME,
                                .tags = LIFETIME_TAGS};
}

static void sent_round(struct classify *p, nsec now, nsec interval)
{
    p->next_round = now + interval;
    p->last_round = now;
    p->round++;
}

static void advance_blindly(struct classify *p, nsec now)
{
    /* A primary that is not there is an answer already: no client can use this server. */
    if (classify_is_refused(p, 0, now)) {
        conclude(p, now);
        return;
    }
    if (now >= p->next_progress) {
        outbox_emit(p->out, &(struct event){.kind = EVENT_PROGRESS,
                                            .when = now,
                                            .progress = {.phase = PROGRESS_FIRST_ANSWER,
                                                         .elapsed = now - p->started,
                                                         .longest = p->config.timeout,
                                                         .at_most = NSEC_NEVER}});
        p->next_progress = now + PROGRESS_EVERY;
    }
    if (now < p->next_round)
        return;
    if (p->round == CLASSIFY_BLIND_ROUNDS) {
        conclude(p, now);
        return;
    }
    classify_send_blind_round(p);
    sent_round(p, now, blind_interval(p));
}

static void advance(struct classify *p, nsec now)
{
    struct classification scratch = p->result;

    p->checked = now;
    if (p->first_answer == 0) {
        advance_blindly(p, now);
        return;
    }
    if (classify_find(p, now, false, &scratch) ||
        (p->round == CLASSIFY_ROUNDS && now - p->last_round >= p->wait &&
         now - p->started >= CLASSIFY_SILENCE)) {
        conclude(p, now);
        return;
    }
    if (p->next_round != NSEC_NEVER && now < p->next_round)
        return;
    if (p->round == CLASSIFY_ROUNDS || classify_find(p, now, true, &scratch)) {
        /* All that is still missing, or may still come, is under way. */
        p->next_round = NSEC_NEVER;
        return;
    }
    classify_send_round(p, now);
    sent_round(p, now, round_interval(p));
}

static void note_made(struct classify *p, unsigned socket, struct endpoint to)
{
    for (unsigned i = 0; i < p->made_count; i++)
        if (p->made[i].socket == socket && endpoint_equal(p->made[i].to, to))
            return;
    if (p->made_count == CLASSIFY_MADE)
        return;
    p->made[p->made_count].socket = socket;
    p->made[p->made_count].to = to;
    p->made_count++;
}

static void on_sent(struct classify *p, const struct observation *o)
{
    note_made(p, o->socket, o->to);
    p->last_round = nsec_max(p->last_round, o->when);
    if (o->tag < CLASSIFY_TAG_PRIME)
        nat_test_sent(&p->tests[o->tag / CLASSIFY_ROUNDS], o->tag % CLASSIFY_ROUNDS, o->when);
}

static void note_delay(struct classify *p, const struct nat_test *test, nsec delay, nsec now)
{
    /* A bubble between ports of this host takes another way than the server's answers. */
    if (test == &p->tests[NAT_TEST_HAIR_XY] || test == &p->tests[NAT_TEST_HAIR_YX])
        return;
    if (p->fastest == 0 || delay < p->fastest)
        p->fastest = nsec_max(delay, 1);
    /* Later answers are those of a queue or a detour; beyond this they count as lost. */
    p->wait = nsec_max(p->wait,
                       nsec_min(delay + delay / 16 + 2 * NSEC_MS, 4 * p->fastest + 100 * NSEC_MS));
    if (p->first_answer == 0) {
        p->first_answer = now;
        p->next_round = now;
    }
}

static bool from_server(const struct classify *p, struct endpoint from)
{
    return from.address == p->config.server.address || from.address == p->config.secondary.address;
}

static void reject(struct classify *p, const struct observation *o, enum ra_rule rule)
{
    outbox_emit(p->out, &(struct event){.kind = EVENT_REJECTED,
                                        .when = o->when,
                                        .rejected = {rule, o->from, o->fault}});
    p->rejected++;
}

static void on_received(struct classify *p, const struct observation *o)
{
    struct classify_server server = classify_server_of(p);

    for (int i = 0; i < CLASSIFY_TESTS; i++) {
        struct nat_test *test = &p->tests[i];
        struct classify_try *t = nat_test_match(test, p->round, o);
        enum ra_rule broken;
        bool news;

        if (t == NULL)
            continue;
        if (!nat_test_believes(test, t, &server, o, &broken)) {
            if (broken != RULE_COUNT)
                reject(p, o, broken);
            return;
        }
        news = test->answered == 0;
        note_delay(p, test, o->when - t->sent, o->when);
        nat_test_answer(test, t, o);
        /* A first answer may decide something; the others only tell of loss, in time. */
        if (news)
            advance(p, o->when);
        return;
    }
    if (from_server(p, o->from) && (o->packet == NULL || o->packet->kind == TEREDO_RA))
        reject(p, o, o->packet == NULL ? RULE_ENCAPSULATION : RULE_NONCE);
}

static void refuse(struct classify *p, const struct observation *o, enum refusal refusal)
{
    for (int i = 0; i < 2; i++) {
        struct classify_refusal *r = &p->refusals[i];

        /* Packets that were to die on the way say nothing of its end. */
        if (!endpoint_equal(o->to, i == 0 ? p->config.server : p->config.secondary) ||
            o->socket == CLASSIFY_HOPS)
            continue;
        r->count++;
        r->refusal = refusal;
        r->icmp = o->icmp;
        r->errnum = o->errnum;
        advance(p, o->when);
        return;
    }
}

static void note_router(struct classify *p, uint32_t router)
{
    for (unsigned i = 0; i < p->router_count; i++)
        if (p->routers[i] == router)
            return;
    if (p->router_count < CLASSIFY_ROUTERS)
        p->routers[p->router_count++] = router;
}

static void on_icmp(struct classify *p, const struct observation *o)
{
    if (o->icmp.type == ICMP4_TIME_EXCEEDED && o->socket == CLASSIFY_HOPS)
        note_router(p, o->icmp.reporter);
    if (!refusal_is_final(o->icmp))
        return;
    p->server_host_answered |=
        o->to.address == p->config.server.address && o->icmp.reporter == o->to.address;
    refuse(p, o, refusal_of_icmp(o->icmp, o->to.address));
}

static void stop(struct classify *p, nsec now)
{
    p->result.interrupted = true;
    if (p->measuring)
        finish(p, now);
    else
        conclude(p, now);
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct classify *p = (struct classify *)engine;

    if (p->done)
        return;
    p->out = out;
    if (p->started == 0) {
        p->started = o->when;
        p->next_round = o->when;
        p->next_progress = o->when + PROGRESS_EVERY;
    }
    p->result.sent += o->kind == OBSERVED_SENT;
    p->result.received += o->kind == OBSERVED_RECEIVED;
    if (p->measuring && o->kind != OBSERVED_STOP) {
        part_observe(&p->lifetime, o, out);
        if (p->config.lifetime->done)
            finish(p, o->when);
        return;
    }
    switch (o->kind) {
    case OBSERVED_TIMER:
        advance(p, o->when);
        break;
    case OBSERVED_SENT:
        on_sent(p, o);
        break;
    case OBSERVED_RECEIVED:
        on_received(p, o);
        break;
    case OBSERVED_ICMP_ERROR:
        on_icmp(p, o);
        break;
    case OBSERVED_SEND_FAILED:
        if (!send_failure_is_passing(o->errnum))
            refuse(p, o, refusal_of_errno(o->errnum));
        break;
    case OBSERVED_STOP:
        stop(p, o->when);
        break;
    case OBSERVED_SEEN: /* of captures, which this engine is not fed from */
        break;
    }
}

static nsec later_than(nsec when, nsec than)
{
    return when > than ? when : NSEC_NEVER;
}

static nsec deadline(const struct engine *engine)
{
    const struct classify *p = (const struct classify *)engine;
    nsec when = p->next_round;

    if (p->done)
        return NSEC_NEVER;
    if (p->measuring)
        return engine_deadline(p->lifetime.engine);
    if (p->started == 0)
        return NSEC_NEVER;
    if (p->first_answer == 0)
        return nsec_min(when, p->next_progress);
    /* When what was sent last has had its time, and when silence may be called so. */
    when = nsec_min(when, later_than(p->last_round + p->wait, p->checked));
    return nsec_min(when, later_than(p->started + CLASSIFY_SILENCE, p->checked));
}

static void waiting(const struct engine *engine, struct waiting *out)
{
    const struct classify *p = (const struct classify *)engine;

    *out = (struct waiting){
        .whom = p->config.server, .since = p->started, .until = NSEC_NEVER, .at_most = NSEC_NEVER};
    if (p->done || p->started == 0)
        return;
    if (p->measuring) {
        out->what = WAITING_FOR_LIFETIME;
        out->since = p->config.lifetime->started;
        out->at_least = p->config.lifetime->at_least;
        out->at_most = p->config.lifetime->at_most;
    } else if (p->first_answer == 0) {
        out->what = WAITING_FOR_SERVER;
        out->try = p->round;
        out->tries = CLASSIFY_BLIND_ROUNDS;
        out->until = p->started + p->config.timeout;
    } else {
        /* How many rounds it takes depends on what is lost. */
        out->what = WAITING_FOR_TESTS;
        out->try = p->round;
    }
}

void classify_init(struct classify *p, const struct classify_config *config)
{
    static const struct engine_ops ops = {observe, deadline, waiting};

    memset(p, 0, sizeof *p);
    p->engine.ops = &ops;
    p->config = *config;
    if (p->config.extra_port == config->server.port)
        p->config.extra_port = 0;
    p->next_round = NSEC_NEVER;
    classify_plan_tests(p);
    p->result.server = config->server;
    p->result.secondary = config->secondary;
    p->result.local = config->local[CLASSIFY_X];
    p->result.lifetime.asked = config->lifetime != NULL;
    p->result.lifetime.at_most = NSEC_NEVER;
}
