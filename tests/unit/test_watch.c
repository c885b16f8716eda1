/* The live table, and the words of the status line. */
#include "chart_fixture.h"
#include "watch.h"

static const char *table(const struct watch *w, unsigned columns, unsigned most, nsec now)
{
    static char *text;
    size_t size;
    FILE *out;

    free(text);
    text = NULL;
    out = open_memstream(&text, &size);
    watch_print(w, out, columns, most, now);
    fclose(out);
    return text;
}

static unsigned longest_line(const char *text)
{
    unsigned most = 0;

    while (*text != '\0') {
        unsigned n = (unsigned)strcspn(text, "\n");

        most = n > most ? n : most;
        text += n + (text[n] == '\n');
    }
    return most;
}

static void test_table(void)
{
    struct report_config config = {.out = stdout};
    struct watch *w = watch_new(&config);
    struct in6_addr one, two, local;
    const char *text;
    unsigned too_wide = 0;

    inet_pton(AF_INET6, "2001:0:c000:201::1", &one);
    inet_pton(AF_INET6, "2001:0:c000:201::2", &two);
    inet_pton(AF_INET6, "fe80::1", &local);
    watch_update(
        w, &(struct watch_news){&one, endpoint_of("203.0.113.1", 1), "first", 10 * NSEC_S, 0});
    watch_update(w, &(struct watch_news){&two, endpoint_of("203.0.113.2", 2), "second", 11 * NSEC_S,
                                         5 * NSEC_MS});
    text = table(w, 130, 10, 12 * NSEC_S);
    ok(has(text, "last step") && has(text, "rtt ms"), "the table has a heading");
    ok(strstr(text, "::2") < strstr(text, "::1"), "the latest peer comes first");
    ok(has(text, "5.000") && has(text, "203.0.113.2:2"), "with its round trip and endpoint");
    watch_update(w, &(struct watch_news){&one, (struct endpoint){0}, "third", 13 * NSEC_S, 0});
    text = table(w, 130, 10, 14 * NSEC_S);
    ok(strstr(text, "::1") < strstr(text, "::2"), "which changes");
    ok(has(text, "third") && !has(text, "first"), "a peer has one row");
    ok(has(text, "203.0.113.1:1"), "and keeps what it is not told anew");
    watch_update(
        w, &(struct watch_news){&local, endpoint_of("203.0.113.1", 1), "local", 15 * NSEC_S, 0});
    text = table(w, 130, 10, 15 * NSEC_S);
    ok(!has(text, "fe80"), "a link-local source at the same endpoint is the same peer");
    text = table(w, 130, 1, 15 * NSEC_S);
    ok(has(text, "(and 1 more)"), "what finds no room is counted");
    for (unsigned columns = 60; columns <= 200; columns++)
        too_wide += longest_line(table(w, columns, 10, 15 * NSEC_S)) > columns;
    is_int(too_wide, 0, "no line is wider than the terminal");
    watch_free(w);
}

static void test_many(void)
{
    struct report_config config = {.out = stdout};
    struct watch *w = watch_new(&config);
    struct in6_addr peer = {{{0x20, 0x01}}};

    for (unsigned i = 0; i < WATCH_MAX_PEERS + 3; i++) {
        peer.s6_addr[14] = (uint8_t)(i >> 8);
        peer.s6_addr[15] = (uint8_t)i;
        watch_update(w, &(struct watch_news){&peer, endpoint_of("203.0.113.1", (uint16_t)(i + 1)),
                                             "x", i * NSEC_S, 0});
    }
    ok(has(table(w, 130, 2, 0), "(and 257 more)"), "the least recent peers go, and are counted");
    watch_free(w);
}

static void test_words(void)
{
    struct waiting w = {.what = WAITING_FOR_SERVER,
                        .whom = endpoint_of("192.0.2.1", 3544),
                        .try = 2,
                        .tries = 3,
                        .since = NSEC_S,
                        .until = 4 * NSEC_S,
                        .at_most = NSEC_NEVER};
    char text[STATUS_STRLEN];

    is_str(status_words(&w, 2 * NSEC_S + 500 * NSEC_MS, text),
           "waiting for the server 192.0.2.1:3544: solicitation 2 of 3, 1.5 s left",
           "what, which try of how many, how long still");
    is_str(status_words(&w, 9 * NSEC_S, text),
           "waiting for the server 192.0.2.1:3544: solicitation 2 of 3, 0.0 s left",
           "no time is left, never less");
    w.what = WAITING_FOR_PEERS;
    w.until = NSEC_NEVER;
    is_str(status_words(&w, 31 * NSEC_S, text), "waiting for peers: 2 came, 3 asked for, for 30 s",
           "without an end, how long already");
    w.what = WAITING_FOR_LIFETIME;
    w.at_least = 30 * NSEC_S;
    is_str(status_words(&w, 31 * NSEC_S, text),
           "measuring how long a mapping lives, at least 30.0 s, for 30 s", "the bounds so far");
    w.what = WAITING_FOR_NOTHING;
    is_str(status_words(&w, 31 * NSEC_S, text), "", "nothing");
}

static void test_status_is_for_terminals(void)
{
    FILE *pipe = tmpfile();
    struct status s;

    setenv("TERM", "xterm", 1);
    status_init(&s, pipe, false);
    ok(!s.on, "a file gets no status line");
    status_show(&s, NSEC_S, "x");
    status_show(&s, 9 * NSEC_S, "x");
    status_hush(&s, 9 * NSEC_S);
    is_int(ftell(pipe), 0, "not a byte of it");
    fclose(pipe);
}

static void test_second_of_silence(void)
{
    FILE *file = tmpfile();
    struct status s = {.err = file, .on = true};

    status_show(&s, 10 * NSEC_S, "waiting");
    ok(!s.shown, "a command that has just begun shows nothing");
    status_show(&s, 10 * NSEC_S + 900 * NSEC_MS, "waiting");
    ok(!s.shown, "nor within a second");
    status_show(&s, 11 * NSEC_S, "waiting");
    ok(s.shown, "then it does");
    status_hush(&s, 11 * NSEC_S);
    ok(!s.shown, "until something else is printed");
    status_show(&s, 11 * NSEC_S + 500 * NSEC_MS, "waiting");
    ok(!s.shown, "which gets a second of its own");
    fclose(file);
}

int main(void)
{
    test_table();
    test_many();
    test_words();
    test_status_is_for_terminals();
    test_second_of_silence();
    return done_testing();
}
