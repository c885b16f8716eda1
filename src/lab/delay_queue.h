/* The packets under way, in order of the time at which something happens to them. Those due at the
 * same time come in the order in which they were added. */
#ifndef LAB_DELAY_QUEUE_H
#define LAB_DELAY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"
#include "plan.h"

struct packet {
    struct heap_item due; /* first: the queue's */
    uint64_t id;
    uint64_t about;
    unsigned copy;
    enum lab_host host; /* whose link it is on */
    bool inward;
    size_t size;
    uint8_t data[LAB_MTU];
};

struct delay_queue {
    struct heap heap;
    size_t limit;
};

void delay_queue_init(struct delay_queue *q, size_t limit);

/* Frees everything, the packets too. */
void delay_queue_clear(struct delay_queue *q);

/* Adds a copy of PACKET; false if the limit is reached or memory is out. */
bool delay_queue_add(struct delay_queue *q, nsec due, const struct packet *packet);

/* When the first is due; NSEC_NEVER if there is none. */
nsec delay_queue_next(const struct delay_queue *q);

/* Takes the first packet out if it is due at NOW; NULL if there is none such. The packet is the
 * caller's, to be freed. */
struct packet *delay_queue_take(struct delay_queue *q, nsec now);

#endif
