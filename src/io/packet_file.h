/* One packet out of a capture file, to be sent again. */
#ifndef IO_PACKET_FILE_H
#define IO_PACKET_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
    PACKET_FILE_ROOM = 65535
};

/* Reads packet NUMBER (from 1, as every dissector counts) of the pcap or pcapng file PATH ("-" =
 * standard input), of a link type that capture.h reads. Returns the size of the IPv4 packet in BUF;
 * or 0 and ERROR filled: EX_NOINPUT for a file that cannot be read or is empty, EX_DATAERR for one
 * that is no capture, is damaged, has no such packet, or has another than IPv4 there. */
size_t packet_file_read(const char *path, unsigned long number,
                        uint8_t buf[static PACKET_FILE_ROOM], struct error *error);

#endif
