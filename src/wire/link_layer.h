/* Link layers: where in a captured frame the IPv4 packet begins. */
#ifndef WIRE_LINK_LAYER_H
#define WIRE_LINK_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum link_type {
    LINK_ETHERNET,      /* IEEE 802.3; VLAN tags (802.1Q, 802.1ad), PPPoE sessions (RFC 2516) */
    LINK_LINUX_COOKED,  /* LINKTYPE_LINUX_SLL: what Linux' interface "any" gives */
    LINK_LINUX_COOKED2, /* LINKTYPE_LINUX_SLL2 */
    LINK_RAW,           /* an IPv4 or IPv6 packet and nothing before it */
    LINK_IP4,           /* an IPv4 packet and nothing before it */
    LINK_NULL,          /* BSD loopback: the address family in the byte order of the machine */
    LINK_LOOP,          /* OpenBSD loopback: the same in network byte order */
    LINK_PPP,           /* RFC 1662 framing or none; Cisco HDLC */
    LINK_PPPOE,         /* a PPPoE session without the Ethernet header */
};

/* Where in the SIZE bytes of FRAME an IPv4 packet begins, which may be at their end; false if the
 * frame holds something else, or ends before that can be told. */
bool link_find_ip4(enum link_type type, const uint8_t *frame, size_t size, size_t *offset);

#endif
