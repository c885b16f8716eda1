/* Puts the fragments of IPv4 packets together (RFC 791 3.2), in bounded memory and time. Fragments
 * that overlap with other bytes, or do not fit one packet, are refused, for whoever sends such ones
 * wants two readers to see two packets; equal ones are copies. */
#ifndef ENGINE_REASSEMBLY_H
#define ENGINE_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ip.h"
#include "nsec.h"

enum {
    REASSEMBLY_PACKETS = 64, /* under way at once; of more, the oldest are given up */
    REASSEMBLY_MAX_SIZE = 65535,
};

/* RFC 1122 3.3.2 asks for more than a minute; hosts of today wait for half a minute. */
#define REASSEMBLY_PATIENCE (30 * NSEC_S)

struct reassembly;

/* A packet that is whole, or that is given up. */
struct reassembled {
    const uint8_t *data; /* the packet with its header, until the next call; of one that is given up
                          * its first fragment, or NULL if that is missing */
    size_t size;
    unsigned fragments; /* that are in DATA */
    unsigned lost;      /* other than the first, which are given up */
    bool refused;       /* fragments contradict each other */
    uint64_t frame;     /* of the first fragment, as given */
    nsec when;          /* the same */
};

/* NULL if memory is out. */
struct reassembly *reassembly_new(void);

/* A glance, for nearly all packets are none: false if these bytes of an IPv4 packet are no
 * fragment. */
static inline bool reassembly_may_want(const uint8_t *data, size_t size)
{
    return size >= IP4_HEADER_SIZE && ((data[6] & 0x3f) != 0 || data[7] != 0);
}

struct fragment {
    const uint8_t *data; /* the packet with its header; borrowed */
    struct ip4_header header;
    uint64_t frame; /* that it came in, and its time: the caller's to fill */
    nsec when;
};

/* Whether the SIZE bytes of an IPv4 packet are a whole fragment of a UDP datagram; OUT gets the
 * bytes and their header. */
bool reassembly_wants(const uint8_t *data, size_t size, struct fragment *out);

/* Takes a fragment that reassembly_wants, at the steady time NOW. True, OUT filled, if a packet is
 * whole with it. */
bool reassembly_add(struct reassembly *r, const struct fragment *fragment, nsec now,
                    struct reassembled *out);

/* A packet that is given up, for its time is over or there are too many; all of them, with
 * NSEC_NEVER. False if there is none. */
bool reassembly_give_up(struct reassembly *r, nsec now, struct reassembled *out);

void reassembly_free(struct reassembly *r);

#endif
