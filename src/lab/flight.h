/* The packets under way, in order of the time at which something happens to them: a bounded binary
 * heap. Those due at the same time come in the order in which they were added. */
#ifndef LAB_FLIGHT_H
#define LAB_FLIGHT_H

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

struct flight_entry {
    nsec due;
    uint64_t order;
    struct packet *packet; /* owned */
};

struct flight {
    struct flight_entry *heap;
    size_t count, capacity, limit;
    uint64_t next_order;
};

void flight_init(struct flight *f, size_t limit);

/* Frees everything, the packets too. */
void flight_clear(struct flight *f);

/* Adds a copy of PACKET; false if the limit is reached or memory is out. */
bool flight_add(struct flight *f, nsec due, const struct packet *packet);

/* When the first is due; NSEC_NEVER if there is none. */
nsec flight_next(const struct flight *f);

/* Moves the first packet to OUT if it is due at NOW; false if there is none such. */
bool flight_take(struct flight *f, nsec now, struct packet *out, nsec *due);

#endif
