/* Captures written from what a run sent and received, with nanosecond times. */
#ifndef IO_PCAP_WRITER_H
#define IO_PCAP_WRITER_H

#include <stddef.h>

#include "endpoint.h"
#include "error.h"
#include "nsec.h"
#include "udp.h"

struct pcap_writer;

enum pcap_writer_link {
    PCAP_WRITER_RAW, /* IPv4 packets */
    PCAP_WRITER_ETHERNET,
};

/* Creates PATH ("-" = standard output), or writes to the device, fifo or link's target that it is;
 * see output_file.h. NULL, and ERROR filled (73 cannot create), on failure. */
struct pcap_writer *pcap_writer_open(const char *path, enum pcap_writer_link link,
                                     struct error *error);

/* Adds one UDP datagram, its IPv4 and UDP headers made anew. TTL 0 = 64. */
void pcap_writer_add(struct pcap_writer *w, nsec when, const struct udp_message *message,
                     uint8_t ttl);

/* Adds a whole packet or frame, as it is. */
void pcap_writer_add_packet(struct pcap_writer *w, nsec when, const uint8_t *packet, size_t size);

/* Flushes and closes; -1 and ERROR filled (74) if anything could not be written. */
int pcap_writer_close(struct pcap_writer *w, struct error *error);

#endif
