#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "batch.h"
#include "clock.h"
#include "command.h"
#include "privilege.h"
#include "serve_clients.h"
#include "serve_options.h"
#include "serve_tally.h"
#include "tsv.h"

enum {
    SOCKET_BUFFER = 4 << 20,
    /* Batches taken from one socket before the other gets its turn. */
    BATCHES_A_TURN = 16,
    SERVE_PORTS = 2,
};

struct serve {
    struct serve_options options;
    /* One a port, the extra one last; each with a socket at either address. */
    struct server servers[SERVE_PORTS];
    struct serve_clients clients;
    struct serve_tally tally;
    unsigned port_count;
    int fds[SERVE_PORTS][2]; /* by enum server_address */
    int signals;
    struct batch_in in;
    struct batch_out out[2];
    struct server_reply reply[BATCH_SIZE];
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

/* Takes one batch that waits at AT and sends the answers; returns how many datagrams it had. */
static unsigned serve_batch(struct serve *s, unsigned port, enum server_address at)
{
    const struct server *server = &s->servers[port];
    uint64_t left = s->options.count - s->tally.received;
    unsigned n =
        batch_receive(&s->in, s->fds[port][at], left < BATCH_SIZE ? (unsigned)left : BATCH_SIZE);

    for (unsigned i = 0; i < n; i++) {
        struct server_reply *reply = &s->reply[i];
        enum server_drop drop = server_process(server, batch_source(&s->in, i), at,
                                               batch_data(&s->in, i), batch_size(&s->in, i), reply);

        s->tally.drops[drop]++;
        if (drop == SERVER_ACCEPTED) {
            s->tally.replies[reply->kind]++;
            batch_add(&s->out[reply->from], reply->to, reply->data, reply->size);
        }
        if (s->options.verbose)
            serve_log_packet(&server->config, batch_source(&s->in, i), at, batch_size(&s->in, i),
                             drop, reply);
    }
    for (int i = 0; i < 2; i++)
        batch_flush(&s->out[i], s->fds[port][i], send_failed, s);
    s->tally.received += n;
    return n;
}

static void serve_socket(struct serve *s, unsigned port, enum server_address at)
{
    for (int i = 0; i < BATCHES_A_TURN; i++)
        if (serve_batch(s, port, at) < BATCH_SIZE)
            break;
}

/* From here on these signals come through the descriptor returned. */
static int open_signals(struct error *error)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? error_set(error, EX_OSERR, errno, "cannot watch for signals") : fd;
}

/* Takes the signals that came; true if one of them ends the server. */
static bool take_signals(struct serve *s)
{
    struct signalfd_siginfo info;
    bool stop = false;

    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGUSR1)
            print_interim(s, "counters");
        else
            stop = true;
    return stop;
}

static int open_sockets(struct serve *s, struct error *error)
{
    for (unsigned port = 0; port < s->port_count; port++)
        for (int i = 0; i < 2; i++) {
            s->fds[port][i] =
                batch_open(serve_endpoint(&s->servers[port].config, (enum server_address)i),
                           SOCKET_BUFFER, error);
            if (s->fds[port][i] < 0)
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

/* Milliseconds until the end, rounded up; -1 = for ever. */
static int time_left(const struct serve *s)
{
    nsec left = s->tally.started + s->options.duration - clock_now();

    if (s->options.duration == 0)
        return -1;
    return (int)nsec_min(nsec_max(left + NSEC_MS - 1, 0) / NSEC_MS, INT_MAX);
}

/* poll rather than the loop of libuv: epoll stays in the sockets' wait queues, and then every
 * datagram sent wakes it, a tenth of all the time that the server takes. */
static void wait_and_serve(struct serve *s)
{
    struct pollfd polls[2 * SERVE_PORTS + 1] = {{s->signals, POLLIN, 0}};
    unsigned count = 1;
    int left;

    for (unsigned port = 0; port < s->port_count; port++)
        for (int i = 0; i < 2; i++)
            polls[count++] = (struct pollfd){s->fds[port][i], POLLIN, 0};
    while (s->tally.received < s->options.count && (left = time_left(s)) != 0) {
        if (poll(polls, count, left) <= 0)
            continue;
        for (unsigned i = 1; i < count; i++)
            if (polls[i].revents != 0)
                serve_socket(s, (i - 1) / 2, (enum server_address)((i - 1) % 2));
        if (polls[0].revents != 0 && take_signals(s))
            break;
    }
}

static int check_output(struct error *error)
{
    if (ferror(stdout))
        return error_set(error, EX_IOERR, errno, "cannot write the counters");
    return EX_OK;
}

static int serve(struct serve *s, struct error *error)
{
    batch_in_init(&s->in);
    batch_out_init(&s->out[0]);
    batch_out_init(&s->out[1]);
    if (s->options.secrets != NULL) {
        if (serve_clients_read(&s->clients, s->options.secrets, error) != 0)
            return -1;
        s->options.server.clients = s->clients.list;
        s->options.server.client_count = s->clients.count;
    }
    make_servers(s);
    if (open_sockets(s, error) != 0 || privilege_become(s->options.user, error) != 0 ||
        privilege_drop(error) != 0)
        return -1;
    s->signals = open_signals(error);
    if (s->signals < 0)
        return -1;
    s->tally.started = clock_now();
    if (s->options.header)
        tsv_header(stdout, "serve");
    print_interim(s, NULL);
    if (check_output(error) != 0)
        return -1;
    wait_and_serve(s);
    serve_tally_print(&s->tally, &s->options.server, stdout, s->options.format, "summary");
    return check_output(error);
}

static int run(int argc, char **argv, struct error *error)
{
    struct serve *s = calloc(1, sizeof *s);
    int status;

    if (s == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    s->signals = -1;
    for (int i = 0; i < 2 * SERVE_PORTS; i++)
        s->fds[i / 2][i % 2] = -1;
    status = serve_options_parse(&s->options, argc, argv, error);
    if (status == 0)
        status = serve(s, error);
    for (int i = 0; i < 2 * SERVE_PORTS; i++)
        if (s->fds[i / 2][i % 2] >= 0)
            close(s->fds[i / 2][i % 2]);
    if (s->signals >= 0)
        close(s->signals);
    serve_clients_free(&s->clients);
    free(s);
    return status;
}

const struct command command_serve = {
    "serve", "be a Teredo server: answer solicitations, relay bubbles", run};
