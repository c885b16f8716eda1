#include "nat_config.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "decimal.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DEFAULT_TIMEOUT (120 * NSEC_S)
#define HOUR (3600 * NSEC_S)
#define MAX_TIMEOUT (24 * HOUR)
#define MAX_STEP 1024

struct preset {
    const char *word;
    enum nat_kind kind;
    bool block_udp;
    enum nat_dependence mapping;
    enum nat_dependence filtering;
    enum nat_ports ports;
};

static const struct preset presets[] = {
    {"none", NAT_KIND_NONE, false, NAT_ENDPOINT_INDEPENDENT, NAT_ENDPOINT_INDEPENDENT,
     NAT_PORTS_PRESERVING},
    {"cone", NAT_KIND_TRANSLATOR, false, NAT_ENDPOINT_INDEPENDENT, NAT_ENDPOINT_INDEPENDENT,
     NAT_PORTS_PRESERVING},
    {"address-restricted", NAT_KIND_TRANSLATOR, false, NAT_ENDPOINT_INDEPENDENT,
     NAT_ADDRESS_DEPENDENT, NAT_PORTS_PRESERVING},
    {"port-restricted", NAT_KIND_TRANSLATOR, false, NAT_ENDPOINT_INDEPENDENT,
     NAT_ADDRESS_AND_PORT_DEPENDENT, NAT_PORTS_PRESERVING},
    {"symmetric", NAT_KIND_TRANSLATOR, false, NAT_ADDRESS_AND_PORT_DEPENDENT,
     NAT_ADDRESS_AND_PORT_DEPENDENT, NAT_PORTS_RANDOM},
    {"firewall", NAT_KIND_FIREWALL, false, NAT_ENDPOINT_INDEPENDENT, NAT_ADDRESS_AND_PORT_DEPENDENT,
     NAT_PORTS_PRESERVING},
    {"blocked", NAT_KIND_TRANSLATOR, true, NAT_ENDPOINT_INDEPENDENT, NAT_ADDRESS_AND_PORT_DEPENDENT,
     NAT_PORTS_PRESERVING},
};
#define BASE_WORD "port-restricted"
#define ALL_WORDS "none, cone, address-restricted, port-restricted, symmetric, firewall, blocked"

static struct nat_config config_of(const struct preset *p)
{
    return (struct nat_config){
        .kind = p->kind,
        .block_udp = p->block_udp,
        .mapping = p->mapping,
        .filtering = p->filtering,
        .ports = p->ports,
        .step = 1,
        .port_low = 1024,
        .port_high = 65535,
        .timeout = DEFAULT_TIMEOUT,
        .external_count = 1,
    };
}

static const struct preset *preset_named(const char *word)
{
    for (size_t i = 0; i < COUNT(presets); i++)
        if (strcmp(presets[i].word, word) == 0)
            return &presets[i];
    return NULL;
}

/* The values of the options that are words, in the order of their enums; no is 0, yes is 1. */
static const char *const dependence_words[] = {"endpoint-independent", "address", "address-port",
                                               NULL};
static const char *const ports_words[] = {"preserving", "sequential", "random", NULL};
static const char *const yes_words[] = {"no", "yes", NULL};
static const char *const refresh_words[] = {"outbound", "both", NULL};
static const char *const pooling_words[] = {"paired", "arbitrary", NULL};

static bool word_index(const char *const *words, const char *value, unsigned *out)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], value) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/* Reads a decimal number from MIN to MAX; returns what follows it, or NULL. */
static const char *number(const char *p, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *end = decimal_parse(p, max, out);

    return end == NULL || *out < min ? NULL : end;
}

static bool set_number(const char *value, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *end = number(value, min, max, out);

    return end != NULL && *end == '\0';
}

static bool set_mapping(struct nat_config *c, const char *value)
{
    unsigned i = c->mapping;
    bool known = word_index(dependence_words, value, &i);

    c->mapping = (enum nat_dependence)i;
    return known;
}

static bool set_filtering(struct nat_config *c, const char *value)
{
    unsigned i = c->filtering;
    bool known = word_index(dependence_words, value, &i);

    c->filtering = (enum nat_dependence)i;
    return known;
}

static bool set_ports(struct nat_config *c, const char *value)
{
    unsigned i = c->ports;
    bool known = word_index(ports_words, value, &i);

    c->ports = (enum nat_ports)i;
    return known;
}

static bool set_flag(const char *const *words, const char *value, bool *out)
{
    unsigned i;

    if (!word_index(words, value, &i))
        return false;
    *out = i == 1;
    return true;
}

static bool set_parity(struct nat_config *c, const char *value)
{
    return set_flag(yes_words, value, &c->parity);
}

static bool set_hairpin(struct nat_config *c, const char *value)
{
    return set_flag(yes_words, value, &c->hairpin);
}

static bool set_refresh(struct nat_config *c, const char *value)
{
    return set_flag(refresh_words, value, &c->inbound_refresh);
}

static bool set_pooling(struct nat_config *c, const char *value)
{
    return set_flag(pooling_words, value, &c->arbitrary_pooling);
}

static bool set_step(struct nat_config *c, const char *value)
{
    uint64_t n;

    if (!set_number(value, 1, MAX_STEP, &n))
        return false;
    c->step = (uint16_t)n;
    return true;
}

static bool set_pool(struct nat_config *c, const char *value)
{
    uint64_t n;

    if (!set_number(value, 1, NAT_POOL_MAX, &n))
        return false;
    c->external_count = (unsigned)n;
    return true;
}

static bool set_range(struct nat_config *c, const char *value)
{
    uint64_t low, high;
    const char *p = number(value, 1, 65535, &low);

    if (p == NULL || *p != '-' || !set_number(p + 1, low, 65535, &high))
        return false;
    c->port_low = (uint16_t)low;
    c->port_high = (uint16_t)high;
    return true;
}

static bool set_timeout(struct nat_config *c, const char *value)
{
    static const struct unit {
        const char *name;
        nsec length;
    } units[] = {{"ms", NSEC_MS}, {"s", NSEC_S}, {"min", 60 * NSEC_S}, {"h", HOUR}};
    uint64_t n;
    const char *unit = number(value, 1, MAX_TIMEOUT / NSEC_MS, &n);

    if (unit == NULL)
        return false;
    for (size_t i = 0; i < COUNT(units); i++)
        if (strcmp(units[i].name, unit) == 0 && n <= (uint64_t)(MAX_TIMEOUT / units[i].length)) {
            c->timeout = (nsec)n * units[i].length;
            return true;
        }
    return false;
}

struct option {
    const char *name;
    const char *values; /* for the error message */
    bool (*set)(struct nat_config *c, const char *value);
    bool of_firewall;
};

static const struct option options[] = {
    {"mapping", "endpoint-independent, address, address-port", set_mapping, false},
    {"filtering", "endpoint-independent, address, address-port", set_filtering, true},
    {"ports", "preserving, sequential, random", set_ports, false},
    {"step", "1 to 1024", set_step, false},
    {"range", "LOW-HIGH, from 1 to 65535", set_range, false},
    {"parity", "yes, no", set_parity, false},
    {"hairpin", "yes, no", set_hairpin, false},
    {"timeout", "a whole number of ms, s, min or h, up to 24h: 30s", set_timeout, true},
    {"refresh", "outbound, both", set_refresh, true},
    {"pooling", "paired, arbitrary", set_pooling, false},
    {"pool", "1 to 4", set_pool, false},
};
#define ALL_OPTIONS \
    "mapping, filtering, ports, step, range, parity, hairpin, timeout, refresh, pooling, pool"
#define FIREWALL_OPTIONS "filtering, timeout, refresh"

const char *nat_config_word(size_t i, const char **values)
{
    *values = NULL;
    if (i < COUNT(presets))
        return presets[i].word;
    if (i - COUNT(presets) >= COUNT(options))
        return NULL;
    *values = options[i - COUNT(presets)].values;
    return options[i - COUNT(presets)].name;
}

static int parse_option(struct nat_config *c, const char *name, const char *value,
                        struct error *error)
{
    for (size_t i = 0; i < COUNT(options); i++) {
        if (strcmp(options[i].name, name) != 0)
            continue;
        if (c->kind == NAT_KIND_FIREWALL && !options[i].of_firewall) {
            error_set(error, EX_USAGE, 0, "a firewall translates nothing, so it has no option %s",
                      name);
            return error_hint(error, "options of a firewall: %s", FIREWALL_OPTIONS);
        }
        if (options[i].set(c, value))
            return 0;
        error_set(error, EX_USAGE, 0, "\"%s\" is not a value of the NAT option %s", value, name);
        return error_hint(error, "values of %s: %s", name, options[i].values);
    }
    error_set(error, EX_USAGE, 0, "\"%s\" is not a NAT option", name);
    return error_hint(error, "options: %s",
                      c->kind == NAT_KIND_FIREWALL ? FIREWALL_OPTIONS : ALL_OPTIONS);
}

static int parse_word(struct nat_config *c, const char *word, struct error *error)
{
    const struct preset *preset = preset_named(word);

    if (preset == NULL) {
        error_set(error, EX_USAGE, 0, "\"%s\" is not a kind of NAT", word);
        return error_hint(error, "kinds: %s; or a list such as %s", ALL_WORDS,
                          "mapping=address,filtering=address-port,ports=sequential");
    }
    *c = config_of(preset);
    return 0;
}

/* One item of the list: the word that may come first, or an option. */
static int parse_item(struct nat_config *c, char *item, bool first, struct error *error)
{
    char *equals = strchr(item, '=');

    if (equals == NULL && first)
        return parse_word(c, item, error);
    if (equals == NULL) {
        error_set(error, EX_USAGE, 0, "\"%s\" in a NAT's list is not an OPTION=VALUE", item);
        return error_hint(error, "a kind of NAT comes first; options: %s", ALL_OPTIONS);
    }
    if (c->kind == NAT_KIND_NONE || c->block_udp) {
        error_set(error, EX_USAGE, 0, "\"%s\" takes no options", c->block_udp ? "blocked" : "none");
        return error_hint(error, "options go with a list, or follow cone, address-restricted, "
                                 "port-restricted, symmetric or firewall");
    }
    *equals = '\0';
    return parse_option(c, item, equals + 1, error);
}

int nat_config_parse(const char *text, struct nat_config *out, struct error *error)
{
    struct nat_config c = config_of(preset_named(BASE_WORD));
    char copy[NAT_CONFIG_STRLEN];
    char *next = copy;

    if (strlen(text) >= sizeof copy)
        return error_set(error, EX_USAGE, 0, "a NAT's list is longer than %zu characters",
                         sizeof copy - 1);
    memcpy(copy, text, strlen(text) + 1);
    for (bool first = true; next != NULL; first = false) {
        char *item = next;

        next = strchr(item, ',');
        if (next != NULL)
            *next++ = '\0';
        if (parse_item(&c, item, first, error) < 0)
            return -1;
    }
    *out = c;
    return 0;
}

/* Appends "NAME=VALUE", after a comma unless it is the first of TEXT. */
static void append(char *text, const char *name, const char *value)
{
    size_t n = strlen(text);

    snprintf(text + n, NAT_CONFIG_STRLEN - n, "%s%s=%s", n > 0 ? "," : "", name, value);
}

static void append_number(char *text, const char *name, uint64_t value, const char *unit)
{
    char number_text[32];

    snprintf(number_text, sizeof number_text, "%llu%s", (unsigned long long)value, unit);
    append(text, name, number_text);
}

/* The word to begin with: the kind that agrees in mapping and filtering. NULL if there is none:
 * then the list begins at BASE_WORD. */
static const struct preset *preset_like(const struct nat_config *c)
{
    for (size_t i = 0; i < COUNT(presets); i++) {
        const struct preset *p = &presets[i];

        if (p->kind != c->kind || p->block_udp != c->block_udp)
            continue;
        if (p->kind != NAT_KIND_TRANSLATOR || p->block_udp ||
            (p->mapping == c->mapping && p->filtering == c->filtering))
            return p;
    }
    return NULL;
}

const char *nat_config_describe(const struct nat_config *c, char buf[static NAT_CONFIG_STRLEN])
{
    const struct preset *preset = preset_like(c);
    struct nat_config base = config_of(preset == NULL ? preset_named(BASE_WORD) : preset);

    snprintf(buf, NAT_CONFIG_STRLEN, "%s", preset == NULL ? "" : preset->word);
    if (c->kind == NAT_KIND_NONE || c->block_udp)
        return buf;
    if (preset == NULL || c->mapping != base.mapping)
        append(buf, "mapping", dependence_words[c->mapping]);
    if (preset == NULL || c->filtering != base.filtering)
        append(buf, "filtering", dependence_words[c->filtering]);
    if (c->ports != base.ports)
        append(buf, "ports", ports_words[c->ports]);
    if (c->step != base.step)
        append_number(buf, "step", c->step, "");
    if (c->port_low != base.port_low || c->port_high != base.port_high) {
        char range[16];

        snprintf(range, sizeof range, "%u-%u", c->port_low, c->port_high);
        append(buf, "range", range);
    }
    if (c->parity)
        append(buf, "parity", "yes");
    if (c->hairpin)
        append(buf, "hairpin", "yes");
    if (c->timeout != base.timeout) {
        if (c->timeout % NSEC_S == 0)
            append_number(buf, "timeout", (uint64_t)(c->timeout / NSEC_S), "s");
        else
            append_number(buf, "timeout", (uint64_t)(c->timeout / NSEC_MS), "ms");
    }
    if (c->inbound_refresh)
        append(buf, "refresh", "both");
    if (c->arbitrary_pooling)
        append(buf, "pooling", "arbitrary");
    if (c->external_count != base.external_count)
        append_number(buf, "pool", c->external_count, "");
    return buf;
}
