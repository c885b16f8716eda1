/* Writes message-sequence charts as one SVG picture that needs nothing else: no script, no font, no
 * other file. Its text is text, to be searched, copied and read aloud; that is why no drawing
 * library makes it, which would turn it into outlines. */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include <stdio.h>

#include "sequence.h"

/* Writes the COUNT charts, one under the other. */
void svg_write(FILE *out, const struct sequence *charts, unsigned count);

/* Writes TEXT as XML character data, fit for attributes too. A control character becomes a space,
 * and what is no character of XML a question mark. */
void svg_text(FILE *out, const char *text);

#endif
