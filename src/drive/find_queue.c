#include "find_queue.h"

#include <stdlib.h>
#include <string.h>

#include "teredo_flows.h"

struct held {
    struct capture_find find;
    uint8_t *bytes; /* of the UDP payload */
    size_t room;
};

struct find_queue {
    struct held held[FIND_QUEUE_ROOM];
    /* Numbers of held: the queue in its order, the first COUNT of them, then the free ones. */
    unsigned order[FIND_QUEUE_ROOM];
    unsigned count;
};

struct find_queue *find_queue_new(void)
{
    struct find_queue *q = calloc(1, sizeof *q);

    for (unsigned i = 0; q != NULL && i < FIND_QUEUE_ROOM; i++)
        q->order[i] = i;
    return q;
}

void find_queue_free(struct find_queue *q)
{
    for (unsigned i = 0; q != NULL && i < FIND_QUEUE_ROOM; i++)
        free(q->held[i].bytes);
    free(q);
}

static bool keep_bytes(struct held *h, const struct captured_packet *packet)
{
    size_t size = packet->udp.payload_size;

    if (h->room < size || h->bytes == NULL) {
        uint8_t *bytes = realloc(h->bytes, size + 1);

        if (bytes == NULL)
            return false;
        h->bytes = bytes;
        h->room = size + 1;
    }
    if (size > 0)
        memcpy(h->bytes, packet->udp.payload, size);
    teredo_flows_move(&h->find.packet, h->bytes);
    return true;
}

bool find_queue_put(struct find_queue *q, const struct capture_find *find)
{
    unsigned at = q->count, slot;

    if (q->count == FIND_QUEUE_ROOM)
        return false;
    slot = q->order[at];
    q->held[slot].find = *find;
    if (!find->is_error && !keep_bytes(&q->held[slot], &find->packet))
        return false;
    while (at > 0 && q->held[q->order[at - 1]].find.packet.steady > find->packet.steady) {
        q->order[at] = q->order[at - 1];
        at--;
    }
    q->order[at] = slot;
    q->count++;
    return true;
}

bool find_queue_is_empty(const struct find_queue *q)
{
    return q->count == 0;
}

bool find_queue_is_full(const struct find_queue *q)
{
    return q->count + 1 >= FIND_QUEUE_ROOM;
}

void find_queue_shift(struct find_queue *q, nsec from, nsec by)
{
    for (unsigned i = 0; i < q->count; i++) {
        nsec *steady = &q->held[q->order[i]].find.packet.steady;

        if (*steady >= from)
            *steady -= by;
    }
}

bool find_queue_take(struct find_queue *q, nsec until, struct capture_find *out)
{
    unsigned slot = q->order[0];

    if (q->count == 0 || q->held[slot].find.packet.steady > until)
        return false;
    *out = q->held[slot].find;
    q->count--;
    memmove(q->order, q->order + 1, q->count * sizeof *q->order);
    /* Its bytes are in use until the next one is put in its place, as the last of those. */
    q->order[q->count] = slot;
    return true;
}
