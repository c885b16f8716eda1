/* The index by hash, against a plain table: numbers whose hashes collide, come and go. */
#include "hash.h"

#include "prng.h"
#include "tap.h"

enum {
    NUMBERS = 300,
    STEPS = 50000
};

struct things {
    uint64_t hashes[NUMBERS + 1];
    bool there[NUMBERS + 1];
};

static uint64_t hash_of(const void *owner, uint32_t number)
{
    const struct things *t = owner;

    return t->hashes[number];
}

/* The slot of NUMBER; false if it is in none that belongs to its hash. */
static bool find(const struct hash_index *x, const struct things *t, uint32_t number, size_t *slot)
{
    for (*slot = hash_first(x, t->hashes[number]); x->slots[*slot] != 0;
         *slot = hash_next(x, *slot))
        if (x->slots[*slot] == number)
            return true;
    return false;
}

static unsigned count_wrong(const struct hash_index *x, const struct things *t)
{
    unsigned wrong = 0;
    size_t slot;

    for (uint32_t number = 1; number <= NUMBERS; number++)
        wrong += find(x, t, number, &slot) != t->there[number];
    return wrong;
}

static void test_index(void)
{
    struct things t = {0};
    struct prng random = {3};
    struct hash_index x;
    unsigned wrong = 0;
    size_t slot;

    ok(hash_index_init(&x, 512), "an index is made");
    /* Half of the numbers share four hashes. */
    for (uint32_t i = 1; i <= NUMBERS; i++)
        t.hashes[i] = i % 2 == 0 ? i % 8 : hash_mix(7, i);
    for (unsigned n = 0; n < STEPS; n++) {
        uint32_t number = 1 + prng_below(&random, NUMBERS);

        if (n == STEPS / 2)
            wrong += !hash_index_grow(&x, hash_of, &t);
        if (!t.there[number])
            hash_index_add(&x, t.hashes[number], number);
        else if (find(&x, &t, number, &slot))
            hash_index_free(&x, slot, hash_of, &t);
        t.there[number] = !t.there[number];
        if (n % 100 == 0)
            wrong += count_wrong(&x, &t);
    }
    is_int(wrong + count_wrong(&x, &t), 0, "each number is found by its hash, until it is freed");
    is_int((int64_t)x.mask, 1023, "growing doubles the slots");
    hash_index_clear(&x);
}

static void test_mix(void)
{
    static const uint8_t zeros[3] = {0};

    ok(hash_mix(hash_mix(0, 1), 2) != hash_mix(hash_mix(0, 2), 1), "the order of words matters");
    ok(hash_bytes(5, zeros, 2) != hash_bytes(5, zeros, 3), "the size of what is hashed matters");
    ok(hash_bytes(5, zeros, 2) != hash_bytes(6, zeros, 2), "the seed matters");
}

int main(void)
{
    test_index();
    test_mix();
    return done_testing();
}
