#include <jansson.h>
#include <string.h>

#include "json_parts.h"
#include "json_reporter.h"
#include "reporter.h"
#include "tsv.h"

enum {
    SCHEMA = 1
};

json_t *json_start(const struct reporter *r, const char *event)
{
    json_t *o = json_pack("{s:i, s:s}", "schema", SCHEMA, "command", r->config.command);

    if (r->config.format != REPORT_JSON)
        json_object_set_new(o, "event", json_string(event));
    if (r->config.round != 0) {
        json_object_set_new(o, "round", json_integer((json_int_t)r->config.round));
        json_object_set_new(o, "round_started", json_time(r->config.round_started));
    }
    return o;
}

static void print(const struct reporter *r, json_t *o)
{
    size_t flags = JSON_REAL_PRECISION(12) |
                   (r->config.format == REPORT_JSONL ? JSON_COMPACT : JSON_INDENT(2));

    if (r->config.format == REPORT_TSV) {
        tsv_row(r->config.out, r->config.command, o);
    } else {
        json_dumpf(o, r->config.out, flags);
        fputc('\n', r->config.out);
    }
    json_decref(o);
}

static json_t *json_checks(const struct qualification *q)
{
    json_t *checks = json_array();

    for (int i = 0; i < RULE_COUNT; i++) {
        const struct rule_text *rule = ra_rule_text((enum ra_rule)i);
        json_t *ok = q->rules[i] == RULE_OK       ? json_true()
                     : q->rules[i] == RULE_FAILED ? json_false()
                                                  : json_null();

        json_array_append_new(checks,
                              json_pack("{s:s, s:s, s:o, s:i}", "rule", rule->name, "rfc",
                                        rule->rfc, "ok", ok, "rejected", (int)q->rejected[i]));
    }
    return checks;
}

void json_add_qualification(json_t *o, const struct qualification *q)
{
    bool known = q->advertisements > 0;

    json_object_set_new(o, "verdict", json_string(qualify_verdict_code(q->verdict)));
    json_object_set_new(o, "reason", json_string(qualify_reason_code(q->reason)));
    json_object_set_new(o, "server", json_endpoint(q->server));
    json_object_set_new(o, "secondary", json_endpoint(q->secondary));
    json_object_set_new(o, "teredo_address",
                        q->has_address ? json_ip6(&q->teredo_address) : json_null());
    json_object_set_new(o, "prefix", known ? json_ip6(&q->prefix) : json_null());
    json_object_set_new(o, "local", json_endpoint(q->local));
    json_object_set_new(o, "mapped", json_endpoint(q->mapped));
    json_object_set_new(o, "mapped_secondary", json_endpoint(q->mapped_secondary));
    json_object_set_new(o, "nat", json_string(qualify_nat_code(q->nat)));
    json_object_set_new(o, "rtt_s", json_seconds(q->rtt, known && q->rtt > 0));
    json_object_set_new(o, "elapsed_s", json_seconds(q->elapsed, true));
    json_object_set_new(o, "mtu", known && q->mtu != 0 ? json_integer(q->mtu) : json_null());
    json_object_set_new(o, "icmp", json_icmp(q->has_icmp, q->icmp));
    json_object_set_new(o, "system_error",
                        q->errnum != 0 ? json_string(strerror(q->errnum)) : json_null());
    json_object_set_new(o, "checks", json_checks(q));
    json_object_set_new(o, "advice", json_string(qualify_reason_advice(q->reason)));
}

void json_add_step(json_t *o, enum punch_step step, const struct step_report *s, nsec origin)
{
    bool seen = s->state != STEP_MISSING;

    json_object_set_new(o, "step", json_integer((int)step + 1));
    json_object_set_new(o, "name", json_string(punch_step_code(step)));
    json_object_set_new(o, "state", json_string(step_state_code(s->state)));
    json_object_set_new(o, "when", seen ? json_time(s->when) : json_null());
    json_object_set_new(o, "offset_s", json_seconds(s->when - origin, seen));
    if (s->state == STEP_INFERRED)
        json_object_set_new(o, "latest_offset_s", json_seconds(s->latest - origin, true));
    json_object_set_new(o, "from", seen ? json_endpoint(s->from) : json_null());
    json_object_set_new(o, "to", seen ? json_endpoint(s->to) : json_null());
}

static json_t *json_steps(const struct punching *p)
{
    json_t *steps = json_array();
    nsec origin = p->steps[STEP_DIRECT_BUBBLE].when;

    for (int i = 0; i < STEP_COUNT; i++) {
        json_t *o = json_object();

        json_add_step(o, (enum punch_step)i, &p->steps[i], origin);
        json_array_append_new(steps, o);
    }
    return steps;
}

static void add_punching(const struct reporter *r, json_t *o, const struct punching *p)
{
    bool known = !endpoint_is_unset(p->mapped);

    json_object_set_new(o, "verdict", json_string(punch_verdict_code(p->verdict)));
    json_object_set_new(o, "cause", json_string(punch_cause_code(p->cause)));
    json_object_set_new(o, "text", json_string(punch_cause_text(p->cause)));
    json_object_set_new(o, "advice", json_string(punch_cause_advice(p->cause)));
    json_object_set_new(o, "peer", json_ip6(&p->peer));
    json_object_set_new(o, "peer_mapped", json_endpoint(p->peer_mapped));
    json_object_set_new(o, "peer_server", json_endpoint(p->peer_server));
    json_object_set_new(o, "server", json_endpoint(p->server));
    json_object_set_new(o, "local", json_endpoint(p->local));
    json_object_set_new(o, "mapped", json_endpoint(p->mapped));
    json_object_set_new(o, "teredo_address", known ? json_ip6(&p->own) : json_null());
    json_object_set_new(o, "nat", json_string(qualify_nat_code(p->own_nat)));
    json_object_set_new(o, "timestamp_source",
                        r->config.timestamp_source != NULL ? json_string(r->config.timestamp_source)
                                                           : json_null());
    json_object_set_new(o, "steps", json_steps(p));
    json_object_set_new(o, "proof", json_string(punch_proof_code(p->proof)));
    json_object_set_new(o, "answered_from", json_endpoint(p->answered_from));
    json_object_set_new(o, "unproven_from", json_endpoint(p->unproven_from));
    json_object_set_new(o, "attempts", json_integer(p->attempts));
    json_object_set_new(o, "indirect_answers", json_integer(p->indirect_answers));
    json_object_set_new(o, "peer_server_alive",
                        p->peer_server_alive     ? json_true()
                        : p->peer_server_checked ? json_false()
                                                 : json_null());
    json_object_set_new(o, "icmp", json_icmp(p->has_icmp, p->icmp));
    json_object_set_new(o, "rtt_s", json_seconds(p->rtt, p->rtt > 0));
    json_object_set_new(o, "elapsed_s", json_seconds(p->elapsed, true));
}

static json_t *rejected_object(const struct reporter *r, const struct event *e)
{
    json_t *o = json_start(r, "rejected");
    const struct rule_text *rule = ra_rule_text(e->rejected.rule);

    json_object_set_new(o, "when", json_time(e->when));
    json_object_set_new(o, "rule", json_string(rule->name));
    json_object_set_new(o, "rfc", json_string(rule->rfc));
    json_object_set_new(o, "from", json_endpoint(e->rejected.from));
    return o;
}

static json_t *step_object(const struct reporter *r, const struct event *e)
{
    json_t *o = json_start(r, "step");

    json_object_set_new(o, "attempt", json_integer(e->step.attempt));
    json_add_step(o, e->step.step, &e->step.report, e->step.report.when - e->step.offset);
    json_object_set_new(o, "proof",
                        e->step.step == STEP_ANSWER ? json_string(punch_proof_code(e->step.proof))
                                                    : json_null());
    return o;
}

static json_t *note_object(const struct reporter *r, const struct event *e)
{
    json_t *o = json_start(r, "note");
    bool icmp = e->note.note == NOTE_DIRECT_ICMP || e->note.note == NOTE_SERVER_ICMP;

    json_object_set_new(o, "when", json_time(e->when));
    json_object_set_new(o, "note", json_string(punch_note_code(e->note.note)));
    json_object_set_new(o, "attempt", json_integer(e->note.attempt));
    json_object_set_new(o, "offset_s", json_seconds(e->note.offset, true));
    json_object_set_new(o, "endpoint", json_endpoint(e->note.from));
    json_object_set_new(o, "icmp", json_icmp(icmp, e->note.icmp));
    return o;
}

static json_t *peer_object(const struct reporter *r, const struct event *e)
{
    json_t *o = json_start(r, "peer");

    json_object_set_new(o, "when", json_time(e->when));
    json_object_set_new(o, "activity", json_string(peer_activity_code(e->peer.activity)));
    json_object_set_new(o, "peer", json_ip6(&e->peer.peer));
    json_object_set_new(o, "endpoint", json_endpoint(e->peer.endpoint));
    json_object_set_new(o, "offset_s", json_seconds(e->peer.offset, true));
    return o;
}

static json_t *mapping_object(const struct reporter *r, const struct event *e)
{
    json_t *o = json_start(r, "mapping_changed");

    json_object_set_new(o, "when", json_time(e->when));
    json_object_set_new(o, "mapped_before", json_endpoint(e->mapping.before));
    json_object_set_new(o, "mapped", json_endpoint(e->mapping.after));
    json_object_set_new(o, "teredo_address", json_ip6(&e->mapping.address));
    return o;
}

static json_t *listened_object(const struct reporter *r, const struct event *e)
{
    json_t *o = json_start(r, "summary");

    json_object_set_new(o, "teredo_address", json_ip6(&r->qualification.teredo_address));
    json_object_set_new(o, "mapped", json_endpoint(r->qualification.mapped));
    json_object_set_new(o, "peers", json_integer(e->listened.peers));
    json_object_set_new(o, "bubbles_received", json_integer(e->listened.bubbles_received));
    json_object_set_new(o, "bubbles_sent", json_integer(e->listened.bubbles_sent));
    json_object_set_new(o, "echoes", json_integer(e->listened.echoes));
    json_object_set_new(o, "ignored", json_integer(e->listened.ignored));
    json_object_set_new(o, "mapping_changes", json_integer(e->listened.mapping_changes));
    json_object_set_new(o, "elapsed_s", json_seconds(e->listened.elapsed, true));
    return o;
}

static json_t *progress_object(const struct reporter *r, const struct event *e)
{
    json_t *o = json_start(r, "progress");

    json_object_set_new(o, "when", json_time(e->when));
    json_object_set_new(o, "phase", json_string(progress_phase_code(e->progress.phase)));
    json_object_set_new(o, "elapsed_s", json_seconds(e->progress.elapsed, true));
    json_object_set_new(o, "longest_s", json_seconds(e->progress.longest, true));
    json_object_set_new(o, "lifetime_s", json_bounds(e->progress.at_least, e->progress.at_most));
    return o;
}

static json_t *classification_object(const struct reporter *r, const struct classification *c)
{
    json_t *o = json_start(r, "verdict");

    json_add_classification(o, c);
    return o;
}

static json_t *qualification_object(const struct reporter *r, const struct qualification *q,
                                    const char *event)
{
    json_t *o = json_start(r, event);

    if (q->name != NULL)
        json_object_set_new(o, "name", json_text(q->name));
    json_add_qualification(o, q);
    return o;
}

static json_t *punching_object(const struct reporter *r, const struct punching *p)
{
    json_t *o = json_start(r, "verdict");

    add_punching(r, o, p);
    return o;
}

void jsonl_emit(struct reporter *r, const struct event *e)
{
    switch (e->kind) {
    case EVENT_REJECTED:
        print(r, rejected_object(r, e));
        break;
    case EVENT_QUALIFICATION:
        print(r, qualification_object(r, &e->qualification,
                                      strcmp(r->config.command, "qualify") == 0 ? "verdict"
                                                                                : "qualification"));
        break;
    case EVENT_STEP:
        print(r, step_object(r, e));
        break;
    case EVENT_NOTE:
        print(r, note_object(r, e));
        break;
    case EVENT_PUNCHING:
        print(r, punching_object(r, &e->punching));
        break;
    case EVENT_PEER:
        print(r, peer_object(r, e));
        break;
    case EVENT_MAPPING_CHANGED:
        print(r, mapping_object(r, e));
        break;
    case EVENT_SERVER_LOST:
        print(r, qualification_object(r, &e->qualification, "server_lost"));
        break;
    case EVENT_LISTENED:
        print(r, listened_object(r, e));
        break;
    case EVENT_PROGRESS:
        print(r, progress_object(r, e));
        break;
    case EVENT_CLASSIFICATION:
        print(r, classification_object(r, e->classification));
        break;
    case EVENT_QUALIFIED_MANY:
        print(r, json_qualified_many(r, &e->qualified_many));
        break;
    case EVENT_CHECKING:
        print(r, json_checking(r, &e->checking));
        break;
    case EVENT_CLOCK: /* json_captured_emit */
    case EVENT_PASSIVE:
        break;
    }
}

/* One object a run: the verdict alone. */
void json_emit(struct reporter *r, const struct event *e)
{
    switch (e->kind) {
    case EVENT_QUALIFICATION:
        if (e->qualification.name != NULL && r->config.format == REPORT_JSON) {
            json_list_add(r, &e->qualification);
            break;
        }
        /* listen ends here when it gets no address; trace says so in its own verdict. */
        if (strcmp(r->config.command, "qualify") == 0 ||
            (strcmp(r->config.command, "listen") == 0 && !e->qualification.has_address))
            print(r, qualification_object(r, &e->qualification, "verdict"));
        break;
    case EVENT_PUNCHING:
        print(r, punching_object(r, &e->punching));
        break;
    case EVENT_LISTENED:
        print(r, listened_object(r, e));
        break;
    case EVENT_CLASSIFICATION:
        print(r, classification_object(r, e->classification));
        break;
    case EVENT_QUALIFIED_MANY:
        /* Of the rows of a table each stands for itself. */
        if (r->config.format == REPORT_JSON)
            json_list_end(r, &e->qualified_many);
        break;
    case EVENT_CHECKING:
        print(r, json_checking(r, &e->checking));
        break;
    case EVENT_PROGRESS:
    case EVENT_REJECTED:
    case EVENT_STEP:
    case EVENT_NOTE:
    case EVENT_PEER:
    case EVENT_MAPPING_CHANGED:
    case EVENT_SERVER_LOST:
    case EVENT_CLOCK:
    case EVENT_PASSIVE:
        break;
    }
}
