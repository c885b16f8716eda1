/* What an engine wants sent, kept by its driver until observe has returned. */
#ifndef DRIVE_SEND_QUEUE_H
#define DRIVE_SEND_QUEUE_H

#include "engine.h"

struct queued_send {
    struct queued_send *next;
    struct send_request request; /* its bytes are those that follow */
    uint8_t bytes[];
};

/* First in, first out; all zero = empty. */
struct send_queue {
    struct queued_send *first, *last;
};

/* Adds a copy of the request at the end. Where memory is out the datagram is lost, as it might be
 * on the network. */
void send_queue_add(struct send_queue *q, const struct send_request *request);

/* Takes the oldest request, which is the caller's to free; NULL if there is none. */
struct queued_send *send_queue_take(struct send_queue *q);

/* Frees all requests. */
void send_queue_clear(struct send_queue *q);

#endif
