/* The rules that a router advertisement must meet before a client believes it. */
#ifndef ENGINE_RA_CHECK_H
#define ENGINE_RA_CHECK_H

#include "observation.h"
#include "qualification.h"

/* What was asked, and of whom. */
struct ra_request {
    struct endpoint asked; /* where the solicitation went */
    uint32_t server;       /* addresses that the prefix may name: the primary */
    uint32_t other_server; /* and, in the secondary's own advertisement, itself */
    const uint8_t (*nonces)[TEREDO_NONCE_SIZE]; /* one an attempt */
    unsigned nonce_count;
    struct in6_addr source; /* the solicitation's link-local address */
    const uint8_t *secret;  /* NULL = no secure qualification */
    size_t secret_size;
    bool allow_private;
};

/* Checks every rule, in the order of enum ra_rule, and notes each in RULES; those that cannot be
 * looked at, for an earlier one broke the packet, stay RULE_UNTESTED. Returns the first rule
 * broken, or RULE_COUNT for an advertisement that may be believed; *ATTEMPT is then the index of
 * the nonce that it repeats. */
enum ra_rule ra_check(const struct ra_request *request, const struct observation *o,
                      enum rule_state rules[static RULE_COUNT], unsigned *attempt);

#endif
