/* What an engine is fed: the one way in which the world, a capture or a test reaches it. */
#ifndef EVENT_OBSERVATION_H
#define EVENT_OBSERVATION_H

#include "endpoint.h"
#include "icmp4.h"
#include "nsec.h"
#include "teredo.h"

enum observation_kind {
    OBSERVED_TIMER,      /* the engine's deadline has passed; also the first observation of a run */
    OBSERVED_SENT,       /* what was to be sent has left, or a capture shows a packet leaving */
    OBSERVED_RECEIVED,   /* a UDP datagram arrived */
    OBSERVED_ICMP_ERROR, /* an ICMP error came back for a datagram that went to `to` */
    OBSERVED_SEND_FAILED, /* the system refused to send to `to`; errnum says why */
    OBSERVED_STOP,        /* the user wants the verdict now, from what is known so far */
    OBSERVED_SEEN,        /* a capture shows a packet somewhere on its way */
};

struct observation {
    enum observation_kind kind;
    nsec when;            /* never before the previous observation's */
    unsigned socket;      /* which of the engine's local ports; 0 = the service port */
    uint32_t tag;         /* SENT, SEND_FAILED: of the send_request; 0 in a replay */
    struct endpoint from; /* SENT and ICMP_ERROR: the local end */
    struct endpoint to;
    const struct teredo_packet *packet; /* NULL where the bytes are no Teredo packet */
    struct wire_fault fault;            /* and then why not */
    size_t size;                        /* of the UDP payload, bytes */
    struct icmp_error icmp;
    /* The error quotes what was sent: who made it has seen the packet, or stands on its way. One
     * that quotes less can be anybody's guess (RFC 5927 4.1). */
    bool quotes_sent;
    int errnum;
    unsigned vantage; /* SEEN, and ICMP_ERROR in a capture: which of the captures, from 0 */
    uint8_t ttl;      /* SEEN: the outer time to live there */
};

#endif
