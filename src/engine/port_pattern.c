#include "port_pattern.h"

#include <stdlib.h>

enum {
    MAX_STEP = 1024, /* per mapping; a larger one is told as random */
    MIN_FIRSTS = 3,
    MIN_VOTES = 3,
    MIN_JUMPS = 3,
};

static int by_order(const void *a, const void *b)
{
    const struct port_point *x = a, *y = b;

    return (x->order > y->order) - (x->order < y->order);
}

static bool preserves(const struct port_point *points, unsigned count)
{
    unsigned firsts = 0, kept = 0;

    for (unsigned i = 0; i < count; i++) {
        if (!points[i].first)
            continue;
        firsts++;
        kept += points[i].mapped.port == points[i].local;
    }
    return firsts >= MIN_FIRSTS && kept >= 2 && 2 * kept >= firsts;
}

/* The step per mapping from point I to the next, or 0 if it is none. */
static int step_after(const struct port_point *p, unsigned i)
{
    int gap = (int)(p[i + 1].order - p[i].order);
    int distance = (int)p[i + 1].mapped.port - (int)p[i].mapped.port;

    if (gap == 0 || distance % gap != 0 || abs(distance / gap) > MAX_STEP)
        return 0;
    return distance / gap;
}

static bool is_jump(const struct port_point *p, unsigned i)
{
    int gap = (int)(p[i + 1].order - p[i].order);
    int distance = abs((int)p[i + 1].mapped.port - (int)p[i].mapped.port);

    return distance > 2 * MAX_STEP * gap;
}

static bool is_sequential(const struct port_point *p, unsigned count, int *step)
{
    for (unsigned i = 0; i + 1 < count; i++) {
        int candidate = step_after(p, i);
        unsigned votes = 0;

        for (unsigned k = 0; candidate != 0 && k + 1 < count; k++)
            votes += step_after(p, k) == candidate;
        if (votes >= MIN_VOTES && 3 * votes >= 2 * (count - 1)) {
            *step = candidate;
            return true;
        }
    }
    return false;
}

enum port_allocation port_pattern(struct port_point *points, unsigned count, int *step)
{
    unsigned jumps = 0;

    *step = 0;
    qsort(points, count, sizeof *points, by_order);
    if (preserves(points, count))
        return PORTS_PRESERVING;
    /* Each address of a pool has a sequence of its own, and which mapping belongs to which is not
     * known for those that nobody answered. */
    if (pooling_pattern(points, count) != POOLING_ONE_ADDRESS)
        return PORTS_UNKNOWN;
    if (is_sequential(points, count, step))
        return PORTS_SEQUENTIAL;
    for (unsigned i = 0; i + 1 < count; i++)
        jumps += is_jump(points, i);
    return jumps >= MIN_JUMPS && 2 * jumps >= count - 1 ? PORTS_RANDOM : PORTS_UNKNOWN;
}

enum address_pooling pooling_pattern(const struct port_point *points, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        if (points[i].mapped.address != points[0].mapped.address)
            return POOLING_ARBITRARY;
    return count >= MIN_FIRSTS ? POOLING_ONE_ADDRESS : POOLING_UNKNOWN;
}
