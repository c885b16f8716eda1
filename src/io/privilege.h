/* Giving privileges up once they have served: after the sockets are open, before the first byte
 * from the network is read. */
#ifndef IO_PRIVILEGE_H
#define IO_PRIVILEGE_H

#include <stddef.h>

#include "error.h"

/* Gives up every capability, and sets no_new_privs, so that no program that it may start gets any
 * back. For the calling thread: call it before there are others. Returns 0, or -1 with ERROR filled
 * in. */
int privilege_drop(struct error *error);

/* The same, but keeps the COUNT capabilities in KEEP (CAP_NET_RAW, … of linux/capability.h); those
 * that the process lacks are no error. */
int privilege_drop_except(const int *keep, size_t count, struct error *error);

/* If the process runs as root, becomes user NAME with that user's group and no other, for good;
 * NULL means nobody. Where nobody cannot be become (a user namespace that maps root alone, as the
 * lab's) it stays who it is, which is no error; a NAME that cannot be become is one. A process that
 * is not root stays who it is. */
int privilege_become(const char *name, struct error *error);

#endif
