/* The pump from captures to a sighter: frames in, Teredo packets out. */
#ifndef DRIVE_SIFT_H
#define DRIVE_SIFT_H

#include "capture.h"
#include "sighter.h"

struct sift {
    struct sighter *sighter;
    bool tunnels;   /* also look into GTP-U */
    uint64_t count; /* Teredo packets to end after; 0 = no bound */
    /* Gets each; S lives until it returns. NULL = they are only counted. */
    void (*seen)(void *context, const struct sighting *s);
    void *context;
};

/* Sifts the rest of a capture that has begun: 0 at its end, or when COUNT is reached; -1, ERROR
 * filled, if it is damaged or cannot be read. */
int sift_capture(struct sift *sift, struct capture *capture, struct error *error);

/* True if the sifting is done, however much of the capture is left. */
bool sift_is_done(const struct sift *sift);

#endif
