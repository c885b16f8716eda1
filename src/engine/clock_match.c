#include "clock_match.h"

#include <stdlib.h>

#include "hash.h"

enum {
    SEARCH_STEPS = 60, /* each narrows the drift by a third or a half */
    PACKETS_KEPT = 8192,
};

/* A century, in nanoseconds. */
#define ABSURD 3.2e18

/* The samples, as doubles from a common origin, so that nanoseconds are kept. */
struct problem {
    const struct clock_sample *samples;
    size_t count;
    nsec at, base; /* of the other clock, and of the difference */
};

/* Times are whatever a capture file says: where they are absurd the difference wraps around. */
static nsec difference(nsec a, nsec b)
{
    return (nsec)((uint64_t)a - (uint64_t)b);
}

/* The same of a sum: an offset that no clock has does not correct anything. */
static nsec plus(nsec base, double more)
{
    nsec sum;

    if (more > ABSURD || more < -ABSURD || __builtin_add_overflow(base, (nsec)more, &sum))
        return 0;
    return sum;
}

static double excess(const struct problem *p, const struct clock_sample *s)
{
    return (double)difference(difference(s->reference, s->other), p->base);
}

/* What the offset must be at the time X after the origin, if the clocks drift apart by D: the
 * highest of the lower bounds, or the lowest of the upper ones. */
static double bound(const struct problem *p, enum clock_order order, double d, double x)
{
    double best = 0;
    bool any = false;

    for (size_t i = 0; i < p->count; i++) {
        const struct clock_sample *s = &p->samples[i];
        double y;

        if (s->order != order)
            continue;
        y = excess(p, s) - d * ((double)difference(s->other, p->at) - x);
        if (!any || (order == CLOCK_REFERENCE_FIRST ? y > best : y < best))
            best = y;
        any = true;
    }
    return best;
}

/* How much room the drift D leaves between the bounds: a concave function of D. */
static double room(const struct problem *p, double d)
{
    return bound(p, CLOCK_OTHER_FIRST, d, 0) - bound(p, CLOCK_REFERENCE_FIRST, d, 0);
}

/* The drift that leaves the most room, or rather the smallest that leaves nearly as much: where
 * the packets say little on it, none is the best guess. */
static double find_drift(const struct problem *p)
{
    double low = -CLOCK_MAX_DRIFT, high = CLOCK_MAX_DRIFT, best, near = 0, far;

    for (int i = 0; i < SEARCH_STEPS; i++) {
        double a = low + (high - low) / 3, b = high - (high - low) / 3;

        if (room(p, a) < room(p, b))
            low = a;
        else
            high = b;
    }
    far = (low + high) / 2;
    best = room(p, far);
    if (room(p, 0) >= best * 0.9)
        return 0;
    for (int i = 0; i < SEARCH_STEPS; i++) {
        double middle = (near + far) / 2;

        if (room(p, middle) >= best * 0.9)
            far = middle;
        else
            near = middle;
    }
    return far;
}

/* The drift furthest from FIT's in the direction of FAR that the bounds allow. */
static double extreme_drift(const struct problem *p, double fit, double far)
{
    double near = fit;

    if (room(p, far) >= 0)
        return far;
    for (int i = 0; i < SEARCH_STEPS; i++) {
        double middle = (near + far) / 2;

        if (room(p, middle) >= 0)
            near = middle;
        else
            far = middle;
    }
    return far;
}

/* How far the upper bound at X lies above ESTIMATE, or the lower one below it, with drift D: a
 * concave function of D. */
static double distance(const struct problem *p, enum clock_order order, double estimate, double d,
                       double x)
{
    double y = bound(p, order, d, x) - estimate;

    return order == CLOCK_OTHER_FIRST ? y : -y;
}

/* The drifts that the bounds allow. */
struct drifts {
    double low, high;
};

static double longest_distance(const struct problem *p, enum clock_order order, double estimate,
                               struct drifts drifts, double x)
{
    double low = drifts.low, high = drifts.high;

    for (int i = 0; i < SEARCH_STEPS; i++) {
        double a = low + (high - low) / 3, b = high - (high - low) / 3;

        if (distance(p, order, estimate, a, x) < distance(p, order, estimate, b, x))
            low = a;
        else
            high = b;
    }
    return distance(p, order, estimate, (low + high) / 2, x);
}

/* How far the true offset at X can lie from the estimate, whatever drift the bounds allow. */
static double error_at(const struct problem *p, const struct clock_match *fit, struct drifts drifts,
                       double x)
{
    double estimate = (double)difference(fit->offset, p->base) + fit->drift * x;
    double up = longest_distance(p, CLOCK_OTHER_FIRST, estimate, drifts, x);
    double down = longest_distance(p, CLOCK_REFERENCE_FIRST, estimate, drifts, x);

    return up > down ? up : down;
}

static void fit_both(const struct problem *p, struct clock_match *fit)
{
    nsec last = p->at;
    struct drifts drifts;
    double error;

    fit->drift = find_drift(p);
    fit->offset = plus(p->base, (bound(p, CLOCK_OTHER_FIRST, fit->drift, 0) +
                                 bound(p, CLOCK_REFERENCE_FIRST, fit->drift, 0)) /
                                    2);
    /* Packets that arrive before they were sent: a clock was set on the way. */
    if (room(p, fit->drift) < 0)
        return;
    for (size_t i = 0; i < p->count; i++)
        last = nsec_max(last, p->samples[i].other);
    drifts.low = extreme_drift(p, fit->drift, -CLOCK_MAX_DRIFT);
    drifts.high = extreme_drift(p, fit->drift, CLOCK_MAX_DRIFT);
    error = error_at(p, fit, drifts, 0);
    if (last != p->at) {
        double late = error_at(p, fit, drifts, (double)difference(last, p->at));

        error = late > error ? late : error;
    }
    if (error > ABSURD / PASSIVE_VANTAGES)
        return;
    fit->error = (nsec)error + 1;
    fit->bounded = true;
}

/* Of packets whose order is not known, the difference in the middle. */
static double middle_difference(const struct problem *p)
{
    double low = 0, high = 0;
    bool any = false;

    for (size_t i = 0; i < p->count; i++) {
        double y = excess(p, &p->samples[i]);

        low = !any || y < low ? y : low;
        high = !any || y > high ? y : high;
        any = true;
    }
    return (low + high) / 2;
}

struct clock_match clock_match(const struct clock_sample *samples, size_t count)
{
    struct clock_match fit = {.packets = count};
    struct problem p = {samples, count, 0, 0};
    size_t orders[CLOCK_ORDER_UNKNOWN + 1] = {0};

    if (count == 0)
        return fit;
    p.at = samples[0].other;
    p.base = difference(samples[0].reference, samples[0].other);
    for (size_t i = 0; i < count; i++) {
        orders[samples[i].order]++;
        p.at = nsec_min(p.at, samples[i].other);
    }
    fit.at = p.at;
    if (orders[CLOCK_REFERENCE_FIRST] > 0 && orders[CLOCK_OTHER_FIRST] > 0)
        fit_both(&p, &fit);
    else if (orders[CLOCK_REFERENCE_FIRST] > 0)
        fit.offset = plus(p.base, bound(&p, CLOCK_REFERENCE_FIRST, 0, 0));
    else if (orders[CLOCK_OTHER_FIRST] > 0)
        fit.offset = plus(p.base, bound(&p, CLOCK_OTHER_FIRST, 0, 0));
    else
        fit.offset = plus(p.base, middle_difference(&p));
    return fit;
}

nsec clock_correct(const struct clock_match *fit, nsec when)
{
    nsec corrected;
    double since;

    if (fit->packets == 0)
        return when;
    since = (double)difference(when, fit->at);
    if (__builtin_add_overflow(when, fit->offset, &corrected) ||
        __builtin_add_overflow(corrected, (nsec)(fit->drift * since), &corrected))
        return when;
    return nsec_min(nsec_max(corrected, 0), NSEC_LATEST);
}

/* The packets by which two captures are put side by side. */

struct clock_packet {
    uint64_t hash;
    nsec when;
    uint8_t ttl;
    bool from_inside, to_inside;
    bool forwarded; /* by a server */
};

struct clock_packets {
    uint64_t seed;
    uint64_t limit; /* hashes above it are not kept */
    size_t count;
    struct clock_packet list[2 * PACKETS_KEPT];
};

struct clock_packets *clock_packets_new(uint64_t seed)
{
    struct clock_packets *a = malloc(sizeof *a);

    if (a == NULL)
        return NULL;
    a->seed = seed;
    a->limit = UINT64_MAX;
    a->count = 0;
    return a;
}

static int compare(const void *left, const void *right)
{
    const struct clock_packet *a = left, *b = right;

    return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static void thin_out(struct clock_packets *a)
{
    qsort(a->list, a->count, sizeof *a->list, compare);
    /* All of the same hash go or stay together: one of them alone would pass for the only one. */
    a->limit = a->list[PACKETS_KEPT].hash - 1;
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

static void keep(struct clock_packets *a, const struct captured_packet *s, uint64_t hash,
                 bool forwarded)
{
    if (hash > a->limit)
        return;
    a->list[a->count++] = (struct clock_packet){
        .hash = hash,
        .when = s->steady,
        .ttl = s->udp.ip.ttl,
        .from_inside = ip4_is_inside(s->udp.from.address),
        .to_inside = ip4_is_inside(s->udp.to.address),
        .forwarded = forwarded,
    };
    if (a->count == 2 * (size_t)PACKETS_KEPT)
        thin_out(a);
}

void clock_packets_add(struct clock_packets *a, const struct captured_packet *s)
{
    /* The same bubble goes to the peer and to its server; NATs leave a server's port alone. */
    uint64_t way =
        (s->udp.to.port == TEREDO_PORT ? 1 : 0) + (s->udp.from.port == TEREDO_PORT ? 2 : 0);
    bool forwarded;

    if (s->copy || s->extent < TEREDO_KIND || s->udp.payload_size < s->size)
        return;
    keep(a, s, hash_bytes(a->seed + way, s->udp.payload, s->udp.payload_size), false);
    if (is_indirect(s, &forwarded))
        keep(a, s,
             hash_bytes(a->seed + 4, s->udp.payload + s->packet.ip6_offset,
                        s->udp.payload_size - s->packet.ip6_offset),
             forwarded);
}

void clock_packets_close(struct clock_packets *a)
{
    qsort(a->list, a->count, sizeof *a->list, compare);
}

/* The way of a packet: a server adds the origin indication; routers count its time to live down;
 * else a private source address is left behind at a NAT, and a private destination address found
 * there. */
static enum clock_order order_of(const struct clock_packet *reference,
                                 const struct clock_packet *other)
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
static bool is_single(const struct clock_packets *a, size_t i)
{
    return (i == 0 || a->list[i - 1].hash != a->list[i].hash) &&
           (i + 1 == a->count || a->list[i + 1].hash != a->list[i].hash);
}

struct clock_match clock_packets_match(const struct clock_packets *reference,
                                       const struct clock_match *reference_fit,
                                       const struct clock_packets *other)
{
    struct clock_match fit = {0};
    struct clock_sample *samples = calloc(2 * (size_t)PACKETS_KEPT, sizeof *samples);
    size_t count = 0, i = 0, j = 0;

    if (samples == NULL)
        return fit;
    while (i < reference->count && j < other->count) {
        const struct clock_packet *a = &reference->list[i], *b = &other->list[j];

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

void clock_packets_free(struct clock_packets *a)
{
    free(a);
}
