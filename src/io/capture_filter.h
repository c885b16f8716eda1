/* A filter of pcap-filter(7), compiled for each link type that captures have. */
#ifndef IO_CAPTURE_FILTER_H
#define IO_CAPTURE_FILTER_H

#include <pcap/pcap.h>
#include <stdbool.h>

#include "error.h"
#include "frame_file.h"

struct capture_filter;

/* libpcap's number (DLT_) of the link type that files call NUMBER: its own for all but those that
 * it had numbered before there was one numbering for all systems. */
int capture_datalink_of(unsigned number);

/* EXPRESSION is borrowed. NULL if memory is out. */
struct capture_filter *capture_filter_new(const char *expression);

/* Compiles it for every link type that is known here. A filter may have names of hosts, ports and
 * protocols in it, which libpcap looks up: later, when a file has told its link type, the process
 * may ask nobody any more. What cannot be compiled is no error yet. */
void capture_filter_prepare(struct capture_filter *f);

/* Its place in *OUT, for files of LINK (DLT_). 0; or -1, ERROR filled: 64 if the filter is wrong.
 */
int capture_filter_find(struct capture_filter *f, int link, size_t *out, struct error *error);

/* Whether it lets FRAME pass, of a link type that libpcap has numbered so. */
bool capture_filter_passes(const struct capture_filter *f, size_t place, enum link_type link,
                           const struct file_frame *frame);

/* Compiles it for the open interface PCAP, and sets it there. -1 and ERROR filled on failure. */
int capture_filter_set(const struct capture_filter *f, pcap_t *pcap, const char *name,
                       struct error *error);

/* Takes NULL too. */
void capture_filter_free(struct capture_filter *f);

#endif
