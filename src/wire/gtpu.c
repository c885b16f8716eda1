#include "gtpu.h"

#include "cursor.h"

enum {
    HEADER_SIZE = 8,
    OPTIONAL_SIZE = 4, /* sequence number, N-PDU number, type of the next extension header */
    VERSION_MASK = 0xf0,
    VERSION_1_GTP = 0x30, /* version 1, protocol type GTP */
    HAS_EXTENSION = 0x04,
    HAS_OPTIONAL = 0x07, /* one of the three flags brings all three fields */
    TYPE_G_PDU = 255,
    EXTENSION_UNIT = 4, /* extension lengths count units of 4 bytes */
};

/* TS 29.281 5.2.1: length, content, type of the next extension header. */
static bool skip_extensions(struct reader *r, uint8_t type)
{
    while (type != 0) {
        size_t size = (size_t)reader_u8(r) * EXTENSION_UNIT;
        const uint8_t *rest = size > 0 ? reader_take(r, size - 1) : NULL;

        if (rest == NULL)
            return false;
        type = rest[size - 2];
    }
    return true;
}

/* TS 29.281 5.1:
 *
 *     +-------+-+-+-+-+-+-------------+-------------------------------+
 *   0 |   1   |1|0|E|S|N| Message type|            Length             |
 *     +-------+-+-+-+-+-+-------------+-------------------------------+
 *   4 |                  Tunnel endpoint identifier                   |
 *     +-------------------------------+---------------+---------------+
 *   8 |        Sequence number        | N-PDU number  |   Next type   | if E, S or N
 *     +-------------------------------+---------------+---------------+
 */
bool gtpu_find_packet(const uint8_t *data, size_t size, size_t *offset)
{
    struct reader r = reader_of(data, size);
    const uint8_t *p = reader_take(&r, HEADER_SIZE);
    const uint8_t *optional;

    if (p == NULL || (p[0] & VERSION_MASK) != VERSION_1_GTP || p[1] != TYPE_G_PDU)
        return false;
    if ((p[0] & HAS_OPTIONAL) != 0) {
        optional = reader_take(&r, OPTIONAL_SIZE);
        if (optional == NULL)
            return false;
        if ((p[0] & HAS_EXTENSION) != 0 && !skip_extensions(&r, optional[3]))
            return false;
    }
    *offset = r.offset;
    return true;
}
