/* What captures show of other programs' qualifications and hole punches, as text. */
#include <inttypes.h>
#include <string.h>

#include "reporter.h"
#include "words.h"

static const char *const side_words[] = {
    [SIDE_SELF] = "",
    [SIDE_INITIATOR] = "captured at the initiator",
    [SIDE_PEER] = "captured at the peer",
    [SIDE_PATH] = "captured in between",
};

static const char *capture_name(const struct reporter *r, unsigned vantage)
{
    return vantage < r->config.capture_count ? r->config.captures[vantage] : "?";
}

static void step_words(const struct punching *p, enum punch_step step, char *buf, size_t size)
{
    const char *state = code_of(&step_states, p->steps[step].state);
    bool replies = p->request.state != STEP_MISSING;

    switch (step) {
    case STEP_DIRECT_BUBBLE:
        snprintf(buf, size, "%s: direct bubble, opens the initiator's NAT", state);
        break;
    case STEP_INDIRECT_BUBBLE:
        snprintf(buf, size, "%s: indirect bubble, to the peer's server", state);
        break;
    case STEP_FORWARDED:
        snprintf(buf, size, "%s: forwarded by the server", state);
        break;
    case STEP_ANSWER:
        snprintf(buf, size, "%s: direct bubble from the peer%s", state,
                 proof_words[p->proof].captured);
        break;
    case STEP_DATA:
        if (replies && p->rtt > 0)
            snprintf(buf, size, "%s: the answer to it, round trip %.3f ms", state,
                     words_ms(p->rtt));
        else
            snprintf(buf, size, "%s: %s", state, replies ? "the answer to it" : "data");
        break;
    case STEP_COUNT:
        break;
    }
}

static void print_views(const struct reporter *r, const struct step_report *s, nsec origin)
{
    char from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];

    if (!r->config.verbose)
        return;
    for (unsigned i = 0; i < s->view_count; i++) {
        const struct step_view *v = &s->views[i];

        fprintf(r->config.out, "      %+10.3f  %s > %s, ttl %u, in ", words_ms(v->when - origin),
                endpoint_format(v->from, from), endpoint_format(v->to, to), v->ttl);
        text_foreign(r, capture_name(r, v->vantage));
        fputc('\n', r->config.out);
    }
}

/* The peer's NAT is to discard the direct bubble, which opens the initiator's alone. */
static const char *lost_words(bool lost, int number)
{
    if (!lost)
        return "";
    return number == STEP_DIRECT_BUBBLE + 1 ? "; it did not arrive, and need not"
                                            : "; it did not arrive";
}

static void print_step(const struct reporter *r, const struct step_report *s, int number,
                       nsec origin, const char *words)
{
    char from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN], path[2 * ENDPOINT_STRLEN + 4];
    char offset[48];

    snprintf(path, sizeof path, "%s > %s", endpoint_format(s->from, from),
             endpoint_format(s->to, to));
    if (s->state == STEP_INFERRED && s->when == s->latest)
        snprintf(offset, sizeof offset, "until %.3f", words_ms(s->latest - origin));
    else if (s->state == STEP_INFERRED)
        snprintf(offset, sizeof offset, "%.3f-%.3f", words_ms(s->when - origin),
                 words_ms(s->latest - origin));
    else
        snprintf(offset, sizeof offset, "%+.3f", words_ms(s->when - origin));
    fprintf(r->config.out, " %d  %12s  %-45s %s%s\n", number, offset, path, words,
            lost_words(s->lost, number));
    print_views(r, s, origin);
}

static void print_parties(const struct reporter *r, const struct punching *p)
{
    FILE *out = r->config.out;
    char address[INET6_ADDRSTRLEN], endpoint[ENDPOINT_STRLEN];

    fprintf(out, "  from %s", p->has_own || p->relay ? "" : "link-local ");
    fputs(words_ip6(&p->own, address), out);
    if (!endpoint_is_unset(p->mapped))
        fprintf(out, " at %s", endpoint_format(p->mapped, endpoint));
    if (!endpoint_is_unset(p->local) && !endpoint_equal(p->local, p->mapped))
        fprintf(out, " (inside its NAT %s)", endpoint_format(p->local, endpoint));
    fprintf(out, "%s\n  to   %s", p->relay ? ", a relay" : "", words_ip6(&p->peer, address));
    fprintf(out, " at %s", endpoint_format(p->peer_mapped, endpoint));
    fprintf(out, ", server %s; %s%s\n", endpoint_format(p->peer_server, endpoint),
            side_words[p->side], p->both_sides ? " and at the peer" : "");
}

static void print_steps(const struct reporter *r, const struct punching *p)
{
    nsec origin = captured_punch_origin(p);
    char words[112] = "";

    fprintf(r->config.out, "step  offset ms  from > to\n");
    for (int i = 0; i < STEP_COUNT; i++) {
        if (i == STEP_DATA && p->request.state != STEP_MISSING) {
            snprintf(words, sizeof words, "%s: data", code_of(&step_states, p->request.state));
            print_step(r, &p->request, i + 1, origin, words);
        }
        if (p->steps[i].state == STEP_MISSING)
            continue;
        step_words(p, (enum punch_step)i, words, sizeof words);
        print_step(r, &p->steps[i], i + 1, origin, words);
    }
}

static void print_evidence(const struct reporter *r, const struct punching *p)
{
    FILE *out = r->config.out;
    char from[ENDPOINT_STRLEN], mapped[ENDPOINT_STRLEN], icmp[ICMP_STRLEN];

    if (p->attempts > 1)
        fprintf(out, "  %u bubble pairs; the steps are those of the %s one\n", p->attempts,
                p->steps[STEP_ANSWER].state != STEP_MISSING ? "answered" : "last");
    if (p->indirect_answers > 0)
        fprintf(out, "  %u answered through the initiator's server as well\n", p->indirect_answers);
    if (!endpoint_is_unset(p->peer_origin) && !endpoint_equal(p->peer_origin, p->peer_mapped))
        fprintf(out, "  the initiator's server sees the peer at %s, the peer's address says %s\n",
                endpoint_format(p->peer_origin, from), endpoint_format(p->peer_mapped, mapped));
    if (p->peer_random_port != 0)
        fprintf(out, "  the peer announced its random port %u (RFC 6081 5.4)\n",
                p->peer_random_port);
    if (!endpoint_is_unset(p->answered_from) && !endpoint_equal(p->answered_from, p->peer_mapped))
        fprintf(out, "  the answer came from %s, the peer's address says %s\n",
                endpoint_format(p->answered_from, from), endpoint_format(p->peer_mapped, mapped));
    if (!endpoint_is_unset(p->unproven_from))
        fprintf(out, "  an answer without proof came from %s\n",
                endpoint_format(p->unproven_from, from));
    if (p->has_icmp)
        fprintf(out, "  icmp: %s\n", words_icmp(p->icmp, icmp));
}

void text_captured_findings(struct reporter *r, const struct punching *p)
{
    fprintf(r->config.out, "%s\n", text_of(&captured_causes, p->cause));
    if (!r->config.quiet)
        print_evidence(r, p);
    text_advice(r, advice_of(&captured_causes, p->cause));
}

void text_captured_punch(struct reporter *r, const struct punching *p)
{
    char when[RFC3339_STRLEN], peer[INET6_ADDRSTRLEN], own[INET6_ADDRSTRLEN];

    r->punches++;
    if (r->config.quiet) {
        fprintf(r->config.out, "%s %s %s %s %s\n", words_time(p->started, when),
                words_ip6(&p->own, own), words_ip6(&p->peer, peer),
                code_of(&punch_verdicts, p->verdict), code_of(&punch_causes, p->cause));
        return;
    }
    fprintf(r->config.out, "hole punch %lu, %s\n", r->punches, words_time(p->started, when));
    print_parties(r, p);
    print_steps(r, p);
    text_word(r, &punch_verdicts, p->verdict, 0);
    fputs(": ", r->config.out);
    text_captured_findings(r, p);
    fputc('\n', r->config.out);
}

void text_captured_qualification(struct reporter *r, const struct qualification *q)
{
    char when[RFC3339_STRLEN], local[ENDPOINT_STRLEN], server[ENDPOINT_STRLEN];
    char mapped[ENDPOINT_STRLEN];
    struct endpoint seen = endpoint_is_unset(q->mapped) ? q->mapped_secondary : q->mapped;
    const char *nat;
    int nat_length = text_nat_word(q->nat, &nat);

    if (r->config.quiet)
        return;
    fprintf(r->config.out, "qualification, %s\n", words_time(q->started, when));
    fprintf(r->config.out, "  of %s by server %s",
            endpoint_is_unset(q->local) ? "a client" : endpoint_format(q->local, local),
            endpoint_format(q->server, server));
    if (!endpoint_is_unset(seen))
        fprintf(r->config.out, ": mapped %s, round trip %.3f ms; nat %.*s",
                endpoint_format(seen, mapped), words_ms(q->rtt), nat_length, nat);
    fputc('\n', r->config.out);
    text_word(r, &qualify_verdicts, q->verdict, 0);
    fprintf(r->config.out, ": %s\n", text_of(&qualify_reasons, q->reason));
    text_advice(r, q->verdict == QUALIFY_QUALIFIED ? "" : qualification_advice(q));
    fputc('\n', r->config.out);
}

void text_clock(struct reporter *r, const struct event *e)
{
    const struct clock_match *fit = &e->clock.fit;
    FILE *out = r->config.out;

    if (r->config.quiet)
        return;
    fputs("clock of ", out);
    text_foreign(r, capture_name(r, e->clock.vantage));
    fputs(": ", out);
    if (fit->packets == 0)
        fprintf(out, "nothing ties it to the first one's; its times are taken as they are\n");
    else if (fit->bounded)
        fprintf(out, "%+.6f s, drift %+.1f ppm, known to %.3f ms, from %" PRIu64 " packets\n",
                nsec_seconds(fit->offset), fit->drift * 1e6, words_ms(fit->error), fit->packets);
    else
        fprintf(out, "%+.6f s, how well is not known, from %" PRIu64 " packets\n",
                nsec_seconds(fit->offset), fit->packets);
}

static void print_summary(FILE *out, const struct passive_summary *s)
{
    if (s->punches == 0)
        fprintf(out, "no hole punch found; ");
    else
        fprintf(out,
                "%" PRIu64 " hole punch%s: %" PRIu64 " punched, %" PRIu64 " not punched, %" PRIu64
                " inconclusive; ",
                s->punches, s->punches == 1 ? "" : "es", s->punched, s->not_punched,
                s->inconclusive);
    fprintf(out,
            "%" PRIu64 " qualification%s and %" PRIu64 " refresh%s; %" PRIu64
            " Teredo packet%s of %" PRIu64 " frame%s\n",
            s->qualifications, s->qualifications == 1 ? "" : "s", s->refreshes,
            s->refreshes == 1 ? "" : "es", s->packets, s->packets == 1 ? "" : "s", s->frames,
            s->frames == 1 ? "" : "s");
}

static void print_doubts(const struct reporter *r, const struct capture_remarks *remarks)
{
    struct capture_remark lines[CAPTURE_REMARK_LINES];
    unsigned count = capture_remarks_lines(remarks, lines);

    for (unsigned i = 0; i < count; i++)
        if (lines[i].doubt)
            fprintf(r->config.err, "teredoctl %s: %s\n", r->config.command, lines[i].text);
}

/* From the remark FIRST on. */
static void print_remarks(FILE *out, const struct capture_remarks *remarks, unsigned first)
{
    struct capture_remark lines[CAPTURE_REMARK_LINES];
    unsigned count = capture_remarks_lines(remarks, lines);

    for (unsigned i = first; i < count; i++)
        fprintf(out, "%s\n", lines[i].text);
}

/* Whether there were frames that could not be told to be Teredo or not; then the first remark is of
 * them. */
static bool is_unread(const struct capture_remarks *r)
{
    return r->cut > 0 || r->unread_count > 0;
}

/* Why there is no Teredo packet. */
static void print_nothing(struct reporter *r, const struct passive_summary *s)
{
    struct capture_remark lines[CAPTURE_REMARK_LINES];
    uint64_t others = s->frames - s->remarks.cut;
    FILE *out = r->config.out;

    for (unsigned i = 0; i < s->remarks.unread_count; i++)
        others -= s->remarks.unread[i].frames;
    if (!is_unread(&s->remarks)) {
        fprintf(out, "no hole punch found: none of the %" PRIu64 " frame%s is Teredo\n", s->frames,
                s->frames == 1 ? "" : "s");
        return;
    }
    capture_remarks_lines(&s->remarks, lines);
    fprintf(out, "no hole punch found: %s", lines[0].text);
    if (others > 0)
        fprintf(out, "; none of the other %" PRIu64 " frame%s is Teredo", others,
                others == 1 ? "" : "s");
    fputc('\n', out);
    if (s->remarks.cut > 0)
        text_advice(r, "capture whole frames, as tcpdump -s 0 does");
}

void text_passive(struct reporter *r, const struct event *e)
{
    const struct passive_summary *s = &e->passive;
    FILE *out = r->config.out;

    if (s->forgotten > 0)
        fprintf(r->config.err,
                "teredoctl %s: too much at once: %" PRIu64 " hole punches or qualifications had to "
                "make way before their outcome was known\n",
                r->config.command, s->forgotten);
    if (s->dropped > 0)
        fprintf(r->config.err,
                "teredoctl %s: warning: the kernel dropped %" PRIu64
                " packets; what is missing may be among them\n",
                r->config.command, s->dropped);
    if (r->config.quiet) {
        print_doubts(r, &s->remarks);
        return;
    }
    if (s->packets == 0 && s->frames > 0)
        print_nothing(r, s);
    else if (s->packets == 0)
        fprintf(out, "no hole punch found: there was no frame to look at\n");
    else
        print_summary(out, s);
    print_remarks(out, &s->remarks, s->packets == 0 && is_unread(&s->remarks) ? 1 : 0);
}
