/* The table by which a classification is judged: what each finding needs, what refutes it, and that
 * no advice names a possibility that the evidence excludes. */
#include <string.h>

#include "classify_judge.h"
#include "prng.h"
#include "tap.h"

#define PROVEN(name) CLASSIFY_PROVEN(name)
#define BOTH (PROVEN(PRIMARY_ANSWER) | PROVEN(SECONDARY_ANSWER))

static const char *const subjects[SUBJECT_COUNT] = {
    [SUBJECT_REACH] = "reachability",
    [SUBJECT_TRANSLATION] = "translation",
    [SUBJECT_MAPPING] = "mapping",
    [SUBJECT_FILTERING] = "filtering",
    [SUBJECT_HAIRPIN] = "hairpin",
    [SUBJECT_TRIP] = "trap",
    [SUBJECT_NAT] = "NAT",
    [SUBJECT_VERDICT] = "verdict",
};

static void test_rows(void)
{
    unsigned count;
    const struct classify_rule *rules = classify_rules(&count);

    for (unsigned i = 0; i < count; i++) {
        const struct classify_rule *r = &rules[i];
        bool last = i + 1 == count || rules[i + 1].subject != r->subject;

        is_int(r->needs & r->refuted_by, 0, "row %u of %s: nothing it needs refutes it", i,
               subjects[r->subject]);
        ok(classify_rule_of(r->subject, r->needs) == r, "row %u of %s: no row before it hides it",
           i, subjects[r->subject]);
        is_int(last, r->needs == 0, "row %u of %s: the last, and it alone, needs nothing", i,
               subjects[r->subject]);
        for (unsigned bit = 0; bit < CLASSIFY_PROVEN_COUNT; bit++) {
            if ((r->refuted_by >> bit & 1) != 0)
                ok(classify_rule_of(r->subject, r->needs | UINT32_C(1) << bit) != r,
                   "row %u of %s: %s refutes it", i, subjects[r->subject],
                   code_of(&classify_proven_words, bit));
            if ((r->needs >> bit & 1) != 0)
                ok(classify_rule_of(r->subject, r->needs & ~(UINT32_C(1) << bit)) != r,
                   "row %u of %s: not without %s", i, subjects[r->subject],
                   code_of(&classify_proven_words, bit));
        }
    }
}

/* One port that is mapped anew, or whose mapping changed, says more than all that were not. */
static void test_refutations(void)
{
    static const uint32_t against[] = {PROVEN(OTHER_MAPPING), PROVEN(OTHER_MAPPING_BY_PORT),
                                       PROVEN(UNSTEADY)};
    unsigned count, same = 0;
    const struct classify_rule *rules = classify_rules(&count);

    for (unsigned i = 0; i < count; i++) {
        const struct classify_rule *r = &rules[i];

        if ((r->needs & PROVEN(SAME_MAPPING)) == 0)
            continue;
        same++;
        for (unsigned j = 0; j < sizeof against / sizeof *against; j++)
            ok((r->refuted_by & against[j]) != 0, "row %u of %s: no mapping is the same beside %s",
               i, subjects[r->subject],
               code_of(&classify_proven_words, (unsigned)__builtin_ctz(against[j])));
    }
    ok(same >= 6, "there were such rows");
}

/* What cannot be proven at once. */
static const uint32_t exclusive[][2] = {
    {PROVEN(PRIMARY_ANSWER), PROVEN(PRIMARY_SILENCE) | PROVEN(PRIMARY_REFUSAL) |
                                 PROVEN(PRIMARY_PROHIBITED) | PROVEN(PRIMARY_HINT)},
    {PROVEN(PRIMARY_REFUSAL), PROVEN(PRIMARY_PROHIBITED) | PROVEN(PRIMARY_HINT)},
    {PROVEN(SECONDARY_ANSWER), PROVEN(SECONDARY_SILENCE) | PROVEN(SECONDARY_REFUSAL)},
    {PROVEN(TRANSLATED), PROVEN(UNTRANSLATED)},
    {PROVEN(SAME_MAPPING),
     PROVEN(OTHER_MAPPING) | PROVEN(OTHER_MAPPING_BY_PORT) | PROVEN(UNSTEADY)},
    {PROVEN(SAME_MAPPING_BY_PORT), PROVEN(OTHER_MAPPING_BY_PORT)},
    {PROVEN(STRANGER_IN),
     PROVEN(STRANGER_OUT) | PROVEN(OTHER_PORT_IN) | PROVEN(OTHER_PORT_OUT) | PROVEN(MAPPED_ANEW)},
    {PROVEN(OTHER_PORT_IN), PROVEN(OTHER_PORT_OUT)},
    {PROVEN(HAIRPIN_IN), PROVEN(HAIRPIN_OUT)},
    {PROVEN(MAPPED_ANEW), PROVEN(NOT_MAPPED_ANEW)},
    {PROVEN(UNTRANSLATED), PROVEN(OTHER_MAPPING) | PROVEN(OTHER_MAPPING_BY_PORT) |
                               PROVEN(MAPPED_ANEW) | PROVEN(HAIRPIN_IN) | PROVEN(HAIRPIN_OUT)},
    {PROVEN(INTERRUPTED), PROVEN(PRIMARY_SILENCE) | PROVEN(SECONDARY_SILENCE)},
};

/* What needs an answer of the server's to be proven. */
#define BY_ANSWERS                                                                           \
    (PROVEN(TRANSLATED) | PROVEN(UNTRANSLATED) | PROVEN(UNSTEADY) | PROVEN(STRANGER_IN) |    \
     PROVEN(STRANGER_OUT) | PROVEN(OTHER_PORT_IN) | PROVEN(OTHER_PORT_OUT) |                 \
     PROVEN(CONE_BIT_DEAD) | PROVEN(RELAY_DEAD) | PROVEN(HAIRPIN_IN) | PROVEN(HAIRPIN_OUT) | \
     PROVEN(MAPPED_ANEW) | PROVEN(NOT_MAPPED_ANEW) | PROVEN(SAME_MAPPING_BY_PORT) |          \
     PROVEN(OTHER_MAPPING_BY_PORT))
#define BY_BOTH (PROVEN(SAME_MAPPING) | PROVEN(OTHER_MAPPING))

static bool is_possible(uint32_t proven)
{
    for (size_t i = 0; i < sizeof exclusive / sizeof *exclusive; i++)
        if ((proven & exclusive[i][0]) != 0 && (proven & exclusive[i][1]) != 0)
            return false;
    return !((proven & BY_ANSWERS) != 0 && (proven & PROVEN(PRIMARY_ANSWER)) == 0) &&
           !((proven & BY_BOTH) != 0 && (proven & BOTH) != BOTH);
}

/* Words of an advice, or of what is said, and the evidence that excludes what they name. */
struct possibility {
    const char *words;
    uint32_t excluded_by;
};

static const struct possibility possibilities[] = {
    {"second address (--secondary)", PROVEN(SECONDARY_ANSWER)},
    {"let UDP port 3544", BOTH},
    {"this network that blocks UDP",
     BOTH | PROVEN(EXTRA_PORT_ANSWER) | PROVEN(UDP_OUTSIDE) | PROVEN(REJECTED_ANSWER)},
    {"this one is down",
     BOTH | PROVEN(EXTRA_PORT_ANSWER) | PROVEN(REJECTED_ANSWER) | PROVEN(PRIMARY_REFUSAL)},
    {"reserve a UDP port", PROVEN(UNTRANSLATED)},
    {"drop what comes unasked", PROVEN(NOT_MAPPED_ANEW) | PROVEN(UNTRANSLATED)},
    {"the rule", BOTH},
    {"when the path loses less", PROVEN(SECONDARY_SILENCE) | PROVEN(SECONDARY_REFUSAL)},
    {"check that the server address is right", PROVEN(PRIMARY_ANSWER)},
    {"UDP does not get through", BOTH | PROVEN(EXTRA_PORT_ANSWER)},
    {"nothing came back", BOTH | PROVEN(EXTRA_PORT_ANSWER) | PROVEN(REJECTED_ANSWER)},
    {"another mapping for each", PROVEN(SAME_MAPPING) | PROVEN(UNTRANSLATED)},
    {"anyone may send", PROVEN(STRANGER_OUT) | PROVEN(OTHER_PORT_OUT)},
    {"no NAT", PROVEN(TRANSLATED)},
};

static bool contradicts(uint32_t proven, const struct classification *c)
{
    for (size_t i = 0; i < sizeof possibilities / sizeof *possibilities; i++) {
        const struct possibility *p = &possibilities[i];

        if ((proven & p->excluded_by) != 0 && (strstr(classification_advice(c), p->words) != NULL ||
                                               strstr(classification_text(c), p->words) != NULL)) {
            printf("# %x: \"%s\" in: %s; %s\n", proven, p->words, classification_text(c),
                   classification_advice(c));
            return true;
        }
    }
    return false;
}

/* No line of the punching table may promise without what it rests on. */
static bool promises(uint32_t proven, const struct classification *c)
{
    struct punch_prospect lines[CLASSIFY_PEERS];
    bool mapping =
        (proven & (PROVEN(SAME_MAPPING) | PROVEN(OTHER_MAPPING) | PROVEN(OTHER_MAPPING_BY_PORT))) !=
        0;

    punch_prospects(c, lines);
    for (int i = 0; i < CLASSIFY_PEERS; i++) {
        bool sure = lines[i].outcome == OUTCOME_DIRECT || lines[i].outcome == OUTCOME_EXTENSION ||
                    lines[i].outcome == OUTCOME_DIRECT_FIRST;

        if (sure && !mapping)
            return true;
        if (lines[i].outcome == OUTCOME_DIRECT && (proven & PROVEN(MAPPED_ANEW)) != 0)
            return true;
    }
    return false;
}

static void test_all_evidence(void)
{
    struct prng random = {.state = 11};
    unsigned tried = 0, contradicted = 0, promised = 0, words = 0;

    /* Few of the random sets are possible; each bit in turn is made rare and frequent. */
    for (unsigned i = 0; i < 4000000; i++) {
        uint32_t proven = (uint32_t)prng_next(&random) & (uint32_t)prng_next(&random);
        struct classification c = {.rejected_rule = (enum ra_rule)(i % RULE_COUNT)};

        proven &= (uint32_t)((UINT64_C(1) << CLASSIFY_PROVEN_COUNT) - 1);
        if (i % 3 != 0)
            proven |= PROVEN(PRIMARY_ANSWER);
        if (i % 3 == 1)
            proven |= PROVEN(SECONDARY_ANSWER);
        if (!is_possible(proven))
            continue;
        c.proven = proven;
        c.rejected = (proven & PROVEN(REJECTED_ANSWER)) != 0;
        classify_judge(&c, i % 2 == 0 ? REFUSAL_PORT_UNREACHABLE : REFUSAL_HOST_UNREACHABLE);
        if ((proven & PROVEN(PRIMARY_PROHIBITED)) != 0)
            classify_judge(&c, REFUSAL_PROHIBITED);
        tried++;
        contradicted += contradicts(proven, &c);
        promised += promises(proven, &c);
        words += c.nat != NAT_NAME_UNKNOWN;
    }
    ok(tried > 10000, "%u sets of evidence, %u of them with a word for the NAT", tried, words);
    is_int(contradicted, 0, "no text and no advice names what the evidence excludes");
    is_int(promised, 0, "and no line of the punching table promises without what it rests on");
}

int main(void)
{
    test_rows();
    test_refutations();
    test_all_evidence();
    return done_testing();
}
