#include "option_values.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const formats[] = {
    [REPORT_TEXT] = "text",     [REPORT_JSON] = "json",
    [REPORT_JSONL] = "jsonl",   [REPORT_TSV] = "tsv",
    [REPORT_LADDER] = "ladder", [REPORT_MERMAID] = "mermaid",
    [REPORT_SVG] = "svg",       [REPORT_OPENMETRICS] = "openmetrics",
};

long option_number(struct argp_state *state, const char *name, const char *text, long low,
                   long high)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < low || value > high)
        argp_error(state, "%s: '%s' is not a number from %ld to %ld", name, text, low, high);
    return value;
}

nsec option_seconds(struct argp_state *state, const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value) || value < 0.001 || value > 31536000)
        argp_error(state, "%s: '%s' is not a number of seconds from 0.001 to 31536000", name, text);
    return (nsec)(value * 1e9);
}

/* The format of this name up to LAST, or -1. */
static int find_format(const char *text, enum report_format last)
{
    for (unsigned i = 0; i <= (unsigned)last; i++)
        if (strcmp(text, formats[i]) == 0)
            return (int)i;
    return -1;
}

enum report_format option_format(struct argp_state *state, const char *text)
{
    int format = find_format(text, REPORT_TSV);

    if (format < 0)
        argp_error(state, "--format: '%s' is none of text, json, jsonl, tsv", text);
    return (enum report_format)format;
}

enum report_format option_chart_format(struct argp_state *state, const char *text)
{
    int format = find_format(text, REPORT_SVG);

    if (format < 0)
        argp_error(state, "--format: '%s' is none of text, json, jsonl, tsv, ladder, mermaid, svg",
                   text);
    return (enum report_format)format;
}

enum report_format option_monitor_format(struct argp_state *state, const char *text)
{
    int format = find_format(text, REPORT_TSV);

    if (strcmp(text, formats[REPORT_OPENMETRICS]) == 0)
        return REPORT_OPENMETRICS;
    if (format < 0)
        argp_error(state, "--format: '%s' is none of text, json, jsonl, tsv, openmetrics", text);
    return (enum report_format)format;
}

const char *option_format_name(enum report_format format)
{
    return formats[format];
}

void option_check_header(struct argp_state *state, bool header, enum report_format format)
{
    if (header && format != REPORT_TSV)
        argp_error(state, "--header goes with --format=tsv");
}

bool option_color(struct argp_state *state, const char *text, bool by_default)
{
    if (strcmp(text, "always") == 0)
        return true;
    if (strcmp(text, "never") == 0)
        return false;
    if (strcmp(text, "auto") != 0)
        argp_error(state, "--color: '%s' is none of auto, always, never", text);
    return by_default;
}

bool option_color_default(void)
{
    const char *no_color = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}
