/* The evidence of a classification in sentences, for every reporter. */
#ifndef EVENT_EVIDENCE_WORDS_H
#define EVENT_EVIDENCE_WORDS_H

#include <stddef.h>

#include "classification.h"

enum {
    EVIDENCE_STRLEN = 512
};

/* What a test sent: "8 cone-bit solicitations from port 40123 to 192.0.2.1:3544"; returns BUF. */
const char *evidence_sent(const struct classify_evidence *e, char buf[static EVIDENCE_STRLEN]);

/* What came back, and when: "an answer from 192.0.2.2:3544 after 50.123 ms", "nothing, in 8 rounds
 * with a control that came back (16 of 16)"; returns BUF. */
const char *evidence_received(const struct classify_evidence *e, char buf[static EVIDENCE_STRLEN]);

#endif
