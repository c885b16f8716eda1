/* The judge of a hole punch, with all evidence that there can be: each verdict has what it needs
 * and nothing that refutes it, and neither its words nor its advice name what the evidence
 * excludes. */
#include <inttypes.h>
#include <string.h>

#include "punch_judge.h"
#include "tap.h"

/* What shows by itself. */
static const enum punch_evidence shown[] = {
    EVIDENCE_DIRECT_ANSWER,    EVIDENCE_ANSWER_ELSEWHERE,   EVIDENCE_UNPROVEN_ANSWER,
    EVIDENCE_ECHO_REPLY,       EVIDENCE_BUBBLE_REPLY,       EVIDENCE_INDIRECT_ANSWER,
    EVIDENCE_PEER_MAPS_ANEW,   EVIDENCE_OWN_MAPS_ANEW,      EVIDENCE_SAME_ADDRESS,
    EVIDENCE_PEER_ICMP,        EVIDENCE_REFERENCE_ANSWERED, EVIDENCE_PEER_SERVER_ALIVE,
    EVIDENCE_PEER_SERVER_ICMP, EVIDENCE_NONCE_REPEATED,
};

enum {
    SHOWN = sizeof shown / sizeof *shown
};

#define LIVES (EVIDENCE(DIRECT_ANSWER) | EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(REFERENCE_ANSWERED))

/* Words, with the evidence of which they need a part, and that which excludes them. */
static const struct {
    const char *words;
    uint64_t needs_one_of, excluded_by;
} phrases[] = {
    {"crosses directly", EVIDENCE(ECHO_REPLY) | EVIDENCE(BUBBLE_REPLY), 0},
    {"the peer's direct bubble arrives", EVIDENCE(DIRECT_ANSWER), 0},
    {"need not know what RFC 6081", 0, EVIDENCE(NONCE_REPEATED)},
    {"nothing that we send", 0, EVIDENCE(ECHO_REPLY) | EVIDENCE(BUBBLE_REPLY)},
    {"the peer's server lives", EVIDENCE(PEER_SERVER_ALIVE), 0},
    {"the peer lives", LIVES, 0},
    {"answers through our server", EVIDENCE(INDIRECT_ANSWER), 0},
    {"answered through our server", EVIDENCE(INDIRECT_ANSWER), 0},
    {"server does not answer", 0, EVIDENCE(PEER_SERVER_ALIVE) | LIVES},
    {"server is not reachable", EVIDENCE(PEER_SERVER_ICMP), EVIDENCE(PEER_SERVER_ALIVE) | LIVES},
    {"qualify with a server that lives", 0, EVIDENCE(PEER_SERVER_ALIVE) | LIVES},
    {"server may not relay", 0, EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(REFERENCE_ANSWERED)},
    {"whether it is on-line", 0, LIVES},
    {"mapping may have expired", 0, LIVES},
    {"our own NAT is symmetric", EVIDENCE(OWN_MAPS_ANEW), 0},
    {"the peer's NAT is symmetric", EVIDENCE(PEER_MAPS_ANEW), 0},
    {"its NAT maps it anew", EVIDENCE(ANSWER_ELSEWHERE), EVIDENCE(REFERENCE_ANSWERED)},
    {"behind our own NAT", EVIDENCE(SAME_ADDRESS), EVIDENCE(DIRECT_ANSWER)},
    {"find the strict NAT", 0, EVIDENCE(OWN_MAPS_ANEW) | EVIDENCE(SAME_ADDRESS)},
    {"filter ICMPv6 echo", 0, EVIDENCE(ECHO_REPLY)},
    {"reserve a UDP port on our NAT", EVIDENCE(OWN_MAPS_ANEW), 0},
    {"reserve a UDP port there", EVIDENCE(PEER_MAPS_ANEW), EVIDENCE(SAME_ADDRESS)},
    {"trips over our direct bubble", EVIDENCE(REFERENCE_ANSWERED), 0},
};

static unsigned wrong_words(const struct punch_judgement *j)
{
    const struct wording *w = &punch_causes.list[j->cause];
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (strstr(w->text, phrases[i].words) == NULL &&
            strstr(w->advice, phrases[i].words) == NULL)
            continue;
        if ((phrases[i].needs_one_of != 0 && (j->evidence & phrases[i].needs_one_of) == 0) ||
            (j->evidence & phrases[i].excluded_by) != 0) {
            printf("# %s, evidence %" PRIx64 ": \"%s\"\n", w->code, j->evidence, phrases[i].words);
            wrong++;
        }
    }
    return wrong;
}

/* Whether the evidence can stand together: an echo's reply is a direct packet, and so on. */
static bool is_possible(uint64_t e, const struct punch_facts *f)
{
    uint64_t data = EVIDENCE(ECHO_REPLY) | EVIDENCE(BUBBLE_REPLY) | EVIDENCE(ANSWER_ELSEWHERE);

    if ((e & data) != 0 && (e & EVIDENCE(DIRECT_ANSWER)) == 0)
        return false;
    if ((e & EVIDENCE(PEER_MAPS_ANEW)) != 0 && (e & EVIDENCE(INDIRECT_ANSWER)) == 0)
        return false;
    return ((e & EVIDENCE(REFERENCE_ANSWERED)) != 0) == (f->references_answered > 0);
}

/* The first rule of the table that holds. */
static bool is_first_that_holds(const struct punch_judgement *j)
{
    unsigned count;
    const struct punch_rule *rules = punch_rules(&count);

    for (unsigned i = 0; i < count; i++)
        if ((j->evidence & rules[i].needs) == rules[i].needs &&
            (j->evidence & rules[i].refuted_by) == 0)
            return rules[i].cause == j->cause && rules[i].verdict == j->verdict &&
                   rules[i].blame == j->blame;
    return false;
}

static const struct {
    const char *name;
    struct punch_facts facts;
} situations[] = {
    {"nothing was asked", {.pairs = 0}},
    {"one pair", {.seen.came[2] = 200, .pairs = 1, .indirect = 1, .opened = 1, .echoes = 1}},
    {"four pairs, no loss",
     {.seen.came[2] = 200,
      .pairs = 4,
      .indirect = 4,
      .opened = 4,
      .echoes = 8,
      .server_asked = 100}},
    {"four pairs, the reference answered",
     {.seen.came[2] = 200,
      .pairs = 4,
      .indirect = 4,
      .opened = 4,
      .echoes = 8,
      .references = 4,
      .references_answered = 4}},
    {"four pairs, the reference answered once",
     {.seen.came[2] = 200, .pairs = 4, .echoes = 8, .references = 4, .references_answered = 1}},
    {"four pairs, much loss",
     {.seen.came[2] = 100,
      .seen.missing[2] = 100,
      .pairs = 4,
      .indirect = 2,
      .opened = 4,
      .echoes = 8,
      .server_asked = 4}},
};

static void test_situation(size_t n, bool causes[CAUSE_COUNT])
{
    unsigned judged = 0, unfounded = 0, wrong = 0;

    for (uint32_t bits = 0; bits < UINT32_C(1) << SHOWN; bits++) {
        struct punch_facts facts = situations[n].facts;
        struct punch_judgement j;

        for (unsigned i = 0; i < SHOWN; i++)
            if ((bits >> i & 1) != 0)
                facts.evidence |= UINT64_C(1) << shown[i];
        if (!is_possible(facts.evidence, &facts))
            continue;
        j = punch_judge(&facts);
        judged++;
        unfounded += !is_first_that_holds(&j);
        wrong += wrong_words(&j);
        causes[j.cause] = true;
    }
    printf("# %s: %u judged\n", situations[n].name, judged);
    is_int(unfounded, 0, "%s: every verdict has what it needs, and nothing that refutes it",
           situations[n].name);
    is_int(wrong, 0, "%s: no word says what the evidence excludes", situations[n].name);
}

int main(void)
{
    bool causes[CAUSE_COUNT] = {false};
    unsigned count;
    const struct punch_rule *rules = punch_rules(&count);

    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++)
        test_situation(i, causes);
    for (unsigned i = 0; i < count; i++)
        ok(causes[rules[i].cause], "%s can be the outcome", code_of(&punch_causes, rules[i].cause));
    return done_testing();
}
