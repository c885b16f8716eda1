/* What a link does to the packets that enter it: delay, jitter, loss, duplicates, reordering. The
 * fate of packet number N of a direction depends on the seed, the link, the direction and N alone,
 * not on time or on other packets, so that a run can be repeated. */
#ifndef LAB_LINK_H
#define LAB_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "nsec.h"
#include "plan.h"

struct link_config {
    nsec delay;       /* each way */
    nsec jitter;      /* the delay is drawn evenly from delay - jitter to delay + jitter, >= 0 */
    double loss;      /* probabilities, 0 to 1 */
    double duplicate; /* the copy draws a delay of its own */
    double reorder;   /* the packet is held back, and later ones may pass it */
};

struct link_fate {
    bool lost;
    bool duplicated;
    bool reordered;
    nsec delay;      /* of the packet; includes the hold of a reordered one */
    nsec copy_delay; /* of the duplicate */
};

enum link_direction {
    LINK_OUT, /* host to core */
    LINK_IN,
};

/* One direction of one link. Jitter alone reorders nothing: a packet that is not held back never
 * arrives before the one sent before it. */
struct link {
    struct link_config config;
    uint64_t key;
    uint64_t count; /* packets so far */
    nsec last_due;
};

void link_init(struct link *link, const struct link_config *config, uint64_t seed,
               enum lab_host host, enum link_direction direction);

/* The fate of packet number N of the link, from 0. */
struct link_fate link_fate(const struct link *link, uint64_t n);

/* A packet enters at NOW: takes the next fate and tells when the packet and its copy come out. */
struct link_fate link_enter(struct link *link, nsec now, nsec *due, nsec *copy_due);

/* Sets one property ("delay", "jitter", "loss", "duplicate", "reorder") of LINKS from TEXT: a value
 * for all links, or a list such as "a=25ms,s1=5ms". Times take us, ms or s ("1.5ms"); probabilities
 * are "5%" or "0.05". Returns 0, or -1 with *ERROR (EX_USAGE) and LINKS untouched. */
int link_config_parse(struct link_config links[static LAB_HOSTS], const char *property,
                      const char *text, struct error *error);

#endif
