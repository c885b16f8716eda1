/* Tab-separated values, for shell loops: a line an object of JSON, its values in the fixed order of
 * the command's columns. A column is a key of the object, or keys joined by points where one object
 * lies in another. New columns are added at the end; none is ever moved or renamed. */
#ifndef REPORT_TSV_H
#define REPORT_TSV_H

#include <jansson.h>
#include <stdio.h>

#include "endpoint.h"

/* A table is called as the command; that of `decode --summary` TSV_SUMMARY, and that of a trace of
 * captures TSV_CAPTURES. */
#define TSV_SUMMARY "decode --summary"
#define TSV_CAPTURES "trace -r"

/* The names of the columns, in one line. */
void tsv_header(FILE *out, const char *table);

/* The values of O: an endpoint as address:port, true and false, seconds with nine decimals, a list
 * as its words joined by commas; "-" for null, for what is not there and for what is empty. */
void tsv_row(FILE *out, const char *table, const json_t *o);

/* The values of results by the million are put at P; each returns what follows, a tab. */

/* TEXT, whose control characters become '?'. */
char *tsv_put_text(char *p, const char *text, size_t size);
char *tsv_put_string(char *p, const char *text); /* NULL = not there */
char *tsv_put_number(char *p, unsigned long value);
char *tsv_put_endpoint(char *p, struct endpoint e);

#endif
