/* Records as JSON. */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "record.h"
#include "text_buffer.h"

enum json_layout {
    JSON_COMPACT, /* on one line */
    JSON_INDENTED /* for people */
};

/* What all parts of an object share while it is put. */
struct json_put {
    struct text_buffer *buffer;
    const struct run_facts *run;
    bool indented;
};

/* An object on its way into a buffer: its keys are those of the records put one after another.
 * Nothing else may be put there before its end. */
struct json_object {
    struct json_put put;
    unsigned depth; /* of objects and lists around it; 0 at first */
    size_t start;
    char *p;
};

void json_begin(struct json_object *o, struct text_buffer *b, const struct run_facts *run,
                enum json_layout layout);
void json_put_record(struct json_object *o, const struct record_type *type, const void *record);
/* Members as json_put_record has put them before: SIZE bytes of TEXT. */
void json_put_members(struct json_object *o, const char *text, size_t size);
/* A key whose value, TEXT of SIZE bytes, is JSON already and laid out for where it stands. */
void json_put_raw(struct json_object *o, const char *key, const char *text, size_t size);
void json_end(struct json_object *o);

#endif
