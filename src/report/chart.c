#include "chart.h"

#include <stdlib.h>
#include <string.h>

#include "ladder.h"
#include "mermaid.h"
#include "svg.h"
#include "words.h"

enum {
    MAX_EVENTS = 4096, /* of one chart, or of all contacts of a listener; the first ones count */
    MAX_CHARTS = 256,  /* of one document: of captures there could be any number */
};

struct chart {
    struct event *events; /* since the last verdict */
    size_t count;
    size_t room;
    unsigned long beyond;  /* events that found no room */
    struct sequence *done; /* Mermaid and SVG: written at the end */
    unsigned done_count;
    unsigned long delivered;
    bool drawn; /* a ladder is out already */
};

static struct chart *chart_new(void)
{
    return calloc(1, sizeof(struct chart));
}

static void chart_free(struct chart *c)
{
    if (c == NULL)
        return;
    for (unsigned i = 0; i < c->done_count; i++)
        sequence_clear(&c->done[i]);
    free(c->done);
    free(c->events);
    free(c);
}

static void remember(struct chart *c, const struct event *event)
{
    if (c->count == c->room) {
        size_t room = c->room == 0 ? 64 : 2 * c->room;
        struct event *more = room <= MAX_EVENTS ? realloc(c->events, room * sizeof *more) : NULL;

        if (more == NULL) {
            c->beyond++;
            return;
        }
        c->events = more;
        c->room = room;
    }
    c->events[c->count++] = *event;
}

/* Mermaid and SVG have all charts in one document. */
static void write_all(const struct report_config *config, const struct sequence *charts,
                      unsigned count)
{
    struct ladder_style style = {config->width, config->ascii, config->color};

    if (config->format == REPORT_MERMAID)
        mermaid_write(config->out, charts, count);
    else if (config->format == REPORT_SVG)
        svg_write(config->out, charts, count);
    else
        ladder_write(config->out, charts, &style);
}

void chart_write(const struct report_config *config, const struct sequence *chart)
{
    write_all(config, chart, 1);
}

/* The chart S is complete; it is taken over. */
static void deliver(struct reporter *r, struct sequence *s)
{
    struct chart *c = r->chart;

    c->delivered++;
    if (r->config.format == REPORT_LADDER) {
        if (c->drawn)
            fputc('\n', r->config.out);
        chart_write(&r->config, s);
        c->drawn = true;
    } else if (c->done_count < MAX_CHARTS) {
        struct sequence *more = realloc(c->done, (c->done_count + 1) * sizeof *more);

        if (more != NULL) {
            c->done = more;
            c->done[c->done_count++] = *s;
            return;
        }
    }
    sequence_clear(s);
}

/* What PRINT says of EVENT, without colour; to be freed. NULL if memory is out. */
static char *words_of(struct reporter *r, const struct event *event,
                      void (*print)(struct reporter *r, const struct event *event))
{
    struct report_config config = r->config;
    char *text = NULL;
    size_t size = 0;

    r->config.color = false;
    r->config.out = open_memstream(&text, &size);
    if (r->config.out != NULL) {
        print(r, event);
        fclose(r->config.out);
    }
    r->config = config;
    return text;
}

void chart_verdict(struct sequence *out, const struct punching *p, const char *text)
{
    char word[64];

    words_of_code(code_of(&punch_verdicts, p->verdict), word, sizeof word);
    sequence_verdict(out, mood_of(&punch_verdicts, p->verdict), word, text != NULL ? text : "");
}

static void punched(struct reporter *r, const struct event *event)
{
    struct chart *c = r->chart;
    struct sequence s = {0};
    char *text = words_of(r, event, text_punch_findings);

    if (event->punching.side != SIDE_SELF)
        chart_captured(&s, &event->punching, text);
    else
        chart_punch(&s, c->events, c->count, &event->punching, text);
    free(text);
    deliver(r, &s);
    c->count = 0;
}

/* The events of one peer, and those that belong to it: a client whose bubbles come from a
 * link-local source sends its data from its Teredo address, and from the same endpoint. */
static bool same_peer(const struct event *a, const struct event *b)
{
    if (memcmp(&a->peer.peer, &b->peer.peer, sizeof a->peer.peer) == 0)
        return true;
    return !endpoint_is_unset(a->peer.endpoint) &&
           endpoint_equal(a->peer.endpoint, b->peer.endpoint) &&
           (IN6_IS_ADDR_LINKLOCAL(&a->peer.peer) || IN6_IS_ADDR_LINKLOCAL(&b->peer.peer));
}

/* Moves the events of the peer of events[0] to the front, in their order; returns their number. */
static size_t gather_peer(struct event *events, size_t count)
{
    size_t gathered = 1;

    for (size_t i = 1; i < count; i++) {
        struct event event = events[i];
        bool belongs = false;

        for (size_t k = 0; k < gathered && !belongs; k++)
            belongs = same_peer(&events[k], &event);
        if (!belongs)
            continue;
        memmove(&events[gathered + 1], &events[gathered], (i - gathered) * sizeof *events);
        events[gathered++] = event;
    }
    return gathered;
}

/* A chart of no arrows, where there is only a verdict. */
static void deliver_bare(struct reporter *r, enum mood mood, const char *text)
{
    struct sequence s = {0};

    sequence_lane(&s, PARTY_B, "B");
    sequence_verdict(&s, mood, NULL, text);
    deliver(r, &s);
}

static void listened(struct reporter *r, const struct event *event)
{
    struct chart *c = r->chart;
    char *summary = words_of(r, event, text_emit);

    for (size_t at = 0; at < c->count;) {
        size_t n = gather_peer(c->events + at, c->count - at);
        struct sequence s = {0};

        chart_contact(&s, c->events + at, n, &r->qualification);
        deliver(r, &s);
        at += n;
    }
    if (r->config.format == REPORT_LADDER)
        fprintf(r->config.out, "%s%s", c->drawn ? "\n" : "", summary != NULL ? summary : "");
    else if (c->done_count == 0)
        deliver_bare(r, MOOD_NO, summary != NULL ? summary : "no peer reached us");
    if (c->beyond > 0)
        reporter_remark(r, "the %lu latest events are not in the charts", c->beyond);
    free(summary);
    c->count = 0;
}

/* In words: on the results of a ladder, but beside a document of another language. */
static void tell(struct reporter *r, const struct event *event)
{
    struct report_config config = r->config;

    if (r->config.format != REPORT_LADDER) {
        r->config.out = r->config.err;
        r->config.color = false;
    }
    text_emit(r, event);
    r->config = config;
}

static void qualified(struct reporter *r, const struct event *event)
{
    const struct qualification *q = &event->qualification;
    char *text;

    if (q->captured) /* of a stranger: no chart shows it */
        return;
    /* The chart of a trace says it, but for what to think of it. */
    if (r->config.verdict != EVENT_LISTENED) {
        if (q->has_address && q->verdict != QUALIFY_QUALIFIED)
            reporter_remark(r, "warning: %s", text_of(&qualify_reasons, q->reason));
        return;
    }
    tell(r, event);
    if (q->has_address || r->config.format == REPORT_LADDER)
        return;
    text = words_of(r, event, text_emit);
    deliver_bare(r, mood_of(&qualify_verdicts, q->verdict), text != NULL ? text : "");
    free(text);
}

/* The end of captures. */
static void passive(struct reporter *r, const struct event *event)
{
    struct chart *c = r->chart;

    if (r->config.format != REPORT_LADDER && c->delivered == 0)
        deliver_bare(r, MOOD_UNSURE, "no hole punch was found");
    if (r->config.format != REPORT_LADDER && c->delivered > c->done_count)
        reporter_remark(r, "the first %u of %lu hole punches are in the document", c->done_count,
                        c->delivered);
    if (c->drawn)
        fputc('\n', r->config.out);
    tell(r, event);
}

static void remember_event(struct reporter *r, const struct event *event)
{
    remember(r->chart, event);
}

static bool begin(struct reporter *r)
{
    r->chart = chart_new();
    return r->chart != NULL;
}

static void end(struct reporter *r)
{
    if (r->chart->done_count > 0)
        write_all(&r->config, r->chart->done, r->chart->done_count);
    chart_free(r->chart);
}

const struct output output_chart = {
    .begin = begin,
    .event =
        {
            [EVENT_STEP] = remember_event,
            [EVENT_NOTE] = remember_event,
            [EVENT_PEER] = remember_event,
            [EVENT_PUNCHING] = punched,
            [EVENT_LISTENED] = listened,
            [EVENT_QUALIFICATION] = qualified,
            [EVENT_PASSIVE] = passive,
            [EVENT_REJECTED] = tell,
            [EVENT_MAPPING_CHANGED] = tell,
            [EVENT_SERVER_LOST] = tell,
            [EVENT_SERVER_BACK] = tell,
            [EVENT_CLASSIFICATION] = tell,
            [EVENT_CLOCK] = tell,
            [EVENT_QUALIFIED_MANY] = tell,
            [EVENT_CHECKING] = tell,
        },
    .end = end,
};
