/* Results on their way to a file: text is put together in one block and handed to stdio when that
 * is full, without a format string or a lock on the way. */
#ifndef REPORT_TEXT_BUFFER_H
#define REPORT_TEXT_BUFFER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "endpoint.h"
#include "error.h"
#include "icmp6.h"
#include "ip6_text.h"
#include "nsec.h"

/* The second of the last time that was put, in text: only where it changes is it made anew. */
struct stamp {
    nsec second; /* a zeroed struct stands for none */
    char text[30];
};

enum {
    TEXT_SLACK = 256 /* the most that a piece of fixed size takes, with what stands around it */
};

struct text_buffer {
    FILE *file; /* borrowed; NULL = all is kept */
    int errnum; /* of the first write that failed; 0 = none yet */
    char *data;
    size_t size;
    size_t room;
    const char *limit; /* beyond it less than TEXT_SLACK is left */
    struct stamp stamp;
};

void text_buffer_init(struct text_buffer *b, FILE *file);

/* Hands all that was put to stdio, and flushes that. Errors show in text_buffer_close. */
void text_buffer_flush(struct text_buffer *b);

/* Flushes, checks that all was written, and frees: 0, or -1 with ERROR filled (EX_IOERR). */
int text_buffer_close(struct text_buffer *b, struct error *error);

/* Ends the program where there is no memory for what it wants to say. */
_Noreturn void text_buffer_out_of_memory(void);

/* Makes room for SIZE bytes behind those that were put, and returns where they go: only ever
 * larger, so that what lies before them stays. text_buffer_advance tells where they ended. */
char *text_buffer_reserve(struct text_buffer *b, size_t size);

/* Room for SIZE bytes behind P, up to where the buffer is filled, and TEXT_SLACK behind them;
 * returns where P has moved. */
char *text_buffer_more(struct text_buffer *b, char *p, size_t size);

static inline char *text_buffer_need(struct text_buffer *b, char *p, size_t size)
{
    return p > b->limit || size > (size_t)(b->limit - p) ? text_buffer_more(b, p, size) : p;
}

/* A piece of the results ends at END: the block is handed to stdio if it is full. */
void text_buffer_advance(struct text_buffer *b, const char *end);

void text_buffer_put(struct text_buffer *b, const char *text);

/* Flushes FILE, and checks that all that went there without a struct text_buffer was written. */
int output_finish(FILE *file, struct error *error);

/* Pieces that are put at P, which has the room; each returns what follows. */
static inline char *put_bytes(char *p, const char *text, size_t size)
{
    memcpy(p, text, size);
    return p + size;
}

static inline char *put_string(char *p, const char *text)
{
    return put_bytes(p, text, strlen(text));
}

/* Puts TEXT if all of it is printable ASCII without " and \; false if not, whatever was put. */
bool put_plain(char *p, const char *text, size_t size);

char *put_decimal(char *p, uint64_t value);
/* "0x" and four digits. */
char *put_hex16(char *p, uint16_t value);
/* Two digits a byte. */
char *put_hex(char *p, const uint8_t *data, size_t size);
char *put_ip4(char *p, uint32_t address);
/* "address:port" */
char *put_endpoint(char *p, struct endpoint e);

static inline char *put_ip6(char *p, const struct in6_addr *address)
{
    return p + ip6_format(address, p);
}

/* "2001:0:c000:201::/64" */
char *put_prefix(char *p, const struct icmp6_prefix *prefix);

/* A time of the timeline, not before 1970, in RFC 3339: UTC, with nanoseconds. */
char *put_time(struct stamp *s, char *p, nsec when);

#endif
