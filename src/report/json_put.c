#include "json_put.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

char *json_put_string(char *p, const char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    *p++ = '"';
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\') {
            *p++ = '\\';
            *p++ = (char)c;
        } else if (c < 0x20) {
            p = put_string(p, "\\u00");
            *p++ = digits[c >> 4];
            *p++ = digits[c & 0xf];
        } else if (c >= 0x80) {
            p = put_string(p, "\\ufffd");
        } else {
            *p++ = (char)c;
        }
    }
    *p++ = '"';
    return p;
}

char *json_put_ip4(char *p, const char *key, uint32_t address)
{
    p = json_put_key(p, key);
    *p++ = '"';
    p = put_ip4(p, address);
    *p++ = '"';
    return p;
}

char *json_put_endpoint(char *p, const char *key, struct endpoint e)
{
    p = put_string(json_put_key(p, key), "{\"address\":\"");
    p = put_decimal(put_string(put_ip4(p, e.address), "\",\"port\":"), e.port);
    *p++ = '}';
    return p;
}

char *json_put_teredo_flags(char *p, uint16_t flags)
{
    p = put_hex16(put_string(json_put_key(p, "flags"), "{\"value\":\""), flags);
    *p++ = '"';
    p = json_put_flag(p, "cone", (flags & TEREDO_FLAG_CONE) != 0);
    p = json_put_flag(p, "reserved", (flags & TEREDO_FLAG_RESERVED) != 0);
    p = json_put_flag(p, "universal", (flags & TEREDO_FLAG_UNIVERSAL) != 0);
    p = json_put_flag(p, "group", (flags & TEREDO_FLAG_GROUP) != 0);
    p = put_hex16(put_string(p, ",\"random\":\""), flags & TEREDO_FLAGS_RANDOM);
    return put_string(p, "\"}");
}

char *json_put_hex(char *p, const char *key, const uint8_t *data, size_t size)
{
    p = json_put_key(p, key);
    *p++ = '"';
    p = put_hex(p, data, size);
    *p++ = '"';
    return p;
}

void json_put_laid_out(struct output *out, const char *text, size_t size)
{
    json_t *object = json_loadb(text, size, 0, NULL);
    char *laid_out = json_dumps(object, JSON_INDENT(2));

    if (laid_out == NULL)
        out->errnum = ENOMEM;
    else
        output_long_text(out, laid_out);
    output_text(out, "\n");
    free(laid_out);
    json_decref(object);
}
