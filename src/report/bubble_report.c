#include "bubble_reporter.h"

#include <stdlib.h>

#include "output.h"

static const char *const aims[] = {
    [BUBBLE_DIRECT] = "direct",
    [BUBBLE_INDIRECT] = "indirect",
    [BUBBLE_GIVEN] = "given",
};

static const char *const verdicts[] = {
    [BUBBLE_SENT] = "sent",
    [BUBBLE_ANSWERED] = "answered",
    [BUBBLE_UNANSWERED] = "unanswered",
    [BUBBLE_INTERRUPTED] = "interrupted",
    [BUBBLE_NOT_SENT] = "not_sent",
    [BUBBLE_SHOWN] = "shown",
    [BUBBLE_WRITTEN] = "written",
};

const char *bubble_aim_code(enum bubble_aim aim)
{
    return aims[aim];
}

const char *bubble_verdict_code(enum bubble_verdict verdict)
{
    return verdicts[verdict];
}

struct bubble_report *bubble_report_new(const struct bubble_report_config *config)
{
    struct bubble_report *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->config = *config;
    if (config->format == REPORT_JSON) {
        r->packets = json_array();
        r->replies = json_array();
        r->icmp = json_array();
    }
    return r;
}

void bubble_report_packet(struct bubble_report *r, const struct bubble_packet *p)
{
    if (r->config.verbose)
        bubble_text_tree(r, r->config.err, true, &p->captured_packet);
    if (r->config.format == REPORT_TEXT)
        bubble_text_packet(r, p);
    else
        bubble_json_packet(r, p);
}

void bubble_report_reply(struct bubble_report *r, const struct bubble_reply *reply)
{
    if (r->config.format == REPORT_TEXT)
        bubble_text_reply(r, reply);
    else
        bubble_json_reply(r, reply);
    if (r->config.verbose)
        bubble_text_tree(r, r->config.err, true, &reply->captured_packet);
}

void bubble_report_icmp(struct bubble_report *r, const struct bubble_icmp *icmp)
{
    if (r->config.format == REPORT_TEXT)
        bubble_text_icmp(r, icmp);
    else
        bubble_json_icmp(r, icmp);
}

void bubble_report_summary(struct bubble_report *r, const struct bubble_summary *s)
{
    if (r->config.format == REPORT_TEXT)
        bubble_text_summary(r, s);
    else
        bubble_json_summary(r, s);
}

int bubble_report_close(struct bubble_report *r, struct error *error)
{
    FILE *out = r->config.out;

    json_decref(r->packets);
    json_decref(r->replies);
    json_decref(r->icmp);
    free(r);
    return output_finish(out, error);
}
