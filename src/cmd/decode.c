#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "command.h"
#include "decode_hex.h"
#include "decode_options.h"
#include "entropy.h"
#include "privilege.h"
#include "sift.h"
#include "sighting_report.h"
#include "tsv.h"

struct decode {
    struct decode_options options;
    struct output output;
    struct sighting_printer printer;
    struct sift sift;
    struct capture_control control;
    struct capture **captures;
    int capture_count;
    uint64_t dropped;
};

static void print_packet(void *context, const struct sighting *s)
{
    sighting_print(context, s);
}

static void flush_results(void *context)
{
    output_flush(context);
}

/* From here on these signals end the reading, and then the program with what it has. */
static int open_signals(struct error *error)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? error_set(error, EX_OSERR, errno, "cannot watch for signals") : fd;
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

/* All of them, for later there is no privilege left to do so. */
static int open_captures(struct decode *d, struct error *error)
{
    const struct decode_options *o = &d->options;
    char dash[] = "-", *from_stdin[] = {dash};
    char **files = o->file_count > 0 ? o->files : from_stdin;
    int count = o->file_count > 0 ? o->file_count : 1;

    raise_file_limit();
    d->captures = calloc((size_t)count, sizeof(struct capture *));
    if (d->captures == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    for (; d->capture_count < count; d->capture_count++) {
        struct capture *c = o->interface != NULL
                                ? capture_open_live(o->interface, &d->control, error)
                                : capture_open(files[d->capture_count], &d->control, error);

        if (c == NULL)
            return -1;
        d->captures[d->capture_count] = c;
        if (o->interface != NULL)
            count = 1;
    }
    return 0;
}

static int open_all(struct decode *d, struct error *error)
{
    struct sighter_config config = {.summary = d->options.summary};

    if (!entropy_fill(&config.seed, sizeof config.seed, error))
        return -1;
    d->sift.sighter = sighter_new(&config);
    if (d->sift.sighter == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    d->control.filter = d->options.filter;
    d->control.before_wait = flush_results;
    d->control.context = &d->output;
    d->control.stop_fd = open_signals(error);
    if (d->control.stop_fd < 0 || open_captures(d, error) != 0)
        return -1;
    return privilege_become(NULL, error) != 0 ? -1 : privilege_drop(error);
}

static int read_capture(struct decode *d, struct capture *c, struct error *error)
{
    int result;

    if (capture_begin(c, error) != 0)
        return -1;
    if (d->options.interface != NULL && !d->options.quiet)
        fprintf(stderr, "teredoctl decode: listening on %s, link type %s; end with Ctrl-C\n",
                d->options.interface, capture_link_name(c));
    sighting_printer_file(&d->printer, capture_file(c));
    result = sift_capture(&d->sift, c, error);
    d->dropped += capture_dropped(c);
    return result;
}

static void print_remarks(const struct decode *d, const struct sighting_summary *sum)
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
    struct sighting_summary sum;
    int result = open_all(d, error);

    d->sift.tunnels = d->options.tunnels;
    d->sift.count = d->options.count;
    d->sift.seen = d->options.summary ? NULL : print_packet;
    d->sift.context = &d->printer;
    for (int i = 0; i < d->capture_count && result == 0 && !sift_is_done(&d->sift); i++) {
        result = read_capture(d, d->captures[i], error);
        capture_close(d->captures[i]);
        d->captures[i] = NULL;
    }
    if (d->sift.sighter == NULL)
        return result;
    sighter_summary(d->sift.sighter, &sum);
    /* What came before an error is told, if anything came. */
    if (result != 0 && sum.frames == 0)
        return result;
    if (d->options.summary)
        sighting_summary_print(stdout, d->options.format, &sum, d->dropped);
    else
        sighting_print_end(&d->printer);
    output_flush(&d->output);
    print_remarks(d, &sum);
    return result != 0 ? result : sum.packets > 0 ? EX_OK : 1;
}

static void close_all(struct decode *d)
{
    for (int i = 0; i < d->capture_count; i++)
        capture_close(d->captures[i]);
    free(d->captures);
    if (d->control.stop_fd >= 0)
        close(d->control.stop_fd);
    sighter_free(d->sift.sighter);
    sighting_printer_file(&d->printer, NULL);
    free(d->options.filter);
}

static int run(int argc, char **argv, struct error *error)
{
    static struct decode d = {.control.stop_fd = -1};
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
