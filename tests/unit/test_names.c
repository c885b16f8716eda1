/* Names in a network of their own: no network at all, then a name server that the program plays
 * itself, with an /etc of its own. */
#include "names.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "cursor.h"
#include "own_network.h"
#include "tap.h"

enum {
    PORT = 3544,
    DNS_PORT = 53,
    DNS_ROOM = 4096,
    TYPE_A = 1,
    TYPE_CNAME = 5,
    RESPONSE = 0x8180,
    TRUNCATED = 0x200,
    SERVFAIL = 2,
    NXDOMAIN = 3,
    REFUSED = 5,
    BIG = 100, /* addresses of a name that has more than fit a datagram */
};

static const char no_server[] = "no name server is able to answer";
static struct names_answer answer;
static struct error error;

/* The name server. */

static void add_record(struct writer *w, uint16_t type, const void *data, size_t size)
{
    writer_u16(w, 0xc00c); /* the name asked for */
    writer_u16(w, type);
    writer_u16(w, 1);
    writer_u32(w, 60);
    writer_u16(w, (uint16_t)size);
    writer_bytes(w, data, size);
}

static void add_address(struct writer *w, uint32_t address)
{
    uint32_t wire = htonl(address);

    add_record(w, TYPE_A, &wire, sizeof wire);
}

static unsigned add_alias(struct writer *w)
{
    uint32_t wire = htonl(0xc0000201);

    add_record(w, TYPE_CNAME, "\3one\4test", 10);
    writer_bytes(w, "\3one\4test", 10);
    writer_u16(w, TYPE_A);
    writer_u16(w, 1);
    writer_u32(w, 60);
    writer_u16(w, sizeof wire);
    writer_bytes(w, &wire, sizeof wire);
    return 2;
}

/* Appends the answers for NAME and sets *FLAGS; returns how many there are. */
static unsigned add_answers(struct writer *w, const char *name, bool tcp, uint16_t *flags)
{
    if (strcasecmp(name, "one.test") == 0) {
        add_address(w, 0xc0000201);
        return 1;
    }
    if (strcmp(name, "many.test") == 0) {
        add_address(w, 0xc0000209);
        add_address(w, 0xc6336403);
        add_address(w, 0xc0000207);
        return 3;
    }
    if (strcmp(name, "big.test") == 0 && tcp) {
        for (uint32_t i = 0; i < BIG; i++)
            add_address(w, 0xc0000200 + i);
        return BIG;
    }
    if (strcmp(name, "short.search.test") == 0) {
        add_address(w, 0xc0000214);
        return 1;
    }
    if (strcmp(name, "alias.test") == 0)
        return add_alias(w);
    if (strcmp(name, "big.test") == 0)
        *flags |= TRUNCATED;
    else if (strcmp(name, "fail.test") == 0)
        *flags |= SERVFAIL;
    else if (strcmp(name, "refused.test") == 0)
        *flags |= REFUSED;
    else if (strcmp(name, "six.test") != 0)
        *flags |= NXDOMAIN;
    return 0;
}

static void read_name(struct reader *r, char *name, size_t size)
{
    size_t n = 0;

    for (uint8_t length = reader_u8(r); length > 0 && n + length + 2 < size;
         length = reader_u8(r)) {
        if (n > 0)
            name[n++] = '.';
        reader_copy(r, name + n, length);
        n += length;
    }
    name[n] = '\0';
}

/* The answer to a question; 0 = none. */
static size_t serve(const uint8_t *question, size_t size, bool tcp, uint8_t *out)
{
    struct reader r = reader_of(question, size);
    struct writer w = writer_of(out, DNS_ROOM);
    uint16_t id = reader_u16(&r), flags = RESPONSE;
    size_t start;
    char name[256];

    reader_take(&r, 10);
    start = r.offset;
    read_name(&r, name, sizeof name);
    reader_take(&r, 4);
    if (r.failed || strcmp(name, "silent.test") == 0)
        return 0;
    writer_u16(&w, id);
    writer_u16(&w, 0);
    writer_u16(&w, 1);
    writer_u16(&w, 0);
    writer_u32(&w, 0);
    writer_bytes(&w, question + start, r.offset - start);
    writer_patch_u16(&w, 6, (uint16_t)add_answers(&w, name, tcp, &flags));
    writer_patch_u16(&w, 2, flags);
    return w.size;
}

static void serve_datagram(int fd)
{
    uint8_t question[512], out[DNS_ROOM];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t n = recvfrom(fd, question, sizeof question, 0, (struct sockaddr *)&from, &size);
    size_t length = n > 0 ? serve(question, (size_t)n, false, out) : 0;

    if (length > 0)
        sendto(fd, out, length, 0, (struct sockaddr *)&from, size);
}

static void serve_connection(int listener)
{
    uint8_t question[512], out[DNS_ROOM + 2];
    int fd = accept(listener, NULL, NULL);
    ssize_t n = recv(fd, question, sizeof question, 0);
    size_t length = n > 2 ? serve(question + 2, (size_t)n - 2, true, out + 2) : 0;
    struct writer w = writer_of(out, 2);

    writer_u16(&w, (uint16_t)length);
    send(fd, out, length + 2, MSG_NOSIGNAL);
    close(fd);
}

static int open_dns(int type)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(DNS_PORT),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0)
        exit(99);
    if (type == SOCK_STREAM)
        listen(fd, 5);
    return fd;
}

static pid_t start_dns(void)
{
    struct pollfd polls[] = {{open_dns(SOCK_DGRAM), POLLIN, 0}, {open_dns(SOCK_STREAM), POLLIN, 0}};
    pid_t pid = fork();

    if (pid == 0) {
        alarm(60);
        while (poll(polls, 2, -1) > 0) {
            if (polls[0].revents != 0)
                serve_datagram(polls[0].fd);
            if (polls[1].revents != 0)
                serve_connection(polls[1].fd);
        }
        _exit(0);
    }
    close(polls[0].fd);
    close(polls[1].fd);
    return pid;
}

/* The system. */

static bool enter_world(void)
{
    return enter_namespaces(CLONE_NEWNET | CLONE_NEWNS) &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("etc", "/etc", "tmpfs", 0, NULL) == 0;
}

/* The tests. */

static int resolve(const char *text)
{
    return names_resolve(text, PORT, &answer, &error);
}

static void finds(const char *text, uint32_t address, uint16_t port)
{
    resolve(text);
    ok(answer.outcome == NAMES_FOUND && answer.count == 1 &&
           endpoint_equal(answer.list[0], (struct endpoint){address, port}),
       "%s is found", text);
}

static void fails(const char *text, enum names_outcome outcome, const char *words)
{
    int result = resolve(text);

    ok(result == -1 && answer.outcome == outcome && error.status == EX_NOHOST &&
           strstr(error.what, words) != NULL && error.hint[0] != '\0',
       "%s: %s", text, error.what);
}

static void test_without_network(void)
{
    nsec start = clock_now();

    finds("192.0.2.1", 0xc0000201, PORT);
    finds("192.0.2.1:9", 0xc0000201, 9);
    write_file("/etc/hosts", "127.0.0.1 localhost\n192.0.2.99 given.hosts\n");
    finds("localhost", 0x7f000001, PORT);
    fails("one.test", NAMES_FAILED, no_server);
    write_file("/etc/resolv.conf", "");
    fails("one.test", NAMES_FAILED, no_server);
    write_file("/etc/resolv.conf", "nameserver 192.0.2.53\n");
    fails("one.test", NAMES_FAILED, no_server);
    ok(clock_now() - start < 5 * NSEC_S, "without a network nothing is waited for");
}

static void test_malformed(void)
{
    static const char *const texts[] = {"",      ":1",        "::1",      "192.0.2.1:0",
                                        "one:0", "one:65536", "one:port", "one.test:"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int result = resolve(texts[i]);

        ok(result == -1 && answer.outcome == NAMES_MALFORMED && error.status == EX_USAGE,
           "'%s' is malformed", texts[i]);
    }
}

static void test_answers(void)
{
    char label[80];

    finds("one.test", 0xc0000201, PORT);
    finds("one.test:9", 0xc0000201, 9);
    finds("alias.test", 0xc0000201, PORT);
    finds("short", 0xc0000214, PORT);
    finds("given.hosts", 0xc0000263, PORT);
    resolve("many.test:9");
    ok(answer.count == 3 && endpoint_equal(answer.list[0], (struct endpoint){0xc0000209, 9}) &&
           endpoint_equal(answer.list[1], (struct endpoint){0xc6336403, 9}) &&
           endpoint_equal(answer.list[2], (struct endpoint){0xc0000207, 9}),
       "a name has all its addresses, in the order in which the server gives them");
    resolve("big.test");
    ok(answer.outcome == NAMES_FOUND && answer.count == NAMES_ADDRESSES,
       "an answer that is too long for a datagram comes by TCP");
    fails("none.test", NAMES_NOT_FOUND, "'none.test': there is no such name");
    fails("none.test:9", NAMES_NOT_FOUND, "'none.test': there is no such name");
    fails("six.test", NAMES_NO_ADDRESS, "the name has no IPv4 address");
    fails("fail.test", NAMES_FAILED, no_server);
    fails("refused.test", NAMES_FAILED, no_server);
    memset(label, 'x', sizeof label);
    memcpy(label + sizeof label - 6, ".test", 6);
    fails(label, NAMES_NOT_FOUND, "there is no such name");
    fails("300.1.2.3", NAMES_NOT_FOUND, "there is no such name");
    fails("n\xc3\xa4me.test", NAMES_NOT_FOUND, "xn--");
    fails("one\\.test", NAMES_NOT_FOUND, "no host has such a name");
    finds("ONE.Test", 0xc0000201, PORT);
}

struct counted {
    struct loop *loop;
    unsigned found, other;
};

static void count(void *context, const struct names_answer *a)
{
    struct counted *c = context;

    if (a->outcome == NAMES_FOUND)
        c->found++;
    else
        c->other++;
    if (c->found == 2)
        loop_stop(c->loop);
}

static void test_at_once(void)
{
    struct loop *loop = loop_new(&error);
    struct names *names = names_new(loop, &error);
    struct counted c = {.loop = loop};
    nsec start = clock_now();

    for (int i = 0; i < 40; i++)
        names_look_up(names, "silent.test", PORT, count, &c);
    names_look_up(names, "one.test", PORT, count, &c);
    names_look_up(names, "192.0.2.7", PORT, count, &c);
    is_int(c.found, 1, "an address needs no waiting");
    is_int(loop_run(loop, &error), 0, "many names are looked up at once");
    ok(c.found == 2 && c.other == 0, "and those without an answer hold none up");
    names_free(names);
    loop_free(loop);
    ok(c.other == 0 && clock_now() - start < 2 * NSEC_S, "they end at once, and silently");
}

static void test_interrupt(void)
{
    nsec start = clock_now();
    pid_t pid = fork();
    int result;

    if (pid == 0) {
        usleep(100000);
        kill(getppid(), SIGINT);
        _exit(0);
    }
    result = resolve("silent.test");
    ok(result == -1 && answer.outcome == NAMES_INTERRUPTED &&
           error.status == NAMES_INTERRUPTED_STATUS && clock_now() - start < 2 * NSEC_S,
       "Ctrl-C ends a look-up at once: %s", error.what);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    pid_t dns;

    if (!enter_world()) {
        ok(true, "# SKIP namespaces are not to be had here");
        return done_testing();
    }
    test_without_network();
    ok(bring_loopback_up(), "then there is loopback");
    write_file("/etc/resolv.conf", "nameserver 127.0.0.9\n");
    fails("one.test", NAMES_FAILED, no_server);
    write_file("/etc/resolv.conf", "search search.test\nnameserver 127.0.0.1\n");
    dns = start_dns();
    test_malformed();
    test_answers();
    test_at_once();
    test_interrupt();
    kill(dns, SIGKILL);
    waitpid(dns, NULL, 0);
    return done_testing();
}
