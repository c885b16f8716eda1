#include "client.h"
#include "responder.h"
#include "status.h"

struct listen_options {
    struct client_options client;
    unsigned count; /* 0 = no end */
    nsec duration;  /* 0 = no end */
    nsec refresh;
};

static const struct option_entry listen_options[] = {
    {"count", 0, "N", "End when N peers have reached us",
     OPTION_NUMBER(struct listen_options, count, 1, 1000000)},
    {"duration", 0, "SECONDS", "End after this time",
     OPTION_SECONDS(struct listen_options, duration)},
    {"refresh", 0, "SECONDS", "Refresh the mapping at 75 to 100 % of this interval (default: 30)",
     OPTION_SECONDS(struct listen_options, refresh)},
    {"watch", 0, NULL, "Show the peers in a live table, on a terminal: last step, round-trip time",
     OPTION_FLAG(struct listen_options, client.watch)},
    {0},
};

static void check(void *options, struct argp_state *state)
{
    const struct listen_options *o = options;

    client_check_watch(&o->client, state, "every step is a line");
    client_check_server(options, state);
}

static int init(struct client *c, struct engine *engine, struct error *error)
{
    const struct listen_options *o = (const struct listen_options *)c->options;
    struct responder_config config = {
        .refresh_interval = o->refresh,
        .count = o->count,
        .duration = o->duration,
        .allow_private = o->client.allow_private,
    };

    if (client_qualify_config(c, &config.qualify, error) != 0 ||
        client_nonces(&config.nonces, error) != 0)
        return -1;
    responder_init((struct responder *)engine, &config);
    return 0;
}

static int status(const struct event *event)
{
    if (event->kind == EVENT_LISTENED)
        return event->listened.count_reached ? 0 : 1;
    return event->kind == EVENT_QUALIFICATION ? (int)event->qualification.verdict : -1;
}

static const struct client_job job = {
    .command = &command_listen,
    .verdict = EVENT_LISTENED,
    .columns = TSV_LISTEN,
    .engine_size = sizeof(struct responder),
    .sandbox = SANDBOX_NET,
    .init = init,
    .status = status,
    .no_status = QUALIFY_INCONCLUSIVE,
};

static int run(int argc, char **argv, struct error *error)
{
    struct listen_options o = {.refresh = 30 * NSEC_S};

    client_options_init(&o.client);
    o.client.wire_times = true;
    options_parse(&command_listen, argc, argv, &o);
    return client_run(&job, &o.client, error);
}

const struct command command_listen = {
    .name = "listen",
    .summary = "be the peer: keep a Teredo address alive and answer bubbles",
    .args_doc = "[SERVER[:PORT]]",
    .doc = "Be the other side of a hole punch: qualify, print the Teredo address, keep the mapping "
           "alive, and answer bubbles and echo requests.\vEnds at --count, --duration or Ctrl-C. "
           "Exit status: 0 ended as asked, 1 not qualified, or --count not reached; 2 "
           "inconclusive; 64 to 77 errors, see teredoctl-listen(1).",
    .options = {client_options, client_chart_options, client_patience_options, listen_options},
    .argument = client_take_server,
    .check = check,
    .sandbox = SANDBOX_BASE,
    .run = run,
};
