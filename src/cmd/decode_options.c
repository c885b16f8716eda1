#include "decode_options.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option_values.h"

enum {
    OPTION_FORMAT = 0x100,
    OPTION_HEADER,
    OPTION_SUMMARY,
    OPTION_TUNNELS,
    OPTION_COUNT,
    OPTION_HEX,
};

static const struct argp_option options[] = {
    {"interface", 'i', "INTERFACE", 0, "Capture on this network interface; 'any' is all", 1},
    {"hex", OPTION_HEX, "HEX", 0, "Decode a UDP payload that is given in hexadecimal digits", 1},
    {"tunnels", OPTION_TUNNELS, NULL, 0, "Also look into GTP-U tunnels", 1},
    {"count", OPTION_COUNT, "N", 0, "End after N Teredo packets", 1},
    {"summary", OPTION_SUMMARY, NULL, 0, "Print no packets, only what there was in all", 2},
    {"format", OPTION_FORMAT, "text|json|jsonl|tsv", 0, "How to print results (default: text)", 2},
    {"header", OPTION_HEADER, NULL, 0, OPTION_HEADER_DOC, 2},
    {"quiet", 'q', NULL, 0, "Print nothing but results and errors", 2},
    {"verbose", 'v', NULL, 0, "Print every field of each packet", 2},
    {0},
};

/* Words that a filter of pcap-filter(7) can begin with. */
static const char *const filter_words[] = {
    "arp",    "broadcast", "dst",     "ether", "gateway",  "greater", "host",      "icmp",
    "icmp6",  "ifname",    "inbound", "ip",    "ip6",      "len",     "less",      "link",
    "mpls",   "multicast", "net",     "not",   "outbound", "port",    "portrange", "pppoed",
    "pppoes", "proto",     "src",     "tcp",   "udp",      "vlan",
};

static bool begins_filter(const char *argument)
{
    size_t length = strcspn(argument, " [<>=!&|()");

    if (argument[0] == '(' || argument[0] == '!')
        return true;
    for (size_t i = 0; i < sizeof filter_words / sizeof *filter_words; i++)
        if (strlen(filter_words[i]) == length && strncmp(argument, filter_words[i], length) == 0)
            return true;
    return false;
}

static void join_filter(struct decode_options *o, char **words, int count, struct argp_state *state)
{
    size_t size = 1;
    char *p;

    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    o->filter = p = malloc(size);
    if (p == NULL)
        argp_failure(state, EXIT_FAILURE, 0, "out of memory");
    for (int i = 0; i < count && p != NULL; i++) {
        p = stpcpy(p, words[i]);
        *p++ = i + 1 < count ? ' ' : '\0';
    }
}

/* FILEs come first, then the filter. What exists is a FILE; what does not is one as well, and
 * missing, unless it reads as the beginning of a filter. */
static void split_arguments(struct decode_options *o, char **arguments, int count,
                            struct argp_state *state)
{
    int files = 0;

    while (o->interface == NULL && files < count &&
           (strcmp(arguments[files], "-") == 0 || access(arguments[files], F_OK) == 0 ||
            !begins_filter(arguments[files])))
        files++;
    o->files = arguments;
    o->file_count = files;
    if (files < count)
        join_filter(o, arguments + files, count - files, state);
}

static void check(const struct decode_options *o, struct argp_state *state)
{
    if (o->hex != NULL && (o->interface != NULL || o->file_count > 0 || o->filter != NULL ||
                           o->summary || o->tunnels || o->count > 0))
        argp_error(state, "--hex goes with --format, -q and -v alone");
    if (o->hex == NULL && o->interface == NULL && o->file_count == 0 && isatty(STDIN_FILENO))
        argp_error(state, "give a FILE, -i INTERFACE or --hex, or a capture on standard input");
    option_check_header(state, o->header, o->format);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct decode_options *o = state->input;

    switch (key) {
    case 'i':
        o->interface = arg;
        break;
    case OPTION_HEX:
        o->hex = arg;
        break;
    case OPTION_TUNNELS:
        o->tunnels = true;
        break;
    case OPTION_COUNT:
        o->count = (uint64_t)option_number(state, "--count", arg, 1, LONG_MAX);
        break;
    case OPTION_SUMMARY:
        o->summary = true;
        break;
    case OPTION_FORMAT:
        o->format = option_format(state, arg);
        break;
    case OPTION_HEADER:
        o->header = true;
        break;
    case 'q':
        o->quiet = true;
        break;
    case 'v':
        o->verbose = true;
        break;
    case ARGP_KEY_ARGS:
        split_arguments(o, state->argv + state->next, state->argc - state->next, state);
        break;
    case ARGP_KEY_SUCCESS:
        check(o, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp decode_argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[FILE...] [FILTER]\n-i INTERFACE [FILTER]\n--hex HEX",
    .doc =
        "Find the Teredo packets in captures, or on an interface, and decode them. Without FILE, "
        "or where it is -, the capture is read from standard input. FILTER is an expression of "
        "pcap-filter(7).\vExit status: 0 there was a Teredo packet, 1 there was none, 64 to 77 "
        "errors; see teredoctl-decode(1).",
};
