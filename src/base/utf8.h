/* UTF-8, as far as writers of foreign formats must know it. What may be shown is in foreign.h. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the character at TEXT in bytes, 1 to 4; 0 if these are no character: a stray or
 * overlong byte, a surrogate, a value above U+10FFFF, or the end of the text in the middle. */
static inline size_t utf8_length(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned long value;
    size_t length;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    value = p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3f);
    }
    if ((length == 3 && value < 0x800) || (length == 4 && (value < 0x10000 || value > 0x10ffff)) ||
        (value >= 0xd800 && value <= 0xdfff))
        return 0;
    return length;
}

/* The character of LENGTH bytes at TEXT, as utf8_length has it. */
static inline unsigned long utf8_value(const char *text, size_t length)
{
    unsigned long value = (unsigned char)text[0] & (length == 1 ? 0x7fu : 0x7fu >> length);

    for (size_t i = 1; i < length; i++)
        value = value << 6 | ((unsigned char)text[i] & 0x3f);
    return value;
}

/* U+FFFD, for what is no character. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Whether the SIZE bytes at TEXT, with a NUL behind them, are characters. */
static inline bool utf8_is_valid(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t length = (unsigned char)text[i] < 0x80 ? 1 : utf8_length(text + i);

        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

#endif
