/* Times of packets by the million: RFC 3339 in UTC with nanoseconds, as words_time writes them, but
 * put together anew only where the second changes. */
#ifndef REPORT_STAMP_H
#define REPORT_STAMP_H

#include "nsec.h"

enum {
    STAMP_SIZE = 30 /* "2026-11-23T23:42:37.123456789Z" */
};

struct stamp {
    nsec second; /* that text stands for; a zeroed struct stands for none */
    char text[STAMP_SIZE];
};

/* Puts the time at P; returns what follows its STAMP_SIZE bytes. WHEN is not before 1970. */
char *stamp_put(struct stamp *s, char *p, nsec when);

#endif
