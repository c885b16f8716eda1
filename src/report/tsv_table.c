#include <stdlib.h>
#include <string.h>

#include "foreign.h"
#include "tsv.h"
#include "utf8.h"

enum {
    MAX_TYPES = 8,  /* of records in one table */
    MAX_BASES = 16, /* of objects in one record that columns are in */
    NO_BASE = MAX_BASES,
};

/* An object that columns are in: what a field of another such object holds, or the record. */
struct base {
    unsigned of;               /* the other one; 0 = the record */
    const struct field *field; /* NULL = the record itself */
};

struct column {
    unsigned base; /* NO_BASE = the record has no such key */
    bool is_plain; /* a member that is always known */
    size_t offset;
    const struct field *field;
};

/* The columns of one type of record. */
struct row {
    const struct record_type *type;
    struct base bases[MAX_BASES];
    unsigned base_count;
    struct column *columns;
};

struct tsv_table {
    const char *names;
    unsigned count;
    struct row rows[MAX_TYPES];
    unsigned row_count;
};

struct tsv_table *tsv_new(const char *columns)
{
    struct tsv_table *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->names = columns;
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
        free(t->rows[i].columns);
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

static unsigned base_of(struct row *row, unsigned of, const struct field *field)
{
    unsigned i = 1;

    while (i < row->base_count && (row->bases[i].of != of || row->bases[i].field != field))
        i++;
    if (i == MAX_BASES)
        abort();
    if (i == row->base_count)
        row->bases[row->base_count++] = (struct base){of, field};
    return i;
}

/* Whether TYPE has the key, or the keys joined by points, that NAME is. Objects of that type are at
 * BASE. */
static bool find(struct row *row, struct column *column, unsigned base,
                 const struct record_type *type, struct text_piece name)
{
    const char *point = memchr(name.text, '.', name.size);
    size_t key_size = point != NULL ? (size_t)(point - name.text) : name.size;

    for (size_t i = 0; i < type->count; i++) {
        const struct field *f = &type->fields[i];
        bool is_key = strlen(f->key) == key_size && memcmp(f->key, name.text, key_size) == 0;
        unsigned known = row->base_count;

        if (f->type == FIELD_KEYS) {
            if (find(row, column, base_of(row, base, f), f->record, name))
                return true;
            row->base_count = known; /* it is not of use */
        } else if (is_key && point == NULL) {
            *column = (struct column){base, f->known == NULL && f->find == NULL && f->flags == 0,
                                      f->offset, f};
            return true;
        } else if (is_key && f->type == FIELD_RECORD) {
            return find(row, column, base_of(row, base, f), f->record,
                        (struct text_piece){point + 1, name.size - key_size - 1});
        }
    }
    return false;
}

static struct row *row_of(struct tsv_table *t, const struct record_type *type)
{
    struct row *row;
    struct text_piece name = {t->names, 0};

    for (unsigned i = 0; i < t->row_count; i++)
        if (t->rows[i].type == type)
            return &t->rows[i];
    row = &t->rows[t->row_count];
    if (t->row_count == MAX_TYPES)
        abort(); /* the tables of tsv's names have fewer */
    row->columns = calloc(t->count, sizeof *row->columns);
    if (row->columns == NULL)
        text_buffer_out_of_memory();
    t->row_count++;
    row->type = type;
    row->base_count = 1;
    for (unsigned i = 0; i < t->count; i++) {
        name.size = strcspn(name.text, " ");
        /* What a record tells of its run is in front of what it tells itself. */
        row->columns[i].base = NO_BASE;
        if (!find(row, &row->columns[i], 0, &run_record, name))
            find(row, &row->columns[i], 0, type, name);
        name.text += name.size + 1;
    }
    return row;
}

/* What is put, and where. */
struct put {
    struct text_buffer *buffer;
    const struct run_facts *run;
};

/* What may not be shown becomes '?'; nothing is a dash. */
static char *put_text(struct put *t, char *p, const char *text, size_t size)
{
    p = text_buffer_need(t->buffer, p, size);
    if (size > 0 && put_plain(p, text, size))
        return p + size;
    if (size == 0)
        return put_string(p, "-");
    memcpy(p, text, size);
    return p + foreign_clean(p, size);
}

/* A text of ours. */
static char *put_own(struct put *t, char *p, const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text);

    return size == 0 ? put_string(p, "-")
                     : put_bytes(text_buffer_need(t->buffer, p, size), text, size);
}

/* A text from outside, which may be no UTF-8. */
static char *put_foreign(struct put *t, char *p, const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text);

    p = text_buffer_need(t->buffer, p, sizeof UTF8_REPLACEMENT * size);
    if (size > 0 && put_plain(p, text, size))
        return p + size;
    if (size == 0 || utf8_is_valid(text, size))
        return put_text(t, p, text, size);
    for (; *text != '\0'; text++)
        p = (unsigned char)*text < 0x80 ? put_text(t, p, text, 1) : put_string(p, UTF8_REPLACEMENT);
    return p;
}

static inline char *put_value(struct put *t, char *p, const struct field *f, const void *value);

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

/* One after another, with commas between them. */
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

static char *put_finding(char *p, enum finding finding)
{
    return put_string(p, finding == FINDING_YES ? "true" : finding == FINDING_NO ? "false" : "-");
}

/* A value of a kind that is not one of put_value's own. */
static char *put_other(struct put *t, char *p, const struct field *f, const void *value)
{
    const struct text_piece *piece;
    const struct bytes *bytes;
    const char *text;

    switch (f->type) {
    case FIELD_BOOL:
        return put_string(p, *(const bool *)value ? "true" : "false");
    case FIELD_FINDING:
        return put_finding(p, *(const enum finding *)value);
    case FIELD_INTEGER:
        return p + sprintf(p, "%d", *(const int *)value);
    case FIELD_REAL:
        return p + sprintf(p, "%.9f", *(const double *)value);
    case FIELD_DURATION:
    case FIELD_OFFSET:
        return p + sprintf(p, "%.9f", nsec_seconds(*(const nsec *)value));
    case FIELD_IP4:
        return put_ip4(p, *(const uint32_t *)value);
    case FIELD_PREFIX:
        return put_prefix(p, value);
    case FIELD_HEX16:
        return put_hex16(p, *(const uint16_t *)value);
    case FIELD_BYTES:
        bytes = value;
        return put_hex(text_buffer_need(t->buffer, p, 2 * bytes->size), bytes->data, bytes->size);
    case FIELD_CODE:
        text = code_of(f->words, (unsigned)field_number(f, value));
        return text != NULL ? stpcpy(p, text) : put_string(p, "-");
    case FIELD_RFC:
    case FIELD_SENTENCE:
    case FIELD_ADVICE:
        return put_own(t, p, field_word(f, value));
    case FIELD_TEXT:
        return put_own(t, p, *(const char *const *)value);
    case FIELD_CHARS:
        return put_own(t, p, value);
    case FIELD_FOREIGN:
        return put_foreign(t, p, *(const char *const *)value);
    case FIELD_PIECE:
        piece = value;
        return put_text(t, p, piece->text, piece->size);
    case FIELD_PARTS: {
        const struct text_parts *all = value;

        for (unsigned i = 0; i < sizeof all->parts / sizeof *all->parts; i++)
            p = put_bytes(text_buffer_need(t->buffer, p, strlen(all->parts[i])), all->parts[i],
                          strlen(all->parts[i]));
        return p;
    }
    case FIELD_SHOWN: {
        const struct shown_address *shown = value;

        return shown->ip6 != NULL ? put_ip6(p, shown->ip6)
                                  : put_text(t, p, shown->text.text, shown->text.size);
    }
    case FIELD_ERRNO:
        return put_own(t, p, strerror(*(const int *)value));
    case FIELD_CAPTURE:
        return put_foreign(t, p, run_capture(t->run, field_number(f, value)));
    case FIELD_LIST:
        return put_list(t, p, f, value);
    default: /* of those no column is one */
        return p;
    }
}

/* Most columns of a packet are these. */
__attribute__((always_inline)) static inline char *
put_value(struct put *t, char *p, const struct field *f, const void *value)
{
    switch (f->type) {
    case FIELD_COUNT:
        return put_decimal(p, field_number(f, value));
    case FIELD_TIME:
        return put_time(&t->buffer->stamp, p, *(const nsec *)value);
    case FIELD_IP6:
        return put_ip6(p, value);
    case FIELD_ENDPOINT:
        return put_endpoint(p, *(const struct endpoint *)value);
    default:
        return put_other(t, p, f, value);
    }
}

void tsv_put_record(struct tsv_table *t, struct text_buffer *b, const struct run_facts *run,
                    const struct record_type *type, const void *record)
{
    const struct row *row = row_of(t, type);
    struct put put = {b, run};
    char *p = text_buffer_reserve(b, TEXT_SLACK);
    union field_room rooms[MAX_BASES];
    const void *bases[MAX_BASES + 1] = {record};

    for (unsigned i = 1; i < row->base_count; i++) {
        const void *of = bases[row->bases[i].of];

        bases[i] = of == NULL ? NULL : field_value(row->bases[i].field, of, run, &rooms[i]);
    }
    for (const struct column *c = row->columns, *end = c + t->count; c < end; c++) {
        const char *base = bases[c->base];
        const void *value = base == NULL  ? NULL
                            : c->is_plain ? base + c->offset
                                          : field_value(c->field, base, run, &rooms[0]);

        p = text_buffer_need(b, p, 0);
        if (value != NULL)
            p = put_value(&put, p, c->field, value);
        else
            *p++ = '-';
        *p++ = '\t';
    }
    p[-1] = '\n';
    text_buffer_advance(b, p);
}
