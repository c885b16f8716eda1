#include "check_options.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_values.h"

enum {
    OPTION_USAGE = 0x200,
};

/* argp's own three are here as well: the guidelines want -h, and another exit status. */
static const struct argp_option options[] = {
    {"hostname", 'H', "SERVER[:PORT]", 0, "The server (default: $TEREDO_SERVER)", 0},
    {"port", 'p', "PORT", 0, "Its UDP port, if not in the server (default: 3544)", 0},
    {"warning", 'w', "RANGE", 0, "WARNING if the round trip, in seconds, is outside of RANGE", 0},
    {"critical", 'c', "RANGE", 0, "CRITICAL if the round trip is outside of RANGE", 0},
    {"timeout", 't', "SECONDS", 0, "The longest that the check may take (default: 10)", 0},
    {"help", 'h', NULL, 0, "Give this help list", -1},
    {NULL, '?', NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, -1},
    {"usage", OPTION_USAGE, NULL, 0, "Give a short usage message", -1},
    {"version", 'V', NULL, 0, "Print program version", -1},
    {0},
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

bool check_range_parse(struct check_range *range, const char *text)
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
    if (r.low > r.high || (r.high == INFINITY && colon != NULL && colon[-1] == '~'))
        return false;
    *range = r;
    return true;
}

static void parse_threshold(struct argp_state *state, struct check_range *range, const char *name,
                            const char *arg)
{
    if (!check_range_parse(range, arg))
        argp_error(state, "%s: '%s' is not a range, such as 0.5, 0.1:0.5, ~:0.5 or @0:0.5", name,
                   arg);
}

static void tell(struct check_options *o, struct argp_state *state, unsigned flags)
{
    o->told = true;
    argp_state_help(state, stdout, flags);
}

static void check(struct check_options *o, struct argp_state *state)
{
    if (o->port == 0 || o->client.server == NULL)
        return;
    if (strchr(o->client.server, ':') != NULL || strlen(o->client.server) > 255)
        argp_error(state, "--port does not go with a port in the server");
    snprintf(o->server, sizeof o->server, "%.255s:%u", o->client.server, o->port);
    o->client.server = o->server;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct check_options *o = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->client;
        state->child_inputs[1] = &o->rounds;
        break;
    case 'H':
        o->client.server = arg;
        break;
    case 'p':
        o->port = (uint16_t)option_number(state, "--port", arg, 1, 65535);
        break;
    case 'w':
        parse_threshold(state, &o->warning, "--warning", arg);
        break;
    case 'c':
        parse_threshold(state, &o->critical, "--critical", arg);
        break;
    case 't':
        o->timeout = option_seconds(state, "--timeout", arg);
        break;
    case 'h':
    case '?':
        tell(o, state, ARGP_HELP_STD_HELP);
        break;
    case OPTION_USAGE:
        tell(o, state, ARGP_HELP_USAGE);
        break;
    case 'V':
        o->told = true;
        printf("%s\n", argp_program_version);
        break;
    case ARGP_KEY_END:
        check(o, state);
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
    .doc = "Check a Teredo server, as a monitoring plugin: does it answer at both addresses, how "
           "fast, and does it relay bubbles?\vExit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; "
           "see teredoctl-check(1).",
    .children = children,
};

/* The first line that argp or getopt had to say, without the name in front. */
static void take_first_line(const char *said, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);

    if (strncmp(said, name, length) == 0 && strncmp(said + length, ": ", 2) == 0)
        said += length + 2;
    snprintf(out, size, "%.*s", (int)strcspn(said, "\n"), said);
}

bool check_options_parse(struct check_options *o, int argc, char **argv, char *wrong, size_t size)
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
    *o = (struct check_options){.timeout = 10 * NSEC_S};
    client_options_init(&o->client, "check", true);
    o->client.rounds = &o->rounds;
    o->client.openmetrics = true;
    o->client.log_level = 3;
    argv[0] = "teredoctl check";
    /* A plugin says all in one line on standard output: argp and getopt know only stderr. */
    stderr = listening;
    failed = argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, o);
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
