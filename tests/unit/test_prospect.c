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

/* OUTCOMES: a letter a peer, d(irect), e(xtension), n(o), u(nknown). */
static void check(const char *title, struct classification c, const char *outcomes)
{
    static const char letters[] = {[OUTCOME_UNKNOWN] = 'u',
                                   [OUTCOME_DIRECT] = 'd',
                                   [OUTCOME_EXTENSION] = 'e',
                                   [OUTCOME_NO] = 'n'};
    struct punch_prospect p[CLASSIFY_PEERS];

    punch_prospects(&c, p);
    for (int i = 0; i < CLASSIFY_PEERS; i++) {
        char got[2] = {letters[p[i].outcome], '\0'}, want[2] = {outcomes[i], '\0'};

        is_str(p[i].peer, peers[i], "%s: peer %d", title, i);
        is_str(got, want, "%s against %s", title, peers[i]);
        is_int(p[i].needs[0] != '\0', outcomes[i] == 'e' || outcomes[i] == 'n',
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
          nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_ENDPOINT, PORTS_PRESERVING), "eeeeeun");
    check("symmetric, sequential",
          nat(NAT_NAME_SYMMETRIC, DEPENDS_ADDRESS, DEPENDS_ADDRESS, PORTS_SEQUENTIAL), "eeeeuun");
    check("symmetric, ports unknown",
          nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_UNKNOWN, PORTS_UNKNOWN), "eeeuuun");
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
    test_names();
    return done_testing();
}
