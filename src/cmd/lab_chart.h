/* The lab's chart of a trace: what passed at every vantage point, and the trace's own verdict. */
#ifndef CMD_LAB_CHART_H
#define CMD_LAB_CHART_H

#include "error.h"
#include "lab_story.h"
#include "options.h"

/* True for the formats that draw instead of printing what the trace prints. */
bool lab_chart_is_asked_for(const struct options *o);

/* Writes the chart on standard output, in the format of O; as a ladder for text. TITLE and VERDICT
 * may be NULL. */
void lab_chart_write(const struct lab_story *story, const struct options *o, const char *title,
                     const char *verdict, enum sequence_mood mood, bool whole);

/* The same with the verdict in the JSON object that the trace has written to the file FD. 0, or -1
 * with ERROR filled if there is none. */
int lab_chart_write_traced(const struct lab_story *story, const struct options *o,
                           const char *title, int fd, int status, struct error *error);

#endif
