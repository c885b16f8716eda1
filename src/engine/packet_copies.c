#include "packet_copies.h"

#include <stdlib.h>
#include <string.h>

#include "prng.h"

enum {
    SLOTS = 1024,
    /* What is looked at of a payload: encapsulations, the IPv6 header and that of what is in it,
     * with a checksum of the rest. */
    LOOKED_AT = 128,
    PAIR = 16, /* bytes of two words */
    HEADER_PAIRS = 2,
    PROTOCOL_TCP = 6,
};

/* Copies come within microseconds, through a busy mirror within milliseconds. No client repeats a
 * packet as soon as that. */
#define MOMENT (50 * NSEC_MS)

struct packet_copies {
    uint64_t secrets[2 * (HEADER_PAIRS + LOOKED_AT / PAIR)];
    struct slot {
        uint64_t hash;
        nsec when;
    } slots[SLOTS];
};

struct packet_copies *packet_copies_new(uint64_t seed)
{
    struct packet_copies *c = calloc(1, sizeof *c);
    struct prng prng = {seed};

    for (size_t i = 0; c != NULL && i < sizeof c->secrets / sizeof *c->secrets; i++)
        c->secrets[i] = prng_next(&prng);
    return c;
}

/* Two words into one, each with a secret. The products of a packet do not wait for each other. */
static uint64_t fold(const uint64_t *secrets, uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ secrets[0]) * (b ^ secrets[1]);

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t fold_bytes(const uint64_t *secrets, const uint8_t *p, size_t size)
{
    uint64_t words[2] = {0};

    memcpy(words, p, size);
    return fold(secrets, words[0], words[1]);
}

/* The UDP checksum does not count: of a packet that is sent, one copy may be from before the
 * network card has filled it in. */
static uint64_t hash_of(const struct packet_copies *c, const struct captured_packet *s)
{
    const struct udp_datagram *udp = &s->udp;
    size_t size = udp->payload_size < LOOKED_AT ? udp->payload_size : LOOKED_AT, i = 0;
    const uint64_t *secrets = c->secrets;
    uint64_t hash;

    hash = fold(secrets, (uint64_t)udp->from.address << 32 | udp->to.address,
                (uint64_t)udp->from.port << 48 | (uint64_t)udp->to.port << 32 |
                    (uint32_t)udp->ip.id << 16 | udp->length);
    hash += fold(secrets + 2, udp->ip.ttl, udp->payload_size);
    for (secrets += 4; i + PAIR <= size; i += PAIR, secrets += 2)
        hash += fold_bytes(secrets, udp->payload + i, PAIR);
    return size > i ? hash + fold_bytes(secrets, udp->payload + i, size - i) : hash;
}

/* Hosts that leave the identification out say nothing by it, and TCP may send an equal segment
 * right after another. */
static bool cannot_tell(const struct captured_packet *s)
{
    return s->udp.ip.id == 0 && s->extent >= TEREDO_KIND && s->packet.kind == TEREDO_DATA &&
           s->packet.ip6.next_header == PROTOCOL_TCP;
}

bool packet_copies_add(struct packet_copies *c, const struct captured_packet *s, nsec when)
{
    uint64_t hash;
    struct slot *slot;

    if (cannot_tell(s))
        return false;
    hash = hash_of(c, s);
    slot = &c->slots[hash >> 32 & (SLOTS - 1)];
    if (slot->hash == hash && when - slot->when <= MOMENT)
        return true;
    slot->hash = hash;
    slot->when = when;
    return false;
}

void packet_copies_forget(struct packet_copies *c)
{
    memset(c->slots, 0, sizeof c->slots);
}

void packet_copies_free(struct packet_copies *c)
{
    free(c);
}
