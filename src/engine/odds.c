#include "odds.h"

double odds_of_silence(unsigned trials, unsigned failed, unsigned misses)
{
    double odds = 1;

    /* Bernoulli trials under a uniform prior: the next one fails with (failed + 1) / (trials + 2),
     * and so on, each miss counted among the trials of the one after it. */
    for (unsigned i = 0; i < misses; i++)
        odds *= (double)(failed + 1 + i) / (double)(trials + 2 + i);
    return odds;
}

double odds_at_loss(double bound, unsigned misses)
{
    double odds = 1;

    for (unsigned i = 0; i < misses; i++)
        odds *= bound;
    return odds;
}

static double power(double base, unsigned exponent)
{
    double result = 1;

    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0)
            result *= base;
        base *= base;
    }
    return result;
}

double odds_all_lost(const struct odds_record *seen, const unsigned misses[ODDS_MAX_LEGS + 1])
{
    enum {
        STEPS = 1000
    };
    double all = 0, lost = 0;
    unsigned count = 0, passed = 0;

    for (unsigned legs = 1; legs <= ODDS_MAX_LEGS; legs++) {
        count += misses[legs];
        passed += legs * seen->came[legs];
    }
    if (count == 0)
        return 1;
    /* The integral over all rates at which a leg passes a packet. The likelihood of what was seen
     * stays far above the smallest double for some hundreds of observations. */
    for (unsigned i = 0; i < STEPS; i++) {
        double pass = (i + 0.5) / STEPS, likelihood = power(pass, passed), silence = 1;

        for (unsigned legs = 1; legs <= ODDS_MAX_LEGS; legs++) {
            double stays;

            if (seen->missing[legs] == 0 && misses[legs] == 0)
                continue;
            stays = 1 - power(pass, legs);
            likelihood *= power(stays, seen->missing[legs]);
            silence *= power(stays, misses[legs]);
        }
        all += likelihood;
        lost += likelihood * silence;
    }
    return all > 0 ? lost / all : 1;
}
