#include "classify.h"

#include <stdlib.h>
#include <sysexits.h>

#include "client.h"

struct classify_options {
    struct client_options client;
    uint16_t extra_port; /* 0 = none */
    bool lifetime;
    nsec max_idle;
    nsec resolution;
};

/* What was given. */
enum {
    GIVEN_FOR_LIFETIME = 1 << 0
};

static const struct option_entry classify_options[] = {
    {"explain", 0, NULL, "List the evidence: what each test sent, what came back, what that proves",
     OPTION_FLAG(struct classify_options, client.explain)},
    {"timeout", 0, "SECONDS", "Give a server that never answers up after this (default: 3)",
     OPTION_SECONDS(struct classify_options, client.timeout)},
    {"extra-port", 0, "PORT",
     "The server has this port too (`teredoctl serve --extra-port`): tell whether mapping and "
     "filtering depend on the port (default: $TEREDO_EXTRA_PORT)",
     OPTION_NUMBER(struct classify_options, extra_port, 1, 65535)},
    {"lifetime", 0, NULL,
     "Also measure how long a mapping lives without traffic; this takes as long as it lives",
     OPTION_FLAG(struct classify_options, lifetime)},
    {"max-idle", 0, "SECONDS", "With --lifetime: the longest time to try (default: 300)",
     OPTION_SECONDS(struct classify_options, max_idle), .given = GIVEN_FOR_LIFETIME},
    {"resolution", 0, "SECONDS", "With --lifetime: how close the bounds shall be (default: 10)",
     OPTION_SECONDS(struct classify_options, resolution), .given = GIVEN_FOR_LIFETIME},
    {0},
};

static void check(void *options, struct argp_state *state)
{
    struct classify_options *o = options;
    struct option_value extra = {
        .state = state, .name = "TEREDO_EXTRA_PORT", .text = getenv("TEREDO_EXTRA_PORT")};

    if (o->extra_port == 0 && extra.text != NULL)
        o->extra_port = (uint16_t)value_number(&extra, 1, 65535);
    if ((o->client.common.given & GIVEN_FOR_LIFETIME) != 0 && !o->lifetime)
        argp_error(state, "--max-idle and --resolution go with --lifetime");
    if (o->resolution > o->max_idle)
        argp_error(state, "--resolution is coarser than --max-idle");
    o->client.sockets = CLASSIFY_SOCKETS + (o->lifetime ? LIFETIME_PORTS : 0);
    client_check_server(options, state);
}

/* The engine, and its part for --lifetime. */
struct measurement {
    struct classify classify;
    struct lifetime lifetime;
    struct endpoint local[CLASSIFY_SOCKETS + LIFETIME_PORTS]; /* which the engine borrows */
};

static int init(struct client *c, struct engine *engine, struct error *error)
{
    struct measurement *m = (struct measurement *)engine;
    const struct classify_options *o = (const struct classify_options *)c->options;
    struct classify_config config = {
        .server = c->server,
        .secondary = c->secondary,
        .local = m->local,
        .extra_port = o->extra_port,
        .timeout = o->client.timeout,
        .allow_private = o->client.allow_private,
        .identity = client_common_config(c->options).identity,
        .lifetime = o->lifetime ? &m->lifetime : NULL,
        .lifetime_max = o->max_idle,
        .lifetime_resolution = o->resolution,
    };

    if (o->extra_port == c->server.port) {
        error_set(error, EX_USAGE, 0, "the extra port is the server's port, %u", c->server.port);
        return error_hint(error, "name the other one, that of `teredoctl serve --extra-port`");
    }
    if (client_nonces(&config.nonces, error) != 0)
        return -1;
    for (unsigned i = 0; i < o->client.sockets; i++)
        m->local[i] = live_local(c->live, i);
    classify_init(&m->classify, &config);
    return 0;
}

static int status(const struct event *event)
{
    return event->kind == EVENT_CLASSIFICATION ? (int)event->classification->verdict : -1;
}

static void unknown_name(const struct client_options *o, struct event *event)
{
    static struct classification unknown = {.verdict = CLASSIFY_PARTIAL};

    unknown.reach = o->no_server == QUALIFY_NAME_NO_ADDRESS    ? REACH_NAME_NO_ADDRESS
                    : o->no_server == QUALIFY_ADDRESS_UNUSABLE ? REACH_ADDRESS_UNUSABLE
                    : o->no_server == QUALIFY_RESOLVER_FAILED  ? REACH_RESOLVER_FAILED
                                                               : REACH_NAME_NOT_FOUND;
    event->kind = EVENT_CLASSIFICATION;
    event->classification = &unknown;
}

static const struct client_job job = {
    .command = &command_classify,
    .verdict = EVENT_CLASSIFICATION,
    .columns = TSV_CLASSIFY,
    .headings = true,
    .engine_size = sizeof(struct measurement),
    .sandbox = SANDBOX_NET,
    .init = init,
    .status = status,
    .no_status = CLASSIFY_PARTIAL,
    .unknown_name = unknown_name,
};

static int run(int argc, char **argv, struct error *error)
{
    struct classify_options o = {.max_idle = 300 * NSEC_S, .resolution = 10 * NSEC_S};

    client_options_init(&o.client);
    o.client.timeout = 3 * NSEC_S;
    options_parse(&command_classify, argc, argv, &o);
    return client_run(&job, &o.client, error);
}

const struct command command_classify = {
    .name = "classify",
    .summary = "find out what kind of NAT stands in the way, with the evidence",
    .args_doc = "[SERVER[:PORT]]",
    .doc =
        "Classify the NAT in front of this host by means of a Teredo server: how it maps, how it "
        "filters, how it chooses ports, and what that means for hole punching.\vExit status: 0 "
        "classified, 1 UDP is blocked, 2 something stays unknown; 64 to 77 errors, see "
        "teredoctl-classify(1).",
    .options = {client_options, client_metrics_options, client_rounds_options, classify_options},
    .argument = client_take_server,
    .check = check,
    .sandbox = SANDBOX_BASE,
    .run = run,
};
