/* The emulated internet as a pure engine: four hosts, their links, two NATs or firewalls and the
 * core router. The caller hands it what the hosts send and says what time it is; it hands back what
 * the hosts receive, and tells an observer of every packet event. The lab runs it between network
 * namespaces (router.h); a test may run it in virtual time.
 *
 * A packet's way: the sending host, its NAT, its link (outward), the core, the receiver's link
 * (inward), the receiver's NAT, the receiver. Each NAT or firewall and the core take one off the
 * time to live. Only IPv4 UDP and ICMP get anywhere. */
#ifndef LAB_INTERNET_H
#define LAB_INTERNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"
#include "nat_config.h"
#include "nsec.h"
#include "packet_event.h"
#include "plan.h"

struct internet_config {
    struct nat_config nat[LAB_NATS]; /* the words; addresses and seed are filled in */
    struct link_config link[LAB_HOSTS];
    uint64_t seed;        /* of the links' fates and the NATs' ports */
    size_t max_in_flight; /* packets on the links; 0 is INTERNET_MAX_IN_FLIGHT */

    /* Hands an IPv4 datagram to HOST; false if it cannot take it. */
    bool (*deliver)(void *context, enum lab_host host, const uint8_t *data, size_t size);
    void *deliver_context;

    packet_event_observer *observe; /* may be NULL */
    void *observe_context;
};

#define INTERNET_MAX_IN_FLIGHT 65536

struct internet;

/* Copies *CONFIG. NULL when memory is out. internet_free takes NULL too. */
struct internet *internet_new(const struct internet_config *config);
void internet_free(struct internet *net);

/* What a host has sent: the IPv4 datagram at the start of DATA (link padding may follow). */
struct lab_frame {
    enum lab_host host;
    nsec sent;
    const uint8_t *data;
    size_t size;
};

/* It is NOW, when the frame was sent or a little later: delays count from its sending. Nothing is
 * delivered before the next internet_advance, even by a link without delay. */
void internet_send(struct internet *net, const struct lab_frame *frame, nsec now);

/* HOST has sent a frame that is not IPv4: the frame is discarded, and the observer is told. */
void internet_send_foreign(struct internet *net, enum lab_host host, nsec now);

/* Carries on everything that is due by NOW. */
void internet_advance(struct internet *net, nsec now);

/* When internet_advance has something to do next; NSEC_NEVER if nothing is under way. */
nsec internet_deadline(const struct internet *net);

#endif
