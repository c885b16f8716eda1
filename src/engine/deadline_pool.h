/* Which slots of an array are in use, and until when: the oldest makes way for the newest. */
#ifndef ENGINE_DEADLINE_POOL_H
#define ENGINE_DEADLINE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nsec.h"

/* A reference is a slot and a generation, so that a name that has outlived what was in the slot
 * finds nothing. It is never 0. */
enum {
    RING_SLOT_BITS = 16,
    RING_SLOT_MASK = (1 << RING_SLOT_BITS) - 1
};

struct ring {
    size_t size;
    size_t next;
    uint32_t generation;
    nsec *deadlines; /* of each slot; NSEC_NEVER = none */
    uint16_t *heap;  /* the slots, as a heap by their deadlines */
    uint16_t *place; /* of each slot, where it is in the heap */
    nsec earliest;   /* of them all */
};

static inline size_t ring_slot(uint32_t reference)
{
    return reference & RING_SLOT_MASK;
}

/* SIZE is at most 2^16. False if memory is out. */
bool ring_init(struct ring *r, size_t size);
void ring_free(struct ring *r);

/* Takes the oldest slot; returns its new reference. */
uint32_t ring_take(struct ring *r);

void ring_set(struct ring *r, size_t slot, nsec deadline);

/* The slot with the earliest deadline, if that has come by NOW; false if there is none. */
bool ring_due(const struct ring *r, nsec now, size_t *slot);

#endif
