/* The namespaces of the lab. Nothing of it has a name in the file system: a namespace lives as long
 * as a process or a descriptor of the lab holds it. */
#ifndef LAB_NETNS_H
#define LAB_NETNS_H

#include <sys/types.h>

#include "error.h"

/* Moves this process, for good, into a network namespace of its own: with the privileges that it
 * has, or else in a new user namespace, in which its user is root. The process must have one thread
 * only. Returns 0, or -1 and ERROR (EX_NOPERM with what to try). */
int netns_enter(struct error *error);

/* Makes another network namespace; the process stays where it is. Returns a descriptor of it
 * (close-on-exec), or -1 and ERROR. */
int netns_new(struct error *error);

/* A descriptor of the network namespace that the process is in; -1 and ERROR. */
int netns_current(struct error *error);

/* Moves this process into the namespace NS, of a network or of processes (then its children). */
int netns_set(int ns, struct error *error);

/* A process namespace, kept by a first process that does nothing. When the last descriptor of the
 * lifeline is closed, as it is when the lab's process ends in whatever way, that process ends too,
 * and the kernel kills everything in the namespace with it. */
struct pidns {
    int ns;
    int lifeline;
    pid_t init;
};

/* Returns 0, or -1 and ERROR. */
int pidns_open(struct pidns *p, struct error *error);

/* Kills everything in it. Its first process ends only after the others have been waited for, so
 * that the caller does that between pidns_kill and pidns_close, which waits for the first. */
void pidns_kill(const struct pidns *p);
void pidns_close(struct pidns *p);

/* fork(2) with flags of clone(2); to be followed by nothing but system calls in the child. */
pid_t clone_process(unsigned long flags);

#endif
