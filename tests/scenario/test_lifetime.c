/* The lifetime of mappings in virtual time: bounds that hold the truth and are as close as was
 * asked, in little more than the lifetime itself; what refreshes them; with loss, never a wrong
 * bound. */
#include <stdlib.h>

#include "classify.h"
#include "tap.h"
#include "world.h"

#define RTT (50 * NSEC_MS)

struct run {
    struct world *world;
    struct classify engine;
    struct lifetime lifetime;
    struct endpoint local[WORLD_SOCKETS];
    bool done;
    unsigned verdicts;
    unsigned progress;
    struct classification result;
};

static void on_event(void *context, const struct event *e)
{
    struct run *r = context;

    if (e->kind == EVENT_PROGRESS)
        r->progress++;
    if (e->kind != EVENT_CLASSIFICATION)
        return;
    r->done = true;
    r->verdicts++;
    r->result = *e->classification;
}

struct lasting {
    const char *word;
    nsec truth; /* NSEC_NEVER = nothing expires */
    nsec max, resolution;
    enum finding inbound;
};

static void run_lifetime(struct run *r, const struct lasting *l, double loss, uint64_t seed,
                         nsec stop_after)
{
    struct world_config config = {.nat = {l->word, "none"}, .seed = seed};
    struct classify_config c = {
        .server = world_server(0, 0),
        .secondary = world_server(0, 1),
        .local = r->local,
        .timeout = 3 * NSEC_S,
        .lifetime = &r->lifetime,
        .lifetime_max = l->max,
        .lifetime_resolution = l->resolution,
    };

    for (int i = 0; i < WORLD_SITES; i++)
        config.leg[i].delay = RTT / 4;
    config.leg[WORLD_A].loss = loss;
    memcpy(c.nonces.key, &seed, sizeof seed);
    r->done = false;
    r->verdicts = r->progress = 0;
    r->result = (struct classification){0};
    r->world = world_new(&config);
    memcpy(r->local, r->world->hosts[WORLD_A].local, sizeof r->local);
    classify_init(&r->engine, &c);
    world_start(r->world, WORLD_A, &r->engine.engine, on_event, r);
    world_run(r->world, &r->done, r->world->now + stop_after);
    world_stop(r->world, WORLD_A);
    if (r->world->overflow > 0)
        r->verdicts = 0;
    world_free(r->world);
}

static const struct lasting lastings[] = {
    {"port-restricted,timeout=30s", 30 * NSEC_S, 120 * NSEC_S, 5 * NSEC_S, FINDING_NO},
    {"port-restricted,timeout=30s,refresh=both", 30 * NSEC_S, 120 * NSEC_S, 5 * NSEC_S,
     FINDING_YES},
    {"cone,timeout=65s", 65 * NSEC_S, 300 * NSEC_S, 10 * NSEC_S, FINDING_NO},
    {"address-restricted,timeout=120s,refresh=both", 120 * NSEC_S, 300 * NSEC_S, 10 * NSEC_S,
     FINDING_YES},
    {"symmetric,timeout=20s", 20 * NSEC_S, 120 * NSEC_S, 5 * NSEC_S, FINDING_NO},
    {"firewall,timeout=40s", 40 * NSEC_S, 120 * NSEC_S, 5 * NSEC_S, FINDING_NO},
    {"port-restricted,timeout=47s", 47 * NSEC_S, 300 * NSEC_S, NSEC_S, FINDING_NO},
    {"port-restricted,timeout=10min", 600 * NSEC_S, 120 * NSEC_S, 10 * NSEC_S, FINDING_UNKNOWN},
    {"none", NSEC_NEVER, 60 * NSEC_S, 10 * NSEC_S, FINDING_UNKNOWN},
};

static void test_bounds(struct run *r, const struct lasting *l)
{
    const struct mapping_lifetime *m = &r->result.lifetime;
    bool expires = l->truth <= l->max;
    /* A second pass, where the ports do not suffice at once, begins when the first has ended. */
    bool twice = l->max / l->resolution > LIFETIME_IDLE_PORTS;

    run_lifetime(r, l, 0, 7, 3600 * NSEC_S);
    is_int(r->verdicts, 1, "%s: one verdict", l->word);
    ok(m->measured && m->at_least <= l->truth, "%s: the lower bound is one", l->word);
    ok(m->at_most >= l->truth, "%s: the upper bound is one", l->word);
    if (expires) {
        ok(m->at_most - m->at_least <= l->resolution + 2 * NSEC_S,
           "%s: the bounds are as close as was asked", l->word);
        ok(r->result.elapsed <= (twice ? 2 : 1) * (l->truth + l->resolution + 10 * NSEC_S),
           "%s: it takes little longer than the lifetime", l->word);
    } else {
        ok(m->at_most == NSEC_NEVER && m->at_least >= l->max - NSEC_S,
           "%s: it outlives the longest time that was tried", l->word);
        ok(r->result.elapsed <= l->max + 5 * NSEC_S, "%s: no longer than that", l->word);
    }
    is_int(m->outbound_refreshes, expires ? FINDING_YES : FINDING_UNKNOWN,
           "%s: outbound traffic refreshes", l->word);
    is_int(m->inbound_refreshes, l->inbound, "%s: inbound traffic refreshes or not", l->word);
    ok(r->progress > 0, "%s: progress is told", l->word);
    printf("# %.2f to %.2f s, after %.1f s, %u sent\n", nsec_seconds(m->at_least),
           m->at_most == NSEC_NEVER ? -1 : nsec_seconds(m->at_most),
           nsec_seconds(r->result.elapsed), r->result.sent);
}

static void test_loss(struct run *r, const struct lasting *l, unsigned seeds)
{
    unsigned wrong = 0, close = 0, verdicts = 0;

    for (unsigned seed = 0; seed < seeds; seed++) {
        const struct mapping_lifetime *m = &r->result.lifetime;

        run_lifetime(r, l, 0.2, 1000 + seed, 3600 * NSEC_S);
        verdicts += r->verdicts;
        wrong += m->at_least > l->truth || m->at_most < l->truth ||
                 m->outbound_refreshes == FINDING_NO ||
                 (m->inbound_refreshes != FINDING_UNKNOWN && m->inbound_refreshes != l->inbound);
        close += m->at_most != NSEC_NEVER && m->at_most - m->at_least <= l->resolution + 4 * NSEC_S;
    }
    is_int(verdicts, seeds, "%s, 20 %% lost: one verdict each run", l->word);
    is_int(wrong, 0, "%s, 20 %% lost: never a wrong bound, never a wrong refresh", l->word);
    if (l->truth <= l->max)
        ok(close * 10 >= seeds * 9, "%s, 20 %% lost: nine of ten find close bounds", l->word);
    printf("# %u of %u close\n", close, seeds);
}

/* Ctrl-C reports the bounds so far. */
static void test_stop(struct run *r)
{
    const struct mapping_lifetime *m = &r->result.lifetime;

    run_lifetime(r, &lastings[2], 0, 7, 45 * NSEC_S);
    is_int(r->verdicts, 1, "interrupted: one verdict");
    ok(r->result.interrupted && m->measured, "interrupted: it says so");
    ok(m->at_least >= 38 * NSEC_S && m->at_least <= 45 * NSEC_S && m->at_most == NSEC_NEVER,
       "interrupted: what it has outlived so far is told");
    is_str(code_of(&nat_names, r->result.nat), "cone", "interrupted: the classification stands");
}

enum {
    STORY_LINES = 16,
    LINE = 200
};

/* Each test of the lifetime: which mapping, how long after its last packet to which endpoint, sent
 * and answered, what came beside it, and what that shows. Then the bounds and all packets. */
static const struct story {
    struct lasting lasting;
    const char *lines[STORY_LINES];
} stories[] = {
    {{"port-restricted,timeout=47s", 47 * NSEC_S, 300 * NSEC_S, NSEC_S, FINDING_NO},
     {"lifetime of port 2, after 46.31 s at 96.78 s: 2/1 in 50 ms, beside 1/2: the mapping was "
      "still there",
      "lifetime of port 3, after 47.14 s at 97.61 s: 14/0 in 0 ms, beside 14/14, missed 14, "
      "odds low: the mapping was gone",
      "refresh_outbound of port 50, after 50.78 s at 50.83 s: 2/1 in 50 ms, beside 2/2: this "
      "traffic keeps the mapping alive",
      "refresh_inbound of port 49, after 50.83 s at 50.83 s: 14/0 in 0 ms, beside 14/14, missed "
      "14, odds low: this traffic does not keep the mapping alive",
      "46.26 to 47.52 s, 633 sent, 456 received, in 98.30 s, told 98 times"}},
    {{"port-restricted,timeout=10min", 600 * NSEC_S, 120 * NSEC_S, 10 * NSEC_S, FINDING_UNKNOWN},
     {"lifetime of port 13, after 120.05 s at 120.08 s: 2/1 in 50 ms, beside 1/2: the mapping "
      "was still there",
      "120.00 to 0.00 s, 566 sent, 384 received, in 120.42 s, told 120 times"}},
    {{"port-restricted,timeout=30s", 30 * NSEC_S, 120 * NSEC_S, 5 * NSEC_S, FINDING_NO},
     {"lifetime of port 5, after 25.76 s at 25.78 s: 2/1 in 50 ms, beside 1/2: the mapping was "
      "still there",
      "lifetime of port 6, after 30.05 s at 30.06 s: 14/0 in 0 ms, beside 14/14, missed 14, "
      "odds low: the mapping was gone",
      "refresh_outbound of port 50, after 30.54 s at 30.59 s: 2/1 in 50 ms, beside 2/2: this "
      "traffic keeps the mapping alive",
      "refresh_inbound of port 49, after 30.59 s at 30.59 s: 14/0 in 0 ms, beside 14/14, missed "
      "14, odds low: this traffic does not keep the mapping alive",
      "25.71 to 30.43 s, 455 sent, 303 received, in 31.28 s, told 30 times"}},
    {{"cone,timeout=65s,refresh=both", 65 * NSEC_S, 300 * NSEC_S, 10 * NSEC_S, FINDING_YES},
     {"lifetime of port 6, after 60.05 s at 60.06 s: 2/1 in 50 ms, beside 1/2: the mapping was "
      "still there",
      "lifetime of port 7, after 68.62 s at 68.64 s: 14/0 in 0 ms, beside 14/14, missed 14, "
      "odds low: the mapping was gone",
      "refresh_outbound of port 50, after 69.64 s at 69.69 s: 2/1 in 50 ms, beside 1/2: this "
      "traffic keeps the mapping alive",
      "refresh_inbound of port 49, after 69.69 s at 69.69 s: 2/1 in 50 ms, beside 1/2: this "
      "traffic keeps the mapping alive",
      "60.00 to 69.00 s, 400 sent, 299 received, in 70.02 s, told 69 times"}},
    {{"symmetric,timeout=20s", 20 * NSEC_S, 120 * NSEC_S, 5 * NSEC_S, FINDING_NO},
     {"lifetime of port 3, after 17.19 s at 17.20 s: 2/1 in 50 ms, beside 1/2: the mapping was "
      "still there",
      "lifetime of port 4, after 21.48 s at 21.49 s: 14/0 in 0 ms, beside 14/14, missed 14, "
      "odds low: the mapping was gone",
      "refresh_outbound of port 50, after 21.96 s at 22.01 s: 2/1 in 50 ms, beside 2/2: this "
      "traffic keeps the mapping alive",
      "refresh_inbound of port 49, after 22.01 s at 22.01 s: 14/0 in 0 ms, beside 14/14, missed "
      "14, odds low: this traffic does not keep the mapping alive",
      "17.14 to 21.86 s, 356 sent, 250 received, in 22.69 s, told 22 times"}},
    {{"none", NSEC_NEVER, 60 * NSEC_S, 10 * NSEC_S, FINDING_UNKNOWN},
     {"lifetime of port 6, after 60.05 s at 60.06 s: 2/1 in 50 ms, beside 1/2: the mapping was "
      "still there",
      "60.00 to 0.00 s, 251 sent, 187 received, in 60.21 s, told 60 times"}},
};

static void describe(const struct run *r, const struct classify_evidence *e, char out[static LINE])
{
    unsigned port = 0;
    int n;

    while (port + 1 < WORLD_SOCKETS && r->local[port].port != e->port)
        port++;
    n = snprintf(out, LINE, "%s of port %u, after %.2f s at %.2f s: %u/%u in %.0f ms",
                 code_of(&classify_tests, e->test), port - CLASSIFY_SOCKETS, nsec_seconds(e->idle),
                 nsec_seconds(e->sent_at), e->sent, e->answered, nsec_seconds(e->delay) * 1e3);
    if (e->references > 0)
        n += snprintf(out + n, LINE - (size_t)n, ", beside %u/%u", e->references_answered,
                      e->references);
    if (e->answered == 0)
        n += snprintf(out + n, LINE - (size_t)n, ", missed %u, odds %s", e->paired,
                      e->odds < CLASSIFY_ODDS ? "low" : "high");
    snprintf(out + n, LINE - (size_t)n, ": %s", text_of(&classify_proofs, e->proof));
}

static void test_story(struct run *r, const struct story *s)
{
    const struct classification *c = &r->result;
    unsigned line = 0;
    char text[LINE];

    run_lifetime(r, &s->lasting, 0, 7, 3600 * NSEC_S);
    for (unsigned i = 0; i < c->evidence_count; i++) {
        if (c->evidence[i].test < TEST_LIFETIME)
            continue;
        describe(r, &c->evidence[i], text);
        is_str(text, line < STORY_LINES - 1 ? s->lines[line] : NULL, "%s: %u", s->lasting.word,
               line);
        line++;
    }
    snprintf(text, sizeof text, "%.2f to %.2f s, %u sent, %u received, in %.2f s, told %u times",
             nsec_seconds(c->lifetime.at_least),
             c->lifetime.at_most == NSEC_NEVER ? 0 : nsec_seconds(c->lifetime.at_most), c->sent,
             c->received, nsec_seconds(c->elapsed), r->progress);
    is_str(text, s->lines[line], "%s: all in all", s->lasting.word);
    ok(s->lines[line + 1] == NULL, "%s: and no other tests", s->lasting.word);
}

int main(void)
{
    struct run *r = calloc(1, sizeof *r);

    if (r == NULL)
        return 1;
    for (size_t i = 0; i < sizeof lastings / sizeof *lastings; i++)
        test_bounds(r, &lastings[i]);
    for (size_t i = 0; i < sizeof lastings / sizeof *lastings; i++)
        test_loss(r, &lastings[i], 20);
    test_stop(r);
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        test_story(r, &stories[i]);
    free(r);
    return done_testing();
}
