/* Random bytes that nobody can guess, for nonces, flags and keys; the engines get them from their
 * callers. */
#ifndef IO_ENTROPY_H
#define IO_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* Fills BUF with SIZE bytes of the kernel's generator; waits, early at boot, until that is seeded.
 * False and ERROR filled (EX_OSERR) if the kernel has none to give. */
bool entropy_fill(void *buf, size_t size, struct error *error);

#endif
