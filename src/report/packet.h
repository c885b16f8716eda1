/* A Teredo packet as all commands that show one write it: a line, a field tree below it, or the
 * keys of a JSON object. Each puts it at P, in at most PACKET_MAX_TEXT bytes, and returns what
 * follows. */
#ifndef REPORT_PACKET_H
#define REPORT_PACKET_H

#include "captured_packet.h"
#include "output.h"
#include "stamp.h"

enum {
    /* All bytes of the largest datagram as hexadecimal digits, and the rest. */
    PACKET_MAX_TEXT = 2 * 65536 + 16384
};

/* WHEN FROM > TO: KIND SOURCE > DESTINATION, …, SIZE bytes; PROBLEM at byte N */
char *packet_put_line(struct stamp *stamp, char *p, const struct captured_packet *s);

/* A line a field, behind two blanks. */
char *packet_put_tree(char *p, const struct captured_packet *s);

/* "when", "from" and all others that follow from the packet, each with a comma before it. */
char *packet_put_json(struct stamp *stamp, char *p, const struct captured_packet *s);

/* What these share. */
char *packet_put_prefix(char *p, const struct icmp6_prefix *prefix);
char *packet_put_trailer(char *p, const struct teredo_trailer *trailer);
unsigned packet_kept_trailers(const struct teredo_packet *packet);
/* "nonce", "alternate_address", "nd_option", "random_port", or NULL for a type that is unknown. */
const char *packet_trailer_name(uint8_t type);

#endif
