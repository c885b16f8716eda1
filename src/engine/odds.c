#include "odds.h"

#include <string.h>

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

enum {
    STEPS = 1000 /* of the integral */
};

/* Each of PRODUCT times its BASE to the power of EXPONENT. */
static void multiply_by_power(double product[STEPS], const double base[STEPS], unsigned exponent)
{
    double power[STEPS];

    memcpy(power, base, sizeof power);
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0)
            for (unsigned i = 0; i < STEPS; i++)
                product[i] *= power[i];
        for (unsigned i = 0; i < STEPS; i++)
            power[i] *= power[i];
    }
}

double odds_all_lost(const struct odds_record *seen, const unsigned misses[ODDS_MAX_LEGS + 1])
{
    /* At each rate at which a leg passes a packet: how likely it makes what was seen, and that all
     * of MISSES are lost. The likelihood stays far above the smallest double for some hundreds of
     * observations. */
    double pass[STEPS], all_pass[STEPS], is_lost[STEPS], likelihood[STEPS], silence[STEPS];
    double all = 0, lost = 0;
    unsigned count = 0, passed = 0;

    for (unsigned legs = 1; legs <= ODDS_MAX_LEGS; legs++) {
        count += misses[legs];
        passed += legs * seen->came[legs];
    }
    if (count == 0)
        return 1;
    for (unsigned i = 0; i < STEPS; i++) {
        pass[i] = (i + 0.5) / STEPS;
        all_pass[i] = likelihood[i] = silence[i] = 1;
    }
    multiply_by_power(likelihood, pass, passed);
    for (unsigned legs = 1; legs <= ODDS_MAX_LEGS; legs++) {
        for (unsigned i = 0; i < STEPS; i++) {
            all_pass[i] *= pass[i];
            is_lost[i] = 1 - all_pass[i];
        }
        multiply_by_power(likelihood, is_lost, seen->missing[legs]);
        multiply_by_power(silence, is_lost, misses[legs]);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        all += likelihood[i];
        lost += likelihood[i] * silence[i];
    }
    return all > 0 ? lost / all : 1;
}
