/* A message-sequence chart before it is drawn: the parties, what passes between them, and the
 * verdict. It knows nothing of protocols: who builds it says what an arrow carries, and the writers
 * (ladder.h, mermaid.h, svg.h) say how it looks. */
#ifndef REPORT_SEQUENCE_H
#define REPORT_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "nsec.h"
#include "record.h"

enum {
    SEQUENCE_MAX_LANES = 8,
    SEQUENCE_MAX_ITEMS = 1024, /* what is beyond is counted, not drawn */
    SEQUENCE_TITLE = 24,
    SEQUENCE_DETAIL = 64,
    SEQUENCE_LABEL = 160,
};

struct sequence_lane {
    unsigned rank; /* from left to right; also tells which lanes of several charts are the same */
    char title[SEQUENCE_TITLE];
    char detail[SEQUENCE_DETAIL]; /* an endpoint, say; may be empty */
};

enum sequence_kind {
    SEQUENCE_ARROW,
    SEQUENCE_REMARK /* on what happened at lane `from` */
};

struct sequence_item {
    enum sequence_kind kind;
    unsigned from;
    unsigned to;  /* never `from`, in an arrow */
    bool timed;   /* offset is known */
    bool between; /* only its bounds are: from offset to latest */
    bool stopped; /* an arrow that ends in a cross: the packet got no further */
    bool dashed;  /* inferred, not seen */
    nsec offset;  /* since the chart's zero */
    nsec latest;
    char label[SEQUENCE_LABEL];
};

struct sequence {
    char title[SEQUENCE_LABEL]; /* may be empty */
    struct sequence_lane lanes[SEQUENCE_MAX_LANES];
    unsigned lane_count;
    struct sequence_item *items;
    unsigned count;
    unsigned room;
    unsigned beyond; /* items that found no room */
    char *verdict;   /* lines: the verdict, the evidence, the advice; NULL = none */
    size_t word;     /* bytes of it that are the word in front */
    enum mood mood;
};

/* A zeroed struct is an empty chart. */

/* The lane of this rank, made if it is not there yet. Not more than SEQUENCE_MAX_LANES. */
unsigned sequence_lane(struct sequence *s, unsigned rank, const char *title);

/* Says more of a lane, such as its endpoint. */
void sequence_detail(struct sequence *s, unsigned lane, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says where a lane's host is, unless that is not known. */
void sequence_endpoint(struct sequence *s, unsigned lane, struct endpoint e);

/* Appends an item; the caller fills the rest in. Never NULL: what finds no room goes to a scratch
 * item. An arrow may not end where it begins. */
struct sequence_item *sequence_arrow(struct sequence *s, unsigned from, unsigned to,
                                     const char *format, ...) __attribute__((format(printf, 4, 5)));
struct sequence_item *sequence_remark(struct sequence *s, unsigned lane, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says when: at OFFSET; or some time from OFFSET to LATEST. */
void sequence_at(struct sequence_item *item, nsec offset);
void sequence_between(struct sequence_item *item, nsec offset, nsec latest);

/* Copies the verdict: its WORD, which may be NULL, and what it says. */
void sequence_verdict(struct sequence *s, enum mood mood, const char *word, const char *text);

/* The lanes from left to right, at ORDER; PLACE, if not NULL, gets where each of them stands. */
void sequence_order(const struct sequence *s, unsigned order[static SEQUENCE_MAX_LANES],
                    unsigned place[SEQUENCE_MAX_LANES]);

/* True if something in it is dashed: then a chart explains that. */
bool sequence_has_dashed(const struct sequence *s);

/* The time of an item in milliseconds, "+0.051", "0.051..153.589", in at most SIZE - 1 characters,
 * with as many decimals as fit, bounds rounded outwards; empty if it is not known. */
void sequence_time(const struct sequence_item *item, char *buf, size_t size);

/* Frees what it holds, and empties it. */
void sequence_clear(struct sequence *s);

#endif
