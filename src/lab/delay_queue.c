#include "delay_queue.h"

#include <stdlib.h>
#include <string.h>

/* Copies what there is, not the room for more. */
static void packet_copy(struct packet *to, const struct packet *from)
{
    memcpy(to, from, offsetof(struct packet, data) + from->size);
}

void delay_queue_init(struct delay_queue *f, size_t limit)
{
    *f = (struct delay_queue){.limit = limit};
}

void delay_queue_clear(struct delay_queue *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->heap[i].packet);
    free(f->heap);
    *f = (struct delay_queue){0};
}

static bool before(const struct delay_entry *a, const struct delay_entry *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static bool grow(struct delay_queue *f)
{
    size_t capacity = f->capacity == 0 ? 64 : 2 * f->capacity;
    struct delay_entry *heap;

    if (f->count < f->capacity)
        return true;
    heap = realloc(f->heap, capacity * sizeof *heap);
    if (heap == NULL)
        return false;
    f->heap = heap;
    f->capacity = capacity;
    return true;
}

bool delay_queue_add(struct delay_queue *f, nsec due, const struct packet *packet)
{
    struct delay_entry entry = {.due = due, .order = f->next_order};
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

nsec delay_queue_next(const struct delay_queue *f)
{
    return f->count == 0 ? NSEC_NEVER : f->heap[0].due;
}

bool delay_queue_take(struct delay_queue *f, nsec now, struct packet *out, nsec *due)
{
    struct delay_entry last;
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
