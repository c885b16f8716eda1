/* A check behind every NAT, with loss: whatever is lost, a server that is right is never called
 * anything else, and one that is not is never called right. */
#include <stdlib.h>

#include "check.h"
#include "tap.h"
#include "world.h"

#define RTT (40 * NSEC_MS)

struct run {
    struct world *world;
    struct check engine;
    bool done;
    struct checking result;
};

static void on_event(void *context, const struct event *e)
{
    struct run *r = context;

    if (e->kind != EVENT_CHECKING)
        return;
    r->done = true;
    r->result = e->checking;
}

static void run_check(struct run *r, const struct world_config *config)
{
    struct check_config c = {
        .qualify = {.server = world_server(0, 0),
                    .secondary = world_server(0, 1),
                    .timeout = 5 * NSEC_S,
                    .attempts = 5,
                    .flags = 0x1034},
        .name = "teredo.example",
        .relay_timeout = 5 * NSEC_S,
    };

    memcpy(c.qualify.nonces.key, &config->seed, sizeof config->seed);
    *r = (struct run){.world = world_new(config)};
    c.qualify.local = r->world->hosts[WORLD_A].local[0];
    check_init(&r->engine, &c);
    world_start(r->world, WORLD_A, &r->engine.engine, on_event, r);
    world_run(r->world, &r->done, r->world->now + 60 * NSEC_S);
    world_free(r->world);
}

/* What a server does, and what may be said of it: the status of a calm day, or UNKNOWN. */
struct server_kind {
    const char *name;
    enum world_service primary, secondary;
    enum check_status status;
    enum check_cause cause;
};

static const struct server_kind kinds[] = {
    {"a server that is right", WORLD_SERVES, WORLD_SERVES, CHECK_OK, CHECK_CAUSE_NONE},
    {"a server that does not relay", WORLD_ADVERTISES, WORLD_ADVERTISES, CHECK_CRITICAL,
     CHECK_CAUSE_RELAY},
    {"a server that answers crosswise", WORLD_CROSSWISE, WORLD_CROSSWISE, CHECK_CRITICAL,
     CHECK_CAUSE_QUALIFICATION},
    {"a server without its second address", WORLD_SERVES, WORLD_SILENT, CHECK_WARNING,
     CHECK_CAUSE_QUALIFICATION},
    {"a server without its primary address", WORLD_SILENT, WORLD_SERVES, CHECK_CRITICAL,
     CHECK_CAUSE_QUALIFICATION},
    {"a closed port", WORLD_CLOSED, WORLD_CLOSED, CHECK_CRITICAL, CHECK_CAUSE_QUALIFICATION},
};

static const char *const nats[] = {"none", "cone", "port-restricted", "symmetric", "firewall"};
static const double losses[] = {0, 0.05, 0.1, 0.2, 0.5};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void test_kind(struct run *r, const struct server_kind *k, double loss, unsigned seeds)
{
    unsigned statuses[CHECK_UNKNOWN + 1] = {0}, wrong = 0, silent = 0;

    for (unsigned seed = 0; seed < seeds; seed++) {
        struct world_config c = {
            .nat = {nats[seed % COUNT(nats)], "none"},
            .seed = 1000003 * (uint64_t)(k - kinds) + seed,
        };

        for (int i = 0; i < WORLD_SITES; i++)
            c.leg[i].delay = RTT / 4;
        c.leg[WORLD_A].jitter = seed % 2 * 30 * NSEC_MS;
        c.leg[WORLD_A].loss = loss;
        c.leg[WORLD_A].duplicate = loss;
        c.leg[WORLD_A].reorder = loss;
        c.service[0][0] = k->primary;
        c.service[0][1] = k->secondary;
        run_check(r, &c);
        statuses[r->result.status]++;
        if (r->result.qualification.reason == QUALIFY_NO_REPLY)
            silent++; /* nothing at all came back: no loss can be told from that */
        else if (r->result.status != k->status)
            wrong += r->result.status != CHECK_UNKNOWN;
        else
            wrong += r->result.cause != k->cause;
    }
    printf("# %s, %.0f %% of loss:", k->name, loss * 100);
    for (int i = 0; i <= CHECK_UNKNOWN; i++)
        printf(" %s %u", text_of(&check_statuses, (unsigned)i), statuses[i]);
    printf("; nothing came back %u times\n", silent);
    is_int(wrong, 0, "%s, %.0f %% of loss: never a wrong status", k->name, loss * 100);
    ok(loss > 0.2 || k->status != CHECK_OK || silent * 1000 <= seeds,
       "%s, %.0f %% of loss: silence is rare", k->name, loss * 100);
    ok(loss > 0.2 || statuses[k->status] * 10 >= seeds * 8,
       "%s, %.0f %% of loss: eight of ten are told", k->name, loss * 100);
}

int main(void)
{
    struct run *r = calloc(1, sizeof *r);
    unsigned seeds = getenv("LONG") != NULL ? 10000 : 400;

    if (r == NULL)
        return 1;
    for (unsigned k = 0; k < COUNT(kinds); k++)
        for (unsigned l = 0; l < COUNT(losses); l++)
            test_kind(r, &kinds[k], losses[l], seeds);
    free(r);
    return done_testing();
}
