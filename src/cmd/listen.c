#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "client.h"
#include "command.h"
#include "option_values.h"
#include "responder.h"
#include "status.h"

struct arguments {
    struct client_options client;
    unsigned count;
    nsec duration;
    nsec refresh;
};

enum {
    OPTION_COUNT = 0x200,
    OPTION_DURATION,
    OPTION_REFRESH,
    OPTION_WATCH
};

static const struct argp_option options[] = {
    {"count", OPTION_COUNT, "N", 0, "End when N peers have reached us", 0},
    {"duration", OPTION_DURATION, "SECONDS", 0, "End after this time", 0},
    {"refresh", OPTION_REFRESH, "SECONDS", 0,
     "Refresh the mapping at 75 to 100 % of this interval (default: 30)", 0},
    {"watch", OPTION_WATCH, NULL, 0,
     "Show the peers in a live table, on a terminal: last step, round-trip time", 0},
    {0},
};

/* A table that is drawn again and again is of no use in a pipe. */
static void check_watch(const struct client_options *o, struct argp_state *state)
{
    if (!o->watch)
        return;
    if (o->format != REPORT_TEXT || o->quiet || o->verbose)
        argp_error(state, "--watch goes with none of --format, --quiet, --verbose");
    if (!status_terminal(stdout))
        argp_error(state, "--watch needs a terminal; without it, every step is a line");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &a->client;
        break;
    case OPTION_COUNT:
        a->count = (unsigned)option_number(state, "--count", arg, 1, 1000000);
        break;
    case OPTION_DURATION:
        a->duration = option_seconds(state, "--duration", arg);
        break;
    case OPTION_REFRESH:
        a->refresh = option_seconds(state, "--refresh", arg);
        break;
    case OPTION_WATCH:
        a->client.watch = true;
        break;
    case ARGP_KEY_END:
        check_watch(&a->client, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_child children[] = {
    {&client_chart_argp, 0, NULL, 0}, {&client_patience_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[SERVER[:PORT]]",
    .doc = "Be the other side of a hole punch: qualify, print the Teredo address, keep the mapping "
           "alive, and answer bubbles and echo requests.\vEnds at --count, --duration or Ctrl-C. "
           "Exit status: 0 ended as asked, 1 not qualified, or --count not reached; 2 "
           "inconclusive; 64 to 77 errors, see teredoctl-listen(1).",
    .children = children,
};

/* Keeps what the exit status needs on its way to the reporter. */
struct listen_outcome {
    struct event_sink next;
    int status;
};

static void emit(void *context, const struct event *event)
{
    struct listen_outcome *o = context;

    if (event->kind == EVENT_QUALIFICATION)
        o->status = (int)event->qualification.verdict;
    else if (event->kind == EVENT_LISTENED)
        o->status = event->listened.count_reached ? 0 : 1;
    o->next.emit(o->next.context, event);
}

static int listen_for_peers(struct client *c, const struct arguments *a, struct error *error)
{
    struct responder_config config = {
        .refresh_interval = a->refresh,
        .count = a->count,
        .duration = a->duration,
        .allow_private = a->client.allow_private,
    };
    struct responder *engine;
    struct listen_outcome outcome = {reporter_sink(c->reporter), 2};
    struct event_sink sink = {emit, &outcome};
    int result;

    if (client_qualify_config(c, 0, &config.qualify, error) != 0 ||
        client_nonces(&config.nonces, error) != 0)
        return -1;
    engine = malloc(sizeof *engine);
    if (engine == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    responder_init(engine, &config);
    result = client_run(c, &engine->engine, &sink, error);
    free(engine);
    return result != 0 ? -1 : outcome.status;
}

static int run(int argc, char **argv, struct error *error)
{
    struct arguments arguments = {.refresh = 30 * NSEC_S};
    struct client client;
    int status = -1;

    client_options_init(&arguments.client, "listen", true);
    argv[0] = "teredoctl listen";
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (client_open(&client, &arguments.client, 1, false, error) == 0)
        status = listen_for_peers(&client, &arguments, error);
    return client_close(&client, status, error);
}

const struct command command_listen = {
    "listen", "be the peer: keep a Teredo address alive and answer bubbles", run};
