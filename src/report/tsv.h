/* Tab-separated values, for shell loops: a line a record, its values in the fixed order of a
 * table's columns. A column is a key, or keys joined by points where one object lies in another.
 * New columns are added at the end; none is ever moved or renamed. */
#ifndef REPORT_TSV_H
#define REPORT_TSV_H

#include "record.h"
#include "text_buffer.h"

struct tsv_table;

/* COLUMNS have blanks between them, and must last as long as the table. NULL if memory is out. */
struct tsv_table *tsv_new(const char *columns);
void tsv_free(struct tsv_table *t);

/* The names of the columns, in one line. */
void tsv_put_header(struct text_buffer *b, const char *columns);

/* The values of a record: an endpoint as address:port, true and false, seconds with nine decimals,
 * a list as its words joined by commas; "-" for null, for what is not there and for what is empty.
 */
void tsv_put_record(struct tsv_table *t, struct text_buffer *b, const struct run_facts *run,
                    const struct record_type *type, const void *record);

#endif
