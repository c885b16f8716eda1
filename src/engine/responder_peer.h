/* The responder's dealings with one peer; internal to the engine. */
#ifndef ENGINE_RESPONDER_PEER_H
#define ENGINE_RESPONDER_PEER_H

#include "responder.h"

/* Takes a packet for our Teredo address. */
void responder_take_packet(struct responder *r, const struct observation *o);

#endif
