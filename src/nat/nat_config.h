/* How a NAT behaves, in the terms of RFC 4787, and the words that people use for it on a command
 * line. */
#ifndef NAT_NAT_CONFIG_H
#define NAT_NAT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "nsec.h"

enum nat_kind {
    NAT_KIND_NONE,       /* the host has a public address and nothing in front of it */
    NAT_KIND_FIREWALL,   /* a stateful filter that translates nothing */
    NAT_KIND_TRANSLATOR, /* a NAT proper */
};

/* What a mapping or a filter depends on beside the internal endpoint (RFC 4787 4.1 and 5). */
enum nat_dependence {
    NAT_ENDPOINT_INDEPENDENT,
    NAT_ADDRESS_DEPENDENT,
    NAT_ADDRESS_AND_PORT_DEPENDENT,
};

/* How the external port of a new mapping is chosen (RFC 4787 4.2.1). Whichever it is, a port that
 * another live mapping has is never used again (no port overloading, REQ-3). */
enum nat_ports {
    NAT_PORTS_PRESERVING, /* the internal port; if it is taken, the next free one above it */
    NAT_PORTS_SEQUENTIAL, /* `step` above the port assigned last */
    NAT_PORTS_RANDOM,
};

#define NAT_POOL_MAX 4

struct nat_config {
    enum nat_kind kind;
    bool block_udp; /* no UDP passes, either way */
    enum nat_dependence mapping;
    enum nat_dependence filtering;
    enum nat_ports ports;
    uint16_t step;                /* of NAT_PORTS_SEQUENTIAL; 1 to 1024 */
    uint16_t port_low, port_high; /* external ports, inclusive; see nat_ports.h for ports < 1024 */
    bool parity;                  /* an even port for an even one, while one is free (REQ-4) */
    bool hairpin;                 /* with the external source address and port (REQ-9) */
    bool inbound_refresh;         /* inbound packets keep a mapping alive too (REQ-6) */
    bool arbitrary_pooling;  /* mappings take the pool's addresses in turn, not paired (REQ-2) */
    nsec timeout;            /* of a mapping and of a filter, since the last refresh (REQ-5) */
    unsigned external_count; /* addresses of the pool in use, 1 to NAT_POOL_MAX */

    /* Not expressible in words: the place in the network, the size, the seed. */
    uint32_t external[NAT_POOL_MAX];
    uint32_t internal_network; /* with internal_prefix bits; a prefix of 0 is any source */
    uint8_t internal_prefix;
    uint32_t max_mappings; /* the table's bound; 0 is NAT_MAX_MAPPINGS, and 4 filters a mapping */
    uint64_t seed;         /* of random ports and of the first sequential one */
};

#define NAT_MAX_MAPPINGS 4096
/* Room for nat_config_describe's longest text. */
#define NAT_CONFIG_STRLEN 256

/* Parses TEXT: one of the words none, cone, address-restricted, port-restricted, symmetric,
 * firewall, blocked; or a comma list of options over a port-restricted NAT; or a word and then
 * options. `none` is no NAT and no firewall at all; `blocked` is a NAT that passes no UDP;
 * `symmetric` assigns random ports unless told otherwise. The options:
 *   mapping=, filtering= endpoint-independent|address|address-port
 *   ports=preserving|sequential|random   step=N   range=LOW-HIGH   parity=yes|no
 *   hairpin=yes|no   timeout=120s   refresh=outbound|both   pooling=paired|arbitrary   pool=1..4
 * A firewall takes filtering, timeout and refresh only; none and blocked take no option.
 * Everything of OUT is set; addresses, size and seed are set to 0 (external_count is pool=).
 * Returns 0, or -1 with *ERROR (EX_USAGE; its hint lists the valid words) and OUT untouched. */
int nat_config_parse(const char *text, struct nat_config *out, struct error *error);

/* The words of such texts, for completions: I counts first the words that may begin a text,
 * *VALUES NULL, and then the options, *VALUES as the hint of a wrong one has them ("yes, no", "1 to
 * 4"). NULL behind the last. */
const char *nat_config_word(size_t i, const char **values);

/* Writes the shortest words that nat_config_parse turns into the same behaviour; returns BUF. */
const char *nat_config_describe(const struct nat_config *config,
                                char buf[static NAT_CONFIG_STRLEN]);

#endif
