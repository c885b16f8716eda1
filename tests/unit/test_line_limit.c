/* src/report/line_limit.c: a flood of events leaves few lines, and the number of the others. */
#include "line_limit.h"

#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "tap.h"

/* Lines of a report, as text. */
struct told {
    FILE *out;
    char *text;
    size_t size;
    struct reporter *reporter;
    struct event_sink sink;
};

static void begin(struct told *t, enum report_format format)
{
    struct report_config config = {.format = format,
                                   .command = "listen",
                                   .verdict = EVENT_LISTENED,
                                   .columns = TSV_LISTEN,
                                   .err = stderr};

    t->text = NULL;
    config.out = t->out = open_memstream(&t->text, &t->size);
    t->reporter = reporter_new(&config);
    t->sink = reporter_sink(t->reporter);
}

static void emit(const struct told *t, const struct event *e)
{
    t->sink.emit(t->sink.context, e);
}

static void peer(const struct told *t, nsec when, enum peer_activity activity,
                 enum punch_proof proof)
{
    emit(t, &(struct event){
                .kind = EVENT_PEER,
                .when = when,
                .peer = {.activity = activity, .endpoint = {0xc0000201, 40000}, .proof = proof}});
}

static void end(struct told *t, nsec when)
{
    struct error error;

    emit(t, &(struct event){.kind = EVENT_LISTENED, .when = when});
    ok(reporter_close(t->reporter, &error) == 0, "nothing is lost");
    fclose(t->out);
}

static unsigned lines_with(const char *text, const char *words)
{
    unsigned n = 0;

    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        n++;
    return n;
}

/* The sum of all "count":N. */
static unsigned long counted(const char *text)
{
    unsigned long sum = 0;

    for (const char *at = text; (at = strstr(at, "\"count\":")) != NULL; at++)
        sum += strtoul(at + strlen("\"count\":"), NULL, 10);
    return sum;
}

static void test_flood(void)
{
    struct told t;
    unsigned told;

    begin(&t, REPORT_JSONL);
    for (unsigned i = 0; i < 100000; i++)
        peer(&t, NSEC_S + i * (NSEC_S / 10000), PEER_DIRECT_BUBBLE, PROOF_NONE);
    end(&t, 12 * NSEC_S);
    told = lines_with(t.text, "\"event\":\"peer\"");
    ok(told >= 100 + 10 * 19 && told <= 100 + 10 * 21,
       "ten seconds of 10,000 a second: a hundred at once, then twenty a second (%u)", told);
    ok(lines_with(t.text, "\"event\":\"left_out\"") >= 9 &&
           lines_with(t.text, "\"event\":\"left_out\"") <= 12,
       "and once a second the number of the others");
    is_int((long)(told + counted(t.text)), 100000, "told and left out are all that came");
    ok(strstr(t.text, "\"of\":\"peer\",\"activity\":\"direct_bubble_received\"") != NULL,
       "it says of which kind they were");
    ok(strstr(strstr(t.text, "\"event\":\"summary\""), "left_out") == NULL,
       "the summary comes last");
    ok(t.size < 150000, "in few bytes (%zu)", t.size);
    free(t.text);
}

static void test_kinds(void)
{
    struct told t;

    begin(&t, REPORT_JSONL);
    for (unsigned i = 0; i < 50000; i++) {
        peer(&t, NSEC_S + i * (NSEC_S / 10000), PEER_UNPROVEN, PROOF_NONE);
        peer(&t, NSEC_S + i * (NSEC_S / 10000), PEER_TRUSTED, PROOF_ENDPOINT);
        if (i % 1000 == 0)
            peer(&t, NSEC_S + i * (NSEC_S / 10000), PEER_TRUSTED,
                 i % 2000 == 0 ? PROOF_NONCE : PROOF_LINK_LOCAL);
    }
    peer(&t, 6 * NSEC_S, PEER_REFUSED, PROOF_NONE);
    end(&t, 6 * NSEC_S);
    is_int(lines_with(t.text, "\"proof\":\"nonce\"") +
               lines_with(t.text, "\"proof\":\"link_local\""),
           50, "a path that opened for what nobody guesses is told always");
    ok(lines_with(t.text, "\"proof\":\"endpoint\"") < 300, "one for an endpoint is not");
    is_int(lines_with(t.text, "\"activity\":\"refused\""), 1, "a flood of one kind hides no other");
    free(t.text);
}

static void test_pauses(void)
{
    struct told t;

    begin(&t, REPORT_JSONL);
    for (unsigned minute = 0; minute < 10; minute++)
        for (unsigned i = 0; i < 100; i++)
            peer(&t, NSEC_S + minute * 60 * NSEC_S, PEER_DIRECT_BUBBLE, PROOF_NONE);
    end(&t, 600 * NSEC_S);
    is_int(lines_with(t.text, "\"event\":\"peer\""), 1000,
           "a hundred at once, each minute, are all told");
    is_int(lines_with(t.text, "left_out"), 0, "and nothing is said of others");
    free(t.text);
}

static void test_formats(void)
{
    struct told t;

    begin(&t, REPORT_TEXT);
    for (unsigned i = 0; i < 1000; i++)
        peer(&t, NSEC_S, PEER_RATE_LIMITED, PROOF_NONE);
    end(&t, 2 * NSEC_S);
    ok(strstr(t.text, "  900 more like this: peer, rate limited\n") != NULL, "in text");
    free(t.text);
    begin(&t, REPORT_TSV);
    for (unsigned i = 0; i < 1000; i++)
        peer(&t, NSEC_S, PEER_RATE_LIMITED, PROOF_NONE);
    end(&t, 2 * NSEC_S);
    is_int(lines_with(t.text, "peer\t"), 100 + 1, "in tsv a row for each that is told");
    ok(strstr(t.text, "left_out\t") != NULL && strstr(t.text, "\tpeer\t900\t") != NULL,
       "and one for the others");
    free(t.text);
}

static void test_log(void)
{
    struct line_limit l = {0};
    struct left_out left;
    unsigned passed = 0;

    line_limit_expect(&l, 500);
    for (unsigned i = 0; i < 1000; i++)
        passed += line_limit_take(&l, 3, NSEC_S);
    is_int(passed, 600, "what was asked for passes besides");
    ok(!line_limit_is_due(&l, NSEC_S) && line_limit_is_due(&l, 2 * NSEC_S),
       "the others are told a second later");
    ok(line_limit_next(&l, &left) && left.count == 400 && !line_limit_next(&l, &left) &&
           !line_limit_is_due(&l, NSEC_NEVER),
       "once");
}

int main(void)
{
    test_flood();
    test_kinds();
    test_pauses();
    test_formats();
    test_log();
    return done_testing();
}
