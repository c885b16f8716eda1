#include <inttypes.h>
#include <string.h>

#include "reporter.h"
#include "words.h"

static const char *const mood_colors[] = {"\033[1;32m", "\033[1;31m", "\033[1;33m"};

void text_word(const struct reporter *r, int mood, const char *word, int width)
{
    if (r->config.color)
        fprintf(r->config.out, "%s%-*s\033[0m", mood_colors[mood], width, word);
    else
        fprintf(r->config.out, "%-*s", width, word);
}

void text_verdict(const struct reporter *r, int mood, const char *word, const char *sentence)
{
    text_word(r, mood, word, 0);
    fprintf(r->config.out, ": %s\n", sentence);
}

void text_advice(const struct reporter *r, const char *advice)
{
    if (advice[0] != '\0' && !r->config.quiet)
        fprintf(r->config.out, "  try: %s\n", advice);
}

static void text_rejected(struct reporter *r, const struct event *e)
{
    const struct wording *rule = &ra_rules.list[e->rejected.rule];
    char from[ENDPOINT_STRLEN];

    /* A plugin's standard error ends up in front of people who asked for one line. */
    if (r->config.quiet || (r->config.verdict == EVENT_CHECKING && !r->config.verbose))
        return;
    fprintf(r->config.err, "teredoctl %s: reply from %s not believed: rule %s (%s): %s",
            r->config.command, endpoint_format(e->rejected.from, from), rule->code, rule->rfc,
            rule->text);
    if (e->rejected.fault.reason != WIRE_OK)
        fprintf(r->config.err, " [%s at byte %zu]", wire_reason_code(e->rejected.fault.reason),
                e->rejected.fault.offset);
    fputc('\n', r->config.err);
}

static void text_mapping_changed(struct reporter *r, const struct event *e)
{
    char before[ENDPOINT_STRLEN], after[ENDPOINT_STRLEN], address[INET6_ADDRSTRLEN];
    char when[RFC3339_STRLEN];

    fprintf(r->config.out, "%s  mapping changed: %s is now %s\n%s\n", words_time(e->when, when),
            endpoint_format(e->mapping.before, before), endpoint_format(e->mapping.after, after),
            words_ip6(&e->mapping.address, address));
    if (!r->config.quiet)
        fprintf(
            r->config.err,
            "teredoctl %s: warning: the NAT mapping has changed; peers must use the new address\n",
            r->config.command);
}

static void text_server_lost(struct reporter *r, const struct event *e)
{
    if (!r->config.quiet)
        fprintf(r->config.err, "teredoctl %s: warning: the server no longer answers: %s\n",
                r->config.command, text_of(&qualify_reasons, e->qualification.reason));
}

static void text_listened(struct reporter *r, const struct event *e)
{
    fprintf(r->config.out,
            "%u peer%s reached us: %u bubble%s received, %u sent, %u echo request%s answered, "
            "%u packet%s ignored, %u mapping change%s, in %.1f s\n",
            e->listened.peers, e->listened.peers == 1 ? "" : "s", e->listened.bubbles_received,
            e->listened.bubbles_received == 1 ? "" : "s", e->listened.bubbles_sent,
            e->listened.echoes, e->listened.echoes == 1 ? "" : "s", e->listened.ignored,
            e->listened.ignored == 1 ? "" : "s", e->listened.mapping_changes,
            e->listened.mapping_changes == 1 ? "" : "s", nsec_seconds(e->listened.elapsed));
}

static void text_server_ready(struct reporter *r, const struct event *e)
{
    char primary[ENDPOINT_STRLEN], secondary[ENDPOINT_STRLEN];

    fprintf(r->config.out, "ready: %s, secondary %s\n",
            endpoint_format(e->serving->primary, primary),
            endpoint_format(e->serving->secondary, secondary));
}

static void text_server_counters(struct reporter *r, const struct event *e)
{
    const struct serving *s = e->serving;

    fprintf(r->config.out,
            "received %" PRIu64 ": advertised %" PRIu64 ", relayed %" PRIu64 ", echoed %" PRIu64
            ", dropped %" PRIu64 "; not sent %" PRIu64 "; in %.1f s\n",
            s->received, s->replies[SERVER_ADVERTISED], s->replies[SERVER_RELAYED],
            s->replies[SERVER_ECHOED], serving_dropped(s), s->send_failed,
            nsec_seconds(s->elapsed));
    for (int i = SERVER_ACCEPTED + 1; i < SERVER_DROP_COUNT; i++)
        if (s->drops[i] > 0)
            fprintf(r->config.out, "dropped %" PRIu64 " %s: %s (%s)\n", s->drops[i],
                    server_drops.list[i].code, server_drops.list[i].text, server_drops.list[i].rfc);
}

static void text_any_qualification(struct reporter *r, const struct event *e)
{
    if (e->qualification.captured)
        text_captured_qualification(r, &e->qualification);
    else
        text_qualification(r, &e->qualification);
}

static void text_any_punching(struct reporter *r, const struct event *e)
{
    if (e->punching.side != SIDE_SELF)
        text_captured_punch(r, &e->punching);
    else
        text_punching(r, &e->punching);
}

/* Progress is told by the status line. */
const struct output output_text = {
    .event =
        {
            [EVENT_REJECTED] = text_rejected,
            [EVENT_QUALIFICATION] = text_any_qualification,
            [EVENT_STEP] = text_step,
            [EVENT_NOTE] = text_note,
            [EVENT_PUNCHING] = text_any_punching,
            [EVENT_PEER] = text_peer,
            [EVENT_MAPPING_CHANGED] = text_mapping_changed,
            [EVENT_SERVER_LOST] = text_server_lost,
            [EVENT_LISTENED] = text_listened,
            [EVENT_CLASSIFICATION] = text_classification,
            [EVENT_CLOCK] = text_clock,
            [EVENT_PASSIVE] = text_passive,
            [EVENT_QUALIFIED_MANY] = text_qualified_many,
            [EVENT_CHECKING] = text_checking,
            [EVENT_PACKET] = text_packet,
            [EVENT_FLOWS] = text_flows,
            [EVENT_ADDRESS] = text_address,
            [EVENT_BUBBLE_SENT] = text_bubble_sent,
            [EVENT_BUBBLE_REPLY] = text_bubble_reply,
            [EVENT_BUBBLE_ICMP] = text_bubble_icmp,
            [EVENT_BUBBLED] = text_bubbled,
            [EVENT_SERVER_READY] = text_server_ready,
            [EVENT_SERVER_COUNTERS] = text_server_counters,
            [EVENT_SERVED] = text_server_counters,
        },
};

void text_emit(struct reporter *r, const struct event *e)
{
    if (output_text.event[e->kind] != NULL)
        output_text.event[e->kind](r, e);
}
