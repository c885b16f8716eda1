#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static const char own_network[] = "/proc/thread-self/ns/net";

static int write_text(const char *path, const char *text, struct error *error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = -1;

    if (fd >= 0)
        n = write(fd, text, strlen(text));
    if (n < 0)
        error_set(error, EX_NOPERM, errno, "cannot write %s", path);
    if (fd >= 0)
        close(fd);
    return n < 0 ? -1 : 0;
}

/* Says what may stand in the way of an ordinary user, which differs by system. */
static int hint_at(struct error *error, int errnum)
{
    if (errnum == ENOSPC || errnum == EUSERS)
        return error_hint(error, "run as root, or allow user namespaces: "
                                 "sysctl user.max_user_namespaces=1000");
    if (errnum == EINVAL)
        return error_hint(error, "run as root: this kernel has no user namespaces");
    return error_hint(error, "run as root, or allow user namespaces: sysctl "
                             "kernel.unprivileged_userns_clone=1 (Debian) or "
                             "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a "
                             "container, give it CAP_SYS_ADMIN and CAP_NET_ADMIN");
}

static int refused(struct error *error, int errnum)
{
    error_set(error, EX_NOPERM, errnum, "cannot make a user namespace for the lab");
    return hint_at(error, errnum);
}

/* Maps one identifier of this process, for good, to root's. */
static int map_to_root(const char *path, unsigned id, struct error *error)
{
    char map[64];

    snprintf(map, sizeof map, "0 %u 1", id);
    return write_text(path, map, error) < 0 ? hint_at(error, EPERM) : 0;
}

static int become_root_of_user_namespace(struct error *error)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(CLONE_NEWUSER) < 0)
        return refused(error, errno);
    /* A program with capabilities on its file does not own its own /proc/self, unless it asks to.
     * Those capabilities are gone: they were of the user namespace that it has just left. */
    prctl(PR_SET_DUMPABLE, 1);
    /* The kernel asks for this before a user without privileges may map a group. */
    if (write_text("/proc/self/setgroups", "deny", error) < 0)
        return hint_at(error, EPERM);
    if (map_to_root("/proc/self/uid_map", uid, error) < 0)
        return -1;
    return map_to_root("/proc/self/gid_map", gid, error);
}

int netns_enter(struct error *error)
{
    if (unshare(CLONE_NEWNET) == 0)
        return 0;
    if (errno != EPERM)
        return error_set(error, EX_OSERR, errno, "cannot make a network namespace");
    if (become_root_of_user_namespace(error) < 0)
        return -1;
    return unshare(CLONE_NEWNET) == 0 ? 0 : refused(error, errno);
}

int netns_current(struct error *error)
{
    int fd = open(own_network, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        error_set(error, EX_OSERR, errno, "cannot open %s", own_network);
    return fd;
}

int netns_set(int ns, struct error *error)
{
    return setns(ns, 0) == 0 ? 0 : error_set(error, EX_OSERR, errno, "cannot enter a namespace");
}

int netns_new(struct error *error)
{
    int home = netns_current(error);
    int ns = -1;

    if (home < 0)
        return -1;
    if (unshare(CLONE_NEWNET) < 0)
        error_set(error, EX_OSERR, errno, "cannot make a network namespace");
    else
        ns = netns_current(error);
    if (netns_set(home, error) < 0 && ns >= 0) {
        close(ns);
        ns = -1;
    }
    close(home);
    return ns;
}

pid_t clone_process(unsigned long flags)
{
#if defined(__s390__) || defined(__CRIS__)
    return (pid_t)syscall(SYS_clone, NULL, flags | SIGCHLD, NULL, NULL, 0);
#else
    return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
#endif
}

/* The first process of the namespace: waits for the end of the lifeline, and lets the kernel reap
 * the orphans that it inherits. */
static void keep_namespace(int lifeline)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    char byte;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigaction(SIGCHLD, &ignore, NULL);
    /* Nothing else may stay open here: neither the write end nor anybody's standard output. */
    if (dup2(lifeline, 0) == 0)
        close_range(1, ~0U, 0);
    while (read(0, &byte, 1) < 0 && errno == EINTR)
        continue;
    _exit(0);
}

int pidns_open(struct pidns *p, struct error *error)
{
    char path[64];
    int ends[2];

    *p = (struct pidns){.ns = -1, .lifeline = -1, .init = -1};
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set(error, EX_OSERR, errno, "cannot make a pipe");
    p->init = clone_process(CLONE_NEWPID);
    if (p->init == 0)
        keep_namespace(ends[0]);
    close(ends[0]);
    p->lifeline = ends[1];
    if (p->init < 0) {
        error_set(error, EX_OSERR, errno, "cannot make a process namespace");
        pidns_close(p);
        return -1;
    }
    snprintf(path, sizeof path, "/proc/%d/ns/pid", p->init);
    p->ns = open(path, O_RDONLY | O_CLOEXEC);
    if (p->ns < 0) {
        error_set(error, EX_OSERR, errno, "cannot open %s", path);
        pidns_close(p);
        return -1;
    }
    return 0;
}

void pidns_kill(const struct pidns *p)
{
    if (p->init > 0)
        kill(p->init, SIGKILL);
}

void pidns_close(struct pidns *p)
{
    pidns_kill(p);
    if (p->ns >= 0)
        close(p->ns);
    if (p->lifeline >= 0)
        close(p->lifeline);
    while (p->init > 0 && waitpid(p->init, NULL, 0) < 0 && errno == EINTR)
        continue;
    *p = (struct pidns){.ns = -1, .lifeline = -1, .init = -1};
}
