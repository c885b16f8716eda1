/* The wire's own times: a libpcap capture beside the sockets, where the user may capture. Each
 * packet that a socket sent or received is looked up in it, for the time at which it passed the
 * interface. */
#ifndef IO_WIRE_STAMPS_H
#define IO_WIRE_STAMPS_H

#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "nsec.h"
#include "udp.h"

struct wire_stamps;

/* Opens a capture of the UDP traffic on PORTS on all interfaces. NULL if this user may not capture,
 * or libpcap cannot; nothing is printed, for all works without it. */
struct wire_stamps *wire_stamps_open(const uint16_t *ports, unsigned count);

/* Looks up the latest packet with this payload between these ports that was not looked up before.
 * The addresses are not compared. False if it is not there (yet). */
bool wire_stamps_find(struct wire_stamps *w, const struct udp_message *message, nsec *when);

void wire_stamps_close(struct wire_stamps *w);

#endif
