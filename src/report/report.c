#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sysexits.h>

#include "reporter.h"

struct reporter *reporter_new(const struct report_config *config)
{
    struct reporter *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->config = *config;
    switch (config->format) {
    case REPORT_TEXT:
        r->emit = text_emit;
        break;
    case REPORT_JSON:
        r->emit = json_emit;
        break;
    case REPORT_JSONL:
        r->emit = jsonl_emit;
        break;
    case REPORT_OPENMETRICS:
        r->emit = openmetrics_emit;
        break;
    }
    return r;
}

static void emit(void *context, const struct event *event)
{
    struct reporter *r = context;

    r->emit(r, event);
    /* Whoever waits for a step in a pipe gets it as it happens. */
    fflush(r->config.out);
    if (event->kind == EVENT_QUALIFICATION) {
        r->qualification = event->qualification;
        r->has_qualification = true;
    }
}

struct event_sink reporter_sink(struct reporter *r)
{
    return (struct event_sink){emit, r};
}

void reporter_remark(struct reporter *r, const char *format, ...)
{
    va_list args;

    if (r->config.quiet)
        return;
    fprintf(r->config.err, "teredoctl %s: ", r->config.command);
    va_start(args, format);
    vfprintf(r->config.err, format, args);
    va_end(args);
    fputc('\n', r->config.err);
}

int reporter_close(struct reporter *r, struct error *error)
{
    FILE *out = r->config.out;

    if (r->config.format == REPORT_OPENMETRICS)
        openmetrics_finish(r);
    free(r);
    if (fflush(out) != 0 || ferror(out))
        return error_set(error, EX_IOERR, errno, "cannot write the results");
    return 0;
}
