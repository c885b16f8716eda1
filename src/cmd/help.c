#include <argp.h>
#include <stdio.h>
#include <sysexits.h>

#include "command.h"
#include "output.h"

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    char **topic = state->input;

    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (state->arg_num > 0)
        argp_error(state, "only one COMMAND can be given");
    *topic = arg;
    return 0;
}

static const struct argp argp = {
    .parser = parse_option,
    .args_doc = "[COMMAND]",
    .doc = "Tell what COMMAND does, or list the commands.",
};

static int list_commands(struct error *error)
{
    printf("Usage: teredoctl [--help|--version] COMMAND [OPTION…] [ARGUMENT…]\n\nCommands:\n");
    for (const struct command *const *c = commands; *c != NULL; c++)
        printf("  %-9s %s\n", (*c)->name, (*c)->summary);
    printf("\n`teredoctl help COMMAND` tells more.\n");
    return output_finish(stdout, error);
}

static int run(int argc, char **argv, struct error *error)
{
    const struct command *command;
    char *topic = NULL;
    char *help[] = {NULL, "--help", NULL};

    argv[0] = "teredoctl help";
    argp_parse(&argp, argc, argv, 0, NULL, &topic);
    if (topic == NULL)
        return list_commands(error);
    command = command_find(topic);
    if (command == NULL) {
        error_set(error, EX_USAGE, 0, "'%s' is not a command", topic);
        return error_hint(error, "`teredoctl help`, which lists them");
    }
    help[0] = topic;
    /* Asked for in this way it is no plugin's --help, which has a status of its own. */
    return command->run(2, help, error) < 0 ? -1 : EX_OK;
}

const struct command command_help = {"help", "tell what a command does", run};
