/* Traces between every ordered pair of NAT words: first without loss, where verdict, cause and time
 * are exact; then with loss, jitter, reordering and duplicates, where no seed may make the trace
 * say what is not so. */
#include <stdlib.h>

#include "respond.h"
#include "tap.h"
#include "trace.h"
#include "world.h"

enum word {
    NONE,
    CONE,
    ADDRESS,
    PORT,
    SYMMETRIC,
    FIREWALL,
    BLOCKED,
    WORDS
};

static const char *const words[WORDS] = {
    "none", "cone", "address-restricted", "port-restricted", "symmetric", "firewall", "blocked"};

/* What a trace from A to B finds, and why. */
enum outcome {
    OPEN,       /* B's own endpoint answers: bubbles open all that filters */
    REMAPPED,   /* B answers from a new mapping, and A's NAT does not look at ports */
    SHUT,       /* a symmetric NAT meets one that filters by port: the peer answers through A's
                 * server, and no direct bubble matches what the other NAT has opened */
    SILENT,     /* the same, but A is the symmetric one: its Teredo address does not name the
                 * endpoint that B's server sees, so that its bubbles must come from a link-local
                 * address (RFC 4380 5.3.1, rule 5), and B cannot tell A's server from that */
    ABSENT,     /* B hears nothing, though its server lives */
    NO_ADDRESS, /* A cannot qualify */
};

static const struct {
    enum punch_verdict verdict;
    enum punch_cause cause;
    const char *reason;
} outcomes[] = {
    [OPEN] = {PUNCH_PUNCHED, CAUSE_NONE, "bubbles open both, the peer's endpoint holds"},
    [REMAPPED] = {PUNCH_PUNCHED, CAUSE_PEER_REMAPPED,
                  "the peer answers from a new mapping, which our side lets in, and the nonce "
                  "proves it"},
    [SHUT] = {PUNCH_NOT_PUNCHED, CAUSE_DIRECT_PATH_BLOCKED,
              "one side maps anew for each destination, the other filters by port"},
    [SILENT] = {PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT,
                "our side maps anew for each destination, the other filters by port, and cannot "
                "answer through our server"},
    [ABSENT] = {PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT,
                "no UDP reaches the peer, though its server lives"},
    [NO_ADDRESS] = {PUNCH_INCONCLUSIVE, CAUSE_OWN_SERVER_SILENT,
                    "no UDP leaves our network, so nothing could be tried"},
};

/* RFC 6081: rows are A's words, columns B's, both in the order of enum word. */
static const enum outcome table[WORDS][WORDS] = {
    [NONE] = {OPEN, OPEN, OPEN, OPEN, REMAPPED, OPEN, ABSENT},
    [CONE] = {OPEN, OPEN, OPEN, OPEN, REMAPPED, OPEN, ABSENT},
    [ADDRESS] = {OPEN, OPEN, OPEN, OPEN, REMAPPED, OPEN, ABSENT},
    [PORT] = {OPEN, OPEN, OPEN, OPEN, SHUT, OPEN, ABSENT},
    [SYMMETRIC] = {OPEN, OPEN, OPEN, SILENT, SILENT, SILENT, ABSENT},
    [FIREWALL] = {OPEN, OPEN, OPEN, OPEN, SHUT, OPEN, ABSENT},
    [BLOCKED] = {NO_ADDRESS, NO_ADDRESS, NO_ADDRESS, NO_ADDRESS, NO_ADDRESS, NO_ADDRESS,
                 NO_ADDRESS},
};

static bool can_punch(enum word a, enum word b)
{
    return table[a][b] == OPEN || table[a][b] == REMAPPED;
}

/* One run: B listens, then A traces it. */
struct run {
    struct world *world;
    struct respond respond;
    struct trace trace;
    bool b_settled; /* it has told its address, or that it has none */
    bool b_qualified;
    struct in6_addr b_address;
    unsigned lost; /* actions that a queue had no room for */
    bool done;
    struct punching result;
    unsigned verdicts;
};

static void on_b(void *context, const struct event *e)
{
    struct run *r = context;

    if (e->kind != EVENT_QUALIFICATION)
        return;
    r->b_settled = true;
    r->b_qualified = e->qualification.has_address;
    if (r->b_qualified)
        r->b_address = e->qualification.teredo_address;
}

static void on_a(void *context, const struct event *e)
{
    struct run *r = context;

    if (e->kind != EVENT_PUNCHING)
        return;
    r->done = true;
    r->verdicts++;
    r->result = e->punching;
}

static struct qualify_config qualify_config(const struct world *w, enum world_site site)
{
    struct qualify_config c = {
        .server = world_server(site == WORLD_A ? 0 : 1, 0),
        .secondary = world_server(site == WORLD_A ? 0 : 1, 1),
        .local = w->hosts[site].local[0],
        .timeout = 1500 * NSEC_MS,
        .attempts = 3,
        .flags = 0x1234 & TEREDO_FLAGS_RANDOM,
    };

    memcpy(c.nonces.key, &w->config.seed, sizeof w->config.seed);
    c.nonces.key[31] = (uint8_t)(1 + site);
    return c;
}

/* The address of a B whose network has stopped passing UDP since it qualified. */
static struct in6_addr remembered_address(void)
{
    struct teredo_addr a = {.prefix = TEREDO_PREFIX,
                            .server = WORLD_SERVER_2,
                            .flags = 0x2345 & TEREDO_FLAGS_RANDOM,
                            .mapped = world_outside(WORLD_B)};
    struct in6_addr address;

    teredo_addr_encode(&a, &address);
    return address;
}

static void settle_b(struct run *r)
{
    struct respond_config c = {.qualify = qualify_config(r->world, WORLD_B),
                               .refresh_interval = 30 * NSEC_S};

    c.nonces = c.qualify.nonces;
    c.nonces.key[30] = 1;
    r->b_settled = false;
    respond_init(&r->respond, &c);
    world_start(r->world, WORLD_B, (struct engine){&respond_ops, &r->respond}, on_b, r);
    world_run(r->world, &r->b_settled, r->world->now + 10 * NSEC_S);
}

static void trace_b(struct run *r, unsigned attempts)
{
    struct trace_config c = {
        .qualify = qualify_config(r->world, WORLD_A),
        .punch = {.peer = r->b_address,
                  .attempts = attempts,
                  .control_ttl = 2,
                  .server_port = TEREDO_PORT},
    };

    c.punch.nonces = c.qualify.nonces;
    c.punch.nonces.key[30] = 2;
    trace_init(&r->trace, &c);
    world_start(r->world, WORLD_A, (struct engine){&trace_ops, &r->trace}, on_a, r);
    world_run(r->world, &r->done, r->world->now + 60 * NSEC_S);
}

/* Fills R, whose world the caller frees. False where loss kept B from qualifying. */
static bool run_pair(struct run *r, const struct world_config *config, unsigned attempts)
{
    r->world = world_new(config);
    r->b_qualified = r->done = false;
    r->verdicts = 0;
    r->b_address = remembered_address();
    for (int i = 0; i < 5 && !r->b_qualified; i++)
        settle_b(r);
    if (!r->b_qualified && strcmp(config->nat[1], "blocked") != 0)
        return false;
    trace_b(r, attempts);
    r->lost = r->trace.queue.lost + r->respond.queue.lost + r->trace.punch.queue.lost +
              r->trace.qualify.queue.lost + r->respond.qualify.queue.lost;
    return true;
}

static struct world_config calm(enum word a, enum word b)
{
    struct world_config c = {.nat = {words[a], words[b]}, .seed = 1 + WORDS * a + b};

    for (int i = 0; i < WORLD_SITES; i++)
        c.leg[i].delay = 12500 * NSEC_US;
    return c;
}

/* From step 1 to step 4, in one-way delays: the bubble takes two through B's server, or one where
 * B's side lets it in unasked and from the expected endpoint; the answer takes one. */
static nsec least_time(enum word a, enum word b)
{
    nsec one_way = 25 * NSEC_MS;

    return ((b == NONE || b == CONE) && a != SYMMETRIC ? 2 : 3) * one_way;
}

/* Bubble pairs needed. An address-restricted B opens to the endpoint that its server saw; the
 * symmetric A's next direct bubble comes from a third one, and only then does B learn it. */
static unsigned pairs_needed(enum word a, enum word b)
{
    return a == SYMMETRIC && b == ADDRESS ? 2 : 1;
}

static void test_calm_pair(struct run *r, enum word a, enum word b)
{
    struct world_config config = calm(a, b);
    const struct punching *p = &r->result;

    run_pair(r, &config, PUNCH_MAX_ATTEMPTS);
    ok(r->done && r->verdicts == 1 && r->lost == 0 && r->world->overflow == 0,
       "%s to %s: one verdict, nothing lost on the way to it", words[a], words[b]);
    is_str(punch_verdict_code(p->verdict), punch_verdict_code(outcomes[table[a][b]].verdict),
           "%s to %s: %s", words[a], words[b], outcomes[table[a][b]].reason);
    is_str(punch_cause_code(p->cause), punch_cause_code(outcomes[table[a][b]].cause),
           "%s to %s: and the cause is named", words[a], words[b]);
    if (can_punch(a, b)) {
        const struct step_report *s = p->steps;

        is_int(s[STEP_ANSWER].when - s[STEP_DIRECT_BUBBLE].when, least_time(a, b),
               "%s to %s: step 4 comes when the path's own delays say", words[a], words[b]);
        is_int(p->rtt, 50 * NSEC_MS, "%s to %s: data takes one round trip", words[a], words[b]);
        is_int(p->attempts, pairs_needed(a, b), "%s to %s: as few bubble pairs as the NATs allow",
               words[a], words[b]);
    }
    world_free(r->world);
}

/* Neither side's part in the procedure depends on who begins it. */
static void test_symmetry(void)
{
    for (int a = 0; a < BLOCKED; a++)
        for (int b = a; b < BLOCKED; b++)
            ok(can_punch((enum word)a, (enum word)b) == can_punch((enum word)b, (enum word)a),
               "%s and %s: whoever begins, the pair punches or does not", words[a], words[b]);
}

/* B's server changes after B has qualified; both NATs are port-restricted. */
static void test_server_fails(struct run *r, enum world_service service, enum punch_cause cause,
                              const char *name)
{
    struct world_config config = calm(PORT, PORT);

    *r = (struct run){.world = world_new(&config)};
    settle_b(r);
    r->world->config.service[1][0] = r->world->config.service[1][1] = service;
    trace_b(r, PUNCH_MAX_ATTEMPTS);
    is_int(r->verdicts, 1, "%s: one verdict", name);
    is_str(punch_verdict_code(r->result.verdict), "not_punched", "%s: not punched", name);
    is_str(punch_cause_code(r->result.cause), punch_cause_code(cause), "%s: the cause is named",
           name);
    world_free(r->world);
}

struct weather {
    const char *name;
    struct world_leg host, server;
};

static const struct weather weathers[] = {
    {"20 % of loss on each host's leg each way",
     {.delay = 12500 * NSEC_US, .loss = 0.2},
     {.delay = 12500 * NSEC_US}},
    {"20 % of loss, jitter, reordering and duplicates",
     {.delay = 12500 * NSEC_US,
      .jitter = 40 * NSEC_MS,
      .loss = 0.2,
      .duplicate = 0.2,
      .reorder = 0.2},
     {.delay = 12500 * NSEC_US, .jitter = 20 * NSEC_MS, .duplicate = 0.1}},
    {"jitter, reordering and duplicates without loss",
     {.delay = 12500 * NSEC_US, .jitter = 150 * NSEC_MS, .duplicate = 0.5, .reorder = 0.3},
     {.delay = 12500 * NSEC_US, .jitter = 150 * NSEC_MS, .duplicate = 0.5, .reorder = 0.3}},
};

enum {
    WEATHERS = sizeof weathers / sizeof *weathers
};

struct tally {
    unsigned runs;
    unsigned unlisted; /* B never qualified */
    unsigned broken;   /* no verdict, two verdicts, or a queue or the world overflowed */
    unsigned punched;
    unsigned causes[CAUSE_COUNT];
};

static struct tally run_storm(struct run *r, const struct weather *weather, enum word a,
                              enum word b, unsigned seeds)
{
    struct tally t = {0};

    for (unsigned seed = 0; seed < seeds; seed++) {
        struct world_config c = {
            .nat = {words[a], words[b]},
            .leg = {weather->host, weather->host, weather->server, weather->server},
            .seed = 1 + seed * 64 + a * 8 + b};

        if (!run_pair(r, &c, PUNCH_MAX_ATTEMPTS)) {
            t.unlisted++;
        } else {
            t.runs++;
            if (!r->done || r->verdicts != 1 || r->lost != 0 || r->world->overflow != 0) {
                t.broken++;
            } else {
                t.punched += r->result.verdict == PUNCH_PUNCHED;
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
            printf(" %s %u", punch_cause_code((enum punch_cause)i), t->causes[i]);
    printf(" (B never qualified: %u)\n", t->unlisted);
}

static void add_tally(struct tally *sum, const struct tally *t)
{
    sum->runs += t->runs;
    sum->unlisted += t->unlisted;
    sum->broken += t->broken;
    sum->punched += t->punched;
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

/* The causes that blame a NAT rest on all of four attempts. With a share p of answers that cross
 * and of others that do not, loss alone meets that with at most (p (1 - p))^4, below 1 in 256; one
 * that must have lost its direct half and kept the other is rarer still. */
static void test_diagnosis(const struct weather *weather, const struct tally *can,
                           const struct tally *cannot)
{
    is_int(impossible(can) + impossible(cannot), 0, "%s: no cause is named that did not happen",
           weather->name);
    ok(can->causes[CAUSE_PEER_NAT_TRIPS] * 256 < can->runs,
       "%s: loss is hardly ever taken for a NAT that trips on the direct bubble", weather->name);
    is_int(cannot->causes[CAUSE_PEER_NAT_TRIPS], 0,
           "%s: nor is a NAT that maps or filters too strictly", weather->name);
    ok(can->causes[CAUSE_DIRECT_PATH_BLOCKED] * 1000 < can->runs,
       "%s: loss is hardly ever taken for a blocked direct path", weather->name);
    ok(cannot->causes[CAUSE_DIRECT_PATH_BLOCKED] > 0,
       "%s: a path that is blocked can still be told", weather->name);
    if (weather->host.loss == 0)
        is_int(can->punched, can->runs, "%s: every pair that can punch does", weather->name);
    else
        ok(can->punched * 4 > can->runs * 3,
           "%s: retransmissions punch three pairs of four or more", weather->name);
}

static void test_weather(struct run *r, const struct weather *weather, unsigned seeds)
{
    struct tally can = {0}, cannot = {0};

    for (int a = 0; a < BLOCKED; a++)
        for (int b = 0; b < WORDS; b++) {
            struct tally t = run_storm(r, weather, (enum word)a, (enum word)b, seeds);

            if (getenv("VERBOSE") != NULL) {
                char name[64];

                snprintf(name, sizeof name, "%s to %s", words[a], words[b]);
                print_tally(name, &t);
            }
            add_tally(can_punch((enum word)a, (enum word)b) ? &can : &cannot, &t);
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
    const char *seeds = getenv("SEEDS");

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
        test_weather(r, &weathers[i], seeds != NULL ? (unsigned)strtoul(seeds, NULL, 10) : 200);
    free(r);
    return done_testing();
}
