#include "classify.h"

#include <string.h>

#include "classify_find.h"

enum {
    /* Until the first answer the round trip is not known, and the server may not be there: few
     * packets, to both addresses. */
    BLIND_ROUNDS = 28,
    OTHER_PORT = 3545,
    FIRST_HOP = 2, /* 1 would die at the first router, which proves nothing */
    HOPS_A_ROUND = 3,
    PRIMES = 4,        /* of each port: they need get no further than the NAT */
    HAIRPINS_BACK = 3, /* bubbles that only open the NAT for the other port's */
    /* Behind a NAT whose mapping depends on the destination the cone bit is tried so often, for a
     * server that relays nothing: the answer may get in. */
    CONE_TRIES = 4,
    /* In which an address that is silent is asked until that is sure. */
    SILENT_ROUNDS = 13,
    BLIND_HOPS_EVERY = 4,
    BLIND_HOPS_CYCLE = 3, /* so up to the tenth router, twice */
};

/* Between rounds, as a share of the round trip: eight rounds, which suffice on a path without loss,
 * then take no more than six round trips with the first and the last one's answer. */
#define ROUND_SHARE 0.3
#define ROUND_MIN (4 * NSEC_MS)
#define ROUND_MAX (200 * NSEC_MS)
#define PROGRESS_EVERY NSEC_S

/* Where a test sends, or is answered from. */
enum party {
    NOBODY,
    P,
    S,
    P_EXTRA,
    P_OTHER,
    S_OTHER
};

struct test_plan {
    enum classify_kind kind;
    uint8_t socket, arrives;
    enum party to, answer, prime;
};

#define ASK(port, party)                                        \
    {                                                           \
        CLASSIFY_SOLICITATION, port, port, party, party, NOBODY \
    }
#define CONE(port, prime)                                   \
    {                                                       \
        CLASSIFY_CONE_SOLICITATION, port, port, P, S, prime \
    }
#define RELAY(by, arrives)                                   \
    {                                                        \
        CLASSIFY_BUBBLE, CLASSIFY_X, arrives, by, by, NOBODY \
    }
/* To a port that has sent to another port of P. */
#define RELAY_NEAR(arrives)                                 \
    {                                                       \
        CLASSIFY_BUBBLE, CLASSIFY_X, arrives, P, P, P_OTHER \
    }

static const struct test_plan plan[CLASSIFY_TESTS] = {
    [NAT_TEST_X_P] = ASK(CLASSIFY_X, P),
    [NAT_TEST_Y_P] = ASK(CLASSIFY_Y, P),
    [NAT_TEST_X_S] = ASK(CLASSIFY_X, S),
    [NAT_TEST_Y_S] = ASK(CLASSIFY_Y, S),
    [NAT_TEST_D0_S] = ASK(CLASSIFY_D0, S),
    [NAT_TEST_D1_S] = ASK(CLASSIFY_D1, S),
    [NAT_TEST_F0] = ASK(CLASSIFY_F0, P),
    [NAT_TEST_F1] = ASK(CLASSIFY_F1, P),
    [NAT_TEST_F2] = ASK(CLASSIFY_F2, P),
    [NAT_TEST_F3] = ASK(CLASSIFY_F3, P),
    [NAT_TEST_X_EXTRA] = ASK(CLASSIFY_X, P_EXTRA),
    [NAT_TEST_F1_EXTRA] = ASK(CLASSIFY_F1, P_EXTRA),
    [NAT_TEST_ANY0] = CONE(CLASSIFY_ANY0, NOBODY),
    [NAT_TEST_ANY1] = CONE(CLASSIFY_ANY1, NOBODY),
    [NAT_TEST_PORT0] = CONE(CLASSIFY_PORT0, S_OTHER),
    [NAT_TEST_PORT1] = CONE(CLASSIFY_PORT1, S_OTHER),
    [NAT_TEST_OPEN0] = CONE(CLASSIFY_OPEN0, S),
    [NAT_TEST_OPEN1] = CONE(CLASSIFY_OPEN1, S),
    [NAT_TEST_RELAY_ANY0] = RELAY(P, CLASSIFY_D0),
    [NAT_TEST_RELAY_ANY1] = RELAY(P, CLASSIFY_D1),
    [NAT_TEST_RELAY_PORT0] = RELAY(P_EXTRA, CLASSIFY_Y),
    [NAT_TEST_RELAY_PORT1] = RELAY(P_EXTRA, CLASSIFY_F0),
    [NAT_TEST_RELAY_OPEN0] = RELAY(P, CLASSIFY_Y),
    [NAT_TEST_RELAY_OPEN1] = RELAY(P, CLASSIFY_F0),
    [NAT_TEST_RELAY_EXTRA0] = RELAY(P_EXTRA, CLASSIFY_F1),
    [NAT_TEST_RELAY_EXTRA1] = RELAY(P_EXTRA, CLASSIFY_X),
    [NAT_TEST_NEAR0_S] = ASK(CLASSIFY_NEAR0, S),
    [NAT_TEST_NEAR1_S] = ASK(CLASSIFY_NEAR1, S),
    [NAT_TEST_RELAY_NEAR0] = RELAY_NEAR(CLASSIFY_NEAR0),
    [NAT_TEST_RELAY_NEAR1] = RELAY_NEAR(CLASSIFY_NEAR1),
    [NAT_TEST_RELAY_SELF] = RELAY(P, CLASSIFY_X),
    [NAT_TEST_D0_P] = ASK(CLASSIFY_D0, P),
    [NAT_TEST_D1_P] = ASK(CLASSIFY_D1, P),
    [NAT_TEST_HAIR_XY] = {CLASSIFY_BUBBLE, CLASSIFY_X, CLASSIFY_Y, NOBODY, NOBODY, NOBODY},
    [NAT_TEST_HAIR_YX] = {CLASSIFY_BUBBLE, CLASSIFY_Y, CLASSIFY_X, NOBODY, NOBODY, NOBODY},
    [NAT_TEST_HOP0] = ASK(CLASSIFY_HOPS, P),
    [NAT_TEST_HOP1] = ASK(CLASSIFY_HOPS, P),
    [NAT_TEST_HOP2] = ASK(CLASSIFY_HOPS, P),
};

/* Of a server's address: opens it, and not the port that answers. */
static struct endpoint other_port(const struct classify_config *c, struct endpoint server)
{
    uint16_t port = OTHER_PORT;

    while (port == server.port || port == c->extra_port)
        port++;
    return (struct endpoint){server.address, port};
}

static struct endpoint party_endpoint(const struct classify_config *c, enum party party)
{
    switch (party) {
    case NOBODY:
        break;
    case P:
        return c->server;
    case S:
        return c->secondary;
    case P_EXTRA:
        return (struct endpoint){c->server.address, c->extra_port};
    case P_OTHER:
        return other_port(c, c->server);
    case S_OTHER:
        return other_port(c, c->secondary);
    }
    return (struct endpoint){0};
}

/* Sets up every test: which port sends what to whom, and where the answer comes from. */
static void plan_tests(struct classify *p)
{
    for (int i = 0; i < CLASSIFY_TESTS; i++) {
        struct nat_test *test = &p->tests[i];

        test->kind = plan[i].kind;
        test->socket = plan[i].socket;
        test->arrives = plan[i].arrives;
        test->to = party_endpoint(&p->config, plan[i].to);
        test->answer = party_endpoint(&p->config, plan[i].answer);
        test->prime = party_endpoint(&p->config, plan[i].prime);
    }
}

/* The tests of one round, before they are put in order. */
struct selection {
    enum nat_test_name tests[CLASSIFY_TESTS];
    unsigned count;
};

static void choose(struct selection *s, enum nat_test_name test)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->tests[i] == test)
            return;
    s->tests[s->count++] = test;
}

static struct classify_server server_of(struct classify *p)
{
    return (struct classify_server){p->config.server, p->config.secondary.address,
                                    p->config.allow_private, p->config.identity, &p->config.nonces};
}

/* Every other round backwards: who drops what comes too fast drops the last of a burst, and must
 * not always meet the same test. */
static void send_all(struct classify *p, const struct selection *s)
{
    struct classify_server server = server_of(p);

    for (unsigned i = 0; i < s->count; i++) {
        enum nat_test_name which = s->tests[p->round % 2 == 0 ? i : s->count - 1 - i];
        struct nat_test *test = &p->tests[which];

        test->open = true;
        if (!endpoint_is_unset(test->prime) && test->answered == 0 && test->sent < PRIMES)
            nat_test_send_prime(test, CLASSIFY_TAG_PRIME, p->out);
        nat_test_send(test, p->round, which * CLASSIFY_ROUNDS + p->round, &server, p->out);
    }
}

/* Packets that die on the way, at three routers from FIRST on, to hear who they are. */
static void choose_hops(struct classify *p, struct selection *s, unsigned first)
{
    for (unsigned i = 0; i < HOPS_A_ROUND; i++) {
        p->tests[NAT_TEST_HOP0 + i].ttl = (uint8_t)(first + i);
        choose(s, NAT_TEST_HOP0 + i);
    }
}

static void send_blind_round(struct classify *p)
{
    struct selection s = {0};

    choose(&s, NAT_TEST_X_P);
    choose(&s, NAT_TEST_X_S);
    if (p->round == 0) {
        choose(&s, NAT_TEST_Y_P);
        choose(&s, NAT_TEST_Y_S);
        choose(&s, NAT_TEST_D0_S);
        choose(&s, NAT_TEST_D1_S);
        if (p->config.extra_port != 0) {
            choose(&s, NAT_TEST_X_EXTRA);
            choose(&s, NAT_TEST_F0);
            choose(&s, NAT_TEST_F1);
            choose(&s, NAT_TEST_F1_EXTRA);
        }
    } else if (p->round % BLIND_HOPS_EVERY == 0) {
        unsigned turn = (p->round / BLIND_HOPS_EVERY - 1) % BLIND_HOPS_CYCLE;

        choose_hops(p, &s, FIRST_HOP + turn * HOPS_A_ROUND);
        if (p->config.extra_port != 0 && !classify_answered(p, NAT_TEST_X_EXTRA))
            choose(&s, NAT_TEST_X_EXTRA);
    }
    send_all(p, &s);
}

/* The Teredo address of a client of our server with this mapped endpoint: where a bubble to it goes
 * (RFC 4380 4). */
static struct in6_addr address_of(const struct classify *p, struct endpoint mapped)
{
    struct teredo_addr a = {
        .prefix = TEREDO_PREFIX, .server = p->config.server.address, .mapped = mapped};
    struct in6_addr address;

    teredo_addr_encode(&a, &address);
    return address;
}

/* A bubble to the endpoint that P, or S, saw of the port that it is for. */
static void choose_bubble(struct classify *p, struct selection *s, enum nat_test_name test,
                          enum nat_test_name seen_by)
{
    if (!classify_answered(p, seen_by))
        return;
    p->tests[test].target = address_of(p, p->tests[seen_by].mapped);
    if (test == NAT_TEST_HAIR_XY || test == NAT_TEST_HAIR_YX)
        p->tests[test].to = p->tests[seen_by].mapped;
    choose(s, test);
}

static void choose_relay_controls(struct classify *p, struct selection *s)
{
    choose_bubble(p, s, NAT_TEST_RELAY_OPEN0, NAT_TEST_Y_P);
    choose_bubble(p, s, NAT_TEST_RELAY_OPEN1, NAT_TEST_F0);
    if (p->config.extra_port == 0)
        return;
    choose_bubble(p, s, NAT_TEST_RELAY_EXTRA0, NAT_TEST_F1_EXTRA);
    choose_bubble(p, s, NAT_TEST_RELAY_EXTRA1, NAT_TEST_X_EXTRA);
}

/* To D, as long as it has not sent to P. */
static void choose_unasked(struct classify *p, struct selection *s)
{
    if (p->tests[NAT_TEST_D0_P].sent > 0)
        return;
    choose_bubble(p, s, NAT_TEST_RELAY_ANY0, NAT_TEST_D0_S);
    choose_bubble(p, s, NAT_TEST_RELAY_ANY1, NAT_TEST_D1_S);
}

static void choose_relays(struct classify *p, struct selection *s)
{
    choose_unasked(p, s);
    if (!classify_mapping_depends(p)) {
        choose_bubble(p, s, NAT_TEST_RELAY_NEAR0, NAT_TEST_NEAR0_S);
        choose_bubble(p, s, NAT_TEST_RELAY_NEAR1, NAT_TEST_NEAR1_S);
    } else if (classify_answered(p, NAT_TEST_X_EXTRA) || classify_answered(p, NAT_TEST_F1_EXTRA)) {
        choose_bubble(p, s, NAT_TEST_RELAY_PORT0, NAT_TEST_Y_P);
        choose_bubble(p, s, NAT_TEST_RELAY_PORT1, NAT_TEST_F0);
    }
}

/* Those of which no answer has come, and none is under way. */
static void choose_unanswered(const struct classify *p, struct selection *s, nsec now,
                              enum nat_test_name first, enum nat_test_name last)
{
    for (enum nat_test_name test = first; test <= last; test++) {
        const struct nat_test *l = &p->tests[test];

        if (l->answered == 0 && (l->sent == 0 || now - l->last_sent >= p->wait))
            choose(s, test);
    }
}

/* The tests of a kind go out beside their controls: in the first round, and once a control came
 * back. In between the controls go out alone. */
static void choose_by_cone_bit(struct classify *p, struct selection *s, nsec now)
{
    bool first = p->tests[NAT_TEST_OPEN0].sent == 0;

    if (classify_relay_took_over(p))
        return; /* which is as good, and has begun */
    if (first || classify_cone_works(p)) {
        choose(s, NAT_TEST_ANY0);
        choose(s, NAT_TEST_ANY1);
        choose(s, NAT_TEST_PORT0);
        choose(s, NAT_TEST_PORT1);
    }
    if (classify_cone_is_dead(p, classify_seen(now)))
        return;
    choose(s, NAT_TEST_OPEN0);
    choose(s, NAT_TEST_OPEN1);
    if (first || classify_cone_works(p))
        return;
    /* What tells whether S answers at all, in the same rounds. */
    choose(s, NAT_TEST_X_S);
    choose(s, NAT_TEST_Y_S);
}

static void choose_by_relay(struct classify *p, struct selection *s)
{
    bool first = p->tests[NAT_TEST_RELAY_OPEN0].sent == 0;

    if (p->tests[NAT_TEST_ANY0].sent < CONE_TRIES) {
        choose(s, NAT_TEST_ANY0);
        choose(s, NAT_TEST_ANY1);
    }
    choose_relay_controls(p, s);
    if (first || classify_relay_works(p))
        choose_relays(p, s);
}

/* Without a second address: what the extra port of the first shows. */
static void choose_by_extra_port(struct classify *p, struct selection *s)
{
    if (p->config.extra_port == 0)
        return;
    choose_bubble(p, s, NAT_TEST_RELAY_EXTRA0, NAT_TEST_F1_EXTRA);
    choose_bubble(p, s, NAT_TEST_RELAY_EXTRA1, NAT_TEST_X_EXTRA);
    if (!classify_relay_works(p))
        return;
    choose_bubble(p, s, NAT_TEST_RELAY_PORT0, NAT_TEST_Y_P);
    choose_bubble(p, s, NAT_TEST_RELAY_PORT1, NAT_TEST_F0);
}

static void choose_filtering(struct classify *p, struct selection *s, nsec now)
{
    if (classify_secondary_is_doubtful(p, now) && !classify_cone_works(p)) {
        choose_by_extra_port(p, s);
    } else if (classify_mapping_depends(p)) {
        choose_by_relay(p, s);
    } else {
        choose_by_cone_bit(p, s, now);
        /* The server does not answer the cone bit as it should: bubbles do as well. */
        if (classify_cone_is_doubtful(p, now)) {
            choose_unanswered(p, s, now, NAT_TEST_NEAR0_S, NAT_TEST_NEAR1_S);
            choose_bubble(p, s, NAT_TEST_RELAY_OPEN0, NAT_TEST_Y_P);
            choose_bubble(p, s, NAT_TEST_RELAY_OPEN1, NAT_TEST_F0);
            if (classify_relay_works(p))
                choose_relays(p, s);
        }
    }
}

/* Bubbles to ports that never sent to P, until one of them has surely come to the NAT. Once they
 * have had the time, and nothing else is open, the ports send to P. */
static void choose_trip(struct classify *p, struct selection *s, nsec now)
{
    if (!classify_answered(p, NAT_TEST_RELAY_SELF))
        choose_bubble(p, s, NAT_TEST_RELAY_SELF, NAT_TEST_X_P);
    if (!classify_unasked_came(p, classify_hoped(now))) {
        choose_unasked(p, s);
    } else if (((classify_cone_works(p) && !classify_relay_took_over(p)) ||
                !classify_filtering_open(p, classify_seen(now))) &&
               classify_unasked_came(p, classify_seen(now))) {
        choose_unanswered(p, s, now, NAT_TEST_D0_P, NAT_TEST_D1_P);
    }
}

static void choose_secondary(const struct classify *p, struct selection *s, nsec now)
{
    if (classify_is_refused(p, 1, now))
        return;
    if (!classify_secondary_is_doubtful(p, now)) {
        choose_unanswered(p, s, now, NAT_TEST_X_S, NAT_TEST_D1_S);
        return;
    }
    choose(s, NAT_TEST_X_S);
    choose(s, NAT_TEST_Y_S);
    choose(s, NAT_TEST_D0_S);
    choose(s, NAT_TEST_D1_S);
}

static void choose_extra(const struct classify *p, struct selection *s, nsec now)
{
    if (classify_extra_is_out(p, classify_hoped(now)))
        return;
    if (!classify_extra_is_doubtful(p, now)) {
        choose_unanswered(p, s, now, NAT_TEST_X_EXTRA, NAT_TEST_F1_EXTRA);
        return;
    }
    choose(s, NAT_TEST_X_EXTRA);
    choose(s, NAT_TEST_F1_EXTRA);
}

/* Everything that may still bring news at NOW, and the references. */
static void send_round(struct classify *p, nsec now)
{
    struct selection s = {0};
    bool first = !p->tests[NAT_TEST_F2].open,
         filtering_open = classify_filtering_open(p, classify_hoped(now));

    /* The references, in every round: one will do where only the secondary is waited for. */
    choose(&s, NAT_TEST_X_P);
    if (filtering_open || !classify_secondary_is_doubtful(p, now))
        choose(&s, NAT_TEST_Y_P);
    if (!classify_primary_answers(p)) {
        choose(&s, NAT_TEST_X_S);
        choose(&s, NAT_TEST_Y_S);
        send_all(p, &s);
        return;
    }
    choose_secondary(p, &s, now);
    choose_unanswered(p, &s, now, NAT_TEST_F0, NAT_TEST_F3);
    choose_extra(p, &s, now);
    if (filtering_open)
        choose_filtering(p, &s, now);
    if (classify_hairpin_open(p, classify_hoped(now))) {
        choose_bubble(p, &s, NAT_TEST_HAIR_XY, NAT_TEST_Y_P);
        if (p->tests[NAT_TEST_HAIR_YX].sent < HAIRPINS_BACK)
            choose_bubble(p, &s, NAT_TEST_HAIR_YX, NAT_TEST_X_P);
    }
    if (classify_trip_open(p, classify_seen(now)))
        choose_trip(p, &s, now);
    if (first)
        choose_hops(p, &s, FIRST_HOP);
    send_all(p, &s);
}

static nsec blind_interval(const struct classify *p)
{
    double share = (double)(p->round + 1) / (BLIND_ROUNDS * (BLIND_ROUNDS + 1) / 2.0);

    return (nsec)((double)p->config.timeout * share);
}

static nsec round_interval(const struct classify *p, nsec now)
{
    nsec interval =
        nsec_min(nsec_max((nsec)(ROUND_SHARE * (double)p->fastest), ROUND_MIN), ROUND_MAX);

    /* An address is not called silent before CLASSIFY_SILENCE, which the rounds that it takes fill.
     */
    if (!classify_primary_answers(p) || classify_secondary_is_doubtful(p, now))
        interval = nsec_max(interval, CLASSIFY_SILENCE / SILENT_ROUNDS);
    return interval;
}

/* Until when the next round waits: for the controls of the first, which tell how to go on; and
 * where nothing else is open, for the bubbles that may trip the NAT. */
static nsec hold_until(const struct classify *p, nsec now)
{
    bool relays = classify_mapping_depends(p) || classify_cone_is_doubtful(p, now);
    bool works = relays ? classify_relay_works(p) : classify_cone_works(p);
    const struct nat_test *control = &p->tests[relays ? NAT_TEST_RELAY_OPEN0 : NAT_TEST_OPEN0];

    if (control->sent == 1 && !works)
        return control->last_sent + p->wait;
    if (classify_trip_open(p, classify_seen(now)) &&
        classify_unasked_came(p, classify_hoped(now)) &&
        !classify_filtering_open(p, classify_hoped(now)) &&
        !classify_hairpin_open(p, classify_hoped(now)))
        return p->tests[NAT_TEST_RELAY_ANY1].last_sent + p->wait;
    return 0;
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
        .server = server_of(p),
        .first_socket = CLASSIFY_SOCKETS,
        .sender = CLASSIFY_X,
        .max = p->config.lifetime_max,
        .resolution = p->config.lifetime_resolution,
        .rtt = p->fastest,
        .wait = p->wait,
        .odds = CLASSIFY_ODDS,
    };

    classify_find(p, classify_seen(now), c);
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

/* A firewall that refuses one port may let another pass: its answer has the time that a refusal
 * has. */
static bool awaits_extra(const struct classify *p, nsec now)
{
    return p->tests[NAT_TEST_X_EXTRA].sent > 0 && !classify_answered(p, NAT_TEST_X_EXTRA) &&
           p->refusals[0].refusal == REFUSAL_PROHIBITED && now - p->started < CLASSIFY_SILENCE / 2;
}

static void advance_blindly(struct classify *p, nsec now)
{
    /* A primary that is not there is an answer already: no client can use this server. */
    if (classify_is_refused(p, 0, now) && !awaits_extra(p, now)) {
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
    if (p->round == BLIND_ROUNDS) {
        conclude(p, now);
        return;
    }
    send_blind_round(p);
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
    if (classify_find(p, classify_seen(now), &scratch) ||
        (p->round == CLASSIFY_ROUNDS && now - p->last_round >= p->wait &&
         now - p->started >= classify_patience(p))) {
        conclude(p, now);
        return;
    }
    if (p->next_round != NSEC_NEVER && now < p->next_round)
        return;
    if (p->round == CLASSIFY_ROUNDS || classify_find(p, classify_hoped(now), &scratch)) {
        /* All that is still missing, or may still come, is under way. */
        p->next_round = NSEC_NEVER;
        return;
    }
    if (now < hold_until(p, now)) {
        p->next_round = hold_until(p, now);
        return;
    }
    send_round(p, now);
    sent_round(p, now, round_interval(p, now));
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
    /* A bubble between ports of this host takes another way than the server's answers; and an
     * answer of the extra port is none of the server's own. */
    if (test == &p->tests[NAT_TEST_HAIR_XY] || test == &p->tests[NAT_TEST_HAIR_YX] ||
        test == &p->tests[NAT_TEST_X_EXTRA] || test == &p->tests[NAT_TEST_F1_EXTRA])
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
    p->result.rejected++;
    p->result.rejected_rule = rule;
    p->result.rejected_from = o->from;
}

/* True for an answer to the cone bit that is none of a forger's: it comes from the address that was
 * asked, where RFC 4380 5.3.2 has the server answer from its other one. */
static bool ignores_cone_bit(const struct nat_test *test, const struct observation *o,
                             enum ra_rule broken)
{
    return test->kind == CLASSIFY_CONE_SOLICITATION && broken == RULE_SOURCE_ENDPOINT &&
           endpoint_equal(o->from, test->to);
}

/* A bubble that P relayed to D, which comes in only because D has sent to P meanwhile. */
static bool is_late(const struct classify *p, const struct nat_test *test)
{
    return (test == &p->tests[NAT_TEST_RELAY_ANY0] || test == &p->tests[NAT_TEST_RELAY_ANY1]) &&
           p->tests[NAT_TEST_D0_P].sent > 0;
}

static void on_received(struct classify *p, const struct observation *o)
{
    struct classify_server server = server_of(p);

    for (int i = 0; i < CLASSIFY_TESTS; i++) {
        struct nat_test *test = &p->tests[i];
        struct classify_try *t = nat_test_match(test, p->round, o);
        enum ra_rule broken;
        bool news;

        if (t == NULL)
            continue;
        if (is_late(p, test))
            return;
        if (!nat_test_believes(test, t, &server, o, &broken)) {
            if (ignores_cone_bit(test, o, broken))
                p->cone_ignored++;
            else if (broken != RULE_COUNT)
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

static void refuse(struct classify *p, const struct observation *o, enum refusal refusal,
                   enum refusal_weight weight)
{
    for (int i = 0; i < 2; i++) {
        struct classify_refusal *r = &p->refusals[i];

        /* Packets that were to die on the way say nothing of its end. */
        if (!endpoint_equal(o->to, i == 0 ? p->config.server : p->config.secondary) ||
            o->socket == CLASSIFY_HOPS)
            continue;
        if (weight == REFUSAL_IS_HINT || weight == REFUSAL_IS_DOUBTED) {
            if (weight == REFUSAL_IS_DOUBTED && r->doubted_until == 0)
                r->doubted_until = o->when + REFUSAL_BOUND;
            if (r->hints++ > 0 || r->count > 0)
                return;
        } else {
            r->count++;
        }
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
    enum refusal_weight weight = refusal_weigh(o);

    if (o->icmp.type == ICMP4_TIME_EXCEEDED && o->socket == CLASSIFY_HOPS)
        note_router(p, o->icmp.reporter);
    if (weight == REFUSAL_IS_NONE)
        return;
    /* Only who has seen what went there can say that it came. */
    if (o->quotes_sent && o->icmp.reporter == o->to.address) {
        p->extra_refused |= p->config.extra_port != 0 &&
                            o->to.address == p->config.server.address &&
                            o->to.port == p->config.extra_port;
        p->server_host_answered |= from_server(p, o->to);
    }
    refuse(p, o, refusal_of_icmp(o->icmp, o->from.address, o->to.address), weight);
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
            refuse(p, o, refusal_of_errno(o->errnum), REFUSAL_IS_FINAL);
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
    return nsec_min(when, later_than(p->started + classify_patience(p), p->checked));
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
        out->tries = BLIND_ROUNDS;
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
    plan_tests(p);
    p->result.server = config->server;
    p->result.secondary = config->secondary;
    p->result.local = config->local[CLASSIFY_X];
    p->result.lifetime.asked = config->lifetime != NULL;
    p->result.lifetime.at_most = NSEC_NEVER;
}
