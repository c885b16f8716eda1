/* The commands, as data: dispatch, `--help`, `help` and the completions of the shells come from
 * here. */
#ifndef COMMAND_H
#define COMMAND_H

#include "error.h"
#include "sandbox.h"

/* The one list, in the order in which people meet the commands. */
#define COMMANDS(X) \
    X(trace)        \
    X(qualify)      \
    X(classify)     \
    X(check)        \
    X(listen)       \
    X(serve)        \
    X(bubble)       \
    X(lab)          \
    X(addr)         \
    X(decode)       \
    X(help)

enum {
    COMMAND_TABLES = 6
};

struct argp_state;
struct option_entry;
struct option_value;

struct command {
    const char *name;
    const char *summary;  /* one line, no full stop */
    const char *args_doc; /* of argp: the arguments, one way a line */
    const char *doc;      /* of argp: what stands above the options, \v, and what stands below */
    /* Tables of options.h that end with an empty entry; NULL after the last. */
    const struct option_entry *options[COMMAND_TABLES];
    unsigned flags; /* for argp_parse */
    /* SANDBOX_… of sandbox.h: what the command may still do once all is open that it needs; a
     * client_job adds what its engine does (confine.h). SANDBOX_NONE takes a reason. */
    unsigned sandbox;
    /* Takes an argument that is no option; NULL = there are none. */
    void (*argument)(const struct option_value *value, void *options);
    /* Checks what goes together, once everything is parsed; may be NULL. */
    void (*check)(void *options, struct argp_state *state);
    /* Runs the command; argv[0] is its name. Returns the exit status; or -1, ERROR filled, for main
     * to print. */
    int (*run)(int argc, char **argv, struct error *error);
};

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)

/* All of them; ends with NULL. */
extern const struct command *const commands[];

/* The command of this name, or NULL. */
const struct command *command_find(const char *name);

#endif
