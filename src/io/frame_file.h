/* The frames of a capture file, pcap or pcapng, out of a stream of bytes: as they come, without a
 * look back or ahead. */
#ifndef IO_FRAME_FILE_H
#define IO_FRAME_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"
#include "link_layer.h"
#include "nsec.h"

struct frame_file;

/* Where the bytes come from: READ gives up to SIZE of them, 0 at the end, -1 and errno on failure.
 */
struct frame_bytes {
    ssize_t (*read)(void *context, void *data, size_t size);
    void *context;
    const char *name; /* of the file, for messages; borrowed */
};

/* An interface of the file: its only one, in pcap. */
struct frame_interface {
    unsigned link_number; /* LINKTYPE_ */
    enum link_type link;
    uint32_t snap; /* bytes of a frame that are kept at most; 0 = all */
};

struct file_frame {
    const uint8_t *data; /* borrowed until the next one */
    size_t size;         /* bytes captured */
    size_t whole;        /* bytes that the frame had: more, if it was cut */
    nsec when;           /* of a frame without a time: that of the one before */
    bool has_time;
    enum link_direction direction; /* as far as the file tells */
    size_t interface;              /* counts over all sections of the file */
    uint64_t number;               /* in the file, from 1, as Wireshark counts */
};

/* NULL, ERROR filled, if memory is out. */
struct frame_file *frame_file_new(const struct frame_bytes *bytes, struct error *error);

/* Reads up to the first interface. 1; 0 at the end of the bytes, where that is an end; -1, ERROR
 * filled, on failure: 66 if there is no byte, 65 if the file is no capture, or is damaged. */
int frame_file_begin(struct frame_file *f, struct error *error);

/* The next frame: 1; 0 at the end; -1, ERROR filled, on damage (65) and if reading fails (74). */
int frame_file_next(struct frame_file *f, struct file_frame *frame, struct error *error);

/* After frame_file_begin: else it is pcap, which has one interface. */
bool frame_file_is_pcapng(const struct frame_file *f);

/* The interfaces so far. */
size_t frame_file_interfaces(const struct frame_file *f);
struct frame_interface frame_file_interface(const struct frame_file *f, size_t interface);

/* Frames that were not captured for want of room, as far as the file tells. */
uint64_t frame_file_dropped(const struct frame_file *f);

void frame_file_free(struct frame_file *f);

#endif
