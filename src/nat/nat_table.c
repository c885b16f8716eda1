#include "nat_table.h"

#include <stdlib.h>

static uint32_t hash(struct endpoint a, struct endpoint b)
{
    uint64_t h = ((uint64_t)a.address << 16 | a.port) * UINT64_C(0x9e3779b97f4a7c15);

    h ^= h >> 32;
    h += (uint64_t)b.address << 16 | b.port;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(h >> 32);
}

static const struct endpoint nobody = {0};

static int index_init(struct nat_index *x, uint32_t slots)
{
    uint32_t heads = 16;

    while (heads < slots)
        heads *= 2;
    x->mask = heads - 1;
    x->heads = calloc(heads, sizeof *x->heads);
    x->next = calloc(slots, sizeof *x->next);
    return x->heads == NULL || x->next == NULL ? -1 : 0;
}

static void index_clear(struct nat_index *x)
{
    free(x->heads);
    free(x->next);
}

static void index_insert(struct nat_index *x, uint32_t h, uint32_t slot)
{
    x->next[slot] = x->heads[h & x->mask];
    x->heads[h & x->mask] = slot + 1;
}

static void index_remove(struct nat_index *x, uint32_t h, uint32_t slot)
{
    uint32_t *p = &x->heads[h & x->mask];

    while (*p != slot + 1)
        p = &x->next[*p - 1];
    *p = x->next[slot];
}

int nat_table_init(struct nat_table *t, uint32_t max_mappings, uint32_t max_filters)
{
    *t = (struct nat_table){.max_mappings = max_mappings, .max_filters = max_filters};
    t->mappings = calloc(max_mappings, sizeof *t->mappings);
    t->filters = calloc(max_filters, sizeof *t->filters);
    if (t->mappings == NULL || t->filters == NULL || index_init(&t->by_internal, max_mappings) ||
        index_init(&t->by_external, max_mappings) || index_init(&t->by_filter, max_filters)) {
        nat_table_clear(t);
        return -1;
    }
    return 0;
}

void nat_table_clear(struct nat_table *t)
{
    index_clear(&t->by_internal);
    index_clear(&t->by_external);
    index_clear(&t->by_filter);
    free(t->mappings);
    free(t->filters);
    *t = (struct nat_table){0};
}

struct nat_mapping *nat_table_mapping(const struct nat_table *t, struct endpoint internal,
                                      struct endpoint remote)
{
    const struct nat_index *x = &t->by_internal;

    for (uint32_t i = x->heads[hash(internal, remote) & x->mask]; i != 0; i = x->next[i - 1]) {
        struct nat_mapping *m = &t->mappings[i - 1];

        if (endpoint_equal(m->internal, internal) && endpoint_equal(m->remote, remote))
            return m;
    }
    return NULL;
}

struct nat_mapping *nat_table_mapping_outside(const struct nat_table *t, struct endpoint external)
{
    const struct nat_index *x = &t->by_external;

    for (uint32_t i = x->heads[hash(external, nobody) & x->mask]; i != 0; i = x->next[i - 1])
        if (endpoint_equal(t->mappings[i - 1].external, external))
            return &t->mappings[i - 1];
    return NULL;
}

struct nat_filter *nat_table_filter(const struct nat_table *t, struct endpoint external,
                                    struct endpoint remote)
{
    const struct nat_index *x = &t->by_filter;

    for (uint32_t i = x->heads[hash(external, remote) & x->mask]; i != 0; i = x->next[i - 1]) {
        struct nat_filter *f = &t->filters[i - 1];

        if (endpoint_equal(f->external, external) && endpoint_equal(f->remote, remote))
            return f;
    }
    return NULL;
}

struct nat_mapping *nat_table_add_mapping(struct nat_table *t, struct endpoint internal,
                                          struct endpoint remote, struct endpoint external,
                                          nsec now)
{
    uint32_t slot;

    if (t->free_mapping != 0) {
        slot = t->free_mapping - 1;
        t->free_mapping = t->by_internal.next[slot];
    } else if (t->used_mappings < t->max_mappings) {
        slot = t->used_mappings++;
    } else {
        return NULL;
    }
    t->mappings[slot] = (struct nat_mapping){.internal = internal,
                                             .remote = remote,
                                             .external = external,
                                             .refreshed = now,
                                             .live = true};
    index_insert(&t->by_internal, hash(internal, remote), slot);
    index_insert(&t->by_external, hash(external, nobody), slot);
    t->live_mappings++;
    return &t->mappings[slot];
}

void nat_table_remove_mapping(struct nat_table *t, struct nat_mapping *m)
{
    uint32_t slot = (uint32_t)(m - t->mappings);

    index_remove(&t->by_internal, hash(m->internal, m->remote), slot);
    index_remove(&t->by_external, hash(m->external, nobody), slot);
    m->live = false;
    /* A free slot is in no chain, so its link is free to chain the free list. */
    t->by_internal.next[slot] = t->free_mapping;
    t->free_mapping = slot + 1;
    t->live_mappings--;
}

struct nat_filter *nat_table_add_filter(struct nat_table *t, struct endpoint external,
                                        struct endpoint remote, nsec now)
{
    uint32_t slot;

    if (t->free_filter != 0) {
        slot = t->free_filter - 1;
        t->free_filter = t->by_filter.next[slot];
    } else if (t->used_filters < t->max_filters) {
        slot = t->used_filters++;
    } else {
        return NULL;
    }
    t->filters[slot] =
        (struct nat_filter){.external = external, .remote = remote, .refreshed = now, .live = true};
    index_insert(&t->by_filter, hash(external, remote), slot);
    t->live_filters++;
    return &t->filters[slot];
}

void nat_table_remove_filter(struct nat_table *t, struct nat_filter *f)
{
    uint32_t slot = (uint32_t)(f - t->filters);

    index_remove(&t->by_filter, hash(f->external, f->remote), slot);
    f->live = false;
    t->by_filter.next[slot] = t->free_filter;
    t->free_filter = slot + 1;
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
