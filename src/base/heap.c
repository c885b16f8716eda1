#include "heap.h"

#include <stdlib.h>

enum {
    FIRST_CAPACITY = 64
};

bool heap_reserve(struct heap *h, size_t count)
{
    size_t capacity = h->capacity > 0 ? h->capacity : FIRST_CAPACITY;
    struct heap_item **items;

    if (count <= h->capacity)
        return true;
    while (capacity < count)
        capacity *= 2;
    items = realloc(h->items, capacity * sizeof(struct heap_item *));
    if (items == NULL)
        return false;
    h->items = items;
    h->capacity = capacity;
    return true;
}

void heap_free(struct heap *h)
{
    free(h->items);
    *h = (struct heap){0};
}

static bool before(const struct heap_item *a, const struct heap_item *b)
{
    return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void put(struct heap *h, size_t i, struct heap_item *item)
{
    h->items[i] = item;
    item->place = i + 1;
}

/* Puts the item where it belongs, on the way from place I up, or else down. */
static void settle(struct heap *h, size_t i, struct heap_item *item)
{
    for (; i > 0 && before(item, h->items[(i - 1) / 2]); i = (i - 1) / 2)
        put(h, i, h->items[(i - 1) / 2]);
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < h->count && before(h->items[child + 1], h->items[child]))
            child++;
        if (child >= h->count || !before(h->items[child], item))
            break;
        put(h, i, h->items[child]);
        i = child;
    }
    put(h, i, item);
}

bool heap_set(struct heap *h, struct heap_item *item, nsec when)
{
    if (item->place == 0) {
        if (!heap_reserve(h, h->count + 1))
            return false;
        put(h, h->count++, item);
    }
    item->when = when;
    item->order = h->order++;
    settle(h, item->place - 1, item);
    return true;
}

void heap_remove(struct heap *h, struct heap_item *item)
{
    size_t place = item->place;
    struct heap_item *last;

    if (place == 0)
        return;
    item->place = 0;
    last = h->items[--h->count];
    if (last != item)
        settle(h, place - 1, last);
}
