#include "classification.h"

static const char *const verdict_codes[] = {
    [CLASSIFY_CLASSIFIED] = "classified",
    [CLASSIFY_BLOCKED] = "blocked",
    [CLASSIFY_PARTIAL] = "partial",
};

static const struct outcome_words reaches[REACH_COUNT] = {
    [REACH_BOTH] = {"both_answered", "both server addresses answer", ""},
    [REACH_ONLY_PRIMARY] =
        {"only_primary_answered",
         "the secondary server address gives no answer to believe: the mapping cannot be "
         "compared",
         "check the server's second address (--secondary), or try another server"},
    [REACH_ONLY_SECONDARY] =
        {"only_secondary_answered",
         "the primary server address gives no answer to believe: mapping and filtering are out "
         "of reach",
         "check that the server address is right and that its server process listens on it"},
    [REACH_UNSURE] = {"one_answered",
                      "one server address answers; the other did not, which may be loss",
                      "repeat it when the path loses less"},
    [REACH_NO_REPLY] = {"no_reply",
                        "nothing came back from the server, and nothing shows that UDP leaves "
                        "this network",
                        "let UDP port 3544 out of this network; if another server does not answer "
                        "either, it is this network that blocks UDP"},
    [REACH_SERVER_SILENT] = {"server_silent",
                             "nothing came back from the server, though UDP gets out of this "
                             "network at least as far as a router outside",
                             "try another server: this one is down, or something on the way to it "
                             "drops UDP port 3544"},
    [REACH_REJECTED] = {"replies_rejected", "every reply broke a rule and was not believed",
                        "run `teredoctl qualify --explain` to see the rule; another host may be "
                        "answering in the server's place"},
    [REACH_NAME_NOT_FOUND] = {"name_not_found", "the server's name was not found",
                              "check the name, or give an IPv4 address"},
    [REACH_INTERRUPTED] = {"interrupted", "interrupted before an answer came", ""},
    REFUSAL_WORDS(REACH_REFUSED),
};

struct nat_words {
    const char *code;
    const char *text;
};

static const struct nat_words nats[NAT_NAME_COUNT] = {
    [NAT_NAME_UNKNOWN] = {"unknown", "the evidence does not tell the kind of NAT"},
    [NAT_NAME_NONE] = {"none", "no NAT, and anyone may send to this host"},
    [NAT_NAME_FIREWALL] = {"firewall",
                           "no NAT, but a stateful firewall that lets answers in and no more"},
    [NAT_NAME_BLOCKED] = {"blocked", "UDP does not get through to this server and back"},
    [NAT_NAME_CONE] = {"cone", "one mapping for all destinations, and anyone may send to it"},
    [NAT_NAME_ADDRESS_RESTRICTED] =
        {"address_restricted",
         "one mapping for all destinations; it lets in addresses that were sent to"},
    [NAT_NAME_PORT_RESTRICTED] =
        {"port_restricted",
         "one mapping for all destinations; it lets in addresses and ports that were sent to"},
    [NAT_NAME_SYMMETRIC] = {"symmetric", "another mapping for each destination"},
};

static const char *const depends_codes[DEPENDS_COUNT] = {
    [DEPENDS_UNKNOWN] = "unknown",
    [DEPENDS_ENDPOINT_INDEPENDENT] = "endpoint_independent",
    [DEPENDS_ADDRESS] = "address_dependent",
    [DEPENDS_ADDRESS_AND_PORT] = "address_and_port_dependent",
    [DEPENDS_ENDPOINT] = "endpoint_dependent",
};

static const char *const ports_codes[] = {
    [PORTS_UNKNOWN] = "unknown",       [PORTS_PRESERVING] = "preserving",
    [PORTS_SEQUENTIAL] = "sequential", [PORTS_RANDOM] = "random",
    [PORTS_NOT_APPLICABLE] = NULL,
};

static const char *const pooling_codes[] = {
    [POOLING_UNKNOWN] = "unknown",
    [POOLING_ONE_ADDRESS] = "one_address",
    [POOLING_ARBITRARY] = "arbitrary",
    [POOLING_NOT_APPLICABLE] = NULL,
};

static const char *const test_codes[TEST_COUNT] = {
    [TEST_SILENCE] = "silence",
    [TEST_HOPS] = "hops",
    [TEST_MAPPING] = "mapping",
    [TEST_MAPPING_PORT] = "mapping_by_port",
    [TEST_FILTER_ANY] = "filtering_any",
    [TEST_FILTER_PORT] = "filtering_other_port",
    [TEST_FILTER_OPEN] = "filtering_control",
    [TEST_RELAY_ANY] = "relayed_any",
    [TEST_RELAY_PORT] = "relayed_other_port",
    [TEST_RELAY_OPEN] = "relayed_control",
    [TEST_PORTS] = "port_allocation",
    [TEST_POOLING] = "pooling",
    [TEST_HAIRPIN] = "hairpinning",
    [TEST_LIFETIME] = "lifetime",
    [TEST_KEPT_INBOUND] = "refresh_inbound",
    [TEST_KEPT_OUTBOUND] = "refresh_outbound",
};

static const char *const proofs[PROVES_COUNT] = {
    [PROVES_NOTHING] = "nothing, by itself",
    [PROVES_NO_UDP] = "no UDP comes back from this server",
    [PROVES_UDP_LEAVES] = "UDP gets out at least as far as that router",
    [PROVES_SHARED_SPACE] = "a router has a carrier's shared address: maybe a second NAT",
    [PROVES_NO_TRANSLATION] = "nothing is translated: the server sees the local endpoint",
    [PROVES_MAPPING_INDEPENDENT] = "the mapping does not depend on the destination",
    [PROVES_MAPPING_DEPENDENT] = "the mapping depends on the destination",
    [PROVES_MAPPING_BY_ADDRESS] = "the mapping depends on the address, not on the port",
    [PROVES_MAPPING_BY_PORT] = "the mapping depends on the port as well",
    [PROVES_ANYONE_GETS_IN] = "an address to which this port never sent gets in",
    [PROVES_NOT_ANYONE] = "an address to which this port never sent does not get in",
    [PROVES_ADDRESS_GETS_IN] = "once an address was sent to, all its ports get in",
    [PROVES_NOT_ADDRESS] = "another port of an address that was sent to does not get in",
    [PROVES_REFERENCE_WORKS] =
        "the server does answer this way: silence of the tests means the NAT",
    [PROVES_PRESERVING] = "the external port is the local one",
    [PROVES_SEQUENTIAL] = "each new mapping takes the next port",
    [PROVES_RANDOM] = "the external port has no pattern",
    [PROVES_ONE_ADDRESS] = "all these ports of this host had one external address",
    [PROVES_ARBITRARY] = "ports of this host get different external addresses",
    [PROVES_HAIRPIN] = "ports of this host reach each other by external endpoints",
    [PROVES_NO_HAIRPIN] = "ports of this host do not reach each other by external endpoints",
    [PROVES_ALIVE] = "the mapping was still there",
    [PROVES_GONE] = "the mapping was gone",
    [PROVES_REFRESHES] = "this traffic keeps the mapping alive",
    [PROVES_NO_REFRESH] = "this traffic does not keep the mapping alive",
};

const char *classify_verdict_code(enum classify_verdict verdict)
{
    return verdict_codes[verdict];
}

const char *classify_reach_code(enum classify_reach reach)
{
    return reaches[reach].code;
}

const char *classify_reach_text(enum classify_reach reach)
{
    return reaches[reach].text;
}

const char *classify_reach_advice(enum classify_reach reach)
{
    return reaches[reach].advice;
}

const char *nat_name_code(enum nat_name nat)
{
    return nats[nat].code;
}

const char *classification_advice(const struct classification *c)
{
    const char *about_server = classify_reach_advice(c->reach);

    if (about_server[0] != '\0' || c->nat != NAT_NAME_SYMMETRIC)
        return about_server;
    return "reserve a UDP port on your NAT for this host (RFC 4380 5.2.10), or use RFC 6081 "
           "clients "
           "at both ends; what each peer's NAT asks for is in the table";
}

const char *nat_name_text(enum nat_name nat)
{
    return nats[nat].text;
}

const char *nat_depends_code(enum nat_depends depends)
{
    return depends_codes[depends];
}

const char *port_allocation_code(enum port_allocation ports)
{
    return ports_codes[ports];
}

const char *address_pooling_code(enum address_pooling pooling)
{
    return pooling_codes[pooling];
}

const char *classify_test_code(enum classify_test test)
{
    return test_codes[test];
}

const char *classify_proof_text(enum classify_proof proof)
{
    return proofs[proof];
}
