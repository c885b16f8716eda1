#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sysexits.h>
#include <unistd.h>

#include "entropy.h"
#include "ladder.h"
#include "option_values.h"
#include "privilege.h"
#include "resolve.h"
#include "terminal.h"
#include "tsv.h"
#include "words.h"

static int read_secret(struct client_options *o, struct error *error)
{
    int fd = open(o->auth_secret_file, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return error_set_no_input(error, errno, o->auth_secret_file);
    n = read(fd, o->secret, sizeof o->secret);
    if (n < 0)
        error_set(error, EX_IOERR, errno, "cannot read %s", o->auth_secret_file);
    close(fd);
    if (n < 0)
        return -1;
    /* A line end is the editor's, not the secret's. */
    while (n > 0 && (o->secret[n - 1] == '\n' || o->secret[n - 1] == '\r'))
        n--;
    if (n == 0 || n == (ssize_t)sizeof o->secret)
        return error_set(error, EX_DATAERR, 0, "the secret in %s must have 1 to %zu bytes",
                         o->auth_secret_file, sizeof o->secret - 1);
    o->secret_size = (size_t)n;
    return 0;
}

static int find_servers(struct client *c, struct error *error)
{
    const struct client_options *o = c->options;

    if (resolve_endpoint(o->server, TEREDO_PORT, &c->server, error) != 0)
        return -1;
    /* What every server of the field does, and miredo's default. */
    c->secondary = (struct endpoint){c->server.address + 1, c->server.port};
    if (o->secondary != NULL &&
        resolve_endpoint(o->secondary, c->server.port, &c->secondary, error) != 0)
        return -1;
    if (c->secondary.address != c->server.address)
        return 0;
    error_set(error, EX_USAGE, 0, "the secondary server address is the primary one");
    return error_hint(error,
                      "leave --secondary out, or name the server's other address: what a NAT "
                      "does shows between two");
}

static FILE *results(const struct client_options *o)
{
    return o->rounds != NULL ? o->rounds->out : stdout;
}

static void set_round(struct report_config *config, const struct client_options *o)
{
    if (o->rounds == NULL)
        return;
    config->round = o->rounds->number;
    config->round_started = o->rounds->started;
}

/* Over the first round alone, but in each file that replaces the one before. */
static void print_header(const struct client_options *o)
{
    if (o->header && (o->rounds == NULL || o->rounds->number <= 1 || o->rounds->output != NULL))
        tsv_header(results(o), o->command);
}

/* All privileges but the one for the port that the next round will want. */
static int drop_privileges(const struct client_options *o, struct error *error)
{
    static const int keep[] = {CAP_NET_BIND_SERVICE};
    bool again =
        o->rounds != NULL && o->rounds->every != 0 && o->local_port != 0 && o->local_port < 1024;

    return privilege_drop_except(keep, again ? 1 : 0, error);
}

static int open_writer(struct client *c, struct error *error)
{
    const char *path = c->options->write;

    return path != NULL && (c->writer = pcap_writer_open(path, error)) == NULL ? -1 : 0;
}

static int open_reporter(struct client *c, bool explain, struct error *error)
{
    const struct client_options *o = c->options;
    struct report_config config = {
        .format = o->format,
        .command = o->command,
        .timestamp_source = c->live != NULL ? live_stamps_name(c->live) : NULL,
        .server = o->server,
        .out = results(o),
        .err = stderr,
        .quiet = o->quiet,
        .verbose = o->verbosity > 0,
        .explain = explain,
        .color = o->color,
        .width = o->width,
        .ascii = o->ascii,
        .watch = o->watch,
    };

    set_round(&config, o);
    print_header(o);
    c->reporter = reporter_new(&config);
    return c->reporter == NULL ? error_set(error, EX_OSERR, ENOMEM, "cannot start") : 0;
}

int client_open(struct client *c, const struct client_options *o, unsigned count, bool explain,
                struct error *error)
{
    bool repeats = o->rounds != NULL && o->rounds->every != 0;

    *c = (struct client){.options = o};
    if (find_servers(c, error) != 0 || open_writer(c, error) != 0)
        return -1;
    /* Rounds after the first may no longer capture, and all shall tell times in one way. */
    c->live = live_open(o->local_port, count, c->server, !o->no_capture && !repeats, error);
    if (c->live == NULL || drop_privileges(o, error) != 0)
        return -1;
    return open_reporter(c, explain, error);
}

int client_open_survey(struct client *c, const struct client_options *o, bool explain,
                       struct error *error)
{
    *c = (struct client){.options = o};
    if (open_writer(c, error) != 0 || (c->survey = survey_open(o->local_port, error)) == NULL ||
        drop_privileges(o, error) != 0)
        return -1;
    return open_reporter(c, explain, error);
}

static void report(void *context, const struct event *event)
{
    struct client *c = context;
    struct event_sink sink = reporter_sink(c->reporter);

    if (c->options->rounds != NULL)
        rounds_note(c->options->rounds, event);
    sink.emit(sink.context, event);
}

struct event_sink client_sink(struct client *c)
{
    return (struct event_sink){report, c};
}

void client_report(const struct client_options *o, const struct event *event)
{
    struct report_config config = {
        .format = o->format, .command = o->command, .server = o->server, .out = results(o)};
    struct reporter *reporter;
    struct event_sink sink;
    struct error ignored;

    set_round(&config, o);
    reporter = reporter_new(&config);
    if (reporter == NULL)
        return;
    if (o->rounds != NULL)
        rounds_note(o->rounds, event);
    print_header(o);
    sink = reporter_sink(reporter);
    sink.emit(sink.context, event);
    reporter_close(reporter, &ignored);
}

void client_report_unknown_name(const struct client_options *o, const struct event *event)
{
    if (o->format != REPORT_TEXT)
        client_report(o, event);
}

int client_nonces(struct nonce_source *nonces, struct error *error)
{
    nonces->counter = 0;
    return entropy_fill(nonces->key, sizeof nonces->key, error) ? 0 : -1;
}

struct qualify_config client_common_config(const struct client_options *o)
{
    return (struct qualify_config){
        .timeout = o->timeout,
        .attempts = o->attempts,
        .allow_private = o->allow_private,
        .identity = {o->auth_id, o->secret, o->secret_size},
    };
}

int client_qualify_config(const struct client *c, unsigned socket, struct qualify_config *config,
                          struct error *error)
{
    uint16_t random;

    if (!entropy_fill(&random, sizeof random, error))
        return -1;
    *config = client_common_config(c->options);
    config->server = c->server;
    config->secondary = c->secondary;
    config->local = live_local(c->live, socket);
    config->flags = random & TEREDO_FLAGS_RANDOM;
    return client_nonces(&config->nonces, error);
}

static void log_packet(const struct observation *o, uint8_t ttl)
{
    char when[RFC3339_STRLEN], from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];

    fprintf(stderr, "%s %s > %s ", words_time(o->when, when), endpoint_format(o->from, from),
            endpoint_format(o->to, to));
    if (o->kind == OBSERVED_ICMP_ERROR)
        fprintf(stderr, "ICMP: %s\n", icmp_error_text(o->icmp));
    else if (o->kind == OBSERVED_SEND_FAILED)
        fprintf(stderr, "not sent: %s\n", strerror(o->errnum));
    else if (o->packet == NULL)
        fprintf(stderr, "%zu bytes, no Teredo: %s at byte %zu\n", o->size,
                wire_reason_text(o->fault.reason), o->fault.offset);
    else
        fprintf(stderr, "%zu bytes, %s%s%s", o->size, teredo_kind_name(o->packet->kind),
                o->packet->has_origin ? ", origin indication" : "", ttl == 0 ? "\n" : "");
    if (o->packet != NULL && ttl != 0 && o->kind == OBSERVED_SENT)
        fprintf(stderr, ", ttl %u\n", ttl);
}

static void see(void *context, const struct observation *o, const uint8_t *bytes, uint8_t ttl)
{
    const struct client *c = context;

    if (o->kind == OBSERVED_TIMER || o->kind == OBSERVED_STOP)
        return;
    if (c->options->verbose) {
        reporter_hush(c->reporter, o->when);
        log_packet(o, ttl);
    }
    if (c->writer != NULL && bytes != NULL)
        pcap_writer_add(c->writer, o->when, o->from, o->to, ttl, bytes, o->size);
}

static void tick(void *context, enum loop_tick why, nsec now, const struct waiting *waiting)
{
    const struct client *c = context;

    if (why == LOOP_TICK_SUSPENDED)
        reporter_hush(c->reporter, now);
    else
        reporter_tick(c->reporter, now, waiting);
}

struct live_tap client_tap(struct client *c)
{
    return (struct live_tap){see, reporter_has_terminal(c->reporter) ? tick : NULL, c};
}

int client_run(struct client *c, struct engine engine, const struct event_sink *sink,
               struct error *error)
{
    struct live_tap tap = client_tap(c);

    return live_run(c->live, engine, sink, &tap, error);
}

int client_close(struct client *c, int status, struct error *error)
{
    struct error late = {0};

    if (c->writer != NULL && pcap_writer_close(c->writer, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    if (c->reporter != NULL && reporter_close(c->reporter, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    if (c->live != NULL)
        live_close(c->live);
    if (c->survey != NULL)
        survey_close(c->survey);
    return status;
}

void client_options_init(struct client_options *o, const char *command, bool takes_server)
{
    *o = (struct client_options){
        .command = command,
        .takes_server = takes_server,
        .server = getenv("TEREDO_SERVER"),
        .timeout = 1500 * NSEC_MS,
        .attempts = 3,
        .log_level = 1,
        .color = option_color_default(),
        .ascii = !ladder_locale_is_utf8(),
        .width = terminal_width(),
    };
}

enum {
    OPTION_SECONDARY = 0x100,
    OPTION_LOCAL_PORT,
    OPTION_TIMEOUT,
    OPTION_ATTEMPTS,
    OPTION_AUTH_ID,
    OPTION_AUTH_SECRET,
    OPTION_PRIVATE,
    OPTION_FORMAT,
    OPTION_HEADER,
    OPTION_COLOR,
    OPTION_NO_CAPTURE,
    OPTION_WRITE,
    OPTION_ASCII,
    OPTION_WIDTH,
};

static const struct argp_option options[] = {
    {"secondary", OPTION_SECONDARY, "ADDRESS[:PORT]", 0,
     "The server's secondary address (default: the primary plus one)", 0},
    {"local-port", OPTION_LOCAL_PORT, "PORT", 0, "Send from this UDP port (default: any)", 0},
    {"auth-id", OPTION_AUTH_ID, "NAME", 0, "Client identifier for secure qualification", 0},
    {"auth-secret-file", OPTION_AUTH_SECRET, "FILE", 0,
     "File with the secret shared with the server", 0},
    {"allow-private", OPTION_PRIVATE, NULL, 0,
     "Also use addresses that are not global unicast (laboratories)", 0},
    {"write", OPTION_WRITE, "FILE", 0, "Save all packets sent and received as a capture", 0},
    {"no-capture", OPTION_NO_CAPTURE, NULL, 0,
     "Use the sockets' own timestamps even where libpcap may capture", 0},
    {"header", OPTION_HEADER, NULL, 0, OPTION_HEADER_DOC, 0},
    {"color", OPTION_COLOR, "auto|always|never", 0, "Colour on a terminal (default: auto)", 0},
    {"quiet", 'q', NULL, 0, "Print the result only", 0},
    {"verbose", 'v', NULL, 0, "Log every packet on standard error", 0},
    {0},
};

static void check_auth(struct client_options *o, struct argp_state *state)
{
    struct error error;

    if ((o->auth_id == NULL) != (o->auth_secret_file == NULL))
        argp_error(state, "--auth-id and --auth-secret-file go together");
    if (o->auth_id != NULL && (o->auth_id[0] == '\0' || strlen(o->auth_id) > 255))
        argp_error(state, "--auth-id: a client identifier has 1 to 255 bytes");
    if (o->auth_secret_file != NULL && read_secret(o, &error) != 0)
        argp_failure(state, error.status, 0, "%s", error.what);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct client_options *o = state->input;

    switch (key) {
    case OPTION_SECONDARY:
        o->secondary = arg;
        break;
    case OPTION_LOCAL_PORT:
        o->local_port = (uint16_t)option_number(state, "--local-port", arg, 1, 65535);
        break;
    case OPTION_AUTH_ID:
        o->auth_id = arg;
        break;
    case OPTION_AUTH_SECRET:
        o->auth_secret_file = arg;
        break;
    case OPTION_PRIVATE:
        o->allow_private = true;
        break;
    case OPTION_WRITE:
        o->write = arg;
        break;
    case OPTION_NO_CAPTURE:
        o->no_capture = true;
        break;
    case OPTION_HEADER:
        o->header = true;
        break;
    case OPTION_COLOR:
        o->color = option_color(state, arg, o->color);
        break;
    case 'q':
        o->quiet = true;
        break;
    case 'v':
        o->verbose = ++o->verbosity >= o->log_level;
        break;
    case ARGP_KEY_ARG:
        if (!o->takes_server)
            return ARGP_ERR_UNKNOWN;
        if (state->arg_num > 0)
            argp_error(state, "only one SERVER can be given");
        o->server = arg;
        break;
    case ARGP_KEY_END:
        if (o->takes_server && o->server == NULL)
            argp_error(state, "no SERVER given, and TEREDO_SERVER is not set");
        if (o->write != NULL && o->rounds != NULL && o->rounds->every != 0)
            argp_error(state, "--write does not go with --every");
        check_auth(o, state);
        option_check_header(state, o->header, o->format);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp common_argp = {.options = options, .parser = parse_option};
static const struct argp_child common[] = {{&common_argp, 0, NULL, 0}, {0}};

static const struct argp_option format_options[] = {
    {"format", OPTION_FORMAT, "text|json|jsonl|tsv", 0,
     "How to print results (default: text); openmetrics too where there are metrics", 0},
    {0},
};

static error_t parse_format(int key, char *arg, struct argp_state *state)
{
    struct client_options *o = state->input;

    if (key == ARGP_KEY_INIT)
        state->child_inputs[0] = o;
    else if (key == OPTION_FORMAT)
        o->format = o->openmetrics ? option_monitor_format(state, arg) : option_format(state, arg);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

const struct argp client_argp = {
    .options = format_options, .parser = parse_format, .children = common};

static const struct argp_option chart_options[] = {
    {"format", OPTION_FORMAT, "text|json|jsonl|tsv|ladder|mermaid|svg", 0,
     "How to print results (default: text)", 0},
    {"ascii", OPTION_ASCII, NULL, 0, "Draw the ladder without line-drawing characters", 0},
    {"width", OPTION_WIDTH, "COLUMNS", 0, "Width of the ladder (default: the terminal's)", 0},
    {0},
};

static error_t parse_chart(int key, char *arg, struct argp_state *state)
{
    struct client_options *o = state->input;

    if (key == OPTION_FORMAT)
        o->format = option_chart_format(state, arg);
    else if (key == OPTION_ASCII)
        o->ascii = true;
    else if (key == OPTION_WIDTH)
        o->width = (unsigned)option_number(state, "--width", arg, 1, 10000);
    else
        return parse_format(key, arg, state);
    return 0;
}

const struct argp client_chart_argp = {
    .options = chart_options, .parser = parse_chart, .children = common};

static const struct argp_option patience_options[] = {
    {"timeout", OPTION_TIMEOUT, "SECONDS", 0, "Give a silent server up after this (default: 1.5)",
     0},
    {"attempts", OPTION_ATTEMPTS, "N", 0,
     "Solicit each server address this many times, 1 to 8 (default: 3)", 0},
    {0},
};

static error_t parse_patience(int key, char *arg, struct argp_state *state)
{
    struct client_options *o = state->input;

    if (key == OPTION_TIMEOUT)
        o->timeout = option_seconds(state, "--timeout", arg);
    else if (key == OPTION_ATTEMPTS)
        o->attempts = (unsigned)option_number(state, "--attempts", arg, 1, QUALIFY_MAX_ATTEMPTS);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

const struct argp client_patience_argp = {.options = patience_options, .parser = parse_patience};
