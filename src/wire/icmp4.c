#include "icmp4.h"

#include "bytes.h"
#include "cursor.h"

enum {
    UDP_PORTS_SIZE = 4
};

bool icmp4_is_error(uint8_t type)
{
    return type == ICMP4_UNREACHABLE || type == ICMP4_TIME_EXCEEDED ||
           type == ICMP4_PARAMETER_PROBLEM;
}

/* Of one that this host sends the network card may have to fill in the checksum. */
static bool decode_outer(struct reader *r, struct ip4_header *ip)
{
    struct wire_fault fault;

    return ip4_decode(r, ip, true, &fault) ||
           (fault.reason == WIRE_IP4_CHECKSUM && ip->checksum == 0);
}

/* NATs that put the inside address back into what is quoted do not all mend its checksum. */
static bool decode_quoted(struct reader *r, struct ip4_header *quoted)
{
    struct wire_fault fault;

    return ip4_decode(r, quoted, true, &fault) || fault.reason == WIRE_IP4_CHECKSUM;
}

bool icmp4_error_decode(const uint8_t *data, size_t size, struct icmp4_message *out)
{
    struct reader r = reader_of(data, size);
    struct ip4_header ip, quoted;
    const uint8_t *header, *ports;

    if (!decode_outer(&r, &ip) || ip.protocol != IP_PROTOCOL_ICMP || ip.fragment_offset != 0)
        return false;
    header = reader_take(&r, ICMP4_HEADER_SIZE);
    if (header == NULL || !icmp4_is_error(header[0]) || !decode_quoted(&r, &quoted) ||
        quoted.protocol != IP_PROTOCOL_UDP || quoted.fragment_offset != 0)
        return false;
    ports = reader_take(&r, UDP_PORTS_SIZE);
    if (ports == NULL)
        return false;
    *out = (struct icmp4_message){
        .error = {header[0], header[1], ip.source},
        .to = ip.destination,
        .quoted_from = {quoted.source, load_u16(ports)},
        .quoted_to = {quoted.destination, load_u16(ports + 2)},
    };
    return true;
}
