#include "trace_captures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "capture_input.h"
#include "clock.h"
#include "entropy.h"
#include "overhear.h"
#include "replay.h"
#include "tsv.h"

enum {
    /* How often the clock of an interface is looked at where nothing comes. */
    TICK_MS = 100,
    /* Flows that are believed to be Teredo's though a packet of theirs does not show it. */
    FLOWS = 500000,
};

/* Later sights of a packet that came by already: in one capture, of a router's other interface; in
 * several, as late as the network and the clocks make them. */
#define SETTLE_ONE (250 * NSEC_MS)
#define SETTLE_MANY (2 * NSEC_S)

struct tracing {
    const struct trace_options *options;
    struct capture_input input;
    struct replay replay;
    struct overhear *engine;
    struct reporter *reporter;
    const char *names[OVERHEARD_VANTAGES];
    unsigned long told;
    bool finished;
};

static void emit(void *context, const struct event *event)
{
    struct tracing *t = context;
    struct event_sink next = reporter_sink(t->reporter);

    next.emit(next.context, event);
    if (event->kind == EVENT_PUNCHING && ++t->told == t->options->count)
        t->finished = true;
}

static int make_engine(struct tracing *t, struct error *error)
{
    const struct trace_options *o = t->options;
    struct sighter_config sighter = {.flows = FLOWS};
    struct overhear_config config = {
        .vantages = t->replay.count,
        .settle = t->replay.count > 1 ? SETTLE_MANY : SETTLE_ONE,
        .has_peer = o->has_peer,
        .peer = o->peer,
    };

    if (!entropy_fill(&config.seed, sizeof config.seed, error))
        return -1;
    sighter.seed = t->replay.seed = config.seed;
    t->replay.sift.sighter = sighter_new(&sighter);
    t->engine = overhear_new(&config);
    return t->replay.sift.sighter == NULL || t->engine == NULL
               ? error_set(error, EX_OSERR, ENOMEM, "cannot start")
               : 0;
}

static int make_reporter(struct tracing *t, struct error *error)
{
    const struct client_options *o = &t->options->client;
    struct report_config config = {
        .format = o->format,
        .command = o->command,
        .out = stdout,
        .err = stderr,
        .quiet = o->quiet,
        .verbose = o->verbose,
        .color = o->color,
        .watch = o->watch,
        .width = o->width,
        .ascii = o->ascii,
        .captures = t->names,
        .capture_count = t->replay.count,
    };

    if (o->header)
        tsv_header(stdout, TSV_CAPTURES);
    t->reporter = reporter_new(&config);
    return t->reporter == NULL ? error_set(error, EX_OSERR, ENOMEM, "cannot start") : 0;
}

/* Where nothing comes, the table or the status line goes on. */
static void tick(void *context)
{
    struct tracing *t = context;
    struct waiting waiting = {.until = NSEC_NEVER, .at_most = NSEC_NEVER};

    if (t->reporter == NULL || !reporter_has_terminal(t->reporter))
        return;
    overhear_ops.waiting(t->engine, &waiting);
    reporter_tick(t->reporter, clock_now(), &waiting);
}

static int open_all(struct tracing *t, struct error *error)
{
    const struct trace_options *o = t->options;

    t->input.control.filter = o->filter;
    t->input.control.pipe_command = "teredoctl trace -r -";
    t->input.control.live_command = "teredoctl trace --passive";
    t->input.control.patience_ms = TICK_MS;
    t->input.control.before_wait = tick;
    t->input.control.context = t;
    if (capture_input_open(&t->input, o->arguments, o->argument_count, o->interface, error) != 0)
        return -1;
    t->replay.count = (unsigned)t->input.count;
    t->replay.sift.tunnels = o->tunnels;
    t->replay.sift.errors = true;
    for (unsigned i = 0; i < t->replay.count; i++) {
        const char *file = capture_file(t->input.captures[i]);

        t->replay.sources[i].capture = t->input.captures[i];
        t->replay.sources[i].live = file == NULL;
        t->names[i] = file == NULL ? o->interface : file;
    }
    return make_engine(t, error) != 0 ? -1 : make_reporter(t, error);
}

static struct overheard_summary summary_of(const struct tracing *t)
{
    struct overheard_summary sum = overhear_summary(t->engine);
    struct sighting_summary seen;

    sighter_summary(t->replay.sift.sighter, &seen);
    sum.packets = seen.packets;
    sum.frames = seen.frames;
    for (unsigned i = 0; i < t->replay.count; i++)
        sum.dropped += capture_dropped(t->input.captures[i]);
    return sum;
}

static int exit_status(const struct overheard_summary *sum)
{
    if (sum->not_punched > 0)
        return 1;
    return sum->inconclusive > 0 || sum->punches == 0 ? 2 : EX_OK;
}

static int run(struct tracing *t, struct error *error)
{
    struct event_sink sink = {emit, t};
    struct event end = {.kind = EVENT_OVERHEARD};
    int result;

    if (t->replay.sources[0].live)
        reporter_remark(t->reporter, "following %s; end with Ctrl-C", t->names[0]);
    result = replay_run(&t->replay, (struct engine){&overhear_ops, t->engine}, &sink, &t->finished,
                        error);
    end.overheard = summary_of(t);
    /* What came before an error is told, if anything came. */
    if (result == 0 || end.overheard.frames > 0)
        emit(t, &end);
    return result != 0 ? -1 : exit_status(&end.overheard);
}

int trace_captures(const struct trace_options *options, struct error *error)
{
    static struct tracing t = {.input.control.stop_fd = -1};
    struct error late;
    int status;

    t.options = options;
    status = open_all(&t, error) != 0 ? -1 : run(&t, error);
    if (t.reporter != NULL && reporter_close(t.reporter, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    capture_input_close(&t.input);
    sighter_free(t.replay.sift.sighter);
    overhear_free(t.engine);
    return status;
}
