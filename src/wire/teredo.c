#include "teredo.h"

#include <string.h>

#include "bytes.h"
#include "teredo_trailer.h"

enum {
    AUTH_HEADER_SIZE = 4,
    /* The first two bytes of an element. */
    MARK_ORIGIN = 0x0000,
    MARK_AUTH = 0x0001,
};

/* RFC 4380 5.1.1, N = ID-len, M = AU-len:
 *
 *     +---------------+---------------+---------------+---------------+
 *   0 |      0x00     |      0x01     |    ID-len     |    AU-len     |
 *     +---------------+---------------+---------------+---------------+
 *   4 | Client identifier (N bytes), authentication value (M bytes)   |
 *     +---------------------------------------------------------------+
 * 4+N+M Nonce (8 bytes), confirmation byte                            |
 *     +---------------------------------------------------------------+
 */
static bool decode_auth(struct reader *r, struct teredo_auth *auth, struct wire_fault *fault)
{
    const uint8_t *head = reader_take(r, AUTH_HEADER_SIZE);
    const uint8_t *tail;

    if (head == NULL)
        return wire_fail(fault, WIRE_TRUNCATED, r->size);
    auth->client_id_size = head[2];
    auth->value_size = head[3];
    auth->client_id = reader_take(r, auth->client_id_size);
    auth->value = reader_take(r, auth->value_size);
    tail = reader_take(r, TEREDO_NONCE_SIZE + 1);
    if (tail == NULL)
        return wire_fail(fault, WIRE_TRUNCATED, r->size);
    memcpy(auth->nonce, tail, sizeof auth->nonce);
    auth->confirmation = tail[TEREDO_NONCE_SIZE];
    return true;
}

/* RFC 4380 5.1.1:
 *
 *     +---------------+---------------+-------------------------------+
 *   0 |      0x00     |      0x00     |     Origin port ^ 0xffff      |
 *     +---------------+---------------+-------------------------------+
 *   4 |               Origin IPv4 address ^ 0xffffffff                |
 *     +---------------------------------------------------------------+
 */
static bool decode_origin(struct reader *r, struct endpoint *origin, struct wire_fault *fault)
{
    const uint8_t *p = reader_take(r, TEREDO_ORIGIN_SIZE);

    if (p == NULL)
        return wire_fail(fault, WIRE_TRUNCATED, r->size);
    origin->port = (uint16_t)~load_u16(p + 2);
    origin->address = ~load_u32(p + 4);
    return true;
}

/* Reads what stands before the IPv6 header: authentication first, then origin, each at most once.
 */
static bool decode_encapsulations(struct reader *r, struct teredo_packet *out,
                                  struct wire_fault *fault)
{
    for (;;) {
        struct reader peek = *r;
        const uint8_t *mark = reader_take(&peek, 2);

        if (mark == NULL)
            return wire_fail(fault, WIRE_TRUNCATED, r->size);
        if (mark[0] >> 4 == 6)
            return true;
        if (mark[0] != 0)
            return wire_fail(fault, r->offset == 0 ? WIRE_UNKNOWN_ENCAPSULATION : WIRE_IP6_VERSION,
                             r->offset);
        if (mark[1] > MARK_AUTH)
            return wire_fail(fault, WIRE_UNKNOWN_ENCAPSULATION, r->offset + 1);
        if (out->has_origin || (mark[1] == MARK_AUTH && out->has_auth))
            return wire_fail(fault, WIRE_REPEATED_ENCAPSULATION, r->offset);
        if (mark[1] == MARK_AUTH) {
            if (!decode_auth(r, &out->auth, fault))
                return false;
            out->has_auth = true;
        } else {
            if (!decode_origin(r, &out->origin, fault))
                return false;
            out->has_origin = true;
        }
    }
}

static enum teredo_kind icmp6_kind(uint8_t type)
{
    switch (type) {
    case ICMP6_TYPE_RS:
        return TEREDO_RS;
    case ICMP6_TYPE_RA:
        return TEREDO_RA;
    case ICMP6_TYPE_ECHO_REQUEST:
        return TEREDO_ECHO_REQUEST;
    case ICMP6_TYPE_ECHO_REPLY:
        return TEREDO_ECHO_REPLY;
    default:
        return TEREDO_ICMP6;
    }
}

/* Reads the trailers. Those of a packet that was cut end early, which is no fault of theirs. */
static enum teredo_extent decode_rest(struct reader *r, size_t claimed, struct teredo_packet *out,
                                      struct wire_fault *fault)
{
    if (reader_left(r) > 0 && !teredo_trailers_decode(r, out, fault))
        return TEREDO_KIND;
    if (claimed > r->size) {
        out->junk_size = 0;
        wire_fail(fault, WIRE_TRUNCATED, r->size);
    }
    return TEREDO_WHOLE;
}

/* What ICMPv6 message it is, also if it is malformed, as long as its first byte is there. */
static enum teredo_extent decode_icmp6(size_t start, size_t missing, struct teredo_packet *out,
                                       struct wire_fault *fault)
{
    bool good = missing == 0 &&
                icmp6_decode(out->payload, out->payload_size, &out->ip6, &out->icmp6, fault);

    if (missing == 0 && !good)
        fault->offset += start;
    if (out->payload_size == 0)
        return TEREDO_HEADER;
    out->kind = icmp6_kind(out->payload[0]);
    return good ? TEREDO_WHOLE : TEREDO_KIND;
}

enum teredo_extent teredo_decode_part(const uint8_t *data, size_t size, size_t claimed,
                                      struct teredo_packet *out, struct wire_fault *fault)
{
    struct reader r = reader_of(data, size);
    size_t start, missing = 0;

    /* Field by field: the packet is large, and this runs once for each packet of a capture. */
    out->has_auth = false;
    out->has_origin = false;
    out->origin = (struct endpoint){0};
    out->trailer_count = 0;
    out->junk_offset = 0;
    out->junk_size = 0;
    fault->reason = WIRE_OK;
    fault->offset = 0;

    if (!decode_encapsulations(&r, out, fault))
        return TEREDO_NOTHING;
    out->ip6_offset = r.offset;
    if (!ip6_decode(&r, &out->ip6, fault))
        return TEREDO_NOTHING;
    start = r.offset;
    out->payload_size = out->ip6.payload_length;
    if (out->payload_size > claimed - start) {
        /* Where the payload really ends is not to be known. */
        out->payload_size = size - start;
        out->payload = reader_take(&r, out->payload_size);
        wire_fail(fault, WIRE_IP6_PAYLOAD_LENGTH, out->ip6_offset + 4);
        return TEREDO_HEADER;
    }
    if (out->payload_size > size - start) {
        missing = out->payload_size - (size - start);
        out->payload_size -= missing;
        wire_fail(fault, WIRE_TRUNCATED, size);
    }
    out->payload = reader_take(&r, out->payload_size);

    out->kind = TEREDO_DATA;
    if (out->ip6.next_header == IP_PROTOCOL_NONE && out->ip6.payload_length == 0) {
        out->kind = TEREDO_BUBBLE;
    } else if (out->ip6.next_header == IP_PROTOCOL_ICMP6) {
        enum teredo_extent extent = decode_icmp6(start, missing, out, fault);

        if (extent != TEREDO_WHOLE)
            return extent;
    }
    return missing > 0 ? TEREDO_KIND : decode_rest(&r, claimed, out, fault);
}

bool teredo_decode(const uint8_t *data, size_t size, struct teredo_packet *out,
                   struct wire_fault *fault)
{
    return teredo_decode_part(data, size, size, out, fault) == TEREDO_WHOLE;
}

void teredo_put_auth(struct writer *w, const struct teredo_auth *auth)
{
    writer_u16(w, MARK_AUTH);
    writer_u8(w, auth->client_id_size);
    writer_u8(w, auth->value_size);
    writer_bytes(w, auth->client_id, auth->client_id_size);
    writer_bytes(w, auth->value, auth->value_size);
    writer_bytes(w, auth->nonce, sizeof auth->nonce);
    writer_u8(w, auth->confirmation);
}

void teredo_put_origin(struct writer *w, struct endpoint origin)
{
    writer_u16(w, MARK_ORIGIN);
    writer_u16(w, (uint16_t)~origin.port);
    writer_u32(w, ~origin.address);
}

bool teredo_put_encapsulations(struct writer *w, const struct teredo_packet *p)
{
    w->failed = w->failed || p->payload_size > UINT16_MAX;
    if (p->has_auth)
        teredo_put_auth(w, &p->auth);
    if (p->has_origin)
        teredo_put_origin(w, p->origin);
    return !w->failed;
}

void teredo_encode(struct writer *w, const struct teredo_packet *p)
{
    struct ip6_header ip6 = p->ip6;

    if (!teredo_put_encapsulations(w, p))
        return;
    ip6.payload_length = (uint16_t)p->payload_size;
    ip6_encode(w, &ip6);
    writer_bytes(w, p->payload, p->payload_size);
    teredo_trailers_encode(w, p);
}

const char *teredo_kind_name(enum teredo_kind kind)
{
    switch (kind) {
    case TEREDO_BUBBLE:
        return "bubble";
    case TEREDO_RS:
        return "rs";
    case TEREDO_RA:
        return "ra";
    case TEREDO_ECHO_REQUEST:
        return "echo_request";
    case TEREDO_ECHO_REPLY:
        return "echo_reply";
    case TEREDO_ICMP6:
        return "icmp6";
    case TEREDO_DATA:
        return "data";
    }
    return "unknown";
}
