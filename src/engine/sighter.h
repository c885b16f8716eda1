/* Looks at UDP datagrams, one after another, and says which are Teredo: those that are by
 * themselves (src/wire/recognize.h), and those of a flow, that is a pair of endpoints, that has
 * shown such a one before. Counts what it sees. Memory is bounded, whatever is looked at: of flows,
 * clients and servers beyond the bounds the oldest are forgotten, and counted. */
#ifndef ENGINE_SIGHTER_H
#define ENGINE_SIGHTER_H

#include "sighting.h"

enum {
    SIGHTER_FLOWS = 1000000,
    SIGHTER_CLIENTS = 1000000,
    SIGHTER_SERVERS = 65536,
};

struct sighter;

struct sighter_config {
    size_t flows;  /* 0 = SIGHTER_FLOWS, and clients and servers likewise; else the bound of each */
    uint64_t seed; /* unpredictable, so that nobody can make the tables slow */
    bool summary;  /* also count clients and servers, which takes time */
};

/* NULL if memory is out. */
struct sighter *sighter_new(const struct sighter_config *config);

/* Looks at the datagram S->udp, at S->when, with OUTER what udp4_dissect found wrong with it. If it
 * is Teredo the rest of *S is filled in (file and frame are the caller's), and the result is true.
 */
bool sighter_look(struct sighter *sighter, struct sighting *s, const struct wire_fault *outer);

/* Counts a frame that was captured, whatever is in it. */
void sighter_count_frame(struct sighter *sighter);

/* Counts a frame whose IPv4 or UDP header is malformed. */
void sighter_count_fault(struct sighter *sighter, enum wire_reason reason);

/* Counts anew, and keeps what is known of flows: for a second reading of the same captures. */
void sighter_restart(struct sighter *sighter);

uint64_t sighter_packets(const struct sighter *sighter);

void sighter_summary(const struct sighter *sighter, struct sighting_summary *out);

void sighter_free(struct sighter *sighter);

/* Decodes the SIZE bytes of a UDP payload that is known by its own word alone: S is
 * SIGHTING_ALONE. True if it is a well-formed Teredo packet. */
bool sighter_decode_payload(const uint8_t *data, size_t size, struct sighting *s);

/* Decodes the SIZE bytes of an IPv4 packet that somebody has meant as Teredo, whatever it looks
 * like: S is SIGHTING_CAPTURED, but without frame and time. False if it is no UDP datagram. */
bool sighter_decode_datagram(const uint8_t *data, size_t size, struct sighting *s);

#endif
