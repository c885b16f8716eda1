/* What captures at several points of the path show of a trace between every ordered pair of NAT
 * words, against what the trace itself says: without loss they agree, and with loss, jitter,
 * reordering and duplicates, and however early a capture ends, no verdict is wrong. Not to know is
 * never wrong. */
#include <stdlib.h>

#include "pair.h"
#include "passive_rig.h"
#include "tap.h"

/* Of silence behind the last packet: longer than the engine waits. */
#define TAIL (20 * NSEC_S)

enum view {
    AT_A,
    OUTSIDE_A,
    OUTSIDE_B,
    AT_B,
    AT_S1,
    AT_S2,
    A_AND_B,
    B_AND_A,
    BOTH_OUTSIDE,
    A_AND_S2,
    B_AND_S2,
    OUTSIDE_AND_SERVERS,
    EVERYWHERE,
    VIEWS
};

static const struct {
    const char *name;
    unsigned count;
    enum world_point points[WORLD_POINTS];
    bool tells_reference; /* a direct bubble shows how short the control reaches */
} views[VIEWS] = {
    [AT_A] = {"at A", 1, {WORLD_HOST_A}, true},
    [OUTSIDE_A] = {"outside A", 1, {WORLD_WAN_A}, true},
    [OUTSIDE_B] = {"outside B", 1, {WORLD_WAN_B}, false},
    [AT_B] = {"at B", 1, {WORLD_HOST_B}, false},
    [AT_S1] = {"at A's server", 1, {WORLD_AT_S1}, false},
    [AT_S2] = {"at B's server", 1, {WORLD_AT_S2}, false},
    [A_AND_B] = {"at A and B", 2, {WORLD_HOST_A, WORLD_HOST_B}, true},
    [B_AND_A] = {"at B and A", 2, {WORLD_HOST_B, WORLD_HOST_A}, true},
    [BOTH_OUTSIDE] = {"outside both", 2, {WORLD_WAN_A, WORLD_WAN_B}, true},
    [A_AND_S2] = {"at A and B's server", 2, {WORLD_HOST_A, WORLD_AT_S2}, true},
    [B_AND_S2] = {"at B and its server", 2, {WORLD_HOST_B, WORLD_AT_S2}, false},
    [OUTSIDE_AND_SERVERS] = {"outside A and at both servers",
                             3,
                             {WORLD_WAN_A, WORLD_AT_S2, WORLD_AT_S1},
                             true},
    [EVERYWHERE] = {"everywhere",
                    6,
                    {WORLD_HOST_A, WORLD_WAN_A, WORLD_WAN_B, WORLD_HOST_B, WORLD_AT_S1,
                     WORLD_AT_S2},
                    true},
};

enum {
    /* The trace and its control. */
    CALM_PUNCHES = 2,
    /* Where attempts are lost, what is left of the trace, of its control and of B's answers through
     * A's server may lie too far apart to be put together. */
    STORM_PUNCHES = 5,
    EVENTS = 16
};

static struct rig rig;

static void hear(enum view v, nsec tail)
{
    passive_rig_listen(&rig, views[v].points, views[v].count, tail);
}

static bool run(struct run *r, struct world_config *config)
{
    config->watch = passive_rig_watch;
    config->watch_context = &rig;
    rig.count = rig.overflow = 0;
    return pair_run(r, config, PUNCH_MAX_ATTEMPTS);
}

static void check_agreement(const struct punching *live, const char *who)
{
    const struct punching *p = &rig.punch[0];

    is_int(rig.punches, 1, "%s: one hole punch", who);
    is_str(code_of(&punch_verdicts, p->verdict), code_of(&punch_verdicts, live->verdict),
           "%s: the verdict is the trace's own", who);
}

static void check_step(const struct step_report *got, const struct step_report *want,
                       const char *who, int number)
{
    ok(got->state == want->state && got->when == want->when &&
           endpoint_equal(got->from, want->from) && endpoint_equal(got->to, want->to),
       "%s: step %d is as the trace tells it", who, number);
}

/* Behind a symmetric NAT A's bubbles come from what it is to B's server. */
static bool is_there(const struct in6_addr *own, const struct punching *live)
{
    struct teredo_addr parts;

    return teredo_addr_decode(own, &parts) && parts.server == live->peer_server.address &&
           endpoint_equal(parts.mapped, live->mapped_there);
}

/* A capture at A knows just what the trace knows. */
static void check_at_a(const struct punching *live, const char *who)
{
    const struct punching *p = &rig.punch[0];

    check_agreement(live, who);
    is_str(code_of(&punch_causes, p->cause), code_of(&punch_causes, live->cause),
           "%s: and so is the cause", who);
    is_str(code_of(&punch_blames, p->blame), code_of(&punch_blames, live->blame),
           "%s: and whose it is", who);
    is_int(p->attempts, live->attempts, "%s: and the number of attempts", who);
    ok(p->reference, "%s: the control is known as one", who);
    ok(p->side == SIDE_INITIATOR, "%s: it is captured at the initiator", who);
    is_int(p->rtt, live->rtt, "%s: the round trip is the trace's", who);
    if (live->verdict != PUNCH_PUNCHED)
        return;
    ok((ip6_equal(&p->own, &live->own) || is_there(&p->own, live)) &&
           ip6_equal(&p->peer, &live->peer),
       "%s: between the same two", who);
    check_step(&p->steps[STEP_DIRECT_BUBBLE], &live->steps[STEP_DIRECT_BUBBLE], who, 1);
    check_step(&p->steps[STEP_INDIRECT_BUBBLE], &live->steps[STEP_INDIRECT_BUBBLE], who, 2);
    is_str(code_of(&step_states, p->steps[STEP_FORWARDED].state), "inferred",
           "%s: step 3 can only be inferred", who);
    check_step(&p->steps[STEP_ANSWER], &live->steps[STEP_ANSWER], who, 4);
    check_step(&p->steps[STEP_DATA], &live->steps[STEP_DATA], who, 5);
}

/* Where both ends are captured, it is known what became of each packet. */
static void check_both_ends(const struct punching *live, enum word a, enum word b, const char *who)
{
    const struct punching *p = &rig.punch[0];
    const struct step_report *s = p->steps;
    bool symmetric = a == SYMMETRIC;

    check_agreement(live, who);
    if (b == BLOCKED) {
        is_str(code_of(&punch_causes, p->cause), "peer_silent", "%s: nothing reaches the peer",
               who);
        return;
    }
    is_str(code_of(&step_states, s[STEP_FORWARDED].state), "observed", "%s: step 3 is seen", who);
    ok(!s[STEP_FORWARDED].lost && !s[STEP_INDIRECT_BUBBLE].lost, "%s: and arrives", who);
    is_int(s[STEP_FORWARDED].when - s[STEP_INDIRECT_BUBBLE].when, 50 * NSEC_MS,
           "%s: after two one-way delays", who);
    if (live->verdict == PUNCH_PUNCHED) {
        ok(!s[STEP_ANSWER].lost, "%s: the answer arrives", who);
        is_str(code_of(&punch_causes, p->cause), code_of(&punch_causes, live->cause),
               "%s: and the cause is the trace's", who);
        /* The symmetric A's first pair opens what its second passes. */
        if (!symmetric)
            ok(s[STEP_DIRECT_BUBBLE].lost == (b != NONE && b != CONE),
               "%s: the direct bubble is told as lost where B's side filters", who);
    } else {
        is_str(code_of(&punch_causes, p->cause), "answer_lost",
               "%s: B answers, and A never hears it", who);
        ok(s[STEP_ANSWER].lost, "%s: step 4 is told as lost", who);
    }
}

static bool is_wrong(const struct punching *p, const struct punching *live, bool possible)
{
    return (p->verdict == PUNCH_PUNCHED && !possible) ||
           (p->verdict == PUNCH_NOT_PUNCHED && live->verdict == PUNCH_PUNCHED);
}

static void check_rest(const struct punching *live, enum view v, bool possible, const char *who)
{
    unsigned wrong = 0, known = 0;

    for (unsigned i = 0; i < rig.punches && i < PASSIVE_RIG_PUNCHES; i++) {
        wrong += is_wrong(&rig.punch[i], live, possible);
        known += rig.punch[i].verdict == PUNCH_PUNCHED;
    }
    is_int(wrong, 0, "%s: no verdict is wrong", who);
    ok(rig.done && rig.punches <= CALM_PUNCHES && rig.events <= EVENTS && rig.rejected == 0,
       "%s: a few events, and an end", who);
    if (v == AT_S1 || v == AT_S2)
        is_int(rig.summary.inconclusive, rig.punches, "%s: a server sees but its own part", who);
    else if (live->verdict == PUNCH_PUNCHED)
        is_int(known, 1, "%s: what is punched is known to be", who);
    if (views[v].tells_reference)
        is_int(rig.punches, live->cause == CAUSE_OWN_SERVER_SILENT ? 0 : 1,
               "%s: the control is no hole punch", who);
}

/* What is proven after two pairs or three is not asked again, which the repetitions would show that
 * A's NAT has refused the answer. */
static bool ends_early(const struct punching *live)
{
    return live->verdict == PUNCH_NOT_PUNCHED && live->attempts < PUNCH_MAX_ATTEMPTS;
}

static void test_calm_pair(struct run *r, enum word a, enum word b)
{
    struct world_config config = pair_calm(a, b);
    bool sees = run(r, &config) && a != BLOCKED;

    ok(rig.overflow == 0 && r->world->overflow == 0 && rig.count > 0, "%s to %s: all is seen",
       pair_words[a], pair_words[b]);
    for (int v = 0; v < VIEWS; v++) {
        char who[96];

        snprintf(who, sizeof who, "%s to %s, %s", pair_words[a], pair_words[b], views[v].name);
        hear((enum view)v, TAIL);
        check_rest(&r->result, (enum view)v, pair_can_punch(a, b), who);
        if (sees && v == AT_A)
            check_at_a(&r->result, who);
        else if (sees && (v == A_AND_B || v == B_AND_A || v == EVERYWHERE))
            check_both_ends(&r->result, a, b, who);
        else if (sees && (v == A_AND_S2 || (v == OUTSIDE_A && !ends_early(&r->result))))
            check_agreement(&r->result, who);
    }
    world_free(r->world);
}

struct tally {
    unsigned runs;
    unsigned broken; /* no end, verdicts that are not counted, or too many events */
    unsigned many;   /* more hole punches than can be explained */
    unsigned false_yes, false_no;
    unsigned differing;  /* a capture at A that says other than the trace */
    unsigned surprising; /* punched, and the trace has not even got an answer that data follows */
    unsigned verdicts[PUNCH_INCONCLUSIVE + 1];
};

static void add_view(struct tally *t, enum view v, const struct punching *live, bool possible,
                     bool whole)
{
    const struct passive_summary *sum = &rig.summary;

    t->runs++;
    t->broken += !rig.done || rig.events > EVENTS || sum->punches != rig.punches ||
                 sum->punched + sum->not_punched + sum->inconclusive != sum->punches;
    t->many += rig.punches > (views[v].tells_reference ? 1 : STORM_PUNCHES);
    for (unsigned i = 0; i < rig.punches && i < PASSIVE_RIG_PUNCHES; i++) {
        const struct punching *p = &rig.punch[i];

        t->verdicts[p->verdict]++;
        t->false_yes += p->verdict == PUNCH_PUNCHED && !possible;
        t->false_no += p->verdict == PUNCH_NOT_PUNCHED && live->verdict == PUNCH_PUNCHED;
        t->surprising += p->verdict == PUNCH_PUNCHED && live->verdict != PUNCH_PUNCHED &&
                         live->steps[STEP_ANSWER].state != STEP_RECEIVED;
        t->differing += whole && v == AT_A && live->verdict != PUNCH_INCONCLUSIVE &&
                        p->verdict != live->verdict;
    }
    t->differing += whole && v == AT_A && rig.punches != 1;
}

static void add_run(struct tally *whole, struct tally *cut, const struct run *r, bool possible,
                    struct prng *random)
{
    unsigned count = rig.count;

    for (int v = 0; v < VIEWS; v++) {
        hear((enum view)v, TAIL);
        add_view(&whole[v], (enum view)v, &r->result, possible, true);
    }
    for (int i = 0; i < 3; i++) {
        const struct passive_rig_packet *last = &rig.packets[prng_below(random, count - 1)];
        /* The captures end somewhere between two packets. */
        nsec left = last[1].sight.when - last->sight.when;
        nsec tail = (nsec)(prng_unit(random) * (double)left);

        rig.count = (unsigned)(last - rig.packets) + 1;
        for (int v = 0; v < VIEWS; v++) {
            hear((enum view)v, tail);
            add_view(&cut[v], (enum view)v, &r->result, possible, false);
        }
    }
}

static void check_tally(const struct tally *t, const char *who)
{
    printf("# %s: %u runs: %u punched, %u not, %u inconclusive\n", who, t->runs,
           t->verdicts[PUNCH_PUNCHED], t->verdicts[PUNCH_NOT_PUNCHED],
           t->verdicts[PUNCH_INCONCLUSIVE]);
    is_int(t->broken, 0, "%s: each run ends, with its verdicts counted", who);
    is_int(t->many, 0, "%s: no more hole punches than there were", who);
    is_int(t->false_yes, 0, "%s: nothing is said to be punched that cannot be", who);
    is_int(t->false_no, 0, "%s: nothing that the trace has punched is said not to be", who);
    is_int(t->surprising, 0,
           "%s: more than the trace is known only where it was answered, and its data lost", who);
    is_int(t->differing, 0, "%s: what is captured at A is what the trace says", who);
}

static void test_weather(struct run *r, const struct weather *weather, unsigned seeds)
{
    struct tally whole[VIEWS] = {0}, cut[VIEWS] = {0};
    struct prng random = {1};

    for (unsigned seed = 0; seed < seeds; seed++)
        for (int pair = 0; pair < BLOCKED * WORDS; pair++) {
            enum word a = (enum word)(pair / WORDS), b = (enum word)(pair % WORDS);
            struct world_config config = {
                .nat = {pair_words[a], pair_words[b]},
                .leg = {weather->host, weather->host, weather->server, weather->server},
                .seed = 1 + seed * 64 + a * 8 + b};

            /* A trace that could not begin shows nothing. */
            if (run(r, &config) && r->result.cause != CAUSE_OWN_SERVER_SILENT && rig.overflow == 0)
                add_run(whole, cut, r, pair_can_punch(a, b), &random);
            world_free(r->world);
        }
    for (int v = 0; v < VIEWS; v++) {
        char who[160];

        snprintf(who, sizeof who, "%s, %s", weather->name, views[v].name);
        check_tally(&whole[v], who);
        snprintf(who, sizeof who, "%s, %s, cut short", weather->name, views[v].name);
        check_tally(&cut[v], who);
    }
    ok(whole[AT_A].verdicts[PUNCH_PUNCHED] > seeds && whole[AT_A].verdicts[PUNCH_NOT_PUNCHED] > 0,
       "%s: there was something to be said", weather->name);
}

int main(int argc, char **argv)
{
    struct run *r = calloc(1, sizeof *r);
    unsigned few = getenv("LONG") != NULL ? 5 : 1; /* `make check-long` */
    unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : few;

    for (int a = 0; a < WORDS; a++)
        for (int b = 0; b < WORDS; b++)
            test_calm_pair(r, (enum word)a, (enum word)b);
    for (int i = 0; i < WEATHERS; i++)
        test_weather(r, &pair_weathers[i], seeds);
    free(r);
    return done_testing();
}
