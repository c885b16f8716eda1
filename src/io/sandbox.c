#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/if_packet.h>
#include <linux/landlock.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <ucontext.h>
#include <unistd.h>

/* The sanitizers' runtimes make system calls of their own, ptrace and clone at the exit among them,
 * and others with each release, and read /proc. What is built with them is for tests, and has no
 * seccomp. */
#if defined __has_feature
#if __has_feature(address_sanitizer)
#define WITHOUT_SECCOMP
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WITHOUT_SECCOMP
#endif

/* Where the machine keeps what a system call returns: there the handler of SIGSYS puts the error.
 * On other machines seccomp itself returns it, and nobody learns which call it was. */
#if defined __x86_64__
#define RESULT(u) ((u)->uc_mcontext.gregs[REG_RAX])
#elif defined __i386__
#define RESULT(u) ((u)->uc_mcontext.gregs[REG_EAX])
#elif defined __aarch64__
#define RESULT(u) ((u)->uc_mcontext.regs[0])
#elif defined __riscv
#define RESULT(u) ((u)->uc_mcontext.__gregs[REG_A0])
#endif

/* A condition on an argument: that of its bits in MASK are VALUE. */
struct condition {
    uint8_t argument;
    uint64_t mask, value;
};

enum {
    MAX_CONDITIONS = 2
};

/* A system call that is allowed with any of the bits in MAY, if the conditions hold; a mask of 0 is
 * none. Several rows for one call: if those of one of them hold. */
struct rule {
    const char *name;
    unsigned may;
    struct condition conditions[MAX_CONDITIONS];
};

#define ALL UINT64_MAX
#define IS(argument, value)                \
    {                                      \
        (argument), ALL, (uint64_t)(value) \
    }
#define WITHOUT(argument, bits) \
    {                           \
        (argument), (bits), 0   \
    }
/* All but the flags (SOCK_CLOEXEC, …). */
#define SOCKET_TYPE(type) \
    {                     \
        1, 0xf, (type)    \
    }

#define BASE SANDBOX_BASE
#define NET SANDBOX_NET
#define NAMES SANDBOX_NAMES
#define PORTS SANDBOX_PORTS
#define ROUTE SANDBOX_ROUTE
#define REPLACE SANDBOX_REPLACE
#define OPENING SANDBOX_OPENING
/* Opened to read, and not made. */
#define READ_ONLY(argument) \
    WITHOUT(argument, O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

/* By name, for the names of one architecture are not all another's: those that it lacks are passed
 * over. The twins in …64 and …_time64 are those of 32 bits. */
static const struct rule rules[] = {
    {"read", BASE},
    {"readv", BASE},
    {"pread64", BASE},
    {"preadv", BASE},
    {"write", BASE},
    {"writev", BASE},
    {"pwrite64", BASE},
    {"lseek", BASE},
    {"_llseek", BASE},
    {"close", BASE},
    {"fstat", BASE},
    {"fstat64", BASE},
    {"newfstatat", BASE}, /* glibc's fstat */
    {"fstatat64", BASE},
    {"statx", BASE},
    {"fsync", BASE},
    {"fdatasync", BASE},
    {"mmap", BASE, {WITHOUT(2, PROT_EXEC)}},
    {"mmap2", BASE, {WITHOUT(2, PROT_EXEC)}},
    {"mprotect", BASE, {WITHOUT(2, PROT_EXEC)}},
    {"munmap", BASE},
    {"mremap", BASE},
    {"madvise", BASE},
    {"brk", BASE},
    {"futex", BASE},
    {"futex_time64", BASE},
    {"rseq", BASE},
    {"sched_yield", BASE},
    {"sched_getaffinity", BASE}, /* malloc asks how many processors there are */
    {"sysinfo", BASE},           /* qsort asks how much memory there is */
    {"prlimit64", BASE, {IS(2, 0)}},
    {"getrlimit", BASE},
    {"ugetrlimit", BASE},
    {"uname", BASE},
    {"getrandom", BASE},
    {"getpid", BASE},
    {"gettid", BASE},
    {"getuid", BASE},
    {"getuid32", BASE},
    {"geteuid", BASE},
    {"geteuid32", BASE},
    {"getgid", BASE},
    {"getgid32", BASE},
    {"getegid", BASE},
    {"getegid32", BASE},
    {"poll", BASE},
    {"ppoll", BASE},
    {"ppoll_time64", BASE},
    {"timerfd_create", BASE},
    {"timerfd_settime", BASE},
    {"timerfd_settime64", BASE},
    {"signalfd4", BASE},
    {"eventfd2", BASE},
    {"clock_gettime", BASE},
    {"clock_gettime64", BASE},
    {"clock_getres", BASE},
    {"gettimeofday", BASE},
    {"time", BASE},
    {"clock_nanosleep", BASE},
    {"clock_nanosleep_time64", BASE},
    {"nanosleep", BASE},
    {"wait4", BASE}, /* for the process that replaces a file */
    {"waitpid", BASE},
    {"rt_sigaction", BASE},
    {"rt_sigprocmask", BASE},
    {"rt_sigreturn", BASE},
    {"sigreturn", BASE},
    {"restart_syscall", BASE},
    {"exit", BASE},
    {"exit_group", BASE},
    {"ioctl", BASE, {IS(1, TIOCGWINSZ)}},
    {"ioctl", BASE, {IS(1, TCGETS)}}, /* isatty */
    {"fcntl", BASE, {IS(1, F_GETFL)}},
    {"fcntl", BASE, {IS(1, F_SETFL)}},
    {"fcntl", BASE, {IS(1, F_GETFD)}},
    {"fcntl", BASE, {IS(1, F_SETFD)}},
    {"fcntl64", BASE, {IS(1, F_GETFL)}},
    {"fcntl64", BASE, {IS(1, F_SETFL)}},
    {"fcntl64", BASE, {IS(1, F_GETFD)}},
    {"fcntl64", BASE, {IS(1, F_SETFD)}},

    {"sendto", NET | NAMES | REPLACE},
    {"send", NET | NAMES | REPLACE},
    {"sendmsg", NET | NAMES},
    {"sendmmsg", NET | NAMES},
    {"recvfrom", NET | NAMES | REPLACE},
    {"recv", NET | NAMES | REPLACE},
    {"recvmsg", NET | NAMES},
    {"recvmmsg", NET},
    {"recvmmsg_time64", NET},
    {"getsockopt", NET | NAMES},                                     /* libpcap's counters */
    {"setsockopt", NET, {IS(1, SOL_PACKET), IS(2, PACKET_RX_RING)}}, /* libpcap's end of its ring */
    {"ioctl", NET, {IS(1, SIOCGIFFLAGS)}}, /* libpcap, when the interface is down or gone */
    {"getsockname", NET | ROUTE | NAMES | PORTS},
    {"getpeername", NAMES},
    {"connect", ROUTE | NAMES | PORTS},
    {"bind", NAMES | PORTS},
    {"setsockopt", NAMES | PORTS},
    {"socket", NAMES | PORTS, {IS(0, AF_INET), SOCKET_TYPE(SOCK_DGRAM)}},
    {"socket", NAMES, {IS(0, AF_INET), SOCKET_TYPE(SOCK_STREAM)}},
    {"socket", NAMES, {IS(0, AF_INET6), SOCKET_TYPE(SOCK_DGRAM)}},
    {"socket", NAMES, {IS(0, AF_INET6), SOCKET_TYPE(SOCK_STREAM)}},

    {"open", NAMES | OPENING, {READ_ONLY(1)}},
    {"openat", NAMES | OPENING, {READ_ONLY(2)}},
    {"open", REPLACE},
    {"openat", REPLACE},
    {"stat", NAMES | OPENING | REPLACE},
    {"stat64", NAMES | OPENING | REPLACE},
    {"lstat", NAMES | OPENING | REPLACE},
    {"lstat64", NAMES | OPENING | REPLACE},
    {"access", NAMES | OPENING | REPLACE},
    {"faccessat", NAMES | OPENING | REPLACE},
    {"faccessat2", NAMES | OPENING | REPLACE},
    {"readlink", NAMES | OPENING | REPLACE},
    {"readlinkat", NAMES | OPENING | REPLACE},
    {"getcwd", OPENING | REPLACE},
    {"getdents64", OPENING | REPLACE},
    {"rename", REPLACE},
    {"renameat", REPLACE},
    {"renameat2", REPLACE},
    {"link", REPLACE},
    {"linkat", REPLACE},
    {"unlink", REPLACE},
    {"unlinkat", REPLACE},
    {"chmod", REPLACE},
    {"fchmod", REPLACE},
    {"fchmodat", REPLACE},
    {"chown", REPLACE},
    {"chown32", REPLACE},
    {"fchown", REPLACE},
    {"fchown32", REPLACE},
    {"fchownat", REPLACE},
    {"flock", REPLACE},
    {"ftruncate", REPLACE},
    {"ftruncate64", REPLACE},
    {"umask", REPLACE},

    /* Sockets of any kind and libraries: libpcap's and libnet's, and those of the name service
     * that /etc/nsswitch.conf names, where a filter has names in it. */
    {"socket", OPENING},
    {"socketpair", OPENING},
    {"connect", OPENING},
    {"bind", OPENING},
    {"setsockopt", OPENING},
    {"getsockopt", OPENING},
    {"getsockname", OPENING},
    {"getpeername", OPENING},
    {"shutdown", OPENING},
    {"sendto", OPENING},
    {"send", OPENING},
    {"sendmsg", OPENING},
    {"sendmmsg", OPENING},
    {"recvfrom", OPENING},
    {"recv", OPENING},
    {"recvmsg", OPENING},
    {"recvmmsg", OPENING},
    {"recvmmsg_time64", OPENING},
    {"socketcall", OPENING},
    {"mmap", OPENING},
    {"mmap2", OPENING},
    {"mprotect", OPENING},
    {"ioctl", OPENING},
    {"fcntl", OPENING},
    {"fcntl64", OPENING},
    {"dup", OPENING},
    {"dup2", OPENING},
    {"dup3", OPENING},
    {"pipe2", OPENING},
    {"epoll_create1", OPENING},
    {"epoll_ctl", OPENING},
    {"epoll_wait", OPENING},
    {"epoll_pwait", OPENING},
    {"statfs", OPENING},
    {"statfs64", OPENING},
    {"fstatfs", OPENING},
    {"fstatfs64", OPENING},
    {"getppid", OPENING},
    {"getresuid", OPENING},
    {"getresgid", OPENING},
    {"getgroups", OPENING},
    {"capget", OPENING},
    /* What the sandbox proper is made with. */
    {"capset", OPENING},
    {"prctl", OPENING},
    {"seccomp", OPENING},
    {"landlock_create_ruleset", OPENING},
    {"landlock_add_rule", OPENING},
    {"landlock_restrict_self", OPENING},
};

#ifndef WITHOUT_SECCOMP

static volatile sig_atomic_t refused = -1;

#ifdef RESULT

static void on_refusal(int number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;

    (void)number;
    refused = info->si_syscall;
    RESULT(at) = -EPERM;
}

static uint32_t refusal(void)
{
    struct sigaction action = {.sa_sigaction = on_refusal, .sa_flags = SA_SIGINFO | SA_NODEFER};

    return sigaction(SIGSYS, &action, NULL) == 0 ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(EPERM);
}

#else

static uint32_t refusal(void)
{
    return SCMP_ACT_ERRNO(EPERM);
}

#endif

static int add_rule(scmp_filter_ctx filter, const struct rule *r)
{
    struct scmp_arg_cmp compared[MAX_CONDITIONS];
    int call = seccomp_syscall_resolve_name(r->name);
    unsigned count = 0;

    if (call == __NR_SCMP_ERROR)
        return 0;
    for (; count < MAX_CONDITIONS && r->conditions[count].mask != 0; count++)
        compared[count] =
            (struct scmp_arg_cmp){r->conditions[count].argument, SCMP_CMP_MASKED_EQ,
                                  r->conditions[count].mask, r->conditions[count].value};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, count, compared);
}

/* A signal of our own to ourselves, as SIGTSTP becomes SIGSTOP, and abort's SIGABRT; no other
 * process gets one. */
static int allow_own_signals(scmp_filter_ctx filter)
{
    static struct rule own = {"tgkill", SANDBOX_BASE, {{0, ALL, 0}}};

    own.conditions[0].value = (uint64_t)getpid();
    return add_rule(filter, &own);
}

static bool restrict_calls(unsigned may)
{
    scmp_filter_ctx filter = seccomp_init(refusal());
    int failed = filter == NULL ? -1 : allow_own_signals(filter);

    for (size_t i = 0; i < sizeof rules / sizeof *rules && failed == 0; i++)
        if ((rules[i].may & may) != 0)
            failed = add_rule(filter, &rules[i]);
    if (failed == 0) {
        /* As far as the kernel has these: it logs what is refused, and finds a call in a tree. */
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        failed = seccomp_load(filter);
    }
    if (filter != NULL)
        seccomp_release(filter);
    return failed == 0;
}

const char *sandbox_refused(void)
{
    static char *name;

    if (refused >= 0 && name == NULL)
        name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, refused);
    return name;
}

#else

static bool restrict_calls(unsigned may)
{
    (void)may;
    (void)rules;
    return false;
}

const char *sandbox_refused(void)
{
    return NULL;
}

#endif

/* struct landlock_ruleset_attr of the newest version that is known here: Debian's headers are
 * older. A kernel takes it if what it does not know is 0. */
struct landlock_rights {
    uint64_t files, ports, scopes;
};

/* Of landlock's rights: those to read a file and to list a directory. */
#define LANDLOCK_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

enum {
    LANDLOCK_BIND_TCP = 1 << 0,
    LANDLOCK_CONNECT_TCP = 1 << 1,
    LANDLOCK_ALL_SCOPES = 3, /* abstract Unix sockets, signals */
};

/* All that version VERSION can take away. */
static struct landlock_rights rights_of(int version)
{
    static const uint8_t file_bits[] = {0, 13, 14, 15, 15, 16};
    int last = sizeof file_bits - 1;

    return (struct landlock_rights){
        .files = (UINT64_C(1) << file_bits[version < last ? version : last]) - 1,
        .ports = version >= 4 ? LANDLOCK_BIND_TCP | LANDLOCK_CONNECT_TCP : 0,
        .scopes = version >= 6 ? LANDLOCK_ALL_SCOPES : 0,
    };
}

/* Leaves RIGHTS to PLACE, a file or a directory with all below it, and closes that. What is not
 * there needs none. */
static void allow(int ruleset, int place, uint64_t rights)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = rights, .parent_fd = place};

    if (place < 0)
        return;
    (void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    close(place);
}

/* The directory of PATH; of what it leads to, if it is a symbolic link. */
static int directory_of(const char *path)
{
    char *target = realpath(path, NULL);
    int directory = target != NULL ? open(dirname(target), O_PATH | O_CLOEXEC) : -1;

    free(target);
    return directory;
}

/* The version that is in force, or 0. */
static int restrict_files(unsigned may, int directory)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_rights rights;
    int ruleset;
    long failed;

    if (version < 1)
        return 0;
    rights = rights_of((int)version);
    /* The DNS falls back to TCP, for answers that are too long. */
    if ((may & SANDBOX_NAMES) != 0)
        rights.ports &= ~(uint64_t)LANDLOCK_CONNECT_TCP;
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &rights, sizeof rights, 0);
    if (ruleset < 0)
        return 0;
    if ((may & SANDBOX_NAMES) != 0) {
        allow(ruleset, open("/etc", O_PATH | O_CLOEXEC), LANDLOCK_READ);
        /* It is often a link to where another program keeps it. */
        allow(ruleset, directory_of("/etc/resolv.conf"), LANDLOCK_READ);
        /* Without it c-ares 1.18 says nothing, and numbers its queries the same in every run. */
        allow(ruleset, open("/dev/urandom", O_PATH | O_CLOEXEC), LANDLOCK_ACCESS_FS_READ_FILE);
    }
    if ((may & SANDBOX_REPLACE) != 0)
        allow(ruleset, openat(directory, ".", O_PATH | O_CLOEXEC), rights.files);
#ifdef WITHOUT_SECCOMP
    allow(ruleset, open("/proc", O_PATH | O_CLOEXEC), LANDLOCK_READ);
#endif
    failed = syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
    return failed == 0 ? (int)version : 0;
}

struct sandbox_state sandbox_enter(unsigned may, int directory)
{
    struct sandbox_state state = {0};

    if ((may & SANDBOX_OPENING) == 0)
        state.landlock = restrict_files(may, directory);
    state.seccomp = restrict_calls(may);
    return state;
}
