/* The table of punching of a classification against traces: behind random NATs, with pools and with
 * hairpins, to a peer behind each kind of NAT of the table. No line promises what fails, none
 * denies what works, and each says what it takes.
 *
 * LONG=1 (`make check-long`) takes 600 NATs instead of 60; SEED=N begins elsewhere. */
#include <stdlib.h>

#include "classify.h"
#include "pair.h"
#include "tap.h"

/* The words of a NAT of each kind in the table, in its order. */
static const char *const peers[CLASSIFY_PEERS] = {
    "none",
    "cone",
    "address-restricted",
    "port-restricted",
    "symmetric,ports=preserving",
    "symmetric,ports=sequential",
    "symmetric",
};

struct classified {
    struct classify engine;
    struct endpoint local[WORLD_SOCKETS];
    struct classification result;
    bool done;
};

static void on_event(void *context, const struct event *e)
{
    struct classified *c = context;

    if (e->kind != EVENT_CLASSIFICATION)
        return;
    c->result = *e->classification;
    c->done = true;
}

static bool trips[2]; /* the NATs */

static struct world_config calm(const char *a, const char *b, uint64_t seed)
{
    struct world_config c = {.nat = {a, b}, .seed = seed, .trips = {trips[0], trips[1]}};

    for (int i = 0; i < WORLD_SITES; i++)
        c.leg[i].delay = 12500 * NSEC_US;
    return c;
}

static void classify(struct classified *c, const char *nat, uint64_t seed, uint16_t extra_port)
{
    struct world_config config = calm(nat, "none", seed);
    struct classify_config options = {.server = world_server(0, 0),
                                      .secondary = world_server(0, 1),
                                      .local = c->local,
                                      .extra_port = extra_port,
                                      .timeout = 3 * NSEC_S,
                                      .nonces = {.key = {3}}};
    struct world *w;

    config.extra_port = extra_port;
    w = world_new(&config);
    c->done = false;
    memcpy(c->local, w->hosts[WORLD_A].local, sizeof c->local);
    classify_init(&c->engine, &options);
    world_start(w, WORLD_A, &c->engine.engine, on_event, c);
    world_run(w, &c->done, w->now + 60 * NSEC_S);
    world_free(w);
}

/* What the line says that our trace does, which has RFC 6081's nonces, and none of its guesses. */
enum claim {
    CLAIM_PUNCHES,
    CLAIM_FAILS,
    CLAIM_NOTHING,
};

static enum claim claim_of(const struct punch_prospect *p)
{
    switch (p->outcome) {
    case OUTCOME_DIRECT:
    case OUTCOME_DIRECT_FIRST:
        return CLAIM_PUNCHES;
    case OUTCOME_EXTENSION:
        return strstr(p->needs, "nonce") != NULL ? CLAIM_PUNCHES : CLAIM_FAILS;
    case OUTCOME_NO:
        return CLAIM_FAILS;
    case OUTCOME_UNKNOWN:
        break;
    }
    return CLAIM_NOTHING;
}

static bool punches(struct run *r, const char *nat, const char *peer, uint64_t seed)
{
    struct world_config config = calm(nat, peer, seed);
    bool punched;

    *r = (struct run){0};
    pair_run(r, &config, 8);
    punched = r->done && r->result.verdict == PUNCH_PUNCHED;
    world_free(r->world);
    return punched;
}

struct tally {
    unsigned lines, broken_promises, denials, unknown, needless;
};

static void compare(struct run *r, const struct classification *c, const char *nat, uint64_t seed,
                    struct tally *t)
{
    struct punch_prospect prospects[CLASSIFY_PEERS];

    punch_prospects(c, prospects);
    for (unsigned i = 0; i < CLASSIFY_PEERS; i++) {
        enum claim claim = claim_of(&prospects[i]);
        bool punched = punches(r, nat, peers[i], seed);

        t->lines++;
        t->broken_promises += claim == CLAIM_PUNCHES && !punched;
        t->denials += claim == CLAIM_FAILS && punched;
        t->unknown += claim == CLAIM_NOTHING;
        if (claim == CLAIM_NOTHING || (claim == CLAIM_PUNCHES) != punched)
            printf("# %s to %s: %s %s, and the trace: %s, %s\n", nat, peers[i],
                   code_of(&punch_outcomes, prospects[i].outcome), prospects[i].needs,
                   code_of(&punch_verdicts, r->result.verdict),
                   code_of(&punch_causes, r->result.cause));
    }
}

static const char *pick(struct prng *random, const char *const *words, unsigned count)
{
    return words[prng_next(random) % count];
}

#define PICK(random, ...)                            \
    pick(random, (const char *const[]){__VA_ARGS__}, \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void random_nat(struct prng *random, char *word, size_t size)
{
    if (prng_next(random) % 12 == 0) {
        snprintf(word, size, "%s",
                 PICK(random, "none", "firewall", "firewall,filtering=address",
                      "firewall,filtering=endpoint-independent"));
        return;
    }
    snprintf(word, size, "mapping=%s,filtering=%s,ports=%s,hairpin=%s,pool=%s,pooling=%s,parity=%s",
             PICK(random, "endpoint-independent", "address", "address-port"),
             PICK(random, "endpoint-independent", "address", "address-port"),
             PICK(random, "preserving", "sequential", "random"), PICK(random, "yes", "no"),
             PICK(random, "1", "2", "4"), PICK(random, "paired", "arbitrary"),
             PICK(random, "yes", "no"));
}

/* A NAT that trips over what comes unasked is found, whatever its filter; and its lines hold: it is
 * reached where its side begins. */
static void test_trips(struct classified *c, struct run *r)
{
    static const char *const nats[] = {"port-restricted", "port-restricted,ports=random",
                                       "port-restricted,ports=sequential,hairpin=yes",
                                       "address-restricted"};
    struct tally t = {0};
    bool first = true, second, both;

    for (unsigned i = 0; i < sizeof nats / sizeof *nats; i++) {
        trips[0] = true;
        classify(c, nats[i], i, 0);
        is_int(c->result.trips, FINDING_YES, "%s that trips: it is found", nats[i]);
        compare(r, &c->result, nats[i], i, &t);
        trips[0] = false;
        classify(c, nats[i], i, 0);
        is_int(c->result.trips, FINDING_NO, "%s that does not: neither is a trap", nats[i]);
    }
    is_int(t.broken_promises + t.denials, 0, "where its own side sends first, its lines hold");
    trips[0] = true;
    first = punches(r, "port-restricted", "port-restricted", 5);
    trips[1] = true;
    both = punches(r, "port-restricted", "port-restricted", 5);
    trips[0] = false;
    second = punches(r, "port-restricted", "port-restricted", 5);
    ok(first && !second && !both,
       "it is reached where its side begins, and not where the other does, nor by its like");
    trips[1] = false;
}

int main(void)
{
    struct room {
        struct classified classified;
        struct run run;
    } *room = calloc(1, sizeof *room);
    struct classified *c = &room->classified;
    struct run *r = &room->run;
    const char *seed = getenv("SEED");
    struct prng random = {.state = seed != NULL ? strtoull(seed, NULL, 10) : 1};
    unsigned nats = getenv("LONG") != NULL ? 600 : 60;
    struct tally t = {0};

    if (room == NULL)
        return 1;
    for (unsigned i = 0; i < nats; i++) {
        uint64_t world = prng_next(&random);
        char word[192];

        random_nat(&random, word, sizeof word);
        classify(c, word, world, i % 2 == 0 ? 0 : 3546);
        compare(r, &c->result, word, world, &t);
    }
    is_int(t.lines, nats * CLASSIFY_PEERS, "every NAT to every peer");
    is_int(t.broken_promises, 0, "no line of the table promises what fails");
    is_int(t.denials, 0, "and none denies what works");
    test_trips(c, r);
    printf("# %u NATs, %u lines, %u of them unknown\n", nats, t.lines, t.unknown);
    free(room);
    return done_testing();
}
