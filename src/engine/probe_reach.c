/* Which of the server's addresses answer, and what it means if none does. */
#include "odds.h"
#include "probe_find.h"

enum {
    REFUSALS = 3 /* that are believed at once */
};

/* A single refusal may be stray, or of a route that was just changing: it is believed after this.
 */
#define REFUSAL_TIME (500 * NSEC_MS)

bool probe_primary_answers(const struct probe *p)
{
    return probe_answered(p, LEG_X_P) || probe_answered(p, LEG_Y_P);
}

bool probe_secondary_answers(const struct probe *p)
{
    return probe_answered(p, LEG_X_S) || probe_answered(p, LEG_Y_S) ||
           probe_answered(p, LEG_D0_S) || probe_answered(p, LEG_D1_S);
}

bool probe_is_refused(const struct probe *p, unsigned address, nsec now)
{
    const struct probe_refusal *r = &p->refusals[address];
    bool answers = address == 0 ? probe_primary_answers(p) : probe_secondary_answers(p);

    return !answers && (r->count >= REFUSALS || (r->count > 0 && now - p->started >= REFUSAL_TIME));
}

enum classify_reach probe_reach_of(enum qualify_reason refusal)
{
    switch (refusal) {
    case QUALIFY_NET_UNREACHABLE:
        return REACH_NET_UNREACHABLE;
    case QUALIFY_PORT_UNREACHABLE:
        return REACH_PORT_UNREACHABLE;
    case QUALIFY_PROHIBITED:
        return REACH_PROHIBITED;
    case QUALIFY_NO_ROUTE:
        return REACH_NO_ROUTE;
    case QUALIFY_SEND_REFUSED:
        return REACH_SEND_REFUSED;
    default:
        return REACH_HOST_UNREACHABLE;
    }
}

unsigned probe_address_misses(const struct probe *p, unsigned address, nsec now, bool hopeful)
{
    static const enum probe_leg_name legs[2][3] = {{LEG_X_P, LEG_Y_P, LEG_F0},
                                                   {LEG_X_S, LEG_Y_S, LEG_D0_S}};
    unsigned misses = 0;

    for (int i = 0; i < 3; i++) {
        struct probe_count count;

        probe_silence(p, legs[address][i], now, hopeful, &count);
        misses += count.misses;
    }
    return misses;
}

/* The path to this address may be worse than the one to the other, whose answers then tell nothing
 * of its loss: so the worst is supposed. */
bool probe_address_silent(const struct probe *p, unsigned address, nsec now, bool hopeful,
                          double *odds)
{
    double silence = odds_at_loss(PROBE_WORST_LOSS, probe_address_misses(p, address, now, hopeful));

    if (silence >= PROBE_ODDS || (!hopeful && now - p->started < PROBE_SILENCE))
        return false;
    *odds += silence;
    return true;
}

static bool is_shared(uint32_t address)
{
    return (address & UINT32_C(0xffc00000)) == UINT32_C(0x64400000);
}

bool probe_udp_leaves(const struct probe *p)
{
    for (unsigned i = 0; i < p->router_count; i++)
        if (ip4_is_global_unicast(p->routers[i]) && !is_shared(p->routers[i]))
            return true;
    return p->server_host_answered;
}

uint32_t probe_shared_space_router(const struct probe *p)
{
    for (unsigned i = 0; i < p->router_count && !is_shared(p->config.local[PROBE_X].address); i++)
        if (is_shared(p->routers[i]))
            return p->routers[i];
    return 0;
}

enum classify_reach probe_find_reach(const struct probe *p, nsec now, bool hopeful,
                                     struct classification *c)
{
    bool primary = probe_primary_answers(p), secondary = probe_secondary_answers(p);

    if (primary && secondary)
        return REACH_BOTH;
    if (primary)
        return probe_is_refused(p, 1, now) ||
                       probe_address_silent(p, 1, now, hopeful, &c->error_odds)
                   ? REACH_ONLY_PRIMARY
                   : REACH_UNSURE;
    if (secondary)
        return probe_is_refused(p, 0, now) ||
                       probe_address_silent(p, 0, now, hopeful, &c->error_odds)
                   ? REACH_ONLY_SECONDARY
                   : REACH_UNSURE;
    if (probe_is_refused(p, 0, now)) {
        c->has_icmp = p->refusals[0].errnum == 0;
        c->icmp = p->refusals[0].icmp;
        c->errnum = p->refusals[0].errnum;
        return p->refusals[0].reach;
    }
    if (c->interrupted)
        return REACH_INTERRUPTED;
    if (p->rejected > 0)
        return REACH_REJECTED;
    if (probe_udp_leaves(p))
        return REACH_SERVER_SILENT;
    c->error_odds = odds_at_loss(PROBE_WORST_LOSS, p->legs[LEG_X_P].sent + p->legs[LEG_X_S].sent);
    return REACH_NO_REPLY;
}
