#include <inttypes.h>
#include <jansson.h>

#include "captured_packet_report.h"
#include "tsv.h"
#include "words.h"

enum {
    SCHEMA = 1
};

static void text_summary(FILE *out, const struct flows_summary *s, uint64_t dropped)
{
    char first[RFC3339_STRLEN], last[RFC3339_STRLEN];

    fprintf(out, "%" PRIu64 " Teredo packets in %" PRIu64 " flows", s->packets, s->flows);
    fprintf(out, ", of %" PRIu64 " frames with %" PRIu64 " UDP datagrams over IPv4\n", s->frames,
            s->datagrams);
    if (s->packets > 0)
        fprintf(out, "  %-16s %s\n  %-16s %s\n", "first", words_time(s->first, first), "last",
                words_time(s->last, last));
    for (int i = 0; i < CAPTURED_PACKET_KINDS; i++)
        if (s->kinds[i] > 0)
            fprintf(out, "  %-16s %" PRIu64 "\n", teredo_kind_name((enum teredo_kind)i),
                    s->kinds[i]);
    if (s->unknown > 0)
        fprintf(out, "  %-16s %" PRIu64 "\n", "unknown", s->unknown);
    fprintf(out, "  %-16s %" PRIu64 "\n  %-16s %" PRIu64 "\n", "clients", s->clients, "servers",
            s->servers);
    fprintf(out, "  %-16s %" PRIu64 " with direct bubbles both ways, %" PRIu64 " one way\n",
            "hole punches", s->punches, s->unanswered);
    if (s->forgotten > 0)
        fprintf(out,
                "  %-16s %" PRIu64
                " flows, clients and servers, the oldest; each may count twice\n",
                "forgotten", s->forgotten);
    if (dropped > 0)
        fprintf(out, "  %-16s %" PRIu64 " frames, by the kernel\n", "dropped", dropped);
    for (int i = 0; i < WIRE_REASON_COUNT; i++)
        if (s->reasons[i] > 0)
            fprintf(out, "  %-16s %" PRIu64 " %s (%s)\n", "problem", s->reasons[i],
                    wire_reason_text((enum wire_reason)i), wire_reason_code((enum wire_reason)i));
}

static json_t *json_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *json_kinds(const struct flows_summary *s)
{
    json_t *kinds = json_object();

    for (int i = 0; i < CAPTURED_PACKET_KINDS; i++)
        json_object_set_new(kinds, teredo_kind_name((enum teredo_kind)i), json_count(s->kinds[i]));
    json_object_set_new(kinds, "unknown", json_count(s->unknown));
    return kinds;
}

static json_t *json_problems(const struct flows_summary *s)
{
    json_t *problems = json_array();

    for (int i = 0; i < WIRE_REASON_COUNT; i++)
        if (s->reasons[i] > 0)
            json_array_append_new(problems, json_pack("{s:s, s:I}", "reason",
                                                      wire_reason_code((enum wire_reason)i),
                                                      "count", (json_int_t)s->reasons[i]));
    return problems;
}

static json_t *json_time(const struct flows_summary *s, nsec when)
{
    char text[RFC3339_STRLEN];

    return s->packets == 0 ? json_null() : json_string(words_time(when, text));
}

void captured_packet_summary_print(FILE *out, enum report_format format,
                                   const struct flows_summary *sum, uint64_t dropped)
{
    json_t *o;

    if (format == REPORT_TEXT) {
        text_summary(out, sum, dropped);
        return;
    }
    o = json_pack("{s:i, s:s}", "schema", SCHEMA, "command", "decode");
    if (format != REPORT_JSON)
        json_object_set_new(o, "event", json_string("summary"));
    json_object_set_new(o, "frames", json_count(sum->frames));
    json_object_set_new(o, "datagrams", json_count(sum->datagrams));
    json_object_set_new(o, "packets", json_count(sum->packets));
    json_object_set_new(o, "first", json_time(sum, sum->first));
    json_object_set_new(o, "last", json_time(sum, sum->last));
    json_object_set_new(o, "kinds", json_kinds(sum));
    json_object_set_new(o, "flows", json_count(sum->flows));
    json_object_set_new(o, "clients", json_count(sum->clients));
    json_object_set_new(o, "servers", json_count(sum->servers));
    json_object_set_new(o, "hole_punches", json_count(sum->punches));
    json_object_set_new(o, "unanswered_punches", json_count(sum->unanswered));
    json_object_set_new(o, "forgotten", json_count(sum->forgotten));
    json_object_set_new(o, "dropped", json_count(dropped));
    json_object_set_new(o, "problems", json_problems(sum));
    if (format == REPORT_TSV) {
        tsv_row(out, TSV_SUMMARY, o);
    } else {
        json_dumpf(o, out, format == REPORT_JSONL ? JSON_COMPACT : JSON_INDENT(2));
        fputc('\n', out);
    }
    json_decref(o);
}
