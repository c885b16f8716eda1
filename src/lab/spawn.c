#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "netns.h"

/* What the children tell over a pipe: how far they came, and a process number or an errno. */
enum stage {
    STAGE_STARTED,
    STAGE_NAMESPACE,
    STAGE_STDIO,
    STAGE_EXEC,
};

struct report {
    int stage;
    int value;
};

static void send_report(int fd, enum stage stage, int value)
{
    struct report r = {(int)stage, value};

    while (write(fd, &r, sizeof r) < 0 && errno == EINTR)
        continue;
}

__attribute__((noreturn)) static void fail(int fd, enum stage stage)
{
    send_report(fd, stage, errno);
    _exit(127);
}

static char **make_environment(const char *const *extra)
{
    size_t count = 0, more = 0, n = 0;
    char **env;

    while (environ[count] != NULL)
        count++;
    while (extra != NULL && extra[more] != NULL)
        more++;
    env = calloc(count + more + 1, sizeof *env);
    if (env == NULL)
        return NULL;
    for (size_t i = 0; i < more; i++)
        env[n++] = (char *)extra[i];
    for (size_t i = 0; i < count; i++) {
        bool replaced = false;

        for (size_t j = 0; j < more; j++) {
            size_t name = strcspn(extra[j], "=") + 1;

            replaced = replaced || strncmp(environ[i], extra[j], name) == 0;
        }
        if (!replaced)
            env[n++] = environ[i];
    }
    return env;
}

/* The handlers go with the old program; what is ignored or blocked would stay so. Only what we do
 * ourselves is undone: a signal that our own parent ignores (nohup) stays ignored. */
static void reset_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;

    sigaction(SIGPIPE, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Puts the chosen descriptors at 0, 1 and 2. Two passes, so that none is overwritten before its
 * turn. */
static int place_stdio(const int stdio[3])
{
    int moved[3];

    for (int i = 0; i < 3; i++) {
        moved[i] = stdio[i] < 0 ? -1 : fcntl(stdio[i], F_DUPFD_CLOEXEC, 3);
        if (stdio[i] >= 0 && moved[i] < 0)
            return -1;
    }
    for (int i = 0; i < 3; i++)
        if (moved[i] >= 0 && dup2(moved[i], i) < 0)
            return -1;
    return 0;
}

/* Without a /proc of its own, the program would find other processes under its numbers there.
 * Containers may forbid the mount, which is no error. */
static void mount_proc(void)
{
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
        (void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

__attribute__((noreturn)) static void become_program(const struct spawn *program, char **env,
                                                     int reports)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!program->foreground)
        setpgid(0, 0);
    mount_proc();
    reset_signals();
    if (place_stdio(program->stdio) < 0)
        fail(reports, STAGE_STDIO);
    execvpe(program->argv[0], program->argv, env);
    fail(reports, STAGE_EXEC);
}

/* A process is in the process namespace that it was born into, so that the one that enters the
 * namespace is not the one that runs the program. It makes that one our child (CLONE_PARENT). */
__attribute__((noreturn)) static void enter_and_clone(const struct spawn *program, char **env,
                                                      int netns, int pidns, int reports)
{
    pid_t pid;

    if (setns(netns, CLONE_NEWNET) < 0 || setns(pidns, CLONE_NEWPID) < 0)
        fail(reports, STAGE_NAMESPACE);
    pid = clone_process(CLONE_PARENT);
    if (pid == 0)
        become_program(program, env, reports);
    if (pid < 0)
        fail(reports, STAGE_NAMESPACE);
    send_report(reports, STAGE_STARTED, pid);
    _exit(0);
}

static int explain(const struct spawn *program, const struct report *r, struct error *error)
{
    int status = EX_OSERR;

    if (r->stage == STAGE_EXEC)
        status = r->value == ENOENT ? 127 : 126;
    return error_set(error, status, r->value, "cannot run %s in the lab", program->argv[0]);
}

/* Reads until both children have gone on: to the program, or to their end. */
static pid_t read_reports(const struct spawn *program, int fd, struct error *error)
{
    struct report r;
    pid_t pid = -1;
    int failed = 0;
    ssize_t n;

    do {
        n = read(fd, &r, sizeof r);
        if (n != (ssize_t)sizeof r)
            continue;
        if (r.stage == STAGE_STARTED)
            pid = r.value;
        else
            failed = explain(program, &r, error);
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (pid < 0 && failed == 0)
        return error_set(error, EX_OSERR, 0, "cannot run %s in the lab", program->argv[0]);
    if (failed == 0)
        return pid;
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return -1;
}

pid_t spawn_program(const struct spawn *program, int netns, int pidns, struct error *error)
{
    char **env = make_environment(program->env);
    int ends[2];
    pid_t helper, pid = -1;

    if (env == NULL)
        return error_set(error, EX_OSERR, errno, "cannot allocate memory");
    if (pipe2(ends, O_CLOEXEC) < 0) {
        free(env);
        return error_set(error, EX_OSERR, errno, "cannot make a pipe");
    }
    helper = clone_process(0);
    if (helper == 0)
        enter_and_clone(program, env, netns, pidns, ends[1]);
    close(ends[1]);
    if (helper < 0)
        error_set(error, EX_OSERR, errno, "cannot make a process");
    else
        pid = read_reports(program, ends[0], error);
    if (helper > 0)
        waitpid(helper, NULL, 0);
    close(ends[0]);
    free(env);
    return pid;
}
