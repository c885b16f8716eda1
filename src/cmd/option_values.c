#include "option_values.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const formats[] = {
    [REPORT_TEXT] = "text",
    [REPORT_JSON] = "json",
    [REPORT_JSONL] = "jsonl",
};

long option_number(struct argp_state *state, const char *name, const char *text, long low,
                   long high)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < low || value > high)
        argp_error(state, "%s: '%s' is no number from %ld to %ld", name, text, low, high);
    return value;
}

nsec option_seconds(struct argp_state *state, const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value) || value < 0.001 || value > 31536000)
        argp_error(state, "%s: '%s' is no number of seconds from 0.001 to 31536000", name, text);
    return (nsec)(value * 1e9);
}

enum report_format option_format(struct argp_state *state, const char *text)
{
    for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(text, formats[i]) == 0)
            return (enum report_format)i;
    argp_error(state, "--format: '%s' is none of text, json, jsonl", text);
    return REPORT_TEXT;
}

enum report_format option_monitor_format(struct argp_state *state, const char *text)
{
    if (strcmp(text, "openmetrics") == 0)
        return REPORT_OPENMETRICS;
    for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(text, formats[i]) == 0)
            return (enum report_format)i;
    argp_error(state, "--format: '%s' is none of text, json, jsonl, openmetrics", text);
    return REPORT_TEXT;
}

const char *option_format_name(enum report_format format)
{
    return formats[format];
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
