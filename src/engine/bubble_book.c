#include "bubble_book.h"

#include <string.h>

void bubble_sent_describe(struct bubble_sent *s, struct endpoint to, const struct teredo_packet *p,
                          bool secret_source)
{
    struct teredo_addr a;

    *s = (struct bubble_sent){
        .to = to,
        .source = p->ip6.source,
        .secret_source = secret_source,
        .has_auth = p->has_auth,
        .has_echo = p->kind == TEREDO_ECHO_REQUEST,
    };
    s->has_nonce = teredo_trailer_nonce(p, &s->nonce);
    if (s->has_auth)
        memcpy(s->auth_nonce, p->auth.nonce, sizeof s->auth_nonce);
    if (s->has_echo) {
        s->echo_id = p->icmp6.echo.id;
        s->echo_sequence = p->icmp6.echo.sequence;
    }
    if (teredo_addr_decode(&p->ip6.destination, &a))
        s->mapped = a.mapped;
}

void bubble_book_add(struct bubble_book *b, const struct bubble_sent *s)
{
    b->sent[b->count++ % BUBBLE_BOOK_ROOM] = *s;
}

static bool repeats_nonce(const struct bubble_sent *s, const struct teredo_packet *packet)
{
    uint32_t nonce;

    if (s->has_nonce && teredo_trailer_nonce(packet, &nonce) && nonce == s->nonce)
        return true;
    if (s->has_auth && packet->has_auth &&
        memcmp(s->auth_nonce, packet->auth.nonce, sizeof s->auth_nonce) == 0)
        return true;
    return s->has_echo && packet->kind == TEREDO_ECHO_REPLY &&
           packet->icmp6.echo.id == s->echo_id && packet->icmp6.echo.sequence == s->echo_sequence;
}

static enum punch_proof proof_for(const struct bubble_sent *s, const struct teredo_packet *packet,
                                  struct endpoint from)
{
    if (packet == NULL)
        return PROOF_NONE;
    if (repeats_nonce(s, packet))
        return PROOF_NONCE;
    if (s->secret_source && ip6_equal(&packet->ip6.destination, &s->source))
        return PROOF_LINK_LOCAL;
    return endpoint_equal(from, s->to) || endpoint_equal(from, s->mapped) ? PROOF_ENDPOINT
                                                                          : PROOF_NONE;
}

enum punch_proof bubble_book_find(const struct bubble_book *b, const struct teredo_packet *packet,
                                  struct endpoint from, const struct bubble_sent **answered)
{
    unsigned long kept = b->count < BUBBLE_BOOK_ROOM ? b->count : BUBBLE_BOOK_ROOM;
    enum punch_proof best = PROOF_NONE;

    *answered = NULL;
    for (unsigned long i = 1; i <= kept; i++) {
        const struct bubble_sent *s = &b->sent[(b->count - i) % BUBBLE_BOOK_ROOM];
        enum punch_proof proof = proof_for(s, packet, from);

        if (*answered == NULL || proof > best) {
            best = proof;
            *answered = s;
        }
    }
    return best;
}
