/* The way of `teredoctl decode`, and of `teredoctl trace -r`, from a capture file to all that they
 * print: the input is the file. Each line of JSON is JSON. */
#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "passive.h"
#include "replay.h"
#include "report.h"

enum {
    FLOWS = 8 /* few, so that some make way */
};

static void print(void *context, const struct captured_packet *s)
{
    struct event_sink sink = reporter_sink(context);
    struct event e = {.kind = EVENT_PACKET, .when = s->when, .packet = s};

    sink.emit(sink.context, &e);
}

/* One run; what it has printed is in *TEXT, for the caller to free. */
static void decode(const uint8_t *data, size_t size, enum report_format format, bool verbose,
                   bool summary, char **text, size_t *text_size)
{
    static const struct capture_control control = {.loop = NULL};
    struct teredo_flows_config config = {.flows = FLOWS, .summary = summary};
    struct capture_reader capture_reader = {.teredo_flows = teredo_flows_new(&config),
                                            .tunnels = verbose || summary,
                                            .seen = summary ? NULL : print,
                                            .context = NULL};
    struct error error = {0};
    FILE *file = fmemopen((void *)data, size, "r"), *out = open_memstream(text, text_size);
    struct capture *capture = capture_open_stream(file, "fuzz", &control, &error);
    struct report_config report = {.format = format,
                                   .command = "decode",
                                   .verdict = summary ? EVENT_FLOWS : EVENT_PACKET,
                                   .columns = summary ? TSV_SUMMARY : TSV_DECODE,
                                   .out = out,
                                   .err = stderr,
                                   .verbose = verbose,
                                   .many = true,
                                   .buffered = true};
    struct reporter *reporter = reporter_new(&report);
    struct event_sink sink = reporter_sink(reporter);
    struct flows_summary sum;
    struct event end = {.kind = EVENT_FLOWS, .flows = &sum};

    capture_reader.context = reporter;
    if (capture_reader_begin(&capture_reader, capture, &error) == 0) {
        if (capture_reader_capture(&capture_reader, &error) != 0)
            HOLDS(error.status != 0 && error.what[0] != '\0');
    } else {
        HOLDS(error.status != 0 && error.what[0] != '\0');
    }
    teredo_flows_summary(capture_reader.teredo_flows, &sum);
    HOLDS(sum.packets <= sum.datagrams && sum.unanswered + sum.punches <= sum.flows);
    sink.emit(sink.context, &end);
    HOLDS(reporter_close(reporter, &error) == 0);
    fclose(out);
    capture_reader_end(&capture_reader);
    capture_close(capture);
    teredo_flows_free(capture_reader.teredo_flows);
}

static void check_json(const char *text, size_t size)
{
    const char *end = text + size;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        json_t *object;

        HOLDS(newline != NULL);
        object = json_loadb(text, (size_t)(newline - text), JSON_REJECT_DUPLICATES, NULL);
        HOLDS(json_is_object(object));
        json_decref(object);
        text = newline + 1;
    }
}

/* The same of the hole punches in it. */
static void trace(const uint8_t *data, size_t size, enum report_format format, char **text,
                  size_t *text_size)
{
    static const struct capture_control control = {.loop = NULL};
    static const char *const name = "fuzz";
    struct teredo_flows_config teredo_flows = {.flows = FLOWS};
    struct passive_config config = {.vantages = 1, .punches = FLOWS, .clients = FLOWS};
    struct passive *engine = passive_new(&config);
    FILE *file = fmemopen((void *)data, size, "r"), *out = open_memstream(text, text_size);
    FILE *err = fopen("/dev/null", "w");
    struct report_config report = {.format = format,
                                   .command = "trace",
                                   .verdict = EVENT_PUNCHING,
                                   .columns = TSV_CAPTURES,
                                   .out = out,
                                   .err = err,
                                   .verbose = true,
                                   .captures = &name,
                                   .capture_count = 1};
    struct reporter *reporter = reporter_new(&report);
    struct event_sink sink = reporter_sink(reporter);
    struct event end = {.kind = EVENT_PASSIVE};
    struct error error = {0};
    struct replay replay = {
        .sources = {{.capture = capture_open_stream(file, name, &control, &error)}},
        .count = 1,
        .capture_reader = {.teredo_flows = teredo_flows_new(&teredo_flows),
                           .tunnels = true,
                           .errors = true,
                           .in_order = true},
    };

    if (replay_run(&replay, passive_engine(engine), &sink, &error) != 0)
        HOLDS(error.status != 0 && error.what[0] != '\0');
    end.passive = passive_summary(engine);
    sink.emit(sink.context, &end);
    HOLDS(reporter_close(reporter, &error) == 0);
    fclose(out);
    fclose(err);
    capture_close(replay.sources[0].capture);
    teredo_flows_free(replay.capture_reader.teredo_flows);
    passive_free(engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        enum report_format format;
        bool verbose, summary;
    } runs[] = {
        {REPORT_TEXT, false, false}, {REPORT_TEXT, true, false},  {REPORT_JSONL, false, false},
        {REPORT_TEXT, false, true},  {REPORT_JSONL, false, true},
    };

    if (size == 0)
        return 0;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char *text = NULL;
        size_t text_size = 0;

        decode(data, size, runs[i].format, runs[i].verbose, runs[i].summary, &text, &text_size);
        if (runs[i].format == REPORT_JSONL)
            check_json(text, text_size);
        free(text);
    }
    for (int format = REPORT_TEXT; format <= REPORT_JSONL; format++) {
        char *text = NULL;
        size_t text_size = 0;

        trace(data, size, (enum report_format)format, &text, &text_size);
        if (format == REPORT_JSONL)
            check_json(text, text_size);
        if (format == REPORT_JSON) {
            json_t *object = json_loadb(text, text_size, JSON_REJECT_DUPLICATES, NULL);

            HOLDS(json_is_object(object));
            json_decref(object);
        }
        free(text);
    }
    return 0;
}
