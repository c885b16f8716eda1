#include "clock_match.h"

enum {
    SEARCH_STEPS = 60 /* each narrows the drift by a third or a half */
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
