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

static void text_rejected(const struct reporter *r, const struct event *e)
{
    const struct rule_text *rule = ra_rule_text(e->rejected.rule);
    char from[ENDPOINT_STRLEN];

    /* A plugin's standard error ends up in front of people who asked for one line. */
    if (r->config.quiet || (strcmp(r->config.command, "check") == 0 && !r->config.verbose))
        return;
    fprintf(r->config.err, "teredoctl %s: reply from %s not believed: rule %s (%s): %s",
            r->config.command, endpoint_format(e->rejected.from, from), rule->name, rule->rfc,
            rule->text);
    if (e->rejected.fault.reason != WIRE_OK)
        fprintf(r->config.err, " [%s at byte %zu]", wire_reason_code(e->rejected.fault.reason),
                e->rejected.fault.offset);
    fputc('\n', r->config.err);
}

static void text_mapping_changed(const struct reporter *r, const struct event *e)
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

static void text_server_lost(const struct reporter *r, const struct event *e)
{
    if (!r->config.quiet)
        fprintf(r->config.err, "teredoctl %s: warning: the server no longer answers: %s\n",
                r->config.command, qualify_reason_text(e->qualification.reason));
}

static void text_listened(const struct reporter *r, const struct event *e)
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

void text_emit(struct reporter *r, const struct event *e)
{
    switch (e->kind) {
    case EVENT_REJECTED:
        text_rejected(r, e);
        break;
    case EVENT_QUALIFICATION:
        if (e->qualification.captured)
            text_captured_qualification(r, &e->qualification);
        else
            text_qualification(r, &e->qualification);
        break;
    case EVENT_STEP:
        text_step(r, e);
        break;
    case EVENT_NOTE:
        text_note(r, e);
        break;
    case EVENT_PUNCHING:
        if (e->punching.side != SIDE_SELF)
            text_captured_punch(r, &e->punching);
        else
            text_punching(r, &e->punching);
        break;
    case EVENT_PEER:
        text_peer(r, e);
        break;
    case EVENT_MAPPING_CHANGED:
        text_mapping_changed(r, e);
        break;
    case EVENT_SERVER_LOST:
        text_server_lost(r, e);
        break;
    case EVENT_LISTENED:
        text_listened(r, e);
        break;
    case EVENT_PROGRESS:
        break; /* the status line tells it */
    case EVENT_CLASSIFICATION:
        text_classification(r, e->classification);
        break;
    case EVENT_CLOCK:
        text_clock(r, e);
        break;
    case EVENT_PASSIVE:
        text_passive(r, &e->passive);
        break;
    case EVENT_QUALIFIED_MANY:
        text_qualified_many(r, &e->qualified_many);
        break;
    case EVENT_CHECKING:
        text_checking(r, &e->checking);
        break;
    }
}
