/* Link layers: where in a captured frame the IPv4 packet begins, and which way the frame went. */
#ifndef WIRE_LINK_LAYER_H
#define WIRE_LINK_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum link_type {
    LINK_UNKNOWN,       /* none that is known here */
    LINK_ETHERNET,      /* IEEE 802.3 by type or by length (LLC, SNAP); VLAN tags (802.1Q, 802.1ad),
                         * PPPoE sessions (RFC 2516), MPLS label stacks (RFC 3032) */
    LINK_LINUX_COOKED,  /* LINKTYPE_LINUX_SLL: what Linux' interface "any" gives */
    LINK_LINUX_COOKED2, /* LINKTYPE_LINUX_SLL2 */
    LINK_RAW,           /* an IPv4 or IPv6 packet and nothing before it */
    LINK_IP4,           /* an IPv4 packet and nothing before it */
    LINK_NULL,          /* BSD loopback: the address family in the byte order of the machine */
    LINK_LOOP,          /* OpenBSD loopback: the same in network byte order */
    LINK_PPP,           /* RFC 1662 framing or none; Cisco HDLC */
    LINK_PPP_DIRECTION, /* the same behind a byte that says which way it went */
    LINK_PPPOE,         /* a PPPoE session without the Ethernet header */
    LINK_LLC,           /* IEEE 802.2 LLC, of RFC 1483 */
    LINK_MPLS,          /* an MPLS label stack and nothing before it */
    LINK_NFLOG,         /* what Linux' netfilter has logged: TLVs, the packet in one of them */
};

/* The type that capture files call NUMBER (LINKTYPE_, and the numbers of libpcap's that some
 * writers put in its place). */
enum link_type link_type_of(unsigned number);

enum link_find {
    LINK_HAS_NO_IP4, /* something else, or nothing that is known here */
    LINK_HAS_IP4,
    LINK_TOO_SHORT, /* the bytes end before it can be told */
};

/* Where in the SIZE bytes of FRAME an IPv4 packet begins, which may be at their end. */
enum link_find link_find_ip4(enum link_type type, const uint8_t *frame, size_t size,
                             size_t *offset);

enum link_direction {
    LINK_EITHER_WAY, /* not told */
    LINK_RECEIVED,
    LINK_SENT, /* by the host that captured it */
};

/* Which way the frame went, as far as its header tells. */
enum link_direction link_direction_of(enum link_type type, const uint8_t *frame, size_t size);

#endif
