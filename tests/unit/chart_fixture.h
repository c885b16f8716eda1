/* A punch as the engine tells it, and what writers make of a chart: for the tests of charts. */
#ifndef TESTS_CHART_FIXTURE_H
#define TESTS_CHART_FIXTURE_H

#include <arpa/inet.h>
#include <stdlib.h>

#include "chart.h"
#include "ladder.h"
#include "mermaid.h"
#include "svg.h"
#include "tap.h"

#define PUNCH_EPOCH (INT64_C(1764000000) * NSEC_S)

struct punch_story {
    struct event events[64];
    size_t count;
    struct punching punching;
};

static inline struct endpoint endpoint_of(const char *address, uint16_t port)
{
    struct in_addr a;

    inet_pton(AF_INET, address, &a);
    return (struct endpoint){ntohl(a.s_addr), port};
}

static inline void story_init(struct punch_story *s)
{
    *s = (struct punch_story){.punching = {
                                  .verdict = PUNCH_PUNCHED,
                                  .cause = CAUSE_NONE,
                                  .peer_mapped = endpoint_of("198.51.100.20", 40000),
                                  .peer_server = endpoint_of("192.0.2.129", 3544),
                                  .server = endpoint_of("192.0.2.1", 3544),
                                  .local = endpoint_of("100.64.1.2", 50000),
                                  .mapped = endpoint_of("203.0.113.10", 50000),
                                  .own_nat = QUALIFY_NAT_CONE_OR_RESTRICTED,
                                  .attempts = 1,
                              }};
    inet_pton(AF_INET6, "2001:0:c000:281::1", &s->punching.peer);
    inet_pton(AF_INET6, "2001:0:c000:201::1", &s->punching.own);
}

static inline struct event *story_add(struct punch_story *s, enum event_kind kind, double ms)
{
    struct event *e = &s->events[s->count++];

    *e = (struct event){.kind = kind, .when = PUNCH_EPOCH + (nsec)(ms * 1e6)};
    return e;
}

static inline void story_step(struct punch_story *s, enum punch_step step, enum step_state state,
                              double ms, double latest)
{
    struct event *e = story_add(s, EVENT_STEP, ms);

    e->step.step = step;
    e->step.attempt = 1;
    e->step.proof = step == STEP_ANSWER ? PROOF_NONCE : PROOF_NONE;
    e->step.report.state = state;
    e->step.report.when = e->when;
    e->step.report.latest = PUNCH_EPOCH + (nsec)(latest * 1e6);
    e->step.report.from = s->punching.peer_mapped;
    s->punching.steps[step] = e->step.report;
}

static inline struct event *story_note(struct punch_story *s, enum punch_note note, double ms)
{
    struct event *e = story_add(s, EVENT_NOTE, ms);

    e->note.note = note;
    e->note.attempt = 1;
    return e;
}

/* The five steps of a punch that succeeds. */
static inline void story_punched(struct punch_story *s)
{
    story_init(s);
    story_step(s, STEP_DIRECT_BUBBLE, STEP_SENT, 0, 0);
    story_step(s, STEP_INDIRECT_BUBBLE, STEP_SENT, 0.051, 0);
    story_step(s, STEP_FORWARDED, STEP_INFERRED, 0.051, 153.589);
    story_step(s, STEP_ANSWER, STEP_RECEIVED, 153.589, 0);
    story_step(s, STEP_DATA, STEP_SENT, 153.847, 0);
    story_step(s, STEP_DATA, STEP_RECEIVED, 254.085, 0);
}

static inline void story_chart(const struct punch_story *s, struct sequence *out)
{
    chart_punch(out, s->events, s->count, &s->punching, "both NATs are open\n  try: nothing\n");
}

static inline const char *ladder_of(const struct sequence *s, unsigned width, bool ascii,
                                    bool color)
{
    static char *text;
    struct ladder_style style = {width, ascii, color};
    size_t size;
    FILE *out;

    free(text);
    text = NULL;
    out = open_memstream(&text, &size);
    ladder_write(out, s, &style);
    fclose(out);
    return text;
}

static inline const char *document_of(void (*write)(FILE *, const struct sequence *, unsigned),
                                      const struct sequence *s, unsigned count)
{
    static char *text;
    size_t size;
    FILE *out;

    free(text);
    text = NULL;
    out = open_memstream(&text, &size);
    write(out, s, count);
    fclose(out);
    return text;
}

static inline const char *escaped(void (*escape)(FILE *, const char *), const char *given)
{
    static char *text;
    size_t size;
    FILE *out;

    free(text);
    text = NULL;
    out = open_memstream(&text, &size);
    escape(out, given);
    fclose(out);
    return text;
}

static inline bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static inline bool there(const struct sequence *s, const char *label)
{
    for (unsigned i = 0; i < s->count; i++)
        if (has(s->items[i].label, label))
            return true;
    return false;
}

/* The first item whose label has these words. Without it the program is over. */
static inline const struct sequence_item *find(const struct sequence *s, const char *label)
{
    for (unsigned i = 0; i < s->count; i++)
        if (has(s->items[i].label, label))
            return &s->items[i];
    printf("Bail out! no \"%s\" in the chart\n", label);
    exit(1);
}

static inline bool has_lane(const struct sequence *s, const char *title)
{
    for (unsigned i = 0; i < s->lane_count; i++)
        if (strcmp(s->lanes[i].title, title) == 0)
            return true;
    return false;
}

static inline bool ends_at(const struct sequence *s, const struct sequence_item *item,
                           const char *title)
{
    return strcmp(s->lanes[item->to].title, title) == 0;
}

/* Labels that mean something in one of the formats. */
static const char *const awkward[] = {
    "end",
    "the end",
    "a;b",
    "#35;",
    "%%{init: {}}%%",
    "<script>",
    "a & b",
    "\"quoted\"",
    "a->>b: c",
    "Note over A: x",
    "tab\there",
    "line\nbreak",
    "\xff\xfe",
    "\xc3\xa9t\xc3\xa9",
    "]]>",
    "-->",
    "$$x$$",
    "`code`",
    "back\\slash",
    "\xef\xbf\xbf",
    "\xed\xa0\x80",
    "\x1b[31m",
    "a,b",
    "\x7f",
    "\xe2\x82",
};

enum {
    AWKWARD = sizeof awkward / sizeof *awkward
};

#endif
