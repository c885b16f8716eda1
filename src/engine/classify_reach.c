/* Which of the server's addresses answer, and what it means if none does. */
#include "classify_find.h"
#include "odds.h"

enum {
    REFUSALS = 3 /* that are believed at once */
};

/* A single refusal may be stray, or of a route that was just changing: it is believed after this.
 */
#define REFUSAL_TIME (500 * NSEC_MS)

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

    return !answers && (r->count >= REFUSALS || (r->count > 0 && now - p->started >= REFUSAL_TIME));
}

unsigned classify_address_misses(const struct classify *p, unsigned address, nsec now, bool hopeful)
{
    static const enum nat_test_name tests[2][3] = {{NAT_TEST_X_P, NAT_TEST_Y_P, NAT_TEST_F0},
                                                   {NAT_TEST_X_S, NAT_TEST_Y_S, NAT_TEST_D0_S}};
    unsigned misses = 0;

    for (int i = 0; i < 3; i++) {
        struct classify_count count;

        classify_silence(p, tests[address][i], now, hopeful, &count);
        misses += count.misses;
    }
    return misses;
}

/* The path to this address may be worse than the one to the other, whose answers then tell nothing
 * of its loss: so the worst is supposed. */
bool classify_address_silent(const struct classify *p, unsigned address, nsec now, bool hopeful,
                             double *odds)
{
    double silence =
        odds_at_loss(CLASSIFY_WORST_LOSS, classify_address_misses(p, address, now, hopeful));

    if (silence >= CLASSIFY_ODDS || (!hopeful && now - p->started < CLASSIFY_SILENCE))
        return false;
    *odds += silence;
    return true;
}

static bool is_shared(uint32_t address)
{
    return (address & UINT32_C(0xffc00000)) == UINT32_C(0x64400000);
}

bool classify_udp_leaves(const struct classify *p)
{
    for (unsigned i = 0; i < p->router_count; i++)
        if (ip4_is_global_unicast(p->routers[i]) && !is_shared(p->routers[i]))
            return true;
    return p->server_host_answered;
}

uint32_t classify_shared_space_router(const struct classify *p)
{
    for (unsigned i = 0; i < p->router_count && !is_shared(p->config.local[CLASSIFY_X].address);
         i++)
        if (is_shared(p->routers[i]))
            return p->routers[i];
    return 0;
}

enum classify_reach classify_find_reach(const struct classify *p, nsec now, bool hopeful,
                                        struct classification *c)
{
    bool primary = classify_primary_answers(p), secondary = classify_secondary_answers(p);

    if (primary && secondary)
        return REACH_BOTH;
    if (primary)
        return classify_is_refused(p, 1, now) ||
                       classify_address_silent(p, 1, now, hopeful, &c->error_odds)
                   ? REACH_ONLY_PRIMARY
                   : REACH_UNSURE;
    if (secondary)
        return classify_is_refused(p, 0, now) ||
                       classify_address_silent(p, 0, now, hopeful, &c->error_odds)
                   ? REACH_ONLY_SECONDARY
                   : REACH_UNSURE;
    if (classify_is_refused(p, 0, now)) {
        c->has_icmp = p->refusals[0].errnum == 0;
        c->icmp = p->refusals[0].icmp;
        c->errnum = p->refusals[0].errnum;
        return REACH_REFUSAL(p->refusals[0].refusal);
    }
    if (c->interrupted)
        return REACH_INTERRUPTED;
    if (p->rejected > 0)
        return REACH_REJECTED;
    if (classify_udp_leaves(p))
        return REACH_SERVER_SILENT;
    c->error_odds = odds_at_loss(CLASSIFY_WORST_LOSS,
                                 p->tests[NAT_TEST_X_P].sent + p->tests[NAT_TEST_X_S].sent);
    return REACH_NO_REPLY;
}
