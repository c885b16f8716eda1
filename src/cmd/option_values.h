/* Option values that several commands take, parsed in one way. Each wrong value is a usage error,
 * which ends the program with 64. */
#ifndef CMD_OPTION_VALUES_H
#define CMD_OPTION_VALUES_H

#include <argp.h>
#include <stdbool.h>

#include "nsec.h"
#include "report.h"

/* A number from LOW to HIGH for option NAME. */
long option_number(struct argp_state *state, const char *name, const char *text, long low,
                   long high);

/* Seconds, "1.5", from a millisecond to a year. */
nsec option_seconds(struct argp_state *state, const char *name, const char *text);

/* --format: "text", "json", "jsonl" or "tsv". */
enum report_format option_format(struct argp_state *state, const char *text);

/* The same, or one of those that draw: "ladder", "mermaid" or "svg". */
enum report_format option_chart_format(struct argp_state *state, const char *text);

/* The same with "openmetrics". */
enum report_format option_monitor_format(struct argp_state *state, const char *text);
const char *option_format_name(enum report_format format);

/* --header goes with --format=tsv alone. */
#define OPTION_HEADER_DOC "With --format=tsv: first a line with the names of the columns"
void option_check_header(struct argp_state *state, bool header, enum report_format format);

/* --color: "always" and "never", or "auto" for BY_DEFAULT. */
bool option_color(struct argp_state *state, const char *text, bool by_default);

/* Colour on standard output, unless it is no terminal or NO_COLOR is set. */
bool option_color_default(void);

#endif
