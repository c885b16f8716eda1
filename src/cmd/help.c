#include <stdio.h>
#include <sysexits.h>

#include "options.h"
#include "text_buffer.h"

struct help_options {
    struct options common;
    char *topic;
};

static void take_topic(const struct option_value *v, void *options)
{
    struct help_options *o = options;

    if (v->state->arg_num > 0)
        argp_error(v->state, "only one COMMAND can be given");
    o->topic = v->text;
}

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
    struct help_options o = {0};
    char *help[] = {NULL, "--help", NULL};

    options_parse(&command_help, argc, argv, &o);
    if (o.topic == NULL)
        return list_commands(error);
    command = command_find(o.topic);
    if (command == NULL) {
        error_set(error, EX_USAGE, 0, "'%s' is not a command", o.topic);
        return error_hint(error, "`teredoctl help`, which lists them");
    }
    help[0] = o.topic;
    /* Asked for in this way it is no plugin's --help, which has a status of its own. */
    return command->run(2, help, error) < 0 ? -1 : EX_OK;
}

const struct command command_help = {
    .name = "help",
    .summary = "tell what a command does",
    .args_doc = "[COMMAND]",
    .doc = "Tell what COMMAND does, or list the commands.",
    .argument = take_topic,
    .sandbox = SANDBOX_NONE, /* It reads nothing but its command line, and has no options. */
    .run = run,
};
