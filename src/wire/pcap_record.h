/* The classic capture file, of libpcap: a header, then a record a frame, all in the byte order of
 * the machine that wrote them.
 *
 *     +---------------------------------------------------------------+
 *   0 |             Magic: byte order, unit of times, variant         |
 *     +-------------------------------+-------------------------------+
 *   4 |         Major version         |         Minor version         |
 *     +-------------------------------+-------------------------------+
 *   8 |                    Time zone, accuracy (unused)               |
 *     +---------------------------------------------------------------+
 *  16 |                          Snap length                          |
 *     +---------------------------------------------------------------+
 *  20 |                 Link type in the lower 16 bits                |
 *     +---------------------------------------------------------------+
 */
#ifndef WIRE_PCAP_RECORD_H
#define WIRE_PCAP_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link_layer.h"
#include "nsec.h"

enum {
    PCAP_HEADER_SIZE = 24,
    PCAP_RECORD_SIZE = 16,
    PCAP_RECORD_MAX_SIZE = 24,
    PCAP_MAGIC_SIZE = 4,
};

struct pcap_format {
    bool big_endian;
    bool nanoseconds; /* else microseconds */
    bool modified;    /* by A. Kuznetzov: records name the interface and the direction */
    bool swapped;     /* before version 2.3 the two lengths of a record changed places */
    uint16_t major, minor;
    uint32_t snap;
    unsigned link;      /* link_type_of knows it */
    size_t record_size; /* of the header of a record */
};

struct pcap_record {
    nsec when;
    uint32_t captured; /* bytes that follow the header of the record */
    uint32_t whole;    /* bytes that the frame had */
    enum link_direction direction;
};

/* Whether these bytes begin such a file. */
bool pcap_is_magic(const uint8_t magic[static PCAP_MAGIC_SIZE]);

/* The header of a file that begins as one. */
void pcap_decode_header(const uint8_t data[static PCAP_HEADER_SIZE], struct pcap_format *out);

/* The header of a record, in DATA of format->record_size bytes. */
void pcap_decode_record(const uint8_t *data, const struct pcap_format *format,
                        struct pcap_record *out);

#endif
