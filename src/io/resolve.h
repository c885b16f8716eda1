/* Host names to IPv4 endpoints. */
#ifndef IO_RESOLVE_H
#define IO_RESOLVE_H

#include "endpoint.h"
#include "error.h"

/* Takes "name", "name:port", "address" or "address:port" apart and looks the name up. A name that
 * does not exist fills ERROR with status EX_NOHOST; other resolver failures with EX_TEMPFAIL's
 * meaning also count as EX_NOHOST, the text tells them apart. */
int resolve_endpoint(const char *text, uint16_t default_port, struct endpoint *out,
                     struct error *error);

#endif
