/* The way of every command into its sandbox. First it opens what takes the rights of the user who
 * has started it: files, and sockets if no name has to be looked up for them. Then come what others
 * have a hand in, and the rest of the sockets (between confine_early and confine). Then it reads
 * what comes from the network or out of captures.
 *
 * With --no-sandbox both do nothing; with -v the second says what is in force. */
#ifndef CMD_CONFINE_H
#define CMD_CONFINE_H

#include "capture_input.h"
#include "options.h"
#include "privilege.h"
#include "sandbox.h"

/* Becomes another user (privilege_lower) who keeps the capabilities KEEP, to open sockets with, and
 * may open them, but no file to write. For a command that looks up names, or reads what is not its
 * user's own, before all is open. Later calls do nothing. 0, or -1 and ERROR filled. */
int confine_early(const struct options *o, uint64_t keep, struct error *error);

/* What a run needs beside what its command always does. */
struct confine_more {
    unsigned may;  /* SANDBOX_… */
    uint64_t keep; /* capabilities */
};

/* Allows no more than COMMAND's sandbox, and MORE; NULL = no more. Later calls do nothing. 0, or -1
 * and ERROR filled. */
int confine(const struct command *command, const struct options *o, const struct confine_more *more,
            struct error *error);

/* All of it for a command that reads captures, which are open. */
int confine_captures(const struct command *command, const struct options *o,
                     struct capture_input *input, struct error *error);

#endif
