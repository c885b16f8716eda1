/* A file that others read while it is written anew: they see the old one or the new one, whole. */
#ifndef IO_REPLACE_FILE_H
#define IO_REPLACE_FILE_H

#include <stddef.h>

#include "error.h"

/* Writes SIZE bytes to a file beside PATH and renames that to PATH; its mode is 0644 whatever the
 * umask. On failure PATH is as it was: -1 and ERROR filled (73 where it cannot be created, 74
 * where it cannot be written). */
int replace_file(const char *path, const void *data, size_t size, struct error *error);

#endif
