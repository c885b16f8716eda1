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

static void sentence(const struct reporter *r, const struct checking *c)
{
    const struct qualification *q = &c->qualification;
    char server[ENDPOINT_STRLEN], mapped[ENDPOINT_STRLEN];

    if (!endpoint_is_unset(q->server))
        fprintf(r->config.out, "%s: ", endpoint_format(q->server, server));
    else
        fprintf(r->config.out, "%s: ", c->name);
    if (c->cause == CHECK_CAUSE_RTT)
        fprintf(r->config.out, "round trip outside of %s, ",
                c->status == CHECK_CRITICAL ? c->critical.text : c->warning.text);
    if (c->cause == CHECK_CAUSE_RELAY)
        fprintf(r->config.out, "%s, ", relay_state_text(c->relay));
    if (c->cause == CHECK_CAUSE_INTERRUPTED && q->reason != QUALIFY_INTERRUPTED)
        fprintf(r->config.out, "interrupted, ");
    fprintf(r->config.out, "%s", qualify_reason_text(q->reason));
    if (!endpoint_is_unset(q->mapped))
        fprintf(r->config.out, ", mapped %s", endpoint_format(q->mapped, mapped));
    if (q->rtt > 0)
        fprintf(r->config.out, ", round trip %.3f ms", words_ms(q->rtt));
    if (c->relay == RELAY_WORKS)
        fprintf(r->config.out, ", %s", relay_state_text(c->relay));
}

void text_checking(struct reporter *r, const struct checking *c)
{
    fprintf(r->config.out, "TEREDO %s - ", check_status_word(c->status));
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
    fprintf(r->config.out, "  %-16s %s, %u bubble%s sent\n", "relay", relay_state_text(c->relay),
            c->relay_sent, c->relay_sent == 1 ? "" : "s");
    text_advice(r, qualify_reason_advice(c->qualification.reason));
}
