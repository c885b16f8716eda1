#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "clock.h"
#include "command.h"
#include "option_values.h"
#include "qualify_list.h"

struct arguments {
    struct client_options client;
    struct rounds rounds;
    bool explain;
    bool several; /* more than one server, or a file of them */
    bool list_options;
    const char *from_file;
    char **servers;
    size_t server_count;
    unsigned rate;
    enum list_order order;
    struct qualify_list list;
};

enum {
    OPTION_EXPLAIN = 0x200,
    OPTION_FROM_FILE,
    OPTION_RATE,
    OPTION_SORT,
};

static const struct argp_option options[] = {
    {"explain", OPTION_EXPLAIN, NULL, 0,
     "List every rule of the router advertisement, passed or failed", 0},
    {"from-file", OPTION_FROM_FILE, "FILE", 0,
     "Qualify with the servers in FILE, one a line (-: standard input)", 0},
    {"rate", OPTION_RATE, "N", 0,
     "With several servers: send at most N packets a second (default: 1000)", 0},
    {"sort", OPTION_SORT, "arrival|given|rtt", 0,
     "With several servers: in which order to report (default: arrival)", 0},
    {0},
};

static enum list_order parse_order(struct argp_state *state, const char *arg)
{
    static const char *const words[] = {"arrival", "given", "rtt"};

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(arg, words[i]) == 0)
            return (enum list_order)i;
    argp_error(state, "--sort: '%s' is none of arrival, given, rtt", arg);
    return LIST_AS_IT_COMES;
}

static void check(struct arguments *a, struct argp_state *state)
{
    a->several = a->server_count > 1 || a->from_file != NULL;
    if (a->several && a->client.secondary != NULL)
        argp_error(state, "--secondary is for one SERVER: with several it is the primary plus one");
    if (!a->several && a->list_options)
        argp_error(state, "--rate and --sort go with several servers");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &a->client;
        state->child_inputs[2] = &a->rounds;
        break;
    case OPTION_EXPLAIN:
        a->explain = true;
        break;
    case OPTION_FROM_FILE:
        a->from_file = arg;
        a->client.takes_server = false;
        break;
    case OPTION_RATE:
        a->rate = (unsigned)option_number(state, "--rate", arg, 1, 1000000);
        a->list_options = true;
        break;
    case OPTION_SORT:
        a->order = parse_order(state, arg);
        a->list_options = true;
        break;
    case ARGP_KEY_ARGS:
        a->servers = state->argv + state->next;
        a->server_count = (size_t)(state->argc - state->next);
        a->client.server = a->servers[0];
        break;
    case ARGP_KEY_END:
        check(a, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_child children[] = {{&client_argp, 0, NULL, 0},
                                             {&client_patience_argp, 0, NULL, 0},
                                             {&rounds_argp, 0, NULL, 0},
                                             {0}};

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[SERVER[:PORT]...]",
    .doc = "Qualify against a Teredo server (RFC 4380 5.2.1), or many at once: get a Teredo "
           "address, and learn how the NAT maps.\vExit status: 0 qualified, 1 not qualified (of "
           "several servers: one of them), 2 inconclusive; 64 to 77 errors, see "
           "teredoctl-qualify(1).",
    .children = children,
};

static int qualify(struct client *c, struct error *error)
{
    struct qualify_config config;
    struct qualify engine;
    struct outcome outcome = {client_sink(c), EVENT_QUALIFICATION, QUALIFY_INCONCLUSIVE};
    struct event_sink sink = outcome_sink(&outcome);

    if (client_qualify_config(c, 0, &config, error) != 0)
        return -1;
    qualify_init(&engine, &config);
    if (client_run(c, &engine.engine, &sink, error) != 0)
        return -1;
    return outcome.status;
}

static int with_one(void *context, struct error *error)
{
    const struct event unknown_name = {
        .kind = EVENT_QUALIFICATION,
        .when = clock_now(),
        .qualification = {.verdict = QUALIFY_NOT_QUALIFIED, .reason = QUALIFY_NAME_NOT_FOUND}};
    const struct arguments *a = context;
    struct client client;
    int status = -1;

    if (client_open(&client, &a->client, 1, a->explain, error) == 0)
        status = qualify(&client, error);
    else if (error->status == EX_NOHOST)
        client_report_unknown_name(&a->client, &unknown_name);
    return client_close(&client, status, error);
}

static int with_several(void *context, struct error *error)
{
    const struct arguments *a = context;
    struct client client;
    int status = -1;

    if (client_open_qualify_many(&client, &a->client, a->explain, error) == 0)
        status = qualify_list_run(&client, &a->list, a->rate, a->order, error);
    return client_close(&client, status, error);
}

static int run(int argc, char **argv, struct error *error)
{
    struct arguments a = {.rate = 1000};
    int status;

    client_options_init(&a.client, "qualify", true);
    a.client.rounds = &a.rounds;
    a.client.openmetrics = true;
    argv[0] = "teredoctl qualify";
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.several && qualify_list_read(&a.list, a.servers, a.server_count, a.from_file, error) != 0)
        return -1;
    status = rounds_run(&a.rounds, "qualify", a.client.format == REPORT_TEXT && !a.client.quiet,
                        a.several ? with_several : with_one, &a, error);
    qualify_list_free(&a.list);
    return status;
}

const struct command command_qualify = {
    "qualify", "get a Teredo address from a server, and learn how the NAT maps", run};
