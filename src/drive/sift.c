#include "sift.h"

#include "gtpu.h"

enum {
    /* GTP-U in GTP-U does not occur; a forged packet could hold some thousand levels of it. */
    MAX_TUNNELS = 4
};

/* Looks at an IPv4 packet; true if it, or one tunnelled in it, is Teredo. */
static bool sift_ip4(struct sift *sift, const uint8_t *data, size_t size, struct sighting *s)
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

int sift_capture(struct sift *sift, struct capture *capture, struct error *error)
{
    enum link_type link = capture_link(capture);
    struct capture_frame frame;
    struct sighting s;
    int got = 0;

    s.file = capture_file(capture);
    while (!sift_is_done(sift) && (got = capture_next(capture, &frame, error)) > 0) {
        size_t offset;

        sighter_count_frame(sift->sighter);
        if (!link_find_ip4(link, frame.data, frame.size, &offset))
            continue;
        s.frame = frame.number;
        s.when = frame.when;
        if (sift_ip4(sift, frame.data + offset, frame.size - offset, &s) && sift->seen != NULL)
            sift->seen(sift->context, &s);
    }
    return got < 0 ? -1 : 0;
}
