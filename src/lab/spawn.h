/* Starting a program on a host of the lab. */
#ifndef LAB_SPAWN_H
#define LAB_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "error.h"

struct spawn {
    char *const *argv;      /* ends with NULL; argv[0] is looked for in PATH */
    const char *const *env; /* NAME=VALUE to set beside what this process has, or NULL */
    int stdio[3];           /* what becomes descriptors 0, 1, 2; -1 leaves this process's own */
    bool foreground;        /* stays in this process group, so that the terminal's keys reach it;
                             * else it gets a group of its own */
};

/* Runs the program in the network namespace NETNS and the process namespace PIDNS, with no
 * signal blocked and, where the system allows it, a /proc of its own. It is a child of this process
 * and dies with it. Every descriptor of ours must be close-on-exec. Returns its number as seen
 * here, or -1 and ERROR: 127 for a program that is not found, 126 for one that cannot be run, as a
 * shell has it, or EX_OSERR. */
pid_t spawn_program(const struct spawn *program, int netns, int pidns, struct error *error);

#endif
