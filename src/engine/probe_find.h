/* From what the legs of a classification saw to its findings; internal to engine/probe. */
#ifndef ENGINE_PROBE_FIND_H
#define ENGINE_PROBE_FIND_H

#include "port_pattern.h"
#include "probe.h"

/* Sets the findings in *C (what else is there stays) from what is known at NOW. With HOPEFUL, what
 * is under way counts as if it confirmed the silence seen so far: then true means that no further
 * round is needed. Returns true when everything that can be found has been. */
bool probe_find(const struct probe *p, nsec now, bool hopeful, struct classification *c);

/* True when the answers of two destinations to one port show that the mapping depends on them, or
 * that it does not. Neither where external endpoints changed meanwhile. */
bool probe_mapping_depends(const struct probe *p);
bool probe_mapping_independent(const struct probe *p);

/* True when a filtering test can still change the finding. */
bool probe_filtering_open(const struct probe *p, nsec now, bool hopeful);

/* True where hairpinning can be tested, and is not decided. */
bool probe_hairpin_open(const struct probe *p, nsec now, bool hopeful);

/* How LEG fared against its controls, and the odds that loss explains its silence. */
double probe_silence(const struct probe *p, enum probe_leg_name leg, nsec now, bool hopeful,
                     struct probe_count *count);

/* Reachability (probe_reach.c). */
static inline bool probe_answered(const struct probe *p, enum probe_leg_name leg)
{
    return p->legs[leg].answered > 0;
}
bool probe_primary_answers(const struct probe *p);
bool probe_secondary_answers(const struct probe *p);
/* Packets to the primary (0) or secondary (1) are refused, and not by one stray error. */
bool probe_is_refused(const struct probe *p, unsigned address, nsec now);
enum classify_reach probe_reach_of(enum qualify_reason refusal);
/* How many solicitations to an address stayed unanswered beside one to the other that did not. */
unsigned probe_address_misses(const struct probe *p, unsigned address, nsec now, bool hopeful);
/* The address never answers, more surely than the worst loss explains; adds the odds to *ODDS. */
bool probe_address_silent(const struct probe *p, unsigned address, nsec now, bool hopeful,
                          double *odds);
/* True where a router outside, or the server's host, has shown that UDP gets there. */
bool probe_udp_leaves(const struct probe *p);
/* A router on the way in the address space that carriers use behind their NATs (RFC 6598), where
 * this host has not such an address itself; 0 = none. */
uint32_t probe_shared_space_router(const struct probe *p);
enum classify_reach probe_find_reach(const struct probe *p, nsec now, bool hopeful,
                                     struct classification *c);

/* The mappings that the legs saw, for the ports' pattern, ordered as MAPPING says that they were
 * made; returns how many (probe_ports.c). */
unsigned probe_points(const struct probe *p, enum nat_depends mapping,
                      struct port_point points[static CLASSIFY_PORTS]);

/* Adds the evidence of every test that was made (probe_evidence.c). */
void probe_evidence(const struct probe *p, nsec now, struct classification *c);

#endif
