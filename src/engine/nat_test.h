/* One kind of packet of a classification, sent from one local port to one endpoint in as many
 * rounds as it takes, each time with another nonce; and its answers. What was sent in the same
 * round on different tests is compared: a try that stayed unanswered beside a reference that was.
 */
#ifndef ENGINE_NAT_TEST_H
#define ENGINE_NAT_TEST_H

#include "engine.h"
#include "nonce.h"
#include "rs_make.h"

enum {
    CLASSIFY_ROUNDS = 112,
};

enum classify_kind {
    CLASSIFY_SOLICITATION,      /* cone bit 0: answered from where it went (RFC 4380 5.3.2) */
    CLASSIFY_CONE_SOLICITATION, /* cone bit 1: answered from the server's other address */
    CLASSIFY_BUBBLE,            /* to a Teredo address, straight or through the server */
};

struct classify_try {
    uint8_t nonce[8]; /* in the authentication, or the interface identifier of a bubble's source */
    nsec sent;        /* 0 = not in this round */
    nsec answered;    /* 0 = not yet */
};

struct nat_test {
    bool open; /* set up */
    enum classify_kind kind;
    unsigned socket;  /* that sends */
    unsigned arrives; /* socket on which the answer comes, or the bubble */
    struct endpoint to;
    struct endpoint answer; /* where the answer comes from; unset = from anywhere */
    struct endpoint prime;  /* a byte goes there before each try; unset = none */
    struct in6_addr target; /* of a bubble */
    uint8_t ttl;            /* 0 = the system's default */
    unsigned sent, answered;
    nsec first_sent, last_sent, first_delay; /* delay of the first answer that came; 0 = none */
    struct endpoint mapped; /* the origin that an advertisement named; unset = none came */
    bool unsteady;          /* a later one named another origin, or came to another address */
    struct endpoint came_from, came_to; /* of the first answer */
    struct classify_try tries[CLASSIFY_ROUNDS];
};

/* How a test fared against its references, over the rounds that have had their time. */
struct classify_count {
    unsigned trials; /* tries of references */
    unsigned failed; /* of these, unanswered */
    unsigned misses; /* rounds in which the test was unanswered and a reference was not */
};

/* The rounds to count, from FIRST to before END. A round counts once WAIT has passed since it was
 * sent; with HOPEFUL, younger ones count as if their references would be answered, and the test
 * would not. */
struct nat_test_span {
    unsigned first, end;
    nsec now, wait;
    bool hopeful;
};

/* Adds to *COUNT the rounds that TEST took part in, compared with the REFERENCES (each may be
 * closed). */
void nat_test_count(const struct nat_test *test, const struct nat_test *const *references,
                    unsigned reference_count, const struct nat_test_span *span,
                    struct classify_count *count);

/* What all tests of a classification share. */
struct classify_server {
    struct endpoint primary;
    uint32_t secondary;
    bool allow_private;
    struct rs_identity identity;
    struct nonce_source *nonces;
};

/* Sends the try of ROUND with a fresh nonce; it counts as sent with nat_test_sent. */
void nat_test_send(struct nat_test *test, unsigned round, uint32_t tag,
                   const struct classify_server *server, struct outbox *out);

/* Sends the byte to test->prime, from where the answer is to arrive; it is no Teredo packet, and
 * the server drops it. */
void nat_test_send_prime(const struct nat_test *test, uint32_t tag, struct outbox *out);

/* The try of ROUND left at WHEN. */
void nat_test_sent(struct nat_test *test, unsigned round, nsec when);

/* The try that a packet answers, by its nonce, among the first ROUNDS; NULL if it answers none of
 * this test. */
struct classify_try *nat_test_match(struct nat_test *test, unsigned rounds,
                                    const struct observation *o);

/* True where the packet, which nat_test_match has matched, meets every rule for its kind: an
 * advertisement those of engine/ra_check.h, a bubble that it is the one that was sent, from where
 * it must come. *BROKEN is set to the first rule broken (of a bubble: to RULE_COUNT). */
bool nat_test_believes(const struct nat_test *test, const struct classify_try *t,
                       const struct classify_server *server, const struct observation *o,
                       enum ra_rule *broken);

/* Notes the answer to TRY. */
void nat_test_answer(struct nat_test *test, struct classify_try *t, const struct observation *o);

#endif
