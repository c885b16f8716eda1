/* The emulated internet's plan: who is where, under which address.
 *
 *     a 100.64.1.2 --- NAT A 203.0.113.10 (to .13) ----.       .---- s1 192.0.2.1, .2
 *                                                       core -<
 *     b 100.64.2.2 --- NAT B 198.51.100.20 (to .23) ---'       '---- s2 192.0.2.129, .130
 *
 * A host without translation has the first public address of its NAT itself. A host's link, with
 * its delay and losses, lies between the core and the NAT (or the host); a NAT stands beside its
 * host. */
#ifndef LAB_PLAN_H
#define LAB_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "nat_config.h"

enum lab_host {
    LAB_A,
    LAB_B,
    LAB_S1,
    LAB_S2,
    LAB_HOSTS
};

#define LAB_NATS 2      /* the hosts below this have a NAT or firewall, or none */
#define LAB_ADDRESSES 2 /* at most, of one host */
#define LAB_MTU 1500    /* of every link; an IPv4 datagram is never larger */

/* The address that the core router answers from, 192.0.2.254. */
#define LAB_CORE_ADDRESS UINT32_C(0xc00002fe)

/* "a", "b", "s1", "s2". */
const char *lab_host_name(enum lab_host host);
bool lab_host_named(const char *name, enum lab_host *out);

/* Writes the addresses of HOST, whose NAT (NULL for a server) is of kind NAT; returns how many. */
unsigned lab_host_addresses(enum lab_host host, const struct nat_config *nat,
                            uint32_t out[static LAB_ADDRESSES]);

/* Fills in what nat_config_parse leaves open: the external addresses and the internal network of
 * the NAT of HOST. */
void lab_place_nat(enum lab_host host, struct nat_config *nat);

/* The address that the NAT or firewall of HOST answers from on its inner side. */
uint32_t lab_gateway_address(enum lab_host host, const struct nat_config *nat);

enum lab_route {
    LAB_ROUTE_HOST,    /* *HOST has it, itself or by its NAT */
    LAB_ROUTE_NO_HOST, /* in one of the three public networks, but nobody has it */
    LAB_ROUTE_NO_NET,
};

/* Where the core sends ADDRESS. */
enum lab_route lab_route(const struct nat_config nat[static LAB_NATS], uint32_t address,
                         enum lab_host *host);

#endif
