#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bubble_book.h"
#include "bubble_plan.h"
#include "clock.h"
#include "paced_send.h"
#include "packet.h"
#include "pcap_writer.h"
#include "privilege.h"
#include "teredo_flows.h"

struct bubble {
    struct bubble_options options;
    struct bubble_plan plan;
    struct inject inject;
    struct pcap_writer *writer;
    struct reporter *reporter;
    struct text_buffer log; /* on standard error, of --verbose */
    struct bubble_book book;
    struct bubble_summary summary;
    struct bubble_packet packet; /* the last one */
    struct error send_error;     /* the first */
    uint8_t ip4[CRAFT_MAX_SIZE]; /* the last packet as a whole */
};

static void tell(struct bubble *b, const struct event *event)
{
    struct event_sink sink = reporter_sink(b->reporter);

    sink.emit(sink.context, event);
}

/* What decode would show of it. */
static void log_packet(struct bubble *b, const struct captured_packet *s)
{
    if (b->options.common.verbosity == 0)
        return;
    packet_put(&b->log, s, PACKET_LINE | PACKET_TREE);
    text_buffer_flush(&b->log);
}

static void tell_sent(struct bubble *b, const struct bubble_packet *p)
{
    struct event event = {
        .kind = EVENT_BUBBLE_SENT, .when = p->captured_packet.when, .bubble_packet = p};

    log_packet(b, &p->captured_packet);
    tell(b, &event);
}

/* The next packet, to TARGET from FROM, ready to be sent and shown. */
static struct bubble_packet *next_packet(struct bubble *b, const struct bubble_target *target,
                                         struct endpoint from)
{
    struct craft *c = &b->plan.base;
    struct bubble_packet *p = &b->packet;

    c->from = from;
    c->to = target->to;
    p->number++;
    p->aim = target->aim;
    p->ip4 = b->ip4;
    p->ip4_size = craft_encode(c, b->ip4, sizeof b->ip4);
    p->errnum = 0;
    p->whole = b->options.dry_run;
    teredo_flows_decode_datagram(p->ip4, p->ip4_size, &p->captured_packet);
    return p;
}

static void enter_in_book(struct bubble *b, const struct bubble_packet *p)
{
    const struct craft *c = &b->plan.base;
    const struct teredo_packet nothing = {0}, *packet = &p->captured_packet.packet;
    struct bubble_sent sent;

    /* Who answers a malformed packet has seen what was meant. */
    if (p->captured_packet.extent != TEREDO_WHOLE)
        packet = c->raw == NULL ? &c->packet : &nothing;
    bubble_sent_describe(&sent, c->to, packet, b->plan.random_source);
    sent.number = p->number;
    sent.when = p->captured_packet.when;
    bubble_book_add(&b->book, &sent);
}

static void note_failure(struct bubble *b, const struct bubble_packet *p)
{
    char to[ENDPOINT_STRLEN];

    if (b->summary.failed++ == 0)
        error_set(&b->send_error, p->errnum == EACCES || p->errnum == EPERM ? EX_NOPERM : EX_OSERR,
                  p->errnum, "cannot send to %s", endpoint_format(p->captured_packet.udp.to, to));
}

static void fire(void *context, unsigned long round)
{
    struct bubble *b = context;

    bubble_plan_round(&b->plan, round);
    for (unsigned i = 0; i < b->plan.target_count; i++) {
        const struct bubble_target *target = &b->plan.targets[i];
        struct bubble_packet *p = next_packet(b, target, inject_source(&b->inject, target->to));

        p->errnum = inject_send(&b->inject, &b->plan.base, &p->captured_packet.when);
        if (p->errnum == 0) {
            b->summary.sent++;
            enter_in_book(b, p);
        } else {
            note_failure(b, p);
        }
        tell_sent(b, p);
    }
}

static void receive_icmp(struct bubble *b, const struct port_receipt *receipt)
{
    struct bubble_icmp icmp = {
        .when = receipt->when,
        .to = receipt->to,
        .error = {receipt->icmp_type, receipt->icmp_code, receipt->icmp_reporter},
    };
    struct event event = {.kind = EVENT_BUBBLE_ICMP, .when = receipt->when, .bubble_icmp = &icmp};

    b->summary.icmp_errors++;
    tell(b, &event);
}

static void receive(void *context, const struct port_receipt *receipt)
{
    struct bubble *b = context;
    struct bubble_reply reply = {0};
    struct captured_packet *s = &reply.captured_packet;
    const struct bubble_sent *answered;
    struct event event = {
        .kind = EVENT_BUBBLE_REPLY, .when = receipt->when, .bubble_reply = &reply};
    bool decoded;

    if (receipt->is_error) {
        receive_icmp(b, receipt);
        return;
    }
    decoded = teredo_flows_decode_payload(receipt->bytes, receipt->size, s);
    s->outside = CAPTURED_PACKET_RECEIVED;
    s->when = receipt->when;
    s->udp.from = receipt->from;
    s->udp.to = receipt->to;
    reply.proof = bubble_book_find(&b->book, decoded ? &s->packet : NULL, receipt->from, &answered);
    if (answered != NULL) {
        reply.answered = answered->number;
        reply.delay = nsec_max(receipt->when - answered->when, 0);
    }
    b->summary.replies++;
    if (reply.proof != PROOF_NONE && b->summary.answers++ == 0)
        b->summary.first_delay = reply.delay;
    tell(b, &event);
    log_packet(b, s);
}

static int open_report(struct bubble *b, struct error *error)
{
    const struct bubble_options *o = &b->options;
    struct report_config config = options_report(&command_bubble, &o->common);

    config.verdict = EVENT_BUBBLED;
    config.columns = TSV_BUBBLE;
    if (o->write != NULL && strcmp(o->write, "-") == 0)
        config.out = stderr;
    text_buffer_init(&b->log, stderr);
    b->reporter = reporter_new(&config);
    return b->reporter == NULL ? error_set(error, EX_OSERR, ENOMEM, "cannot start") : 0;
}

static struct endpoint source_without_socket(const struct bubble *b, struct endpoint to)
{
    struct endpoint from = b->plan.from;

    if (from.address == 0)
        from.address = port_route_source(to);
    if (from.port == 0)
        from.port = TEREDO_PORT;
    return from;
}

/* --dry-run and --write: every packet at the time at which it would be sent. */
static int show_or_write(struct bubble *b, struct error *error)
{
    nsec start = clock_now();

    if (b->options.write != NULL && (b->writer = pcap_writer_open(b->options.write, error)) == NULL)
        return -1;
    for (unsigned long round = 0; round < b->options.count; round++) {
        bubble_plan_round(&b->plan, round);
        for (unsigned i = 0; i < b->plan.target_count; i++) {
            const struct bubble_target *target = &b->plan.targets[i];
            struct bubble_packet *p = next_packet(b, target, source_without_socket(b, target->to));

            p->captured_packet.when = start + (nsec)round * b->plan.interval;
            if (b->writer != NULL)
                pcap_writer_add_packet(b->writer, p->captured_packet.when, p->ip4, p->ip4_size);
            b->summary.sent++;
            tell_sent(b, p);
        }
    }
    b->summary.verdict = b->writer != NULL ? BUBBLE_WRITTEN : BUBBLE_SHOWN;
    return 0;
}

static void remark(const struct bubble *b)
{
    if (b->options.common.quiet)
        return;
    if (b->inject.foreign_port)
        fprintf(stderr,
                "teredoctl bubble: port %u is another program's: sending through a raw socket\n",
                b->inject.from.port);
    if (b->inject.spoofed && b->options.wait != 0)
        fprintf(stderr, "teredoctl bubble: answers go to the spoofed address, not to this host\n");
}

static int open_sockets(struct bubble *b, struct error *error)
{
    struct inject_config config = {
        .from = b->plan.from,
        .towards = b->plan.targets[0].to,
        .udp = b->plan.base.udp,
        .spoof = b->options.spoof,
        .raw_option = b->plan.raw_option,
        .listen = b->options.wait != 0,
    };

    if (inject_open(&b->inject, &config, error) != 0 || privilege_drop(error) != 0)
        return -1;
    b->summary.via = b->inject.raw != NULL ? "raw_socket" : "udp_socket";
    remark(b);
    return 0;
}

static enum bubble_verdict judge(const struct bubble *b, bool interrupted)
{
    bool all_sent = b->packet.number == b->options.count * b->plan.target_count;

    if (b->summary.failed > 0)
        return BUBBLE_NOT_SENT;
    if (b->options.wait != 0 && b->summary.answers > 0)
        return BUBBLE_ANSWERED;
    if (interrupted && (!all_sent || b->options.wait != 0))
        return BUBBLE_INTERRUPTED;
    return b->options.wait != 0 ? BUBBLE_UNANSWERED : BUBBLE_SENT;
}

static void tick(void *context, nsec now, nsec end)
{
    struct bubble *b = context;
    char text[100];

    if (end == NSEC_NEVER)
        snprintf(text, sizeof text, "sending: packet %lu of %lu", b->packet.number,
                 b->options.count * b->plan.target_count);
    else
        snprintf(text, sizeof text, "waiting for answers: %lu so far, %.1f s left",
                 b->summary.answers, nsec_seconds(nsec_max(end - now, 0)));
    reporter_status(b->reporter, now, text);
}

static int send_and_listen(struct bubble *b, struct error *error)
{
    struct paced_send_config paced_send = {
        .inject = &b->inject,
        .rounds = b->options.count,
        .interval = b->plan.interval,
        .wait = b->options.wait,
        .fire = fire,
        .receive = receive,
        .tick = reporter_has_terminal(b->reporter) ? tick : NULL,
        .context = b,
    };
    bool interrupted = false;

    if (open_sockets(b, error) != 0 || paced_send_run(&paced_send, &interrupted, error) != 0)
        return -1;
    b->summary.wait = b->options.wait;
    b->summary.verdict = judge(b, interrupted);
    return 0;
}

static int run_plan(struct bubble *b, struct error *error)
{
    static const int status[] = {
        [BUBBLE_SENT] = EX_OK,    [BUBBLE_ANSWERED] = EX_OK, [BUBBLE_UNANSWERED] = 1,
        [BUBBLE_INTERRUPTED] = 2, [BUBBLE_NOT_SENT] = -1,    [BUBBLE_SHOWN] = EX_OK,
        [BUBBLE_WRITTEN] = EX_OK,
    };
    bool offline = b->options.dry_run || b->options.write != NULL;
    struct event end = {.kind = EVENT_BUBBLED};

    if (open_report(b, error) != 0 || bubble_plan_make(&b->plan, &b->options, error) != 0 ||
        (offline ? show_or_write(b, error) : send_and_listen(b, error)) != 0)
        return -1;
    end.when = clock_now();
    end.bubbled = &b->summary;
    tell(b, &end);
    if (b->summary.verdict == BUBBLE_NOT_SENT)
        *error = b->send_error;
    return status[b->summary.verdict];
}

static int finish(struct bubble *b, int status, struct error *error)
{
    struct error late = {0};

    inject_close(&b->inject);
    if (b->writer != NULL && pcap_writer_close(b->writer, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    if (b->reporter != NULL && reporter_close(b->reporter, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    free(b->log.data);
    free(b);
    return status;
}

static int run(int argc, char **argv, struct error *error)
{
    struct bubble *b = calloc(1, sizeof *b);

    if (b == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    b->inject = (struct inject){.udp = {.fd = -1}, .copies = {.fd = -1}};
    b->options.count = 1;
    b->options.interval = NSEC_S;
    options_parse(&command_bubble, argc, argv, &b->options);
    return finish(b, run_plan(b, error), error);
}

const struct command command_bubble = {
    .name = "bubble",
    .summary = "send bubbles with every field as you choose, and see what comes back",
    .args_doc = "[PEER]",
    .doc =
        "Send bubbles and other Teredo packets with every field as you choose it, and print what "
        "comes back.\vPEER is a Teredo address (default: $TEREDO_PEER). Exit status: 0 sent, and "
        "with --wait answered; 1 not answered, 2 interrupted; 64 to 77 errors, see "
        "teredoctl-bubble(1).",
    .options = {bubble_options},
    .argument = bubble_take_peer,
    .check = bubble_check,
    .run = run,
};
