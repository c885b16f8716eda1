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
    PARTY_B,
    PARTY_CORE, /* of an emulated internet, in its middle */
    PARTY_COUNT
};

/* Writes a chart as the format of CONFIG has it; as a ladder where that does not draw. */
void chart_write(const struct report_config *config, const struct sequence *chart);

/* The word of P's verdict and its mood, and TEXT. */
void chart_verdict(struct sequence *out, const struct punching *p, const char *text);

/* The chart of a punch, seen from A: the STEP and NOTE events that led to the verdict P, in their
 * order. TEXT is what the verdict says. OUT must be empty. */
void chart_punch(struct sequence *out, const struct event *events, size_t count,
                 const struct punching *p, const char *text);

/* The chart of a punch that captures show, with a lane for each party that they know of. */
void chart_captured(struct sequence *out, const struct punching *p, const char *text);

/* The chart of one peer's contact, seen from B: its PEER events. Q tells of our own side. */
void chart_contact(struct sequence *out, const struct event *events, size_t count,
                   const struct qualification *q);

#endif
