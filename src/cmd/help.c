#include <argp.h>
#include <stdio.h>
#include <sysexits.h>

#include "command.h"

static int run(int argc, char **argv, struct error *error)
{
    const struct command *command;
    char *help[] = {NULL, "--help", NULL};

    if (argc < 2) {
        printf("Usage: teredoctl [--help|--version] COMMAND [OPTION…] [ARGUMENT…]\n\nCommands:\n");
        for (const struct command *const *c = commands; *c != NULL; c++)
            printf("  %-9s %s\n", (*c)->name, (*c)->summary);
        printf("\n`teredoctl help COMMAND` tells more.\n");
        return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
    }
    command = command_find(argv[1]);
    if (command == NULL || argc > 2) {
        error_set(error, EX_USAGE, 0, "'%s' is no command", argv[argc > 2 ? 2 : 1]);
        return error_hint(error, "`teredoctl help` lists them");
    }
    if (command == &command_help) {
        printf(
            "Usage: teredoctl help [COMMAND]\n\nTells what COMMAND does, or lists the commands.\n");
        return EX_OK;
    }
    help[0] = argv[1];
    return command->run(2, help, error);
}

const struct command command_help = {"help", "tell what a command does", run};
