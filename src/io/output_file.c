#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    MOST_LINKS = 40, /* as in the kernel */
    NEW_MODE = 0666,
};

static int fail(const struct output_file *f, struct error *error)
{
    return error_set(error, EX_CANTCREAT, errno, "cannot create %s", f->path);
}

/* PATH, seen from the directory so far, becomes a directory and a name in it. */
static int enter(struct output_file *f, char *path)
{
    char *slash = strrchr(path, '/');
    char *name = strdup(slash != NULL ? slash + 1 : path);
    int directory;

    if (name == NULL)
        return -1;
    if (slash != NULL)
        slash[slash == path] = '\0';
    directory = openat(f->directory, slash != NULL ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    output_file_clear(f);
    f->directory = directory;
    f->name = name;
    if (directory < 0 || slash == NULL || name[0] != '\0')
        return directory < 0 ? -1 : 0;
    errno = EISDIR;
    return -1;
}

/* Whether what lies in the directory is ours to write to; see the header. */
static int check_owner(const struct output_file *f, const struct stat *st)
{
    struct stat directory;

    if (fstat(f->directory, &directory) != 0)
        return -1;
    if ((directory.st_mode & S_ISVTX) == 0 || (directory.st_mode & S_IWOTH) == 0)
        return 0;
    /* What has a second name is of who has given it that, whoever owns it. */
    if ((st->st_uid == geteuid() || st->st_uid == directory.st_uid) &&
        (st->st_nlink == 1 || S_ISDIR(st->st_mode)))
        return 0;
    errno = EACCES;
    return -1;
}

/* Looks at what the name stands for. LINK, of PATH_MAX bytes, is where a symbolic link leads, or
 * empty. */
static int look(struct output_file *f, char *link)
{
    int fd = openat(f->directory, f->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct statfs fs;
    ssize_t n = 0;

    link[0] = '\0';
    f->exists = fd >= 0;
    if (fd < 0)
        return errno == ENOENT && f->name[0] != '\0' ? 0 : -1;
    if (fstat(fd, &f->old) != 0 || check_owner(f, &f->old) != 0)
        n = -1;
    else if (S_ISLNK(f->old.st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
        f->follow = true;
    else if (S_ISLNK(f->old.st_mode))
        n = readlinkat(fd, "", link, PATH_MAX - 1);
    if (n >= 0)
        link[n] = '\0';
    close(fd);
    return n < 0 ? -1 : 0;
}

static int follow(struct output_file *f, const char *path)
{
    char next[PATH_MAX];

    if (strlen(path) >= sizeof next) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(next, path);
    for (int links = 0; links <= MOST_LINKS; links++) {
        if (enter(f, next) != 0 || look(f, next) != 0)
            return -1;
        if (next[0] == '\0')
            return f->follow ? fstatat(f->directory, f->name, &f->old, 0) : 0;
    }
    errno = ELOOP;
    return -1;
}

int output_file_find(struct output_file *f, const char *path, struct error *error)
{
    *f = (struct output_file){.path = path, .directory = AT_FDCWD};
    if (follow(f, path) == 0) {
        if (!f->exists || !S_ISDIR(f->old.st_mode))
            return 0;
        errno = EISDIR;
    }
    fail(f, error);
    output_file_clear(f);
    return -1;
}

int output_file_look_again(struct output_file *f, struct error *error)
{
    char link[PATH_MAX];

    if (look(f, link) != 0)
        return fail(f, error);
    if (output_file_is_regular(f))
        return 0;
    errno = S_ISDIR(f->old.st_mode) ? EISDIR : ESTALE;
    return fail(f, error);
}

bool output_file_is_regular(const struct output_file *f)
{
    return !f->exists || (S_ISREG(f->old.st_mode) && !f->follow);
}

/* FD is of what was found, and is empty if it is a file; then writing waits again. */
static int settle(const struct output_file *f, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return -1;
    if (f->exists && (st.st_dev != f->old.st_dev || st.st_ino != f->old.st_ino)) {
        errno = ESTALE;
        return -1;
    }
    if (S_ISREG(st.st_mode) && ftruncate(fd, 0) != 0)
        return -1;
    return fcntl(fd, F_SETFL, 0);
}

int output_file_open(const struct output_file *f, struct error *error)
{
    int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (f->follow ? 0 : O_NOFOLLOW) |
                (f->exists ? 0 : O_CREAT | O_EXCL);
    int fd = openat(f->directory, f->name, flags, NEW_MODE);

    if (fd >= 0 && settle(f, fd) == 0)
        return fd;
    if (fd < 0 && errno == ENXIO && S_ISFIFO(f->old.st_mode))
        return error_set(error, EX_CANTCREAT, 0, "cannot write %s: nobody reads it", f->path);
    fail(f, error);
    if (fd >= 0)
        close(fd);
    return -1;
}

void output_file_clear(struct output_file *f)
{
    if (f->directory >= 0)
        close(f->directory);
    free(f->name);
    f->directory = -1;
    f->name = NULL;
}
