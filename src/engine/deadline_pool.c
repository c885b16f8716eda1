#include "deadline_pool.h"

#include <stdlib.h>

bool deadline_pool_init(struct deadline_pool *r, size_t size)
{
    r->size = size;
    r->items = calloc(size, sizeof *r->items);
    return r->items != NULL && heap_reserve(&r->heap, size);
}

void deadline_pool_free(struct deadline_pool *r)
{
    heap_free(&r->heap);
    free(r->items);
}

void deadline_pool_set(struct deadline_pool *r, size_t slot, nsec deadline)
{
    if (deadline == NSEC_NEVER)
        heap_remove(&r->heap, &r->items[slot]);
    else
        heap_set(&r->heap, &r->items[slot], deadline);
}

bool deadline_pool_due(const struct deadline_pool *r, nsec now, size_t *slot)
{
    if (heap_when(&r->heap) > now || r->heap.count == 0)
        return false;
    *slot = (size_t)(heap_first(&r->heap) - r->items);
    return true;
}

uint32_t deadline_pool_take(struct deadline_pool *r)
{
    size_t slot = r->next;

    r->next = (r->next + 1) % r->size;
    if (slot == 0)
        r->generation = r->generation % DEADLINE_POOL_SLOT_MASK + 1;
    return r->generation << DEADLINE_POOL_SLOT_BITS | (uint32_t)slot;
}
