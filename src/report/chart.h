/* Charts of what a run told: events become sequences. Internal to the layer. */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "event.h"
#include "reporter.h"
#include "sequence.h"

/* The lanes of a punch from A to B, from left to right; also their ranks. */
enum chart_party {
    PARTY_A,
    PARTY_NAT_A,
    PARTY_SERVER_A,
    PARTY_SERVER_B,
    PARTY_NAT_B,
    PARTY_B
};

/* The chart of a punch, seen from A: the STEP and NOTE events that led to the verdict P, in their
 * order. VERDICT is the text under it. OUT must be empty. */
void chart_punch(struct sequence *out, const struct event *events, size_t count,
                 const struct punching *p, const char *verdict);

/* The chart of a punch that captures show, with a lane for each party that they know of. */
void chart_captured(struct sequence *out, const struct punching *p, const char *verdict);

/* The chart of one peer's contact, seen from B: its PEER events. Q tells of our own side. */
void chart_contact(struct sequence *out, const struct event *events, size_t count,
                   const struct qualification *q);

#endif
