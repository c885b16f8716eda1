/* `teredoctl trace` of captures: files, or an interface. */
#ifndef CMD_TRACE_CAPTURES_H
#define CMD_TRACE_CAPTURES_H

#include "trace_options.h"

/* Tells the qualifications and hole punches that the captures show. The exit status, or -1 and
 * ERROR filled. */
int trace_captures(const struct trace_options *options, struct error *error);

#endif
