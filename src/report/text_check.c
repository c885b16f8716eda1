#include "reporter.h"
#include "words.h"

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

    fputs(endpoint_is_unset(q->server) ? c->name : endpoint_format(q->server, buf), r->config.out);
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
    if (!endpoint_is_unset(q->mapped))
        fprintf(r->config.out, ", mapped %s", endpoint_format(q->mapped, buf));
}

void text_checking(struct reporter *r, const struct event *e)
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
    text_qualification_details(r, &c->qualification);
    fprintf(r->config.out, "  %-16s %s, %u bubble%s sent\n", "relay",
            text_of(&relay_states, c->relay), c->relay_sent, c->relay_sent == 1 ? "" : "s");
    text_advice(r, advice_of(&qualify_reasons, c->qualification.reason));
}
