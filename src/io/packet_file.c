#include "packet_file.h"

#include <string.h>
#include <sysexits.h>

#include "capture.h"

/* Passes over the frames before; 0, or -1 and ERROR filled. */
static int pass_to(struct capture *c, const char *path, unsigned long number,
                   struct capture_frame *frame, struct error *error)
{
    unsigned long passed = 0;

    do {
        int got = capture_next(c, frame, error);

        if (got < 0)
            return -1;
        if (got == 0)
            return error_set(error, EX_DATAERR, 0, "%s has no packet %lu, but %lu in all", path,
                             number, passed);
    } while (++passed < number);
    return 0;
}

struct capture *packet_file_open(const char *path, struct error *error)
{
    static const struct capture_control control = {.loop = NULL};

    return capture_open(path, &control, error);
}

size_t packet_file_read(struct capture *c, unsigned long number,
                        uint8_t buf[static PACKET_FILE_ROOM], struct error *error)
{
    const char *path = capture_file(c);
    struct capture_frame frame;
    size_t offset, size;

    if (capture_begin(c, error) != 0 || pass_to(c, path, number, &frame, error) != 0)
        return 0;
    if (frame.size < frame.whole) {
        error_set(error, EX_DATAERR, 0, "packet %lu of %s was cut: the file has %zu of %zu bytes",
                  number, path, frame.size, frame.whole);
        return 0;
    }
    if (link_find_ip4(frame.link, frame.data, frame.size, &offset) != LINK_HAS_IP4 ||
        offset == frame.size || frame.size - offset > PACKET_FILE_ROOM) {
        error_set(error, EX_DATAERR, 0, "packet %lu of %s is not an IPv4 packet", number, path);
        return 0;
    }
    size = frame.size - offset;
    memcpy(buf, frame.data + offset, size);
    return size;
}
