/* A NAT or firewall as a box on the way: src/nat applied to datagrams. UDP goes through it; ICMP
 * echo goes through an own instance of it by its identifier; ICMP errors are translated with the
 * datagram that they are about (RFC 5508 4). */
#ifndef LAB_NAT_BOX_H
#define LAB_NAT_BOX_H

#include "datagram.h"
#include "nat.h"
#include "packet_event.h"

struct nat_box {
    enum nat_kind kind; /* NAT_KIND_NONE: there is no box */
    struct nat *udp, *echo;
};

/* Returns 0, or -1 when memory is out. */
int nat_box_init(struct nat_box *g, const struct nat_config *config);
void nat_box_clear(struct nat_box *g);

enum nat_box_way {
    NAT_BOX_OUTBOUND, /* from inside */
    NAT_BOX_INBOUND,
};

/* Takes a datagram and changes it in place as RESULT says. PACKET_EVENT_NO_REASON when it passes
 * (out, in, or back in: result->verdict), PACKET_EVENT_BY_NAT when RESULT has the reason, or the
 * reason why the box cannot handle such a packet at all. */
enum packet_event_reason nat_box_pass(struct nat_box *g, enum nat_box_way way, nsec now,
                                      struct datagram *d, struct nat_result *result);

#endif
