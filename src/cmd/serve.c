#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "batch.h"
#include "clock.h"
#include "command.h"
#include "privilege.h"
#include "serve_clients.h"
#include "serve_options.h"
#include "server_report.h"

enum {
    RECEIVE_BUFFER = 4 << 20,
    /* Batches taken from one socket before the other gets its turn. */
    BATCHES_A_TURN = 16,
};

struct serve {
    struct serve_options options;
    struct serve_clients clients;
    nsec started;
    int fds[2]; /* by enum server_address */
    uint64_t received;
    uint64_t replies[SERVER_REPLY_KINDS];
    uint64_t drops[SERVER_DROP_COUNT];
    uint64_t send_failed;
    struct batch_in in;
    struct batch_out out[2];
    struct server_reply reply[BATCH_SIZE];
};

static struct endpoint own_endpoint(const struct serve *s, enum server_address address)
{
    const struct server_config *c = &s->options.server;

    return (struct endpoint){address == SERVER_PRIMARY ? c->primary : c->secondary, c->port};
}

static void print_report(struct serve *s, FILE *out, enum report_format format, const char *event)
{
    struct server_drop_row rows[SERVER_DROP_COUNT];
    struct server_report report = {
        .primary = own_endpoint(s, SERVER_PRIMARY),
        .secondary = own_endpoint(s, SERVER_SECONDARY),
        .elapsed = clock_now() - s->started,
        .received = s->received,
        .advertised = s->replies[SERVER_ADVERTISED],
        .relayed = s->replies[SERVER_RELAYED],
        .echoed = s->replies[SERVER_ECHOED],
        .send_failed = s->send_failed,
        .rows = rows,
    };

    for (int i = SERVER_ACCEPTED + 1; i < SERVER_DROP_COUNT; i++) {
        rows[report.row_count++] = (struct server_drop_row){
            server_drop_code((enum server_drop)i), server_drop_rfc((enum server_drop)i),
            server_drop_text((enum server_drop)i), s->drops[i]};
        report.dropped += s->drops[i];
    }
    if (event == NULL)
        server_report_ready(out, format, &report);
    else
        server_report_counters(out, format, &report, event);
    fflush(out);
}

/* One JSON object a run is the summary: what comes before it then goes to standard error. */
static void print_interim(struct serve *s, const char *event)
{
    if (s->options.format == REPORT_JSON)
        print_report(s, stderr, REPORT_TEXT, event);
    else
        print_report(s, stdout, s->options.format, event);
}

static void log_packet(const struct serve *s, enum server_address at, unsigned i,
                       enum server_drop drop, const struct server_reply *reply)
{
    char from[ENDPOINT_STRLEN], own[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];

    fprintf(stderr, "%s > %s %zu bytes: ", endpoint_format(batch_source(&s->in, i), from),
            endpoint_format(own_endpoint(s, at), own), batch_size(&s->in, i));
    if (drop == SERVER_ACCEPTED)
        fprintf(stderr, "%s, %s > %s %zu bytes\n", server_reply_name(reply->kind),
                endpoint_format(own_endpoint(s, reply->from), own), endpoint_format(reply->to, to),
                reply->size);
    else if (drop == SERVER_DROP_MALFORMED)
        fprintf(stderr, "dropped, malformed: %s at byte %zu\n",
                wire_reason_text(reply->fault.reason), reply->fault.offset);
    else
        fprintf(stderr, "dropped, %s: %s (%s)\n", server_drop_code(drop), server_drop_text(drop),
                server_drop_rfc(drop));
}

static void send_failed(void *context, struct endpoint to, int errnum)
{
    struct serve *s = context;
    char text[ENDPOINT_STRLEN];

    /* Such as EACCES for a directed broadcast address (5.2.4), which the kernel knows best. */
    if (s->send_failed++ == 0 && !s->options.quiet)
        fprintf(stderr,
                "teredoctl serve: warning: cannot send to %s: %s (further ones are only counted)\n",
                endpoint_format(to, text), strerror(errnum));
}

/* Takes one batch that waits at AT and sends the answers; returns how many datagrams it had. */
static unsigned serve_batch(struct serve *s, enum server_address at)
{
    uint64_t left = s->options.count - s->received;
    unsigned n = batch_receive(&s->in, s->fds[at], left < BATCH_SIZE ? (unsigned)left : BATCH_SIZE);

    for (unsigned i = 0; i < n; i++) {
        struct server_reply *reply = &s->reply[i];
        enum server_drop drop = server_process(&s->options.server, batch_source(&s->in, i), at,
                                               batch_data(&s->in, i), batch_size(&s->in, i), reply);

        s->drops[drop]++;
        if (drop == SERVER_ACCEPTED) {
            s->replies[reply->kind]++;
            batch_add(&s->out[reply->from], reply->to, reply->data, reply->size);
        }
        if (s->options.verbose)
            log_packet(s, at, i, drop, reply);
    }
    for (int i = 0; i < 2; i++)
        batch_flush(&s->out[i], s->fds[i], send_failed, s);
    s->received += n;
    return n;
}

static void serve_socket(struct serve *s, enum server_address at)
{
    for (int i = 0; i < BATCHES_A_TURN; i++)
        if (serve_batch(s, at) < BATCH_SIZE)
            break;
}

static volatile sig_atomic_t stop_came, usr1_came;

static void signal_came(int number)
{
    if (number == SIGUSR1)
        usr1_came = 1;
    else
        stop_came = 1;
}

/* From here on the signals are delivered inside ppoll alone, whose mask is *WAITING. */
static void set_up_signals(sigset_t *waiting)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1};
    struct sigaction action = {.sa_handler = signal_came};
    sigset_t ours;

    sigemptyset(&ours);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&ours, numbers[i]);
        sigaction(numbers[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &ours, waiting);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigdelset(waiting, numbers[i]);
}

static int open_sockets(struct serve *s, struct error *error)
{
    for (int i = 0; i < 2; i++) {
        s->fds[i] = batch_open(own_endpoint(s, (enum server_address)i), RECEIVE_BUFFER, error);
        if (s->fds[i] < 0)
            return -1;
    }
    return 0;
}

/* The time left, as ppoll wants it; NULL for ever. */
static const struct timespec *time_left(const struct serve *s, struct timespec *t)
{
    nsec left = s->started + s->options.duration - clock_now();

    if (s->options.duration == 0)
        return NULL;
    left = nsec_max(left, 0);
    *t = (struct timespec){.tv_sec = left / NSEC_S, .tv_nsec = left % NSEC_S};
    return t;
}

/* ppoll rather than the loop of libuv: epoll stays in the sockets' wait queues, and then every
 * datagram sent wakes it, a tenth of all the time that the server takes. */
static void wait_and_serve(struct serve *s, const sigset_t *waiting)
{
    struct pollfd polls[2] = {{s->fds[0], POLLIN, 0}, {s->fds[1], POLLIN, 0}};
    struct timespec t;

    while (!stop_came && s->received < s->options.count) {
        int n = ppoll(polls, 2, time_left(s, &t), waiting);

        if (n == 0)
            break;
        for (int i = 0; i < 2 && n > 0; i++)
            if (polls[i].revents != 0)
                serve_socket(s, (enum server_address)i);
        if (usr1_came) {
            usr1_came = 0;
            print_interim(s, "counters");
        }
    }
}

static int serve(struct serve *s, struct error *error)
{
    sigset_t waiting;

    batch_in_init(&s->in);
    batch_out_init(&s->out[0]);
    batch_out_init(&s->out[1]);
    if (s->options.secrets != NULL) {
        if (serve_clients_read(&s->clients, s->options.secrets, error) != 0)
            return -1;
        s->options.server.clients = s->clients.list;
        s->options.server.client_count = s->clients.count;
    }
    if (open_sockets(s, error) != 0 || privilege_become(s->options.user, error) != 0 ||
        privilege_drop(error) != 0)
        return -1;
    set_up_signals(&waiting);
    s->started = clock_now();
    print_interim(s, NULL);
    wait_and_serve(s, &waiting);
    print_report(s, stdout, s->options.format, "summary");
    if (ferror(stdout))
        return error_set(error, EX_IOERR, 0, "cannot write the counters");
    return EX_OK;
}

static int run(int argc, char **argv, struct error *error)
{
    struct serve *s = calloc(1, sizeof *s);
    int status;

    if (s == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    s->fds[0] = s->fds[1] = -1;
    status = serve_options_parse(&s->options, argc, argv, error);
    if (status == 0)
        status = serve(s, error);
    for (int i = 0; i < 2; i++)
        if (s->fds[i] >= 0)
            close(s->fds[i]);
    serve_clients_free(&s->clients);
    free(s);
    return status;
}

const struct command command_serve = {
    "serve", "be a Teredo server: answer solicitations, relay bubbles", run};
