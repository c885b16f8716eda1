#include "command.h"

#include <stddef.h>
#include <string.h>

const struct command *const commands[] = {
    &command_trace,  &command_qualify, &command_classify, &command_check,
    &command_listen, &command_serve,   &command_bubble,   &command_lab,
    &command_addr,   &command_decode,  &command_help,     NULL,
};

const struct command *command_find(const char *name)
{
    for (const struct command *const *c = commands; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}
