#include "deadline_pool.h"

#include <stdlib.h>

bool deadline_pool_init(struct deadline_pool *r, size_t size)
{
    r->size = size;
    r->earliest = NSEC_NEVER;
    r->deadlines = malloc(size * sizeof *r->deadlines);
    r->heap = malloc(size * sizeof *r->heap);
    r->place = malloc(size * sizeof *r->place);
    if (r->deadlines == NULL || r->heap == NULL || r->place == NULL)
        return false;
    for (size_t i = 0; i < size; i++) {
        r->deadlines[i] = NSEC_NEVER;
        r->heap[i] = r->place[i] = (uint16_t)i;
    }
    return true;
}

void deadline_pool_free(struct deadline_pool *r)
{
    free(r->deadlines);
    free(r->heap);
    free(r->place);
}

static nsec deadline_at(const struct deadline_pool *r, size_t i)
{
    return r->deadlines[r->heap[i]];
}

static void swap(struct deadline_pool *r, size_t i, size_t j)
{
    uint16_t slot = r->heap[i];

    r->heap[i] = r->heap[j];
    r->heap[j] = slot;
    r->place[r->heap[i]] = (uint16_t)i;
    r->place[slot] = (uint16_t)j;
}

void deadline_pool_set(struct deadline_pool *r, size_t slot, nsec deadline)
{
    size_t i = r->place[slot];

    r->deadlines[slot] = deadline;
    for (; i > 0 && deadline_at(r, i) < deadline_at(r, (i - 1) / 2); i = (i - 1) / 2)
        swap(r, i, (i - 1) / 2);
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < r->size && deadline_at(r, child + 1) < deadline_at(r, child))
            child++;
        if (child >= r->size || deadline_at(r, child) >= deadline_at(r, i))
            break;
        swap(r, i, child);
        i = child;
    }
    r->earliest = deadline_at(r, 0);
}

bool deadline_pool_due(const struct deadline_pool *r, nsec now, size_t *slot)
{
    *slot = r->heap[0];
    return r->earliest <= now && r->earliest != NSEC_NEVER;
}

uint32_t deadline_pool_take(struct deadline_pool *r)
{
    size_t slot = r->next;

    r->next = (r->next + 1) % r->size;
    if (slot == 0)
        r->generation = r->generation % DEADLINE_POOL_SLOT_MASK + 1;
    return r->generation << DEADLINE_POOL_SLOT_BITS | (uint32_t)slot;
}
