#include <stdlib.h>
#include <string.h>

#include "foreign.h"
#include "json.h"
#include "utf8.h"

enum {
    ESCAPED = 6, /* the most that a byte of a string takes */
};

static char *put_line(char *p, unsigned depth)
{
    *p++ = '\n';
    memset(p, ' ', 2 * (size_t)depth);
    return p + 2 * (size_t)depth;
}

static inline char *quote(char *p)
{
    *p = '"';
    return p + 1;
}

static char *put_escape(char *p, unsigned long c)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char shorts[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                  ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};

    *p++ = '\\';
    if (c < sizeof shorts && shorts[c] != '\0') {
        *p++ = shorts[c];
        return p;
    }
    *p++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *p++ = digits[c >> shift & 0xf];
    return p;
}

/* A text from outside, in which REPLACEMENT stands for each byte that is not ASCII; NULL = as it
 * is.
 */
static char *put_escaped(char *p, const char *text, size_t size, const char *replacement)
{
    for (size_t i = 0, length; i < size; i += length) {
        unsigned char c = (unsigned char)text[i];
        bool shown;

        length = foreign_length(text + i, size - i, &shown);
        if (c == '"' || c == '\\' || (c < 0x80 && !shown)) {
            p = put_escape(p, c);
        } else if (c >= 0x80 && replacement != NULL) {
            p = put_string(p, replacement);
            length = 1;
        } else if (!shown) {
            p = put_escape(p, utf8_value(text + i, length));
        } else {
            p = put_bytes(p, text + i, length);
        }
    }
    return p;
}

static char *put_parts(struct json_put *j, char *p, const struct text_parts *t)
{
    p = quote(text_buffer_need(j->buffer, p, 0));
    for (unsigned i = 0; i < sizeof t->parts / sizeof *t->parts; i++) {
        size_t size = strlen(t->parts[i]);

        p = put_bytes(text_buffer_need(j->buffer, p, size), t->parts[i], size);
    }
    return quote(p);
}

static char *put_piece(struct json_put *j, char *p, const struct text_piece *t)
{
    p = quote(text_buffer_need(j->buffer, p, ESCAPED * t->size));
    return quote(put_plain(p, t->text, t->size) ? p + t->size
                                                : put_escaped(p, t->text, t->size, "\\ufffd"));
}

/* All but ASCII is replaced where it is no UTF-8. */
static char *put_foreign(struct json_put *j, char *p, const char *text)
{
    size_t size = strlen(text);

    p = quote(text_buffer_need(j->buffer, p, ESCAPED * size));
    if (put_plain(p, text, size))
        return quote(p + size);
    return quote(put_escaped(p, text, size, utf8_is_valid(text, size) ? NULL : UTF8_REPLACEMENT));
}

/* A text of ours, which needs no escapes. */
static char *put_own(struct json_put *j, char *p, const char *text)
{
    size_t size = strlen(text);

    return quote(put_bytes(quote(text_buffer_need(j->buffer, p, size)), text, size));
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

static char *put_json_endpoint(const struct json_put *j, char *p, const struct endpoint *e,
                               unsigned depth)
{
    if (!j->indented) {
        p = put_ip4(put_string(p, "{\"address\":\""), e->address);
        p = put_decimal(put_string(p, "\",\"port\":"), e->port);
    } else {
        *p++ = '{';
        p = put_ip4(put_string(put_line(p, depth + 1), "\"address\": \""), e->address);
        p = put_line(put_string(p, "\","), depth + 1);
        p = put_line(put_decimal(put_string(p, "\"port\": "), e->port), depth);
    }
    *p++ = '}';
    return p;
}

static char *put_object(struct json_put *j, char *p, const struct record_type *type,
                        const void *record, unsigned depth);

static char *put_list(struct json_put *j, char *p, const struct field *f, const void *record,
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

static char *put_word_set(struct json_put *j, char *p, const struct words *words, uint64_t set,
                          unsigned depth)
{
    *p++ = '[';
    for (uint64_t left = set; left != 0; left &= left - 1) {
        if (left != set)
            *p++ = ',';
        if (j->indented)
            p = put_line(p, depth + 1);
        p = put_own(j, p, code_of(words, (unsigned)__builtin_ctzll(left)));
    }
    if (j->indented && set != 0)
        p = put_line(p, depth);
    *p++ = ']';
    return p;
}

static char *put_finding(char *p, enum finding finding)
{
    return put_string(p, finding == FINDING_YES  ? "true"
                         : finding == FINDING_NO ? "false"
                                                 : "null");
}

static char *put_integer(char *p, int number)
{
    if (number < 0)
        *p++ = '-';
    return put_decimal(p, (uint64_t)llabs(number));
}

static inline char *put_value(struct json_put *j, char *p, const struct field *f, const void *value,
                              unsigned depth)
{
    const struct bytes *bytes;
    const char *text;

    switch (f->type) {
    case FIELD_BOOL:
        return *(const bool *)value ? put_string(p, "true") : put_string(p, "false");
    case FIELD_FINDING:
        return put_finding(p, *(const enum finding *)value);
    case FIELD_COUNT:
        return put_decimal(p, field_number(f, value));
    case FIELD_INTEGER:
        return put_integer(p, *(const int *)value);
    case FIELD_REAL:
        return put_real(p, *(const double *)value);
    case FIELD_DURATION:
    case FIELD_OFFSET:
        return put_real(p, nsec_seconds(*(const nsec *)value));
    case FIELD_TIME:
        return quote(put_time(&j->buffer->stamp, quote(p), *(const nsec *)value));
    case FIELD_IP4:
        return quote(put_ip4(quote(p), *(const uint32_t *)value));
    case FIELD_IP6:
        return quote(put_ip6(quote(p), value));
    case FIELD_PREFIX:
        return quote(put_prefix(quote(p), value));
    case FIELD_ENDPOINT:
        return put_json_endpoint(j, p, value, depth);
    case FIELD_HEX16:
        return quote(put_hex16(quote(p), *(const uint16_t *)value));
    case FIELD_BYTES:
        bytes = value;
        p = text_buffer_need(j->buffer, p, 2 * bytes->size);
        return quote(put_hex(quote(p), bytes->data, bytes->size));
    case FIELD_TEXT:
        return put_own(j, p, *(const char *const *)value);
    case FIELD_CHARS:
        return put_own(j, p, value);
    case FIELD_FOREIGN:
        return put_foreign(j, p, *(const char *const *)value);
    case FIELD_PIECE:
        return put_piece(j, p, value);
    case FIELD_PARTS:
        return put_parts(j, p, value);
    case FIELD_SHOWN: {
        const struct shown_address *shown = value;

        return shown->ip6 != NULL ? quote(put_ip6(quote(p), shown->ip6))
                                  : put_piece(j, p, &shown->text);
    }
    case FIELD_ERRNO:
        return put_own(j, p, strerror(*(const int *)value));
    case FIELD_CAPTURE:
        text = run_capture(j->run, field_number(f, value));
        return text != NULL ? put_foreign(j, p, text) : put_string(p, "null");
    case FIELD_CODE:
        text = code_of(f->words, (unsigned)field_number(f, value));
        return text != NULL ? quote(stpcpy(quote(p), text)) : put_string(p, "null");
    case FIELD_SENTENCE:
    case FIELD_ADVICE:
    case FIELD_RFC:
        text = field_word(f, value);
        return text != NULL ? put_own(j, p, text) : put_string(p, "null");
    case FIELD_WORD_SET:
        return put_word_set(j, p, f->words, field_number(f, value), depth);
    case FIELD_RECORD:
        return put_object(j, p, f->record, value, depth);
    case FIELD_LIST:
        return put_list(j, p, f, value, depth);
    case FIELD_KEYS:
        break;
    }
    return p;
}

/* A comma, then "key": */
static inline char *put_key(const struct json_put *j, char *p, const struct field *f,
                            unsigned depth)
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
static char *put_keys(struct json_put *j, char *p, const struct record_type *type,
                      const void *record, unsigned depth)
{
    const struct field *end = type->fields + type->count;
    union field_room room;

    for (const struct field *f = type->fields; f < end; f++) {
        const void *value = field_value(f, record, j->run, &room);

        if (value == NULL) {
            if ((f->flags & FIELD_OPTIONAL) == 0)
                p = put_string(put_key(j, text_buffer_need(j->buffer, p, 0), f, depth), "null");
        } else if (f->type == FIELD_KEYS) {
            p = put_keys(j, p, f->record, value, depth);
        } else {
            p = put_value(j, put_key(j, text_buffer_need(j->buffer, p, 0), f, depth), f, value,
                          depth + 1);
        }
    }
    return p;
}

/* The comma before the first key becomes the brace. */
static char *put_object(struct json_put *j, char *p, const struct record_type *type,
                        const void *record, unsigned depth)
{
    size_t start = (size_t)(p - j->buffer->data);

    p = put_keys(j, p, type, record, depth);
    j->buffer->data[start] = '{';
    p = text_buffer_need(j->buffer, p, 0);
    if (j->indented)
        p = put_line(p, depth);
    *p++ = '}';
    return p;
}

void json_begin(struct json_object *o, struct text_buffer *b, const struct run_facts *run,
                enum json_layout layout)
{
    o->put = (struct json_put){.buffer = b, .run = run, .indented = layout == JSON_INDENTED};
    o->depth = 0;
    o->start = b->size;
    o->p = text_buffer_reserve(b, TEXT_SLACK);
}

void json_put_record(struct json_object *o, const struct record_type *type, const void *record)
{
    o->p = put_keys(&o->put, o->p, type, record, o->depth);
}

void json_put_members(struct json_object *o, const char *text, size_t size)
{
    o->p = put_bytes(text_buffer_need(o->put.buffer, o->p, size), text, size);
}

void json_put_raw(struct json_object *o, const char *key, const char *text, size_t size)
{
    struct json_put *j = &o->put;
    char *p = text_buffer_need(j->buffer, o->p, strlen(key) + size);

    *p = ',';
    p = j->indented ? put_line(p + 1, o->depth + 1) : p + 1;
    p = put_own(j, p, key);
    o->p = put_bytes(put_string(p, j->indented ? ": " : ":"), text, size);
}

void json_end(struct json_object *o)
{
    char *p = text_buffer_need(o->put.buffer, o->p, 0);

    o->put.buffer->data[o->start] = '{';
    if (o->put.indented)
        p = put_line(p, o->depth);
    *p++ = '}';
    o->put.buffer->size = (size_t)(p - o->put.buffer->data);
}
