/* A set of bounded size: keys of a few 32-bit words, each with a note of 32 bits. When the set is
 * full, a new key replaces the oldest one. What a capture shows is kept in such sets, so that
 * memory does not grow with the file. Memory that no key has used yet is not touched. */
#ifndef BASE_LRU_SET_H
#define BASE_LRU_SET_H

#include <stddef.h>
#include <stdint.h>

struct lru_set;

/* A set of at most CAPACITY keys (1 to 2^30) of KEY_WORDS words, in
 * CAPACITY × (KEY_WORDS + 1) × 4 bytes and an index of 8 to 16 bytes a key. SEED keeps the
 * author of a capture from choosing keys that collide. NULL if memory is out. */
struct lru_set *lru_set_new(unsigned key_words, size_t capacity, uint64_t seed);

/* The note of KEY, or NULL if it is not there (any more); valid until the next lru_set_add. */
uint32_t *lru_set_find(const struct lru_set *r, const uint32_t *key);

/* The same, but a KEY that is not in the set is added with a note of 0. */
uint32_t *lru_set_add(struct lru_set *r, const uint32_t *key);

/* How many keys were added, and how many of those were replaced. */
uint64_t lru_set_added(const struct lru_set *r);
uint64_t lru_set_forgotten(const struct lru_set *r);

void lru_set_free(struct lru_set *r);

#endif
