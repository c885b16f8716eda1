#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "check_options.h"
#include "clock.h"
#include "command.h"

static int check(struct client *c, const struct check_options *o, struct error *error)
{
    struct check_config config = {
        .name = c->options->server,
        .warning = o->warning,
        .critical = o->critical,
        .relay_timeout = o->timeout / 2,
    };
    struct outcome outcome = {client_sink(c), EVENT_CHECKING, CHECK_UNKNOWN};
    struct event_sink sink = outcome_sink(&outcome);
    struct check *engine;
    int result;

    if (client_qualify_config(c, 0, &config.qualify, error) != 0)
        return -1;
    engine = malloc(sizeof *engine);
    if (engine == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    check_init(engine, &config);
    result = client_run(c, &engine->engine, &sink, error);
    free(engine);
    return result != 0 ? -1 : outcome.status;
}

static void say_unknown(FILE *out, const char *what)
{
    fprintf(out, "TEREDO UNKNOWN - %s\n", what);
}

/* A plugin has a result whatever happens. That a name is not found is the server's trouble, not
 * the plugin's. */
static int report_failure(const struct check_options *o, const struct error *error)
{
    bool unknown_name = error->status == EX_NOHOST;
    struct event event = {
        .kind = EVENT_CHECKING,
        .when = clock_now(),
        .checking = {.status = unknown_name ? CHECK_CRITICAL : CHECK_UNKNOWN,
                     .cause = unknown_name ? CHECK_CAUSE_QUALIFICATION : CHECK_CAUSE_ERROR,
                     .name = o->client.server,
                     .warning = o->warning,
                     .critical = o->critical,
                     .qualification = {.verdict = unknown_name ? QUALIFY_NOT_QUALIFIED
                                                               : QUALIFY_INCONCLUSIVE,
                                       .reason = unknown_name ? QUALIFY_NAME_NOT_FOUND
                                                              : QUALIFY_INTERRUPTED}},
    };

    if (unknown_name || o->client.format != REPORT_TEXT)
        client_report(&o->client, &event);
    else
        say_unknown(o->rounds.out, error->what);
    return (int)event.checking.status;
}

static int once(void *context, struct error *error)
{
    const struct check_options *o = context;
    struct client client;
    int status = -1;

    if (client_open(&client, &o->client, 1, false, error) == 0)
        status = check(&client, o, error);
    status = client_close(&client, status, error);
    return status >= 0 || error->status == EX_IOERR ? status : report_failure(o, error);
}

static int run(int argc, char **argv, struct error *error)
{
    struct check_options o;
    char wrong[300];
    int status;

    if (!check_options_parse(&o, argc, argv, wrong, sizeof wrong)) {
        say_unknown(stdout, wrong);
        return CHECK_UNKNOWN;
    }
    if (o.told)
        return CHECK_UNKNOWN;
    o.client.timeout = o.timeout / 2;
    status = rounds_run(&o.rounds, "check", false, once, &o, error);
    if (status >= 0 || ferror(stdout))
        return status;
    say_unknown(stdout, error->what);
    return CHECK_UNKNOWN;
}

const struct command command_check = {
    "check", "check a server as a monitoring plugin: answers, round trip, relaying", run};
