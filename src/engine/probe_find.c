#include "probe_find.h"

#include "odds.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What must be answered in the same round for a leg's silence to mean something. */
struct controls {
    enum probe_leg_name legs[2];
    unsigned count;
};

static struct controls controls_of(enum probe_leg_name leg)
{
    switch (leg) {
    case LEG_X_P:
    case LEG_Y_P:
    case LEG_F0:
        return (struct controls){{LEG_X_S, LEG_Y_S}, 2};
    case LEG_ANY0:
    case LEG_ANY1:
    case LEG_PORT0:
    case LEG_PORT1:
        return (struct controls){{LEG_OPEN0, LEG_OPEN1}, 2};
    case LEG_RELAY_ANY0:
    case LEG_RELAY_ANY1:
        return (struct controls){{LEG_RELAY_OPEN0, LEG_RELAY_OPEN1}, 2};
    case LEG_RELAY_PORT0:
    case LEG_RELAY_PORT1:
        return (struct controls){{LEG_RELAY_EXTRA, LEG_RELAY_EXTRA}, 1};
    default:
        return (struct controls){{LEG_X_P, LEG_Y_P}, 2};
    }
}

/* The first bubble between two ports only opens the NAT for the other's. */
static unsigned first_round(const struct probe *p, enum probe_leg_name leg)
{
    unsigned round = 0;

    if (leg != LEG_HAIR_XY)
        return 0;
    while (round < p->round && p->legs[leg].tries[round].sent == 0)
        round++;
    return round + 1;
}

double probe_silence(const struct probe *p, enum probe_leg_name leg, nsec now, bool hopeful,
                     struct probe_count *count)
{
    struct controls c = controls_of(leg);
    const struct probe_leg *controls[2] = {&p->legs[c.legs[0]], &p->legs[c.legs[1]]};

    *count = (struct probe_count){0};
    probe_leg_count(&p->legs[leg], controls, c.count, first_round(p, leg), p->round, now, p->wait,
                    hopeful, count);
    return odds_of_silence(count->trials, count->failed, count->misses);
}

/* Answered, or, where we hope, under way. */
static bool leg_done(const struct probe *p, enum probe_leg_name leg, nsec now, bool hopeful)
{
    const struct probe_leg *l = &p->legs[leg];

    return l->answered > 0 || (hopeful && l->sent > 0 && now - l->last_sent < p->wait);
}

static bool legs_done(const struct probe *p, enum probe_leg_name first, enum probe_leg_name last,
                      nsec now, bool hopeful)
{
    for (enum probe_leg_name leg = first; leg <= last; leg++)
        if (!leg_done(p, leg, now, hopeful))
            return false;
    return true;
}

/* Silent beyond what loss explains. */
static bool is_silent(const struct probe *p, enum probe_leg_name leg, nsec now, bool hopeful,
                      double *odds)
{
    struct probe_count count;

    *odds = 1;
    if (probe_answered(p, leg))
        return false;
    *odds = probe_silence(p, leg, now, hopeful, &count);
    return *odds < PROBE_ODDS;
}

/* What two ports of the same test say: FINDING_NOT_APPLICABLE where they contradict each other, as
 * they do when one of them had been another program's. Adds the odds of a no to *ODDS. */
static enum finding pair(const struct probe *p, enum probe_leg_name leg, nsec now, bool hopeful,
                         double *odds)
{
    enum probe_leg_name other = leg + 1;
    double one, two;
    bool silent = is_silent(p, leg, now, hopeful, &one);
    bool other_silent = is_silent(p, other, now, hopeful, &two);

    if (probe_answered(p, leg) && probe_answered(p, other))
        return FINDING_YES;
    if (silent && other_silent) {
        *odds += one > two ? one : two;
        return FINDING_NO;
    }
    if ((silent && probe_answered(p, other)) || (other_silent && probe_answered(p, leg)))
        return FINDING_NOT_APPLICABLE;
    return FINDING_UNKNOWN;
}

/* One port's external endpoint must stay the same, and its answers come in by one address of this
 * host: else a difference between two destinations may be one between two moments. */
static bool is_unsteady(const struct probe *p)
{
    static const enum probe_leg_name legs[] = {LEG_X_P, LEG_Y_P, LEG_X_S, LEG_Y_S};
    uint32_t address = 0;

    for (size_t i = 0; i < COUNT(legs); i++) {
        const struct probe_leg *leg = &p->legs[legs[i]];

        if (leg->answered == 0)
            continue;
        if (leg->unsteady || (address != 0 && leg->came_to.address != address))
            return true;
        address = leg->came_to.address;
    }
    return false;
}

static bool differ(const struct probe *p, enum probe_leg_name a, enum probe_leg_name b)
{
    return probe_answered(p, a) && probe_answered(p, b) &&
           !endpoint_equal(p->legs[a].mapped, p->legs[b].mapped);
}

static bool agree(const struct probe *p, enum probe_leg_name a, enum probe_leg_name b)
{
    return probe_answered(p, a) && probe_answered(p, b) &&
           endpoint_equal(p->legs[a].mapped, p->legs[b].mapped);
}

bool probe_mapping_depends(const struct probe *p)
{
    return !is_unsteady(p) && (differ(p, LEG_X_P, LEG_X_S) || differ(p, LEG_Y_P, LEG_Y_S));
}

bool probe_mapping_independent(const struct probe *p)
{
    /* Two ports: a NAT that draws ports at random may draw the same one twice. */
    return !is_unsteady(p) && agree(p, LEG_X_P, LEG_X_S) && agree(p, LEG_Y_P, LEG_Y_S);
}

static bool is_translated(const struct probe *p, enum probe_leg_name leg)
{
    return probe_answered(p, leg) && !endpoint_equal(p->legs[leg].mapped, p->legs[leg].came_to);
}

static enum finding find_translation(const struct probe *p)
{
    if (is_translated(p, LEG_X_P) || is_translated(p, LEG_Y_P))
        return FINDING_YES;
    return probe_answered(p, LEG_X_P) && probe_answered(p, LEG_Y_P) ? FINDING_NO : FINDING_UNKNOWN;
}

static enum nat_depends find_mapping(const struct probe *p)
{
    if (probe_mapping_independent(p))
        return DEPENDS_ENDPOINT_INDEPENDENT;
    if (!probe_mapping_depends(p))
        return DEPENDS_UNKNOWN;
    /* The same address, another port. */
    if (differ(p, LEG_X_P, LEG_X_EXTRA) || differ(p, LEG_F1, LEG_F1_EXTRA))
        return DEPENDS_ADDRESS_AND_PORT;
    if (agree(p, LEG_X_P, LEG_X_EXTRA) && agree(p, LEG_F1, LEG_F1_EXTRA))
        return DEPENDS_ADDRESS;
    return DEPENDS_ENDPOINT;
}

/* Everything that the mapping can be told by is there. */
static bool mapping_done(const struct probe *p, nsec now, bool hopeful)
{
    double unused = 0;

    if (!probe_secondary_answers(p) &&
        (probe_is_refused(p, 1, now) || probe_address_silent(p, 1, now, hopeful, &unused)))
        return true;
    if (!legs_done(p, LEG_X_P, LEG_Y_S, now, hopeful))
        return false;
    if (p->config.extra_port == 0 || !probe_mapping_depends(p))
        return true;
    return (legs_done(p, LEG_X_EXTRA, LEG_F1_EXTRA, now, hopeful) &&
            leg_done(p, LEG_F1, now, hopeful)) ||
           is_silent(p, LEG_X_EXTRA, now, hopeful, &unused);
}

static bool anyone_gets_in(const struct probe *p)
{
    return (probe_answered(p, LEG_ANY0) && probe_answered(p, LEG_ANY1)) ||
           (probe_answered(p, LEG_RELAY_ANY0) && probe_answered(p, LEG_RELAY_ANY1));
}

/* By two tests: does anyone get in, and does another port of an address that was sent to? *DONE is
 * cleared where more can be found. */
static enum nat_depends filtering_by(const struct probe *p, enum probe_leg_name any,
                                     enum probe_leg_name port, nsec now, bool hopeful, double *odds,
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

static enum nat_depends find_filtering(const struct probe *p, nsec now, bool hopeful, double *odds,
                                       bool *done)
{
    enum nat_depends found;
    double unused;

    *done = true;
    if (!probe_mapping_depends(p))
        return filtering_by(p, LEG_ANY0, LEG_PORT0, now, hopeful, odds, done);
    if (anyone_gets_in(p))
        return DEPENDS_ENDPOINT_INDEPENDENT;
    found = filtering_by(p, LEG_RELAY_ANY0, LEG_RELAY_PORT0, now, hopeful, odds, done);
    /* Without an extra port, or where it is none, the finding stays the coarser one. */
    if (found == DEPENDS_ENDPOINT && !*done)
        *done = p->config.extra_port == 0 || is_silent(p, LEG_X_EXTRA, now, hopeful, &unused);
    return found;
}

bool probe_filtering_open(const struct probe *p, nsec now, bool hopeful)
{
    double unused = 0;
    bool done;

    find_filtering(p, now, hopeful, &unused, &done);
    return !done;
}

/* Where the mapping depends on the destination, a bubble between two ports of this host comes from
 * a mapping that neither knows of: only a NAT that filters nothing would let it in. */
static bool hairpin_testable(const struct probe *p)
{
    if (find_translation(p) != FINDING_YES || !probe_answered(p, LEG_X_P) ||
        !probe_answered(p, LEG_Y_P))
        return false;
    return probe_mapping_independent(p) || (probe_mapping_depends(p) && anyone_gets_in(p));
}

static enum finding find_hairpin(const struct probe *p, nsec now, bool hopeful, double *odds)
{
    double silence;

    if (find_translation(p) == FINDING_NO)
        return FINDING_NOT_APPLICABLE;
    if (probe_answered(p, LEG_HAIR_XY) || probe_answered(p, LEG_HAIR_YX))
        return FINDING_YES;
    if (!hairpin_testable(p) || !is_silent(p, LEG_HAIR_XY, now, hopeful, &silence))
        return FINDING_UNKNOWN;
    *odds += silence;
    return FINDING_NO;
}

bool probe_hairpin_open(const struct probe *p, nsec now, bool hopeful)
{
    double unused = 0;

    return hairpin_testable(p) && find_hairpin(p, now, hopeful, &unused) == FINDING_UNKNOWN;
}

static enum nat_name find_name(const struct classification *c)
{
    bool translated = c->translated == FINDING_YES;

    if (c->reach == REACH_NO_REPLY || c->reach == REACH_PROHIBITED)
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

static void find_ports(const struct probe *p, struct classification *c)
{
    struct port_point points[CLASSIFY_PORTS];
    unsigned count = probe_points(p, c->mapping, points);

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

static void count_loss(const struct probe *p, nsec now, struct classification *c)
{
    static const enum probe_leg_name steady[] = {LEG_X_P, LEG_Y_P};

    c->controls = c->controls_answered = 0;
    for (size_t i = 0; i < COUNT(steady) && probe_primary_answers(p); i++)
        for (unsigned round = 0; round < p->round; round++) {
            const struct probe_try *t = &p->legs[steady[i]].tries[round];

            if (t->sent == 0 || (now - t->sent < p->wait && t->answered == 0))
                continue;
            c->controls++;
            c->controls_answered += t->answered != 0;
        }
}

bool probe_find(const struct probe *p, nsec now, bool hopeful, struct classification *c)
{
    bool filtering_done;

    c->error_odds = 0;
    c->reach = probe_find_reach(p, now, hopeful, c);
    c->translated = find_translation(p);
    c->unsteady = is_unsteady(p);
    c->mapping = find_mapping(p);
    c->filtering = find_filtering(p, now, hopeful, &c->error_odds, &filtering_done);
    c->hairpinning = find_hairpin(p, now, hopeful, &c->error_odds);
    if (!hopeful) {
        find_ports(p, c);
        count_loss(p, now, c);
        c->shared_space_router = probe_shared_space_router(p);
        c->mapped = p->legs[LEG_X_P].mapped;
        c->mapped_secondary = p->legs[LEG_X_S].mapped;
        if (probe_answered(p, LEG_X_P))
            c->local = p->legs[LEG_X_P].came_to;
        c->rtt = p->fastest;
    }
    c->nat = find_name(c);
    c->verdict = find_verdict(c);
    if (c->reach == REACH_ONLY_SECONDARY)
        return true;
    return probe_primary_answers(p) && c->reach != REACH_UNSURE && mapping_done(p, now, hopeful) &&
           filtering_done && !probe_hairpin_open(p, now, hopeful) &&
           legs_done(p, LEG_F0, LEG_F3, now, hopeful);
}
