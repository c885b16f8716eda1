/* Traces between every ordered pair of NAT words: first without loss, where verdict, cause and time
 * are exact; then with loss, jitter, reordering and duplicates, where no seed may make the trace
 * say what is not so. */
#include <stdlib.h>

#include "pair.h"
#include "tap.h"

/* From step 1 to step 4, in one-way delays: the bubble takes two through B's server, or one where
 * B's side lets it in unasked and from the expected endpoint; the answer takes one. A symmetric A
 * must show B the nonce of B's indirect answer first, which takes two back, and then one more there
 * (RFC 6081). */
static nsec least_time(enum word a, enum word b)
{
    nsec one_way = 25 * NSEC_MS;

    if (a == SYMMETRIC)
        return 6 * one_way;
    return (b == NONE || b == CONE ? 2 : 3) * one_way;
}

static void test_calm_pair(struct run *r, enum word a, enum word b)
{
    struct world_config config = pair_calm(a, b);
    const struct punching *p = &r->result;

    pair_run(r, &config, PUNCH_MAX_ATTEMPTS);
    ok(r->done && r->verdicts == 1 && r->world->overflow == 0,
       "%s to %s: one verdict, nothing lost on the way to it", pair_words[a], pair_words[b]);
    is_str(code_of(&punch_verdicts, p->verdict),
           code_of(&punch_verdicts, pair_outcome(a, b)->verdict), "%s to %s: %s", pair_words[a],
           pair_words[b], pair_outcome(a, b)->reason);
    is_str(code_of(&punch_causes, p->cause), code_of(&punch_causes, pair_outcome(a, b)->cause),
           "%s to %s: and the cause is named", pair_words[a], pair_words[b]);
    if (pair_can_punch(a, b)) {
        const struct step_report *s = p->steps;

        is_int(s[STEP_ANSWER].when - s[STEP_DIRECT_BUBBLE].when, least_time(a, b),
               "%s to %s: step 4 comes when the path's own delays say", pair_words[a],
               pair_words[b]);
        is_int(p->rtt, 50 * NSEC_MS, "%s to %s: data takes one round trip", pair_words[a],
               pair_words[b]);
        is_int(p->attempts, 1, "%s to %s: as few bubble pairs as the NATs allow", pair_words[a],
               pair_words[b]);
    }
    world_free(r->world);
}

/* Neither side's part in the procedure depends on who begins it. */
static void test_symmetry(void)
{
    for (int a = 0; a < BLOCKED; a++)
        for (int b = a; b < BLOCKED; b++)
            ok(pair_can_punch((enum word)a, (enum word)b) ==
                   pair_can_punch((enum word)b, (enum word)a),
               "%s and %s: whoever begins, the pair punches or does not", pair_words[a],
               pair_words[b]);
}

/* B's server changes after B has qualified; both NATs are port-restricted. */
static void test_server_fails(struct run *r, enum world_service service, enum punch_cause cause,
                              const char *name)
{
    struct world_config config = pair_calm(PORT, PORT);

    *r = (struct run){.world = world_new(&config)};
    pair_settle_b(r);
    r->world->config.service[1][0] = r->world->config.service[1][1] = service;
    pair_trace_b(r, PUNCH_MAX_ATTEMPTS);
    is_int(r->verdicts, 1, "%s: one verdict", name);
    is_str(code_of(&punch_verdicts, r->result.verdict), "not_punched", "%s: not punched", name);
    is_str(code_of(&punch_causes, r->result.cause), code_of(&punch_causes, cause),
           "%s: the cause is named", name);
    world_free(r->world);
}

struct tally {
    unsigned runs;
    unsigned unlisted; /* B never qualified */
    unsigned broken;   /* no verdict, two verdicts, or a queue or the world overflowed */
    unsigned punched, not_punched;
    unsigned causes[CAUSE_COUNT];
};

static struct tally run_storm(struct run *r, const struct weather *weather, enum word a,
                              enum word b, unsigned seeds)
{
    struct tally t = {0};

    for (unsigned seed = 0; seed < seeds; seed++) {
        struct world_config c = {
            .nat = {pair_words[a], pair_words[b]},
            .leg = {weather->host, weather->host, weather->server, weather->server},
            .seed = 1 + seed * 64 + a * 8 + b};

        if (!pair_run(r, &c, PUNCH_MAX_ATTEMPTS)) {
            t.unlisted++;
        } else {
            t.runs++;
            if (!r->done || r->verdicts != 1 || r->world->overflow != 0) {
                t.broken++;
            } else {
                t.punched += r->result.verdict == PUNCH_PUNCHED;
                t.not_punched += r->result.verdict == PUNCH_NOT_PUNCHED;
                t.causes[r->result.cause]++;
            }
        }
        world_free(r->world);
    }
    return t;
}

static void print_tally(const char *name, const struct tally *t)
{
    printf("# %s: %u runs, %u punched;", name, t->runs, t->punched);
    for (int i = 0; i < CAUSE_COUNT; i++)
        if (t->causes[i] > 0)
            printf(" %s %u", code_of(&punch_causes, (enum punch_cause)i), t->causes[i]);
    printf(" (B never qualified: %u)\n", t->unlisted);
}

static void add_tally(struct tally *sum, const struct tally *t)
{
    sum->runs += t->runs;
    sum->unlisted += t->unlisted;
    sum->broken += t->broken;
    sum->punched += t->punched;
    sum->not_punched += t->not_punched;
    for (int i = 0; i < CAUSE_COUNT; i++)
        sum->causes[i] += t->causes[i];
}

/* Causes that only a sender's own mistake, or an error from the network, can give. */
static unsigned impossible(const struct tally *t)
{
    return t->causes[CAUSE_OWN_SERVER_UNREACHABLE] + t->causes[CAUSE_PEER_SERVER_UNREACHABLE] +
           t->causes[CAUSE_ANSWER_UNPROVEN] + t->causes[CAUSE_PEER_NOT_GLOBAL] +
           t->causes[CAUSE_PEER_IS_SELF] + t->causes[CAUSE_SEND_FAILED] +
           t->causes[CAUSE_INTERRUPTED];
}

/* A verdict that is not true, whatever was lost. */
static unsigned wrong(const struct tally *can, const struct tally *cannot)
{
    return can->not_punched + cannot->punched + cannot->causes[CAUSE_PEER_SERVER_SILENT] +
           cannot->causes[CAUSE_DIRECT_PATH_BLOCKED] + cannot->causes[CAUSE_PEER_NAT_TRIPS] +
           cannot->causes[CAUSE_SAME_NAT] + cannot->causes[CAUSE_DATA_LOST];
}

static void test_diagnosis(const struct weather *weather, const struct tally *can,
                           const struct tally *cannot)
{
    is_int(impossible(can) + impossible(cannot), 0, "%s: no cause is named that did not happen",
           weather->name);
    is_int(wrong(can, cannot), 0, "%s: nothing that is lost makes the trace say what is not so",
           weather->name);
    if (weather->host.loss == 0) {
        is_int(can->punched, can->runs, "%s: every pair that can punch does", weather->name);
        is_int(cannot->not_punched, cannot->runs, "%s: and of every other it is told why not",
               weather->name);
    } else {
        ok(can->punched * 4 > can->runs * 3,
           "%s: retransmissions punch three pairs of four or more", weather->name);
    }
}

static void test_weather(struct run *r, const struct weather *weather, unsigned seeds)
{
    struct tally can = {0}, cannot = {0};

    for (int a = 0; a < BLOCKED; a++)
        for (int b = 0; b < WORDS; b++) {
            struct tally t = run_storm(r, weather, (enum word)a, (enum word)b, seeds);

            if (getenv("VERBOSE") != NULL) {
                char name[64];

                snprintf(name, sizeof name, "%s to %s", pair_words[a], pair_words[b]);
                print_tally(name, &t);
            }
            add_tally(pair_can_punch((enum word)a, (enum word)b) ? &can : &cannot, &t);
        }
    print_tally("pairs that can", &can);
    print_tally("pairs that cannot", &cannot);
    is_int(can.broken + cannot.broken, 0, "%s: every run ends with one verdict", weather->name);
    is_int(cannot.punched, 0, "%s: no pair that cannot punch is said to have punched",
           weather->name);
    test_diagnosis(weather, &can, &cannot);
}

int main(void)
{
    struct run *r = calloc(1, sizeof *r);
    const char *given = getenv("SEEDS");
    unsigned few = getenv("LONG") != NULL ? 1000 : 60; /* `make check-long` */
    unsigned seeds = given != NULL ? (unsigned)strtoul(given, NULL, 10) : few;

    if (r == NULL)
        return 1;
    for (int a = 0; a < WORDS; a++)
        for (int b = 0; b < WORDS; b++)
            test_calm_pair(r, (enum word)a, (enum word)b);
    test_symmetry();
    test_server_fails(r, WORLD_SILENT, CAUSE_PEER_SERVER_SILENT,
                      "a peer's server that fell silent");
    test_server_fails(r, WORLD_CLOSED, CAUSE_PEER_SERVER_UNREACHABLE,
                      "a peer's server that was closed");
    test_server_fails(r, WORLD_ADVERTISES, CAUSE_PEER_SILENT,
                      "a peer's server that relays nothing");
    for (int i = 0; i < WEATHERS; i++)
        test_weather(r, &pair_weathers[i], seeds);
    free(r);
    return done_testing();
}
