/* Telling Teredo from other UDP.
 *
 * Ports do not: after qualification most Teredo traffic has 3544 on neither end. Nor does the form:
 * DNS, STUN, Geneve, LISP, LSP ping and others begin, by chance or by design, with bytes that read
 * as an encapsulation and an IPv6 header whose length fits. What does is an address that nobody
 * else has a use for. A packet is certainly Teredo if its IPv6 header stands where RFC 4380 5.1.1
 * has it, and
 *
 * - its source or destination lies in 2001::/32 or in the 6bone's 3ffe:831f::/32, and its payload
 *   length fits (36 bits that must be right, and most of another 16); or
 * - one of the two does, the other does as well or is link-local, and the length does not fit; or
 * - it goes from a link-local address to a link-local or link-scope multicast address, and is a
 *   router solicitation, a router advertisement or a bubble. An origin indication before one must
 *   name an endpoint that a NAT can have given.
 *
 * Geneve over UDP port 6081 (RFC 8926) carries IPv6 behind 8 bytes that read as an origin
 * indication (0000 86dd, a network identifier, 00), and what it carries may itself be either of
 * these; so that one header, on that port, is taken for what it is. IPv6 straight in UDP of another
 * make (foo over UDP) that carries a Teredo client's packets cannot be told from Teredo.
 *
 * All other packets are Teredo only if their flow has shown a certain one
 * (src/engine/teredo_flows.h).
 */
#ifndef WIRE_RECOGNIZE_H
#define WIRE_RECOGNIZE_H

#include "teredo.h"

/* A glance: false if no Teredo packet begins with these bytes. */
static inline bool recognize_start(const uint8_t *data, size_t size)
{
    return size >= 2 && (data[0] >> 4 == 6 || (data[0] == 0 && data[1] <= 1));
}

/* Whether the datagram between these endpoints, of which teredo_decode_part has said EXTENT and
 * REASON, is certainly Teredo. */
bool recognize_packet(const struct teredo_packet *packet, enum teredo_extent extent,
                      enum wire_reason reason, struct endpoint from, struct endpoint to);

/* Whether more of the datagram, of which the capture has only a part, could make it certain. */
bool recognize_is_too_short(const struct teredo_packet *packet, enum teredo_extent extent,
                            enum wire_reason reason);

#endif
