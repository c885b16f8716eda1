#include "classify_find.h"

#include "odds.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What must be answered in the same round for a test's silence to mean something. */
struct references {
    enum nat_test_name tests[2];
    unsigned count;
};

static struct references references_of(enum nat_test_name test)
{
    switch (test) {
    case NAT_TEST_X_P:
    case NAT_TEST_Y_P:
    case NAT_TEST_F0:
        return (struct references){{NAT_TEST_X_S, NAT_TEST_Y_S}, 2};
    case NAT_TEST_ANY0:
    case NAT_TEST_ANY1:
    case NAT_TEST_PORT0:
    case NAT_TEST_PORT1:
        return (struct references){{NAT_TEST_OPEN0, NAT_TEST_OPEN1}, 2};
    case NAT_TEST_RELAY_ANY0:
    case NAT_TEST_RELAY_ANY1:
        return (struct references){{NAT_TEST_RELAY_OPEN0, NAT_TEST_RELAY_OPEN1}, 2};
    case NAT_TEST_RELAY_PORT0:
    case NAT_TEST_RELAY_PORT1:
        return (struct references){{NAT_TEST_RELAY_EXTRA, NAT_TEST_RELAY_EXTRA}, 1};
    default:
        return (struct references){{NAT_TEST_X_P, NAT_TEST_Y_P}, 2};
    }
}

/* The first bubble between two ports only opens the NAT for the other's. */
static unsigned first_round(const struct classify *p, enum nat_test_name test)
{
    unsigned round = 0;

    if (test != NAT_TEST_HAIR_XY)
        return 0;
    while (round < p->round && p->tests[test].tries[round].sent == 0)
        round++;
    return round + 1;
}

double classify_silence(const struct classify *p, enum nat_test_name test, nsec now, bool hopeful,
                        struct classify_count *count)
{
    struct references c = references_of(test);
    const struct nat_test *references[2] = {&p->tests[c.tests[0]], &p->tests[c.tests[1]]};

    *count = (struct classify_count){0};
    nat_test_count(&p->tests[test], references, c.count, first_round(p, test), p->round, now,
                   p->wait, hopeful, count);
    return odds_of_silence(count->trials, count->failed, count->misses);
}

/* Answered, or, where we hope, under way. */
static bool test_done(const struct classify *p, enum nat_test_name test, nsec now, bool hopeful)
{
    const struct nat_test *l = &p->tests[test];

    return l->answered > 0 || (hopeful && l->sent > 0 && now - l->last_sent < p->wait);
}

static bool tests_done(const struct classify *p, enum nat_test_name first, enum nat_test_name last,
                       nsec now, bool hopeful)
{
    for (enum nat_test_name test = first; test <= last; test++)
        if (!test_done(p, test, now, hopeful))
            return false;
    return true;
}

/* Silent beyond what loss explains. */
static bool is_silent(const struct classify *p, enum nat_test_name test, nsec now, bool hopeful,
                      double *odds)
{
    struct classify_count count;

    *odds = 1;
    if (classify_answered(p, test))
        return false;
    *odds = classify_silence(p, test, now, hopeful, &count);
    return *odds < CLASSIFY_ODDS;
}

/* What two ports of the same test say: FINDING_NOT_APPLICABLE where they contradict each other, as
 * they do when one of them had been another program's. Adds the odds of a no to *ODDS. */
static enum finding pair(const struct classify *p, enum nat_test_name test, nsec now, bool hopeful,
                         double *odds)
{
    enum nat_test_name other = test + 1;
    double one, two;
    bool silent = is_silent(p, test, now, hopeful, &one);
    bool other_silent = is_silent(p, other, now, hopeful, &two);

    if (classify_answered(p, test) && classify_answered(p, other))
        return FINDING_YES;
    if (silent && other_silent) {
        *odds += one > two ? one : two;
        return FINDING_NO;
    }
    if ((silent && classify_answered(p, other)) || (other_silent && classify_answered(p, test)))
        return FINDING_NOT_APPLICABLE;
    return FINDING_UNKNOWN;
}

/* One port's external endpoint must stay the same, and its answers come in by one address of this
 * host: else a difference between two destinations may be one between two moments. */
static bool is_unsteady(const struct classify *p)
{
    static const enum nat_test_name tests[] = {NAT_TEST_X_P, NAT_TEST_Y_P, NAT_TEST_X_S,
                                               NAT_TEST_Y_S};
    uint32_t address = 0;

    for (size_t i = 0; i < COUNT(tests); i++) {
        const struct nat_test *test = &p->tests[tests[i]];

        if (test->answered == 0)
            continue;
        if (test->unsteady || (address != 0 && test->came_to.address != address))
            return true;
        address = test->came_to.address;
    }
    return false;
}

static bool differ(const struct classify *p, enum nat_test_name a, enum nat_test_name b)
{
    return classify_answered(p, a) && classify_answered(p, b) &&
           !endpoint_equal(p->tests[a].mapped, p->tests[b].mapped);
}

static bool agree(const struct classify *p, enum nat_test_name a, enum nat_test_name b)
{
    return classify_answered(p, a) && classify_answered(p, b) &&
           endpoint_equal(p->tests[a].mapped, p->tests[b].mapped);
}

bool classify_mapping_depends(const struct classify *p)
{
    return !is_unsteady(p) &&
           (differ(p, NAT_TEST_X_P, NAT_TEST_X_S) || differ(p, NAT_TEST_Y_P, NAT_TEST_Y_S));
}

bool classify_mapping_independent(const struct classify *p)
{
    /* Two ports: a NAT that draws ports at random may draw the same one twice. */
    return !is_unsteady(p) && agree(p, NAT_TEST_X_P, NAT_TEST_X_S) &&
           agree(p, NAT_TEST_Y_P, NAT_TEST_Y_S);
}

static bool is_translated(const struct classify *p, enum nat_test_name test)
{
    return classify_answered(p, test) &&
           !endpoint_equal(p->tests[test].mapped, p->tests[test].came_to);
}

static enum finding find_translation(const struct classify *p)
{
    if (is_translated(p, NAT_TEST_X_P) || is_translated(p, NAT_TEST_Y_P))
        return FINDING_YES;
    return classify_answered(p, NAT_TEST_X_P) && classify_answered(p, NAT_TEST_Y_P)
               ? FINDING_NO
               : FINDING_UNKNOWN;
}

static enum nat_depends find_mapping(const struct classify *p)
{
    if (classify_mapping_independent(p))
        return DEPENDS_ENDPOINT_INDEPENDENT;
    if (!classify_mapping_depends(p))
        return DEPENDS_UNKNOWN;
    /* The same address, another port. */
    if (differ(p, NAT_TEST_X_P, NAT_TEST_X_EXTRA) || differ(p, NAT_TEST_F1, NAT_TEST_F1_EXTRA))
        return DEPENDS_ADDRESS_AND_PORT;
    if (agree(p, NAT_TEST_X_P, NAT_TEST_X_EXTRA) && agree(p, NAT_TEST_F1, NAT_TEST_F1_EXTRA))
        return DEPENDS_ADDRESS;
    return DEPENDS_ENDPOINT;
}

/* Everything that the mapping can be told by is there. */
static bool mapping_done(const struct classify *p, nsec now, bool hopeful)
{
    double unused = 0;

    if (!classify_secondary_answers(p) &&
        (classify_is_refused(p, 1, now) || classify_address_silent(p, 1, now, hopeful, &unused)))
        return true;
    if (!tests_done(p, NAT_TEST_X_P, NAT_TEST_Y_S, now, hopeful))
        return false;
    if (p->config.extra_port == 0 || !classify_mapping_depends(p))
        return true;
    return (tests_done(p, NAT_TEST_X_EXTRA, NAT_TEST_F1_EXTRA, now, hopeful) &&
            test_done(p, NAT_TEST_F1, now, hopeful)) ||
           is_silent(p, NAT_TEST_X_EXTRA, now, hopeful, &unused);
}

static bool anyone_gets_in(const struct classify *p)
{
    return (classify_answered(p, NAT_TEST_ANY0) && classify_answered(p, NAT_TEST_ANY1)) ||
           (classify_answered(p, NAT_TEST_RELAY_ANY0) && classify_answered(p, NAT_TEST_RELAY_ANY1));
}

/* By two tests: does anyone get in, and does another port of an address that was sent to? *DONE is
 * cleared where more can be found. */
static enum nat_depends filtering_by(const struct classify *p, enum nat_test_name any,
                                     enum nat_test_name port, nsec now, bool hopeful, double *odds,
                                     bool *done)
{
    switch (pair(p, any, now, hopeful, odds)) {
    case FINDING_YES:
        return DEPENDS_ENDPOINT_INDEPENDENT;
    case FINDING_NO:
        break;
    case FINDING_UNKNOWN:
        *done = false;
        return DEPENDS_UNKNOWN;
    case FINDING_NOT_APPLICABLE:
        return DEPENDS_UNKNOWN;
    }
    switch (pair(p, port, now, hopeful, odds)) {
    case FINDING_YES:
        return DEPENDS_ADDRESS;
    case FINDING_NO:
        return DEPENDS_ADDRESS_AND_PORT;
    case FINDING_UNKNOWN:
        *done = false;
        break;
    case FINDING_NOT_APPLICABLE:
        break;
    }
    return DEPENDS_ENDPOINT;
}

static enum nat_depends find_filtering(const struct classify *p, nsec now, bool hopeful,
                                       double *odds, bool *done)
{
    enum nat_depends found;
    double unused;

    *done = true;
    if (!classify_mapping_depends(p))
        return filtering_by(p, NAT_TEST_ANY0, NAT_TEST_PORT0, now, hopeful, odds, done);
    if (anyone_gets_in(p))
        return DEPENDS_ENDPOINT_INDEPENDENT;
    found = filtering_by(p, NAT_TEST_RELAY_ANY0, NAT_TEST_RELAY_PORT0, now, hopeful, odds, done);
    /* Without an extra port, or where it is none, the finding stays the coarser one. */
    if (found == DEPENDS_ENDPOINT && !*done)
        *done = p->config.extra_port == 0 || is_silent(p, NAT_TEST_X_EXTRA, now, hopeful, &unused);
    return found;
}

bool classify_filtering_open(const struct classify *p, nsec now, bool hopeful)
{
    double unused = 0;
    bool done;

    find_filtering(p, now, hopeful, &unused, &done);
    return !done;
}

/* Where the mapping depends on the destination, a bubble between two ports of this host comes from
 * a mapping that neither knows of: only a NAT that filters nothing would let it in. */
static bool hairpin_testable(const struct classify *p)
{
    if (find_translation(p) != FINDING_YES || !classify_answered(p, NAT_TEST_X_P) ||
        !classify_answered(p, NAT_TEST_Y_P))
        return false;
    return classify_mapping_independent(p) || (classify_mapping_depends(p) && anyone_gets_in(p));
}

static enum finding find_hairpin(const struct classify *p, nsec now, bool hopeful, double *odds)
{
    double silence;

    if (find_translation(p) == FINDING_NO)
        return FINDING_NOT_APPLICABLE;
    if (classify_answered(p, NAT_TEST_HAIR_XY) || classify_answered(p, NAT_TEST_HAIR_YX))
        return FINDING_YES;
    if (!hairpin_testable(p) || !is_silent(p, NAT_TEST_HAIR_XY, now, hopeful, &silence))
        return FINDING_UNKNOWN;
    *odds += silence;
    return FINDING_NO;
}

bool classify_hairpin_open(const struct classify *p, nsec now, bool hopeful)
{
    double unused = 0;

    return hairpin_testable(p) && find_hairpin(p, now, hopeful, &unused) == FINDING_UNKNOWN;
}

static enum nat_name find_name(const struct classification *c)
{
    bool translated = c->translated == FINDING_YES;

    if (c->reach == REACH_NO_REPLY || c->reach == REACH_REFUSAL(REFUSAL_PROHIBITED))
        return NAT_NAME_BLOCKED;
    if (translated && c->mapping != DEPENDS_UNKNOWN && c->mapping != DEPENDS_ENDPOINT_INDEPENDENT)
        return NAT_NAME_SYMMETRIC;
    if (c->mapping != DEPENDS_ENDPOINT_INDEPENDENT)
        return NAT_NAME_UNKNOWN;
    switch (c->filtering) {
    case DEPENDS_ENDPOINT_INDEPENDENT:
        return translated ? NAT_NAME_CONE : NAT_NAME_NONE;
    case DEPENDS_ADDRESS:
        return translated ? NAT_NAME_ADDRESS_RESTRICTED : NAT_NAME_FIREWALL;
    case DEPENDS_ADDRESS_AND_PORT:
        return translated ? NAT_NAME_PORT_RESTRICTED : NAT_NAME_FIREWALL;
    case DEPENDS_ENDPOINT:
        return translated ? NAT_NAME_UNKNOWN : NAT_NAME_FIREWALL;
    case DEPENDS_UNKNOWN:
    case DEPENDS_COUNT:
        break;
    }
    return NAT_NAME_UNKNOWN;
}

static enum classify_verdict find_verdict(const struct classification *c)
{
    if (c->nat == NAT_NAME_BLOCKED)
        return CLASSIFY_BLOCKED;
    return c->nat != NAT_NAME_UNKNOWN && c->filtering != DEPENDS_UNKNOWN ? CLASSIFY_CLASSIFIED
                                                                         : CLASSIFY_PARTIAL;
}

static void find_ports(const struct classify *p, struct classification *c)
{
    struct port_point points[CLASSIFY_PORTS];
    unsigned count = classify_points(p, c->mapping, points);

    if (c->translated != FINDING_YES) {
        bool none = c->translated == FINDING_NO;

        c->ports = none ? PORTS_NOT_APPLICABLE : PORTS_UNKNOWN;
        c->pooling = none ? POOLING_NOT_APPLICABLE : POOLING_UNKNOWN;
        return;
    }
    c->ports = port_pattern(points, count, &c->port_step);
    /* How many mappings lie between two is not known, and so neither is the step. */
    if (c->ports == PORTS_SEQUENTIAL && c->mapping == DEPENDS_UNKNOWN)
        c->ports = PORTS_UNKNOWN;
    c->pooling = pooling_pattern(points, count);
}

static void count_loss(const struct classify *p, nsec now, struct classification *c)
{
    static const enum nat_test_name steady[] = {NAT_TEST_X_P, NAT_TEST_Y_P};

    c->references = c->references_answered = 0;
    for (size_t i = 0; i < COUNT(steady) && classify_primary_answers(p); i++)
        for (unsigned round = 0; round < p->round; round++) {
            const struct classify_try *t = &p->tests[steady[i]].tries[round];

            if (t->sent == 0 || (now - t->sent < p->wait && t->answered == 0))
                continue;
            c->references++;
            c->references_answered += t->answered != 0;
        }
}

bool classify_find(const struct classify *p, nsec now, bool hopeful, struct classification *c)
{
    bool filtering_done;

    c->error_odds = 0;
    c->reach = classify_find_reach(p, now, hopeful, c);
    c->translated = find_translation(p);
    c->unsteady = is_unsteady(p);
    c->mapping = find_mapping(p);
    c->filtering = find_filtering(p, now, hopeful, &c->error_odds, &filtering_done);
    c->hairpinning = find_hairpin(p, now, hopeful, &c->error_odds);
    if (!hopeful) {
        find_ports(p, c);
        count_loss(p, now, c);
        c->shared_space_router = classify_shared_space_router(p);
        c->mapped = p->tests[NAT_TEST_X_P].mapped;
        c->mapped_secondary = p->tests[NAT_TEST_X_S].mapped;
        if (classify_answered(p, NAT_TEST_X_P))
            c->local = p->tests[NAT_TEST_X_P].came_to;
        c->rtt = p->fastest;
    }
    c->nat = find_name(c);
    c->verdict = find_verdict(c);
    if (c->reach == REACH_ONLY_SECONDARY)
        return true;
    return classify_primary_answers(p) && c->reach != REACH_UNSURE &&
           mapping_done(p, now, hopeful) && filtering_done &&
           !classify_hairpin_open(p, now, hopeful) &&
           tests_done(p, NAT_TEST_F0, NAT_TEST_F3, now, hopeful);
}
