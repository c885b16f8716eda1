/* The packets under way, in order of the time at which something happens to them: a bounded binary
 * heap. Those due at the same time come in the order in which they were added. */
#ifndef LAB_DELAY_QUEUE_H
#define LAB_DELAY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nsec.h"
#include "plan.h"

struct packet {
    uint64_t id;
    uint64_t about;
    unsigned copy;
    enum lab_host host; /* whose link it is on */
    bool inward;
    size_t size;
    uint8_t data[LAB_MTU];
};

struct delay_entry {
    nsec due;
    uint64_t order;
    struct packet *packet; /* owned */
};

struct delay_queue {
    struct delay_entry *heap;
    size_t count, capacity, limit;
    uint64_t next_order;
};

void delay_queue_init(struct delay_queue *f, size_t limit);

/* Frees everything, the packets too. */
void delay_queue_clear(struct delay_queue *f);

/* Adds a copy of PACKET; false if the limit is reached or memory is out. */
bool delay_queue_add(struct delay_queue *f, nsec due, const struct packet *packet);

/* When the first is due; NSEC_NEVER if there is none. */
nsec delay_queue_next(const struct delay_queue *f);

/* Moves the first packet to OUT if it is due at NOW; false if there is none such. */
bool delay_queue_take(struct delay_queue *f, nsec now, struct packet *out, nsec *due);

#endif
