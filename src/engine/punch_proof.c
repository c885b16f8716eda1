#include "punch_proof.h"

#include "nonce.h"

enum punch_proof punch_find_proof(const struct punch_mark *marks, unsigned count,
                                  const struct observation *o, struct endpoint mapped,
                                  unsigned *which)
{
    uint32_t nonce;
    bool has_nonce = teredo_trailer_nonce(o->packet, &nonce);

    *which = count - 1;
    for (unsigned i = 0; i < count; i++) {
        const struct punch_mark *m = &marks[i];

        /* A listener behind a symmetric NAT repeats it in its link-local source: the trailer of its
         * indirect bubble has a nonce of its own. */
        if (m->has_nonce && ((has_nonce && nonce == m->nonce) ||
                             link_local_repeats(&o->packet->ip6.source, m->nonce))) {
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
