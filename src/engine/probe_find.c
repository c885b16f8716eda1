#include "probe_find.h"

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
    case LEG_ANY:
    case LEG_PORT:
        return (struct controls){{LEG_OPEN0, LEG_OPEN1}, 2};
    case LEG_RELAY_ANY:
        return (struct controls){{LEG_RELAY_OPEN0, LEG_RELAY_OPEN1}, 2};
    case LEG_RELAY_PORT:
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

static bool answered(const struct probe *p, enum probe_leg_name leg)
{
    return p->legs[leg].answered > 0;
}

/* Answered, or, where we hope, under way. */
static bool leg_done(const struct probe *p, enum probe_leg_name leg, nsec now, bool hopeful)
{
    const struct probe_leg *l = &p->legs[leg];

    return l->answered > 0 || (hopeful && l->sent > 0 && now - l->last_sent < p->wait);
}

/* Silent beyond what loss explains; adds the odds to *ODDS. */
static bool is_silent(const struct probe *p, enum probe_leg_name leg, nsec now, bool hopeful,
                      double *odds)
{
    struct probe_count count;
    double silence;

    if (answered(p, leg))
        return false;
    silence = probe_silence(p, leg, now, hopeful, &count);
    if (silence >= PROBE_ODDS)
        return false;
    *odds += silence;
    return true;
}

static bool differ(const struct probe *p, enum probe_leg_name a, enum probe_leg_name b)
{
    return answered(p, a) && answered(p, b) &&
           !endpoint_equal(p->legs[a].mapped, p->legs[b].mapped);
}

static bool agree(const struct probe *p, enum probe_leg_name a, enum probe_leg_name b)
{
    return answered(p, a) && answered(p, b) && endpoint_equal(p->legs[a].mapped, p->legs[b].mapped);
}

bool probe_mapping_depends(const struct probe *p)
{
    return differ(p, LEG_X_P, LEG_X_S) || differ(p, LEG_Y_P, LEG_Y_S);
}

bool probe_mapping_independent(const struct probe *p)
{
    /* Two ports: a NAT that draws ports at random may draw the same one twice. */
    return agree(p, LEG_X_P, LEG_X_S) && agree(p, LEG_Y_P, LEG_Y_S);
}

static bool primary_answers(const struct probe *p)
{
    return answered(p, LEG_X_P) || answered(p, LEG_Y_P);
}

static bool secondary_answers(const struct probe *p)
{
    return answered(p, LEG_X_S) || answered(p, LEG_Y_S) || answered(p, LEG_D_S);
}

unsigned probe_address_misses(const struct probe *p, bool primary, nsec now, bool hopeful)
{
    static const enum probe_leg_name legs[2][3] = {{LEG_X_S, LEG_Y_S, LEG_D_S},
                                                   {LEG_X_P, LEG_Y_P, LEG_F0}};
    unsigned misses = 0;

    for (size_t i = 0; i < COUNT(legs[0]); i++) {
        struct probe_count count;

        probe_silence(p, legs[primary][i], now, hopeful, &count);
        misses += count.misses;
    }
    return misses;
}

/* An address that never answers. The path to it may be worse than the one to the other address,
 * whose answers tell nothing of its loss then: so the worst is supposed. */
static bool address_silent(const struct probe *p, bool primary, nsec now, bool hopeful,
                           double *odds)
{
    double silence = odds_at_loss(PROBE_WORST_LOSS, probe_address_misses(p, primary, now, hopeful));

    if (silence >= PROBE_ODDS)
        return false;
    *odds += silence;
    return true;
}

static bool secondary_silent(const struct probe *p, nsec now, bool hopeful, double *odds)
{
    return !secondary_answers(p) &&
           (p->refused[1].failed || address_silent(p, false, now, hopeful, odds));
}

/* A router of the internet, as far as its address tells: not of this network's private space, nor
 * of a carrier's behind its NAT (RFC 6598). */
static bool is_shared(uint32_t address)
{
    return (address & UINT32_C(0xffc00000)) == UINT32_C(0x64400000);
}

static bool udp_leaves(const struct probe *p)
{
    for (unsigned i = 0; i < p->router_count; i++)
        if (ip4_is_global_unicast(p->routers[i]) && !is_shared(p->routers[i]))
            return true;
    return p->server_host_answered;
}

static enum classify_reach find_reach(const struct probe *p, nsec now, bool hopeful,
                                      struct classification *c)
{
    bool primary = primary_answers(p), secondary = secondary_answers(p);

    if (primary && secondary)
        return REACH_BOTH;
    if (primary)
        return secondary_silent(p, now, hopeful, &c->error_odds) ? REACH_ONLY_PRIMARY
                                                                 : REACH_UNSURE;
    if (secondary)
        return p->refused[0].failed || address_silent(p, true, now, hopeful, &c->error_odds)
                   ? REACH_ONLY_SECONDARY
                   : REACH_UNSURE;
    if (p->refused[0].failed) {
        c->has_icmp = p->refused[0].errnum == 0;
        c->icmp = p->refused[0].icmp;
        c->errnum = p->refused[0].errnum;
        return p->refused[0].reach;
    }
    if (p->rejected > 0)
        return REACH_REJECTED;
    if (udp_leaves(p))
        return REACH_SERVER_SILENT;
    if (c->interrupted)
        return REACH_INTERRUPTED;
    c->error_odds = odds_at_loss(PROBE_WORST_LOSS, p->legs[LEG_X_P].sent + p->legs[LEG_X_S].sent);
    return REACH_NO_REPLY;
}

static enum finding find_translation(const struct probe *p)
{
    const struct endpoint *x = &p->legs[LEG_X_P].mapped, *y = &p->legs[LEG_Y_P].mapped;
    bool x_known = answered(p, LEG_X_P), y_known = answered(p, LEG_Y_P);

    if ((x_known && !endpoint_equal(*x, p->config.local[PROBE_X])) ||
        (y_known && !endpoint_equal(*y, p->config.local[PROBE_Y])))
        return FINDING_YES;
    return x_known && y_known ? FINDING_NO : FINDING_UNKNOWN;
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

/* Everything that mapping can be told is told. */
static bool mapping_done(const struct probe *p, nsec now, bool hopeful)
{
    double unused = 0;

    if (secondary_silent(p, now, hopeful, &unused))
        return true;
    if (!leg_done(p, LEG_X_S, now, hopeful) || !leg_done(p, LEG_Y_S, now, hopeful) ||
        !leg_done(p, LEG_X_P, now, hopeful) || !leg_done(p, LEG_Y_P, now, hopeful))
        return false;
    if (p->config.extra_port == 0 || !probe_mapping_depends(p))
        return true;
    return (leg_done(p, LEG_X_EXTRA, now, hopeful) && leg_done(p, LEG_F1_EXTRA, now, hopeful) &&
            leg_done(p, LEG_F1, now, hopeful)) ||
           is_silent(p, LEG_X_EXTRA, now, hopeful, &unused);
}

/* Behind a NAT whose mapping depends on the destination: by relayed bubbles. *DONE is cleared where
 * more can be found. */
static enum nat_depends find_relayed_filtering(const struct probe *p, nsec now, bool hopeful,
                                               double *odds, bool *done)
{
    double unused = 0;

    if (answered(p, LEG_RELAY_ANY))
        return DEPENDS_ENDPOINT_INDEPENDENT;
    if (!is_silent(p, LEG_RELAY_ANY, now, hopeful, odds)) {
        *done = false;
        return DEPENDS_UNKNOWN;
    }
    if (p->config.extra_port == 0)
        return DEPENDS_ENDPOINT;
    if (answered(p, LEG_RELAY_PORT))
        return DEPENDS_ADDRESS;
    if (is_silent(p, LEG_RELAY_PORT, now, hopeful, odds))
        return DEPENDS_ADDRESS_AND_PORT;
    /* An extra port that is none: then the finding stays the coarser one. */
    *done = is_silent(p, LEG_X_EXTRA, now, hopeful, &unused);
    return DEPENDS_ENDPOINT;
}

static enum nat_depends find_filtering(const struct probe *p, nsec now, bool hopeful, double *odds,
                                       bool *done)
{
    *done = true;
    if (answered(p, LEG_ANY))
        return DEPENDS_ENDPOINT_INDEPENDENT;
    if (probe_mapping_depends(p))
        return find_relayed_filtering(p, now, hopeful, odds, done);
    if (!is_silent(p, LEG_ANY, now, hopeful, odds)) {
        *done = false;
        return DEPENDS_UNKNOWN;
    }
    if (answered(p, LEG_PORT))
        return DEPENDS_ADDRESS;
    if (is_silent(p, LEG_PORT, now, hopeful, odds))
        return DEPENDS_ADDRESS_AND_PORT;
    *done = false;
    return DEPENDS_ENDPOINT;
}

bool probe_filtering_open(const struct probe *p, nsec now, bool hopeful)
{
    double unused = 0;
    bool done;

    find_filtering(p, now, hopeful, &unused, &done);
    return !done;
}

static bool hairpin_answered(const struct probe *p)
{
    return answered(p, LEG_HAIR_XY) || answered(p, LEG_HAIR_YX);
}

/* Where the mapping depends on the destination, a bubble between two ports of this host comes from
 * a mapping that neither knows of: only a NAT that filters nothing would let it in. */
static bool hairpin_testable(const struct probe *p)
{
    return find_translation(p) == FINDING_YES && answered(p, LEG_X_P) && answered(p, LEG_Y_P) &&
           (probe_mapping_independent(p) ||
            (probe_mapping_depends(p) && (answered(p, LEG_ANY) || answered(p, LEG_RELAY_ANY))));
}

static enum finding find_hairpin(const struct probe *p, nsec now, bool hopeful, double *odds)
{
    if (find_translation(p) == FINDING_NO)
        return FINDING_NOT_APPLICABLE;
    if (hairpin_answered(p))
        return FINDING_YES;
    return hairpin_testable(p) && is_silent(p, LEG_HAIR_XY, now, hopeful, odds) ? FINDING_NO
                                                                                : FINDING_UNKNOWN;
}

bool probe_hairpin_open(const struct probe *p, nsec now, bool hopeful)
{
    double unused = 0;

    return hairpin_testable(p) && find_hairpin(p, now, hopeful, &unused) == FINDING_UNKNOWN;
}

static enum nat_name find_name(const struct classification *c)
{
    if (c->reach == REACH_NO_REPLY || c->reach == REACH_PROHIBITED)
        return NAT_NAME_BLOCKED;
    if (c->translated == FINDING_YES && c->mapping != DEPENDS_UNKNOWN &&
        c->mapping != DEPENDS_ENDPOINT_INDEPENDENT)
        return NAT_NAME_SYMMETRIC;
    if (c->mapping != DEPENDS_ENDPOINT_INDEPENDENT)
        return NAT_NAME_UNKNOWN;
    switch (c->filtering) {
    case DEPENDS_ENDPOINT_INDEPENDENT:
        return c->translated == FINDING_YES ? NAT_NAME_CONE : NAT_NAME_NONE;
    case DEPENDS_ADDRESS:
        return c->translated == FINDING_YES ? NAT_NAME_ADDRESS_RESTRICTED : NAT_NAME_FIREWALL;
    case DEPENDS_ADDRESS_AND_PORT:
        return c->translated == FINDING_YES ? NAT_NAME_PORT_RESTRICTED : NAT_NAME_FIREWALL;
    case DEPENDS_UNKNOWN:
    case DEPENDS_ENDPOINT:
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

/* A carrier's NAT behind the one at home: a host with a private address whose packets come by
 * shared address space on their way out, which RFC 6598 keeps for that purpose. */
static void find_second_nat(const struct probe *p, struct classification *c)
{
    uint32_t local = p->config.local[PROBE_X].address;

    for (unsigned i = 0; i < p->router_count; i++)
        if (is_shared(p->routers[i]) && !is_shared(local) && !ip4_is_global_unicast(local) &&
            c->translated == FINDING_YES) {
            c->second_nat = FINDING_YES;
            c->second_nat_router = p->routers[i];
        }
}

static void count_loss(const struct probe *p, nsec now, struct classification *c)
{
    static const enum probe_leg_name steady[] = {LEG_X_P, LEG_Y_P};

    c->controls = c->controls_answered = 0;
    for (size_t i = 0; i < COUNT(steady) && primary_answers(p); i++)
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
    c->reach = find_reach(p, now, hopeful, c);
    c->translated = find_translation(p);
    c->mapping = find_mapping(p);
    c->filtering = find_filtering(p, now, hopeful, &c->error_odds, &filtering_done);
    c->hairpinning = find_hairpin(p, now, hopeful, &c->error_odds);
    if (!hopeful) {
        find_ports(p, c);
        find_second_nat(p, c);
        count_loss(p, now, c);
        c->mapped = p->legs[LEG_X_P].mapped;
        c->mapped_secondary = p->legs[LEG_X_S].mapped;
        c->rtt = p->fastest;
    }
    c->nat = find_name(c);
    c->verdict = find_verdict(c);
    if (c->reach == REACH_ONLY_SECONDARY)
        return true;
    return primary_answers(p) && c->reach != REACH_UNSURE && mapping_done(p, now, hopeful) &&
           filtering_done && !probe_hairpin_open(p, now, hopeful) &&
           leg_done(p, LEG_F0, now, hopeful) && leg_done(p, LEG_F1, now, hopeful) &&
           leg_done(p, LEG_F2, now, hopeful) && leg_done(p, LEG_F3, now, hopeful);
}
