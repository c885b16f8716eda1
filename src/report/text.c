#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "foreign.h"
#include "reporter.h"
#include "words.h"

static const char *const mood_colors[] = {
    [MOOD_YES] = "\033[1;32m", [MOOD_NO] = "\033[1;31m", [MOOD_UNSURE] = "\033[1;33m"};

static void put_word(const struct reporter *r, enum mood mood, const char *word, int width)
{
    if (r->config.color)
        fprintf(r->config.out, "%s%-*s\033[0m", mood_colors[mood], width, word);
    else
        fprintf(r->config.out, "%-*s", width, word);
}

void text_word(const struct reporter *r, const struct words *verdicts, unsigned verdict, int width)
{
    char word[64];

    words_of_code(code_of(verdicts, verdict), word, sizeof word);
    put_word(r, mood_of(verdicts, verdict), word, width);
}

void text_verdict(const struct reporter *r, enum mood mood, const char *word, const char *sentence)
{
    put_word(r, mood, word, 0);
    fprintf(r->config.out, ": %s\n", sentence);
}

void text_line(const struct reporter *r, const char *name, const char *format, ...)
{
    va_list args;

    fprintf(r->config.out, "  %-16s ", name);
    va_start(args, format);
    vfprintf(r->config.out, format, args);
    va_end(args);
    fputc('\n', r->config.out);
}

void text_advice(const struct reporter *r, const char *advice)
{
    if (advice[0] != '\0' && !r->config.quiet)
        fprintf(r->config.out, "  try: %s\n", advice);
}

static void verdict_line(const struct reporter *r, const struct words *verdicts, unsigned verdict,
                         const char *sentence)
{
    text_word(r, verdicts, verdict, 0);
    fprintf(r->config.out, ": %s\n", sentence);
}

int text_nat_word(enum qualify_nat nat, const char **word)
{
    *word = text_of(&qualify_nats, nat);
    /* Without the explanation behind the colon. */
    return (int)strcspn(*word, ":");
}

static const char *const rule_marks[] = {
    [RULE_UNTESTED] = "not seen",
    [RULE_OK] = "ok",
    [RULE_FAILED] = "FAILED",
    [RULE_NOT_APPLICABLE] = "not asked",
};

void text_foreign(const struct reporter *r, const char *text)
{
    bool shown;

    for (size_t length; *text != '\0'; text += length) {
        length = foreign_length(text, strnlen(text, 4), &shown);
        fwrite(shown ? text : "?", 1, shown ? length : 1, r->config.out);
    }
}

static void endpoint_line(const struct reporter *r, const char *name, struct endpoint e)
{
    char buf[ENDPOINT_STRLEN];

    if (!endpoint_is_unset(e))
        text_line(r, name, "%s", endpoint_format(e, buf));
}

static void rejected_lines(const struct reporter *r, const struct qualification *q)
{
    for (int i = 0; i < RULE_COUNT; i++)
        if (q->rejected[i] > 0)
            text_line(r, "not believed", "%u repl%s broke rule %s (%s)", q->rejected[i],
                      q->rejected[i] == 1 ? "y" : "ies", ra_rules.list[i].code,
                      ra_rules.list[i].rfc);
}

static void rule_lines(const struct reporter *r, const struct qualification *q)
{
    fprintf(r->config.out, "  rules of the router advertisement:\n");
    for (int i = 0; i < RULE_COUNT; i++) {
        const struct wording *rule = &ra_rules.list[i];

        fprintf(r->config.out, "    %-9s %-21s %-15s %s\n", rule_marks[q->rules[i]], rule->code,
                rule->rfc, rule->text);
    }
}

static void elsewhere_line(const struct reporter *r, const struct qualification *q)
{
    char from[ENDPOINT_STRLEN];

    if (endpoint_is_unset(q->answered_from))
        return;
    endpoint_format(q->answered_from, from);
    fprintf(r->config.out, "  the answer came from %s: try --secondary %s\n", from, from);
}

static void qualification_details(const struct reporter *r, const struct qualification *q)
{
    char buf[INET6_ADDRSTRLEN], icmp[ICMP_STRLEN];

    if (q->has_address)
        text_line(r, "teredo address", "%s", words_ip6(&q->teredo_address, buf));
    endpoint_line(r, "server", q->server);
    endpoint_line(r, "secondary", q->secondary);
    endpoint_line(r, "local", q->local);
    endpoint_line(r, "mapped", q->mapped);
    if (!endpoint_equal(q->mapped, q->mapped_secondary))
        endpoint_line(r, "mapped, 2nd", q->mapped_secondary);
    if (q->advertisements > 0) {
        text_line(r, "nat", "%s", text_of(&qualify_nats, q->nat));
        text_line(r, "prefix", "%s/64", words_ip6(&q->prefix, buf));
        if (q->mtu != 0)
            text_line(r, "mtu", "%u", q->mtu);
    }
    if (q->rtt > 0)
        text_line(r, "round trip", "%.3f ms", words_ms(q->rtt));
    text_line(r, "told after", "%.3f ms, %u solicitation%s sent", words_ms(q->elapsed),
              q->solicitations, q->solicitations == 1 ? "" : "s");
    if (q->has_icmp)
        text_line(r, "icmp", "%s", words_icmp(q->icmp, icmp));
    if (q->errnum != 0)
        text_line(r, "system", "%s", strerror(q->errnum));
}

/* Behind a listening or tracing run the qualification is not the result, but what leads to it. */
static void text_preamble(struct reporter *r, const struct qualification *q)
{
    char address[INET6_ADDRSTRLEN], mapped[ENDPOINT_STRLEN], server[ENDPOINT_STRLEN];
    const char *nat;
    int nat_length = text_nat_word(q->nat, &nat);
    struct endpoint seen = endpoint_is_unset(q->mapped) ? q->mapped_secondary : q->mapped;
    bool listening = r->config.verdict == EVENT_LISTENED;

    if (!q->has_address) {
        /* trace says it in its own verdict */
        if (listening) {
            verdict_line(r, &qualify_verdicts, q->verdict, text_of(&qualify_reasons, q->reason));
            if (!r->config.quiet)
                qualification_details(r, q);
            elsewhere_line(r, q);
            text_advice(r, qualification_advice(q));
        }
        return;
    }
    words_ip6(&q->teredo_address, address);
    if (listening)
        fprintf(r->config.out, "%s\n", address);
    else if (!r->config.quiet)
        fprintf(r->config.out, "from %s\n", address);
    if (!r->config.quiet)
        fprintf(r->config.out, "  mapped %s by server %s in %.3f ms; nat %.*s%s%s\n",
                endpoint_format(seen, mapped), endpoint_format(q->server, server), words_ms(q->rtt),
                nat_length, nat, r->config.timestamp_source != NULL ? "; times from " : "",
                r->config.timestamp_source != NULL ? r->config.timestamp_source : "");
    if (q->verdict != QUALIFY_QUALIFIED && !r->config.quiet)
        fprintf(r->config.err, "teredoctl %s: warning: %s\n", r->config.command,
                text_of(&qualify_reasons, q->reason));
}

/* One of several servers: a line, in columns as far as names are short. */
static void text_of_list(struct reporter *r, const struct qualification *q)
{
    char buf[ENDPOINT_STRLEN], rtt[32] = "-";
    struct endpoint seen = endpoint_is_unset(q->mapped) ? q->mapped_secondary : q->mapped;
    struct endpoint literal;
    const char *nat;
    int nat_length = text_nat_word(q->nat, &nat);

    if (q->rtt > 0)
        snprintf(rtt, sizeof rtt, "%.3f ms", words_ms(q->rtt));
    text_word(r, &qualify_verdicts, q->verdict, 13);
    fprintf(r->config.out, " %13s  ", rtt);
    text_foreign(r, q->name);
    if (!endpoint_is_unset(q->server) && !endpoint_parse(q->name, 1, &literal))
        fprintf(r->config.out, " (%s)", endpoint_format(q->server, buf));
    if (!endpoint_is_unset(seen))
        fprintf(r->config.out, "  mapped %s", endpoint_format(seen, buf));
    if (q->verdict == QUALIFY_QUALIFIED)
        fprintf(r->config.out, "  nat %.*s\n", nat_length, nat);
    else
        fprintf(r->config.out, "  %s\n", text_of(&qualify_reasons, q->reason));
    if (r->config.explain && q->solicitations > 0)
        rule_lines(r, q);
}

static void text_qualified_many(struct reporter *r, const struct event *e)
{
    const struct qualify_many_summary *s = &e->qualified_many;

    if (r->config.quiet)
        return;
    fprintf(r->config.out, "%zu server%s: %zu qualified, %zu not qualified", s->servers,
            s->servers == 1 ? "" : "s", s->verdicts[QUALIFY_QUALIFIED],
            s->verdicts[QUALIFY_NOT_QUALIFIED]);
    if (s->bad_names > 0)
        fprintf(r->config.out, " (%zu without an address)", s->bad_names);
    fprintf(r->config.out, ", %zu inconclusive", s->verdicts[QUALIFY_INCONCLUSIVE]);
    if (s->left > 0)
        fprintf(r->config.out, ", %zu left", s->left);
    fprintf(r->config.out, "; %llu solicitations in %.3f s\n", (unsigned long long)s->solicitations,
            nsec_seconds(s->elapsed));
}

static void own_qualification(struct reporter *r, const struct qualification *q)
{
    if (r->config.verdict == EVENT_CHECKING)
        return;
    if (r->config.verdict != EVENT_QUALIFICATION) {
        text_preamble(r, q);
        return;
    }
    if (q->name != NULL) {
        text_of_list(r, q);
        return;
    }
    verdict_line(r, &qualify_verdicts, q->verdict, text_of(&qualify_reasons, q->reason));
    if (r->config.quiet)
        return;
    qualification_details(r, q);
    rejected_lines(r, q);
    if (r->config.explain)
        rule_lines(r, q);
    elsewhere_line(r, q);
    text_advice(r, qualification_advice(q));
}

static void text_qualification(struct reporter *r, const struct event *e)
{
    if (e->qualification.captured)
        text_captured_qualification(r, &e->qualification);
    else
        own_qualification(r, &e->qualification);
}

/* "'label'=value[UOM];[warn];[crit];[min]" of the Monitoring Plugins' guidelines. */
static void perfdata(const struct reporter *r, const char *label, nsec value,
                     const struct check_range *warning, const struct check_range *critical)
{
    fprintf(r->config.out, " %s=%.6fs;%s;%s;0", label, nsec_seconds(value),
            warning != NULL && warning->text != NULL ? warning->text : "",
            critical != NULL && critical->text != NULL ? critical->text : "");
}

/* In seconds, as the range is. */
static void range_sentence(const struct reporter *r, nsec value, const struct check_range *range)
{
    fprintf(r->config.out, " answers in %.6f s, %s %s s", nsec_seconds(value),
            range->inside ? "inside of" : "outside of", range->text + (range->inside ? 1 : 0));
}

static void sentence(const struct reporter *r, const struct checking *c)
{
    const struct qualification *q = &c->qualification;
    char buf[ENDPOINT_STRLEN];
    bool answers = q->rtt > 0;

    text_foreign(r, endpoint_is_unset(q->server) ? c->name : endpoint_format(q->server, buf));
    if (answers && c->cause == CHECK_CAUSE_RTT)
        range_sentence(r, q->rtt, c->status == CHECK_CRITICAL ? &c->critical : &c->warning);
    else if (answers)
        fprintf(r->config.out, " answers in %.3f ms", words_ms(q->rtt));
    if (q->reason != QUALIFY_BOTH_AGREE)
        fprintf(r->config.out, "%s%s", answers ? ", " : ": ", text_of(&qualify_reasons, q->reason));
    if (c->relay != RELAY_UNTESTED)
        fprintf(r->config.out, ", %s", text_of(&relay_states, c->relay));
    else if (c->cause == CHECK_CAUSE_INTERRUPTED && q->reason != QUALIFY_INTERRUPTED)
        fputs(", interrupted", r->config.out);
    if (c->answered < c->asked)
        fprintf(r->config.out, ", %u of %u packets lost", c->asked - c->answered, c->asked);
    if (!endpoint_is_unset(q->mapped))
        fprintf(r->config.out, ", mapped %s", endpoint_format(q->mapped, buf));
}

static void text_checking(struct reporter *r, const struct event *e)
{
    const struct checking *c = &e->checking;

    fprintf(r->config.out, "TEREDO %s - ", text_of(&check_statuses, c->status));
    sentence(r, c);
    if (c->qualification.rtt > 0 || c->relay_rtt > 0)
        fputs(" |", r->config.out);
    if (c->qualification.rtt > 0)
        perfdata(r, "rtt", c->qualification.rtt, &c->warning, &c->critical);
    if (c->relay_rtt > 0)
        perfdata(r, "relay_rtt", c->relay_rtt, NULL, NULL);
    fputc('\n', r->config.out);
    if (!r->config.verbose)
        return;
    qualification_details(r, &c->qualification);
    text_line(r, "relay", "%s, %u bubble%s sent", text_of(&relay_states, c->relay), c->relay_sent,
              c->relay_sent == 1 ? "" : "s");
    if (c->asked > 0)
        text_line(r, "loss", "%u of %u", c->asked - c->answered, c->asked);
    if (c->odds >= 0)
        text_line(r, "odds", "that loss explains the silence: %.2g", c->odds);
    elsewhere_line(r, &c->qualification);
    text_advice(r, qualification_advice(&c->qualification));
}

/* True for a reply of a kind that was told already, or for which there is no room. */
static bool was_told(struct reporter *r, const struct event *e)
{
    struct rejected_reply *kind = r->rejected;

    for (unsigned i = 0; i < r->rejected_count; i++, kind++)
        if (kind->rule == e->rejected.rule && endpoint_equal(kind->from, e->rejected.from) &&
            kind->fault == e->rejected.fault.reason) {
            kind->again++;
            return true;
        }
    if (r->rejected_count == REPEATED_LINES) {
        r->rejected_untold++;
        return true;
    }
    *kind = (struct rejected_reply){
        .rule = e->rejected.rule, .from = e->rejected.from, .fault = e->rejected.fault.reason};
    r->rejected_count++;
    return false;
}

void text_rejected_again(struct reporter *r)
{
    char from[ENDPOINT_STRLEN];

    for (unsigned i = 0; i < r->rejected_count; i++) {
        const struct rejected_reply *kind = &r->rejected[i];

        if (kind->again > 0)
            fprintf(r->config.err, "teredoctl %s: %u more such repl%s from %s: rule %s\n",
                    r->config.command, kind->again, kind->again == 1 ? "y" : "ies",
                    endpoint_format(kind->from, from), ra_rules.list[kind->rule].code);
    }
    if (r->rejected_untold > 0)
        fprintf(r->config.err, "teredoctl %s: %u more replies were not believed\n",
                r->config.command, r->rejected_untold);
}

static void text_rejected(struct reporter *r, const struct event *e)
{
    const struct wording *rule = &ra_rules.list[e->rejected.rule];
    char from[ENDPOINT_STRLEN];

    /* A plugin's standard error ends up in front of people who asked for one line. */
    if (r->config.quiet || (r->config.verdict == EVENT_CHECKING && !r->config.verbose) ||
        was_told(r, e))
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

static void text_server_back(struct reporter *r, const struct event *e)
{
    if (!r->config.quiet)
        fprintf(r->config.err, "teredoctl %s: the server answers again, after %.1f s\n",
                r->config.command, nsec_seconds(e->back.silent));
}

/* On standard error in every format: a result it is not, and whoever reads the results alone has
 * counters. */
static void text_address_gone(struct reporter *r, const struct event *e)
{
    char address[ENDPOINT_STRLEN];

    if (!r->config.quiet)
        fprintf(r->config.err,
                "teredoctl %s: warning: this host no longer has the address of %s: nobody is "
                "served there\n",
                r->config.command, endpoint_format(e->gone, address));
}

static void text_address_back(struct reporter *r, const struct event *e)
{
    char address[ENDPOINT_STRLEN];

    if (!r->config.quiet)
        fprintf(r->config.err, "teredoctl %s: this host has the address of %s again\n",
                r->config.command, endpoint_format(e->gone, address));
}

static void text_left_out(struct reporter *r, const struct event *e)
{
    const struct left_out *left = &e->left_out;
    char when[RFC3339_STRLEN], of[32], like[48];

    if (r->config.quiet)
        return;
    fprintf(r->config.out, "%s  %" PRIu64 " more like this: %s%s%s\n", words_time(e->when, when),
            left->count, words_of_code(left->of, of, sizeof of), left->activity != NULL ? ", " : "",
            words_of_code(left->activity != NULL ? left->activity : "", like, sizeof like));
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

/* Progress is told by the status line. */
const struct output output_text = {
    .event =
        {
            [EVENT_REJECTED] = text_rejected,
            [EVENT_QUALIFICATION] = text_qualification,
            [EVENT_STEP] = text_step,
            [EVENT_NOTE] = text_note,
            [EVENT_PUNCHING] = text_punching,
            [EVENT_PEER] = text_peer,
            [EVENT_MAPPING_CHANGED] = text_mapping_changed,
            [EVENT_SERVER_LOST] = text_server_lost,
            [EVENT_SERVER_BACK] = text_server_back,
            [EVENT_ADDRESS_GONE] = text_address_gone,
            [EVENT_ADDRESS_BACK] = text_address_back,
            [EVENT_LEFT_OUT] = text_left_out,
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
