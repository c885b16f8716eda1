/* What captures at one or more points of the path tell of a trace, step by step: who sent what to
 * whom when, where it was seen, and what became of it. Each leg takes 12.5 ms each way. */
/* The stories are lines of text, longer than those of the source.
 * NOLINTBEGIN(bugprone-suspicious-missing-comma) */
#include <stdlib.h>

#include "pair.h"
#include "passive_rig.h"
#include "story.h"
#include "tap.h"

/* Of silence behind the last packet: longer than the engine waits. */
#define TAIL (20 * NSEC_S)

enum {
    LINES = 8
};

static struct rig rig;
/* NAME state TIME FROM to TO, in brackets each sight: vantage point, place, TTL, time if another.
 */
static void put_step(const char *name, const struct step_report *s)
{
    static const char *const places[] = {
        [PLACE_SENDER] = "left", [PLACE_PATH] = "passed", [PLACE_RECEIVER] = "arrived"};

    line[0] = '\0';
    put("%s %s", name, code_of(&step_states, s->state));
    if (s->state == STEP_MISSING)
        return;
    put_time("at", s->when);
    if (s->state == STEP_INFERRED)
        put_time("to", s->latest);
    put(" ");
    put_two(s->from, "to", s->to);
    for (unsigned i = 0; i < s->view_count; i++) {
        const struct step_view *v = &s->views[i];

        put(" [%u %s ttl %u", v->vantage, places[v->place], v->ttl);
        if (v->when != s->when)
            put_time("at", v->when);
        if (!endpoint_equal(v->from, s->from) || !endpoint_equal(v->to, s->to)) {
            put(" ");
            put_two(v->from, "to", v->to);
        }
        put("]");
    }
    if (s->lost)
        put(", lost");
}

static void put_summary(const struct punching *p)
{
    static const char *const sides[] = {
        [SIDE_INITIATOR] = "initiator", [SIDE_PEER] = "peer", [SIDE_PATH] = "path"};

    line[0] = '\0';
    put("%s, %s, at the %s%s: %s", code_of(&punch_verdicts, p->verdict),
        code_of(&punch_causes, p->cause), sides[p->side], p->both_sides ? " and its peer" : "",
        p->has_own ? "" : "a stranger at ");
    put_two(p->local, "as", p->mapped);
    put(" by ");
    put_two(p->server, "to", p->peer_mapped);
    put(" by ");
    put_endpoint(p->peer_server);
    put("%s%s, proof %s of ", p->peer_server_alive ? ", alive" : "",
        p->reference ? ", with controls" : "", code_of(&punch_proofs, p->proof));
    put_endpoint(p->answered_from);
    put(", %u pairs, %u indirect, rtt %.1f", p->attempts, p->indirect_answers,
        nsec_seconds(p->rtt) * 1e3);
    put_time("began", p->started);
    put(" took %.1f", nsec_seconds(p->elapsed) * 1e3);
}

struct story {
    enum word a, b;
    const char *where;
    unsigned count;
    enum world_point points[WORLD_POINTS];
    const char *lines[LINES]; /* summary, steps 1 to 5, the request; those that were seen */
};

static const struct story stories[] = {
    {PORT,
     PORT,
     "at A",
     1,
     {WORLD_HOST_A},
     {"punched, none, at the initiator: A as A* by S1 to B* by S2, with controls, proof nonce of "
      "B*, 1 pairs, 1 indirect, rtt 50.0 began 0.0 took 125.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64]",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64]",
      "3 forwarded inferred at 0.0 to 75.0 S2 to B*",
      "4 answer received at 75.0 B* to A [0 arrived ttl 61]",
      "5 data received at 125.0 B* to A [0 arrived ttl 61]",
      "asked sent at 75.0 A to B* [0 left ttl 64]"}},
    {PORT,
     PORT,
     "outside A",
     1,
     {WORLD_WAN_A},
     {"punched, none, at the path: nobody as A* by S1 to B* by S2, with controls, proof nonce of "
      "B*, 1 pairs, 1 indirect, rtt 0.0 began 0.0 took 125.0",
      "1 direct observed at 0.0 A* to B* [0 passed ttl 63]",
      "2 indirect observed at 0.0 A* to S2 [0 passed ttl 63]",
      "3 forwarded inferred at 0.0 to 75.0 S2 to B*",
      "4 answer observed at 75.0 B* to A* [0 passed ttl 62]",
      "5 data observed at 125.0 B* to A* [0 passed ttl 62]",
      "asked observed at 75.0 A* to B* [0 passed ttl 63]"}},
    {PORT,
     PORT,
     "outside B",
     1,
     {WORLD_WAN_B},
     {"punched, none, at the path: nobody as A* by S1 to B* by S2, alive, proof nonce of B*, 1 "
      "pairs, 1 indirect, rtt 0.0 began 25.0 took 75.0",
      "1 direct observed at 25.0 A* to B* [0 passed ttl 62]",
      "2 indirect inferred at 25.0 to 50.0 A* to S2",
      "3 forwarded observed at 50.0 S2 to B* [0 passed ttl 63]",
      "4 answer observed at 50.0 B* to A* [0 passed ttl 63]",
      "5 data observed at 100.0 B* to A* [0 passed ttl 63]",
      "asked observed at 100.0 A* to B* [0 passed ttl 62]"}},
    {PORT,
     PORT,
     "at B",
     1,
     {WORLD_HOST_B},
     {"punched, none, at the peer: nobody as A* by S1 to B* by S2, alive, proof nonce of nobody, 1 "
      "pairs, 1 indirect, rtt 0.0 began 50.0 took 50.0",
      "2 indirect inferred at 50.0 to 50.0 A* to S2",
      "3 forwarded received at 50.0 S2 to B [0 arrived ttl 62]",
      "4 answer sent at 50.0 B to A* [0 left ttl 64]",
      "5 data sent at 100.0 B to A* [0 left ttl 64]",
      "asked received at 100.0 A* to B [0 arrived ttl 61]"}},
    {PORT,
     PORT,
     "at A's server",
     1,
     {WORLD_AT_S1},
     {"inconclusive, direct_path_unseen, at the path: nobody as B* by S2 to A* by S1, alive, proof "
      "none of nobody, 1 pairs, 0 indirect, rtt 0.0 began 75.0 took 6000.0",
      "2 indirect observed at 75.0 B* to S1 [0 passed ttl 62]",
      "3 forwarded observed at 75.0 S1 to A* [0 left ttl 64]"}},
    {PORT,
     PORT,
     "at B's server",
     1,
     {WORLD_AT_S2},
     {"inconclusive, direct_path_unseen, at the path: a stranger at nobody as A*- by nobody to B* "
      "by S2, alive, proof none of nobody, 1 pairs, 0 indirect, rtt 0.0 began 25.0 took 6000.0",
      "2 indirect observed at 25.0 A*- to S2 [0 passed ttl 62]",
      "3 forwarded observed at 25.0 S2 to B* [0 left ttl 64]"}},
    {PORT,
     PORT,
     "at A and B",
     2,
     {WORLD_HOST_A, WORLD_HOST_B},
     {"punched, none, at the initiator and its peer: A as A* by S1 to B* by S2, alive, with "
      "controls, proof nonce of B*, 1 pairs, 1 indirect, rtt 50.0 began 0.0 took 125.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64], lost",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64]",
      "3 forwarded observed at 50.0 S2 to B [1 arrived ttl 62]",
      "4 answer received at 75.0 B* to A [1 left ttl 64 at 50.0 B to A*] [0 arrived ttl 61]",
      "5 data received at 125.0 B* to A [0 arrived ttl 61]",
      "asked sent at 75.0 A to B* [0 left ttl 64]"}},
    {PORT,
     PORT,
     "at B and A",
     2,
     {WORLD_HOST_B, WORLD_HOST_A},
     {"punched, none, at the initiator and its peer: A as A* by S1 to B* by S2, alive, with "
      "controls, proof nonce of B*, 1 pairs, 1 indirect, rtt 50.0 began 0.0 took 125.0",
      "1 direct sent at 0.0 A to B* [1 left ttl 64], lost",
      "2 indirect sent at 0.0 A to S2 [1 left ttl 64]",
      "3 forwarded observed at 50.0 S2 to B [0 arrived ttl 62]",
      "4 answer received at 75.0 B* to A [0 left ttl 64 at 50.0 B to A*] [1 arrived ttl 61]",
      "5 data received at 125.0 B* to A [1 arrived ttl 61]",
      "asked sent at 75.0 A to B* [1 left ttl 64]"}},
    {PORT,
     PORT,
     "outside both",
     2,
     {WORLD_WAN_A, WORLD_WAN_B},
     {"punched, none, at the path: nobody as A* by S1 to B* by S2, alive, with controls, proof "
      "nonce of B*, 1 pairs, 1 indirect, rtt 0.0 began 0.0 took 125.0",
      "1 direct observed at 0.0 A* to B* [0 passed ttl 63] [1 passed ttl 62 at 25.0]",
      "2 indirect observed at 0.0 A* to S2 [0 passed ttl 63]",
      "3 forwarded observed at 50.0 S2 to B* [1 passed ttl 63]",
      "4 answer observed at 50.0 B* to A* [1 passed ttl 63] [0 passed ttl 62 at 75.0]",
      "5 data observed at 125.0 B* to A* [0 passed ttl 62]",
      "asked observed at 75.0 A* to B* [0 passed ttl 63]"}},
    {PORT,
     PORT,
     "everywhere",
     6,
     {WORLD_HOST_A, WORLD_WAN_A, WORLD_WAN_B, WORLD_HOST_B, WORLD_AT_S1, WORLD_AT_S2},
     {"punched, none, at the initiator and its peer: A as A* by S1 to B* by S2, alive, with "
      "controls, proof nonce of B*, 1 pairs, 1 indirect, rtt 50.0 began 0.0 took 125.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64] [1 passed ttl 63 A* to B*] [2 passed ttl 62 at "
      "25.0 A* to B*], lost",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64] [1 passed ttl 63 A* to S2] [5 passed ttl 62 "
      "at 25.0 A* to S2]",
      "3 forwarded observed at 50.0 S2 to B [5 left ttl 64 at 25.0 S2 to B*] [2 passed ttl 63 S2 "
      "to B*] [3 arrived ttl 62]",
      "4 answer received at 75.0 B* to A [2 passed ttl 63 at 50.0 B* to A*] [3 left ttl 64 at 50.0 "
      "B to A*] [0 arrived ttl 61]",
      "5 data received at 125.0 B* to A [0 arrived ttl 61]",
      "asked sent at 75.0 A to B* [0 left ttl 64]"}},
    {PORT,
     PORT,
     "at A and B's server",
     2,
     {WORLD_HOST_A, WORLD_AT_S2},
     {"punched, none, at the initiator: A as A* by S1 to B* by S2, alive, with controls, proof "
      "nonce of B*, 1 pairs, 1 indirect, rtt 50.0 began 0.0 took 125.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64]",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64] [1 passed ttl 62 at 25.0 A* to S2]",
      "3 forwarded observed at 25.0 S2 to B* [1 left ttl 64]",
      "4 answer received at 75.0 B* to A [0 arrived ttl 61]",
      "5 data received at 125.0 B* to A [0 arrived ttl 61]",
      "asked sent at 75.0 A to B* [0 left ttl 64]"}},
    {SYMMETRIC,
     CONE,
     "at A",
     1,
     {WORLD_HOST_A},
     {"punched, none, at the initiator: A as A*:other by S2 to B* by S2, alive, with controls, "
      "proof nonce of B*, 1 pairs, 1 indirect, rtt 50.0 began 0.0 took 200.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64]",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64]",
      "3 forwarded inferred at 0.0 to 150.0 S2 to B*",
      "4 answer received at 150.0 B* to A [0 arrived ttl 61]",
      "5 data received at 200.0 B* to A [0 arrived ttl 61]",
      "asked sent at 150.0 A to B* [0 left ttl 64]"}},
    {SYMMETRIC,
     CONE,
     "outside B",
     1,
     {WORLD_WAN_B},
     {"punched, none, at the path: nobody as A*:other by S2 to B* by S2, alive, proof nonce of B*, "
      "1 pairs, 1 indirect, rtt 0.0 began 25.0 took 150.0",
      "1 direct observed at 25.0 A*:other to B* [0 passed ttl 62]",
      "2 indirect inferred at 25.0 to 50.0 A*:other to S2",
      "3 forwarded observed at 50.0 S2 to B* [0 passed ttl 63]",
      "4 answer observed at 50.0 B* to A*:other [0 passed ttl 63] [0 passed ttl 63 at 125.0 B* to "
      "A*:other]",
      "5 data observed at 175.0 B* to A*:other [0 passed ttl 63]",
      "asked observed at 175.0 A*:other to B* [0 passed ttl 62]"}},
    {SYMMETRIC,
     CONE,
     "at A and B",
     2,
     {WORLD_HOST_A, WORLD_HOST_B},
     {"punched, none, at the initiator and its peer: A as A*:other by S2 to B* by S2, alive, with "
      "controls, proof nonce of B*, 1 pairs, 1 indirect, rtt 50.0 began 0.0 took 200.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64] [1 arrived ttl 61 at 25.0 A*:other to B]",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64]",
      "3 forwarded observed at 50.0 S2 to B [1 arrived ttl 62]",
      "4 answer received at 150.0 B* to A [1 left ttl 64 at 50.0 B to A*:other] [1 left ttl 64 at "
      "125.0 B to A*:other] [0 arrived ttl 61]",
      "5 data received at 200.0 B* to A [0 arrived ttl 61]",
      "asked sent at 150.0 A to B* [0 left ttl 64]"}},
    {CONE,
     SYMMETRIC,
     "at A",
     1,
     {WORLD_HOST_A},
     {"punched, peer_remapped, at the initiator: A as A* by S1 to B*:other by S2, with controls, "
      "proof nonce of B*:other, 1 pairs, 1 indirect, rtt 50.0 began 0.0 took 125.0",
      "1 direct sent at 0.0 A to B*:other [0 left ttl 64]",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64]",
      "3 forwarded inferred at 0.0 to 75.0 S2 to B*:other",
      "4 answer received at 75.0 B*:other to A [0 arrived ttl 61]",
      "5 data received at 125.0 B*:other to A [0 arrived ttl 61]",
      "asked sent at 75.0 A to B*:other [0 left ttl 64]"}},
    {CONE,
     SYMMETRIC,
     "at B",
     1,
     {WORLD_HOST_B},
     {"punched, none, at the peer: nobody as A* by S1 to B*:other by S2, alive, proof nonce of "
      "nobody, 1 pairs, 1 indirect, rtt 0.0 began 50.0 took 50.0",
      "2 indirect inferred at 50.0 to 50.0 A* to S2",
      "3 forwarded received at 50.0 S2 to B [0 arrived ttl 62]",
      "4 answer sent at 50.0 B to A* [0 left ttl 64]",
      "5 data sent at 100.0 B to A* [0 left ttl 64]",
      "asked received at 100.0 A* to B [0 arrived ttl 61]"}},
    {CONE,
     SYMMETRIC,
     "outside A",
     1,
     {WORLD_WAN_A},
     {"punched, peer_remapped, at the path: nobody as A* by S1 to B*:other by S2, with controls, "
      "proof nonce of B*:other, 1 pairs, 1 indirect, rtt 0.0 began 0.0 took 125.0",
      "1 direct observed at 0.0 A* to B*:other [0 passed ttl 63]",
      "2 indirect observed at 0.0 A* to S2 [0 passed ttl 63]",
      "3 forwarded inferred at 0.0 to 75.0 S2 to B*:other",
      "4 answer observed at 75.0 B*:other to A* [0 passed ttl 62]",
      "5 data observed at 125.0 B*:other to A* [0 passed ttl 62]",
      "asked observed at 75.0 A* to B*:other [0 passed ttl 63]"}},
    {CONE,
     SYMMETRIC,
     "everywhere",
     6,
     {WORLD_HOST_A, WORLD_WAN_A, WORLD_WAN_B, WORLD_HOST_B, WORLD_AT_S1, WORLD_AT_S2},
     {"punched, peer_remapped, at the initiator and its peer: A as A* by S1 to B*:other by S2, "
      "alive, with controls, proof nonce of B*:other, 1 pairs, 1 indirect, rtt 50.0 began 0.0 took "
      "125.0",
      "1 direct sent at 0.0 A to B*:other [0 left ttl 64] [1 passed ttl 63 A* to B*:other] [2 "
      "passed ttl 62 at 25.0 A* to B*:other], lost",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64] [1 passed ttl 63 A* to S2] [5 passed ttl 62 "
      "at 25.0 A* to S2]",
      "3 forwarded observed at 50.0 S2 to B [5 left ttl 64 at 25.0 S2 to B*:other] [2 passed ttl "
      "63 S2 to B*:other] [3 arrived ttl 62]",
      "4 answer received at 75.0 B*:other to A [2 passed ttl 63 at 50.0 B*:other to A*] [3 left "
      "ttl 64 at 50.0 B to A*] [0 arrived ttl 61]",
      "5 data received at 125.0 B*:other to A [0 arrived ttl 61]",
      "asked sent at 75.0 A to B*:other [0 left ttl 64]"}},
    {SYMMETRIC,
     PORT,
     "at A",
     1,
     {WORLD_HOST_A},
     {"not_punched, own_nat_symmetric, at the initiator: A as A*:other by S2 to B* by S2, "
      "alive, with controls, proof none of nobody, 2 pairs, 2 indirect, rtt 0.0 began -2200.0 took "
      "8300.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64]",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64]"}},
    {SYMMETRIC,
     PORT,
     "at B",
     1,
     {WORLD_HOST_B},
     {"inconclusive, no_data, at the peer: a stranger at nobody as A*:other by nobody to B* by S2, "
      "alive, proof link_local of nobody, 2 pairs, 0 indirect, rtt 0.0 began -2150.0 took 14200.0",
      "2 indirect inferred at 50.0 to 50.0 A*:other to S2",
      "3 forwarded received at 50.0 S2 to B [0 arrived ttl 62]",
      "4 answer sent at 50.0 B to A*:other [0 left ttl 64]"}},
    {SYMMETRIC,
     PORT,
     "at A and B",
     2,
     {WORLD_HOST_A, WORLD_HOST_B},
     {"not_punched, answer_lost, at the initiator and its peer: A as A*:other by S2 to B* by S2, "
      "alive, with controls, proof nonce of nobody, 2 pairs, 2 indirect, rtt 0.0 began -2200.0 "
      "took 14300.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64], lost",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64]",
      "3 forwarded observed at 50.0 S2 to B [1 arrived ttl 62]",
      "4 answer observed at 50.0 B to A*:other [1 left ttl 64], lost"}},
    {PORT,
     BLOCKED,
     "at A",
     1,
     {WORLD_HOST_A},
     {"not_punched, peer_silent, at the initiator: A as A* by S1 to B* by S2, alive, with "
      "controls, proof none of nobody, 4 pairs, 0 indirect, rtt 0.0 began -6600.0 took 12600.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64]",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64]"}},
    {PORT,
     BLOCKED,
     "outside B",
     1,
     {WORLD_WAN_B},
     {"inconclusive, direct_path_unseen, at the path: a stranger at nobody as A*- by nobody to B* "
      "by S2, alive, proof none of nobody, 4 pairs, 0 indirect, rtt 0.0 began -6550.0 took 12600.0",
      "2 indirect inferred at 50.0 to 50.0 A*- to S2",
      "3 forwarded observed at 50.0 S2 to B* [0 passed ttl 63]"}},
    {PORT,
     BLOCKED,
     "at A and B",
     2,
     {WORLD_HOST_A, WORLD_HOST_B},
     {"not_punched, peer_silent, at the initiator: A as A* by S1 to B* by S2, alive, with "
      "controls, proof none of nobody, 4 pairs, 0 indirect, rtt 0.0 began -6600.0 took 12600.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64]",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64]"}},
    {PORT,
     BLOCKED,
     "at A and B's server",
     2,
     {WORLD_HOST_A, WORLD_AT_S2},
     {"not_punched, peer_silent, at the initiator: A as A* by S1 to B* by S2, alive, with "
      "controls, proof none of nobody, 4 pairs, 0 indirect, rtt 0.0 began -6600.0 took 12625.0",
      "1 direct sent at 0.0 A to B* [0 left ttl 64]",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64] [1 passed ttl 62 at 25.0 A* to S2]",
      "3 forwarded observed at 25.0 S2 to B* [1 left ttl 64]"}},
    {NONE,
     FIREWALL,
     "at A",
     1,
     {WORLD_HOST_A},
     {"punched, none, at the initiator: A* as A* by S1 to B* by S2, with controls, proof nonce of "
      "B*, 1 pairs, 1 indirect, rtt 50.0 began 0.0 took 125.0",
      "1 direct sent at 0.0 A* to B* [0 left ttl 64]",
      "2 indirect sent at 0.0 A* to S2 [0 left ttl 64]",
      "3 forwarded inferred at 0.0 to 75.0 S2 to B*",
      "4 answer received at 75.0 B* to A* [0 arrived ttl 61]",
      "5 data received at 125.0 B* to A* [0 arrived ttl 61]",
      "asked sent at 75.0 A* to B* [0 left ttl 64]"}},
    {NONE,
     FIREWALL,
     "at B",
     1,
     {WORLD_HOST_B},
     {"punched, none, at the peer: nobody as A* by S1 to B* by S2, alive, proof nonce of nobody, 1 "
      "pairs, 1 indirect, rtt 0.0 began 50.0 took 50.0",
      "2 indirect inferred at 50.0 to 50.0 A* to S2",
      "3 forwarded received at 50.0 S2 to B* [0 arrived ttl 62]",
      "4 answer sent at 50.0 B* to A* [0 left ttl 64]",
      "5 data sent at 100.0 B* to A* [0 left ttl 64]",
      "asked received at 100.0 A* to B* [0 arrived ttl 61]"}},
    {NONE,
     FIREWALL,
     "outside both",
     2,
     {WORLD_WAN_A, WORLD_WAN_B},
     {"punched, none, at the path: nobody as A* by S1 to B* by S2, alive, with controls, proof "
      "nonce of B*, 1 pairs, 1 indirect, rtt 0.0 began 0.0 took 125.0",
      "1 direct observed at 0.0 A* to B* [0 passed ttl 63] [1 passed ttl 62 at 25.0]",
      "2 indirect observed at 0.0 A* to S2 [0 passed ttl 63]",
      "3 forwarded observed at 50.0 S2 to B* [1 passed ttl 63]",
      "4 answer observed at 50.0 B* to A* [1 passed ttl 63] [0 passed ttl 62 at 75.0]",
      "5 data observed at 125.0 B* to A* [0 passed ttl 62]",
      "asked observed at 75.0 A* to B* [0 passed ttl 63]"}},
    {PORT,
     SYMMETRIC,
     "at A",
     1,
     {WORLD_HOST_A},
     {"not_punched, peer_nat_symmetric, at the initiator: A as A* by S1 to B*:other by S2, "
      "alive, with controls, proof none of nobody, 2 pairs, 2 indirect, rtt 0.0 began -2200.0 took "
      "8300.0",
      "1 direct sent at 0.0 A to B*:other [0 left ttl 64]",
      "2 indirect sent at 0.0 A to S2 [0 left ttl 64]"}},
    {PORT,
     SYMMETRIC,
     "at B",
     1,
     {WORLD_HOST_B},
     {"inconclusive, no_data, at the peer: a stranger at nobody as A*- by nobody to B*:other by "
      "S2, alive, proof link_local of nobody, 2 pairs, 0 indirect, rtt 0.0 began -2150.0 took "
      "14200.0",
      "2 indirect inferred at 50.0 to 50.0 A*- to S2",
      "3 forwarded received at 50.0 S2 to B [0 arrived ttl 62]",
      "4 answer sent at 50.0 B to A*- [0 left ttl 64]"}},
    {PORT,
     SYMMETRIC,
     "outside A",
     1,
     {WORLD_WAN_A},
     {"inconclusive, no_data, at the path: nobody as A* by S1 to B*:other by S2, alive, with "
      "controls, proof nonce of B*:other, 2 pairs, 2 indirect, rtt 0.0 began -2200.0 took 14300.0",
      "1 direct observed at 0.0 A* to B*:other [0 passed ttl 63]",
      "2 indirect observed at 0.0 A* to S2 [0 passed ttl 63]",
      "3 forwarded inferred at 0.0 to 75.0 S2 to B*:other",
      "4 answer observed at 75.0 B*:other to A* [0 passed ttl 62]"}},
};

static unsigned at;

static void check(const struct story *s)
{
    const char *want = at < LINES ? s->lines[at] : NULL;

    is_str(line, want == NULL ? "(no more)" : want, "%s to %s, %s: %u", pair_words[s->a],
           pair_words[s->b], s->where, at);
    at++;
}

static void test_story(struct run *r, const struct story *s)
{
    static const char *const names[STEP_COUNT] = {"1 direct", "2 indirect", "3 forwarded",
                                                  "4 answer", "5 data"};
    struct world_config config = pair_calm(s->a, s->b);
    const struct punching *p = &rig.punch[0];

    config.watch = passive_rig_watch;
    config.watch_context = &rig;
    rig.count = rig.overflow = 0;
    at = 0;
    ok(pair_run(r, &config, PUNCH_MAX_ATTEMPTS) && rig.overflow == 0, "%s to %s: all is seen",
       pair_words[s->a], pair_words[s->b]);
    origin = r->result.steps[STEP_DIRECT_BUBBLE].when;
    passive_rig_listen(&rig, s->points, s->count, TAIL);
    put_summary(p);
    check(s);
    for (int i = 0; i < STEP_COUNT; i++) {
        put_step(names[i], &p->steps[i]);
        if (p->steps[i].state != STEP_MISSING)
            check(s);
    }
    put_step("asked", &p->request);
    if (p->request.state != STEP_MISSING)
        check(s);
    ok(at == LINES || s->lines[at] == NULL, "%s to %s, %s: and no more", pair_words[s->a],
       pair_words[s->b], s->where);
    world_free(r->world);
}

int main(void)
{
    struct run *r = calloc(1, sizeof *r);

    if (r == NULL)
        return 1;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        test_story(r, &stories[i]);
    free(r);
    return done_testing();
}

/* NOLINTEND(bugprone-suspicious-missing-comma) */
