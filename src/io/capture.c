#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"

enum {
    READ_ROOM = 1 << 18,
    /* Teredo packets are smaller by far; a ring of slots of this size holds many. */
    LIVE_SNAP = 4096,
    LIVE_BUFFER = 8 << 20,
    LIVE_TIMEOUT_MS = 100,
    /* Frames of an interface between two looks at whether to stop. */
    FRAMES_A_LOOK = 256,
};

struct capture {
    struct capture_control control;
    pcap_t *pcap; /* of a file: from capture_begin on, and then it owns stream */
    FILE *stream;
    int fd;       /* behind stream; -1 = none of ours */
    char *buffer; /* of stream */
    char *name;
    bool live;
    bool stopped;
    bool ready; /* what was waited for is there */
    bool filtered;
    struct bpf_program filter;
    enum link_type link;
    uint64_t number;
};

static struct capture *capture_new(const char *name, const struct capture_control *control,
                                   struct error *error)
{
    struct capture *c = calloc(1, sizeof *c);

    if (c == NULL || (c->name = strdup(name)) == NULL) {
        free(c);
        error_set(error, EX_OSERR, ENOMEM, "cannot read %s", name);
        return NULL;
    }
    c->control = *control;
    if (c->control.pipe_command == NULL)
        c->control.pipe_command = "teredoctl decode";
    if (c->control.live_command == NULL)
        c->control.live_command = c->control.pipe_command;
    c->fd = -1;
    return c;
}

static int came(void *context, struct pollfd ready, struct error *error)
{
    struct capture *c = context;

    (void)ready;
    (void)error;
    c->ready = true;
    loop_stop(c->control.loop);
    return 0;
}

static int patience_passed(void *context, struct error *error)
{
    struct capture *c = context;

    (void)error;
    loop_stop(c->control.loop);
    return 0;
}

static int run_loop(struct capture *c, nsec patience, struct error *error)
{
    struct loop *loop = c->control.loop;
    struct loop_timer timer = {.when = NSEC_NEVER, .fired = patience_passed, .context = c};
    int result;

    c->ready = false;
    if (loop_poll(loop, error) != 0)
        return -1;
    if (c->ready || loop_interrupted())
        return 0;
    if (c->control.before_wait != NULL)
        c->control.before_wait(c->control.context);
    if (patience > 0)
        timer.when = clock_now() + patience;
    loop_add_timer(loop, &timer);
    result = loop_run(loop, error);
    loop_remove_timer(loop, &timer);
    return result;
}

/* Until FD has something, for at most PATIENCE (0 = for ever): 0, `stopped` set if it is time to
 * stop; or -1 with ERROR filled. */
static int wait_for(struct capture *c, int fd, nsec patience, struct error *error)
{
    struct loop_watch watch = {.fd = fd, .events = POLLIN, .ready = came, .context = c};
    int result;

    if (c->control.loop == NULL)
        return 0;
    if (loop_watch(c->control.loop, &watch, error) != 0)
        return -1;
    result = run_loop(c, patience, error);
    loop_unwatch(c->control.loop, fd);
    c->stopped = loop_interrupted();
    return result;
}

/* libpcap reads a stdio stream, whose buffer hides when a read would wait. Beneath the buffer that
 * is plain to see. */
static ssize_t read_some(void *cookie, char *data, size_t size)
{
    struct capture *c = cookie;
    struct error ignored;
    ssize_t n;

    if (!c->stopped && wait_for(c, c->fd, 0, &ignored) != 0) {
        errno = EIO;
        return -1;
    }
    if (c->stopped)
        return 0;
    do
        n = read(c->fd, data, size);
    while (n < 0 && errno == EINTR);
    return n;
}

static bool open_stream(struct capture *c)
{
    static const cookie_io_functions_t functions = {.read = read_some};

    c->stream = fopencookie(c, "r", functions);
    if (c->stream == NULL)
        return false;
    setvbuf(c->stream, c->buffer, _IOFBF, READ_ROOM);
    return true;
}

struct capture *capture_open(const char *path, const struct capture_control *control,
                             struct error *error)
{
    bool from_stdin = strcmp(path, "-") == 0;
    struct capture *c = capture_new(from_stdin ? "standard input" : path, control, error);
    struct stat status;

    if (c == NULL)
        return NULL;
    c->fd = from_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (c->fd >= 0 && fstat(c->fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        close(c->fd);
        c->fd = -1;
        errno = EISDIR;
    }
    c->buffer = malloc(READ_ROOM);
    if (c->fd < 0 || c->buffer == NULL || !open_stream(c)) {
        error_set_no_input(error, errno, c->name);
        capture_close(c);
        return NULL;
    }
    return c;
}

struct capture *capture_open_stream(FILE *file, const char *name,
                                    const struct capture_control *control, struct error *error)
{
    struct capture *c = capture_new(name, control, error);

    if (c == NULL)
        fclose(file);
    else
        c->stream = file;
    return c;
}

static int live_failed(struct capture *c, int code, struct error *error)
{
    const char *detail = c->pcap != NULL ? pcap_geterr(c->pcap) : "";

    if (detail[0] == '\0')
        detail = pcap_statustostr(code);
    switch (code) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        error_set(error, EX_NOPERM, 0, "no permission to capture on %s", c->name);
        return error_hint(error, "sudo %s -i %s, or: sudo tcpdump -i %s -U -w - | %s",
                          c->control.live_command, c->name, c->name, c->control.pipe_command);
    case PCAP_ERROR_NO_SUCH_DEVICE:
        error_set(error, EX_UNAVAILABLE, 0, "there is no interface %s", c->name);
        return error_hint(error, "`ip link`, which lists them; 'any' is all of them");
    default:
        return error_set(error, EX_UNAVAILABLE, 0, "cannot capture on %s: %s", c->name, detail);
    }
}

struct capture *capture_open_live(const char *interface, const struct capture_control *control,
                                  struct error *error)
{
    char errbuf[PCAP_ERRBUF_SIZE] = "";
    struct capture *c = capture_new(interface, control, error);
    int code = PCAP_ERROR;

    if (c == NULL)
        return NULL;
    c->live = true;
    c->pcap = pcap_create(interface, errbuf);
    if (c->pcap != NULL) {
        pcap_set_snaplen(c->pcap, LIVE_SNAP);
        pcap_set_promisc(c->pcap, 1);
        pcap_set_buffer_size(c->pcap, LIVE_BUFFER);
        pcap_set_timeout(c->pcap, LIVE_TIMEOUT_MS);
        pcap_set_immediate_mode(c->pcap, 1);
        pcap_set_tstamp_precision(c->pcap, PCAP_TSTAMP_PRECISION_NANO);
        code = pcap_activate(c->pcap);
    }
    if (code < 0) {
        live_failed(c, code, error);
    } else if (pcap_setnonblock(c->pcap, 1, errbuf) != 0) {
        error_set(error, EX_OSERR, 0, "cannot capture on %s: %s", c->name, errbuf);
    } else {
        return c;
    }
    capture_close(c);
    return NULL;
}

static int begin_file(struct capture *c, struct error *error)
{
    char errbuf[PCAP_ERRBUF_SIZE] = "";
    int first = getc(c->stream);

    if (first == EOF && ferror(c->stream))
        return error_set(error, EX_IOERR, errno, "cannot read %s", c->name);
    if (first == EOF) {
        /* Stopped before anything came: a capture of no frames. */
        if (c->stopped)
            return 0;
        return error_set(error, EX_NOINPUT, 0, "%s is empty", c->name);
    }
    ungetc(first, c->stream);
    c->pcap =
        pcap_fopen_offline_with_tstamp_precision(c->stream, PCAP_TSTAMP_PRECISION_NANO, errbuf);
    if (c->pcap == NULL && c->stopped)
        return 0;
    if (c->pcap == NULL) {
        error_set(error, EX_DATAERR, 0, "%s is not a capture that libpcap can read: %s", c->name,
                  errbuf);
        if (first == 0x1f || first == 'B' || first == 0xfd || first == 0x28)
            error_hint(error, "if it is compressed: gunzip, bunzip2, unxz or unzstd it first");
        return -1;
    }
    c->stream = NULL;
    return 0;
}

/* libpcap's number of a link type as ours; false for those that do not carry IPv4, or not in a way
 * known here. */
static bool find_link(int number, enum link_type *out)
{
    static const struct {
        int number;
        enum link_type type;
    } links[] = {
        {DLT_EN10MB, LINK_ETHERNET},
        {DLT_LINUX_SLL, LINK_LINUX_COOKED},
        {DLT_LINUX_SLL2, LINK_LINUX_COOKED2},
        {DLT_RAW, LINK_RAW},
        {DLT_IPV4, LINK_IP4},
        {DLT_NULL, LINK_NULL},
        {DLT_LOOP, LINK_LOOP},
        {DLT_PPP, LINK_PPP},
        {DLT_PPP_SERIAL, LINK_PPP},
        {DLT_C_HDLC, LINK_PPP},
        {DLT_PPP_ETHER, LINK_PPPOE},
    };

    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (links[i].number == number) {
            *out = links[i].type;
            return true;
        }
    return false;
}

static int set_filter(struct capture *c, struct error *error)
{
    if (pcap_compile(c->pcap, &c->filter, c->control.filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        error_set(error, EX_USAGE, 0, "the filter '%s' is wrong: %s", c->control.filter,
                  pcap_geterr(c->pcap));
        return error_hint(error, "pcap-filter(7); a FILE of such a name is written ./NAME");
    }
    c->filtered = true;
    /* Frames of a file are numbered by us before the filter, so that their numbers are those that
     * other programs give them. */
    if (c->live && pcap_setfilter(c->pcap, &c->filter) != 0)
        return error_set(error, EX_OSERR, 0, "cannot filter on %s: %s", c->name,
                         pcap_geterr(c->pcap));
    return 0;
}

int capture_begin(struct capture *c, struct error *error)
{
    if (!c->live && begin_file(c, error) != 0)
        return -1;
    if (c->pcap == NULL)
        return 0;
    if (!find_link(pcap_datalink(c->pcap), &c->link)) {
        error_set(error, EX_DATAERR, 0, "%s has the link type %s, which teredoctl cannot read",
                  c->name, capture_link_name(c));
        return error_hint(error, "a capture of Ethernet, Linux cooked (v1, v2), raw IP, loopback, "
                                 "PPP or PPPoE");
    }
    return c->control.filter == NULL ? 0 : set_filter(c, error);
}

static int read_failed(struct capture *c, struct error *error)
{
    FILE *file = pcap_file(c->pcap);
    int saved = errno;

    if (c->stopped)
        return 0;
    if (c->live)
        return error_set(error, EX_IOERR, 0, "cannot capture on %s any more: %s", c->name,
                         pcap_geterr(c->pcap));
    if (file != NULL && ferror(file))
        return error_set(error, EX_IOERR, saved, "cannot read %s", c->name);
    return error_set(error, EX_DATAERR, 0, "%s is damaged after frame %llu: %s", c->name,
                     (unsigned long long)c->number, pcap_geterr(c->pcap));
}

/* With nanosecond precision tv_usec holds nanoseconds. libpcap reads a pcap file's 32 bits as
 * signed, though nobody has captured before 1970, and after 2038 somebody will. A pcapng file can
 * say any time at all; what nsec cannot hold becomes the nearest that it can. */
static nsec time_of(const struct pcap_pkthdr *header)
{
    int64_t seconds = header->ts.tv_sec, limit = NSEC_LATEST / NSEC_S;

    if (seconds < 0 && seconds >= INT32_MIN)
        seconds += INT64_C(1) << 32;
    if (seconds < 0)
        return 0;
    if (seconds > limit)
        return limit * NSEC_S;
    return seconds * NSEC_S + header->ts.tv_usec % NSEC_S;
}

/* Under a flood there is no wait in which the loop would see a signal: 0, or -1 to stop or fail. */
static int look_for_stop(struct capture *c, struct error *error)
{
    int failed = loop_poll(c->control.loop, error);

    c->stopped = loop_interrupted();
    return c->stopped ? -1 : failed;
}

enum capture_result capture_next(struct capture *c, struct capture_frame *frame,
                                 struct error *error)
{
    struct pcap_pkthdr *header;
    const u_char *data;
    bool waited = false;

    if (c->pcap == NULL)
        return CAPTURE_END;
    for (;;) {
        int got = pcap_next_ex(c->pcap, &header, &data);

        if (got == PCAP_ERROR_BREAK) /* the end of a file */
            return CAPTURE_END;
        if (got < 0)
            return read_failed(c, error) == 0 ? CAPTURE_END : CAPTURE_FAILED;
        if (got == 0) {
            nsec patience = c->control.patience;

            if (waited && patience > 0)
                return CAPTURE_IDLE;
            if (wait_for(c, pcap_get_selectable_fd(c->pcap), patience, error) != 0)
                return CAPTURE_FAILED;
            if (c->stopped)
                return CAPTURE_END;
            waited = true;
            continue;
        }
        c->number++;
        if (c->live && c->number % FRAMES_A_LOOK == 0 && look_for_stop(c, error) != 0)
            return c->stopped ? CAPTURE_END : CAPTURE_FAILED;
        if (!c->live && c->filtered && pcap_offline_filter(&c->filter, header, data) == 0)
            continue;
        frame->data = data;
        frame->size = header->caplen;
        frame->whole = header->len;
        frame->when = time_of(header);
        frame->number = c->number;
        return CAPTURE_FRAME;
    }
}

const char *capture_file(const struct capture *c)
{
    return c->live ? NULL : c->name;
}

enum link_type capture_link(const struct capture *c)
{
    return c->link;
}

const char *capture_link_name(const struct capture *c)
{
    const char *name;

    if (c->pcap == NULL)
        return "unknown";
    name = pcap_datalink_val_to_name(pcap_datalink(c->pcap));
    return name == NULL ? "unknown" : name;
}

static void close_pcap(struct capture *c)
{
    if (c->filtered)
        pcap_freecode(&c->filter);
    c->filtered = false;
    if (c->pcap != NULL)
        pcap_close(c->pcap);
    c->pcap = NULL;
    if (c->stream != NULL)
        fclose(c->stream);
    c->stream = NULL;
}

int capture_rewind(struct capture *c, struct error *error)
{
    close_pcap(c);
    if (lseek(c->fd, 0, SEEK_SET) < 0) {
        error_set(error, EX_NOINPUT, errno, "cannot read %s twice", c->name);
        return error_hint(error, "several captures must be files, for their clocks are compared "
                                 "before anything is told");
    }
    if (!open_stream(c))
        return error_set(error, EX_OSERR, errno, "cannot read %s", c->name);
    c->number = 0;
    return 0;
}

uint64_t capture_dropped(const struct capture *c)
{
    struct pcap_stat stats;

    return c->live && pcap_stats(c->pcap, &stats) == 0 ? stats.ps_drop : 0;
}

void capture_close(struct capture *c)
{
    if (c == NULL)
        return;
    close_pcap(c);
    if (c->fd >= 0)
        close(c->fd);
    free(c->buffer);
    free(c->name);
    free(c);
}
