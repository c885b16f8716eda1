#include "classify_find.h"

#include "classify_judge.h"
#include "odds.h"

#define PROVEN(name) CLASSIFY_PROVEN(name)
#define COUNT(array) (sizeof(array) / sizeof *(array))

enum {
    REFUSALS = 3 /* that are believed at once */
};

/* A single refusal may be stray, or of a route that was just changing: it is believed after this.
 */
#define REFUSAL_TIME (500 * NSEC_MS)

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
    case NAT_TEST_F1:
        return (struct references){{NAT_TEST_X_S, NAT_TEST_Y_S}, 2};
    case NAT_TEST_ANY0:
    case NAT_TEST_ANY1:
    case NAT_TEST_PORT0:
    case NAT_TEST_PORT1:
        return (struct references){{NAT_TEST_OPEN0, NAT_TEST_OPEN1}, 2};
    case NAT_TEST_RELAY_ANY0:
    case NAT_TEST_RELAY_ANY1:
    case NAT_TEST_RELAY_NEAR0:
    case NAT_TEST_RELAY_NEAR1:
        return (struct references){{NAT_TEST_RELAY_OPEN0, NAT_TEST_RELAY_OPEN1}, 2};
    case NAT_TEST_RELAY_PORT0:
    case NAT_TEST_RELAY_PORT1:
        return (struct references){{NAT_TEST_RELAY_EXTRA0, NAT_TEST_RELAY_EXTRA1}, 2};
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

double classify_silence(const struct classify *p, enum nat_test_name test,
                        struct classify_view view, struct classify_count *count)
{
    struct references c = references_of(test);
    const struct nat_test *references[2] = {&p->tests[c.tests[0]], &p->tests[c.tests[1]]};
    struct nat_test_span span = {
        .first = first_round(p, test),
        .end = p->round,
        .now = view.now,
        .wait = p->wait,
        .hopeful = view.hopeful,
    };

    *count = (struct classify_count){0};
    nat_test_count(&p->tests[test], references, c.count, &span, count);
    return odds_of_silence(count->trials, count->failed, count->misses);
}

bool classify_primary_answers(const struct classify *p)
{
    return classify_answered(p, NAT_TEST_X_P) || classify_answered(p, NAT_TEST_Y_P);
}

bool classify_secondary_answers(const struct classify *p)
{
    return classify_answered(p, NAT_TEST_X_S) || classify_answered(p, NAT_TEST_Y_S) ||
           classify_answered(p, NAT_TEST_D0_S) || classify_answered(p, NAT_TEST_D1_S);
}

bool classify_is_refused(const struct classify *p, unsigned address, nsec now)
{
    const struct classify_refusal *r = &p->refusals[address];
    bool answers = address == 0 ? classify_primary_answers(p) : classify_secondary_answers(p);

    return !answers &&
           (r->count >= REFUSALS || (r->count > 0 && now - p->started >= REFUSAL_TIME) ||
            (r->doubted_until != 0 && now >= r->doubted_until));
}

unsigned classify_address_misses(const struct classify *p, unsigned address,
                                 struct classify_view view)
{
    static const enum nat_test_name tests[2][4] = {
        {NAT_TEST_X_P, NAT_TEST_Y_P, NAT_TEST_F0, NAT_TEST_F1},
        {NAT_TEST_X_S, NAT_TEST_Y_S, NAT_TEST_D0_S, NAT_TEST_D1_S}};
    unsigned misses = 0;

    for (int i = 0; i < 4; i++) {
        struct classify_count count;

        classify_silence(p, tests[address][i], view, &count);
        misses += count.misses;
    }
    return misses;
}

/* The path to this address may be worse than the one to the other, whose answers then tell nothing
 * of its loss: so the worst is supposed. */
static bool is_address_silent(const struct classify *p, unsigned address, struct classify_view view,
                              double *odds)
{
    double silence = odds_at_loss(CLASSIFY_WORST_LOSS, classify_address_misses(p, address, view));

    if (silence >= CLASSIFY_ODDS || (!view.hopeful && view.now - p->started < classify_patience(p)))
        return false;
    *odds += silence;
    return true;
}

static bool secondary_is_out(const struct classify *p, struct classify_view view)
{
    double unused = 0;

    return !classify_secondary_answers(p) &&
           (classify_is_refused(p, 1, view.now) || is_address_silent(p, 1, view, &unused));
}

bool classify_secondary_is_doubtful(const struct classify *p, nsec now)
{
    const struct nat_test *test = &p->tests[NAT_TEST_X_S];

    return !classify_secondary_answers(p) && test->sent > 0 &&
           (now - test->first_sent >= p->wait || classify_is_refused(p, 1, now));
}

static bool any_answered(const struct classify *p, enum nat_test_name first,
                         enum nat_test_name last)
{
    for (enum nat_test_name test = first; test <= last; test++)
        if (classify_answered(p, test))
            return true;
    return false;
}

/* Two controls, of which neither came back, beside REFERENCES that did: surely. */
static bool are_silent(const struct classify *p, enum nat_test_name one,
                       const struct references *references, struct classify_view view)
{
    const struct nat_test *list[2] = {&p->tests[references->tests[0]],
                                      &p->tests[references->tests[1]]};
    struct nat_test_span span = {
        .end = p->round, .now = view.now, .wait = p->wait, .hopeful = view.hopeful};
    struct classify_count first = {0}, second = {0};

    nat_test_count(&p->tests[one], list, references->count, &span, &first);
    nat_test_count(&p->tests[one + 1], list, references->count, &span, &second);
    return odds_of_silence(first.trials, first.failed, first.misses + second.misses) <
           CLASSIFY_ODDS;
}

bool classify_extra_is_doubtful(const struct classify *p, nsec now)
{
    const struct nat_test *test = &p->tests[NAT_TEST_X_EXTRA];

    return !any_answered(p, NAT_TEST_X_EXTRA, NAT_TEST_F1_EXTRA) && test->sent > 0 &&
           now - test->first_sent >= p->wait;
}

bool classify_extra_is_out(const struct classify *p, struct classify_view view)
{
    static const struct references references = {{NAT_TEST_X_P, NAT_TEST_Y_P}, 2};

    return p->config.extra_port == 0 ||
           (!any_answered(p, NAT_TEST_X_EXTRA, NAT_TEST_F1_EXTRA) &&
            (p->extra_refused || are_silent(p, NAT_TEST_X_EXTRA, &references, view)));
}

bool classify_cone_works(const struct classify *p)
{
    return any_answered(p, NAT_TEST_ANY0, NAT_TEST_OPEN1);
}

bool classify_relay_took_over(const struct classify *p)
{
    return any_answered(p, NAT_TEST_RELAY_OPEN0, NAT_TEST_RELAY_OPEN1);
}

bool classify_cone_is_doubtful(const struct classify *p, nsec now)
{
    const struct nat_test *control = &p->tests[NAT_TEST_OPEN0];

    return classify_relay_took_over(p) ||
           (!classify_cone_works(p) &&
            (p->cone_ignored > 0 || (control->sent > 0 && now - control->first_sent >= p->wait)));
}

bool classify_cone_is_dead(const struct classify *p, struct classify_view view)
{
    /* The answers would come from S. */
    static const struct references references = {{NAT_TEST_X_S, NAT_TEST_Y_S}, 2};

    return !classify_cone_works(p) &&
           (p->cone_ignored > 1 || are_silent(p, NAT_TEST_OPEN0, &references, view));
}

bool classify_relay_works(const struct classify *p)
{
    return any_answered(p, NAT_TEST_RELAY_ANY0, NAT_TEST_RELAY_EXTRA1) ||
           any_answered(p, NAT_TEST_RELAY_NEAR0, NAT_TEST_RELAY_NEAR1);
}

static bool relay_is_dead(const struct classify *p, struct classify_view view)
{
    static const struct references references = {{NAT_TEST_X_P, NAT_TEST_Y_P}, 2};

    return !classify_relay_works(p) && are_silent(p, NAT_TEST_RELAY_OPEN0, &references, view);
}

static bool is_shared(uint32_t address)
{
    return (address & UINT32_C(0xffc00000)) == UINT32_C(0x64400000);
}

bool classify_router_outside(const struct classify *p)
{
    for (unsigned i = 0; i < p->router_count; i++)
        if (ip4_is_global_unicast(p->routers[i]) && !is_shared(p->routers[i]))
            return true;
    return false;
}

static bool udp_leaves(const struct classify *p)
{
    return p->server_host_answered || classify_router_outside(p);
}

/* A router on the way in the address space that carriers use behind their NATs (RFC 6598), where
 * this host has not such an address itself; 0 = none. */
static uint32_t shared_space_router(const struct classify *p)
{
    for (unsigned i = 0; i < p->router_count && !is_shared(p->config.local[CLASSIFY_X].address);
         i++)
        if (is_shared(p->routers[i]))
            return p->routers[i];
    return 0;
}

/* RFC 1918's. */
static bool is_private(uint32_t address)
{
    return (address & UINT32_C(0xff000000)) == UINT32_C(0x0a000000) ||
           (address & UINT32_C(0xfff00000)) == UINT32_C(0xac100000) ||
           (address & UINT32_C(0xffff0000)) == UINT32_C(0xc0a80000);
}

/* A router behind the first one with a private address, where something is translated: the NAT may
 * be there, or the first one, or both; 0 = none was seen. */
static uint32_t private_router(const struct classify *p)
{
    for (unsigned i = 0; i < p->router_count; i++)
        if (is_private(p->routers[i]))
            return p->routers[i];
    return 0;
}

/* Nothing answers: all solicitations are taken together. */
static uint32_t total_silence(const struct classify *p, struct classification *c)
{
    double odds = odds_at_loss(CLASSIFY_WORST_LOSS,
                               p->tests[NAT_TEST_X_P].sent + p->tests[NAT_TEST_X_S].sent);

    if (p->result.rejected > 0 || odds >= CLASSIFY_ODDS)
        return 0;
    c->error_odds = odds;
    return PROVEN(PRIMARY_SILENCE) | PROVEN(SECONDARY_SILENCE);
}

static uint32_t refusal_of_primary(const struct classify *p, struct classify_view view)
{
    const struct classify_refusal *r = &p->refusals[0];

    if (classify_is_refused(p, 0, view.now))
        return r->refusal == REFUSAL_PROHIBITED ? PROVEN(PRIMARY_PROHIBITED)
                                                : PROVEN(PRIMARY_REFUSAL);
    return r->hints > 0 ? PROVEN(PRIMARY_HINT) : 0;
}

/* Which of the server's addresses answer, and what else came. Adds the odds of a silence to
 * C->error_odds. */
static uint32_t prove_reach(const struct classify *p, struct classify_view view,
                            struct classification *c)
{
    bool primary = classify_primary_answers(p), secondary = classify_secondary_answers(p);
    uint32_t proven = 0;

    if (primary)
        proven |= PROVEN(PRIMARY_ANSWER);
    else
        proven |= refusal_of_primary(p, view);
    if (secondary)
        proven |= PROVEN(SECONDARY_ANSWER);
    else if (classify_is_refused(p, 1, view.now))
        proven |= PROVEN(SECONDARY_REFUSAL);
    else if (primary && is_address_silent(p, 1, view, &c->error_odds))
        proven |= PROVEN(SECONDARY_SILENCE);
    if (secondary && !primary && is_address_silent(p, 0, view, &c->error_odds))
        proven |= PROVEN(PRIMARY_SILENCE);
    if (any_answered(p, NAT_TEST_X_EXTRA, NAT_TEST_F1_EXTRA))
        proven |= PROVEN(EXTRA_PORT_ANSWER);
    if (p->result.rejected > 0)
        proven |= PROVEN(REJECTED_ANSWER);
    if (udp_leaves(p))
        proven |= PROVEN(UDP_OUTSIDE);
    if (c->interrupted)
        proven |= PROVEN(INTERRUPTED);
    if (c->sent == 0)
        proven |= PROVEN(NOTHING_SENT);
    if ((proven & ~PROVEN(SECONDARY_REFUSAL)) == 0)
        proven |= total_silence(p, c);
    return proven;
}

/* Answered, or, where we hope, under way. */
static bool test_done(const struct classify *p, enum nat_test_name test, struct classify_view view)
{
    const struct nat_test *l = &p->tests[test];

    return l->answered > 0 || (view.hopeful && l->sent > 0 && view.now - l->last_sent < p->wait);
}

static bool tests_done(const struct classify *p, enum nat_test_name first, enum nat_test_name last,
                       struct classify_view view)
{
    for (enum nat_test_name test = first; test <= last; test++)
        if (!test_done(p, test, view))
            return false;
    return true;
}

/* Silent beyond what loss explains. */
static bool is_silent(const struct classify *p, enum nat_test_name test, struct classify_view view,
                      double *odds)
{
    struct classify_count count;

    *odds = 1;
    if (classify_answered(p, test))
        return false;
    *odds = classify_silence(p, test, view, &count);
    return *odds < CLASSIFY_ODDS;
}

/* What two ports of the same test say: FINDING_NOT_APPLICABLE where they contradict each other, as
 * they do when one of them had been another program's. Adds the odds of a no to *ODDS. */
static enum finding pair(const struct classify *p, enum nat_test_name test,
                         struct classify_view view, double *odds)
{
    enum nat_test_name other = test + 1;
    double one, two;
    bool silent = is_silent(p, test, view, &one);
    bool other_silent = is_silent(p, other, view, &two);

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
           (differ(p, NAT_TEST_X_P, NAT_TEST_X_S) || differ(p, NAT_TEST_Y_P, NAT_TEST_Y_S) ||
            (differ(p, NAT_TEST_X_P, NAT_TEST_X_EXTRA) &&
             differ(p, NAT_TEST_F1, NAT_TEST_F1_EXTRA)));
}

static bool mapping_is_independent(const struct classify *p)
{
    /* Two ports: a NAT that draws ports at random may draw the same one twice. */
    return !is_unsteady(p) && !classify_mapping_depends(p) &&
           agree(p, NAT_TEST_X_P, NAT_TEST_X_S) && agree(p, NAT_TEST_Y_P, NAT_TEST_Y_S);
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

static uint32_t prove_mapping(const struct classify *p)
{
    uint32_t proven = is_unsteady(p) ? PROVEN(UNSTEADY) : 0;
    bool by_port = differ(p, NAT_TEST_X_P, NAT_TEST_X_EXTRA);
    bool by_port_too = differ(p, NAT_TEST_F1, NAT_TEST_F1_EXTRA);

    if (find_translation(p) == FINDING_YES)
        proven |= PROVEN(TRANSLATED);
    else if (find_translation(p) == FINDING_NO)
        proven |= PROVEN(UNTRANSLATED);
    if (mapping_is_independent(p))
        proven |= PROVEN(SAME_MAPPING);
    if (differ(p, NAT_TEST_X_P, NAT_TEST_X_S) || differ(p, NAT_TEST_Y_P, NAT_TEST_Y_S))
        proven |= PROVEN(OTHER_MAPPING);
    /* The same address, another port: one local port is enough where the mapping depends on the
     * address, for then nothing else tells two mappings apart. */
    if ((by_port && by_port_too) || ((by_port || by_port_too) && classify_mapping_depends(p)))
        proven |= PROVEN(OTHER_MAPPING_BY_PORT);
    else if (agree(p, NAT_TEST_X_P, NAT_TEST_X_EXTRA) && agree(p, NAT_TEST_F1, NAT_TEST_F1_EXTRA))
        proven |= PROVEN(SAME_MAPPING_BY_PORT);
    return proven;
}

/* Everything that the mapping can be told by is there. */
static bool mapping_done(const struct classify *p, struct classify_view view)
{
    double unused;

    if (!secondary_is_out(p, view) && !tests_done(p, NAT_TEST_X_P, NAT_TEST_Y_S, view))
        return false;
    if (classify_extra_is_out(p, view))
        return true;
    if (secondary_is_out(p, view))
        return tests_done(p, NAT_TEST_X_EXTRA, NAT_TEST_F1_EXTRA, view);
    if (!classify_mapping_depends(p))
        return true;
    return (tests_done(p, NAT_TEST_X_EXTRA, NAT_TEST_F1_EXTRA, view) &&
            test_done(p, NAT_TEST_F1, view)) ||
           is_silent(p, NAT_TEST_X_EXTRA, view, &unused) ||
           is_silent(p, NAT_TEST_F1_EXTRA, view, &unused);
}

static bool anyone_gets_in(const struct classify *p)
{
    return (classify_answered(p, NAT_TEST_ANY0) && classify_answered(p, NAT_TEST_ANY1)) ||
           (classify_answered(p, NAT_TEST_RELAY_ANY0) && classify_answered(p, NAT_TEST_RELAY_ANY1));
}

struct filtering {
    uint32_t proven;
    double odds; /* of the silences that it rests on */
    bool done;   /* nothing more can be found */
};

/* By two tests: does anyone get in, and does another port of an address that was sent to? */
static struct filtering filtering_by(const struct classify *p, enum nat_test_name any,
                                     enum nat_test_name port, struct classify_view view)
{
    struct filtering f = {.done = true};

    switch (pair(p, any, view, &f.odds)) {
    case FINDING_YES:
        f.proven = PROVEN(STRANGER_IN);
        return f;
    case FINDING_NO:
        break;
    case FINDING_UNKNOWN:
        f.done = false;
        return f;
    case FINDING_NOT_APPLICABLE:
        return f;
    }
    f.proven = PROVEN(STRANGER_OUT);
    switch (pair(p, port, view, &f.odds)) {
    case FINDING_YES:
        f.proven |= PROVEN(OTHER_PORT_IN);
        break;
    case FINDING_NO:
        f.proven |= PROVEN(OTHER_PORT_OUT);
        break;
    case FINDING_UNKNOWN:
        f.done = false;
        break;
    case FINDING_NOT_APPLICABLE:
        break;
    }
    return f;
}

/* Without a second address, what the extra port of the first can tell: where another port of an
 * address that was sent to stays out, filtering looks at ports. */
static struct filtering filtering_by_extra_port(const struct classify *p, struct classify_view view)
{
    static const struct references extra_references = {{NAT_TEST_X_P, NAT_TEST_Y_P}, 2};
    struct filtering f = {.done = classify_extra_is_out(p, view)};
    double odds = 0;

    if (f.done)
        return f;
    switch (pair(p, NAT_TEST_RELAY_PORT0, view, &odds)) {
    case FINDING_NO:
        return (struct filtering){PROVEN(OTHER_PORT_OUT), odds, true};
    case FINDING_YES:
        f.proven = PROVEN(OTHER_PORT_IN);
        f.done = true;
        break;
    case FINDING_NOT_APPLICABLE:
        f.done = true;
        break;
    case FINDING_UNKNOWN:
        f.done = are_silent(p, NAT_TEST_RELAY_EXTRA0, &extra_references, view);
        break;
    }
    return f;
}

static struct filtering filtering_by_relay(const struct classify *p, struct classify_view view)
{
    struct filtering f;

    if (anyone_gets_in(p))
        return (struct filtering){.proven = PROVEN(STRANGER_IN), .done = true};
    f = filtering_by(p, NAT_TEST_RELAY_ANY0, NAT_TEST_RELAY_PORT0, view);
    /* Without an extra port, or where it is none, the finding stays the coarser one. */
    if (f.proven == PROVEN(STRANGER_OUT) && !f.done)
        f.done = classify_extra_is_out(p, view);
    f.done |= relay_is_dead(p, view);
    return f;
}

static struct filtering find_filtering(const struct classify *p, struct classify_view view)
{
    struct filtering f;

    if (secondary_is_out(p, view) && !classify_cone_works(p))
        return filtering_by_extra_port(p, view);
    if (classify_mapping_depends(p))
        return filtering_by_relay(p, view);
    f = filtering_by(p, NAT_TEST_ANY0, NAT_TEST_PORT0, view);
    /* The server does not answer the cone bit as it should, or its answers were lost. */
    if (classify_relay_took_over(p) && mapping_is_independent(p) && (!f.done || f.proven == 0))
        return filtering_by(p, NAT_TEST_RELAY_ANY0, NAT_TEST_RELAY_NEAR0, view);
    f.done |= classify_cone_is_dead(p, view) && (is_unsteady(p) || relay_is_dead(p, view));
    return f;
}

bool classify_filtering_open(const struct classify *p, struct classify_view view)
{
    return !find_filtering(p, view).done;
}

/* Where the mapping depends on the destination, a bubble between two ports of this host comes from
 * a mapping that neither knows of: only a NAT that filters nothing would let it in. */
static bool hairpin_testable(const struct classify *p)
{
    if (find_translation(p) != FINDING_YES || !classify_answered(p, NAT_TEST_X_P) ||
        !classify_answered(p, NAT_TEST_Y_P))
        return false;
    return mapping_is_independent(p) || (classify_mapping_depends(p) && anyone_gets_in(p));
}

static enum finding find_hairpin(const struct classify *p, struct classify_view view, double *odds)
{
    double silence;

    if (find_translation(p) == FINDING_NO)
        return FINDING_NOT_APPLICABLE;
    if (classify_answered(p, NAT_TEST_HAIR_XY) || classify_answered(p, NAT_TEST_HAIR_YX))
        return FINDING_YES;
    if (!hairpin_testable(p) || !is_silent(p, NAT_TEST_HAIR_XY, view, &silence))
        return FINDING_UNKNOWN;
    *odds += silence;
    return FINDING_NO;
}

bool classify_hairpin_open(const struct classify *p, struct classify_view view)
{
    double unused = 0;

    return hairpin_testable(p) && find_hairpin(p, view, &unused) == FINDING_UNKNOWN;
}

/* Bubbles that a port gets though it never sent to P show a NAT that discards nothing. */
static bool unasked_gets_in(const struct classify *p)
{
    return classify_answered(p, NAT_TEST_RELAY_ANY0) || classify_answered(p, NAT_TEST_RELAY_ANY1);
}

bool classify_unasked_came(const struct classify *p, struct classify_view view)
{
    static const struct references references = {{NAT_TEST_X_P, NAT_TEST_Y_P}, 2};

    return are_silent(p, NAT_TEST_RELAY_ANY0, &references, view);
}

/* Both ports must agree, as with the filtering. */
static uint32_t prove_trip(const struct classify *p)
{
    bool first = differ(p, NAT_TEST_D0_S, NAT_TEST_D0_P);
    bool second = differ(p, NAT_TEST_D1_S, NAT_TEST_D1_P);

    if (!mapping_is_independent(p) || find_translation(p) != FINDING_YES)
        return 0;
    if (unasked_gets_in(p))
        return PROVEN(NOT_MAPPED_ANEW);
    if (!classify_answered(p, NAT_TEST_RELAY_SELF) || !classify_answered(p, NAT_TEST_D0_P) ||
        !classify_answered(p, NAT_TEST_D1_P))
        return 0;
    return first && second ? PROVEN(MAPPED_ANEW) : (first || second ? 0 : PROVEN(NOT_MAPPED_ANEW));
}

bool classify_trip_open(const struct classify *p, struct classify_view view)
{
    double unused;

    if (find_translation(p) != FINDING_YES || !mapping_is_independent(p) || unasked_gets_in(p))
        return false;
    return !tests_done(p, NAT_TEST_D0_P, NAT_TEST_D1_P, view) &&
           !is_silent(p, NAT_TEST_RELAY_SELF, view, &unused) &&
           !is_silent(p, NAT_TEST_D0_P, view, &unused) &&
           !is_silent(p, NAT_TEST_D1_P, view, &unused);
}

static bool same_mapping(enum nat_depends mapping, struct endpoint a, struct endpoint b)
{
    switch (mapping) {
    case DEPENDS_ENDPOINT_INDEPENDENT:
    case DEPENDS_UNKNOWN:
        return true;
    case DEPENDS_ADDRESS:
        return a.address == b.address;
    case DEPENDS_ADDRESS_AND_PORT:
    case DEPENDS_ENDPOINT:
    case DEPENDS_COUNT:
        break;
    }
    return endpoint_equal(a, b);
}

/* Sets the place of the mapping that carried SOCKET's packets to TO among those that we made. */
static void place(const struct classify *p, enum nat_depends mapping, unsigned socket,
                  struct endpoint to, struct port_point *point)
{
    point->order = 0;
    point->first = true;
    for (unsigned i = 0; i < p->made_count; i++) {
        bool again = false;

        if (p->made[i].socket == socket && same_mapping(mapping, p->made[i].to, to))
            return;
        for (unsigned k = 0; k < i; k++)
            again |= p->made[k].socket == p->made[i].socket &&
                     same_mapping(mapping, p->made[k].to, p->made[i].to);
        point->order += !again;
        point->first &= p->made[i].socket != socket;
    }
}

unsigned classify_points(const struct classify *p, enum nat_depends mapping,
                         struct port_point points[static CLASSIFY_PORTS])
{
    static const enum nat_test_name tests[CLASSIFY_PORTS] = {
        NAT_TEST_X_P, NAT_TEST_X_S, NAT_TEST_Y_P, NAT_TEST_Y_S, NAT_TEST_D0_S,  NAT_TEST_D1_S,
        NAT_TEST_F0,  NAT_TEST_F1,  NAT_TEST_F2,  NAT_TEST_F3,  NAT_TEST_OPEN0, NAT_TEST_OPEN1};
    unsigned count = 0;

    for (unsigned i = 0; i < CLASSIFY_PORTS; i++) {
        const struct nat_test *test = &p->tests[tests[i]];
        struct port_point point = {.local = p->config.local[test->socket].port,
                                   .mapped = test->mapped};
        bool known = false;

        if (test->answered == 0 || test->unsteady)
            continue;
        place(p, mapping, test->socket, test->to, &point);
        for (unsigned k = 0; k < count; k++)
            known |= points[k].order == point.order;
        if (!known)
            points[count++] = point;
    }
    return count;
}

static void find_ports(const struct classify *p, struct classification *c)
{
    struct port_point points[CLASSIFY_PORTS];
    unsigned count = classify_points(p, c->mapping, points);

    if (c->translated != FINDING_YES || c->unsteady) {
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

static enum server_cone find_cone(const struct classify *p, struct classify_view view)
{
    if (classify_cone_works(p))
        return SERVER_CONE_HONOURED;
    if (p->cone_ignored > 0)
        return SERVER_CONE_IGNORED;
    return classify_cone_is_dead(p, view) ? SERVER_CONE_UNANSWERED : SERVER_CONE_UNTRIED;
}

static uint32_t prove_hairpin(const struct classify *p, struct classify_view view, double *odds)
{
    switch (find_hairpin(p, view, odds)) {
    case FINDING_YES:
        return PROVEN(HAIRPIN_IN);
    case FINDING_NO:
        return PROVEN(HAIRPIN_OUT);
    case FINDING_UNKNOWN:
    case FINDING_NOT_APPLICABLE:
        break;
    }
    return 0;
}

static uint32_t prove_server(const struct classify *p, struct classify_view view)
{
    return (classify_cone_is_dead(p, view) ? PROVEN(CONE_BIT_DEAD) : 0) |
           (relay_is_dead(p, view) ? PROVEN(RELAY_DEAD) : 0);
}

static void find_details(const struct classify *p, struct classify_view view,
                         struct classification *c)
{
    find_ports(p, c);
    count_loss(p, view.now, c);
    c->shared_space_router = shared_space_router(p);
    c->private_router = c->translated == FINDING_NO ? 0 : private_router(p);
    if (c->shared_space_router != 0)
        c->proven |= PROVEN(SHARED_SPACE_ROUTER);
    if (c->private_router != 0)
        c->proven |= PROVEN(PRIVATE_ROUTER);
    c->mapped = p->tests[NAT_TEST_X_P].mapped;
    c->mapped_secondary = p->tests[NAT_TEST_X_S].mapped;
    if (classify_answered(p, NAT_TEST_X_P))
        c->local = p->tests[NAT_TEST_X_P].came_to;
    c->rtt = p->fastest;
    c->server_cone = find_cone(p, view);
    c->server_relays = classify_relay_works(p) || classify_answered(p, NAT_TEST_RELAY_SELF)
                           ? FINDING_YES
                       : relay_is_dead(p, view) ? FINDING_NO
                                                : FINDING_UNKNOWN;
    if (c->reach == REACH_REFUSAL(p->refusals[0].refusal)) {
        c->has_icmp = p->refusals[0].errnum == 0;
        c->icmp = p->refusals[0].icmp;
        c->errnum = p->refusals[0].errnum;
    }
}

bool classify_find(const struct classify *p, struct classify_view view, struct classification *c)
{
    struct filtering filtering = find_filtering(p, view);

    c->error_odds = filtering.odds;
    c->proven = filtering.proven | prove_reach(p, view, c) | prove_mapping(p) | prove_trip(p) |
                prove_hairpin(p, view, &c->error_odds) | prove_server(p, view);
    c->unsteady = is_unsteady(p);
    classify_judge(c, p->refusals[0].refusal);
    if (!view.hopeful)
        find_details(p, view, c);
    if (c->reach == REACH_ONLY_SECONDARY)
        return true;
    return classify_primary_answers(p) && c->reach != REACH_UNSURE && mapping_done(p, view) &&
           filtering.done && !classify_hairpin_open(p, view) && !classify_trip_open(p, view) &&
           tests_done(p, NAT_TEST_F0, NAT_TEST_F3, view);
}
