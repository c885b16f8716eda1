/* From what the tests of a classification saw to its findings; internal to engine/classify. */
#ifndef ENGINE_CLASSIFY_FIND_H
#define ENGINE_CLASSIFY_FIND_H

#include "classify.h"
#include "port_pattern.h"

/* How what is known is looked at. With HOPEFUL, what is under way counts as if it confirmed the
 * silence seen so far. */
struct classify_view {
    nsec now;
    bool hopeful;
};

static inline struct classify_view classify_seen(nsec now)
{
    return (struct classify_view){.now = now};
}

static inline struct classify_view classify_hoped(nsec now)
{
    return (struct classify_view){.now = now, .hopeful = true};
}

/* Sets the findings in *C; what else is there stays. Returns true when everything that can be found
 * has been; in a hopeful view, when no further round is needed for that. */
bool classify_find(const struct classify *p, struct classify_view view, struct classification *c);

/* True when the answers of two destinations to one port show that the mapping depends on them; not
 * where external endpoints changed meanwhile. */
bool classify_mapping_depends(const struct classify *p);

/* True when a filtering test can still change the finding. */
bool classify_filtering_open(const struct classify *p, struct classify_view view);

/* True where hairpinning can be tested, and is not decided. */
bool classify_hairpin_open(const struct classify *p, struct classify_view view);

/* How TEST fared against its references, and the odds that loss explains its silence. */
double classify_silence(const struct classify *p, enum nat_test_name test,
                        struct classify_view view, struct classify_count *count);

/* How long an address that is silent is given. */
static inline nsec classify_patience(const struct classify *p)
{
    return nsec_max(CLASSIFY_SILENCE, p->config.timeout);
}

/* Reachability. */
static inline bool classify_answered(const struct classify *p, enum nat_test_name test)
{
    return p->tests[test].answered > 0;
}
bool classify_primary_answers(const struct classify *p);
bool classify_secondary_answers(const struct classify *p);
/* Packets to the primary (0) or secondary (1) are refused, and not by one stray error. */
bool classify_is_refused(const struct classify *p, unsigned address, nsec now);
/* How many solicitations to an address stayed unanswered beside one to the other that did not. */
unsigned classify_address_misses(const struct classify *p, unsigned address,
                                 struct classify_view view);
/* The secondary has had the time to answer, and has not; or it refuses, or is surely silent. */
bool classify_secondary_is_doubtful(const struct classify *p, nsec now);

/* The extra port has had the time to answer, and has not; it is not known, refuses, or is surely
 * silent. */
bool classify_extra_is_doubtful(const struct classify *p, nsec now);
bool classify_extra_is_out(const struct classify *p, struct classify_view view);

/* What the server does with solicitations that have the cone bit: it has answered one as it should;
 * the controls have had the time to be, and were not, so that relayed bubbles take over; that is
 * more surely so than loss explains. */
bool classify_cone_works(const struct classify *p);
bool classify_cone_is_doubtful(const struct classify *p, nsec now);
bool classify_cone_is_dead(const struct classify *p, struct classify_view view);
/* True where it can be tested whether the NAT trips over what comes unasked, and is not decided. */
bool classify_trip_open(const struct classify *p, struct classify_view view);
/* True when one of the bubbles that nobody asked for has come to the NAT, more surely than loss
 * explains. */
bool classify_unasked_came(const struct classify *p, struct classify_view view);
/* Its relayed bubbles have taken the place of the cone bit. */
bool classify_relay_took_over(const struct classify *p);
/* It has relayed a bubble. */
bool classify_relay_works(const struct classify *p);

/* True where a router outside has shown that UDP gets there. */
bool classify_router_outside(const struct classify *p);

/* The mappings that the tests saw, for the ports' pattern, in the order in which the NAT made them
 * if they depend on the destination as MAPPING says; returns how many. */
unsigned classify_points(const struct classify *p, enum nat_depends mapping,
                         struct port_point points[static CLASSIFY_PORTS]);

/* Adds the evidence of every test that was made (classify_evidence.c). */
void classify_evidence(const struct classify *p, nsec now, struct classification *c);

#endif
