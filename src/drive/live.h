/* The live driver: works one engine on real sockets until it is done. */
#ifndef DRIVE_LIVE_H
#define DRIVE_LIVE_H

#include "engine.h"
#include "error.h"
#include "loop.h"
#include "port.h"

enum {
    LIVE_MAX_SOCKETS = 72
};

/* SEE sees every packet and error as the engine does, before it: for logs and capture files. BYTES
 * is the UDP payload, `o->size` bytes of it; NULL unless sent or received. TTL is 0 but for SENT.
 * TICK, if not NULL, is called twice a second, and when something is up with the terminal, with
 * what the engine waits for. */
struct live_tap {
    void (*see)(void *context, const struct observation *o, const uint8_t *bytes, uint8_t ttl);
    void (*tick)(void *context, enum loop_tick why, nsec now, const struct waiting *waiting);
    void *context;
};

struct live;

/* Opens COUNT sockets, the first on PORT (0 = any), the others on ports of the system's choice, the
 * event loop and, if WIRE and the user may, a capture for the wire's own timestamps. TOWARDS tells
 * which local address counts. The capabilities may be dropped afterwards. NULL, and ERROR filled,
 * on failure. */
struct live *live_open(uint16_t port, unsigned count, struct endpoint towards, bool wire,
                       struct error *error);

/* The local endpoint of a socket. */
struct endpoint live_local(const struct live *l, unsigned socket);

/* Where the times of observations come from: "libpcap" or "so_timestampns". */
const char *live_stamps_name(const struct live *l);

/* Runs the engine until it is done; SIGINT and SIGTERM become a STOP observation. SINK gets its
 * events; TAP may be NULL. Returns 0, or -1 and ERROR filled. */
int live_run(struct live *l, struct engine *engine, const struct event_sink *sink,
             const struct live_tap *tap, struct error *error);

void live_close(struct live *l);

#endif
