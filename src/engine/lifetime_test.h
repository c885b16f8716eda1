/* The tests of a lifetime: is the mapping of this port still there? Internal to engine/lifetime. */
#ifndef ENGINE_LIFETIME_TEST_H
#define ENGINE_LIFETIME_TEST_H

#include "lifetime.h"

enum {
    LIFETIME_TEST_ROUNDS = 15, /* what a test takes where nothing is lost */
};

static inline uint32_t lifetime_tag(unsigned port, enum lifetime_sent kind, unsigned round)
{
    return (port * LIFETIME_SENT_KINDS + kind) * CLASSIFY_ROUNDS + round;
}

static inline bool lifetime_is_idle_port(unsigned port)
{
    return port < LIFETIME_IDLE_PORTS;
}

/* Between the bubbles of a test. */
nsec lifetime_test_interval(const struct lifetime *l);

/* Solicits from PORT, which then is told its mapping (anew). */
void lifetime_solicit(struct lifetime *l, unsigned port);

/* Begins the test of PORT, and carries it on whenever it is due: a bubble to it and one to the
 * control, in turns first, until one has come or loss does not explain the silence. */
void lifetime_test_start(struct lifetime *l, unsigned port, nsec now);
void lifetime_test_step(struct lifetime *l, unsigned port, nsec now);

/* A bubble of the test of PORT has come: it lives. */
void lifetime_test_arrived(struct lifetime *l, unsigned port);

/* The evidence of a test that has ended; `port` is the port's index. */
struct classify_evidence lifetime_test_evidence(const struct lifetime *l, unsigned port);

#endif
