#include "lab_chart.h"

#include <jansson.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ladder.h"
#include "mermaid.h"
#include "svg.h"

bool lab_chart_is_asked_for(const struct options *o)
{
    return o->format == REPORT_LADDER || o->format == REPORT_MERMAID || o->format == REPORT_SVG;
}

void lab_chart_write(const struct lab_story *story, const struct options *o, const char *title,
                     const char *verdict, enum sequence_mood mood, bool whole)
{
    struct ladder_style style = {o->width, o->ascii, o->color};
    struct sequence chart = {0};

    lab_story_chart(story, &chart, whole);
    if (title != NULL)
        snprintf(chart.title, sizeof chart.title, "%s", title);
    if (verdict != NULL)
        sequence_verdict(&chart, mood, verdict);
    if (o->format == REPORT_MERMAID)
        mermaid_write(stdout, &chart, 1);
    else if (o->format == REPORT_SVG)
        svg_write(stdout, &chart, 1);
    else
        ladder_write(stdout, &chart, &style);
    sequence_clear(&chart);
}

int lab_chart_write_traced(const struct lab_story *story, const struct options *o,
                           const char *title, int fd, int status, struct error *error)
{
    const char *verdict, *text, *advice;
    char words[1024];
    json_t *trace;

    lseek(fd, 0, SEEK_SET);
    trace = json_loadfd(fd, 0, NULL);
    if (json_unpack(trace, "{s:s, s:s, s:s}", "verdict", &verdict, "text", &text, "advice",
                    &advice) != 0) {
        json_decref(trace);
        return error_set(error, EX_SOFTWARE, 0, "the trace has told no verdict");
    }
    snprintf(words, sizeof words, "%s: %s\n%s%s%s", verdict, text,
             advice[0] != '\0' ? "  try: " : "", advice, advice[0] != '\0' ? "\n" : "");
    for (char *p = words; *p != ':'; p++)
        if (*p == '_')
            *p = ' ';
    lab_chart_write(story, o, title, words, (enum sequence_mood)status,
                    o->verbosity > 0 || status != 0);
    json_decref(trace);
    return 0;
}
