/* What a trace and the listener that it traces tell, event by event. Each leg takes 12.5 ms each
 * way. */
#include <stdlib.h>

#include "pair.h"
#include "story.h"
#include "tap.h"

enum {
    LINES = 64
};

static char lines[LINES][STORY_LINE];
static unsigned count;

static void put_qualification(const struct qualification *q)
{
    put(" %s, %s: ", code_of(&qualify_reasons, q->reason), code_of(&qualify_nats, q->nat));
    put_two(q->local, "as", q->mapped);
    put(" and ");
    put_two(q->mapped_secondary, "by", q->server);
    put(" and ");
    put_endpoint(q->secondary);
    put(", %u/%u in %.1f of %.1f ms", q->solicitations, q->advertisements,
        nsec_seconds(q->rtt) * 1e3, nsec_seconds(q->elapsed) * 1e3);
}

static void put_step(const struct event *e)
{
    const struct step_report *s = &e->step.report;

    put(" step %d of pair %u %s", (int)e->step.step + 1, e->step.attempt,
        code_of(&step_states, s->state));
    put_time("at", s->when);
    if (s->state == STEP_INFERRED)
        put_time("to", s->latest);
    put(", %.1f after its pair, ", nsec_seconds(e->step.offset) * 1e3);
    put_two(s->from, "to", s->to);
    put(", proof %s, rtt %.1f", code_of(&punch_proofs, e->step.proof),
        nsec_seconds(e->step.rtt) * 1e3);
}

static void put_punching(const struct punching *p)
{
    put(" %s, %s: ", code_of(&punch_verdicts, p->verdict), code_of(&punch_causes, p->cause));
    put_two(p->local, "as", p->mapped);
    put(" by ");
    put_endpoint(p->server);
    put(" behind %s to ", code_of(&qualify_nats, p->own_nat));
    put_two(p->peer_mapped, "by", p->peer_server);
    put("%s%s, proof %s of ", p->peer_server_alive ? ", alive" : "",
        p->peer_server_checked ? ", checked" : "", code_of(&punch_proofs, p->proof));
    put_endpoint(p->answered_from);
    put(", unproven of ");
    put_endpoint(p->unproven_from);
    put(", %u pairs, %u indirect, rtt %.1f of %.1f ms, steps", p->attempts, p->indirect_answers,
        nsec_seconds(p->rtt) * 1e3, nsec_seconds(p->elapsed) * 1e3);
    for (int i = 0; i < STEP_COUNT; i++)
        put(" %s", code_of(&step_states, p->steps[i].state));
}

static void tell(enum world_site site, const struct event *e)
{
    line[0] = '\0';
    put("%s", site == WORLD_A ? "A" : "B");
    put_time("at", e->when);
    switch (e->kind) {
    case EVENT_QUALIFICATION:
        put_qualification(&e->qualification);
        break;
    case EVENT_STEP:
        put_step(e);
        break;
    case EVENT_NOTE:
        put(" %s in pair %u, %.1f after the first, of ", code_of(&punch_notes, e->note.note),
            e->note.attempt, nsec_seconds(e->note.offset) * 1e3);
        put_endpoint(e->note.from);
        break;
    case EVENT_PUNCHING:
        put_punching(&e->punching);
        break;
    case EVENT_PEER:
        put(" %s, %.1f after the first, with ", code_of(&peer_activities, e->peer.activity),
            nsec_seconds(e->peer.offset) * 1e3);
        put_endpoint(e->peer.endpoint);
        break;
    default:
        put(" something else");
    }
    if (count < LINES)
        memcpy(lines[count++], line, sizeof line);
}

struct story {
    enum word a, b;
    enum world_service service; /* of B's server once B has qualified */
    const char *lines[LINES];
};

static const struct story stories[] = {
    {CONE,
     CONE,
     WORLD_SERVES,
     {"B at 50.0 both_agree, cone_or_restricted: B as B* and B* by S2 and S2+, 2/2 in 50.0 of 50.0 "
      "ms",
      "A at 100.0 both_agree, cone_or_restricted: A as A* and A* by S1 and S1+, 2/2 in 50.0 of "
      "50.0 ms",
      "A at 100.0 step 1 of pair 1 sent at 100.0, 0.0 after its pair, A to B*, proof none, rtt 0.0",
      "A at 100.0 step 2 of pair 1 sent at 100.0, 0.0 after its pair, A to S2, proof none, rtt 0.0",
      "B at 125.0 direct_bubble_received, 0.0 after the first, with A*",
      "B at 125.0 direct_bubble_sent, 0.0 after the first, with A*",
      "B at 125.0 path_open, 0.0 after the first, with A*",
      "B at 150.0 indirect_bubble_received, 0.0 after the first, with A*-",
      "B at 150.0 direct_bubble_sent, 0.0 after the first, with A*-",
      "A at 150.0 step 3 of pair 1 inferred at 100.0 to 150.0, 0.0 after its pair, S2 to B*, proof "
      "endpoint, rtt 0.0",
      "A at 150.0 step 4 of pair 1 received at 150.0, 50.0 after its pair, B* to A, proof "
      "endpoint, rtt 0.0",
      "A at 150.0 step 5 of pair 1 sent at 150.0, 50.0 after its pair, A to B*, proof endpoint, "
      "rtt 0.0",
      "B at 150.0 indirect_bubble_received, 25.0 after the first, with A*",
      "B at 150.0 direct_bubble_sent, 25.0 after the first, with A*",
      "B at 175.0 direct_bubble_received, 50.0 after the first, with A*",
      "B at 175.0 echo_answered, 50.0 after the first, with A*",
      "A at 200.0 step 5 of pair 1 received at 200.0, 100.0 after its pair, B* to A, proof "
      "endpoint, rtt 50.0",
      "A at 200.0 punched, none: A as A* by S1 behind cone_or_restricted to B* by S2, proof "
      "endpoint of B*, unproven of nobody, 1 pairs, 0 indirect, rtt 50.0 of 150.0 ms, steps sent "
      "sent inferred received received"}},
    {PORT,
     PORT,
     WORLD_SERVES,
     {"B at 50.0 both_agree, cone_or_restricted: B as B* and B* by S2 and S2+, 2/2 in 50.0 of 50.0 "
      "ms",
      "A at 100.0 both_agree, cone_or_restricted: A as A* and A* by S1 and S1+, 2/2 in 50.0 of "
      "50.0 ms",
      "A at 100.0 step 1 of pair 1 sent at 100.0, 0.0 after its pair, A to B*, proof none, rtt 0.0",
      "A at 100.0 step 2 of pair 1 sent at 100.0, 0.0 after its pair, A to S2, proof none, rtt 0.0",
      "B at 150.0 indirect_bubble_received, 0.0 after the first, with A*-",
      "B at 150.0 direct_bubble_sent, 0.0 after the first, with A*-",
      "B at 150.0 indirect_bubble_received, 0.0 after the first, with A*",
      "B at 150.0 direct_bubble_sent, 0.0 after the first, with A*",
      "B at 150.0 indirect_bubble_sent, 0.0 after the first, with S1",
      "A at 175.0 step 3 of pair 1 inferred at 100.0 to 175.0, 0.0 after its pair, S2 to B*, proof "
      "nonce, rtt 0.0",
      "A at 175.0 step 4 of pair 1 received at 175.0, 75.0 after its pair, B* to A, proof nonce, "
      "rtt 0.0",
      "A at 175.0 step 5 of pair 1 sent at 175.0, 75.0 after its pair, A to B*, proof nonce, rtt "
      "0.0",
      "B at 200.0 direct_bubble_received, 50.0 after the first, with A*",
      "B at 200.0 path_open, 50.0 after the first, with A*",
      "B at 200.0 echo_answered, 50.0 after the first, with A*",
      "A at 225.0 step 5 of pair 1 received at 225.0, 125.0 after its pair, B* to A, proof nonce, "
      "rtt 50.0",
      "A at 225.0 punched, none: A as A* by S1 behind cone_or_restricted to B* by S2, proof nonce "
      "of B*, unproven of nobody, 1 pairs, 1 indirect, rtt 50.0 of 175.0 ms, steps sent sent "
      "inferred received received"}},
    {CONE,
     SYMMETRIC,
     WORLD_SERVES,
     {"B at 50.0 symmetric_nat, symmetric: B as B*:other and B*:other by S2 and S2+, 2/2 in 50.0 "
      "of 50.0 ms",
      "A at 100.0 both_agree, cone_or_restricted: A as A* and A* by S1 and S1+, 2/2 in 50.0 of "
      "50.0 ms",
      "A at 100.0 step 1 of pair 1 sent at 100.0, 0.0 after its pair, A to B*:other, proof none, "
      "rtt 0.0",
      "A at 100.0 step 2 of pair 1 sent at 100.0, 0.0 after its pair, A to S2, proof none, rtt 0.0",
      "B at 150.0 indirect_bubble_received, 0.0 after the first, with A*-",
      "B at 150.0 direct_bubble_sent, 0.0 after the first, with A*-",
      "B at 150.0 indirect_bubble_received, 0.0 after the first, with A*",
      "B at 150.0 direct_bubble_sent, 0.0 after the first, with A*",
      "B at 150.0 indirect_bubble_sent, 0.0 after the first, with S1",
      "A at 175.0 step 3 of pair 1 inferred at 100.0 to 175.0, 0.0 after its pair, S2 to B*:other, "
      "proof nonce, rtt 0.0",
      "A at 175.0 step 4 of pair 1 received at 175.0, 75.0 after its pair, B*:other to A, proof "
      "nonce, rtt 0.0",
      "A at 175.0 step 5 of pair 1 sent at 175.0, 75.0 after its pair, A to B*:other, proof nonce, "
      "rtt 0.0",
      "B at 200.0 direct_bubble_received, 50.0 after the first, with A*",
      "B at 200.0 path_open, 50.0 after the first, with A*",
      "B at 200.0 echo_answered, 50.0 after the first, with A*",
      "A at 225.0 step 5 of pair 1 received at 225.0, 125.0 after its pair, B*:other to A, proof "
      "nonce, rtt 50.0",
      "A at 225.0 punched, peer_remapped: A as A* by S1 behind cone_or_restricted to B*:other by "
      "S2, proof nonce of B*:other, unproven of nobody, 1 pairs, 1 indirect, rtt 50.0 of 175.0 ms, "
      "steps sent sent inferred received received"}},
    {SYMMETRIC,
     ADDRESS,
     WORLD_SERVES,
     {"B at 50.0 both_agree, cone_or_restricted: B as B* and B* by S2 and S2+, 2/2 in 50.0 of 50.0 "
      "ms",
      "A at 100.0 symmetric_nat, symmetric: A as A*:other and A*:other by S1 and S1+, 2/2 in 50.0 "
      "of 50.0 ms",
      "A at 100.0 peer_server_asked in pair 0, 0.0 after the first, of S2",
      "A at 150.0 peer_server_alive in pair 0, 50.0 after the first, of S2",
      "A at 150.0 step 1 of pair 1 sent at 150.0, 0.0 after its pair, A to B*, proof none, rtt 0.0",
      "A at 150.0 step 2 of pair 1 sent at 150.0, 0.0 after its pair, A to S2, proof none, rtt 0.0",
      "B at 200.0 indirect_bubble_received, 0.0 after the first, with A*:other",
      "B at 200.0 direct_bubble_sent, 0.0 after the first, with A*:other",
      "B at 200.0 indirect_bubble_received, 0.0 after the first, with A*:other",
      "B at 200.0 direct_bubble_sent, 0.0 after the first, with A*:other",
      "B at 200.0 indirect_bubble_sent, 0.0 after the first, with S2",
      "A at 250.0 indirect_answer in pair 1, 100.0 after the first, of S2",
      "A at 250.0 step 3 of pair 1 inferred at 150.0 to 250.0, 0.0 after its pair, S2 to B*, proof "
      "none, rtt 0.0",
      "B at 275.0 direct_bubble_received, 75.0 after the first, with A*:other",
      "B at 275.0 direct_bubble_sent, 75.0 after the first, with A*:other",
      "B at 275.0 path_open, 75.0 after the first, with A*:other",
      "A at 300.0 step 3 of pair 1 inferred at 150.0 to 300.0, 0.0 after its pair, S2 to B*, proof "
      "nonce, rtt 0.0",
      "A at 300.0 step 4 of pair 1 received at 300.0, 150.0 after its pair, B* to A, proof nonce, "
      "rtt 0.0",
      "A at 300.0 step 5 of pair 1 sent at 300.0, 150.0 after its pair, A to B*, proof nonce, rtt "
      "0.0",
      "B at 325.0 direct_bubble_received, 125.0 after the first, with A*:other",
      "B at 325.0 echo_answered, 125.0 after the first, with A*:other",
      "A at 350.0 step 5 of pair 1 received at 350.0, 200.0 after its pair, B* to A, proof nonce, "
      "rtt 50.0",
      "A at 350.0 punched, none: A as A*:other by S1 behind symmetric to B* by S2, alive, checked, "
      "proof nonce of B*, unproven of nobody, 1 pairs, 1 indirect, rtt 50.0 of 300.0 ms, steps "
      "sent sent inferred received received"}},
    {PORT,
     SYMMETRIC,
     WORLD_SERVES,
     {"B at 50.0 symmetric_nat, symmetric: B as B*:other and B*:other by S2 and S2+, 2/2 in 50.0 "
      "of 50.0 ms",
      "A at 100.0 both_agree, cone_or_restricted: A as A* and A* by S1 and S1+, 2/2 in 50.0 of "
      "50.0 ms",
      "A at 100.0 step 1 of pair 1 sent at 100.0, 0.0 after its pair, A to B*:other, proof none, "
      "rtt 0.0",
      "A at 100.0 step 2 of pair 1 sent at 100.0, 0.0 after its pair, A to S2, proof none, rtt 0.0",
      "B at 150.0 indirect_bubble_received, 0.0 after the first, with A*-",
      "B at 150.0 direct_bubble_sent, 0.0 after the first, with A*-",
      "B at 150.0 indirect_bubble_received, 0.0 after the first, with A*",
      "B at 150.0 direct_bubble_sent, 0.0 after the first, with A*",
      "B at 150.0 indirect_bubble_sent, 0.0 after the first, with S1",
      "A at 200.0 indirect_answer in pair 1, 100.0 after the first, of S1",
      "A at 200.0 step 3 of pair 1 inferred at 100.0 to 200.0, 0.0 after its pair, S2 to B*:other, "
      "proof none, rtt 0.0",
      "A at 350.0 peer_server_asked in pair 1, 250.0 after the first, of S2",
      "A at 400.0 peer_server_alive in pair 1, 300.0 after the first, of S2",
      "A at 2300.0 retransmit in pair 2, 2200.0 after the first, of nobody",
      "A at 2300.0 step 1 of pair 2 sent at 2300.0, 0.0 after its pair, A to B*:other, proof none, "
      "rtt 0.0",
      "A at 2300.0 step 2 of pair 2 sent at 2300.0, 0.0 after its pair, A to S2, proof none, rtt "
      "0.0",
      "B at 2350.0 indirect_bubble_received, 2200.0 after the first, with A*-",
      "B at 2350.0 direct_bubble_sent, 2200.0 after the first, with A*-",
      "B at 2350.0 indirect_bubble_received, 2200.0 after the first, with A*",
      "B at 2350.0 direct_bubble_sent, 2200.0 after the first, with A*",
      "B at 2350.0 indirect_bubble_sent, 2200.0 after the first, with S1",
      "A at 2550.0 not_punched, peer_nat_symmetric: A as A* by S1 behind cone_or_restricted to "
      "B*:other by S2, alive, checked, proof none of nobody, unproven of nobody, 2 pairs, 2 "
      "indirect, rtt 0.0 of 2500.0 ms, steps sent sent inferred missing missing"}},
    {SYMMETRIC,
     PORT,
     WORLD_SERVES,
     {"B at 50.0 both_agree, cone_or_restricted: B as B* and B* by S2 and S2+, 2/2 in 50.0 of 50.0 "
      "ms",
      "A at 100.0 symmetric_nat, symmetric: A as A*:other and A*:other by S1 and S1+, 2/2 in 50.0 "
      "of 50.0 ms",
      "A at 100.0 peer_server_asked in pair 0, 0.0 after the first, of S2",
      "A at 150.0 peer_server_alive in pair 0, 50.0 after the first, of S2",
      "A at 150.0 step 1 of pair 1 sent at 150.0, 0.0 after its pair, A to B*, proof none, rtt 0.0",
      "A at 150.0 step 2 of pair 1 sent at 150.0, 0.0 after its pair, A to S2, proof none, rtt 0.0",
      "B at 200.0 indirect_bubble_received, 0.0 after the first, with A*:other",
      "B at 200.0 direct_bubble_sent, 0.0 after the first, with A*:other",
      "B at 200.0 indirect_bubble_received, 0.0 after the first, with A*:other",
      "B at 200.0 direct_bubble_sent, 0.0 after the first, with A*:other",
      "B at 200.0 indirect_bubble_sent, 0.0 after the first, with S2",
      "A at 250.0 indirect_answer in pair 1, 100.0 after the first, of S2",
      "A at 250.0 step 3 of pair 1 inferred at 150.0 to 250.0, 0.0 after its pair, S2 to B*, proof "
      "none, rtt 0.0",
      "A at 2350.0 retransmit in pair 2, 2200.0 after the first, of nobody",
      "A at 2350.0 step 1 of pair 2 sent at 2350.0, 0.0 after its pair, A to B*, proof none, rtt "
      "0.0",
      "A at 2350.0 step 2 of pair 2 sent at 2350.0, 0.0 after its pair, A to S2, proof none, rtt "
      "0.0",
      "B at 2400.0 indirect_bubble_received, 2200.0 after the first, with A*:other",
      "B at 2400.0 direct_bubble_sent, 2200.0 after the first, with A*:other",
      "B at 2400.0 indirect_bubble_received, 2200.0 after the first, with A*:other",
      "B at 2400.0 direct_bubble_sent, 2200.0 after the first, with A*:other",
      "B at 2400.0 indirect_bubble_sent, 2200.0 after the first, with S2",
      "A at 2600.0 not_punched, own_nat_symmetric: A as A*:other by S1 behind symmetric to B* by "
      "S2, alive, checked, proof none of nobody, unproven of nobody, 2 pairs, 2 indirect, rtt 0.0 "
      "of 2550.0 ms, steps sent sent inferred missing missing"}},
    {PORT,
     PORT,
     WORLD_SILENT,
     {"B at 50.0 both_agree, cone_or_restricted: B as B* and B* by S2 and S2+, 2/2 in 50.0 of 50.0 "
      "ms",
      "A at 100.0 both_agree, cone_or_restricted: A as A* and A* by S1 and S1+, 2/2 in 50.0 of "
      "50.0 ms",
      "A at 100.0 step 1 of pair 1 sent at 100.0, 0.0 after its pair, A to B*, proof none, rtt 0.0",
      "A at 100.0 step 2 of pair 1 sent at 100.0, 0.0 after its pair, A to S2, proof none, rtt 0.0",
      "A at 600.0 peer_server_asked in pair 1, 500.0 after the first, of S2",
      "A at 2300.0 retransmit in pair 2, 2200.0 after the first, of nobody",
      "A at 2300.0 step 1 of pair 2 sent at 2300.0, 0.0 after its pair, A to B*, proof none, rtt "
      "0.0",
      "A at 2300.0 step 2 of pair 2 sent at 2300.0, 0.0 after its pair, A to S2, proof none, rtt "
      "0.0",
      "A at 4500.0 retransmit in pair 3, 4400.0 after the first, of nobody",
      "A at 4500.0 step 1 of pair 3 sent at 4500.0, 0.0 after its pair, A to B*, proof none, rtt "
      "0.0",
      "A at 4500.0 step 2 of pair 3 sent at 4500.0, 0.0 after its pair, A to S2, proof none, rtt "
      "0.0",
      "A at 6700.0 retransmit in pair 4, 6600.0 after the first, of nobody",
      "A at 6700.0 step 1 of pair 4 sent at 6700.0, 0.0 after its pair, A to B*, proof none, rtt "
      "0.0",
      "A at 6700.0 step 2 of pair 4 sent at 6700.0, 0.0 after its pair, A to S2, proof none, rtt "
      "0.0",
      "A at 7700.0 not_punched, peer_server_silent: A as A* by S1 behind cone_or_restricted to B* "
      "by S2, checked, proof none of nobody, unproven of nobody, 4 pairs, 0 indirect, rtt 0.0 of "
      "7650.0 ms, steps sent sent missing missing missing"}},
    {PORT,
     PORT,
     WORLD_CLOSED,
     {"B at 50.0 both_agree, cone_or_restricted: B as B* and B* by S2 and S2+, 2/2 in 50.0 of 50.0 "
      "ms",
      "A at 100.0 both_agree, cone_or_restricted: A as A* and A* by S1 and S1+, 2/2 in 50.0 of "
      "50.0 ms",
      "A at 100.0 step 1 of pair 1 sent at 100.0, 0.0 after its pair, A to B*, proof none, rtt 0.0",
      "A at 100.0 step 2 of pair 1 sent at 100.0, 0.0 after its pair, A to S2, proof none, rtt 0.0",
      "A at 150.0 icmp_for_indirect_bubble in pair 1, 50.0 after the first, of S2",
      "A at 650.0 not_punched, peer_server_unreachable: A as A* by S1 behind cone_or_restricted to "
      "B* by S2, proof none of nobody, unproven of nobody, 1 pairs, 0 indirect, rtt 0.0 of 600.0 "
      "ms, steps sent sent missing missing missing"}},
};

static void test_story(struct run *r, const struct story *s)
{
    struct world_config config = pair_calm(s->a, s->b);
    unsigned wanted = 0;

    count = 0;
    origin = WORLD_EPOCH;
    *r = (struct run){.world = world_new(&config), .tell = tell, .b_address = {{{0}}}};
    pair_settle_b(r);
    r->world->config.service[1][0] = s->service;
    pair_trace_b(r, PUNCH_MAX_ATTEMPTS);
    while (wanted < LINES && s->lines[wanted] != NULL)
        wanted++;
    is_int(count, wanted, "%s to %s: as many events", pair_words[s->a], pair_words[s->b]);
    for (unsigned i = 0; i < count; i++)
        is_str(lines[i], i < wanted ? s->lines[i] : NULL, "%s to %s: event %u", pair_words[s->a],
               pair_words[s->b], i);
    world_free(r->world);
}

int main(void)
{
    struct run *r = malloc(sizeof *r);

    if (r == NULL)
        return 1;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        test_story(r, &stories[i]);
    free(r);
    return done_testing();
}
