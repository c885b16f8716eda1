#include "record.h"

#include <string.h>

#include "event.h"

bool field_is_zero(const struct field *f, const void *value)
{
    switch (f->type) {
    case FIELD_TEXT:
    case FIELD_FOREIGN:
        return *(const char *const *)value == NULL;
    case FIELD_CHARS:
        return *(const char *)value == '\0';
    case FIELD_PIECE:
        return ((const struct text_piece *)value)->text == NULL;
    case FIELD_BYTES:
        return ((const struct bytes *)value)->data == NULL;
    case FIELD_ENDPOINT:
        return endpoint_is_unset(*(const struct endpoint *)value);
    case FIELD_DURATION:
    case FIELD_OFFSET:
    case FIELD_TIME:
        return *(const nsec *)value <= 0 || *(const nsec *)value == NSEC_NEVER;
    case FIELD_REAL:
        return *(const double *)value <= 0;
    case FIELD_IP6:
        return IN6_IS_ADDR_UNSPECIFIED((const struct in6_addr *)value);
    default:
        return field_number(f, value) == 0;
    }
}

const char *text_of(const struct words *words, unsigned value)
{
    const char *text = words->list[value].text;

    return text == NULL && words->otherwise != NULL ? text_of(words->otherwise, value) : text;
}

const char *advice_of(const struct words *words, unsigned value)
{
    const struct wording *word = &words->list[value];

    if (word->text == NULL && words->otherwise != NULL)
        return advice_of(words->otherwise, value);
    return word->advice != NULL ? word->advice : "";
}

enum mood mood_of(const struct words *words, unsigned value)
{
    return words->list[value].mood;
}

const char *field_word(const struct field *f, const void *value)
{
    unsigned number = (unsigned)field_number(f, value);

    switch (f->type) {
    case FIELD_SENTENCE:
        return text_of(f->words, number);
    case FIELD_ADVICE:
        return advice_of(f->words, number);
    case FIELD_RFC:
        return f->words->list[number].rfc;
    default:
        return code_of(f->words, number);
    }
}

/* FNV-1a */
static uint64_t hash(uint64_t h, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t hash_fields(uint64_t h, const struct record_type *type, const void *record)
{
    union field_room room;

    for (size_t i = 0; i < type->count; i++) {
        const struct field *f = &type->fields[i];
        const void *value =
            (f->flags & FIELD_CHANGE) != 0 ? field_value(f, record, NULL, &room) : NULL;
        const char *text;

        if (value == NULL)
            continue;
        switch (f->type) {
        case FIELD_KEYS:
        case FIELD_RECORD:
            h = hash_fields(h, f->record, value);
            break;
        case FIELD_ENDPOINT:
            h = hash(h, &((const struct endpoint *)value)->address, sizeof(uint32_t));
            break;
        case FIELD_FOREIGN:
            text = *(const char *const *)value;
            h = hash(h, text, strlen(text));
            break;
        default:
            h = hash(h, value, f->size);
            break;
        }
        h = hash(h, &i, sizeof i);
    }
    return h;
}

uint64_t record_digest(const struct record_type *type, const void *record)
{
    const uint64_t start = UINT64_C(0xcbf29ce484222325);
    uint64_t h = hash_fields(start, type, record);

    return h == start ? 0 : h;
}

static const void *schema_version(const void *record, const struct run_facts *run,
                                  union field_room *room)
{
    static const uint32_t version = 1;

    (void)record, (void)run, (void)room;
    return &version;
}

#define MAY_BE_ABSENT (FIELD_OF_RUN | FIELD_ZERO_IS_NULL | FIELD_OPTIONAL)

static const struct field run_fields[] = {
    {KEY("schema"), FIELD_COUNT, FOUND(uint32_t, schema_version)},
    {KEY("command"), FIELD_TEXT, AT(struct run_facts, command), .flags = FIELD_OF_RUN},
    {KEY("event"), FIELD_TEXT, AT(struct run_facts, event), .flags = MAY_BE_ABSENT},
    {KEY("round"), FIELD_COUNT, AT(struct run_facts, round), .flags = MAY_BE_ABSENT},
    {KEY("round_started"), FIELD_TIME, AT(struct run_facts, round_started), .flags = MAY_BE_ABSENT},
};

const struct record_type run_record = RECORD_TYPE("run", run_fields);
const struct record_type run_event_record = {.fields = &run_fields[2], .count = 1};

RECORD_VALUE(icmp_text, struct icmp_error, const char *, icmp_error_text(*r))

static const struct field icmp_fields[] = {
    {KEY("type"), FIELD_COUNT, AT(struct icmp_error, type)},
    {KEY("code"), FIELD_COUNT, AT(struct icmp_error, code)},
    {KEY("text"), FIELD_TEXT, FOUND(const char *, icmp_text)},
    {KEY("from"), FIELD_IP4, AT(struct icmp_error, reporter)},
};

const struct record_type icmp_record = RECORD_TYPE("icmp", icmp_fields);

static const struct field bounds_fields[] = {
    {KEY("at_least"), FIELD_DURATION, AT(struct bounds, at_least), .flags = FIELD_ZERO_IS_NULL},
    {KEY("at_most"), FIELD_DURATION, AT(struct bounds, at_most), .flags = FIELD_ZERO_IS_NULL},
};

const struct record_type bounds_record = RECORD_TYPE("bounds", bounds_fields);
