#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

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

static int spawn_with_pipe(struct lab_program *program, char *const argv[], struct error *error)
{
    int fds[2];
    struct spawn spawn = {.argv = argv, .stdio = {-1, -1, -1}};
    int null;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return error_set(error, EX_OSERR, errno, "cannot make a pipe");
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    spawn.stdio[0] = null;
    spawn.stdio[1] = fds[1];
    pid = topology_spawn(program->topology, program->host, &spawn, error);
    program->out = fds[0];
    close(fds[1]);
    if (null >= 0)
        close(null);
    return pid < 0 ? -1 : 0;
}

int lab_program_start(struct lab_program *p, char *const argv[], nsec until, struct error *error)
{
    struct loop_watch watch = {.events = POLLIN, .ready = read_output, .context = p};

    p->out = -1;
    p->has_line = false;
    if (spawn_with_pipe(p, argv, error) != 0)
        return -1;
    watch.fd = p->out;
    if (loop_watch(topology_loop(p->topology), &watch, error) != 0)
        return -1;
    while (!p->has_line && p->out >= 0) {
        enum topology_end end = topology_run(p->topology, 0, until, NULL, error);

        if (end == TOPOLOGY_FAILED)
            return -1;
        if (end == TOPOLOGY_INTERRUPTED)
            return error_set(error, 128 + topology_signal(p->topology), 0, "interrupted");
        if (end == TOPOLOGY_TIMED_OUT)
            break;
    }
    return 0;
}
