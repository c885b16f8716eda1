/* Patterns of port allocation (RFC 4787 4.2.1), and what is none. */
#include "port_pattern.h"
#include "prng.h"
#include "tap.h"

#define OUTSIDE 0xcb00710a

enum {
    MAX = 12
};

static struct port_point point(uint16_t local, uint16_t mapped, unsigned order, bool first)
{
    return (struct port_point){local, {OUTSIDE, mapped}, order, first};
}

static enum port_allocation pattern(const uint16_t *mapped, const unsigned *order, unsigned count,
                                    int *step)
{
    struct port_point points[MAX];

    for (unsigned i = 0; i < count; i++)
        points[i] = point((uint16_t)(40000 + 7 * i), mapped[i], order[i], true);
    return port_pattern(points, count, step);
}

#define PATTERN(step, ...)                          \
    pattern((const uint16_t[]){__VA_ARGS__}, every, \
            sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t), step)

static const unsigned every[MAX] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const unsigned gaps[MAX] = {0, 1, 3, 4, 8, 9, 10, 12};

static void test_preserving(void)
{
    struct port_point p[MAX];
    int step;

    for (unsigned i = 0; i < 5; i++)
        p[i] = point((uint16_t)(5000 + i), (uint16_t)(5000 + i), i, true);
    is_int(port_pattern(p, 5, &step), PORTS_PRESERVING, "the external port is the local one");
    p[1].mapped.port = p[3].mapped.port = 6000;
    is_int(port_pattern(p, 5, &step), PORTS_PRESERVING,
           "even if some were taken by other hosts already");
    p[0].mapped.port = 7000;
    is_int(port_pattern(p, 5, &step), PORTS_UNKNOWN, "but not if most were");
    for (unsigned i = 0; i < 6; i++)
        p[i] = point((uint16_t)(5000 + 100 * (i / 2)), (uint16_t)(5000 + 100 * (i / 2) + i % 2), i,
                     i % 2 == 0);
    is_int(port_pattern(p, 6, &step), PORTS_PRESERVING,
           "a second mapping of the same port, to another destination, cannot keep it");
    is_int(port_pattern(p, 2, &step), PORTS_UNKNOWN, "one port says nothing");
}

static void test_sequential(void)
{
    int step;

    is_int(PATTERN(&step, 1024, 1025, 1026, 1027), PORTS_SEQUENTIAL, "each takes the next port");
    is_int(step, 1, "the step is 1");
    is_int(PATTERN(&step, 1024, 1028, 1032, 1036, 1040), PORTS_SEQUENTIAL, "or the fourth next");
    is_int(step, 4, "the step is 4");
    is_int(PATTERN(&step, 9000, 8998, 8996, 8994), PORTS_SEQUENTIAL, "or downwards");
    is_int(step, -2, "the step is -2");
    is_int(pattern((const uint16_t[]){100, 102, 106, 108, 116, 118}, gaps, 6, &step),
           PORTS_SEQUENTIAL, "mappings of which no answer came are counted");
    is_int(step, 2, "so the step is per mapping");
    is_int(PATTERN(&step, 2000, 2001, 2002, 2010, 2011, 2012, 2013), PORTS_SEQUENTIAL,
           "another host's mappings in between do not matter");
    is_int(step, 1, "the step is still 1");
    is_int(PATTERN(&step, 65533, 65534, 65535, 1024, 1025, 1026), PORTS_SEQUENTIAL,
           "nor does the end of the range");
    is_int(PATTERN(&step, 2000, 2001, 2002), PORTS_UNKNOWN, "three ports are too few");
    is_int(PATTERN(&step, 2000, 2001, 2002, 2003, 2010, 2012, 2019), PORTS_UNKNOWN,
           "three steps of six that agree are too few");
    is_int(PATTERN(&step, 2000, 2001, 2002, 2003, 2004, 2010, 2019), PORTS_SEQUENTIAL,
           "four of six are enough");
    is_int(PATTERN(&step, 2000, 3024, 4048, 5072), PORTS_SEQUENTIAL, "a step may be of 1024");
    is_int(PATTERN(&step, 2000, 3025, 4050, 5075), PORTS_UNKNOWN, "but not of more");
    is_int(PATTERN(&step, 2000, 2003, 2004, 2010, 2011, 2019), PORTS_UNKNOWN,
           "small steps of all sizes are no pattern, nor are they random");
}

/* Points in any order, and from several addresses. */
static void test_order_and_pools(void)
{
    struct port_point p[MAX];
    int step;

    for (unsigned i = 0; i < 6; i++)
        p[i] = point(9, (uint16_t)(3000 + (5 - i)), 5 - i, true);
    is_int(port_pattern(p, 6, &step), PORTS_SEQUENTIAL, "the points may come in any order");
    is_int(p[0].order, 0, "and are sorted");
    is_int(pooling_pattern(p, 6), POOLING_ONE_ADDRESS, "one address");
    p[2].mapped.address++;
    is_int(pooling_pattern(p, 6), POOLING_ARBITRARY, "several addresses");
    is_int(port_pattern(p, 6, &step), PORTS_UNKNOWN,
           "each address of a pool has a sequence of its own: none is told");
    is_int(pooling_pattern(p, 2), POOLING_UNKNOWN, "two ports say nothing of a pool");
    is_int(pooling_pattern(p, 0), POOLING_UNKNOWN, "nor does none");
    is_int(port_pattern(p, 0, &step), PORTS_UNKNOWN, "no point, no pattern");
}

static void test_jumps(void)
{
    int step;

    is_int(PATTERN(&step, 2000, 60000, 9000, 30000), PORTS_RANDOM, "three jumps are random");
    is_int(PATTERN(&step, 2000, 60000, 9000), PORTS_UNKNOWN, "two are too few");
    is_int(PATTERN(&step, 2000, 60000, 9000, 30000, 30005, 30007, 30020), PORTS_RANDOM,
           "if they are half of all steps");
    is_int(PATTERN(&step, 2000, 60000, 9000, 30000, 30005, 30007, 30020, 30021), PORTS_UNKNOWN,
           "and not if they are fewer");
    is_int(PATTERN(&step, 2000, 4049, 9000, 60000), PORTS_RANDOM, "a jump is more than 2048 ports");
    is_int(PATTERN(&step, 2000, 4048, 9000, 60000), PORTS_UNKNOWN, "2048 are none");
}

static void test_random(void)
{
    struct prng r = {7};
    unsigned random = 0, wrong = 0;

    for (int run = 0; run < 10000; run++) {
        struct port_point p[9];
        int step;
        enum port_allocation found;

        for (unsigned i = 0; i < 9; i++)
            p[i] = point((uint16_t)(40000 + 97 * i), (uint16_t)(1024 + prng_below(&r, 64512)),
                         2 * i, true);
        found = port_pattern(p, 9, &step);
        random += found == PORTS_RANDOM;
        wrong += found == PORTS_PRESERVING || found == PORTS_SEQUENTIAL;
    }
    is_int(wrong, 0, "of 10,000 random NATs none is taken for another");
    ok(random > 9950, "and nearly all are told (%u)", random);
}

int main(void)
{
    test_preserving();
    test_sequential();
    test_order_and_pools();
    test_jumps();
    test_random();
    return done_testing();
}
