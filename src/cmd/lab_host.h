/* The programs on the lab's hosts: our own servers and listener, and what the user wants to run. */
#ifndef CMD_LAB_HOST_H
#define CMD_LAB_HOST_H

#include <limits.h>
#include <netinet/in.h>

#include "topology.h"

/* On which the lab's servers serve as well (`serve --extra-port`). */
#define LAB_EXTRA_PORT "3546"

struct lab_program {
    struct topology *topology;
    pid_t pid;
    int out;        /* read end of its standard output; -1 once at its end */
    char line[256]; /* the first line that it printed */
    bool has_line;
};

/* The path of the running teredoctl itself. */
int lab_own_path(char path[static PATH_MAX], struct error *error);

/* Starts our own teredoctl (PATH, ARGV from the command's name on) on HOST and carries packets
 * until it has printed a line, has ended or SECONDS have passed; only an interrupt or a broken lab
 * is an error. What it prints later is read and dropped as packets are carried. */
int lab_start(struct topology *t, struct lab_program *program, enum lab_host host, const char *path,
              const char *const argv[], double seconds, struct error *error);

/* Runs ARGV (looked up in PATH, first in the directory of OWN_PATH) on HOST in the foreground, with
 * TEREDO_SERVER, TEREDO_PEER and TEREDO_EXTRA_PORT set, until it ends. OUT is its standard output;
 * -1 = ours. Returns its exit status, 128 plus the signal that killed it, or -1. */
int lab_run(struct topology *t, enum lab_host host, const char *own_path, char *const argv[],
            const char *server, const char *peer, int out, struct error *error);

#endif
