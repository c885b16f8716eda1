/* What each test of a classification sent, what came back, and what that shows. */
#include "classify_find.h"
#include "odds.h"

static struct classify_evidence *add(struct classification *c, enum classify_test what)
{
    struct classify_evidence *e;

    if (c->evidence_count == CLASSIFY_EVIDENCE)
        return NULL;
    e = &c->evidence[c->evidence_count++];
    *e = (struct classify_evidence){.test = what};
    return e;
}

static void fill(const struct classify *p, const struct nat_test *test, struct classify_evidence *e)
{
    e->port = p->config.local[test->arrives].port;
    e->sent = test->sent;
    e->answered = test->answered;
    e->to = test->to;
    e->answer = test->answered > 0 ? test->came_from : test->answer;
    e->sent_at = test->first_sent - p->started;
    e->delay = test->first_delay;
    e->seen[0] = test->mapped;
}

/* What an answer to a test proves, and its silence beside its references. That of a reference
 * itself proves nothing: the test cannot be done here. */
struct meaning {
    enum classify_test what;
    enum nat_test_name test;
    enum classify_proof answer, silence;
};

static void add_test(const struct classify *p, nsec now, struct classification *c,
                     const struct meaning *m)
{
    struct classify_evidence *e;
    struct classify_count count;
    double odds;

    /* Bubbles that may trip the NAT are none of its filtering's, without their controls. */
    if (m->what == TEST_RELAY_ANY && p->tests[NAT_TEST_RELAY_OPEN0].sent == 0)
        return;
    if (p->tests[m->test].sent == 0 || (e = add(c, m->what)) == NULL)
        return;
    fill(p, &p->tests[m->test], e);
    e->proof = e->answered > 0 ? m->answer : PROVES_NOTHING;
    if (m->silence == PROVES_NOTHING)
        return;
    odds = classify_silence(p, m->test, classify_seen(now), &count);
    e->references = count.trials;
    e->references_answered = count.trials - count.failed;
    e->paired = count.misses;
    if (e->answered > 0)
        return;
    e->odds = odds;
    if (odds < CLASSIFY_ODDS)
        e->proof = m->silence;
}

static void add_mapping(const struct classify *p, struct classification *c, enum classify_test what,
                        enum nat_test_name one, enum nat_test_name other)
{
    const struct nat_test *a = &p->tests[one], *b = &p->tests[other];
    struct classify_evidence *e;
    bool same;

    if (b->sent == 0 || (e = add(c, what)) == NULL)
        return;
    fill(p, b, e);
    e->sent = a->sent + b->sent;
    e->answered = a->answered + b->answered;
    e->sent_at = nsec_min(a->first_sent, b->first_sent) - p->started;
    e->seen[0] = a->mapped;
    e->seen[1] = b->mapped;
    if (a->answered == 0 || b->answered == 0 || c->unsteady)
        return;
    same = endpoint_equal(a->mapped, b->mapped);
    if (what == TEST_MAPPING_PORT && c->mapping != DEPENDS_ENDPOINT_INDEPENDENT)
        e->proof = same ? PROVES_MAPPING_BY_ADDRESS : PROVES_MAPPING_BY_PORT;
    else if (!same)
        e->proof = PROVES_MAPPING_DEPENDENT;
    else if (endpoint_equal(a->mapped, a->came_to))
        e->proof = PROVES_NO_TRANSLATION;
    else
        e->proof = PROVES_MAPPING_INDEPENDENT;
}

static void add_ports(const struct classify *p, struct classification *c)
{
    struct port_point points[CLASSIFY_PORTS];
    unsigned count = classify_points(p, c->mapping, points);
    struct classify_evidence *e;
    int unused;

    if (c->translated != FINDING_YES || (e = add(c, TEST_PORTS)) == NULL)
        return;
    port_pattern(points, count, &unused); /* sorts them */
    e->port_count = count;
    for (unsigned i = 0; i < count; i++) {
        e->ports[i].local = points[i].local;
        e->ports[i].mapped = points[i].mapped.port;
    }
    e->sent = e->answered = count;
    e->proof = c->ports == PORTS_PRESERVING   ? PROVES_PRESERVING
               : c->ports == PORTS_SEQUENTIAL ? PROVES_SEQUENTIAL
               : c->ports == PORTS_RANDOM     ? PROVES_RANDOM
                                              : PROVES_NOTHING;
    if ((e = add(c, TEST_POOLING)) == NULL)
        return;
    e->sent = e->answered = count;
    for (unsigned i = 0; i < count; i++) {
        if (endpoint_is_unset(e->seen[0]))
            e->seen[0] = points[i].mapped;
        else if (points[i].mapped.address != e->seen[0].address)
            e->seen[1] = points[i].mapped;
    }
    e->proof = c->pooling == POOLING_ONE_ADDRESS ? PROVES_ONE_ADDRESS
               : c->pooling == POOLING_ARBITRARY ? PROVES_ARBITRARY
                                                 : PROVES_NOTHING;
}

static void add_hops(const struct classify *p, struct classification *c)
{
    const struct nat_test *test = &p->tests[NAT_TEST_HOP0];
    struct classify_evidence *e;

    if (test->sent == 0 || (e = add(c, TEST_HOPS)) == NULL)
        return;
    fill(p, test, e);
    e->sent += p->tests[NAT_TEST_HOP1].sent + p->tests[NAT_TEST_HOP2].sent;
    e->answered = p->router_count;
    e->answer = (struct endpoint){0};
    /* Those furthest out were told last. */
    for (unsigned i = 0; i < p->router_count && i < 2; i++)
        e->seen[i] = (struct endpoint){.address = p->routers[p->router_count - 1 - i]};
    if (c->shared_space_router != 0) {
        e->seen[0] = (struct endpoint){.address = c->shared_space_router};
        e->seen[1] = (struct endpoint){0};
        e->proof = PROVES_SHARED_SPACE;
    } else if (c->private_router != 0) {
        e->seen[0] = (struct endpoint){.address = c->private_router};
        e->seen[1] = (struct endpoint){0};
        e->proof = PROVES_PRIVATE_ROUTER;
    } else if (classify_router_outside(p)) {
        e->proof = PROVES_UDP_LEAVES;
    }
}

static void add_silence(const struct classify *p, nsec now, struct classification *c)
{
    struct classify_evidence *e;

    if (c->reach == REACH_ONLY_PRIMARY || c->reach == REACH_ONLY_SECONDARY) {
        unsigned address = c->reach == REACH_ONLY_PRIMARY;

        if ((e = add(c, TEST_SILENCE)) == NULL)
            return;
        fill(p, &p->tests[address == 1 ? NAT_TEST_X_S : NAT_TEST_X_P], e);
        e->paired = classify_address_misses(p, address, classify_seen(now));
        e->odds = odds_at_loss(CLASSIFY_WORST_LOSS, e->paired);
        e->proof = PROVES_NO_UDP;
    } else if (!classify_primary_answers(p) && !classify_secondary_answers(p) &&
               p->tests[NAT_TEST_X_P].sent > 0 && (e = add(c, TEST_SILENCE)) != NULL) {
        fill(p, &p->tests[NAT_TEST_X_P], e);
        e->sent += p->tests[NAT_TEST_X_S].sent;
        e->odds = c->error_odds;
        e->proof = c->reach == REACH_NO_REPLY || c->reach == REACH_SERVER_SILENT ? PROVES_NO_UDP
                                                                                 : PROVES_NOTHING;
    }
}

static void add_hairpin(const struct classify *p, nsec now, struct classification *c)
{
    static const struct meaning hairpin = {TEST_HAIRPIN, NAT_TEST_HAIR_XY, PROVES_HAIRPIN,
                                           PROVES_NO_HAIRPIN};
    struct classify_evidence *e;
    const struct nat_test *back = &p->tests[NAT_TEST_HAIR_YX];

    add_test(p, now, c, &hairpin);
    e = c->evidence_count > 0 ? &c->evidence[c->evidence_count - 1] : NULL;
    if (e == NULL || e->test != TEST_HAIRPIN)
        return;
    /* Both directions are one test. */
    if (e->answered == 0 && back->answered > 0)
        fill(p, back, e);
    e->sent = p->tests[NAT_TEST_HAIR_XY].sent + back->sent;
    e->answered = p->tests[NAT_TEST_HAIR_XY].answered + back->answered;
    if (e->answered > 0) {
        e->proof = PROVES_HAIRPIN;
        e->odds = 0;
    }
}

/* Two ports that were sent to unasked, towards that sender. */
static void add_trips(const struct classify *p, struct classification *c)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct nat_test *before = &p->tests[NAT_TEST_D0_S + i];
        const struct nat_test *after = &p->tests[NAT_TEST_D0_P + i];
        struct classify_evidence *e;

        if (after->sent == 0 || (e = add(c, TEST_UNASKED)) == NULL)
            return;
        fill(p, after, e);
        e->paired = p->tests[NAT_TEST_RELAY_ANY0 + i].sent;
        e->seen[0] = before->mapped;
        e->seen[1] = after->mapped;
        if (before->answered > 0 && after->answered > 0)
            e->proof = endpoint_equal(before->mapped, after->mapped) ? PROVES_NOT_MAPPED_ANEW
                                                                     : PROVES_MAPPED_ANEW;
    }
}

static const struct meaning meanings[] = {
    {TEST_FILTER_ANY, NAT_TEST_ANY0, PROVES_ANYONE_GETS_IN, PROVES_NOT_ANYONE},
    {TEST_FILTER_ANY, NAT_TEST_ANY1, PROVES_ANYONE_GETS_IN, PROVES_NOT_ANYONE},
    {TEST_FILTER_PORT, NAT_TEST_PORT0, PROVES_ADDRESS_GETS_IN, PROVES_NOT_ADDRESS},
    {TEST_FILTER_PORT, NAT_TEST_PORT1, PROVES_ADDRESS_GETS_IN, PROVES_NOT_ADDRESS},
    {TEST_FILTER_OPEN, NAT_TEST_OPEN0, PROVES_REFERENCE_WORKS, PROVES_NOTHING},
    {TEST_FILTER_OPEN, NAT_TEST_OPEN1, PROVES_REFERENCE_WORKS, PROVES_NOTHING},
    {TEST_RELAY_ANY, NAT_TEST_RELAY_ANY0, PROVES_ANYONE_GETS_IN, PROVES_NOT_ANYONE},
    {TEST_RELAY_ANY, NAT_TEST_RELAY_ANY1, PROVES_ANYONE_GETS_IN, PROVES_NOT_ANYONE},
    {TEST_RELAY_PORT, NAT_TEST_RELAY_PORT0, PROVES_ADDRESS_GETS_IN, PROVES_NOT_ADDRESS},
    {TEST_RELAY_PORT, NAT_TEST_RELAY_PORT1, PROVES_ADDRESS_GETS_IN, PROVES_NOT_ADDRESS},
    {TEST_RELAY_PORT, NAT_TEST_RELAY_NEAR0, PROVES_ADDRESS_GETS_IN, PROVES_NOT_ADDRESS},
    {TEST_RELAY_PORT, NAT_TEST_RELAY_NEAR1, PROVES_ADDRESS_GETS_IN, PROVES_NOT_ADDRESS},
    {TEST_RELAY_OPEN, NAT_TEST_RELAY_OPEN0, PROVES_REFERENCE_WORKS, PROVES_NOTHING},
    {TEST_RELAY_OPEN, NAT_TEST_RELAY_OPEN1, PROVES_REFERENCE_WORKS, PROVES_NOTHING},
    {TEST_RELAY_OPEN, NAT_TEST_RELAY_EXTRA0, PROVES_REFERENCE_WORKS, PROVES_NOTHING},
    {TEST_RELAY_OPEN, NAT_TEST_RELAY_EXTRA1, PROVES_REFERENCE_WORKS, PROVES_NOTHING},
};

void classify_evidence(const struct classify *p, nsec now, struct classification *c)
{
    c->evidence_count = 0;
    add_silence(p, now, c);
    add_hops(p, c);
    if (!classify_primary_answers(p) && !classify_secondary_answers(p))
        return;
    add_mapping(p, c, TEST_MAPPING, NAT_TEST_X_P, NAT_TEST_X_S);
    add_mapping(p, c, TEST_MAPPING, NAT_TEST_Y_P, NAT_TEST_Y_S);
    add_mapping(p, c, TEST_MAPPING_PORT, NAT_TEST_X_P, NAT_TEST_X_EXTRA);
    add_mapping(p, c, TEST_MAPPING_PORT, NAT_TEST_F1, NAT_TEST_F1_EXTRA);
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        add_test(p, now, c, &meanings[i]);
    add_ports(p, c);
    add_hairpin(p, now, c);
    add_trips(p, c);
}
