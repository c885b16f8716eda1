#include "rs_make.h"

#include <string.h>

void rs_make(struct teredo_packet *p, const struct in6_addr *source,
             const uint8_t nonce[static TEREDO_NONCE_SIZE], const struct rs_identity *identity,
             struct rs_room *room)
{
    teredo_make_rs(p, source, room->body);
    teredo_add_auth_nonce(p, nonce);
    if (identity->client_id == NULL)
        return;
    p->auth.client_id = (const uint8_t *)identity->client_id;
    p->auth.client_id_size = (uint8_t)strlen(identity->client_id);
    p->auth.value = room->value;
    p->auth.value_size = sizeof room->value;
    teredo_auth_value(identity->secret, identity->secret_size, p, room->value);
}
