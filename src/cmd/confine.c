#include "confine.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

/* A build for coverage writes its counts to files at the end, wherever it was compiled. */
#ifdef FOR_COVERAGE
enum {
    IS_FOR_COVERAGE = true
};
#else
enum {
    IS_FOR_COVERAGE = false
};
#endif

static bool has_none(const struct options *o)
{
    return o->no_sandbox || IS_FOR_COVERAGE;
}

static bool lowered, confined;

static int lower(const struct options *o, uint64_t keep, struct error *error)
{
    if (lowered)
        return privilege_drop_except(keep, error);
    lowered = true;
    return privilege_lower(o->user, keep, error);
}

int confine_early(const struct options *o, uint64_t keep, struct error *error)
{
    if (lowered || has_none(o))
        return 0;
    if (lower(o, keep, error) != 0)
        return -1;
    sandbox_enter(SANDBOX_BASE | SANDBOX_OPENING, AT_FDCWD);
    return 0;
}

/* What is in force: "uid 65534, no capabilities, seccomp, landlock 7". */
static void enter(unsigned may, char *text, size_t size)
{
    char who[PRIVILEGE_STRLEN], landlock[24];
    struct sandbox_state state;

    privilege_describe(who);
    /* The first time that is printed, in UTC too, reads the time zone from a file. */
    tzset();
    state = sandbox_enter(may, AT_FDCWD);
    snprintf(landlock, sizeof landlock, state.landlock > 0 ? "landlock %d" : "no landlock",
             state.landlock);
    snprintf(text, size, "%s, %s, %s", who, state.seccomp ? "seccomp" : "no seccomp", landlock);
}

int confine(const struct command *command, const struct options *o, const struct confine_more *more,
            struct error *error)
{
    static const struct confine_more nothing;
    char text[PRIVILEGE_STRLEN + 64] = "none";

    if (confined)
        return 0;
    confined = true;
    if (more == NULL)
        more = &nothing;
    if (!has_none(o)) {
        if (lower(o, more->keep, error) != 0)
            return -1;
        enter(command->sandbox | more->may, text, sizeof text);
    }
    if (o->verbosity > o->sandbox_told)
        fprintf(stderr, "teredoctl %s: sandbox: %s\n", command->name, text);
    return 0;
}

int confine_captures(const struct command *command, const struct options *o,
                     struct capture_input *input, struct error *error)
{
    struct confine_more more = {.may = capture_input_is_live(input) ? SANDBOX_NET : 0};

    /* Names in a filter are looked up. */
    if ((input->control.filter != NULL && confine_early(o, 0, error) != 0) ||
        capture_input_prepare(input, error) != 0)
        return -1;
    return confine(command, o, &more, error);
}
