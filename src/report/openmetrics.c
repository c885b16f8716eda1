/* OpenMetrics, in the part of it that is also the Prometheus text format: gauges, the samples of a
 * family together, and an end that is a comment to those who do not know it. */
#include <stdlib.h>
#include <string.h>

#include "foreign.h"
#include "reporter.h"

enum family {
    QUALIFIED,
    QUALIFICATION_INFO,
    QUALIFICATION_DURATION,
    RTT,
    SOLICITATIONS,
    REJECTED_REPLIES,
    ADVERTISED_MTU,
    CHECK_STATUS,
    RELAY_WORKING,
    RELAY_RTT,
    NAT_CLASSIFIED,
    NAT_INFO,
    NAT_LIFETIME,
    SERVERS,
    LAST_RUN,
    FAMILY_COUNT
};

struct family_words {
    const char *name;
    const char *help;
};

static const struct family_words families[FAMILY_COUNT] = {
    [QUALIFIED] = {"teredo_qualified",
                   "Whether the qualification with the Teredo server succeeded (RFC 4380 5.2.1)."},
    [QUALIFICATION_INFO] = {"teredo_qualification_info",
                            "What came of the qualification; always 1."},
    [QUALIFICATION_DURATION] = {"teredo_qualification_duration_seconds",
                                "Time from the first solicitation to the verdict."},
    [RTT] = {"teredo_rtt_seconds", "Round-trip time to the Teredo server."},
    [SOLICITATIONS] = {"teredo_solicitations", "Router solicitations that the run sent."},
    [REJECTED_REPLIES] = {"teredo_rejected_replies", "Replies that broke a rule."},
    [ADVERTISED_MTU] = {"teredo_advertised_mtu_bytes", "MTU that the Teredo server advertises."},
    [CHECK_STATUS] = {"teredo_check_status", "0 ok, 1 warning, 2 critical, 3 unknown."},
    [RELAY_WORKING] = {"teredo_relay_working",
                       "Whether the Teredo server relays bubbles (RFC 4380 5.3.1)."},
    [RELAY_RTT] = {"teredo_relay_rtt_seconds",
                   "Round-trip time of a bubble that the Teredo server relayed to its sender."},
    [NAT_CLASSIFIED] = {"teredo_nat_classified",
                        "Whether mapping and filtering of the NAT are known (RFC 4787)."},
    [NAT_INFO] = {"teredo_nat_info", "What kind of NAT stands in the way; always 1."},
    [NAT_LIFETIME] = {"teredo_nat_mapping_lifetime_seconds",
                      "Bounds of the time that a mapping lives without traffic."},
    [SERVERS] = {"teredo_servers", "Servers of the run, by verdict."},
    [LAST_RUN] = {"teredo_last_run_timestamp_seconds", "When the verdict was known."},
};

struct metrics {
    FILE *streams[FAMILY_COUNT]; /* NULL = no sample yet */
    char *texts[FAMILY_COUNT];
    size_t sizes[FAMILY_COUNT];
};

static void put_label(FILE *out, const char *name, const char *value)
{
    bool shown;

    fprintf(out, "%s=\"", name);
    for (size_t length; *value != '\0'; value += length) {
        length = foreign_length(value, strnlen(value, 4), &shown);
        if (*value == '\n')
            fputs("\\n", out);
        else if (!shown)
            fputc('?', out);
        else if (*value == '"' || *value == '\\')
            fprintf(out, "\\%c", *value);
        else
            fwrite(value, 1, length, out);
    }
    fputc('"', out);
}

static void add_label(FILE *out, const char *name, const char *value)
{
    if (out == NULL || value == NULL)
        return;
    fputc(',', out);
    put_label(out, name, value);
}

/* Begins a sample with what tells it from those of other files: the command and, unless that is
 * NULL, the server. The caller adds labels and ends it with put_value. NULL if memory is out. */
static FILE *begin(struct reporter *r, enum family family, const char *server)
{
    struct metrics *m = r->metrics;

    if (m == NULL && (m = r->metrics = calloc(1, sizeof *m)) == NULL)
        return NULL;
    if (m->streams[family] == NULL)
        m->streams[family] = open_memstream(&m->texts[family], &m->sizes[family]);
    if (m->streams[family] == NULL)
        return NULL;
    fprintf(m->streams[family], "%s{", families[family].name);
    put_label(m->streams[family], "command", r->config.command);
    if (server != NULL)
        add_label(m->streams[family], "server", server);
    return m->streams[family];
}

static void put_value(FILE *out, double value)
{
    if (out != NULL)
        fprintf(out, "} %.15g\n", value);
}

static void sample(struct reporter *r, enum family family, const char *server, double value)
{
    put_value(begin(r, family, server), value);
}

static unsigned rejected_replies(const struct qualification *q)
{
    unsigned n = 0;

    for (int i = 0; i < RULE_COUNT; i++)
        n += q->rejected[i];
    return n;
}

static void put_qualification(struct reporter *r, const struct qualification *q, const char *server)
{
    char mapped[IP4_STRLEN];
    struct endpoint seen = endpoint_is_unset(q->mapped) ? q->mapped_secondary : q->mapped;
    FILE *out;

    sample(r, QUALIFIED, server, q->verdict == QUALIFY_QUALIFIED);
    out = begin(r, QUALIFICATION_INFO, server);
    add_label(out, "verdict", code_of(&qualify_verdicts, q->verdict));
    add_label(out, "reason", code_of(&qualify_reasons, q->reason));
    add_label(out, "nat", code_of(&qualify_nats, q->nat));
    add_label(out, "mapped_address",
              endpoint_is_unset(seen) ? "" : ip4_format(seen.address, mapped));
    put_value(out, 1);
    sample(r, QUALIFICATION_DURATION, server, nsec_seconds(q->elapsed));
    if (q->rtt > 0)
        sample(r, RTT, server, nsec_seconds(q->rtt));
    sample(r, SOLICITATIONS, server, q->solicitations);
    sample(r, REJECTED_REPLIES, server, rejected_replies(q));
    if (q->advertisements > 0 && q->mtu != 0)
        sample(r, ADVERTISED_MTU, server, q->mtu);
}

static void put_checking(struct reporter *r, const struct checking *c)
{
    put_qualification(r, &c->qualification, c->name);
    sample(r, CHECK_STATUS, c->name, c->status);
    if (c->relay != RELAY_UNTESTED)
        sample(r, RELAY_WORKING, c->name, c->relay == RELAY_WORKS);
    if (c->relay_rtt > 0)
        sample(r, RELAY_RTT, c->name, nsec_seconds(c->relay_rtt));
}

static void put_bound(struct reporter *r, const char *server, const char *bound, nsec value)
{
    FILE *out = begin(r, NAT_LIFETIME, server);

    add_label(out, "bound", bound);
    put_value(out, nsec_seconds(value));
}

static void put_classification(struct reporter *r, const struct classification *c,
                               const char *server)
{
    FILE *out;

    sample(r, NAT_CLASSIFIED, server, c->verdict == CLASSIFY_CLASSIFIED);
    out = begin(r, NAT_INFO, server);
    add_label(out, "verdict", code_of(&classify_verdicts, c->verdict));
    add_label(out, "reach", code_of(&classify_reaches, c->reach));
    add_label(out, "nat", code_of(&nat_names, c->nat));
    add_label(out, "mapping", code_of(&nat_dependences, c->mapping));
    add_label(out, "filtering", code_of(&nat_dependences, c->filtering));
    put_value(out, 1);
    if (c->rtt > 0)
        sample(r, RTT, server, nsec_seconds(c->rtt));
    if (c->lifetime.measured && c->lifetime.at_least > 0)
        put_bound(r, server, "at_least", c->lifetime.at_least);
    if (c->lifetime.measured && c->lifetime.at_most != NSEC_NEVER)
        put_bound(r, server, "at_most", c->lifetime.at_most);
}

static void put_qualify_many(struct reporter *r, const struct qualify_many_summary *s)
{
    for (int i = 0; i < 3; i++) {
        FILE *out = begin(r, SERVERS, NULL);

        add_label(out, "verdict", code_of(&qualify_verdicts, (enum qualify_verdict)i));
        put_value(out, (double)s->verdicts[i]);
    }
}

static void tell_qualification(struct reporter *r, const struct event *e)
{
    const char *server = e->qualification.name != NULL ? e->qualification.name : r->config.server;

    /* check tells it in its own verdict. */
    if (r->config.verdict != EVENT_QUALIFICATION)
        return;
    put_qualification(r, &e->qualification, server);
    sample(r, LAST_RUN, server, nsec_seconds(e->when));
}

static void tell_checking(struct reporter *r, const struct event *e)
{
    put_checking(r, &e->checking);
    sample(r, LAST_RUN, e->checking.name, nsec_seconds(e->when));
}

static void tell_classification(struct reporter *r, const struct event *e)
{
    put_classification(r, e->classification, r->config.server);
    sample(r, LAST_RUN, r->config.server, nsec_seconds(e->when));
}

static void tell_qualified_many(struct reporter *r, const struct event *e)
{
    put_qualify_many(r, &e->qualified_many);
}

/* A family's samples stand together. */
static void end(struct reporter *r)
{
    struct metrics *m = r->metrics;

    for (int i = 0; m != NULL && i < FAMILY_COUNT; i++) {
        if (m->streams[i] == NULL)
            continue;
        fclose(m->streams[i]);
        fprintf(r->config.out, "# HELP %s %s\n# TYPE %s gauge\n", families[i].name,
                families[i].help, families[i].name);
        fwrite(m->texts[i], 1, m->sizes[i], r->config.out);
        free(m->texts[i]);
    }
    fputs("# EOF\n", r->config.out);
    free(m);
    r->metrics = NULL;
}

const struct output output_openmetrics = {
    .event =
        {
            [EVENT_QUALIFICATION] = tell_qualification,
            [EVENT_CHECKING] = tell_checking,
            [EVENT_CLASSIFICATION] = tell_classification,
            [EVENT_QUALIFIED_MANY] = tell_qualified_many,
        },
    .end = end,
};
