/* A Teredo packet as text, as all commands that show one write it. */
#ifndef REPORT_PACKET_H
#define REPORT_PACKET_H

#include "captured_packet.h"
#include "text_buffer.h"

enum packet_parts {
    PACKET_LINE =
        1, /* WHEN FROM > TO: KIND SOURCE > DESTINATION, …, SIZE bytes; PROBLEM at byte N */
    PACKET_TREE = 2 /* a line a field, behind two blanks */
};

void packet_put(struct text_buffer *b, const struct captured_packet *s, enum packet_parts parts);

/* The flags of a Teredo address, "0x2c5a, random 0x2c5a", put at P; returns what follows. */
char *put_teredo_flags(char *p, uint16_t flags);

#endif
