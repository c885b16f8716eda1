/* Router solicitations (RFC 4380 5.2.1), with secure qualification (5.2.2) where asked for. */
#ifndef ENGINE_RS_MAKE_H
#define ENGINE_RS_MAKE_H

#include "qualification.h"

/* Who signs them; client_id NULL = nobody. All borrowed. */
struct rs_identity {
    const char *client_id;
    const uint8_t *secret;
    size_t secret_size;
};

/* What an encoded solicitation borrows. */
struct rs_room {
    uint8_t body[8];
    uint8_t value[TEREDO_HMAC_SIZE];
};

/* Makes a solicitation from link-local SOURCE with NONCE; *P borrows from IDENTITY and ROOM. */
void rs_make(struct teredo_packet *p, const struct in6_addr *source,
             const uint8_t nonce[static TEREDO_NONCE_SIZE], const struct rs_identity *identity,
             struct rs_room *room);

#endif
