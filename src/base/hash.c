#include "hash.h"

#include <stdlib.h>

bool hash_index_init(struct hash_index *x, size_t slots)
{
    x->mask = slots - 1;
    x->slots = calloc(slots, sizeof *x->slots);
    return x->slots != NULL;
}

void hash_index_clear(struct hash_index *x)
{
    free(x->slots);
    x->slots = NULL;
}

void hash_index_add(struct hash_index *x, uint64_t h, uint32_t number)
{
    size_t slot = hash_first(x, h);

    while (x->slots[slot] != 0)
        slot = hash_next(x, slot);
    x->slots[slot] = number;
}

bool hash_index_grow(struct hash_index *x, hash_of_number *hash, const void *owner)
{
    struct hash_index old = *x;

    if (!hash_index_init(x, 2 * (old.mask + 1))) {
        *x = old;
        return false;
    }
    for (size_t i = 0; i <= old.mask; i++)
        if (old.slots[i] != 0)
            hash_index_add(x, hash(owner, old.slots[i]), old.slots[i]);
    free(old.slots);
    return true;
}

/* Numbers that were put behind the slot because it was taken move up (Knuth 6.4, algorithm R). */
void hash_index_free(struct hash_index *x, size_t slot, hash_of_number *hash, const void *owner)
{
    size_t gap = slot;

    for (;;) {
        size_t home;

        slot = hash_next(x, slot);
        if (x->slots[slot] == 0)
            break;
        home = hash_first(x, hash(owner, x->slots[slot]));
        if (((slot - home) & x->mask) >= ((slot - gap) & x->mask)) {
            x->slots[gap] = x->slots[slot];
            gap = slot;
        }
    }
    x->slots[gap] = 0;
}
