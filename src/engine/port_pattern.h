/* How a NAT chooses external ports (RFC 4787 4.2.1), from the mappings that it was seen to make. */
#ifndef ENGINE_PORT_PATTERN_H
#define ENGINE_PORT_PATTERN_H

#include "classification.h"

/* A mapping that was seen. */
struct port_point {
    uint16_t local;
    struct endpoint mapped;
    unsigned order; /* how many mappings we had made before this one; no two points share one */
    bool first;     /* of its local port: where ports are preserved, this one is */
};

/* Names the pattern of COUNT points, in any order; sorts them. *STEP is set for PORTS_SEQUENTIAL:
 * how far apart consecutive mappings are. PORTS_UNKNOWN where the points bear nothing out:
 * - preserving: at least two, and half, of the first mappings have the local port itself; that a
 *   random port hits it has odds of 1 in 65,000 each time;
 * - sequential: at least three neighbours, and two thirds of them, are the same small step per
 *   mapping apart (the rest leaves room for other hosts' mappings and the end of the range);
 * - random: at least three neighbours, and half of them, are further apart than any step explains.
 * But for preserved ones, several external addresses make the pattern unknown. */
enum port_allocation port_pattern(struct port_point *points, unsigned count, int *step);

/* One address for all points, or several. PORTS of fewer than three say nothing. */
enum address_pooling pooling_pattern(const struct port_point *points, unsigned count);

#endif
