/* What `teredoctl serve` tells: that it is ready, and what it has counted. */
#ifndef REPORT_SERVER_REPORT_H
#define REPORT_SERVER_REPORT_H

#include <stdio.h>

#include "endpoint.h"
#include "nsec.h"
#include "report.h"

/* One reason for discarding packets. */
struct server_drop_row {
    const char *reason; /* snake_case */
    const char *rfc;    /* "RFC 4380 5.3.1 rule 5" */
    const char *text;
    uint64_t count;
};

struct server_report {
    struct endpoint primary;
    struct endpoint secondary;
    nsec elapsed; /* since it was ready */
    uint64_t received;
    uint64_t advertised;
    uint64_t relayed;
    uint64_t echoed;
    uint64_t send_failed; /* of these three, how many the system refused to send */
    uint64_t dropped;
    const struct server_drop_row *rows; /* those of count 0 are not printed */
    size_t row_count;
};

/* The first line of output. FORMAT is any but REPORT_JSON. */
void server_report_ready(FILE *out, enum report_format format, const struct server_report *r);

/* The counters, as text, as an object (REPORT_JSON), or as a line or row whose "event"
 * is EVENT (REPORT_JSONL, REPORT_TSV). */
void server_report_counters(FILE *out, enum report_format format, const struct server_report *r,
                            const char *event);

#endif
