#include "capture_input.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "capture_filter.h"

static void stop(void *context)
{
    loop_stop(context);
}

/* As many open files as the system allows: a ring of captures has thousands. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int open_captures(struct capture_input *in, char **files, int count, const char *interface,
                         struct error *error)
{
    char dash[] = "-", *from_stdin[] = {dash};

    if (interface != NULL || count == 0)
        count = 1;
    if (files == NULL || interface != NULL)
        files = from_stdin;
    raise_file_limit();
    in->captures = calloc((size_t)count, sizeof(struct capture *));
    if (in->captures == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    for (; in->count < count; in->count++) {
        struct capture *c = interface != NULL ? capture_open_live(interface, &in->control, error)
                                              : capture_open(files[in->count], &in->control, error);

        if (c == NULL)
            return -1;
        in->captures[in->count] = c;
    }
    return 0;
}

int capture_input_open(struct capture_input *in, char **files, int file_count,
                       const char *interface, struct error *error)
{
    in->captures = NULL;
    in->count = 0;
    in->control.loop = loop_new(error);
    if (in->control.filter != NULL &&
        (in->control.compiled = capture_filter_new(in->control.filter)) == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    if (in->control.loop == NULL ||
        loop_on_stop(in->control.loop, stop, in->control.loop, error) != 0 ||
        open_captures(in, file_count > 0 ? files : NULL, file_count, interface, error) != 0)
        return -1;
    return 0;
}

bool capture_input_is_live(const struct capture_input *in)
{
    return in->count == 1 && capture_file(in->captures[0]) == NULL;
}

int capture_input_prepare(struct capture_input *in, struct error *error)
{
    if (capture_input_is_live(in))
        return capture_begin(in->captures[0], error);
    if (in->control.compiled != NULL)
        capture_filter_prepare(in->control.compiled);
    return 0;
}

void capture_input_close_one(struct capture_input *in, int index)
{
    capture_close(in->captures[index]);
    in->captures[index] = NULL;
}

void capture_input_close(struct capture_input *in)
{
    for (int i = 0; i < in->count; i++)
        capture_close(in->captures[i]);
    free(in->captures);
    in->captures = NULL;
    in->count = 0;
    capture_filter_free(in->control.compiled);
    in->control.compiled = NULL;
    loop_free(in->control.loop);
    in->control.loop = NULL;
}
