#include <argp.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "command.h"
#include "option_values.h"
#include "trace.h"

struct arguments {
    struct client_options client;
    struct rounds rounds;
    const char *peer_text;
    struct in6_addr peer;
    struct in6_addr own; /* with --own-address */
    bool has_own;
    enum punch_ask ask;
    uint8_t ttl;
    unsigned bubbles;
    uint8_t control_ttl;
};

enum {
    OPTION_SERVER = 0x200,
    OPTION_PROOF,
    OPTION_TTL,
    OPTION_BUBBLES,
    OPTION_FROM_PORT,
    OPTION_OWN,
    OPTION_CONTROL_TTL,
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
    {"control-ttl", OPTION_CONTROL_TTL, "N", 0,
     "Time to live of the control's direct bubble, which must stop between the NATs; 0 sends no "
     "control (default: 2)",
     0},
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
        argp_error(state, "%s: '%s' is no IPv6 address", name, arg);
    else if (!teredo_addr_decode(out, &a))
        argp_error(state, "%s: %s is no Teredo address; `teredoctl addr %s` says what it is", name,
                   arg, arg);
}

static void check(struct arguments *a, struct argp_state *state)
{
    if (a->peer_text == NULL)
        a->peer_text = getenv("TEREDO_PEER");
    if (a->peer_text == NULL)
        argp_error(state, "no PEER given, and TEREDO_PEER is not set");
    else
        parse_teredo(state, "PEER", a->peer_text, &a->peer);
    if (a->has_own && a->client.local_port == 0)
        argp_error(state, "--own-address needs the --from-port that it belongs to");
    if (a->client.server == NULL && !a->has_own)
        argp_error(state, "no --server given, and TEREDO_SERVER is not set");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &a->client;
        state->child_inputs[2] = &a->rounds;
        break;
    case OPTION_SERVER:
        a->client.server = arg;
        break;
    case OPTION_PROOF:
        a->ask = parse_proof(state, arg);
        break;
    case OPTION_TTL:
        a->ttl = (uint8_t)option_number(state, "--ttl", arg, 1, 255);
        break;
    case OPTION_BUBBLES:
        a->bubbles = (unsigned)option_number(state, "--bubbles", arg, 1, PUNCH_MAX_ATTEMPTS);
        break;
    case OPTION_FROM_PORT:
        a->client.local_port = (uint16_t)option_number(state, "--from-port", arg, 1, 65535);
        break;
    case OPTION_OWN:
        parse_teredo(state, "--own-address", arg, &a->own);
        a->has_own = true;
        break;
    case OPTION_CONTROL_TTL:
        a->control_ttl = (uint8_t)option_number(state, "--control-ttl", arg, 0, 255);
        break;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "only one PEER can be given");
        a->peer_text = arg;
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
    .args_doc = "[PEER]",
    .doc = "Punch a hole to the Teredo client PEER, and show each step as it happens; if it fails, "
           "say why.\vPEER is a Teredo address (default: $TEREDO_PEER). Exit status: 0 punched, 1 "
           "not punched, 2 inconclusive; 64 to 77 errors, see teredoctl-trace(1).",
    .children = children,
};

/* Keeps the verdict for the exit status on its way to the reporter. */
struct outcome {
    struct event_sink next;
    enum punch_verdict verdict;
};

static void emit(void *context, const struct event *event)
{
    struct outcome *o = context;

    if (event->kind == EVENT_PUNCHING)
        o->verdict = event->punching.verdict;
    o->next.emit(o->next.context, event);
}

/* With --own-address our server is the one in it. */
static void adopt_own_address(const struct client *c, const struct arguments *a,
                              struct trace_config *config)
{
    struct teredo_addr own;

    teredo_addr_decode(&a->own, &own);
    config->qualified = true;
    config->punch.own = a->own;
    config->punch.mapped = own.mapped;
    config->punch.local = live_local(c->live, 0);
    config->punch.server = (struct endpoint){own.server, TEREDO_PORT};
}

static int trace(struct client *c, const struct arguments *a, struct error *error)
{
    struct trace_config config = {
        .punch =
            {
                .peer = a->peer,
                .ask = a->ask,
                .attempts = a->bubbles,
                .ttl = a->ttl,
                .allow_private = a->client.allow_private,
                .control_ttl = a->ttl == 0 ? a->control_ttl : 0,
                .server_port = TEREDO_PORT,
            },
    };
    struct trace *engine;
    struct outcome outcome = {client_sink(c), PUNCH_INCONCLUSIVE};
    struct event_sink sink = {emit, &outcome};
    int result;

    if (client_qualify_config(c, 0, &config.qualify, error) != 0 ||
        client_nonces(&config.punch.nonces, error) != 0)
        return -1;
    if (a->has_own)
        adopt_own_address(c, a, &config);
    engine = malloc(sizeof *engine);
    if (engine == NULL)
        return error_set(error, EX_OSERR, 0, "out of memory");
    trace_init(engine, &config);
    result = client_run(c, (struct engine){&trace_ops, engine}, &sink, error);
    free(engine);
    return result != 0 ? -1 : (int)outcome.verdict;
}

static int once(void *context, struct error *error)
{
    const struct arguments *a = context;
    struct client client;
    int status = -1;

    if (client_open(&client, &a->client, TRACE_SOCKETS, false, error) == 0)
        status = trace(&client, a, error);
    return client_close(&client, status, error);
}

static int run(int argc, char **argv, struct error *error)
{
    struct arguments arguments = {.bubbles = PUNCH_MAX_ATTEMPTS, .control_ttl = CONTROL_TTL};
    const struct client_options *client = &arguments.client;
    char server[IP4_STRLEN];

    client_options_init(&arguments.client, "trace", false);
    arguments.client.rounds = &arguments.rounds;
    argv[0] = "teredoctl trace";
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.has_own) {
        struct teredo_addr own;

        teredo_addr_decode(&arguments.own, &own);
        arguments.client.server = ip4_format(own.server, server);
    }
    return rounds_run(&arguments.rounds, "trace", client->format == REPORT_TEXT && !client->quiet,
                      once, &arguments, error);
}

const struct command command_trace = {
    "trace", "punch a hole to a peer, and show each step and why it fails", run};
