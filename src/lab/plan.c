#include "plan.h"

#include <string.h>

struct host_plan {
    const char *name;
    uint32_t public_address; /* the first; of the NAT where one translates */
    uint32_t addresses;      /* how many public ones the host has without translation */
    uint32_t private_address;
};

static const struct host_plan plans[LAB_HOSTS] = {
    [LAB_A] = {"a", 0xcb00710a, 1, 0x64400102},
    [LAB_B] = {"b", 0xc6336414, 1, 0x64400202},
    [LAB_S1] = {"s1", 0xc0000201, 2, 0},
    [LAB_S2] = {"s2", 0xc0000281, 2, 0},
};

static const uint32_t public_networks[] = {0xc0000200, 0xc6336400, 0xcb007100}; /* /24 each */

const char *lab_host_name(enum lab_host host)
{
    return plans[host].name;
}

bool lab_host_named(const char *name, enum lab_host *out)
{
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        if (strcmp(plans[i].name, name) == 0) {
            *out = (enum lab_host)i;
            return true;
        }
    return false;
}

static bool translates(const struct nat_config *nat)
{
    return nat != NULL && nat->kind == NAT_KIND_TRANSLATOR;
}

unsigned lab_host_addresses(enum lab_host host, const struct nat_config *nat,
                            uint32_t out[static LAB_ADDRESSES])
{
    const struct host_plan *p = &plans[host];

    if (translates(nat)) {
        out[0] = p->private_address;
        return 1;
    }
    for (unsigned i = 0; i < p->addresses; i++)
        out[i] = p->public_address + i;
    return p->addresses;
}

void lab_place_nat(enum lab_host host, struct nat_config *nat)
{
    const struct host_plan *p = &plans[host];

    for (unsigned i = 0; i < NAT_POOL_MAX; i++)
        nat->external[i] = p->public_address + i;
    nat->internal_prefix = 0;
    if (translates(nat)) {
        nat->internal_network = p->private_address & UINT32_C(0xffffff00);
        nat->internal_prefix = 24;
    }
}

uint32_t lab_gateway_address(enum lab_host host, const struct nat_config *nat)
{
    const struct host_plan *p = &plans[host];
    uint32_t inside = translates(nat) ? p->private_address : p->public_address;

    return (inside & UINT32_C(0xffffff00)) | 1;
}

static bool has_address(enum lab_host host, const struct nat_config *nat, uint32_t address)
{
    const struct host_plan *p = &plans[host];
    uint32_t count = translates(nat) ? nat->external_count : p->addresses;

    return address - p->public_address < count;
}

enum lab_route lab_route(const struct nat_config nat[static LAB_NATS], uint32_t address,
                         enum lab_host *host)
{
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        if (has_address((enum lab_host)i, i < LAB_NATS ? &nat[i] : NULL, address)) {
            *host = (enum lab_host)i;
            return LAB_ROUTE_HOST;
        }
    for (size_t i = 0; i < sizeof public_networks / sizeof *public_networks; i++)
        if ((address ^ public_networks[i]) >> 8 == 0)
            return LAB_ROUTE_NO_HOST;
    return LAB_ROUTE_NO_NET;
}
