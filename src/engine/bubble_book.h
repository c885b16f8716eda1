/* What a bubble that was sent asks for, and whether a packet that came is an answer to it: the
 * proofs of the punch engine (event/punching.h), for packets of any making. */
#ifndef ENGINE_BUBBLE_BOOK_H
#define ENGINE_BUBBLE_BOOK_H

#include "nsec.h"
#include "punching.h"
#include "teredo.h"

enum {
    BUBBLE_BOOK_ROOM = 256 /* packets remembered; the oldest makes way */
};

struct bubble_sent {
    unsigned long number; /* from 1 */
    nsec when;
    struct endpoint to;
    struct endpoint mapped; /* in the inner destination, if that is a Teredo address */
    struct in6_addr source;
    bool secret_source; /* the source was drawn at random: nobody can guess it */
    bool has_nonce;     /* a nonce trailer (RFC 6081) */
    uint32_t nonce;
    bool has_auth; /* an authentication header (RFC 4380 5.1.1) */
    uint8_t auth_nonce[TEREDO_NONCE_SIZE];
    bool has_echo;
    uint16_t echo_id, echo_sequence;
};

struct bubble_book {
    unsigned long count; /* of all packets ever added */
    struct bubble_sent sent[BUBBLE_BOOK_ROOM];
};

/* Fills all but number and when from a packet as teredo_decode gives it. */
void bubble_sent_describe(struct bubble_sent *s, struct endpoint to, const struct teredo_packet *p,
                          bool secret_source);

void bubble_book_add(struct bubble_book *b, const struct bubble_sent *s);

/* The strongest proof that PACKET (NULL: no Teredo packet), which came FROM somewhere, answers one
 * of the packets sent; *ANSWERED is the latest that it proves so for, the latest of all for
 * PROOF_NONE, and NULL if none was sent. PROOF_NONCE: it repeats the nonce of a trailer or of an
 * authentication header, or is the reply to an echo request. PROOF_LINK_LOCAL: it goes to an
 * address that was drawn at random. PROOF_ENDPOINT: it comes from where a packet went, or from the
 * endpoint in the inner destination. */
enum punch_proof bubble_book_find(const struct bubble_book *b, const struct teredo_packet *packet,
                                  struct endpoint from, const struct bubble_sent **answered);

#endif
