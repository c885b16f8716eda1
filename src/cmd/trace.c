#include "trace.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sysexits.h>

#include "capture_input.h"
#include "client.h"
#include "clock.h"
#include "confine.h"
#include "entropy.h"
#include "passive.h"
#include "replay.h"

/* The control's direct bubble passes our own NAT, and no router after it. */
enum {
    CONTROL_TTL = 2
};

struct trace_options {
    struct client_options client;
    struct in6_addr peer; /* the argument, or that of --peer */
    struct in6_addr own;
    char own_server[IP4_STRLEN];
    enum punch_ask ask;
    uint8_t ttl;
    unsigned bubbles;
    uint8_t reference_ttl;
    /* Of captures, in place of a hole punch of our own. */
    bool reads; /* -r was given */
    bool passive;
    const char *interface;
    char **arguments; /* PEER, or FILEs; allocated */
    int argument_count;
    const char *filter;
    bool tunnels;
    unsigned long count; /* of hole punches to end after; 0 = all */
};

/* What was given. */
enum {
    GIVEN_FOR_PUNCH = 1 << 0,
    GIVEN_FOR_CAPTURES = 1 << 1,
    GIVEN_OWN = 1 << 2,
    GIVEN_PEER = 1 << 3,
};

static bool is_of_captures(const struct trace_options *o)
{
    return o->reads || o->passive;
}

static bool was_given(const struct trace_options *o, uint32_t what)
{
    return (o->client.common.given & what) != 0;
}

/* FILEs of -r and arguments alike: which they are is known at the end alone. */
static void take_argument(const struct option_value *v, void *options)
{
    struct trace_options *o = options;

    if (o->arguments == NULL)
        o->arguments = calloc((size_t)v->state->argc + 1, sizeof *o->arguments);
    if (o->arguments == NULL)
        argp_failure(v->state, EX_OSERR, 0, "out of memory");
    else
        o->arguments[o->argument_count++] = v->text;
}

static void parse_read(const struct option_value *v, void *options)
{
    struct trace_options *o = options;

    o->reads = true;
    take_argument(v, options);
}

static const struct option_entry trace_options[] = {
    {"server", 0, "SERVER[:PORT]", "Our own Teredo server (default: $TEREDO_SERVER)",
     OPTION_TEXT(struct trace_options, client.server), .given = GIVEN_FOR_PUNCH},
    {"proof", 0, "auto|nonce|link-local|endpoint",
     "What to ask the peer for as proof that it answers (default: auto)",
     OPTION_WORD(struct trace_options, ask), .given = GIVEN_FOR_PUNCH},
    {"ttl", 0, "N", "Time to live of direct bubbles, to stop them before the peer's NAT",
     OPTION_NUMBER(struct trace_options, ttl, 1, 255), .given = GIVEN_FOR_PUNCH},
    {"bubbles", 0, "N", "Send at most N bubble pairs, 1 to 4 (default: 4)",
     OPTION_NUMBER(struct trace_options, bubbles, 1, PUNCH_MAX_ATTEMPTS), .given = GIVEN_FOR_PUNCH},
    {"from-port", 0, "PORT", "The same as --local-port",
     OPTION_NUMBER(struct trace_options, client.local_port, 1, 65535), .given = GIVEN_FOR_PUNCH},
    {"own-address", 0, "ADDRESS",
     "Our Teredo address, known already for this --from-port: do not qualify",
     OPTION_OF(VALUE_TEREDO, struct trace_options, own), .given = GIVEN_FOR_PUNCH | GIVEN_OWN},
    {"control-ttl", 0, "N",
     "Time to live of the control's direct bubble, which must stop between the NATs; 0 sends no "
     "control (default: 2)",
     OPTION_NUMBER(struct trace_options, reference_ttl, 0, 255), .given = GIVEN_FOR_PUNCH},
    {NULL, 0, NULL, "Of captures, in place of a hole punch of our own:", .group = 1},
    {"read", 'r', "FILE",
     "Find the hole punches in this capture; several are several vantage points of the same",
     OPTION_PARSED(parse_read)},
    {"interface", 'i', "INTERFACE", "With --passive: the interface; 'any' is all (default: any)",
     OPTION_TEXT(struct trace_options, interface), .given = GIVEN_FOR_CAPTURES},
    {"passive", 0, NULL, "Follow what others do on an interface, and send nothing",
     OPTION_FLAG(struct trace_options, passive)},
    {"peer", 0, "ADDRESS", "Only hole punches that this client has part in",
     OPTION_OF(VALUE_TEREDO, struct trace_options, peer), .given = GIVEN_FOR_CAPTURES | GIVEN_PEER},
    {"filter", 0, "EXPRESSION", "Only packets that pass this pcap-filter(7)",
     OPTION_TEXT(struct trace_options, filter), .given = GIVEN_FOR_CAPTURES},
    {"tunnels", 0, NULL, "Also look into GTP-U tunnels", OPTION_FLAG(struct trace_options, tunnels),
     .given = GIVEN_FOR_CAPTURES},
    {"count", 0, "N", "End after N hole punches",
     OPTION_NUMBER(struct trace_options, count, 1, LONG_MAX), .given = GIVEN_FOR_CAPTURES},
    {"watch", 0, NULL,
     "With --passive: show peers, their last outcome and round-trip time in a live table",
     OPTION_FLAG(struct trace_options, client.watch), .given = GIVEN_FOR_CAPTURES},
    {0},
};

static void check_captures(struct trace_options *o, struct argp_state *state)
{
    if (o->reads && o->passive)
        argp_error(state, "-r and --passive exclude each other");
    if (o->reads && o->interface != NULL)
        argp_error(state, "-i goes with --passive, not with -r");
    if (was_given(o, CLIENT_GIVEN_SENDING))
        argp_error(state,
                   "captures are traced without sending: of the common options only --format, "
                   "--color, -q and -v go with -r and --passive");
    if (was_given(o, GIVEN_FOR_PUNCH))
        argp_error(state, "captures are traced without sending: --server, --proof, --ttl, "
                          "--bubbles, --from-port, --own-address and --control-ttl do not go with "
                          "-r and --passive");
    if (o->client.rounds.every != 0 || o->client.rounds.output != NULL)
        argp_error(state, "--every, --on-change and --output do not go with -r and --passive");
    if (o->passive && o->argument_count > 0)
        argp_error(state, "--passive takes no argument; name a client with --peer");
    if (o->argument_count > PASSIVE_VANTAGES)
        argp_error(state, "at most %d captures can be traced together", PASSIVE_VANTAGES);
    if (o->client.watch && !o->passive)
        argp_error(state, "--watch goes with --passive");
    client_check_watch(&o->client, state, "every hole punch is told");
    if (o->passive && o->interface == NULL)
        o->interface = "any";
}

static void check_punch(struct trace_options *o, struct argp_state *state)
{
    struct option_value peer = {.state = state, .name = "PEER", .text = getenv("TEREDO_PEER")};
    struct teredo_addr own;

    if (was_given(o, GIVEN_FOR_CAPTURES))
        argp_error(state, "-i, --peer, --filter, --tunnels, --count and --watch go with -r or "
                          "--passive");
    if (o->argument_count > 1)
        argp_error(state, "only one PEER can be given; to read captures: -r FILE");
    if (o->argument_count > 0)
        peer.text = o->arguments[0];
    if (peer.text == NULL)
        argp_error(state, "no PEER given, and TEREDO_PEER is not set");
    else
        o->peer = value_teredo(&peer, NULL);
    if (was_given(o, GIVEN_OWN)) {
        if (o->client.local_port == 0)
            argp_error(state, "--own-address needs the --from-port that it belongs to");
        /* Then our server is the one in it. */
        teredo_addr_decode(&o->own, &own);
        o->client.server = ip4_format(own.server, o->own_server);
    } else if (o->client.server == NULL) {
        argp_error(state, "no --server given, and TEREDO_SERVER is not set");
    }
}

static void check(void *options, struct argp_state *state)
{
    struct trace_options *o = options;

    client_check(options, state);
    if (is_of_captures(o))
        check_captures(o, state);
    else
        check_punch(o, state);
}

/* With --own-address there is no need to qualify. */
static void adopt_own_address(const struct client *c, const struct in6_addr *address,
                              struct trace_config *config)
{
    struct teredo_addr own;

    teredo_addr_decode(address, &own);
    config->qualified = true;
    config->punch.own = *address;
    config->punch.mapped = own.mapped;
    config->punch.local = live_local(c->live, 0);
    config->punch.server = (struct endpoint){own.server, TEREDO_PORT};
}

static int init(struct client *c, struct engine *engine, struct error *error)
{
    const struct trace_options *o = (const struct trace_options *)c->options;
    struct trace_config config = {
        .punch =
            {
                .peer = o->peer,
                .ask = o->ask,
                .attempts = o->bubbles,
                .ttl = o->ttl,
                .allow_private = o->client.allow_private,
                .reference_ttl = o->ttl == 0 ? o->reference_ttl : 0,
                .server_port = TEREDO_PORT,
            },
    };

    if (client_qualify_config(c, &config.qualify, error) != 0 ||
        client_nonces(&config.punch.nonces, error) != 0)
        return -1;
    if (was_given(o, GIVEN_OWN))
        adopt_own_address(c, &o->own, &config);
    trace_init((struct trace *)engine, &config);
    return 0;
}

static int status(const struct event *event)
{
    return event->kind == EVENT_PUNCHING ? (int)event->punching.verdict : -1;
}

static const struct client_job job = {
    .command = &command_trace,
    .verdict = EVENT_PUNCHING,
    .columns = TSV_TRACE,
    .headings = true,
    .engine_size = sizeof(struct trace),
    .sandbox = SANDBOX_NET,
    .init = init,
    .status = status,
    .no_status = PUNCH_INCONCLUSIVE,
};

/* How often the clock of an interface is looked at where nothing comes. */
#define TICK (100 * NSEC_MS)

enum {
    /* Flows that are believed to be Teredo's though a packet of theirs does not show it. */
    FLOWS = 500000,
};

/* Later sights of a packet that came by already: in one capture, of a router's other interface; in
 * several, as late as the network and the clocks make them. */
#define SETTLE_ONE (250 * NSEC_MS)
#define SETTLE_MANY (2 * NSEC_S)

/* The work on captures. */
struct tracing {
    const struct trace_options *options;
    struct capture_input input;
    struct replay replay;
    struct passive *engine;
    struct reporter *reporter;
    const char *names[PASSIVE_VANTAGES];
};

static int make_engine(struct tracing *t, struct error *error)
{
    const struct trace_options *o = t->options;
    struct teredo_flows_config teredo_flows = {.flows = FLOWS};
    struct passive_config config = {
        .vantages = t->replay.count,
        .count = o->count,
        .settle = t->replay.count > 1 ? SETTLE_MANY : SETTLE_ONE,
        .unfiltered = t->replay.sources[0].live && o->filter == NULL,
        .has_peer = (o->client.common.given & GIVEN_PEER) != 0,
        .peer = o->peer,
    };

    if (!entropy_fill(&config.seed, sizeof config.seed, error))
        return -1;
    teredo_flows.seed = t->replay.seed = t->replay.capture_reader.seed = config.seed;
    t->replay.capture_reader.teredo_flows = teredo_flows_new(&teredo_flows);
    t->engine = passive_new(&config);
    return t->replay.capture_reader.teredo_flows == NULL || t->engine == NULL
               ? error_set(error, EX_OSERR, ENOMEM, "cannot start")
               : 0;
}

static int make_reporter(struct tracing *t, struct error *error)
{
    const struct client_options *o = &t->options->client;
    struct report_config config = options_report(&command_trace, &o->common);

    config.verdict = EVENT_PUNCHING;
    config.columns = TSV_CAPTURES;
    config.watch = o->watch;
    config.whole = !t->replay.sources[0].live;
    config.captures = t->names;
    config.capture_count = t->replay.count;
    t->reporter = reporter_new(&config);
    return t->reporter == NULL ? error_set(error, EX_OSERR, ENOMEM, "cannot start") : 0;
}

/* Where nothing comes, the table or the status line goes on. */
static void tick(void *context)
{
    struct tracing *t = context;
    struct waiting waiting;

    if (t->reporter == NULL || !reporter_has_terminal(t->reporter))
        return;
    engine_waiting(passive_engine(t->engine), &waiting);
    reporter_tick(t->reporter, clock_now(), &waiting);
}

static int open_all(struct tracing *t, struct error *error)
{
    const struct trace_options *o = t->options;

    t->input.control.filter = o->filter;
    t->input.control.pipe_command = "teredoctl trace -r -";
    t->input.control.live_command = "teredoctl trace --passive";
    t->input.control.patience = TICK;
    t->input.control.before_wait = tick;
    t->input.control.context = t;
    if (capture_input_open(&t->input, o->arguments, o->argument_count, o->interface, error) != 0 ||
        confine_captures(&command_trace, &o->client.common, &t->input, error) != 0)
        return -1;
    t->replay.count = (unsigned)t->input.count;
    t->replay.capture_reader.tunnels = o->tunnels;
    t->replay.capture_reader.errors = true;
    t->replay.capture_reader.in_order = true;
    for (unsigned i = 0; i < t->replay.count; i++) {
        const char *file = capture_file(t->input.captures[i]);

        t->replay.sources[i].capture = t->input.captures[i];
        t->replay.sources[i].live = file == NULL;
        t->names[i] = file == NULL ? o->interface : file;
    }
    return make_engine(t, error) != 0 ? -1 : make_reporter(t, error);
}

static struct passive_summary summary_of(const struct tracing *t)
{
    struct passive_summary sum = passive_summary(t->engine);
    struct flows_summary seen;

    teredo_flows_summary(t->replay.capture_reader.teredo_flows, &seen);
    sum.packets = seen.packets;
    sum.frames = seen.frames;
    sum.remarks = seen.remarks;
    for (unsigned i = 0; i < t->replay.count; i++)
        sum.dropped += capture_dropped(t->input.captures[i]);
    return sum;
}

static int captures_status(const struct passive_summary *sum)
{
    if (sum->not_punched > 0)
        return 1;
    return sum->inconclusive > 0 || sum->punches == 0 ? 2 : EX_OK;
}

static int follow(struct tracing *t, struct error *error)
{
    struct event_sink sink = reporter_sink(t->reporter);
    struct event end = {.kind = EVENT_PASSIVE};
    int result;

    if (t->replay.sources[0].live)
        reporter_remark(t->reporter, "following %s; end with Ctrl-C", t->names[0]);
    result = replay_run(&t->replay, passive_engine(t->engine), &sink, error);
    end.passive = summary_of(t);
    /* What came before an error is told, if anything came. */
    if (result == 0 || end.passive.frames > 0)
        sink.emit(sink.context, &end);
    return result != 0 ? -1 : captures_status(&end.passive);
}

/* Tells the qualifications and hole punches that the captures show. */
static int trace_captures(const struct trace_options *options, struct error *error)
{
    static struct tracing t;
    struct error late;
    int status;

    t.options = options;
    status = open_all(&t, error) != 0 ? -1 : follow(&t, error);
    if (t.reporter != NULL && reporter_close(t.reporter, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    capture_input_close(&t.input);
    teredo_flows_free(t.replay.capture_reader.teredo_flows);
    passive_free(t.engine);
    return status;
}

static int run(int argc, char **argv, struct error *error)
{
    struct trace_options o = {.bubbles = PUNCH_MAX_ATTEMPTS, .reference_ttl = CONTROL_TTL};
    int result;

    client_options_init(&o.client);
    o.client.sockets = TRACE_SOCKETS;
    o.client.wire_times = true;
    options_parse(&command_trace, argc, argv, &o);
    result = is_of_captures(&o) ? trace_captures(&o, error) : client_run(&job, &o.client, error);
    free(o.arguments);
    return result;
}

const struct command command_trace = {
    .name = "trace",
    .summary = "punch a hole to a peer, and show each step and why it fails",
    .args_doc = "[PEER]\n-r FILE [FILE...]\n--passive [-i INTERFACE]",
    .doc = "Punch a hole to the Teredo client PEER, and show each step as it happens; if it fails, "
           "say why. Or find the hole punches that captures show.\vPEER is a Teredo address "
           "(default: $TEREDO_PEER). Exit status: 0 punched, 1 "
           "not punched, 2 inconclusive; 64 to 77 errors, see teredoctl-trace(1).",
    .options = {client_options, client_chart_options, client_patience_options,
                client_rounds_options, trace_options},
    .argument = take_argument,
    .check = check,
    .sandbox = SANDBOX_BASE,
    .run = run,
};
