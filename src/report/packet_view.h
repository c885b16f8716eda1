/* A packet with all its fields, as a tree of text or as JSON. */
#ifndef REPORT_PACKET_VIEW_H
#define REPORT_PACKET_VIEW_H

#include <jansson.h>
#include <stdio.h>

#include "craft.h"

/* A UDP payload taken apart; everything borrows from it. */
struct packet_view {
    const uint8_t *payload;
    size_t size;
    struct craft craft;    /* the fields, as far as there are any */
    bool decoded;          /* a receiver can make sense of it: kind is set */
    enum teredo_kind kind; /* as teredo_decode has it */
    struct wire_fault fault;
};

void packet_view_init(struct packet_view *v, const uint8_t *payload, size_t size);

/* "bubble", "rs", …, or "malformed bubble" or "malformed packet". */
const char *packet_view_kind(const struct packet_view *v);

/* "nonce", "alternate_address", …; NULL for a type that RFC 6081 does not have. */
const char *trailer_name(uint8_t type);

/* "right", "zero", "wrong": by the number in struct udp_options. */
extern const char *const udp_checksum_words[3];

/* The fields of the UDP payload, a line each, behind INDENT. */
void packet_text(FILE *out, const char *indent, const struct packet_view *v);

/* The outer headers, as they are written, in one line. */
void packet_text_outer(FILE *out, const char *indent, const struct craft *c);

/* All SIZE bytes, 16 a line, with their offsets. */
void packet_text_hex(FILE *out, const char *indent, const uint8_t *data, size_t size);

/* Adds size, kind, auth, origin, ipv6, payload, trailers, tail, problems and data to O. */
void packet_json(json_t *o, const struct packet_view *v);

/* Adds ttl, tos, ip_id, dont_fragment and udp_checksum to O. */
void packet_json_outer(json_t *o, const struct udp_options *udp);

/* A string of hexadecimal digits. */
json_t *json_hex(const uint8_t *data, size_t size);

#endif
