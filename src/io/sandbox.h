/* What the process may still ask of the kernel, once all that it needs is open: the system calls of
 * an allow list (seccomp), and no files (landlock). Any other call fails with EPERM, and the kernel
 * logs it (audit). Users and capabilities are privilege.h's.
 *
 * Where the kernel lacks one of the two, or the architecture is unknown to libseccomp, the process
 * goes on without. */
#ifndef IO_SANDBOX_H
#define IO_SANDBOX_H

#include <stdbool.h>

/* What is allowed, as bits. The table of system calls in sandbox.c is by these. */
enum sandbox_may {
    SANDBOX_NONE = 0,
    /* Reads and writes what is open, waits, allocates, tells the time: the part of every command.
     */
    SANDBOX_BASE = 1 << 0,
    /* Sends and receives on sockets that are open. */
    SANDBOX_NET = 1 << 1,
    /* Asks for routes: connects a UDP socket that is open (port.h: struct route). */
    SANDBOX_ROUTE = 1 << 2,
    /* Looks names up: opens sockets of the internet, reads what is in /etc, and /dev/urandom. */
    SANDBOX_NAMES = 1 << 3,
    /* Opens UDP ports. */
    SANDBOX_PORTS = 1 << 4,
    /* Replaces files in a directory (replace_file.h). */
    SANDBOX_REPLACE = 1 << 5,
    /* Opens sockets of any kind, and files to read: what comes before the sandbox proper, while
     * names are looked up and files say where to send. Without landlock, and a sandbox may follow;
     * but nothing can be written, started, traced or signalled any more. */
    SANDBOX_OPENING = 1 << 6,
};

struct sandbox_state {
    bool seccomp;
    int landlock; /* the version of its interface; 0 = there is none */
};

/* Allows no more than MAY, for good. DIRECTORY is open, or AT_FDCWD: that of SANDBOX_REPLACE; of no
 * matter without. The calling thread must be the only one, with no_new_privs set. Returns what is
 * in force now. */
struct sandbox_state sandbox_enter(unsigned may, int directory);

/* The name of the system call that was refused last, for messages; NULL = none was, as far as is
 * known: not every architecture tells. */
const char *sandbox_refused(void);

#endif
