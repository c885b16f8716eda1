/* The verdict on a captured hole punch: its five steps, outcome and cause. */
#ifndef ENGINE_PASSIVE_VERDICT_H
#define ENGINE_PASSIVE_VERDICT_H

#include "event.h"
#include "passive_punch.h"

enum passive_end {
    END_OPEN,      /* both directions are shown to work */
    END_TIME,      /* nothing came for long enough */
    END_CAPTURE,   /* there is no more to see */
    END_FORGOTTEN, /* its place was needed */
};

/* What is known of the parties beyond the punch itself. */
struct passive_surroundings {
    bool server_heard;       /* the peer's server has sent something lately */
    bool server_is_captured; /* a vantage point next to it was capturing all the while */
    bool initiator_is_captured;
    bool peer_is_captured;
};

/* True as soon as the data of both parties, or their answers, show both directions to work. */
bool passive_is_open(const struct passive_punch *p);

/* The verdict at NOW. */
struct punching passive_judge(const struct passive_punch *p,
                              const struct passive_surroundings *around, enum passive_end end,
                              nsec now);

#endif
