#include "server_report.h"

#include <inttypes.h>
#include <jansson.h>

#include "tsv.h"

enum {
    SCHEMA = 1
};

static json_t *json_endpoint(struct endpoint e)
{
    char address[IP4_STRLEN];

    return json_pack("{s:s, s:i}", "address", ip4_format(e.address, address), "port", e.port);
}

static json_t *start_object(enum report_format format, const struct server_report *r,
                            const char *event)
{
    json_t *o = json_pack("{s:i, s:s}", "schema", SCHEMA, "command", "serve");

    if (format != REPORT_JSON)
        json_object_set_new(o, "event", json_string(event));
    json_object_set_new(o, "server", json_endpoint(r->primary));
    json_object_set_new(o, "secondary", json_endpoint(r->secondary));
    return o;
}

static void print(FILE *out, enum report_format format, json_t *o)
{
    if (format == REPORT_TSV) {
        tsv_row(out, "serve", o);
    } else {
        json_dumpf(o, out,
                   JSON_REAL_PRECISION(12) |
                       (format == REPORT_JSONL ? JSON_COMPACT : JSON_INDENT(2)));
        fputc('\n', out);
    }
    json_decref(o);
}

void server_report_ready(FILE *out, enum report_format format, const struct server_report *r)
{
    char primary[ENDPOINT_STRLEN], secondary[ENDPOINT_STRLEN];

    if (format == REPORT_TEXT)
        fprintf(out, "ready: %s, secondary %s\n", endpoint_format(r->primary, primary),
                endpoint_format(r->secondary, secondary));
    else
        print(out, format, start_object(format, r, "ready"));
}

static void text_counters(FILE *out, const struct server_report *r)
{
    fprintf(out,
            "received %" PRIu64 ": advertised %" PRIu64 ", relayed %" PRIu64 ", echoed %" PRIu64
            ", dropped %" PRIu64 "; not sent %" PRIu64 "; in %.1f s\n",
            r->received, r->advertised, r->relayed, r->echoed, r->dropped, r->send_failed,
            nsec_seconds(r->elapsed));
    for (size_t i = 0; i < r->row_count; i++)
        if (r->rows[i].count > 0)
            fprintf(out, "dropped %" PRIu64 " %s: %s (%s)\n", r->rows[i].count, r->rows[i].reason,
                    r->rows[i].text, r->rows[i].rfc);
}

static json_t *json_drops(const struct server_report *r)
{
    json_t *drops = json_array();

    for (size_t i = 0; i < r->row_count; i++)
        if (r->rows[i].count > 0)
            json_array_append_new(drops,
                                  json_pack("{s:s, s:s, s:I}", "reason", r->rows[i].reason, "rfc",
                                            r->rows[i].rfc, "count", (json_int_t)r->rows[i].count));
    return drops;
}

void server_report_counters(FILE *out, enum report_format format, const struct server_report *r,
                            const char *event)
{
    json_t *o;

    if (format == REPORT_TEXT) {
        text_counters(out, r);
        return;
    }
    o = start_object(format, r, event);
    json_object_set_new(o, "elapsed_s", json_real(nsec_seconds(r->elapsed)));
    json_object_set_new(o, "received", json_integer((json_int_t)r->received));
    json_object_set_new(o, "advertised", json_integer((json_int_t)r->advertised));
    json_object_set_new(o, "relayed", json_integer((json_int_t)r->relayed));
    json_object_set_new(o, "echoed", json_integer((json_int_t)r->echoed));
    json_object_set_new(o, "send_failed", json_integer((json_int_t)r->send_failed));
    json_object_set_new(o, "dropped", json_integer((json_int_t)r->dropped));
    json_object_set_new(o, "drops", json_drops(r));
    print(out, format, o);
}
