/* Frames from capture files (pcap and pcapng, any clock, either byte order) and, through libpcap,
 * from network interfaces. */
#ifndef IO_CAPTURE_H
#define IO_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"
#include "link_layer.h"
#include "loop.h"
#include "nsec.h"

struct capture;

struct capture_frame {
    const uint8_t *data; /* borrowed until the next one */
    size_t size;         /* bytes captured */
    size_t whole;        /* bytes that the frame had: more, if it was cut */
    nsec when;           /* since the epoch, by the capture's clock */
    bool has_time;       /* else WHEN is that of the frame before */
    uint64_t number;     /* in the capture, from 1; those that a filter left out count in files */
    size_t interface;    /* of those that the file describes; 0 where there is but one */
    enum link_type link;
    const char *link_name;         /* "EN10MB"; borrowed until the next frame */
    enum link_direction direction; /* as far as the file tells, beside the link layer */
};

/* How a capture waits and stops. */
struct capture_control {
    const char *filter;              /* pcap-filter(7), or NULL for all */
    struct capture_filter *compiled; /* the filter, if several captures share it; borrowed */
    const char *pipe_command; /* for advice: what reads standard input; NULL = teredoctl decode */
    const char *live_command; /* what takes "-i NAME"; NULL = the same */
    /* Runs while a read waits; once it is interrupted, the capture is at its end. NULL = what waits
     * is the read, and nothing ends it; not for an interface. */
    struct loop *loop;
    nsec patience; /* how long a read of an interface may wait; 0 = until something comes */
    /* Called before a read that has to wait, so that results do not; may be NULL. */
    void (*before_wait)(void *context);
    void *context;
};

/* Opens the file PATH ("-" = standard input) without reading a byte of it, for that is what
 * capture_begin does, once privileges are given up. NULL, ERROR filled (66), on failure. */
struct capture *capture_open(const char *path, const struct capture_control *control,
                             struct error *error);

/* The same for a stream that the caller has opened; NAME is for messages. The capture owns FILE. */
struct capture *capture_open_stream(FILE *file, const char *name,
                                    const struct capture_control *control, struct error *error);

/* Opens a network interface ("any" = all). NULL, ERROR filled, on failure: 77 without the
 * permission, 69 if there is no such interface, or it is down. */
struct capture *capture_open_live(const char *interface, const struct capture_control *control,
                                  struct error *error);

/* Reads a file up to its first interface; sets the filter of an interface of the machine, once, and
 * for good. -1, ERROR filled, on
 * failure: 65 if it is no capture or can only have a link type that is not known here, 66 if it is
 * empty, 64 if the filter is wrong. */
int capture_begin(struct capture *c, struct error *error);

enum capture_result {
    CAPTURE_FAILED = -1, /* ERROR is filled: the capture is damaged, or has no frame of a link type
                          * that is known here (65), cannot be read (74), or does not go with the
                          * filter (64) */
    CAPTURE_END,         /* or stopped */
    CAPTURE_FRAME,
    CAPTURE_IDLE, /* of an interface: nothing came within the patience */
};

/* The next frame that passes the filter. */
enum capture_result capture_next(struct capture *c, struct capture_frame *frame,
                                 struct error *error);

/* Goes back to before capture_begin, to read a file from its beginning again. -1, ERROR filled,
 * where that cannot be: of a pipe (66). */
int capture_rewind(struct capture *c, struct error *error);

/* How many interfaces the capture has, as far as that is known. */
size_t capture_interfaces(const struct capture *c);

/* Whether all of it is there, so that it can be read ahead. */
bool capture_is_regular(const struct capture *c);

/* As opened; NULL for an interface. */
const char *capture_file(const struct capture *c);

/* Of the first interface, after capture_begin. */
const char *capture_link_name(const struct capture *c);

/* Packets that there was no room for when they were captured, as far as a file tells. */
uint64_t capture_dropped(struct capture *c);

void capture_close(struct capture *c);

#endif
