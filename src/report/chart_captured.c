/* The chart of a hole punch that captures show. A party has a lane if it is in the story by itself,
 * a NAT if packets were seen on both of its sides, or if one ended there. */
#include "chart.h"
#include "words.h"

struct captured_chart {
    struct sequence *s;
    const struct punching *p;
    nsec zero;
    unsigned a, nat_a, server_b, nat_b, b;
    bool has_nat_a, has_nat_b;
};

static bool seen_at(const struct step_report *s, enum view_place place)
{
    for (unsigned i = 0; i < s->view_count; i++)
        if (s->views[i].place == place)
            return true;
    return false;
}

/* Whether the peer has another address inside than its own says. */
static bool has_peer_nat(const struct punching *p)
{
    const struct step_report *answer = &p->steps[STEP_ANSWER];
    const struct step_report *forwarded = &p->steps[STEP_FORWARDED];

    for (unsigned i = 0; i < answer->view_count; i++)
        if (answer->views[i].place == PLACE_SENDER &&
            answer->views[i].from.address != p->peer_mapped.address)
            return true;
    for (unsigned i = 0; i < forwarded->view_count; i++)
        if (forwarded->views[i].place == PLACE_RECEIVER &&
            forwarded->views[i].to.address != p->peer_mapped.address)
            return true;
    return false;
}

static void make_lanes(struct captured_chart *c)
{
    const struct punching *p = c->p;
    bool inside = !endpoint_is_unset(p->local) && p->local.address != p->mapped.address;
    bool stopped_at_b = !seen_at(&p->steps[STEP_DIRECT_BUBBLE], PLACE_RECEIVER) &&
                        p->steps[STEP_DIRECT_BUBBLE].state != STEP_MISSING;
    bool nat_b = has_peer_nat(p);

    c->a = sequence_lane(c->s, PARTY_A, p->relay ? "A, a relay" : "A");
    sequence_endpoint(c->s, c->a, inside ? p->local : p->mapped);
    c->has_nat_a = inside || p->steps[STEP_ANSWER].lost;
    if (c->has_nat_a) {
        c->nat_a = sequence_lane(c->s, PARTY_NAT_A, inside ? "NAT A" : "NAT A?");
        if (inside)
            sequence_endpoint(c->s, c->nat_a, p->mapped);
    }
    c->server_b = sequence_lane(c->s, PARTY_SERVER_B, "B's server");
    sequence_endpoint(c->s, c->server_b, p->peer_server);
    c->has_nat_b = nat_b || stopped_at_b || p->steps[STEP_FORWARDED].lost;
    if (c->has_nat_b) {
        c->nat_b = sequence_lane(c->s, PARTY_NAT_B, nat_b ? "NAT B" : "NAT B?");
        sequence_endpoint(c->s, c->nat_b, p->peer_mapped);
    }
    c->b = sequence_lane(c->s, PARTY_B, "B");
    if (!c->has_nat_b)
        sequence_endpoint(c->s, c->b, p->peer_mapped);
}

static void set_time(const struct captured_chart *c, struct sequence_item *arrow,
                     const struct step_report *s)
{
    arrow->dashed = s->state == STEP_INFERRED;
    if (s->state == STEP_INFERRED)
        sequence_between(arrow, s->when - c->zero, s->latest - c->zero);
    else
        sequence_at(arrow, s->when - c->zero);
}

/* Where no capture shows how far it went, it is dashed: the peer's NAT should discard it. */
static void draw_direct(const struct captured_chart *c, const struct step_report *s)
{
    bool arrived = seen_at(s, PLACE_RECEIVER);
    struct sequence_item *arrow =
        sequence_arrow(c->s, c->a, arrived ? c->b : c->nat_b, "1 direct bubble");

    set_time(c, arrow, s);
    arrow->stopped = !arrived;
    arrow->dashed = !arrived && !s->lost;
}

static void draw_data(const struct captured_chart *c, const struct step_report *s, bool answer)
{
    bool from_peer =
        s->view_count > 0 && s->from.address != 0 &&
        !(s->from.address == c->p->local.address || s->from.address == c->p->mapped.address);
    struct sequence_item *arrow =
        sequence_arrow(c->s, from_peer ? c->b : c->a, from_peer ? c->a : c->b,
                       answer ? "5 the answer to it" : "5 data");

    set_time(c, arrow, s);
}

static void draw_step(const struct captured_chart *c, enum punch_step step)
{
    const struct step_report *s = &c->p->steps[step];
    struct sequence_item *arrow = NULL;

    if (s->state == STEP_MISSING)
        return;
    switch (step) {
    case STEP_DIRECT_BUBBLE:
        draw_direct(c, s);
        return;
    case STEP_INDIRECT_BUBBLE:
        arrow = sequence_arrow(c->s, c->a, c->server_b, "2 indirect bubble");
        arrow->stopped = s->lost;
        break;
    case STEP_FORWARDED:
        arrow = sequence_arrow(c->s, c->server_b, s->lost ? c->nat_b : c->b, "3 forwarded bubble");
        arrow->stopped = s->lost;
        break;
    case STEP_ANSWER:
        arrow = sequence_arrow(c->s, c->b, s->lost ? c->nat_a : c->a, "%s",
                               proof_words[c->p->proof].captured_label);
        arrow->stopped = s->lost;
        break;
    case STEP_DATA:
        if (c->p->request.state != STEP_MISSING)
            draw_data(c, &c->p->request, false);
        draw_data(c, s, c->p->request.state != STEP_MISSING);
        return;
    case STEP_COUNT:
        return;
    }
    if (arrow != NULL)
        set_time(c, arrow, s);
}

void chart_captured(struct sequence *out, const struct punching *p, const char *text)
{
    struct captured_chart c = {.s = out, .p = p, .zero = captured_punch_origin(p)};
    char own[INET6_ADDRSTRLEN], peer[INET6_ADDRSTRLEN], when[RFC3339_STRLEN];

    snprintf(out->title, sizeof out->title, "%s: hole punch from A, %s, to B, %s",
             words_time(p->started, when), words_ip6(&p->own, own), words_ip6(&p->peer, peer));
    make_lanes(&c);
    for (int i = 0; i < STEP_COUNT; i++)
        draw_step(&c, (enum punch_step)i);
    chart_verdict(out, p, text);
}
