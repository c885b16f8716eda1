#include "link_layer.h"

#include "bytes.h"
#include "cursor.h"

enum {
    ETHERNET_HEADER_SIZE = 14,
    COOKED_HEADER_SIZE = 16,
    COOKED2_HEADER_SIZE = 20,
    VLAN_TAG_SIZE = 4, /* the tag's identifier is the type that led here */
    PPPOE_HEADER_SIZE = 6,
    LOOPBACK_HEADER_SIZE = 4,
    HDLC_HEADER_SIZE = 4,

    TYPE_IP4 = 0x0800,
    TYPE_VLAN = 0x8100,         /* IEEE 802.1Q */
    TYPE_VLAN_OLD = 0x9100,     /* QinQ before there was a standard */
    TYPE_VLAN_SERVICE = 0x88a8, /* IEEE 802.1ad */
    TYPE_PPPOE = 0x8864,

    PPP_IP4 = 0x0021,
    PPP_ADDRESS = 0xff, /* RFC 1662 3.1: all stations, unnumbered information */
    PPP_CONTROL = 0x03,
    HDLC_UNICAST = 0x0f,
    HDLC_MULTICAST = 0x8f,

    FAMILY_IP4 = 2, /* AF_INET, the same on every system that writes these headers */
};

static bool found(const struct reader *r, size_t *offset)
{
    *offset = r->offset;
    return true;
}

/* RFC 1661 2: the protocol takes one byte where the peers have agreed on that; its last bit then is
 * the first that is set. */
static bool find_in_ppp(struct reader *r, size_t *offset)
{
    unsigned protocol = reader_u8(r);

    if ((protocol & 1) == 0)
        protocol = protocol << 8 | reader_u8(r);
    return !r->failed && protocol == PPP_IP4 && found(r, offset);
}

/* RFC 2516 4: version and type 1, code 0 of a session, session, length. */
static bool find_in_pppoe(struct reader *r, size_t *offset)
{
    const uint8_t *p = reader_take(r, PPPOE_HEADER_SIZE);

    return p != NULL && p[0] == 0x11 && p[1] == 0 && find_in_ppp(r, offset);
}

static bool find_by_type(uint16_t type, struct reader *r, size_t *offset)
{
    while (type == TYPE_VLAN || type == TYPE_VLAN_SERVICE || type == TYPE_VLAN_OLD) {
        const uint8_t *tag = reader_take(r, VLAN_TAG_SIZE);

        if (tag == NULL)
            return false;
        type = load_u16(tag + 2);
    }
    if (type == TYPE_IP4)
        return found(r, offset);
    return type == TYPE_PPPOE && find_in_pppoe(r, offset);
}

/* A header of SIZE bytes with an EtherType at byte AT. */
static bool find_after(struct reader *r, size_t size, size_t at, size_t *offset)
{
    const uint8_t *p = reader_take(r, size);

    return p != NULL && find_by_type(load_u16(p + at), r, offset);
}

static bool find_in_serial(struct reader *r, size_t *offset)
{
    struct reader peek = *r;
    uint8_t address = reader_u8(&peek);

    if (address == HDLC_UNICAST || address == HDLC_MULTICAST)
        return find_after(r, HDLC_HEADER_SIZE, 2, offset);
    if (address == PPP_ADDRESS && reader_u8(&peek) == PPP_CONTROL)
        *r = peek;
    return find_in_ppp(r, offset);
}

static bool find_in_loopback(struct reader *r, bool network_order, size_t *offset)
{
    const uint8_t *p = reader_take(r, LOOPBACK_HEADER_SIZE);
    bool big = p != NULL && load_u32(p) == FAMILY_IP4;
    bool little = p != NULL && load_u32(p) == (uint32_t)FAMILY_IP4 << 24;

    return (big || (little && !network_order)) && found(r, offset);
}

bool link_find_ip4(enum link_type type, const uint8_t *frame, size_t size, size_t *offset)
{
    struct reader r = reader_of(frame, size);

    switch (type) {
    case LINK_ETHERNET:
        return find_after(&r, ETHERNET_HEADER_SIZE, 12, offset);
    case LINK_LINUX_COOKED:
        return find_after(&r, COOKED_HEADER_SIZE, 14, offset);
    case LINK_LINUX_COOKED2:
        return find_after(&r, COOKED2_HEADER_SIZE, 0, offset);
    case LINK_RAW:
        *offset = 0;
        return reader_u8(&r) >> 4 == 4;
    case LINK_IP4:
        return found(&r, offset);
    case LINK_NULL:
        return find_in_loopback(&r, false, offset);
    case LINK_LOOP:
        return find_in_loopback(&r, true, offset);
    case LINK_PPP:
        return find_in_serial(&r, offset);
    case LINK_PPPOE:
        return find_in_pppoe(&r, offset);
    }
    return false;
}
