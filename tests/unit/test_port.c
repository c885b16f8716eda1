#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "own_network.h"
#include "port.h"
#include "tap.h"
#include "teredo.h"

enum {
    LOOPBACK = 0x7f000001,
    ROOM = TEREDO_MAX_SIZE + 1,
};

static struct port_batch *in;
static struct port_queue out;
static struct error error;

static void open_port(struct port *p, enum port_use use)
{
    struct port_config config = {.use = use, .local.address = LOOPBACK};

    if (port_open(p, &config, &error) != 0) {
        printf("Bail out! %s\n", error.what);
        _exit(1);
    }
}

static int receive(struct port *p, unsigned limit)
{
    return port_receive(p, in, limit, &error);
}

static void wait_readable(const struct port *port)
{
    struct pollfd p = {port->fd, POLLIN, 0};

    poll(&p, 1, 5000);
}

static unsigned failures;
static struct endpoint failed_to;
static int failed_errno;

static void count_failure(void *context, struct endpoint to, int errnum)
{
    (void)context;
    failures++;
    failed_to = to;
    failed_errno = errnum;
}

static void test_round_trip(struct port *a, struct port *b)
{
    uint8_t data[PORT_BATCH][4];
    unsigned wrong = 0;

    is_int(receive(b, PORT_BATCH), 0, "nothing waits, and that is no error");
    for (unsigned i = 0; i < PORT_BATCH; i++) {
        memset(data[i], (int)i, sizeof data[i]);
        port_queue_add(&out, b->local, data[i], i % sizeof data[i]);
    }
    is_int(port_flush(a, &out, count_failure, NULL), PORT_BATCH, "a full batch is sent at once");
    is_int(out.count, 0, "and then the batch is empty");
    wait_readable(b);
    is_int(receive(b, 10), 10, "no more datagrams are taken than asked for");
    for (unsigned i = 0; i < 10; i++)
        wrong += in->receipts[i].size != i % 4 ||
                 memcmp(in->receipts[i].bytes, data[i], i % 4) != 0 ||
                 !endpoint_equal(in->receipts[i].from, a->local);
    is_int(wrong, 0, "each with its bytes, its size and its source");
    is_int(receive(b, 1000), PORT_BATCH - 10, "and the rest the next time");
    is_int(failures, 0, "nothing failed");
}

static void test_too_large(struct port *a, struct port *b)
{
    static const uint8_t data[4000];

    port_queue_add(&out, b->local, data, TEREDO_MAX_SIZE);
    port_queue_add(&out, b->local, data, sizeof data);
    port_flush(a, &out, count_failure, NULL);
    wait_readable(b);
    is_int(receive(b, PORT_BATCH), 2, "large datagrams arrive");
    is_int((int64_t)in->receipts[0].size, TEREDO_MAX_SIZE, "the largest packet whole");
    is_int((int64_t)in->receipts[1].size, ROOM, "a larger one cut, so that it shows");
}

static void test_refused(struct port *a, struct port *b)
{
    struct endpoint nowhere = {b->local.address, 0};
    const uint8_t byte = 1;

    port_queue_add(&out, b->local, &byte, 1);
    port_queue_add(&out, nowhere, &byte, 1);
    port_queue_add(&out, b->local, &byte, 1);
    is_int(port_flush(a, &out, count_failure, NULL), 2,
           "a datagram that the system refuses does not stop those behind it");
    ok(failures == 1 && endpoint_equal(failed_to, nowhere) && failed_errno == EINVAL,
       "and is told with its errno");
    wait_readable(b);
    is_int(receive(b, PORT_BATCH), 2, "the others arrive");
    port_queue_add(&out, nowhere, &byte, 1);
    is_int(port_flush(a, &out, NULL, NULL), 0, "nobody need be told");
}

static void test_open_errors(const struct port *taken)
{
    struct port_config there = {.use = PORT_SERVER, .local = taken->local};
    struct port_config foreign = {.use = PORT_SERVER, .local = {0xc0000201, 3544}};
    struct port p;

    is_int(port_open(&p, &there, &error), -1, "a port that is taken is refused");
    ok(error.status == EX_UNAVAILABLE && strstr(error.what, "another program") != NULL &&
           error.hint[0] != '\0',
       "as unavailable, with a hint: %s", error.what);
    is_int(port_open(&p, &foreign, &error), -1, "an address that is not this host's is refused");
    ok(error.status == EX_UNAVAILABLE && strstr(error.what, "192.0.2.1 is not an address") != NULL,
       "as unavailable: %s", error.what);
    there.use = PORT_CLIENT;
    is_int(port_open(&p, &there, &error), -1, "a client's port that is taken is refused");
    ok(errno == EADDRINUSE && p.fd == -1 && error.status == EX_UNAVAILABLE,
       "as unavailable, and errno says why: %s", error.what);
}

static void test_client(struct port *a, struct port *b)
{
    static uint8_t data[9000];
    nsec before = clock_now(), when = 0;
    const struct port_receipt *r = &in->receipts[0];

    is_int(port_send(a, &(struct udp_message){a->local, b->local, data, sizeof data}, 0, &when), 0,
           "a client sends");
    ok(when >= before && when <= clock_now(), "and knows when");
    wait_readable(b);
    is_int(receive(b, PORT_BATCH), 1, "what comes is there");
    ok(!r->is_error && r->when >= before && r->when <= clock_now(), "with its time");
    ok(endpoint_equal(r->from, a->local) && endpoint_equal(r->to, b->local), "and its ends");
    is_int((int64_t)r->size, ROOM, "cut to the room there is");
}

static void test_icmp(struct port *a)
{
    struct port closed;
    struct endpoint nobody;
    const struct port_receipt *r = &in->receipts[0];
    nsec when;
    int got = 0;

    open_port(&closed, PORT_CLIENT);
    nobody = closed.local;
    port_close(&closed);
    port_send(a, &(struct udp_message){a->local, nobody, "x", 1}, 0, &when);
    ok(a->kept_count == 1 || a->kept_count == 0, "an error may come before the time of the send");
    if (a->kept_count == 0)
        wait_readable(a);
    got = receive(a, PORT_BATCH);
    ok(got == 1 && r->is_error && endpoint_equal(r->to, nobody) && r->icmp_type == 3 &&
           r->icmp_code == 3,
       "a closed port is told as an ICMP error");
    ok(r->quotes_sent, "which quotes what was sent");
    is_int(receive(a, PORT_BATCH), 0, "once, and what was pending for it does not fail the port");
}

/* What is no socket stands for one that the system has taken the right to. */
static void test_broken(void)
{
    struct port p = {.fd = open("/dev/null", O_RDWR | O_CLOEXEC), .local = {LOOPBACK, 9}};

    is_int(receive(&p, PORT_BATCH), -1, "a socket that can tell nothing any more is an error");
    ok(error.status == EX_OSERR && strstr(error.what, "UDP port 9") != NULL, "%s", error.what);
    port_close(&p);
}

int main(void)
{
    struct port a, b, c, d;

    need_loopback();
    in = port_batch_new(ROOM, &error);
    port_queue_init(&out);
    open_port(&a, PORT_SERVER);
    open_port(&b, PORT_SERVER);
    test_round_trip(&a, &b);
    test_too_large(&a, &b);
    test_refused(&a, &b);
    test_open_errors(&a);
    open_port(&c, PORT_CLIENT);
    open_port(&d, PORT_CLIENT);
    test_client(&c, &d);
    test_icmp(&c);
    test_broken();
    port_close(&a);
    port_close(&b);
    port_close(&c);
    port_close(&d);
    port_batch_free(in);
    return done_testing();
}
