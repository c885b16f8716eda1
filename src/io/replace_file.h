/* A file that others read while it is written anew: they see the old one or the new one, whole. */
#ifndef IO_REPLACE_FILE_H
#define IO_REPLACE_FILE_H

#include <stddef.h>

#include "error.h"

struct replace_file;

/* What the process that replaces the file may do beside. */
enum replace_file_rights {
    REPLACE_FILE_CONFINED, /* nothing: it is in a sandbox of its own */
    REPLACE_FILE_UNCONFINED,
};

/* Gets ready to write to PATH as often as need be: everything that takes privileges is done, or is
 * left to a process that keeps them. NULL and ERROR filled (EX_CANTCREAT) where nothing can be
 * written there; see output_file.h. PATH must live as long. */
struct replace_file *replace_file_open(const char *path, enum replace_file_rights rights,
                                       struct error *error);

/* Writes SIZE bytes to a file beside PATH and renames that to PATH. Its mode and owner are those of
 * the file before; a new one's are what the umask leaves of 0666. Where PATH is a symbolic link,
 * what it leads to is replaced. A device or a fifo is written to as it is. On failure PATH is as it
 * was: -1 and ERROR filled (73 where it cannot be created, 74 where it cannot be written). */
int replace_file_write(struct replace_file *f, const void *data, size_t size, struct error *error);

void replace_file_close(struct replace_file *f);

#endif
