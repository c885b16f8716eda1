#include "nonce.h"

#include <nettle/sha2.h>

void nonce_take(struct nonce_source *s, void *out, size_t size)
{
    struct sha256_ctx ctx;
    uint64_t counter = s->counter++;

    sha256_init(&ctx);
    sha256_update(&ctx, sizeof s->key, s->key);
    sha256_update(&ctx, sizeof counter, (const uint8_t *)&counter);
    sha256_digest(&ctx, size, out);
}

nsec nonce_between(struct nonce_source *s, nsec low, nsec high)
{
    uint32_t r;

    nonce_take(s, &r, sizeof r);
    return low + (nsec)((double)(high - low) * (r * 0x1p-32));
}
