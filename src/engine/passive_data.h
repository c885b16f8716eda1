/* Data on the direct path, and what shows that it arrived: an answer that only its receiver can
 * give. */
#ifndef ENGINE_PASSIVE_DATA_H
#define ENGINE_PASSIVE_DATA_H

#include "observation.h"
#include "punching.h"

enum {
    TALK_REMEMBERED = 4, /* packets of each direction that may still be answered */
    TALK_WORDS = 4
};

/* What an answer to a packet looks like: protocol, ports or identifiers, sequence number. */
struct talk_mark {
    bool set;
    uint32_t words[TALK_WORDS];
    nsec when;
    unsigned vantage;
    struct step_view view;
};

/* Directions are those of enum passive_party: whose packets. */
struct passive_talk {
    bool seen[2];
    bool answered[2]; /* a packet of that party was answered by the other, so it arrived */
    bool arrived[2];  /* a packet of that party, bubbles included, was seen next to the other */
    struct step_view first[2];       /* the first packet of each */
    struct step_view request, reply; /* the exchange that shows the path open */
    bool has_exchange;
    uint32_t exchange[TALK_WORDS]; /* its mark */
    bool initiator_asked;          /* the request is the initiator's */
    nsec rtt;                      /* of the exchange, at one vantage point; 0 = unknown */
    struct talk_mark marks[2][TALK_REMEMBERED];
    unsigned mark_count[2];
};

/* Takes in the data packet O of PARTY, seen as VIEW says. */
void talk_take(struct passive_talk *t, const struct observation *o, unsigned party,
               const struct step_view *view);

#endif
