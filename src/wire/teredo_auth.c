/* The authentication value of RFC 4380 5.2.2: HMAC-SHA1 keyed with the shared secret, over nonce,
 * confirmation byte, origin indication if present, and IPv6 packet, without padding. */
#include <nettle/hmac.h>
#include <nettle/memops.h>

#include "teredo.h"

void teredo_auth_value(const void *secret, size_t secret_size, const struct teredo_packet *p,
                       uint8_t out[static TEREDO_HMAC_SIZE])
{
    uint8_t head[TEREDO_ORIGIN_SIZE + IP6_HEADER_SIZE];
    struct writer w = writer_of(head, sizeof head);
    struct ip6_header ip6 = p->ip6;
    struct hmac_sha1_ctx hmac;

    ip6.payload_length = (uint16_t)p->payload_size;
    if (p->has_origin)
        teredo_put_origin(&w, p->origin);
    ip6_encode(&w, &ip6);

    hmac_sha1_set_key(&hmac, secret_size, secret);
    hmac_sha1_update(&hmac, sizeof p->auth.nonce, p->auth.nonce);
    hmac_sha1_update(&hmac, 1, &p->auth.confirmation);
    hmac_sha1_update(&hmac, w.size, head);
    hmac_sha1_update(&hmac, p->payload_size, p->payload);
    hmac_sha1_digest(&hmac, TEREDO_HMAC_SIZE, out);
}

bool teredo_auth_verify(const void *secret, size_t secret_size, const struct teredo_packet *p)
{
    uint8_t value[TEREDO_HMAC_SIZE];

    if (!p->has_auth || p->auth.value_size != sizeof value)
        return false;
    teredo_auth_value(secret, secret_size, p, value);
    return memeql_sec(value, p->auth.value, sizeof value) != 0;
}
