/* The values that options of `teredoctl bubble` take. Each wrong one is a usage error, which ends
 * the program with 64. */
#ifndef CMD_BUBBLE_VALUES_H
#define CMD_BUBBLE_VALUES_H

#include <argp.h>

#include "teredo.h"
#include "udp.h"

/* Where parsed bytes are kept: as much as a packet can hold. */
struct byte_room {
    size_t size;
    uint8_t data[65536];
};

/* A number from LOW to HIGH, decimal, or hexadecimal after 0x. */
unsigned long value_number(struct argp_state *state, const char *name, const char *text,
                           unsigned long low, unsigned long high);

/* Hexadecimal digits, in pairs that blanks or colons may part; at most MAX bytes, kept in ROOM. */
const uint8_t *value_hex(struct argp_state *state, const char *name, const char *text,
                         struct byte_room *room, size_t max, size_t *size);

/* Exactly SIZE bytes in hexadecimal. */
void value_bytes(struct argp_state *state, const char *name, const char *text, uint8_t *out,
                 size_t size);

/* Text as it is, or bytes in hexadecimal after 0x; at most MAX bytes. */
const uint8_t *value_text_or_hex(struct argp_state *state, const char *name, const char *text,
                                 struct byte_room *room, size_t max, size_t *size);

struct in6_addr value_ip6(struct argp_state *state, const char *name, const char *text);

/* "right", "zero", "wrong". */
int value_checksum(struct argp_state *state, const char *text);

/* The values of trailers: TYPE:HEX; up to four IP:PORT parted by commas; a discovery type
 * ("solicitation", "advertisement" or a number; NULL = solicitation); a port; a nonce. */
struct teredo_trailer value_trailer(struct argp_state *state, const char *text,
                                    struct byte_room *room);
struct teredo_trailer value_alternates(struct argp_state *state, const char *text,
                                       struct byte_room *room);
struct teredo_trailer value_nd_option(struct argp_state *state, const char *text,
                                      struct byte_room *room);
struct teredo_trailer value_random_port(struct argp_state *state, const char *text,
                                        struct byte_room *room);
struct teredo_trailer value_nonce_trailer(struct argp_state *state, const char *text,
                                          struct byte_room *room);

#endif
