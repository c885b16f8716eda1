/* Capture files of every vantage point of the lab: each host's interface, and the outer side of
 * each NAT or firewall. In one file, or in a file for each. Ethernet, nanosecond times; the
 * addresses are 02:54:45:52:HH:EE, HH the host (1 a, 2 b, 3 s1, 4 s2), EE the end: 1 the host, 2
 * the other end of its cable, 3 the NAT's outer side, 4 the core's side of that. */
#ifndef LAB_PACKET_EVENT_PCAP_H
#define LAB_PACKET_EVENT_PCAP_H

#include <stdbool.h>

#include "error.h"
#include "packet_event.h"

struct packet_event_pcap;

/* Creates PATH; or, with ONE_EACH, six files with "-a", "-nat-a", "-b", "-nat-b", "-s1", "-s2"
 * before the last dot of PATH's name, or at its end. NULL and ERROR (EX_CANTCREAT) on failure. */
struct packet_event_pcap *packet_event_pcap_open(const char *path, bool one_each,
                                                 struct error *error);

/* Writes the packet if the event is one past a vantage point. An observer's job. */
void packet_event_pcap_add(struct packet_event_pcap *p, const struct packet_event *packet_event);

/* Closes the files. Returns 0, or -1 and ERROR (EX_IOERR) if anything was not written. */
int packet_event_pcap_close(struct packet_event_pcap *p, struct error *error);

#endif
