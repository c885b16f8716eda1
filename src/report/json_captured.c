/* What captures show, as JSON: one object an event, or one that has them in a list, which is
 * written as it comes, for a capture may hold any number of them. */
#include <jansson.h>

#include "json_parts.h"
#include "reporter.h"
#include "tsv.h"

enum {
    SCHEMA = 1
};

static json_t *start_object(const struct reporter *r, const char *event)
{
    json_t *o = json_object();

    if (r->config.format == REPORT_JSONL)
        json_object_update_new(
            o, json_pack("{s:i, s:s}", "schema", SCHEMA, "command", r->config.command));
    json_object_set_new(o, "event", json_string(event));
    return o;
}

static void print(struct reporter *r, json_t *o)
{
    FILE *out = r->config.out;

    if (r->config.format == REPORT_TSV) {
        tsv_row(out, TSV_CAPTURES, o);
        json_decref(o);
        return;
    }

    if (r->config.format == REPORT_JSON && !r->list_open)
        fprintf(out, "{\"schema\": %d, \"command\": \"%s\", \"events\": [\n", SCHEMA,
                r->config.command);
    else if (r->config.format == REPORT_JSON)
        fputs(",\n", out);
    r->list_open = true;
    json_dumpf(o, out, JSON_REAL_PRECISION(12) | JSON_COMPACT);
    if (r->config.format == REPORT_JSONL)
        fputc('\n', out);
    json_decref(o);
}

static json_t *capture_name(const struct reporter *r, unsigned vantage)
{
    return vantage < r->config.capture_count ? json_text(r->config.captures[vantage]) : json_null();
}

static json_t *json_view(const struct reporter *r, const struct step_view *v, nsec origin)
{
    json_t *o = json_object();

    json_object_set_new(o, "capture", capture_name(r, v->vantage));
    json_object_set_new(o, "when", json_time(v->when));
    json_object_set_new(o, "offset_s", json_seconds(v->when - origin, true));
    json_object_set_new(o, "from", json_endpoint(v->from));
    json_object_set_new(o, "to", json_endpoint(v->to));
    json_object_set_new(o, "ttl", json_integer(v->ttl));
    json_object_set_new(o, "place", json_string(view_place_code((enum view_place)v->place)));
    return o;
}

static json_t *json_step(const struct reporter *r, enum punch_step step,
                         const struct step_report *s, nsec origin)
{
    json_t *o = json_object(), *views = json_array();

    json_add_step(o, step, s, origin);
    for (unsigned i = 0; i < s->view_count; i++)
        json_array_append_new(views, json_view(r, &s->views[i], origin));
    json_object_set_new(o, "lost", json_boolean(s->lost));
    json_object_set_new(o, "views", views);
    return o;
}

static nsec origin_of(const struct punching *p)
{
    for (int i = 0; i < STEP_COUNT; i++)
        if (p->steps[i].state != STEP_MISSING && p->steps[i].state != STEP_INFERRED)
            return p->steps[i].when;
    return p->started;
}

static json_t *json_initiator(const struct punching *p)
{
    json_t *o = json_object();

    json_object_set_new(o, "address", json_ip6(&p->own));
    json_object_set_new(o, "teredo_address", p->has_own ? json_ip6(&p->own) : json_null());
    json_object_set_new(o, "relay", json_boolean(p->relay));
    json_object_set_new(o, "local", json_endpoint(p->local));
    json_object_set_new(o, "mapped", json_endpoint(p->mapped));
    json_object_set_new(o, "server", json_endpoint(p->server));
    return o;
}

static json_t *json_peer(const struct punching *p)
{
    json_t *o = json_object();

    json_object_set_new(o, "address", json_ip6(&p->peer));
    json_object_set_new(o, "mapped", json_endpoint(p->peer_mapped));
    json_object_set_new(o, "server", json_endpoint(p->peer_server));
    return o;
}

static json_t *punch_object(const struct reporter *r, const struct punching *p)
{
    json_t *o = start_object(r, "punch"), *steps = json_array();
    nsec origin = origin_of(p);

    json_object_set_new(o, "when", json_time(p->started));
    json_object_set_new(o, "verdict", json_string(punch_verdict_code(p->verdict)));
    json_object_set_new(o, "cause", json_string(punch_cause_code(p->cause)));
    json_object_set_new(o, "text", json_string(punch_cause_captured_text(p->cause)));
    json_object_set_new(o, "advice", json_string(punch_cause_captured_advice(p->cause)));
    json_object_set_new(o, "initiator", json_initiator(p));
    json_object_set_new(o, "peer", json_peer(p));
    json_object_set_new(o, "side", json_string(punch_side_code(p->side)));
    json_object_set_new(o, "both_sides", json_boolean(p->both_sides));
    for (int i = 0; i < STEP_COUNT; i++)
        json_array_append_new(steps, json_step(r, (enum punch_step)i, &p->steps[i], origin));
    json_object_set_new(o, "steps", steps);
    json_object_set_new(o, "request",
                        p->request.state != STEP_MISSING
                            ? json_step(r, STEP_DATA, &p->request, origin)
                            : json_null());
    json_object_set_new(o, "proof", json_string(punch_proof_code(p->proof)));
    json_object_set_new(o, "answered_from", json_endpoint(p->answered_from));
    json_object_set_new(o, "unproven_from", json_endpoint(p->unproven_from));
    json_object_set_new(o, "attempts", json_integer(p->attempts));
    json_object_set_new(o, "indirect_answers", json_integer(p->indirect_answers));
    json_object_set_new(o, "peer_server_alive", p->peer_server_alive ? json_true() : json_null());
    json_object_set_new(o, "control", json_boolean(p->reference));
    json_object_set_new(o, "icmp", json_icmp(p->has_icmp, p->icmp));
    json_object_set_new(o, "rtt_s", json_seconds(p->rtt, p->rtt > 0));
    json_object_set_new(o, "elapsed_s", json_seconds(p->elapsed, true));
    return o;
}

static json_t *qualification_object(const struct reporter *r, const struct qualification *q)
{
    json_t *o = start_object(r, "client_qualification");

    json_object_set_new(o, "when", json_time(q->started));
    json_add_qualification(o, q);
    return o;
}

static json_t *clock_object(const struct reporter *r, const struct event *e)
{
    const struct clock_match *fit = &e->clock.fit;
    bool known = fit->packets > 0;
    json_t *o = start_object(r, "clock");

    json_object_set_new(o, "capture", capture_name(r, e->clock.vantage));
    json_object_set_new(o, "reference", capture_name(r, 0));
    json_object_set_new(o, "packets", json_integer((json_int_t)fit->packets));
    json_object_set_new(o, "offset_s", json_seconds(fit->offset, known));
    json_object_set_new(o, "drift_ppm", known ? json_real(fit->drift * 1e6) : json_null());
    json_object_set_new(o, "error_s", json_seconds(fit->error, fit->bounded));
    return o;
}

static json_t *rejected_object(const struct reporter *r, const struct event *e)
{
    const struct rule_text *rule = ra_rule_text(e->rejected.rule);
    json_t *o = start_object(r, "rejected");

    json_object_set_new(o, "when", json_time(e->when));
    json_object_set_new(o, "rule", json_string(rule->name));
    json_object_set_new(o, "rfc", json_string(rule->rfc));
    json_object_set_new(o, "from", json_endpoint(e->rejected.from));
    return o;
}

static json_t *summary_object(const struct reporter *r, const struct passive_summary *s)
{
    json_t *o = start_object(r, "summary");
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"punches", s->punches},
        {"punched", s->punched},
        {"not_punched", s->not_punched},
        {"inconclusive", s->inconclusive},
        {"qualifications", s->qualifications},
        {"refreshes", s->refreshes},
        {"forgotten", s->forgotten},
        {"packets", s->packets},
        {"frames", s->frames},
        {"dropped", s->dropped},
    };

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(o, counts[i].key, json_integer((json_int_t)counts[i].value));
    return o;
}

void json_captured_emit(struct reporter *r, const struct event *e)
{
    /* Rows are of hole punches alone. */
    if (r->config.format == REPORT_TSV && e->kind != EVENT_PUNCHING)
        return;
    switch (e->kind) {
    case EVENT_REJECTED:
        print(r, rejected_object(r, e));
        break;
    case EVENT_QUALIFICATION:
        print(r, qualification_object(r, &e->qualification));
        break;
    case EVENT_PUNCHING:
        print(r, punch_object(r, &e->punching));
        break;
    case EVENT_CLOCK:
        print(r, clock_object(r, e));
        break;
    case EVENT_PASSIVE:
        print(r, summary_object(r, &e->passive));
        if (r->config.format == REPORT_JSON)
            fputs("\n]}\n", r->config.out);
        break;
    case EVENT_STEP: /* of live runs alone */
    case EVENT_NOTE:
    case EVENT_PEER:
    case EVENT_MAPPING_CHANGED:
    case EVENT_SERVER_LOST:
    case EVENT_LISTENED:
    case EVENT_PROGRESS:
    case EVENT_CLASSIFICATION:
    case EVENT_QUALIFIED_MANY:
    case EVENT_CHECKING:
        break;
    }
}
