#include <string.h>

#include "reporter.h"
#include "words.h"

/* What a step proves when it is seen. */
static void step_meaning(const struct event *e, char *buf, size_t size)
{
    switch (e->step.step) {
    case STEP_DIRECT_BUBBLE:
        snprintf(buf, size, "direct bubble: opens our NAT for the peer");
        break;
    case STEP_INDIRECT_BUBBLE:
        snprintf(buf, size, "indirect bubble, through the peer's server");
        break;
    case STEP_FORWARDED:
        snprintf(buf, size, "forwarded by the server: inferred, unless bubble 1 got through");
        break;
    case STEP_ANSWER:
        snprintf(buf, size, "direct bubble from the peer: %s", proof_words[e->step.proof].own);
        break;
    case STEP_DATA:
        if (e->step.report.state == STEP_RECEIVED)
            snprintf(buf, size, "%s: data crosses, round trip %.3f ms",
                     e->step.by_bubble ? "our direct bubble is answered" : "echo reply",
                     words_ms(e->step.rtt));
        else
            snprintf(buf, size, "echo request");
        break;
    case STEP_COUNT:
        break;
    }
}

void text_step(struct reporter *r, const struct event *e)
{
    const struct step_report *s = &e->step.report;
    char from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN], meaning[96] = "", when[RFC3339_STRLEN];
    char path[2 * ENDPOINT_STRLEN + 4];

    if (r->config.quiet)
        return;
    if (!r->step_header) {
        fprintf(r->config.out, "step  offset ms  from > to\n");
        r->step_header = true;
    }
    step_meaning(e, meaning, sizeof meaning);
    snprintf(path, sizeof path, "%s > %s", endpoint_format(s->from, from),
             endpoint_format(s->to, to));
    if (s->state == STEP_INFERRED)
        fprintf(r->config.out, " %d  %6.3f-%.3f  %-45s %s\n", (int)e->step.step + 1,
                words_ms(e->step.offset), words_ms(e->step.offset + s->latest - s->when), path,
                meaning);
    else
        fprintf(r->config.out, " %d    %+10.3f  %-45s %s\n", (int)e->step.step + 1,
                words_ms(e->step.offset), path, meaning);
    if (r->config.verbose)
        fprintf(r->config.out, "                 %s\n", words_time(s->when, when));
}

void text_note(struct reporter *r, const struct event *e)
{
    FILE *out = r->config.out;
    char from[ENDPOINT_STRLEN];
    double offset = words_ms(e->note.offset);

    if (r->config.quiet)
        return;
    endpoint_format(e->note.from, from);
    fprintf(out, "      %+10.3f  ", offset);
    switch (e->note.note) {
    case NOTE_RETRANSMIT:
        fprintf(out, "no answer yet: bubble pair %u\n", e->note.attempt);
        break;
    case NOTE_INDIRECT_ANSWER:
        fprintf(out, "the peer lives: its answer came through our server, %s\n", from);
        break;
    case NOTE_UNPROVEN:
        fprintf(out, "an answer from %s, not the endpoint in the peer's address, without proof\n",
                from);
        break;
    case NOTE_DIRECT_ICMP:
        fprintf(out, "ICMP for the direct bubble to %s: %s\n", from, icmp_error_text(e->note.icmp));
        break;
    case NOTE_SERVER_ICMP:
        fprintf(out, "ICMP for the indirect bubble to %s: %s\n", from,
                icmp_error_text(e->note.icmp));
        break;
    case NOTE_SERVER_CHECK:
        fprintf(out, "%sasking the peer's server, %s, whether it lives\n",
                e->note.attempt > 0 ? "no answer: " : "", from);
        break;
    case NOTE_SERVER_ALIVE:
        fprintf(out, "the peer's server answers\n");
        break;
    }
}

static void missing_steps(const struct reporter *r, const struct punching *p)
{
    for (int i = 0; i < STEP_COUNT; i++) {
        if (i == STEP_DATA && p->steps[STEP_ANSWER].state == STEP_MISSING)
            continue;
        if (p->steps[i].state == STEP_MISSING ||
            (i == STEP_DATA && p->steps[i].state == STEP_SENT)) {
            fprintf(r->config.out, "  missing: step %d, %s\n", i + 1,
                    i == STEP_DATA ? "the echo reply" : text_of(&punch_steps, (enum punch_step)i));
            return;
        }
    }
}

static bool shows(const struct punching *p, enum punch_evidence evidence)
{
    return (p->evidence >> evidence & 1) != 0;
}

/* Endpoints that differ, or are the same, where the cause rests on that. */
static void text_endpoints(FILE *out, const struct punching *p)
{
    char from[ENDPOINT_STRLEN], mapped[ENDPOINT_STRLEN], there[ENDPOINT_STRLEN];

    endpoint_format(p->peer_mapped, mapped);
    if (p->cause == CAUSE_PEER_REMAPPED || p->cause == CAUSE_ANSWER_UNPROVEN) {
        struct endpoint e = p->cause == CAUSE_PEER_REMAPPED ? p->answered_from : p->unproven_from;

        fprintf(out,
                "  the answer came from %s, the peer's address says %s; it came in, so nothing on "
                "our side "
                "filters by address and port\n",
                endpoint_format(e, from), mapped);
    }
    if (p->cause == CAUSE_PEER_NAT_TRIPS && p->verdict == PUNCH_PUNCHED)
        fprintf(out,
                "  the answer came from %s, the peer's address says %s; from there came the answer "
                "to another port of ours, whose direct bubble stopped short of the peer's NAT\n",
                endpoint_format(p->answered_from, from), mapped);
    if (shows(p, EVIDENCE_PEER_MAPS_ANEW))
        fprintf(out, "  our server sees the peer at %s, the peer's address says %s\n",
                endpoint_format(p->peer_origin, from), mapped);
    if (p->cause == CAUSE_OWN_NAT_SYMMETRIC && !endpoint_is_unset(p->mapped_there))
        fprintf(out, "  our server sees us at %s, the peer's server at %s\n",
                endpoint_format(p->mapped, from), endpoint_format(p->mapped_there, there));
    if (p->cause == CAUSE_SAME_NAT ||
        (p->cause == CAUSE_PEER_SILENT && shows(p, EVIDENCE_SAME_ADDRESS)))
        fprintf(out, "  we are at %s outside, the peer is at %s%s\n",
                endpoint_format(p->mapped, from), mapped,
                p->cause == CAUSE_SAME_NAT
                    ? ""
                    : ": one NAT; if it does not hairpin, that alone would explain it");
}

/* What was lost, and whether that explains the silence. */
static void text_loss(FILE *out, const struct punching *p)
{
    unsigned lost = p->loss_asked - p->loss_answered;

    if (p->loss_asked == 0 || (lost == 0 && p->loss_odds < 0))
        return;
    fprintf(out, "  packets lost: %u of %u", lost, p->loss_asked);
    if (p->loss_odds >= 0 && p->loss_odds < 1e-9)
        fprintf(out, "; that loss explains the silence with odds below 1 in 1,000,000,000");
    else if (p->loss_odds >= 0)
        fprintf(out, "; that loss explains the silence with odds of 1 in %.0f", 1 / p->loss_odds);
    fputc('\n', out);
}

/* Data that crossed in bubbles alone. */
static void text_filtered_echo(FILE *out, const struct punching *p)
{
    if (shows(p, EVIDENCE_BUBBLE_REPLY) && !shows(p, EVIDENCE_ECHO_REPLY))
        fprintf(out, "  direct bubbles are answered, and echo requests are not: %s\n",
                shows(p, EVIDENCE_ECHO_SILENCE)
                    ? "echo is filtered at the peer, as Windows does unless told otherwise"
                    : "echo is filtered at the peer, or packets were lost");
}

/* Why our own server's answers were not believed. */
static void text_rejected(FILE *out, const struct punching *p)
{
    char from[ENDPOINT_STRLEN];

    if (!p->has_rejected)
        return;
    fprintf(out, "  the answer from %s broke this rule: it %s (%s)\n",
            endpoint_format(p->rejected_from, from), text_of(&ra_rules, p->rejected_rule),
            ra_rules.list[p->rejected_rule].rfc);
    if (p->rejected_rule == RULE_SOURCE_ENDPOINT && p->rejected_from.address != p->server.address)
        fprintf(out, "  the answer came from %s: try --secondary %s\n", from, from);
}

/* What the verdict says, and all that it rests on. */
static void own_findings(struct reporter *r, const struct punching *p)
{
    FILE *out = r->config.out;
    char icmp[ICMP_STRLEN];

    fprintf(out, "%s\n", text_of(&punch_causes, p->cause));
    if (r->config.quiet)
        return;
    if (p->verdict != PUNCH_PUNCHED && p->attempts > 0)
        missing_steps(r, p);
    if (p->cause == CAUSE_PEER_NAT_TRIPS && p->verdict != PUNCH_PUNCHED)
        fprintf(out, "  answers came through to another port of ours, from which the direct bubble "
                     "stopped short of the peer's NAT; none came to the port whose bubble went all "
                     "the way\n");
    text_endpoints(out, p);
    text_filtered_echo(out, p);
    text_rejected(out, p);
    if (p->has_icmp)
        fprintf(out, "  icmp: %s\n", words_icmp(p->icmp, icmp));
    if (p->errnum != 0)
        fprintf(out, "  system: %s\n", strerror(p->errnum));
    if ((p->cause == CAUSE_DIRECT_ANSWER_MISSING || p->cause == CAUSE_PEER_SILENT) &&
        p->own_nat == QUALIFY_NAT_SYMMETRIC)
        fprintf(out, "  our own NAT is symmetric: that alone would explain it, unless the "
                     "peer's NAT is cone or address-restricted\n");
    if (p->cause == CAUSE_PACKETS_LOST && p->peer_server_checked && !p->peer_server_alive &&
        p->indirect_answers == 0)
        fprintf(out, "  the peer's server does not answer our solicitations: it is dead, it wants "
                     "authentication, or packets are lost\n");
    text_loss(out, p);
    text_advice(r, advice_of(&punch_causes, p->cause));
}

void text_punch_findings(struct reporter *r, const struct event *e)
{
    if (e->punching.side != SIDE_SELF)
        text_captured_findings(r, &e->punching);
    else
        own_findings(r, &e->punching);
}

void text_punching(struct reporter *r, const struct event *e)
{
    if (e->punching.side != SIDE_SELF) {
        text_captured_punch(r, &e->punching);
        return;
    }
    text_word(r, &punch_verdicts, e->punching.verdict, 0);
    fputs(": ", r->config.out);
    own_findings(r, &e->punching);
}

void text_peer(struct reporter *r, const struct event *e)
{
    char when[RFC3339_STRLEN], address[INET6_ADDRSTRLEN], endpoint[ENDPOINT_STRLEN];

    if (r->config.quiet)
        return;
    fprintf(r->config.out, "%s %+10.3f ms  %s  %-21s  %s\n", words_time(e->when, when),
            words_ms(e->peer.offset), words_ip6(&e->peer.peer, address),
            endpoint_format(e->peer.endpoint, endpoint),
            text_of(&peer_activities, e->peer.activity));
}
