#include <stdlib.h>

#include "lru_set.h"
#include "prng.h"
#include "tap.h"

static void test_finds(void)
{
    struct lru_set *r = lru_set_new(2, 10, 1);
    uint32_t a[2] = {1, 2}, b[2] = {2, 1};

    ok(lru_set_find(r, a) == NULL, "what was not added is not there");
    is_int(*lru_set_add(r, a), 0, "the note of a new key is 0");
    *lru_set_add(r, a) = 7;
    is_int(*lru_set_find(r, a), 7, "the note is kept");
    ok(lru_set_find(r, b) == NULL, "the words of a key count in their order");
    is_int((int64_t)lru_set_added(r), 1, "adding a key twice adds it once");
    lru_set_free(r);
    lru_set_free(NULL);
}

static void test_forgets(void)
{
    struct lru_set *r = lru_set_new(1, 3, 1);
    uint32_t key;

    for (key = 1; key <= 4; key++)
        *lru_set_add(r, &key) = key;
    key = 1;
    ok(lru_set_find(r, &key) == NULL, "when it is full the oldest key makes way");
    for (key = 2; key <= 4; key++)
        ok(lru_set_find(r, &key) != NULL && *lru_set_find(r, &key) == key, "key %u stays", key);
    is_int((int64_t)lru_set_forgotten(r), 1, "one was forgotten");
    key = 1;
    is_int(*lru_set_add(r, &key), 0, "a key that comes again begins anew");
    lru_set_free(r);
}

/* Against a plain ring of the last CAPACITY keys. */
static void test_like_a_ring(size_t capacity, uint32_t range)
{
    struct lru_set *r = lru_set_new(3, capacity, 99);
    struct prng prng = {capacity};
    uint32_t *ring = calloc(capacity, sizeof *ring);
    uint64_t added = 0, differences = 0;

    for (int i = 0; i < 200000; i++) {
        uint32_t key[3] = {prng_below(&prng, range) + 1, 5, 6};
        uint32_t *note = lru_set_find(r, key);
        bool there = false;

        if (capacity <= 100) {
            for (size_t j = 0; j < capacity; j++)
                there |= ring[j] == key[0];
            differences += there != (note != NULL);
        }
        differences += note != NULL && *note != key[0];
        if (note == NULL) {
            ring[added++ % capacity] = key[0];
            *lru_set_add(r, key) = key[0];
        }
    }
    is_int((int64_t)differences, 0, "a set of %zu holds the last keys, and their notes", capacity);
    is_int((int64_t)lru_set_added(r), (int64_t)added, "and counts those of a set of %zu", capacity);
    free(ring);
    lru_set_free(r);
}

static void test_grows(void)
{
    enum {
        KEYS = 100000
    };
    struct lru_set *r = lru_set_new(1, KEYS, 3);
    uint32_t missing = 0;

    for (uint32_t key = 0; key < KEYS; key++)
        *lru_set_add(r, &key) = ~key;
    for (uint32_t key = 0; key < KEYS; key++)
        missing += lru_set_find(r, &key) == NULL || *lru_set_find(r, &key) != ~key;
    is_int(missing, 0, "as many keys as fit are all there");
    is_int((int64_t)lru_set_forgotten(r), 0, "and none was forgotten");
    lru_set_free(r);
}

int main(void)
{
    test_finds();
    test_forgets();
    test_like_a_ring(1, 3);
    test_like_a_ring(2, 5);
    test_like_a_ring(64, 100);
    test_like_a_ring(5000, 20000);
    test_grows();
    return done_testing();
}
