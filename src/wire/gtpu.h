/* GTP-U (3GPP TS 29.281): the tunnel in which mobile networks carry their users' packets. */
#ifndef WIRE_GTPU_H
#define WIRE_GTPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GTPU_PORT = 2152
};

/* Where in the SIZE bytes of a UDP payload the user's packet begins; false if it is no G-PDU, or
 * ends before that. */
bool gtpu_find_packet(const uint8_t *data, size_t size, size_t *offset);

#endif
