/* Results by the million: text is put together in one large block and handed to stdio when that is
 * full, without a format string or a lock on the way. */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "endpoint.h"
#include "error.h"

enum {
    /* The most that one output_reserve asks for: the JSON of a packet of 65,535 bytes, and of the
     * longest name of its file. Only of what was really put 48 KiB are gathered. */
    OUTPUT_PIECE = 163840,
    OUTPUT_ROOM = OUTPUT_PIECE + 49152
};

struct output {
    FILE *file; /* borrowed */
    int errnum; /* of the first write that failed; 0 = none yet */
    size_t size;
    char data[OUTPUT_ROOM];
};

void output_init(struct output *o, FILE *file);

/* Hands all that was put to stdio, and flushes that. Errors show in output_close. */
void output_flush(struct output *o);

/* Flushes, and checks that all was written: 0, or -1 with ERROR filled (EX_IOERR). */
int output_close(struct output *o, struct error *error);

/* Makes room for OUTPUT_PIECE bytes and returns where they go; output_advance tells where they
 * ended. */
char *output_reserve(struct output *o);

static inline void output_advance(struct output *o, const char *end)
{
    o->size = (size_t)(end - o->data);
}

void output_text(struct output *o, const char *text);

/* The same for a text that may be longer than OUTPUT_PIECE. */
void output_long_text(struct output *o, const char *text);

/* The same for a FILE that was written to without a struct output. */
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

char *put_decimal(char *p, unsigned long value);
/* "0x" and four digits. */
char *put_hex16(char *p, uint16_t value);
/* Two digits a byte. */
char *put_hex(char *p, const uint8_t *data, size_t size);
char *put_ip4(char *p, uint32_t address);
/* "address:port" */
char *put_endpoint(char *p, struct endpoint e);

#endif
