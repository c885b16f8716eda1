/* Charts of hole punches that captures show: an arrow goes as far as somebody saw the packet go,
 * and a party has a lane if the vantage points know of it. */
#include "chart_fixture.h"

/* Saw the packet of STEP at PLACE, between FROM and TO. */
static void view(struct punching *p, enum punch_step step, enum view_place place, double ms,
                 struct endpoint from, struct endpoint to)
{
    struct step_report *s = &p->steps[step];

    if (s->view_count == 0) {
        s->when = PUNCH_EPOCH + (nsec)(ms * 1e6);
        s->from = from;
        s->to = to;
    }
    if (s->state == STEP_MISSING)
        s->state = place == PLACE_SENDER ? STEP_SENT : STEP_OBSERVED;
    s->views[s->view_count++] = (struct step_view){
        .when = PUNCH_EPOCH + (nsec)(ms * 1e6), .from = from, .to = to, .place = (uint8_t)place};
}

static void infer(struct punching *p, enum punch_step step, double ms, double latest)
{
    p->steps[step] = (struct step_report){.state = STEP_INFERRED,
                                          .when = PUNCH_EPOCH + (nsec)(ms * 1e6),
                                          .latest = PUNCH_EPOCH + (nsec)(latest * 1e6),
                                          .from = p->peer_server,
                                          .to = p->peer_mapped};
}

/* The bubbles of the initiator, captured there. */
static struct punching bubbles_sent(void)
{
    struct punch_story story;
    struct punching p;

    story_init(&story);
    p = story.punching;
    p.side = SIDE_INITIATOR;
    p.has_own = true;
    p.started = PUNCH_EPOCH;
    view(&p, STEP_DIRECT_BUBBLE, PLACE_SENDER, 0, p.local, p.peer_mapped);
    view(&p, STEP_INDIRECT_BUBBLE, PLACE_SENDER, 0.05, p.local, p.peer_server);
    return p;
}

static struct punching punched(void)
{
    struct punching p = bubbles_sent();

    infer(&p, STEP_FORWARDED, 0.05, 40);
    view(&p, STEP_ANSWER, PLACE_RECEIVER, 40, p.peer_mapped, p.local);
    p.steps[STEP_ANSWER].state = STEP_RECEIVED;
    p.proof = PROOF_NONCE;
    view(&p, STEP_DATA, PLACE_RECEIVER, 80, p.peer_mapped, p.local);
    p.steps[STEP_DATA].state = STEP_RECEIVED;
    p.request = (struct step_report){.state = STEP_SENT,
                                     .when = PUNCH_EPOCH + 41 * NSEC_MS,
                                     .from = p.local,
                                     .to = p.peer_mapped,
                                     .view_count = 1,
                                     .views = {{.from = p.local, .to = p.peer_mapped}}};
    return p;
}

static bool starts_at(const struct sequence *s, const struct sequence_item *item, const char *title)
{
    return strcmp(s->lanes[item->from].title, title) == 0;
}

static const char *detail_of(const struct sequence *s, const char *title)
{
    for (unsigned i = 0; i < s->lane_count; i++)
        if (strcmp(s->lanes[i].title, title) == 0)
            return s->lanes[i].detail;
    return "no such lane";
}

static void test_at_the_initiator(void)
{
    struct punching p = punched();
    struct sequence s = {0};
    const struct sequence_item *item;

    chart_captured(&s, &p, "punched: data crosses\n");
    is_str(detail_of(&s, "A"), "100.64.1.2:50000", "A is where it was captured");
    is_str(detail_of(&s, "NAT A"), "203.0.113.10:50000", "its NAT has the mapped endpoint");
    is_str(detail_of(&s, "NAT B?"), "198.51.100.20:40000",
           "whether the peer has a NAT is not known");
    ok(has(s.title, "from A, 2001:0:c000:201::1, to B, 2001:0:c000:281::1"), "the title has both");
    ok(strncmp(s.title, "2025-", 5) == 0, "and the time");
    item = find(&s, "1 direct bubble");
    ok(item->dashed && item->stopped && ends_at(&s, item, "NAT B?"),
       "that step 1 is discarded is inferred");
    is_int(item->offset, 0, "it is at zero");
    item = find(&s, "2 indirect bubble");
    ok(!item->dashed && !item->stopped && ends_at(&s, item, "B's server"), "step 2 was seen");
    item = find(&s, "3 forwarded bubble");
    ok(item->dashed && item->between && !item->stopped && ends_at(&s, item, "B"),
       "an inferred step is dashed");
    is_int(item->offset, 50000, "not before step 2");
    is_int(item->latest, 40 * NSEC_MS, "not after step 4");
    item = find(&s, "4 direct bubble with the nonce");
    ok(!item->dashed && !item->stopped && starts_at(&s, item, "B") && ends_at(&s, item, "A"),
       "step 4 was received, with its proof");
    item = find(&s, "5 data");
    ok(starts_at(&s, item, "A") && ends_at(&s, item, "B"), "data goes");
    is_int(item->offset, 41 * NSEC_MS, "at its own time");
    item = find(&s, "5 the answer to it");
    ok(starts_at(&s, item, "B") && ends_at(&s, item, "A"), "and is answered");
    ok(has(s.verdict, "data crosses") && s.mood == MOOD_YES, "the verdict is under it");
    sequence_clear(&s);
}

static void test_both_sides(void)
{
    struct endpoint inside = endpoint_of("100.64.2.2", 40000);
    struct punching p = punched();
    struct sequence s = {0};
    const struct sequence_item *item;

    p.both_sides = true;
    p.steps[STEP_FORWARDED] = (struct step_report){0};
    view(&p, STEP_FORWARDED, PLACE_RECEIVER, 20, p.peer_server, inside);
    view(&p, STEP_DIRECT_BUBBLE, PLACE_RECEIVER, 20, p.mapped, inside);
    chart_captured(&s, &p, NULL);
    ok(has_lane(&s, "NAT B") && !has_lane(&s, "NAT B?"),
       "the peer's address inside shows that it has a NAT");
    item = find(&s, "3 forwarded bubble");
    ok(!item->dashed && !item->between && ends_at(&s, item, "B"), "step 3 was seen");
    item = find(&s, "1 direct bubble");
    ok(!item->dashed && !item->stopped && ends_at(&s, item, "B"), "so was step 1, at its end");
    ok(!sequence_has_dashed(&s), "nothing is inferred");
    sequence_clear(&s);
}

/* The peer is captured as well, so that what did not arrive is known to be lost. */
static void test_lost(void)
{
    struct endpoint inside = endpoint_of("100.64.2.2", 40000);
    struct punching p = bubbles_sent();
    struct sequence s = {0};
    const struct sequence_item *item;

    p.verdict = PUNCH_NOT_PUNCHED;
    p.cause = CAUSE_ANSWER_LOST;
    p.both_sides = true;
    p.steps[STEP_DIRECT_BUBBLE].lost = true;
    view(&p, STEP_FORWARDED, PLACE_RECEIVER, 20, p.peer_server, inside);
    view(&p, STEP_ANSWER, PLACE_SENDER, 21, inside, p.mapped);
    p.steps[STEP_ANSWER].state = STEP_OBSERVED;
    p.steps[STEP_ANSWER].lost = true;
    chart_captured(&s, &p, "not punched\n");
    item = find(&s, "1 direct bubble");
    ok(item->stopped && !item->dashed && ends_at(&s, item, "NAT B"),
       "a direct bubble that is known not to have arrived is solid, and ends in a cross");
    item = find(&s, "4 direct bubble");
    ok(item->stopped && !item->dashed && starts_at(&s, item, "B") && ends_at(&s, item, "NAT A"),
       "so does an answer, at the initiator's NAT");
    ok(!there(&s, "5 "), "a missing step has no arrow");
    is_int(s.mood, MOOD_NO, "not punched");
    sequence_clear(&s);

    p.steps[STEP_ANSWER] = (struct step_report){0};
    p.steps[STEP_FORWARDED] = (struct step_report){0};
    view(&p, STEP_FORWARDED, PLACE_PATH, 20, p.peer_server, p.peer_mapped);
    p.steps[STEP_FORWARDED].lost = true;
    chart_captured(&s, &p, NULL);
    item = find(&s, "3 forwarded bubble");
    ok(item->stopped && ends_at(&s, item, "NAT B?"), "a forwarded bubble ends at the peer's NAT");
    ok(!there(&s, "4 "), "and nobody answers");
    sequence_clear(&s);

    p.steps[STEP_FORWARDED] = (struct step_report){0};
    p.steps[STEP_INDIRECT_BUBBLE].lost = true;
    chart_captured(&s, &p, NULL);
    item = find(&s, "2 indirect bubble");
    ok(item->stopped && ends_at(&s, item, "B's server"), "an indirect bubble ends at the server");
    sequence_clear(&s);
}

static void test_public_initiator(void)
{
    struct punching p = bubbles_sent();
    struct sequence s = {0};

    p.local = p.mapped;
    chart_captured(&s, &p, NULL);
    ok(!has_lane(&s, "NAT A") && !has_lane(&s, "NAT A?"), "without a NAT there is no lane for one");
    is_str(detail_of(&s, "A"), "203.0.113.10:50000", "A is at its public endpoint");
    sequence_clear(&s);
}

static void test_relay(void)
{
    struct punching p = punched();
    struct sequence s = {0};

    p.relay = true;
    p.local = p.mapped;
    p.steps[STEP_DIRECT_BUBBLE] = (struct step_report){0};
    chart_captured(&s, &p, NULL);
    ok(has_lane(&s, "A, a relay") && !has_lane(&s, "A"), "a relay is called one");
    ok(!there(&s, "1 direct"), "it sends no direct bubble");
    ok(!has_lane(&s, "NAT B?"), "nothing ends at a NAT of the peer's");
    is_str(detail_of(&s, "B"), "198.51.100.20:40000", "so that endpoint is B's");
    is_int(find(&s, "2 indirect bubble")->offset, 0, "the first step that there is, is at zero");
    sequence_clear(&s);
}

static void test_at_the_peer(void)
{
    struct endpoint inside = endpoint_of("100.64.2.2", 40000);
    struct punch_story story;
    struct punching p;
    struct sequence s = {0};
    const struct sequence_item *item;

    story_init(&story);
    p = story.punching;
    p.side = SIDE_PEER;
    p.local = (struct endpoint){0};
    p.started = PUNCH_EPOCH + 20 * NSEC_MS;
    p.verdict = PUNCH_INCONCLUSIVE;
    infer(&p, STEP_INDIRECT_BUBBLE, 0, 20);
    view(&p, STEP_FORWARDED, PLACE_RECEIVER, 20, p.peer_server, inside);
    view(&p, STEP_ANSWER, PLACE_SENDER, 21, inside, p.mapped);
    view(&p, STEP_DATA, PLACE_RECEIVER, 60, p.mapped, inside);
    chart_captured(&s, &p, NULL);
    ok(!has_lane(&s, "NAT A") && !has_lane(&s, "NAT A?"),
       "of the initiator's NAT nothing is known");
    is_str(detail_of(&s, "A"), "203.0.113.10:50000", "where it is seen from here is A");
    ok(has_lane(&s, "NAT B"), "the peer's NAT shows");
    ok(!there(&s, "1 direct"), "a direct bubble that nobody saw has no arrow");
    item = find(&s, "2 indirect bubble");
    ok(item->dashed && item->between, "step 2 is inferred");
    is_int(item->offset, -20 * NSEC_MS, "before the first packet that was seen, which is zero");
    item = find(&s, "4 direct bubble");
    ok(!item->dashed && starts_at(&s, item, "B") && ends_at(&s, item, "A"), "the answer leaves");
    item = find(&s, "5 data");
    ok(starts_at(&s, item, "A") && ends_at(&s, item, "B"), "data of the initiator's goes to B");
    is_int(s.mood, MOOD_UNSURE, "inconclusive");
    sequence_clear(&s);
}

static void test_on_the_path(void)
{
    struct punch_story story;
    struct punching p;
    struct sequence s = {0};

    story_init(&story);
    p = story.punching;
    p.side = SIDE_PATH;
    p.local = (struct endpoint){0};
    p.started = PUNCH_EPOCH;
    view(&p, STEP_INDIRECT_BUBBLE, PLACE_PATH, 0, p.mapped, p.peer_server);
    view(&p, STEP_FORWARDED, PLACE_PATH, 0.1, p.peer_server, p.peer_mapped);
    chart_captured(&s, &p, NULL);
    is_int(s.lane_count, 3, "at the server: A, the server, and B");
    is_int(s.count, 2, "and what passed it");
    ok(!sequence_has_dashed(&s), "all of it seen");
    sequence_clear(&s);
}

static void test_nothing_seen(void)
{
    struct punch_story story;
    struct sequence s = {0};

    story_init(&story);
    story.punching.side = SIDE_INITIATOR;
    chart_captured(&s, &story.punching, NULL);
    is_int(s.count, 0, "no step, no arrow");
    ok(s.lane_count >= 2, "but a chart");
    sequence_clear(&s);
}

int main(void)
{
    test_at_the_initiator();
    test_both_sides();
    test_lost();
    test_public_initiator();
    test_relay();
    test_at_the_peer();
    test_on_the_path();
    test_nothing_seen();
    return done_testing();
}
