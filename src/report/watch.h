/* The live table of peers on a terminal: each one's last step and round-trip time. It has the
 * terminal's second screen, so that the first one is as it was when the table is left. Internal to
 * the layer but for who tells it of peers in another way than by events. */
#ifndef REPORT_WATCH_H
#define REPORT_WATCH_H

#include <netinet/in.h>

#include "event.h"
#include "report.h"

enum {
    WATCH_MAX_PEERS = 256 /* the least recently heard goes first */
};

struct watch;

/* A table on CONFIG's `out`, which is a terminal. NULL if memory is out. */
struct watch *watch_new(const struct report_config *config);

/* What is new of a peer. */
struct watch_news {
    const struct in6_addr *peer;
    struct endpoint endpoint; /* 0 = nothing new of it */
    const char *step;         /* that it has come to */
    nsec when;
    nsec rtt; /* 0 = nothing new of it */
};

/* Nothing is drawn yet. */
void watch_update(struct watch *w, const struct watch_news *news);

/* The line over the table. */
void watch_title(struct watch *w, const char *title);

/* The table in lines of at most COLUMNS, the latest first; no more than MOST peers. */
void watch_print(const struct watch *w, FILE *out, unsigned columns, unsigned most, nsec now);

/* Draws it, with WORDS under it (NULL = the same as before), in the terminal's present size. */
void watch_draw(struct watch *w, nsec now, const char *words);

/* Gives the first screen back, until the next watch_draw. */
void watch_leave(struct watch *w);

/* Leaves, and frees. W may be NULL. */
void watch_free(struct watch *w);

#endif
