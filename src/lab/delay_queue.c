#include "delay_queue.h"

#include <stdlib.h>
#include <string.h>

void delay_queue_init(struct delay_queue *q, size_t limit)
{
    *q = (struct delay_queue){.limit = limit};
}

void delay_queue_clear(struct delay_queue *q)
{
    for (size_t i = 0; i < q->heap.count; i++)
        free(q->heap.items[i]);
    heap_free(&q->heap);
}

bool delay_queue_add(struct delay_queue *q, nsec due, const struct packet *packet)
{
    struct packet *copy;

    if (q->heap.count == q->limit || !heap_reserve(&q->heap, q->heap.count + 1))
        return false;
    copy = malloc(sizeof *copy);
    if (copy == NULL)
        return false;
    /* What there is, not the room for more. */
    memcpy(copy, packet, offsetof(struct packet, data) + packet->size);
    copy->due = (struct heap_item){0};
    return heap_set(&q->heap, &copy->due, due);
}

nsec delay_queue_next(const struct delay_queue *q)
{
    return heap_when(&q->heap);
}

struct packet *delay_queue_take(struct delay_queue *q, nsec now)
{
    struct packet *first = (struct packet *)heap_first(&q->heap);

    if (first == NULL || first->due.when > now)
        return NULL;
    heap_remove(&q->heap, &first->due);
    return first;
}
