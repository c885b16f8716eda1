#include "lab_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"

enum {
    MAX_ARGS = 16
};

int lab_own_path(char path[static PATH_MAX], struct error *error)
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

    if (n < 0)
        return error_set(error, EX_OSERR, errno, "cannot find teredoctl's own path");
    path[n] = '\0';
    return 0;
}

static int read_output(void *context, struct pollfd ready, struct error *error)
{
    struct lab_program *p = context;
    char buf[4096];
    ssize_t n = read(ready.fd, buf, sizeof buf);
    const char *end;
    size_t used;

    (void)error;
    if (n <= 0) {
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        loop_unwatch(topology_loop(p->topology), ready.fd);
        close(ready.fd);
        p->out = -1;
        topology_stop(p->topology);
        return 0;
    }
    if (p->has_line)
        return 0;
    end = memchr(buf, '\n', (size_t)n);
    used = strlen(p->line);
    snprintf(p->line + used, sizeof p->line - used, "%.*s",
             (int)(end != NULL ? end - buf : (ptrdiff_t)n), buf);
    if (end != NULL) {
        p->has_line = true;
        topology_stop(p->topology);
    }
    return 0;
}

static int spawn_with_pipe(struct topology *t, struct lab_program *program, enum lab_host host,
                           char *const argv[], struct error *error)
{
    int fds[2];
    struct spawn spawn = {.argv = argv, .stdio = {-1, -1, -1}};
    int null;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return error_set(error, EX_OSERR, errno, "cannot make a pipe");
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    spawn.stdio[0] = null;
    spawn.stdio[1] = fds[1];
    program->pid = topology_spawn(t, host, &spawn, error);
    program->out = fds[0];
    close(fds[1]);
    if (null >= 0)
        close(null);
    return program->pid < 0 ? -1 : 0;
}

int lab_start(struct topology *t, struct lab_program *program, enum lab_host host, const char *path,
              const char *const argv[], double seconds, struct error *error)
{
    char *args[MAX_ARGS] = {(char *)path};
    nsec until = clock_now() + (nsec)(seconds * 1e9);
    struct loop_watch watch = {.events = POLLIN, .ready = read_output, .context = program};

    *program = (struct lab_program){.topology = t, .out = -1};
    for (int i = 0; argv[i] != NULL && i + 2 < MAX_ARGS; i++)
        args[i + 1] = (char *)argv[i];
    if (spawn_with_pipe(t, program, host, args, error) != 0)
        return -1;
    watch.fd = program->out;
    if (loop_watch(topology_loop(t), &watch, error) != 0)
        return -1;
    while (!program->has_line && program->out >= 0) {
        enum topology_end end = topology_run(t, 0, until, NULL, error);

        if (end == TOPOLOGY_FAILED)
            return -1;
        if (end == TOPOLOGY_INTERRUPTED)
            return error_set(error, 128 + topology_signal(t), 0, "interrupted");
        if (end == TOPOLOGY_TIMED_OUT)
            break;
    }
    return 0;
}

int lab_run(struct topology *t, enum lab_host host, const char *own_path, char *const argv[],
            const char *server, const char *peer, int out, struct error *error)
{
    char server_env[64], peer_env[64 + INET6_ADDRSTRLEN], path[PATH_MAX + 4096];
    const char *old_path = getenv("PATH"), *slash = strrchr(own_path, '/');
    const char *env[] = {server_env, peer_env, "TEREDO_EXTRA_PORT=" LAB_EXTRA_PORT, NULL};
    struct spawn spawn = {.argv = argv, .env = env, .stdio = {-1, out, -1}, .foreground = true};
    enum topology_end end;
    int status = 0;
    pid_t pid;

    snprintf(server_env, sizeof server_env, "TEREDO_SERVER=%s", server);
    snprintf(peer_env, sizeof peer_env, "TEREDO_PEER=%s", peer);
    /* `teredoctl` in the command is this one. */
    snprintf(path, sizeof path, "%.*s:%s", slash != NULL ? (int)(slash - own_path) : 1,
             slash != NULL ? own_path : ".", old_path != NULL ? old_path : "/usr/bin:/bin");
    setenv("PATH", path, 1);
    fflush(stdout);
    pid = topology_spawn(t, host, &spawn, error);
    if (pid < 0 || topology_seal(t, error) != 0)
        return -1;
    do {
        end = topology_run(t, pid, NSEC_NEVER, &status, error);
    } while (end == TOPOLOGY_STOPPED || end == TOPOLOGY_TIMED_OUT);
    if (end == TOPOLOGY_FAILED)
        return -1;
    if (end == TOPOLOGY_INTERRUPTED)
        return 128 + topology_signal(t);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
