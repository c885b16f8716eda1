/* The trailers of RFC 6081, behind the IPv6 packet; what only teredo.c needs. The accessors for all
 * are in teredo.h. */
#ifndef WIRE_TEREDO_TRAILER_H
#define WIRE_TEREDO_TRAILER_H

#include "teredo.h"

/* Reads all that is left of R into OUT's trailers; what follows the last valid one becomes junk,
 * with FAULT's reason WIRE_TRAILER_LENGTH and true all the same. False only where an unknown
 * trailer asks for the packet to be discarded; FAULT has the first such, and OUT all trailers. */
bool teredo_trailers_decode(struct reader *r, struct teredo_packet *out, struct wire_fault *fault);

void teredo_trailers_encode(struct writer *w, const struct teredo_packet *p);

#endif
