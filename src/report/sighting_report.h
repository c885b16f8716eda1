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

/* "nonce", "alternate_address", "nd_option", "random_port", or NULL for a type that is unknown. */
const char *sighting_trailer_name(uint8_t type);

/* The formats; only sighting_report.c calls them. Each puts one packet at P, in at most
 * OUTPUT_PIECE bytes besides the file's name, and returns what follows. */
char *sighting_put_line(struct sighting_printer *printer, char *p, const struct sighting *s);
char *sighting_put_tree(char *p, const struct sighting *s);
char *sighting_put_json(struct sighting_printer *printer, char *p, const struct sighting *s);
char *sighting_put_tsv(struct sighting_printer *printer, char *p, const struct sighting *s);

/* What lines and trees share. */
char *sighting_put_prefix(char *p, const struct icmp6_prefix *prefix);
char *sighting_put_trailer(char *p, const struct teredo_trailer *trailer);
unsigned sighting_kept_trailers(const struct teredo_packet *packet);

#endif
