#include "replace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "output_file.h"
#include "privilege.h"
#include "sandbox.h"

enum {
    PERMISSIONS = 0777,
    MOST_TRIES = 200, /* to get the file beside, which another run has for a moment */
    PAUSE = 10 * 1000 * 1000,
};

/* The new file is made by a process of its own, the helper, that was started while the program had
 * all of its privileges: the program itself gives them up before it hears from the network, and by
 * then may be nobody, without the right to create, chown or rename anything. The helper takes bytes
 * and looks into none; it reaches no directory but the file's, and ends with the program. */
struct replace_file {
    struct output_file file;
    int fd;       /* of what is written in place; or -1 */
    int channel;  /* to the helper */
    pid_t helper; /* or 0 */
};

/* What the helper answers. */
struct answer {
    int result;
    struct error error;
};

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

/* All of it, or -1 where the other end is gone. */
static int receive_all(int fd, void *data, size_t size)
{
    for (char *p = data; size > 0;) {
        ssize_t n = recv(fd, p, size, MSG_WAITALL);

        if (n == 0 || (n < 0 && errno != EINTR))
            return -1;
        if (n > 0) {
            p += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int send_all(int fd, const void *data, size_t size)
{
    for (const char *p = data; size > 0;) {
        ssize_t n = send(fd, p, size, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            p += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

/* Whether NAME still is the file of FD, whose lock we have. */
static bool is_same(int directory, const char *name, int fd)
{
    struct stat at, open;

    return fstatat(directory, name, &at, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &open) == 0 &&
           at.st_dev == open.st_dev && at.st_ino == open.st_ino;
}

/* Removes NAME if no run is at work on it: whoever is has its lock, which ends with him, even by
 * SIGKILL. False if it is in the way for good. */
static bool remove_left(int directory, const char *name)
{
    const struct timespec pause = {.tv_nsec = PAUSE};
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool done = true;

    /* A symbolic link or a socket is nobody's work. */
    if (fd < 0 && (errno == ELOOP || errno == ENXIO))
        return unlinkat(directory, name, 0) == 0;
    if (fd < 0)
        return errno == ENOENT;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        nanosleep(&pause, NULL);
    else if (is_same(directory, name, fd))
        done = unlinkat(directory, name, 0) == 0;
    close(fd);
    return done;
}

/* Creates NAME beside the file, locked; the descriptor, or -1. */
static int create(const struct output_file *f, const char *name)
{
    /* Nobody reads the new file who might not read the old one. */
    mode_t mode = f->exists ? 0600 : 0666;

    for (int i = 0; i < MOST_TRIES; i++) {
        int fd = openat(f->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_same(f->directory, name, fd))
            return fd;
        if (fd >= 0)
            close(fd);
        else if (errno != EEXIST || !remove_left(f->directory, name))
            return -1;
    }
    errno = EBUSY;
    return -1;
}

/* The new file has the owner and the mode of the one that it replaces. */
static int adopt(int fd, const struct stat *old)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return -1;
    if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid) &&
        fchown(fd, old->st_uid, old->st_gid) != 0)
        return -1;
    return fchmod(fd, old->st_mode & PERMISSIONS);
}

/* Replaces the file by DATA, of SIZE bytes. */
static int replace(struct output_file *f, const char *data, size_t size, struct error *error)
{
    char *name = NULL;
    int fd, status = 0;

    /* It may have come, gone, or be of another mode since. */
    if (output_file_look_again(f, error) != 0)
        return -1;
    /* Hidden, and not ending like the file: whoever reads all files of the directory leaves it
     * alone. */
    if (asprintf(&name, ".%s.teredoctl", f->name) < 0)
        return error_set(error, EX_OSERR, ENOMEM, "cannot write %s", f->path);
    fd = create(f, name);
    if (fd < 0)
        status = error_set(error, EX_CANTCREAT, errno, "cannot create %s", f->path);
    else if (f->exists && adopt(fd, &f->old) != 0)
        status = error_set(error, EX_CANTCREAT, errno, "cannot keep the owner of %s", f->path);
    else if (write_all(fd, data, size) != 0 || fsync(fd) != 0)
        status = error_set(error, EX_IOERR, errno, "cannot write %s", f->path);
    else if (renameat(f->directory, name, f->directory, f->name) != 0)
        status = error_set(error, EX_CANTCREAT, errno, "cannot replace %s", f->path);
    if (fd >= 0 && status != 0)
        unlinkat(f->directory, name, 0);
    if (fd >= 0)
        close(fd);
    free(name);
    return status;
}

/* The helper: replaces the file by what comes, until nothing can come any more. */
static void help(struct output_file *f, int channel)
{
    /* What ends the program is no reason to lose what it knows so far, and a file that may not grow
     * (setrlimit) is an error to tell. */
    static const int held[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXFSZ};
    struct answer answer;
    size_t size;

    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        signal(held[i], SIG_IGN);
    while (receive_all(channel, &size, sizeof size) == 0) {
        /* Of any size: who sends it may have been taken over. */
        char *data = size <= PTRDIFF_MAX ? malloc(size) : NULL;

        if (data == NULL || receive_all(channel, data, size) != 0)
            break;
        answer = (struct answer){0};
        answer.result = replace(f, data, size, &answer.error);
        free(data);
        if (send_all(channel, &answer, sizeof answer) != 0)
            break;
    }
    _exit(EX_OK);
}

/* Root may write where only another user may, and leaves the file to its owner. */
static int confine(const struct output_file *f)
{
    const uint64_t keep =
        PRIVILEGE_BIT(CAP_DAC_OVERRIDE) | PRIVILEGE_BIT(CAP_CHOWN) | PRIVILEGE_BIT(CAP_FOWNER);
    struct error ignored;

    if (privilege_drop_except(keep, &ignored) != 0)
        return -1;
    sandbox_enter(SANDBOX_BASE | SANDBOX_REPLACE, f->directory);
    return 0;
}

static int start_helper(struct replace_file *f, enum replace_file_rights rights,
                        struct error *error)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set(error, EX_OSERR, errno, "cannot start");
    f->helper = fork();
    if (f->helper == 0) {
        close(ends[0]);
        if (rights == REPLACE_FILE_CONFINED && confine(&f->file) != 0)
            _exit(EX_OSERR);
        help(&f->file, ends[1]);
    }
    close(ends[1]);
    f->channel = ends[0];
    return f->helper < 0 ? error_set(error, EX_OSERR, errno, "cannot start") : 0;
}

struct replace_file *replace_file_open(const char *path, enum replace_file_rights rights,
                                       struct error *error)
{
    struct replace_file *f = calloc(1, sizeof *f);
    int result = -1;

    if (f == NULL) {
        error_set(error, EX_OSERR, ENOMEM, "cannot start");
        return NULL;
    }
    f->fd = f->channel = -1;
    f->file.directory = -1;
    if (output_file_find(&f->file, path, error) != 0)
        result = -1;
    else if (output_file_is_regular(&f->file))
        result = start_helper(f, rights, error);
    else
        result = (f->fd = output_file_open(&f->file, error)) < 0 ? -1 : 0;
    if (result == 0)
        return f;
    replace_file_close(f);
    return NULL;
}

int replace_file_write(struct replace_file *f, const void *data, size_t size, struct error *error)
{
    struct answer answer;

    if (f->fd >= 0)
        return write_all(f->fd, data, size) == 0
                   ? 0
                   : error_set(error, EX_IOERR, errno, "cannot write %s", f->file.path);
    if (send_all(f->channel, &size, sizeof size) != 0 || send_all(f->channel, data, size) != 0 ||
        receive_all(f->channel, &answer, sizeof answer) != 0)
        return error_set(error, EX_IOERR, EPIPE, "cannot write %s", f->file.path);
    if (answer.result != 0)
        *error = answer.error;
    return answer.result;
}

void replace_file_close(struct replace_file *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0)
        close(f->fd);
    if (f->channel >= 0)
        close(f->channel);
    if (f->helper > 0)
        while (waitpid(f->helper, NULL, 0) < 0 && errno == EINTR)
            continue;
    output_file_clear(&f->file);
    free(f);
}
