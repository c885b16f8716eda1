/* Lets one call of the C library fail, for a program that it is loaded into (LD_PRELOAD):
 *
 *     FAULT=CALL:N:ERRNO    the Nth call of CALL, from 1 on, fails with ERRNO
 *     FAULT=count           at the end, a line "fault NAME CALLS" on standard error for each
 *
 * What the C library calls itself, such as the write behind fflush, is not met: fflush is. */
#undef _FORTIFY_SOURCE /* whose headers define these calls themselves */
#include <dlfcn.h>
#include <errno.h>
#include <ifaddrs.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define CALLS(X)       \
    X(socket)          \
    X(bind)            \
    X(connect)         \
    X(setsockopt)      \
    X(getsockname)     \
    X(sendmsg)         \
    X(sendmmsg)        \
    X(recvmsg)         \
    X(recvmmsg)        \
    X(poll)            \
    X(timerfd_create)  \
    X(timerfd_settime) \
    X(signalfd)        \
    X(open)            \
    X(openat)          \
    X(read)            \
    X(fcntl)           \
    X(ioctl)           \
    X(fopen)           \
    X(fdopen)          \
    X(fflush)          \
    X(fclose)          \
    X(fopencookie)     \
    X(open_memstream)  \
    X(renameat)        \
    X(fchmod)          \
    X(ftruncate)       \
    X(flock)           \
    X(getrandom)       \
    X(pipe2)           \
    X(fork)            \
    X(getifaddrs)      \
    X(prctl)           \
    X(cap_set_proc)    \
    X(setresuid)       \
    X(setgroups)       \
    X(malloc)          \
    X(calloc)          \
    X(realloc)

enum call {
#define ENUM(name) CALL_##name,
    CALLS(ENUM) CALL_COUNT
};

static const char *const names[CALL_COUNT] = {
#define NAME(name) [CALL_##name] = #name,
    CALLS(NAME)};

static unsigned long counts[CALL_COUNT];
static void *reals[CALL_COUNT];
static int failing = -1, failing_errno;
static unsigned long failing_at;
static bool counting;

/* Of the allocator that dlsym itself needs. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

__attribute__((constructor)) static void begin(void)
{
    const char *fault = getenv("FAULT");

    if (fault == NULL)
        return;
    if (strcmp(fault, "count") == 0) {
        counting = true;
    } else {
        size_t size = strcspn(fault, ":");
        char *rest = NULL;

        for (int i = 0; i < CALL_COUNT; i++)
            if (strlen(names[i]) == size && memcmp(names[i], fault, size) == 0)
                failing = i;
        if (fault[size] == ':')
            failing_at = strtoul(fault + size + 1, &rest, 10);
        if (rest != NULL && *rest == ':')
            failing_errno = (int)strtoul(rest + 1, NULL, 10);
        memset(counts, 0, sizeof counts);
    }
    /* No child is to fail in the same place, nor to count. */
    unsetenv("FAULT");
}

__attribute__((destructor)) static void end(void)
{
    for (int i = 0; counting && i < CALL_COUNT; i++)
        if (counts[i] > 0)
            dprintf(2, "fault %s %lu\n", names[i], counts[i]);
}

/* libseccomp makes some thousand allocations, and crashes where one of some fails, as does libpcap
 * where it compiles a filter: nothing that a caller could overcome. */
static bool is_left_alone(const void *caller)
{
    Dl_info info;

    return dladdr(caller, &info) != 0 && info.dli_fname != NULL &&
           (strstr(info.dli_fname, "libseccomp") != NULL ||
            strstr(info.dli_fname, "libpcap") != NULL);
}

/* In a wrapper: whether this call of its caller is to fail. */
#define fails(call) fails_for((call), __builtin_return_address(0))

static bool fails_for(enum call call, const void *caller)
{
    unsigned long n;

    if (call >= CALL_malloc && is_left_alone(caller))
        return false;
    n = __atomic_add_fetch(&counts[call], 1, __ATOMIC_RELAXED);
    if ((int)call != failing || n != failing_at)
        return false;
    errno = failing_errno;
    return true;
}

static void *real(enum call call)
{
    if (reals[call] == NULL)
        reals[call] = dlsym(RTLD_NEXT, names[call]);
    return reals[call];
}

#define REAL(name) ((__typeof__(&(name)))real(CALL_##name))
#define WRAP(type, name, failure, parameters, ...)                       \
    type name parameters                                                 \
    {                                                                    \
        return fails(CALL_##name) ? (failure) : REAL(name)(__VA_ARGS__); \
    }

WRAP(int, socket, -1, (int domain, int type, int protocol), domain, type, protocol)
WRAP(int, bind, -1, (int fd, const struct sockaddr *address, socklen_t size), fd, address, size)
WRAP(int, connect, -1, (int fd, const struct sockaddr *address, socklen_t size), fd, address, size)
WRAP(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t size), fd,
     level, name, value, size)
WRAP(int, getsockname, -1, (int fd, struct sockaddr *address, socklen_t *size), fd, address, size)
WRAP(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), fd, message, flags)
WRAP(int, sendmmsg, -1, (int fd, struct mmsghdr *messages, unsigned count, int flags), fd, messages,
     count, flags)
WRAP(ssize_t, recvmsg, -1, (int fd, struct msghdr *message, int flags), fd, message, flags)
WRAP(int, recvmmsg, -1,
     (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout), fd,
     messages, count, flags, timeout)
WRAP(int, poll, -1, (struct pollfd * fds, nfds_t count, int timeout), fds, count, timeout)
WRAP(int, timerfd_create, -1, (int clock, int flags), clock, flags)
WRAP(int, timerfd_settime, -1,
     (int fd, int flags, const struct itimerspec *new, struct itimerspec *old), fd, flags, new, old)
extern int signalfd(int fd, const sigset_t *mask, int flags);
WRAP(int, signalfd, -1, (int fd, const sigset_t *mask, int flags), fd, mask, flags)
WRAP(ssize_t, read, -1, (int fd, void *buffer, size_t size), fd, buffer, size)
WRAP(FILE *, fopen, NULL, (const char *name, const char *mode), name, mode)
WRAP(FILE *, fdopen, NULL, (int fd, const char *mode), fd, mode)
WRAP(FILE *, fopencookie, NULL, (void *cookie, const char *mode, cookie_io_functions_t f), cookie,
     mode, f)
WRAP(FILE *, open_memstream, NULL, (char **text, size_t *size), text, size)
WRAP(int, renameat, -1, (int from_dir, const char *from, int to_dir, const char *to), from_dir,
     from, to_dir, to)
extern int fchmod(int fd, mode_t mode);
WRAP(int, fchmod, -1, (int fd, mode_t mode), fd, mode)
WRAP(int, ftruncate, -1, (int fd, off_t size), fd, size)
extern int flock(int fd, int operation);
WRAP(int, flock, -1, (int fd, int operation), fd, operation)
extern ssize_t getrandom(void *buffer, size_t size, unsigned flags);
WRAP(ssize_t, getrandom, -1, (void *buffer, size_t size, unsigned flags), buffer, size, flags)
WRAP(int, pipe2, -1, (int ends[2], int flags), ends, flags)
WRAP(int, getifaddrs, -1, (struct ifaddrs * *list), list)
extern int cap_set_proc(void *capabilities);
WRAP(int, cap_set_proc, -1, (void *capabilities), capabilities)
WRAP(int, setresuid, -1, (uid_t r, uid_t e, uid_t s), r, e, s)
extern int setgroups(size_t count, const gid_t *list);
WRAP(int, setgroups, -1, (size_t count, const gid_t *list), count, list)

/* What is in the buffer is lost with a disk that is full; the stream knows that it is. */
int fflush(FILE *file)
{
    if (!fails(CALL_fflush))
        return REAL(fflush)(file);
    return EOF;
}

int fclose(FILE *file)
{
    bool failed = fails(CALL_fclose);
    int errnum = errno, result = REAL(fclose)(file);

    errno = errnum;
    return failed ? EOF : result;
}

/* Of the calls with one more argument, or none, that is passed on as it is. */
#define WRAP_VARIADIC(name, parameters, last, ...)                      \
    extern int name parameters;                                         \
    int name parameters                                                 \
    {                                                                   \
        va_list arguments;                                              \
        long more;                                                      \
                                                                        \
        va_start(arguments, last);                                      \
        more = va_arg(arguments, long);                                 \
        va_end(arguments);                                              \
        return fails(CALL_##name) ? -1 : REAL(name)(__VA_ARGS__, more); \
    }

WRAP_VARIADIC(open, (const char *name, int flags, ...), flags, name, flags)
WRAP_VARIADIC(openat, (int dir, const char *name, int flags, ...), flags, dir, name, flags)
WRAP_VARIADIC(fcntl, (int fd, int command, ...), command, fd, command)
WRAP_VARIADIC(ioctl, (int fd, unsigned long request, ...), request, fd, request)

pid_t fork(void)
{
    return fails(CALL_fork) ? -1 : REAL(fork)();
}

extern int prctl(int option, ...);
int prctl(int option, ...)
{
    va_list arguments;
    unsigned long a[4];

    va_start(arguments, option);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(arguments, unsigned long);
    va_end(arguments);
    return fails(CALL_prctl) ? -1 : REAL(prctl)(option, a[0], a[1], a[2], a[3]);
}

/* What _FORTIFY_SOURCE makes of these calls. */
extern int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room)
{
    (void)room;
    return poll(fds, count, timeout);
}

extern int __open_2(const char *name, int flags);
int __open_2(const char *name, int flags)
{
    return open(name, flags, 0);
}

void *malloc(size_t size)
{
    return fails(CALL_malloc) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(CALL_calloc) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails(CALL_realloc) ? NULL : __libc_realloc(old, size);
}
