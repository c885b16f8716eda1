#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "ladder.h"
#include "option_values.h"
#include "terminal.h"

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
