/* Finds of a capture that are held back until it is known where in time they belong. */
#ifndef DRIVE_FIND_QUEUE_H
#define DRIVE_FIND_QUEUE_H

#include <stdbool.h>

#include "captured_packet.h"
#include "icmp4.h"

/* What a capture shows. */
struct capture_find {
    bool is_error; /* it is ICMP about a UDP datagram; of PACKET file, frame and times count then */
    struct captured_packet packet;
    struct icmp4_message icmp;
};

enum {
    FIND_QUEUE_ROOM = 512 /* datagrams of 64 KiB at most */
};

struct find_queue;

/* NULL if memory is out. */
struct find_queue *find_queue_new(void);

/* Puts a copy of the find, with its bytes, in the order of steady times, behind those of the same.
 * False if there is no room. */
bool find_queue_put(struct find_queue *q, const struct capture_find *find);

bool find_queue_is_empty(const struct find_queue *q);
/* One more find would be the last one that there is room for. */
bool find_queue_is_full(const struct find_queue *q);

/* Those of a steady time from FROM on are earlier by BY. */
void find_queue_shift(struct find_queue *q, nsec from, nsec by);

/* Takes the first one, if its steady time is not after UNTIL. It lives until the next call. */
bool find_queue_take(struct find_queue *q, nsec until, struct capture_find *out);

void find_queue_free(struct find_queue *q);

#endif
