/* The status line on a terminal's standard error while a command waits. It is erased before
 * anything else is printed, and never seen in a pipe. */
#ifndef REPORT_STATUS_H
#define REPORT_STATUS_H

#include <stdbool.h>
#include <stdio.h>

#include "waiting.h"

enum {
    STATUS_STRLEN = 200
};

struct status {
    FILE *err;
    bool on;      /* ERR is a terminal that can erase a line, and nobody asked for quiet */
    bool shown;   /* something is on the terminal */
    nsec printed; /* when something else was last printed; 0 = nothing yet */
    nsec started; /* when the command was first seen to wait; 0 = not yet */
};

/* True if FILE is a terminal, of a kind that can erase and move about. */
bool status_terminal(FILE *file);

/* ERR may be NULL: then there is none. */
void status_init(struct status *s, FILE *err, bool quiet);

/* Something else is printed at WHEN: erases the line. */
void status_hush(struct status *s, nsec when);

/* Shows TEXT, cut to the terminal's width, once nothing has been printed for a second before NOW.
 */
void status_show(struct status *s, nsec now, const char *text);

/* What is waited for, in words: "waiting for 192.0.2.1:3544: solicitation 2 of 3, 0.8 s left";
 * returns BUF. */
const char *status_words(const struct waiting *w, nsec now, char buf[static STATUS_STRLEN]);

#endif
