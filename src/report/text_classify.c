#include <string.h>

#include "evidence_words.h"
#include "reporter.h"
#include "words.h"

static const char *const depends_words[DEPENDS_COUNT] = {
    [DEPENDS_UNKNOWN] = "unknown",
    [DEPENDS_ENDPOINT_INDEPENDENT] = "endpoint-independent",
    [DEPENDS_ADDRESS] = "address-dependent",
    [DEPENDS_ADDRESS_AND_PORT] = "address and port-dependent",
    [DEPENDS_ENDPOINT] = "dependent on the address, perhaps on the port too",
};

/* The first evidence of a test, or NULL. */
static const struct classify_evidence *find(const struct classification *c, enum classify_test test)
{
    for (unsigned i = 0; i < c->evidence_count; i++)
        if (c->evidence[i].test == test)
            return &c->evidence[i];
    return NULL;
}

/* The first evidence that shows this, or NULL. */
static const struct classify_evidence *find_proof(const struct classification *c,
                                                  enum classify_proof proof)
{
    for (unsigned i = 0; i < c->evidence_count; i++)
        if (c->evidence[i].proof == proof)
            return &c->evidence[i];
    return NULL;
}

static void reachability(const struct reporter *r, const struct classification *c)
{
    if (c->rtt == 0) {
        text_line(r, "reachability", "%s", text_of(&classify_reaches, c->reach));
        return;
    }
    text_line(r, "reachability", "%s; round trip %.3f ms%s", text_of(&classify_reaches, c->reach),
              words_ms(c->rtt), c->interrupted ? "; interrupted" : "");
    if (c->references > 0)
        text_line(r, "loss", "%.0f %%: %u of %u controls came back",
                  100 - 100.0 * c->references_answered / c->references, c->references_answered,
                  c->references);
}

static void translation(const struct reporter *r, const struct classification *c)
{
    char local[ENDPOINT_STRLEN], mapped[ENDPOINT_STRLEN], router[IP4_STRLEN];

    if (c->translated == FINDING_NO)
        text_line(r, "translation", "none: the server sees %s as it is",
                  endpoint_format(c->local, local));
    else if (c->translated == FINDING_YES && !endpoint_is_unset(c->mapped))
        text_line(r, "translation", "%s is %s outside", endpoint_format(c->local, local),
                  endpoint_format(c->mapped, mapped));
    else
        text_line(r, "translation", "%s", c->translated == FINDING_YES ? "yes" : "unknown");
    if (c->shared_space_router != 0)
        text_line(r, "second NAT", "maybe: router %s on the way has a carrier's shared address",
                  ip4_format(c->shared_space_router, router));
    if (c->private_router != 0)
        text_line(r, "second NAT",
                  "maybe: router %s on the way, behind the first, has a private address",
                  ip4_format(c->private_router, router));
}

static void mapping(const struct reporter *r, const struct classification *c)
{
    const struct classify_evidence *e = find(c, TEST_MAPPING);
    const char *word = c->mapping < DEPENDS_COUNT ? depends_words[c->mapping] : "";
    char one[ENDPOINT_STRLEN], other[ENDPOINT_STRLEN];

    switch (c->mapping) {
    case DEPENDS_UNKNOWN:
        text_line(r, "mapping", "unknown: %s",
                  c->unsteady
                      ? "an external endpoint, or this host's own address, changed meanwhile"
                  : c->reach == REACH_BOTH ? "too much was lost to compare"
                                           : "nothing to compare with");
        return;
    case DEPENDS_ENDPOINT_INDEPENDENT:
        text_line(r, "mapping", "%s: both server addresses saw the same endpoint, of two ports",
                  depends_words[c->mapping]);
        return;
    case DEPENDS_ADDRESS:
    case DEPENDS_ADDRESS_AND_PORT:
    case DEPENDS_ENDPOINT:
    case DEPENDS_COUNT:
        break;
    }
    if (e == NULL || e->proof != PROVES_MAPPING_DEPENDENT)
        text_line(r, "mapping", "%s", word);
    else
        text_line(r, "mapping", "%s: the server addresses saw %s and %s", word,
                  endpoint_format(e->seen[0], one), endpoint_format(e->seen[1], other));
}

/* Why nothing is known of how it filters. */
static const char *why_no_filtering(const struct classification *c)
{
    if (c->reach == REACH_ONLY_PRIMARY)
        return "it takes answers from the server's second address, which gives none";
    if (c->reach == REACH_ONLY_SECONDARY)
        return "the server's primary address must answer";
    if (c->server_cone > SERVER_CONE_HONOURED)
        return c->server_relays == FINDING_NO
                   ? "this server answers no cone bit from its other address, and relays no bubbles"
                   : "this server answers no cone bit from its other address, and too little else "
                     "came back";
    if (c->server_relays == FINDING_NO)
        return "this server relays no bubbles, which a symmetric NAT takes";
    if (find(c, TEST_FILTER_ANY) == NULL)
        return "nothing could be tested";
    return c->server_cone == SERVER_CONE_HONOURED
               ? "two ports of the same test contradict each other, or too much was lost"
               : "no control came back often enough to tell a filter from loss";
}

/* What the server does not do as RFC 4380 has it. */
static void server(const struct reporter *r, const struct classification *c)
{
    char from[ENDPOINT_STRLEN];

    if (c->server_cone > SERVER_CONE_HONOURED)
        text_line(r, "server", "%s%s", text_of(&server_cones, c->server_cone),
                  c->server_relays == FINDING_YES  ? "; bubbles that it relays tell instead"
                  : c->server_relays == FINDING_NO ? "; and it relays no bubbles"
                                                   : "");
    if (c->rejected > 0)
        text_line(r, "not believed", "%u repl%s, the last from %s: rule %s (%s): %s", c->rejected,
                  c->rejected == 1 ? "y" : "ies", endpoint_format(c->rejected_from, from),
                  ra_rules.list[c->rejected_rule].code, ra_rules.list[c->rejected_rule].rfc,
                  ra_rules.list[c->rejected_rule].text);
}

/* The test that decided how it filters, in a few words. */
static void filtering(const struct reporter *r, const struct classification *c)
{
    const struct classify_evidence *any = find_proof(c, PROVES_NOT_ANYONE);
    const struct classify_evidence *port = find_proof(c, PROVES_NOT_ADDRESS);
    const char *word = depends_words[c->filtering];

    switch (c->filtering) {
    case DEPENDS_UNKNOWN:
        text_line(r, "filtering", "unknown: %s", why_no_filtering(c));
        break;
    case DEPENDS_ENDPOINT_INDEPENDENT:
        text_line(r, "filtering", "%s: an address that was never sent to got in", word);
        break;
    case DEPENDS_ADDRESS:
        text_line(r, "filtering", "%s: another port of an address that was sent to got in", word);
        break;
    case DEPENDS_ADDRESS_AND_PORT:
        text_line(r, "filtering", "%s: another port of the same address stayed out, %u times", word,
                  port != NULL ? port->paired : 0);
        break;
    case DEPENDS_ENDPOINT:
        text_line(r, "filtering", "%s: another address stayed out, %u times", word,
                  any != NULL ? any->paired : 0);
        break;
    case DEPENDS_COUNT:
        break;
    }
}

static void ports(const struct reporter *r, const struct classification *c)
{
    const struct classify_evidence *e = find(c, TEST_PORTS);

    switch (c->ports) {
    case PORTS_UNKNOWN:
        text_line(r, "port allocation", "unknown: no pattern was borne out");
        break;
    case PORTS_PRESERVING:
        text_line(r, "port allocation", "preserving: the external port is the local one");
        break;
    case PORTS_SEQUENTIAL:
        text_line(r, "port allocation", "sequential: each new mapping is %d further, seen in %u",
                  c->port_step, e != NULL ? e->port_count : 0);
        break;
    case PORTS_RANDOM:
        text_line(r, "port allocation", "random: no pattern in %u mappings",
                  e != NULL ? e->port_count : 0);
        break;
    case PORTS_NOT_APPLICABLE:
        break;
    }
    switch (c->pooling) {
    case POOLING_UNKNOWN:
    case POOLING_NOT_APPLICABLE:
        break;
    case POOLING_ONE_ADDRESS:
        text_line(r, "address pooling", "one external address for all %u mappings seen",
                  e != NULL ? e->port_count : 0);
        break;
    case POOLING_ARBITRARY:
        text_line(r, "address pooling",
                  "arbitrary: this host's ports have several external addresses");
        break;
    }
}

static void hairpinning(const struct reporter *r, const struct classification *c)
{
    const struct classify_evidence *e = find(c, TEST_HAIRPIN);

    switch (c->hairpinning) {
    case FINDING_YES:
        text_line(r, "hairpinning",
                  "yes: a bubble to an external endpoint of this host came back in");
        break;
    case FINDING_NO:
        text_line(r, "hairpinning",
                  "no: %u bubbles to external endpoints of this host did not come "
                  "back in",
                  e != NULL ? e->sent : 0);
        break;
    case FINDING_UNKNOWN:
        text_line(r, "hairpinning", "unknown: %s",
                  c->nat == NAT_NAME_SYMMETRIC ? "out of reach behind a symmetric NAT that filters"
                                               : "not borne out");
        break;
    case FINDING_NOT_APPLICABLE:
        break;
    }
}

static void trap(const struct reporter *r, const struct classification *c)
{
    const struct classify_evidence *e = find_proof(c, PROVES_MAPPED_ANEW);
    char before[ENDPOINT_STRLEN], after[ENDPOINT_STRLEN];

    if (c->trips == FINDING_YES && e != NULL)
        text_line(r, "trap",
                  "the NAT trips over what comes unasked: towards a sender that was first, %s "
                  "became %s",
                  endpoint_format(e->seen[0], before), endpoint_format(e->seen[1], after));
}

static const char *refresh_words(const struct mapping_lifetime *m)
{
    if (m->outbound_refreshes == FINDING_YES && m->inbound_refreshes == FINDING_YES)
        return "; traffic either way keeps it alive";
    if (m->outbound_refreshes == FINDING_YES && m->inbound_refreshes == FINDING_NO)
        return "; outbound traffic keeps it alive, inbound does not";
    if (m->outbound_refreshes == FINDING_YES)
        return "; outbound traffic keeps it alive";
    return m->inbound_refreshes == FINDING_YES ? "; inbound traffic keeps it alive" : "";
}

/* Bounds in tenths of a second, rounded so that they stay bounds. */
#define TENTH (NSEC_S / 10)

static double lower(nsec t)
{
    nsec tenths = t / TENTH;

    return (double)tenths / 10;
}

static double upper(nsec t)
{
    nsec tenths = (t + TENTH - 1) / TENTH;

    return (double)tenths / 10;
}

static void lifetime(const struct reporter *r, const struct classification *c)
{
    const struct mapping_lifetime *m = &c->lifetime;

    if (!m->asked)
        return;
    if (!m->measured)
        text_line(r, "lifetime", "not measured: %s",
                  c->interrupted ? "interrupted" : "the server's primary address must answer");
    else if (m->no_relay)
        text_line(r, "lifetime", "unknown: no bubble came back through this server");
    else if (m->at_most != NSEC_NEVER)
        text_line(r, "lifetime", "%.1f to %.1f s without traffic%s", lower(m->at_least),
                  upper(m->at_most), refresh_words(m));
    else if (m->at_least > 0)
        text_line(r, "lifetime", "at least %.1f s without traffic", lower(m->at_least));
    else
        text_line(r, "lifetime", "unknown");
}

static void error_odds(const struct reporter *r, const struct classification *c)
{
    if (c->error_odds <= 0)
        return;
    if (c->reach == REACH_NO_REPLY)
        text_line(r, "odds of error", "1 in %.0f, if at least one answer in four comes through",
                  1 / c->error_odds);
    else
        text_line(r, "odds of error", "1 in %.0f that loss made it miss an answer",
                  1 / c->error_odds);
}

static const char *const outcome_words[] = {
    [OUTCOME_UNKNOWN] = "unknown",
    [OUTCOME_DIRECT] = "direct, with RFC 4380 alone",
    [OUTCOME_DIRECT_FIRST] = "direct, with RFC 4380 alone,",
    [OUTCOME_EXTENSION] = "with",
    [OUTCOME_NO] = "no, without",
};

static void punching(const struct reporter *r, const struct classification *c)
{
    struct punch_prospect prospects[CLASSIFY_PEERS];
    char peer[64];

    punch_prospects(c, prospects);
    fprintf(r->config.out, "  punching to a peer whose NAT is\n");
    for (int i = 0; i < CLASSIFY_PEERS; i++)
        fprintf(r->config.out, "    %-21s %s%s%s\n",
                words_of_code(prospects[i].peer, peer, sizeof peer),
                outcome_words[prospects[i].outcome],
                prospects[i].needs[0] == '\0'             ? ""
                : prospects[i].outcome == OUTCOME_UNKNOWN ? ": "
                                                          : " ",
                prospects[i].needs);
}

static void evidence(const struct reporter *r, const struct classification *c)
{
    char buf[EVIDENCE_STRLEN], test[64];

    fprintf(r->config.out, "  evidence\n");
    for (unsigned i = 0; i < c->evidence_count; i++) {
        const struct classify_evidence *e = &c->evidence[i];

        fprintf(r->config.out, "    %-20s sent      %s\n",
                words_of_code(code_of(&classify_tests, e->test), test, sizeof test),
                evidence_sent(e, buf));
        fprintf(r->config.out, "%25sreceived  %s\n", "", evidence_received(e, buf));
        fprintf(r->config.out, "%25sproves    %s", "", text_of(&classify_proofs, e->proof));
        if (e->odds > 0 && e->answered == 0)
            fprintf(r->config.out, " (odds of loss instead: %.2g)", e->odds);
        fputc('\n', r->config.out);
    }
}

static void details(const struct reporter *r, const struct classification *c)
{
    char icmp[ICMP_STRLEN];

    reachability(r, c);
    server(r, c);
    if (c->references > 0) {
        translation(r, c);
        mapping(r, c);
        filtering(r, c);
        ports(r, c);
        hairpinning(r, c);
        trap(r, c);
        lifetime(r, c);
        text_line(r, "other names", "RFC 3489 %s; RFC 4380 %s; Windows %s", rfc3489_name(c),
                  rfc4380_name(c), netsh_name(c));
    }
    if (c->has_icmp)
        text_line(r, "icmp", "%s", words_icmp(c->icmp, icmp));
    if (c->errnum != 0)
        text_line(r, "system", "%s", strerror(c->errnum));
    error_odds(r, c);
    text_line(r, "told after", "%.3f ms, %u packets sent, %u received", words_ms(c->elapsed),
              c->sent, c->received);
    if (c->nat != NAT_NAME_UNKNOWN)
        punching(r, c);
}

void text_classification(struct reporter *r, const struct event *e)
{
    const struct classification *c = e->classification;
    char word[64];

    words_of_code(code_of(&nat_names, c->nat), word, sizeof word);
    text_verdict(r, mood_of(&classify_verdicts, c->verdict), word, classification_text(c));
    if (r->config.quiet)
        return;
    details(r, c);
    if (r->config.explain)
        evidence(r, c);
    text_advice(r, classification_advice(c));
}
