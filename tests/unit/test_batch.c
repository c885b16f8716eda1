#include <errno.h>
#include <poll.h>
#include <sysexits.h>
#include <unistd.h>

#include "batch.h"
#include "tap.h"

enum {
    LOOPBACK = 0x7f000001
};

static struct batch_in in;
static struct batch_out out;

static int open_socket(struct endpoint *local)
{
    struct error error = {0};
    struct sockaddr_in sa = {0};
    socklen_t size = sizeof sa;
    int fd = batch_open((struct endpoint){LOOPBACK, 0}, 1 << 20, &error);

    if (fd < 0 || getsockname(fd, (struct sockaddr *)&sa, &size) != 0) {
        printf("Bail out! %s\n", error.what);
        _exit(1);
    }
    *local = (struct endpoint){ntohl(sa.sin_addr.s_addr), ntohs(sa.sin_port)};
    return fd;
}

static void wait_readable(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

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

static void test_round_trip(int a, struct endpoint at_a, int b, struct endpoint at_b)
{
    uint8_t data[BATCH_SIZE][4];
    unsigned wrong = 0;

    is_int(batch_receive(&in, b, BATCH_SIZE), 0, "nothing waits, and that is no error");
    for (unsigned i = 0; i < BATCH_SIZE; i++) {
        memset(data[i], (int)i, sizeof data[i]);
        batch_add(&out, at_b, data[i], i % sizeof data[i]);
    }
    is_int(batch_flush(&out, a, count_failure, NULL), BATCH_SIZE, "a full batch is sent at once");
    is_int(out.count, 0, "and then the batch is empty");
    wait_readable(b);
    is_int(batch_receive(&in, b, 10), 10, "no more datagrams are taken than asked for");
    for (unsigned i = 0; i < 10; i++)
        wrong += batch_size(&in, i) != i % 4 || memcmp(batch_data(&in, i), data[i], i % 4) != 0 ||
                 !endpoint_equal(batch_source(&in, i), at_a);
    is_int(wrong, 0, "each with its bytes, its size and its source");
    is_int(batch_receive(&in, b, 1000), BATCH_SIZE - 10, "and the rest the next time");
    is_int(failures, 0, "nothing failed");
}

static void test_too_large(int a, int b, struct endpoint at_b)
{
    static const uint8_t data[4000];

    batch_add(&out, at_b, data, TEREDO_MAX_SIZE);
    batch_add(&out, at_b, data, sizeof data);
    batch_flush(&out, a, count_failure, NULL);
    wait_readable(b);
    is_int(batch_receive(&in, b, BATCH_SIZE), 2, "large datagrams arrive");
    is_int((int64_t)batch_size(&in, 0), TEREDO_MAX_SIZE, "the largest packet whole");
    is_int((int64_t)batch_size(&in, 1), BATCH_DATAGRAM_SIZE, "a larger one cut, so that it shows");
}

static void test_refused(int a, int b, struct endpoint at_b)
{
    struct endpoint nowhere = {at_b.address, 0};
    const uint8_t byte = 1;

    batch_add(&out, at_b, &byte, 1);
    batch_add(&out, nowhere, &byte, 1);
    batch_add(&out, at_b, &byte, 1);
    is_int(batch_flush(&out, a, count_failure, NULL), 2,
           "a datagram that the system refuses does not stop those behind it");
    ok(failures == 1 && endpoint_equal(failed_to, nowhere) && failed_errno == EINVAL,
       "and is told with its errno");
    wait_readable(b);
    is_int(batch_receive(&in, b, BATCH_SIZE), 2, "the others arrive");
    batch_add(&out, nowhere, &byte, 1);
    is_int(batch_flush(&out, a, NULL, NULL), 0, "nobody need be told");
}

static void test_errors(struct endpoint taken)
{
    struct error error;

    is_int(batch_open(taken, 0, &error), -1, "a port that is taken is refused");
    ok(error.status == EX_UNAVAILABLE && strstr(error.what, "another program") != NULL &&
           error.hint[0] != '\0',
       "as unavailable, with a hint: %s", error.what);
    is_int(batch_open((struct endpoint){0xc0000201, 3544}, 0, &error), -1,
           "an address that is not this host's is refused");
    ok(error.status == EX_UNAVAILABLE && strstr(error.what, "192.0.2.1 is not an address") != NULL,
       "as unavailable: %s", error.what);
}

int main(void)
{
    struct endpoint at_a, at_b;
    int a = open_socket(&at_a), b = open_socket(&at_b);

    batch_in_init(&in);
    batch_out_init(&out);
    test_round_trip(a, at_a, b, at_b);
    test_too_large(a, b, at_b);
    test_refused(a, b, at_b);
    test_errors(at_a);
    close(a);
    close(b);
    return done_testing();
}
