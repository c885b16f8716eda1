/* What `teredoctl bubble` sent, and what came back. */
#ifndef EVENT_BUBBLING_H
#define EVENT_BUBBLING_H

#include "captured_packet.h"
#include "observation.h"
#include "punching.h"

enum bubble_aim {
    BUBBLE_DIRECT,   /* the peer's mapped endpoint */
    BUBBLE_INDIRECT, /* the peer's server */
    BUBBLE_GIVEN,    /* an endpoint that was named */
};

struct bubble_packet {
    unsigned long number; /* from 1 */
    enum bubble_aim aim;
    const uint8_t *ip4; /* the whole IPv4 packet; borrowed */
    size_t ip4_size;
    struct captured_packet captured_packet; /* what it says, and when it was sent */
    int errnum;                             /* 0, or why it was not sent */
    bool whole;                             /* all of it is to be told: --dry-run */
};

struct bubble_reply {
    struct captured_packet captured_packet;
    enum punch_proof proof;
    unsigned long answered; /* number of the packet; 0 = none was sent yet */
    nsec delay;             /* since that one */
};

struct bubble_icmp {
    nsec when;
    struct endpoint to; /* of the packet that was lost */
    struct icmp_error error;
};

enum bubble_verdict {
    BUBBLE_SENT,       /* and no answer was waited for */
    BUBBLE_ANSWERED,   /* by something that is believed */
    BUBBLE_UNANSWERED, /* in all the time waited */
    BUBBLE_INTERRUPTED,
    BUBBLE_NOT_SENT, /* the system refused a packet */
    BUBBLE_SHOWN,    /* --dry-run */
    BUBBLE_WRITTEN,  /* --write */
};

struct bubble_summary {
    enum bubble_verdict verdict;
    const char *via; /* "udp_socket", "raw_socket"; NULL where nothing was sent */
    unsigned long sent, failed, replies, answers, icmp_errors;
    nsec first_delay; /* of the first answer */
    nsec wait;
};

extern const struct words bubble_aims;
extern const struct words bubble_verdicts;
extern const struct record_type bubble_packet_record;
extern const struct record_type bubble_reply_record;
extern const struct record_type bubble_icmp_record;
extern const struct record_type bubble_summary_record;

#endif
