/* What is to be told of captures beside what is in them: what could not be read, what was seen
 * twice, and what their clocks did. */
#ifndef EVENT_CAPTURE_REMARKS_H
#define EVENT_CAPTURE_REMARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nsec.h"
#include "record.h"

enum {
    CAPTURE_REMARKS_LINKS = 4, /* link types that are told by name; frames of others count with the
                                * last */
    CAPTURE_REMARKS_STEPS = 8, /* captures whose clock is told of */
    CAPTURE_REMARKS_NAME = 24,
};

enum clock_step_kind {
    CLOCK_SET_BACK,
    CLOCK_SET_FORWARD, /* or else an answer came so late */
    CLOCK_BEHIND,      /* that of an interface is behind another's */
    CLOCK_STEP_KINDS
};

struct capture_remarks {
    /* Frames that the snap length has cut before it could be told whether they are Teredo, and the
     * fewest and most bytes that they have. */
    uint64_t cut;
    size_t cut_least, cut_most;
    /* Frames of link types that are not known. */
    struct unread_link {
        char name[CAPTURE_REMARKS_NAME];
        uint64_t frames;
    } unread[CAPTURE_REMARKS_LINKS];
    unsigned unread_count;
    uint64_t without_address; /* IPv6 packets in UDP port 3544 that have no Teredo address */
    uint64_t copies;          /* of Teredo packets */
    uint64_t reassembled;     /* Teredo packets that came in fragments */
    /* Clocks that do not go on steadily, a capture each. */
    struct clock_step {
        const char *file; /* borrowed from whoever counts; NULL = an interface */
        enum clock_step_kind kind;
        uint64_t frame; /* the first after the first step */
        nsec by;        /* so much at least */
        uint64_t count; /* of steps, in all */
    } steps[CAPTURE_REMARKS_STEPS];
    unsigned step_count;
};

extern const struct record_type capture_remarks_record;

enum {
    CAPTURE_REMARK_LINES = CAPTURE_REMARKS_LINKS + CAPTURE_REMARKS_STEPS + 4,
};

/* A remark in words. */
struct capture_remark {
    const char *label; /* a word */
    bool doubt;        /* something was not seen, or not as it was */
    char text[256];    /* a sentence without full stop */
};

/* Writes the remarks, those of doubt first; returns how many there are. */
unsigned capture_remarks_lines(const struct capture_remarks *r,
                               struct capture_remark out[static CAPTURE_REMARK_LINES]);

#endif
