/* A Teredo packet found among others, and what was found in all. */
#ifndef EVENT_CAPTURED_PACKET_H
#define EVENT_CAPTURED_PACKET_H

#include "capture_remarks.h"
#include "nsec.h"
#include "record.h"
#include "teredo.h"
#include "udp.h"

enum {
    CAPTURED_PACKET_KINDS = TEREDO_DATA + 1,
    CAPTURED_PACKET_MAX_PROBLEMS = 2 /* one outside of the UDP payload, one in it */
};

/* What is known of a packet beside its UDP payload. */
enum captured_packet_outside {
    CAPTURED_PACKET_ALONE,    /* nothing */
    CAPTURED_PACKET_RECEIVED, /* when, udp.from and udp.to, as a UDP socket gives them */
    CAPTURED_PACKET_CAPTURED, /* the headers too: all of udp */
};

struct captured_packet {
    const char *file; /* borrowed; NULL = not from a file */
    uint64_t frame;   /* its number in the capture, from 1; 0 = from none */
    enum captured_packet_outside outside;
    nsec when;               /* by the capture's clock */
    bool timeless;           /* the capture has no time for it; WHEN is that of the frame before */
    nsec steady;             /* WHEN in one order of time (src/engine/time_line.h) */
    size_t missing;          /* bytes of the frame that the capture does not have */
    size_t captured;         /* those that it has */
    unsigned fragments;      /* that it was put together of; 0 = it came in one piece */
    bool copy;               /* of one that was there a moment before */
    bool too_short;          /* to tell whether it is Teredo, for the capture has cut it */
    struct udp_datagram udp; /* payload and payload_size always, the rest as outside says */
    struct teredo_packet packet; /* as far as extent says */
    enum teredo_extent extent;
    size_t size;  /* bytes of the UDP payload as sent, also where the capture has fewer */
    bool certain; /* by itself; else its flow was believed */
    /* Offsets of ip4_… and udp_… reasons count from the IPv4 header, others from the UDP payload.
     */
    struct wire_fault problems[CAPTURED_PACKET_MAX_PROBLEMS];
    unsigned problem_count;
};

struct flows_summary {
    uint64_t frames;
    uint64_t datagrams; /* UDP over IPv4 */
    uint64_t packets;   /* Teredo, without copies, and so kinds[] and unknown in all */
    uint64_t kinds[CAPTURED_PACKET_KINDS];
    uint64_t unknown; /* of believed flows, too damaged to tell the kind */
    uint64_t reasons[WIRE_REASON_COUNT];
    uint64_t flows; /* pairs of endpoints that showed Teredo */
    uint64_t clients;
    uint64_t servers;
    uint64_t punches;          /* pairs of endpoints whose direct bubbles were answered */
    uint64_t answered_by_data; /* of these, by data in both directions alone */
    uint64_t unanswered;       /* with direct bubbles in one direction, and no answer */
    uint64_t forgotten; /* flows, clients and servers that had to make way: each may count twice */
    uint64_t dropped;   /* by the kernel, before they were seen */
    nsec first, last;   /* of the Teredo packets; 0 = there was none */
    struct capture_remarks remarks;
};

/* What the kind of a captured packet is called, or NULL where it cannot be told. */
static inline const char *captured_packet_kind(const struct captured_packet *s)
{
    return s->extent < TEREDO_KIND ? NULL : teredo_kind_name(s->packet.kind);
}

/* The payload of the IPv6 packet, which may be empty; NULL where there is no IPv6 header. */
static inline struct bytes captured_packet_payload(const struct captured_packet *s)
{
    if (s->extent < TEREDO_HEADER)
        return (struct bytes){0};
    return (struct bytes){s->packet.payload, s->packet.payload_size};
}

/* What stands behind the last trailer, or in the place of one. */
static inline struct bytes captured_packet_tail(const struct captured_packet *s)
{
    if (s->extent < TEREDO_KIND || s->packet.junk_size == 0)
        return (struct bytes){0};
    return (struct bytes){s->udp.payload + s->packet.junk_offset, s->packet.junk_size};
}

/* Whether the ICMPv6 message of the packet is decoded. */
static inline bool captured_packet_has_icmp6(const struct captured_packet *s)
{
    return s->extent == TEREDO_WHOLE && s->packet.kind != TEREDO_BUBBLE &&
           s->packet.kind != TEREDO_DATA;
}

/* Trailers beyond the room were counted, but not kept. */
static inline unsigned teredo_kept_trailers(const struct teredo_packet *packet)
{
    return packet->trailer_count < TEREDO_MAX_TRAILERS ? packet->trailer_count
                                                       : TEREDO_MAX_TRAILERS;
}

extern const struct record_type packet_record;          /* a Teredo packet */
extern const struct record_type captured_packet_record; /* the same, and where it was captured */
extern const struct record_type flows_summary_record;
extern const struct record_type teredo_flags_record; /* uint16_t: those of a Teredo address */

#endif
