/* The way of `teredoctl decode` from a capture file to all that it prints: the input is the file.
 * Each line of JSON is JSON. */
#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "sift.h"
#include "sighting_report.h"

enum {
    FLOWS = 8 /* few, so that some make way */
};

static struct output output;

static void print(void *context, const struct sighting *s)
{
    sighting_print(context, s);
}

/* One run; what it has printed is in *TEXT, for the caller to free. */
static void decode(const uint8_t *data, size_t size, enum report_format format, bool verbose,
                   bool summary, char **text, size_t *text_size)
{
    static const struct capture_control control = {.stop_fd = -1};
    struct sighter_config config = {.flows = FLOWS, .summary = summary};
    struct sighting_printer printer = {.format = format, .verbose = verbose, .out = &output};
    struct sift sift = {.sighter = sighter_new(&config),
                        .tunnels = verbose || summary,
                        .seen = summary ? NULL : print,
                        .context = &printer};
    struct error error = {0};
    FILE *file = fmemopen((void *)data, size, "r"), *out = open_memstream(text, text_size);
    struct capture *capture = capture_open_stream(file, "fuzz", &control, &error);
    struct sighting_summary sum;

    output_init(&output, out);
    if (capture_begin(capture, &error) == 0) {
        sighting_printer_file(&printer, capture_file(capture));
        if (sift_capture(&sift, capture, &error) != 0)
            HOLDS(error.status != 0 && error.what[0] != '\0');
    } else {
        HOLDS(error.status != 0 && error.what[0] != '\0');
    }
    sighter_summary(sift.sighter, &sum);
    HOLDS(sum.packets <= sum.datagrams && sum.unanswered + sum.punches <= sum.flows);
    if (summary)
        sighting_summary_print(out, format, &sum, 0);
    else
        sighting_print_end(&printer);
    sighting_printer_file(&printer, NULL);
    output_flush(&output);
    HOLDS(output.errnum == 0);
    fclose(out);
    capture_close(capture);
    sighter_free(sift.sighter);
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
    return 0;
}
