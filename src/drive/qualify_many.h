/* Qualifies with many servers at once: an engine a server, all on one socket and one loop, with a
 * bound on how many are at work and a limit on the packets a second.
 *
 * A reply goes to the engine whose nonce it repeats, wherever it came from, and else to all that
 * have solicited the endpoint it came from: each engine then applies the rules itself (RFC 4380
 * 5.2.1). */
#ifndef DRIVE_QUALIFY_MANY_H
#define DRIVE_QUALIFY_MANY_H

#include "event.h"
#include "live.h"
#include "qualify.h"

struct qualify_many_config {
    const char *const *names; /* servers as given; borrowed */
    size_t count;
    uint16_t default_port;
    unsigned rate;                /* packets a second, from 1 */
    struct qualify_config common; /* of each; server, secondary, local, flags are filled in */
};

struct qualify_many;

/* Opens the socket, on PORT (0 = any), and the loop; capabilities may be dropped afterwards. NULL,
 * and ERROR filled, on failure. */
struct qualify_many *qualify_many_open(uint16_t port, struct error *error);

/* Runs until each server has got its verdict. SINK gets an EVENT_QUALIFICATION for each, as they
 * come, and EVENT_REJECTED, EVENT_QUALIFIED_MANY at the end; SIGINT and SIGTERM end it early. A
 * name that cannot be found is that server's verdict. The secondary address is the primary plus
 * one. TAP may be NULL. Returns 0, or -1 and ERROR filled. */
int qualify_many_run(struct qualify_many *s, const struct qualify_many_config *config,
                     const struct event_sink *sink, const struct live_tap *tap,
                     struct error *error);

void qualify_many_close(struct qualify_many *s);

#endif
