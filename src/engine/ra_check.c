#include "ra_check.h"

#include <string.h>

static void note(enum rule_state *rules, enum ra_rule rule, bool good)
{
    rules[rule] = good ? RULE_OK : RULE_FAILED;
}

static bool nonce_matches(const struct ra_request *r, const struct teredo_packet *p,
                          unsigned *attempt)
{
    if (!p->has_auth)
        return false;
    for (unsigned i = 0; i < r->nonce_count; i++)
        if (memcmp(p->auth.nonce, r->nonces[i], TEREDO_NONCE_SIZE) == 0) {
            *attempt = i;
            return true;
        }
    return false;
}

/* RFC 4380 5.2.1: the service prefix followed by the server's IPv4 address, as a /64. */
static bool prefix_names_server(const struct ra_request *r, const struct icmp6_prefix *prefix)
{
    struct teredo_addr a;

    return prefix->length == 64 && teredo_addr_decode(&prefix->prefix, &a) &&
           a.prefix == TEREDO_PREFIX && (a.server == r->server || a.server == r->other_server);
}

/* A packet that did not decode still tells which rule it broke. */
static void check_broken(const struct observation *o, enum rule_state *rules)
{
    bool checksum = o->fault.reason == WIRE_ICMP6_CHECKSUM;

    note(rules, RULE_ENCAPSULATION, checksum);
    if (checksum)
        note(rules, RULE_CHECKSUM, false);
}

enum ra_rule ra_check(const struct ra_request *request, const struct observation *o,
                      enum rule_state rules[static RULE_COUNT], unsigned *attempt)
{
    const struct teredo_packet *p = o->packet;

    for (int i = 0; i < RULE_COUNT; i++)
        rules[i] = RULE_UNTESTED;
    note(rules, RULE_SOURCE_ENDPOINT, endpoint_equal(o->from, request->asked));
    if (p == NULL) {
        check_broken(o, rules);
    } else {
        bool ra = p->kind == TEREDO_RA && p->icmp6.code == 0;

        note(rules, RULE_ENCAPSULATION, true);
        note(rules, RULE_NONCE, nonce_matches(request, p, attempt));
        note(rules, RULE_CONFIRMATION, p->has_auth && p->auth.confirmation == 0);
        if (request->secret == NULL)
            rules[RULE_AUTH_VALUE] = RULE_NOT_APPLICABLE;
        else
            note(rules, RULE_AUTH_VALUE,
                 teredo_auth_verify(request->secret, request->secret_size, p));
        note(rules, RULE_ADVERTISEMENT, ra);
        note(rules, RULE_CHECKSUM, true);
        note(rules, RULE_HOP_LIMIT, p->ip6.hop_limit == 255);
        note(rules, RULE_INNER_SOURCE, ip6_is_link_local(&p->ip6.source));
        note(rules, RULE_INNER_DESTINATION, ip6_equal(&p->ip6.destination, &request->source));
        if (ra) {
            note(rules, RULE_ONE_PREFIX, p->icmp6.ra.prefix_count == 1);
            note(rules, RULE_PREFIX,
                 p->icmp6.ra.prefix_count > 0 && prefix_names_server(request, &p->icmp6.ra.prefix));
        }
        note(rules, RULE_ORIGIN_PRESENT, p->has_origin);
        if (p->has_origin)
            note(rules, RULE_ORIGIN_GLOBAL,
                 p->origin.port != 0 &&
                     (request->allow_private || ip4_is_global_unicast(p->origin.address)));
    }
    for (int i = 0; i < RULE_COUNT; i++)
        if (rules[i] == RULE_FAILED)
            return (enum ra_rule)i;
    return RULE_COUNT;
}
