/* Looks at UDP datagrams, one after another, and says which are Teredo: those that are by
 * themselves (src/wire/recognize.h), and those of a flow, that is a pair of endpoints, that has
 * shown such a one before. Counts what it sees. Memory is bounded, whatever is looked at: of flows,
 * clients and servers beyond the bounds the oldest are forgotten, and counted. */
#ifndef ENGINE_TEREDO_FLOWS_H
#define ENGINE_TEREDO_FLOWS_H

#include "captured_packet.h"
#include "packet_copies.h"

enum {
    TEREDO_FLOWS_MAX = 1000000,
    TEREDO_FLOWS_CLIENTS = 1000000,
    TEREDO_FLOWS_SERVERS = 65536,
};

struct teredo_flows;

struct teredo_flows_config {
    size_t
        flows; /* 0 = TEREDO_FLOWS_MAX, and clients and servers likewise; else the bound of each */
    uint64_t seed; /* unpredictable, so that nobody can make the tables slow */
    bool summary;  /* also count clients and servers, which takes time */
};

/* NULL if memory is out. */
struct teredo_flows *teredo_flows_new(const struct teredo_flows_config *config);

/* Looks at the datagram S->udp, at S->when, with OUTER what udp4_dissect found wrong with it. If it
 * is Teredo the rest of *S is filled in (file, frame, times and what is said of the frame are the
 * caller's), and the result is true. COPIES, if not NULL, tells copies, which are not counted as
 * packets. */
bool teredo_flows_look(struct teredo_flows *teredo_flows, struct packet_copies *copies,
                       struct captured_packet *s, const struct wire_fault *outer);

/* Counts a frame that was captured, whatever is in it. */
void teredo_flows_count_frame(struct teredo_flows *teredo_flows);

/* Counts a frame whose IPv4 or UDP header is malformed. */
void teredo_flows_count_fault(struct teredo_flows *teredo_flows, enum wire_reason reason);

/* Counts fragments that belong to no whole datagram, and such as contradict each other. */
void teredo_flows_count_fragments(struct teredo_flows *teredo_flows, unsigned lost, bool refused);

/* Counts the frame of S, of which too few bytes were captured to tell what it is; once, however
 * many packets it may have in tunnels. */
void teredo_flows_count_cut(struct teredo_flows *teredo_flows, struct captured_packet *s);

/* Counts a frame of a link type that is not known; NAME is copied. */
void teredo_flows_count_unread(struct teredo_flows *teredo_flows, const char *name);

/* Notes a step that the time of a capture went back; its file is copied. */
void teredo_flows_note_step(struct teredo_flows *teredo_flows, const struct clock_step *step);

/* S, found before, has its UDP payload at another place now: so has all that borrows from it. */
void teredo_flows_move(struct captured_packet *s, const uint8_t *payload);

/* Counts anew, and keeps what is known of flows: for a second reading of the same captures. */
void teredo_flows_restart(struct teredo_flows *teredo_flows);

uint64_t teredo_flows_packets(const struct teredo_flows *teredo_flows);

void teredo_flows_summary(const struct teredo_flows *teredo_flows, struct flows_summary *out);

void teredo_flows_free(struct teredo_flows *teredo_flows);

/* Decodes the SIZE bytes of a UDP payload that is known by its own word alone: S is
 * CAPTURED_PACKET_ALONE. True if it is a well-formed Teredo packet. */
bool teredo_flows_decode_payload(const uint8_t *data, size_t size, struct captured_packet *s);

/* Decodes the SIZE bytes of an IPv4 packet that somebody has meant as Teredo, whatever it looks
 * like: S is CAPTURED_PACKET_CAPTURED, but without frame and time. False if it is no UDP datagram.
 */
bool teredo_flows_decode_datagram(const uint8_t *data, size_t size, struct captured_packet *s);

#endif
