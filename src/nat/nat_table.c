#include "nat_table.h"

#include <stdlib.h>

static const struct endpoint nobody = {0};

static uint64_t hash(struct endpoint a, struct endpoint b)
{
    return hash_mix(hash_mix(0, (uint64_t)a.address << 16 | a.port),
                    (uint64_t)b.address << 16 | b.port);
}

static uint64_t hash_internal(const void *table, uint32_t number)
{
    const struct nat_mapping *m = &((const struct nat_table *)table)->mappings[number - 1];

    return hash(m->internal, m->remote);
}

static uint64_t hash_external(const void *table, uint32_t number)
{
    return hash(((const struct nat_table *)table)->mappings[number - 1].external, nobody);
}

static uint64_t hash_filter(const void *table, uint32_t number)
{
    const struct nat_filter *f = &((const struct nat_table *)table)->filters[number - 1];

    return hash(f->external, f->remote);
}

static bool index_init(struct hash_index *x, uint32_t entries)
{
    size_t slots = 32;

    while (slots < 2 * (size_t)entries)
        slots *= 2;
    return hash_index_init(x, slots);
}

bool nat_table_init(struct nat_table *t, uint32_t max_mappings, uint32_t max_filters)
{
    *t = (struct nat_table){.max_mappings = max_mappings, .max_filters = max_filters};
    t->mappings = calloc(max_mappings, sizeof *t->mappings);
    t->filters = calloc(max_filters, sizeof *t->filters);
    if (t->mappings == NULL || t->filters == NULL || !index_init(&t->by_internal, max_mappings) ||
        !index_init(&t->by_external, max_mappings) || !index_init(&t->by_filter, max_filters)) {
        nat_table_clear(t);
        return false;
    }
    return true;
}

void nat_table_clear(struct nat_table *t)
{
    hash_index_clear(&t->by_internal);
    hash_index_clear(&t->by_external);
    hash_index_clear(&t->by_filter);
    free(t->mappings);
    free(t->filters);
    *t = (struct nat_table){0};
}

struct nat_mapping *nat_table_mapping(const struct nat_table *t, struct endpoint internal,
                                      struct endpoint remote)
{
    const struct hash_index *x = &t->by_internal;

    for (size_t i = hash_first(x, hash(internal, remote)); x->slots[i] != 0; i = hash_next(x, i)) {
        struct nat_mapping *m = &t->mappings[x->slots[i] - 1];

        if (endpoint_equal(m->internal, internal) && endpoint_equal(m->remote, remote))
            return m;
    }
    return NULL;
}

struct nat_mapping *nat_table_mapping_outside(const struct nat_table *t, struct endpoint external)
{
    const struct hash_index *x = &t->by_external;

    for (size_t i = hash_first(x, hash(external, nobody)); x->slots[i] != 0; i = hash_next(x, i)) {
        struct nat_mapping *m = &t->mappings[x->slots[i] - 1];

        if (endpoint_equal(m->external, external))
            return m;
    }
    return NULL;
}

struct nat_filter *nat_table_filter(const struct nat_table *t, struct endpoint external,
                                    struct endpoint remote)
{
    const struct hash_index *x = &t->by_filter;

    for (size_t i = hash_first(x, hash(external, remote)); x->slots[i] != 0; i = hash_next(x, i)) {
        struct nat_filter *f = &t->filters[x->slots[i] - 1];

        if (endpoint_equal(f->external, external) && endpoint_equal(f->remote, remote))
            return f;
    }
    return NULL;
}

/* Takes NUMBER out of the index, in which it is. */
static void index_remove(struct nat_table *t, struct hash_index *x, hash_of_number *hash_of,
                         uint32_t number)
{
    size_t slot = hash_first(x, hash_of(t, number));

    while (x->slots[slot] != number)
        slot = hash_next(x, slot);
    hash_index_free(x, slot, hash_of, t);
}

struct nat_mapping *nat_table_add_mapping(struct nat_table *t, const struct nat_mapping *mapping)
{
    uint32_t number = t->free_mapping;
    struct nat_mapping *m;

    if (number != 0)
        t->free_mapping = t->mappings[number - 1].next_free;
    else if (t->used_mappings < t->max_mappings)
        number = ++t->used_mappings;
    else
        return NULL;
    m = &t->mappings[number - 1];
    *m = *mapping;
    m->live = true;
    hash_index_add(&t->by_internal, hash_internal(t, number), number);
    hash_index_add(&t->by_external, hash_external(t, number), number);
    t->live_mappings++;
    return m;
}

void nat_table_remove_mapping(struct nat_table *t, struct nat_mapping *m)
{
    uint32_t number = (uint32_t)(m - t->mappings) + 1;

    index_remove(t, &t->by_internal, hash_internal, number);
    index_remove(t, &t->by_external, hash_external, number);
    m->live = false;
    m->next_free = t->free_mapping;
    t->free_mapping = number;
    t->live_mappings--;
}

struct nat_filter *nat_table_add_filter(struct nat_table *t, struct endpoint external,
                                        struct endpoint remote, nsec now)
{
    uint32_t number = t->free_filter;

    if (number != 0)
        t->free_filter = t->filters[number - 1].next_free;
    else if (t->used_filters < t->max_filters)
        number = ++t->used_filters;
    else
        return NULL;
    t->filters[number - 1] =
        (struct nat_filter){.external = external, .remote = remote, .refreshed = now, .live = true};
    hash_index_add(&t->by_filter, hash(external, remote), number);
    t->live_filters++;
    return &t->filters[number - 1];
}

void nat_table_remove_filter(struct nat_table *t, struct nat_filter *f)
{
    uint32_t number = (uint32_t)(f - t->filters) + 1;

    index_remove(t, &t->by_filter, hash_filter, number);
    f->live = false;
    f->next_free = t->free_filter;
    t->free_filter = number;
    t->live_filters--;
}

void nat_table_sweep_mappings(struct nat_table *t, nsec before)
{
    for (uint32_t i = 0; i < t->used_mappings; i++)
        if (t->mappings[i].live && t->mappings[i].refreshed <= before)
            nat_table_remove_mapping(t, &t->mappings[i]);
}

void nat_table_sweep_filters(struct nat_table *t, nsec before)
{
    for (uint32_t i = 0; i < t->used_filters; i++)
        if (t->filters[i].live && t->filters[i].refreshed <= before)
            nat_table_remove_filter(t, &t->filters[i]);
}
