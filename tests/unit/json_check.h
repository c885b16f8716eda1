/* Just enough of JSON (RFC 8259) to check what the reporters print: whether a text is JSON, with no
 * key twice in an object, and what lies at a key. */
#ifndef TESTS_JSON_CHECK_H
#define TESTS_JSON_CHECK_H

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

enum {
    JSON_MAX_KEYS = 64,
    JSON_MAX_DEPTH = 32
};

static inline const char *json_blanks(const char *p)
{
    return p == NULL ? NULL : p + strspn(p, " \n\r\t");
}

/* Each of these returns what follows, or NULL where there is no such thing. */

static inline const char *json_string(const char *p)
{
    if (p == NULL || *p++ != '"')
        return NULL;
    while (*p != '"') {
        size_t length = utf8_length(p);

        if (length == 0 || (unsigned char)*p < ' ')
            return NULL;
        if (*p == '\\' && p[1] == 'u') {
            if (strspn(p + 2, "0123456789abcdefABCDEF") < 4)
                return NULL;
            length = 6;
        } else if (*p == '\\') {
            if (p[1] == '\0' || strchr("\"\\/bfnrt", p[1]) == NULL)
                return NULL;
            length = 2;
        }
        p += length;
    }
    return p + 1;
}

static inline const char *json_number(const char *p)
{
    size_t digits;

    p += *p == '-';
    digits = strspn(p, "0123456789");
    if (digits == 0 || (*p == '0' && digits > 1))
        return NULL;
    p += digits;
    if (*p == '.') {
        digits = strspn(++p, "0123456789");
        if (digits == 0)
            return NULL;
        p += digits;
    }
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '-' || p[1] == '+');
        digits = strspn(p, "0123456789");
        if (digits == 0)
            return NULL;
        p += digits;
    }
    return p;
}

static inline const char *json_value(const char *p, unsigned depth);

/* The members of an object behind its brace, or the items of a list behind its bracket. */
static inline const char *json_members(const char *p, char end, unsigned depth)
{
    const char *keys[JSON_MAX_KEYS];
    size_t sizes[JSON_MAX_KEYS];
    unsigned count = 0;

    p = json_blanks(p);
    if (*p == end)
        return p + 1;
    for (;; p = json_blanks(p + 1)) {
        if (end == '}') {
            const char *after = json_string(p);

            if (after == NULL || count == JSON_MAX_KEYS)
                return NULL;
            keys[count] = p;
            sizes[count] = (size_t)(after - p);
            for (unsigned i = 0; i < count; i++)
                if (sizes[i] == sizes[count] && memcmp(keys[i], p, sizes[i]) == 0)
                    return NULL;
            count++;
            p = json_blanks(after);
            if (*p++ != ':')
                return NULL;
        }
        p = json_blanks(json_value(json_blanks(p), depth));
        if (p == NULL || *p == end)
            return p == NULL ? NULL : p + 1;
        if (*p != ',')
            return NULL;
    }
}

static inline const char *json_value(const char *p, unsigned depth)
{
    static const char *const words[] = {"true", "false", "null"};

    if (depth == JSON_MAX_DEPTH)
        return NULL;
    if (*p == '{' || *p == '[')
        return json_members(p + 1, *p == '{' ? '}' : ']', depth + 1);
    if (*p == '"')
        return json_string(p);
    for (unsigned i = 0; i < 3; i++)
        if (strncmp(p, words[i], strlen(words[i])) == 0)
            return p + strlen(words[i]);
    return json_number(p);
}

/* Whether TEXT is one object, and nothing more. */
static inline bool json_is_object(const char *text)
{
    const char *end = *text == '{' ? json_blanks(json_value(text, 0)) : NULL;

    return end != NULL && *end == '\0';
}

/* The value at KEY, or at KEY of the object at OUTER if that is not NULL, of a valid object, as it
 * stands in TEXT; "(none)" where there is none. Valid until the next call. */
static inline const char *json_at(const char *text, const char *outer, const char *key)
{
    static char value[8192];
    const char *p = json_blanks(text + 1), *end;

    for (; *p == '"'; p = json_blanks(*end == ',' ? end + 1 : end)) {
        const char *name = p + 1, *after = json_string(p);
        const char *wanted = outer != NULL ? outer : key;

        p = json_blanks(json_blanks(after) + 1);
        end = json_value(p, 0);
        if (strlen(wanted) == (size_t)(after - name) - 1 &&
            memcmp(name, wanted, strlen(wanted)) == 0) {
            if (outer != NULL)
                return *p == '{' ? json_at(p, NULL, key) : "(none)";
            snprintf(value, sizeof value, "%.*s", (int)(end - p), p);
            return value;
        }
        end = json_blanks(end);
    }
    return "(none)";
}

#endif
