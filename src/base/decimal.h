/* Decimal numbers in text. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* Reads the digits at the start of P; returns what follows them, or NULL if there are none or the
 * number is greater than MAX (which ten times fits 64 bits). */
static inline const char *decimal_parse(const char *p, uint64_t max, uint64_t *out)
{
    const char *start = p;

    for (*out = 0; *p >= '0' && *p <= '9'; p++) {
        *out = *out * 10 + (uint64_t)(*p - '0');
        if (*out > max)
            return NULL;
    }
    return p == start ? NULL : p;
}

#endif
