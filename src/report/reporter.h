/* What the reporters share; internal to the layer. */
#ifndef REPORT_REPORTER_H
#define REPORT_REPORTER_H

#include "report.h"
#include "status.h"

struct reporter {
    struct report_config config;
    void (*emit)(struct reporter *r, const struct event *event);
    struct qualification qualification; /* the last one told */
    struct chart *chart;                /* of the formats that draw */
    struct metrics *metrics;            /* OpenMetrics: what was told so far */
    bool step_header;                   /* text: the heading over the steps is out */
    struct status status;
    struct watch *watch;   /* the live table, where one is shown */
    bool list_open;        /* json of captures or of several servers: the list has begun */
    unsigned long punches; /* of captures, told so far */
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
void text_qualified_many(struct reporter *r, const struct qualify_many_summary *s);
void text_checking(struct reporter *r, const struct checking *c);
void text_step(struct reporter *r, const struct event *event);
void text_note(struct reporter *r, const struct event *event);
void text_punching(struct reporter *r, const struct punching *p);
void text_peer(struct reporter *r, const struct event *event);
void text_missing_steps(const struct reporter *r, const struct punching *p);
const char *text_punch_verdict(enum punch_verdict verdict);

/* What captures show. */
void text_captured_punch(struct reporter *r, const struct punching *p);
void text_captured_verdict(struct reporter *r, const struct punching *p); /* without the steps */
void text_captured_qualification(struct reporter *r, const struct qualification *q);
void text_clock(struct reporter *r, const struct event *event);
void text_passive(struct reporter *r, const struct passive_summary *sum);
void json_captured_emit(struct reporter *r, const struct event *event);

/* The NAT as a qualification knows it, in a few words; returns their length in *WORD. */
int text_nat_word(enum qualify_nat nat, const char **word);
void text_classification(struct reporter *r, const struct classification *c);

/* A verdict's word in its colour, WIDTH columns wide. MOOD: 0 yes, 1 no, 2 unsure. */
void text_word(const struct reporter *r, int mood, const char *word, int width);
/* A verdict's first line: the word in its colour, then the sentence. MOOD: 0 yes, 1 no, 2 unsure.
 */
void text_verdict(const struct reporter *r, int mood, const char *word, const char *sentence);
void text_advice(const struct reporter *r, const char *advice);

#endif
