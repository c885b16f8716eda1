/* A mix of words into a hash, and an index of numbered things by their hashes. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* H, a seed at first, with one more word. */
static inline uint64_t hash_mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static inline uint64_t hash_bytes(uint64_t seed, const uint8_t *data, size_t size)
{
    uint64_t h = seed ^ size;

    for (size_t i = 0; i < size; i++)
        h = hash_mix(h, data[i]);
    return h;
}

/* Open addressing: a slot holds the number of a thing, or 0 where it is free. The things are the
 * caller's, who tells the hash of each by a function. At least half of the slots must stay free, so
 * that runs of taken slots stay short. */
struct hash_index {
    uint32_t *slots;
    size_t mask; /* slots less one */
};

typedef uint64_t hash_of_number(const void *owner, uint32_t number);

/* SLOTS is a power of two. False if memory is out. */
bool hash_index_init(struct hash_index *x, size_t slots);
void hash_index_clear(struct hash_index *x);

/* The slots in which a number with the hash H may be: from this one on to the next free one. */
static inline size_t hash_first(const struct hash_index *x, uint64_t h)
{
    return (size_t)(h * UINT64_C(0xd6e8feb86659fd93) >> 24) & x->mask;
}

static inline size_t hash_next(const struct hash_index *x, size_t slot)
{
    return (slot + 1) & x->mask;
}

/* Doubles the slots. False if memory is out: the index is as it was. */
bool hash_index_grow(struct hash_index *x, hash_of_number *hash, const void *owner);

/* Puts NUMBER, with the hash H, into the first free slot. */
void hash_index_add(struct hash_index *x, uint64_t h, uint32_t number);

/* Frees SLOT. */
void hash_index_free(struct hash_index *x, size_t slot, hash_of_number *hash, const void *owner);

#endif
