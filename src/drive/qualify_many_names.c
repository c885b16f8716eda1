#include "qualify_many_names.h"

static void look_up_done(void *context, const struct names_answer *answer)
{
    struct qualify_many_lookup *l = context;
    struct qualify_many_names *n = l->names;

    if (n->stopped)
        return;
    if (answer->outcome == NAMES_FOUND) {
        l->found = true;
        l->server = answer->list[0];
    } else {
        n->failed(n->context, l->number, answer->outcome);
        l->number = 0;
        n->busy--;
    }
    n->answered(n->context);
}

void qualify_many_names_look_up(struct qualify_many_names *n)
{
    struct endpoint literal;

    for (; n->busy < QUALIFY_MANY_LOOKUPS && n->next_name < n->count; n->next_name++) {
        const char *name = n->list[n->next_name];
        struct qualify_many_lookup *l = n->lookups;

        if (endpoint_parse(name, n->default_port, &literal))
            continue;
        while (l->number != 0)
            l++;
        n->busy++;
        l->number = n->next_name + 1;
        l->found = false;
        l->names = n;
        names_look_up(n->resolver, name, n->default_port, look_up_done, l);
    }
}

bool qualify_many_names_next(struct qualify_many_names *n, size_t *number, struct endpoint *server)
{
    for (int i = 0; i < QUALIFY_MANY_LOOKUPS; i++) {
        struct qualify_many_lookup *l = &n->lookups[i];

        if (l->number == 0 || !l->found)
            continue;
        *number = l->number;
        *server = l->server;
        l->number = 0;
        n->busy--;
        return true;
    }
    while (n->next_literal < n->count)
        if (endpoint_parse(n->list[n->next_literal++], n->default_port, server)) {
            *number = n->next_literal;
            return true;
        }
    return false;
}

bool qualify_many_names_are_over(const struct qualify_many_names *n)
{
    return n->busy == 0 && n->next_literal == n->count && n->next_name == n->count;
}
