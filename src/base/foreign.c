#include "foreign.h"

#include <string.h>

#include "utf8.h"

bool foreign_is_hidden(unsigned long c)
{
    return c < 0xa0 || c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

size_t foreign_length(const char *text, size_t size, bool *shown)
{
    char next[5] = "";
    size_t length;

    if ((unsigned char)*text < 0x80) {
        *shown = *text >= ' ' && *text != 0x7f;
        return 1;
    }
    memcpy(next, text, size < 4 ? size : 4);
    length = utf8_length(next);
    *shown = length > 0 && !foreign_is_hidden(utf8_value(next, length));
    return length > 0 ? length : 1;
}

size_t foreign_clean(char *text, size_t size)
{
    char *out = text;

    for (size_t i = 0; i < size;) {
        bool shown;
        size_t length = foreign_length(text + i, size - i, &shown);

        if (shown)
            memmove(out, text + i, length);
        else
            *out = '?';
        out += shown ? length : 1;
        i += length;
    }
    return (size_t)(out - text);
}

void foreign_clean_text(char *text)
{
    text[foreign_clean(text, strlen(text))] = '\0';
}
