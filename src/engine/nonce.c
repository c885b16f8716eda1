#include "nonce.h"

#include <nettle/sha2.h>

#include "bytes.h"
#include "teredo_addr.h"

void nonce_take(struct nonce_source *s, void *out, size_t size)
{
    struct sha256_ctx ctx;
    uint64_t counter = s->counter++;

    sha256_init(&ctx);
    sha256_update(&ctx, sizeof s->key, s->key);
    sha256_update(&ctx, sizeof counter, (const uint8_t *)&counter);
    sha256_digest(&ctx, size, out);
}

struct in6_addr link_local_random(struct nonce_source *s)
{
    struct in6_addr a = {.s6_addr = {0xfe, 0x80}};

    do {
        nonce_take(s, &a.s6_addr[8], 8);
        /* Cone, universal and group bits 0, as in any Teredo identifier (RFC 5991). */
        a.s6_addr[8] &= 0x3c;
    } while (!ip6_is_unguessable_link_local(&a)); /* chance makes a guessable form, too */
    return a;
}

struct in6_addr link_local_repeating(struct nonce_source *s, uint32_t nonce)
{
    struct in6_addr a;

    do {
        a = link_local_random(s);
        if (nonce != 0)
            store_u32(&a.s6_addr[12], nonce);
    } while (!ip6_is_unguessable_link_local(&a));
    return a;
}

bool link_local_repeats(const struct in6_addr *address, uint32_t nonce)
{
    return nonce != 0 && ip6_is_unguessable_link_local(address) &&
           load_u32(&address->s6_addr[12]) == nonce;
}

nsec nonce_between(struct nonce_source *s, nsec low, nsec high)
{
    uint32_t r;

    nonce_take(s, &r, sizeof r);
    return low + (nsec)((double)(high - low) * (r * 0x1p-32));
}
