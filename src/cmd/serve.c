#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "loop.h"
#include "options.h"
#include "port.h"
#include "privilege.h"
#include "serve_clients.h"

enum {
    /* Batches taken from one socket before the others get their turn. */
    BATCHES_A_TURN = 16,
    SERVE_PORTS = 2,
    /* One more than the largest packet, so that a larger one shows as too large. */
    DATAGRAM_ROOM = TEREDO_MAX_SIZE + 1,
    MTU_MIN = 1280, /* RFC 8200 5 */
    MTU_MAX = 1472, /* what fits an Ethernet frame behind IPv4 and UDP */
};

struct serve_options {
    struct options common;
    struct server_config server; /* all but the clients */
    const char *secrets;         /* file of serve_clients.h, or NULL */
    const char *user;            /* to become when started as root; NULL = nobody */
    uint64_t count;              /* datagrams to take before the end; UINT64_MAX = no end */
    nsec duration;               /* 0 = no end */
};

static const struct option_entry serve_options[] = {
    {"address", 0, "IP", "Primary address: the one in the clients' Teredo addresses (required)",
     OPTION_OF(VALUE_IP4, struct serve_options, server.primary)},
    {"secondary", 0, "IP", "Secondary address (default: the primary plus one)",
     OPTION_OF(VALUE_IP4, struct serve_options, server.secondary)},
    {"port", 0, "PORT", "UDP port of both (default: 3544, where clients look)",
     OPTION_NUMBER(struct serve_options, server.port, 1, 65535)},
    {"extra-port", 0, "PORT",
     "Serve on this port as well, so that clients can tell whether their NAT looks at ports",
     OPTION_NUMBER(struct serve_options, server.other_port, 1, 65535)},
    {"mtu", 0, "BYTES", "MTU to advertise, 1280 to 1472 (default: 1280)",
     OPTION_NUMBER(struct serve_options, server.mtu, MTU_MIN, MTU_MAX)},
    {"allow-private", 0, NULL,
     "Also serve private, loopback and link-local addresses (laboratories)",
     OPTION_FLAG(struct serve_options, server.allow_private)},
    {"auth-secret-file", 0, "FILE",
     "Clients that may qualify securely: one \"identifier:secret\" a line",
     OPTION_TEXT(struct serve_options, secrets)},
    {"require-auth", 0, NULL, "Answer nobody's router solicitation but theirs",
     OPTION_FLAG(struct serve_options, server.require_auth)},
    {"user", 0, "NAME", "User to become when started as root (default: nobody)",
     OPTION_TEXT(struct serve_options, user)},
    {"count", 0, "N", "End after N datagrams were received",
     OPTION_NUMBER(struct serve_options, count, 1, LONG_MAX)},
    {"duration", 0, "SECONDS", "End after this time",
     OPTION_SECONDS(struct serve_options, duration)},
    {OPTION_FORMAT(FORMATS, FORMATS, "How to print the counters (default: text)")},
    {OPTION_HEADER},
    {OPTION_QUIET("Print nothing on standard error but errors")},
    {OPTION_VERBOSE("Log every packet on standard error")},
    {0},
};

static void take_argument(const struct option_value *v, void *options)
{
    (void)options;
    argp_error(v->state, "'%s': takes options only; did you mean --address %s?", v->text, v->text);
}

static void check(void *options, struct argp_state *state)
{
    struct serve_options *o = options;

    if (o->server.primary == 0)
        argp_error(state, "no --address given");
    if (o->server.secondary == 0)
        o->server.secondary = o->server.primary + 1;
    if (o->server.secondary == o->server.primary)
        argp_error(state, "--secondary must differ from --address: a cone test is answered from "
                          "another address (RFC 4380 5.3.2)");
    if (o->server.other_port == o->server.port)
        argp_error(state, "--extra-port must differ from --port");
    if (o->server.require_auth && o->secrets == NULL)
        argp_error(state, "--require-auth needs --auth-secret-file");
}

static int check_global(const struct serve_options *o, uint32_t address, struct error *error)
{
    char text[IP4_STRLEN];
    const char *block = ip4_special_block(address);

    if (server_address_usable(&o->server, address))
        return 0;
    error_set(error, EX_USAGE, 0, "%s is not a global unicast address (%s)",
              ip4_format(address, text), block == NULL ? "special" : block);
    if (!o->server.allow_private)
        error_hint(
            error,
            "a global address, as clients refuse others (RFC 4380 5.2.4); in a laboratory, add "
            "--allow-private");
    return -1;
}

static int check_addresses(const struct serve_options *o, struct error *error)
{
    return check_global(o, o->server.primary, error) != 0 ||
                   check_global(o, o->server.secondary, error) != 0
               ? -1
               : 0;
}

/* A socket, and the server that it is for. */
struct serve_socket {
    struct serve *serve;
    const struct server *server;
    struct serve_socket *pair; /* those at the server's primary and secondary address */
    enum server_address at;
    struct port port;
};

struct serve {
    struct serve_options options;
    /* One a port, the extra one last; each with a socket at either address. */
    struct server servers[SERVE_PORTS];
    struct serve_socket sockets[SERVE_PORTS][2]; /* by enum server_address */
    struct serve_clients clients;
    struct serving counters;
    nsec started;
    struct reporter *reporter;
    unsigned port_count;
    struct loop *loop;
    struct loop_timer end;
    struct port_batch *in;
    struct port_queue out[2];
    struct server_reply reply[PORT_BATCH];
};

/* The endpoint of a server of ours at ADDRESS. */
static struct endpoint endpoint_at(const struct server_config *config, enum server_address address)
{
    return (struct endpoint){address == SERVER_PRIMARY ? config->primary : config->secondary,
                             config->port};
}

/* KIND says when: ready, asked for, or at the end. */
static void tell(struct serve *s, enum event_kind kind)
{
    struct event_sink sink = reporter_sink(s->reporter);
    struct event event = {.kind = kind, .when = clock_now(), .serving = &s->counters};

    s->counters.elapsed = event.when - s->started;
    sink.emit(sink.context, &event);
}

/* Logs the packet of a receipt, which came to SOCKET, and its REPLY. */
static void log_packet(const struct serve_socket *socket, const struct port_receipt *r,
                       enum server_drop drop, const struct server_reply *reply)
{
    const struct server_config *config = &socket->server->config;
    char text[ENDPOINT_STRLEN], own[ENDPOINT_STRLEN];

    fprintf(stderr, "%s > %s %zu bytes: ", endpoint_format(r->from, text),
            endpoint_format(endpoint_at(config, socket->at), own), r->size);
    if (drop == SERVER_ACCEPTED)
        fprintf(stderr, "%s, %s > %s %zu bytes\n", code_of(&server_replies, reply->kind),
                endpoint_format(endpoint_at(config, reply->from), own),
                endpoint_format(reply->to, text), reply->size);
    else if (drop == SERVER_DROP_MALFORMED)
        fprintf(stderr, "dropped, malformed: %s at byte %zu\n",
                wire_reason_text(reply->fault.reason), reply->fault.offset);
    else
        fprintf(stderr, "dropped, %s: %s (%s)\n", code_of(&server_drops, drop),
                text_of(&server_drops, drop), server_drops.list[drop].rfc);
}

static void send_failed(void *context, struct endpoint to, int errnum)
{
    struct serve *s = context;
    char text[ENDPOINT_STRLEN];

    /* Such as EACCES for a directed broadcast address (5.2.4), which the kernel knows best. */
    if (s->counters.send_failed++ == 0 && !s->options.common.quiet)
        fprintf(stderr,
                "teredoctl serve: warning: cannot send to %s: %s (further ones are only counted)\n",
                endpoint_format(to, text), strerror(errnum));
}

/* Takes one batch that waits at a socket and sends the answers. Returns how many datagrams it had,
 * or -1. */
static int serve_batch(struct serve_socket *at, struct error *error)
{
    struct serve *s = at->serve;
    const struct server *server = at->server;
    uint64_t left = s->options.count - s->counters.received;
    int n = port_receive(&at->port, s->in, left < PORT_BATCH ? (unsigned)left : PORT_BATCH, error);

    for (int i = 0; i < n; i++) {
        const struct port_receipt *r = &s->in->receipts[i];
        struct server_reply *reply = &s->reply[i];
        struct server_datagram datagram = {r->from, at->at, r->bytes, r->size};
        enum server_drop drop = server_process(server, &datagram, reply);

        s->counters.drops[drop]++;
        if (drop == SERVER_ACCEPTED) {
            s->counters.replies[reply->kind]++;
            port_queue_add(&s->out[reply->from], reply->to, reply->data, reply->size);
        }
        if (s->options.common.verbosity > 0)
            log_packet(at, r, drop, reply);
    }
    for (int i = 0; i < 2; i++)
        port_flush(&at->pair[i].port, &s->out[i], send_failed, s);
    s->counters.received += n > 0 ? (uint64_t)n : 0;
    return n;
}

static int on_readable(void *context, struct pollfd ready, struct error *error)
{
    struct serve_socket *at = context;
    int got = PORT_BATCH;

    (void)ready;
    for (int i = 0; i < BATCHES_A_TURN && got == PORT_BATCH; i++)
        got = serve_batch(at, error);
    if (at->serve->counters.received >= at->serve->options.count)
        loop_stop(at->serve->loop);
    return got < 0 ? -1 : 0;
}

static void on_stop(void *context)
{
    const struct serve *s = context;

    loop_stop(s->loop);
}

static int on_end(void *context, struct error *error)
{
    (void)error;
    on_stop(context);
    return 0;
}

static void on_usr1(void *context, const struct loop_signal *signal)
{
    (void)signal;
    tell(context, EVENT_SERVER_COUNTERS);
}

static int open_socket(struct serve_socket *socket, struct error *error)
{
    struct port_config config = {.use = PORT_SERVER,
                                 .local = endpoint_at(&socket->server->config, socket->at)};
    struct loop_watch watch = {.events = POLLIN, .ready = on_readable, .context = socket};

    if (port_open(&socket->port, &config, error) != 0)
        return -1;
    watch.fd = socket->port.fd;
    return loop_watch(socket->serve->loop, &watch, error);
}

static int open_sockets(struct serve *s, struct error *error)
{
    s->in = port_batch_new(DATAGRAM_ROOM, error);
    if (s->in == NULL || (s->loop = loop_new(error)) == NULL)
        return -1;
    for (unsigned port = 0; port < s->port_count; port++)
        for (int i = 0; i < 2; i++) {
            struct serve_socket *socket = &s->sockets[port][i];

            *socket = (struct serve_socket){
                s, &s->servers[port], s->sockets[port], (enum server_address)i, {.fd = -1}};
            if (open_socket(socket, error) != 0)
                return -1;
        }
    return 0;
}

/* The extra port is a server of its own, but for the addresses, the clients and the counters. */
static void make_servers(struct serve *s)
{
    struct server_config config = s->options.server;

    server_init(&s->servers[0], &config);
    s->port_count = 1;
    if (config.other_port == 0)
        return;
    config.port = s->options.server.other_port;
    config.other_port = s->options.server.port;
    server_init(&s->servers[1], &config);
    s->port_count = 2;
}

static int watch_end(struct serve *s, struct error *error)
{
    s->end = (struct loop_timer){.when = NSEC_NEVER, .fired = on_end, .context = s};
    loop_add_timer(s->loop, &s->end);
    return loop_on_stop(s->loop, on_stop, s, error) != 0
               ? -1
               : loop_on_signal(s->loop, SIGUSR1, on_usr1, s, error);
}

static int open_reporter(struct serve *s, struct error *error)
{
    struct report_config config = options_report(&command_serve, &s->options.common);

    config.verdict = EVENT_SERVED;
    config.columns = TSV_SERVE;
    s->counters.primary = endpoint_at(&s->options.server, SERVER_PRIMARY);
    s->counters.secondary = endpoint_at(&s->options.server, SERVER_SECONDARY);
    s->reporter = reporter_new(&config);
    return s->reporter == NULL ? error_set(error, EX_OSERR, ENOMEM, "cannot start") : 0;
}

static int check_output(struct error *error)
{
    if (ferror(stdout))
        return error_set(error, EX_IOERR, errno, "cannot write the counters");
    return EX_OK;
}

static int serve(struct serve *s, struct error *error)
{
    port_queue_init(&s->out[0]);
    port_queue_init(&s->out[1]);
    if (s->options.secrets != NULL) {
        if (serve_clients_read(&s->clients, s->options.secrets, error) != 0)
            return -1;
        s->options.server.clients = s->clients.list;
        s->options.server.client_count = s->clients.count;
    }
    make_servers(s);
    if (open_sockets(s, error) != 0 || privilege_become(s->options.user, error) != 0 ||
        privilege_drop(error) != 0 || watch_end(s, error) != 0)
        return -1;
    s->started = clock_now();
    if (s->options.duration != 0)
        s->end.when = s->started + s->options.duration;
    if (open_reporter(s, error) != 0)
        return -1;
    tell(s, EVENT_SERVER_READY);
    if (check_output(error) != 0)
        return -1;
    if (loop_run(s->loop, error) != 0)
        return -1;
    tell(s, EVENT_SERVED);
    return check_output(error);
}

static int run(int argc, char **argv, struct error *error)
{
    struct serve *s = calloc(1, sizeof *s);
    struct error late; /* what of the output is wrong was found before */
    int status;

    if (s == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    for (int i = 0; i < 2 * SERVE_PORTS; i++)
        s->sockets[i / 2][i % 2].port.fd = -1;
    s->options = (struct serve_options){
        .server = {.port = TEREDO_PORT, .mtu = TEREDO_MTU},
        .count = UINT64_MAX,
    };
    options_parse(&command_serve, argc, argv, &s->options);
    status = check_addresses(&s->options, error) == 0 ? serve(s, error) : -1;
    loop_free(s->loop);
    port_batch_free(s->in);
    for (int i = 0; i < 2 * SERVE_PORTS; i++)
        port_close(&s->sockets[i / 2][i % 2].port);
    serve_clients_free(&s->clients);
    if (s->reporter != NULL)
        reporter_close(s->reporter, &late);
    free(s);
    return status;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "be a Teredo server: answer solicitations, relay bubbles",
    .args_doc = "--address IP",
    .doc = "Be a Teredo server (RFC 4380 5.3): answer router solicitations, relay bubbles and "
           "ICMPv6 echoes between Teredo clients."
           "\vSIGUSR1 prints the counters so far. Exit status: 0 ended by a signal, --count or "
           "--duration; 64 to 77 errors, see teredoctl-serve(1).",
    .options = {serve_options},
    .argument = take_argument,
    .check = check,
    .run = run,
};
