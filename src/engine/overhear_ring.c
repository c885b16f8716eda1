#include "overhear_ring.h"

#include <stdlib.h>

bool ring_init(struct ring *r, size_t size)
{
    r->size = size;
    r->earliest = NSEC_NEVER;
    r->deadlines = malloc(size * sizeof *r->deadlines);
    if (r->deadlines == NULL)
        return false;
    for (size_t i = 0; i < size; i++)
        r->deadlines[i] = NSEC_NEVER;
    return true;
}

void ring_free(struct ring *r)
{
    free(r->deadlines);
}

void ring_set(struct ring *r, size_t slot, nsec deadline)
{
    r->deadlines[slot] = deadline;
    r->earliest = nsec_min(r->earliest, deadline);
}

bool ring_due(struct ring *r, nsec now, size_t *slot)
{
    nsec earliest = NSEC_NEVER;

    if (now < r->earliest)
        return false;
    for (size_t i = 0; i < r->size; i++) {
        if (r->deadlines[i] <= now && r->deadlines[i] != NSEC_NEVER) {
            *slot = i;
            return true;
        }
        earliest = nsec_min(earliest, r->deadlines[i]);
    }
    r->earliest = earliest;
    return false;
}

uint32_t ring_take(struct ring *r)
{
    size_t slot = r->next;

    r->next = (r->next + 1) % r->size;
    if (slot == 0)
        r->generation = r->generation % RING_SLOT_MASK + 1;
    return r->generation << RING_SLOT_BITS | (uint32_t)slot;
}
