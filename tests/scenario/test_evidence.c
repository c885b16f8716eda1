/* The evidence of a classification: what each test sent, what came back, and what that shows. The
 * path loses nothing and takes 50 ms, so that each line is as sure as the findings. */
#include <stdlib.h>

#include "classify.h"
#include "tap.h"
#include "world.h"

#define RTT (50 * NSEC_MS)

enum {
    EXTRA_PORT = 3546,
    LINE = 256
};

struct run {
    struct world *world;
    struct classify engine;
    struct endpoint local[WORLD_SOCKETS];
    bool done;
    struct classification result;
    char lines[1 + CLASSIFY_EVIDENCE][LINE]; /* the result, then its evidence */
};

static void on_event(void *context, const struct event *e)
{
    struct run *r = context;

    if (e->kind != EVENT_CLASSIFICATION)
        return;
    r->done = true;
    r->result = *e->classification;
}

static const char *const sockets[CLASSIFY_SOCKETS] = {
    "X",    "Y",     "D0",    "D1",    "F0",    "F1",    "F2",    "F3",  "ANY0",
    "ANY1", "PORT0", "PORT1", "OPEN0", "OPEN1", "NEAR0", "NEAR1", "HOPS"};

/* A local endpoint is named by its socket, an external one likewise with a star: the NATs here keep
 * ports. */
static const char *name_of(const struct run *r, struct endpoint e, char out[static 32])
{
    for (unsigned address = 0; address < 2; address++)
        for (unsigned extra = 0; extra < 2; extra++) {
            struct endpoint at = world_server(0, address);

            at.port = extra ? EXTRA_PORT : at.port;
            if (endpoint_equal(e, at)) {
                snprintf(out, 32, "%s%s", address == 0 ? "P" : "S", extra ? "'" : "");
                return out;
            }
        }
    for (unsigned i = 0; i < CLASSIFY_SOCKETS; i++)
        if (e.port == r->local[i].port &&
            (e.address == r->local[i].address || e.address == WORLD_OUTSIDE_A)) {
            snprintf(out, 32, "%s%s", sockets[i], e.address == WORLD_OUTSIDE_A ? "*" : "");
            return out;
        }
    return endpoint_is_unset(e) ? "-" : endpoint_format(e, out);
}

static const char *port_name(const struct run *r, uint16_t port)
{
    for (unsigned i = 0; i < CLASSIFY_SOCKETS; i++)
        if (port == r->local[i].port)
            return sockets[i];
    return "-";
}

/* TEST PORT to TO from ANSWER: SENT/ANSWERED at START ms after DELAY ms, seen A B, references N/M,
 * paired, whether the odds that loss explains a silence were looked at: PROOF. */
static void describe(const struct run *r, const struct classify_evidence *e, char out[static LINE])
{
    char to[32], answer[32], one[32], two[32];
    int n = snprintf(out, LINE, "%s %s to %s from %s: %u/%u at %.0f after %.0f",
                     code_of(&classify_tests, e->test), port_name(r, e->port),
                     name_of(r, e->to, to), name_of(r, e->answer, answer), e->sent, e->answered,
                     nsec_seconds(e->sent_at) * 1e3, nsec_seconds(e->delay) * 1e3);

    if (!endpoint_is_unset(e->seen[0]) || !endpoint_is_unset(e->seen[1]))
        n += snprintf(out + n, LINE - (size_t)n, ", saw %s %s", name_of(r, e->seen[0], one),
                      name_of(r, e->seen[1], two));
    if (e->references > 0)
        n += snprintf(out + n, LINE - (size_t)n, ", beside %u/%u", e->references_answered,
                      e->references);
    if (e->answered == 0 && e->paired > 0)
        n += snprintf(out + n, LINE - (size_t)n, ", missed %u", e->paired);
    if (e->odds > 0)
        n += snprintf(out + n, LINE - (size_t)n, ", odds %s",
                      e->odds < CLASSIFY_ODDS ? "low" : "high");
    if (e->port_count > 0)
        n += snprintf(out + n, LINE - (size_t)n, ", %u ports", e->port_count);
    snprintf(out + n, LINE - (size_t)n, ": %s", text_of(&classify_proofs, e->proof));
}

/* The findings with few words, and the figures: packets sent/received, references sent/answered,
 * round trip and time in ms. */
static void describe_result(const struct run *r, char out[static LINE])
{
    const struct classification *c = &r->result;
    char local[32], one[32], two[32];

    snprintf(out, LINE,
             "%s, reach %s, NAT %s, mapping %s, filtering %s, ports %u step %d, hairpin %d; %s is "
             "%s and %s; %u/%u, references %u/%u, odds %s, %.0f ms, %.0f ms",
             code_of(&classify_verdicts, c->verdict), code_of(&classify_reaches, c->reach),
             code_of(&nat_names, c->nat), code_of(&nat_dependences, c->mapping),
             code_of(&nat_dependences, c->filtering), (unsigned)c->ports, c->port_step,
             (int)c->hairpinning, name_of(r, c->local, local), name_of(r, c->mapped, one),
             name_of(r, c->mapped_secondary, two), c->sent, c->received, c->references,
             c->references_answered,
             c->error_odds == 0                   ? "0"
             : c->error_odds < 10 * CLASSIFY_ODDS ? "low"
                                                  : "high",
             nsec_seconds(c->rtt) * 1e3, nsec_seconds(c->elapsed) * 1e3);
}

static struct world_config calm(const char *word)
{
    struct world_config c = {.nat = {word, "none"}, .seed = 7};

    for (int i = 0; i < WORLD_SITES; i++)
        c.leg[i].delay = RTT / 4;
    return c;
}

static void run_classify(struct run *r, const struct world_config *config)
{
    struct classify_config c = {
        .server = world_server(0, 0),
        .secondary = world_server(0, 1),
        .local = r->local,
        .extra_port = config->extra_port,
        .timeout = 3 * NSEC_S,
    };

    memset(r, 0, sizeof *r);
    r->world = world_new(config);
    memcpy(r->local, r->world->hosts[WORLD_A].local, sizeof r->local);
    classify_init(&r->engine, &c);
    world_start(r->world, WORLD_A, &r->engine.engine, on_event, r);
    world_run(r->world, &r->done, r->world->now + 120 * NSEC_S);
    world_free(r->world);
    for (unsigned i = 0; i < r->result.evidence_count; i++)
        describe(r, &r->result.evidence[i], r->lines[1 + i]);
    describe_result(r, r->lines[0]);
}

struct story {
    const char *name, *nat;
    enum world_service primary, secondary;
    bool extra;
    const char *lines[1 + CLASSIFY_EVIDENCE];
};

static const struct story stories[] = {
    {"a cone NAT that hairpins",
     "cone,hairpin=yes",
     WORLD_SERVES,
     WORLD_SERVES,
     false,
     {"classified, reach both_answered, NAT cone, mapping endpoint_independent, filtering "
      "endpoint_independent, ports 1 step 0, hairpin 1; X is X* and X*; 53/29, references 7/7, "
      "odds 0, 50 ms, 155 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 13/9 at 0 after 50, saw X* X*: the mapping does not depend on the "
      "destination",
      "mapping Y to S from S: 7/3 at 0 after 50, saw Y* Y*: the mapping does not depend on the "
      "destination",
      "filtering_any ANY0 to P from S: 1/1 at 50 after 50, saw ANY0* -, beside 2/2: an address to "
      "which this port never sent gets in",
      "filtering_any ANY1 to P from S: 1/1 at 50 after 50, saw ANY1* -, beside 2/2: an address to "
      "which this port never sent gets in",
      "filtering_other_port PORT0 to P from S: 1/1 at 50 after 50, saw PORT0* -, beside 2/2: once "
      "an address was sent to, all its ports get in",
      "filtering_other_port PORT1 to P from S: 1/1 at 50 after 50, saw PORT1* -, beside 2/2: once "
      "an address was sent to, all its ports get in",
      "filtering_control OPEN0 to P from S: 1/1 at 50 after 50, saw OPEN0* -: the server does "
      "answer this way: silence of the tests means the NAT",
      "filtering_control OPEN1 to P from S: 1/1 at 50 after 50, saw OPEN1* -: the server does "
      "answer this way: silence of the tests means the NAT",
      "port_allocation - to - from -: 10/10 at 0 after 0, 10 ports: the external port is the local "
      "one",
      "pooling - to - from -: 10/10 at 0 after 0, saw X* -: all these ports of this host had one "
      "external address",
      "hairpinning Y to Y* from X*: 2/2 at 105 after 0: ports of this host reach each other by "
      "external endpoints"}},
    {"an address-restricted NAT with sequential ports",
     "address-restricted,ports=sequential",
     WORLD_SERVES,
     WORLD_SERVES,
     false,
     {"classified, reach both_answered, NAT address_restricted, mapping endpoint_independent, "
      "filtering address_dependent, ports 2 step 1, hairpin 2; X is 203.0.113.10:47569 and "
      "203.0.113.10:47569; 123/78, references 27/27, odds low, 50 ms, 290 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 19/19 at 0 after 50, saw 203.0.113.10:47569 203.0.113.10:47569: the "
      "mapping does not depend on the destination",
      "mapping Y to S from S: 13/13 at 0 after 50, saw 203.0.113.10:47570 203.0.113.10:47570: the "
      "mapping does not depend on the destination",
      "filtering_any ANY0 to P from S: 8/0 at 50 after 0, beside 16/16, missed 8, odds low: an "
      "address to which this port never sent does not get in",
      "filtering_any ANY1 to P from S: 8/0 at 50 after 0, beside 16/16, missed 8, odds low: an "
      "address to which this port never sent does not get in",
      "filtering_other_port PORT0 to P from S: 8/8 at 50 after 50, saw 203.0.113.10:47579 -, "
      "beside 16/16: once an address was sent to, all its ports get in",
      "filtering_other_port PORT1 to P from S: 8/8 at 50 after 50, saw 203.0.113.10:47580 -, "
      "beside 16/16: once an address was sent to, all its ports get in",
      "filtering_control OPEN0 to P from S: 8/8 at 50 after 50, saw 203.0.113.10:47581 -: the "
      "server does answer this way: silence of the tests means the NAT",
      "filtering_control OPEN1 to P from S: 8/8 at 50 after 50, saw 203.0.113.10:47582 -: the "
      "server does answer this way: silence of the tests means the NAT",
      "port_allocation - to - from -: 10/10 at 0 after 0, 10 ports: each new mapping takes the "
      "next port",
      "pooling - to - from -: 10/10 at 0 after 0, saw 203.0.113.10:47569 -: all these ports of "
      "this host had one external address",
      "hairpinning Y to 203.0.113.10:47570 from -: 12/0 at 105 after 0, beside 16/16, missed 8, "
      "odds low: ports of this host do not reach each other by external endpoints",
      "unsolicited D0 to P from P: 1/1 at 240 after 50, saw 203.0.113.10:47571 203.0.113.10:47571: "
      "what came unasked did not change the mapping",
      "unsolicited D1 to P from P: 1/1 at 240 after 50, saw 203.0.113.10:47572 203.0.113.10:47572: "
      "what came unasked did not change the mapping"}},
    {"a port-restricted NAT, a server of two ports",
     "port-restricted",
     WORLD_SERVES,
     WORLD_SERVES,
     true,
     {"classified, reach both_answered, NAT port_restricted, mapping endpoint_independent, "
      "filtering address_and_port_dependent, ports 1 step 0, hairpin 2; X is X* and X*; 131/64, "
      "references 27/27, odds low, 50 ms, 290 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 19/19 at 0 after 50, saw X* X*: the mapping does not depend on the "
      "destination",
      "mapping Y to S from S: 13/13 at 0 after 50, saw Y* Y*: the mapping does not depend on the "
      "destination",
      "mapping_by_port X to P' from P': 16/16 at 0 after 50, saw X* X*: the mapping does not "
      "depend on the destination",
      "mapping_by_port F1 to P' from P': 2/2 at 0 after 50, saw F1* F1*: the mapping does not "
      "depend on the destination",
      "filtering_any ANY0 to P from S: 8/0 at 50 after 0, beside 16/16, missed 8, odds low: an "
      "address to which this port never sent does not get in",
      "filtering_any ANY1 to P from S: 8/0 at 50 after 0, beside 16/16, missed 8, odds low: an "
      "address to which this port never sent does not get in",
      "filtering_other_port PORT0 to P from S: 8/0 at 50 after 0, beside 16/16, missed 8, odds "
      "low: another port of an address that was sent to does not get in",
      "filtering_other_port PORT1 to P from S: 8/0 at 50 after 0, beside 16/16, missed 8, odds "
      "low: another port of an address that was sent to does not get in",
      "filtering_control OPEN0 to P from S: 8/8 at 50 after 50, saw OPEN0* -: the server does "
      "answer this way: silence of the tests means the NAT",
      "filtering_control OPEN1 to P from S: 8/8 at 50 after 50, saw OPEN1* -: the server does "
      "answer this way: silence of the tests means the NAT",
      "port_allocation - to - from -: 10/10 at 0 after 0, 10 ports: the external port is the local "
      "one",
      "pooling - to - from -: 10/10 at 0 after 0, saw X* -: all these ports of this host had one "
      "external address",
      "hairpinning Y to Y* from -: 12/0 at 105 after 0, beside 16/16, missed 8, odds low: ports of "
      "this host do not reach each other by external endpoints",
      "unsolicited D0 to P from P: 1/1 at 240 after 50, saw D0* D0*: what came unasked did not "
      "change the mapping",
      "unsolicited D1 to P from P: 1/1 at 240 after 50, saw D1* D1*: what came unasked did not "
      "change the mapping"}},
    {"a symmetric NAT",
     "symmetric,ports=preserving",
     WORLD_SERVES,
     WORLD_SERVES,
     false,
     {"classified, reach both_answered, NAT symmetric, mapping endpoint_dependent, filtering "
      "endpoint_dependent, ports 1 step 0, hairpin 0; X is X* and 203.0.113.10:40002; 90/55, "
      "references 25/25, odds low, 50 ms, 280 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 18/18 at 0 after 50, saw X* 203.0.113.10:40002: the mapping depends "
      "on the destination",
      "mapping Y to S from S: 12/12 at 0 after 50, saw Y* 203.0.113.10:40004: the mapping depends "
      "on the destination",
      "filtering_any ANY0 to P from S: 4/0 at 50 after 0, beside 0/2, odds high: nothing, by "
      "itself",
      "filtering_any ANY1 to P from S: 4/0 at 50 after 0, beside 0/2, odds high: nothing, by "
      "itself",
      "filtering_other_port PORT0 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, "
      "by itself",
      "filtering_other_port PORT1 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, "
      "by itself",
      "filtering_control OPEN0 to P from S: 1/0 at 50 after 0: nothing, by itself",
      "filtering_control OPEN1 to P from S: 1/0 at 50 after 0: nothing, by itself",
      "relayed_any D0 to P from P: 9/0 at 65 after 0, beside 17/17, missed 9, odds low: an address "
      "to which this port never sent does not get in",
      "relayed_any D1 to P from P: 9/0 at 65 after 0, beside 17/17, missed 9, odds low: an address "
      "to which this port never sent does not get in",
      "relayed_control Y to P from P: 9/9 at 65 after 50: the server does answer this way: silence "
      "of the tests means the NAT",
      "relayed_control F0 to P from P: 8/8 at 120 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "port_allocation - to - from -: 10/10 at 0 after 0, 10 ports: the external port is the local "
      "one",
      "pooling - to - from -: 10/10 at 0 after 0, saw X* -: all these ports of this host had one "
      "external address"}},
    {"mapping and filtering by address, a server of two ports",
     "mapping=address,filtering=address,ports=preserving",
     WORLD_SERVES,
     WORLD_SERVES,
     true,
     {"classified, reach both_answered, NAT symmetric, mapping address_dependent, filtering "
      "address_dependent, ports 1 step 0, hairpin 0; X is X* and 203.0.113.10:40002; 119/86, "
      "references 23/23, odds low, 50 ms, 265 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 17/17 at 0 after 50, saw X* 203.0.113.10:40002: the mapping depends "
      "on the destination",
      "mapping Y to S from S: 11/11 at 0 after 50, saw Y* 203.0.113.10:40004: the mapping depends "
      "on the destination",
      "mapping_by_port X to P' from P': 14/14 at 0 after 50, saw X* X*: the mapping depends on the "
      "address, not on the port",
      "mapping_by_port F1 to P' from P': 2/2 at 0 after 50, saw F1* F1*: the mapping depends on "
      "the address, not on the port",
      "filtering_any ANY0 to P from S: 4/0 at 50 after 0, beside 0/2, odds high: nothing, by "
      "itself",
      "filtering_any ANY1 to P from S: 4/0 at 50 after 0, beside 0/2, odds high: nothing, by "
      "itself",
      "filtering_other_port PORT0 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, "
      "by itself",
      "filtering_other_port PORT1 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, "
      "by itself",
      "filtering_control OPEN0 to P from S: 1/0 at 50 after 0: nothing, by itself",
      "filtering_control OPEN1 to P from S: 1/0 at 50 after 0: nothing, by itself",
      "relayed_any D0 to P from P: 8/0 at 65 after 0, beside 16/16, missed 8, odds low: an address "
      "to which this port never sent does not get in",
      "relayed_any D1 to P from P: 8/0 at 65 after 0, beside 16/16, missed 8, odds low: an address "
      "to which this port never sent does not get in",
      "relayed_other_port Y to P' from P': 8/8 at 65 after 50, beside 16/16: once an address was "
      "sent to, all its ports get in",
      "relayed_other_port F0 to P' from P': 8/8 at 65 after 50, beside 16/16: once an address was "
      "sent to, all its ports get in",
      "relayed_control Y to P from P: 8/8 at 65 after 50: the server does answer this way: silence "
      "of the tests means the NAT",
      "relayed_control F0 to P from P: 8/8 at 65 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "relayed_control F1 to P' from P': 8/8 at 65 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "relayed_control X to P' from P': 8/8 at 65 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "port_allocation - to - from -: 10/10 at 0 after 0, 10 ports: the external port is the local "
      "one",
      "pooling - to - from -: 10/10 at 0 after 0, saw X* -: all these ports of this host had one "
      "external address"}},
    {"mapping by address, filtering by port, a server of two ports",
     "mapping=address,filtering=address-port,ports=preserving",
     WORLD_SERVES,
     WORLD_SERVES,
     true,
     {"classified, reach both_answered, NAT symmetric, mapping address_dependent, filtering "
      "address_and_port_dependent, ports 1 step 0, hairpin 0; X is X* and 203.0.113.10:40002; "
      "119/70, references 23/23, odds low, 50 ms, 265 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 17/17 at 0 after 50, saw X* 203.0.113.10:40002: the mapping depends "
      "on the destination",
      "mapping Y to S from S: 11/11 at 0 after 50, saw Y* 203.0.113.10:40004: the mapping depends "
      "on the destination",
      "mapping_by_port X to P' from P': 14/14 at 0 after 50, saw X* X*: the mapping depends on the "
      "address, not on the port",
      "mapping_by_port F1 to P' from P': 2/2 at 0 after 50, saw F1* F1*: the mapping depends on "
      "the address, not on the port",
      "filtering_any ANY0 to P from S: 4/0 at 50 after 0, beside 0/2, odds high: nothing, by "
      "itself",
      "filtering_any ANY1 to P from S: 4/0 at 50 after 0, beside 0/2, odds high: nothing, by "
      "itself",
      "filtering_other_port PORT0 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, "
      "by itself",
      "filtering_other_port PORT1 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, "
      "by itself",
      "filtering_control OPEN0 to P from S: 1/0 at 50 after 0: nothing, by itself",
      "filtering_control OPEN1 to P from S: 1/0 at 50 after 0: nothing, by itself",
      "relayed_any D0 to P from P: 8/0 at 65 after 0, beside 16/16, missed 8, odds low: an address "
      "to which this port never sent does not get in",
      "relayed_any D1 to P from P: 8/0 at 65 after 0, beside 16/16, missed 8, odds low: an address "
      "to which this port never sent does not get in",
      "relayed_other_port Y to P' from P': 8/0 at 65 after 0, beside 16/16, missed 8, odds low: "
      "another port of an address that was sent to does not get in",
      "relayed_other_port F0 to P' from P': 8/0 at 65 after 0, beside 16/16, missed 8, odds low: "
      "another port of an address that was sent to does not get in",
      "relayed_control Y to P from P: 8/8 at 65 after 50: the server does answer this way: silence "
      "of the tests means the NAT",
      "relayed_control F0 to P from P: 8/8 at 65 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "relayed_control F1 to P' from P': 8/8 at 65 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "relayed_control X to P' from P': 8/8 at 65 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "port_allocation - to - from -: 10/10 at 0 after 0, 10 ports: the external port is the local "
      "one",
      "pooling - to - from -: 10/10 at 0 after 0, saw X* -: all these ports of this host had one "
      "external address"}},
    {"a symmetric NAT that lets anyone in, a server of two ports",
     "mapping=address-port,filtering=endpoint-independent,ports=preserving",
     WORLD_SERVES,
     WORLD_SERVES,
     true,
     {"classified, reach both_answered, NAT symmetric, mapping address_and_port_dependent, "
      "filtering endpoint_independent, ports 1 step 0, hairpin 2; X is X* and 203.0.113.10:40002; "
      "75/58, references 27/27, odds low, 50 ms, 295 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 19/19 at 0 after 50, saw X* 203.0.113.10:40002: the mapping depends "
      "on the destination",
      "mapping Y to S from S: 13/13 at 0 after 50, saw Y* 203.0.113.10:40004: the mapping depends "
      "on the destination",
      "mapping_by_port X to P' from P': 16/16 at 0 after 50, saw X* 203.0.113.10:40005: the "
      "mapping depends on the port as well",
      "mapping_by_port F1 to P' from P': 2/2 at 0 after 50, saw F1* 203.0.113.10:30506: the "
      "mapping depends on the port as well",
      "filtering_any ANY0 to P from S: 2/2 at 50 after 50, saw ANY0* -, beside 2/2: an address to "
      "which this port never sent gets in",
      "filtering_any ANY1 to P from S: 2/2 at 50 after 50, saw ANY1* -, beside 2/2: an address to "
      "which this port never sent gets in",
      "filtering_other_port PORT0 to P from S: 1/1 at 50 after 50, saw 203.0.113.10:31011 -, "
      "beside 2/2: once an address was sent to, all its ports get in",
      "filtering_other_port PORT1 to P from S: 1/1 at 50 after 50, saw 203.0.113.10:31112 -, "
      "beside 2/2: once an address was sent to, all its ports get in",
      "filtering_control OPEN0 to P from S: 1/1 at 50 after 50, saw 203.0.113.10:31213 -: the "
      "server does answer this way: silence of the tests means the NAT",
      "filtering_control OPEN1 to P from S: 1/1 at 50 after 50, saw 203.0.113.10:31314 -: the "
      "server does answer this way: silence of the tests means the NAT",
      "relayed_any D0 to P from P: 1/1 at 65 after 50, beside 2/2: an address to which this port "
      "never sent gets in",
      "relayed_any D1 to P from P: 1/1 at 65 after 50, beside 2/2: an address to which this port "
      "never sent gets in",
      "relayed_other_port Y to P' from P': 1/1 at 65 after 50, beside 2/2: once an address was "
      "sent to, all its ports get in",
      "relayed_other_port F0 to P' from P': 1/1 at 65 after 50, beside 2/2: once an address was "
      "sent to, all its ports get in",
      "relayed_control Y to P from P: 1/1 at 65 after 50: the server does answer this way: silence "
      "of the tests means the NAT",
      "relayed_control F0 to P from P: 1/1 at 65 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "relayed_control F1 to P' from P': 1/1 at 65 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "relayed_control X to P' from P': 1/1 at 65 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "port_allocation - to - from -: 12/12 at 0 after 0, 12 ports: the external port is the local "
      "one",
      "pooling - to - from -: 12/12 at 0 after 0, saw X* -: all these ports of this host had one "
      "external address",
      "hairpinning Y to Y* from -: 12/0 at 120 after 0, beside 16/16, missed 8, odds low: ports of "
      "this host do not reach each other by external endpoints"}},
    {"a firewall",
     "firewall",
     WORLD_SERVES,
     WORLD_SERVES,
     false,
     {"classified, reach both_answered, NAT firewall, mapping endpoint_independent, filtering "
      "address_and_port_dependent, ports 4 step 0, hairpin 3; X* is X* and X*; 93/50, references "
      "21/21, odds low, 50 ms, 250 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 16/16 at 0 after 50, saw X* X*: nothing is translated: the server "
      "sees the local endpoint",
      "mapping Y to S from S: 10/10 at 0 after 50, saw Y* Y*: nothing is translated: the server "
      "sees the local endpoint",
      "filtering_any ANY0 to P from S: 8/0 at 50 after 0, beside 16/16, missed 8, odds low: an "
      "address to which this port never sent does not get in",
      "filtering_any ANY1 to P from S: 8/0 at 50 after 0, beside 16/16, missed 8, odds low: an "
      "address to which this port never sent does not get in",
      "filtering_other_port PORT0 to P from S: 8/0 at 50 after 0, beside 16/16, missed 8, odds "
      "low: another port of an address that was sent to does not get in",
      "filtering_other_port PORT1 to P from S: 8/0 at 50 after 0, beside 16/16, missed 8, odds "
      "low: another port of an address that was sent to does not get in",
      "filtering_control OPEN0 to P from S: 8/8 at 50 after 50, saw OPEN0* -: the server does "
      "answer this way: silence of the tests means the NAT",
      "filtering_control OPEN1 to P from S: 8/8 at 50 after 50, saw OPEN1* -: the server does "
      "answer this way: silence of the tests means the NAT"}},
    {"no NAT",
     "none",
     WORLD_SERVES,
     WORLD_SERVES,
     false,
     {"classified, reach both_answered, NAT none, mapping endpoint_independent, filtering "
      "endpoint_independent, ports 4 step 0, hairpin 3; X* is X* and X*; 31/20, references 7/7, "
      "odds 0, 50 ms, 100 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 9/9 at 0 after 50, saw X* X*: nothing is translated: the server sees "
      "the local endpoint",
      "mapping Y to S from S: 3/3 at 0 after 50, saw Y* Y*: nothing is translated: the server sees "
      "the local endpoint",
      "filtering_any ANY0 to P from S: 1/1 at 50 after 50, saw ANY0* -: an address to which this "
      "port never sent gets in",
      "filtering_any ANY1 to P from S: 1/1 at 50 after 50, saw ANY1* -: an address to which this "
      "port never sent gets in",
      "filtering_other_port PORT0 to P from S: 1/0 at 50 after 0, odds high: nothing, by itself",
      "filtering_other_port PORT1 to P from S: 1/0 at 50 after 0, odds high: nothing, by itself",
      "filtering_control OPEN0 to P from S: 1/0 at 50 after 0: nothing, by itself",
      "filtering_control OPEN1 to P from S: 1/0 at 50 after 0: nothing, by itself"}},
    {"a server that drops what has the cone bit",
     "port-restricted",
     WORLD_NO_CONE,
     WORLD_SERVES,
     false,
     {"classified, reach both_answered, NAT port_restricted, mapping endpoint_independent, "
      "filtering address_and_port_dependent, ports 1 step 0, hairpin 2; X is X* and X*; 134/65, "
      "references 27/27, odds low, 50 ms, 370 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 20/20 at 0 after 50, saw X* X*: the mapping does not depend on the "
      "destination",
      "mapping Y to S from S: 14/14 at 0 after 50, saw Y* Y*: the mapping does not depend on the "
      "destination",
      "filtering_any ANY0 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, by "
      "itself",
      "filtering_any ANY1 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, by "
      "itself",
      "filtering_other_port PORT0 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, "
      "by itself",
      "filtering_other_port PORT1 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, "
      "by itself",
      "filtering_control OPEN0 to P from S: 2/0 at 50 after 0: nothing, by itself",
      "filtering_control OPEN1 to P from S: 2/0 at 50 after 0: nothing, by itself",
      "relayed_any D0 to P from P: 9/0 at 105 after 0, beside 18/18, missed 9, odds low: an "
      "address to which this port never sent does not get in",
      "relayed_any D1 to P from P: 9/0 at 105 after 0, beside 18/18, missed 9, odds low: an "
      "address to which this port never sent does not get in",
      "relayed_other_port NEAR0 to P from P: 8/0 at 160 after 0, beside 16/16, missed 8, odds low: "
      "another port of an address that was sent to does not get in",
      "relayed_other_port NEAR1 to P from P: 8/0 at 160 after 0, beside 16/16, missed 8, odds low: "
      "another port of an address that was sent to does not get in",
      "relayed_control Y to P from P: 9/9 at 105 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "relayed_control F0 to P from P: 9/9 at 105 after 50: the server does answer this way: "
      "silence of the tests means the NAT",
      "port_allocation - to - from -: 8/8 at 0 after 0, 8 ports: the external port is the local "
      "one",
      "pooling - to - from -: 8/8 at 0 after 0, saw X* -: all these ports of this host had one "
      "external address",
      "hairpinning Y to Y* from -: 12/0 at 105 after 0, beside 16/16, missed 8, odds low: ports of "
      "this host do not reach each other by external endpoints",
      "unsolicited D0 to P from P: 1/1 at 320 after 50, saw D0* D0*: what came unasked did not "
      "change the mapping",
      "unsolicited D1 to P from P: 1/1 at 320 after 50, saw D1* D1*: what came unasked did not "
      "change the mapping"}},
    {"a silent secondary address",
     "cone",
     WORLD_SERVES,
     WORLD_SILENT,
     false,
     {"partial, reach only_primary_answered, NAT unknown, mapping unknown, filtering "
      "endpoint_independent, ports 1 step 0, hairpin 0; X is X* and -; 86/30, references 18/18, "
      "odds low, 50 ms, 3000 ms",
      "silence X to S from S: 15/0 at 0 after 0, missed 51, odds low: no UDP comes back from this "
      "server",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 31/16 at 0 after 0, saw X* -: nothing, by itself",
      "mapping Y to S from S: 14/2 at 0 after 0, saw Y* -: nothing, by itself",
      "filtering_any ANY0 to P from S: 1/1 at 50 after 50, saw ANY0* -, beside 2/2: an address to "
      "which this port never sent gets in",
      "filtering_any ANY1 to P from S: 1/1 at 50 after 50, saw ANY1* -, beside 2/2: an address to "
      "which this port never sent gets in",
      "filtering_other_port PORT0 to P from S: 1/1 at 50 after 50, saw PORT0* -, beside 2/2: once "
      "an address was sent to, all its ports get in",
      "filtering_other_port PORT1 to P from S: 1/1 at 50 after 50, saw PORT1* -, beside 2/2: once "
      "an address was sent to, all its ports get in",
      "filtering_control OPEN0 to P from S: 1/1 at 50 after 50, saw OPEN0* -: the server does "
      "answer this way: silence of the tests means the NAT",
      "filtering_control OPEN1 to P from S: 1/1 at 50 after 50, saw OPEN1* -: the server does "
      "answer this way: silence of the tests means the NAT",
      "port_allocation - to - from -: 8/8 at 0 after 0, 8 ports: the external port is the local "
      "one",
      "pooling - to - from -: 8/8 at 0 after 0, saw X* -: all these ports of this host had one "
      "external address"}},
    {"a silent primary address",
     "cone",
     WORLD_SILENT,
     WORLD_SERVES,
     false,
     {"partial, reach only_secondary_answered, NAT unknown, mapping unknown, filtering unknown, "
      "ports 0 step 0, hairpin 0; X is - and X*; 100/51, references 0/0, odds low, 50 ms, 3000 ms",
      "silence X to P from P: 26/0 at 0 after 0, missed 49, odds low: no UDP comes back from this "
      "server",
      "mapping X to S from S: 52/26 at 0 after 50, saw - X*: nothing, by itself",
      "mapping Y to S from S: 46/23 at 0 after 50, saw - Y*: nothing, by itself"}},
    {"a silent server",
     "cone",
     WORLD_SILENT,
     WORLD_SILENT,
     false,
     {"partial, reach server_silent, NAT unknown, mapping unknown, filtering unknown, ports 0 step "
      "0, hairpin 0; X is - and -; 78/0, references 0/0, odds 0, 0 ms, 3000 ms",
      "silence X to P from P: 56/0 at 0 after 0: no UDP comes back from this server",
      "hops HOPS to P from -: 18/1 at 74 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router"}},
    {"a closed port",
     "cone",
     WORLD_CLOSED,
     WORLD_CLOSED,
     false,
     {"partial, reach port_unreachable, NAT unknown, mapping unknown, filtering unknown, ports 0 "
      "step 0, hairpin 0; X is - and -; 12/0, references 0/0, odds 0, 0 ms, 57 ms",
      "silence X to P from P: 8/0 at 0 after 0: nothing, by itself"}},
    {"a server that relays nothing",
     "symmetric,ports=preserving",
     WORLD_ADVERTISES,
     WORLD_ADVERTISES,
     false,
     {"partial, reach both_answered, NAT symmetric, mapping endpoint_dependent, filtering unknown, "
      "ports 1 step 0, hairpin 0; X is X* and 203.0.113.10:40002; 62/32, references 19/19, odds 0, "
      "50 ms, 235 ms",
      "hops HOPS to P from -: 3/1 at 50 after 0, saw 198.51.100.1:0 -: UDP gets out at least as "
      "far as that router",
      "mapping X to S from S: 15/15 at 0 after 50, saw X* 203.0.113.10:40002: the mapping depends "
      "on the destination",
      "mapping Y to S from S: 9/9 at 0 after 50, saw Y* 203.0.113.10:40004: the mapping depends on "
      "the destination",
      "filtering_any ANY0 to P from S: 4/0 at 50 after 0, beside 0/2, odds high: nothing, by "
      "itself",
      "filtering_any ANY1 to P from S: 4/0 at 50 after 0, beside 0/2, odds high: nothing, by "
      "itself",
      "filtering_other_port PORT0 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, "
      "by itself",
      "filtering_other_port PORT1 to P from S: 1/0 at 50 after 0, beside 0/2, odds high: nothing, "
      "by itself",
      "filtering_control OPEN0 to P from S: 1/0 at 50 after 0: nothing, by itself",
      "filtering_control OPEN1 to P from S: 1/0 at 50 after 0: nothing, by itself",
      "relayed_any D0 to P from P: 1/0 at 65 after 0, beside 0/1, odds high: nothing, by itself",
      "relayed_any D1 to P from P: 1/0 at 65 after 0, beside 0/1, odds high: nothing, by itself",
      "relayed_control Y to P from P: 6/0 at 65 after 0: nothing, by itself",
      "relayed_control F0 to P from P: 5/0 at 120 after 0: nothing, by itself",
      "port_allocation - to - from -: 10/10 at 0 after 0, 10 ports: the external port is the local "
      "one",
      "pooling - to - from -: 10/10 at 0 after 0, saw X* -: all these ports of this host had one "
      "external address"}},
};

static void test_story(struct run *r, const struct story *s)
{
    struct world_config config = calm(s->nat);
    unsigned count = 0;

    config.extra_port = s->extra ? EXTRA_PORT : 0;
    config.service[0][0] = s->primary;
    config.service[0][1] = s->secondary;
    run_classify(r, &config);
    while (count <= CLASSIFY_EVIDENCE && s->lines[count] != NULL)
        count++;
    is_int(1 + r->result.evidence_count, count, "%s: as many tests", s->name);
    for (unsigned i = 0; i < count; i++)
        is_str(r->lines[i], s->lines[i], "%s: %s %u", s->name, i == 0 ? "result" : "test", i);
}

int main(void)
{
    struct run *r = malloc(sizeof *r);

    if (r == NULL)
        return 1;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        test_story(r, &stories[i]);
    free(r);
    return done_testing();
}
