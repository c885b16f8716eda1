/* From what the legs of a classification saw to its findings; internal to engine/probe. */
#ifndef ENGINE_PROBE_FIND_H
#define ENGINE_PROBE_FIND_H

#include "odds.h"
#include "port_pattern.h"
#include "probe.h"

/* Sets the findings in *C (what else is there stays) from what is known at NOW. With HOPEFUL, what
 * is under way counts as if it confirmed the silence seen so far: then true means that no further
 * round is needed. Returns true when everything that can be found has been. */
bool probe_find(const struct probe *p, nsec now, bool hopeful, struct classification *c);

/* True where the mapping is known to depend on the destination, or not to. */
bool probe_mapping_depends(const struct probe *p);
bool probe_mapping_independent(const struct probe *p);

/* True when a filtering test can still change the finding. */
bool probe_filtering_open(const struct probe *p, nsec now, bool hopeful);

/* True where hairpinning can be tested, and is not decided. */
bool probe_hairpin_open(const struct probe *p, nsec now, bool hopeful);

/* How LEG fared against its controls, and the odds that loss explains its silence. */
double probe_silence(const struct probe *p, enum probe_leg_name leg, nsec now, bool hopeful,
                     struct probe_count *count);

/* How many solicitations to one server address stayed unanswered beside one to the other that did
 * not. */
unsigned probe_address_misses(const struct probe *p, bool primary, nsec now, bool hopeful);

/* The mappings that the legs saw, for the ports' pattern, ordered as MAPPING says that they were
 * made; returns how many. */
unsigned probe_points(const struct probe *p, enum nat_depends mapping,
                      struct port_point points[static CLASSIFY_PORTS]);

/* Adds the evidence of every test that was made. */
void probe_evidence(const struct probe *p, nsec now, struct classification *c);

#endif
