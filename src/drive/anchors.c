#include "anchors.h"

#include <stdlib.h>

#include "clock_match.h"

struct anchor {
    uint64_t hash;
    nsec when;
    uint8_t ttl;
    bool from_inside, to_inside;
    bool forwarded; /* by a server */
};

struct anchors {
    uint64_t seed;
    uint64_t limit; /* hashes above it are not kept */
    size_t count;
    struct anchor list[2 * ANCHORS_KEPT];
};

struct anchors *anchors_new(uint64_t seed)
{
    struct anchors *a = malloc(sizeof *a);

    if (a == NULL)
        return NULL;
    a->seed = seed;
    a->limit = UINT64_MAX;
    a->count = 0;
    return a;
}

static uint64_t hash_of(uint64_t seed, const uint8_t *data, size_t size)
{
    uint64_t h = seed ^ size;

    for (size_t i = 0; i < size; i++) {
        h = (h ^ data[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    return h;
}

static int compare(const void *left, const void *right)
{
    const struct anchor *a = left, *b = right;

    return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static void thin_out(struct anchors *a)
{
    qsort(a->list, a->count, sizeof *a->list, compare);
    /* All of the same hash go or stay together: one of them alone would pass for the only one. */
    a->limit = a->list[ANCHORS_KEPT].hash - 1;
    while (a->count > 0 && a->list[a->count - 1].hash > a->limit)
        a->count--;
}

/* An indirect bubble on either side of the server: what comes out has an origin indication before
 * it, and is else the same. */
static bool is_indirect(const struct captured_packet *s, bool *forwarded)
{
    struct teredo_addr to;

    *forwarded = s->packet.has_origin;
    if (s->packet.kind != TEREDO_BUBBLE || !teredo_addr_decode(&s->packet.ip6.destination, &to))
        return false;
    return *forwarded ? s->udp.from.address == to.server : s->udp.to.address == to.server;
}

static void keep(struct anchors *a, const struct captured_packet *s, uint64_t hash, bool forwarded)
{
    if (hash > a->limit)
        return;
    a->list[a->count++] = (struct anchor){
        .hash = hash,
        .when = s->when,
        .ttl = s->udp.ip.ttl,
        .from_inside = ip4_is_inside(s->udp.from.address),
        .to_inside = ip4_is_inside(s->udp.to.address),
        .forwarded = forwarded,
    };
    if (a->count == 2 * (size_t)ANCHORS_KEPT)
        thin_out(a);
}

void anchors_add(struct anchors *a, const struct captured_packet *s)
{
    /* The same bubble goes to the peer and to its server; NATs leave a server's port alone. */
    uint64_t way =
        (s->udp.to.port == TEREDO_PORT ? 1 : 0) + (s->udp.from.port == TEREDO_PORT ? 2 : 0);
    bool forwarded;

    if (s->extent < TEREDO_KIND || s->udp.payload_size < s->size)
        return;
    keep(a, s, hash_of(a->seed + way, s->udp.payload, s->udp.payload_size), false);
    if (is_indirect(s, &forwarded))
        keep(a, s,
             hash_of(a->seed + 4, s->udp.payload + s->packet.ip6_offset,
                     s->udp.payload_size - s->packet.ip6_offset),
             forwarded);
}

void anchors_close(struct anchors *a)
{
    qsort(a->list, a->count, sizeof *a->list, compare);
}

/* The way of a packet: a server adds the origin indication; routers count its time to live down;
 * else a private source address is left behind at a NAT, and a private destination address found
 * there. */
static enum clock_order order_of(const struct anchor *reference, const struct anchor *other)
{
    if (reference->forwarded != other->forwarded)
        return other->forwarded ? CLOCK_REFERENCE_FIRST : CLOCK_OTHER_FIRST;
    if (reference->ttl != other->ttl)
        return reference->ttl > other->ttl ? CLOCK_REFERENCE_FIRST : CLOCK_OTHER_FIRST;
    if (reference->from_inside != other->from_inside)
        return reference->from_inside ? CLOCK_REFERENCE_FIRST : CLOCK_OTHER_FIRST;
    if (reference->to_inside != other->to_inside)
        return other->to_inside ? CLOCK_REFERENCE_FIRST : CLOCK_OTHER_FIRST;
    return CLOCK_ORDER_UNKNOWN;
}

/* True if no other packet of the capture has the same content. */
static bool is_single(const struct anchors *a, size_t i)
{
    return (i == 0 || a->list[i - 1].hash != a->list[i].hash) &&
           (i + 1 == a->count || a->list[i + 1].hash != a->list[i].hash);
}

struct clock_match anchors_fit(const struct anchors *reference,
                               const struct clock_match *reference_fit, const struct anchors *other)
{
    struct clock_match fit = {0};
    struct clock_sample *samples = calloc(2 * (size_t)ANCHORS_KEPT, sizeof *samples);
    size_t count = 0, i = 0, j = 0;

    if (samples == NULL)
        return fit;
    while (i < reference->count && j < other->count) {
        const struct anchor *a = &reference->list[i], *b = &other->list[j];

        if (a->hash == b->hash && is_single(reference, i) && is_single(other, j))
            samples[count++] = (struct clock_sample){clock_correct(reference_fit, a->when), b->when,
                                                     order_of(a, b)};
        if (a->hash <= b->hash)
            i++;
        if (a->hash >= b->hash)
            j++;
    }
    fit = clock_match(samples, count);
    free(samples);
    if (reference_fit->packets > 0) {
        fit.bounded = fit.bounded && reference_fit->bounded;
        fit.error += reference_fit->error;
    }
    return fit;
}

void anchors_free(struct anchors *a)
{
    free(a);
}
