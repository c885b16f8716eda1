/* Unpredictable numbers for engines, which may not ask the system themselves: SHA-256 of a key,
 * which the caller has drawn from getrandom, and a counter. The same key gives the same sequence,
 * so that tests are repeatable. */
#ifndef ENGINE_NONCE_H
#define ENGINE_NONCE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "nsec.h"

struct nonce_source {
    uint8_t key[32];
    uint64_t counter;
};

/* Fills OUT with SIZE (at most 32) fresh bytes. */
void nonce_take(struct nonce_source *s, void *out, size_t size);

/* A duration drawn evenly from [LOW, HIGH). */
nsec nonce_between(struct nonce_source *s, nsec low, nsec high);

/* A link-local address that nobody can guess. */
struct in6_addr link_local_random(struct nonce_source *s);

#endif
