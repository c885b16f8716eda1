/* The process in the middle: it carries packets between the hosts' interfaces and the emulated
 * internet (internet.h). Packets are taken from and given to the far
 * ends of the hosts' veth pairs by packet sockets; they carry the kernel's receive stamps, from
 * which the links' delays count, and an absolute nanosecond timer says when the next one is due. */
#ifndef LAB_ROUTER_H
#define LAB_ROUTER_H

#include <stdint.h>

#include "error.h"
#include "internet.h"
#include "loop.h"
#include "netlink.h"
#include "nsec.h"

struct router;

/* The MAC address of a host's interface. The router's end has another, and the host does not care
 * to which it sends. */
void router_host_mac(enum lab_host host, uint8_t out[static MAC_SIZE]);
void router_own_mac(enum lab_host host, uint8_t out[static MAC_SIZE]);

/* The name of the router's end of the link: that of the host. The interfaces must be up. NULL and
 * ERROR on failure. CONFIG's `deliver` is the router's to fill in. It works whenever LOOP runs.
 * router_close, before the end of the loop, takes NULL too. */
struct router *router_open(const struct internet_config *config, struct loop *loop,
                           struct error *error);
void router_close(struct router *r);

/* Packets that the kernel dropped because the router did not read them in time. */
uint64_t router_kernel_drops(struct router *r);

#endif
