/* The format tsv: a row a verdict, or an event. */
#include <inttypes.h>
#include <string.h>

#include "reporter.h"
#include "tsv.h"

static bool begin(struct reporter *r)
{
    r->table = tsv_new(r->config.columns);
    r->every_event = strncmp(r->config.columns, "event ", strlen("event ")) == 0;
    return r->table != NULL;
}

/* A table that has a column for it has rows of every event; others of results alone. */
static void put_row(struct reporter *r, const struct event *e)
{
    const struct record_type *type = event_record(e);

    if (e->kind == EVENT_LEFT_OUT && !r->every_event)
        reporter_remark(r, "%" PRIu64 " more rows like this", e->left_out.count);
    if (!r->every_event && !reporter_is_result(r, e))
        return;
    r->run.event = type->event;
    tsv_put_record(r->table, &r->buffer, &r->run, type, e);
}

static void end(struct reporter *r)
{
    tsv_free(r->table);
}

const struct output output_tsv = {
    .begin = begin,
    .event = {[0 ... EVENT_KINDS - 1] = put_row},
    .end = end,
};
