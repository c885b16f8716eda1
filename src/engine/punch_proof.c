#include "punch_proof.h"

enum punch_proof punch_find_proof(const struct punch_mark *marks, unsigned count,
                                  const struct observation *o, struct endpoint mapped,
                                  unsigned *which)
{
    uint32_t nonce;
    bool has_nonce = teredo_trailer_nonce(o->packet, &nonce);

    *which = count - 1;
    for (unsigned i = 0; i < count; i++) {
        const struct punch_mark *m = &marks[i];

        if (has_nonce && m->has_nonce && nonce == m->nonce) {
            *which = i;
            return PROOF_NONCE;
        }
        if (ip6_is_unguessable_link_local(&m->source) &&
            ip6_equal(&o->packet->ip6.destination, &m->source)) {
            *which = i;
            return PROOF_LINK_LOCAL;
        }
    }
    return endpoint_equal(o->from, mapped) ? PROOF_ENDPOINT : PROOF_NONE;
}
