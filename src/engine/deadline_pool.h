/* Which slots of an array are in use, and until when: the oldest makes way for the newest. */
#ifndef ENGINE_DEADLINE_POOL_H
#define ENGINE_DEADLINE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"

/* A reference is a slot and a generation, so that a name that has outlived what was in the slot
 * finds nothing. It is never 0. */
enum {
    DEADLINE_POOL_SLOT_BITS = 16,
    DEADLINE_POOL_SLOT_MASK = (1 << DEADLINE_POOL_SLOT_BITS) - 1
};

struct deadline_pool {
    size_t size;
    size_t next;
    uint32_t generation;
    struct heap heap;
    struct heap_item *items; /* of each slot; in the heap if it has a deadline */
};

static inline size_t deadline_pool_slot(uint32_t reference)
{
    return reference & DEADLINE_POOL_SLOT_MASK;
}

/* SIZE is at most 2^16. False if memory is out. */
bool deadline_pool_init(struct deadline_pool *r, size_t size);
void deadline_pool_free(struct deadline_pool *r);

/* Takes the oldest slot; returns its new reference. */
uint32_t deadline_pool_take(struct deadline_pool *r);

/* NSEC_NEVER = the slot has none any more. */
void deadline_pool_set(struct deadline_pool *r, size_t slot, nsec deadline);

/* The slot with the earliest deadline, if that has come by NOW; false if there is none. */
bool deadline_pool_due(const struct deadline_pool *r, nsec now, size_t *slot);

#endif
