/* Slots with deadlines. */
#include "deadline_pool.h"
#include "prng.h"
#include "tap.h"

enum {
    SIZE = 37,
    STEPS = 20000
};

/* The earliest by looking at them all. */
static nsec earliest_of(const nsec *deadlines)
{
    nsec best = NSEC_NEVER;

    for (int i = 0; i < SIZE; i++)
        best = nsec_min(best, deadlines[i]);
    return best;
}

static void test_deadlines(void)
{
    nsec deadlines[SIZE];
    struct prng random = {1};
    struct deadline_pool r = {0};
    unsigned wrong = 0;
    size_t slot;

    ok(deadline_pool_init(&r, SIZE), "a pool is made");
    ok(!deadline_pool_due(&r, NSEC_NEVER - 1, &slot), "nothing is due in it");
    for (int i = 0; i < SIZE; i++)
        deadlines[i] = NSEC_NEVER;
    for (int n = 0; n < STEPS; n++) {
        nsec now = (nsec)prng_below(&random, 1000);

        slot = prng_below(&random, SIZE);
        deadlines[slot] = prng_below(&random, 4) == 0 ? NSEC_NEVER : prng_below(&random, 1000);
        deadline_pool_set(&r, slot, deadlines[slot]);
        if (deadline_pool_due(&r, now, &slot))
            wrong += deadlines[slot] != earliest_of(deadlines) || deadlines[slot] > now;
        else
            wrong += earliest_of(deadlines) <= now;
    }
    is_int(wrong, 0, "the earliest deadline is the one that is due");
    deadline_pool_free(&r);
}

static void test_references(void)
{
    struct deadline_pool r = {0};
    uint32_t first, again;

    ok(deadline_pool_init(&r, 2), "a pool of two");
    first = deadline_pool_take(&r);
    ok(first != 0 && deadline_pool_slot(first) == 0,
       "the first reference is none that means nothing");
    is_int((int64_t)deadline_pool_slot(deadline_pool_take(&r)), 1, "then the other slot");
    again = deadline_pool_take(&r);
    ok(deadline_pool_slot(again) == 0 && again != first, "then the oldest, under another name");
    deadline_pool_free(&r);
}

int main(void)
{
    test_deadlines();
    test_references();
    return done_testing();
}
