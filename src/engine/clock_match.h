/* The clock of one capture against another's, from packets that both show. A packet is never seen
 * at its second vantage point before its first: each is a bound on the offset between the clocks,
 * from above or from below by the way that it went. Between packets of both ways the offset is
 * caught, and how widely is the error, without a word on how long packets take. */
#ifndef ENGINE_CLOCK_MATCH_H
#define ENGINE_CLOCK_MATCH_H

#include <stddef.h>

#include "captured_packet.h"
#include "passive_summary.h"

/* Clocks of computers run wrong by less than this share (200 parts in a million). */
#define CLOCK_MAX_DRIFT 200e-6

enum clock_order {
    CLOCK_REFERENCE_FIRST,
    CLOCK_OTHER_FIRST,
    CLOCK_ORDER_UNKNOWN /* on the same wire: both saw it at nearly the same time */
};

/* One packet in both captures. */
struct clock_sample {
    nsec reference; /* by the clock of the first capture */
    nsec other;     /* by the clock to be corrected */
    enum clock_order order;
};

/* Fits the other clock to the reference. Packets of one way alone, or of unknown order, give an
 * offset without an error bound. */
struct clock_match clock_match(const struct clock_sample *samples, size_t count);

/* A time by the other clock, corrected. */
nsec clock_correct(const struct clock_match *fit, nsec when);

/* The packets of a capture by which it is put beside another: those whose UDP payload both show,
 * once. However long a capture is, a bounded sample is kept; and of every capture the same packets,
 * for the content of a packet decides whether it is kept. */
struct clock_packets;

/* SEED must be the same for captures that are compared, and unpredictable. NULL if memory is out.
 */
struct clock_packets *clock_packets_new(uint64_t seed);

void clock_packets_add(struct clock_packets *a, const struct captured_packet *s);

/* Call once, when all are in. */
void clock_packets_close(struct clock_packets *a);

/* Fits the clock of OTHER to that of REFERENCE, whose times REFERENCE_FIT corrects first. */
struct clock_match clock_packets_match(const struct clock_packets *reference,
                                       const struct clock_match *reference_fit,
                                       const struct clock_packets *other);

void clock_packets_free(struct clock_packets *a);

#endif
