#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

#include "capture_input.h"
#include "capture_reader.h"
#include "captured_packet_report.h"
#include "command.h"
#include "decode_hex.h"
#include "decode_options.h"
#include "entropy.h"
#include "tsv.h"

struct decode {
    struct decode_options options;
    struct output output;
    struct captured_packet_printer printer;
    struct capture_reader capture_reader;
    struct capture_input input;
    uint64_t dropped;
};

static void print_packet(void *context, const struct captured_packet *s)
{
    captured_packet_print(context, s);
}

static void flush_results(void *context)
{
    output_flush(context);
}

static int open_all(struct decode *d, struct error *error)
{
    struct teredo_flows_config config = {.summary = d->options.summary};

    if (!entropy_fill(&config.seed, sizeof config.seed, error))
        return -1;
    d->capture_reader.teredo_flows = teredo_flows_new(&config);
    if (d->capture_reader.teredo_flows == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    d->input.control.filter = d->options.filter;
    d->input.control.before_wait = flush_results;
    d->input.control.context = &d->output;
    return capture_input_open(&d->input, d->options.files, d->options.file_count,
                              d->options.interface, error);
}

static int read_capture(struct decode *d, struct capture *c, struct error *error)
{
    int result;

    if (capture_begin(c, error) != 0)
        return -1;
    if (d->options.interface != NULL && !d->options.quiet)
        fprintf(stderr, "teredoctl decode: listening on %s, link type %s; end with Ctrl-C\n",
                d->options.interface, capture_link_name(c));
    captured_packet_printer_file(&d->printer, capture_file(c));
    result = capture_reader_capture(&d->capture_reader, c, error);
    d->dropped += capture_dropped(c);
    return result;
}

static void print_remarks(const struct decode *d, const struct flows_summary *sum)
{
    if (d->options.quiet || d->options.summary)
        return;
    if (sum->forgotten > 0)
        fprintf(stderr,
                "teredoctl decode: too many flows: the oldest %" PRIu64 " were forgotten, and of "
                "those only packets were shown that are certainly Teredo\n",
                sum->forgotten);
    if (d->options.interface != NULL)
        fprintf(stderr,
                "teredoctl decode: %" PRIu64 " Teredo packets of %" PRIu64
                " frames; the kernel dropped %" PRIu64 "\n",
                sum->packets, sum->frames, d->dropped);
}

static int decode_captures(struct decode *d, struct error *error)
{
    struct flows_summary sum;
    int result = open_all(d, error);

    d->capture_reader.tunnels = d->options.tunnels;
    d->capture_reader.count = d->options.count;
    d->capture_reader.seen = d->options.summary ? NULL : print_packet;
    d->capture_reader.context = &d->printer;
    for (int i = 0;
         i < d->input.count && result == 0 && !capture_reader_is_done(&d->capture_reader); i++) {
        result = read_capture(d, d->input.captures[i], error);
        capture_input_close_one(&d->input, i);
    }
    if (d->capture_reader.teredo_flows == NULL)
        return result;
    teredo_flows_summary(d->capture_reader.teredo_flows, &sum);
    /* What came before an error is told, if anything came. */
    if (result != 0 && sum.frames == 0)
        return result;
    if (d->options.summary)
        captured_packet_summary_print(stdout, d->options.format, &sum, d->dropped);
    else
        captured_packet_print_end(&d->printer);
    output_flush(&d->output);
    print_remarks(d, &sum);
    return result != 0 ? result : sum.packets > 0 ? EX_OK : 1;
}

static void close_all(struct decode *d)
{
    capture_input_close(&d->input);
    teredo_flows_free(d->capture_reader.teredo_flows);
    captured_packet_printer_file(&d->printer, NULL);
    free(d->options.filter);
}

static int run(int argc, char **argv, struct error *error)
{
    static struct decode d;
    struct error late;
    int status;

    argv[0] = "teredoctl decode";
    argp_parse(&decode_argp, argc, argv, 0, NULL, &d.options);
    output_init(&d.output, stdout);
    d.printer.format = d.options.format;
    d.printer.verbose = d.options.verbose;
    d.printer.out = &d.output;
    if (d.options.header)
        tsv_header(stdout, d.options.summary ? TSV_SUMMARY : "decode");
    status = d.options.hex != NULL ? decode_hex(&d.printer, d.options.hex, d.options.quiet, error)
                                   : decode_captures(&d, error);
    /* Results that were lost matter unless there is worse to tell. */
    if (output_close(&d.output, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    close_all(&d);
    return status;
}

const struct command command_decode = {"decode",
                                       "find the Teredo packets in captures, and decode them", run};
