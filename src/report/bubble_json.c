#include <string.h>

#include "bubble_reporter.h"
#include "json_parts.h"
#include "tsv.h"
#include "words.h"

enum {
    SCHEMA = 1
};

/* In jsonl each object stands for itself; in json those of a run are in lists. */
static json_t *start_object(const struct bubble_report *r, const char *event)
{
    json_t *o;

    if (event != NULL && r->config.format == REPORT_JSON)
        return json_object();
    o = json_pack("{s:i, s:s}", "schema", SCHEMA, "command", "bubble");
    if (r->config.format != REPORT_JSON)
        json_object_set_new(o, "event", json_string(event != NULL ? event : "summary"));
    return o;
}

static void print(const struct bubble_report *r, json_t *o)
{
    if (r->config.format == REPORT_TSV) {
        tsv_row(r->config.out, "bubble", o);
    } else {
        json_dumpf(o, r->config.out,
                   JSON_REAL_PRECISION(12) |
                       (r->config.format == REPORT_JSONL ? JSON_COMPACT : JSON_INDENT(2)));
        fputc('\n', r->config.out);
    }
    fflush(r->config.out);
    json_decref(o);
}

static void deliver(const struct bubble_report *r, json_t *list, json_t *o)
{
    if (r->config.format == REPORT_JSON)
        json_array_append_new(list, o);
    else
        print(r, o);
}

/* Adds the keys of a packet as decode has them, from the same text. */
static void add_packet(struct bubble_report *r, json_t *o, const struct captured_packet *s)
{
    char *end = packet_put_json(&r->stamp, r->text, s);
    json_t *packet;

    /* It begins with the comma of its first key. */
    r->text[0] = '{';
    *end++ = '}';
    packet = json_loadb(r->text, (size_t)(end - r->text), 0, NULL);
    json_object_update(o, packet);
    json_decref(packet);
}

static json_t *json_hex(struct bubble_report *r, const uint8_t *data, size_t size)
{
    return json_stringn(r->text, (size_t)(put_hex(r->text, data, size) - r->text));
}

static void add_data(struct bubble_report *r, json_t *o, const struct captured_packet *s)
{
    json_object_set_new(o, "data", json_hex(r, s->udp.payload, s->udp.payload_size));
}

void bubble_json_packet(struct bubble_report *r, const struct bubble_packet *p)
{
    json_t *o = start_object(r, "packet");

    json_object_set_new(o, "number", json_integer((json_int_t)p->number));
    json_object_set_new(o, "aim", json_string(bubble_aim_code(p->aim)));
    json_object_set_new(o, "system_error",
                        p->errnum != 0 ? json_string(strerror(p->errnum)) : json_null());
    add_packet(r, o, &p->captured_packet);
    add_data(r, o, &p->captured_packet);
    if (r->config.dump)
        json_object_set_new(o, "hex", json_hex(r, p->ip4, p->ip4_size));
    deliver(r, r->packets, o);
}

void bubble_json_reply(struct bubble_report *r, const struct bubble_reply *reply)
{
    json_t *o = start_object(r, "reply");
    bool known = reply->answered != 0;

    json_object_set_new(o, "delay_s", json_seconds(reply->delay, known));
    json_object_set_new(o, "answers",
                        known && reply->proof != PROOF_NONE
                            ? json_integer((json_int_t)reply->answered)
                            : json_null());
    json_object_set_new(o, "proof", json_string(punch_proof_code(reply->proof)));
    add_packet(r, o, &reply->captured_packet);
    add_data(r, o, &reply->captured_packet);
    deliver(r, r->replies, o);
}

void bubble_json_icmp(struct bubble_report *r, const struct bubble_icmp *icmp)
{
    json_t *o = start_object(r, "icmp_error");
    char reporter[IP4_STRLEN];

    json_object_set_new(o, "when", json_time(icmp->when));
    json_object_set_new(o, "to", json_any_endpoint(icmp->to));
    json_object_set_new(o, "icmp",
                        json_pack("{s:i, s:i, s:s, s:s}", "type", icmp->error.type, "code",
                                  icmp->error.code, "text", icmp_error_text(icmp->error), "from",
                                  ip4_format(icmp->error.reporter, reporter)));
    deliver(r, r->icmp, o);
}

void bubble_json_summary(struct bubble_report *r, const struct bubble_summary *s)
{
    json_t *o = start_object(r, NULL);

    json_object_set_new(o, "verdict", json_string(bubble_verdict_code(s->verdict)));
    json_object_set_new(o, "via", s->via != NULL ? json_string(s->via) : json_null());
    json_object_set_new(o, "packets_sent", json_integer((json_int_t)s->sent));
    json_object_set_new(o, "packets_failed", json_integer((json_int_t)s->failed));
    json_object_set_new(o, "replies_received", json_integer((json_int_t)s->replies));
    json_object_set_new(o, "replies_believed", json_integer((json_int_t)s->answers));
    json_object_set_new(o, "icmp_errors_received", json_integer((json_int_t)s->icmp_errors));
    json_object_set_new(o, "first_delay_s", json_seconds(s->first_delay, s->answers > 0));
    json_object_set_new(o, "wait_s", json_seconds(s->wait, s->wait > 0));
    if (r->config.format == REPORT_JSON) {
        json_object_set(o, "packets", r->packets);
        json_object_set(o, "replies", r->replies);
        json_object_set(o, "icmp_errors", r->icmp);
    }
    print(r, o);
}
