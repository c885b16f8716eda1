/* A message-sequence chart drawn with characters: a lane a party, time on the left. The drawer
 * knows nothing of protocols; its caller says what an arrow carries. */
#ifndef REPORT_LADDER_H
#define REPORT_LADDER_H

#include <stdbool.h>
#include <stdio.h>

#include "nsec.h"

enum {
    LADDER_MAX_LANES = 8,
    LADDER_MIN_WIDTH = 60,
    LADDER_MAX_WIDTH = 160
};

struct ladder {
    FILE *out;
    unsigned lanes;
    const char *titles[LADDER_MAX_LANES]; /* borrowed */
    unsigned width;                       /* columns */
    bool ascii;                           /* no box-drawing characters */
    bool color;
};

struct ladder_arrow {
    nsec offset; /* since the first arrow */
    unsigned from;
    unsigned to;       /* may not equal from */
    const char *label; /* ASCII */
    bool stopped;      /* it ends in a cross at `to` */
    bool dashed;       /* inferred, not seen */
};

/* Clamps the width to what the drawer can do. */
void ladder_init(struct ladder *l, FILE *out, unsigned width, bool ascii, bool color);

/* Adds a lane to the right; returns its number. */
unsigned ladder_lane(struct ladder *l, const char *title);

/* The line of titles. */
void ladder_head(const struct ladder *l);

void ladder_arrow(const struct ladder *l, const struct ladder_arrow *arrow);

/* A remark on what happened at LANE, beside its line; TEXT is ASCII, and broken into lines where it
 * must be. */
void ladder_note(const struct ladder *l, unsigned lane, const char *text);

/* True if the locale's character set is UTF-8. */
bool ladder_locale_is_utf8(void);

#endif
