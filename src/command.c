#include "command.h"

#include <stddef.h>
#include <string.h>

#define COMMAND_ADDRESS(name) &command_##name,
const struct command *const commands[] = {COMMANDS(COMMAND_ADDRESS) NULL};

const struct command *command_find(const char *name)
{
    for (const struct command *const *c = commands; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}
