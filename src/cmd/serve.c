#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "command.h"
#include "loop.h"
#include "port.h"
#include "privilege.h"
#include "serve_clients.h"
#include "serve_options.h"
#include "serve_tally.h"
#include "tsv.h"

enum {
    /* Batches taken from one socket before the others get their turn. */
    BATCHES_A_TURN = 16,
    SERVE_PORTS = 2,
    /* One more than the largest packet, so that a larger one shows as too large. */
    DATAGRAM_ROOM = TEREDO_MAX_SIZE + 1,
};

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
    struct serve_tally tally;
    unsigned port_count;
    struct loop *loop;
    struct loop_timer end;
    struct port_batch *in;
    struct port_queue out[2];
    struct server_reply reply[PORT_BATCH];
};

/* One JSON object a run is the summary: what comes before it then goes to standard error. */
static void print_interim(struct serve *s, const char *event)
{
    if (s->options.format == REPORT_JSON)
        serve_tally_print(&s->tally, &s->options.server, stderr, REPORT_TEXT, event);
    else
        serve_tally_print(&s->tally, &s->options.server, stdout, s->options.format, event);
}

static void send_failed(void *context, struct endpoint to, int errnum)
{
    struct serve *s = context;
    char text[ENDPOINT_STRLEN];

    /* Such as EACCES for a directed broadcast address (5.2.4), which the kernel knows best. */
    if (s->tally.send_failed++ == 0 && !s->options.quiet)
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
    uint64_t left = s->options.count - s->tally.received;
    int n = port_receive(&at->port, s->in, left < PORT_BATCH ? (unsigned)left : PORT_BATCH, error);

    for (int i = 0; i < n; i++) {
        const struct port_receipt *r = &s->in->receipts[i];
        struct server_reply *reply = &s->reply[i];
        struct server_datagram datagram = {r->from, at->at, r->bytes, r->size};
        enum server_drop drop = server_process(server, &datagram, reply);

        s->tally.drops[drop]++;
        if (drop == SERVER_ACCEPTED) {
            s->tally.replies[reply->kind]++;
            port_queue_add(&s->out[reply->from], reply->to, reply->data, reply->size);
        }
        if (s->options.verbose)
            serve_log_packet(&server->config, r->from, at->at, r->size, drop, reply);
    }
    for (int i = 0; i < 2; i++)
        port_flush(&at->pair[i].port, &s->out[i], send_failed, s);
    s->tally.received += n > 0 ? (uint64_t)n : 0;
    return n;
}

static int on_readable(void *context, struct pollfd ready, struct error *error)
{
    struct serve_socket *at = context;
    int got = PORT_BATCH;

    (void)ready;
    for (int i = 0; i < BATCHES_A_TURN && got == PORT_BATCH; i++)
        got = serve_batch(at, error);
    if (at->serve->tally.received >= at->serve->options.count)
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
    print_interim(context, "counters");
}

static int open_socket(struct serve_socket *socket, struct error *error)
{
    struct port_config config = {.use = PORT_SERVER,
                                 .local = serve_endpoint(&socket->server->config, socket->at)};
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
    s->tally.started = clock_now();
    if (s->options.duration != 0)
        s->end.when = s->tally.started + s->options.duration;
    if (s->options.header)
        tsv_header(stdout, "serve");
    print_interim(s, NULL);
    if (check_output(error) != 0)
        return -1;
    if (loop_run(s->loop, error) != 0)
        return -1;
    serve_tally_print(&s->tally, &s->options.server, stdout, s->options.format, "summary");
    return check_output(error);
}

static int run(int argc, char **argv, struct error *error)
{
    struct serve *s = calloc(1, sizeof *s);
    int status;

    if (s == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    for (int i = 0; i < 2 * SERVE_PORTS; i++)
        s->sockets[i / 2][i % 2].port.fd = -1;
    status = serve_options_parse(&s->options, argc, argv, error);
    if (status == 0)
        status = serve(s, error);
    loop_free(s->loop);
    port_batch_free(s->in);
    for (int i = 0; i < 2 * SERVE_PORTS; i++)
        port_close(&s->sockets[i / 2][i % 2].port);
    serve_clients_free(&s->clients);
    free(s);
    return status;
}

const struct command command_serve = {
    "serve", "be a Teredo server: answer solicitations, relay bubbles", run};
