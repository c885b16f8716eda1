#include "rounds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "loop.h"
#include "replace_file.h"
#include "text_buffer.h"
#include "words.h"

/* FNV-1a */
static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return h;
}

int rounds_open(struct rounds *r, const struct options *o, struct error *error)
{
    if (r->output != NULL && r->file == NULL)
        r->file = replace_file_open(
            r->output, o->no_sandbox ? REPLACE_FILE_UNCONFINED : REPLACE_FILE_CONFINED, error);
    return r->output != NULL && r->file == NULL ? -1 : 0;
}

void rounds_close(struct rounds *r)
{
    replace_file_close(r->file);
    r->file = NULL;
}

void rounds_note(struct rounds *r, const struct event *e)
{
    r->digest += record_digest(event_record(e), e);
}

/* A failure that the next round would meet as well. */
static bool ends_all(const struct error *error)
{
    return error->status == EX_USAGE || error->status == EX_IOERR ||
           error->status == EX_CANTCREAT || error->status == EX_NOINPUT;
}

static int deliver(const struct rounds *r, const char *text, size_t size, struct error *error)
{
    if (r->output != NULL)
        return size == 0 ? 0 : replace_file_write(r->file, text, size, error);
    fwrite(text, 1, size, stdout);
    return output_finish(stdout, error);
}

static int run_headed(const struct rounds *r, const struct rounds_work *work, struct error *error)
{
    char when[RFC3339_STRLEN];

    if (work->headings && r->every != 0)
        fprintf(r->out, "%s\n", words_time(r->started, when));
    return work->once(work->context, error);
}

/* One run, its results kept until they are whole. *LAST is the digest of the run before. */
static int run_kept(struct rounds *r, const struct rounds_work *work, uint64_t *last,
                    struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    int status;

    r->out = open_memstream(&text, &size);
    if (r->out == NULL)
        return error_set(error, EX_OSERR, errno, "cannot start");
    status = run_headed(r, work, error);
    fclose(r->out);
    if (status < 0)
        r->digest += hash(error->what);
    if (!r->on_change || r->digest != *last) {
        struct error late;

        if (deliver(r, text, size, &late) != 0 && (status >= 0 || !ends_all(error))) {
            *error = late;
            status = -1;
        }
    }
    *last = r->digest;
    free(text);
    return status;
}

static int run_once(struct rounds *r, const struct rounds_work *work, uint64_t *last,
                    struct error *error)
{
    r->digest = 1; /* not that of a run before the first */
    if (r->output != NULL || r->on_change)
        return run_kept(r, work, last, error);
    r->out = stdout;
    return run_headed(r, work, error);
}

static int wake(void *context, struct error *error)
{
    (void)error;
    loop_stop(context);
    return 0;
}

static void interrupt(void *context)
{
    loop_stop(context);
}

/* Sleeps until WHEN, or until a signal comes. */
static int sleep_until(nsec when, struct error *error)
{
    struct loop *loop = loop_new(error);
    struct loop_timer timer = {.when = when, .fired = wake, .context = loop};
    int status = -1;

    if (loop != NULL && loop_on_stop(loop, interrupt, loop, error) == 0) {
        loop_add_timer(loop, &timer);
        status = loop_run(loop, error);
    }
    loop_free(loop);
    return status;
}

static int repeat(struct rounds *r, const struct rounds_work *work, struct error *error)
{
    nsec begin = clock_now();
    uint64_t last = 0;
    int result = -1;

    loop_hold_stop();
    for (r->number = 1;; r->number++) {
        int status;

        r->started = clock_now();
        status = run_once(r, work, &last, error);
        if (status < 0 && ends_all(error))
            return -1;
        if (status < 0) {
            fprintf(stderr, "teredoctl %s: %s\n", work->command, error->what);
            status = error->status;
        }
        if (result < 0 || !loop_interrupted())
            result = status;
        if (!loop_interrupted() &&
            sleep_until(begin + ((clock_now() - begin) / r->every + 1) * r->every, error) != 0)
            return -1;
        if (loop_interrupted())
            return result;
    }
}

int rounds_run(struct rounds *r, const struct rounds_work *work, struct error *error)
{
    uint64_t last = 0;

    return r->every == 0 ? run_once(r, work, &last, error) : repeat(r, work, error);
}
