/* Files that are written, where somebody names them: which file a path leads to, and who may have
 * put it there. */
#ifndef IO_OUTPUT_FILE_H
#define IO_OUTPUT_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "error.h"

/* What a path leads to once symbolic links are followed: a name in a directory that is held open,
 * so that whatever happens to the path later, what is created, written or renamed is there.
 *
 * In a directory that everybody may write to, such as /tmp, another user could wait for a program
 * of root's with a symbolic or hard link, and have it write to a file of root's; or with a file or
 * fifo, and read what was not meant for him. What lies there and belongs neither to us nor to the
 * owner of the directory, or has another name elsewhere, is refused, as fs.protected_symlinks,
 * protected_hardlinks, protected_regular and protected_fifos have the kernel do where they are set.
 * What is looked at is what is opened: a name that comes to mean something else in between is an
 * error. Directories on the way are not looked at: whoever owns one decides what is in it. */
struct output_file {
    const char *path; /* as given, borrowed */
    int directory;
    char *name;
    bool exists;
    bool follow; /* a link of proc(5), such as /dev/stdout becomes: only the kernel can follow it */
    struct stat old;
};

/* Follows PATH, which must live as long as F. -1 and ERROR filled (EX_CANTCREAT) for what cannot be
 * written: a directory, what somebody else has put there, a directory that does not exist. */
int output_file_find(struct output_file *f, const char *path, struct error *error);

/* Opens it for writing in place: a regular file is created, or emptied; a device is written to; a
 * fifo needs a reader, who is not waited for. The descriptor, or -1 and ERROR filled. */
int output_file_open(const struct output_file *f, struct error *error);

/* Whether it is a regular file, or will be one. */
bool output_file_is_regular(const struct output_file *f);

/* Looks again at a regular file, or where there was none. -1 and ERROR filled if there is something
 * else by now, or what somebody else has put there. */
int output_file_look_again(struct output_file *f, struct error *error);

void output_file_clear(struct output_file *f);

#endif
