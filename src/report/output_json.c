/* The formats json, an object a run, and jsonl, a line an event. */
#include <stdlib.h>

#include "json.h"
#include "reporter.h"

/* What a run tells of itself. Of line after line of the same kind it is put together but once. */
static void put_head(struct reporter *r, struct json_object *o)
{
    struct head *h = &r->head;
    size_t before = (size_t)(o->p - r->buffer.data);

    if (h->event == r->run.event && h->event != NULL) {
        json_put_members(o, h->text, h->size);
        return;
    }
    json_put_record(o, &run_record, NULL);
    h->size = (size_t)(o->p - r->buffer.data) - before;
    h->event = h->size <= sizeof h->text ? r->run.event : NULL;
    if (h->event != NULL)
        memcpy(h->text, r->buffer.data + before, h->size);
}

/* Puts an object of what E tells, with the keys of HEAD in front, where so many others are open. */
static void put_event_at(struct reporter *r, const struct event *e, const struct record_type *head,
                         enum json_layout layout, unsigned depth)
{
    const struct record_type *type = event_record(e);
    struct json_object o;

    r->run.event = type->event;
    /* What a run is about comes to a verdict; the same is one event of others, and leads to theirs.
     */
    if (e->kind == EVENT_QUALIFICATION && r->config.verdict == EVENT_QUALIFICATION)
        r->run.event = "verdict";
    if (layout == JSON_INDENTED)
        r->run.event = NULL;
    json_begin(&o, &r->buffer, &r->run, layout);
    o.depth = depth;
    if (head == &run_record)
        put_head(r, &o);
    else if (head != NULL)
        json_put_record(&o, head, NULL);
    json_put_record(&o, type, e);
    json_end(&o);
}

static void put_event(struct reporter *r, const struct event *e, const struct record_type *head,
                      enum json_layout layout)
{
    put_event_at(r, e, head, layout, 0);
}

static void put_line(struct reporter *r, const struct event *e)
{
    /* Only where it is asked for is a summary more than the end of the packets. */
    if (e->kind == EVENT_FLOWS && !reporter_is_result(r, e))
        return;
    put_event(r, e, &run_record, JSON_COMPACT);
    text_buffer_put(&r->buffer, "\n");
}

const struct output output_jsonl = {
    .event = {[0 ... EVENT_KINDS - 1] = put_line},
};

static void put_object(struct reporter *r, const struct event *e)
{
    put_event(r, e, &run_record, JSON_INDENTED);
    text_buffer_put(&r->buffer, "\n");
}

/* A run that may have any number of results writes its object as they come, an item a line: what
 * stands before the first one, and what the end owes from then on, however the run comes to it. */
struct list {
    const char *open;
    const char *close;
};

static const struct list captured_list = {"{\"schema\": 1, \"command\": \"trace\", \"events\": [\n",
                                          "\n]}\n"};
static const struct list packet_list = {
    "{\n  \"schema\": 1,\n  \"command\": \"decode\",\n  \"packets\": [\n", "\n  ]\n}\n"};
static const struct list address_list = {
    "{\n  \"schema\": 1,\n  \"command\": \"addr\",\n  \"results\": [\n",
    "\n  ],\n  \"verdict\": \""};

static void begin_item(struct reporter *r, const char *open, const char *close)
{
    text_buffer_put(&r->buffer, r->owed != NULL ? ",\n" : open);
    r->owed = close;
}

static void put_captured(struct reporter *r, const struct event *e)
{
    begin_item(r, captured_list.open, captured_list.close);
    put_event(r, e, &run_event_record, JSON_COMPACT);
}

static void put_rejected(struct reporter *r, const struct event *e)
{
    if (r->config.capture_count > 0)
        put_captured(r, e);
}

static void put_punching(struct reporter *r, const struct event *e)
{
    if (r->config.capture_count > 0)
        put_captured(r, e);
    else
        put_object(r, e);
}

/* All but the brace that ends it, and the list of qualifications with several servers. */
static void begin_results(struct reporter *r)
{
    struct json_object o;

    if (r->owed != NULL)
        return;
    r->run.event = NULL;
    json_begin(&o, &r->buffer, &r->run, JSON_COMPACT);
    json_put_record(&o, &run_record, NULL);
    json_put_raw(&o, "results", "[", 1);
    json_end(&o);
    r->buffer.size--;
}

static void put_qualification(struct reporter *r, const struct event *e)
{
    if (r->config.capture_count > 0) {
        put_captured(r, e);
    } else if (e->qualification.name != NULL) {
        begin_results(r);
        begin_item(r, "\n", "\n]}\n");
        put_event(r, e, NULL, JSON_COMPACT);
    } else if (reporter_is_result(r, e)) {
        put_object(r, e);
    }
}

static void put_qualified_many(struct reporter *r, const struct event *e)
{
    begin_results(r);
    text_buffer_put(&r->buffer, "\n],\"summary\":");
    put_event(r, e, NULL, JSON_COMPACT);
    text_buffer_put(&r->buffer, "}\n");
    r->owed = NULL;
}

static void put_result(struct reporter *r, const struct event *e, const struct list *list)
{
    if (!r->config.many) {
        put_object(r, e);
        return;
    }
    begin_item(r, list->open, list->close);
    text_buffer_put(&r->buffer, "    ");
    put_event(r, e, NULL, JSON_COMPACT);
}

static void put_packet(struct reporter *r, const struct event *e)
{
    put_result(r, e, &packet_list);
}

/* The summary itself, or the end of the packets. */
static void put_flows(struct reporter *r, const struct event *e)
{
    if (reporter_is_result(r, e))
        put_object(r, e);
    else if (r->owed == NULL) {
        text_buffer_put(&r->buffer, packet_list.open);
        r->owed = packet_list.close + 1; /* no line to end */
    }
}

static void put_address(struct reporter *r, const struct event *e)
{
    if (e->address->verdict > r->worst)
        r->worst = e->address->verdict;
    put_result(r, e, &address_list);
}

static void put_bubble(struct reporter *r, const struct event *e)
{
    struct text_buffer *list = &r->lists[e->kind - EVENT_BUBBLE_SENT];
    struct text_buffer out = r->buffer;

    text_buffer_put(list, list->size == 0 ? "[\n    " : ",\n    ");
    r->buffer = *list;
    put_event_at(r, e, NULL, JSON_INDENTED, 2);
    *list = r->buffer;
    r->buffer = out;
}

static void put_bubbled(struct reporter *r, const struct event *e)
{
    static const char *const keys[] = {"packets", "replies", "icmp_errors"};
    struct json_object o;

    r->run.event = NULL;
    json_begin(&o, &r->buffer, &r->run, JSON_INDENTED);
    json_put_record(&o, &run_record, NULL);
    json_put_record(&o, event_record(e), e);
    for (int i = 0; i < 3; i++) {
        struct text_buffer *list = &r->lists[i];

        text_buffer_put(list, list->size == 0 ? "[]" : "\n  ]");
        json_put_raw(&o, keys[i], list->data, list->size);
    }
    json_end(&o);
    text_buffer_put(&r->buffer, "\n");
}

/* One object a run is the summary: what comes before it is told on standard error. */
static void tell_beside(struct reporter *r, const struct event *e)
{
    struct report_config config = r->config;

    r->config.out = r->config.err;
    r->config.color = false;
    text_emit(r, e);
    r->config = config;
}

/* In the list of what captures show; elsewhere there are the counters of the summary. */
static void put_left_out(struct reporter *r, const struct event *e)
{
    if (r->config.capture_count > 0)
        put_captured(r, e);
}

static void end(struct reporter *r)
{
    if (r->owed != NULL)
        text_buffer_put(&r->buffer, r->owed);
    if (r->owed == address_list.close) {
        text_buffer_put(&r->buffer, code_of(&address_verdicts, r->worst));
        text_buffer_put(&r->buffer, "\"\n}\n");
    }
    for (int i = 0; i < 3; i++)
        free(r->lists[i].data);
}

const struct output output_json = {
    .event =
        {
            [EVENT_REJECTED] = put_rejected,     [EVENT_QUALIFICATION] = put_qualification,
            [EVENT_PUNCHING] = put_punching,     [EVENT_LISTENED] = put_object,
            [EVENT_CLASSIFICATION] = put_object, [EVENT_CLOCK] = put_captured,
            [EVENT_PASSIVE] = put_captured,      [EVENT_QUALIFIED_MANY] = put_qualified_many,
            [EVENT_CHECKING] = put_object,       [EVENT_PACKET] = put_packet,
            [EVENT_FLOWS] = put_flows,           [EVENT_ADDRESS] = put_address,
            [EVENT_BUBBLE_SENT] = put_bubble,    [EVENT_BUBBLE_REPLY] = put_bubble,
            [EVENT_BUBBLE_ICMP] = put_bubble,    [EVENT_BUBBLED] = put_bubbled,
            [EVENT_SERVER_READY] = tell_beside,  [EVENT_SERVER_COUNTERS] = tell_beside,
            [EVENT_SERVED] = put_object,         [EVENT_ADDRESS_GONE] = tell_beside,
            [EVENT_ADDRESS_BACK] = tell_beside,  [EVENT_LEFT_OUT] = put_left_out,
        },
    .end = end,
};
