/* src/nat/nat.c, rule by rule of RFC 4787. */
#include "nat.h"

#include <stdlib.h>

#include "tap.h"

#define IN1 0x64400102u   /* 100.64.1.2 */
#define IN2 0x64400103u   /* 100.64.1.3 */
#define OUT1 0xcb00710au  /* 203.0.113.10 */
#define OUT2 0xcb00710bu  /* 203.0.113.11 */
#define PEER1 0xc0000201u /* 192.0.2.1 */
#define PEER2 0xc0000202u /* 192.0.2.2 */
#define T0 (1000 * NSEC_S)

static struct endpoint ep(uint32_t address, uint16_t port)
{
    return (struct endpoint){address, port};
}

static struct nat *nat_of(const char *words, uint64_t seed)
{
    struct nat_config c;
    struct error error;

    if (nat_config_parse(words, &c, &error) < 0) {
        printf("Bail out! %s\n", error.what);
        exit(1);
    }
    for (unsigned i = 0; i < NAT_POOL_MAX; i++)
        c.external[i] = OUT1 + i;
    if (c.kind == NAT_KIND_TRANSLATOR) {
        c.internal_network = 0x64400100;
        c.internal_prefix = 24;
    }
    c.max_mappings = 64;
    c.seed = seed;
    return nat_new(&c);
}

static struct nat_result out(struct nat *nat, nsec now, struct endpoint from, struct endpoint to)
{
    struct nat_result r;

    nat_outbound(nat, now, from, to, &r);
    return r;
}

static struct nat_result in(struct nat *nat, nsec now, struct endpoint from, struct endpoint to)
{
    struct nat_result r;

    nat_inbound(nat, now, from, to, &r);
    return r;
}

/* The external endpoint that INTERNAL -> TO leaves from. */
static struct endpoint mapped(struct nat *nat, struct endpoint internal, struct endpoint to)
{
    return out(nat, T0, internal, to).from;
}

static void test_mapping(void)
{
    struct nat *nat = nat_of("mapping=endpoint-independent,ports=random", 1);
    struct endpoint x = ep(IN1, 5000), first = mapped(nat, x, ep(PEER1, 1000));

    ok(endpoint_equal(mapped(nat, x, ep(PEER1, 1001)), first) &&
           endpoint_equal(mapped(nat, x, ep(PEER2, 1000)), first),
       "endpoint-independent mapping reuses the mapping for packets to any external address and "
       "port");
    ok(!endpoint_equal(mapped(nat, ep(IN1, 5001), ep(PEER1, 1000)), first),
       "another internal port has another mapping");
    nat_free(nat);

    nat = nat_of("mapping=address,ports=random", 1);
    first = mapped(nat, x, ep(PEER1, 1000));
    ok(endpoint_equal(mapped(nat, x, ep(PEER1, 1001)), first),
       "address-dependent mapping reuses the mapping for packets to the same address, whatever the "
       "port");
    ok(!endpoint_equal(mapped(nat, x, ep(PEER2, 1000)), first),
       "address-dependent mapping makes another mapping for another address");
    nat_free(nat);

    nat = nat_of("mapping=address-port,ports=random", 1);
    first = mapped(nat, x, ep(PEER1, 1000));
    ok(endpoint_equal(mapped(nat, x, ep(PEER1, 1000)), first),
       "address-and-port-dependent mapping reuses the mapping for packets to the same address and "
       "port");
    ok(!endpoint_equal(mapped(nat, x, ep(PEER1, 1001)), first) &&
           !endpoint_equal(mapped(nat, x, ep(PEER2, 1000)), first),
       "address-and-port-dependent mapping makes another mapping for another port or address");
    nat_free(nat);
}

static void test_filtering(void)
{
    struct nat *nat = nat_of("cone", 1);
    struct endpoint x = ep(IN1, 5000), external = mapped(nat, x, ep(PEER1, 1000));
    struct nat_result r = in(nat, T0, ep(PEER2, 7), external);

    ok(r.verdict == NAT_IN && endpoint_equal(r.to, x),
       "endpoint-independent filtering lets in whoever sends to the mapping");
    r = in(nat, T0, ep(PEER1, 1000), ep(OUT1, 6000));
    ok(r.verdict == NAT_DROP && r.reason == NAT_NO_MAPPING,
       "endpoint-independent filtering drops what is not destined to a mapping");
    nat_free(nat);

    nat = nat_of("address-restricted", 1);
    external = mapped(nat, x, ep(PEER1, 1000));
    is_int(in(nat, T0, ep(PEER1, 7), external).verdict, NAT_IN,
           "address-dependent filtering lets in any port of an address that X:x has sent to");
    is_int(in(nat, T0, ep(PEER2, 1000), external).reason, NAT_FILTERED_ADDRESS,
           "address-dependent filtering drops packets from an address that X:x has not sent to");
    nat_free(nat);

    nat = nat_of("port-restricted", 1);
    external = mapped(nat, x, ep(PEER1, 1000));
    is_int(in(nat, T0, ep(PEER1, 1000), external).verdict, NAT_IN,
           "address-and-port-dependent filtering lets in the endpoint that X:x has sent to");
    is_int(in(nat, T0, ep(PEER1, 1001), external).reason, NAT_FILTERED_ADDRESS_PORT,
           "address-and-port-dependent filtering drops packets from another port of its address");
    is_int(in(nat, T0, ep(PEER2, 1000), external).reason, NAT_FILTERED_ADDRESS_PORT,
           "address-and-port-dependent filtering drops packets from another address");
    nat_free(nat);

    nat = nat_of("mapping=address-port,filtering=address", 1);
    external = mapped(nat, x, ep(PEER1, 1000));
    mapped(nat, x, ep(PEER2, 1000));
    is_int(in(nat, T0, ep(PEER2, 7), external).verdict, NAT_DROP,
           "a filter belongs to the mapping that X:x has sent by, not to X:x's other mappings");
    mapped(nat, ep(IN1, 5001), ep(PEER1 + 2, 1000));
    is_int(in(nat, T0, ep(PEER1 + 2, 1000), external).verdict, NAT_DROP,
           "what another internal port has sent opens no filter of X:x");
    nat_free(nat);
}

static void test_timeout(void)
{
    struct nat *nat = nat_of("port-restricted,ports=sequential,timeout=30s", 1);
    struct endpoint x = ep(IN1, 5000), y = ep(PEER1, 1000), external = mapped(nat, x, y);
    nsec last = T0 + 30 * NSEC_S - 1;
    struct nat_result r;

    is_int(in(nat, last, y, external).verdict, NAT_IN, "a mapping lives until its timeout");
    is_int(nat_mapping_count(nat, last), 1, "a live mapping is counted");
    r = in(nat, last + 1, y, external);
    ok(r.verdict == NAT_DROP && r.reason == NAT_NO_MAPPING && r.happened == NAT_MAPPING_EXPIRED,
       "inbound packets do not refresh a mapping where the refresh is outbound only");
    is_int(nat_mapping_count(nat, last + 1), 0, "an expired mapping is not counted");
    r = out(nat, last + 1, x, y);
    is_int(r.happened, NAT_MAPPING_EXPIRED | NAT_MAPPING_CREATED | NAT_FILTER_OPENED,
           "the next outbound packet makes the expired mapping and filter anew, and tells it");
    ok(endpoint_equal(r.expired, external) && !endpoint_equal(r.from, external),
       "the new mapping of a sequential NAT has another port");
    external = r.from;
    r = out(nat, last + 20 * NSEC_S, x, y);
    is_int(r.happened, NAT_MAPPING_REFRESHED | NAT_FILTER_REFRESHED,
           "NAT outbound refresh behaviour is true (REQ-6)");
    is_int(in(nat, last + 49 * NSEC_S, y, external).verdict, NAT_IN,
           "a refreshed mapping lives a whole timeout from the refresh");
    nat_free(nat);

    nat = nat_of("port-restricted,timeout=30s", 1);
    external = mapped(nat, x, y);
    out(nat, T0 + 20 * NSEC_S, x, ep(PEER2, 1));
    r = in(nat, T0 + 30 * NSEC_S, y, external);
    ok(r.reason == NAT_FILTERED_ADDRESS_PORT && r.happened == NAT_FILTER_EXPIRED,
       "a filter expires by itself though its mapping is kept alive towards another peer");
    nat_free(nat);

    nat = nat_of("port-restricted,timeout=30s,refresh=both", 1);
    external = mapped(nat, x, y);
    r = in(nat, T0 + 20 * NSEC_S, y, external);
    is_int(r.happened, NAT_MAPPING_REFRESHED | NAT_FILTER_REFRESHED,
           "NAT inbound refresh behaviour may be true (REQ-6a)");
    is_int(in(nat, T0 + 45 * NSEC_S, y, external).verdict, NAT_IN,
           "an inbound refresh keeps the mapping alive");
    in(nat, T0 + 70 * NSEC_S, ep(PEER2, 9), external);
    is_int(in(nat, T0 + 75 * NSEC_S, y, external).verdict, NAT_DROP,
           "a packet that the filter drops refreshes nothing");
    nat_free(nat);

    nat = nat_of("cone", 1);
    external = mapped(nat, x, y);
    is_int(in(nat, T0 + 120 * NSEC_S - 1, y, external).verdict, NAT_IN,
           "by default a mapping does not expire in less than two minutes (REQ-5)");
    nat_free(nat);
}

static void test_ports(void)
{
    struct nat *nat = nat_of("symmetric,ports=preserving", 1);
    struct endpoint x = ep(IN1, 5000), e;

    is_int(mapped(nat, x, ep(PEER1, 1)).port, 5000,
           "port preservation assigns the internal port while it is free");
    is_int(mapped(nat, x, ep(PEER1, 2)).port, 5001,
           "port preservation takes the next free port when the port is taken");
    is_int(mapped(nat, ep(IN2, 5000), ep(PEER1, 1)).port, 5002,
           "port overloading does not happen: no two hosts share an external port (REQ-3)");
    is_int(mapped(nat, ep(IN1, 500), ep(PEER1, 1)).port, 500,
           "a port below 1024 is preserved (REQ-3a)");
    is_int(mapped(nat, ep(IN2, 500), ep(PEER1, 1)).port, 501,
           "a port below 1024 that is taken is replaced by one below 1024 (REQ-3a)");
    mapped(nat, ep(IN1, 65535), ep(PEER1, 1));
    is_int(mapped(nat, ep(IN2, 65535), ep(PEER1, 1)).port, 1024,
           "past the last port the search goes on at the first");
    nat_free(nat);

    nat = nat_of("cone,parity=yes", 1);
    mapped(nat, ep(IN1, 5000), ep(PEER1, 1));
    is_int(mapped(nat, ep(IN2, 5000), ep(PEER1, 1)).port, 5002,
           "parity preservation gives an even port for an even one (REQ-4)");
    mapped(nat, ep(IN1, 5001), ep(PEER1, 1));
    is_int(mapped(nat, ep(IN2, 5001), ep(PEER1, 1)).port, 5003,
           "parity preservation gives an odd port for an odd one (REQ-4)");
    nat_free(nat);

    nat = nat_of("cone,parity=yes,range=4000-4002", 1);
    mapped(nat, ep(IN1, 1), ep(PEER1, 1));
    is_int(mapped(nat, ep(IN1, 3), ep(PEER1, 1)).port, 4000,
           "when no port of the parity is free, another one is taken");
    nat_free(nat);

    nat = nat_of("symmetric,ports=sequential", 1);
    e = mapped(nat, x, ep(PEER1, 1));
    is_int(mapped(nat, x, ep(PEER1, 2)).port, e.port + 1,
           "a sequential NAT assigns the next port to the next mapping");
    nat_free(nat);

    nat = nat_of("symmetric,ports=sequential,step=3", 1);
    e = mapped(nat, x, ep(PEER1, 1));
    is_int(mapped(nat, x, ep(PEER1, 2)).port, e.port + 3, "a sequential NAT goes by its step");
    nat_free(nat);

    nat = nat_of("symmetric,ports=sequential,step=3,range=4000-4008", 1);
    for (uint16_t i = 0; i < 9; i++)
        mapped(nat, x, ep(PEER1, 1 + i));
    is_int(nat_mapping_count(nat, T0), 9, "a step that divides the range still finds every port");
    nat_free(nat);
}

static void test_exhaustion(void)
{
    struct nat *nat = nat_of("symmetric,range=4000-4003", 1);
    struct endpoint x = ep(IN1, 5000);
    struct nat_config c;
    struct error error;
    struct nat_result r;

    for (uint16_t i = 0; i < 4; i++)
        out(nat, T0 + i, x, ep(PEER1, 1 + i));
    r = out(nat, T0 + 9, x, ep(PEER1, 9));
    ok(r.verdict == NAT_DROP && r.reason == NAT_NO_FREE_PORT && endpoint_equal(r.from, x),
       "when every port is taken, a packet that needs a new mapping is dropped and told");
    is_int(out(nat, T0 + 9, x, ep(PEER1, 1)).verdict, NAT_OUT,
           "when every port is taken, the mappings that stand go on");
    r = out(nat, T0 + 120 * NSEC_S + 1, x, ep(PEER1, 9));
    ok(r.verdict == NAT_OUT && r.from.port >= 4000 && r.from.port <= 4003,
       "an expired mapping's port is free again");
    nat_free(nat);

    nat = nat_of("symmetric", 1);
    for (uint16_t i = 0; i < 64; i++)
        out(nat, T0, x, ep(PEER1, 1 + i));
    is_int(out(nat, T0, x, ep(PEER1, 100)).reason, NAT_TABLE_FULL,
           "a full table drops a packet that needs a new mapping, and evicts nothing");
    is_int(nat_mapping_count(nat, T0), 64, "a table holds what it is made for");
    for (uint16_t i = 0; i < 64; i++)
        out(nat, T0 + 120 * NSEC_S, x, ep(PEER2, 1 + i));
    is_int(nat_mapping_count(nat, T0 + 120 * NSEC_S), 64,
           "a table full of expired mappings has room for as many new ones");
    nat_free(nat);

    nat_config_parse("port-restricted", &c, &error);
    c.external[0] = OUT1;
    c.max_mappings = 1;
    nat = nat_new(&c);
    for (uint16_t i = 0; i < 4; i++)
        out(nat, T0, x, ep(PEER1, 1 + i));
    is_int(out(nat, T0, x, ep(PEER1, 9)).reason, NAT_TABLE_FULL,
           "a full table of filters drops a packet that needs a new filter");
    for (uint16_t i = 0; i < 4; i++)
        out(nat, T0 + 120 * NSEC_S, x, ep(PEER2, 1 + i));
    is_int(in(nat, T0 + 120 * NSEC_S, ep(PEER2, 4), ep(OUT1, 5000)).verdict, NAT_IN,
           "a table full of expired filters has room for as many new ones");
    nat_free(nat);
}

static void test_pooling(void)
{
    struct nat *nat = nat_of("symmetric,pool=2", 1);

    ok(mapped(nat, ep(IN1, 1), ep(PEER1, 1)).address == OUT1 &&
           mapped(nat, ep(IN2, 1), ep(PEER1, 1)).address == OUT2,
       "hosts are spread over the pool");
    ok(mapped(nat, ep(IN1, 2), ep(PEER2, 1)).address == OUT1 &&
           mapped(nat, ep(IN2, 2), ep(PEER2, 1)).address == OUT2,
       "paired pooling gives one internal address the same external address for all its mappings "
       "(REQ-2)");
    nat_free(nat);

    nat = nat_of("cone,pool=2,pooling=arbitrary", 1);
    ok(mapped(nat, ep(IN1, 1), ep(PEER1, 1)).address !=
           mapped(nat, ep(IN1, 2), ep(PEER1, 1)).address,
       "arbitrary pooling gives one internal address different external addresses");
    is_int(mapped(nat, ep(IN1, 3), ep(PEER1, 1)).port, 3, "each address of a pool has every port");
    is_int(in(nat, T0, ep(PEER2, 7), ep(OUT2, 2)).verdict, NAT_IN,
           "a mapping on the second address is reached there");
    nat_free(nat);
}

static void test_hairpin(void)
{
    struct nat *nat = nat_of("cone,hairpin=yes", 1);
    struct endpoint x1 = ep(IN1, 5000), x2 = ep(IN2, 6000);
    struct endpoint e1, e2 = mapped(nat, x2, ep(PEER1, 1));
    struct nat_result r = out(nat, T0, x1, e2);
    char text[NAT_RESULT_STRLEN];

    ok(r.verdict == NAT_HAIRPIN && endpoint_equal(r.to, x2),
       "a NAT that supports hairpinning turns a packet to an own mapping back in (REQ-9)");
    ok(endpoint_equal(r.from, ep(OUT1, 5000)),
       "a hairpinned packet has the external source IP address and port (REQ-9a)");
    is_int(out(nat, T0, x1, ep(OUT1, 9999)).reason, NAT_NO_MAPPING,
           "a packet to an own external address without a mapping is dropped");
    r = out(nat, T0, x1, ep(OUT1, 5000));
    ok(r.verdict == NAT_HAIRPIN && endpoint_equal(r.to, x1) && endpoint_equal(r.from, r.external),
       "a host reaches itself by hairpinning");
    nat_free(nat);

    nat = nat_of("port-restricted,hairpin=yes", 1);
    e1 = mapped(nat, x1, ep(PEER1, 1));
    e2 = mapped(nat, x2, ep(PEER1, 1));
    r = out(nat, T0, x1, e2);
    ok(r.verdict == NAT_DROP && r.reason == NAT_FILTERED_ADDRESS_PORT &&
           (r.happened & NAT_FILTER_OPENED),
       "filtering applies to hairpinned packets, and the sender's filter opens all the same");
    is_str(nat_result_text(&r, text),
           "filter opened towards 203.0.113.10:6000; discarded: nothing was sent to "
           "203.0.113.10:5000",
           "a hairpinned packet that is filtered is told by its external source");
    is_int(out(nat, T0, x2, e1).verdict, NAT_HAIRPIN,
           "two hosts behind one NAT punch through it from both sides");
    nat_free(nat);

    nat = nat_of("cone", 1);
    e2 = mapped(nat, x2, ep(PEER1, 1));
    r = out(nat, T0, x1, e2);
    ok(r.verdict == NAT_DROP && r.reason == NAT_HAIRPIN_OFF && r.happened == 0,
       "without hairpinning a packet to an own external address is dropped and changes nothing");
    nat_free(nat);
}

static void test_firewall(void)
{
    struct nat *nat = nat_of("firewall", 1);
    struct endpoint x = ep(OUT1, 5000), y = ep(PEER1, 1000);
    struct nat_result r = in(nat, T0, y, x);
    char text[NAT_RESULT_STRLEN];

    is_int(r.reason, NAT_NO_MAPPING, "a firewall drops what nobody inside asked for");
    r = out(nat, T0, x, y);
    ok(r.verdict == NAT_OUT && endpoint_equal(r.from, x), "a firewall translates nothing");
    is_str(nat_result_text(&r, text), "filter opened towards 192.0.2.1:1000",
           "a firewall's result speaks of no mapping");
    r = in(nat, T0, y, x);
    ok(r.verdict == NAT_IN && endpoint_equal(r.to, x), "a firewall lets the answer in");
    is_int(in(nat, T0, ep(PEER1, 1001), x).verdict, NAT_DROP,
           "a firewall filters by address and port unless told otherwise");
    is_int(in(nat, T0 + 120 * NSEC_S, y, x).verdict, NAT_DROP, "a firewall's state expires");
    nat_free(nat);

    nat = nat_of("none", 1);
    r = in(nat, T0, y, x);
    ok(r.verdict == NAT_IN && endpoint_equal(r.to, x) && r.happened == 0,
       "no NAT and no firewall lets everything in");
    r = out(nat, T0, x, y);
    ok(r.verdict == NAT_OUT && endpoint_equal(r.from, x) && r.happened == 0,
       "no NAT and no firewall lets everything out as it is");
    nat_free(nat);

    nat = nat_of("blocked", 1);
    is_int(out(nat, T0, ep(IN1, 5000), y).reason, NAT_UDP_BLOCKED,
           "a network that blocks UDP lets none out");
    is_int(in(nat, T0, y, ep(OUT1, 5000)).reason, NAT_UDP_BLOCKED,
           "a network that blocks UDP lets none in");
    nat_free(nat);

    nat = nat_of("cone", 1);
    is_int(out(nat, T0, ep(0x64400202, 5000), y).reason, NAT_SOURCE_NOT_INSIDE,
           "a source that is not of the internal network is dropped");
    nat_free(nat);
}

static void test_icmp(void)
{
    struct nat *nat = nat_of("symmetric,timeout=30s", 1);
    struct endpoint x = ep(IN1, 5000), y = ep(PEER1, 1000), external = mapped(nat, x, y), got = {0};

    ok(nat_error_inbound(nat, T0, external, y, &got) && endpoint_equal(got, x),
       "an ICMP error about a packet that went out reaches its sender");
    ok(!nat_error_inbound(nat, T0, external, ep(PEER2, 1000), &got),
       "an ICMP error about a packet that the mapping cannot have carried is dropped");
    ok(!nat_error_inbound(nat, T0, external, ep(PEER1, 1001), &got),
       "an ICMP error about another port than the mapping's is dropped");
    ok(!nat_error_inbound(nat, T0, ep(OUT1, 1), y, &got),
       "an ICMP error about an endpoint without a mapping is dropped");
    ok(nat_error_outbound(nat, T0, y, x, &got) && endpoint_equal(got, external),
       "an ICMP error of an internal host about a packet that came in goes out translated");
    ok(!nat_error_outbound(nat, T0, ep(PEER2, 1), x, &got),
       "an ICMP error about a packet that cannot have come in is dropped");
    is_int(out(nat, T0 + 29 * NSEC_S, x, y).happened & NAT_MAPPING_REFRESHED, NAT_MAPPING_REFRESHED,
           "ICMP does not terminate the mapping (REQ-12)");
    ok(!nat_error_inbound(nat, T0 + 59 * NSEC_S, external, y, &got),
       "ICMP does not refresh the mapping");
    nat_free(nat);

    nat = nat_of("cone", 1);
    external = mapped(nat, x, y);
    ok(nat_error_inbound(nat, T0, external, ep(PEER2, 9), &got) && endpoint_equal(got, x),
       "an ICMP error about any destination fits an endpoint-independent mapping");
    nat_free(nat);

    nat = nat_of("none", 1);
    ok(nat_error_inbound(nat, T0, x, y, &got) && endpoint_equal(got, x) &&
           nat_error_outbound(nat, T0, y, x, &got) && endpoint_equal(got, x),
       "without a NAT an ICMP error passes as it is");
    nat_free(nat);
}

static void test_determinism(void)
{
    struct nat *one = nat_of("symmetric", 7), *same = nat_of("symmetric", 7),
               *other = nat_of("symmetric", 8);
    bool equal = true, different = false;

    for (uint16_t i = 0; i < 32; i++) {
        struct endpoint a = mapped(one, ep(IN1, 5000), ep(PEER1, 1 + i));

        equal = equal && endpoint_equal(mapped(same, ep(IN1, 5000), ep(PEER1, 1 + i)), a);
        different = different || !endpoint_equal(mapped(other, ep(IN1, 5000), ep(PEER1, 1 + i)), a);
    }
    ok(equal, "the same seed assigns the same random ports (REQ-11: behaviour is deterministic)");
    ok(different, "another seed assigns other ports");
    nat_free(one);
    nat_free(same);
    nat_free(other);
    nat_free(NULL);
}

static void test_text(void)
{
    struct nat *nat = nat_of("address-restricted", 1);
    char text[NAT_RESULT_STRLEN];
    struct nat_result r = out(nat, T0, ep(IN1, 5000), ep(PEER1, 3544));

    is_str(nat_result_text(&r, text),
           "mapping made, 100.64.1.2:5000 is 203.0.113.10:5000 outside; filter opened towards "
           "192.0.2.1",
           "what a NAT did for an outbound packet is told in words");
    r = out(nat, T0, ep(IN1, 5000), ep(PEER1, 3544));
    is_str(nat_result_text(&r, text), "let out", "a packet that changes nothing was let out");
    r = in(nat, T0, ep(PEER1, 9), ep(OUT1, 5000));
    is_str(nat_result_text(&r, text), "let in", "a packet was let in");
    r = in(nat, T0, ep(PEER2, 9), ep(OUT1, 5000));
    is_str(nat_result_text(&r, text), "discarded: nothing was sent to 192.0.2.2",
           "a filtered packet is told with what would have let it in");
    r = in(nat, T0 + 200 * NSEC_S, ep(PEER1, 9), ep(OUT1, 5000));
    is_str(nat_result_text(&r, text),
           "mapping 203.0.113.10:5000 had expired; discarded: no mapping at 203.0.113.10:5000",
           "an expired mapping is told");
    r = out(nat, T0 + 200 * NSEC_S, ep(IN1, 5000), ep(PEER1, 3544));
    is_str(nat_result_text(&r, text),
           "mapping 203.0.113.10:5000 had expired; mapping made, 100.64.1.2:5000 is "
           "203.0.113.10:5000 outside; filter opened again towards 192.0.2.1",
           "a mapping that expired and was made again is told");
    nat_free(nat);
}

int main(void)
{
    test_mapping();
    test_filtering();
    test_timeout();
    test_ports();
    test_exhaustion();
    test_pooling();
    test_hairpin();
    test_firewall();
    test_icmp();
    test_determinism();
    test_text();
    return done_testing();
}
