/* What a result is made of: a table of fields beside its struct. From it come the JSON of the
 * result and its schema, the columns of tsv, and what --on-change compares (src/report), so that a
 * key is written down once.
 *
 * A field is a member of the struct, or what a function finds for it. What it finds must be of the
 * C type that the field's type names. */
#ifndef EVENT_RECORD_H
#define EVENT_RECORD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "nsec.h"

enum field_type {
    FIELD_BOOL,     /* bool */
    FIELD_FINDING,  /* enum finding: true, false, or null where it is not known */
    FIELD_COUNT,    /* an unsigned integer of any size */
    FIELD_INTEGER,  /* int */
    FIELD_REAL,     /* double */
    FIELD_DURATION, /* nsec, not negative; printed in seconds */
    FIELD_OFFSET,   /* nsec that may be negative; printed in seconds */
    FIELD_TIME,     /* nsec of the timeline */
    FIELD_IP4,      /* uint32_t */
    FIELD_IP6,      /* struct in6_addr */
    FIELD_PREFIX,   /* struct icmp6_prefix */
    FIELD_ENDPOINT, /* struct endpoint */
    FIELD_HEX16,    /* uint16_t, as 0x and four digits */
    FIELD_BYTES,    /* struct bytes, as hexadecimal digits */
    FIELD_TEXT,     /* const char *: ours, so that JSON need not escape it */
    FIELD_CHARS,    /* the same, but lying there itself */
    FIELD_FOREIGN,  /* const char *: from outside, of any bytes */
    FIELD_PIECE,    /* struct text_piece: likewise */
    FIELD_PARTS,    /* struct text_parts: ours */
    FIELD_SHOWN,    /* struct shown_address */
    FIELD_ERRNO,    /* int: the system's word for it */
    FIELD_CAPTURE,  /* unsigned: a vantage point, by the name of its capture */
    FIELD_CODE,     /* an enumeration: the word for programs in `words` */
    FIELD_SENTENCE, /* the same: its sentence */
    FIELD_ADVICE,   /* the same: what to do about it */
    FIELD_RFC,      /* the same: the section that says so */
    FIELD_WORD_SET, /* a list of words, bit 1 << N for that of N */
    FIELD_RECORD,   /* an object of its own */
    FIELD_LIST,     /* any number of objects */
    FIELD_KEYS,     /* all keys of another record, in the same object */
};

enum field_flags {
    FIELD_ZERO_IS_NULL = 1 << 0, /* likewise an unset endpoint, NULL, no characters, NSEC_NEVER */
    FIELD_OPTIONAL = 1 << 1,     /* the key is not there where the value is null */
    FIELD_CHANGE = 1 << 2,       /* --on-change compares it; of an endpoint the address alone */
    FIELD_IN_LIST =
        1 << 3,            /* what stands for an item in a list of tsv; the last that is not null */
    FIELD_OF_RUN = 1 << 4, /* a member of struct run_facts */
    FIELD_NULLABLE = 1 << 5, /* for the schema: `find` may find nothing, or no word be there */
};

/* A finding that is a yes or a no, where there is something to find. */
enum finding {
    FINDING_UNKNOWN,
    FINDING_YES,
    FINDING_NO,
    FINDING_NOT_APPLICABLE,
};

struct bytes {
    const uint8_t *data; /* borrowed; NULL = there are none to speak of */
    size_t size;
};

struct text_piece {
    const char *text; /* borrowed; not NUL-terminated; NULL = none */
    size_t size;
};

/* A text of ours that is put together of three. */
struct text_parts {
    const char *parts[3];
};

struct shown_address {
    const struct in6_addr *ip6; /* NULL = it is none */
    struct text_piece text;     /* and then what was given */
};

/* Whether a verdict is a yes. */
enum mood {
    MOOD_YES,
    MOOD_NO,
    MOOD_UNSURE
};

/* The words for an enumeration. A list may be shorter than the enumeration at its end. */
struct wording {
    const char *code; /* snake_case, of at most 64 characters, for programs; NULL = null */
    const char *text; /* for people */
    const char *advice;
    const char *rfc; /* "RFC 4380 5.2.1" */
    enum mood mood;  /* of a verdict */
};

struct words {
    const char *name; /* in the schema */
    unsigned count;
    const struct wording *list;
    const struct words *otherwise;       /* for what LIST leaves out */
    const char *(*code)(unsigned value); /* in place of LIST */
};

#define WORDS(schema_name, array)                                                        \
    {                                                                                    \
        .name = (schema_name), .count = sizeof(array) / sizeof *(array), .list = (array) \
    }

static inline const char *code_of(const struct words *words, unsigned value)
{
    return words->code != NULL ? words->code(value) : words->list[value].code;
}

const char *text_of(const struct words *words, unsigned value);
/* Empty where there is none. */
const char *advice_of(const struct words *words, unsigned value);

enum mood mood_of(const struct words *words, unsigned value);

/* What a run tells of itself in each of its records. */
struct run_facts {
    const char *command; /* "qualify" */
    const char *event;   /* what the record is called in a stream of them; NULL = it stands alone */
    uint64_t round;      /* of --every, from 1; 0 = the only one */
    nsec round_started;
    const char *timestamp_source; /* "libpcap" or "so_timestampns"; NULL = not told */
    const char *const *captures;  /* their names by vantage point; borrowed */
    unsigned capture_count;
    struct in6_addr teredo_address; /* of this host, as the last qualification told it */
    struct endpoint mapped;
};

/* The name of the capture at a vantage point, or NULL. */
static inline const char *run_capture(const struct run_facts *run, uint64_t vantage)
{
    return vantage < run->capture_count ? run->captures[vantage] : NULL;
}

/* Room for what a field's function makes. */
enum {
    FIELD_ROOM = 512
};

union field_room {
    max_align_t align;
    char bytes[FIELD_ROOM];
};

struct record_type;

struct field {
    const char *key;
    /* ,"key": as JSON begins a member; in a field of fixed size it is copied without a count. */
    char lead[32];
    uint8_t lead_size;
    enum field_type type;
    unsigned flags;
    size_t offset;
    size_t size;
    const struct words *words;        /* CODE, SENTENCE, ADVICE, RFC */
    const struct record_type *record; /* RECORD, LIST, KEYS */
    /* Null unless this says so; NULL = always. */
    bool (*known)(const void *record);
    /* In place of the member: where the value lies, in ROOM if need be, or NULL for null. */
    const void *(*find)(const void *record, const struct run_facts *run, union field_room *room);
    /* Of a LIST: how many, and where number I lies. */
    size_t (*count)(const void *record);
    const void *(*item)(const void *record, size_t i, union field_room *room);
};

#define KEY(name) .key = (name), .lead = ",\"" name "\":", .lead_size = sizeof(name) + 3
/* A function that tests a record R of this type, for `known`. */
#define RECORD_TEST(function, struct_type, expression) \
    static bool function(const void *record)           \
    {                                                  \
        const struct_type *r = record;                 \
                                                       \
        return expression;                             \
    }
/* A function that makes a value of the type VALUE_TYPE of a record R, for `find`; with FOUND. */
#define RECORD_VALUE(function, struct_type, value_type, expression)              \
    static const void *function(const void *record, const struct run_facts *run, \
                                union field_room *room)                          \
    {                                                                            \
        const struct_type *r = record;                                           \
        __typeof__(value_type) *value = (void *)room;                            \
                                                                                 \
        (void)run;                                                               \
        *value = expression;                                                     \
        return value;                                                            \
    }
#define FOUND(value_type, function) .size = sizeof(value_type), .find = (function)
#define AT(struct_type, member) \
    .offset = offsetof(struct_type, member), .size = sizeof(((struct_type *)NULL)->member)

struct record_type {
    const char *name;  /* in the schema */
    const char *event; /* what it is called in a stream of records; NULL = it is a part of others */
    const struct field *fields;
    size_t count;
};

#define RECORD_TYPE(schema_name, array)                                                    \
    {                                                                                      \
        .name = (schema_name), .fields = (array), .count = sizeof(array) / sizeof *(array) \
    }
#define EVENT_TYPE(schema_name, event_name, array)                       \
    {                                                                    \
        .name = (schema_name), .event = (event_name), .fields = (array), \
        .count = sizeof(array) / sizeof *(array)                         \
    }

/* True if what lies at VALUE is 0, unset or empty. */
bool field_is_zero(const struct field *f, const void *value);

/* Where the value of F lies in RECORD, or NULL for null. An inline function, for records by the
 * million. */
static inline const void *field_value(const struct field *f, const void *record,
                                      const struct run_facts *run, union field_room *room)
{
    const void *value;

    if (f->known != NULL && !f->known(record))
        return NULL;
    if (f->find != NULL)
        value = f->find(record, run, room);
    else
        value =
            (const char *)((f->flags & FIELD_OF_RUN) != 0 ? (const void *)run : record) + f->offset;
    if ((f->flags & FIELD_ZERO_IS_NULL) != 0 && value != NULL && field_is_zero(f, value))
        return NULL;
    return value;
}

/* The number at VALUE, of a COUNT, an enumeration or a WORD_SET. */
static inline uint64_t field_number(const struct field *f, const void *value)
{
    switch (f->size) {
    case 1:
        return *(const uint8_t *)value;
    case 2:
        return *(const uint16_t *)value;
    case 4:
        return *(const uint32_t *)value;
    default:
        return *(const uint64_t *)value;
    }
}

/* The word at VALUE, of a CODE, a SENTENCE, an ADVICE or an RFC; NULL where it has none. */
const char *field_word(const struct field *f, const void *value);

/* A number that changes with the values of the fields that FIELD_CHANGE marks; 0 if there are none.
 */
uint64_t record_digest(const struct record_type *type, const void *record);

/* The keys that a record has in front: "schema", "command", "event", "round", "round_started". */
extern const struct record_type run_record;
extern const struct record_type run_event_record; /* "event" alone */
extern const struct record_type icmp_record;      /* struct icmp_error */

struct bounds {
    nsec at_least; /* 0 = not known */
    nsec at_most;  /* NSEC_NEVER = not known */
};

extern const struct record_type bounds_record;

#endif
