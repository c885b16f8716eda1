#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "capture_filter.h"
#include "clock.h"
#include "frame_file.h"

enum {
    /* Teredo packets are smaller by far; a ring of slots of this size holds many. */
    LIVE_SNAP = 4096,
    LIVE_BUFFER = 8 << 20,
    LIVE_TIMEOUT_MS = 100,
    /* Frames of an interface between two looks at whether to stop. */
    FRAMES_A_LOOK = 256,
};

struct interface {
    enum link_type link;
    char link_name[24];
    size_t filter; /* its place in the capture's */
};

struct capture {
    struct capture_control control;
    char *name;
    bool live;
    bool stopped;
    bool ready; /* what was waited for is there */
    uint64_t frames;
    struct interface *interfaces;
    size_t interface_count;
    struct capture_filter *filter; /* NULL = all frames pass */
    struct capture_filter *own_filter;
    /* Of a file. */
    FILE *stream; /* NULL = fd */
    int fd;       /* -1 = none of ours */
    struct frame_file *file;
    uint64_t unreadable; /* frames of link types that are not known here */
    /* Of an interface of the machine. */
    pcap_t *pcap;
    uint64_t dropped; /* of its frames, so far */
};

static struct capture *capture_new(const char *name, const struct capture_control *control,
                                   struct error *error)
{
    struct capture *c = calloc(1, sizeof *c);

    if (c != NULL && control->filter != NULL) {
        c->filter = control->compiled;
        if (c->filter == NULL)
            c->filter = c->own_filter = capture_filter_new(control->filter);
    }
    if (c == NULL || (c->filter == NULL && control->filter != NULL) ||
        (c->name = strdup(name)) == NULL) {
        if (c != NULL)
            capture_filter_free(c->own_filter);
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

static ssize_t read_some(void *context, void *data, size_t size)
{
    struct capture *c = context;
    struct error ignored;
    ssize_t n;

    if (c->stream != NULL) {
        n = (ssize_t)fread(data, 1, size, c->stream);
        return n == 0 && ferror(c->stream) ? -1 : n;
    }
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
    if (c->fd < 0) {
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

static void name_link(struct interface *i, int link)
{
    const char *name = pcap_datalink_val_to_name(link);

    if (name != NULL)
        snprintf(i->link_name, sizeof i->link_name, "%s", name);
    else
        snprintf(i->link_name, sizeof i->link_name, "%d", link);
}

static struct interface *add_interface(struct capture *c, struct error *error)
{
    struct interface *list = realloc(c->interfaces, (c->interface_count + 1) * sizeof *list);

    if (list == NULL) {
        error_set(error, EX_OSERR, ENOMEM, "cannot read %s", c->name);
        return NULL;
    }
    c->interfaces = list;
    return &list[c->interface_count++];
}

/* The interfaces that the file has described since. */
static int add_interfaces(struct capture *c, struct error *error)
{
    while (c->interface_count < frame_file_interfaces(c->file)) {
        struct frame_interface new = frame_file_interface(c->file, c->interface_count);
        struct interface *i = add_interface(c, error);
        int link = capture_datalink_of(new.link_number);

        if (i == NULL)
            return -1;
        *i = (struct interface){.link = new.link};
        name_link(i, link);
        if (c->filter != NULL && capture_filter_find(c->filter, link, &i->filter, error) != 0)
            return -1;
    }
    return 0;
}

static int link_unknown(const struct capture *c, struct error *error)
{
    error_set(error, EX_DATAERR, 0, "%s has the link type %s, which teredoctl cannot read", c->name,
              c->interfaces[0].link_name);
    return error_hint(error, "a capture of Ethernet, Linux cooked (v1, v2), raw IP, loopback, PPP, "
                             "PPPoE, MPLS or NFLOG");
}

static int begin_file(struct capture *c, struct error *error)
{
    struct frame_bytes bytes = {read_some, c, c->name};

    c->file = frame_file_new(&bytes, error);
    if (c->file == NULL)
        return -1;
    if (frame_file_begin(c->file, error) < 0) {
        if (!c->stopped)
            return -1;
        /* Stopped before anything came: a capture of no frames. */
        frame_file_free(c->file);
        c->file = NULL;
        return 0;
    }
    if (add_interfaces(c, error) != 0)
        return -1;
    /* In pcapng others may follow. */
    if (c->interface_count > 0 && c->interfaces[0].link == LINK_UNKNOWN &&
        !frame_file_is_pcapng(c->file))
        return link_unknown(c, error);
    return 0;
}

static int begin_live(struct capture *c, struct error *error)
{
    int link = pcap_datalink(c->pcap), locked = 1;
    struct interface *i;

    if (c->interface_count > 0)
        return 0;
    if ((i = add_interface(c, error)) == NULL)
        return -1;
    *i = (struct interface){.link = link_type_of((unsigned)link)};
    name_link(i, link);
    if (i->link == LINK_UNKNOWN)
        return link_unknown(c, error);
    if (c->filter != NULL && capture_filter_set(c->filter, c->pcap, c->name, error) != 0)
        return -1;
    /* What is captured stays what was asked for; a kernel without this option goes on. */
    (void)setsockopt(pcap_fileno(c->pcap), SOL_SOCKET, SO_LOCK_FILTER, &locked, sizeof locked);
    return 0;
}

int capture_begin(struct capture *c, struct error *error)
{
    return c->live ? begin_live(c, error) : begin_file(c, error);
}

static void describe(const struct capture *c, size_t interface, struct capture_frame *frame)
{
    const struct interface *i = &c->interfaces[interface];

    frame->interface = interface;
    frame->link = i->link;
    frame->link_name = i->link_name;
}

static bool passes(const struct capture *c, const struct file_frame *frame)
{
    const struct interface *i = &c->interfaces[frame->interface];

    return c->filter == NULL || capture_filter_passes(c->filter, i->filter, i->link, frame);
}

static enum capture_result next_of_file(struct capture *c, struct capture_frame *frame,
                                        struct error *error)
{
    struct file_frame got;
    int result;

    if (c->file == NULL)
        return CAPTURE_END;
    while ((result = frame_file_next(c->file, &got, error)) > 0) {
        if (frame_file_interfaces(c->file) > c->interface_count && add_interfaces(c, error) != 0)
            return CAPTURE_FAILED;
        c->frames++;
        if (c->interfaces[got.interface].link == LINK_UNKNOWN)
            c->unreadable++;
        if (!passes(c, &got))
            continue;
        *frame = (struct capture_frame){
            .data = got.data,
            .size = got.size,
            .whole = got.whole,
            .when = got.when,
            .has_time = got.has_time,
            .number = got.number,
            .direction = got.direction,
        };
        describe(c, got.interface, frame);
        return CAPTURE_FRAME;
    }
    if (c->stopped)
        return CAPTURE_END;
    if (result == 0 && c->frames > 0 && c->unreadable == c->frames)
        result = link_unknown(c, error);
    return result < 0 ? CAPTURE_FAILED : CAPTURE_END;
}

/* With nanosecond precision tv_usec holds nanoseconds. */
static nsec time_of(const struct pcap_pkthdr *header)
{
    nsec when = header->ts.tv_sec * NSEC_S + header->ts.tv_usec;

    return nsec_max(0, nsec_min(when, NSEC_LATEST));
}

/* Under a flood there is no wait in which the loop would see a signal: 0, or -1 to stop or fail. */
static int look_for_stop(struct capture *c, struct error *error)
{
    int failed = loop_poll(c->control.loop, error);

    c->stopped = loop_interrupted();
    return c->stopped ? -1 : failed;
}

static enum capture_result next_live(struct capture *c, struct capture_frame *frame,
                                     struct error *error)
{
    struct pcap_pkthdr *header;
    const u_char *data;
    bool waited = false;
    int got;

    while ((got = pcap_next_ex(c->pcap, &header, &data)) == 0) {
        nsec patience = c->control.patience;

        if (waited && patience > 0)
            return CAPTURE_IDLE;
        if (wait_for(c, pcap_get_selectable_fd(c->pcap), patience, error) != 0)
            return CAPTURE_FAILED;
        if (c->stopped)
            return CAPTURE_END;
        waited = true;
    }
    if (got < 0) {
        if (c->stopped)
            return CAPTURE_END;
        error_set(error, EX_IOERR, 0, "cannot capture on %s any more: %s", c->name,
                  pcap_geterr(c->pcap));
        return CAPTURE_FAILED;
    }
    c->frames++;
    if (c->frames % FRAMES_A_LOOK == 0 && look_for_stop(c, error) != 0)
        return c->stopped ? CAPTURE_END : CAPTURE_FAILED;
    *frame = (struct capture_frame){
        .data = data,
        .size = header->caplen,
        .whole = header->len,
        .when = time_of(header),
        .has_time = true,
        .number = c->frames,
    };
    describe(c, 0, frame);
    return CAPTURE_FRAME;
}

enum capture_result capture_next(struct capture *c, struct capture_frame *frame,
                                 struct error *error)
{
    return c->live ? next_live(c, frame, error) : next_of_file(c, frame, error);
}

size_t capture_interfaces(const struct capture *c)
{
    return c->interface_count;
}

bool capture_is_regular(const struct capture *c)
{
    struct stat status;

    return !c->live &&
           (c->stream != NULL || (fstat(c->fd, &status) == 0 && S_ISREG(status.st_mode)));
}

const char *capture_file(const struct capture *c)
{
    return c->live ? NULL : c->name;
}

const char *capture_link_name(const struct capture *c)
{
    return c->interface_count > 0 ? c->interfaces[0].link_name : "unknown";
}

/* Goes back to before capture_begin. */
static void forget(struct capture *c)
{
    free(c->interfaces);
    c->interfaces = NULL;
    frame_file_free(c->file);
    c->file = NULL;
    c->interface_count = 0;
    c->frames = c->unreadable = 0;
}

int capture_rewind(struct capture *c, struct error *error)
{
    forget(c);
    if (lseek(c->fd, 0, SEEK_SET) < 0) {
        error_set(error, EX_NOINPUT, errno, "cannot read %s twice", c->name);
        return error_hint(error, "several captures must be files, for their clocks are compared "
                                 "before anything is told");
    }
    return 0;
}

uint64_t capture_dropped(struct capture *c)
{
    struct tpacket_stats stats;
    socklen_t size = sizeof stats;

    if (c->file != NULL)
        return frame_file_dropped(c->file);
    /* pcap_stats would also read a file of the interface's, which the sandbox forbids. The kernel
     * begins anew at each reading. */
    if (c->live &&
        getsockopt(pcap_fileno(c->pcap), SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
        c->dropped += stats.tp_drops;
    return c->dropped;
}

void capture_close(struct capture *c)
{
    if (c == NULL)
        return;
    forget(c);
    capture_filter_free(c->own_filter);
    if (c->pcap != NULL)
        pcap_close(c->pcap);
    if (c->stream != NULL)
        fclose(c->stream);
    if (c->fd >= 0)
        close(c->fd);
    free(c->name);
    free(c);
}
