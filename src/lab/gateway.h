/* A NAT or firewall as a box on the way: src/nat applied to datagrams. UDP goes through it; ICMP
 * echo goes through an own instance of it by its identifier; ICMP errors are translated with the
 * datagram that they are about (RFC 5508 4). */
#ifndef LAB_GATEWAY_H
#define LAB_GATEWAY_H

#include "datagram.h"
#include "nat.h"
#include "passage.h"

struct gateway {
    enum nat_kind kind; /* NAT_KIND_NONE: there is no box */
    struct nat *udp, *echo;
};

/* Returns 0, or -1 when memory is out. */
int gateway_init(struct gateway *g, const struct nat_config *config);
void gateway_clear(struct gateway *g);

/* Takes a datagram from inside, or from outside, and changes it in place as RESULT says.
 * PASSAGE_NO_REASON when it passes (out, in, or back in: result->verdict), PASSAGE_BY_NAT when
 * RESULT has the reason, or the reason why the box cannot handle such a packet at all. */
enum passage_reason gateway_outbound(struct gateway *g, nsec now, struct datagram *d,
                                     struct nat_result *result);
enum passage_reason gateway_inbound(struct gateway *g, nsec now, struct datagram *d,
                                    struct nat_result *result);

#endif
