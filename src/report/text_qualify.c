#include <string.h>

#include "reporter.h"
#include "words.h"

int text_nat_word(enum qualify_nat nat, const char **word)
{
    *word = text_of(&qualify_nats, nat);
    /* Without the explanation behind the colon. */
    return (int)strcspn(*word, ":");
}

static const char *const verdict_words[] = {
    [QUALIFY_QUALIFIED] = "qualified",
    [QUALIFY_NOT_QUALIFIED] = "not qualified",
    [QUALIFY_INCONCLUSIVE] = "inconclusive",
};

static const char *const rule_marks[] = {
    [RULE_UNTESTED] = "not seen",
    [RULE_OK] = "ok",
    [RULE_FAILED] = "FAILED",
    [RULE_NOT_APPLICABLE] = "not asked",
};

static void line(const struct reporter *r, const char *name, const char *value)
{
    fprintf(r->config.out, "  %-16s %s\n", name, value);
}

static void endpoint_line(const struct reporter *r, const char *name, struct endpoint e)
{
    char buf[ENDPOINT_STRLEN];

    if (!endpoint_is_unset(e))
        line(r, name, endpoint_format(e, buf));
}

static void rejected_lines(const struct reporter *r, const struct qualification *q)
{
    for (int i = 0; i < RULE_COUNT; i++)
        if (q->rejected[i] > 0)
            fprintf(r->config.out, "  %-16s %u repl%s broke rule %s (%s)\n", "not believed",
                    q->rejected[i], q->rejected[i] == 1 ? "y" : "ies", ra_rules.list[i].code,
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

void text_qualification_details(const struct reporter *r, const struct qualification *q)
{
    char buf[INET6_ADDRSTRLEN];

    if (q->has_address)
        line(r, "teredo address", words_ip6(&q->teredo_address, buf));
    endpoint_line(r, "server", q->server);
    endpoint_line(r, "secondary", q->secondary);
    endpoint_line(r, "local", q->local);
    endpoint_line(r, "mapped", q->mapped);
    if (!endpoint_equal(q->mapped, q->mapped_secondary))
        endpoint_line(r, "mapped, 2nd", q->mapped_secondary);
    if (q->advertisements > 0) {
        line(r, "nat", text_of(&qualify_nats, q->nat));
        fprintf(r->config.out, "  %-16s %s/64\n", "prefix", words_ip6(&q->prefix, buf));
        if (q->mtu != 0)
            fprintf(r->config.out, "  %-16s %u\n", "mtu", q->mtu);
    }
    if (q->rtt > 0)
        fprintf(r->config.out, "  %-16s %.3f ms\n", "round trip", words_ms(q->rtt));
    fprintf(r->config.out, "  %-16s %.3f ms, %u solicitation%s sent\n", "told after",
            words_ms(q->elapsed), q->solicitations, q->solicitations == 1 ? "" : "s");
    if (q->has_icmp) {
        char reporter[IP4_STRLEN];

        fprintf(r->config.out, "  %-16s %s, from %s\n", "icmp", icmp_error_text(q->icmp),
                ip4_format(q->icmp.reporter, reporter));
    }
    if (q->errnum != 0)
        line(r, "system", strerror(q->errnum));
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
            text_verdict(r, (int)q->verdict, verdict_words[q->verdict],
                         text_of(&qualify_reasons, q->reason));
            if (!r->config.quiet)
                text_qualification_details(r, q);
            text_advice(r, advice_of(&qualify_reasons, q->reason));
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
    text_word(r, (int)q->verdict, verdict_words[q->verdict], 13);
    fprintf(r->config.out, " %13s  %s", rtt, q->name);
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

void text_qualified_many(struct reporter *r, const struct event *e)
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

void text_qualification(struct reporter *r, const struct qualification *q)
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
    text_verdict(r, (int)q->verdict, verdict_words[q->verdict],
                 text_of(&qualify_reasons, q->reason));
    if (r->config.quiet)
        return;
    text_qualification_details(r, q);
    rejected_lines(r, q);
    if (r->config.explain)
        rule_lines(r, q);
    text_advice(r, advice_of(&qualify_reasons, q->reason));
}
