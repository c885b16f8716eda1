/* The NAT: the input is a configuration, in words or in bytes, and then packets both ways, ICMP
 * errors and time. What becomes of each is what a naive model of RFC 4787 says that keeps lists and
 * searches them; only the external port of a new mapping is the NAT's to choose, within rules. */
#include <string.h>

#include "cursor.h"
#include "fuzz.h"
#include "nat.h"

enum {
    MAX_STEPS = 400,
    ROOM = MAX_STEPS + 1,
    MAX_MAPPINGS = 12, /* of the table: few, so that it fills */
    FILTERS_A_MAPPING = 4,
};

static const uint32_t INSIDE = 0x64400100, POOL = 0xcb00710a, OUTSIDE = 0xc6336400;

struct entry {
    struct endpoint internal; /* of a mapping alone */
    struct endpoint external, remote;
    nsec refreshed;
};

/* Entries are never removed: those that have expired are passed over. */
static struct {
    struct nat_config config;
    nsec now;
    struct entry mappings[ROOM], filters[ROOM];
    unsigned mapping_count, filter_count;
} model;

static bool live(const struct entry *e)
{
    return model.now - e->refreshed < model.config.timeout;
}

static unsigned count_live(const struct entry *entries, unsigned count)
{
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++)
        n += live(&entries[i]);
    return n;
}

static struct endpoint part(enum nat_dependence dependence, struct endpoint e)
{
    return (struct endpoint){dependence == NAT_ENDPOINT_INDEPENDENT ? 0 : e.address,
                             dependence == NAT_ADDRESS_AND_PORT_DEPENDENT ? e.port : 0};
}

/* RFC 4787 4.1: how the mapping of packets to E is told from others. */
static struct endpoint mapping_part(struct endpoint e)
{
    return part(model.config.kind == NAT_KIND_TRANSLATOR ? model.config.mapping
                                                         : NAT_ENDPOINT_INDEPENDENT,
                e);
}

static struct entry *find_mapping(struct endpoint internal, struct endpoint to)
{
    struct endpoint remote = mapping_part(to);

    for (unsigned i = 0; i < model.mapping_count; i++)
        if (live(&model.mappings[i]) && endpoint_equal(model.mappings[i].internal, internal) &&
            endpoint_equal(model.mappings[i].remote, remote))
            return &model.mappings[i];
    return NULL;
}

static struct entry *find_outside(struct endpoint external)
{
    for (unsigned i = 0; i < model.mapping_count; i++)
        if (live(&model.mappings[i]) && endpoint_equal(model.mappings[i].external, external))
            return &model.mappings[i];
    return NULL;
}

static struct entry *find_filter(struct endpoint external, struct endpoint remote)
{
    struct endpoint seen = part(model.config.filtering, remote);

    for (unsigned i = 0; i < model.filter_count; i++)
        if (live(&model.filters[i]) && endpoint_equal(model.filters[i].external, external) &&
            endpoint_equal(model.filters[i].remote, seen))
            return &model.filters[i];
    return NULL;
}

/* The ports that a mapping of this internal port may get. */
static void range_of(uint16_t internal, unsigned *low, unsigned *high)
{
    bool below = model.config.ports == NAT_PORTS_PRESERVING && internal < 1024 &&
                 model.config.port_low == 1024;

    *low = below ? 1 : model.config.port_low;
    *high = below ? 1023 : model.config.port_high;
}

/* Whether a port of ADDRESS is free; of the internal port's parity alone, if PARITY. */
static bool has_free_port(uint32_t address, uint16_t internal, bool parity)
{
    unsigned low, high;

    range_of(internal, &low, &high);
    for (unsigned port = low; port <= high; port++)
        if ((!parity || ((port ^ internal) & 1) == 0) &&
            find_outside((struct endpoint){address, (uint16_t)port}) == NULL)
            return true;
    return false;
}

static bool in_pool(uint32_t address)
{
    for (unsigned i = 0; i < model.config.external_count; i++)
        if (model.config.external[i] == address)
            return true;
    return false;
}

/* Paired pooling (RFC 4787 4.1): whether a new mapping of INTERNAL may have ADDRESS. */
static bool may_have(uint32_t internal, uint32_t address)
{
    bool other = false;

    for (unsigned i = 0; !model.config.arbitrary_pooling && i < model.mapping_count; i++) {
        if (!live(&model.mappings[i]) || model.mappings[i].internal.address != internal)
            continue;
        if (model.mappings[i].external.address == address)
            return true;
        other = true;
    }
    return in_pool(address) && !other;
}

/* The external endpoint of a new mapping (RFC 4787 4.2). */
static void check_choice(struct endpoint internal, struct endpoint external)
{
    const struct nat_config *c = &model.config;
    bool right_parity = ((external.port ^ internal.port) & 1) == 0;
    unsigned low, high;

    HOLDS(find_outside(external) == NULL);
    if (c->kind == NAT_KIND_FIREWALL) {
        HOLDS(endpoint_equal(external, internal));
        return;
    }
    range_of(internal.port, &low, &high);
    HOLDS(external.port >= low && external.port <= high);
    HOLDS(may_have(internal.address, external.address));
    HOLDS(!c->parity || right_parity || !has_free_port(external.address, internal.port, true));
    if (c->ports == NAT_PORTS_PRESERVING && internal.port >= low && internal.port <= high &&
        find_outside((struct endpoint){external.address, internal.port}) == NULL)
        HOLDS(external.port == internal.port);
}

static bool no_free_port(struct endpoint internal)
{
    for (unsigned i = 0; i < model.config.external_count; i++)
        if (may_have(internal.address, model.config.external[i]) &&
            !has_free_port(model.config.external[i], internal.port, false))
            return true;
    return false;
}

static void dropped(const struct nat_result *r, enum nat_reason reason)
{
    HOLDS(r->verdict == NAT_DROP && r->reason == reason);
}

/* The mapping that carries INTERNAL's packet out; NULL if there is to be none. */
static struct entry *carry_out(struct endpoint internal, struct endpoint to,
                               const struct nat_result *r)
{
    struct entry *m = find_mapping(internal, to);

    HOLDS(((r->happened & NAT_MAPPING_REFRESHED) != 0) == (m != NULL));
    if (m == NULL && count_live(model.mappings, model.mapping_count) == model.config.max_mappings) {
        dropped(r, NAT_TABLE_FULL);
        return NULL;
    }
    if (m == NULL && r->verdict == NAT_DROP && r->reason == NAT_NO_FREE_PORT) {
        HOLDS(no_free_port(internal));
        return NULL;
    }
    HOLDS(((r->happened & NAT_MAPPING_CREATED) != 0) == (m == NULL));
    if (m == NULL) {
        check_choice(internal, r->external);
        m = &model.mappings[model.mapping_count++];
        *m = (struct entry){internal, r->external, mapping_part(to), 0};
    }
    m->refreshed = model.now;
    HOLDS(endpoint_equal(r->internal, internal) && endpoint_equal(r->external, m->external));
    return m;
}

static bool open_filter(struct endpoint external, struct endpoint to, const struct nat_result *r)
{
    struct entry *f = find_filter(external, to);

    if (model.config.filtering == NAT_ENDPOINT_INDEPENDENT)
        return true;
    if (f == NULL && count_live(model.filters, model.filter_count) ==
                         FILTERS_A_MAPPING * model.config.max_mappings) {
        dropped(r, NAT_TABLE_FULL);
        return false;
    }
    if (f == NULL) {
        HOLDS((r->happened & NAT_FILTER_OPENED) != 0);
        f = &model.filters[model.filter_count++];
        *f = (struct entry){.external = external, .remote = part(model.config.filtering, to)};
    }
    f->refreshed = model.now;
    return true;
}

/* Whether FROM's packet to the external endpoint TO may come in, and to whom. */
static bool let_in(struct endpoint from, struct endpoint to, const struct nat_result *r,
                   struct endpoint *internal)
{
    struct entry *m = find_outside(to), *f;

    if (m == NULL) {
        dropped(r, NAT_NO_MAPPING);
        return false;
    }
    f = find_filter(to, from);
    if (model.config.filtering != NAT_ENDPOINT_INDEPENDENT && f == NULL) {
        dropped(r, model.config.filtering == NAT_ADDRESS_DEPENDENT ? NAT_FILTERED_ADDRESS
                                                                   : NAT_FILTERED_ADDRESS_PORT);
        return false;
    }
    if (model.config.inbound_refresh) {
        m->refreshed = model.now;
        if (f != NULL)
            f->refreshed = model.now;
    }
    *internal = m->internal;
    return true;
}

static void check_outbound(struct endpoint from, struct endpoint to, const struct nat_result *r)
{
    const struct nat_config *c = &model.config;
    bool hairpin = c->kind == NAT_KIND_TRANSLATOR && in_pool(to.address);
    struct endpoint internal;
    struct entry *m;

    if (c->kind == NAT_KIND_NONE) {
        HOLDS(r->verdict == NAT_OUT && endpoint_equal(r->from, from) && endpoint_equal(r->to, to));
    } else if (c->block_udp) {
        dropped(r, NAT_UDP_BLOCKED);
    } else if (from.address >> 8 != INSIDE >> 8 && c->internal_prefix != 0) {
        dropped(r, NAT_SOURCE_NOT_INSIDE);
    } else if (hairpin && !c->hairpin) {
        dropped(r, NAT_HAIRPIN_OFF);
    } else if ((m = carry_out(from, to, r)) != NULL && open_filter(m->external, to, r)) {
        if (!hairpin) {
            HOLDS(r->verdict == NAT_OUT && endpoint_equal(r->to, to));
        } else if (let_in(m->external, to, r, &internal)) {
            HOLDS(r->verdict == NAT_HAIRPIN && endpoint_equal(r->to, internal));
        }
        HOLDS(endpoint_equal(r->from, m->external));
    }
}

static void check_inbound(struct endpoint from, struct endpoint to, const struct nat_result *r)
{
    struct endpoint internal;

    if (model.config.kind == NAT_KIND_NONE) {
        HOLDS(r->verdict == NAT_IN && endpoint_equal(r->to, to));
    } else if (model.config.block_udp) {
        dropped(r, NAT_UDP_BLOCKED);
    } else if (let_in(from, to, r, &internal)) {
        HOLDS(r->verdict == NAT_IN && endpoint_equal(r->from, from) &&
              endpoint_equal(r->to, internal));
    }
}

/* RFC 4787 REQ-12: errors go where the packet came from, and change nothing. */
static void check_errors(const struct nat *nat, struct endpoint from, struct endpoint to)
{
    struct endpoint got;
    const struct entry *m = find_outside(from);

    if (model.config.kind == NAT_KIND_NONE)
        return;
    if (nat_error_inbound(nat, model.now, from, to, &got))
        HOLDS(m != NULL && endpoint_equal(got, m->internal) &&
              endpoint_equal(m->remote, mapping_part(to)));
    else
        HOLDS(m == NULL || !endpoint_equal(m->remote, mapping_part(to)));
    m = find_mapping(to, from);
    if (nat_error_outbound(nat, model.now, from, to, &got))
        HOLDS(m != NULL && endpoint_equal(got, m->external));
    else
        HOLDS(m == NULL);
}

/* A host inside, one outside, or an external endpoint that was given out. */
static struct endpoint take_endpoint(struct reader *r, bool inside)
{
    uint8_t byte = reader_u8(r), port = reader_u8(r);
    struct endpoint e = {(inside ? INSIDE : OUTSIDE) + (byte & 3), (uint16_t)(1022 + (port & 7))};

    if (byte >= 0xf8)
        return (struct endpoint){OUTSIDE, (uint16_t)(port << 8 | 1)};
    if (byte >= 0xc0 && model.mapping_count > 0)
        return model.mappings[port % model.mapping_count].external;
    return e;
}

static nsec take_time(struct reader *r)
{
    nsec timeout = model.config.timeout;
    uint8_t byte = reader_u8(r);

    switch (byte & 7) {
    case 0:
        return timeout;
    case 1:
        return timeout - 1;
    case 2:
        return timeout / 2;
    case 3:
        return timeout / 255 * (byte >> 3);
    default:
        return byte >> 3;
    }
}

static void take_numbers(struct nat_config *c, struct reader *r)
{
    c->kind = (enum nat_kind)(reader_u8(r) % 3);
    c->mapping = (enum nat_dependence)(reader_u8(r) % 3);
    c->filtering = (enum nat_dependence)(reader_u8(r) % 3);
    c->ports = (enum nat_ports)(reader_u8(r) % 3);
    c->step = (uint16_t)(1 + reader_u8(r) % 9);
    c->port_low = (uint16_t)(1020 + reader_u8(r) % 8);
    c->port_high = (uint16_t)(c->port_low + reader_u8(r) % 16);
    c->external_count = 1 + reader_u8(r) % NAT_POOL_MAX;
    c->timeout = 1 + (nsec)reader_u32(r);
    c->parity = (reader_u8(r) & 1) != 0;
    c->hairpin = (reader_u8(r) & 1) != 0;
    c->inbound_refresh = (reader_u8(r) & 1) != 0;
    c->arbitrary_pooling = (reader_u8(r) & 1) != 0;
}

static bool take_words(struct nat_config *c, struct reader *r)
{
    struct error error = {0};
    struct nat_config again;
    char words[256], text[NAT_CONFIG_STRLEN], text2[NAT_CONFIG_STRLEN];
    size_t size = 0;
    uint8_t byte;

    while (size < sizeof words - 1 && (byte = reader_u8(r)) != '\n' && !r->failed)
        words[size++] = (char)byte;
    words[size] = '\0';
    if (nat_config_parse(words, c, &error) != 0) {
        HOLDS(error.status != 0 && error.what[0] != '\0');
        return false;
    }
    nat_config_describe(c, text);
    HOLDS(nat_config_parse(text, &again, &error) == 0);
    HOLDS(strcmp(nat_config_describe(&again, text2), text) == 0);
    return true;
}

static bool take_config(struct reader *r)
{
    struct nat_config *c = &model.config;

    if ((reader_u8(r) & 1) == 0)
        take_numbers(c, r);
    else if (!take_words(c, r))
        return false;
    for (unsigned i = 0; i < NAT_POOL_MAX; i++)
        c->external[i] = POOL + i;
    c->internal_network = INSIDE;
    c->internal_prefix = (reader_u8(r) & 1) != 0 ? 24 : 0;
    c->max_mappings = 1 + reader_u8(r) % MAX_MAPPINGS;
    c->seed = reader_u8(r);
    return true;
}

static void take_packet(struct nat *nat, struct reader *r)
{
    bool out = (reader_u8(r) & 1) != 0;
    struct endpoint from = take_endpoint(r, out), to = take_endpoint(r, false);
    struct nat_result result;
    char text[NAT_RESULT_STRLEN];

    check_errors(nat, from, to);
    check_errors(nat, to, from);
    if (out) {
        nat_outbound(nat, model.now, from, to, &result);
        check_outbound(from, to, &result);
    } else {
        nat_inbound(nat, model.now, from, to, &result);
        check_inbound(from, to, &result);
    }
    HOLDS((result.verdict == NAT_DROP) == (result.reason != NAT_PASSED));
    HOLDS(strlen(nat_result_text(&result, text)) < sizeof text);
    HOLDS(nat_mapping_count(nat, model.now) == count_live(model.mappings, model.mapping_count));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct nat *nat;

    memset(&model, 0, sizeof model);
    model.now = NSEC_S;
    if (!take_config(&r) || (nat = nat_new(&model.config)) == NULL)
        return 0;
    for (unsigned step = 0; step < MAX_STEPS && reader_left(&r) > 0; step++) {
        model.now += take_time(&r);
        take_packet(nat, &r);
    }
    nat_free(nat);
    return 0;
}
