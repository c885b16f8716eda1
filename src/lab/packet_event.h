/* One packet at one place of the emulated internet: the raw material of the ladder, the capture
 * file and the counts. */
#ifndef LAB_PACKET_EVENT_H
#define LAB_PACKET_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "nat.h"
#include "nsec.h"
#include "plan.h"

enum place {
    PLACE_HOST_A,
    PLACE_NAT_A,
    PLACE_CORE,
    PLACE_NAT_B,
    PLACE_HOST_B,
    PLACE_SERVER_1,
    PLACE_SERVER_2,
    PLACE_COUNT
};

/* The life of a packet: one SENT; then a NAT at each NAT and a FORWARDED at the core, as it gets
 * there; and one end (two, if it was duplicated): LOST, DISCARDED or DELIVERED. */
enum packet_event_kind {
    PACKET_EVENT_SENT,      /* a host has sent it; or a NAT or the core, when it is an ICMP error */
    PACKET_EVENT_NAT,       /* a NAT or firewall lets it pass; see `nat` */
    PACKET_EVENT_FORWARDED, /* the core router sends it on */
    PACKET_EVENT_DUPLICATED, /* the link carries it twice from here */
    PACKET_EVENT_LOST,       /* the link loses it (emulated loss) */
    PACKET_EVENT_DISCARDED,  /* somebody dropped it; see `reason`, and `nat` where a NAT did */
    PACKET_EVENT_DELIVERED,  /* a host has received it */
};

enum packet_event_reason {
    PACKET_EVENT_NO_REASON,
    PACKET_EVENT_BY_NAT,    /* see `nat` */
    PACKET_EVENT_NOT_IPV4,  /* not an IPv4 frame; it has no endpoints */
    PACKET_EVENT_MALFORMED, /* a header is broken: a length, the header checksum, port 0 */
    PACKET_EVENT_PROTOCOL,  /* neither UDP nor ICMP, or an ICMP message that a NAT cannot map */
    PACKET_EVENT_FRAGMENT,  /* a fragment at a NAT: the lab's NATs do not reassemble */
    PACKET_EVENT_TTL,       /* the time to live ran out; an ICMP time exceeded answers */
    PACKET_EVENT_NO_HOST,   /* nobody has the destination; ICMP host unreachable answers */
    PACKET_EVENT_NO_NET,    /* no such network outside; ICMP network unreachable answers */
    PACKET_EVENT_TOO_MANY,  /* more packets under way than the lab carries */
    PACKET_EVENT_NOT_TAKEN, /* the kernel did not take it from the lab */
    PACKET_EVENT_REASON_COUNT
};

/* Two links may each duplicate a packet: its four then are told apart by these flags. */
enum {
    PACKET_EVENT_COPY_OUT = 1, /* a copy made by the sender's link */
    PACKET_EVENT_COPY_IN = 2,  /* a copy made by the receiver's link */
};

struct packet_event {
    nsec when; /* SENT by a host: the kernel's receive stamp; else when it was handled */
    enum packet_event_kind kind;
    enum packet_event_reason reason;
    enum place place;
    enum lab_host
        host; /* whose link: the sender's on the way to the core, from there the receiver's */
    uint64_t packet; /* the same number from SENT to the end; 1, 2, … in order of sending */
    uint64_t about;  /* an ICMP error made by a NAT or the core: the packet it is about; else 0 */
    struct endpoint from, to;         /* as it came to the place; ports 0 unless UDP */
    struct endpoint new_from, new_to; /* as it left, if it was translated; else the same */
    const struct nat_result *nat;     /* what the NAT or firewall of the place did, or NULL */
    const uint8_t *before;            /* the IPv4 datagram as it came to the place, borrowed */
    const uint8_t *data;              /* as it left; the same as `before` if nothing changed it */
    size_t size;                      /* of both, in bytes */
    unsigned copy;    /* 0, or in a copy: which links made it (PACKET_EVENT_COPY_…) */
    uint8_t protocol; /* of IPv4: 17 UDP, 1 ICMP */
    bool inward;      /* from the core towards a host (the core's own FORWARDED too) */
};

typedef void packet_event_observer(void *context, const struct packet_event *packet_event);

/* The place where HOST is, and where its NAT is (for LAB_A and LAB_B). */
enum place place_of_host(enum lab_host host);
enum place place_of_nat(enum lab_host host);

/* A few words for people; "" for PACKET_EVENT_NO_REASON. */
const char *packet_event_reason_text(enum packet_event_reason reason);

#endif
