/* The words of events: every value has a code that scripts can read, of its own, and a sentence
 * that people can. */
#include "words.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "event.h"
#include "tap.h"

/* All values in a row, for uniqueness. */
static const char *seen[64];
static unsigned seen_count;

static bool is_code(const char *s)
{
    if (s == NULL || !islower((unsigned char)s[0]))
        return false;
    for (const char *c = s; *c != '\0'; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_')
            return false;
    return true;
}

static bool is_new(const char *code)
{
    for (unsigned i = 0; i < seen_count; i++)
        if (strcmp(seen[i], code) == 0)
            return false;
    seen[seen_count++] = code;
    return true;
}

static bool is_text(const char *s)
{
    return s != NULL && strlen(s) > 5 && s[strlen(s) - 1] != '.';
}

static void begin(void)
{
    seen_count = 0;
}

static void check_code(const char *list, int value, const char *code)
{
    ok(is_code(code) && is_new(code), "%s %d has a snake_case code of its own: %s", list, value,
       code == NULL ? "(null)" : code);
}

static void test_qualification(void)
{
    begin();
    for (int i = QUALIFY_QUALIFIED; i <= QUALIFY_INCONCLUSIVE; i++)
        check_code("qualification verdict", i, code_of(&qualify_verdicts, (enum qualify_verdict)i));
    begin();
    for (int i = 0; i < QUALIFY_REASON_COUNT; i++) {
        enum qualify_reason reason = (enum qualify_reason)i;

        check_code("qualification reason", i, code_of(&qualify_reasons, reason));
        ok(is_text(text_of(&qualify_reasons, reason)) &&
               advice_of(&qualify_reasons, reason) != NULL,
           "%s has a sentence, and advice or none", code_of(&qualify_reasons, reason));
    }
    begin();
    for (int i = QUALIFY_NAT_UNKNOWN; i <= QUALIFY_NAT_SYMMETRIC; i++)
        check_code("NAT", i, code_of(&qualify_nats, (enum qualify_nat)i));
    begin();
    for (int i = 0; i < RULE_COUNT; i++) {
        const struct wording *rule = &ra_rules.list[i];

        check_code("rule", i, rule->code);
        ok(strncmp(rule->rfc, "RFC ", 4) == 0 && is_text(rule->text),
           "%s names its RFC and says what it asks", rule->code);
    }
    is_str(code_of(&qualify_verdicts, QUALIFY_NOT_QUALIFIED), "not_qualified",
           "as issue 2 words it");
    is_str(code_of(&qualify_nats, QUALIFY_NAT_CONE_OR_RESTRICTED), "cone_or_restricted",
           "as issue 2 words it");
}

static void test_punching(void)
{
    begin();
    for (int i = PUNCH_PUNCHED; i <= PUNCH_INCONCLUSIVE; i++)
        check_code("punch verdict", i, code_of(&punch_verdicts, (enum punch_verdict)i));
    begin();
    for (int i = 0; i < CAUSE_COUNT; i++) {
        enum punch_cause cause = (enum punch_cause)i;

        check_code("punch cause", i, code_of(&punch_causes, cause));
        ok(is_text(text_of(&punch_causes, cause)) && advice_of(&punch_causes, cause) != NULL,
           "%s has a sentence, and advice or none", code_of(&punch_causes, cause));
    }
    begin();
    for (int i = 0; i < STEP_COUNT; i++) {
        check_code("step", i, code_of(&punch_steps, (enum punch_step)i));
        ok(is_text(text_of(&punch_steps, (enum punch_step)i)), "step %d has a title", i + 1);
    }
    begin();
    for (int i = STEP_MISSING; i <= STEP_INFERRED; i++)
        check_code("step state", i, code_of(&step_states, (enum step_state)i));
    begin();
    for (int i = PROOF_NONE; i <= PROOF_NONCE; i++)
        check_code("proof", i, code_of(&punch_proofs, (enum punch_proof)i));
    is_str(code_of(&punch_verdicts, PUNCH_NOT_PUNCHED), "not_punched", "as issue 2 words it");
    is_str(code_of(&step_states, STEP_INFERRED), "inferred", "as issue 2 words it");
}

static void test_events(void)
{
    begin();
    for (int i = PEER_INDIRECT_BUBBLE; i <= PEER_REFUSED; i++) {
        check_code("peer activity", i, code_of(&peer_activities, (enum peer_activity)i));
        ok(is_text(text_of(&peer_activities, (enum peer_activity)i)), "peer activity %d has a text",
           i);
    }
    begin();
    for (int i = NOTE_RETRANSMIT; i <= NOTE_SERVER_ALIVE; i++)
        check_code("note", i, code_of(&punch_notes, (enum punch_note)i));
}

static void test_icmp(void)
{
    static const struct {
        uint8_t type, code;
        const char *text;
    } errors[] = {
        {3, 0, "network unreachable"},
        {3, 1, "host unreachable"},
        {3, 2, "protocol unreachable"},
        {3, 3, "port unreachable"},
        {3, 13, "communication administratively prohibited"},
        {3, 200, "destination unreachable"},
        {11, 0, "time to live exceeded"},
        {4, 0, "ICMP error"},
    };

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        is_str(icmp_error_text((struct icmp_error){.type = errors[i].type, .code = errors[i].code}),
               errors[i].text, "ICMP type %u code %u (RFC 792, RFC 1812)", errors[i].type,
               errors[i].code);
}

static void test_formats(void)
{
    char when[RFC3339_STRLEN], address[INET6_ADDRSTRLEN];
    struct in6_addr a;

    is_str(words_time(INT64_C(1700000000123456789), when), "2023-11-14T22:13:20.123456789Z",
           "a time in RFC 3339 with nanoseconds");
    is_str(words_time(5, when), "1970-01-01T00:00:00.000000005Z", "with all its zeros");
    inet_pton(AF_INET6, "2001:0:c000:201:c21:0:3:4", &a);
    is_str(words_ip6(&a, address), "2001:0:c000:201:c21:0:3:4", "an address in RFC 5952's form");
    ok(words_ms(1500 * NSEC_US) == 1.5, "a duration in milliseconds");
}

int main(void)
{
    test_qualification();
    test_punching();
    test_events();
    test_icmp();
    test_formats();
    return done_testing();
}
