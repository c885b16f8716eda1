#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "confine.h"
#include "entropy.h"
#include "find_server.h"
#include "port.h"
#include "status.h"
#include "words.h"

const struct option_entry client_options[] = {
    {"secondary", 0, "ADDRESS[:PORT]",
     "The server's secondary address (default: the primary plus one)",
     OPTION_TEXT(struct client_options, secondary), .given = CLIENT_GIVEN_SENDING},
    {"local-port", 0, "PORT", "Send from this UDP port (default: any)",
     OPTION_NUMBER(struct client_options, local_port, 1, 65535), .given = CLIENT_GIVEN_SENDING},
    {"auth-id", 0, "NAME", "Client identifier for secure qualification",
     OPTION_TEXT(struct client_options, auth_id), .given = CLIENT_GIVEN_SENDING},
    {"auth-secret-file", 0, "FILE", "File with the secret shared with the server",
     OPTION_TEXT(struct client_options, auth_secret_file), .given = CLIENT_GIVEN_SENDING},
    {"allow-private", 0, NULL, "Also use addresses that are not global unicast (laboratories)",
     OPTION_FLAG(struct client_options, allow_private), .given = CLIENT_GIVEN_SENDING},
    {"write", 0, "FILE", "Save all packets sent and received as a capture",
     OPTION_TEXT(struct client_options, write), .given = CLIENT_GIVEN_SENDING},
    {"no-capture", 0, NULL, "Use the sockets' own timestamps even where libpcap may capture",
     OPTION_FLAG(struct client_options, no_capture), .given = CLIENT_GIVEN_SENDING},
    {OPTION_HEADER},
    {OPTION_COLOR},
    {OPTION_QUIET("Print the result only")},
    {OPTION_VERBOSE("Log every packet on standard error")},
    {0},
};

const struct option_entry client_metrics_options[] = {
    {OPTION_FORMAT(
        FORMATS_METRICS, FORMATS,
        "How to print results (default: text); openmetrics too where there are metrics")},
    {0},
};

const struct option_entry client_chart_options[] = {
    {OPTION_FORMAT(FORMATS_CHARTS, FORMATS_CHARTS, "How to print results (default: text)")},
    {OPTION_ASCII},
    {OPTION_WIDTH},
    {0},
};

const struct option_entry client_patience_options[] = {
    {"timeout", 0, "SECONDS", "Give a silent server up after this (default: 1.5)",
     OPTION_SECONDS(struct client_options, timeout), .given = CLIENT_GIVEN_SENDING},
    {"attempts", 0, "N", "Solicit each server address this many times, 1 to 8 (default: 3)",
     OPTION_NUMBER(struct client_options, attempts, 1, QUALIFY_MAX_ATTEMPTS),
     .given = CLIENT_GIVEN_SENDING},
    {0},
};

const struct option_entry client_rounds_options[] = {
    {"every", 0, "SECONDS", "Run again and again, at this interval",
     OPTION_SECONDS(struct client_options, rounds.every)},
    {"on-change", 0, NULL, "With --every: report only what differs from the run before",
     OPTION_FLAG(struct client_options, rounds.on_change)},
    {"output", 0, "FILE", "Replace FILE by the results, all at once",
     OPTION_TEXT(struct client_options, rounds.output)},
    {0},
};

void client_options_init(struct client_options *o)
{
    o->server = getenv("TEREDO_SERVER");
    o->sockets = 1;
    o->timeout = 1500 * NSEC_MS;
    o->attempts = 3;
    o->log_level = 1;
}

void client_take_server(const struct option_value *v, void *options)
{
    struct client_options *o = options;

    if (v->state->arg_num > 0)
        argp_error(v->state, "only one SERVER can be given");
    o->server = v->text;
}

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

static bool logs_packets(const struct client_options *o)
{
    return o->common.verbosity >= o->log_level;
}

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

void client_check(void *options, struct argp_state *state)
{
    struct client_options *o = options;

    if (o->rounds.on_change && o->rounds.every == 0)
        argp_error(state, "--on-change goes with --every");
    if (o->write != NULL && o->rounds.every != 0)
        argp_error(state, "--write does not go with --every");
    check_auth(o, state);
}

void client_check_server(void *options, struct argp_state *state)
{
    const struct client_options *o = options;

    if (o->server == NULL)
        argp_error(state, "no SERVER given, and TEREDO_SERVER is not set");
    client_check(options, state);
}

/* Says which addresses of a name were asked, and how that came out. */
static void tell_choice(const struct client_options *o, const struct pick_server *p)
{
    char address[IP4_STRLEN];

    if (o->common.quiet)
        return;
    fprintf(stderr, "teredoctl: '%s' has %u addresses", o->server, p->config.count);
    for (unsigned i = 0; i < p->config.count; i++)
        if (!p->answered[i])
            fprintf(stderr, "; %s does not answer",
                    ip4_format(p->config.servers[i].address, address));
    if (p->answers > 0)
        fprintf(stderr, "; %s answered first, and is used",
                ip4_format(p->config.servers[p->first].address, address));
    fputc('\n', stderr);
}

static int find_servers(struct client *c, struct error *error)
{
    struct client_options *o = c->options;
    struct qualify_config common = client_common_config(o);
    struct find_server *f = malloc(sizeof *f);
    int result = -1;

    if (f == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    *f = (struct find_server){
        .name = o->server,
        .secondary_name = o->secondary,
        .timeout = common.timeout,
        .allow_private = common.allow_private,
        .identity = common.identity,
    };
    if (client_nonces(&f->nonces, error) == 0)
        result = find_server(f, error);
    o->no_server = f->reason;
    c->server = f->server;
    c->secondary = f->secondary;
    if (result == 0 && f->found.count > 1)
        tell_choice(o, &f->pick);
    free(f);
    return result;
}

void client_check_watch(const struct client_options *o, struct argp_state *state,
                        const char *otherwise)
{
    if (!o->watch)
        return;
    if (o->common.format != REPORT_TEXT || o->common.quiet || logs_packets(o))
        argp_error(state, "--watch goes with none of --format, --quiet, --verbose");
    if (!status_terminal(stdout))
        argp_error(state, "--watch needs a terminal; without it, %s", otherwise);
}

static bool repeats(const struct client_options *o)
{
    return o->rounds.every != 0;
}

static FILE *results(const struct client_options *o)
{
    return o->rounds.out != NULL ? o->rounds.out : stdout;
}

/* Rounds after the first may no longer capture, and all shall tell times in one way. */
static bool captures(const struct client_options *o)
{
    return o->wire_times && !o->no_capture && !repeats(o);
}

/* A port below 1024 takes a capability, in each round. */
static uint64_t capabilities_for_port(const struct client_options *o)
{
    return o->local_port != 0 && o->local_port < 1024 ? PRIVILEGE_BIT(CAP_NET_BIND_SERVICE) : 0;
}

int client_prepare(struct client_options *o, struct error *error)
{
    if (rounds_open(&o->rounds, &o->common, error) != 0)
        return -1;
    if (o->write != NULL && o->writer == NULL &&
        (o->writer = pcap_writer_open(o->write, PCAP_WRITER_RAW, error)) == NULL)
        return -1;
    return confine_early(&o->common,
                         (captures(o) ? PRIVILEGE_BIT(CAP_NET_RAW) : 0) | capabilities_for_port(o),
                         error);
}

static struct reporter *open_reporter(const struct client_job *job, const struct client_options *o,
                                      const char *stamps)
{
    struct report_config config = options_report(job->command, &o->common);

    config.verdict = job->verdict;
    config.columns = job->columns;
    /* Over the first round alone, but in each file that replaces the one before. */
    config.header = config.header && (o->rounds.number <= 1 || o->rounds.output != NULL);
    config.timestamp_source = stamps;
    config.server = o->server;
    config.round = o->rounds.number;
    config.round_started = o->rounds.started;
    config.out = results(o);
    config.explain = o->explain;
    config.watch = o->watch;
    return reporter_new(&config);
}

static int open_drivers(struct client *c, struct error *error)
{
    const struct client_options *o = c->options;

    if (c->job->work != NULL)
        return (c->many = qualify_many_open(o->local_port, error)) == NULL ? -1 : 0;
    c->live = live_open(o->local_port, o->sockets, c->server, captures(o), error);
    return c->live == NULL ? -1 : 0;
}

static int client_open(struct client *c, struct error *error)
{
    struct client_options *o = c->options;

    if (client_prepare(o, error) != 0 || (c->job->work == NULL && find_servers(c, error) != 0) ||
        open_drivers(c, error) != 0)
        return -1;
    c->reporter = open_reporter(c->job, o, c->live != NULL ? live_stamps_name(c->live) : NULL);
    return c->reporter == NULL ? error_set(error, EX_OSERR, ENOMEM, "cannot start") : 0;
}

/* Rounds look the server up again and open sockets again, each on ports of its own, and all shall
 * see the names change. */
int client_confine(const struct client *c, unsigned may, struct error *error)
{
    const struct client_options *o = c->options;
    struct confine_more more = {.may = c->job->sandbox | may};

    if (repeats(o)) {
        more.may |= SANDBOX_NAMES | SANDBOX_PORTS;
        more.keep = capabilities_for_port(o);
    }
    return confine(c->job->command, &o->common, &more, error);
}

static void report(void *context, const struct event *event)
{
    struct client *c = context;
    struct event_sink sink = reporter_sink(c->reporter);
    int status = c->job->status != NULL ? c->job->status(event) : -1;

    if (status >= 0)
        c->status = status;
    rounds_note(&c->options->rounds, event);
    sink.emit(sink.context, event);
}

struct event_sink client_sink(struct client *c)
{
    return (struct event_sink){report, c};
}

void client_report(const struct client_job *job, struct client_options *o,
                   const struct event *event)
{
    struct reporter *reporter = open_reporter(job, o, NULL);
    struct event_sink sink;
    struct error ignored;

    if (reporter == NULL)
        return;
    rounds_note(&o->rounds, event);
    sink = reporter_sink(reporter);
    sink.emit(sink.context, event);
    reporter_close(reporter, &ignored);
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

int client_qualify_config(const struct client *c, struct qualify_config *config,
                          struct error *error)
{
    uint16_t random;

    if (!entropy_fill(&random, sizeof random, error))
        return -1;
    *config = client_common_config(c->options);
    config->server = c->server;
    config->secondary = c->secondary;
    config->local = live_local(c->live, 0);
    config->local_secondary = port_route_source(c->secondary);
    config->flags = random & TEREDO_FLAGS_RANDOM;
    return client_nonces(&config->nonces, error);
}

static void log_packet(const struct observation *o, uint8_t ttl)
{
    char when[RFC3339_STRLEN], from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];

    fprintf(stderr, "%s %s > %s ", words_time(o->when, when), endpoint_format(o->from, from),
            endpoint_format(o->to, to));
    if (o->kind == OBSERVED_ICMP_ERROR)
        fprintf(stderr, "ICMP: %s%s\n", icmp_error_text(o->icmp),
                o->quotes_sent ? "" : " (it quotes nothing that was sent)");
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

/* Whether the packet is in the log: as many as we have sent ourselves, and the answers to them; of
 * what else comes, not more than anybody can read. */
static bool is_logged(const struct client *c, const struct observation *o)
{
    enum {
        NO_TEREDO = 16,
        ICMP
    };

    switch (o->kind) {
    case OBSERVED_SENT:
    case OBSERVED_SEND_FAILED:
        reporter_expects(c->reporter, 1);
        return true;
    case OBSERVED_ICMP_ERROR:
        return reporter_logs(c->reporter, ICMP, o->when);
    default:
        return reporter_logs(c->reporter, o->packet != NULL ? (unsigned)o->packet->kind : NO_TEREDO,
                             o->when);
    }
}

static void see(void *context, const struct observation *o, const uint8_t *bytes, uint8_t ttl)
{
    const struct client *c = context;

    if (o->kind == OBSERVED_TIMER || o->kind == OBSERVED_STOP)
        return;
    if (logs_packets(c->options) && is_logged(c, o)) {
        reporter_hush(c->reporter, o->when);
        log_packet(o, ttl);
    }
    if (c->options->writer != NULL && bytes != NULL)
        pcap_writer_add(c->options->writer, o->when,
                        &(struct udp_message){o->from, o->to, bytes, o->size}, ttl);
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

/* Works the job's engine; the exit status, or -1. */
static int work(struct client *c, struct error *error)
{
    const struct client_job *job = c->job;
    struct event_sink sink = client_sink(c);
    struct live_tap tap = client_tap(c);
    struct engine *engine;
    int result;

    if (job->work != NULL)
        return job->work(c, error);
    engine = calloc(1, job->engine_size);
    if (engine == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    result = job->init(c, engine, error);
    if (result == 0)
        result = client_confine(c, 0, error);
    if (result == 0)
        result = live_run(c->live, engine, &sink, &tap, error);
    free(engine);
    return result != 0 ? -1 : c->status;
}

/* Closes everything; the exit status is STATUS unless results were lost. */
static int client_close(struct client *c, int status, struct error *error)
{
    struct error late = {0};

    if (c->options->writer != NULL && pcap_writer_close(c->options->writer, &late) != 0 &&
        status >= 0) {
        *error = late;
        status = -1;
    }
    c->options->writer = NULL;
    if (c->reporter != NULL && reporter_close(c->reporter, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    if (c->live != NULL)
        live_close(c->live);
    if (c->many != NULL)
        qualify_many_close(c->many);
    return status;
}

/* What the rounds repeat. */
struct client_round {
    const struct client_job *job;
    struct client_options *options;
};

static int fail(const struct client_round *round, const struct error *error)
{
    const struct client_job *job = round->job;
    struct event event = {.when = clock_now()};

    if (job->unknown_name != NULL && error->status == EX_NOHOST &&
        round->options->common.format != REPORT_TEXT) {
        job->unknown_name(round->options, &event);
        client_report(job, round->options, &event);
    }
    return job->failed != NULL ? job->failed(job, round->options, error) : -1;
}

static int once(void *context, struct error *error)
{
    const struct client_round *round = context;
    const struct client_job *job = round->job;
    struct client c = {.job = job, .options = round->options, .status = job->no_status};
    int status = client_open(&c, error) == 0 ? work(&c, error) : -1;

    status = client_close(&c, status, error);
    return status < 0 ? fail(round, error) : status;
}

int client_run(const struct client_job *job, struct client_options *o, struct error *error)
{
    struct client_round round = {job, o};
    struct rounds_work work = {
        .command = job->command->name,
        .headings = job->headings && o->common.format == REPORT_TEXT && !o->common.quiet,
        .once = once,
        .context = &round,
    };

    int status =
        rounds_open(&o->rounds, &o->common, error) != 0 ? -1 : rounds_run(&o->rounds, &work, error);

    rounds_close(&o->rounds);
    return status;
}
