/* Prints, through the reporters, an object of every kind and every format of JSON, and in them
 * every word that there is: tests/schema.bats holds them against the schema. What a network seldom
 * says is said here. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "bubbling.h"
#include "packet.h"
#include "report.h"
#include "server.h"
#include "teredo_flows.h"
#include "tsv.h"

static const struct endpoint here = {UINT32_C(0xcb007109), 40000};
static const struct endpoint there = {UINT32_C(0xc0000201), 3544};
static const nsec when = 1764000001123456789;
static const struct capture_remarks capture_remarks = {
    .cut = 1,
    .unread = {{"USB_LINUX", 2}},
    .unread_count = 1,
    .steps = {{"a.pcap", CLOCK_SET_BACK, 3, NSEC_S, 1},
              {NULL, CLOCK_SET_FORWARD, 4, NSEC_S, 2},
              {"b.pcap", CLOCK_BEHIND, 5, NSEC_S, 1}},
    .step_count = 3,
};

static struct report_config config_of(const char *command, enum report_format format);
static const bool v_quiet = true, v_verbose, v_explain, v_color, v_ascii;
static const unsigned v_width = 100;
static struct in6_addr address;

static struct reporter *open_reporter(const char *command, enum report_format format)
{
    static unsigned opened;
    static const char *const sources[] = {NULL, "libpcap", "so_timestampns"};
    struct report_config config = config_of(command, format);
    struct report_config more = {.server = "teredo.example.net",
                                 .quiet = v_quiet,
                                 .verbose = v_verbose,
                                 .explain = v_explain,
                                 .color = v_color,
                                 .ascii = v_ascii,
                                 .width = v_width,
                                 .timestamp_source = sources[opened % 3]};
    more.format = config.format;
    more.command = command;
    more.verdict = config.verdict;
    more.columns = config.columns;
    more.out = stdout;
    more.err = stderr;
    config = more;

    /* listen has no rounds. */
    if (strcmp(command, "listen") != 0) {
        config.round = opened;
        config.round_started = config.round != 0 ? when : 0;
    }
    opened++;

    return reporter_new(&config);
}

static void close_reporter(struct reporter *r)
{
    struct error error;

    if (reporter_close(r, &error) != 0)
        exit(1);
}

static void tell(struct reporter *r, const struct event *event)
{
    struct event_sink sink = reporter_sink(r);

    sink.emit(sink.context, event);
}

static struct icmp_error icmp_of(int i)
{
    static const uint8_t types[][2] = {{11, 0}, {4, 0}, {3, 0},  {3, 1},  {3, 2}, {3, 3},
                                       {3, 4},  {3, 9}, {3, 10}, {3, 13}, {3, 15}};
    const uint8_t *t = types[i % (int)(sizeof types / sizeof *types)];

    return (struct icmp_error){t[0], t[1], there.address};
}

static struct event qualification(int i)
{
    struct event e = {.kind = EVENT_QUALIFICATION, .when = when};
    struct qualification *q = &e.qualification;

    q->verdict = (enum qualify_verdict)(i % (QUALIFY_INCONCLUSIVE + 1));
    q->reason = (enum qualify_reason)(i % QUALIFY_REASON_COUNT);
    q->nat = (enum qualify_nat)(i % (QUALIFY_NAT_SYMMETRIC + 1));
    q->has_icmp = true;
    q->icmp = icmp_of(i);
    if (i % 2 == 0)
        return e;
    q->server = q->secondary = there;
    q->local = q->mapped = q->mapped_secondary = here;
    q->has_address = true;
    q->teredo_address = q->prefix = address;
    q->advertisements = 1;
    q->mtu = 1280;
    q->rtt = q->elapsed = NSEC_MS;
    q->errnum = EPERM;
    for (int rule = 0; rule < RULE_COUNT; rule++)
        q->rules[rule] = (enum rule_state)(rule % (RULE_NOT_APPLICABLE + 1));
    return e;
}

static void print_rejected(struct reporter *r)
{
    struct event e = {.kind = EVENT_REJECTED, .when = when, .rejected.from = there};

    for (int i = 0; i < RULE_COUNT; i++) {
        e.rejected.rule = (enum ra_rule)i;
        tell(r, &e);
    }
}

/* Several servers */
static void print_qualify_many(enum report_format format)
{
    struct reporter *r = open_reporter("qualify", format);
    struct event e;

    for (int i = 0; i < 2 * QUALIFY_REASON_COUNT; i++) {
        e = qualification(i);
        e.qualification.name = i % 2 == 0 ? "teredo.example.net" : "not UTF-8: \xff";
        tell(r, &e);
    }
    e = (struct event){.kind = EVENT_QUALIFIED_MANY,
                       .when = when,
                       .qualified_many = {.servers = 9, .verdicts = {3, 2, 1}, .left = 3}};
    tell(r, &e);
    close_reporter(r);
}

static void print_check(enum report_format format)
{
    static const struct check_range ranges[] = {{0}, {.text = "0.5", .high = 0.5}};

    for (int i = 0; i < 2 * QUALIFY_REASON_COUNT; i++) {
        struct reporter *r = open_reporter("check", format);
        struct event e = qualification(i);
        struct checking c = {.status = (enum check_status)(i % (CHECK_UNKNOWN + 1)),
                             .cause = (enum check_cause)(i % CHECK_CAUSE_COUNT),
                             .name = "teredo.example.net",
                             .qualification = e.qualification,
                             .relay = (enum relay_state)(i % RELAY_COUNT),
                             .relay_sent = 1,
                             .relay_rtt = i % 2 == 0 ? 0 : NSEC_MS,
                             .warning = ranges[i % 2],
                             .critical = ranges[i / 2 % 2],
                             .elapsed = NSEC_S};

        print_rejected(r);
        tell(r, &e);
        e = (struct event){.kind = EVENT_CHECKING, .when = when, .checking = c};
        tell(r, &e);
        close_reporter(r);
    }
}

static void print_qualify(enum report_format format)
{
    for (int i = 0; i < 2 * QUALIFY_REASON_COUNT; i++) {
        struct reporter *r = open_reporter("qualify", format);
        struct event e = qualification(i);

        print_rejected(r);
        tell(r, &e);
        close_reporter(r);
    }
    print_qualify_many(format);
}

static struct event step_of(int i)
{
    struct event e = {.kind = EVENT_STEP, .when = when};

    e.step.step = (enum punch_step)(i % STEP_COUNT);
    e.step.attempt = 1;
    e.step.proof = (enum punch_proof)(i % (PROOF_NONCE + 1));
    e.step.report = (struct step_report){.state = (enum step_state)(i % (STEP_INFERRED + 1)),
                                         .when = when,
                                         .latest = when + 1,
                                         .from = here,
                                         .to = there};
    return e;
}

static struct event punching(int i)
{
    struct event e = {.kind = EVENT_PUNCHING, .when = when};
    struct punching *p = &e.punching;

    p->verdict = (enum punch_verdict)(i % (PUNCH_INCONCLUSIVE + 1));
    p->cause = (enum punch_cause)(i % CAUSE_COUNT);
    p->peer = address;
    p->proof = (enum punch_proof)(i % (PROOF_NONCE + 1));
    p->own_nat = (enum qualify_nat)(i % (QUALIFY_NAT_SYMMETRIC + 1));
    if (i % 2 == 0)
        return e;
    p->peer_mapped = p->peer_server = p->server = there;
    p->local = p->mapped = p->answered_from = p->unproven_from = here;
    p->own = address;
    p->peer_server_checked = true;
    p->peer_server_alive = i % 3 == 0;
    p->has_icmp = true;
    p->icmp = icmp_of(i);
    p->rtt = p->elapsed = NSEC_MS;
    for (int step = 0; step < STEP_COUNT; step++)
        p->steps[step] = step_of(i + step).step.report;
    return e;
}

static void print_trace(enum report_format format)
{
    struct reporter *r = open_reporter("trace", format);
    struct event e = qualification(1);

    print_rejected(r);
    tell(r, &e);
    for (int i = 0; i < STEP_COUNT * (STEP_INFERRED + 1) * (PROOF_NONCE + 1); i++) {
        e = step_of(i);
        tell(r, &e);
    }
    for (int i = 0; i <= NOTE_SERVER_ALIVE; i++) {
        e = (struct event){.kind = EVENT_NOTE, .when = when};
        e.note.note = (enum punch_note)i;
        e.note.from = there;
        e.note.icmp = icmp_of(i);
        tell(r, &e);
    }
    close_reporter(r);
    for (int i = 0; i < 3 * CAUSE_COUNT; i++) {
        r = open_reporter("trace", format);
        e = punching(i);
        tell(r, &e);
        close_reporter(r);
    }
}

static struct step_report captured_step(int i)
{
    struct step_report s = step_of(i).step.report;

    s.lost = i % 2 == 0;
    s.state = (enum step_state)(i % (STEP_OBSERVED + 1));
    s.view_count = (uint8_t)(s.state == STEP_MISSING ? 0 : i % (STEP_MAX_VIEWS + 1));
    for (int view = 0; view < s.view_count; view++)
        s.views[view] = (struct step_view){.when = when,
                                           .from = here,
                                           .to = there,
                                           .vantage = (uint8_t)(view % 2),
                                           .ttl = 64,
                                           .place = (uint8_t)(view % (PLACE_RECEIVER + 1))};
    return s;
}

/* Always the peer's addresses, which are in its own: a punch without them is none. */
static struct event captured_punch(int i)
{
    struct event e = punching(i);
    struct punching *p = &e.punching;

    p->side = (enum punch_side)(SIDE_INITIATOR + i % SIDE_PATH);
    p->peer_server = p->peer_mapped = there;
    p->relay = i % 4 == 0;
    p->has_own = i % 3 == 0;
    p->both_sides = i % 5 == 0;
    p->reference = i % 7 == 0;
    p->started = when;
    if (i % 2 == 0)
        p->request = captured_step(1);
    for (int step = 0; step < STEP_COUNT; step++)
        p->steps[step] = captured_step(i + step);
    return e;
}

static void print_captures(enum report_format format)
{
    static const char *const names[] = {"a.pcap", "b\xff.pcap"};
    struct report_config config = {.format = format,
                                   .command = "trace",
                                   .verdict = EVENT_PUNCHING,
                                   .columns = TSV_CAPTURES,
                                   .out = stdout,
                                   .err = stderr,
                                   .quiet = v_quiet,
                                   .verbose = v_verbose,
                                   .explain = v_explain,
                                   .color = v_color,
                                   .ascii = v_ascii,
                                   .width = v_width,
                                   .captures = names,
                                   .capture_count = 2};
    struct reporter *r = reporter_new(&config);
    struct event e = {.kind = EVENT_CLOCK, .when = when, .clock.vantage = 1};

    tell(r, &e);
    e.clock.fit = (struct clock_match){5, true, when, NSEC_MS, 1e-6, NSEC_US};
    tell(r, &e);
    print_rejected(r);
    for (int i = 0; i < 2 * QUALIFY_REASON_COUNT; i++) {
        e = qualification(i);
        e.qualification.captured = true;
        e.qualification.started = when;
        tell(r, &e);
    }
    for (int i = 0; i < 3 * CAUSE_COUNT; i++) {
        e = captured_punch(i);
        tell(r, &e);
    }
    e = (struct event){.kind = EVENT_PASSIVE, .when = when, .passive.punches = 1};
    e.passive.remarks = capture_remarks;
    tell(r, &e);
    close_reporter(r);
}

static void print_listen(enum report_format format)
{
    struct reporter *r = open_reporter("listen", format);
    struct event e = qualification(0);

    print_rejected(r);
    tell(r, &e);
    e = qualification(1);
    tell(r, &e);
    for (int i = 0; i <= PEER_REFUSED; i++) {
        e = (struct event){.kind = EVENT_PEER, .when = when};
        e.peer.activity = (enum peer_activity)i;
        e.peer.peer = address;
        e.peer.endpoint = here;
        tell(r, &e);
    }
    e = qualification(3);
    e.kind = EVENT_SERVER_LOST;
    tell(r, &e);
    e = (struct event){.kind = EVENT_MAPPING_CHANGED, .when = when};
    e.mapping.before = here;
    e.mapping.after = there;
    e.mapping.address = address;
    tell(r, &e);
    e = (struct event){.kind = EVENT_LISTENED, .when = when, .listened.elapsed = NSEC_S};
    tell(r, &e);
    close_reporter(r);
}

static void fill_classification(struct classification *c, int i)
{
    static const enum nat_depends depends[] = {DEPENDS_ADDRESS, DEPENDS_ADDRESS_AND_PORT,
                                               DEPENDS_ENDPOINT};

    *c = (struct classification){
        .verdict = (enum classify_verdict)(i % (CLASSIFY_PARTIAL + 1)),
        .reach = (enum classify_reach)(i % REACH_COUNT),
        .nat = (enum nat_name)(i % NAT_NAME_COUNT),
        .translated = (enum finding)(i % (FINDING_NOT_APPLICABLE + 1)),
        .mapping = (enum nat_depends)(i % DEPENDS_COUNT),
        .filtering = (enum nat_depends)(i % DEPENDS_COUNT),
        .ports = (enum port_allocation)(i % (PORTS_NOT_APPLICABLE + 1)),
        .port_step = 2,
        .hairpinning = (enum finding)(i % (FINDING_NOT_APPLICABLE + 1)),
        .pooling = (enum address_pooling)(i % (POOLING_NOT_APPLICABLE + 1)),
        .server = there,
        .evidence_count = TEST_COUNT,
        .references = (unsigned)i % 2,
        .shared_space_router = i % 2 == 0 ? 0 : here.address,
        .has_icmp = true,
        .icmp = icmp_of(i),
        .errnum = i % 2 == 0 ? 0 : ENETUNREACH,
        .lifetime = {.measured = i % 2 == 0,
                     .at_least = NSEC_S,
                     .at_most = i % 4 == 0 ? NSEC_NEVER : 2 * NSEC_S},
    };
    if (i % 2 == 0) {
        c->secondary = there;
        c->local = c->mapped = c->mapped_secondary = here;
        c->rtt = c->elapsed = NSEC_MS;
    }
    if (c->nat == NAT_NAME_SYMMETRIC)
        c->mapping = depends[i / NAT_NAME_COUNT % 3];
    for (int test = 0; test < TEST_COUNT; test++) {
        struct classify_evidence *e = &c->evidence[test];

        e->test = (enum classify_test)test;
        e->proof = (enum classify_proof)((test + i) % PROVES_COUNT);
        e->sent = e->answered = 1;
        e->delay = i % 2 == 0 ? 0 : NSEC_MS;
        e->to = e->answer = there;
        e->odds = 0.25 * (i % 2);
    }
}

static void print_classify(enum report_format format)
{
    static struct classification c;

    for (int i = 0; i < 120; i++) {
        struct reporter *r = open_reporter("classify", format);
        struct event e = {.kind = EVENT_PROGRESS, .when = when};

        if (i == 0)
            print_rejected(r);
        e.progress.phase = (enum progress_phase)(i % (PROGRESS_LIFETIME + 1));
        e.progress.longest = NSEC_S;
        e.progress.at_most = NSEC_NEVER;
        tell(r, &e);
        fill_classification(&c, i);
        e = (struct event){.kind = EVENT_CLASSIFICATION, .when = when, .classification = &c};
        tell(r, &e);
        close_reporter(r);
    }
}

static void print_addr(enum report_format format, bool many)
{
    static const char *const texts[] = {
        "::",
        "::1",
        "::ffff:192.0.2.1",
        "::192.0.2.1",
        "64:ff9b::1",
        "64:ff9b:1::1",
        "100::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:3::1",
        "2001:db8::1",
        "2002:c000:201::1",
        "3fff::1",
        "3ffe::1",
        "2600::1",
        "fc00::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff01::1",
        "ff02::1",
        "ff05::1",
        "4000::1",
        "no address",
        "fe80::ffff:ffff:ffff",
        /* The notes: special addresses, all flags, none, the old prefix, port 0. */
        "2001:0:c000:201:ffff:63bf:34ff:8ef6",
        "2001:0:a00:1::f5ff:fffe",
        "2001:0:c058:6301::63bf:34ff:8ef6",
        "3ffe:831f:c000:201:0:ffff:34ff:8ef6",
        "2001:0:c000:201::63bf:3fa7:9cfe",
    };
    struct report_config config = {.format = format,
                                   .command = "addr",
                                   .verdict = EVENT_ADDRESS,
                                   .columns = TSV_ADDR,
                                   .out = stdout,
                                   .err = stderr,
                                   .quiet = v_quiet,
                                   .many = many,
                                   .buffered = true};
    struct reporter *r = reporter_new(&config);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct address a;
        struct event e = {.kind = EVENT_ADDRESS, .address = &a};

        address_examine(texts[i], strlen(texts[i]), many ? i + 1 : 0, &a);
        if (a.verdict == ADDRESS_INVALID && !v_quiet) {
            reporter_flush(r);
            if (a.line)
                fprintf(stderr, "teredoctl addr: line %lu: 'no address' is not an IPv6 address\n",
                        a.line);
            else
                fprintf(stderr, "teredoctl addr: 'no address' is not an IPv6 address\n");
        }
        tell(r, &e);
    }
    close_reporter(r);
}

static void print_addrs(enum report_format format)
{
    print_addr(format, true);
}

/* A solicitation with authentication and trailers, and what it may be blamed for. */
static void make_captured_packet(struct captured_packet *s, uint8_t *bytes, size_t room)
{
    static const uint8_t nonce[TEREDO_NONCE_SIZE] = {1};
    static const uint8_t alternate[8] = {0, 0, 100, 64, 1, 2, 156, 64};
    static const struct teredo_trailer trailers[] = {{TRAILER_NONCE, 4, nonce},
                                                     {0x02, 4, nonce},
                                                     {TRAILER_ALTERNATE_ADDRESS, 8, alternate},
                                                     {TRAILER_ND_OPTION, 4, alternate},
                                                     {TRAILER_RANDOM_PORT, 2, nonce}};
    struct writer w = writer_of(bytes, room);
    struct teredo_packet p;
    uint8_t rs[8];

    teredo_make_rs(&p, &teredo_rs_source, rs);
    teredo_add_auth_nonce(&p, nonce);
    p.has_origin = true;
    p.origin = here;
    for (size_t i = 0; i < sizeof trailers / sizeof *trailers; i++)
        p.trailers[p.trailer_count++] = trailers[i];
    teredo_encode(&w, &p);
    teredo_flows_decode_payload(bytes, w.size, s);
    s->outside = CAPTURED_PACKET_CAPTURED;
    s->frame = 1;
    s->when = when;
    s->udp.from = here;
    s->udp.to = there;
    s->packet.ip6.source = address;
    s->packet.icmp6.ra.mtu = 1280;
}

static void print_decode(enum report_format format, bool single)
{
    struct report_config config = {.format = format,
                                   .command = "decode",
                                   .verdict = EVENT_PACKET,
                                   .columns = TSV_DECODE,
                                   .out = stdout,
                                   .err = stderr,
                                   .verbose = v_verbose,
                                   .many = !single,
                                   .buffered = true};
    struct reporter *r = reporter_new(&config);
    uint8_t bytes[TEREDO_MAX_SIZE];
    struct captured_packet s;
    struct event e = {.kind = EVENT_PACKET, .packet = &s};
    struct flows_summary sum = {0};

    make_captured_packet(&s, bytes, sizeof bytes);
    s.file = "capture.pcap";
    for (int i = WIRE_OK + 1; i < WIRE_REASON_COUNT; i++) {
        s.problem_count = 1;
        s.problems[0].reason = (enum wire_reason)i;
        s.packet.kind = (enum teredo_kind)(i % CAPTURED_PACKET_KINDS);
        s.fragments = (unsigned)i % 3;
        s.timeless = s.copy = i % 2 == 0;
        tell(r, &e);
    }
    e = (struct event){.kind = EVENT_FLOWS, .flows = &sum};
    if (!single)
        tell(r, &e);
    close_reporter(r);
}

static void print_packets(enum report_format format)
{
    print_decode(format, false);
}

static void print_decode_summary(enum report_format format)
{
    struct flows_summary sum = {
        .packets = 1, .first = when, .last = when, .remarks = capture_remarks};

    struct event e = {.kind = EVENT_FLOWS, .flows = &sum};
    struct report_config config = {.format = format,
                                   .command = "decode",
                                   .verdict = EVENT_FLOWS,
                                   .columns = TSV_SUMMARY,
                                   .out = stdout,
                                   .err = stderr};
    struct reporter *r = reporter_new(&config);
    for (int i = WIRE_OK + 1; i < WIRE_REASON_COUNT; i++)
        sum.reasons[i] = 1;
    tell(r, &e);
    close_reporter(r);
    r = reporter_new(&config);
    sum.packets = 0;
    tell(r, &e);
    close_reporter(r);
}

static void print_bubble(enum report_format format)
{
    struct report_config config = {.format = format,
                                   .command = "bubble",
                                   .verdict = EVENT_BUBBLED,
                                   .columns = TSV_BUBBLE,
                                   .out = stdout,
                                   .err = stderr,
                                   .quiet = v_quiet,
                                   .verbose = v_verbose};
    struct text_buffer log;
    text_buffer_init(&log, stderr);
    static const char *const ways[] = {NULL, "udp_socket", "raw_socket"};
    uint8_t bytes[TEREDO_MAX_SIZE];
    struct captured_packet s;

    make_captured_packet(&s, bytes, sizeof bytes);
    for (int i = 0; i < 3 * (BUBBLE_WRITTEN + 1); i++) {
        struct reporter *r = reporter_new(&config);
        struct bubble_packet packet = {
            .number = 1, .ip4 = bytes, .ip4_size = s.size, .captured_packet = s, .whole = true};
        struct bubble_reply reply = {.captured_packet = s, .answered = 1};
        struct bubble_icmp icmp = {when, there, icmp_of(i)};
        struct bubble_summary summary = {.wait = NSEC_S, .answers = 1, .via = ways[i % 3]};

        packet.aim = (enum bubble_aim)(i % (BUBBLE_GIVEN + 1));
        packet.errnum = i % 2 == 0 ? 0 : EPERM;
        reply.proof = (enum punch_proof)(i % (PROOF_NONCE + 1));
        summary.verdict = (enum bubble_verdict)(i % (BUBBLE_WRITTEN + 1));
        struct event e = {.kind = EVENT_BUBBLE_SENT, .bubble_packet = &packet};
        if (v_verbose) {
            packet_put(&log, &s, PACKET_LINE | PACKET_TREE);
            text_buffer_flush(&log);
        }
        tell(r, &e);
        e = (struct event){.kind = EVENT_BUBBLE_REPLY, .bubble_reply = &reply};
        tell(r, &e);
        if (v_verbose) {
            packet_put(&log, &s, PACKET_LINE | PACKET_TREE);
            text_buffer_flush(&log);
        }
        e = (struct event){.kind = EVENT_BUBBLE_ICMP, .bubble_icmp = &icmp};
        tell(r, &e);
        e = (struct event){.kind = EVENT_BUBBLED, .bubbled = &summary};
        tell(r, &e);
        close_reporter(r);
    }
}

static void print_serve(enum report_format format)
{
    struct serving serving = {.primary = there, .secondary = here};
    struct report_config config = {.format = format,
                                   .command = "serve",
                                   .verdict = EVENT_SERVED,
                                   .columns = TSV_SERVE,
                                   .out = stdout,
                                   .err = stderr};
    struct reporter *r = reporter_new(&config);
    struct event e = {.kind = EVENT_SERVER_READY, .serving = &serving};
    for (int i = SERVER_ACCEPTED + 1; i < SERVER_DROP_COUNT; i++)
        serving.drops[i] = 1;
    if (format != REPORT_JSON) {
        tell(r, &e);
        e.kind = EVENT_SERVER_COUNTERS;
        tell(r, &e);
    }
    e.kind = EVENT_SERVED;
    tell(r, &e);
    close_reporter(r);
}

/* One object, or all, of each command, in one format. */
static void print_all(enum report_format format)
{
    static const struct {
        const char *table;
        const char *columns;
        void (*print)(enum report_format format);
    } tables[] = {
        {"qualify", TSV_QUALIFY, print_qualify},
        {"trace", TSV_TRACE, print_trace},
        {"listen", TSV_LISTEN, print_listen},
        {"classify", TSV_CLASSIFY, print_classify},
        {"addr", TSV_ADDR, print_addrs},
        {"decode", TSV_DECODE, print_packets},
        {"bubble", TSV_BUBBLE, print_bubble},
        {"decode --summary", TSV_SUMMARY, print_decode_summary},
        {"serve", TSV_SERVE, print_serve},
        {"trace -r", TSV_CAPTURES, print_captures},
        {"check", TSV_CHECK, print_check},
    };

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (format == REPORT_TSV) {
            struct text_buffer b;
            struct error error;
            printf("# %s\n", tables[i].table);
            text_buffer_init(&b, stdout);
            tsv_put_header(&b, tables[i].columns);
            text_buffer_close(&b, &error);
        }
        tables[i].print(format);
    }
}

static struct report_config config_of(const char *command, enum report_format format)
{
    struct report_config c = {.format = format, .command = command};
    static const struct {
        const char *n;
        enum event_kind v;
        const char *c;
    } ks[] = {{"qualify", EVENT_QUALIFICATION, TSV_QUALIFY},
              {"check", EVENT_CHECKING, TSV_CHECK},
              {"trace", EVENT_PUNCHING, TSV_TRACE},
              {"listen", EVENT_LISTENED, TSV_LISTEN},
              {"classify", EVENT_CLASSIFICATION, TSV_CLASSIFY}};
    for (int i = 0; i < 5; i++)
        if (!strcmp(ks[i].n, command)) {
            c.verdict = ks[i].v;
            c.columns = ks[i].c;
        }
    return c;
}

int main(int argc, char **argv)
{
    inet_pton(AF_INET6, "2001:0:c000:201:2c5a:63bf:34ff:8ef6", &address);
    if (argc > 1 && strcmp(argv[1], "--tsv") == 0) {
        print_all(REPORT_TSV);
    } else {
        print_all(REPORT_JSONL);
        print_all(REPORT_JSON);
        print_addr(REPORT_JSON, false);
        print_decode(REPORT_JSON, true);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
