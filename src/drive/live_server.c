#include "live_server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
    /* Batches taken from one socket before the others get their turn. */
    BATCHES_A_TURN = 16,
    SERVER_PORTS = 2,
    /* One more than the largest packet, so that a larger one shows as too large. */
    DATAGRAM_ROOM = TEREDO_MAX_SIZE + 1,
};

/* A socket, and the server that it is for. */
struct server_socket {
    struct live_server *owner;
    const struct server *server;
    struct server_socket *pair; /* those at the server's primary and secondary address */
    enum server_address at;
    struct port port;
    bool gone; /* this host no longer has the address */
};

struct live_server {
    struct live_server_config config;
    /* One a port, the extra one last; each with a socket at either address. */
    struct server servers[SERVER_PORTS];
    struct server_socket sockets[SERVER_PORTS][2]; /* by enum server_address */
    unsigned port_count;
    struct loop *loop;
    struct loop_timer end;
    struct address_watch addresses;
    struct port_batch *in;
    struct port_queue out[2];
    struct server_reply reply[PORT_BATCH];
};

static void send_failed(void *context, struct endpoint to, int errnum)
{
    struct live_server *s = context;

    s->config.refused(s->config.context, to, errnum);
    s->config.counters->send_failed++;
}

/* Takes one batch that waits at a socket and sends the answers. Returns how many datagrams it had,
 * or -1. */
static int serve_batch(struct server_socket *at, struct error *error)
{
    struct live_server *s = at->owner;
    const struct server *server = at->server;
    uint64_t left = s->config.count - s->config.counters->received;
    int n = port_receive(&at->port, s->in, left < PORT_BATCH ? (unsigned)left : PORT_BATCH, error);

    for (int i = 0; i < n; i++) {
        const struct port_receipt *r = &s->in->receipts[i];
        struct server_reply *reply = &s->reply[i];
        struct server_datagram datagram = {r->from, at->at, r->bytes, r->size};
        enum server_drop drop = server_process(server, &datagram, reply);

        if (drop == SERVER_ACCEPTED &&
            !server_limit_take(s->config.limit, reply->to.address, r->when))
            drop = SERVER_DROP_RATE;
        s->config.counters->drops[drop]++;
        if (drop == SERVER_ACCEPTED) {
            s->config.counters->replies[reply->kind]++;
            port_queue_add(&s->out[reply->from], reply->to, reply->data, reply->size);
        }
        if (s->config.see != NULL)
            s->config.see(s->config.context, &server->config, &datagram, drop, reply);
    }
    for (int i = 0; i < 2; i++)
        port_flush(&at->pair[i].port, &s->out[i], send_failed, s);
    s->config.counters->received += n > 0 ? (uint64_t)n : 0;
    return n;
}

static int on_readable(void *context, struct pollfd ready, struct error *error)
{
    struct server_socket *at = context;
    int got = PORT_BATCH;

    (void)ready;
    for (int i = 0; i < BATCHES_A_TURN && got == PORT_BATCH; i++)
        got = serve_batch(at, error);
    if (at->owner->config.counters->received >= at->owner->config.count)
        loop_stop(at->owner->loop);
    return got < 0 ? -1 : 0;
}

static void on_stop(void *context)
{
    const struct live_server *s = context;

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
    const struct live_server *s = context;

    (void)signal;
    s->config.asked(s->config.context);
}

/* An address that is already there may be told again, with another lifetime. */
static void on_address(void *context, uint32_t address, enum address_change change)
{
    struct live_server *s = context;

    for (unsigned port = 0; port < s->port_count; port++)
        for (int i = 0; i < 2; i++) {
            struct server_socket *socket = &s->sockets[port][i];
            struct endpoint at = server_endpoint(&socket->server->config, socket->at);

            if (at.address != address || socket->gone == (change == ADDRESS_GONE))
                continue;
            socket->gone = change == ADDRESS_GONE;
            s->config.moved(s->config.context, at, change);
        }
}

static int open_socket(struct server_socket *socket, struct error *error)
{
    struct port_config config = {.use = PORT_SERVER,
                                 .sharing = socket->owner->config.sharing,
                                 .local = server_endpoint(&socket->server->config, socket->at)};
    struct loop_watch watch = {.events = POLLIN, .ready = on_readable, .context = socket};

    if (port_open(&socket->port, &config, error) != 0)
        return -1;
    watch.fd = socket->port.fd;
    return loop_watch(socket->owner->loop, &watch, error);
}

static int open_sockets(struct live_server *s, struct error *error)
{
    s->in = port_batch_new(DATAGRAM_ROOM, error);
    if (s->in == NULL || (s->loop = loop_new(error)) == NULL)
        return -1;
    for (unsigned port = 0; port < s->port_count; port++)
        for (int i = 0; i < 2; i++) {
            struct server_socket *socket = &s->sockets[port][i];

            *socket = (struct server_socket){
                s, &s->servers[port], s->sockets[port], (enum server_address)i, {.fd = -1}};
            if (open_socket(socket, error) != 0)
                return -1;
        }
    if (s->config.moved == NULL)
        return 0;
    s->addresses.changed = on_address;
    s->addresses.context = s;
    return address_watch_open(&s->addresses, s->loop, error);
}

/* The extra port is a server of its own, but for the addresses, the clients and the counters. */
static void make_servers(struct live_server *s)
{
    struct server_config config = s->config.server;

    server_init(&s->servers[0], &config);
    s->port_count = 1;
    if (config.other_port == 0)
        return;
    config.port = s->config.server.other_port;
    config.other_port = s->config.server.port;
    server_init(&s->servers[1], &config);
    s->port_count = 2;
}

struct live_server *live_server_open(const struct live_server_config *config, struct error *error)
{
    struct live_server *s = calloc(1, sizeof *s);

    if (s == NULL) {
        error_set(error, EX_OSERR, ENOMEM, "cannot start");
        return NULL;
    }
    s->config = *config;
    s->addresses.fd = -1;
    for (int i = 0; i < 2 * SERVER_PORTS; i++)
        s->sockets[i / 2][i % 2].port.fd = -1;
    port_queue_init(&s->out[0]);
    port_queue_init(&s->out[1]);
    make_servers(s);
    if (open_sockets(s, error) == 0)
        return s;
    live_server_close(s);
    return NULL;
}

struct loop *live_server_loop(const struct live_server *s)
{
    return s->loop;
}

int live_server_start(struct live_server *s, nsec started, struct error *error)
{
    nsec duration = s->config.duration;

    s->end = (struct loop_timer){
        .when = duration == 0 ? NSEC_NEVER : started + duration, .fired = on_end, .context = s};
    loop_add_timer(s->loop, &s->end);
    return loop_on_stop(s->loop, on_stop, s, error) != 0
               ? -1
               : loop_on_signal(s->loop, SIGUSR1, on_usr1, s, error);
}

int live_server_run(struct live_server *s, struct error *error)
{
    return loop_run(s->loop, error);
}

void live_server_close(struct live_server *s)
{
    if (s == NULL)
        return;
    loop_free(s->loop);
    address_watch_close(&s->addresses);
    port_batch_free(s->in);
    for (int i = 0; i < 2 * SERVER_PORTS; i++)
        port_close(&s->sockets[i / 2][i % 2].port);
    free(s);
}
