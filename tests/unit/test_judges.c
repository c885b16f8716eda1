/* The tables that qualify and check judge by: every evidence that can come together, and what the
 * verdict and the advice then say. */
#include <string.h>

#include "check_judge.h"
#include "qualify_judge.h"
#include "tap.h"

#define Q(name) QUALIFY_EVIDENCE(name)
#define C(name) CHECK_EVIDENCE(name)

/* What an advice names as possible, and what shows that it is not. */
static const struct {
    const char *names;
    uint32_t excluded_by;
} possibilities[] = {
    {"UDP port 3544 may leave",
     Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER) | Q(ANSWER_WITH_NONCE) | Q(OWN_REFUSAL)},
    {"off-line", Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER) | Q(ANSWER_WITH_NONCE)},
    {"only clients with --auth-id", Q(KEY_SHOWN) | Q(PRIMARY_ANSWER) | Q(ANSWER_WITH_NONCE)},
    {"give --auth-id", Q(KEY_SHOWN) | Q(PRIMARY_ANSWER)},
    {"identifier or its key", Q(PRIMARY_ANSWER) | Q(ANSWER_WITH_NONCE)},
    {"get a new one for --auth-secret-file", Q(PRIMARY_ANSWER)},
    {"another host may be answering", Q(PRIMARY_ANSWER) | Q(ANSWER_WITH_NONCE)},
    {"another host answers in its place", Q(PRIMARY_ANSWER) | Q(ANSWER_WITH_NONCE)},
    {"--secondary", Q(SECONDARY_ANSWER) & ~Q(TWO_LOCAL_ADDRESSES)},
    {"(--secondary); without it the NAT type", Q(SECONDARY_ANSWER)},
    {"check that the server address is right", Q(PRIMARY_ANSWER)},
    {"reserve a UDP port", Q(SAME_MAPPING) | Q(TWO_LOCAL_ADDRESSES)},
    {"RFC 4380 clients cannot work behind this NAT", Q(SAME_MAPPING) | Q(TWO_LOCAL_ADDRESSES)},
    {"over one uplink", 0},
    {"leaves out the origin", Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER)},
    {"not global", Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER)},
    {"each of the two addresses answers for the other", Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER)},
    {"use another server", Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER)},
    {"try another server", Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER)},
    {"sends less", Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER) | Q(PRIMARY_SILENCE)},
    {"refuses packets there", Q(PRIMARY_ANSWER)},
    {"what was asked refuses", Q(SECONDARY_ANSWER) | Q(SECONDARY_SILENCE)},
};

/* What must stand where an advice names it. */
static const struct {
    const char *names;
    uint32_t needs;
} claims[] = {
    {"each of the two addresses answers for the other", Q(CROSSED_ANSWER) | Q(ANSWER_WITH_NONCE)},
    {"answers for the primary one as well", Q(CROSSED_ANSWER) | Q(SECONDARY_ANSWER)},
    {"answers for the second one as well", Q(CROSSED_ANSWER) | Q(PRIMARY_ANSWER)},
    {"answers from another address", Q(ANSWER_ELSEWHERE) | Q(ANSWER_WITH_NONCE)},
    {"the answer came from", Q(ANSWER_ELSEWHERE)},
    {"leaves out the origin", Q(ANSWER_WITHOUT_ORIGIN)},
    {"not global", Q(PRIVATE_ORIGIN)},
    {"wants to know its clients", Q(KEY_REFUSED)},
    {"does not accept this client's key", Q(KEY_REFUSED) | Q(KEY_SHOWN)},
    {"does not repeat the nonce", Q(ANSWER_WITHOUT_AUTHENTICATION)},
    {"what was asked refuses", Q(SECONDARY_REFUSAL)},
    {"reserve a UDP port", Q(DIFFERENT_MAPPINGS) | Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER)},
    {"over one uplink", Q(TWO_LOCAL_ADDRESSES)},
    {"sends less", Q(NOTHING_SENT)},
};

/* The complaint about Q's advice, or NULL. */
static const char *complaint(const struct qualification *q)
{
    const char *advice = qualification_advice(q);

    for (unsigned i = 0; i < sizeof possibilities / sizeof *possibilities; i++)
        if (strstr(advice, possibilities[i].names) != NULL &&
            (q->evidence & possibilities[i].excluded_by) != 0 &&
            !(q->reason == QUALIFY_TWO_LOCAL_ADDRESSES))
            return possibilities[i].names;
    for (unsigned i = 0; i < sizeof claims / sizeof *claims; i++)
        if (strstr(advice, claims[i].names) != NULL &&
            (q->evidence & claims[i].needs) != claims[i].needs)
            return claims[i].names;
    return NULL;
}

/* What an address can show of itself. */
static const uint32_t primary_shows[] = {
    0, Q(PRIMARY_ANSWER), Q(PRIMARY_SILENCE), Q(PRIMARY_REFUSAL), Q(OWN_REFUSAL), Q(PRIMARY_HINT)};
static const uint32_t secondary_shows[] = {0,
                                           Q(SECONDARY_ANSWER),
                                           Q(SECONDARY_SILENCE),
                                           Q(SECONDARY_REFUSAL),
                                           Q(OWN_REFUSAL_OF_SECONDARY),
                                           Q(SECONDARY_HINT)};
static const uint32_t mappings[] = {Q(SAME_MAPPING), Q(SAME_MAPPING) | Q(LOCAL_MAPPING),
                                    Q(DIFFERENT_MAPPINGS),
                                    Q(DIFFERENT_MAPPINGS) | Q(LOCAL_MAPPING)};
static const uint32_t rejections[] = {Q(CROSSED_ANSWER), Q(ANSWER_ELSEWHERE),
                                      Q(ANSWER_WITHOUT_ORIGIN), Q(PRIVATE_ORIGIN), Q(KEY_REFUSED)};
static const uint32_t circumstances[] = {Q(TWO_LOCAL_ADDRESSES), Q(KEY_SHOWN), Q(LOSS),
                                         Q(INTERRUPTED)};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static uint32_t subset(const uint32_t *list, unsigned count, unsigned which)
{
    uint32_t set = 0;

    for (unsigned i = 0; i < count; i++)
        if ((which >> i & 1) != 0)
            set |= list[i];
    return set;
}

/* Answers that broke a rule: none, some without a nonce, or some with one, which break any rules.
 */
static uint32_t rejected(unsigned which)
{
    if (which < 1U << COUNT(rejections))
        return Q(REJECTED_ANSWER) | Q(ANSWER_WITH_NONCE) |
               subset(rejections, COUNT(rejections), which);
    which -= 1U << COUNT(rejections);
    return which == 0   ? 0
           : which == 1 ? Q(REJECTED_ANSWER)
                        : Q(REJECTED_ANSWER) | Q(ANSWER_WITHOUT_AUTHENTICATION);
}

enum {
    REJECTED = (1 << COUNT(rejections)) + 3
};

static bool can_be(uint32_t e)
{
    bool both = (e & Q(PRIMARY_ANSWER)) != 0 && (e & Q(SECONDARY_ANSWER)) != 0;
    bool one = (e & (Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER))) != 0;

    if (both && (e & (Q(SAME_MAPPING) | Q(DIFFERENT_MAPPINGS))) == 0)
        return false;
    if (both && (e & Q(INTERRUPTED)) != 0)
        return false; /* it had concluded */
    if (!both && (e & (Q(SAME_MAPPING) | Q(DIFFERENT_MAPPINGS) | Q(LOCAL_MAPPING))) != 0)
        return false;
    /* A secret that the server knows for the one address, it knows for the other. */
    return !(one && (e & Q(KEY_REFUSED)) != 0);
}

static struct {
    unsigned judged, complaints, no_code, unlike;
    unsigned reasons[QUALIFY_REASON_COUNT];
    unsigned statuses[CHECK_UNKNOWN + 1];
    unsigned wrong_status;
} walk;

/* CRITICAL for what the server does, and nothing else. */
static bool is_wrong_status(const struct qualification *q, const struct checking *c)
{
    uint32_t ours = Q(OWN_REFUSAL) | Q(NOTHING_SENT) | Q(INTERRUPTED);

    if ((q->evidence & Q(PRIMARY_ANSWER)) == 0 && (q->evidence & ours) != 0)
        return c->status != CHECK_UNKNOWN;
    if (c->status == CHECK_OK)
        return (q->evidence & Q(PRIMARY_ANSWER)) == 0 || (q->evidence & Q(SECONDARY_ANSWER)) == 0;
    return c->status == CHECK_CRITICAL && (q->evidence & Q(PRIMARY_ANSWER)) != 0;
}

static void judge(uint32_t evidence)
{
    struct qualification q = {.evidence = evidence};
    struct checking c = {.relay = RELAY_WORKS};
    const char *wrong;

    if (!can_be(evidence))
        return;
    qualify_judge(&q,
                  (evidence & Q(OWN_REFUSAL)) != 0 ? REFUSAL_NO_ROUTE : REFUSAL_PORT_UNREACHABLE);
    q.has_icmp = (evidence & (Q(PRIMARY_REFUSAL) | Q(PRIMARY_HINT))) != 0;
    walk.judged++;
    walk.reasons[q.reason]++;
    wrong = complaint(&q);
    if (wrong != NULL && walk.complaints++ < 5)
        printf("# %s with evidence 0x%08x: %s\n", wrong, (unsigned)evidence,
               qualification_advice(&q));
    walk.no_code += code_of(&qualify_reasons, q.reason) == NULL;
    walk.unlike += (q.verdict == QUALIFY_QUALIFIED) !=
                   ((evidence & Q(SAME_MAPPING)) != 0 && (evidence & Q(TWO_LOCAL_ADDRESSES)) == 0);
    c.qualification = q;
    c.evidence = check_evidence_of(&q);
    if ((evidence & Q(PRIMARY_ANSWER)) != 0)
        c.evidence |= C(BUBBLE_RELAYED);
    check_judge(&c);
    walk.statuses[c.status]++;
    walk.wrong_status += is_wrong_status(&q, &c);
}

static void test_walk(void)
{
    for (unsigned p = 0; p < COUNT(primary_shows); p++)
        for (unsigned s = 0; s < COUNT(secondary_shows); s++)
            for (unsigned r = 0; r < REJECTED; r++)
                for (unsigned m = 0; m <= COUNT(mappings); m++)
                    for (unsigned c = 0; c < 1U << COUNT(circumstances); c++) {
                        uint32_t e = primary_shows[p] | secondary_shows[s] | rejected(r) |
                                     (m == 0 ? 0 : mappings[m - 1]) |
                                     subset(circumstances, COUNT(circumstances), c);

                        if (p == 0 && s == 0 && r == 1U << COUNT(rejections))
                            judge(e | Q(NOTHING_SENT));
                        judge(e);
                    }
    printf("# %u kinds of evidence\n", walk.judged);
    for (int i = 0; i < QUALIFY_REASON_COUNT; i++)
        if (walk.reasons[i] > 0)
            printf("# %s %u\n", code_of(&qualify_reasons, (enum qualify_reason)i), walk.reasons[i]);
    is_int(walk.complaints, 0, "no advice names what the evidence excludes, or claims without it");
    is_int(walk.no_code, 0, "each has a reason");
    is_int(walk.unlike, 0,
           "qualified is where both addresses saw one mapping of one local address, and nowhere "
           "else");
    is_int(walk.wrong_status, 0,
           "check: CRITICAL is for what the server does, UNKNOWN for what this host does, OK needs "
           "both addresses");
    for (int i = 0; i <= CHECK_UNKNOWN; i++)
        ok(walk.statuses[i] > 0, "check: %s is reached", text_of(&check_statuses, (unsigned)i));
}

/* A row that no evidence reaches is none. */
static void test_rows(void)
{
    unsigned count, dead = 0;
    const struct qualify_rule *rules = qualify_rules(&count);

    for (unsigned i = 0; i < count; i++) {
        struct qualification q = {.evidence = rules[i].needs};

        qualify_judge(&q, REFUSAL_PORT_UNREACHABLE);
        if (q.advice != rules[i].advice || q.verdict != rules[i].verdict) {
            printf("# row %u\n", i);
            dead++;
        }
    }
    is_int(dead, 0, "qualify: what a row needs, and no more, makes that row the verdict");
    is_int(rules[count - 1].needs | rules[count - 1].refuted_by, 0,
           "qualify: the last row needs nothing");
}

/* Of captures: every row is reached, and a verdict is qualified where an answer came, of which no
 * other one says less. */
static void test_captured_rows(void)
{
    unsigned count, dead = 0, wrong = 0, judged = 0;
    const struct qualify_rule *rules = qualify_captured_rules(&count);
    static const uint32_t shows[] = {Q(PRIMARY_ANSWER),    Q(SECONDARY_ANSWER), Q(PRIMARY_SILENCE),
                                     Q(SECONDARY_SILENCE), Q(PRIMARY_REFUSAL),  Q(REJECTED_ANSWER),
                                     Q(CUT_ANSWER),        Q(CAPTURE_END)};
    static const uint32_t compared[] = {Q(SAME_MAPPING), Q(SAME_MAPPING) | Q(LOCAL_MAPPING),
                                        Q(SAME_MAPPING) | Q(TRANSLATED), Q(DIFFERENT_MAPPINGS)};

    for (unsigned i = 0; i < count; i++) {
        struct qualification q = {.evidence = rules[i].needs};

        qualify_judge_captured(&q, REFUSAL_PORT_UNREACHABLE);
        dead += q.verdict != rules[i].verdict || q.nat != rules[i].nat ||
                (q.reason != rules[i].reason && rules[i].reason != QUALIFY_REFUSED);
    }
    is_int(dead, 0, "captured: what a row needs, and no more, makes that row the verdict");
    for (unsigned which = 0; which < 1U << COUNT(shows); which++)
        for (unsigned m = 0; m < COUNT(compared); m++) {
            uint32_t e = subset(shows, COUNT(shows), which);
            bool both = (e & Q(PRIMARY_ANSWER)) != 0 && (e & Q(SECONDARY_ANSWER)) != 0;
            bool none = (e & (Q(PRIMARY_ANSWER) | Q(SECONDARY_ANSWER))) == 0;
            struct qualification q = {.evidence = both ? e | compared[m] : e};

            qualify_judge_captured(&q, REFUSAL_PORT_UNREACHABLE);
            judged++;
            wrong += complaint(&q) != NULL || (none && q.verdict == QUALIFY_QUALIFIED) ||
                     (!none && q.verdict == QUALIFY_NOT_QUALIFIED &&
                      (q.evidence & Q(DIFFERENT_MAPPINGS)) == 0) ||
                     (none && (e & (Q(CUT_ANSWER) | Q(CAPTURE_END))) != 0 &&
                      (e & Q(PRIMARY_REFUSAL)) == 0 && q.verdict != QUALIFY_INCONCLUSIVE);
        }
    is_int(wrong, 0, "captured: of %u kinds of evidence none is called what it does not show",
           judged);
}

static void test_check_rows(void)
{
    unsigned count, dead = 0;
    const struct check_rule *rules = check_rules(&count);

    for (unsigned i = 0; i < count; i++) {
        struct checking c = {.evidence = rules[i].needs};

        check_judge(&c);
        if (c.status != rules[i].status || c.cause != rules[i].cause) {
            printf("# row %u\n", i);
            dead++;
        }
    }
    is_int(dead, 0, "check: what a row needs, and no more, makes that row the status");
    is_int(rules[count - 1].needs | rules[count - 1].refuted_by, 0,
           "check: the last row needs nothing");
}

/* What of the rest of a check makes which status, while both addresses answer. */
static void test_relay(void)
{
    static const struct {
        uint32_t evidence;
        enum check_status status;
        enum check_cause cause;
    } rows[] = {
        {C(BUBBLE_RELAYED), CHECK_OK, CHECK_CAUSE_NONE},
        {C(BUBBLE_RELAYED) | C(LOSS), CHECK_OK, CHECK_CAUSE_NONE},
        {C(BUBBLE_RELAYED) | C(BUBBLE_WITHOUT_ORIGIN), CHECK_WARNING, CHECK_CAUSE_RELAY},
        {C(BUBBLE_RELAYED) | C(BUBBLE_WITH_WRONG_ORIGIN), CHECK_CRITICAL, CHECK_CAUSE_RELAY},
        {C(RELAY_SILENCE), CHECK_CRITICAL, CHECK_CAUSE_RELAY},
        {C(RELAY_SILENCE) | C(BUBBLE_RELAYED), CHECK_OK, CHECK_CAUSE_NONE},
        {C(LOSS), CHECK_UNKNOWN, CHECK_CAUSE_LOSS},
        {0, CHECK_UNKNOWN, CHECK_CAUSE_LOSS},
        {C(OWN_REFUSAL), CHECK_UNKNOWN, CHECK_CAUSE_ERROR},
        {C(BUBBLE_RELAYED) | C(RTT_WARNING), CHECK_WARNING, CHECK_CAUSE_RTT},
        {C(BUBBLE_RELAYED) | C(RTT_WARNING) | C(RTT_CRITICAL), CHECK_CRITICAL, CHECK_CAUSE_RTT},
        {C(LOSS) | C(RTT_WARNING), CHECK_UNKNOWN, CHECK_CAUSE_LOSS},
        {C(BUBBLE_RELAYED) | C(INTERRUPTED), CHECK_UNKNOWN, CHECK_CAUSE_INTERRUPTED},
    };

    for (unsigned i = 0; i < COUNT(rows); i++) {
        struct checking c = {.evidence = rows[i].evidence | C(SERVER_ANSWER) | C(SECONDARY_ANSWER)};

        check_judge(&c);
        ok(c.status == rows[i].status && c.cause == rows[i].cause, "check: row %u of relaying: %s",
           i, text_of(&check_statuses, c.status));
    }
}

int main(void)
{
    test_walk();
    test_rows();
    test_captured_rows();
    test_check_rows();
    test_relay();
    return done_testing();
}
