#include <pcap/pcap.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "capture.h"
#include "hex.h"
#include "tap.h"

enum {
    ROOM = 4096,
    HEADER_SIZE = 24,
    RECORD_SIZE = 16,
};

static const struct capture_control all = {.loop = NULL};
static struct error error;

/* A pcap file in memory. */
struct file {
    uint8_t data[ROOM];
    size_t size;
    bool big;
};

static void put(struct file *f, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        f->data[f->size++] = (uint8_t)(value >> 8 * (f->big ? bytes - 1 - i : i));
}

static struct file start(uint32_t magic, bool big, uint32_t link)
{
    struct file f = {.big = big};

    put(&f, magic, 4);
    put(&f, 2, 2);
    put(&f, 4, 2);
    put(&f, 0, 4);
    put(&f, 0, 4);
    put(&f, 65535, 4);
    put(&f, link, 4);
    return f;
}

static void add(struct file *f, uint32_t seconds, uint32_t fraction, const char *hex)
{
    uint8_t bytes[256];
    size_t size = hex_read(hex, bytes);

    put(f, seconds, 4);
    put(f, fraction, 4);
    put(f, (uint32_t)size, 4);
    put(f, (uint32_t)size + 100, 4);
    memcpy(f->data + f->size, bytes, size);
    f->size += size;
}

/* The capture, begun; or NULL with what went wrong in `error`. */
static struct capture *open_bytes(const void *data, size_t size,
                                  const struct capture_control *control)
{
    static uint8_t copy[ROOM];
    struct capture *c;

    memcpy(copy, data, size);
    error = (struct error){0};
    /* fmemopen has no stream of no bytes. */
    c = capture_open_stream(size > 0 ? fmemopen(copy, size, "r") : fopen("/dev/null", "r"), "test",
                            control, &error);
    if (capture_begin(c, &error) == 0)
        return c;
    capture_close(c);
    return NULL;
}

static struct capture *open_file(const struct file *f)
{
    return open_bytes(f->data, f->size, &all);
}

static void test_formats(void)
{
    static const struct {
        uint32_t magic;
        nsec unit;
        const char *name;
    } rows[] = {{0xa1b2c3d4, NSEC_US, "microseconds"}, {0xa1b23c4d, 1, "nanoseconds"}};

    for (int i = 0; i < 4; i++) {
        bool big = i % 2;
        struct file f = start(rows[i / 2].magic, big, 1);
        struct capture_frame frame;
        struct capture *c;

        add(&f, 1764000000, 123456, "01020304");
        add(&f, 4000000000, 999999, "05");
        c = open_file(&f);
        ok(c != NULL && strcmp(capture_file(c), "test") == 0, "a capture in %s is read, %s-endian",
           rows[i / 2].name, big ? "big" : "little");
        if (c == NULL)
            continue;
        ok(capture_next(c, &frame, &error) == 1 && frame.number == 1 && frame.size == 4 &&
               frame.link == LINK_ETHERNET && strcmp(frame.link_name, "EN10MB") == 0 &&
               memcmp(frame.data, "\1\2\3\4", 4) == 0,
           "its first frame");
        is_int(frame.when, 1764000000 * NSEC_S + 123456 * rows[i / 2].unit, "at its time");
        ok(capture_next(c, &frame, &error) == 1 && frame.number == 2 && frame.size == 1,
           "its second");
        is_int(frame.when, 4000000000 * NSEC_S + 999999 * rows[i / 2].unit,
               "at its time, after 2038");
        is_int(capture_next(c, &frame, &error), 0, "then it ends");
        is_int(capture_next(c, &frame, &error), 0, "and stays so");
        is_int((int64_t)capture_dropped(c), 0, "nothing was dropped");
        capture_close(c);
    }
}

static void test_pcapng(void)
{
    /* Section header, interface (Ethernet, times in 2^-10 s and in the default), packets. */
    static const char blocks[] = "0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffffffffffff 1c000000"
                                 "01000000 14000000 01000000 00000000 14000000"
                                 "06000000 24000000 00000000 36441600 00a0f9c9 01000000 01000000 "
                                 "aa000000 24000000"
                                 "06000000 24000000 00000000 ffffff7f ffffffff 01000000 01000000 "
                                 "bb000000 24000000";
    uint8_t data[ROOM];
    size_t size = hex_read(blocks, data);
    struct capture *c = open_bytes(data, size, &all);
    struct capture_frame frame;

    ok(c != NULL, "pcapng is read");
    if (c == NULL)
        return;
    ok(capture_next(c, &frame, &error) == 1 && frame.size == 1 && frame.data[0] == 0xaa,
       "its packet");
    is_int(frame.when, INT64_C(0x164436c9f9a000) * NSEC_US, "at its time");
    ok(capture_next(c, &frame, &error) == 1 && frame.when > 0 && frame.number == 2,
       "a time beyond all bounds is a time");
    is_int(capture_next(c, &frame, &error), 0, "then it ends");
    capture_close(c);
}

static void test_cuts(void)
{
    struct file f = start(0xa1b2c3d4, false, 1);
    size_t first, wrong = 0;

    add(&f, 1, 2, "0102030405060708");
    first = f.size;
    add(&f, 3, 4, "0102030405060708");
    for (size_t cut = 0; cut <= f.size; cut++) {
        struct capture *c = open_bytes(f.data, cut, &all);
        struct capture_frame frame;
        int frames = 0, got;

        if (c == NULL) {
            wrong += cut >= HEADER_SIZE || error.status != (cut == 0 ? EX_NOINPUT : EX_DATAERR);
            continue;
        }
        while ((got = capture_next(c, &frame, &error)) > 0)
            frames++;
        wrong += frames != (cut >= first) + (cut == f.size);
        wrong += (got == 0) != (cut == HEADER_SIZE || cut == first || cut == f.size);
        wrong += got < 0 && error.status != EX_DATAERR;
        capture_close(c);
    }
    is_int((int64_t)wrong, 0, "a capture that ends anywhere gives what came before, then an error");
}

static void test_what_is_none(void)
{
    static const uint8_t text[] = "This is no capture, however long it may be.";
    struct file f = start(0xa1b2c3d4, false, 105);

    ok(open_bytes(text, sizeof text, &all) == NULL && error.status == EX_DATAERR &&
           error.hint[0] == '\0',
       "text is no capture");
    ok(open_bytes("\x1f\x8b\x08\0\0\0\0\0", 8, &all) == NULL && error.status == EX_DATAERR &&
           strstr(error.hint, "gunzip") != NULL,
       "nor is what is compressed, and there is help");
    ok(open_file(&f) == NULL && error.status == EX_DATAERR &&
           strstr(error.what, "IEEE802_11") != NULL,
       "a link type that is not supported is named");
    f = start(0xa1b2c3d4, false, 229);
    ok(open_file(&f) == NULL && strstr(error.what, "IPV6") != NULL, "so is one without IPv4");
    f = start(0xa1b2c3d4, false, 9999);
    ok(open_file(&f) == NULL && strstr(error.what, "link type") != NULL,
       "and one that libpcap does not know either");
}

static void test_links(void)
{
    static const struct {
        uint32_t number; /* LINKTYPE_ of the file format */
        enum link_type type;
    } rows[] = {
        {0, LINK_NULL},  {1, LINK_ETHERNET},        {9, LINK_PPP},
        {50, LINK_PPP},  {51, LINK_PPPOE},          {101, LINK_RAW},
        {104, LINK_PPP}, {108, LINK_LOOP},          {113, LINK_LINUX_COOKED},
        {228, LINK_IP4}, {276, LINK_LINUX_COOKED2}, {204, LINK_PPP_DIRECTION},
        {100, LINK_LLC}, {219, LINK_MPLS},          {239, LINK_NFLOG},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct file f = start(0xa1b2c3d4, false, rows[i].number);
        struct capture_frame frame;
        struct capture *c;

        add(&f, 1, 2, "01020304");
        c = open_file(&f);
        ok(c != NULL && capture_next(c, &frame, &error) == CAPTURE_FRAME &&
               frame.link == rows[i].type,
           "link type %u", rows[i].number);
        capture_close(c);
    }
}

static void test_filter(void)
{
    struct capture_control control = {.filter = "ether[0] = 2"};
    struct file f = start(0xa1b2c3d4, false, 1);
    struct capture_frame frame;
    struct capture *c;

    add(&f, 1, 0, "010000000001 020000000002 0800 45");
    add(&f, 2, 0, "020000000001 020000000002 0800 45");
    c = open_bytes(f.data, f.size, &control);
    ok(c != NULL && capture_next(c, &frame, &error) == 1 && frame.number == 2,
       "a filter leaves frames out, which count all the same");
    ok(c != NULL && capture_next(c, &frame, &error) == 0, "to the end");
    capture_close(c);
    control.filter = "udp and and";
    ok(open_bytes(f.data, f.size, &control) == NULL && error.status == EX_USAGE &&
           strstr(error.what, "udp and and") != NULL && error.hint[0] != '\0',
       "a filter that is wrong is a usage error");
}

static void test_opening(void)
{
    struct capture *c;

    ok(capture_open("/no/such/file", &all, &error) == NULL && error.status == EX_NOINPUT &&
           strcmp(error.what, "cannot read /no/such/file: No such file or directory") == 0,
       "a file that is not there is no input");
    ok(capture_open("/", &all, &error) == NULL && error.status == EX_NOINPUT &&
           strcmp(error.what, "cannot read /: Is a directory") == 0,
       "nor is a directory");
    c = capture_open("/dev/null", &all, &error);
    ok(c != NULL && capture_begin(c, &error) == -1 && error.status == EX_NOINPUT &&
           strcmp(error.what, "/dev/null is empty") == 0,
       "nor an empty file");
    capture_close(c);
    c = capture_open_live("nosuch0", &all, &error);
    ok(c == NULL && (error.status == EX_UNAVAILABLE || error.status == EX_NOPERM) &&
           strstr(error.what, "nosuch0") != NULL,
       "an interface that is not there is unavailable, or not permitted");
    capture_close(NULL);
}

static unsigned waits;

static void count_wait(void *context)
{
    unsigned *count = context;

    ++*count;
}

static void stop(void *context)
{
    loop_stop(context);
}

/* A pipe that has half of a capture, and a signal that says stop: for good, in this program. */
static void test_stopping(void)
{
    struct file f = start(0xa1b2c3d4, false, 1);
    int data[2];
    struct capture_control control = {.before_wait = count_wait, .context = &waits};
    struct capture_frame frame;
    struct capture *c;
    char path[32];

    add(&f, 1, 0, "01020304");
    if (pipe(data) != 0 || write(data[1], f.data, f.size) != (ssize_t)f.size ||
        write(data[1], "half", 4) != 4) {
        ok(false, "a pipe");
        return;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", data[0]);
    control.loop = loop_new(&error);
    ok(loop_on_stop(control.loop, stop, control.loop, &error) == 0, "a loop");
    c = capture_open(path, &control, &error);
    ok(c != NULL && capture_begin(c, &error) == 0 && capture_next(c, &frame, &error) == 1,
       "what has come through a pipe is read");
    is_int(waits, 0, "without waiting");
    raise(SIGTERM);
    ok(c != NULL && capture_next(c, &frame, &error) == 0,
       "stopped in the middle of a frame, a capture has ended");
    ok(c != NULL && capture_next(c, &frame, &error) == 0, "and stays so");
    capture_close(c);
    c = capture_open(path, &control, &error);
    ok(c != NULL && capture_begin(c, &error) == 0 && capture_next(c, &frame, &error) == 0,
       "stopped before its first byte, it has no frames");
    capture_close(c);
    loop_free(control.loop);
    close(data[0]);
    close(data[1]);
}

int main(void)
{
    test_formats();
    test_pcapng();
    test_cuts();
    test_what_is_none();
    test_links();
    test_filter();
    test_opening();
    test_stopping();
    return done_testing();
}
