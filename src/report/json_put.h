/* Pieces of JSON written by hand, for results by the million; see output.h. A key is preceded by a
 * comma. */
#ifndef REPORT_JSON_PUT_H
#define REPORT_JSON_PUT_H

#include "endpoint.h"
#include "output.h"
#include "teredo_addr.h"

/* A JSON string of any bytes, at most 6 for each and 2; those that are not ASCII become U+FFFD. */
char *json_put_string(char *p, const char *text, size_t size);

static inline char *json_put_key(char *p, const char *key)
{
    *p++ = ',';
    *p++ = '"';
    p = put_string(p, key);
    *p++ = '"';
    *p++ = ':';
    return p;
}

/* A key whose value is a string that needs no escapes. */
static inline char *json_put_pair(char *p, const char *key, const char *value)
{
    p = json_put_key(p, key);
    *p++ = '"';
    p = put_string(p, value);
    *p++ = '"';
    return p;
}

static inline char *json_put_null(char *p, const char *key)
{
    return put_string(json_put_key(p, key), "null");
}

static inline char *json_put_number(char *p, const char *key, unsigned long value)
{
    return put_decimal(json_put_key(p, key), value);
}

static inline char *json_put_flag(char *p, const char *key, bool set)
{
    return put_string(json_put_key(p, key), set ? "true" : "false");
}

char *json_put_ip4(char *p, const char *key, uint32_t address);

/* {"address":…,"port":…} */
char *json_put_endpoint(char *p, const char *key, struct endpoint e);

/* "flags":{"value":"0x…","cone":…,…}: those of a Teredo address. */
char *json_put_teredo_flags(char *p, uint16_t flags);

/* The SIZE bytes as hexadecimal digits in quotes. */
char *json_put_hex(char *p, const char *key, const uint8_t *data, size_t size);

/* Prints the object in the SIZE bytes of TEXT, and a line end, laid out for people by jansson. TEXT
 * may be what output_reserve gave. */
void json_put_laid_out(struct output *out, const char *text, size_t size);

#endif
