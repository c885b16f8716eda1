#include "cursor.h"

#include <string.h>

const uint8_t *reader_take(struct reader *r, size_t size)
{
    const uint8_t *p;

    if (r->failed || size > r->size - r->offset) {
        r->failed = true;
        return NULL;
    }
    p = r->data + r->offset;
    r->offset += size;
    return p;
}

uint8_t reader_u8(struct reader *r)
{
    const uint8_t *p = reader_take(r, 1);

    return p == NULL ? 0 : p[0];
}

uint16_t reader_u16(struct reader *r)
{
    const uint8_t *p = reader_take(r, 2);

    return p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t reader_u32(struct reader *r)
{
    const uint8_t *p = reader_take(r, 4);

    return p == NULL ? 0 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void reader_copy(struct reader *r, void *out, size_t size)
{
    const uint8_t *p = reader_take(r, size);

    if (size == 0)
        return;
    if (p == NULL)
        memset(out, 0, size);
    else
        memcpy(out, p, size);
}

static uint8_t *writer_reserve(struct writer *w, size_t size)
{
    uint8_t *p;

    if (w->failed || size > w->capacity - w->size) {
        w->failed = true;
        return NULL;
    }
    p = w->data + w->size;
    w->size += size;
    return p;
}

void writer_u8(struct writer *w, uint8_t value)
{
    writer_bytes(w, &value, 1);
}

void writer_u16(struct writer *w, uint16_t value)
{
    uint8_t b[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    writer_bytes(w, b, sizeof b);
}

void writer_u32(struct writer *w, uint32_t value)
{
    uint8_t b[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                    (uint8_t)value};

    writer_bytes(w, b, sizeof b);
}

void writer_bytes(struct writer *w, const void *data, size_t size)
{
    uint8_t *p = writer_reserve(w, size);

    if (p != NULL && size > 0)
        memcpy(p, data, size);
}

void writer_zeros(struct writer *w, size_t size)
{
    uint8_t *p = writer_reserve(w, size);

    if (p != NULL && size > 0)
        memset(p, 0, size);
}

void writer_patch_u16(struct writer *w, size_t offset, uint16_t value)
{
    if (w->failed || offset > w->size || w->size - offset < 2) {
        w->failed = true;
        return;
    }
    w->data[offset] = (uint8_t)(value >> 8);
    w->data[offset + 1] = (uint8_t)value;
}
