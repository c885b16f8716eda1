/* What captures show in all, and how well their clocks agree. */
#ifndef EVENT_PASSIVE_SUMMARY_H
#define EVENT_PASSIVE_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "capture_remarks.h"
#include "nsec.h"

enum {
    PASSIVE_VANTAGES = 8 /* captures of the same events, at most */
};

/* A capture's clock against the first one's. */
struct clock_match {
    uint64_t packets; /* that both captures show; 0 = nothing is known, and nothing corrected */
    bool bounded;     /* the packets went both ways between the two: then ERROR is a bound */
    nsec at;          /* by this capture's clock */
    nsec offset;      /* to add to its times, at AT */
    double drift;     /* and more for each unit of time after it */
    nsec error;       /* times so corrected, from the first of the packets to the last, are wrong by
                       no more than this */
};

struct passive_summary {
    uint64_t punches;
    uint64_t punched;
    uint64_t not_punched;
    uint64_t inconclusive;
    uint64_t qualifications;
    uint64_t refreshes; /* qualifications that changed nothing */
    uint64_t forgotten; /* punches and qualifications that had to make way for newer ones */
    uint64_t packets;   /* Teredo, without copies */
    uint64_t frames;
    uint64_t dropped; /* by the kernel, for want of room */
    struct capture_remarks remarks;
};

#endif
