#include "lru_set.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct lru_set {
    size_t words; /* of an entry: those of the key, then the note */
    size_t capacity;
    size_t mask; /* slots of the index less one */
    uint64_t seed;
    uint64_t added;
    size_t limit;      /* keys that the index has room for */
    uint32_t *entries; /* a ring: entry i is the (i + 1)th key added, modulo the capacity */
    uint32_t *index;   /* open addressing: number of an entry plus one, or 0 */
};

enum {
    FIRST_SLOTS = 1024
};

struct lru_set *lru_set_new(unsigned key_words, size_t capacity, uint64_t seed)
{
    struct lru_set *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->words = key_words + 1;
    r->capacity = capacity;
    r->mask = FIRST_SLOTS - 1;
    r->limit = FIRST_SLOTS / 2;
    r->seed = seed;
    r->entries = calloc(capacity, r->words * sizeof *r->entries);
    r->index = calloc(FIRST_SLOTS, sizeof *r->index);
    if (r->entries == NULL || r->index == NULL) {
        lru_set_free(r);
        return NULL;
    }
    return r;
}

static size_t home_slot(const struct lru_set *r, const uint32_t *key)
{
    uint64_t h = r->seed;

    for (size_t i = 0; i + 1 < r->words; i++) {
        h = (h ^ key[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    return (size_t)(h * UINT64_C(0xd6e8feb86659fd93) >> 24) & r->mask;
}

static uint32_t *entry_of(const struct lru_set *r, uint32_t number)
{
    return r->entries + (size_t)(number - 1) * r->words;
}

static bool is_key(const struct lru_set *r, const uint32_t *entry, const uint32_t *key)
{
    for (size_t i = 0; i + 1 < r->words; i++)
        if (entry[i] != key[i])
            return false;
    return true;
}

/* The slot of KEY, or the free one where it belongs. */
static size_t find_slot(const struct lru_set *r, const uint32_t *key)
{
    size_t slot = home_slot(r, key);

    while (r->index[slot] != 0 && !is_key(r, entry_of(r, r->index[slot]), key))
        slot = (slot + 1) & r->mask;
    return slot;
}

/* Doubles the index, which begins small, for a small one stays in the processor's cache. Two slots
 * a key keep the runs of taken slots short. Where memory is out the index stays as it is, and the
 * oldest keys make way sooner. */
static void grow(struct lru_set *r)
{
    size_t old_slots = r->mask + 1;
    uint32_t *old = r->index, *index = calloc(old_slots * 2, sizeof *index);

    if (index == NULL) {
        r->capacity = r->limit;
        return;
    }
    r->index = index;
    r->mask = old_slots * 2 - 1;
    r->limit *= 2;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i] != 0)
            index[find_slot(r, entry_of(r, old[i]))] = old[i];
    free(old);
}

/* Frees SLOT, and closes the gap for those that had to go past it (Knuth 6.4, algorithm R). */
static void free_slot(struct lru_set *r, size_t slot)
{
    size_t gap = slot;

    for (;;) {
        size_t home;

        slot = (slot + 1) & r->mask;
        if (r->index[slot] == 0)
            break;
        home = home_slot(r, entry_of(r, r->index[slot]));
        if (((slot - home) & r->mask) >= ((slot - gap) & r->mask)) {
            r->index[gap] = r->index[slot];
            gap = slot;
        }
    }
    r->index[gap] = 0;
}

uint32_t *lru_set_find(const struct lru_set *r, const uint32_t *key)
{
    uint32_t number = r->index[find_slot(r, key)];

    return number == 0 ? NULL : entry_of(r, number) + r->words - 1;
}

uint32_t *lru_set_add(struct lru_set *r, const uint32_t *key)
{
    size_t slot = find_slot(r, key);
    uint32_t *entry;
    uint32_t number;

    if (r->index[slot] != 0)
        return entry_of(r, r->index[slot]) + r->words - 1;
    if (r->added == r->limit && r->limit < r->capacity) {
        grow(r);
        slot = find_slot(r, key);
    }
    number = (uint32_t)(r->added % r->capacity) + 1;
    entry = entry_of(r, number);
    if (r->added >= r->capacity) {
        free_slot(r, find_slot(r, entry));
        slot = find_slot(r, key);
    }
    memcpy(entry, key, (r->words - 1) * sizeof *key);
    entry[r->words - 1] = 0;
    r->index[slot] = number;
    r->added++;
    return entry + r->words - 1;
}

uint64_t lru_set_added(const struct lru_set *r)
{
    return r->added;
}

uint64_t lru_set_forgotten(const struct lru_set *r)
{
    return r->added > r->capacity ? r->added - r->capacity : 0;
}

void lru_set_free(struct lru_set *r)
{
    if (r == NULL)
        return;
    free(r->entries);
    free(r->index);
    free(r);
}
