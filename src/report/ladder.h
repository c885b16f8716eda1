/* Writes a message-sequence chart with characters, for a terminal: a lane a party, time on the
 * left, the verdict under it. */
#ifndef REPORT_LADDER_H
#define REPORT_LADDER_H

#include <stdbool.h>
#include <stdio.h>

#include "sequence.h"

enum {
    LADDER_MIN_WIDTH = 60, /* a narrower terminal wraps */
    LADDER_MAX_WIDTH = 200
};

struct ladder_style {
    unsigned width; /* columns; clamped to the two above */
    bool ascii;     /* no line-drawing characters */
    bool color;
};

/* Writes the chart S. Labels are ASCII; other characters in them become question marks. */
void ladder_write(FILE *out, const struct sequence *s, const struct ladder_style *style);

/* Writes TEXT in lines of at most WIDTH columns, broken at spaces; what continues a line is
 * indented by as much as the line, and INDENT more. */
void ladder_wrap(FILE *out, const char *text, unsigned width, unsigned indent);

/* True if the locale's character set is UTF-8. */
bool ladder_locale_is_utf8(void);

#endif
