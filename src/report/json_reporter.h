/* Parts of the JSON reporter; internal to the layer. Objects returned are new references. */
#ifndef REPORT_JSON_REPORTER_H
#define REPORT_JSON_REPORTER_H

#include <jansson.h>

#include "reporter.h"

/* An object with the keys that each begins with; EVENT is what it is called in jsonl. */
json_t *json_start(const struct reporter *r, const char *event);

json_t *json_qualified_many(const struct reporter *r, const struct qualify_many_summary *s);
json_t *json_checking(const struct reporter *r, const struct checking *c);

/* One object for several servers, written piece by piece: it need not fit into memory. */
void json_list_add(struct reporter *r, const struct qualification *q);
void json_list_end(struct reporter *r, const struct qualify_many_summary *s);

#endif
