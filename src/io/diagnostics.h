/* Standard error, guarded: whatever is written to `stderr`, by argp and getopt as well, comes from
 * here on without what a terminal or a log should not get (foreign.h). */
#ifndef IO_DIAGNOSTICS_H
#define IO_DIAGNOSTICS_H

#include <stdio.h>

/* Puts the guard before stderr, once, before anything is written there. */
void diagnostics_guard(void);

/* Standard error as it was: for the status line, which moves the cursor about and has no text from
 * outside in it. */
FILE *diagnostics_terminal(void);

#endif
