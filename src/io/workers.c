#include "workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    READING,
    WRITING,
};

/* What comes to the whole group, a terminal's or a service's, is meant for the first: the others
 * end when it does. */
static void leave_signals_to_first(void)
{
    static const int left[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1};

    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        signal(left[i], SIG_IGN);
}

static void become_worker(struct workers *w, unsigned self)
{
    leave_signals_to_first();
    memset(w->pids, 0, sizeof w->pids);
    w->self = self;
}

/* Forks until this process is one of the others, or there are enough. */
static int fork_others(struct workers *w, struct error *error)
{
    for (unsigned i = 1; i < w->count; i++) {
        pid_t pid = fork();

        if (pid < 0)
            return error_set(error, EX_OSERR, errno, "cannot make a process");
        if (pid == 0) {
            become_worker(w, i);
            return 0;
        }
        w->pids[i] = pid;
    }
    return 0;
}

int workers_fork(struct workers *w, unsigned count, struct error *error)
{
    int life[2], readiness[2], failed;

    *w = (struct workers){.count = 1};
    if (count == 1)
        return 0;
    if (pipe2(life, O_CLOEXEC) != 0)
        return error_set(error, EX_OSERR, errno, "cannot make a pipe");
    if (pipe2(readiness, O_CLOEXEC) != 0) {
        error_set(error, EX_OSERR, errno, "cannot make a pipe");
        close(life[READING]);
        close(life[WRITING]);
        return -1;
    }
    w->count = count;
    failed = fork_others(w, error);
    w->life = w->self == 0 ? life[WRITING] : life[READING];
    w->readiness = w->self == 0 ? readiness[READING] : readiness[WRITING];
    close(w->self == 0 ? life[READING] : life[WRITING]);
    close(w->self == 0 ? readiness[WRITING] : readiness[READING]);
    return failed;
}

/* Nothing is ever written: the first process has closed its end, or is gone. */
static int first_has_ended(void *context, struct pollfd ready, struct error *error)
{
    const struct workers *w = context;

    (void)error;
    loop_unwatch(w->loop, ready.fd);
    loop_stop(w->loop);
    return 0;
}

static void other_has_ended(void *context, pid_t pid, int status)
{
    struct workers *w = context;
    unsigned i = 1;

    while (w->pids[i] != pid)
        i++;
    w->pids[i] = 0;
    /* Why one ends by itself it has said. */
    if (WIFSIGNALED(status))
        error_set(&w->failure, EX_OSERR, 0, "worker %u of %u was ended by a signal: %s", i + 1,
                  w->count, strsignal(WTERMSIG(status)));
    else
        error_set(&w->failure, WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EX_OSERR, 0,
                  "worker %u of %u has ended", i + 1, w->count);
    loop_stop(w->loop);
}

int workers_watch(struct workers *w, struct loop *loop, struct error *error)
{
    struct loop_watch watch = {
        .fd = w->life, .events = POLLIN, .ready = first_has_ended, .context = w};

    w->loop = loop;
    if (w->self > 0)
        return loop_watch(loop, &watch, error);
    for (unsigned i = 1; i < w->count; i++)
        if (loop_on_child(loop, w->pids[i], other_has_ended, w, error) != 0)
            return -1;
    return 0;
}

/* Closes this process's end of the pipe, which is descriptor 0 nowhere: main occupies that. */
static void close_end(int *fd)
{
    if (*fd > 0)
        close(*fd);
    *fd = 0;
}

void workers_ready(struct workers *w)
{
    char nothing;

    /* The end comes once nobody has the other end any more. */
    while (w->self == 0 && w->count > 1 && read(w->readiness, &nothing, 1) < 0 && errno == EINTR)
        continue;
    close_end(&w->readiness);
}

int workers_check(const struct workers *w, struct error *error)
{
    if (w->failure.status == 0)
        return 0;
    *error = w->failure;
    return -1;
}

void workers_end(struct workers *w)
{
    close_end(&w->readiness);
    close_end(&w->life);
    for (unsigned i = 1; i < w->count; i++)
        while (w->pids[i] > 0 && waitpid(w->pids[i], NULL, 0) < 0 && errno == EINTR)
            continue;
    memset(w->pids, 0, sizeof w->pids);
}
