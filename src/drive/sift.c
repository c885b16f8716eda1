#include "sift.h"

#include "gtpu.h"

enum {
    /* GTP-U in GTP-U does not occur; a forged packet could hold some thousand levels of it. */
    MAX_TUNNELS = 4
};

/* Looks at an IPv4 packet; true if it, or one tunnelled in it, is Teredo. */
static bool sift_ip4(const struct sift *sift, const uint8_t *data, size_t size, struct sighting *s)
{
    struct wire_fault fault;

    for (int level = 0; level <= MAX_TUNNELS; level++) {
        size_t offset;

        if (!udp4_dissect(data, size, &s->udp, &fault)) {
            if (fault.reason != WIRE_NOT_UDP)
                sighter_count_fault(sift->sighter, fault.reason);
            return false;
        }
        if (sighter_look(sift->sighter, s, &fault))
            return true;
        if (!sift->tunnels || (s->udp.to.port != GTPU_PORT && s->udp.from.port != GTPU_PORT) ||
            !gtpu_find_packet(s->udp.payload, s->udp.payload_size, &offset) ||
            !link_find_ip4(LINK_RAW, s->udp.payload + offset, s->udp.payload_size - offset,
                           &(size_t){0}))
            return false;
        data = s->udp.payload + offset;
        size = s->udp.payload_size - offset;
    }
    return false;
}

bool sift_is_done(const struct sift *sift)
{
    return sift->count > 0 && sighter_packets(sift->sighter) >= sift->count;
}

enum sift_result sift_next(const struct sift *sift, struct capture *capture, struct sighting *s,
                           struct icmp4_error *icmp, struct error *error)
{
    enum link_type link = capture_link(capture);
    struct capture_frame frame;
    enum capture_result got;

    s->file = capture_file(capture);
    while ((got = capture_next(capture, &frame, error)) == CAPTURE_FRAME) {
        const uint8_t *data;
        size_t offset, size;

        sighter_count_frame(sift->sighter);
        s->frame = frame.number;
        s->when = frame.when;
        if (!link_find_ip4(link, frame.data, frame.size, &offset))
            continue;
        data = frame.data + offset;
        size = frame.size - offset;
        if (sift_ip4(sift, data, size, s))
            return SIFT_PACKET;
        if (sift->errors && icmp4_error_decode(data, size, icmp))
            return SIFT_ERROR;
    }
    return got == CAPTURE_FAILED ? SIFT_FAILED : got == CAPTURE_IDLE ? SIFT_IDLE : SIFT_END;
}

int sift_capture(const struct sift *sift, struct capture *capture, struct error *error)
{
    enum sift_result got = SIFT_PACKET;
    struct icmp4_error icmp;
    struct sighting s;

    while (got != SIFT_END && got != SIFT_FAILED && !sift_is_done(sift)) {
        got = sift_next(sift, capture, &s, &icmp, error);
        if (got == SIFT_PACKET && sift->seen != NULL)
            sift->seen(sift->context, &s);
    }
    return got == SIFT_FAILED ? -1 : 0;
}
