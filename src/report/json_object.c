#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

enum {
    /* The most that the value of a field of fixed size takes, with its key, commas and blanks. */
    SLACK = 256,
    ESCAPED = 6, /* the most that a byte of a string takes */
};

/* What all parts of an object share while it is put. */
struct put {
    struct text_buffer *buffer;
    const struct run_facts *run;
    const char *limit; /* beyond it less than SLACK is left */
    bool indented;
};

/* Makes room for SIZE bytes at P, and SLACK behind them; P may move. */
static char *make_room(struct put *j, char *p, size_t size)
{
    struct text_buffer *b = j->buffer;

    b->size = (size_t)(p - b->data);
    p = text_buffer_reserve(b, size + SLACK);
    j->limit = b->data + b->room - SLACK;
    return p;
}

static inline char *need(struct put *j, char *p, size_t size)
{
    return p > j->limit || size > (size_t)(j->limit - p) ? make_room(j, p, size) : p;
}

static char *put_line(char *p, unsigned depth)
{
    *p++ = '\n';
    memset(p, ' ', 2 * (size_t)depth);
    return p + 2 * (size_t)depth;
}

static char *put_escape(char *p, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char shorts[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                  ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};

    *p++ = '\\';
    if (c < sizeof shorts && shorts[c] != '\0') {
        *p++ = shorts[c];
        return p;
    }
    p = put_string(p, "u00");
    *p++ = digits[c >> 4];
    *p++ = digits[c & 0xf];
    return p;
}

/* A string in which REPLACEMENT stands for each byte that is not ASCII; NULL = as it is. */
static char *put_text(char *p, const char *text, size_t size, const char *replacement)
{
    *p++ = '"';
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < ' ' || c == '"' || c == '\\')
            p = put_escape(p, c);
        else if (c >= 0x80 && replacement != NULL)
            p = put_string(p, replacement);
        else
            *p++ = (char)c;
    }
    *p++ = '"';
    return p;
}

/* As short as twelve digits make it, and never without a point or an exponent. */
static char *put_real(char *p, double value)
{
    char text[32], *e;

    snprintf(text, sizeof text, "%.12g", value);
    e = strchr(text, 'e');
    if (e == NULL && strchr(text, '.') == NULL)
        strcat(text, ".0");
    if (e != NULL) {
        char *from = e + 1 + (e[1] == '+' || e[1] == '-');
        char *to = e[1] == '-' ? e + 2 : e + 1;

        while (*from == '0')
            from++;
        memmove(to, from, strlen(from) + 1);
    }
    return put_string(p, text);
}

static char *put_quoted(char *p, const char *text)
{
    *p++ = '"';
    p = put_string(p, text);
    *p++ = '"';
    return p;
}

static char *put_object(struct put *j, char *p, const struct record_type *type, const void *record,
                        unsigned depth);

static char *put_list(struct put *j, char *p, const struct field *f, const void *record,
                      unsigned depth)
{
    size_t count = f->count(record);
    union field_room room;

    *p++ = '[';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *p++ = ',';
        if (j->indented)
            p = put_line(p, depth + 1);
        p = put_object(j, p, f->record, f->item(record, i, &room), depth + 1);
    }
    if (j->indented && count > 0)
        p = put_line(p, depth);
    *p++ = ']';
    return p;
}

/* A text of ours. */
static char *put_own_text(struct put *j, char *p, const char *text)
{
    size_t size = strlen(text);

    return put_text(need(j, p, ESCAPED * size), text, size, NULL);
}

/* One from outside, which may be no UTF-8. */
static char *put_foreign_text(struct put *j, char *p, const char *text)
{
    size_t size = strlen(text);

    return put_text(need(j, p, ESCAPED * size), text, size,
                    utf8_is_valid(text, size) ? NULL : UTF8_REPLACEMENT);
}

static char *put_value(struct put *j, char *p, const struct field *f, const void *value,
                       unsigned depth)
{
    const char *text;

    switch (f->type) {
    case FIELD_BOOL:
        return put_string(p, *(const bool *)value ? "true" : "false");
    case FIELD_FINDING: {
        enum finding finding = *(const enum finding *)value;

        return put_string(p, finding == FINDING_YES  ? "true"
                             : finding == FINDING_NO ? "false"
                                                     : "null");
    }
    case FIELD_COUNT:
        return put_decimal(p, field_number(f, value));
    case FIELD_INTEGER: {
        int number = *(const int *)value;

        if (number < 0)
            *p++ = '-';
        return put_decimal(p, (uint64_t)llabs(number));
    }
    case FIELD_REAL:
        return put_real(p, *(const double *)value);
    case FIELD_DURATION:
    case FIELD_OFFSET:
        return put_real(p, nsec_seconds(*(const nsec *)value));
    case FIELD_TIME:
        *p++ = '"';
        p = put_time(&j->buffer->stamp, p, *(const nsec *)value);
        *p++ = '"';
        return p;
    case FIELD_IP4:
        *p++ = '"';
        p = put_ip4(p, *(const uint32_t *)value);
        *p++ = '"';
        return p;
    case FIELD_IP6:
        *p++ = '"';
        p = put_ip6(p, value);
        *p++ = '"';
        return p;
    case FIELD_PREFIX:
        *p++ = '"';
        p = put_prefix(p, value);
        *p++ = '"';
        return p;
    case FIELD_HEX16:
        *p++ = '"';
        p = put_hex16(p, *(const uint16_t *)value);
        *p++ = '"';
        return p;
    case FIELD_BYTES: {
        const struct bytes *bytes = value;

        p = need(j, p, 2 * bytes->size + 2);
        *p++ = '"';
        p = put_hex(p, bytes->data, bytes->size);
        *p++ = '"';
        return p;
    }
    case FIELD_ENDPOINT: {
        const struct endpoint *e = value;

        p = put_string(p, "{");
        if (j->indented)
            p = put_line(p, depth + 1);
        p = put_ip4(put_string(p, j->indented ? "\"address\": \"" : "\"address\":\""), e->address);
        p = put_string(p, "\",");
        if (j->indented)
            p = put_line(p, depth + 1);
        p = put_decimal(put_string(p, j->indented ? "\"port\": " : "\"port\":"), e->port);
        if (j->indented)
            p = put_line(p, depth);
        *p++ = '}';
        return p;
    }
    case FIELD_CODE:
    case FIELD_RFC:
        text = field_word(f, value);
        return text == NULL ? put_string(p, "null") : put_quoted(p, text);
    case FIELD_SENTENCE:
    case FIELD_ADVICE:
        return put_own_text(j, p, field_word(f, value));
    case FIELD_TEXT:
        return put_foreign_text(j, p, *(const char *const *)value);
    case FIELD_CHARS:
        return put_own_text(j, p, value);
    case FIELD_PIECE: {
        const struct text_piece *piece = value;

        p = need(j, p, ESCAPED * piece->size);
        return put_text(p, piece->text, piece->size, "\\ufffd");
    }
    case FIELD_ERRNO:
        return put_own_text(j, p, strerror(*(const int *)value));
    case FIELD_CAPTURE: {
        uint64_t vantage = field_number(f, value);

        if (vantage >= j->run->capture_count)
            return put_string(p, "null");
        return put_foreign_text(j, p, j->run->captures[vantage]);
    }
    case FIELD_RECORD:
        return put_object(j, p, f->record, value, depth);
    case FIELD_LIST:
    case FIELD_KEYS:
        break;
    }
    return p;
}

/* A comma, then "key": */
static inline char *put_key(const struct put *j, char *p, const struct field *f, unsigned depth)
{
    if (!j->indented) {
        memcpy(p, f->lead, sizeof f->lead);
        return p + f->lead_size;
    }
    *p = ',';
    p = put_line(p + 1, depth + 1);
    p = put_bytes(p, f->lead + 1, f->lead_size - 1u);
    *p++ = ' ';
    return p;
}

/* Each key with a comma before it, the first one too. */
static char *put_keys(struct put *j, char *p, const struct record_type *type, const void *record,
                      unsigned depth)
{
    const struct field *end = type->fields + type->count;
    union field_room room;

    for (const struct field *f = type->fields; f < end; f++) {
        const void *value = f->type == FIELD_LIST ? record : field_value(f, record, j->run, &room);

        if (f->type == FIELD_KEYS) {
            p = put_keys(j, p, f->record, value, depth);
            continue;
        }
        if (value == NULL && (f->flags & FIELD_OPTIONAL) != 0)
            continue;
        p = put_key(j, need(j, p, 0), f, depth);
        if (f->type == FIELD_LIST)
            p = put_list(j, p, f, record, depth + 1);
        else if (value == NULL)
            p = put_string(p, "null");
        else
            p = put_value(j, p, f, value, depth + 1);
    }
    return p;
}

/* The comma before the first key becomes the brace. */
static char *put_object(struct put *j, char *p, const struct record_type *type, const void *record,
                        unsigned depth)
{
    size_t start = (size_t)(p - j->buffer->data);

    p = put_keys(j, p, type, record, depth);
    j->buffer->data[start] = '{';
    p = need(j, p, 0);
    if (j->indented)
        p = put_line(p, depth);
    *p++ = '}';
    return p;
}

struct json_object json_begin(struct text_buffer *b, const struct run_facts *run,
                              enum json_layout layout, unsigned depth)
{
    return (struct json_object){b, run, layout, depth, b->size};
}

static char *start_putting(const struct json_object *o, struct put *j)
{
    struct text_buffer *b = o->buffer;

    *j = (struct put){.buffer = b, .run = o->run, .indented = o->layout == JSON_INDENTED};
    return make_room(j, b->data + b->size, 0);
}

void json_put_record(struct json_object *o, const struct record_type *type, const void *record)
{
    struct put j;
    char *p = put_keys(&j, start_putting(o, &j), type, record, o->depth);

    o->buffer->size = (size_t)(p - o->buffer->data);
}

void json_put_raw(struct json_object *o, const char *key, const char *text, size_t size)
{
    struct put j;
    char *p = need(&j, start_putting(o, &j), strlen(key) + size);

    *p = ',';
    p = o->layout == JSON_INDENTED ? put_line(p + 1, o->depth + 1) : p + 1;
    p = put_string(put_quoted(p, key), o->layout == JSON_INDENTED ? ": " : ":");
    p = put_bytes(p, text, size);
    o->buffer->size = (size_t)(p - o->buffer->data);
}

void json_end(struct json_object *o)
{
    struct put j;
    char *p = start_putting(o, &j);

    o->buffer->data[o->start] = '{';
    if (o->layout == JSON_INDENTED)
        p = put_line(p, o->depth);
    *p++ = '}';
    o->buffer->size = (size_t)(p - o->buffer->data);
}
