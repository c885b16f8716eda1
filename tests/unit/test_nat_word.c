/* src/nat/nat_config.c: the words for a NAT, both ways. */
#include "nat_config.h"

#include <sysexits.h>

#include "tap.h"

static void means(const char *text, enum nat_kind kind, enum nat_dependence mapping,
                  enum nat_dependence filtering, enum nat_ports ports)
{
    struct nat_config c;
    struct error error;

    ok(nat_config_parse(text, &c, &error) == 0 && c.kind == kind && c.mapping == mapping &&
           c.filtering == filtering && c.ports == ports,
       "\"%s\" means what it says", text);
}

static void describes(const char *text, const char *want)
{
    struct nat_config c, again;
    struct error error;
    char words[NAT_CONFIG_STRLEN] = "", twice[NAT_CONFIG_STRLEN] = "";

    if (nat_config_parse(text, &c, &error) == 0)
        nat_config_describe(&c, words);
    is_str(words, want, "\"%s\" is described as \"%s\"", text, want);
    if (nat_config_parse(words, &again, &error) == 0)
        nat_config_describe(&again, twice);
    is_str(twice, words, "the description \"%s\" is parsed back to itself", words);
}

static void refuses(const char *text, const char *what, const char *hint_part)
{
    struct nat_config c = {.seed = 77};
    struct error error = {0};

    is_int(nat_config_parse(text, &c, &error), -1, "\"%s\" is refused", text);
    is_int(error.status, EX_USAGE, "with the exit status of a usage error");
    is_str(error.what, what, "by name");
    ok(strstr(error.hint, hint_part) != NULL, "with the valid words: %s", error.hint);
    is_int((int64_t)c.seed, 77, "and the configuration is untouched");
}

static void test_round_trip_of_every_behaviour(void)
{
    unsigned wrong = 0, count = 0;

    for (unsigned i = 0; i < 3 * 3 * 3 * 2 * 2 * 2; i++) {
        static const char *const words[] = {"endpoint-independent", "address", "address-port"};
        static const char *const ports[] = {"preserving", "sequential", "random"};
        char text[NAT_CONFIG_STRLEN], described[NAT_CONFIG_STRLEN];
        struct nat_config c, again;
        struct error error;

        snprintf(text, sizeof text,
                 "mapping=%s,filtering=%s,ports=%s,hairpin=%s,refresh=%s,pooling=%s", words[i % 3],
                 words[i / 3 % 3], ports[i / 9 % 3], i / 27 % 2 ? "yes" : "no",
                 i / 54 % 2 ? "both" : "outbound", i / 108 % 2 ? "arbitrary" : "paired");
        if (nat_config_parse(text, &c, &error) < 0 ||
            nat_config_parse(nat_config_describe(&c, described), &again, &error) < 0 ||
            c.mapping != again.mapping || c.filtering != again.filtering ||
            c.ports != again.ports || c.hairpin != again.hairpin ||
            c.inbound_refresh != again.inbound_refresh ||
            c.arbitrary_pooling != again.arbitrary_pooling)
            wrong++;
        count++;
    }
    is_int(wrong, 0, "all %u behaviours survive being described and parsed", count);
}

int main(void)
{
    struct nat_config c;
    struct error error;
    char longer[NAT_CONFIG_STRLEN + 1];

    means("none", NAT_KIND_NONE, NAT_ENDPOINT_INDEPENDENT, NAT_ENDPOINT_INDEPENDENT,
          NAT_PORTS_PRESERVING);
    means("cone", NAT_KIND_TRANSLATOR, NAT_ENDPOINT_INDEPENDENT, NAT_ENDPOINT_INDEPENDENT,
          NAT_PORTS_PRESERVING);
    means("address-restricted", NAT_KIND_TRANSLATOR, NAT_ENDPOINT_INDEPENDENT,
          NAT_ADDRESS_DEPENDENT, NAT_PORTS_PRESERVING);
    means("port-restricted", NAT_KIND_TRANSLATOR, NAT_ENDPOINT_INDEPENDENT,
          NAT_ADDRESS_AND_PORT_DEPENDENT, NAT_PORTS_PRESERVING);
    means("symmetric", NAT_KIND_TRANSLATOR, NAT_ADDRESS_AND_PORT_DEPENDENT,
          NAT_ADDRESS_AND_PORT_DEPENDENT, NAT_PORTS_RANDOM);
    means("firewall", NAT_KIND_FIREWALL, NAT_ENDPOINT_INDEPENDENT, NAT_ADDRESS_AND_PORT_DEPENDENT,
          NAT_PORTS_PRESERVING);
    means("mapping=address,filtering=endpoint-independent,ports=sequential", NAT_KIND_TRANSLATOR,
          NAT_ADDRESS_DEPENDENT, NAT_ENDPOINT_INDEPENDENT, NAT_PORTS_SEQUENTIAL);
    means("symmetric,ports=sequential", NAT_KIND_TRANSLATOR, NAT_ADDRESS_AND_PORT_DEPENDENT,
          NAT_ADDRESS_AND_PORT_DEPENDENT, NAT_PORTS_SEQUENTIAL);
    means("hairpin=yes", NAT_KIND_TRANSLATOR, NAT_ENDPOINT_INDEPENDENT,
          NAT_ADDRESS_AND_PORT_DEPENDENT, NAT_PORTS_PRESERVING);
    ok(nat_config_parse("blocked", &c, &error) == 0 && c.block_udp, "\"blocked\" passes no UDP");
    ok(nat_config_parse("cone,timeout=30s", &c, &error) == 0 && c.timeout == 30 * NSEC_S,
       "a timeout in seconds is read");
    ok(nat_config_parse("cone,timeout=1500ms", &c, &error) == 0 && c.timeout == 1500 * NSEC_MS,
       "a timeout in milliseconds is read");
    ok(nat_config_parse("cone,timeout=2min", &c, &error) == 0 && c.timeout == 120 * NSEC_S,
       "a timeout in minutes is read");
    ok(nat_config_parse("cone,timeout=24h", &c, &error) == 0 && c.timeout == 86400 * NSEC_S,
       "a timeout of a day is read");
    ok(nat_config_parse("cone,range=4000-4009,pool=4", &c, &error) == 0 && c.port_low == 4000 &&
           c.port_high == 4009 && c.external_count == 4,
       "a range of ports and the size of the pool are read");

    describes("cone,step=1024", "cone,step=1024");
    describes("none", "none");
    describes("blocked", "blocked");
    describes("firewall,filtering=address", "firewall,filtering=address");
    describes("mapping=endpoint-independent,filtering=address", "address-restricted");
    describes("mapping=address-port,filtering=address-port,ports=random", "symmetric");
    describes("mapping=address-port", "symmetric,ports=preserving");
    describes("mapping=address", "mapping=address,filtering=address-port");
    describes("cone,timeout=2min", "cone");
    describes("cone,timeout=90s,step=4,parity=yes,hairpin=yes",
              "cone,step=4,parity=yes,hairpin=yes,timeout=90s");
    describes("symmetric,timeout=10ms,range=1-9,refresh=both,pooling=arbitrary,pool=2",
              "symmetric,range=1-9,timeout=10ms,refresh=both,pooling=arbitrary,pool=2");
    test_round_trip_of_every_behaviour();

    refuses("conic", "\"conic\" is not a kind of NAT", "cone, address-restricted");
    refuses("", "\"\" is not a kind of NAT", "none, cone");
    refuses("cone,symmetric", "\"symmetric\" in a NAT's list is not an OPTION=VALUE", "mapping");
    refuses("cone,", "\"\" in a NAT's list is not an OPTION=VALUE", "mapping");
    refuses("maping=address", "\"maping\" is not a NAT option", "mapping, filtering, ports");
    refuses("mapping=port", "\"port\" is not a value of the NAT option mapping",
            "endpoint-independent, address, address-port");
    refuses("ports=even", "\"even\" is not a value of the NAT option ports",
            "preserving, sequential, random");
    refuses("hairpin=maybe", "\"maybe\" is not a value of the NAT option hairpin", "yes, no");
    refuses("timeout=30", "\"30\" is not a value of the NAT option timeout", "ms, s, min or h");
    refuses("timeout=0s", "\"0s\" is not a value of the NAT option timeout", "30s");
    refuses("timeout=25h", "\"25h\" is not a value of the NAT option timeout", "24h");
    refuses("timeout=99999999999999999999s",
            "\"99999999999999999999s\" is not a value of the NAT option timeout", "24h");
    refuses("step=0", "\"0\" is not a value of the NAT option step", "1 to 1024");
    refuses("step=1025", "\"1025\" is not a value of the NAT option step", "1 to 1024");
    refuses("range=9-8", "\"9-8\" is not a value of the NAT option range", "LOW-HIGH");
    refuses("range=0-8", "\"0-8\" is not a value of the NAT option range", "LOW-HIGH");
    refuses("pool=5", "\"5\" is not a value of the NAT option pool", "1 to 4");
    refuses("firewall,mapping=address",
            "a firewall translates nothing, so it has no option mapping",
            "filtering, timeout, refresh");
    refuses("none,hairpin=yes", "\"none\" takes no options", "cone");
    refuses("blocked,timeout=3s", "\"blocked\" takes no options", "cone");

    memset(longer, 'c', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ok(nat_config_parse(longer, &c, &error) < 0, "a list that is too long is refused");
    return done_testing();
}
