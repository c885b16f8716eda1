/* What the reporters share; internal to the layer. */
#ifndef REPORT_REPORTER_H
#define REPORT_REPORTER_H

#include "line_limit.h"
#include "report.h"
#include "status.h"
#include "text_buffer.h"

/* A format. */
struct output {
    bool (*begin)(struct reporter *r); /* false if memory is out; may be NULL, as all may */
    void (*event[EVENT_KINDS])(struct reporter *r, const struct event *e); /* NULL = not told */
    void (*end)(struct reporter *r);
};

extern const struct output output_text, output_json, output_jsonl, output_tsv, output_chart,
    output_openmetrics, output_watch;

/* What all objects of one kind begin with. */
struct head {
    const char *event; /* NULL = none yet */
    char text[192];
    size_t size;
};

enum {
    REPEATED_LINES = 16
};

/* A reply that was not believed: such a line is printed once, and counted when it comes again. */
struct rejected_reply {
    enum ra_rule rule;
    struct endpoint from;
    enum wire_reason fault;
    unsigned again;
};

struct reporter {
    struct report_config config;
    const struct output *output;
    struct text_buffer buffer; /* of the formats that put their results together there */
    struct run_facts run;
    struct qualification qualification; /* the last one told */
    struct tsv_table *table;            /* of tsv */
    bool every_event;                   /* tsv: rows are not of results alone */
    struct chart *chart;                /* of the formats that draw */
    struct metrics *metrics;            /* OpenMetrics: what was told so far */
    bool step_header;                   /* text: the heading over the steps is out */
    struct rejected_reply rejected[REPEATED_LINES];
    unsigned rejected_count;
    unsigned rejected_untold; /* of yet other kinds */
    struct line_limit limit;  /* of what is told */
    struct line_limit log;    /* of packets on the diagnostics stream */
    struct status status;
    struct watch *watch;         /* the live table, where one is shown */
    struct head head;            /* of the lines of jsonl */
    bool list_open;              /* a list of paragraphs has begun */
    const char *owed;            /* json: what closes the list that has begun; NULL = none */
    unsigned worst;              /* json of addresses: enum address_verdict */
    struct text_buffer lists[3]; /* json of bubble: packets, replies and ICMP errors so far */
    unsigned long punches;       /* of captures, told so far */
};

/* Whether E has the result of the run, or that there is none. */
bool reporter_is_result(const struct reporter *r, const struct event *e);

/* Says of the replies that were not believed how often each kind came again. */
void text_rejected_again(struct reporter *r);

/* As text, whatever the format is. */
void text_emit(struct reporter *r, const struct event *event);

/* Parts of the text reporter. */

/* A verdict's word in its colour, WIDTH columns wide. */
void text_word(const struct reporter *r, const struct words *verdicts, unsigned verdict, int width);
/* A verdict's first line: the word in its colour, then the sentence. */
void text_verdict(const struct reporter *r, enum mood mood, const char *word, const char *sentence);
/* A detail below it: its name, and what it is. */
void text_line(const struct reporter *r, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A text from outside; see foreign.h. */
void text_foreign(const struct reporter *r, const char *text);
void text_advice(const struct reporter *r, const char *advice);
/* The NAT as a qualification knows it, in a few words; returns their length in *WORD. */
int text_nat_word(enum qualify_nat nat, const char **word);

/* What the verdict of a punch says, and all that it rests on: all but its word. */
void text_punch_findings(struct reporter *r, const struct event *e);
void text_punching(struct reporter *r, const struct event *e);
void text_step(struct reporter *r, const struct event *e);
void text_note(struct reporter *r, const struct event *e);
void text_peer(struct reporter *r, const struct event *e);

void text_captured_punch(struct reporter *r, const struct punching *p);
void text_captured_findings(struct reporter *r, const struct punching *p);
void text_captured_qualification(struct reporter *r, const struct qualification *q);
void text_clock(struct reporter *r, const struct event *e);
void text_passive(struct reporter *r, const struct event *e);
void text_classification(struct reporter *r, const struct event *e);
void text_packet(struct reporter *r, const struct event *e);
void text_flows(struct reporter *r, const struct event *e);
void text_address(struct reporter *r, const struct event *e);
void text_bubble_sent(struct reporter *r, const struct event *e);
void text_bubble_reply(struct reporter *r, const struct event *e);
void text_bubble_icmp(struct reporter *r, const struct event *e);
void text_bubbled(struct reporter *r, const struct event *e);

#endif
