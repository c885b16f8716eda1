/* Charts of a punch and of a contact: which lanes there are, and what is dashed or dropped, follows
 * from the evidence alone. */
#include "chart_fixture.h"

static void test_punched(void)
{
    struct punch_story story;
    struct sequence s = {0};
    const struct sequence_item *item;

    story_punched(&story);
    story_chart(&story, &s);
    ok(has_lane(&s, "A") && has_lane(&s, "NAT A") && has_lane(&s, "B's server") &&
           has_lane(&s, "B"),
       "the parties that the evidence names");
    ok(has_lane(&s, "NAT B?"), "whether the peer has a NAT is not known");
    ok(!has_lane(&s, "A's server"), "our own server had no part in it");
    item = find(&s, "1 direct bubble");
    ok(ends_at(&s, item, "NAT B?") && item->dashed && item->stopped,
       "that step 1 is dropped is inferred");
    item = find(&s, "2 indirect bubble");
    ok(ends_at(&s, item, "B's server") && !item->dashed && !item->stopped, "step 2 was sent");
    item = find(&s, "3 bubble with origin");
    ok(ends_at(&s, item, "B") && item->dashed && item->between, "step 3 is inferred");
    is_int(item->offset, 51000, "not before step 2");
    is_int(item->latest, 153589000, "not after step 4");
    item = find(&s, "4 direct bubble");
    ok(ends_at(&s, item, "A") && !item->dashed, "step 4 was received");
    ok(has(item->label, "nonce"), "with its proof");
    ok(there(&s, "5 echo request") && there(&s, "5 echo reply"), "data crosses");
    is_int(s.mood, MOOD_YES, "the mood is the verdict's");
    sequence_clear(&s);
}

static void test_seen_step_is_solid(void)
{
    struct punch_story story;
    struct sequence s = {0};
    const struct sequence_item *item;

    story_punched(&story);
    story.events[2].step.report.state = STEP_RECEIVED;
    story_chart(&story, &s);
    item = find(&s, "3 bubble with origin");
    ok(!item->dashed && !item->between, "a step 3 that was seen is solid");
    sequence_clear(&s);
}

static void test_own_nat(void)
{
    struct punch_story story;
    struct sequence s = {0};

    story_punched(&story);
    story.punching.own_nat = QUALIFY_NAT_NONE;
    story_chart(&story, &s);
    ok(!has_lane(&s, "NAT A"), "a public host has no NAT");
    sequence_clear(&s);
    story.punching.own_nat = QUALIFY_NAT_UNKNOWN;
    story_chart(&story, &s);
    ok(has_lane(&s, "NAT A"), "another address outside is a NAT's, whatever its kind");
    sequence_clear(&s);
    story.punching.mapped.address = story.punching.local.address;
    story_chart(&story, &s);
    ok(!has_lane(&s, "NAT A"), "the same address is none");
    sequence_clear(&s);
}

static void test_peer_nat(void)
{
    struct punch_story story;
    struct sequence s = {0};

    story_punched(&story);
    story.punching.cause = CAUSE_PEER_REMAPPED;
    story.punching.answered_from = endpoint_of("198.51.100.20", 40001);
    story.events[3].step.report.from = story.punching.answered_from;
    story_chart(&story, &s);
    ok(has_lane(&s, "NAT B"), "an answer from another endpoint shows the peer's NAT");
    ok(there(&s, "comes from 198.51.100.20:40001"), "and that endpoint is told");
    sequence_clear(&s);
}

static void test_icmp(void)
{
    struct punch_story story;
    struct sequence s = {0};
    struct event *e;
    const struct sequence_item *item;

    story_init(&story);
    story_step(&story, STEP_DIRECT_BUBBLE, STEP_SENT, 0, 0);
    story_step(&story, STEP_INDIRECT_BUBBLE, STEP_SENT, 0.1, 0);
    e = story_note(&story, NOTE_DIRECT_ICMP, 40);
    e->note.icmp = (struct icmp_error){3, 1, endpoint_of("203.0.113.1", 0).address};
    story_chart(&story, &s);
    item = find(&s, "1 direct bubble");
    ok(item->dashed, "a router's ICMP error does not tell where bubble 1 ended");
    ok(there(&s, "ICMP for the direct bubble, from 203.0.113.1: host unreachable"),
       "but it is told");
    sequence_clear(&s);
    e->note.icmp = (struct icmp_error){3, 3, story.punching.peer_mapped.address};
    story_chart(&story, &s);
    item = find(&s, "1 direct bubble");
    ok(!item->dashed && item->stopped,
       "one from the peer's mapped address shows that it was refused there");
    ok(ends_at(&s, find(&s, "ICMP: port unreachable"), "A"), "and is an arrow from there");
    sequence_clear(&s);
    e = story_note(&story, NOTE_SERVER_ICMP, 50);
    e->note.icmp = (struct icmp_error){3, 3, story.punching.peer_server.address};
    story_chart(&story, &s);
    item = find(&s, "2 indirect bubble");
    ok(item->stopped, "an ICMP error for the indirect bubble stops it");
    sequence_clear(&s);
}

static void test_notes(void)
{
    struct punch_story story;
    struct sequence s = {0};
    struct event *e;

    story_init(&story);
    story_step(&story, STEP_DIRECT_BUBBLE, STEP_SENT, 0, 0);
    story_note(&story, NOTE_INDIRECT_ANSWER, 0.5);
    story_note(&story, NOTE_SERVER_CHECK, 500);
    story_note(&story, NOTE_SERVER_ALIVE, 540);
    e = story_note(&story, NOTE_RETRANSMIT, 2200);
    e->note.attempt = 2;
    e = story_note(&story, NOTE_UNPROVEN, 2300);
    e->note.from = endpoint_of("198.51.100.66", 666);
    story.punching.verdict = PUNCH_NOT_PUNCHED;
    story_chart(&story, &s);
    ok(has_lane(&s, "A's server"), "our server has a lane once the peer answers through it");
    ok(find(&s, "indirect answer")->dashed, "how the answer got there is inferred");
    ok(!find(&s, "indirect answer with origin")->dashed, "that it came is not");
    ok(ends_at(&s, find(&s, "router solicitation"), "B's server"), "the check of the server");
    ok(ends_at(&s, find(&s, "router advertisement"), "A"), "its answer");
    ok(there(&s, "no answer yet: bubble pair 2"), "the next pair");
    is_int(find(&s, "bubble pair 2")->offset, 2200 * NSEC_MS, "counted from the first");
    ok(there(&s, "an answer from 198.51.100.66:666, without proof"), "a stray answer");
    is_int(s.mood, MOOD_NO, "not punched");
    sequence_clear(&s);
    story.punching.server = story.punching.peer_server;
    story_chart(&story, &s);
    ok(has_lane(&s, "server") && !has_lane(&s, "A's server") && !has_lane(&s, "B's server"),
       "one server of both is one lane");
    sequence_clear(&s);
}

static void test_nothing_sent(void)
{
    struct punch_story story;
    struct sequence s = {0};

    story_init(&story);
    story.punching.verdict = PUNCH_INCONCLUSIVE;
    story.punching.cause = CAUSE_OWN_SERVER_SILENT;
    story.punching.own = (struct in6_addr){0};
    story_chart(&story, &s);
    ok(!has_lane(&s, "B") && has_lane(&s, "A's server"), "nobody was met but our own server");
    ok(there(&s, "nothing was sent to the peer"), "and that is said");
    ok(has(s.title, "hole punch to B, 2001:"), "the title names the peer");
    sequence_clear(&s);
}

static void test_ttl(void)
{
    struct punch_story story;
    struct sequence s = {0};

    story_punched(&story);
    story.punching.direct_ttl = 2;
    story_chart(&story, &s);
    ok(there(&s, "time to live of 2"), "a direct bubble that shall end early says so");
    sequence_clear(&s);
}

static struct event *contact_add(struct punch_story *s, enum peer_activity activity,
                                 const char *peer, double ms)
{
    struct event *e = story_add(s, EVENT_PEER, ms);

    e->peer.activity = activity;
    inet_pton(AF_INET6, peer, &e->peer.peer);
    e->peer.endpoint = endpoint_of("203.0.113.10", 50000);
    e->peer.offset = (nsec)(ms * 1e6);
    return e;
}

static void test_contact(void)
{
    struct punch_story story = {0};
    struct sequence s = {0};
    struct qualification q = {.server = endpoint_of("192.0.2.129", 3544),
                              .local = endpoint_of("100.64.2.2", 40000),
                              .mapped = endpoint_of("198.51.100.20", 40000),
                              .nat = QUALIFY_NAT_CONE_OR_RESTRICTED};
    const char *peer = "2001:0:c000:201::1";

    contact_add(&story, PEER_INDIRECT_BUBBLE, peer, 0);
    contact_add(&story, PEER_ANSWERED, peer, 0.1);
    contact_add(&story, PEER_ANSWERED_INDIRECTLY, peer, 0.1)->peer.endpoint =
        endpoint_of("192.0.2.1", 3544);
    chart_contact(&s, story.events, story.count, &q);
    ok(has_lane(&s, "A's server") && has_lane(&s, "NAT B") && !has_lane(&s, "NAT A"),
       "B knows its own NAT, and both servers");
    ok(find(&s, "2 indirect bubble")->dashed, "how the bubble got to the server is inferred");
    ok(!find(&s, "3 bubble with origin")->dashed, "that it came is not");
    ok(has(s.verdict, "not reached: ") && s.mood == MOOD_NO, "nothing came directly");
    sequence_clear(&s);
    contact_add(&story, PEER_TRUSTED, peer, 100);
    contact_add(&story, PEER_ECHOED, peer, 100);
    chart_contact(&s, story.events, story.count, &q);
    ok(has(s.verdict, "reached: the direct path is open, and 1 echo request was answered"),
       "now something has");
    is_int(s.mood, MOOD_YES, "and the mood follows");
    sequence_clear(&s);
}

/* A reporter that draws: one chart a verdict, begun anew after each. */
static const char *reported(enum report_format format, const struct punch_story *story,
                            unsigned times)
{
    static char *text;
    size_t size;
    struct report_config config = {.format = format,
                                   .command = "trace",
                                   .verdict = EVENT_PUNCHING,
                                   .err = stderr,
                                   .width = 100,
                                   .ascii = true};
    struct reporter *r;
    struct error error;

    free(text);
    text = NULL;
    config.out = open_memstream(&text, &size);
    r = reporter_new(&config);
    for (unsigned n = 0; n < times; n++) {
        struct event_sink sink = reporter_sink(r);
        struct event verdict = {.kind = EVENT_PUNCHING, .punching = story->punching};

        for (size_t i = 0; i < story->count; i++)
            sink.emit(sink.context, &story->events[i]);
        sink.emit(sink.context, &verdict);
    }
    reporter_close(r, &error);
    fclose(config.out);
    return text;
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned n = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}

static void test_reporter(void)
{
    struct punch_story story;
    const char *text;

    story_punched(&story);
    text = reported(REPORT_LADDER, &story, 3);
    is_int(count_of(text, "4 direct bubble"), 3, "three punches are three ladders");
    is_int(count_of(text, "\npunched: "), 3, "each with its verdict");
    text = reported(REPORT_MERMAID, &story, 3);
    is_int(count_of(text, "sequenceDiagram"), 1, "but one Mermaid diagram");
    is_int(count_of(text, "4 direct bubble"), 3, "with all three");
    text = reported(REPORT_SVG, &story, 3);
    is_int(count_of(text, "<svg "), 1, "and one picture");
    is_int(count_of(text, "4 direct bubble"), 3, "with all three");
}

int main(void)
{
    test_punched();
    test_seen_step_is_solid();
    test_own_nat();
    test_peer_nat();
    test_icmp();
    test_notes();
    test_nothing_sent();
    test_ttl();
    test_contact();
    test_reporter();
    return done_testing();
}
