/* Reporters: events in, text or JSON out. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdio.h>

#include "error.h"
#include "event.h"
#include "waiting.h"

enum report_format {
    REPORT_TEXT,
    REPORT_JSON,
    REPORT_JSONL,
    REPORT_TSV,
    /* Charts of a punch: for trace, listen and lab. */
    REPORT_LADDER,
    REPORT_MERMAID,
    REPORT_SVG,
    REPORT_OPENMETRICS
};

struct report_config {
    enum report_format format;
    const char *command;          /* "qualify", for the JSON */
    const char *timestamp_source; /* "libpcap" or "so_timestampns"; NULL = not told */
    const char *server;           /* as given, for OpenMetrics */
    unsigned long round;          /* of --every, from 1; 0 = the only one */
    nsec round_started;
    FILE *out;  /* results */
    FILE *err;  /* diagnostics and progress */
    bool quiet; /* nothing but results */
    bool verbose;
    bool explain; /* every rule of an advertisement, passed or failed */
    bool color;
    unsigned width; /* of a ladder, in columns */
    bool ascii;     /* a ladder without line-drawing characters */
    bool watch;     /* peers as a live table; OUT must be a terminal */
    /* What strangers do, as captures show it: the names of the captures by vantage point, borrowed;
     * a count of 0 = no such thing. */
    const char *const *captures;
    unsigned capture_count;
};

struct reporter;

/* NULL if memory is out. */
struct reporter *reporter_new(const struct report_config *config);

/* Where a driver delivers events. */
struct event_sink reporter_sink(struct reporter *r);

/* True if the reporter wants reporter_tick: it has a terminal to look after. */
bool reporter_has_terminal(const struct reporter *r);

/* Some time has passed, or the terminal's size has changed: shows what is waited for on a status
 * line, or draws the live table anew. */
void reporter_tick(struct reporter *r, nsec now, const struct waiting *waiting);

/* Leaves the terminal as it was found until the next tick: something else is printed, or the
 * program is stopped. */
void reporter_hush(struct reporter *r, nsec now);

/* Says once, on the diagnostics stream, what a missing privilege costs and the like; not when
 * quiet. */
void reporter_remark(struct reporter *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints what is still owed, flushes and frees. -1 and ERROR filled (74) if results were lost. */
int reporter_close(struct reporter *r, struct error *error);

#endif
