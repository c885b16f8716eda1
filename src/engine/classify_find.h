/* From what the tests of a classification saw to its findings; internal to engine/classify. */
#ifndef ENGINE_CLASSIFY_FIND_H
#define ENGINE_CLASSIFY_FIND_H

#include "classify.h"
#include "port_pattern.h"

/* Sets the findings in *C (what else is there stays) from what is known at NOW. With HOPEFUL, what
 * is under way counts as if it confirmed the silence seen so far: then true means that no further
 * round is needed. Returns true when everything that can be found has been. */
bool classify_find(const struct classify *p, nsec now, bool hopeful, struct classification *c);

/* True when the answers of two destinations to one port show that the mapping depends on them, or
 * that it does not. Neither where external endpoints changed meanwhile. */
bool classify_mapping_depends(const struct classify *p);
bool classify_mapping_independent(const struct classify *p);

/* True when a filtering test can still change the finding. */
bool classify_filtering_open(const struct classify *p, nsec now, bool hopeful);

/* True where hairpinning can be tested, and is not decided. */
bool classify_hairpin_open(const struct classify *p, nsec now, bool hopeful);

/* How LEG fared against its controls, and the odds that loss explains its silence. */
double classify_silence(const struct classify *p, enum nat_test_name test, nsec now, bool hopeful,
                        struct classify_count *count);

/* Reachability (classify_reach.c). */
static inline bool classify_answered(const struct classify *p, enum nat_test_name test)
{
    return p->tests[test].answered > 0;
}
bool classify_primary_answers(const struct classify *p);
bool classify_secondary_answers(const struct classify *p);
/* Packets to the primary (0) or secondary (1) are refused, and not by one stray error. */
bool classify_is_refused(const struct classify *p, unsigned address, nsec now);
/* How many solicitations to an address stayed unanswered beside one to the other that did not. */
unsigned classify_address_misses(const struct classify *p, unsigned address, nsec now,
                                 bool hopeful);
/* The address never answers, more surely than the worst loss explains; adds the odds to *ODDS. */
bool classify_address_silent(const struct classify *p, unsigned address, nsec now, bool hopeful,
                             double *odds);
/* True where a router outside, or the server's host, has shown that UDP gets there. */
bool classify_udp_leaves(const struct classify *p);
/* A router on the way in the address space that carriers use behind their NATs (RFC 6598), where
 * this host has not such an address itself; 0 = none. */
uint32_t classify_shared_space_router(const struct classify *p);
enum classify_reach classify_find_reach(const struct classify *p, nsec now, bool hopeful,
                                        struct classification *c);

/* The mappings that the tests saw, for the ports' pattern, ordered as MAPPING says that they were
 * made; returns how many (classify_ports.c). */
unsigned classify_points(const struct classify *p, enum nat_depends mapping,
                         struct port_point points[static CLASSIFY_PORTS]);

/* Adds the evidence of every test that was made (classify_evidence.c). */
void classify_evidence(const struct classify *p, nsec now, struct classification *c);

#endif
