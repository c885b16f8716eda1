/* `teredoctl check`: a plugin by the Monitoring Plugins' guidelines. */
#include "check.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "check_judge.h"
#include "client.h"
#include "clock.h"
#include "foreign.h"

struct check_options {
    struct client_options client;
    struct check_range warning, critical;
    nsec timeout; /* for all of it */
    uint16_t port;
    char server[300]; /* with --port */
    bool told;        /* help or version, and there is nothing to run */
};

static bool parse_limit(const char *text, const char **end, double *out)
{
    char *after;

    /* strtod would take these, and blanks, too. */
    if (strchr("+-.0123456789", *text) == NULL)
        return false;
    *out = strtod(text, &after);
    *end = after;
    return after != text && isfinite(*out);
}

/* Parses a threshold: [@][start:][end], where start may be ~ for no limit (default: 0), and a
 * missing end is none. */
static bool parse_range(struct check_range *range, const char *text)
{
    struct check_range r = {.text = text, .high = INFINITY};
    const char *p = text, *colon;

    if (*p == '@') {
        r.inside = true;
        p++;
    }
    colon = strchr(p, ':');
    if (colon != NULL) {
        if (*p == '~') {
            r.low = -INFINITY;
            p++;
        } else if (p != colon && !parse_limit(p, &p, &r.low)) {
            return false;
        }
        if (p != colon)
            return false;
        p++;
    } else if (*p == '\0') {
        return false;
    }
    if (*p != '\0' && (!parse_limit(p, &p, &r.high) || *p != '\0'))
        return false;
    if (r.low > r.high)
        return false;
    *range = r;
    return true;
}

static void parse_threshold(const struct option_value *v, void *options)
{
    struct check_range *range = (struct check_range *)((char *)options + v->option->at);

    if (!parse_range(range, v->text))
        argp_error(v->state, "%s: '%s' is not a range, such as 0.5, 0.1:0.5, ~:0.5 or @0:0.5",
                   v->name, v->text);
}

static void tell(const struct option_value *v, void *options)
{
    struct check_options *o = options;

    o->told = true;
    argp_state_help(v->state, stdout, (unsigned)v->option->low);
}

static void tell_version(const struct option_value *v, void *options)
{
    struct check_options *o = options;

    (void)v;
    o->told = true;
    printf("%s\n", argp_program_version);
}

#define OPTION_THRESHOLD(field) \
    .kind = VALUE_PARSED, .at = offsetof(struct check_options, field), .parse = parse_threshold

/* argp's own three are here as well: the guidelines want -h, and another exit status. */
static const struct option_entry check_options[] = {
    {"hostname", 'H', "SERVER[:PORT]", "The server (default: $TEREDO_SERVER)",
     OPTION_TEXT(struct check_options, client.server)},
    {"port", 'p', "PORT", "Its UDP port, if not in the server (default: 3544)",
     OPTION_NUMBER(struct check_options, port, 1, 65535)},
    {"warning", 'w', "RANGE", "WARNING if the round trip, in seconds, is outside of RANGE",
     OPTION_THRESHOLD(warning)},
    {"critical", 'c', "RANGE", "CRITICAL if the round trip is outside of RANGE",
     OPTION_THRESHOLD(critical)},
    {"timeout", 't', "SECONDS", "The longest that the check may take (default: 10)",
     OPTION_SECONDS(struct check_options, timeout)},
    {"help", 'h', NULL, "Give this help list", .group = -1, OPTION_PARSED(tell),
     .low = ARGP_HELP_STD_HELP},
    {NULL, '?', NULL, NULL, .flags = OPTION_ALIAS | OPTION_HIDDEN, OPTION_PARSED(tell),
     .low = ARGP_HELP_STD_HELP},
    {"usage", 0, NULL, "Give a short usage message", OPTION_PARSED(tell), .low = ARGP_HELP_USAGE},
    {"version", 'V', NULL, "Print program version", OPTION_PARSED(tell_version)},
    {0},
};

static void check(void *options, struct argp_state *state)
{
    struct check_options *o = options;
    struct client_options *client = &o->client;

    if (o->port != 0 && client->server != NULL) {
        if (strchr(client->server, ':') != NULL || strlen(client->server) > 255)
            argp_error(state, "--port does not go with a port in the server");
        snprintf(o->server, sizeof o->server, "%.255s:%u", client->server, o->port);
        client->server = o->server;
    }
    client_check_server(options, state);
}

/* The first line that argp or getopt had to say, without the name in front. */
static void take_first_line(const char *said, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);

    if (strncmp(said, name, length) == 0 && strncmp(said + length, ": ", 2) == 0)
        said += length + 2;
    snprintf(out, size, "%.*s", (int)strcspn(said, "\n"), said);
}

/* Parses the command line. False if that was a usage error, which is then in WRONG, a line of SIZE
 * bytes at most. A plugin says all in one line on standard output, and argp and getopt know only
 * stderr. */
static bool parse(struct check_options *o, int argc, char **argv, char *wrong, size_t size)
{
    FILE *real = stderr;
    char *said = NULL;
    size_t said_size = 0;
    FILE *listening = open_memstream(&said, &said_size);
    error_t failed;

    if (listening == NULL) {
        snprintf(wrong, size, "%s", strerror(errno));
        return false;
    }
    stderr = listening;
    failed = options_parse(&command_check, argc, argv, o);
    stderr = real;
    fclose(listening);
    wrong[0] = '\0';
    if (!o->told && said_size > 0)
        take_first_line(said, argv[0], wrong, size);
    else if (!o->told && failed != 0)
        snprintf(wrong, size, "%s", strerror(failed));
    free(said);
    return wrong[0] == '\0';
}

static int init(struct client *c, struct engine *engine, struct error *error)
{
    const struct check_options *o = (const struct check_options *)c->options;
    struct check_config config = {
        .name = o->client.server,
        .warning = o->warning,
        .critical = o->critical,
        .relay_timeout = o->timeout / 2,
    };

    if (client_qualify_config(c, &config.qualify, error) != 0)
        return -1;
    check_init((struct check *)engine, &config);
    return 0;
}

static int status(const struct event *event)
{
    return event->kind == EVENT_CHECKING ? (int)event->checking.status : -1;
}

static void say_unknown(FILE *out, const char *what)
{
    char shown[640];

    snprintf(shown, sizeof shown, "%s", what);
    foreign_clean_text(shown);
    fprintf(out, "TEREDO UNKNOWN - %s\n", shown);
}

static uint32_t evidence_of_failure(const struct error *error, enum qualify_reason reason)
{
    if (error->status != EX_NOHOST)
        return UINT32_C(1) << CHECK_EVIDENCE_LOCAL_FAILURE;
    return UINT32_C(1) << (reason == QUALIFY_NAME_NOT_FOUND ? CHECK_EVIDENCE_NAME_ABSENT
                                                            : CHECK_EVIDENCE_NAME_UNKNOWN);
}

/* A plugin has a result whatever happens. That a name does not exist is the server's trouble; what
 * this host or its resolver cannot do is not. */
static int failed(const struct client_job *job, struct client_options *client,
                  const struct error *error)
{
    const struct check_options *o = (const struct check_options *)client;
    bool no_host = error->status == EX_NOHOST;
    struct event event = {
        .kind = EVENT_CHECKING,
        .when = clock_now(),
        .checking = {.evidence = evidence_of_failure(error, client->no_server),
                     .odds = -1,
                     .name = client->server,
                     .warning = o->warning,
                     .critical = o->critical,
                     .qualification = {.verdict = QUALIFY_INCONCLUSIVE,
                                       .reason = no_host ? client->no_server : QUALIFY_INTERRUPTED,
                                       .evidence =
                                           no_host ? UINT32_C(1) << QUALIFY_EVIDENCE_NAME : 0}},
    };

    if (error->status == EX_IOERR)
        return -1;
    check_judge(&event.checking);
    if (event.checking.status == CHECK_CRITICAL)
        event.checking.qualification.verdict = QUALIFY_NOT_QUALIFIED;
    if (event.checking.status == CHECK_CRITICAL || client->common.format != REPORT_TEXT)
        client_report(job, client, &event);
    else
        say_unknown(client->rounds.out, error->what);
    return (int)event.checking.status;
}

static const struct client_job job = {
    .command = &command_check,
    .verdict = EVENT_CHECKING,
    .columns = TSV_CHECK,
    .engine_size = sizeof(struct check),
    .sandbox = SANDBOX_NET,
    .init = init,
    .status = status,
    .no_status = CHECK_UNKNOWN,
    .failed = failed,
};

static int run(int argc, char **argv, struct error *error)
{
    struct check_options o = {.timeout = 10 * NSEC_S};
    char wrong[300];
    int result;

    client_options_init(&o.client);
    o.client.log_level = 3;
    o.client.common.sandbox_told = 2;
    if (!parse(&o, argc, argv, wrong, sizeof wrong)) {
        say_unknown(stdout, wrong);
        return CHECK_UNKNOWN;
    }
    if (o.told)
        return CHECK_UNKNOWN;
    o.client.timeout = o.timeout / 2;
    /* As many as one loss in five does not explain the silence of. */
    o.client.attempts = 5;
    result = client_run(&job, &o.client, error);
    if (result >= 0 || ferror(stdout))
        return result;
    say_unknown(stdout, error->what);
    return CHECK_UNKNOWN;
}

const struct command command_check = {
    .name = "check",
    .summary = "check a server as a monitoring plugin: answers, round trip, relaying",
    .args_doc = "[SERVER[:PORT]]",
    .doc = "Check a Teredo server, as a monitoring plugin: does it answer at both addresses, how "
           "fast, and does it relay bubbles?\vExit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; "
           "see teredoctl-check(1).",
    .options = {client_options, client_metrics_options, client_rounds_options, check_options},
    .flags = ARGP_NO_EXIT | ARGP_NO_HELP,
    .argument = client_take_server,
    .check = check,
    .sandbox = SANDBOX_BASE,
    .run = run,
};
