#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "chart.h"
#include "reporter.h"
#include "watch.h"

struct reporter *reporter_new(const struct report_config *config)
{
    struct reporter *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->config = *config;
    status_init(&r->status, config->err, config->quiet);
    if (config->watch) {
        r->emit = watch_emit;
        r->watch = watch_new(&r->config);
        if (r->watch == NULL) {
            free(r);
            return NULL;
        }
        return r;
    }
    switch (config->format) {
    case REPORT_TEXT:
        r->emit = text_emit;
        break;
    case REPORT_JSON:
        r->emit = config->capture_count > 0 ? json_captured_emit : json_emit;
        break;
    case REPORT_JSONL:
        r->emit = config->capture_count > 0 ? json_captured_emit : jsonl_emit;
        break;
    case REPORT_TSV:
        /* A row a run, but for what goes on, and for hole punches in captures. */
        r->emit = config->capture_count > 0                ? json_captured_emit
                  : strcmp(config->command, "listen") == 0 ? jsonl_emit
                                                           : json_emit;
        break;
    case REPORT_LADDER:
    case REPORT_MERMAID:
    case REPORT_SVG:
        r->emit = chart_emit;
        r->chart = chart_new();
        if (r->chart == NULL) {
            free(r);
            return NULL;
        }
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

    /* Only a line of jsonl tells of progress; elsewhere the status line goes on. */
    if (event->kind != EVENT_PROGRESS || r->config.format == REPORT_JSONL)
        status_hush(&r->status, event->when);
    r->emit(r, event);
    /* Whoever waits for a step in a pipe gets it as it happens. */
    fflush(r->config.out);
    if (event->kind == EVENT_QUALIFICATION)
        r->qualification = event->qualification;
}

struct event_sink reporter_sink(struct reporter *r)
{
    return (struct event_sink){emit, r};
}

bool reporter_has_terminal(const struct reporter *r)
{
    return r->status.on || r->watch != NULL;
}

void reporter_tick(struct reporter *r, nsec now, const struct waiting *waiting)
{
    char words[STATUS_STRLEN];

    if (r->watch != NULL)
        watch_draw(r->watch, now, status_words(waiting, now, words));
    else if (status_words(waiting, now, words)[0] != '\0')
        status_show(&r->status, now, words);
}

void reporter_hush(struct reporter *r, nsec now)
{
    if (r->watch != NULL)
        watch_leave(r->watch);
    else
        status_hush(&r->status, now);
}

void reporter_remark(struct reporter *r, const char *format, ...)
{
    va_list args;

    if (r->config.quiet)
        return;
    status_hush(&r->status, r->status.printed);
    fprintf(r->config.err, "teredoctl %s: ", r->config.command);
    va_start(args, format);
    vfprintf(r->config.err, format, args);
    va_end(args);
    fputc('\n', r->config.err);
}

int reporter_close(struct reporter *r, struct error *error)
{
    FILE *out = r->config.out;

    status_hush(&r->status, r->status.printed);
    if (r->chart != NULL)
        chart_close(r);
    watch_free(r->watch);
    if (r->config.format == REPORT_OPENMETRICS)
        openmetrics_finish(r);
    free(r);
    if (fflush(out) != 0 || ferror(out))
        return error_set(error, EX_IOERR, errno, "cannot write the results");
    return 0;
}
