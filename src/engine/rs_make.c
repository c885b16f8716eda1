#include "rs_make.h"

#include <errno.h>
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

bool refusal_is_final(struct icmp_error icmp)
{
    return icmp.type == 3 && icmp.code != 4;
}

enum qualify_reason refusal_of_icmp(struct icmp_error icmp, uint32_t destination)
{
    switch (icmp.code) {
    case 0:
        return QUALIFY_NET_UNREACHABLE;
    case 2:
    case 3:
        return icmp.reporter == destination ? QUALIFY_PORT_UNREACHABLE : QUALIFY_PROHIBITED;
    case 9:
    case 10:
    case 13:
        return QUALIFY_PROHIBITED;
    default:
        return QUALIFY_HOST_UNREACHABLE;
    }
}

enum qualify_reason refusal_of_errno(int errnum)
{
    return errnum == ENETUNREACH || errnum == EHOSTUNREACH || errnum == ENETDOWN
               ? QUALIFY_NO_ROUTE
               : QUALIFY_SEND_REFUSED;
}

bool send_failure_is_passing(int errnum)
{
    return errnum == ENOBUFS || errnum == EAGAIN || errnum == ENOMEM;
}
