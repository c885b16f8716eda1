/* Test data: bytes written as hexadecimal, and copies that end where their memory ends, so that
 * ASan sees a read of one byte too many. */
#ifndef TESTS_HEX_H
#define TESTS_HEX_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c | 0x20) - 'a' + 10;
}

/* Reads pairs of digits, spaces between pairs skipped; returns the number of bytes. */
static inline size_t hex_read(const char *text, uint8_t *out)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        if (*text == ' ')
            continue;
        out[n++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
        text++;
    }
    return n;
}

/* The first SIZE bytes of DATA in a block of exactly that size; the caller frees it. */
static inline uint8_t *exact_copy(const void *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

#endif
