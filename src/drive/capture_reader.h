/* The pump from captures to the table of Teredo flows: frames in, Teredo packets out. */
#ifndef DRIVE_CAPTURE_READER_H
#define DRIVE_CAPTURE_READER_H

#include "capture.h"
#include "icmp4.h"
#include "teredo_flows.h"

struct capture_reader {
    struct teredo_flows *teredo_flows;
    bool tunnels;   /* also look into GTP-U */
    bool errors;    /* capture_reader_next also finds ICMP errors about UDP datagrams */
    uint64_t count; /* Teredo packets to end after; 0 = no bound */
    /* Gets each of capture_reader_capture; S lives until it returns. NULL = they are only counted.
     */
    void (*seen)(void *context, const struct captured_packet *s);
    void *context;
};

enum capture_reader_result {
    CAPTURE_READER_FAILED = -1, /* ERROR is filled: the capture is damaged, or cannot be read */
    CAPTURE_READER_END,         /* S->when is that of the last frame, whatever was in it */
    CAPTURE_READER_PACKET, /* *S is a Teredo packet, which lives until the capture is read again */
    CAPTURE_READER_ERROR, /* *ICMP is an ICMP error, and S->when and S->frame its time and number */
    CAPTURE_READER_IDLE,  /* nothing came in the time that the capture was given to wait */
};

/* The next find in a capture that has begun. */
enum capture_reader_result capture_reader_next(const struct capture_reader *capture_reader,
                                               struct capture *capture, struct captured_packet *s,
                                               struct icmp4_message *icmp, struct error *error);

/* Sifts the rest of a capture that has begun: 0 at its end, or when COUNT is reached; -1, ERROR
 * filled, if it is damaged or cannot be read. */
int capture_reader_capture(const struct capture_reader *capture_reader, struct capture *capture,
                           struct error *error);

/* True if the sifting is done, however much of the capture is left. */
bool capture_reader_is_done(const struct capture_reader *capture_reader);

#endif
