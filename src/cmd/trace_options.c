#include "trace_options.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "option_values.h"
#include "status.h"

enum {
    OPTION_SERVER = 0x200,
    OPTION_PROOF,
    OPTION_TTL,
    OPTION_BUBBLES,
    OPTION_FROM_PORT,
    OPTION_OWN,
    OPTION_REFERENCE_TTL,
    OPTION_PASSIVE,
    OPTION_PEER,
    OPTION_FILTER,
    OPTION_TUNNELS,
    OPTION_COUNT,
    OPTION_WATCH,
};

/* The control's direct bubble passes our own NAT, and no router after it. */
enum {
    CONTROL_TTL = 2
};

static const struct argp_option options[] = {
    {"server", OPTION_SERVER, "SERVER[:PORT]", 0, "Our own Teredo server (default: $TEREDO_SERVER)",
     0},
    {"proof", OPTION_PROOF, "auto|nonce|link-local|endpoint", 0,
     "What to ask the peer for as proof that it answers (default: auto)", 0},
    {"ttl", OPTION_TTL, "N", 0,
     "Time to live of direct bubbles, to stop them before the peer's NAT", 0},
    {"bubbles", OPTION_BUBBLES, "N", 0, "Send at most N bubble pairs, 1 to 4 (default: 4)", 0},
    {"from-port", OPTION_FROM_PORT, "PORT", 0, "The same as --local-port", 0},
    {"own-address", OPTION_OWN, "ADDRESS", 0,
     "Our Teredo address, known already for this --from-port: do not qualify", 0},
    {"control-ttl", OPTION_REFERENCE_TTL, "N", 0,
     "Time to live of the control's direct bubble, which must stop between the NATs; 0 sends no "
     "control (default: 2)",
     0},
    {NULL, 0, NULL, 0, "Of captures, in place of a hole punch of our own:", 1},
    {"read", 'r', "FILE", 0,
     "Find the hole punches in this capture; several are several vantage points of the same", 1},
    {"interface", 'i', "INTERFACE", 0, "With --passive: the interface; 'any' is all (default: any)",
     1},
    {"passive", OPTION_PASSIVE, NULL, 0, "Follow what others do on an interface, and send nothing",
     1},
    {"peer", OPTION_PEER, "ADDRESS", 0, "Only hole punches that this client has part in", 1},
    {"filter", OPTION_FILTER, "EXPRESSION", 0, "Only packets that pass this pcap-filter(7)", 1},
    {"tunnels", OPTION_TUNNELS, NULL, 0, "Also look into GTP-U tunnels", 1},
    {"count", OPTION_COUNT, "N", 0, "End after N hole punches", 1},
    {"watch", OPTION_WATCH, NULL, 0,
     "With --passive: show peers, their last outcome and round-trip time in a live table", 1},
    {0},
};

static enum punch_ask parse_proof(struct argp_state *state, const char *arg)
{
    static const char *const words[] = {"auto", "nonce", "link-local", "endpoint"};

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(arg, words[i]) == 0)
            return (enum punch_ask)i;
    argp_error(state, "--proof: '%s' is none of auto, nonce, link-local, endpoint", arg);
    return PUNCH_ASK_AUTO;
}

static void parse_teredo(struct argp_state *state, const char *name, const char *arg,
                         struct in6_addr *out)
{
    struct teredo_addr a;

    if (inet_pton(AF_INET6, arg, out) != 1)
        argp_error(state, "%s: '%s' is not an IPv6 address", name, arg);
    else if (!teredo_addr_decode(out, &a))
        argp_error(state, "%s: %s is not a Teredo address; `teredoctl addr %s` says what it is",
                   name, arg, arg);
}

/* Whether an option of the client was given that matters to what is sent alone. */
static bool has_client_option(const struct client_options *c)
{
    struct client_options defaults;

    client_options_init(&defaults, c->command, c->takes_server);
    return c->secondary != NULL || c->local_port != 0 || c->auth_id != NULL ||
           c->auth_secret_file != NULL || c->allow_private || c->write != NULL || c->no_capture ||
           c->timeout != defaults.timeout || c->attempts != defaults.attempts;
}

static void check_captures(struct trace_options *o, struct argp_state *state)
{
    if (o->reads && o->passive)
        argp_error(state, "-r and --passive exclude each other");
    if (o->reads && o->interface != NULL)
        argp_error(state, "-i goes with --passive, not with -r");
    if (has_client_option(&o->client))
        argp_error(state,
                   "captures are traced without sending: of the common options only --format, "
                   "--color, -q and -v go with -r and --passive");
    if (o->has_live_option)
        argp_error(state, "captures are traced without sending: --server, --proof, --ttl, "
                          "--bubbles, --from-port, --own-address and --control-ttl do not go with "
                          "-r and --passive");
    if (o->rounds.every != 0 || o->rounds.output != NULL)
        argp_error(state, "--every, --on-change and --output do not go with -r and --passive");
    if (o->passive && o->argument_count > 0)
        argp_error(state, "--passive takes no argument; name a client with --peer");
    if (o->argument_count > PASSIVE_VANTAGES)
        argp_error(state, "at most %d captures can be traced together", PASSIVE_VANTAGES);
    if (o->client.watch && !o->passive)
        argp_error(state, "--watch goes with --passive");
    if (o->client.watch &&
        (o->client.format != REPORT_TEXT || o->client.quiet || o->client.verbose))
        argp_error(state, "--watch goes with none of --format, --quiet, --verbose");
    if (o->client.watch && !status_terminal(stdout))
        argp_error(state, "--watch needs a terminal; without it, every hole punch is told");
    if (o->passive && o->interface == NULL)
        o->interface = "any";
}

static void check_live(struct trace_options *o, struct argp_state *state)
{
    if (o->interface != NULL || o->filter != NULL || o->tunnels || o->count > 0 || o->has_peer ||
        o->client.watch)
        argp_error(state, "-i, --peer, --filter, --tunnels, --count and --watch go with -r or "
                          "--passive");
    if (o->argument_count > 1)
        argp_error(state, "only one PEER can be given; to read captures: -r FILE");
    o->peer_text = o->argument_count > 0 ? o->arguments[0] : getenv("TEREDO_PEER");
    if (o->peer_text == NULL)
        argp_error(state, "no PEER given, and TEREDO_PEER is not set");
    else
        parse_teredo(state, "PEER", o->peer_text, &o->peer);
    if (o->has_own && o->client.local_port == 0)
        argp_error(state, "--own-address needs the --from-port that it belongs to");
    if (o->client.server == NULL && !o->has_own)
        argp_error(state, "no --server given, and TEREDO_SERVER is not set");
}

/* FILEs of -r and arguments alike: which they are is known at the end alone. */
static void add_argument(struct trace_options *o, char *arg, struct argp_state *state)
{
    if (o->arguments == NULL)
        o->arguments = calloc((size_t)state->argc + 1, sizeof *o->arguments);
    if (o->arguments == NULL)
        argp_failure(state, EXIT_FAILURE, 0, "out of memory");
    else
        o->arguments[o->argument_count++] = arg;
}

static error_t parse_live(int key, char *arg, struct argp_state *state)
{
    struct trace_options *o = state->input;

    switch (key) {
    case OPTION_SERVER:
        o->client.server = arg;
        break;
    case OPTION_PROOF:
        o->ask = parse_proof(state, arg);
        break;
    case OPTION_TTL:
        o->ttl = (uint8_t)option_number(state, "--ttl", arg, 1, 255);
        break;
    case OPTION_BUBBLES:
        o->bubbles = (unsigned)option_number(state, "--bubbles", arg, 1, PUNCH_MAX_ATTEMPTS);
        break;
    case OPTION_FROM_PORT:
        o->client.local_port = (uint16_t)option_number(state, "--from-port", arg, 1, 65535);
        break;
    case OPTION_OWN:
        parse_teredo(state, "--own-address", arg, &o->own);
        o->has_own = true;
        break;
    case OPTION_REFERENCE_TTL:
        o->reference_ttl = (uint8_t)option_number(state, "--control-ttl", arg, 0, 255);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    o->has_live_option = true;
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct trace_options *o = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &o->client;
        state->child_inputs[2] = &o->rounds;
        break;
    case 'r':
        o->reads = true;
        add_argument(o, arg, state);
        break;
    case 'i':
        o->interface = arg;
        break;
    case OPTION_PASSIVE:
        o->passive = true;
        break;
    case OPTION_PEER:
        parse_teredo(state, "--peer", arg, &o->peer);
        o->has_peer = true;
        break;
    case OPTION_FILTER:
        o->filter = arg;
        break;
    case OPTION_TUNNELS:
        o->tunnels = true;
        break;
    case OPTION_WATCH:
        o->client.watch = true;
        break;
    case OPTION_COUNT:
        o->count = (unsigned long)option_number(state, "--count", arg, 1, LONG_MAX);
        break;
    case ARGP_KEY_ARG:
        add_argument(o, arg, state);
        break;
    case ARGP_KEY_END:
        if (trace_is_of_captures(o))
            check_captures(o, state);
        else
            check_live(o, state);
        break;
    default:
        return parse_live(key, arg, state);
    }
    return 0;
}

static const struct argp_child children[] = {{&client_chart_argp, 0, NULL, 0},
                                             {&client_patience_argp, 0, NULL, 0},
                                             {&rounds_argp, 0, NULL, 0},
                                             {0}};

const struct argp trace_argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[PEER]\n-r FILE [FILE...]\n--passive [-i INTERFACE]",
    .doc = "Punch a hole to the Teredo client PEER, and show each step as it happens; if it fails, "
           "say why. Or find the hole punches that captures show.\vPEER is a Teredo address "
           "(default: $TEREDO_PEER). Exit status: 0 punched, 1 "
           "not punched, 2 inconclusive; 64 to 77 errors, see teredoctl-trace(1).",
    .children = children,
};

void trace_options_init(struct trace_options *o)
{
    *o = (struct trace_options){.bubbles = PUNCH_MAX_ATTEMPTS, .reference_ttl = CONTROL_TTL};
    client_options_init(&o->client, "trace", false);
    o->client.rounds = &o->rounds;
}
