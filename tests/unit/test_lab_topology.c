/* The lab on real namespaces: as root if root runs the test, and as an ordinary user. The program
 * plays every part itself: the lab, and what runs on its hosts (see roles). */
#include "topology.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "tap.h"
#include "udp.h"

#define DELAY (5 * NSEC_MS)

enum {
    STATUS_OF_CLIENT = 7,
    STATUS_SKIP = 77,
    NOBODY = 65534
};

static struct sockaddr_in address_of(const char *address, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

    inet_pton(AF_INET, address, &a.sin_addr);
    return a;
}

static int udp_socket_at(const char *address, uint16_t port)
{
    struct sockaddr_in a = address_of(address, port);
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        exit(99);
    return fd;
}

/* On a server: answers every datagram with the endpoint that it came from. */
static int role_server(void)
{
    int fd = udp_socket_at("192.0.2.1", 7);

    puts("ready");
    fflush(stdout);
    do {
        struct sockaddr_in from = {0};
        socklen_t size = sizeof from;
        char text[64], address[INET_ADDRSTRLEN];

        if (recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&from, &size) < 0)
            continue;
        snprintf(text, sizeof text, "%s:%u",
                 inet_ntop(AF_INET, &from.sin_addr, address, sizeof address), ntohs(from.sin_port));
        sendto(fd, text, strlen(text), 0, (struct sockaddr *)&from, size);
    } while (true);
    return 1;
}

/* The errno that a datagram to ADDRESS:9 comes to. */
static int refusal(const char *address)
{
    struct sockaddr_in to = address_of(address, 9);
    int fd = udp_socket_at("0.0.0.0", 0), on = 1;
    char byte;

    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 || send(fd, "x", 1, 0) < 0 ||
        recv(fd, &byte, 1, 0) >= 0)
        return 0;
    return errno;
}

/* Sends a datagram whose checksum is wrong; the kernel fills in none of a raw packet. */
static void send_wrong_checksum(void)
{
    const struct endpoint from = {0x64400102, 5001}, to = {0xc0000201, 7};
    struct udp_options options = {.checksum = UDP_CHECKSUM_WRONG};
    struct sockaddr_in a = address_of("192.0.2.1", 0);
    uint8_t data[64];
    size_t size =
        udp4_encode(data, sizeof data, &(struct udp_message){from, to, "wrong", 5}, &options);
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

    if (fd < 0 || sendto(fd, data, size, 0, (struct sockaddr *)&a, sizeof a) < 0)
        printf("cannot send: %s\n", strerror(errno));
}

/* On a client: tells, a line each, what it finds. */
static int role_client(void)
{
    struct sockaddr_in to = address_of("192.0.2.1", 7);
    int fd = udp_socket_at("0.0.0.0", 5000);
    char text[64], self[32] = "";
    nsec start = clock_now();
    ssize_t n;

    sendto(fd, "who am I", 8, 0, (struct sockaddr *)&to, sizeof to);
    n = recv(fd, text, sizeof text, 0);
    printf("seen as %.*s\n", n < 0 ? 0 : (int)n, text);
    printf("after %.6f s\n", nsec_seconds(clock_now() - start));
    send_wrong_checksum();
    printf("port: %s\n", strerror(refusal("192.0.2.1")));
    printf("host: %s\n", strerror(refusal("192.0.2.77")));
    printf("net: %s\n", strerror(refusal("8.8.8.8")));
    printf("packet socket: %s\n",
           socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) >= 0 ? "yes" : strerror(errno));
    printf("uid %u, variable %s\n", getuid(), getenv("TEREDO_TEST"));
    if (readlink("/proc/self", self, sizeof self - 1) > 0)
        printf("own /proc: %s\n", strtol(self, NULL, 10) == getpid() ? "yes" : self);
    return STATUS_OF_CLIENT;
}

/* Leaves a process behind that holds standard output and has nothing to do with its parent. */
static int role_daemon(void)
{
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            puts("up");
            fflush(stdout);
            while (pause() < 0)
                continue;
        }
        _exit(0);
    }
    return 0;
}

static int role_sleep(void)
{
    while (pause() < 0)
        continue;
    return 1;
}

/* What a program has printed, as far as the lab has read it. */
struct output {
    struct topology *lab;
    char text[2048];
    size_t size;
    bool closed;
    int fd;
};

static int read_output(void *context, struct pollfd ready, struct error *error)
{
    struct output *o = context;
    ssize_t n = read(ready.fd, o->text + o->size, sizeof o->text - 1 - o->size);

    (void)error;
    if (n > 0) {
        o->size += (size_t)n;
    } else {
        o->closed = true;
        loop_unwatch(topology_loop(o->lab), ready.fd);
        close(ready.fd);
    }
    topology_stop(o->lab);
    return 0;
}

static pid_t start(struct topology *t, enum lab_host host, char *role, struct output *o)
{
    char *argv[] = {"/proc/self/exe", role, NULL};
    const char *env[] = {"TEREDO_TEST=42", NULL};
    struct spawn program = {.argv = argv, .env = env, .stdio = {-1, -1, -1}};
    struct loop_watch watch = {.events = POLLIN, .ready = read_output, .context = o};
    struct error error;
    int ends[2] = {-1, -1};
    pid_t pid;

    if (o != NULL) {
        if (pipe2(ends, O_CLOEXEC) < 0)
            return -1;
        *o = (struct output){.lab = t, .fd = ends[0]};
        program.stdio[1] = ends[1];
        watch.fd = ends[0];
        loop_watch(topology_loop(t), &watch, &error);
    }
    pid = topology_spawn(t, host, &program, &error);
    if (ends[1] >= 0)
        close(ends[1]);
    if (pid < 0)
        printf("# %s\n", error.what);
    return pid;
}

static bool says(const struct output *o, const char *line)
{
    return strstr(o->text, line) != NULL;
}

/* Runs the lab until O has said LINE, or for five seconds. */
static bool wait_for(struct topology *t, const struct output *o, const char *line)
{
    nsec until = clock_now() + 5 * NSEC_S;
    struct error error;

    while (!says(o, line))
        if (topology_run(t, 0, until, NULL, &error) != TOPOLOGY_STOPPED)
            return false;
    return true;
}

/* What the observer saw. */
static struct {
    unsigned sent_by_a, wrong_sent, wrong_delivered, nat_a, delivered_to_a;
    nsec first_sent, first_delivered;
} seen;

static bool has_wrong_checksum(const struct packet_event *p)
{
    struct udp_datagram d;
    struct wire_fault fault;

    return !udp4_decode(p->data, p->size, false, &d, &fault) && fault.reason == WIRE_UDP_CHECKSUM;
}

static void observe(void *context, const struct packet_event *p)
{
    (void)context;
    if (p->kind == PACKET_EVENT_SENT && p->place == PLACE_HOST_A) {
        seen.wrong_sent += has_wrong_checksum(p);
        if (seen.sent_by_a++ == 0)
            seen.first_sent = p->when;
    }
    seen.nat_a += p->place == PLACE_NAT_A && p->kind == PACKET_EVENT_NAT;
    if (p->kind == PACKET_EVENT_DELIVERED && p->packet == 1)
        seen.first_delivered = p->when;
    if (p->kind == PACKET_EVENT_DELIVERED && p->place == PLACE_SERVER_1)
        seen.wrong_delivered += has_wrong_checksum(p);
    seen.delivered_to_a += p->kind == PACKET_EVENT_DELIVERED && p->place == PLACE_HOST_A;
}

static void test_hosts(struct topology *t)
{
    struct output server = {0}, client = {0};
    const char *after;
    struct error error = {0};
    double seconds = 0;
    int status = -1;
    pid_t pid;
    nsec late;

    start(t, LAB_S1, "server", &server);
    ok(wait_for(t, &server, "ready"), "a program runs on a server");
    loop_unwatch(topology_loop(t), server.fd);
    pid = start(t, LAB_A, "client", &client);
    ok(wait_for(t, &client, "seen as 203.0.113.10:5000\n"),
       "a client behind a NAT reaches the server, which sees the NAT's address");
    while (!client.closed &&
           topology_run(t, 0, clock_now() + 20 * NSEC_S, NULL, &error) == TOPOLOGY_STOPPED)
        continue;
    is_int(topology_run(t, pid, clock_now() + 5 * NSEC_S, &status, &error), TOPOLOGY_ENDED,
           "the lab runs until the program ends");
    ok(WIFEXITED(status) && WEXITSTATUS(status) == STATUS_OF_CLIENT,
       "and has the program's exit status");
    after = strstr(client.text, "after ");
    if (after != NULL)
        seconds = strtod(after + strlen("after "), NULL);
    ok(seconds > 0.02 && seconds < 2, "a round trip over four links of 5 ms took %.3f ms",
       seconds * 1e3);
    late = seen.first_delivered - seen.first_sent - 2 * DELAY;
    ok(late >= 0 && late < NSEC_S, "a link's delay is kept: %.3f ms late",
       nsec_seconds(late) * 1e3);
    ok(says(&client, "port: Connection refused"), "ICMP port unreachable comes in through the NAT");
    ok(says(&client, "host: No route to host"), "ICMP host unreachable comes in through the NAT");
    ok(says(&client, "net: Network is unreachable"),
       "ICMP network unreachable comes in through the NAT");
    ok(says(&client, "packet socket: yes"), "a program on a host may capture packets");
    ok(says(&client, "uid 0, variable 42"), "it runs as root, with the variables given to it");
    ok(says(&client, "own /proc: yes"), "it has a /proc that tells its own process number");
    is_int(seen.sent_by_a, 5, "the observer sees what the host sends");
    is_int(seen.nat_a, 9, "and that it passes the NAT, out and in");
    is_int(seen.delivered_to_a, 4, "and what the host receives");
    is_int(seen.wrong_sent, 1, "every datagram carries its checksum on the wire, right or wrong");
    is_int(seen.wrong_delivered, 1, "and a wrong one is wrong when it arrives");
    is_int((int64_t)topology_kernel_drops(t), 0, "the kernel dropped nothing");
}

static void test_programs(struct topology *t)
{
    char *nothing[] = {"/nowhere/to/be/found", NULL}, *directory[] = {"/", NULL};
    struct spawn missing = {.argv = nothing, .stdio = {-1, -1, -1}};
    struct spawn broken = {.argv = directory, .stdio = {-1, -1, -1}};
    struct error error = {0};
    int status = -1;
    pid_t pid;

    is_int(topology_spawn(t, LAB_A, &missing, &error), -1, "a program that is not there is told");
    is_int(error.status, 127, "with the status that a shell gives");
    is_int(topology_spawn(t, LAB_A, &broken, &error), -1, "a program that cannot run is told");
    is_int(error.status, 126, "with the status that a shell gives");
    is_int(topology_run(t, 0, clock_now() + 10 * NSEC_MS, NULL, &error), TOPOLOGY_TIMED_OUT,
           "the lab runs until a deadline");

    pid = start(t, LAB_B, "sleep", NULL);
    kill(getpid(), SIGTERM);
    is_int(topology_run(t, pid, clock_now() + 5 * NSEC_S, &status, &error), TOPOLOGY_ENDED,
           "SIGTERM to the lab goes on to the program");
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "which ends by it");
    kill(getpid(), SIGINT);
    is_int(topology_run(t, 0, clock_now() + 5 * NSEC_S, NULL, &error), TOPOLOGY_INTERRUPTED,
           "a signal interrupts the lab that waits for no program");
    is_int(topology_signal(t), SIGINT, "and is told");
}

static void test_end(struct topology *t)
{
    struct output daemon = {0}, unread = {0};
    struct error error = {0};
    int fd;
    char byte;

    start(t, LAB_S2, "daemon", &daemon);
    ok(wait_for(t, &daemon, "up"), "a program leaves a daemon behind");
    fd = daemon.fd;
    loop_unwatch(topology_loop(t), fd);
    start(t, LAB_A, "sleep", NULL);
    is_int(topology_seal(t, &error), 0, "the lab gives up its privileges");
    is_int(start(t, LAB_A, "client", &unread), -1, "and can start nothing then");
    topology_close(t, 100 * NSEC_MS);
    is_int(read(fd, &byte, 1), 0, "when the lab is closed, daemons are gone too");
    is_int(waitpid(-1, NULL, WNOHANG), -1, "and no child is left");
}

static int make_lab(struct topology **t, struct error *error)
{
    struct topology_config c = {.seed = 1, .observe = observe};

    if (nat_config_parse("port-restricted", &c.nat[LAB_A], error) < 0 ||
        nat_config_parse("none", &c.nat[LAB_B], error) < 0)
        return EX_SOFTWARE;
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        c.link[i].delay = DELAY;
    *t = topology_new(&c, error);
    return *t == NULL ? error->status : 0;
}

static int role_lab(void)
{
    struct error error = {0};
    struct topology *t = NULL;
    int status = make_lab(&t, &error);

    if (status != 0) {
        printf("# %s (%s)\n", error.what, error.hint);
        return status == EX_NOPERM ? STATUS_SKIP : 1;
    }
    test_hosts(t);
    test_programs(t);
    test_end(t);
    return done_testing();
}

/* A lab that is about to be killed: its daemon holds our standard output. */
static int role_doomed(void)
{
    char *argv[] = {"/proc/self/exe", "daemon", NULL};
    struct spawn program = {.argv = argv, .stdio = {-1, -1, -1}};
    struct error error = {0};
    struct topology *t = NULL;

    if (make_lab(&t, &error) != 0 || topology_spawn(t, LAB_A, &program, &error) < 0)
        return 1;
    topology_run(t, 0, NSEC_NEVER, NULL, &error);
    return 1;
}

/* Starts this program in ROLE, not as root if AS_NOBODY; its standard output is *FD. */
static pid_t start_role(char *role, bool as_nobody, int *fd)
{
    char *argv[] = {"test_lab_topology", role, NULL};
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        if (dup2(ends[1], 1) < 0 ||
            (as_nobody && geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)))
            _exit(STATUS_SKIP);
        execv("/proc/self/exe", argv);
        _exit(STATUS_SKIP);
    }
    close(ends[1]);
    *fd = ends[0];
    return pid;
}

/* Takes over the results of the lab's own process. */
static void relay(bool as_nobody, const char *who)
{
    int fd = -1, status = -1;
    pid_t pid = start_role("lab", as_nobody, &fd);
    FILE *in = fdopen(fd, "r");
    char line[512];
    unsigned results = 0;

    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        const char *text = strstr(line, " - ");

        line[strcspn(line, "\n")] = '\0';
        if (text != NULL && (strncmp(line, "ok ", 3) == 0 || strncmp(line, "not ok ", 7) == 0)) {
            ok(line[0] == 'o', "%s: %s", who, text + 3);
            results++;
        } else if (line[0] == '#') {
            puts(line);
        }
    }
    if (in != NULL)
        fclose(in);
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIP && results == 0)
        ok(true, "%s # SKIP namespaces are not to be had here", who);
    else
        is_int(status, 0, "%s: the lab's process ends well", who);
}

static void test_killed_lab(bool as_nobody, const char *who)
{
    int fd = -1;
    pid_t pid = start_role("doomed", as_nobody, &fd);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char text[16];

    if (read(fd, text, sizeof text) <= 0) {
        ok(true, "%s # SKIP namespaces are not to be had here", who);
        waitpid(pid, NULL, 0);
        close(fd);
        return;
    }
    kill(pid, SIGKILL);
    ok(poll(&p, 1, 5000) == 1 && read(fd, text, sizeof text) == 0,
       "%s: when the lab is killed, everything in it dies", who);
    waitpid(pid, NULL, 0);
    close(fd);
}

static const struct role {
    const char *name;
    int (*play)(void);
} roles[] = {
    {"server", role_server}, {"client", role_client}, {"daemon", role_daemon},
    {"sleep", role_sleep},   {"lab", role_lab},       {"doomed", role_doomed},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (argc > 1 && strcmp(roles[i].name, argv[1]) == 0)
            return roles[i].play();
    if (geteuid() == 0) {
        relay(false, "as root");
        test_killed_lab(false, "as root");
    }
    relay(true, "as an ordinary user");
    test_killed_lab(true, "as an ordinary user");
    return done_testing();
}
