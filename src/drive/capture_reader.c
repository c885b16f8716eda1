#include "capture_reader.h"

#include "gtpu.h"

enum {
    /* GTP-U in GTP-U does not occur; a forged packet could hold some thousand levels of it. */
    MAX_TUNNELS = 4
};

/* Looks at an IPv4 packet; true if it, or one tunnelled in it, is Teredo. */
static bool capture_reader_ip4(const struct capture_reader *capture_reader, const uint8_t *data,
                               size_t size, struct captured_packet *s)
{
    struct wire_fault fault;

    for (int level = 0; level <= MAX_TUNNELS; level++) {
        size_t offset;

        if (!udp4_dissect(data, size, &s->udp, &fault)) {
            if (fault.reason != WIRE_NOT_UDP)
                teredo_flows_count_fault(capture_reader->teredo_flows, fault.reason);
            return false;
        }
        if (teredo_flows_look(capture_reader->teredo_flows, s, &fault))
            return true;
        if (!capture_reader->tunnels ||
            (s->udp.to.port != GTPU_PORT && s->udp.from.port != GTPU_PORT) ||
            !gtpu_find_packet(s->udp.payload, s->udp.payload_size, &offset) ||
            link_find_ip4(LINK_RAW, s->udp.payload + offset, s->udp.payload_size - offset,
                          &(size_t){0}) != LINK_HAS_IP4)
            return false;
        data = s->udp.payload + offset;
        size = s->udp.payload_size - offset;
    }
    return false;
}

bool capture_reader_is_done(const struct capture_reader *capture_reader)
{
    return capture_reader->count > 0 &&
           teredo_flows_packets(capture_reader->teredo_flows) >= capture_reader->count;
}

enum capture_reader_result capture_reader_next(const struct capture_reader *capture_reader,
                                               struct capture *capture, struct captured_packet *s,
                                               struct icmp4_message *icmp, struct error *error)
{
    struct capture_frame frame;
    enum capture_result got;

    s->file = capture_file(capture);
    while ((got = capture_next(capture, &frame, error)) == CAPTURE_FRAME) {
        const uint8_t *data;
        size_t offset, size;

        teredo_flows_count_frame(capture_reader->teredo_flows);
        s->frame = frame.number;
        s->when = frame.when;
        if (link_find_ip4(frame.link, frame.data, frame.size, &offset) != LINK_HAS_IP4)
            continue;
        data = frame.data + offset;
        size = frame.size - offset;
        if (capture_reader_ip4(capture_reader, data, size, s))
            return CAPTURE_READER_PACKET;
        if (capture_reader->errors && icmp4_error_decode(data, size, icmp))
            return CAPTURE_READER_ERROR;
    }
    return got == CAPTURE_FAILED ? CAPTURE_READER_FAILED
           : got == CAPTURE_IDLE ? CAPTURE_READER_IDLE
                                 : CAPTURE_READER_END;
}

int capture_reader_capture(const struct capture_reader *capture_reader, struct capture *capture,
                           struct error *error)
{
    enum capture_reader_result got = CAPTURE_READER_PACKET;
    struct icmp4_message icmp;
    struct captured_packet s;

    while (got != CAPTURE_READER_END && got != CAPTURE_READER_FAILED &&
           !capture_reader_is_done(capture_reader)) {
        got = capture_reader_next(capture_reader, capture, &s, &icmp, error);
        if (got == CAPTURE_READER_PACKET && capture_reader->seen != NULL)
            capture_reader->seen(capture_reader->context, &s);
    }
    return got == CAPTURE_READER_FAILED ? -1 : 0;
}
