#include "action_queue.h"

struct action *action_push(struct action_queue *q, enum action_kind kind)
{
    struct action *a;

    if (q->count == ACTION_QUEUE_SIZE) {
        /* Overwrite the newest: the oldest was promised first. */
        q->lost++;
        a = &q->actions[(q->head + q->count - 1) % ACTION_QUEUE_SIZE];
    } else {
        a = &q->actions[(q->head + q->count++) % ACTION_QUEUE_SIZE];
    }
    a->kind = kind;
    return a;
}

bool action_pop(struct action_queue *q, struct action *out)
{
    const struct action *a = &q->actions[q->head];

    if (q->count == 0)
        return false;
    *out = *a;
    q->count--;
    /* An empty queue starts over, so that the slots behind stay memory that nobody has touched. */
    q->head = q->count == 0 ? 0 : (q->head + 1) % ACTION_QUEUE_SIZE;
    return true;
}

struct send_request *action_push_packet(struct action_queue *q, uint32_t tag, struct endpoint to,
                                        const struct teredo_packet *p)
{
    struct action *a = action_push(q, ACTION_SEND);
    struct writer w = writer_of(a->send.bytes, sizeof a->send.bytes);

    teredo_encode(&w, p);
    a->send.socket = 0;
    a->send.tag = tag;
    a->send.to = to;
    a->send.ttl = 0;
    a->send.size = w.size;
    return &a->send;
}

struct event *action_push_event(struct action_queue *q, enum event_kind kind, nsec when)
{
    struct action *a = action_push(q, ACTION_EVENT);

    a->event = (struct event){.kind = kind, .when = when};
    return &a->event;
}
