/* The verdict on a captured hole punch: its five steps, outcome and cause. */
#ifndef ENGINE_PASSIVE_VERDICT_H
#define ENGINE_PASSIVE_VERDICT_H

#include "event.h"
#include "passive_punch.h"
#include "punch_judge.h"

enum passive_end {
    END_OPEN,      /* both directions are shown to work */
    END_TIME,      /* nothing came for long enough */
    END_CAPTURE,   /* there is no more to see */
    END_FORGOTTEN, /* its place was needed */
};

/* What is known of the parties beyond the punch itself. */
struct passive_surroundings {
    bool server_heard; /* the peer's server has sent something lately */
    /* What a vantage point would have shown that was capturing all the while, without a filter that
     * may have hidden it. */
    bool server_is_captured;        /* the indirect bubble, next to the peer's server */
    bool forwarding_is_captured;    /* what left that server for the peer */
    bool arrival_is_captured;       /* what arrived of it next to the peer */
    bool peer_is_captured;          /* direct packets next to the peer */
    bool answer_is_captured;        /* the peer's direct answer next to the initiator */
    bool direct_is_captured;        /* direct packets, whenever, at either party or in between */
    bool answer_paths_are_captured; /* the peer's answer through the initiator's server */
    /* Of the initiator's qualifications. */
    bool initiator_maps_anew;
    unsigned solicitations_answered, solicitations_lost;
    struct endpoint initiator_inside; /* of its mapped endpoint; unset = not known */
};

/* True as soon as the data of both parties, or their answers, show both directions to work. */
bool passive_is_open(const struct passive_punch *p);

/* The table that the verdict is read from. */
const struct punch_rule *passive_rules(unsigned *count);

/* The verdict at NOW. */
struct punching passive_judge(const struct passive_punch *p,
                              const struct passive_surroundings *around, enum passive_end end,
                              nsec now);

#endif
