/* Values that JSON reporters share; internal to the layer. Each returns a new reference. */
#ifndef REPORT_JSON_PARTS_H
#define REPORT_JSON_PARTS_H

#include <jansson.h>

#include "classification.h"
#include "punching.h"

/* {"address", "port"}; null where unset. */
json_t *json_endpoint(struct endpoint e);

/* The same of one that a packet holds: 0.0.0.0:0 as well. */
json_t *json_any_endpoint(struct endpoint e);

json_t *json_ip6(const struct in6_addr *address);

/* A text from outside, with U+FFFD for each byte of it if it is not UTF-8 but for ASCII. */
json_t *json_text(const char *text);

/* RFC 3339 with nanoseconds. */
json_t *json_time(nsec when);

/* Seconds as a number; null unless KNOWN. */
json_t *json_seconds(nsec t, bool known);

/* {"at_least", "at_most"} in seconds; null for 0 and for NSEC_NEVER. */
json_t *json_bounds(nsec at_least, nsec at_most);

/* {"type", "code", "text", "from"}; null unless HAS. */
json_t *json_icmp(bool has, struct icmp_error icmp);

/* Adds the keys of a qualification, or of a step whose offset counts from ORIGIN, to O. */
void json_add_qualification(json_t *o, const struct qualification *q);
void json_add_step(json_t *o, enum punch_step step, const struct step_report *s, nsec origin);

/* Adds all keys of a classification to the object O. */
void json_add_classification(json_t *o, const struct classification *c);

#endif
