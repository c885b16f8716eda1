#include <stdlib.h>
#include <string.h>

#include "json_parts.h"
#include "json_reporter.h"

static void add_qualify_many(json_t *o, const struct qualify_many_summary *s)
{
    json_object_set_new(o, "servers", json_integer((json_int_t)s->servers));
    for (int i = 0; i < 3; i++)
        json_object_set_new(o, qualify_verdict_code((enum qualify_verdict)i),
                            json_integer((json_int_t)s->verdicts[i]));
    json_object_set_new(o, "bad_names", json_integer((json_int_t)s->bad_names));
    json_object_set_new(o, "left", json_integer((json_int_t)s->left));
    json_object_set_new(o, "solicitations", json_integer((json_int_t)s->solicitations));
    json_object_set_new(o, "elapsed_s", json_seconds(s->elapsed, true));
}

json_t *json_qualified_many(const struct reporter *r, const struct qualify_many_summary *s)
{
    json_t *o = json_start(r, "summary");

    add_qualify_many(o, s);
    return o;
}

static void print_member(const struct reporter *r, json_t *o)
{
    json_dumpf(o, r->config.out, JSON_REAL_PRECISION(12) | JSON_COMPACT);
    json_decref(o);
}

/* The pieces stand a line each. */
void json_list_add(struct reporter *r, const struct qualification *q)
{
    json_t *o = json_object();

    if (!r->list_open) {
        json_t *head = json_start(r, NULL);
        char *text = json_dumps(head, JSON_COMPACT);

        /* All but the brace that ends it. */
        fprintf(r->config.out, "%.*s,\"results\":[", (int)strlen(text) - 1, text);
        free(text);
        json_decref(head);
    }
    if (q != NULL) {
        json_object_set_new(o, "name", json_text(q->name));
        json_add_qualification(o, q);
        fputs(r->list_open ? ",\n" : "\n", r->config.out);
        print_member(r, o);
    } else {
        json_decref(o);
    }
    r->list_open = true;
}

void json_list_end(struct reporter *r, const struct qualify_many_summary *s)
{
    json_t *o = json_object();

    if (!r->list_open)
        json_list_add(r, NULL);
    fputs("\n],\"summary\":", r->config.out);
    add_qualify_many(o, s);
    print_member(r, o);
    fputs("}\n", r->config.out);
    r->list_open = false;
}

/* null where there is no such threshold */
static json_t *json_range(const struct check_range *range)
{
    return range->text != NULL ? json_text(range->text) : json_null();
}

json_t *json_checking(const struct reporter *r, const struct checking *c)
{
    json_t *o = json_start(r, "verdict");
    json_t *relay = json_object(), *qualification = json_object();

    json_object_set_new(o, "status", json_string(check_status_code(c->status)));
    json_object_set_new(o, "cause", json_string(check_cause_code(c->cause)));
    json_object_set_new(o, "name", json_text(c->name));
    json_object_set_new(o, "server", json_endpoint(c->qualification.server));
    json_object_set_new(o, "rtt_s", json_seconds(c->qualification.rtt, c->qualification.rtt > 0));
    json_object_set_new(o, "warning", json_range(&c->warning));
    json_object_set_new(o, "critical", json_range(&c->critical));
    json_object_set_new(relay, "state", json_string(relay_state_code(c->relay)));
    json_object_set_new(relay, "sent", json_integer(c->relay_sent));
    json_object_set_new(relay, "rtt_s", json_seconds(c->relay_rtt, c->relay_rtt > 0));
    json_object_set_new(o, "relay", relay);
    json_add_qualification(qualification, &c->qualification);
    json_object_set_new(o, "qualification", qualification);
    json_object_set_new(o, "elapsed_s", json_seconds(c->elapsed, true));
    return o;
}
