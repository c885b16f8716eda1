/* A heap by time: of the items in it, the one that is due first; of items that are due at the same
 * time, the one that was set first. An item is part of a struct of the caller's, who owns it and
 * takes it out of the heap before it is freed. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nsec.h"

/* Zeroed, it is in no heap. */
struct heap_item {
    nsec when;
    uint64_t order; /* the heap's, when it was set */
    size_t place;   /* in the heap, from 1; 0 = in none */
};

/* Zeroed, it is empty. */
struct heap {
    struct heap_item **items;
    size_t count, capacity;
    uint64_t order;
};

/* Makes room for COUNT items in all. False if memory is out. */
bool heap_reserve(struct heap *h, size_t count);

/* Frees the heap, not the items. */
void heap_free(struct heap *h);

/* Puts the item into the heap, or moves it if it is there already. False if memory is out, which
 * cannot happen where there is room for it. */
bool heap_set(struct heap *h, struct heap_item *item, nsec when);

/* Takes the item out, if it is in the heap. */
void heap_remove(struct heap *h, struct heap_item *item);

/* The first item; NULL if there is none. */
static inline struct heap_item *heap_first(const struct heap *h)
{
    return h->count > 0 ? h->items[0] : NULL;
}

/* When it is due; NSEC_NEVER if there is none. */
static inline nsec heap_when(const struct heap *h)
{
    const struct heap_item *first = heap_first(h);

    return first != NULL ? first->when : NSEC_NEVER;
}

#endif
