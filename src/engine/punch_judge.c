#include "punch_judge.h"

#include "evidence_rule.h"

static const struct punch_rule rules[] = {
    /* Data crossed. */
    {PUNCH_PUNCHED, CAUSE_PEER_NAT_TRIPS, BLAME_PEER_NAT,
     EVIDENCE(ECHO_REPLY) | EVIDENCE(ANSWER_ELSEWHERE) | EVIDENCE(REFERENCE_ANSWERED), 0, true},
    {PUNCH_PUNCHED, CAUSE_PEER_NAT_TRIPS, BLAME_PEER_NAT,
     EVIDENCE(BUBBLE_REPLY) | EVIDENCE(ANSWER_ELSEWHERE) | EVIDENCE(REFERENCE_ANSWERED), 0, true},
    {PUNCH_PUNCHED, CAUSE_PEER_REMAPPED, BLAME_NOBODY,
     EVIDENCE(ECHO_REPLY) | EVIDENCE(ANSWER_ELSEWHERE), EVIDENCE(REFERENCE_ANSWERED), true},
    {PUNCH_PUNCHED, CAUSE_PEER_REMAPPED, BLAME_NOBODY,
     EVIDENCE(BUBBLE_REPLY) | EVIDENCE(ANSWER_ELSEWHERE), EVIDENCE(REFERENCE_ANSWERED), true},
    {PUNCH_PUNCHED, CAUSE_NONE, BLAME_NOBODY, EVIDENCE(ECHO_REPLY), EVIDENCE(ANSWER_ELSEWHERE),
     true},
    {PUNCH_PUNCHED, CAUSE_NONE, BLAME_NOBODY, EVIDENCE(BUBBLE_REPLY), EVIDENCE(ANSWER_ELSEWHERE),
     true},
    /* The peer answered directly, and no data crossed. */
    {PUNCH_NOT_PUNCHED, CAUSE_OWN_NAT_SYMMETRIC, BLAME_OWN_NAT,
     EVIDENCE(OWN_MAPS_ANEW) | EVIDENCE(DIRECT_ANSWER) | EVIDENCE(ECHO_SILENCE), 0, true},
    {PUNCH_NOT_PUNCHED, CAUSE_DATA_LOST, BLAME_UNKNOWN,
     EVIDENCE(DIRECT_ANSWER) | EVIDENCE(ECHO_SILENCE) | EVIDENCE(NONCE_REPEATED),
     EVIDENCE(OWN_MAPS_ANEW), true},
    /* One that follows RFC 4380 alone answers nothing but echo requests, and may filter those. */
    {PUNCH_INCONCLUSIVE, CAUSE_DATA_UNPROVEN, BLAME_UNKNOWN,
     EVIDENCE(DIRECT_ANSWER) | EVIDENCE(ECHO_SILENCE),
     EVIDENCE(OWN_MAPS_ANEW) | EVIDENCE(NONCE_REPEATED), true},
    {PUNCH_INCONCLUSIVE, CAUSE_ANSWER_UNPROVEN, BLAME_UNKNOWN, EVIDENCE(UNPROVEN_ANSWER),
     EVIDENCE(DIRECT_ANSWER), false},
    /* The reference's bubble opened our NAT, and reached no other. */
    {PUNCH_NOT_PUNCHED, CAUSE_PEER_NAT_TRIPS, BLAME_PEER_NAT, EVIDENCE(REFERENCES_ALONE),
     EVIDENCE(DIRECT_ANSWER), true},
    /* The peer answers, but through a server alone. */
    {PUNCH_NOT_PUNCHED, CAUSE_SAME_NAT, BLAME_SAME_NAT,
     EVIDENCE(SAME_ADDRESS) | EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(DIRECT_SILENCE),
     EVIDENCE(DIRECT_ANSWER), true},
    {PUNCH_NOT_PUNCHED, CAUSE_OWN_NAT_SYMMETRIC, BLAME_OWN_NAT,
     EVIDENCE(OWN_MAPS_ANEW) | EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(DIRECT_SILENCE),
     EVIDENCE(DIRECT_ANSWER) | EVIDENCE(SAME_ADDRESS), true},
    {PUNCH_NOT_PUNCHED, CAUSE_PEER_NAT_SYMMETRIC, BLAME_PEER_NAT,
     EVIDENCE(PEER_MAPS_ANEW) | EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(DIRECT_SILENCE),
     EVIDENCE(DIRECT_ANSWER) | EVIDENCE(SAME_ADDRESS) | EVIDENCE(OWN_MAPS_ANEW) |
         EVIDENCE(REFERENCE_ANSWERED),
     true},
    {PUNCH_NOT_PUNCHED, CAUSE_DIRECT_PATH_BLOCKED, BLAME_UNKNOWN,
     EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(DIRECT_SILENCE),
     EVIDENCE(DIRECT_ANSWER) | EVIDENCE(SAME_ADDRESS) | EVIDENCE(OWN_MAPS_ANEW), false},
    /* The peer's server. Behind a symmetric NAT of ours all but solicitations fail there, and those
     * are answered by no server that wants authentication. */
    {PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_UNREACHABLE, BLAME_PEER_SERVER,
     EVIDENCE(PEER_SERVER_ICMP),
     EVIDENCE(DIRECT_ANSWER) | EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(PEER_SERVER_ALIVE) |
         EVIDENCE(REFERENCE_ANSWERED),
     false},
    {PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_SILENT, BLAME_PEER_SERVER, EVIDENCE(PEER_SERVER_SILENCE),
     EVIDENCE(DIRECT_ANSWER) | EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(PEER_SERVER_ALIVE) |
         EVIDENCE(REFERENCE_ANSWERED) | EVIDENCE(OWN_MAPS_ANEW),
     false},
    {PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT, BLAME_PEER,
     EVIDENCE(PEER_SERVER_ALIVE) | EVIDENCE(PEER_SILENCE),
     EVIDENCE(DIRECT_ANSWER) | EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(REFERENCE_ANSWERED), false},
    /* What is missing may just have been lost. */
    {PUNCH_INCONCLUSIVE, CAUSE_DIRECT_ANSWER_MISSING, BLAME_UNKNOWN, EVIDENCE(INDIRECT_ANSWER),
     EVIDENCE(DIRECT_ANSWER) | EVIDENCE(DIRECT_SILENCE) | EVIDENCE(LOSS), false},
    {PUNCH_INCONCLUSIVE, CAUSE_PACKETS_LOST, BLAME_UNKNOWN, 0, 0, false},
};

const struct punch_rule *punch_rules(unsigned *count)
{
    *count = sizeof rules / sizeof *rules;
    return rules;
}

static void count_loss(const struct punch_facts *f, struct punch_judgement *j)
{
    for (unsigned legs = 1; legs <= ODDS_MAX_LEGS; legs++) {
        j->answered += f->seen.came[legs];
        j->asked += f->seen.came[legs] + f->seen.missing[legs];
    }
    if (j->answered < j->asked)
        j->evidence |= EVIDENCE(LOSS);
}

/* Evidence of a SILENCE, unless loss explains it. */
static void weigh(const struct punch_facts *f, struct punch_judgement *j, uint64_t silence,
                  const unsigned misses[ODDS_MAX_LEGS + 1])
{
    double odds = odds_all_lost(&f->seen, misses);

    j->odds = odds;
    if (odds <= (f->bound > 0 ? f->bound : PUNCH_ODDS))
        j->evidence |= silence;
}

/* Where the peer answered through a server, its direct answer had but the way back to go. Behind a
 * symmetric NAT of ours that answer goes astray, and what was sent to the peer once its NAT was
 * open has the whole way, there and back. */
static void weigh_direct_silence(const struct punch_facts *f, struct punch_judgement *j)
{
    unsigned misses[ODDS_MAX_LEGS + 1] = {0};

    if ((f->evidence & EVIDENCE(OWN_MAPS_ANEW)) != 0) {
        misses[4] = f->opened;
    } else {
        misses[2] = f->indirect;
        misses[4] = f->pairs - f->indirect;
    }
    weigh(f, j, EVIDENCE(DIRECT_SILENCE), misses);
}

static void weigh_silence(const struct punch_facts *f, struct punch_judgement *j)
{
    unsigned misses[ODDS_MAX_LEGS + 1] = {0};

    if ((f->evidence & EVIDENCE(DIRECT_ANSWER)) != 0) {
        misses[4] = f->echoes;
        weigh(f, j, EVIDENCE(ECHO_SILENCE), misses);
    } else if ((f->evidence & EVIDENCE(INDIRECT_ANSWER)) != 0) {
        weigh_direct_silence(f, j);
    } else if ((f->evidence & EVIDENCE(PEER_SERVER_ALIVE)) != 0) {
        misses[4] = f->pairs;
        weigh(f, j, EVIDENCE(PEER_SILENCE), misses);
    } else {
        misses[2] = f->server_asked;
        weigh(f, j, EVIDENCE(PEER_SERVER_SILENCE), misses);
    }
    if (f->references_answered == f->references && f->references >= PUNCH_ENOUGH_REFERENCES &&
        f->pairs >= f->references) {
        struct punch_judgement alone = {0};
        unsigned lost[ODDS_MAX_LEGS + 1] = {[4] = f->references};

        weigh(f, &alone, EVIDENCE(REFERENCES_ALONE), lost);
        j->evidence |= alone.evidence;
        if (alone.evidence != 0)
            j->odds = alone.odds;
    }
}

struct punch_judgement punch_judge_by(const struct punch_rule *r, const struct punch_facts *facts)
{
    struct punch_judgement j = {.evidence = facts->evidence, .odds = -1};

    count_loss(facts, &j);
    weigh_silence(facts, &j);
    while (!evidence_holds(j.evidence, r->needs, r->refuted_by))
        r++;
    j.verdict = r->verdict;
    j.cause = r->cause;
    j.blame = r->blame;
    j.proven = r->proven;
    if (r->verdict == PUNCH_PUNCHED)
        j.odds = -1;
    return j;
}

struct punch_judgement punch_judge(const struct punch_facts *facts)
{
    return punch_judge_by(rules, facts);
}
