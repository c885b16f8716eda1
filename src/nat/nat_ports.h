/* Choosing the external port of a new mapping (RFC 4787 4.2). Every method names a first choice and
 * a stride; a port that is taken is passed over. With parity, ports of the internal port's parity
 * are all tried first.
 *   preserving: the internal port, stride 1. Where the range begins at 1024 (the default), a port
 *               below 1024 is looked for below 1024 (REQ-3a).
 *   sequential: the stride is `step`, and the first choice is one stride above the port assigned
 *               last on the same external address; the very first is drawn from the seed.
 *   random:     drawn for each mapping, stride 1. */
#ifndef NAT_NAT_PORTS_H
#define NAT_NAT_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "nat_config.h"
#include "prng.h"

struct nat_port_chooser {
    struct prng random;
    uint16_t next[NAT_POOL_MAX]; /* first sequential choice on each address of the pool */
};

void nat_ports_init(struct nat_port_chooser *chooser, const struct nat_config *config);

/* What a port is wanted for. */
struct nat_port_need {
    unsigned pool;     /* which external address */
    uint16_t internal; /* the port inside */
    bool (*is_free)(void *arg, uint16_t port);
    void *arg;
};

/* Chooses a port among those that are free. False when there is none. */
bool nat_ports_choose(struct nat_port_chooser *chooser, const struct nat_config *config,
                      const struct nat_port_need *need, uint16_t *out);

#endif
