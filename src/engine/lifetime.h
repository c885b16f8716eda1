/* How long a mapping lives (RFC 4787 4.3), as RFC 4380 5.2.7 finds it: a bubble through the server
 * to a port that has been silent. Many idle times run at once, each on a port of its own, so that
 * the whole takes little longer than the lifetime itself; where the ports do not suffice for the
 * resolution, the next pass looks between the bounds that this one found. Two more ports tell what
 * refreshes a mapping: one sends, and is sent nothing; the other only receives.
 *
 * A part of the classification (engine/classify.h). It tells its progress; the result is asked
 * for. */
#ifndef ENGINE_LIFETIME_H
#define ENGINE_LIFETIME_H

#include "classification.h"
#include "nat_test.h"

enum {
    LIFETIME_IDLE_PORTS = 48,
    LIFETIME_REFERENCE = LIFETIME_IDLE_PORTS, /* kept fresh: a bubble to it must arrive */
    LIFETIME_INBOUND,  /* is sent bubbles all the time, sends nothing itself */
    LIFETIME_OUTBOUND, /* sends all the time, is sent nothing */
    LIFETIME_PORTS,
    LIFETIME_MAX_PASSES = 4,
};

/* What a port's packets are, and their tags: one of each port's each kind and round, and one of all
 * that keep a port busy, which nothing answers. */
enum lifetime_sent {
    LIFETIME_SENT_OPEN,
    LIFETIME_SENT_BUBBLE,
    LIFETIME_SENT_REFERENCE,
    LIFETIME_SENT_KINDS,
};

enum {
    LIFETIME_TAG_BEAT = LIFETIME_PORTS * LIFETIME_SENT_KINDS * CLASSIFY_ROUNDS,
    LIFETIME_TAGS
};

struct lifetime_config {
    struct classify_server server;
    unsigned first_socket; /* of LIFETIME_PORTS that follow each other */
    unsigned sender;       /* socket that sends the bubbles */
    nsec max;              /* the longest idle time to try */
    nsec resolution;
    nsec rtt;
    nsec wait;   /* how long an answer may take */
    double odds; /* that loss explains the silence of any test */
};

enum lifetime_state {
    LIFETIME_UNUSED,
    LIFETIME_OPENING, /* solicited; its mapping is not known yet */
    LIFETIME_IDLE,
    LIFETIME_TESTING, /* bubbles under way */
    LIFETIME_ALIVE,
    LIFETIME_GONE,
    LIFETIME_UNDECIDED, /* the server did not answer, or loss could explain the silence */
};

struct lifetime_port {
    enum lifetime_state state;
    nsec idle;     /* to be tried */
    nsec due;      /* when something is to be done next */
    nsec opened;   /* when its mapping was told */
    nsec last_out; /* packet sent: no later was the mapping fresh for certain */
    nsec last_any; /* packet sent or received: it may have been fresh as late as this */
    nsec alive_at; /* ALIVE: an idle time that it has outlived */
    nsec gone_at;  /* GONE: an idle time that it has not */
    unsigned rounds;
    struct nat_test open, bubble, reference;
};

struct lifetime {
    struct engine engine;
    struct outbox *out; /* while it is observed */
    struct lifetime_config config;
    nsec started;
    nsec at_least;
    nsec at_most; /* NSEC_NEVER = none yet */
    nsec beat;    /* how often REFERENCE, INBOUND and OUTBOUND have traffic */
    nsec next_progress;
    unsigned passes;
    bool no_relay; /* no bubble ever came back */
    bool done;
    struct classify_evidence alive, gone; /* behind the bounds, but for the port: here its index */
    struct lifetime_port ports[LIFETIME_PORTS];
};

/* Sets up an engine that starts at NOW: it wants a TIMER at once. */
void lifetime_init(struct lifetime *l, const struct lifetime_config *config, nsec now);

/* What is known so far, with the evidence: sets c->lifetime, adds to c->evidence and c->error_odds.
 * LOCAL is the local endpoint of the first socket and of those that follow. */
void lifetime_result(const struct lifetime *l, const struct endpoint *local,
                     struct classification *c);

#endif
