/* Router solicitations for a Teredo server, as fast as it answers them: a window of them is always
 * on its way. Prints how many were answered, in how many seconds.
 *
 *     rs_load FROM_IP SERVER_IP[:PORT] SECONDS [WINDOW [PORTS]]
 *
 * WINDOW is each port's: as many clients as there are PORTS.
 *
 * For the bench of `teredoctl serve`, in a network namespace of its own. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "port.h"
#include "teredo.h"

enum {
    SILENCE_MS = 50, /* after this long without an answer the windows are taken for lost */
    MAX_PORTS = 64,
};

struct client {
    struct port port;
    unsigned outstanding;
};

struct load {
    struct client clients[MAX_PORTS];
    struct pollfd polls[MAX_PORTS];
    unsigned client_count;
    struct endpoint server;
    unsigned window;
    uint64_t sent;
    uint64_t answered;
    uint64_t strange; /* not a router advertisement */
    uint64_t lost;
    uint8_t rs[128];
    size_t rs_size;
    struct port_queue out;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As miredo's: 8-byte nonce in an authentication header with neither identifier nor value. */
static void make_solicitation(struct load *l)
{
    static const struct in6_addr source = {
        {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}};
    struct teredo_packet p;
    uint8_t body[8];
    struct writer w = writer_of(l->rs, sizeof l->rs);

    teredo_make_rs(&p, &source, body);
    p.has_auth = true;
    p.auth = (struct teredo_auth){.nonce = {1, 2, 3, 4, 5, 6, 7, 8}};
    teredo_encode(&w, &p);
    l->rs_size = w.size;
}

static void fill_window(struct load *l, struct client *c)
{
    while (c->outstanding < l->window) {
        unsigned n = l->window - c->outstanding;

        if (n > PORT_BATCH)
            n = PORT_BATCH;
        for (unsigned i = 0; i < n; i++)
            port_queue_add(&l->out, l->server, l->rs, l->rs_size);
        n = port_flush(&c->port, &l->out, NULL, NULL);
        l->sent += n;
        c->outstanding += n;
        if (n == 0)
            return;
    }
}

static void take_answers(struct load *l, struct client *c, struct port_batch *in)
{
    struct error error;
    int got;

    while ((got = port_receive(&c->port, in, PORT_BATCH, &error)) > 0) {
        unsigned n = (unsigned)got;

        for (unsigned i = 0; i < n; i++) {
            const struct port_receipt *r = &in->receipts[i];
            struct teredo_packet p;
            struct wire_fault fault;

            if (teredo_decode(r->bytes, r->size, &p, &fault) && p.kind == TEREDO_RA)
                l->answered++;
            else
                l->strange++;
        }
        c->outstanding -= n < c->outstanding ? n : c->outstanding;
        if (n < PORT_BATCH)
            break;
    }
}

static struct port_batch *open_sources(struct load *l, struct endpoint from)
{
    struct port_config config = {.use = PORT_SERVER, .local = from};
    struct error error;
    struct port_batch *in = port_batch_new(TEREDO_MAX_SIZE, &error);
    bool failed = in == NULL;

    for (unsigned i = 0; i < l->client_count && !failed; i++) {
        failed = port_open(&l->clients[i].port, &config, &error) != 0;
        l->polls[i] = (struct pollfd){l->clients[i].port.fd, POLLIN, 0};
    }
    if (failed) {
        fprintf(stderr, "rs_load: %s\n", error.what);
        exit(error.status);
    }
    return in;
}

static void give_up(struct load *l)
{
    for (unsigned i = 0; i < l->client_count; i++) {
        l->lost += l->clients[i].outstanding;
        l->clients[i].outstanding = 0;
    }
}

static void run(struct load *l, struct endpoint from, double stop)
{
    struct port_batch *in = open_sources(l, from);

    while (now() < stop) {
        for (unsigned i = 0; i < l->client_count; i++)
            fill_window(l, &l->clients[i]);
        if (poll(l->polls, l->client_count, SILENCE_MS) == 0)
            give_up(l);
        for (unsigned i = 0; i < l->client_count; i++)
            if (l->polls[i].revents != 0)
                take_answers(l, &l->clients[i], in);
    }
    for (unsigned i = 0; i < l->client_count; i++)
        port_close(&l->clients[i].port);
    port_batch_free(in);
}

static unsigned number(const char *text, unsigned most)
{
    unsigned long n = strtoul(text, NULL, 10);

    return n < 1 ? 1 : n > most ? most : (unsigned)n;
}

int main(int argc, char **argv)
{
    static struct load l = {.window = 64, .client_count = 1};
    struct endpoint from = {0};
    double start, stop;

    if (argc < 4 || argc > 6 || !ip4_parse(argv[1], &from.address) ||
        !endpoint_parse(argv[2], TEREDO_PORT, &l.server)) {
        fprintf(stderr, "Usage: rs_load FROM_IP SERVER_IP[:PORT] SECONDS [WINDOW [PORTS]]\n");
        return 64;
    }
    if (argc > 4)
        l.window = number(argv[4], 1 << 20);
    if (argc > 5)
        l.client_count = number(argv[5], MAX_PORTS);
    port_queue_init(&l.out);
    make_solicitation(&l);
    start = now();
    stop = start + strtod(argv[3], NULL);
    run(&l, from, stop);
    printf("sent %llu answered %llu strange %llu lost %llu seconds %.3f\n",
           (unsigned long long)l.sent, (unsigned long long)l.answered,
           (unsigned long long)l.strange, (unsigned long long)l.lost, now() - start);
    return l.answered > 0 ? 0 : 1;
}
