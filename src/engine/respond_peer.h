/* The responder's dealings with one peer; internal to the engine. */
#ifndef ENGINE_RESPOND_PEER_H
#define ENGINE_RESPOND_PEER_H

#include "respond.h"

/* Takes a packet for our Teredo address. */
void respond_take_packet(struct respond *r, const struct observation *o);

#endif
