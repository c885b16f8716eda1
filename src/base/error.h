/* An error is filled where the failure happens and printed once, by main: what was tried, on what,
 * the system's word for it, and what to try. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

struct error {
    int status;     /* exit status, of sysexits.h; 0 while nothing failed */
    char what[320]; /* one line, no full stop: "cannot bind UDP port 53: Permission denied" */
    char hint[320]; /* one line that says what to try; may be empty */
};

/* Fills E with exit status STATUS and a printf-formatted text; if ERRNUM is not 0, ": " and its
 * strerror follow. The hint is cleared. What is in it from outside may be of any bytes: foreign.h.
 * Returns -1, so that a caller can `return error_set(…)`. */
int error_set(struct error *e, int status, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for an input that cannot be opened: EX_NOINPUT, or EX_OSERR where
 * the system is out of what it takes. */
int error_set_no_input(struct error *e, int errnum, const char *name);

/* Sets the hint of an error that was filled before. Returns -1. */
int error_hint(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
