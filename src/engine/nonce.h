/* Unpredictable numbers for engines, which may not ask the system themselves: SHA-256 of a key,
 * which the caller has drawn from getrandom, and a counter. The same key gives the same sequence,
 * so that tests are repeatable. */
#ifndef ENGINE_NONCE_H
#define ENGINE_NONCE_H

#include <netinet/in.h>
#include <stdbool.h>
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

/* The same, and the last four bytes are NONCE, unless that is 0: whoever has sent the nonce sees in
 * the address who answers. */
struct in6_addr link_local_repeating(struct nonce_source *s, uint32_t nonce);
bool link_local_repeats(const struct in6_addr *address, uint32_t nonce);

#endif
