/* The process in the middle: it carries packets between the hosts' interfaces and the emulated
 * internet (internet.h), on an event loop of its own. Packets are taken from and given to the far
 * ends of the hosts' veth pairs by packet sockets; they carry the kernel's receive stamps, from
 * which the links' delays count, and an absolute nanosecond timer says when the next one is due. */
#ifndef LAB_ROUTER_H
#define LAB_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "internet.h"
#include "netlink.h"
#include "nsec.h"

enum {
    ROUTER_MAX_WATCHES = 16
};

struct router;

/* The MAC address of a host's interface. The router's end has another, and the host does not care
 * to which it sends. */
void router_host_mac(enum lab_host host, uint8_t out[static MAC_SIZE]);
void router_own_mac(enum lab_host host, uint8_t out[static MAC_SIZE]);

/* The name of the router's end of the link: that of the host. The interfaces must be up. NULL and
 * ERROR on failure. CONFIG's `deliver` is the router's to fill in. router_close takes NULL too. */
struct router *router_open(const struct internet_config *config, struct error *error);
void router_close(struct router *r);

const struct internet *router_internet(const struct router *r);

/* Calls READY whenever FD can be read or has been hung up, until router_unwatch. */
int router_watch(struct router *r, int fd, void (*ready)(void *context, int fd), void *context,
                 struct error *error);
void router_unwatch(struct router *r, int fd);

enum router_end {
    ROUTER_FAILED = -1,
    ROUTER_STOPPED,
    ROUTER_TIMED_OUT,
};

/* Carries packets until router_stop, or until UNTIL (of the timeline; NSEC_NEVER: for ever). */
enum router_end router_run(struct router *r, nsec until, struct error *error);
void router_stop(struct router *r);

/* Packets that the kernel dropped because the router did not read them in time. */
uint64_t router_kernel_drops(struct router *r);

#endif
