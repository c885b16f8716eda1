/* Writes message-sequence charts as one Mermaid sequence diagram (https://mermaid.js.org/syntax/
 * sequenceDiagram.html), which issue trackers and Markdown viewers draw. */
#ifndef REPORT_MERMAID_H
#define REPORT_MERMAID_H

#include <stdio.h>

#include "sequence.h"

/* Writes the COUNT charts, one under the other: a participant for each lane rank of any of them.
 * Where there are several, a note over all lanes begins each. */
void mermaid_write(FILE *out, const struct sequence *charts, unsigned count);

/* Writes TEXT so that Mermaid takes it as text, whatever is in it: entity codes for what has a
 * meaning there. A control character becomes a space, and a byte that is no UTF-8 a question mark.
 */
void mermaid_text(FILE *out, const char *text);

#endif
