/* What the reporters share; internal to the layer. */
#ifndef REPORT_REPORTER_H
#define REPORT_REPORTER_H

#include "report.h"

struct reporter {
    struct report_config config;
    void (*emit)(struct reporter *r, const struct event *event);
    struct qualification qualification; /* the last one told */
    bool has_qualification;
    bool list_open;          /* JSON: the list of several servers has begun */
    struct metrics *metrics; /* OpenMetrics: what was told so far */
    bool step_header;        /* text: the heading over the steps is out */
    bool progress_shown;     /* text: a status line is on the terminal */
};

void text_emit(struct reporter *r, const struct event *event);
void json_emit(struct reporter *r, const struct event *event);
void jsonl_emit(struct reporter *r, const struct event *event);
void openmetrics_emit(struct reporter *r, const struct event *event);
/* Prints and frees what openmetrics_emit has gathered: a family's samples stand together. */
void openmetrics_finish(struct reporter *r);

/* Parts of the text reporter. */
void text_qualification(struct reporter *r, const struct qualification *q);
/* What is known beside the verdict, a line each. */
void text_qualification_details(const struct reporter *r, const struct qualification *q);
void text_surveyed(struct reporter *r, const struct survey *s);
void text_checking(struct reporter *r, const struct checking *c);
void text_step(struct reporter *r, const struct event *event);
void text_note(struct reporter *r, const struct event *event);
void text_punching(struct reporter *r, const struct punching *p);
void text_peer(struct reporter *r, const struct event *event);
void text_classification(struct reporter *r, const struct classification *c);
void text_progress(struct reporter *r, const struct event *event);
void text_progress_end(struct reporter *r);

/* A verdict's word in its colour, WIDTH columns wide. MOOD: 0 yes, 1 no, 2 unsure. */
void text_word(const struct reporter *r, int mood, const char *word, int width);
/* A verdict's first line: the word in its colour, then the sentence. MOOD: 0 yes, 1 no, 2 unsure.
 */
void text_verdict(const struct reporter *r, int mood, const char *word, const char *sentence);
void text_advice(const struct reporter *r, const char *advice);

#endif
