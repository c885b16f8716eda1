#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "command.h"
#include "diagnostics.h"

const char *argp_program_version = PACKAGE_STRING;

struct arguments {
    int first; /* index of the command in argv */
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    (void)arg;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    arguments->first = state->next - 1;
    /* The rest is the command's own. */
    state->next = state->argc;
    return 0;
}

/* The list of commands, after the options. */
static char *help_filter(int key, const char *text, void *input)
{
    char *list = NULL;
    size_t size = 0;
    FILE *out;

    (void)input;
    if (key != ARGP_KEY_HELP_EXTRA || (out = open_memstream(&list, &size)) == NULL)
        return (char *)text;
    fprintf(out, "Commands:\n");
    for (const struct command *const *c = commands; *c != NULL; c++)
        fprintf(out, "  %-9s %s\n", (*c)->name, (*c)->summary);
    fprintf(
        out,
        "\n`teredoctl COMMAND --help` tells more, teredoctl(1) and teredoctl-COMMAND(1) all.\n");
    fclose(out);
    return list;
}

static const struct argp argp = {
    .parser = parse_option,
    .args_doc = "COMMAND [OPTION…] [ARGUMENT…]",
    .doc = "Find out why two machines behind NATs cannot talk over Teredo, and open the way.",
    .help_filter = help_filter,
};

static int unknown_command(const char *name)
{
    fprintf(stderr, "teredoctl: '%s' is not a command\n", name);
    fprintf(stderr, "teredoctl: commands are");
    for (const struct command *const *c = commands; *c != NULL; c++)
        fprintf(stderr, "%s %s", c == commands ? "" : ",", (*c)->name);
    fprintf(stderr, "; see `teredoctl --help`\n");
    return EX_USAGE;
}

static bool error_told;

/* Whatever ends the program, argp's --help included: output that was lost is an error. */
static void check_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    if (!error_told)
        fprintf(stderr, "teredoctl: cannot write the output: %s\n", strerror(errno));
    _exit(EX_IOERR);
}

/* What is opened gets the lowest descriptor that is free. Where standard input, output or error is
 * closed, that would be the place of one of these, and what is printed would go into a capture. So
 * something else lies there: opened the wrong way round, for reading and writing are to fail with
 * EBADF as they do on a descriptor that is closed. */
static void occupy_standard_descriptors(void)
{
    static const int wrong_way[] = {
        [STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_RDONLY};

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", wrong_way[fd]) != fd)
            _exit(EX_OSERR);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    const struct command *command;
    struct error error = {0};
    int status;

    occupy_standard_descriptors();
    diagnostics_guard();
    /* For the terminal's character set alone: numbers are written the same everywhere. */
    setlocale(LC_CTYPE, "");
    argp_err_exit_status = EX_USAGE;
    atexit(check_output);
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments) != 0) {
        fputs("teredoctl: out of memory\n", stderr);
        return EX_OSERR;
    }
    if (arguments.first == 0) {
        argp_help(&argp, stderr, ARGP_HELP_SEE | ARGP_HELP_USAGE, argv[0]);
        return EX_USAGE;
    }
    command = command_find(argv[arguments.first]);
    if (command == NULL)
        return unknown_command(argv[arguments.first]);
    status = command->run(argc - arguments.first, argv + arguments.first, &error);
    if (status != 0 && sandbox_refused() != NULL)
        fprintf(
            stderr,
            "teredoctl %s: the sandbox has refused the system call %s; --no-sandbox allows all\n",
            command->name, sandbox_refused());
    if (status >= 0)
        return status;
    error_told = true;
    fprintf(stderr, "teredoctl %s: %s\n", command->name, error.what);
    if (error.hint[0] != '\0')
        fprintf(stderr, "teredoctl %s: try: %s\n", command->name, error.hint);
    return error.status;
}
