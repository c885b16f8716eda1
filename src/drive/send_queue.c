#include "send_queue.h"

#include <stdlib.h>
#include <string.h>

void send_queue_add(struct send_queue *q, const struct send_request *request)
{
    struct queued_send *s = malloc(sizeof *s + request->size);

    if (s == NULL)
        return;
    s->next = NULL;
    s->request = *request;
    s->request.bytes = s->bytes;
    memcpy(s->bytes, request->bytes, request->size);
    if (q->first == NULL)
        q->first = s;
    else
        q->last->next = s;
    q->last = s;
}

struct queued_send *send_queue_take(struct send_queue *q)
{
    struct queued_send *s = q->first;

    if (s != NULL)
        q->first = s->next;
    return s;
}

void send_queue_clear(struct send_queue *q)
{
    struct queued_send *s;

    while ((s = send_queue_take(q)) != NULL)
        free(s);
}
