#include "nat.h"

#include <stdlib.h>

#include "nat_ports.h"
#include "nat_table.h"

struct nat {
    struct nat_config config;
    struct nat_table table;
    struct nat_port_chooser ports;
    unsigned next_pool; /* the address of the pool whose turn it is */
};

struct nat *nat_new(const struct nat_config *config)
{
    struct nat *nat = calloc(1, sizeof *nat);

    if (nat == NULL)
        return NULL;
    nat->config = *config;
    if (nat->config.max_mappings == 0)
        nat->config.max_mappings = NAT_MAX_MAPPINGS;
    if (config->kind != NAT_KIND_NONE &&
        !nat_table_init(&nat->table, nat->config.max_mappings, 4 * nat->config.max_mappings)) {
        free(nat);
        return NULL;
    }
    nat_ports_init(&nat->ports, &nat->config);
    return nat;
}

void nat_free(struct nat *nat)
{
    if (nat == NULL)
        return;
    nat_table_clear(&nat->table);
    free(nat);
}

static bool expired(const struct nat *nat, nsec refreshed, nsec now)
{
    return now - refreshed >= nat->config.timeout;
}

static bool is_inside(const struct nat_config *c, uint32_t address)
{
    return c->internal_prefix == 0 ||
           (address ^ c->internal_network) >> (32 - c->internal_prefix) == 0;
}

static bool is_external(const struct nat_config *c, uint32_t address)
{
    for (unsigned i = 0; c->kind == NAT_KIND_TRANSLATOR && i < c->external_count; i++)
        if (c->external[i] == address)
            return true;
    return false;
}

/* REMOTE as far as a mapping or filter depends on it. */
static struct endpoint depends_on(enum nat_dependence dependence, struct endpoint remote)
{
    switch (dependence) {
    case NAT_ENDPOINT_INDEPENDENT:
        return (struct endpoint){0};
    case NAT_ADDRESS_DEPENDENT:
        return (struct endpoint){.address = remote.address};
    case NAT_ADDRESS_AND_PORT_DEPENDENT:
        break;
    }
    return remote;
}

static void drop(struct nat_result *result, enum nat_reason reason)
{
    result->verdict = NAT_DROP;
    result->reason = reason;
}

/* Paired pooling (REQ-2): the address that another live mapping of the same internal address has;
 * else, and always with arbitrary pooling, the next address in turn. */
static unsigned choose_pool(struct nat *nat, nsec now, uint32_t internal)
{
    const struct nat_config *c = &nat->config;
    const struct nat_table *t = &nat->table;
    unsigned turn;

    if (c->external_count < 2)
        return 0;
    for (uint32_t i = 0; !c->arbitrary_pooling && i < t->used_mappings; i++) {
        const struct nat_mapping *m = &t->mappings[i];

        if (!m->live || m->internal.address != internal || expired(nat, m->refreshed, now))
            continue;
        for (unsigned pool = 0; pool < c->external_count; pool++)
            if (c->external[pool] == m->external.address)
                return pool;
    }
    turn = nat->next_pool;
    nat->next_pool = (turn + 1) % c->external_count;
    return turn;
}

struct port_question {
    struct nat *nat;
    uint32_t address;
    nsec now;
};

static bool port_is_free(void *arg, uint16_t port)
{
    struct port_question *q = arg;
    struct endpoint external = {q->address, port};
    struct nat_mapping *m = nat_table_mapping_outside(&q->nat->table, external);

    if (m == NULL)
        return true;
    if (!expired(q->nat, m->refreshed, q->now))
        return false;
    nat_table_remove_mapping(&q->nat->table, m);
    return true;
}

/* Makes a mapping; NULL, with RESULT a drop, if there is no room. */
static struct nat_mapping *make_mapping(struct nat *nat, nsec now, struct endpoint internal,
                                        struct endpoint remote, struct nat_result *result)
{
    struct nat_config *c = &nat->config;
    struct nat_table *t = &nat->table;
    struct endpoint external = internal;
    struct nat_mapping *m;

    if (t->live_mappings == t->max_mappings)
        nat_table_sweep_mappings(t, now - c->timeout);
    if (t->live_mappings == t->max_mappings) {
        drop(result, NAT_TABLE_FULL);
        return NULL;
    }
    if (c->kind == NAT_KIND_TRANSLATOR) {
        unsigned pool = choose_pool(nat, now, internal.address);
        struct port_question q = {nat, c->external[pool], now};
        struct nat_port_need need = {pool, internal.port, port_is_free, &q};

        external.address = c->external[pool];
        if (!nat_ports_choose(&nat->ports, c, &need, &external.port)) {
            drop(result, NAT_NO_FREE_PORT);
            return NULL;
        }
    }
    m = nat_table_add_mapping(
        t, &(struct nat_mapping){
               .internal = internal, .remote = remote, .external = external, .refreshed = now});
    result->happened |= NAT_MAPPING_CREATED;
    return m;
}

/* The mapping that carries a packet INTERNAL -> TO out, refreshed or made. */
static struct nat_mapping *outbound_mapping(struct nat *nat, nsec now, struct endpoint internal,
                                            struct endpoint to, struct nat_result *result)
{
    enum nat_dependence dependence =
        nat->config.kind == NAT_KIND_TRANSLATOR ? nat->config.mapping : NAT_ENDPOINT_INDEPENDENT;
    struct endpoint remote = depends_on(dependence, to);
    struct nat_mapping *m = nat_table_mapping(&nat->table, internal, remote);

    if (m != NULL && expired(nat, m->refreshed, now)) {
        result->happened |= NAT_MAPPING_EXPIRED;
        result->expired = m->external;
        nat_table_remove_mapping(&nat->table, m);
        m = NULL;
    }
    if (m == NULL) {
        m = make_mapping(nat, now, internal, remote, result);
    } else {
        m->refreshed = now;
        result->happened |= NAT_MAPPING_REFRESHED;
    }
    if (m != NULL) {
        result->internal = m->internal;
        result->external = m->external;
    }
    return m;
}

static bool open_filter(struct nat *nat, nsec now, struct endpoint external, struct endpoint to,
                        struct nat_result *result)
{
    struct nat_table *t = &nat->table;
    struct endpoint remote = depends_on(nat->config.filtering, to);
    struct nat_filter *f;

    if (nat->config.filtering == NAT_ENDPOINT_INDEPENDENT)
        return true;
    result->filter = remote;
    f = nat_table_filter(t, external, remote);
    if (f != NULL && !expired(nat, f->refreshed, now)) {
        f->refreshed = now;
        result->happened |= NAT_FILTER_REFRESHED;
        return true;
    }
    if (f != NULL) {
        result->happened |= NAT_FILTER_EXPIRED;
        nat_table_remove_filter(t, f);
    }
    if (t->live_filters == t->max_filters)
        nat_table_sweep_filters(t, now - nat->config.timeout);
    if (nat_table_add_filter(t, external, remote, now) == NULL) {
        drop(result, NAT_TABLE_FULL);
        return false;
    }
    result->happened |= NAT_FILTER_OPENED;
    return true;
}

/* True when the filter of the mapping with this EXTERNAL endpoint lets FROM in; else RESULT says
 * why not. */
static bool passes_filter(struct nat *nat, nsec now, struct endpoint external, struct endpoint from,
                          struct nat_result *result)
{
    enum nat_dependence filtering = nat->config.filtering;
    struct endpoint remote = depends_on(filtering, from);
    struct nat_filter *f;

    if (filtering == NAT_ENDPOINT_INDEPENDENT)
        return true;
    f = nat_table_filter(&nat->table, external, remote);
    if (f != NULL && !expired(nat, f->refreshed, now)) {
        if (nat->config.inbound_refresh) {
            f->refreshed = now;
            result->happened |= NAT_FILTER_REFRESHED;
        }
        return true;
    }
    if (f != NULL)
        result->happened |= NAT_FILTER_EXPIRED;
    drop(result,
         filtering == NAT_ADDRESS_DEPENDENT ? NAT_FILTERED_ADDRESS : NAT_FILTERED_ADDRESS_PORT);
    return false;
}

/* Lets a packet FROM -> external endpoint TO in, or not; returns its mapping if it is let in. */
static struct nat_mapping *let_in(struct nat *nat, nsec now, struct endpoint from,
                                  struct endpoint to, struct nat_result *result)
{
    struct nat_mapping *m = nat_table_mapping_outside(&nat->table, to);

    if (m == NULL) {
        drop(result, NAT_NO_MAPPING);
        return NULL;
    }
    if (expired(nat, m->refreshed, now)) {
        result->happened |= NAT_MAPPING_EXPIRED;
        result->expired = m->external;
        drop(result, NAT_NO_MAPPING);
        return NULL;
    }
    if (!passes_filter(nat, now, m->external, from, result))
        return NULL;
    if (nat->config.inbound_refresh)
        m->refreshed = now;
    return m;
}

void nat_outbound(struct nat *nat, nsec now, struct endpoint from, struct endpoint to,
                  struct nat_result *result)
{
    const struct nat_config *c = &nat->config;
    const struct nat_mapping *m, *target;
    struct endpoint external;
    bool hairpin = is_external(c, to.address);

    *result = (struct nat_result){.verdict = NAT_OUT, .from = from, .to = to};
    if (c->kind == NAT_KIND_NONE)
        return;
    if (c->block_udp) {
        drop(result, NAT_UDP_BLOCKED);
        return;
    }
    if (!is_inside(c, from.address)) {
        drop(result, NAT_SOURCE_NOT_INSIDE);
        return;
    }
    if (hairpin && !c->hairpin) {
        drop(result, NAT_HAIRPIN_OFF);
        return;
    }
    m = outbound_mapping(nat, now, from, to, result);
    if (m == NULL || !open_filter(nat, now, m->external, to, result))
        return;
    external = m->external;
    result->from = external;
    if (hairpin) {
        target = let_in(nat, now, external, to, result);
        if (target == NULL)
            return;
        result->verdict = NAT_HAIRPIN;
        result->to = target->internal;
    }
}

void nat_inbound(struct nat *nat, nsec now, struct endpoint from, struct endpoint to,
                 struct nat_result *result)
{
    const struct nat_config *c = &nat->config;
    const struct nat_mapping *m;

    *result = (struct nat_result){.verdict = NAT_IN, .from = from, .to = to};
    if (c->kind == NAT_KIND_NONE)
        return;
    if (c->block_udp) {
        drop(result, NAT_UDP_BLOCKED);
        return;
    }
    result->filter = depends_on(c->filtering, from);
    m = let_in(nat, now, from, to, result);
    if (m == NULL)
        return;
    if (c->inbound_refresh)
        result->happened |= NAT_MAPPING_REFRESHED;
    result->internal = m->internal;
    result->external = m->external;
    result->to = m->internal;
}

bool nat_error_inbound(const struct nat *nat, nsec now, struct endpoint from, struct endpoint to,
                       struct endpoint *internal)
{
    const struct nat_mapping *m;

    if (nat->config.kind == NAT_KIND_NONE) {
        *internal = from;
        return true;
    }
    m = nat_table_mapping_outside(&nat->table, from);
    if (m == NULL || expired(nat, m->refreshed, now))
        return false;
    /* A mapping that depends on the destination carried packets to that destination only. */
    if ((m->remote.address != 0 && m->remote.address != to.address) ||
        (m->remote.port != 0 && m->remote.port != to.port))
        return false;
    *internal = m->internal;
    return true;
}

bool nat_error_outbound(const struct nat *nat, nsec now, struct endpoint from, struct endpoint to,
                        struct endpoint *external)
{
    enum nat_dependence dependence =
        nat->config.kind == NAT_KIND_TRANSLATOR ? nat->config.mapping : NAT_ENDPOINT_INDEPENDENT;
    const struct nat_mapping *m;

    if (nat->config.kind == NAT_KIND_NONE) {
        *external = to;
        return true;
    }
    m = nat_table_mapping(&nat->table, to, depends_on(dependence, from));
    if (m == NULL || expired(nat, m->refreshed, now))
        return false;
    *external = m->external;
    return true;
}

uint32_t nat_mapping_count(const struct nat *nat, nsec now)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < nat->table.used_mappings; i++)
        if (nat->table.mappings[i].live && !expired(nat, nat->table.mappings[i].refreshed, now))
            count++;
    return count;
}
