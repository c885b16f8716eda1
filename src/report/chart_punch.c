/* The chart of a hole punch, seen from A: RFC 4380 5.2.6. Only parties that the evidence names have
 * a lane. What A cannot see is dashed: what becomes of bubble 1 on the way, and step 3. */
#include <string.h>

#include "chart.h"
#include "words.h"

struct punch_chart {
    struct sequence *s;
    const struct punching *p;
    nsec zero;
    unsigned a;
    unsigned b;
    unsigned nat_b;
    unsigned server_b;
    unsigned direct_refused; /* a bit an attempt: the peer's mapped endpoint refused its bubble 1 */
    bool indirect_refused;   /* an ICMP error came for an indirect bubble */
};

static bool has_own_nat(const struct punching *p)
{
    switch (p->own_nat) {
    case QUALIFY_NAT_CONE_OR_RESTRICTED:
    case QUALIFY_NAT_SYMMETRIC:
        return true;
    case QUALIFY_NAT_NONE:
        return false;
    case QUALIFY_NAT_UNKNOWN:
        break;
    }
    return !endpoint_is_unset(p->mapped) && !endpoint_is_unset(p->local) &&
           p->mapped.address != p->local.address;
}

/* An address that changes with the destination, or a state that a bubble has left, is a NAT's. */
static bool peer_nat_is_proven(const struct punching *p)
{
    return p->cause == CAUSE_PEER_NAT_TRIPS || (!endpoint_is_unset(p->answered_from) &&
                                                !endpoint_equal(p->answered_from, p->peer_mapped));
}

static void endpoint_detail(struct sequence *s, unsigned lane, struct endpoint e, const char *more)
{
    char text[ENDPOINT_STRLEN];

    if (!endpoint_is_unset(e))
        sequence_detail(s, lane, "%s%s", endpoint_format(e, text), more);
}

/* Our own server has a lane once an answer came through it, or where it is all there is to tell. */
static unsigned own_server(const struct punch_chart *c)
{
    unsigned lane;

    if (endpoint_equal(c->p->server, c->p->peer_server))
        return c->server_b;
    lane = sequence_lane(c->s, PARTY_SERVER_A, "A's server");
    endpoint_detail(c->s, lane, c->p->server, "");
    return lane;
}

static void make_lanes(struct punch_chart *c, bool tried)
{
    const struct punching *p = c->p;
    bool nat = has_own_nat(p), shared = endpoint_equal(p->server, p->peer_server);

    c->a = sequence_lane(c->s, PARTY_A, "A");
    endpoint_detail(c->s, c->a, p->local, "");
    if (nat)
        endpoint_detail(c->s, sequence_lane(c->s, PARTY_NAT_A, "NAT A"), p->mapped,
                        p->own_nat == QUALIFY_NAT_SYMMETRIC ? " symmetric" : "");
    if (!tried) {
        own_server(c);
        return;
    }
    c->server_b = sequence_lane(c->s, PARTY_SERVER_B, shared ? "server" : "B's server");
    endpoint_detail(c->s, c->server_b, p->peer_server, "");
    /* Who stands at the peer's mapped endpoint, a NAT or the peer itself, is not seen from A. */
    c->nat_b = sequence_lane(c->s, PARTY_NAT_B, peer_nat_is_proven(p) ? "NAT B" : "NAT B?");
    endpoint_detail(c->s, c->nat_b, p->peer_mapped, "");
    c->b = sequence_lane(c->s, PARTY_B, "B");
}

static unsigned attempt_bit(unsigned attempt)
{
    return 1u << (attempt & 31);
}

/* Its sending is all that A sees of it: the rest of its way is inferred, unless an ICMP error from
 * the peer's mapped address tells. */
static void draw_direct(struct punch_chart *c, const struct event *e)
{
    const struct step_report *report = &e->step.report;
    bool answered = c->p->steps[STEP_ANSWER].state != STEP_MISSING;
    /* Where the indirect bubble was refused, an answer can only be to the direct one. */
    bool got_through = answered && c->indirect_refused;
    struct sequence_item *arrow =
        sequence_arrow(c->s, c->a, got_through ? c->b : c->nat_b, "1 direct bubble");

    sequence_at(arrow, report->when - c->zero);
    arrow->stopped = !got_through;
    arrow->dashed = (c->direct_refused & attempt_bit(e->step.attempt)) == 0;
    if (c->p->direct_ttl != 0)
        sequence_remark(c->s, c->a, "with a time to live of %u, to end before the peer's NAT",
                        c->p->direct_ttl);
}

static void draw_step(struct punch_chart *c, const struct event *e)
{
    const struct step_report *report = &e->step.report;
    nsec when = report->when - c->zero;
    struct sequence_item *arrow = NULL;
    char from[ENDPOINT_STRLEN];

    switch (e->step.step) {
    case STEP_DIRECT_BUBBLE:
        draw_direct(c, e);
        return;
    case STEP_INDIRECT_BUBBLE:
        arrow = sequence_arrow(c->s, c->a, c->server_b, "2 indirect bubble");
        arrow->stopped = c->indirect_refused;
        break;
    case STEP_FORWARDED:
        arrow = sequence_arrow(c->s, c->server_b, c->b, "3 bubble with origin");
        break;
    case STEP_ANSWER:
        arrow = sequence_arrow(c->s, c->b, c->a, "%s", proof_words[e->step.proof].label);
        break;
    case STEP_DATA:
        if (report->state == STEP_RECEIVED)
            arrow = sequence_arrow(c->s, c->b, c->a, "5 echo reply");
        else
            arrow = sequence_arrow(c->s, c->a, c->b, "5 echo request");
        break;
    case STEP_COUNT:
        return;
    }
    if (arrow == NULL)
        return;
    arrow->dashed = report->state == STEP_INFERRED;
    if (report->state == STEP_INFERRED)
        sequence_between(arrow, when, report->latest - c->zero);
    else
        sequence_at(arrow, when);
    if (e->step.step == STEP_ANSWER && !endpoint_equal(report->from, c->p->peer_mapped))
        sequence_remark(c->s, c->nat_b, "comes from %s", endpoint_format(report->from, from));
}

/* From a lane where the reporter stands, if it is known to; else a remark. */
static void draw_icmp(struct punch_chart *c, const struct event *e, unsigned lane,
                      struct endpoint there, const char *of)
{
    char reporter[IP4_STRLEN];
    struct sequence_item *item;

    if (e->note.icmp.reporter == there.address)
        item = sequence_arrow(c->s, lane, c->a, "ICMP: %s", icmp_error_text(e->note.icmp));
    else
        item = sequence_remark(c->s, c->a, "ICMP for the %s bubble, from %s: %s", of,
                               ip4_format(e->note.icmp.reporter, reporter),
                               icmp_error_text(e->note.icmp));
    sequence_at(item, e->when - c->zero);
}

static void draw_note(struct punch_chart *c, const struct event *e)
{
    struct sequence_item *item = NULL;
    char from[ENDPOINT_STRLEN];
    unsigned server;

    switch (e->note.note) {
    case NOTE_RETRANSMIT:
        item = sequence_remark(c->s, c->a, "no answer yet: bubble pair %u", e->note.attempt);
        break;
    case NOTE_INDIRECT_ANSWER:
        server = own_server(c);
        sequence_arrow(c->s, c->b, server, "indirect answer")->dashed = true;
        item = sequence_arrow(c->s, server, c->a, "indirect answer with origin");
        break;
    case NOTE_UNPROVEN:
        item = sequence_remark(c->s, c->a, "an answer from %s, without proof",
                               endpoint_format(e->note.from, from));
        break;
    case NOTE_DIRECT_ICMP:
        draw_icmp(c, e, c->nat_b, c->p->peer_mapped, "direct");
        return;
    case NOTE_SERVER_ICMP:
        draw_icmp(c, e, c->server_b, c->p->peer_server, "indirect");
        return;
    case NOTE_SERVER_CHECK:
        item = sequence_arrow(c->s, c->a, c->server_b, "router solicitation");
        break;
    case NOTE_SERVER_ALIVE:
        item = sequence_arrow(c->s, c->server_b, c->a, "router advertisement");
        break;
    }
    if (item != NULL)
        sequence_at(item, e->when - c->zero);
}

/* What the whole of the events says of each of them. */
static void qualify_many_summary(struct punch_chart *c, const struct event *events, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        const struct event *e = &events[i - 1];

        if (e->kind == EVENT_STEP)
            c->zero = e->step.report.when;
        if (e->kind == EVENT_NOTE && e->note.note == NOTE_DIRECT_ICMP &&
            e->note.icmp.reporter == c->p->peer_mapped.address)
            c->direct_refused |= attempt_bit(e->note.attempt);
        if (e->kind == EVENT_NOTE && e->note.note == NOTE_SERVER_ICMP)
            c->indirect_refused = true;
    }
}

void chart_punch(struct sequence *out, const struct event *events, size_t count,
                 const struct punching *p, const char *text)
{
    struct punch_chart c = {.s = out, .p = p};
    char own[INET6_ADDRSTRLEN], peer[INET6_ADDRSTRLEN];

    words_ip6(&p->peer, peer);
    if (IN6_IS_ADDR_UNSPECIFIED(&p->own))
        snprintf(out->title, sizeof out->title, "hole punch to B, %s", peer);
    else
        snprintf(out->title, sizeof out->title, "hole punch from A, %s, to B, %s",
                 words_ip6(&p->own, own), peer);
    qualify_many_summary(&c, events, count);
    make_lanes(&c, count > 0);
    for (size_t i = 0; i < count; i++)
        if (events[i].kind == EVENT_STEP)
            draw_step(&c, &events[i]);
        else if (events[i].kind == EVENT_NOTE)
            draw_note(&c, &events[i]);
    if (count == 0 && out->lane_count > 1)
        sequence_remark(out, c.a, "nothing was sent to the peer");
    chart_verdict(out, p, text);
}
