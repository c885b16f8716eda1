/* A small repeatable generator (splitmix64) for simulations: the same seed, the same sequence on
 * every machine. Never for nonces: those come from getrandom (src/io/entropy.h). */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state;
};

static inline uint64_t prng_next(struct prng *p)
{
    uint64_t z = p->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A number below BOUND (not 0); the bias is below 2^-32 for the bounds used here. */
static inline uint32_t prng_below(struct prng *p, uint32_t bound)
{
    return (uint32_t)((prng_next(p) >> 32) * bound >> 32);
}

/* A number in [0, 1). */
static inline double prng_unit(struct prng *p)
{
    return (double)(prng_next(p) >> 11) * 0x1p-53;
}

#endif
