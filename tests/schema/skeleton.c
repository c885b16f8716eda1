/* Prints, as JSON, the structure that the records of src/event have: an entry for schema/
 * teredoctl.schema.json a record and a list of words. tests/schema/skeleton.py compares, and takes
 * over what is new. */
#include <stdio.h>
#include <string.h>

#include "event.h"

enum {
    MAX_TYPES = 128
};

/* A record is open where its keys are taken in with those of others; else nothing else may be
 * there.
 */
struct found {
    const struct record_type *type;
    bool open;
};

static struct found types[MAX_TYPES];
static const struct words *words[MAX_TYPES];
static unsigned type_count, words_count, printed;

static void find_words(const struct words *w)
{
    for (unsigned i = 0; i < words_count; i++)
        if (strcmp(words[i]->name, w->name) == 0)
            return;
    words[words_count++] = w;
}

static bool has_words(const struct field *f)
{
    return f->words != NULL && f->type != FIELD_SENTENCE && f->type != FIELD_ADVICE &&
           f->type != FIELD_RFC;
}

/* Whether all that it has are the keys of others: then those are told, and it is not. */
static bool is_transparent(const struct record_type *type)
{
    for (size_t i = 0; i < type->count; i++)
        if (type->fields[i].type != FIELD_KEYS)
            return false;
    return true;
}

static void find(const struct record_type *type, bool open)
{
    for (unsigned i = 0; i < type_count; i++)
        if (types[i].type == type) {
            types[i].open |= open;
            return;
        }
    if (!is_transparent(type))
        types[type_count++] = (struct found){type, open};
    for (size_t i = 0; i < type->count; i++) {
        const struct field *f = &type->fields[i];

        if (f->record != NULL)
            find(f->record, f->type == FIELD_KEYS);
        if (has_words(f))
            find_words(f->words);
    }
}

static void find_all(void)
{
    struct event e = {0};

    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        e.kind = (enum event_kind)kind;
        find(event_record(&e), true);
    }
    e.kind = EVENT_QUALIFICATION;
    e.qualification.captured = true;
    find(event_record(&e), true);
    memset(&e, 0, sizeof e);
    e.kind = EVENT_PUNCHING;
    e.punching.side = SIDE_PATH;
    find(event_record(&e), true);
}

static void begin(const char *name)
{
    printf("%s\"%s\":{", printed++ > 0 ? ",\n" : "", name);
}

/* Without doubles, and without those that stand for null. */
static void print_words(const struct words *w)
{
    const char *seen[64];
    unsigned count = 0;

    begin(w->name);
    printf("\"enum\":[");
    for (unsigned i = 0; i < w->count; i++) {
        const char *code = code_of(w, i);
        bool known = code == NULL;

        for (unsigned j = 0; j < count; j++)
            known = known || strcmp(seen[j], code) == 0;
        if (known)
            continue;
        printf("%s\"%s\"", count > 0 ? "," : "", code);
        seen[count++] = code;
    }
    printf("]}");
}

static bool is_open(const struct record_type *type)
{
    for (unsigned i = 0; i < type_count; i++)
        if (types[i].type == type)
            return types[i].open;
    return false;
}

/* An object of this record alone. */
static void print_object(const struct record_type *type)
{
    if (is_open(type))
        printf("{\"type\":\"object\",\"allOf\":[{\"$ref\":\"#/$defs/%s\"}],"
               "\"unevaluatedProperties\":false}",
               type->name);
    else
        printf("{\"$ref\":\"#/$defs/%s\"}", type->name);
}

static const char *basic_type(const struct field *f)
{
    switch (f->type) {
    case FIELD_BOOL:
    case FIELD_FINDING:
        return "boolean";
    case FIELD_INTEGER:
        return "integer";
    case FIELD_REAL:
    case FIELD_OFFSET:
        return "number";
    case FIELD_PREFIX:
    case FIELD_TEXT:
    case FIELD_CHARS:
    case FIELD_FOREIGN:
    case FIELD_PIECE:
    case FIELD_PARTS:
    case FIELD_SHOWN:
    case FIELD_ERRNO:
    case FIELD_CAPTURE:
    case FIELD_SENTENCE:
    case FIELD_ADVICE:
        return "string";
    default:
        return NULL;
    }
}

/* The name of the entry that says what the value looks like. */
static const char *definition(const struct field *f)
{
    switch (f->type) {
    case FIELD_COUNT:
        return f->size == 1 ? "byte" : f->size == 2 ? "port" : "count";
    case FIELD_DURATION:
        return "seconds";
    case FIELD_TIME:
        return "time";
    case FIELD_IP4:
        return "ip4";
    case FIELD_IP6:
        return "ip6";
    case FIELD_ENDPOINT:
        return "endpoint";
    case FIELD_HEX16:
        return "hex16";
    case FIELD_BYTES:
        return "hex";
    case FIELD_RFC:
        return "rfc";
    default:
        return f->words->name;
    }
}

static bool may_be_null(const struct field *f)
{
    if ((f->flags & FIELD_OPTIONAL) != 0)
        return false;
    return f->known != NULL || (f->flags & (FIELD_ZERO_IS_NULL | FIELD_NULLABLE)) != 0 ||
           f->type == FIELD_FINDING;
}

static void print_value(const struct field *f)
{
    if (f->type == FIELD_LIST) {
        printf("{\"type\":\"array\",\"items\":");
        print_object(f->record);
        printf("}");
    } else if (f->type == FIELD_WORD_SET) {
        printf("{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/%s\"}}", f->words->name);
    } else if (f->type == FIELD_RECORD) {
        print_object(f->record);
    } else if (has_words(f) || basic_type(f) == NULL) {
        printf("{\"$ref\":\"#/$defs/%s\"}", has_words(f) ? f->words->name : definition(f));
    } else {
        printf("{\"type\":\"%s\"}", basic_type(f));
    }
}

static void print_property(const struct field *f)
{
    bool null = may_be_null(f);

    printf("\"%s\":", f->key);
    if (null && basic_type(f) != NULL && !has_words(f)) {
        printf("{\"type\":[\"%s\",\"null\"]}", basic_type(f));
    } else if (null) {
        printf("{\"oneOf\":[");
        print_value(f);
        printf(",{\"type\":\"null\"}]}");
    } else {
        print_value(f);
    }
}

static void print_type(const struct found *t)
{
    const struct record_type *type = t->type;
    const char *comma = "";

    begin(type->name);
    if (!t->open)
        printf("\"type\":\"object\",");
    printf("\"properties\":{");
    for (size_t i = 0; i < type->count; i++)
        if (type->fields[i].type != FIELD_KEYS) {
            printf("%s", comma);
            print_property(&type->fields[i]);
            comma = ",";
        }
    printf("},\"required\":[");
    comma = "";
    for (size_t i = 0; i < type->count; i++)
        if (type->fields[i].type != FIELD_KEYS && (type->fields[i].flags & FIELD_OPTIONAL) == 0) {
            printf("%s\"%s\"", comma, type->fields[i].key);
            comma = ",";
        }
    printf("]");
    comma = "";
    for (size_t i = 0; i < type->count; i++)
        if (type->fields[i].type == FIELD_KEYS) {
            printf("%s{\"$ref\":\"#/$defs/%s\"}", *comma == '\0' ? ",\"allOf\":[" : comma,
                   type->fields[i].record->name);
            comma = ",";
        }
    if (*comma != '\0')
        printf("]");
    if (!t->open)
        printf(*comma != '\0' ? ",\"unevaluatedProperties\":false"
                              : ",\"additionalProperties\":false");
    printf("}");
}

int main(void)
{
    find_all();
    printf("{");
    for (unsigned i = 0; i < type_count; i++)
        print_type(&types[i]);
    for (unsigned i = 0; i < words_count; i++)
        print_words(words[i]);
    printf("}\n");
    return 0;
}
