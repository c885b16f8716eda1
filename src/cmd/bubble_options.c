#include "bubble_options.h"

#include <stdlib.h>
#include <string.h>

#include "option_values.h"

enum {
    OPTION_DIRECT = 0x100,
    OPTION_INDIRECT,
    OPTION_TO,
    OPTION_RS,
    OPTION_ECHO,
    OPTION_FROM_FILE,
    OPTION_PACKET,
    OPTION_COUNT,
    OPTION_INTERVAL,
    OPTION_RATE,
    OPTION_WAIT,
    OPTION_DRY_RUN,
    OPTION_WRITE,
    OPTION_FORMAT,
    OPTION_HEADER,

    MAX_COUNT = 1000000,
    MAX_RATE = 1000000, /* packets a second */
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Where to:", 1},
    {"direct", OPTION_DIRECT, NULL, 0, "To the mapped endpoint in PEER (the default)", 0},
    {"indirect", OPTION_INDIRECT, NULL, 0, "To the server in PEER; with --direct, to both", 0},
    {"to", OPTION_TO, "HOST[:PORT]", 0, "To this endpoint (default port: 3544)", 0},

    {NULL, 0, NULL, 0, "What, if not a bubble:", 2},
    {"rs", OPTION_RS, NULL, 0, "A router solicitation (default: to $TEREDO_SERVER)", 0},
    {"echo", OPTION_ECHO, NULL, 0, "An ICMPv6 echo request", 0},
    {"from-file", OPTION_FROM_FILE, "FILE", 0, "A packet of this capture, changed by the options",
     0},
    {"packet", OPTION_PACKET, "N", 0, "Which packet of the capture (default: 1)", 0},

    {NULL, 0, NULL, 0, "Sending and listening:", 7},
    {"count", OPTION_COUNT, "N", 0, "Send N times (default: 1)", 0},
    {"interval", OPTION_INTERVAL, "SECONDS", 0, "Time from one to the next (default: 1)", 0},
    {"rate", OPTION_RATE, "N", 0, "Send N packets a second; needed for more than 10", 0},
    {"wait", OPTION_WAIT, "SECONDS", 0, "Then listen so long, and print what comes back", 0},
    {"dry-run", OPTION_DRY_RUN, NULL, 0, "Send nothing; print each packet, decoded and in hex", 0},
    {"write", OPTION_WRITE, "FILE", 0, "Send nothing; write a capture", 0},
    {"format", OPTION_FORMAT, "text|json|jsonl|tsv", 0, "How to print results (default: text)", 0},
    {"header", OPTION_HEADER, NULL, 0, OPTION_HEADER_DOC, 0},
    {"quiet", 'q', NULL, 0, "Print the summary only", 0},
    {"verbose", 'v', NULL, 0, "Print the fields of every packet on standard error", 0},
    {0},
};

static void set_message(struct argp_state *state, enum bubble_message message)
{
    struct bubble_options *o = state->input;

    if (o->message != MESSAGE_BUBBLE && o->message != message)
        argp_error(state, "--rs, --echo and --from-file exclude each other");
    o->message = message;
}

static void set_peer(struct argp_state *state, const char *text)
{
    struct bubble_options *o = state->input;

    o->peer = value_ip6(state, "PEER", text);
    if (!teredo_addr_decode(&o->peer, &o->peer_parts))
        argp_error(state, "PEER: %s is not a Teredo address; `teredoctl addr %s` says what it is",
                   text, text);
    o->has_peer = true;
}

static error_t parse_what(int key, char *arg, struct argp_state *state)
{
    struct bubble_options *o = state->input;

    switch (key) {
    case OPTION_DIRECT:
        o->direct = true;
        return 0;
    case OPTION_INDIRECT:
        o->indirect = true;
        return 0;
    case OPTION_TO:
        o->to = arg;
        return 0;
    case OPTION_RS:
        set_message(state, MESSAGE_RS);
        return 0;
    case OPTION_ECHO:
        set_message(state, MESSAGE_ECHO);
        return 0;
    case OPTION_FROM_FILE:
        set_message(state, MESSAGE_FILE);
        o->from_file = arg;
        return 0;
    case OPTION_PACKET:
        o->packet = value_number(state, "--packet", arg, 1, UINT32_MAX);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "only one PEER can be given");
        set_peer(state, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_sending(int key, char *arg, struct argp_state *state)
{
    struct bubble_options *o = state->input;

    switch (key) {
    case OPTION_COUNT:
        o->count = value_number(state, "--count", arg, 1, MAX_COUNT);
        return 0;
    case OPTION_INTERVAL:
        o->interval = option_seconds(state, "--interval", arg);
        o->has_interval = true;
        return 0;
    case OPTION_RATE:
        o->rate = value_number(state, "--rate", arg, 1, MAX_RATE);
        return 0;
    case OPTION_WAIT:
        o->wait = option_seconds(state, "--wait", arg);
        return 0;
    case OPTION_DRY_RUN:
        o->dry_run = true;
        return 0;
    case OPTION_WRITE:
        o->write = arg;
        return 0;
    case OPTION_FORMAT:
        o->format = option_format(state, arg);
        return 0;
    case OPTION_HEADER:
        o->header = true;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    case 'v':
        o->verbose = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A packet of a file goes where it went, unless a PEER is named on the command line. */
static void check_aim(struct bubble_options *o, struct argp_state *state)
{
    const char *peer = getenv("TEREDO_PEER");

    if (!o->has_peer && peer != NULL && o->message != MESSAGE_RS && o->message != MESSAGE_FILE)
        set_peer(state, peer);
    if (!o->has_peer && (o->direct || o->indirect))
        argp_error(state, "--direct and --indirect need a PEER");
    if (o->to != NULL && (o->direct || o->indirect))
        argp_error(state, "--to excludes --direct and --indirect");
    if (!o->has_peer && o->to == NULL &&
        (o->message == MESSAGE_BUBBLE || o->message == MESSAGE_ECHO))
        argp_error(state, "no PEER and no --to given, and TEREDO_PEER is not set");
    if (!o->has_peer && o->message != MESSAGE_RS && o->message != MESSAGE_FILE &&
        (o->given & FIELD_DESTINATION) == 0)
        argp_error(state, "--to without a PEER needs the --destination");
    if (!o->has_peer && o->to == NULL && o->message == MESSAGE_RS &&
        getenv("TEREDO_SERVER") == NULL)
        argp_error(state, "--rs: no --to and no PEER given, and TEREDO_SERVER is not set");
    /* The usual way of each. */
    if (o->has_peer && o->to == NULL && !o->direct && !o->indirect) {
        o->direct = o->message != MESSAGE_RS;
        o->indirect = o->message == MESSAGE_RS;
    }
}

static void check(struct bubble_options *o, struct argp_state *state)
{
    check_aim(o, state);
    if (o->packet != 0 && o->from_file == NULL)
        argp_error(state, "--packet goes with --from-file");
    if ((o->no_origin || o->no_trailers) && o->from_file == NULL)
        argp_error(state, "--no-origin and --no-trailers go with --from-file");
    if (o->no_auth && (o->given & FIELDS_OF_AUTH) != 0)
        argp_error(state, "--no-auth excludes the options of the authentication header");
    if (o->no_origin && (o->given & FIELD_ORIGIN) != 0)
        argp_error(state, "--origin and --no-origin exclude each other");
    if (o->rate != 0 && o->has_interval)
        argp_error(state, "--rate and --interval exclude each other");
    if (o->dry_run && o->write != NULL)
        argp_error(state, "--dry-run and --write exclude each other");
    if (o->wait != 0 && (o->dry_run || o->write != NULL))
        argp_error(state, "--wait goes with sending, not with %s",
                   o->dry_run ? "--dry-run" : "--write");
    if (o->spoof && o->from.address == 0 && o->from_file == NULL)
        argp_error(state, "--spoof needs a --from-address");
    option_check_header(state, o->header, o->format);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct bubble_options *o = state->input;
    error_t result;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = o;
        return 0;
    case ARGP_KEY_END:
        check(o, state);
        return 0;
    default:
        result = parse_what(key, arg, state);
        return result == ARGP_ERR_UNKNOWN ? parse_sending(key, arg, state) : result;
    }
}

static const struct argp_child children[] = {{&bubble_fields_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[PEER]",
    .doc =
        "Send bubbles and other Teredo packets with every field as you choose it, and print what "
        "comes back.\vPEER is a Teredo address (default: $TEREDO_PEER). Exit status: 0 sent, and "
        "with --wait answered; 1 not answered, 2 interrupted; 64 to 77 errors, see "
        "teredoctl-bubble(1).",
    .children = children,
};

void bubble_options_parse(struct bubble_options *o, int argc, char **argv)
{
    *o = (struct bubble_options){.count = 1, .interval = NSEC_S};
    argv[0] = "teredoctl bubble";
    argp_parse(&argp, argc, argv, 0, NULL, o);
}
