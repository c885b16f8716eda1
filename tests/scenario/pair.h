/* A trace between two hosts of the world (world.h), for every pair of NAT words, in calm and in
 * storm: who can punch, and what the trace says. */
#ifndef SCENARIO_PAIR_H
#define SCENARIO_PAIR_H

#include "responder.h"
#include "trace.h"
#include "world.h"

enum word {
    NONE,
    CONE,
    ADDRESS,
    PORT,
    SYMMETRIC,
    FIREWALL,
    BLOCKED,
    WORDS
};

extern const char *const pair_words[WORDS];

/* What a trace from A to B finds, and why. */
enum outcome {
    OPEN,       /* B's own endpoint answers: bubbles open all that filters */
    REMAPPED,   /* B answers from a new mapping, and A's NAT does not look at ports */
    SHUT,       /* a symmetric NAT of B's meets one that filters by port: B answers through A's
                 * server, which sees it elsewhere, and no direct bubble matches what A has opened */
    MISLED,     /* the same, but A is the symmetric one: what B sends goes to A's mapping for the
                 * servers, and B can answer through its own server */
    ABSENT,     /* B hears nothing, though its server lives */
    NO_ADDRESS, /* A cannot qualify */
};

struct pair_outcome {
    enum punch_verdict verdict;
    enum punch_cause cause;
    const char *reason;
};

const struct pair_outcome *pair_outcome(enum word a, enum word b);
bool pair_can_punch(enum word a, enum word b);

/* One run: B listens, then A traces it. */
struct run {
    struct world *world;
    struct responder responder;
    struct trace trace;
    bool b_settled; /* it has told its address, or that it has none */
    bool b_qualified;
    struct in6_addr b_address;
    bool done;
    struct punching result;
    unsigned verdicts;
    /* Is told what A and B tell; NULL = nobody listens. */
    void (*tell)(enum world_site site, const struct event *e);
};

/* B listens, or tries to, for ten seconds at most. */
void pair_settle_b(struct run *r);

/* A traces B: up to ATTEMPTS bubble pairs. */
void pair_trace_b(struct run *r, unsigned attempts);

/* Fills R, whose world the caller frees: a new one, with R->watch told of what is on the wire.
 * False where loss kept B from qualifying. */
bool pair_run(struct run *r, const struct world_config *config, unsigned attempts);

/* All legs take 12.5 ms each way. */
struct world_config pair_calm(enum word a, enum word b);

struct weather {
    const char *name;
    struct world_leg host, server;
};

enum {
    WEATHERS = 3
};

extern const struct weather pair_weathers[WEATHERS];

#endif
