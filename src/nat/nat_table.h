/* The bounded tables of a NAT: mappings, found by either endpoint, and filters. Everything is
 * allocated at once and nothing expires by itself: the NAT asks, and removes. */
#ifndef NAT_NAT_TABLE_H
#define NAT_NAT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "endpoint.h"
#include "hash.h"
#include "nsec.h"

struct nat_mapping {
    struct endpoint internal;
    struct endpoint remote; /* as far as the mapping depends on it; the rest is 0 */
    struct endpoint external;
    nsec refreshed;
    bool live;
    uint32_t next_free; /* of a slot that is not live: number of the next such, or 0 */
};

/* Something went to REMOTE (as far as the filtering looks at it; the rest is 0) by the mapping
 * whose external endpoint is EXTERNAL. It is never refreshed later than that mapping. */
struct nat_filter {
    struct endpoint external;
    struct endpoint remote;
    nsec refreshed;
    bool live;
    uint32_t next_free; /* likewise */
};

/* Entry 0 has the number 1. */
struct nat_table {
    struct nat_mapping *mappings;
    struct nat_filter *filters;
    struct hash_index by_internal, by_external, by_filter;
    uint32_t max_mappings, max_filters;
    uint32_t used_mappings, used_filters; /* entries ever used; live or on the free list */
    uint32_t free_mapping, free_filter;   /* numbers of the first on the free lists, or 0 */
    uint32_t live_mappings, live_filters;
};

/* False when memory is out (then nothing is left allocated). */
bool nat_table_init(struct nat_table *t, uint32_t max_mappings, uint32_t max_filters);
void nat_table_clear(struct nat_table *t);

/* All of these return NULL when there is none, or (add) no free slot. The pointers stay valid until
 * that entry is removed. Adding an entry that is already there is the caller's mistake. */
struct nat_mapping *nat_table_mapping(const struct nat_table *t, struct endpoint internal,
                                      struct endpoint remote);
struct nat_mapping *nat_table_mapping_outside(const struct nat_table *t, struct endpoint external);
struct nat_mapping *nat_table_add_mapping(struct nat_table *t, const struct nat_mapping *mapping);
struct nat_filter *nat_table_filter(const struct nat_table *t, struct endpoint external,
                                    struct endpoint remote);
struct nat_filter *nat_table_add_filter(struct nat_table *t, struct endpoint external,
                                        struct endpoint remote, nsec now);

void nat_table_remove_mapping(struct nat_table *t, struct nat_mapping *m);
void nat_table_remove_filter(struct nat_table *t, struct nat_filter *f);

/* Removes every mapping, or every filter, last refreshed at BEFORE or earlier. */
void nat_table_sweep_mappings(struct nat_table *t, nsec before);
void nat_table_sweep_filters(struct nat_table *t, nsec before);

#endif
