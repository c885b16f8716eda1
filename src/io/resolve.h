/* Host names to IPv4 endpoints. */
#ifndef IO_RESOLVE_H
#define IO_RESOLVE_H

#include <uv.h>

#include "endpoint.h"
#include "error.h"

/* Takes "name", "name:port", "address" or "address:port" apart and looks the name up. A name that
 * does not exist fills ERROR with status EX_NOHOST; other resolver failures with EX_TEMPFAIL's
 * meaning also count as EX_NOHOST, the text tells them apart. */
int resolve_endpoint(const char *text, uint16_t default_port, struct endpoint *out,
                     struct error *error);

enum resolve_outcome {
    RESOLVE_FOUND,
    RESOLVE_MALFORMED, /* neither an address nor a name, with or without a port */
    RESOLVE_NOT_FOUND, /* the name does not exist, or has no IPv4 address */
    RESOLVE_FAILED,    /* the name servers did not say */
};

/* A look-up that does not block: on a loop, done by libuv's threads. */
struct resolve_lookup {
    uv_getaddrinfo_t request;
    uint16_t port;
    void (*done)(void *context, enum resolve_outcome outcome, struct endpoint found);
    void *context;
};

/* Calls DONE once: at once for what needs no look-up, else from the loop, until when L may not be
 * moved. TEXT as for resolve_endpoint. */
void resolve_start(uv_loop_t *loop, struct resolve_lookup *l, const char *text,
                   uint16_t default_port,
                   void (*done)(void *context, enum resolve_outcome outcome, struct endpoint found),
                   void *context);

#endif
