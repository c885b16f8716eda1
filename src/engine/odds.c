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
