#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "command.h"

struct arguments {
    struct client_options client;
    bool explain;
};

enum {
    OPTION_EXPLAIN = 0x200
};

static const struct argp_option options[] = {
    {"explain", OPTION_EXPLAIN, NULL, 0,
     "List every rule of the router advertisement, passed or failed", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &a->client;
        break;
    case OPTION_EXPLAIN:
        a->explain = true;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_child children[] = {
    {&client_argp, 0, NULL, 0}, {&client_patience_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[SERVER[:PORT]]",
    .doc = "Qualify against a Teredo server (RFC 4380 5.2.1): get a Teredo address, and learn how "
           "the NAT maps.\vExit status: 0 qualified, 1 not qualified, 2 inconclusive; 64 to 77 "
           "errors, see teredoctl-qualify(1).",
    .children = children,
};

/* Keeps the verdict for the exit status on its way to the reporter. */
struct outcome {
    struct event_sink next;
    enum qualify_verdict verdict;
};

static void emit(void *context, const struct event *event)
{
    struct outcome *o = context;

    if (event->kind == EVENT_QUALIFICATION)
        o->verdict = event->qualification.verdict;
    o->next.emit(o->next.context, event);
}

static int qualify(struct client *c, struct error *error)
{
    struct qualify_config config;
    struct qualify engine;
    struct outcome outcome = {reporter_sink(c->reporter), QUALIFY_INCONCLUSIVE};
    struct event_sink sink = {emit, &outcome};

    if (client_qualify_config(c, 0, &config, error) != 0)
        return -1;
    qualify_init(&engine, &config);
    if (client_run(c, (struct engine){&qualify_ops, &engine}, &sink, error) != 0)
        return -1;
    return (int)outcome.verdict;
}

static int run(int argc, char **argv, struct error *error)
{
    static const struct event unknown_name = {
        .kind = EVENT_QUALIFICATION,
        .qualification = {.verdict = QUALIFY_NOT_QUALIFIED, .reason = QUALIFY_NAME_NOT_FOUND}};
    struct arguments arguments = {0};
    struct client client;
    int status = -1;

    client_options_init(&arguments.client, "qualify", true);
    argv[0] = "teredoctl qualify";
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (client_open(&client, &arguments.client, 1, arguments.explain, error) == 0)
        status = qualify(&client, error);
    else if (error->status == EX_NOHOST)
        client_report_unknown_name(&arguments.client, &unknown_name);
    return client_close(&client, status, error);
}

const struct command command_qualify = {
    "qualify", "get a Teredo address from a server, and learn how the NAT maps", run};
