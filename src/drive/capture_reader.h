/* The pump from captures to the table of Teredo flows: frames in, Teredo packets out. On the way
 * fragments are put together, copies and checksums that were left to a network card are told, and
 * times are made steady. */
#ifndef DRIVE_CAPTURE_READER_H
#define DRIVE_CAPTURE_READER_H

#include "capture.h"
#include "find_queue.h"
#include "teredo_flows.h"

enum {
    CAPTURE_STRANGERS = 8
};

/* What a capture has shown that is none of Teredo's, nor in UDP port 3544. */
struct capture_strangers {
    bool other_than_ip4;
    bool cut; /* frames that are too short to tell what they are */
    unsigned count;
    uint32_t hosts[CAPTURE_STRANGERS][2]; /* pairs of IPv4 addresses, the first that were seen */
};

struct capture_reader {
    struct teredo_flows *teredo_flows;
    uint64_t seed; /* unpredictable */
    bool tunnels;  /* also look into GTP-U */
    bool errors;   /* also find ICMP errors about UDP datagrams */
    /* Finds come in the order of steady times, as far as a file can be read ahead for that; else in
     * the order of the capture. */
    bool in_order;
    uint64_t count; /* Teredo packets to end after; 0 = no bound */
    /* Gets each of capture_reader_capture; S lives until it returns. NULL = they are only counted.
     */
    void (*seen)(void *context, const struct captured_packet *s);
    void *context;
    struct capture_state *state; /* of the capture that is read; NULL before capture_reader_begin */
};

enum capture_reader_result {
    CAPTURE_READER_FAILED = -1, /* ERROR is filled: the capture is damaged, or cannot be read */
    CAPTURE_READER_END,
    CAPTURE_READER_FIND, /* which lives until the capture is read again */
    CAPTURE_READER_IDLE, /* nothing came in the time that the capture was given to wait */
};

/* Begins CAPTURE, which is opened; another one that the reader had is forgotten. -1, ERROR filled,
 * on failure. */
int capture_reader_begin(struct capture_reader *reader, struct capture *capture,
                         struct error *error);

/* The next find. FIND->packet.steady is the time of it, or else of the last frame, whatever was in
 * it. */
enum capture_reader_result capture_reader_next(struct capture_reader *reader,
                                               struct capture_find *find, struct error *error);

/* What it has shown beside its finds so far; of READERs with `errors` alone. */
const struct capture_strangers *capture_reader_strangers(const struct capture_reader *reader);

/* Reads the rest of the capture: 0 at its end, or when COUNT is reached; -1, ERROR filled, if it is
 * damaged or cannot be read. */
int capture_reader_capture(struct capture_reader *reader, struct error *error);

/* True if the reading is done, however much of the capture is left. */
bool capture_reader_is_done(const struct capture_reader *reader);

/* Frees the state of the capture that was read. */
void capture_reader_end(struct capture_reader *reader);

#endif
