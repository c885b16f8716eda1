#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "link.h"

#define MAX_TIME (60 * NSEC_S)

struct property {
    const char *name;
    size_t offset;
    bool is_time;
};

static const struct property properties[] = {
    {"delay", offsetof(struct link_config, delay), true},
    {"jitter", offsetof(struct link_config, jitter), true},
    {"loss", offsetof(struct link_config, loss), false},
    {"duplicate", offsetof(struct link_config, duplicate), false},
    {"reorder", offsetof(struct link_config, reorder), false},
};

/* Reads digits with at most one point: strtod would take signs, exponents, hex and infinity. */
static const char *decimal(const char *text, double *out)
{
    size_t digits = strspn(text, "0123456789.");
    char *end;

    if (digits == 0 || digits > 18)
        return NULL;
    *out = strtod(text, &end);
    return end == text + digits ? end : NULL;
}

static bool parse_time(const char *text, nsec *out)
{
    static const struct unit {
        const char *name;
        nsec length;
    } units[] = {{"us", NSEC_US}, {"ms", NSEC_MS}, {"s", NSEC_S}};
    double value;
    const char *end = decimal(text, &value);

    for (size_t i = 0; end != NULL && i < sizeof units / sizeof *units; i++) {
        double length = value * (double)units[i].length;

        if (strcmp(units[i].name, end) == 0 && length <= (double)MAX_TIME) {
            *out = llround(length);
            return true;
        }
    }
    /* Nothing needs no unit. */
    if (end != NULL && *end == '\0' && value == 0) {
        *out = 0;
        return true;
    }
    return false;
}

static bool parse_probability(const char *text, double *out)
{
    double value;
    const char *end = decimal(text, &value);

    if (end == NULL)
        return false;
    if (strcmp(end, "%") == 0)
        value /= 100;
    else if (*end != '\0')
        return false;
    if (value > 1)
        return false;
    *out = value;
    return true;
}

static bool set_value(struct link_config *link, const struct property *p, const char *text)
{
    void *field = (char *)link + p->offset;

    return p->is_time ? parse_time(text, field) : parse_probability(text, field);
}

static int parse_item(struct link_config *links, const struct property *p, char *item,
                      struct error *error)
{
    char *equals = strchr(item, '=');
    const char *value = equals == NULL ? item : equals + 1;
    enum lab_host host = LAB_HOSTS;

    if (equals != NULL) {
        *equals = '\0';
        if (!lab_host_named(item, &host)) {
            error_set(error, EX_USAGE, 0, "\"%s\" is not a link of the lab", item);
            return error_hint(error, "links: a, b, s1, s2; or a value alone for all of them");
        }
    }
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        if ((host == LAB_HOSTS || host == i) && !set_value(&links[i], p, value)) {
            error_set(error, EX_USAGE, 0, "\"%s\" is not a value of a link's %s", value, p->name);
            return error_hint(error, p->is_time ? "times: 250us, 25ms, 1.5s; at most 60s"
                                                : "probabilities: 5%% or 0.05, from 0 to 1");
        }
    return 0;
}

int link_config_parse(struct link_config links[static LAB_HOSTS], const char *property,
                      const char *text, struct error *error)
{
    struct link_config parsed[LAB_HOSTS];
    const struct property *p = NULL;
    char copy[128];
    char *next = copy;

    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (strcmp(properties[i].name, property) == 0)
            p = &properties[i];
    if (p == NULL)
        return error_set(error, EX_USAGE, 0, "\"%s\" is not a property of a link", property);
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return error_set(error, EX_USAGE, 0, "the list of a link's %s is too long", p->name);
    memcpy(parsed, links, sizeof parsed);
    while (next != NULL) {
        char *item = next;

        next = strchr(item, ',');
        if (next != NULL)
            *next++ = '\0';
        if (parse_item(parsed, p, item, error) < 0)
            return -1;
    }
    memcpy(links, parsed, sizeof parsed);
    return 0;
}
