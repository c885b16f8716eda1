#include "pcapng.h"

#include "bytes.h"
#include "cursor.h"

enum {
    TYPE_INTERFACE = 1,
    TYPE_PACKET = 2, /* obsolete */
    TYPE_SIMPLE = 3,
    TYPE_STATISTICS = 5,
    TYPE_ENHANCED = 6,
    TYPE_JOURNAL = 9,
    TYPE_CUSTOM = 0xbad,
    TYPE_CUSTOM_KEPT = 0x40000bad, /* not to be copied */
    TYPE_SECTION = 0x0a0d0d0a,     /* the same in either byte order */

    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    VERSION_MAJOR = 1,

    MIN_BLOCK = 12,
    MIN_SECTION = 28,
    MIN_INTERFACE = 20,

    OPTION_END = 0,
    OPTION_FLAGS = 2,      /* of an enhanced or obsolete packet block */
    OPTION_RESOLUTION = 9, /* of an interface */
    OPTION_TIME_OFFSET = 14,
    OPTION_CARD_DROPPED = 5, /* of statistics: by the network card */
    OPTION_DROPPED = 7,      /* by the system */

    DIRECTION_MASK = 3, /* of the flags */
    DIRECTION_IN = 1,
    DIRECTION_OUT = 2,

    DEFAULT_RESOLUTION = 6, /* microseconds */
    RESOLUTION_BINARY = 0x80,
};

/* A reader of a block, in the byte order of its section. */
struct block_reader {
    struct reader r;
    bool big_endian;
};

static uint16_t load16(const uint8_t *p, bool big_endian)
{
    return big_endian ? load_u16(p) : load_u16_little(p);
}

static uint32_t load32(const uint8_t *p, bool big_endian)
{
    return big_endian ? load_u32(p) : load_u32_little(p);
}

static uint64_t load64(const uint8_t *p, bool big_endian)
{
    uint64_t first = load32(p, big_endian), second = load32(p + 4, big_endian);

    return big_endian ? first << 32 | second : second << 32 | first;
}

static uint16_t take16(struct block_reader *b)
{
    const uint8_t *p = reader_take(&b->r, 2);

    return p == NULL ? 0 : load16(p, b->big_endian);
}

static uint32_t take32(struct block_reader *b)
{
    const uint8_t *p = reader_take(&b->r, 4);

    return p == NULL ? 0 : load32(p, b->big_endian);
}

/* The body alone, with offsets that count from the block's beginning. */
static struct block_reader body_of(const uint8_t *data, const struct pcapng_block *block)
{
    struct block_reader b = {reader_of(data, block->size - PCAPNG_TRAILER_SIZE), block->big_endian};

    reader_take(&b.r, 8);
    return b;
}

static bool fail(struct pcapng_fault *fault, enum pcapng_reason reason, size_t offset)
{
    fault->reason = reason;
    fault->offset = offset;
    return false;
}

const char *pcapng_reason_text(enum pcapng_reason reason)
{
    switch (reason) {
    case PCAPNG_OK:
        break;
    case PCAPNG_LENGTH:
        return "is too short for its type";
    case PCAPNG_TRAILER:
        return "has two lengths that disagree";
    case PCAPNG_BYTE_ORDER:
        return "does not tell its byte order";
    case PCAPNG_VERSION:
        return "is of a version that is not known";
    case PCAPNG_NO_INTERFACE:
        return "names an interface that was not described";
    case PCAPNG_FRAME_LENGTH:
        return "has a frame that ends beyond it";
    case PCAPNG_OPTION:
        return "has an option that ends beyond it";
    }
    return "is well-formed";
}

const char *pcapng_block_name(uint32_t type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } names[] = {
        {TYPE_SECTION, "section header block"},
        {TYPE_INTERFACE, "interface description block"},
        {TYPE_PACKET, "packet block"},
        {TYPE_SIMPLE, "simple packet block"},
        {4, "name resolution block"},
        {TYPE_STATISTICS, "interface statistics block"},
        {TYPE_ENHANCED, "enhanced packet block"},
        {TYPE_JOURNAL, "systemd journal export block"},
        {10, "decryption secrets block"},
        {TYPE_CUSTOM, "custom block"},
        {TYPE_CUSTOM_KEPT, "custom block"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].type == type)
            return names[i].name;
    return NULL;
}

static enum pcapng_kind kind_of(uint32_t type)
{
    switch (type) {
    case TYPE_SECTION:
        return PCAPNG_SECTION;
    case TYPE_INTERFACE:
        return PCAPNG_INTERFACE;
    case TYPE_PACKET:
    case TYPE_SIMPLE:
    case TYPE_ENHANCED:
        return PCAPNG_PACKET;
    case TYPE_STATISTICS:
        return PCAPNG_STATISTICS;
    case TYPE_JOURNAL:
    case TYPE_CUSTOM:
    case TYPE_CUSTOM_KEPT:
        return PCAPNG_ENTRY;
    default:
        return PCAPNG_OTHER;
    }
}

bool pcapng_decode_head(const uint8_t head[static PCAPNG_HEAD_SIZE], bool big_endian,
                        struct pcapng_block *out, struct pcapng_fault *fault)
{
    *out = (struct pcapng_block){.type = load32(head, big_endian)};
    out->kind = kind_of(out->type);
    if (out->kind == PCAPNG_SECTION) {
        big_endian = load_u32(head + 8) == BYTE_ORDER_MAGIC;
        if (!big_endian && load_u32_little(head + 8) != BYTE_ORDER_MAGIC)
            return fail(fault, PCAPNG_BYTE_ORDER, 8);
    }
    out->big_endian = big_endian;
    out->length = load32(head + 4, big_endian);
    if (out->length < MIN_BLOCK || out->length > UINT32_MAX - 3 ||
        (out->kind == PCAPNG_SECTION && out->length < MIN_SECTION))
        return fail(fault, PCAPNG_LENGTH, 4);
    /* Some writers leave the padding out of the length. */
    out->size = (out->length + 3) & ~UINT32_C(3);
    return true;
}

bool pcapng_check_trailer(const uint8_t trailer[static PCAPNG_TRAILER_SIZE],
                          const struct pcapng_block *block, struct pcapng_fault *fault)
{
    return load32(trailer, block->big_endian) == block->length ||
           fail(fault, PCAPNG_TRAILER, block->size - PCAPNG_TRAILER_SIZE);
}

static bool check_end(const uint8_t *data, const struct pcapng_block *block,
                      struct pcapng_fault *fault)
{
    return pcapng_check_trailer(data + block->size - PCAPNG_TRAILER_SIZE, block, fault);
}

/* Draft 4.1: magic, major and minor version, length of the section, options. */
bool pcapng_decode_section(const uint8_t *data, const struct pcapng_block *block,
                           struct pcapng_fault *fault)
{
    struct block_reader b = body_of(data, block);

    take32(&b);
    if (take16(&b) != VERSION_MAJOR)
        return fail(fault, PCAPNG_VERSION, 12);
    return check_end(data, block, fault);
}

struct option {
    uint16_t code, size;
    const uint8_t *value;
};

/* The next option; false at the end of them, or FAULT filled. Draft 3.5: code, length, value with
 * padding to 4 bytes; whether an end of options stands there, is the writer's choice. */
static bool next_option(struct block_reader *b, struct option *out, struct pcapng_fault *fault)
{
    size_t start = b->r.offset;

    if (reader_left(&b->r) < 4)
        return false;
    out->code = take16(b);
    out->size = take16(b);
    if (out->code == OPTION_END)
        return false;
    out->value = reader_take(&b->r, out->size);
    if (out->value == NULL)
        return fail(fault, PCAPNG_OPTION, start);
    reader_take(&b->r, -(size_t)out->size & 3);
    return true;
}

/* Draft 4.2: link type, two reserved bytes, snap length, options. */
bool pcapng_decode_interface(const uint8_t *data, const struct pcapng_block *block,
                             struct pcapng_interface *out, struct pcapng_fault *fault)
{
    struct block_reader b = body_of(data, block);
    struct option option;

    if (block->size < MIN_INTERFACE)
        return fail(fault, PCAPNG_LENGTH, 4);
    *out = (struct pcapng_interface){.link = take16(&b), .resolution = DEFAULT_RESOLUTION};
    take16(&b);
    out->snap = take32(&b);
    fault->reason = PCAPNG_OK;
    while (next_option(&b, &option, fault)) {
        if (option.code == OPTION_RESOLUTION && option.size == 1)
            out->resolution = option.value[0];
        if (option.code == OPTION_TIME_OFFSET && option.size == 8)
            out->offset = (int64_t)load64(option.value, b.big_endian);
    }
    return fault->reason == PCAPNG_OK && check_end(data, block, fault);
}

/* The captured bytes; then padding. */
static bool take_frame(struct block_reader *b, struct pcapng_packet *out,
                       struct pcapng_fault *fault)
{
    size_t start = b->r.offset;

    if (b->r.failed)
        return fail(fault, PCAPNG_LENGTH, 4);
    out->data = reader_take(&b->r, out->captured);
    if (out->data == NULL)
        return fail(fault, PCAPNG_FRAME_LENGTH, start);
    reader_take(&b->r, -(size_t)out->captured & 3);
    return true;
}

static bool take_flags(struct block_reader *b, struct pcapng_packet *out,
                       struct pcapng_fault *fault)
{
    struct option option;

    fault->reason = PCAPNG_OK;
    while (next_option(b, &option, fault))
        if (option.code == OPTION_FLAGS && option.size == 4) {
            uint32_t way = load32(option.value, b->big_endian) & DIRECTION_MASK;

            out->direction = way == DIRECTION_OUT  ? LINK_SENT
                             : way == DIRECTION_IN ? LINK_RECEIVED
                                                   : LINK_EITHER_WAY;
        }
    return fault->reason == PCAPNG_OK;
}

static uint64_t take_time(struct block_reader *b)
{
    uint64_t high = take32(b);

    return high << 32 | take32(b);
}

bool pcapng_decode_packet(const uint8_t *data, const struct pcapng_block *block,
                          struct pcapng_section section, struct pcapng_packet *out,
                          struct pcapng_fault *fault)
{
    struct block_reader b = body_of(data, block);

    *out = (struct pcapng_packet){.has_time = block->type != TYPE_SIMPLE};
    if (block->type == TYPE_ENHANCED) {
        /* Draft 4.3: interface, time, lengths, the frame, options. */
        out->interface = take32(&b);
    } else if (block->type == TYPE_PACKET) {
        /* Appendix A: the same, but for the interface, which shares its word with a count. */
        out->interface = take16(&b);
        take16(&b);
    }
    if (out->interface >= section.count)
        return fail(fault, PCAPNG_NO_INTERFACE, 8);
    if (out->has_time) {
        out->ticks = take_time(&b);
        out->captured = take32(&b);
        out->whole = take32(&b);
        return take_frame(&b, out, fault) && take_flags(&b, out, fault) &&
               check_end(data, block, fault);
    }
    /* Draft 4.4: the frame's own length and as much of it as the snap length leaves. */
    out->whole = take32(&b);
    out->captured = out->whole;
    if (section.interfaces[0].snap != 0 && out->captured > section.interfaces[0].snap)
        out->captured = section.interfaces[0].snap;
    return take_frame(&b, out, fault) && check_end(data, block, fault);
}

/* Draft 4.6: interface, time, options. */
bool pcapng_decode_statistics(const uint8_t *data, const struct pcapng_block *block,
                              struct pcapng_section section, struct pcapng_statistics *out,
                              struct pcapng_fault *fault)
{
    struct block_reader b = body_of(data, block);
    struct option option;

    *out = (struct pcapng_statistics){.interface = take32(&b)};
    take_time(&b);
    if (b.r.failed)
        return fail(fault, PCAPNG_LENGTH, 4);
    if (out->interface >= section.count)
        return fail(fault, PCAPNG_NO_INTERFACE, 8);
    fault->reason = PCAPNG_OK;
    while (next_option(&b, &option, fault))
        if ((option.code == OPTION_CARD_DROPPED || option.code == OPTION_DROPPED) &&
            option.size == 8)
            out->dropped += load64(option.value, b.big_endian);
    return fault->reason == PCAPNG_OK && check_end(data, block, fault);
}

nsec pcapng_time(const struct pcapng_interface *interface, uint64_t ticks)
{
    unsigned exponent = interface->resolution & ~RESOLUTION_BINARY;
    __int128 t = ticks;

    if ((interface->resolution & RESOLUTION_BINARY) != 0) {
        t = t * NSEC_S >> exponent;
    } else {
        for (; exponent < 9; exponent++)
            t *= 10;
        for (; exponent > 9 && t != 0; exponent--)
            t /= 10;
    }
    t += (__int128)interface->offset * NSEC_S;
    return t < 0 ? 0 : t > NSEC_LATEST ? NSEC_LATEST : (nsec)t;
}
