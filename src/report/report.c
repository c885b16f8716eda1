#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "reporter.h"
#include "tsv.h"
#include "watch.h"

static void write_record(struct reporter *r, const struct event *e)
{
    if (reporter_is_result(r, e))
        fwrite(e, sizeof *e, 1, r->config.out);
}

static const struct output output_record = {.event = {[0 ... EVENT_KINDS - 1] = write_record}};

static const struct output *const outputs[] = {
    [REPORT_TEXT] = &output_text,     [REPORT_JSON] = &output_json,
    [REPORT_JSONL] = &output_jsonl,   [REPORT_TSV] = &output_tsv,
    [REPORT_LADDER] = &output_chart,  [REPORT_MERMAID] = &output_chart,
    [REPORT_SVG] = &output_chart,     [REPORT_OPENMETRICS] = &output_openmetrics,
    [REPORT_RECORD] = &output_record,
};

struct reporter *reporter_new(const struct report_config *config)
{
    struct reporter *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->config = *config;
    r->output = config->watch ? &output_watch : outputs[config->format];
    r->run = (struct run_facts){
        .command = config->command,
        .round = config->round,
        .round_started = config->round_started,
        .timestamp_source = config->timestamp_source,
        .captures = config->captures,
        .capture_count = config->capture_count,
    };
    status_init(&r->status, config->terminal, config->quiet);
    text_buffer_init(&r->buffer, config->out);
    if (config->header)
        tsv_put_header(&r->buffer, config->columns);
    if (r->output->begin != NULL && !r->output->begin(r)) {
        free(r);
        return NULL;
    }
    return r;
}

bool reporter_is_result(const struct reporter *r, const struct event *e)
{
    bool captured = r->config.capture_count > 0;

    /* listen ends where it gets no address; trace says so in its own verdict. */
    if (r->config.verdict == EVENT_LISTENED && e->kind == EVENT_QUALIFICATION)
        return !e->qualification.has_address;
    return e->kind == r->config.verdict || (captured && e->kind == EVENT_PUNCHING);
}

static void tell(struct reporter *r, const struct event *event)
{
    if (r->output->event[event->kind] != NULL)
        r->output->event[event->kind](r, event);
    /* Whoever waits for a step in a pipe gets it as it happens. */
    if (!r->config.buffered)
        text_buffer_flush(&r->buffer);
}

static void tell_left_out(struct reporter *r, nsec now)
{
    struct event e = {.kind = EVENT_LEFT_OUT, .when = now};

    while (line_limit_next(&r->limit, &e.left_out))
        tell(r, &e);
}

static void log_left_out(struct reporter *r)
{
    struct left_out left;

    while (line_limit_next(&r->log, &left))
        fprintf(r->config.err, "teredoctl %s: %" PRIu64 " more packet%s like this\n",
                r->config.command, left.count, left.count == 1 ? "" : "s");
}

/* Formats that keep a picture of what happened bound that themselves. */
static bool is_limited(const struct reporter *r, const struct event *e)
{
    static const bool limited[] = {[REPORT_TEXT] = true,
                                   [REPORT_JSON] = true,
                                   [REPORT_JSONL] = true,
                                   [REPORT_TSV] = true,
                                   [REPORT_RECORD] = false};

    if (r->config.whole || r->watch != NULL || !limited[r->config.format])
        return false;
    /* Text counts these by their rules. */
    return e->kind != EVENT_REJECTED || r->config.format != REPORT_TEXT;
}

static void emit(void *context, const struct event *event)
{
    struct reporter *r = context;
    bool passes = !is_limited(r, event) || line_limit_passes(&r->limit, event);

    if (line_limit_is_due(&r->limit, line_limit_ends(event) ? NSEC_NEVER : event->when))
        tell_left_out(r, event->when);
    if (!passes)
        return;
    /* Only a line of jsonl tells of progress; elsewhere the status line goes on. */
    if (event->kind != EVENT_PROGRESS || r->config.format == REPORT_JSONL)
        status_hush(&r->status, event->when);
    tell(r, event);
    if (event->kind == EVENT_QUALIFICATION) {
        r->qualification = event->qualification;
        r->run.teredo_address = event->qualification.teredo_address;
        r->run.mapped = event->qualification.mapped;
    }
}

struct event_sink reporter_sink(struct reporter *r)
{
    return (struct event_sink){emit, r};
}

bool reporter_has_terminal(const struct reporter *r)
{
    return r->status.on || r->watch != NULL;
}

bool reporter_logs(struct reporter *r, unsigned kind, nsec now)
{
    bool passes = line_limit_take(&r->log, kind, now);

    if (line_limit_is_due(&r->log, now))
        log_left_out(r);
    return passes;
}

void reporter_expects(struct reporter *r, unsigned count)
{
    line_limit_expect(&r->log, count);
    line_limit_expect(&r->limit, count);
}

void reporter_tick(struct reporter *r, nsec now, const struct waiting *waiting)
{
    char words[STATUS_STRLEN];

    if (r->watch != NULL)
        watch_draw(r->watch, now, status_words(waiting, now, words));
    else if (status_words(waiting, now, words)[0] != '\0')
        status_show(&r->status, now, words);
}

void reporter_status(struct reporter *r, nsec now, const char *text)
{
    status_show(&r->status, now, text);
}

void reporter_flush(struct reporter *r)
{
    text_buffer_flush(&r->buffer);
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
    int result;

    status_hush(&r->status, r->status.printed);
    tell_left_out(r, r->limit.due);
    log_left_out(r);
    if (r->output->end != NULL)
        r->output->end(r);
    text_rejected_again(r);
    result = text_buffer_close(&r->buffer, error);
    free(r);
    return result;
}
