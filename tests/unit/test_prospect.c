/* What a NAT means for hole punching, and what other vocabularies call it. */
#include "classification.h"
#include "tap.h"

static struct classification nat(enum nat_name name, enum nat_depends mapping,
                                 enum nat_depends filtering, enum port_allocation ports)
{
    return (struct classification){
        .nat = name, .mapping = mapping, .filtering = filtering, .ports = ports};
}

static const char *const peers[CLASSIFY_PEERS] = {"none",
                                                  "cone",
                                                  "address_restricted",
                                                  "port_restricted",
                                                  "symmetric_preserving",
                                                  "symmetric_sequential",
                                                  "symmetric_random"};

/* OUTCOMES: a letter a peer, d(irect), f(irst), e(xtension), n(o), u(nknown), c(hance) where it is
 * told why it is unknown. */
static void check(const char *title, struct classification c, const char *outcomes)
{
    static const char letters[] = {[OUTCOME_UNKNOWN] = 'u',
                                   [OUTCOME_DIRECT] = 'd',
                                   [OUTCOME_DIRECT_FIRST] = 'f',
                                   [OUTCOME_EXTENSION] = 'e',
                                   [OUTCOME_NO] = 'n'};
    struct punch_prospect p[CLASSIFY_PEERS];

    punch_prospects(&c, p);
    for (int i = 0; i < CLASSIFY_PEERS; i++) {
        bool told = p[i].needs[0] != '\0';
        char got[2] = {told && p[i].outcome == OUTCOME_UNKNOWN ? 'c' : letters[p[i].outcome], '\0'};
        char want[2] = {outcomes[i], '\0'};

        is_str(p[i].peer, peers[i], "%s: peer %d", title, i);
        is_str(got, want, "%s against %s", title, peers[i]);
        is_int(told, outcomes[i] != 'd' && outcomes[i] != 'u',
               "%s against %s: what it takes is told where it takes something", title, peers[i]);
    }
}

static void test_table(void)
{
    check("cone",
          nat(NAT_NAME_CONE, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ENDPOINT_INDEPENDENT,
              PORTS_PRESERVING),
          "ddddeee");
    check("no NAT",
          nat(NAT_NAME_NONE, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ENDPOINT_INDEPENDENT,
              PORTS_NOT_APPLICABLE),
          "ddddeee");
    check("address-restricted",
          nat(NAT_NAME_ADDRESS_RESTRICTED, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS,
              PORTS_RANDOM),
          "ddddeee");
    check("port-restricted",
          nat(NAT_NAME_PORT_RESTRICTED, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS_AND_PORT,
              PORTS_RANDOM),
          "ddddeen");
    check("port-restricted firewall",
          nat(NAT_NAME_FIREWALL, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS_AND_PORT,
              PORTS_NOT_APPLICABLE),
          "ddddeen");
    check("symmetric, random",
          nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_ENDPOINT, PORTS_RANDOM), "eeennnn");
    check("symmetric, preserving",
          nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_ENDPOINT, PORTS_PRESERVING), "eeeeeen");
    check("symmetric, sequential",
          nat(NAT_NAME_SYMMETRIC, DEPENDS_ADDRESS, DEPENDS_ADDRESS, PORTS_SEQUENTIAL), "eeeennn");
    check("symmetric, ports unknown",
          nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_UNKNOWN, PORTS_UNKNOWN), "eeeuuun");
    for (enum port_allocation ports = PORTS_PRESERVING; ports <= PORTS_RANDOM; ports++) {
        struct classification c =
            nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_ENDPOINT, ports);

        c.pooling = POOLING_ARBITRARY;
        check("symmetric, with another external address for each mapping", c,
              ports == PORTS_PRESERVING   ? "eeccccn"
              : ports == PORTS_SEQUENTIAL ? "eeccnnn"
                                          : "eecnnnn");
        c = nat(NAT_NAME_PORT_RESTRICTED, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS_AND_PORT,
                ports);
        c.pooling = POOLING_ARBITRARY;
        check("one mapping keeps one address of the pool", c, "ddddeen");
        c.pooling = POOLING_ONE_ADDRESS;
        c.trips = FINDING_YES;
        check("a NAT that trips over what comes unasked", c, "ffffccn");
    }
    check("filtering unknown",
          nat(NAT_NAME_UNKNOWN, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_UNKNOWN, PORTS_UNKNOWN),
          "dddduuu");
    check("all unknown", nat(NAT_NAME_UNKNOWN, DEPENDS_UNKNOWN, DEPENDS_UNKNOWN, PORTS_UNKNOWN),
          "uuuuuuu");
    check("silence", nat(NAT_NAME_BLOCKED, DEPENDS_UNKNOWN, DEPENDS_UNKNOWN, PORTS_UNKNOWN),
          "uuuuuuu");
    check("prohibited",
          (struct classification){.nat = NAT_NAME_BLOCKED,
                                  .reach = REACH_REFUSAL(REFUSAL_PROHIBITED)},
          "nnnnnnn");
}

/* Two symmetric NATs reach each other where one filters nothing, and the other no ports. */
static void test_lax_symmetric(void)
{
    static const enum nat_depends filtering[] = {DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS,
                                                 DEPENDS_ADDRESS_AND_PORT};
    static const char *const way[] = {"lets in any port of an address", "filters nothing", NULL};

    for (int i = 0; i < 3; i++) {
        struct classification c =
            nat(NAT_NAME_SYMMETRIC, DEPENDS_ADDRESS_AND_PORT, filtering[i], PORTS_RANDOM);
        struct punch_prospect p[CLASSIFY_PEERS];

        punch_prospects(&c, p);
        ok(way[i] == NULL ? strstr(p[6].needs, "nonces") == NULL
                          : strstr(p[6].needs, way[i]) != NULL,
           "symmetric to symmetric: what it takes, by this side's filter: %s", p[6].needs);
    }
}

struct names {
    enum nat_name nat;
    enum nat_depends mapping;
    const char *rfc4380, *rfc3489, *netsh;
};

static void test_names(void)
{
    static const struct names all[] = {
        {NAT_NAME_UNKNOWN, DEPENDS_UNKNOWN, "unknown", "unknown", "unknown"},
        {NAT_NAME_NONE, DEPENDS_ENDPOINT_INDEPENDENT, "none", "open internet", "none"},
        {NAT_NAME_FIREWALL, DEPENDS_ENDPOINT_INDEPENDENT, "restricted", "symmetric UDP firewall",
         "restricted (port)"},
        {NAT_NAME_BLOCKED, DEPENDS_UNKNOWN, "unknown", "UDP blocked", "unknown"},
        {NAT_NAME_CONE, DEPENDS_ENDPOINT_INDEPENDENT, "cone", "full cone", "cone"},
        {NAT_NAME_ADDRESS_RESTRICTED, DEPENDS_ENDPOINT_INDEPENDENT, "restricted", "restricted cone",
         "restricted"},
        {NAT_NAME_PORT_RESTRICTED, DEPENDS_ENDPOINT_INDEPENDENT, "restricted",
         "port restricted cone", "restricted (port)"},
        {NAT_NAME_SYMMETRIC, DEPENDS_ADDRESS, "symmetric", "symmetric", "symmetric (address)"},
        {NAT_NAME_SYMMETRIC, DEPENDS_ADDRESS_AND_PORT, "symmetric", "symmetric",
         "symmetric (port)"},
        {NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, "symmetric", "symmetric", "symmetric"},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct classification c = nat(all[i].nat, all[i].mapping, DEPENDS_UNKNOWN, PORTS_UNKNOWN);

        is_str(rfc4380_name(&c), all[i].rfc4380, "%s in RFC 4380", code_of(&nat_names, all[i].nat));
        is_str(rfc3489_name(&c), all[i].rfc3489, "%s in RFC 3489", code_of(&nat_names, all[i].nat));
        is_str(netsh_name(&c), all[i].netsh, "%s in netsh", code_of(&nat_names, all[i].nat));
    }
}

int main(void)
{
    test_table();
    test_lax_symmetric();
    test_names();
    return done_testing();
}
