/* The whole of `teredoctl check`: qualify, then have the server relay a bubble to ourselves. */
#ifndef ENGINE_CHECK_H
#define ENGINE_CHECK_H

#include "checking.h"
#include "qualify.h"

enum {
    CHECK_ROUNDS = 24, /* at most; see struct check */
};

struct check_config {
    struct qualify_config qualify;
    const char *name; /* of the server, borrowed */
    struct check_range warning, critical;
    nsec relay_timeout; /* when a bubble is given up, at the latest */
};

/* What a round sends, besides its bubble. */
enum check_question {
    CHECK_CONTROL, /* a solicitation to an address that has answered */
    CHECK_SILENT,  /* one to the address that has not */
    CHECK_QUESTIONS
};

/* After the qualification a bubble goes to the server. If that does not come back, or one of the
 * addresses was silent while the other answered, rounds follow: what is missing is asked for again,
 * each time beside a solicitation that is known to be answered unless it is lost, until silence
 * means more than loss, or the time is up. */
struct check {
    struct engine engine;
    struct outbox *out; /* while it is observed */
    struct check_config config;
    struct qualify qualify;
    struct part qualifying;
    bool qualified; /* the qualification is over */
    bool done;
    nsec started; /* 0 = not yet */
    struct checking result;
    struct endpoint mapped; /* as the primary saw it */
    unsigned bubbles;       /* asked for */
    unsigned bubbles_lost;  /* before the one that came back */
    struct in6_addr sources[CHECK_ROUNDS];
    nsec sent_at[CHECK_ROUNDS]; /* of bubbles; 0 = not yet confirmed by a SENT observation */
    unsigned rounds;            /* with questions */
    struct {
        uint8_t nonce[TEREDO_NONCE_SIZE];
        bool sent, answered;
    } questions[CHECK_QUESTIONS][CHECK_ROUNDS];
    nsec next; /* round, or the end */
    nsec end;  /* of the patience */
    struct nonce_source nonces;
};

/* Sets up an engine whose first TIMER observation starts. What CONFIG points to must outlive it. */
void check_init(struct check *c, const struct check_config *config);

#endif
