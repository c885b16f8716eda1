/* pcapng (draft-ietf-opsawg-pcapng): a capture file is a row of blocks, in sections of either byte
 * order; a section has interfaces, each with a link type, a snap length and a clock of its own. All
 * blocks are
 *
 *     +---------------------------------------------------------------+
 *   0 |                             Type                              |
 *     +---------------------------------------------------------------+
 *   4 |                     Length of the block                       |
 *     +---------------------------------------------------------------+
 *   8 |                   Body, to a multiple of 4 bytes              |
 *     +---------------------------------------------------------------+
 *     |                 Length of the block, once more                |
 *     +---------------------------------------------------------------+
 */
#ifndef WIRE_PCAPNG_H
#define WIRE_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link_layer.h"
#include "nsec.h"

enum {
    PCAPNG_HEAD_SIZE = 12, /* type, length, and of a section header the byte order */
    PCAPNG_TRAILER_SIZE = 4,
};

enum pcapng_kind {
    PCAPNG_SECTION,    /* a section begins, whose interfaces count from 0 */
    PCAPNG_INTERFACE,  /* the next interface of the section */
    PCAPNG_PACKET,     /* enhanced, simple or obsolete packet block */
    PCAPNG_STATISTICS, /* of an interface: what was not captured */
    PCAPNG_ENTRY, /* of a journal, or a custom block: no frame, but Wireshark numbers it as one */
    PCAPNG_OTHER, /* names, secrets and whatever else is to be passed over */
};

struct pcapng_block {
    enum pcapng_kind kind;
    uint32_t type;
    uint32_t length; /* as the block says */
    uint32_t size;   /* as it takes: a multiple of 4 */
    bool big_endian; /* a section header says so for all blocks of its section */
};

struct pcapng_interface {
    uint16_t link;      /* link_type_of knows it */
    uint32_t snap;      /* 0 = no bound */
    uint8_t resolution; /* of its clock: 10^-N s, or with the highest bit 2^-N s */
    int64_t offset;     /* seconds to add */
    uint64_t dropped;   /* frames that were not captured, as its statistics tell */
};

struct pcapng_packet {
    uint32_t interface;
    bool has_time;
    uint64_t ticks;      /* of the interface's clock */
    const uint8_t *data; /* borrowed */
    uint32_t captured;
    uint32_t whole; /* bytes that the frame had */
    enum link_direction direction;
};

struct pcapng_statistics {
    uint32_t interface;
    uint64_t dropped; /* frames, since the capture began, for want of room */
};

enum pcapng_reason {
    PCAPNG_OK,
    PCAPNG_LENGTH,       /* shorter than a block of its type is */
    PCAPNG_TRAILER,      /* the second length is not the first one */
    PCAPNG_BYTE_ORDER,   /* no byte order magic where one has to be */
    PCAPNG_VERSION,      /* a version that is not known here; no damage */
    PCAPNG_NO_INTERFACE, /* a packet of an interface that was not described */
    PCAPNG_FRAME_LENGTH, /* the frame is longer than its block */
    PCAPNG_OPTION,       /* an option ends beyond its block */
};

struct pcapng_fault {
    enum pcapng_reason reason;
    size_t offset; /* from the beginning of the block, of the byte that shows it */
};

/* A sentence without its subject: "is shorter than …". */
const char *pcapng_reason_text(enum pcapng_reason reason);

/* "enhanced packet block", or NULL for a type that is not known here. */
const char *pcapng_block_name(uint32_t type);

/* The first PCAPNG_HEAD_SIZE bytes of a block, in the byte order of the section or, if it begins a
 * section, in the one that it brings. False, FAULT filled, on damage. */
bool pcapng_decode_head(const uint8_t head[static PCAPNG_HEAD_SIZE], bool big_endian,
                        struct pcapng_block *out, struct pcapng_fault *fault);

/* The PCAPNG_TRAILER_SIZE bytes at the end of a block. */
bool pcapng_check_trailer(const uint8_t trailer[static PCAPNG_TRAILER_SIZE],
                          const struct pcapng_block *block, struct pcapng_fault *fault);

/* These get the whole of BLOCK in DATA, block->size bytes. */
bool pcapng_decode_section(const uint8_t *data, const struct pcapng_block *block,
                           struct pcapng_fault *fault);
bool pcapng_decode_interface(const uint8_t *data, const struct pcapng_block *block,
                             struct pcapng_interface *out, struct pcapng_fault *fault);

/* The interfaces that a section has had. */
struct pcapng_section {
    const struct pcapng_interface *interfaces;
    size_t count;
};

bool pcapng_decode_packet(const uint8_t *data, const struct pcapng_block *block,
                          struct pcapng_section section, struct pcapng_packet *out,
                          struct pcapng_fault *fault);

/* What is not told is 0. */
bool pcapng_decode_statistics(const uint8_t *data, const struct pcapng_block *block,
                              struct pcapng_section section, struct pcapng_statistics *out,
                              struct pcapng_fault *fault);

/* A time of an interface's clock, or the nearest that nsec can hold. */
nsec pcapng_time(const struct pcapng_interface *interface, uint64_t ticks);

#endif
