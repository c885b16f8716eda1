/* The pump from captures to a sighter: frames in, Teredo packets out. */
#ifndef DRIVE_SIFT_H
#define DRIVE_SIFT_H

#include "capture.h"
#include "icmp4.h"
#include "sighter.h"

struct sift {
    struct sighter *sighter;
    bool tunnels;   /* also look into GTP-U */
    bool errors;    /* sift_next also finds ICMP errors about UDP datagrams */
    uint64_t count; /* Teredo packets to end after; 0 = no bound */
    /* Gets each of sift_capture; S lives until it returns. NULL = they are only counted. */
    void (*seen)(void *context, const struct sighting *s);
    void *context;
};

enum sift_result {
    SIFT_FAILED = -1, /* ERROR is filled: the capture is damaged, or cannot be read */
    SIFT_END,         /* S->when is that of the last frame, whatever was in it */
    SIFT_PACKET,      /* *S is a Teredo packet, which lives until the capture is read again */
    SIFT_ERROR,       /* *ICMP is an ICMP error, and S->when and S->frame its time and number */
    SIFT_IDLE,        /* nothing came in the time that the capture was given to wait */
};

/* The next find in a capture that has begun. */
enum sift_result sift_next(const struct sift *sift, struct capture *capture, struct sighting *s,
                           struct icmp4_error *icmp, struct error *error);

/* Sifts the rest of a capture that has begun: 0 at its end, or when COUNT is reached; -1, ERROR
 * filled, if it is damaged or cannot be read. */
int sift_capture(const struct sift *sift, struct capture *capture, struct error *error);

/* True if the sifting is done, however much of the capture is left. */
bool sift_is_done(const struct sift *sift);

#endif
