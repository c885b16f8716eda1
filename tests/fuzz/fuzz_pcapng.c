/* A capture file, pcap or pcapng, as it comes through a pipe: the first byte of the input says how
 * many bytes come at once, the rest is the file. The frames are the same as of the file in one
 * piece, and each has its place in it. */
#include <string.h>

#include "frame_file.h"
#include "fuzz.h"

struct source {
    const uint8_t *data;
    size_t size, at, piece;
};

static ssize_t read_piece(void *context, void *data, size_t size)
{
    struct source *s = context;
    size_t left = s->size - s->at, n = s->piece < size ? s->piece : size;

    if (n > left)
        n = left;
    memcpy(data, s->data + s->at, n);
    s->at += n;
    return (ssize_t)n;
}

/* What was read, in a number. */
struct digest {
    uint64_t frames, sum;
    int result;
    struct error error;
};

static void add(struct digest *d, const void *data, size_t size)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < size; i++)
        d->sum = (d->sum ^ p[i]) * UINT64_C(0x100000001b3);
}

static void take(struct digest *d, const struct frame_file *f, const struct file_frame *frame)
{
    struct frame_interface interface;

    HOLDS(frame->size <= frame->whole && frame->when >= 0 && frame->when <= NSEC_LATEST);
    HOLDS(frame->number > d->frames);
    HOLDS(frame->interface < frame_file_interfaces(f));
    interface = frame_file_interface(f, frame->interface);
    add(d, frame->data, frame->size);
    add(d, &frame->when, sizeof frame->when);
    add(d, &interface.link, sizeof interface.link);
    d->frames = frame->number;
}

static struct digest read_all(const uint8_t *data, size_t size, size_t piece)
{
    struct source source = {data, size, 0, piece};
    struct frame_bytes bytes = {read_piece, &source, "fuzz"};
    struct digest d = {.sum = 1};
    struct frame_file *f = frame_file_new(&bytes, &d.error);
    struct file_frame frame;

    HOLDS(f != NULL);
    d.result = frame_file_begin(f, &d.error);
    while (d.result > 0 && (d.result = frame_file_next(f, &frame, &d.error)) > 0)
        take(&d, f, &frame);
    HOLDS(d.result == 0 || (d.error.status != 0 && d.error.what[0] != '\0'));
    frame_file_free(f);
    return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct digest whole, pieces;

    if (size == 0)
        return 0;
    whole = read_all(data + 1, size - 1, SIZE_MAX);
    pieces = read_all(data + 1, size - 1, data[0] == 0 ? 256 : data[0]);
    HOLDS(whole.result == pieces.result && whole.frames == pieces.frames &&
          whole.sum == pieces.sum && strcmp(whole.error.what, pieces.error.what) == 0);
    return 0;
}
