/* Giving privileges up once they have served: after the sockets are open, before the first byte
 * from the network is read. All of it is for the calling thread: call it before there are others.
 */
#ifndef IO_PRIVILEGE_H
#define IO_PRIVILEGE_H

#include <linux/capability.h>
#include <stdint.h>

#include "error.h"

/* A set of capabilities (CAP_NET_RAW, … of linux/capability.h). */
#define PRIVILEGE_BIT(capability) (UINT64_C(1) << (capability))

/* Gives up every capability but those in KEEP, in the bounding and the ambient set as well, and
 * sets no_new_privs, so that no program that the process may start gets any back. That the process
 * lacks one of KEEP is no error. Returns 0, or -1 with ERROR filled. */
int privilege_drop_except(uint64_t keep, struct error *error);

/* The same; and if the process runs as root, it becomes user NAME with that user's group and no
 * other, for good. NULL means the user who has started it with sudo, else nobody (65534). Where
 * that cannot be (a user namespace that maps root alone, as the lab's) the process stays who it is,
 * which is no error; a NAME that cannot be become is one. A process that is not root stays who it
 * is. */
int privilege_lower(const char *name, uint64_t keep, struct error *error);

enum {
    PRIVILEGE_STRLEN = 256
};

/* "uid 65534, no capabilities": who the process is, and which capabilities it has. Returns OUT. */
char *privilege_describe(char out[static PRIVILEGE_STRLEN]);

#endif
