#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "classify.h"
#include "client.h"
#include "clock.h"
#include "command.h"
#include "option_values.h"

struct arguments {
    struct client_options client;
    struct rounds rounds;
    uint16_t extra_port;
    bool explain;
    bool lifetime;
    bool lifetime_options; /* one of those that go with --lifetime was given */
    nsec max_idle;
    nsec resolution;
};

enum {
    OPTION_EXPLAIN = 0x200,
    OPTION_TIMEOUT,
    OPTION_EXTRA_PORT,
    OPTION_LIFETIME,
    OPTION_MAX_IDLE,
    OPTION_RESOLUTION,
};

static const struct argp_option options[] = {
    {"explain", OPTION_EXPLAIN, NULL, 0,
     "List the evidence: what each test sent, what came back, what that proves", 0},
    {"timeout", OPTION_TIMEOUT, "SECONDS", 0,
     "Give a server that never answers up after this (default: 3)", 0},
    {"extra-port", OPTION_EXTRA_PORT, "PORT", 0,
     "The server has this port too (`teredoctl serve --extra-port`): tell whether mapping and "
     "filtering depend on the port (default: $TEREDO_EXTRA_PORT)",
     0},
    {"lifetime", OPTION_LIFETIME, NULL, 0,
     "Also measure how long a mapping lives without traffic; this takes as long as it lives", 0},
    {"max-idle", OPTION_MAX_IDLE, "SECONDS", 0,
     "With --lifetime: the longest time to try (default: 300)", 0},
    {"resolution", OPTION_RESOLUTION, "SECONDS", 0,
     "With --lifetime: how close the bounds shall be (default: 10)", 0},
    {0},
};

static void check(struct arguments *a, struct argp_state *state)
{
    const char *extra = getenv("TEREDO_EXTRA_PORT");

    if (a->extra_port == 0 && extra != NULL)
        a->extra_port = (uint16_t)option_number(state, "TEREDO_EXTRA_PORT", extra, 1, 65535);
    if (a->lifetime_options && !a->lifetime)
        argp_error(state, "--max-idle and --resolution go with --lifetime");
    if (a->resolution > a->max_idle)
        argp_error(state, "--resolution is coarser than --max-idle");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->client;
        state->child_inputs[1] = &a->rounds;
        break;
    case OPTION_EXPLAIN:
        a->explain = true;
        break;
    case OPTION_TIMEOUT:
        a->client.timeout = option_seconds(state, "--timeout", arg);
        break;
    case OPTION_EXTRA_PORT:
        a->extra_port = (uint16_t)option_number(state, "--extra-port", arg, 1, 65535);
        break;
    case OPTION_LIFETIME:
        a->lifetime = true;
        break;
    case OPTION_MAX_IDLE:
        a->max_idle = option_seconds(state, "--max-idle", arg);
        a->lifetime_options = true;
        break;
    case OPTION_RESOLUTION:
        a->resolution = option_seconds(state, "--resolution", arg);
        a->lifetime_options = true;
        break;
    case ARGP_KEY_END:
        check(a, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_child children[] = {
    {&client_argp, 0, NULL, 0}, {&rounds_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[SERVER[:PORT]]",
    .doc =
        "Classify the NAT in front of this host by means of a Teredo server: how it maps, how it "
        "filters, how it chooses ports, and what that means for hole punching.\vExit status: 0 "
        "classified, 1 UDP is blocked, 2 something stays unknown; 64 to 77 errors, see "
        "teredoctl-classify(1).",
    .children = children,
};

static unsigned socket_count(const struct arguments *a)
{
    return a->lifetime ? CLASSIFY_SOCKETS + LIFETIME_PORTS : CLASSIFY_SOCKETS;
}

static int classify(struct client *c, const struct arguments *a, struct error *error)
{
    struct endpoint local[CLASSIFY_SOCKETS + LIFETIME_PORTS] = {0};
    struct classify_config config = {
        .server = c->server,
        .secondary = c->secondary,
        .local = local,
        .extra_port = a->extra_port,
        .timeout = a->client.timeout,
        .allow_private = a->client.allow_private,
        .identity = {a->client.auth_id, a->client.secret, a->client.secret_size},
        .lifetime_max = a->max_idle,
        .lifetime_resolution = a->resolution,
    };
    struct classify *engine;
    struct outcome outcome = {client_sink(c), EVENT_CLASSIFICATION, CLASSIFY_PARTIAL};
    struct event_sink sink = outcome_sink(&outcome);
    int result;

    if (a->extra_port == c->server.port) {
        error_set(error, EX_USAGE, 0, "the extra port is the server's port, %u", c->server.port);
        return error_hint(error, "name the other one, that of `teredoctl serve --extra-port`");
    }
    if (client_nonces(&config.nonces, error) != 0)
        return -1;
    for (unsigned i = 0; i < socket_count(a); i++)
        local[i] = live_local(c->live, i);
    if (a->lifetime)
        config.lifetime = malloc(sizeof *config.lifetime);
    engine = malloc(sizeof *engine);
    if (engine == NULL || (a->lifetime && config.lifetime == NULL)) {
        free(engine);
        free(config.lifetime);
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    }
    classify_init(engine, &config);
    result = client_run(c, &engine->engine, &sink, error);
    free(engine);
    free(config.lifetime);
    return result != 0 ? -1 : outcome.status;
}

static int once(void *context, struct error *error)
{
    static const struct classification unknown_name = {.verdict = CLASSIFY_PARTIAL,
                                                       .reach = REACH_NAME_NOT_FOUND};
    const struct arguments *a = context;
    struct client client;
    int status = -1;

    if (client_open(&client, &a->client, socket_count(a), a->explain, error) == 0) {
        status = classify(&client, a, error);
    } else if (error->status == EX_NOHOST) {
        struct event event = {
            .kind = EVENT_CLASSIFICATION, .when = clock_now(), .classification = &unknown_name};

        client_report_unknown_name(&a->client, &event);
    }
    return client_close(&client, status, error);
}

static int run(int argc, char **argv, struct error *error)
{
    struct arguments arguments = {.max_idle = 300 * NSEC_S, .resolution = 10 * NSEC_S};
    const struct client_options *client = &arguments.client;

    client_options_init(&arguments.client, "classify", true);
    arguments.client.rounds = &arguments.rounds;
    arguments.client.openmetrics = true;
    arguments.client.timeout = 3 * NSEC_S;
    argv[0] = "teredoctl classify";
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    return rounds_run(&arguments.rounds, "classify",
                      client->format == REPORT_TEXT && !client->quiet, once, &arguments, error);
}

const struct command command_classify = {
    "classify", "find out what kind of NAT stands in the way, with the evidence", run};
