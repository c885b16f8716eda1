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

#endif
