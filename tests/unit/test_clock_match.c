/* Clocks that captures are put together by: whatever the packets took on their way, the error that
 * is told is never smaller than the real one. */
#include <math.h>
#include <stdlib.h>

#include "clock_match.h"
#include "prng.h"
#include "tap.h"

enum {
    SAMPLES = 64,
    CASES = 4000
};

#define START (INT64_C(1700000000) * NSEC_S)

/* Two clocks of which OTHER runs as Y = X - offset - drift × (X - START) at the reference's X. */
struct clocks {
    nsec offset;
    double drift;
};

static nsec other_of(const struct clocks *c, nsec reference)
{
    return reference - c->offset - (nsec)(c->drift * (double)(reference - START));
}

static nsec about(struct prng *r, nsec most)
{
    return (nsec)(prng_unit(r) * (double)most);
}

/* A packet that is seen first at WHEN, and DELAY later by the other. */
static struct clock_sample sample(const struct clocks *c, nsec when, nsec delay,
                                  enum clock_order order)
{
    bool reference_first = order == CLOCK_REFERENCE_FIRST;

    return (struct clock_sample){.reference = reference_first ? when : when + delay,
                                 .other = other_of(c, reference_first ? when + delay : when),
                                 .order = order};
}

/* How wrong a corrected time is, at the reference's WHEN. */
static nsec wrong_by(const struct clocks *c, const struct clock_match *fit, nsec when)
{
    nsec difference = clock_correct(fit, other_of(c, when)) - when;

    return difference < 0 ? -difference : difference;
}

static void test_exact(void)
{
    struct clocks c = {.offset = 3723 * NSEC_S + 5};
    struct clock_sample s[] = {
        sample(&c, START, 10 * NSEC_MS, CLOCK_REFERENCE_FIRST),
        sample(&c, START + NSEC_S, 10 * NSEC_MS, CLOCK_OTHER_FIRST),
    };
    struct clock_match fit = clock_match(s, 2);

    is_int((int64_t)fit.packets, 2, "packets of both ways are counted");
    ok(fit.bounded, "and bound the offset");
    ok(wrong_by(&c, &fit, START) <= 1 * NSEC_US, "equal delays give the offset itself");
    ok(fit.error >= 10 * NSEC_MS && fit.error < 11 * NSEC_MS,
       "but what the delays are is not taken for known");
    ok(fit.drift == 0, "nothing is made up about drift");
}

static void test_one_way(void)
{
    struct clocks c = {.offset = -NSEC_S};
    struct clock_sample s[SAMPLES];
    struct clock_match fit;

    for (int i = 0; i < SAMPLES; i++)
        s[i] = sample(&c, START + i * NSEC_S, (1 + i) * NSEC_MS, CLOCK_OTHER_FIRST);
    fit = clock_match(s, SAMPLES);
    ok(!fit.bounded, "packets of one way give no bound");
    is_int(wrong_by(&c, &fit, START), NSEC_MS, "but the fastest of them gives an offset");
    for (int i = 0; i < SAMPLES; i++)
        s[i].order = CLOCK_ORDER_UNKNOWN;
    fit = clock_match(s, SAMPLES);
    ok(!fit.bounded && fit.packets == SAMPLES, "nor do packets of an unknown way");
    fit = clock_match(NULL, 0);
    ok(!fit.bounded && fit.packets == 0, "nor does nothing");
    is_int(clock_correct(&fit, START), START, "which leaves times as they are");
}

static void test_drift(void)
{
    struct clocks c = {.offset = 10 * NSEC_S, .drift = 80e-6};
    struct clock_sample s[SAMPLES];
    struct clock_match fit;

    for (int i = 0; i < SAMPLES; i++)
        s[i] = sample(&c, START + i * 60 * NSEC_S, NSEC_MS,
                      i % 2 == 0 ? CLOCK_OTHER_FIRST : CLOCK_REFERENCE_FIRST);
    fit = clock_match(s, SAMPLES);
    ok(fit.bounded && fabs(fit.drift - 80e-6) < 2e-6, "a drift over an hour is found");
    ok(wrong_by(&c, &fit, START + 3600 * NSEC_S) < 2 * NSEC_MS, "and corrected");
}

/* A clock that is set on the way: then no line goes between the bounds. */
static void test_step(void)
{
    struct clocks before = {.offset = 0}, after = {.offset = 5 * NSEC_S};
    struct clock_sample s[SAMPLES];
    struct clock_match fit;

    for (int i = 0; i < SAMPLES; i++)
        s[i] = sample(i < SAMPLES / 2 ? &before : &after, START + i * NSEC_S, NSEC_MS,
                      i % 2 == 0 ? CLOCK_OTHER_FIRST : CLOCK_REFERENCE_FIRST);
    fit = clock_match(s, SAMPLES);
    ok(!fit.bounded, "a clock that was set has no bound");
}

static void test_absurd(void)
{
    struct prng r = {7};
    bool sane = true;

    for (int n = 0; n < CASES; n++) {
        struct clock_sample s[4];
        struct clock_match fit;

        for (int i = 0; i < 4; i++)
            s[i] = (struct clock_sample){(nsec)(prng_next(&r) >> prng_below(&r, 63) >> 1),
                                         (nsec)(prng_next(&r) >> prng_below(&r, 63) >> 1),
                                         (enum clock_order)prng_below(&r, 3)};
        fit = clock_match(s, 4);
        for (int i = 0; i < 4; i++)
            sane = sane && clock_correct(&fit, s[i].other) >= 0;
        sane = sane && clock_correct(&fit, 0) >= 0 && clock_correct(&fit, NSEC_LATEST) >= 0;
    }
    ok(sane, "whatever times captures claim, those corrected are times");
}

/* One case: delays of any kind, packets at any times within SPAN. */
static bool holds(struct prng *r, nsec span, nsec delay, nsec jitter)
{
    struct clocks c = {.offset = about(r, 7200 * NSEC_S) - 3600 * NSEC_S,
                       .drift = (prng_unit(r) * 2 - 1) * 150e-6};
    nsec first = INT64_MAX, last = 0;
    size_t count = 2 + prng_below(r, SAMPLES - 1);
    struct clock_sample s[SAMPLES];
    struct clock_match fit;

    for (size_t i = 0; i < count; i++) {
        nsec when = START + about(r, span);
        enum clock_order order = i == 0   ? CLOCK_REFERENCE_FIRST
                                 : i == 1 ? CLOCK_OTHER_FIRST
                                          : (enum clock_order)prng_below(r, 2);

        /* One way is slower than the other. */
        s[i] = sample(&c, when, delay * (order == CLOCK_OTHER_FIRST ? 3 : 1) + about(r, jitter),
                      order);
        first = nsec_min(first, when);
        last = nsec_max(last, when);
    }
    fit = clock_match(s, count);
    for (int i = 0; i <= 16 && fit.bounded; i++)
        /* What is rounded off: doubles of hours. */
        if (wrong_by(&c, &fit, first + (last - first) / 16 * i) > fit.error + 2 * NSEC_US)
            return false;
    return fit.bounded;
}

static void test_bound(void)
{
    static const struct {
        const char *name;
        nsec span, delay, jitter;
    } kinds[] = {
        {"seconds", 5 * NSEC_S, 20 * NSEC_MS, 40 * NSEC_MS},
        {"minutes", 600 * NSEC_S, 20 * NSEC_MS, 200 * NSEC_MS},
        {"an hour, and a fast path", 3600 * NSEC_S, NSEC_MS, NSEC_MS},
        {"a day, and a fast path", 86400 * NSEC_S, NSEC_MS, NSEC_MS},
        {"a day", 86400 * NSEC_S, 20 * NSEC_MS, 40 * NSEC_MS},
    };
    struct prng r = {1};

    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        unsigned failed = 0;

        for (int i = 0; i < CASES; i++)
            failed += !holds(&r, kinds[k].span, kinds[k].delay, kinds[k].jitter);
        is_int(failed, 0, "over %s no time is wrong by more than is told", kinds[k].name);
    }
}

int main(void)
{
    test_exact();
    test_one_way();
    test_drift();
    test_step();
    test_absurd();
    test_bound();
    return done_testing();
}
