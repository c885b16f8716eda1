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
    LLC_HEADER_SIZE = 3,
    SNAP_HEADER_SIZE = 5,
    MPLS_ENTRY_SIZE = 4,
    NFLOG_HEADER_SIZE = 4,
    NFLOG_TLV_SIZE = 4,

    MAX_LENGTH = 1500, /* IEEE 802.3: what is not above it is a length, and no type */
    TYPE_IP4 = 0x0800,
    TYPE_VLAN = 0x8100,         /* IEEE 802.1Q */
    TYPE_VLAN_OLD = 0x9100,     /* QinQ before there was a standard */
    TYPE_VLAN_SERVICE = 0x88a8, /* IEEE 802.1ad */
    TYPE_MPLS = 0x8847,
    TYPE_MPLS_UPSTREAM = 0x8848, /* RFC 5332 */
    TYPE_PPPOE = 0x8864,

    PPP_IP4 = 0x0021,
    PPP_MPLS = 0x0281,  /* RFC 3032 4.3 */
    PPP_ADDRESS = 0xff, /* RFC 1662 3.1: all stations, unnumbered information */
    PPP_CONTROL = 0x03,
    HDLC_UNICAST = 0x0f,
    HDLC_MULTICAST = 0x8f,

    LLC_SNAP = 0xaa,
    LLC_IP4 = 0x06,
    LLC_UNNUMBERED = 0x03,
    OUI_ETHERTYPE = 0x000000, /* RFC 1042 */
    OUI_BRIDGED = 0x0000f8,   /* IEEE 802.1H */

    MPLS_BOTTOM = 0x100, /* of a label stack entry: the last one */

    FAMILY_IP4 = 2, /* AF_INET, the same on every system that writes these headers */
    FAMILY_BRIDGE = 7,

    NFLOG_PACKET_HEADER = 1, /* NFULA_PACKET_HDR: EtherType, hook, a byte of nothing */
    NFLOG_PAYLOAD = 9,       /* NFULA_PAYLOAD */
    NFLOG_TYPE = 0x7fff,     /* above it are flags */
    HOOK_LOCAL_IN = 1,
    HOOK_LOCAL_OUT = 3,

    COOKED_SENT = 4, /* PACKET_OUTGOING; 0 to 3 came in */
};

enum link_type link_type_of(unsigned number)
{
    static const struct {
        uint16_t number;
        enum link_type type;
    } links[] = {
        {0, LINK_NULL},
        {1, LINK_ETHERNET},
        {9, LINK_PPP},
        {11, LINK_LLC}, /* ATM_RFC1483, as libpcap numbers it */
        {12, LINK_RAW}, /* RAW, as libpcap numbers it */
        {14, LINK_RAW}, /* the same on OpenBSD */
        {50, LINK_PPP}, /* PPP_HDLC */
        {51, LINK_PPPOE},
        {100, LINK_LLC}, /* ATM_RFC1483 */
        {101, LINK_RAW},
        {104, LINK_PPP}, /* C_HDLC */
        {108, LINK_LOOP},
        {113, LINK_LINUX_COOKED},
        {204, LINK_PPP_DIRECTION},
        {219, LINK_MPLS},
        {228, LINK_IP4},
        {239, LINK_NFLOG},
        {276, LINK_LINUX_COOKED2},
    };

    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (links[i].number == number)
            return links[i].type;
    return LINK_UNKNOWN;
}

static bool found(const struct reader *r, size_t *offset)
{
    *offset = r->offset;
    return true;
}

/* An IPv4 or IPv6 packet, of which the first byte tells. */
static bool find_raw(struct reader *r, size_t *offset)
{
    struct reader peek = *r;

    if (reader_u8(&peek) >> 4 == 4)
        return found(r, offset);
    r->failed = peek.failed;
    return false;
}

/* RFC 3032 2.1: entries of label (20 bits), class, bottom of stack, time to live. What follows the
 * last one no field tells. */
static bool find_in_mpls(struct reader *r, size_t *offset)
{
    const uint8_t *entry;

    do
        entry = reader_take(r, MPLS_ENTRY_SIZE);
    while (entry != NULL && (load_u32(entry) & MPLS_BOTTOM) == 0);
    return entry != NULL && find_raw(r, offset);
}

/* RFC 1661 2: the protocol takes one byte where the peers have agreed on that; its last bit then is
 * the first that is set. */
static bool find_in_ppp(struct reader *r, size_t *offset)
{
    unsigned protocol = reader_u8(r);

    if ((protocol & 1) == 0)
        protocol = protocol << 8 | reader_u8(r);
    if (r->failed)
        return false;
    return protocol == PPP_IP4 ? found(r, offset) : protocol == PPP_MPLS && find_in_mpls(r, offset);
}

/* RFC 2516 4: version and type 1, code 0 of a session, session, length. */
static bool find_in_pppoe(struct reader *r, size_t *offset)
{
    const uint8_t *p = reader_take(r, PPPOE_HEADER_SIZE);

    return p != NULL && p[0] == 0x11 && p[1] == 0 && find_in_ppp(r, offset);
}

/* Behind an EtherType, or what stands in its place. */
static bool find_by_type(uint16_t type, struct reader *r, size_t *offset);

/* IEEE 802.2: destination, source and control, of unnumbered information; SNAP adds an organization
 * and, of those that are known here, an EtherType. */
static bool find_in_llc(struct reader *r, size_t *offset)
{
    const uint8_t *llc = reader_take(r, LLC_HEADER_SIZE), *snap;
    uint32_t organization;

    if (llc == NULL || llc[0] != llc[1] || llc[2] != LLC_UNNUMBERED)
        return false;
    if (llc[0] == LLC_IP4)
        return found(r, offset);
    if (llc[0] != LLC_SNAP || (snap = reader_take(r, SNAP_HEADER_SIZE)) == NULL)
        return false;
    organization = load_u32(snap) >> 8;
    return (organization == OUI_ETHERTYPE || organization == OUI_BRIDGED) &&
           load_u16(snap + 3) > MAX_LENGTH && find_by_type(load_u16(snap + 3), r, offset);
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
    if (type == TYPE_MPLS || type == TYPE_MPLS_UPSTREAM)
        return find_in_mpls(r, offset);
    if (type <= MAX_LENGTH)
        return find_in_llc(r, offset);
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
    r->failed = peek.failed;
    return !r->failed && find_in_ppp(r, offset);
}

static bool find_in_loopback(struct reader *r, bool network_order, size_t *offset)
{
    const uint8_t *p = reader_take(r, LOOPBACK_HEADER_SIZE);
    bool big = p != NULL && load_u32(p) == FAMILY_IP4;
    bool little = p != NULL && load_u32(p) == (uint32_t)FAMILY_IP4 << 24;

    return (big || (little && !network_order)) && found(r, offset);
}

/* The next TLV: length (with these four bytes), type, both in the byte order of the machine that
 * wrote them, which the type tells, for it is a small number; then padding to four bytes. */
static bool next_tlv(struct reader *r, unsigned *type, const uint8_t **value, size_t *size)
{
    const uint8_t *p = reader_take(r, NFLOG_TLV_SIZE);
    bool big = p != NULL && (p[2] & ~0xc0) == 0 && p[3] != 0;
    size_t length;

    if (p == NULL)
        return false;
    length = big ? load_u16(p) : load_u16_little(p);
    *type = (big ? load_u16(p + 2) : load_u16_little(p + 2)) & NFLOG_TYPE;
    if (length < NFLOG_TLV_SIZE)
        return false;
    *size = length - NFLOG_TLV_SIZE;
    *value = r->data + r->offset;
    return true;
}

static bool skip_tlv(struct reader *r, size_t size)
{
    return reader_take(r, (size + 3) & ~(size_t)3) != NULL;
}

/* Family, version 0, number of the log group. */
static bool begin_nflog(struct reader *r)
{
    const uint8_t *p = reader_take(r, NFLOG_HEADER_SIZE);

    return p != NULL && (p[0] == FAMILY_IP4 || p[0] == FAMILY_BRIDGE) && p[1] == 0;
}

static bool find_in_nflog(struct reader *r, size_t *offset)
{
    const uint8_t *value;
    unsigned type;
    size_t size;

    if (!begin_nflog(r))
        return false;
    while (next_tlv(r, &type, &value, &size)) {
        if (type == NFLOG_PAYLOAD)
            return find_raw(r, offset);
        if (!skip_tlv(r, size))
            return false;
    }
    return false;
}

static bool find(enum link_type type, struct reader *r, size_t *offset)
{
    switch (type) {
    case LINK_UNKNOWN:
        return false;
    case LINK_ETHERNET:
        return find_after(r, ETHERNET_HEADER_SIZE, 12, offset);
    case LINK_LINUX_COOKED:
        return find_after(r, COOKED_HEADER_SIZE, 14, offset);
    case LINK_LINUX_COOKED2:
        return find_after(r, COOKED2_HEADER_SIZE, 0, offset);
    case LINK_RAW:
        return find_raw(r, offset);
    case LINK_IP4:
        return found(r, offset);
    case LINK_NULL:
        return find_in_loopback(r, false, offset);
    case LINK_LOOP:
        return find_in_loopback(r, true, offset);
    case LINK_PPP:
        return find_in_serial(r, offset);
    case LINK_PPP_DIRECTION:
        return reader_take(r, 1) != NULL && find_in_serial(r, offset);
    case LINK_PPPOE:
        return find_in_pppoe(r, offset);
    case LINK_LLC:
        return find_in_llc(r, offset);
    case LINK_MPLS:
        return find_in_mpls(r, offset);
    case LINK_NFLOG:
        return find_in_nflog(r, offset);
    }
    return false;
}

enum link_find link_find_ip4(enum link_type type, const uint8_t *frame, size_t size, size_t *offset)
{
    struct reader r = reader_of(frame, size);

    return find(type, &r, offset) ? LINK_HAS_IP4 : r.failed ? LINK_TOO_SHORT : LINK_HAS_NO_IP4;
}

/* What is about to leave has checksums that are still to be filled in, and what is forwarded has
 * them from elsewhere. */
static enum link_direction direction_of_hook(struct reader *r)
{
    const uint8_t *value;
    unsigned type;
    size_t size;

    if (!begin_nflog(r))
        return LINK_EITHER_WAY;
    while (next_tlv(r, &type, &value, &size) && skip_tlv(r, size))
        if (type == NFLOG_PACKET_HEADER && size >= 3)
            return value[2] == HOOK_LOCAL_OUT  ? LINK_SENT
                   : value[2] <= HOOK_LOCAL_IN ? LINK_RECEIVED
                                               : LINK_EITHER_WAY;
    return LINK_EITHER_WAY;
}

enum link_direction link_direction_of(enum link_type type, const uint8_t *frame, size_t size)
{
    struct reader r = reader_of(frame, size);
    const uint8_t *p;

    switch (type) {
    case LINK_LINUX_COOKED:
        p = reader_take(&r, COOKED_HEADER_SIZE);
        return p == NULL ? LINK_EITHER_WAY : load_u16(p) == COOKED_SENT ? LINK_SENT : LINK_RECEIVED;
    case LINK_LINUX_COOKED2:
        p = reader_take(&r, COOKED2_HEADER_SIZE);
        return p == NULL ? LINK_EITHER_WAY : p[10] == COOKED_SENT ? LINK_SENT : LINK_RECEIVED;
    case LINK_PPP_DIRECTION:
        p = reader_take(&r, 1);
        return p == NULL ? LINK_EITHER_WAY : p[0] != 0 ? LINK_SENT : LINK_RECEIVED;
    case LINK_NFLOG:
        return direction_of_hook(&r);
    case LINK_UNKNOWN:
    case LINK_ETHERNET:
    case LINK_RAW:
    case LINK_IP4:
    case LINK_NULL:
    case LINK_LOOP:
    case LINK_PPP:
    case LINK_PPPOE:
    case LINK_LLC:
    case LINK_MPLS:
        break;
    }
    return LINK_EITHER_WAY;
}
