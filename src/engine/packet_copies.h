/* Packets that a capture shows more than once: a mirror port of a switch sees each come and go, and
 * on all interfaces of a bridge each is seen on its way through. Copies are the same IPv4 packet,
 * its identification and time to live included, within a moment; what a host sends again is a
 * packet of its own. */
#ifndef ENGINE_PACKET_COPIES_H
#define ENGINE_PACKET_COPIES_H

#include "captured_packet.h"

struct packet_copies;

/* SEED is unpredictable, so that nobody can choose packets that pass for copies. NULL if memory is
 * out. */
struct packet_copies *packet_copies_new(uint64_t seed);

/* Whether the Teredo packet S, whose kind is known as far as it can be, was there a moment before.
 * WHEN never goes back. */
bool packet_copies_add(struct packet_copies *c, const struct captured_packet *s, nsec when);

/* Time went back: what came before is no moment ago. */
void packet_copies_forget(struct packet_copies *c);

void packet_copies_free(struct packet_copies *c);

#endif
