/* Between a port and an engine: what the port takes becomes observations, and send requests become
 * packets of the port. It stands here and not with the port (src/io/port.h) because io knows
 * neither observations nor engines. */
#ifndef DRIVE_OBSERVE_H
#define DRIVE_OBSERVE_H

#include "engine.h"
#include "port.h"

/* Fills O with what RECEIPT tells; `o->packet` is PACKET if it is Teredo. */
void observe_receipt(const struct port_receipt *receipt, struct observation *o,
                     struct teredo_packet *packet);

/* Sends what SEND asks for through P, and fills O with what came of it, as the engine learns it. */
void observe_send(struct port *p, const struct send_request *send, struct observation *o,
                  struct teredo_packet *packet);

#endif
