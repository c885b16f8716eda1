/* How sure silence is: the odds that loss alone explains it. */
#ifndef ENGINE_ODDS_H
#define ENGINE_ODDS_H

/* The probability that MISSES further probes are all lost, after FAILED of TRIALS reference tries
 * on the same path were. The loss rate is unknown; every rate is taken for equally likely at first
 * (Laplace), so that few references never make for much certainty. 1 where MISSES is 0. */
double odds_of_silence(unsigned trials, unsigned failed, unsigned misses);

/* The probability that all of MISSES probes are lost where nothing is known but that a probe and
 * its answer are not lost more often than BOUND (0 to 1). */
double odds_at_loss(double bound, unsigned misses);

enum {
    ODDS_MAX_LEGS = 4,
};

/* How many of the things of a kind came back, and how many did not. A thing of N legs crosses the
 * access lines of hosts N times: 2 for a question to a server and its answer, 4 for one to a peer
 * and back. */
struct odds_record {
    unsigned came[ODDS_MAX_LEGS + 1], missing[ODDS_MAX_LEGS + 1]; /* by legs */
};

/* The probability that all of MISSES (by legs) are lost, where SEEN is what is known of the lines
 * that they cross. Every rate of loss is taken for equally likely at first, and each leg for as
 * lossy as any other. 1 where MISSES is empty. */
double odds_all_lost(const struct odds_record *seen, const unsigned misses[ODDS_MAX_LEGS + 1]);

#endif
