/* What an engine waits for, when somebody asks: a status line shows it, and nothing else does. */
#ifndef EVENT_WAITING_H
#define EVENT_WAITING_H

#include "endpoint.h"
#include "nsec.h"

enum waiting_for {
    WAITING_FOR_NOTHING,
    WAITING_FOR_SERVER,   /* to answer a solicitation */
    WAITING_FOR_PEER,     /* to answer a bubble pair */
    WAITING_FOR_ECHO,     /* of the peer */
    WAITING_FOR_PEERS,    /* to come; `try` and `tries` count those that came and are asked for */
    WAITING_FOR_TESTS,    /* rounds of a classification */
    WAITING_FOR_LIFETIME, /* of a mapping to end */
    WAITING_FOR_PUNCHES,  /* of others, in a capture; `try` counts those that were told */
};

struct waiting {
    enum waiting_for what;
    struct endpoint whom; /* unset = nobody in particular */
    unsigned try;         /* from 1; 0 = not counted */
    unsigned tries;       /* at most; 0 = no limit */
    nsec since;
    nsec until;    /* when it is given up, if nothing comes; NSEC_NEVER = not known */
    nsec at_least; /* the bounds of the lifetime so far; 0 and NSEC_NEVER = none */
    nsec at_most;
};

#endif
