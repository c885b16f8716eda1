/* One packet out of a capture file, to be sent again. */
#ifndef IO_PACKET_FILE_H
#define IO_PACKET_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
    PACKET_FILE_ROOM = 65535
};

struct capture;

/* Opens the pcap or pcapng file PATH ("-" = standard input), and reads none of it. NULL, and ERROR
 * filled (EX_NOINPUT), on failure. */
struct capture *packet_file_open(const char *path, struct error *error);

/* Reads packet NUMBER (from 1, as every dissector counts) of such a file, of a link type that
 * capture.h reads. Returns the size of the IPv4 packet in BUF; or 0 and ERROR filled: EX_NOINPUT
 * for a file that is empty, EX_DATAERR for one that is no capture, is damaged, has no such packet,
 * or has another than IPv4 there. */
size_t packet_file_read(struct capture *c, unsigned long number,
                        uint8_t buf[static PACKET_FILE_ROOM], struct error *error);

#endif
