#include "client.h"

#include <errno.h>
#include <string.h>
#include <sys/capability.h>
#include <sysexits.h>

#include "entropy.h"
#include "names.h"
#include "privilege.h"
#include "tsv.h"
#include "words.h"

static int find_servers(struct client *c, struct error *error)
{
    const struct client_options *o = c->options;
    struct names_answer found;

    if (names_resolve(o->server, TEREDO_PORT, &found, error) != 0)
        return -1;
    c->server = found.list[0];
    /* What every server of the field does, and miredo's default. */
    c->secondary = (struct endpoint){c->server.address + 1, c->server.port};
    if (o->secondary != NULL) {
        if (names_resolve(o->secondary, c->server.port, &found, error) != 0)
            return -1;
        c->secondary = found.list[0];
    }
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

int client_open_qualify_many(struct client *c, const struct client_options *o, bool explain,
                             struct error *error)
{
    *c = (struct client){.options = o};
    if (open_writer(c, error) != 0 ||
        (c->qualify_many_summary = qualify_many_open(o->local_port, error)) == NULL ||
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

static void keep_outcome(void *context, const struct event *event)
{
    struct outcome *o = context;

    if (event->kind == o->kind) {
        if (event->kind == EVENT_QUALIFICATION)
            o->status = (int)event->qualification.verdict;
        else if (event->kind == EVENT_CLASSIFICATION)
            o->status = (int)event->classification->verdict;
        else if (event->kind == EVENT_PUNCHING)
            o->status = (int)event->punching.verdict;
        else if (event->kind == EVENT_CHECKING)
            o->status = (int)event->checking.status;
    }
    o->next.emit(o->next.context, event);
}

struct event_sink outcome_sink(struct outcome *o)
{
    return (struct event_sink){keep_outcome, o};
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

int client_run(struct client *c, struct engine *engine, const struct event_sink *sink,
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
    if (c->qualify_many_summary != NULL)
        qualify_many_close(c->qualify_many_summary);
    return status;
}
