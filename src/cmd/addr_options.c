#include "addr_options.h"

#include <stdlib.h>
#include <string.h>

#include "option_values.h"

enum {
    OPTION_ENCODE = 0x100,
    OPTION_SERVER,
    OPTION_MAPPED,
    OPTION_FLAGS,
    OPTION_RANDOM_FLAGS,
    OPTION_FORMAT,
    OPTION_HEADER
};

static const struct argp_option options[] = {
    {"encode", OPTION_ENCODE, NULL, 0, "Build an address from the options that follow", 1},
    {"server", OPTION_SERVER, "IP", 0, "IPv4 address of the Teredo server", 1},
    {"mapped", OPTION_MAPPED, "IP:PORT", 0, "Mapped address and port of the client", 1},
    {"flags", OPTION_FLAGS, "HEX", 0, "The 16 flags (default: 0)", 1},
    {"random-flags", OPTION_RANDOM_FLAGS, NULL, 0, "Random flags, as RFC 5991 asks for", 1},
    {"format", OPTION_FORMAT, "text|json|jsonl|tsv", 0, "How to print results (default: text)", 2},
    {"header", OPTION_HEADER, NULL, 0, OPTION_HEADER_DOC, 2},
    {"quiet", 'q', NULL, 0, "One line an address, nothing about what is not an address", 2},
    {0},
};

static void parse_flags(struct addr_options *a, const char *text, struct argp_state *state)
{
    const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;

    if (strlen(digits) < 1 || strlen(digits) > 4 ||
        strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
        argp_error(state, "'%s' are no flags: one to four hexadecimal digits", text);
    a->teredo.flags = (uint16_t)strtoul(digits, NULL, 16);
    a->has_flags = true;
}

static void check(const struct addr_options *a, struct argp_state *state)
{
    if (!a->encode && (a->has_server || a->has_mapped || a->has_flags || a->random_flags))
        argp_error(state, "--server, --mapped, --flags and --random-flags go with --encode");
    if (a->encode && a->count > 0)
        argp_error(state, "--encode takes no ADDRESS");
    if (a->encode && (!a->has_server || !a->has_mapped))
        argp_error(state, "--encode needs --server and --mapped");
    if (a->has_flags && a->random_flags)
        argp_error(state, "--flags and --random-flags exclude each other");
    option_check_header(state, a->header, a->format);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct addr_options *a = state->input;

    switch (key) {
    case OPTION_ENCODE:
        a->encode = true;
        break;
    case OPTION_SERVER:
        a->has_server = true;
        if (!ip4_parse(arg, &a->teredo.server))
            argp_error(state, "'%s' is not an IPv4 address", arg);
        break;
    case OPTION_MAPPED:
        a->has_mapped = true;
        if (!endpoint_parse(arg, 0, &a->teredo.mapped))
            argp_error(state, "'%s' is not an IPv4 address and port (192.0.2.45:40000)", arg);
        break;
    case OPTION_FLAGS:
        parse_flags(a, arg, state);
        break;
    case OPTION_RANDOM_FLAGS:
        a->random_flags = true;
        break;
    case OPTION_FORMAT:
        a->format = option_format(state, arg);
        break;
    case OPTION_HEADER:
        a->header = true;
        break;
    case 'q':
        a->quiet = true;
        break;
    case ARGP_KEY_ARGS:
        a->addresses = state->argv + state->next;
        a->count = state->argc - state->next;
        break;
    case ARGP_KEY_SUCCESS:
        check(a, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp addr_argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[ADDRESS...]\n--encode --server IP --mapped IP:PORT",
    .doc =
        "Take Teredo addresses apart, or build one. Without ADDRESS, or where it is -, addresses "
        "are read from standard input, one a line.\vExit status: 0 all are Teredo addresses, 1 "
        "one is another address, 65 one is not an IPv6 address; see teredoctl-addr(1).",
};
