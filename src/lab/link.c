#include "link.h"

#include "prng.h"

/* How long a reordered packet is held back: past the jitter of its followers, and never nothing. */
static nsec hold(const struct link_config *c)
{
    return nsec_max(2 * c->jitter + c->delay / 4, NSEC_MS);
}

void link_init(struct link *link, const struct link_config *config, uint64_t seed,
               enum lab_host host, enum link_direction direction)
{
    struct prng p = {seed};

    *link = (struct link){.config = *config};
    /* The number of the link picks its place in the seed's sequence. */
    for (unsigned i = 0; i <= 2 * (unsigned)host + direction; i++)
        link->key = prng_next(&p);
}

static nsec draw_delay(const struct link_config *c, struct prng *p)
{
    double offset = (2 * prng_unit(p) - 1) * (double)c->jitter;

    return nsec_max(c->delay + (nsec)offset, 0);
}

struct link_fate link_fate(const struct link *link, uint64_t n)
{
    const struct link_config *c = &link->config;
    struct prng p = {link->key ^ n * UINT64_C(0xd1342543de82ef95)};
    struct link_fate f;

    /* Everything is drawn for every packet, so that one probability changed leaves the other draws
     * as they were. */
    f.lost = prng_unit(&p) < c->loss;
    f.duplicated = prng_unit(&p) < c->duplicate;
    f.reordered = prng_unit(&p) < c->reorder;
    f.delay = draw_delay(c, &p);
    f.copy_delay = draw_delay(c, &p);
    if (f.reordered)
        f.delay += hold(c);
    return f;
}

static nsec in_order(struct link *link, nsec due)
{
    link->last_due = nsec_max(link->last_due, due);
    return link->last_due;
}

struct link_fate link_enter(struct link *link, nsec now, nsec *due, nsec *copy_due)
{
    struct link_fate f = link_fate(link, link->count++);

    *due = now + f.delay;
    *copy_due = now + f.copy_delay;
    if (f.lost)
        return f;
    if (!f.reordered)
        *due = in_order(link, *due);
    if (f.duplicated)
        *copy_due = in_order(link, *copy_due);
    return f;
}
