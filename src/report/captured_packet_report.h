/* What `teredoctl decode` prints: Teredo packets, a line, a field tree or a JSON object each, and
 * the summary of all. */
#ifndef REPORT_CAPTURED_PACKET_REPORT_H
#define REPORT_CAPTURED_PACKET_REPORT_H

#include "captured_packet.h"
#include "output.h"
#include "report.h"
#include "stamp.h"

struct captured_packet_printer {
    enum report_format format;
    bool verbose; /* text: a field tree below each line */
    bool single;  /* JSON: one packet, not a list */
    struct output *out;
    uint64_t count; /* printed so far */
    struct stamp stamp;
    char *file; /* the file's name, as a JSON string unless the format is REPORT_TSV; or NULL */
};

/* The file that the packets are from, from now on; NULL = from none. */
void captured_packet_printer_file(struct captured_packet_printer *printer, const char *name);

void captured_packet_print(struct captured_packet_printer *printer,
                           const struct captured_packet *s);

/* Ends what was begun (the JSON list) and frees what the printer holds; the output stays open. */
void captured_packet_print_end(struct captured_packet_printer *printer);

/* The summary; DROPPED packets got lost before they were seen. */
void captured_packet_summary_print(FILE *out, enum report_format format,
                                   const struct flows_summary *sum, uint64_t dropped);

/* One packet as a row of columns, put at P in at most OUTPUT_PIECE bytes; returns what follows.
 * Only captured_packet_report.c calls it. */
char *captured_packet_put_tsv(struct captured_packet_printer *printer, char *p,
                              const struct captured_packet *s);

#endif
