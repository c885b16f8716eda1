/* The one list of commands: dispatch, `--help`, `help` and the completions' test come from it. */
#ifndef COMMAND_H
#define COMMAND_H

#include "error.h"

struct command {
    const char *name;
    const char *summary; /* one line, no full stop */
    /* Runs the command; argv[0] is its name. Returns the exit status; or -1, ERROR filled, for main
     * to print. */
    int (*run)(int argc, char **argv, struct error *error);
};

extern const struct command command_addr;
extern const struct command command_bubble;
extern const struct command command_check;
extern const struct command command_classify;
extern const struct command command_decode;
extern const struct command command_help;
extern const struct command command_lab;
extern const struct command command_listen;
extern const struct command command_qualify;
extern const struct command command_serve;
extern const struct command command_trace;

/* In the order in which people meet them; ends with NULL. */
extern const struct command *const commands[];

/* The command of this name, or NULL. */
const struct command *command_find(const char *name);

#endif
