#include "replace_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

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

int replace_file(const char *path, const void *data, size_t size, struct error *error)
{
    const char *slash = strrchr(path, '/');
    int directory = slash != NULL ? (int)(slash - path) + 1 : 0;
    size_t room = strlen(path) + sizeof "..XXXXXX";
    char *temporary = malloc(room);
    int fd, status = 0;

    if (temporary == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot write %s", path);
    /* Hidden, and not ending like PATH: whoever reads all files of the directory leaves it alone.
     */
    snprintf(temporary, room, "%.*s.%s.XXXXXX", directory, path, path + directory);
    fd = mkstemp(temporary);
    if (fd < 0) {
        error_set(error, EX_CANTCREAT, errno, "cannot create %s", path);
        free(temporary);
        return -1;
    }
    if (write_all(fd, data, size) != 0 || fchmod(fd, 0644) != 0 || fsync(fd) != 0)
        status = error_set(error, EX_IOERR, errno, "cannot write %s", path);
    if (close(fd) != 0 && status == 0)
        status = error_set(error, EX_IOERR, errno, "cannot write %s", path);
    if (status == 0 && rename(temporary, path) != 0)
        status = error_set(error, EX_CANTCREAT, errno, "cannot replace %s", path);
    if (status != 0)
        unlink(temporary);
    free(temporary);
    return status;
}
