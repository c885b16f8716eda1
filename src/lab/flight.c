#include "flight.h"

#include <stdlib.h>
#include <string.h>

/* Copies what there is, not the room for more. */
static void packet_copy(struct packet *to, const struct packet *from)
{
    memcpy(to, from, offsetof(struct packet, data) + from->size);
}

void flight_init(struct flight *f, size_t limit)
{
    *f = (struct flight){.limit = limit};
}

void flight_clear(struct flight *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->heap[i].packet);
    free(f->heap);
    *f = (struct flight){0};
}

static bool before(const struct flight_entry *a, const struct flight_entry *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static bool grow(struct flight *f)
{
    size_t capacity = f->capacity == 0 ? 64 : 2 * f->capacity;
    struct flight_entry *heap;

    if (f->count < f->capacity)
        return true;
    heap = realloc(f->heap, capacity * sizeof *heap);
    if (heap == NULL)
        return false;
    f->heap = heap;
    f->capacity = capacity;
    return true;
}

bool flight_add(struct flight *f, nsec due, const struct packet *packet)
{
    struct flight_entry entry = {.due = due, .order = f->next_order};
    size_t i;

    if (f->count == f->limit || !grow(f))
        return false;
    entry.packet = malloc(sizeof *entry.packet);
    if (entry.packet == NULL)
        return false;
    packet_copy(entry.packet, packet);
    f->next_order++;
    i = f->count++;
    while (i > 0 && before(&entry, &f->heap[(i - 1) / 2])) {
        f->heap[i] = f->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    f->heap[i] = entry;
    return true;
}

nsec flight_next(const struct flight *f)
{
    return f->count == 0 ? NSEC_NEVER : f->heap[0].due;
}

bool flight_take(struct flight *f, nsec now, struct packet *out, nsec *due)
{
    struct flight_entry last;
    struct packet *first;
    size_t i = 0;

    if (f->count == 0 || f->heap[0].due > now)
        return false;
    first = f->heap[0].packet;
    *due = f->heap[0].due;
    last = f->heap[--f->count];
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < f->count && before(&f->heap[child + 1], &f->heap[child]))
            child++;
        if (child >= f->count || !before(&f->heap[child], &last))
            break;
        f->heap[i] = f->heap[child];
        i = child;
    }
    if (f->count > 0)
        f->heap[i] = last;
    packet_copy(out, first);
    free(first);
    return true;
}
