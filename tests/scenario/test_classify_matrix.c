/* Classification behind every combination of mapping, filtering, port allocation and hairpinning of
 * RFC 4787: without loss every finding is right, within six round trips; with loss, reordering and
 * duplicates no seed makes it say what is not so.
 *
 * SEEDS=N runs N seeds a NAT with loss, LONG=1 (`make check-long`) 1000 instead of 50; `make bench`
 * prints the table. */
#include <stdlib.h>

#include "classify.h"
#include "tap.h"
#include "world.h"

#define RTT (50 * NSEC_MS)

/* The number of packets that teredoctl-classify(1) promises, where nothing is lost. */
#define PROMISED_PACKETS 150

/* Sanitizers are for the code, which any seed runs, not for the odds. */
#if defined(__SANITIZE_ADDRESS__)
#define DEFAULT_SEEDS 20
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DEFAULT_SEEDS 20
#endif
#endif
#ifndef DEFAULT_SEEDS
#define DEFAULT_SEEDS (getenv("LONG") != NULL ? 1000U : 50U)
#endif

struct run {
    struct world *world;
    struct classify engine;
    struct endpoint local[WORLD_SOCKETS];
    bool done;
    unsigned verdicts;
    struct classification result;
};

static void on_event(void *context, const struct event *e)
{
    struct run *r = context;

    if (e->kind != EVENT_CLASSIFICATION)
        return;
    r->done = true;
    r->verdicts++;
    r->result = *e->classification;
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

    memcpy(c.nonces.key, &config->seed, sizeof config->seed);
    r->done = false;
    r->verdicts = 0;
    r->result = (struct classification){0};
    r->world = world_new(config);
    memcpy(r->local, r->world->hosts[WORLD_A].local, sizeof r->local);
    classify_init(&r->engine, &c);
    world_start(r->world, WORLD_A, &r->engine.engine, on_event, r);
    world_run(r->world, &r->done, r->world->now + 120 * NSEC_S);
    if (r->world->overflow > 0)
        r->verdicts = 0;
    world_free(r->world);
}

static const char *const dependence_words[] = {"endpoint-independent", "address", "address-port"};
static const char *const ports_words[] = {"preserving", "sequential", "random"};
static const enum nat_depends exact[] = {DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS,
                                         DEPENDS_ADDRESS_AND_PORT};

struct truth {
    char word[160];
    bool extra; /* the server has a second port */
    enum nat_name nat;
    enum nat_depends mapping, filtering;
    enum port_allocation ports;
    enum finding hairpinning;
    enum finding translated;
    bool hairpin_testable;
};

static struct truth make_truth(int mapping, int filtering, int ports, bool hairpin, bool extra)
{
    static const enum nat_name cones[] = {NAT_NAME_CONE, NAT_NAME_ADDRESS_RESTRICTED,
                                          NAT_NAME_PORT_RESTRICTED};
    struct truth t = {
        .extra = extra,
        .nat = mapping == 0 ? cones[filtering] : NAT_NAME_SYMMETRIC,
        .mapping = exact[mapping],
        .filtering = exact[filtering],
        .ports = PORTS_PRESERVING + ports,
        .hairpinning = hairpin ? FINDING_YES : FINDING_NO,
        .translated = FINDING_YES,
        .hairpin_testable = mapping == 0 || filtering == 0,
    };

    snprintf(t.word, sizeof t.word, "mapping=%s,filtering=%s,ports=%s,hairpin=%s",
             dependence_words[mapping], dependence_words[filtering], ports_words[ports],
             hairpin ? "yes" : "no");
    return t;
}

static struct truth firewall(int filtering)
{
    struct truth t = {
        .nat = filtering == 0 ? NAT_NAME_NONE : NAT_NAME_FIREWALL,
        .mapping = DEPENDS_ENDPOINT_INDEPENDENT,
        .filtering = exact[filtering],
        .ports = PORTS_NOT_APPLICABLE,
        .hairpinning = FINDING_NOT_APPLICABLE,
        .translated = FINDING_NO,
        .hairpin_testable = true,
    };

    snprintf(t.word, sizeof t.word, "firewall,filtering=%s", dependence_words[filtering]);
    return t;
}

static struct truth no_nat(void)
{
    struct truth t = firewall(0);

    snprintf(t.word, sizeof t.word, "none");
    return t;
}

/* What a server with one port can tell at the most. */
static enum nat_depends visible(const struct truth *t, enum nat_depends depends)
{
    return !t->extra && t->mapping != DEPENDS_ENDPOINT_INDEPENDENT &&
                   depends != DEPENDS_ENDPOINT_INDEPENDENT
               ? DEPENDS_ENDPOINT
               : depends;
}

static void check_exact(const struct run *r, const struct truth *t)
{
    const struct classification *c = &r->result;
    const char *word = t->word;

    is_int(r->verdicts, 1, "%s: one verdict", word);
    is_str(code_of(&classify_verdicts, c->verdict), "classified", "%s: verdict", word);
    is_str(code_of(&nat_names, c->nat), code_of(&nat_names, t->nat), "%s: NAT", word);
    is_int(c->translated, t->translated, "%s: translation", word);
    is_str(code_of(&nat_dependences, c->mapping), code_of(&nat_dependences, visible(t, t->mapping)),
           "%s: mapping", word);
    is_str(code_of(&nat_dependences, c->filtering),
           code_of(&nat_dependences, visible(t, t->filtering)), "%s: filtering", word);
    is_str(code_of(&port_allocations, c->ports), code_of(&port_allocations, t->ports), "%s: ports",
           word);
    is_int(c->port_step, t->ports == PORTS_SEQUENTIAL, "%s: step", word);
    is_int(c->hairpinning, t->hairpin_testable ? t->hairpinning : FINDING_UNKNOWN,
           "%s: hairpinning", word);
    is_int(c->pooling, t->translated == FINDING_YES ? POOLING_ONE_ADDRESS : POOLING_NOT_APPLICABLE,
           "%s: pooling", word);
    ok(c->elapsed <= 6 * RTT, "%s: within six round trips", word);
    ok(c->sent <= PROMISED_PACKETS, "%s: no more packets than promised", word);
    ok(c->error_odds < 1e-4, "%s: the odds of an error are below one in 10,000", word);
    is_int(c->references, c->references_answered, "%s: nothing was lost", word);
    is_int(c->rtt, RTT, "%s: the round trip is measured", word);
    printf("# %.1f ms, %u sent, odds %g\n", nsec_seconds(c->elapsed) * 1e3, c->sent, c->error_odds);
}

static void run_exact(struct run *r, const struct truth *t)
{
    struct world_config config = calm(t->word);

    config.extra_port = t->extra ? 3546 : 0;
    run_classify(r, &config);
    check_exact(r, t);
}

/* Calls VISIT for every NAT of the matrix. */
static void each_nat(struct run *r, void (*visit)(struct run *r, const struct truth *t), bool extra)
{
    struct truth t;

    for (int mapping = 0; mapping < 3; mapping++)
        for (int filtering = 0; filtering < 3; filtering++)
            for (int ports = 0; ports < 3; ports++)
                for (int hairpin = 0; hairpin < 2; hairpin++) {
                    t = make_truth(mapping, filtering, ports, hairpin != 0, extra);
                    visit(r, &t);
                }
    if (extra)
        return;
    for (int filtering = 0; filtering < 3; filtering++) {
        t = firewall(filtering);
        visit(r, &t);
    }
    t = no_nat();
    visit(r, &t);
}

struct silence {
    const char *name;
    const char *word;
    enum world_service primary, secondary;
    enum classify_verdict verdict;
    enum classify_reach reach;
    enum nat_name nat;
};

static const struct silence silences[] = {
    {"UDP blocked", "blocked", WORLD_SERVES, WORLD_SERVES, CLASSIFY_BLOCKED, REACH_NO_REPLY,
     NAT_NAME_BLOCKED},
    {"a silent server", "port-restricted", WORLD_SILENT, WORLD_SILENT, CLASSIFY_PARTIAL,
     REACH_SERVER_SILENT, NAT_NAME_UNKNOWN},
    {"a silent primary", "port-restricted", WORLD_SILENT, WORLD_SERVES, CLASSIFY_PARTIAL,
     REACH_ONLY_SECONDARY, NAT_NAME_UNKNOWN},
    {"a silent secondary", "port-restricted", WORLD_SERVES, WORLD_SILENT, CLASSIFY_PARTIAL,
     REACH_ONLY_PRIMARY, NAT_NAME_UNKNOWN},
    {"a closed port", "port-restricted", WORLD_CLOSED, WORLD_CLOSED, CLASSIFY_PARTIAL,
     REACH_REFUSAL(REFUSAL_PORT_UNREACHABLE), NAT_NAME_UNKNOWN},
    {"a closed secondary", "port-restricted", WORLD_SERVES, WORLD_CLOSED, CLASSIFY_PARTIAL,
     REACH_ONLY_PRIMARY, NAT_NAME_UNKNOWN},
};

static void test_silences(struct run *r)
{
    for (size_t i = 0; i < sizeof silences / sizeof *silences; i++) {
        const struct silence *s = &silences[i];
        struct world_config config = calm(s->word);

        config.service[0][0] = s->primary;
        config.service[0][1] = s->secondary;
        run_classify(r, &config);
        is_int(r->verdicts, 1, "%s: one verdict", s->name);
        is_str(code_of(&classify_verdicts, r->result.verdict),
               code_of(&classify_verdicts, s->verdict), "%s: verdict", s->name);
        is_str(code_of(&classify_reaches, r->result.reach), code_of(&classify_reaches, s->reach),
               "%s: reachability", s->name);
        is_str(code_of(&nat_names, r->result.nat), code_of(&nat_names, s->nat), "%s: NAT", s->name);
        is_int(r->result.mapping, DEPENDS_UNKNOWN, "%s: the mapping is out of reach", s->name);
        ok(r->result.elapsed <= 4 * NSEC_S, "%s: told in time", s->name);
        ok(s->reach == REACH_REFUSAL(REFUSAL_PORT_UNREACHABLE) || s->secondary == WORLD_CLOSED ||
               r->result.elapsed >= 2990 * NSEC_MS,
           "%s: and not before the time is up, for it may only be slow", s->name);
        ok(r->result.sent <= PROMISED_PACKETS, "%s: no more packets than promised", s->name);
        printf("# %u sent, after %.0f ms, odds %g\n", r->result.sent,
               nsec_seconds(r->result.elapsed) * 1e3, r->result.error_odds);
    }
}

/* Servers that do less than RFC 4380 asks: what they cannot show stays unknown. */
struct odd_server {
    const char *name;
    const char *word;
    enum world_service service;
    enum nat_name nat;
    enum nat_depends filtering;
};

static const struct odd_server odd_servers[] = {
    {"drops the cone bit, port-restricted", "port-restricted", WORLD_NO_CONE,
     NAT_NAME_PORT_RESTRICTED, DEPENDS_ADDRESS_AND_PORT},
    {"drops the cone bit, address-restricted", "address-restricted", WORLD_NO_CONE,
     NAT_NAME_ADDRESS_RESTRICTED, DEPENDS_ADDRESS},
    {"drops the cone bit, cone", "cone", WORLD_NO_CONE, NAT_NAME_CONE,
     DEPENDS_ENDPOINT_INDEPENDENT},
    {"drops the cone bit, no NAT", "none", WORLD_NO_CONE, NAT_NAME_NONE,
     DEPENDS_ENDPOINT_INDEPENDENT},
    {"drops the cone bit, firewall", "firewall", WORLD_NO_CONE, NAT_NAME_FIREWALL,
     DEPENDS_ADDRESS_AND_PORT},
    {"ignores the cone bit, cone", "cone", WORLD_SAME_CONE, NAT_NAME_CONE,
     DEPENDS_ENDPOINT_INDEPENDENT},
    {"ignores the cone bit, address-restricted", "address-restricted", WORLD_SAME_CONE,
     NAT_NAME_ADDRESS_RESTRICTED, DEPENDS_ADDRESS},
    {"ignores the cone bit, port-restricted", "port-restricted", WORLD_SAME_CONE,
     NAT_NAME_PORT_RESTRICTED, DEPENDS_ADDRESS_AND_PORT},
    {"ignores the cone bit, no NAT", "none", WORLD_SAME_CONE, NAT_NAME_NONE,
     DEPENDS_ENDPOINT_INDEPENDENT},
    {"ignores the cone bit, symmetric", "symmetric", WORLD_SAME_CONE, NAT_NAME_SYMMETRIC,
     DEPENDS_ENDPOINT},
    {"drops the cone bit, symmetric that filters nothing",
     "symmetric,filtering=endpoint-independent", WORLD_NO_CONE, NAT_NAME_SYMMETRIC,
     DEPENDS_ENDPOINT_INDEPENDENT},
    {"relays nothing, symmetric", "symmetric", WORLD_ADVERTISES, NAT_NAME_SYMMETRIC,
     DEPENDS_UNKNOWN},
    {"relays nothing, address-restricted", "address-restricted", WORLD_ADVERTISES,
     NAT_NAME_ADDRESS_RESTRICTED, DEPENDS_ADDRESS},
    {"ignores the cone bit and relays nothing, cone", "cone", WORLD_SAME_ADVERTISES,
     NAT_NAME_UNKNOWN, DEPENDS_UNKNOWN},
    {"ignores the cone bit and relays nothing, port-restricted", "port-restricted",
     WORLD_SAME_ADVERTISES, NAT_NAME_UNKNOWN, DEPENDS_UNKNOWN},
    {"drops the cone bit and relays nothing, port-restricted", "port-restricted",
     WORLD_NO_CONE_ADVERTISES, NAT_NAME_UNKNOWN, DEPENDS_UNKNOWN},
    {"drops the cone bit and relays nothing, no NAT", "none", WORLD_NO_CONE_ADVERTISES,
     NAT_NAME_UNKNOWN, DEPENDS_UNKNOWN},
};

static void test_odd_servers(struct run *r, uint16_t extra_port)
{
    for (size_t i = 0; i < sizeof odd_servers / sizeof *odd_servers; i++) {
        const struct odd_server *o = &odd_servers[i];
        struct world_config config = calm(o->word);

        config.extra_port = extra_port;
        config.service[0][0] = config.service[0][1] = o->service;
        run_classify(r, &config);
        is_int(r->verdicts, 1, "a server that %s: one verdict", o->name);
        is_str(code_of(&nat_names, r->result.nat), code_of(&nat_names, o->nat),
               "a server that %s: NAT", o->name);
        if (extra_port == 0)
            is_str(code_of(&nat_dependences, r->result.filtering),
                   code_of(&nat_dependences, o->filtering), "a server that %s: filtering", o->name);
        is_int(r->result.reach, REACH_BOTH, "a server that %s: both addresses answer", o->name);
        ok(r->result.sent <= PROMISED_PACKETS, "a server that %s: no more packets than promised",
           o->name);
        printf("# %u sent, after %.0f ms\n", r->result.sent, nsec_seconds(r->result.elapsed) * 1e3);
    }
}

/* A port that the server does not serve, given as its extra one: as if none was known. */
static void test_dead_extra_port(struct run *r)
{
    static const char *const words[] = {"none", "cone", "port-restricted", "symmetric",
                                        "mapping=address,filtering=address"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int silent = 0; silent < 2; silent++) {
            struct world_config config = calm(words[i]);
            struct classification without;

            run_classify(r, &config);
            without = r->result;
            config.extra_port = 3546;
            config.no_extra = silent ? WORLD_SILENT : WORLD_CLOSED;
            run_classify(r, &config);
            ok(r->verdicts == 1 && r->result.nat == without.nat &&
                   r->result.mapping == without.mapping && r->result.filtering == without.filtering,
               "%s, an extra port that is %s: the same words", words[i],
               silent ? "silent" : "closed");
            ok(r->result.sent <= PROMISED_PACKETS,
               "%s, an extra port that is %s: no more packets than promised", words[i],
               silent ? "silent" : "closed");
            printf("# %u sent, after %.0f ms\n", r->result.sent,
                   nsec_seconds(r->result.elapsed) * 1e3);
        }
}

/* From where no answer is believed, whatever else is right with it. */
static void test_crosswise_server(struct run *r)
{
    static const char *const words[] = {"none", "cone"};

    for (int i = 0; i < 2; i++) {
        struct world_config config = calm(words[i]);

        config.service[0][0] = config.service[0][1] = WORLD_CROSSWISE;
        run_classify(r, &config);
        is_str(code_of(&classify_reaches, r->result.reach), "replies_rejected",
               "a server that answers crosswise, %s: its answers are not believed", words[i]);
        is_str(code_of(&ra_rules, r->result.rejected_rule), "source_endpoint",
               "a server that answers crosswise, %s: and it is told why", words[i]);
        ok(r->result.rejected > 0 && r->result.sent <= PROMISED_PACKETS,
           "a server that answers crosswise, %s: no more packets than promised", words[i]);
    }
}

/* A secondary address behind a bad path: its loss is not the primary's, and is never taken for
 * silence of the NAT's or of the server's making. */
static void test_bad_secondary(struct run *r)
{
    static const char *const words[] = {"cone", "address-restricted", "port-restricted"};
    static const enum nat_name names[] = {NAT_NAME_CONE, NAT_NAME_ADDRESS_RESTRICTED,
                                          NAT_NAME_PORT_RESTRICTED};

    for (int i = 0; i < 3; i++) {
        unsigned wrong = 0, verdicts = 0, named = 0;

        for (unsigned seed = 0; seed < 200; seed++) {
            struct world_config config = calm(words[i]);

            config.seed = seed;
            config.secondary_loss = 0.4;
            run_classify(r, &config);
            verdicts += r->verdicts;
            named += r->result.nat == names[i];
            wrong += (r->result.nat != NAT_NAME_UNKNOWN && r->result.nat != names[i]) ||
                     r->result.reach == REACH_ONLY_PRIMARY;
        }
        is_int(verdicts, 200, "%s, a bad path to the secondary: one verdict each run", words[i]);
        is_int(wrong, 0, "%s, a bad path to the secondary: never a wrong word", words[i]);
        ok(named > 150, "%s, a bad path to the secondary: mostly told all the same (%u)", words[i],
           named);
    }
}

/* Wrong is what is neither so nor unknown; a coarser word for the truth is right. */
static bool wrong_depends(enum nat_depends said, enum nat_depends truth)
{
    return said != DEPENDS_UNKNOWN && said != truth &&
           !(said == DEPENDS_ENDPOINT && truth != DEPENDS_ENDPOINT_INDEPENDENT);
}

static bool is_wrong(const struct classification *c, const struct truth *t)
{
    return (c->nat != NAT_NAME_UNKNOWN && c->nat != t->nat) ||
           (c->translated != FINDING_UNKNOWN && c->translated != t->translated) ||
           wrong_depends(c->mapping, t->mapping) || wrong_depends(c->filtering, t->filtering) ||
           (c->ports != PORTS_UNKNOWN &&
            (c->ports != t->ports || c->port_step != (t->ports == PORTS_SEQUENTIAL))) ||
           (c->hairpinning != FINDING_UNKNOWN && c->hairpinning != t->hairpinning) ||
           c->pooling == POOLING_ARBITRARY || c->trips == FINDING_YES ||
           c->shared_space_router != 0 || c->unsteady || c->reach == REACH_ONLY_PRIMARY ||
           c->reach == REACH_ONLY_SECONDARY || c->reach == REACH_NO_REPLY ||
           c->verdict == CLASSIFY_BLOCKED;
}

static bool is_decided(const struct classification *c, const struct truth *t)
{
    return c->verdict == CLASSIFY_CLASSIFIED && c->filtering == visible(t, t->filtering) &&
           c->ports == t->ports && (!t->hairpin_testable || c->hairpinning == t->hairpinning);
}

static double loss;
static unsigned seeds;
static unsigned nat_number;

static void run_lossy(struct run *r, const struct truth *t)
{
    unsigned wrong = 0, decided = 0, verdicts = 0;
    nsec total = 0;

    nat_number++;
    for (unsigned seed = 0; seed < seeds; seed++) {
        struct world_config config = calm(t->word);

        config.extra_port = t->extra ? 3546 : 0;
        config.seed = seed * 1000 + nat_number;
        config.leg[WORLD_A] =
            (struct world_leg){.delay = RTT / 4, .loss = loss, .duplicate = 0.1, .reorder = 0.1};
        run_classify(r, &config);
        verdicts += r->verdicts;
        decided += is_decided(&r->result, t);
        total += r->result.elapsed;
        if (is_wrong(&r->result, t)) {
            const struct classification *c = &r->result;

            wrong++;
            printf("# seed %u: nat %s, mapping %s, filtering %s, ports %s step %d, hairpinning %d, "
                   "reach %s, odds %g, sent %u\n",
                   seed, code_of(&nat_names, c->nat), code_of(&nat_dependences, c->mapping),
                   code_of(&nat_dependences, c->filtering), code_of(&port_allocations, c->ports),
                   c->port_step, (int)c->hairpinning, code_of(&classify_reaches, c->reach),
                   c->error_odds, c->sent);
        }
    }
    is_int(verdicts, seeds, "%s, %.0f %% lost: one verdict each run", t->word, loss * 100);
    is_int(wrong, 0, "%s, %.0f %% lost: never a wrong finding", t->word, loss * 100);
    if (loss <= 0.2)
        ok(decided * 100 >= seeds * 95, "%s, %.0f %% lost: 95 of 100 find everything", t->word,
           loss * 100);
    printf("# %s, %.0f %% lost each way: %.1f %% decided, %u wrong of %u, mean %.0f ms\n", t->word,
           loss * 100, 100.0 * decided / seeds, wrong, seeds,
           nsec_seconds(total) * 1e3 / (seeds > 0 ? seeds : 1));
}

/* A NAT that trips over what comes unasked is never cleared of it, whatever is lost. */
static void test_lossy_trips(struct run *r)
{
    static const char *const words[] = {"port-restricted", "address-restricted,ports=random"};

    for (int i = 0; i < 2; i++) {
        unsigned found = 0, cleared = 0;

        for (unsigned seed = 0; seed < seeds; seed++) {
            struct world_config config = calm(words[i]);

            config.seed = seed;
            config.trips[0] = true;
            config.leg[WORLD_A] =
                (struct world_leg){.delay = RTT / 4, .loss = 0.2, .duplicate = 0.1, .reorder = 0.1};
            run_classify(r, &config);
            found += r->result.trips == FINDING_YES;
            cleared += r->result.trips == FINDING_NO;
        }
        is_int(cleared, 0, "%s that trips, 20 %% lost: it is never said not to", words[i]);
        ok(found * 100 >= seeds * 90, "%s that trips, 20 %% lost: 90 of 100 are found", words[i]);
        printf("# %u of %u found\n", found, seeds);
    }
}

int main(void)
{
    struct run *r = calloc(1, sizeof *r);
    const char *wanted = getenv("SEEDS");

    if (r == NULL)
        return 1;
    seeds = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : DEFAULT_SEEDS;
    each_nat(r, run_exact, false);
    each_nat(r, run_exact, true);
    test_silences(r);
    test_odd_servers(r, 0);
    test_odd_servers(r, 3546);
    test_dead_extra_port(r);
    test_crosswise_server(r);
    test_bad_secondary(r);
    test_lossy_trips(r);
    loss = 0.2;
    each_nat(r, run_lossy, false);
    each_nat(r, run_lossy, true);
    loss = 0.5;
    each_nat(r, run_lossy, false);
    free(r);
    return done_testing();
}
