/* src/io/sandbox.c and replace_file.c: what is forbidden is refused, and the call is named; what is
 * allowed works. Each attempt is a process's own, which tells how it went over a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own_network.h"
#include "privilege.h"
#include "replace_file.h"
#include "sandbox.h"
#include "tap.h"

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define WITH_SANITIZERS true
#endif
#endif
#if !defined WITH_SANITIZERS && defined __SANITIZE_ADDRESS__
#define WITH_SANITIZERS true
#endif
#ifndef WITH_SANITIZERS
#define WITH_SANITIZERS false
#endif

#define BASE SANDBOX_BASE
#define NET (SANDBOX_BASE | SANDBOX_NET)
#define ROUTE (SANDBOX_BASE | SANDBOX_ROUTE)
#define NAMES (SANDBOX_BASE | SANDBOX_NET | SANDBOX_NAMES)
#define PORTS (SANDBOX_BASE | SANDBOX_NET | SANDBOX_PORTS)
#define OPENING (SANDBOX_BASE | SANDBOX_OPENING)
#define REPLACE (SANDBOX_BASE | SANDBOX_REPLACE)

static char directory[] = "/tmp/test_sandbox.XXXXXX", file[64];
static int place; /* the directory */
static pid_t tester;
static int udp = -1; /* a socket that was opened before */

/* The attempts: 0 or more, or -1 and errno. */

static int read_shadow(void)
{
    return open("/etc/shadow", O_RDONLY);
}

static int read_hosts(void)
{
    return open("/etc/hosts", O_RDONLY);
}

static int read_random(void)
{
    return open("/dev/urandom", O_RDONLY);
}

static int read_elsewhere(void)
{
    return open("/bin/sh", O_RDONLY);
}

static int make_file(void)
{
    return open(file, O_WRONLY | O_CREAT, 0600);
}

static int truncate_hosts(void)
{
    return open("/etc/hosts", O_RDONLY | O_TRUNC);
}

static int remove_file(void)
{
    return unlink(file);
}

static int open_udp(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int open_tcp(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int open_unix(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int open_packets(void)
{
    return socket(AF_PACKET, SOCK_DGRAM, 0);
}

static int connect_udp(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return connect(udp, (struct sockaddr *)&to, sizeof to);
}

static int send_udp(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return (int)sendto(udp, "", 1, 0, (struct sockaddr *)&to, sizeof to);
}

static int read_interface(void)
{
    struct ifreq interface = {.ifr_name = "lo"};

    return ioctl(udp, SIOCGIFFLAGS, &interface);
}

static int change_interface(void)
{
    struct ifreq interface = {.ifr_name = "lo"};

    return ioctl(udp, SIOCSIFFLAGS, &interface);
}

static int run_program(void)
{
    char *const argv[] = {"true", NULL}, *const envp[] = {NULL};

    return execve("/bin/true", argv, envp);
}

static int make_process(void)
{
    /* Without the C library, which would do more in the child. */
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);

    if (pid == 0)
        _exit(0);
    return (int)pid;
}

static int be_traced(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int signal_another(void)
{
    return kill(tester, 0);
}

static int signal_another_thread(void)
{
    return (int)syscall(SYS_tgkill, tester, tester, 0);
}

static int signal_itself(void)
{
    signal(SIGUSR1, SIG_IGN);
    return raise(SIGUSR1);
}

static int make_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED
               ? -1
               : 0;
}

static int allocate(void)
{
    void *memory = malloc(1 << 24);
    bool has = memory != NULL;

    free(memory);
    return has ? 0 : -1;
}

static int become_root(void)
{
    return setuid(0);
}

enum outcome {
    REFUSED,
    WORKS
};

static const struct {
    unsigned may;
    enum outcome outcome;
    int (*attempt)(void);
    const char *call, *what;
} rows[] = {
    {BASE, WORKS, allocate, "mmap", "a command allocates memory"},
    {BASE, WORKS, signal_itself, "tgkill", "and sends itself a signal"},
    {BASE, REFUSED, read_shadow, "openat", "it cannot read /etc/shadow"},
    {BASE, REFUSED, read_hosts, "openat", "nor a file that everybody may read"},
    {BASE, REFUSED, make_file, "openat", "it can make no file"},
    {BASE, REFUSED, remove_file, "unlink", "nor remove one"},
    {BASE, REFUSED, open_udp, "socket", "it can open no socket"},
    {BASE, REFUSED, send_udp, "sendto", "nor send through one that is open"},
    {BASE, REFUSED, connect_udp, "connect", "nor connect it"},
    {BASE, REFUSED, read_interface, "ioctl", "nor look at an interface"},
    {BASE, REFUSED, run_program, "execve", "it can run no program"},
    {BASE, REFUSED, make_process, "clone", "nor make a process"},
    {BASE, REFUSED, be_traced, "ptrace", "it traces nobody"},
    {BASE, REFUSED, signal_another, "kill", "it sends no other process a signal"},
    {BASE, REFUSED, signal_another_thread, "tgkill", "nor another's thread"},
    {BASE, REFUSED, make_code, "mmap", "it makes no memory that is run"},
    {BASE, REFUSED, become_root, "setuid", "it becomes nobody else"},
    {NET, WORKS, send_udp, "sendto", "a command of the network sends"},
    {NET, WORKS, read_interface, "ioctl", "sees whether an interface is up"},
    {NET, REFUSED, change_interface, "ioctl", "cannot turn it off"},
    {NET, REFUSED, connect_udp, "connect", "it connects nothing"},
    {NET, REFUSED, open_udp, "socket", "and opens no socket"},
    {NET, REFUSED, read_shadow, "openat", "nor a file"},
    {NET, REFUSED, run_program, "execve", "and runs nothing"},
    {ROUTE, WORKS, connect_udp, "connect", "one that looks for routes connects"},
    {ROUTE, REFUSED, open_udp, "socket", "and opens no socket"},
    {NAMES, WORKS, read_hosts, "openat", "one that looks names up reads what is in /etc"},
    {NAMES, WORKS, read_random, "openat", "has random numbers for its queries"},
    {NAMES, WORKS, open_udp, "socket", "asks name servers"},
    {NAMES, WORKS, open_tcp, "socket", "also over TCP"},
    {NAMES, REFUSED, make_file, "openat", "makes no file"},
    {NAMES, REFUSED, truncate_hosts, "openat", "shortens none"},
    {NAMES, REFUSED, open_unix, "socket", "and opens no other socket"},
    {NAMES, REFUSED, open_packets, "socket", "nor captures"},
    {NAMES, REFUSED, run_program, "execve", "nor runs anything"},
    {PORTS, WORKS, open_udp, "socket", "one that runs in rounds opens ports again"},
    {PORTS, REFUSED, open_tcp, "socket", "but no other sockets"},
    {PORTS, REFUSED, read_hosts, "openat", "and reads no file"},
    {OPENING, WORKS, read_hosts, "openat", "before the sandbox proper, files can be read"},
    {OPENING, WORKS, open_udp, "socket", "sockets be opened"},
    {OPENING, WORKS, connect_udp, "connect", "and connected"},
    {OPENING, REFUSED, make_file, "openat", "no file be written"},
    {OPENING, REFUSED, run_program, "execve", "no program be run"},
    {OPENING, REFUSED, make_process, "clone", "no process be made"},
    {OPENING, REFUSED, be_traced, "ptrace", "none traced"},
    {OPENING, REFUSED, signal_another, "kill", "and none signalled"},
    {REPLACE, WORKS, make_file, "openat", "who replaces a file makes it"},
    {REPLACE, WORKS, remove_file, "unlink", "and removes it"},
    {REPLACE, REFUSED, open_udp, "socket", "opens no socket"},
    {REPLACE, REFUSED, run_program, "execve", "and runs nothing"},
};

/* How an attempt went. */
struct result {
    struct sandbox_state state;
    int value, errnum;
    char refused[32];
};

static void try(unsigned may, int (*attempt)(void), struct result *r)
{
    struct error error;
    const char *refused;

    if (privilege_lower(NULL, 0, &error) != 0)
        _exit(1);
    r->state = sandbox_enter(may, place);
    r->value = attempt();
    r->errnum = errno;
    refused = sandbox_refused();
    snprintf(r->refused, sizeof r->refused, "%s", refused != NULL ? refused : "");
}

/* False if the process has not come to its end. */
static bool run(unsigned may, int (*attempt)(void), struct result *r)
{
    int ends[2], status;
    pid_t pid;
    ssize_t n;

    if (pipe(ends) != 0)
        return false;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        try(may, attempt, r);
        if (write(ends[1], r, sizeof *r) != (ssize_t)sizeof *r)
            _exit(1);
        _exit(0);
    }
    close(ends[1]);
    n = read(ends[0], r, sizeof *r);
    close(ends[0]);
    return waitpid(pid, &status, 0) == pid && n == (ssize_t)sizeof *r;
}

static void test_rows(void)
{
    struct result first = {0};

    ok(run(BASE, allocate, &first), "a process enters a sandbox");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct result r = {0};
        bool ended;

        /* A build with sanitizers has none by design (src/io/sandbox.c): there is nothing to try.
         */
        if (rows[i].outcome == REFUSED && WITH_SANITIZERS) {
            printf("# of other builds: %s\n", rows[i].what);
            continue;
        }
        if (rows[i].outcome == REFUSED && !first.state.seccomp) {
            ok(true, "%s # SKIP this kernel has no seccomp", rows[i].what);
            continue;
        }
        ended = run(rows[i].may, rows[i].attempt, &r);
        if (rows[i].outcome == WORKS) {
            ok(ended && r.value >= 0 && r.refused[0] == '\0', "%s", rows[i].what);
        } else {
            ok(ended && r.value == -1 && r.errnum == EPERM, "%s", rows[i].what);
            /* The C library may make another call of the same kind. */
            ok(strncmp(r.refused, rows[i].call, strlen(rows[i].call)) == 0 || r.refused[0] == '\0',
               "and the call is named: %s", r.refused);
        }
        if (!ended || (rows[i].outcome == WORKS && r.value < 0))
            printf("# %s, %s, refused: %s\n", ended ? "ended" : "did not end", strerror(r.errnum),
                   r.refused);
    }
}

static void test_landlock(void)
{
    struct result r = {0};

    ok(run(NAMES, read_elsewhere, &r), "a command looks names up");
    if (r.state.landlock == 0) {
        ok(true, "it reads nothing outside of /etc # SKIP this kernel has no landlock");
        return;
    }
    ok(r.value == -1 && r.errnum == EACCES, "it reads nothing outside of /etc");
    ok(run(REPLACE, read_hosts, &r) && r.value == -1 && r.errnum == EACCES,
       "who replaces a file reads nothing outside of its directory");
}

static bool holds(const char *path, const char *want)
{
    char got[64] = "";
    FILE *f = fopen(path, "r");

    if (f != NULL) {
        got[fread(got, 1, sizeof got - 1, f)] = '\0';
        fclose(f);
    }
    return strcmp(got, want) == 0;
}

static void test_replaced(void)
{
    struct error error;
    struct replace_file *f = replace_file_open(file, REPLACE_FILE_CONFINED, &error);

    ok(f != NULL, "a process is made that replaces a file");
    ok(replace_file_write(f, "one\n", 4, &error) == 0 && holds(file, "one\n"), "it does so");
    ok(replace_file_write(f, "two\n", 4, &error) == 0 && holds(file, "two\n"), "again and again");
    unlink(file);
    ok(mkdir(file, 0700) == 0 && replace_file_write(f, "x", 1, &error) == -1 && error.status == 73,
       "what goes wrong is told by who has asked for it: %s", error.what);
    replace_file_close(f);
    rmdir(file);
}

/* The socket that was opened last. */
static int last_socket(void)
{
    struct stat st;
    int fd = 255;

    while (fd > 2 && (fstat(fd, &st) != 0 || !S_ISSOCK(st.st_mode)))
        fd--;
    return fd;
}

static void test_hijacked(void)
{
    struct error error;
    struct replace_file *f = replace_file_open(file, REPLACE_FILE_CONFINED, &error);
    const size_t size = SIZE_MAX;
    struct pollfd channel = {.fd = last_socket(), .events = POLLIN};

    ok(f != NULL && write(channel.fd, &size, sizeof size) == (ssize_t)sizeof size &&
           poll(&channel, 1, 60000) == 1 && (channel.revents & POLLHUP) != 0,
       "the process takes no data of a size that no memory has");
    ok(replace_file_write(f, "x", 1, &error) == -1 && error.status == 74 && access(file, F_OK) != 0,
       "and writes nothing after that: %s", error.what);
    replace_file_close(f);
}

int main(void)
{
    need_loopback();
    if (mkdtemp(directory) == NULL || chmod(directory, 0777) != 0)
        return 1;
    snprintf(file, sizeof file, "%s/file", directory);
    place = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tester = getpid();
    udp = open_udp();
    test_rows();
    test_landlock();
    test_replaced();
    test_hijacked();
    rmdir(directory);
    return done_testing();
}
