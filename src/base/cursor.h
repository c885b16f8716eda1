/* The one place where bytes from the network are read and written: every access is checked. Both
 * cursors are sticky: after the first access that does not fit, `failed` is set, reads give zeros
 * and writes do nothing, so that a decoder may check once at the end of a header. All integers
 * are in network byte order. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const uint8_t *data; /* borrowed */
    size_t size;
    size_t offset; /* of the next byte; stays put at the first access that failed */
    bool failed;
};

struct writer {
    uint8_t *data; /* borrowed */
    size_t capacity;
    size_t size; /* bytes written so far */
    bool failed;
};

static inline struct reader reader_of(const void *data, size_t size)
{
    return (struct reader){.data = data, .size = size};
}

static inline size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : r->size - r->offset;
}

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);

/* Copies SIZE bytes to OUT; on failure OUT is zeroed. */
void reader_copy(struct reader *r, void *out, size_t size);

/* Returns a pointer to the next SIZE bytes, borrowed from the reader's data, and passes over them;
 * NULL on failure. */
const uint8_t *reader_take(struct reader *r, size_t size);

static inline struct writer writer_of(void *data, size_t capacity)
{
    return (struct writer){.data = data, .capacity = capacity};
}

void writer_u8(struct writer *w, uint8_t value);
void writer_u16(struct writer *w, uint16_t value);
void writer_u32(struct writer *w, uint32_t value);
void writer_bytes(struct writer *w, const void *data, size_t size);
void writer_zeros(struct writer *w, size_t size);

/* Overwrites two bytes already written at OFFSET (a length or checksum known only later). */
void writer_patch_u16(struct writer *w, size_t offset, uint16_t value);

#endif
