/* How an answer to a bubble is known to be the peer's own. */
#ifndef ENGINE_PUNCH_PROOF_H
#define ENGINE_PUNCH_PROOF_H

#include "observation.h"
#include "punching.h"

/* What a bubble carried that only somebody who saw it can repeat. */
struct punch_mark {
    struct in6_addr source; /* the initiator's Teredo address, or a fresh link-local one */
    bool has_nonce;         /* of a nonce trailer (RFC 6081) */
    uint32_t nonce;
};

/* The proof that the packet of O is the answer of the peer whose address embeds MAPPED, and in
 * *WHICH the index of the mark that it repeats (the last where that cannot be told). An endpoint
 * alone proves enough for RFC 4380 5.2.3, but a stronger proof is named first, for it also holds
 * when the endpoint is another. COUNT is not 0. */
enum punch_proof punch_find_proof(const struct punch_mark *marks, unsigned count,
                                  const struct observation *o, struct endpoint mapped,
                                  unsigned *which);

#endif
