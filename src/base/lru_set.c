#include "lru_set.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

struct lru_set {
    size_t words; /* of an entry: those of the key, then the note */
    size_t capacity;
    uint64_t seed;
    uint64_t added;
    size_t limit;            /* keys that the index has room for */
    uint32_t *entries;       /* a ring: entry i is the (i + 1)th key added, modulo the capacity */
    struct hash_index index; /* number 1 is entry 0 */
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
    r->limit = FIRST_SLOTS / 2;
    r->seed = seed;
    r->entries = calloc(capacity, r->words * sizeof *r->entries);
    if (!hash_index_init(&r->index, FIRST_SLOTS) || r->entries == NULL) {
        lru_set_free(r);
        return NULL;
    }
    return r;
}

static uint64_t hash_of(const struct lru_set *r, const uint32_t *key)
{
    uint64_t h = r->seed;

    for (size_t i = 0; i + 1 < r->words; i++)
        h = hash_mix(h, key[i]);
    return h;
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

static uint64_t hash_of_entry(const void *set, uint32_t number)
{
    const struct lru_set *r = set;

    return hash_of(r, entry_of(r, number));
}

/* The slot of KEY, or the free one where it belongs. */
static size_t find_slot(const struct lru_set *r, const uint32_t *key)
{
    const struct hash_index *x = &r->index;
    size_t slot = hash_first(x, hash_of(r, key));

    while (x->slots[slot] != 0 && !is_key(r, entry_of(r, x->slots[slot]), key))
        slot = hash_next(x, slot);
    return slot;
}

/* The index begins small, for a small index stays in the processor's cache. Where memory is out the
 * index keeps its size, and the set keeps fewer keys. */
static void grow(struct lru_set *r)
{
    if (hash_index_grow(&r->index, hash_of_entry, r))
        r->limit *= 2;
    else
        r->capacity = r->limit;
}

uint32_t *lru_set_find(const struct lru_set *r, const uint32_t *key)
{
    uint32_t number = r->index.slots[find_slot(r, key)];

    return number == 0 ? NULL : entry_of(r, number) + r->words - 1;
}

uint32_t *lru_set_add(struct lru_set *r, const uint32_t *key)
{
    size_t slot = find_slot(r, key);
    uint32_t *entry;
    uint32_t number;

    if (r->index.slots[slot] != 0)
        return entry_of(r, r->index.slots[slot]) + r->words - 1;
    if (r->added == r->limit && r->limit < r->capacity) {
        grow(r);
        slot = find_slot(r, key);
    }
    number = (uint32_t)(r->added % r->capacity) + 1;
    entry = entry_of(r, number);
    if (r->added >= r->capacity) {
        hash_index_free(&r->index, find_slot(r, entry), hash_of_entry, r);
        slot = find_slot(r, key);
    }
    memcpy(entry, key, (r->words - 1) * sizeof *key);
    entry[r->words - 1] = 0;
    r->index.slots[slot] = number;
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
    hash_index_clear(&r->index);
    free(r);
}
