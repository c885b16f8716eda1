/* Replies that were not believed, on standard error: each kind is told once, and counted. */
#include <stdlib.h>

#include "report.h"
#include "tap.h"

enum {
    SERVER = 0xc0000201
};

struct reply {
    enum ra_rule rule;
    uint32_t from;
    enum wire_reason fault;
};

/* What COUNT replies, of which KIND makes the Ith, leave on standard error. */
static const char *said(struct reply (*kind)(unsigned i), unsigned count, bool quiet)
{
    static char *text;
    size_t size;
    FILE *err, *out = fopen("/dev/null", "w");
    struct report_config config = {.format = REPORT_TEXT,
                                   .command = "classify",
                                   .verdict = EVENT_CLASSIFICATION,
                                   .out = out,
                                   .quiet = quiet};
    struct reporter *r;
    struct event_sink sink;
    struct error error;

    free(text);
    text = NULL;
    config.err = err = open_memstream(&text, &size);
    r = reporter_new(&config);
    sink = reporter_sink(r);
    for (unsigned i = 0; i < count; i++) {
        struct reply reply = kind(i);
        struct event e = {.kind = EVENT_REJECTED,
                          .rejected = {reply.rule, {reply.from, 3544}, {reply.fault, 3}}};

        sink.emit(sink.context, &e);
    }
    if (reporter_close(r, &error) != 0)
        ok(false, "nothing is lost");
    fclose(err);
    fclose(out);
    return text;
}

static unsigned lines_with(const char *text, const char *words)
{
    unsigned n = 0;

    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        n++;
    return n;
}

static struct reply one(unsigned i)
{
    (void)i;
    return (struct reply){RULE_SOURCE_ENDPOINT, SERVER, WIRE_OK};
}

static struct reply two(unsigned i)
{
    return (struct reply){i % 3 == 0 ? RULE_SOURCE_ENDPOINT : RULE_NONCE, SERVER, WIRE_OK};
}

static struct reply faulty(unsigned i)
{
    return (struct reply){RULE_ENCAPSULATION, SERVER, i % 2 == 0 ? WIRE_TRUNCATED : WIRE_OK};
}

static struct reply many(unsigned i)
{
    return (struct reply){RULE_NONCE, SERVER + i, WIRE_OK};
}

int main(void)
{
    const char *text = said(one, 1, false);

    is_int(lines_with(text, "\n"), 1, "one reply is one line");
    text = said(one, 666, false);
    is_int(lines_with(text, "not believed: rule source_endpoint"), 1, "666 alike are told once");
    ok(strstr(text, "teredoctl classify: 665 more such replies from 192.0.2.1:3544: "
                    "rule source_endpoint\n") != NULL,
       "and counted");
    is_int(lines_with(text, "\n"), 2, "in two lines");
    text = said(two, 4, false);
    is_int(lines_with(text, "not believed"), 2, "another rule is another kind");
    ok(strstr(text, "1 more such reply from") != NULL, "one more is one");
    text = said(faulty, 4, false);
    is_int(lines_with(text, "not believed"), 2, "and so is another fault");
    text = said(many, 1000, false);
    is_int(lines_with(text, "\n"), 17, "a thousand strangers take no thousand lines");
    ok(strstr(text, "984 more replies were not believed\n") != NULL, "the others are counted");
    is_str(said(one, 10, true), "", "quiet is quiet");
    return done_testing();
}
