#include "pcap_record.h"

#include "bytes.h"

enum {
    MODIFIED_SENT = 4, /* PACKET_OUTGOING; 0 to 3 came in */
};

#define MAGIC_MICRO UINT32_C(0xa1b2c3d4)
#define MAGIC_NANO UINT32_C(0xa1b23c4d)
#define MAGIC_MODIFIED UINT32_C(0xa1b2cd34)

static uint32_t load(const uint8_t *p, bool big_endian)
{
    return big_endian ? load_u32(p) : load_u32_little(p);
}

static bool is_known(uint32_t magic)
{
    return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED;
}

bool pcap_is_magic(const uint8_t magic[static PCAP_MAGIC_SIZE])
{
    return is_known(load_u32(magic)) || is_known(load_u32_little(magic));
}

void pcap_decode_header(const uint8_t data[static PCAP_HEADER_SIZE], struct pcap_format *out)
{
    bool big = is_known(load_u32(data));
    uint32_t magic = load(data, big);

    *out = (struct pcap_format){
        .big_endian = big,
        .nanoseconds = magic == MAGIC_NANO,
        .modified = magic == MAGIC_MODIFIED,
        .major = big ? load_u16(data + 4) : load_u16_little(data + 4),
        .minor = big ? load_u16(data + 6) : load_u16_little(data + 6),
        .snap = load(data + 16, big),
        .link = load(data + 20, big) & 0xffff,
    };
    out->swapped = out->major < 2 || (out->major == 2 && out->minor < 3);
    out->record_size = out->modified ? PCAP_RECORD_MAX_SIZE : PCAP_RECORD_SIZE;
}

/*     +---------------------------------------------------------------+
 *   0 |      Seconds since 1970; unsigned, as nobody captured before  |
 *     +---------------------------------------------------------------+
 *   4 |                 Micro- or nanoseconds of it                   |
 *     +---------------------------------------------------------------+
 *   8 |                   Bytes that were captured                    |
 *     +---------------------------------------------------------------+
 *  12 |                  Bytes that the frame had                     |
 *     +---------------------------------------------------------------+
 *  16 |                Interface (modified files alone)               |
 *     +-------------------------------+---------------+---------------+
 *  20 |           Protocol            |   Direction   |               |
 *     +-------------------------------+---------------+---------------+
 */
void pcap_decode_record(const uint8_t *data, const struct pcap_format *format,
                        struct pcap_record *out)
{
    bool big = format->big_endian;
    nsec fraction = load(data + 4, big);
    uint32_t first = load(data + 8, big), second = load(data + 12, big);

    out->when =
        load(data, big) * NSEC_S + (format->nanoseconds ? fraction : fraction * NSEC_US) % NSEC_S;
    out->captured = format->swapped ? second : first;
    out->whole = format->swapped ? first : second;
    out->direction = !format->modified           ? LINK_EITHER_WAY
                     : data[22] == MODIFIED_SENT ? LINK_SENT
                                                 : LINK_RECEIVED;
}
