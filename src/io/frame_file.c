#include "frame_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "pcap_record.h"
#include "pcapng.h"

enum {
    FIRST_ROOM = 1 << 18,
    /* Frames are smaller, whatever a snap length allows; a length beyond this is damage. */
    MAX_FRAME = 1 << 18,
    MAX_BLOCK = 1 << 24,
    MAX_INTERFACES = 1 << 16,
};

struct frame_file {
    struct frame_bytes bytes;
    uint8_t *buffer;
    size_t room;
    size_t start, end; /* of what the buffer holds and nobody has taken */
    uint64_t offset;   /* in the file, of start */
    bool ended;
    int errnum; /* why reading ended; 0 = it was the end */
    bool is_pcapng;
    struct pcap_format pcap;
    bool big_endian;                     /* of the section */
    struct pcapng_interface *interfaces; /* of all sections */
    size_t interface_count, interface_room;
    size_t section_start; /* its first interface */
    uint64_t number;      /* of the last frame */
    nsec when;            /* of the last frame that had a time */
};

struct frame_file *frame_file_new(const struct frame_bytes *bytes, struct error *error)
{
    struct frame_file *f = calloc(1, sizeof *f);

    if (f != NULL) {
        f->bytes = *bytes;
        f->room = FIRST_ROOM;
        f->buffer = malloc(f->room);
    }
    if (f == NULL || f->buffer == NULL) {
        frame_file_free(f);
        error_set(error, EX_OSERR, ENOMEM, "cannot read %s", bytes->name);
        return NULL;
    }
    return f;
}

void frame_file_free(struct frame_file *f)
{
    if (f == NULL)
        return;
    free(f->buffer);
    free(f->interfaces);
    free(f);
}

static bool make_room(struct frame_file *f, size_t size)
{
    uint8_t *buffer;

    memmove(f->buffer, f->buffer + f->start, f->end - f->start);
    f->end -= f->start;
    f->start = 0;
    if (size <= f->room)
        return true;
    buffer = realloc(f->buffer, size);
    if (buffer == NULL) {
        f->errnum = ENOMEM;
        f->ended = true;
        return false;
    }
    f->buffer = buffer;
    f->room = size;
    return true;
}

static void fill(struct frame_file *f, size_t size)
{
    while (f->end - f->start < size && !f->ended) {
        ssize_t n = f->bytes.read(f->bytes.context, f->buffer + f->end, f->room - f->end);

        if (n < 0)
            f->errnum = errno;
        if (n <= 0)
            f->ended = true;
        else
            f->end += (size_t)n;
    }
}

/* The next SIZE bytes, which stay where they are until others are asked for; NULL if there are not
 * so many. */
static const uint8_t *look(struct frame_file *f, size_t size)
{
    if (f->end - f->start < size && !f->ended && make_room(f, size))
        fill(f, size);
    return f->end - f->start < size ? NULL : f->buffer + f->start;
}

static void pass(struct frame_file *f, size_t size)
{
    f->start += size;
    f->offset += size;
}

/* Passes over bytes that nobody looks at, however many. */
static bool skip(struct frame_file *f, size_t size)
{
    while (size > 0) {
        size_t part = f->end - f->start;

        if (part == 0 && look(f, 1) == NULL)
            return false;
        part = f->end - f->start < size ? f->end - f->start : size;
        pass(f, part);
        size -= part;
    }
    return true;
}

static int damaged(const struct frame_file *f, uint64_t offset, struct error *error,
                   const char *what)
{
    return error_set(error, EX_DATAERR, 0, "%s is damaged after frame %llu, at byte %llu: %s",
                     f->bytes.name, (unsigned long long)f->number, (unsigned long long)offset,
                     what);
}

/* What is well-formed as far as can be told, and is not known here. */
static int unknown(const struct frame_file *f, struct error *error, const char *what)
{
    return error_set(error, EX_DATAERR, 0, "%s cannot be read from byte %llu on: %s", f->bytes.name,
                     (unsigned long long)f->offset, what);
}

/* There are not as many bytes as are needed: 0 if that is an end. */
static int at_end(const struct frame_file *f, struct error *error, const char *inside)
{
    char what[64];

    if (f->errnum != 0)
        return error_set(error, EX_IOERR, f->errnum, "cannot read %s", f->bytes.name);
    if (f->end == f->start)
        return 0;
    snprintf(what, sizeof what, "the file ends inside %s", inside);
    return damaged(f, f->offset + (f->end - f->start), error, what);
}

static int block_failed(const struct frame_file *f, const struct pcapng_block *block,
                        const struct pcapng_fault *fault, struct error *error)
{
    const char *name = pcapng_block_name(block->type);
    char what[160], number[32];

    if (name == NULL) {
        snprintf(number, sizeof number, "block of type 0x%08" PRIx32, block->type);
        name = number;
    }
    snprintf(what, sizeof what, "the %s that begins at byte %" PRIu64 " %s", name, f->offset,
             pcapng_reason_text(fault->reason));
    if (fault->reason == PCAPNG_VERSION)
        return unknown(f, error, what);
    return damaged(f, f->offset + fault->offset, error, what);
}

/* Passes over a block that nobody looks into, however long it is. */
static int skip_block(struct frame_file *f, const struct pcapng_block *block, struct error *error)
{
    struct pcapng_fault fault;
    uint64_t start = f->offset;
    const uint8_t *trailer;
    int end;

    if (!skip(f, block->size - PCAPNG_TRAILER_SIZE) ||
        (trailer = look(f, PCAPNG_TRAILER_SIZE)) == NULL) {
        end = at_end(f, error, "a block");
        return end != 0 ? end : damaged(f, f->offset, error, "the file ends inside a block");
    }
    if (!pcapng_check_trailer(trailer, block, &fault)) {
        f->offset = start;
        return block_failed(f, block, &fault, error);
    }
    pass(f, PCAPNG_TRAILER_SIZE);
    if (block->kind == PCAPNG_ENTRY)
        f->number++;
    return 1;
}

static int add_interface(struct frame_file *f, const struct pcapng_interface *interface,
                         struct error *error)
{
    if (f->interface_count == MAX_INTERFACES)
        return unknown(f, error, "it has more interfaces than can be");
    if (f->interface_count == f->interface_room) {
        size_t room = f->interface_room == 0 ? 8 : 2 * f->interface_room;
        struct pcapng_interface *list = realloc(f->interfaces, room * sizeof *list);

        if (list == NULL)
            return error_set(error, EX_OSERR, ENOMEM, "cannot read %s", f->bytes.name);
        f->interfaces = list;
        f->interface_room = room;
    }
    f->interfaces[f->interface_count++] = *interface;
    return 1;
}

/* Reads one block: 1, and *BLOCK tells its kind; of PACKET the frame is filled in. */
static int next_block(struct frame_file *f, struct pcapng_block *block,
                      struct pcapng_packet *packet, struct error *error)
{
    struct pcapng_interface interface;
    struct pcapng_statistics statistics;
    struct pcapng_fault fault;
    struct pcapng_section section = {.count = f->interface_count - f->section_start};
    const uint8_t *data = look(f, PCAPNG_HEAD_SIZE);
    bool fine = false;

    if (data == NULL)
        return at_end(f, error, "a block");
    if (!pcapng_decode_head(data, f->big_endian, block, &fault))
        return block_failed(f, block, &fault, error);
    if (block->kind == PCAPNG_ENTRY || block->kind == PCAPNG_OTHER)
        return skip_block(f, block, error);
    if (block->size > MAX_BLOCK)
        return damaged(f, f->offset + 4, error, "a block is longer than frames are");
    data = look(f, block->size);
    if (data == NULL)
        return at_end(f, error, "a block");
    switch (block->kind) {
    case PCAPNG_SECTION:
        fine = pcapng_decode_section(data, block, &fault);
        f->big_endian = block->big_endian;
        f->section_start = f->interface_count;
        break;
    case PCAPNG_INTERFACE:
        fine = pcapng_decode_interface(data, block, &interface, &fault);
        if (fine && add_interface(f, &interface, error) < 0)
            return -1;
        break;
    case PCAPNG_PACKET:
        if (section.count > 0)
            section.interfaces = f->interfaces + f->section_start;
        fine = pcapng_decode_packet(data, block, section, packet, &fault);
        break;
    case PCAPNG_STATISTICS:
        fine = pcapng_decode_statistics(data, block, section, &statistics, &fault);
        if (fine)
            f->interfaces[f->section_start + statistics.interface].dropped = statistics.dropped;
        break;
    case PCAPNG_ENTRY:
    case PCAPNG_OTHER:
        break;
    }
    if (!fine)
        return block_failed(f, block, &fault, error);
    pass(f, block->size);
    return 1;
}

static int begin_pcap(struct frame_file *f, struct error *error)
{
    const uint8_t *header = look(f, PCAP_HEADER_SIZE);

    if (header == NULL)
        return at_end(f, error, "its header");
    pcap_decode_header(header, &f->pcap);
    if (f->pcap.major > 2)
        return error_set(error, EX_DATAERR, 0,
                         "%s is a pcap file of version %u.%u, which teredoctl cannot read",
                         f->bytes.name, f->pcap.major, f->pcap.minor);
    pass(f, PCAP_HEADER_SIZE);
    return add_interface(
        f, &(struct pcapng_interface){.link = (uint16_t)f->pcap.link, .snap = f->pcap.snap}, error);
}

/* The link type of a section is that of its first interface, which some programs describe only
 * when it has its first packet. */
static int begin_pcapng(struct frame_file *f, struct error *error)
{
    struct pcapng_block block = {0};
    struct pcapng_packet packet = {0};
    int got;

    f->is_pcapng = true;
    do
        got = next_block(f, &block, &packet, error);
    while (got > 0 && f->interface_count == 0);
    return got;
}

static int is_none(const struct frame_file *f, const uint8_t *first, struct error *error)
{
    static const struct {
        uint8_t bytes[2];
        const char *program;
    } packers[] = {
        {{0x1f, 0x8b}, "gunzip"}, {{0x1f, 0x9d}, "uncompress"}, {{'B', 'Z'}, "bunzip2"},
        {{0xfd, '7'}, "unxz"},    {{0x28, 0xb5}, "unzstd"},     {{0x04, 0x22}, "unlz4"},
    };

    error_set(error, EX_DATAERR, 0, "%s is not a capture: it begins neither as pcap nor as pcapng",
              f->bytes.name);
    for (size_t i = 0; i < sizeof packers / sizeof *packers; i++)
        if (memcmp(packers[i].bytes, first, 2) == 0)
            error_hint(error, "it is compressed: %s it first", packers[i].program);
    return -1;
}

int frame_file_begin(struct frame_file *f, struct error *error)
{
    static const uint8_t section[PCAP_MAGIC_SIZE] = {0x0a, 0x0d, 0x0d, 0x0a};
    static const uint8_t nothing[2];
    const uint8_t *magic = look(f, PCAP_MAGIC_SIZE);

    if (magic == NULL && f->errnum == 0 && f->end == f->start)
        return error_set(error, EX_NOINPUT, 0, "%s is empty", f->bytes.name);
    if (magic == NULL && f->errnum != 0)
        return at_end(f, error, "its header");
    if (magic != NULL && memcmp(magic, section, sizeof section) == 0)
        return begin_pcapng(f, error);
    if (magic != NULL && pcap_is_magic(magic))
        return begin_pcap(f, error);
    return is_none(f, f->buffer != NULL && f->end - f->start >= 2 ? f->buffer + f->start : nothing,
                   error);
}

static int next_record(struct frame_file *f, struct file_frame *frame, struct error *error)
{
    const uint8_t *data = look(f, f->pcap.record_size);
    struct pcap_record record;

    if (data == NULL)
        return at_end(f, error, "a frame");
    pcap_decode_record(data, &f->pcap, &record);
    if (record.captured > MAX_BLOCK ||
        (record.captured > MAX_FRAME && record.captured > f->pcap.snap))
        return damaged(f, f->offset + 8, error, "the frame is longer than frames are");
    data = look(f, f->pcap.record_size + record.captured);
    if (data == NULL)
        return at_end(f, error, "a frame");
    *frame = (struct file_frame){
        .data = data + f->pcap.record_size,
        .size = record.captured,
        .whole = record.whole,
        .when = record.when,
        .has_time = true,
        .direction = record.direction,
    };
    pass(f, f->pcap.record_size + record.captured);
    return 1;
}

static int next_packet(struct frame_file *f, struct file_frame *frame, struct error *error)
{
    struct pcapng_packet packet = {0};
    struct pcapng_block block = {0};
    int got;

    do
        got = next_block(f, &block, &packet, error);
    while (got > 0 && block.kind != PCAPNG_PACKET);
    if (got <= 0)
        return got;
    *frame = (struct file_frame){
        .data = packet.data,
        .size = packet.captured,
        .whole = packet.whole,
        .has_time = packet.has_time,
        .direction = packet.direction,
        .interface = f->section_start + packet.interface,
    };
    frame->when =
        packet.has_time ? pcapng_time(&f->interfaces[frame->interface], packet.ticks) : f->when;
    return 1;
}

int frame_file_next(struct frame_file *f, struct file_frame *frame, struct error *error)
{
    int got = f->is_pcapng ? next_packet(f, frame, error) : next_record(f, frame, error);

    if (got <= 0)
        return got;
    if (frame->whole < frame->size)
        frame->whole = frame->size;
    f->when = frame->when;
    frame->number = ++f->number;
    return 1;
}

bool frame_file_is_pcapng(const struct frame_file *f)
{
    return f->is_pcapng;
}

uint64_t frame_file_dropped(const struct frame_file *f)
{
    uint64_t dropped = 0;

    for (size_t i = 0; i < f->interface_count; i++)
        dropped += f->interfaces[i].dropped;
    return dropped;
}

size_t frame_file_interfaces(const struct frame_file *f)
{
    return f->interface_count;
}

struct frame_interface frame_file_interface(const struct frame_file *f, size_t interface)
{
    const struct pcapng_interface *i = &f->interfaces[interface];

    return (struct frame_interface){i->link, link_type_of(i->link), i->snap};
}
