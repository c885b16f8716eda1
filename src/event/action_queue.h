/* A bounded first-in first-out queue of pending actions, for engines to embed. Engines push only a
 * few actions an observation, and drivers drain after each; should it fill all the same, `lost`
 * counts what was overwritten. */
#ifndef EVENT_ACTION_QUEUE_H
#define EVENT_ACTION_QUEUE_H

#include "action.h"

enum {
    ACTION_QUEUE_SIZE = 16
};

struct action_queue {
    struct action actions[ACTION_QUEUE_SIZE];
    unsigned head;
    unsigned count;
    unsigned lost;
};

/* Returns the slot of a new action at the end, kind set, the rest for the caller to fill; a scratch
 * slot (and `lost` counted) where the queue is full. */
struct action *action_push(struct action_queue *q, enum action_kind kind);

/* Takes the oldest action; false if there is none. */
bool action_pop(struct action_queue *q, struct action *out);

/* Pushes a SEND of the encoded packet P from socket 0; returns the request, for the caller to
 * choose another socket or a TTL. */
struct send_request *action_push_packet(struct action_queue *q, uint32_t tag, struct endpoint to,
                                        const struct teredo_packet *p);

/* Pushes an EVENT of KIND at WHEN; returns the event for the caller to fill. */
struct event *action_push_event(struct action_queue *q, enum event_kind kind, nsec when);

#endif
