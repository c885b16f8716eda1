#include "trace_captures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "capture_input.h"
#include "clock.h"
#include "entropy.h"
#include "passive.h"
#include "replay.h"
#include "tsv.h"

/* How often the clock of an interface is looked at where nothing comes. */
#define TICK (100 * NSEC_MS)

enum {
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
    struct passive *engine;
    struct reporter *reporter;
    const char *names[PASSIVE_VANTAGES];
};

static int make_engine(struct tracing *t, struct error *error)
{
    const struct trace_options *o = t->options;
    struct teredo_flows_config teredo_flows = {.flows = FLOWS};
    struct passive_config config = {
        .vantages = t->replay.count,
        .count = o->count,
        .settle = t->replay.count > 1 ? SETTLE_MANY : SETTLE_ONE,
        .has_peer = o->has_peer,
        .peer = o->peer,
    };

    if (!entropy_fill(&config.seed, sizeof config.seed, error))
        return -1;
    teredo_flows.seed = t->replay.seed = config.seed;
    t->replay.capture_reader.teredo_flows = teredo_flows_new(&teredo_flows);
    t->engine = passive_new(&config);
    return t->replay.capture_reader.teredo_flows == NULL || t->engine == NULL
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
    struct waiting waiting;

    if (t->reporter == NULL || !reporter_has_terminal(t->reporter))
        return;
    engine_waiting(passive_engine(t->engine), &waiting);
    reporter_tick(t->reporter, clock_now(), &waiting);
}

static int open_all(struct tracing *t, struct error *error)
{
    const struct trace_options *o = t->options;

    t->input.control.filter = o->filter;
    t->input.control.pipe_command = "teredoctl trace -r -";
    t->input.control.live_command = "teredoctl trace --passive";
    t->input.control.patience = TICK;
    t->input.control.before_wait = tick;
    t->input.control.context = t;
    if (capture_input_open(&t->input, o->arguments, o->argument_count, o->interface, error) != 0)
        return -1;
    t->replay.count = (unsigned)t->input.count;
    t->replay.capture_reader.tunnels = o->tunnels;
    t->replay.capture_reader.errors = true;
    for (unsigned i = 0; i < t->replay.count; i++) {
        const char *file = capture_file(t->input.captures[i]);

        t->replay.sources[i].capture = t->input.captures[i];
        t->replay.sources[i].live = file == NULL;
        t->names[i] = file == NULL ? o->interface : file;
    }
    return make_engine(t, error) != 0 ? -1 : make_reporter(t, error);
}

static struct passive_summary summary_of(const struct tracing *t)
{
    struct passive_summary sum = passive_summary(t->engine);
    struct flows_summary seen;

    teredo_flows_summary(t->replay.capture_reader.teredo_flows, &seen);
    sum.packets = seen.packets;
    sum.frames = seen.frames;
    for (unsigned i = 0; i < t->replay.count; i++)
        sum.dropped += capture_dropped(t->input.captures[i]);
    return sum;
}

static int exit_status(const struct passive_summary *sum)
{
    if (sum->not_punched > 0)
        return 1;
    return sum->inconclusive > 0 || sum->punches == 0 ? 2 : EX_OK;
}

static int run(struct tracing *t, struct error *error)
{
    struct event_sink sink = reporter_sink(t->reporter);
    struct event end = {.kind = EVENT_PASSIVE};
    int result;

    if (t->replay.sources[0].live)
        reporter_remark(t->reporter, "following %s; end with Ctrl-C", t->names[0]);
    result = replay_run(&t->replay, passive_engine(t->engine), &sink, error);
    end.passive = summary_of(t);
    /* What came before an error is told, if anything came. */
    if (result == 0 || end.passive.frames > 0)
        sink.emit(sink.context, &end);
    return result != 0 ? -1 : exit_status(&end.passive);
}

int trace_captures(const struct trace_options *options, struct error *error)
{
    static struct tracing t;
    struct error late;
    int status;

    t.options = options;
    status = open_all(&t, error) != 0 ? -1 : run(&t, error);
    if (t.reporter != NULL && reporter_close(t.reporter, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    capture_input_close(&t.input);
    teredo_flows_free(t.replay.capture_reader.teredo_flows);
    passive_free(t.engine);
    return status;
}
