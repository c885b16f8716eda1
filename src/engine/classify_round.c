#include "classify_round.h"

#include "classify_find.h"

enum {
    OTHER_PORT = 3545, /* of S: opens its address, not the port that answers */
    FIRST_HOP = 2,     /* 1 would die at the first router, which proves nothing */
    HOPS_A_ROUND = 3,
    BLIND_HOPS_EVERY = 4,
    BLIND_HOPS_CYCLE = 3, /* so up to the tenth router, twice */
};

/* Where a test sends, or is answered from. */
enum party {
    NOBODY,
    P,
    S,
    P_EXTRA,
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
    [NAT_TEST_RELAY_EXTRA] = RELAY(P_EXTRA, CLASSIFY_F1),
    [NAT_TEST_HAIR_XY] = {CLASSIFY_BUBBLE, CLASSIFY_X, CLASSIFY_Y, NOBODY, NOBODY, NOBODY},
    [NAT_TEST_HAIR_YX] = {CLASSIFY_BUBBLE, CLASSIFY_Y, CLASSIFY_X, NOBODY, NOBODY, NOBODY},
    [NAT_TEST_HOP0] = ASK(CLASSIFY_HOPS, P),
    [NAT_TEST_HOP1] = ASK(CLASSIFY_HOPS, P),
    [NAT_TEST_HOP2] = ASK(CLASSIFY_HOPS, P),
};

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
    case S_OTHER:
        return (struct endpoint){c->secondary.address,
                                 c->secondary.port == OTHER_PORT ? OTHER_PORT + 1 : OTHER_PORT};
    }
    return (struct endpoint){0};
}

void classify_plan_tests(struct classify *p)
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
    s->tests[s->count++] = test;
}

struct classify_server classify_server_of(struct classify *p)
{
    return (struct classify_server){p->config.server, p->config.secondary.address,
                                    p->config.allow_private, p->config.identity, &p->config.nonces};
}

/* Every other round backwards: who drops what comes too fast drops the last of a burst, and must
 * not always meet the same test. */
static void send_all(struct classify *p, const struct selection *s)
{
    struct classify_server server = classify_server_of(p);

    for (unsigned i = 0; i < s->count; i++) {
        enum nat_test_name which = s->tests[p->round % 2 == 0 ? i : s->count - 1 - i];
        struct nat_test *test = &p->tests[which];

        test->open = true;
        if (!endpoint_is_unset(test->prime))
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

void classify_send_blind_round(struct classify *p)
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

static void choose_relays(struct classify *p, struct selection *s)
{
    choose_bubble(p, s, NAT_TEST_RELAY_ANY0, NAT_TEST_D0_S);
    choose_bubble(p, s, NAT_TEST_RELAY_ANY1, NAT_TEST_D1_S);
    choose_bubble(p, s, NAT_TEST_RELAY_OPEN0, NAT_TEST_Y_P);
    choose_bubble(p, s, NAT_TEST_RELAY_OPEN1, NAT_TEST_F0);
    if (p->config.extra_port == 0)
        return;
    choose_bubble(p, s, NAT_TEST_RELAY_PORT0, NAT_TEST_Y_P);
    choose_bubble(p, s, NAT_TEST_RELAY_PORT1, NAT_TEST_F0);
    choose_bubble(p, s, NAT_TEST_RELAY_EXTRA, NAT_TEST_F1_EXTRA);
}

static void choose_filtering(struct classify *p, struct selection *s)
{
    choose(s, NAT_TEST_ANY0);
    choose(s, NAT_TEST_ANY1);
    if (classify_mapping_depends(p)) {
        choose_relays(p, s);
        return;
    }
    choose(s, NAT_TEST_PORT0);
    choose(s, NAT_TEST_PORT1);
    choose(s, NAT_TEST_OPEN0);
    choose(s, NAT_TEST_OPEN1);
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

void classify_send_round(struct classify *p, nsec now)
{
    struct selection s = {0};
    bool first = !p->tests[NAT_TEST_F2].open;

    /* The controls, in every round. */
    choose(&s, NAT_TEST_X_P);
    choose(&s, NAT_TEST_Y_P);
    if (!classify_primary_answers(p)) {
        choose(&s, NAT_TEST_X_S);
        choose(&s, NAT_TEST_Y_S);
        send_all(p, &s);
        return;
    }
    if (!classify_is_refused(p, 1, now))
        choose_unanswered(p, &s, now, NAT_TEST_X_S, NAT_TEST_D1_S);
    choose_unanswered(p, &s, now, NAT_TEST_F0, NAT_TEST_F3);
    if (p->config.extra_port != 0)
        choose_unanswered(p, &s, now, NAT_TEST_X_EXTRA, NAT_TEST_F1_EXTRA);
    if (classify_filtering_open(p, now, false))
        choose_filtering(p, &s);
    if (classify_hairpin_open(p, now, false)) {
        choose_bubble(p, &s, NAT_TEST_HAIR_XY, NAT_TEST_Y_P);
        choose_bubble(p, &s, NAT_TEST_HAIR_YX, NAT_TEST_X_P);
    }
    if (first)
        choose_hops(p, &s, FIRST_HOP);
    send_all(p, &s);
}
