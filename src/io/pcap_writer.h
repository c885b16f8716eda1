/* Captures written from what a run sent and received: raw IPv4, nanosecond times. */
#ifndef IO_PCAP_WRITER_H
#define IO_PCAP_WRITER_H

#include <stddef.h>

#include "endpoint.h"
#include "error.h"
#include "nsec.h"
#include "udp.h"

struct pcap_writer;

/* Creates PATH ("-" = standard output). NULL, and ERROR filled (73 cannot create), on failure. */
struct pcap_writer *pcap_writer_open(const char *path, struct error *error);

/* Adds one UDP datagram, its IPv4 and UDP headers made anew. TTL 0 = 64. */
void pcap_writer_add(struct pcap_writer *w, nsec when, const struct udp_message *message,
                     uint8_t ttl);

/* Adds a whole IPv4 packet, as it is. */
void pcap_writer_add_packet(struct pcap_writer *w, nsec when, const uint8_t *packet, size_t size);

/* Flushes and closes; -1 and ERROR filled (74) if anything could not be written. */
int pcap_writer_close(struct pcap_writer *w, struct error *error);

#endif
