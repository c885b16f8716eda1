/* What `teredoctl decode` prints: Teredo packets, a line, a field tree or a JSON object each, and
 * the summary of all. */
#ifndef REPORT_SIGHTING_REPORT_H
#define REPORT_SIGHTING_REPORT_H

#include "output.h"
#include "report.h"
#include "sighting.h"
#include "stamp.h"

struct sighting_printer {
    enum report_format format;
    bool verbose; /* text: a field tree below each line */
    bool single;  /* JSON: one packet, not a list */
    struct output *out;
    uint64_t count; /* printed so far */
    struct stamp stamp;
    char *file; /* the file's name, as a JSON string unless the format is REPORT_TSV; or NULL */
};

/* The file that the packets are from, from now on; NULL = from none. */
void sighting_printer_file(struct sighting_printer *printer, const char *name);

void sighting_print(struct sighting_printer *printer, const struct sighting *s);

/* Ends what was begun (the JSON list) and frees what the printer holds; the output stays open. */
void sighting_print_end(struct sighting_printer *printer);

/* The summary; DROPPED packets got lost before they were seen. */
void sighting_summary_print(FILE *out, enum report_format format,
                            const struct sighting_summary *sum, uint64_t dropped);

/* One packet as a row of columns, put at P in at most OUTPUT_PIECE bytes; returns what follows.
 * Only sighting_report.c calls it. */
char *sighting_put_tsv(struct sighting_printer *printer, char *p, const struct sighting *s);

#endif
