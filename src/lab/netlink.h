/* What `ip link`, `ip address` and `ip route` would do, over rtnetlink; in the network namespace in
 * which the socket was opened. */
#ifndef LAB_NETLINK_H
#define LAB_NETLINK_H

#include <stdint.h>

#include "error.h"

enum {
    MAC_SIZE = 6
};

struct netlink;

/* NULL and ERROR on failure. netlink_close takes NULL too. */
struct netlink *netlink_open(struct error *error);
void netlink_close(struct netlink *nl);

struct veth_end {
    const char *name;
    uint8_t mac[MAC_SIZE];
};

/* Makes a pair of virtual Ethernet interfaces: OWN here, PEER in the namespace PEER_NS. All of
 * these return 0, or -1 and ERROR. */
int netlink_add_veth(struct netlink *nl, const struct veth_end *own, const struct veth_end *peer,
                     int peer_ns, struct error *error);

/* Keeps IPv6 from making itself an address on an interface that is still down, so that it stays
 * silent there. */
int netlink_no_ip6(struct netlink *nl, const char *name, struct error *error);

/* Brings an interface up, without ARP. */
int netlink_up(struct netlink *nl, const char *name, struct error *error);

/* Adds a single address (/32). */
int netlink_add_address(struct netlink *nl, const char *name, uint32_t address,
                        struct error *error);

/* Routes everything to the interface, with SOURCE as the address to send from. */
int netlink_add_default_route(struct netlink *nl, const char *name, uint32_t source,
                              struct error *error);

/* Makes an interface of the current namespace leave checksums, segmentation and the like to nobody:
 * what is sent carries a real checksum, and what is received is what was sent. */
int netlink_no_offload(const char *name, struct error *error);

#endif
