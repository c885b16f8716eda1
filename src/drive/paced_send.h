/* Sends by the clock and listens: for a command that has packets of its own, and no engine. */
#ifndef DRIVE_PACED_SEND_H
#define DRIVE_PACED_SEND_H

#include "inject.h"
#include "nsec.h"

struct paced_send_config {
    struct inject *inject;
    unsigned long rounds; /* how often to fire */
    nsec interval;        /* from one round to the next */
    nsec wait;            /* after the last; 0 = not at all */
    /* Sends round ROUND, from 0. */
    void (*fire)(void *context, unsigned long round);
    /* A datagram or an ICMP error. */
    void (*receive)(void *context, const struct port_receipt *receipt);
    /* Optional: called twice a second, with when the wait ends (NSEC_NEVER = not known yet). */
    void (*tick)(void *context, nsec now, nsec end);
    void *context;
};

/* Runs until all rounds are fired and the wait is over, or SIGINT or SIGTERM comes, which sets
 * *INTERRUPTED. Where no time is to be waited, what has come already is still told. Returns 0, or
 * -1 and ERROR filled. */
int paced_send_run(const struct paced_send_config *config, bool *interrupted, struct error *error);

#endif
