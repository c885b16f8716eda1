#include <stdlib.h>
#include <string.h>

#include "tsv.h"
#include "utf8.h"

enum {
    MAX_DEPTH = 6, /* of keys in a column, with those of records that are taken in */
    MAX_TYPES = 8, /* of records in one table */
    SLACK = 128    /* the most that a value of fixed size takes, and a tab */
};

/* The fields that lead to a column's value; none where the record has no such key. */
struct path {
    const struct field *fields[MAX_DEPTH];
    unsigned depth;
};

/* The columns of one type of record. */
struct row {
    const struct record_type *type;
    struct path *paths;
};

struct tsv_table {
    const char *columns;
    unsigned count;
    struct row rows[MAX_TYPES];
    unsigned row_count;
};

struct tsv_table *tsv_new(const char *columns)
{
    struct tsv_table *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->columns = columns;
    t->count = 1;
    for (const char *c = columns; *c != '\0'; c++)
        t->count += *c == ' ';
    return t;
}

void tsv_free(struct tsv_table *t)
{
    if (t == NULL)
        return;
    for (unsigned i = 0; i < t->row_count; i++)
        free(t->rows[i].paths);
    free(t);
}

void tsv_put_header(struct text_buffer *b, const char *columns)
{
    char *p = text_buffer_reserve(b, strlen(columns) + 1);

    for (; *columns != '\0'; columns++)
        *p++ = *columns == ' ' ? '\t' : *columns;
    *p++ = '\n';
    text_buffer_advance(b, p);
}

/* Appends what leads to the key, or keys joined by points, of SIZE bytes at NAME. */
static bool find(struct path *path, const struct record_type *type, const char *name, size_t size)
{
    const char *point = memchr(name, '.', size);
    size_t key_size = point != NULL ? (size_t)(point - name) : size;

    if (path->depth == MAX_DEPTH)
        return false;
    for (size_t i = 0; i < type->count; i++) {
        const struct field *f = &type->fields[i];

        path->fields[path->depth++] = f;
        if (f->type == FIELD_KEYS) {
            if (find(path, f->record, name, size))
                return true;
        } else if (strlen(f->key) == key_size && memcmp(f->key, name, key_size) == 0 &&
                   (point == NULL || (f->type == FIELD_RECORD &&
                                      find(path, f->record, point + 1, size - key_size - 1)))) {
            return true;
        }
        path->depth--;
    }
    return false;
}

static struct path *row_of(struct tsv_table *t, const struct record_type *type)
{
    struct row *row;
    const char *column = t->columns;

    for (unsigned i = 0; i < t->row_count; i++)
        if (t->rows[i].type == type)
            return t->rows[i].paths;
    row = &t->rows[t->row_count];
    if (t->row_count == MAX_TYPES || (row->paths = calloc(t->count, sizeof *row->paths)) == NULL)
        abort();
    t->row_count++;
    row->type = type;
    for (unsigned i = 0; i < t->count; i++) {
        size_t size = strcspn(column, " ");

        /* What a record tells of its run is in front of what it tells itself. */
        if (!find(&row->paths[i], &run_record, column, size))
            find(&row->paths[i], type, column, size);
        column += size + 1;
    }
    return row->paths;
}

/* What is put, and where. */
struct put {
    struct text_buffer *buffer;
    const struct run_facts *run;
    const char *limit; /* beyond it less than SLACK is left */
};

static char *need(struct put *t, char *p, size_t size)
{
    struct text_buffer *b = t->buffer;

    if (p <= t->limit && size <= (size_t)(t->limit - p))
        return p;
    b->size = (size_t)(p - b->data);
    p = text_buffer_reserve(b, size + SLACK);
    t->limit = b->data + b->room - SLACK;
    return p;
}

/* Control characters become '?'; nothing is a dash. */
static char *put_text(struct put *t, char *p, const char *text, size_t size)
{
    p = need(t, p, size);
    for (size_t i = 0; i < size; i++)
        *p++ = (char)((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i]);
    if (size == 0)
        *p++ = '-';
    return p;
}

static char *put_word(struct put *t, char *p, const char *text)
{
    return put_text(t, p, text, text == NULL ? 0 : strlen(text));
}

/* A text from outside, which may be no UTF-8. */
static char *put_foreign_text(struct put *t, char *p, const char *text)
{
    if (text == NULL || utf8_is_valid(text, strlen(text)))
        return put_word(t, p, text);
    for (; *text != '\0'; text++)
        p = (unsigned char)*text < 0x80
                ? put_text(t, p, text, 1)
                : put_string(need(t, p, sizeof UTF8_REPLACEMENT), UTF8_REPLACEMENT);
    return p;
}

static char *put_value(struct put *t, char *p, const struct field *f, const void *value);

/* An item by what stands for it: of those fields the last that has a value. */
static char *put_item(struct put *t, char *p, const struct record_type *type, const void *item)
{
    union field_room room;

    for (size_t i = type->count; i > 0; i--) {
        const struct field *f = &type->fields[i - 1];
        const void *value =
            (f->flags & FIELD_IN_LIST) != 0 ? field_value(f, item, t->run, &room) : NULL;

        if (value != NULL)
            return put_value(t, p, f, value);
    }
    return p;
}

static char *put_list(struct put *t, char *p, const struct field *f, const void *record)
{
    size_t count = f->count(record);
    union field_room room;

    if (count == 0)
        *p++ = '-';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *p++ = ',';
        p = put_item(t, p, f->record, f->item(record, i, &room));
    }
    return p;
}

static char *put_value(struct put *t, char *p, const struct field *f, const void *value)
{
    switch (f->type) {
    case FIELD_BOOL:
        return put_string(p, *(const bool *)value ? "true" : "false");
    case FIELD_FINDING: {
        enum finding finding = *(const enum finding *)value;

        return put_string(p, finding == FINDING_YES  ? "true"
                             : finding == FINDING_NO ? "false"
                                                     : "-");
    }
    case FIELD_COUNT:
        return put_decimal(p, field_number(f, value));
    case FIELD_INTEGER:
        return p + sprintf(p, "%d", *(const int *)value);
    case FIELD_REAL:
        return p + sprintf(p, "%.9f", *(const double *)value);
    case FIELD_DURATION:
    case FIELD_OFFSET:
        return p + sprintf(p, "%.9f", nsec_seconds(*(const nsec *)value));
    case FIELD_TIME:
        return put_time(&t->buffer->stamp, p, *(const nsec *)value);
    case FIELD_IP4:
        return put_ip4(p, *(const uint32_t *)value);
    case FIELD_IP6:
        return put_ip6(p, value);
    case FIELD_PREFIX:
        return put_prefix(p, value);
    case FIELD_HEX16:
        return put_hex16(p, *(const uint16_t *)value);
    case FIELD_ENDPOINT:
        return put_endpoint(p, *(const struct endpoint *)value);
    case FIELD_BYTES: {
        const struct bytes *bytes = value;

        return put_hex(need(t, p, 2 * bytes->size), bytes->data, bytes->size);
    }
    case FIELD_CODE:
    case FIELD_RFC:
    case FIELD_SENTENCE:
    case FIELD_ADVICE:
        return put_word(t, p, field_word(f, value));
    case FIELD_TEXT:
        return put_foreign_text(t, p, *(const char *const *)value);
    case FIELD_CHARS:
        return put_word(t, p, value);
    case FIELD_PIECE: {
        const struct text_piece *piece = value;

        return put_text(t, p, piece->text, piece->size);
    }
    case FIELD_ERRNO:
        return put_word(t, p, strerror(*(const int *)value));
    case FIELD_CAPTURE: {
        uint64_t vantage = field_number(f, value);

        return put_foreign_text(t, p,
                                vantage < t->run->capture_count ? t->run->captures[vantage] : NULL);
    }
    case FIELD_RECORD:
    case FIELD_LIST:
    case FIELD_KEYS:
        break;
    }
    return p;
}

static char *put_column(struct put *t, char *p, const struct path *path, const void *record)
{
    union field_room rooms[MAX_DEPTH];
    const void *value = path->depth > 0 ? record : NULL;

    for (unsigned i = 0; i < path->depth && value != NULL; i++) {
        const struct field *f = path->fields[i];

        if (f->type == FIELD_LIST)
            return put_list(t, p, f, value);
        value = field_value(f, value, t->run, &rooms[i]);
    }
    if (value != NULL)
        return put_value(t, p, path->fields[path->depth - 1], value);
    *p++ = '-';
    return p;
}

void tsv_put_record(struct tsv_table *t, struct text_buffer *b, const struct run_facts *run,
                    const struct record_type *type, const void *record)
{
    const struct path *paths = row_of(t, type);
    struct put put = {b, run, NULL};
    char *p = text_buffer_reserve(b, SLACK);

    put.limit = b->data + b->room - SLACK;
    for (unsigned i = 0; i < t->count; i++) {
        p = put_column(&put, need(&put, p, 0), &paths[i], record);
        *p++ = i + 1 < t->count ? '\t' : '\n';
    }
    text_buffer_advance(b, p);
}
