/* Packets by which two captures are put side by side: those whose UDP payload both show, once.
 * However long a capture is, it is a bounded sample that is kept; and of every capture the same
 * packets, for what a packet holds chooses it. */
#ifndef DRIVE_ANCHORS_H
#define DRIVE_ANCHORS_H

#include "captured_packet.h"
#include "passive_summary.h"

enum {
    ANCHORS_KEPT = 8192
};

struct anchors;

/* SEED must be the same for captures that are compared, and unpredictable. NULL if memory is out.
 */
struct anchors *anchors_new(uint64_t seed);

void anchors_add(struct anchors *a, const struct captured_packet *s);

/* Call once, when all are in. */
void anchors_close(struct anchors *a);

/* Fits the clock of OTHER to that of REFERENCE, whose times REFERENCE_FIT corrects first. */
struct clock_match anchors_fit(const struct anchors *reference,
                               const struct clock_match *reference_fit,
                               const struct anchors *other);

void anchors_free(struct anchors *a);

#endif
