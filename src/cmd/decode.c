#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "capture_input.h"
#include "capture_reader.h"
#include "confine.h"
#include "entropy.h"
#include "options.h"

struct decode_options {
    struct options common;
    bool summary;
    bool tunnels;
    uint64_t count; /* 0 = all */
    const char *hex;
    const char *interface;
    char **arguments;
    int argument_count;
    /* What the arguments are: of argv, "-" = standard input. None = standard input, unless hex or
     * interface. */
    char **files;
    int file_count;
    char *filter; /* NULL = none; allocated */
};

static const struct option_entry decode_options[] = {
    {"interface", 'i', "INTERFACE", "Capture on this network interface; 'any' is all", .group = 1,
     OPTION_TEXT(struct decode_options, interface)},
    {"hex", 0, "HEX", "Decode a UDP payload that is given in hexadecimal digits",
     OPTION_TEXT(struct decode_options, hex)},
    {"tunnels", 0, NULL, "Also look into GTP-U tunnels",
     OPTION_FLAG(struct decode_options, tunnels)},
    {"count", 0, "N", "End after N Teredo packets",
     OPTION_NUMBER(struct decode_options, count, 1, LONG_MAX)},
    {"summary", 0, NULL, "Print no packets, only what there was in all", .group = 2,
     OPTION_FLAG(struct decode_options, summary)},
    {OPTION_FORMAT(FORMATS, FORMATS, "How to print results (default: text)")},
    {OPTION_HEADER},
    {OPTION_QUIET("Print nothing but results and errors")},
    {OPTION_VERBOSE("Print every field of each packet; twice: also which sandbox is in force")},
    {0},
};

/* Words that a filter of pcap-filter(7) can begin with. */
static const char *const filter_words[] = {
    "arp",    "broadcast", "dst",     "ether", "gateway",  "greater", "host",      "icmp",
    "icmp6",  "ifname",    "inbound", "ip",    "ip6",      "len",     "less",      "link",
    "mpls",   "multicast", "net",     "not",   "outbound", "port",    "portrange", "pppoed",
    "pppoes", "proto",     "src",     "tcp",   "udp",      "vlan",
};

static bool begins_filter(const char *argument)
{
    size_t length = strcspn(argument, " [<>=!&|()");

    if (argument[0] == '(' || argument[0] == '!')
        return true;
    for (size_t i = 0; i < sizeof filter_words / sizeof *filter_words; i++)
        if (strlen(filter_words[i]) == length && strncmp(argument, filter_words[i], length) == 0)
            return true;
    return false;
}

static void join_filter(struct decode_options *o, char **words, int count, struct argp_state *state)
{
    size_t size = 1;
    char *p;

    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    o->filter = p = malloc(size);
    if (p == NULL)
        argp_failure(state, EX_OSERR, 0, "out of memory");
    for (int i = 0; i < count && p != NULL; i++) {
        p = stpcpy(p, words[i]);
        *p++ = i + 1 < count ? ' ' : '\0';
    }
}

/* FILEs come first, then the filter. What exists is a FILE; what does not is one as well, and
 * missing, unless it reads as the beginning of a filter. */
static void split_arguments(struct decode_options *o, struct argp_state *state)
{
    char **arguments = o->arguments;
    int files = 0, count = o->argument_count;

    while (o->interface == NULL && files < count &&
           (strcmp(arguments[files], "-") == 0 || access(arguments[files], F_OK) == 0 ||
            !begins_filter(arguments[files])))
        files++;
    o->files = arguments;
    o->file_count = files;
    if (files < count)
        join_filter(o, arguments + files, count - files, state);
}

static void take_argument(const struct option_value *v, void *options)
{
    struct decode_options *o = options;

    if (o->argument_count++ == 0)
        o->arguments = &v->state->argv[v->state->next - 1];
}

static void check(void *options, struct argp_state *state)
{
    struct decode_options *o = options;

    split_arguments(o, state);
    if (o->hex != NULL && (o->interface != NULL || o->file_count > 0 || o->filter != NULL ||
                           o->summary || o->tunnels || o->count > 0))
        argp_error(state, "--hex goes with --format, -q and -v alone");
    if (o->hex == NULL && o->interface == NULL && o->file_count == 0 && isatty(STDIN_FILENO))
        argp_error(state, "give a FILE, -i INTERFACE or --hex, or a capture on standard input");
}

struct decode {
    struct decode_options options;
    struct reporter *reporter;
    struct event_sink sink;
    struct capture_reader capture_reader;
    struct capture_input input;
    uint64_t dropped;
};

static void print_packet(void *context, const struct captured_packet *s)
{
    static struct event event = {.kind = EVENT_PACKET};
    const struct decode *d = context;

    event.when = s->when;
    event.packet = s;
    d->sink.emit(d->sink.context, &event);
}

static void flush_results(void *context)
{
    reporter_flush(context);
}

static int open_all(struct decode *d, struct error *error)
{
    struct teredo_flows_config config = {.summary = d->options.summary};

    if (!entropy_fill(&config.seed, sizeof config.seed, error))
        return -1;
    d->capture_reader.seed = config.seed;
    d->capture_reader.teredo_flows = teredo_flows_new(&config);
    if (d->capture_reader.teredo_flows == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    d->input.control.filter = d->options.filter;
    d->input.control.before_wait = flush_results;
    d->input.control.context = d->reporter;
    if (capture_input_open(&d->input, d->options.files, d->options.file_count, d->options.interface,
                           error) != 0)
        return -1;
    return confine_captures(&command_decode, &d->options.common, &d->input, error);
}

static int read_capture(struct decode *d, struct capture *c, struct error *error)
{
    int result;

    if (capture_reader_begin(&d->capture_reader, c, error) != 0)
        return -1;
    if (d->options.interface != NULL && !d->options.common.quiet)
        fprintf(stderr, "teredoctl decode: listening on %s, link type %s; end with Ctrl-C\n",
                d->options.interface, capture_link_name(c));
    result = capture_reader_capture(&d->capture_reader, error);
    d->dropped += capture_dropped(c);
    return result;
}

static void print_remarks(const struct decode *d, const struct flows_summary *sum)
{
    struct capture_remark remarks[CAPTURE_REMARK_LINES];
    unsigned count = capture_remarks_lines(&sum->remarks, remarks);

    if (d->options.common.quiet || d->options.summary)
        return;
    for (unsigned i = 0; i < count; i++)
        if (remarks[i].doubt || sum->packets == 0)
            fprintf(stderr, "teredoctl decode: %s\n", remarks[i].text);
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
    struct event end = {.kind = EVENT_FLOWS};
    int result = open_all(d, error);

    d->capture_reader.tunnels = d->options.tunnels;
    d->capture_reader.count = d->options.count;
    d->capture_reader.seen = d->options.summary ? NULL : print_packet;
    d->capture_reader.context = d;
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
    sum.dropped = d->dropped;
    end.flows = &sum;
    d->sink.emit(d->sink.context, &end);
    reporter_flush(d->reporter);
    print_remarks(d, &sum);
    if (result != 0 || sum.packets > 0)
        return result;
    /* That there is none, what was not looked at does not carry. */
    return sum.remarks.cut > 0 || sum.remarks.unread_count > 0 ? 2 : 1;
}

/* --hex: one UDP payload from the command line. What makes it no Teredo packet is also told on
 * standard error. */
static int decode_hex(struct decode *d, struct error *error)
{
    uint8_t *data = malloc(UINT16_MAX);
    struct captured_packet s;
    long size;
    bool good;

    if (data == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    if (confine(&command_decode, &d->options.common, NULL, error) != 0) {
        free(data);
        return -1;
    }
    size = value_read_hex(d->options.hex, data, UINT16_MAX);
    if (size < 0) {
        free(data);
        error_set(error, EX_USAGE, 0, "--hex: not pairs of hexadecimal digits, at most 65535");
        return error_hint(error, "the UDP payload, such as tshark -T fields -e udp.payload prints");
    }
    good = teredo_flows_decode_payload(data, (size_t)size, &s);
    print_packet(d, &s);
    reporter_flush(d->reporter);
    if (!good && !d->options.common.quiet)
        fprintf(stderr, "teredoctl decode: no Teredo packet: %s (byte %zu)\n",
                wire_reason_text(s.problems[0].reason), s.problems[0].offset);
    free(data);
    return good ? EX_OK : EX_DATAERR;
}

static void close_all(struct decode *d)
{
    capture_reader_end(&d->capture_reader);
    capture_input_close(&d->input);
    teredo_flows_free(d->capture_reader.teredo_flows);
    free(d->options.filter);
}

static int open_reporter(struct decode *d, struct error *error)
{
    struct report_config config = options_report(&command_decode, &d->options.common);

    config.verdict = d->options.summary ? EVENT_FLOWS : EVENT_PACKET;
    config.columns = d->options.summary ? TSV_SUMMARY : TSV_DECODE;
    config.many = d->options.hex == NULL;
    config.buffered = true;
    d->reporter = reporter_new(&config);
    if (d->reporter == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    d->sink = reporter_sink(d->reporter);
    return 0;
}

static int run(int argc, char **argv, struct error *error)
{
    static struct decode d;
    struct error late;
    int status;

    /* The first -v is for the packets. */
    d.options.common.sandbox_told = 1;
    options_parse(&command_decode, argc, argv, &d.options);
    if (open_reporter(&d, error) != 0)
        return -1;
    status = d.options.hex != NULL ? decode_hex(&d, error) : decode_captures(&d, error);
    /* Results that were lost matter unless there is worse to tell. */
    if (reporter_close(d.reporter, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    close_all(&d);
    return status;
}

const struct command command_decode = {
    .name = "decode",
    .summary = "find the Teredo packets in captures, and decode them",
    .args_doc = "[FILE...] [FILTER]\n-i INTERFACE [FILTER]\n--hex HEX",
    .doc =
        "Find the Teredo packets in captures, or on an interface, and decode them. Without FILE, "
        "or where it is -, the capture is read from standard input. FILTER is an expression of "
        "pcap-filter(7).\vExit status: 0 there was a Teredo packet, 1 there was none, 2 what there "
        "was could not all be read, 64 to 77 "
        "errors; see teredoctl-decode(1).",
    .options = {decode_options},
    .argument = take_argument,
    .check = check,
    .sandbox = SANDBOX_BASE,
    .run = run,
};
