#include "nat_ports.h"

struct choice {
    uint32_t low, size; /* the range */
    uint32_t first;     /* offset in the range */
    uint32_t stride;
};

static uint32_t range_size(const struct nat_config *config)
{
    return (uint32_t)config->port_high - config->port_low + 1;
}

void nat_ports_init(struct nat_port_chooser *chooser, const struct nat_config *config)
{
    *chooser = (struct nat_port_chooser){.random = {.state = config->seed}};
    for (unsigned i = 0; i < NAT_POOL_MAX; i++)
        chooser->next[i] =
            (uint16_t)(config->port_low + prng_below(&chooser->random, range_size(config)));
}

static struct choice preserving(const struct nat_config *config, uint16_t internal)
{
    struct choice c = {.low = config->port_low, .size = range_size(config), .stride = 1};

    if (internal < 1024 && c.low == 1024) {
        c.low = 1;
        c.size = 1023;
    }
    if (internal >= c.low && internal - c.low < c.size)
        c.first = internal - c.low;
    return c;
}

static struct choice make_choice(struct nat_port_chooser *chooser, const struct nat_config *config,
                                 unsigned pool, uint16_t internal)
{
    struct choice c = {.low = config->port_low, .size = range_size(config), .stride = 1};

    switch (config->ports) {
    case NAT_PORTS_PRESERVING:
        return preserving(config, internal);
    case NAT_PORTS_SEQUENTIAL:
        c.first = (uint32_t)(chooser->next[pool] - config->port_low);
        c.stride = config->step;
        break;
    case NAT_PORTS_RANDOM:
        c.first = prng_below(&chooser->random, c.size);
        break;
    }
    return c;
}

/* A stride that shares a factor with the size misses ports, so that the caller tries stride 1 too.
 */
static bool walk(const struct choice *c, uint32_t stride, bool parity,
                 const struct nat_port_need *need, uint16_t *out)
{
    uint32_t offset = c->first;

    for (uint32_t i = 0; i < c->size; i++, offset = (offset + stride) % c->size) {
        uint16_t port = (uint16_t)(c->low + offset);

        if (parity && ((port ^ need->internal) & 1) != 0)
            continue;
        if (need->is_free(need->arg, port)) {
            *out = port;
            return true;
        }
    }
    return false;
}

/* One step on, round the end of the range. */
static uint16_t port_after(const struct nat_config *config, uint16_t port)
{
    uint32_t next = (uint32_t)port + config->step;

    while (next > config->port_high)
        next -= range_size(config);
    return (uint16_t)next;
}

bool nat_ports_choose(struct nat_port_chooser *chooser, const struct nat_config *config,
                      const struct nat_port_need *need, uint16_t *out)
{
    struct choice c = make_choice(chooser, config, need->pool, need->internal);

    for (int parity = config->parity; parity >= 0; parity--)
        if (walk(&c, c.stride, parity != 0, need, out) ||
            (c.stride > 1 && walk(&c, 1, parity != 0, need, out))) {
            chooser->next[need->pool] = port_after(config, *out);
            return true;
        }
    return false;
}
