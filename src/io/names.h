/* Host names to IPv4 endpoints: /etc/hosts and the DNS, as resolv.conf has it, by c-ares, which the
 * loop polls and which ends at once. */
#ifndef IO_NAMES_H
#define IO_NAMES_H

#include "endpoint.h"
#include "error.h"
#include "loop.h"

enum {
    NAMES_ADDRESSES = 64,         /* of one name; further ones are left out */
    NAMES_INTERRUPTED_STATUS = 2, /* that of every command that is interrupted before it knows */
};

enum names_outcome {
    NAMES_FOUND,
    NAMES_MALFORMED,   /* neither an address nor a name, with or without a port */
    NAMES_NOT_FOUND,   /* the name does not exist */
    NAMES_NO_ADDRESS,  /* it does, but has no IPv4 address */
    NAMES_FAILED,      /* the name servers did not say */
    NAMES_INTERRUPTED, /* names_resolve alone: SIGINT or SIGTERM came first */
};

struct names_answer {
    enum names_outcome outcome;
    const char *reason; /* of a failure, in words that follow "cannot find 'NAME': " */
    unsigned count;
    /* Each with the port asked for, in the order in which the resolver gives them. */
    struct endpoint list[NAMES_ADDRESSES];
};

struct names;

/* A resolver on LOOP, which has to outlast it. NULL, and ERROR filled, on failure. */
struct names *names_new(struct loop *loop, struct error *error);

/* Ends all look-ups at once: no DONE is called any more. Takes NULL too. */
void names_free(struct names *n);

/* Looks up TEXT: "name", "name:port", "address" or "address:port". Calls DONE once, with an ANSWER
 * that it may read until it returns: from the loop, or before names_look_up returns where nothing
 * has to be waited for. */
void names_look_up(struct names *n, const char *text, uint16_t default_port,
                   void (*done)(void *context, const struct names_answer *answer), void *context);

/* The same, for a caller that has nothing else to do meanwhile. Returns 0; or -1, ERROR filled and
 * OUT->outcome telling why: EX_USAGE for what is malformed, EX_NOHOST for a name without an answer.
 * Where the look-up is interrupted, the status is NAMES_INTERRUPTED_STATUS. */
int names_resolve(const char *text, uint16_t default_port, struct names_answer *out,
                  struct error *error);

#endif
