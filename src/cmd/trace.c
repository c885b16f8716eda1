#include <stdlib.h>
#include <sysexits.h>

#include "client.h"
#include "command.h"
#include "trace.h"
#include "trace_captures.h"
#include "trace_options.h"

/* With --own-address our server is the one in it. */
static void adopt_own_address(const struct client *c, const struct trace_options *a,
                              struct trace_config *config)
{
    struct teredo_addr own;

    teredo_addr_decode(&a->own, &own);
    config->qualified = true;
    config->punch.own = a->own;
    config->punch.mapped = own.mapped;
    config->punch.local = live_local(c->live, 0);
    config->punch.server = (struct endpoint){own.server, TEREDO_PORT};
}

static int trace(struct client *c, const struct trace_options *a, struct error *error)
{
    struct trace_config config = {
        .punch =
            {
                .peer = a->peer,
                .ask = a->ask,
                .attempts = a->bubbles,
                .ttl = a->ttl,
                .allow_private = a->client.allow_private,
                .reference_ttl = a->ttl == 0 ? a->reference_ttl : 0,
                .server_port = TEREDO_PORT,
            },
    };
    struct trace *engine;
    struct outcome outcome = {client_sink(c), EVENT_PUNCHING, PUNCH_INCONCLUSIVE};
    struct event_sink sink = outcome_sink(&outcome);
    int result;

    if (client_qualify_config(c, 0, &config.qualify, error) != 0 ||
        client_nonces(&config.punch.nonces, error) != 0)
        return -1;
    if (a->has_own)
        adopt_own_address(c, a, &config);
    engine = malloc(sizeof *engine);
    if (engine == NULL)
        return error_set(error, EX_OSERR, 0, "out of memory");
    trace_init(engine, &config);
    result = client_run(c, &engine->engine, &sink, error);
    free(engine);
    return result != 0 ? -1 : outcome.status;
}

static int once(void *context, struct error *error)
{
    const struct trace_options *a = context;
    struct client client;
    int status = -1;

    if (client_open(&client, &a->client, TRACE_SOCKETS, false, error) == 0)
        status = trace(&client, a, error);
    return client_close(&client, status, error);
}

static int run(int argc, char **argv, struct error *error)
{
    struct trace_options arguments;
    const struct client_options *client = &arguments.client;
    char server[IP4_STRLEN];
    int status;

    trace_options_init(&arguments);
    argv[0] = "teredoctl trace";
    argp_parse(&trace_argp, argc, argv, 0, NULL, &arguments);
    if (trace_is_of_captures(&arguments)) {
        status = trace_captures(&arguments, error);
        free(arguments.arguments);
        return status;
    }
    free(arguments.arguments);
    if (arguments.has_own) {
        struct teredo_addr own;

        teredo_addr_decode(&arguments.own, &own);
        arguments.client.server = ip4_format(own.server, server);
    }
    return rounds_run(&arguments.rounds, "trace", client->format == REPORT_TEXT && !client->quiet,
                      once, &arguments, error);
}

const struct command command_trace = {
    "trace", "punch a hole to a peer, and show each step and why it fails", run};
