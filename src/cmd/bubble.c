#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bubble.h"
#include "bubble_options.h"
#include "capture.h"
#include "clock.h"
#include "confine.h"
#include "entropy.h"
#include "names.h"
#include "paced_send.h"
#include "packet.h"
#include "packet_file.h"
#include "pcap_writer.h"

enum {
    UNASKED_RATE = 10 /* packets a second */
};

/* From the options to packets: what each is, and where it goes. */
struct bubble_plan {
    struct bubble_config config;
    struct capture *from_file; /* NULL = none */
    struct endpoint from;      /* address and port 0: any */
    nsec interval;             /* between rounds */
    const char *raw_option;    /* what only a raw socket can do, or NULL */
    /* What the packet borrows from. */
    uint8_t message[CRAFT_MAX_PAYLOAD]; /* ICMPv6 */
    uint8_t file[PACKET_FILE_ROOM];
};

/* An ICMPv6 message of 8 bytes and what --payload gives behind it. The checksum is left to craft.
 */
static void make_message(struct bubble_plan *plan, const struct bubble_options *o, uint8_t type)
{
    const struct teredo_packet *set = &o->set.packet;
    struct teredo_packet *p = &plan->config.base.packet;
    struct writer w = writer_of(plan->message, sizeof plan->message);

    writer_u8(&w, type);
    writer_zeros(&w, BUBBLE_ECHO_HEADER - 1);
    if (bubble_given(o, FIELD_PAYLOAD))
        writer_bytes(&w, set->payload, set->payload_size);
    else if (type == ICMP6_TYPE_ECHO_REQUEST)
        writer_zeros(&w, BUBBLE_ECHO_DATA);
    p->payload = plan->message;
    p->payload_size = w.size;
    p->ip6.next_header = IP_PROTOCOL_ICMP6;
    plan->config.base.icmp6_checksum = true;
}

static void make_message_or_bubble(struct bubble_plan *plan, const struct bubble_options *o)
{
    struct teredo_packet *p = &plan->config.base.packet;

    if (o->message == MESSAGE_RS) {
        teredo_make_rs(p, &teredo_rs_source, plan->message);
        make_message(plan, o, ICMP6_TYPE_RS);
        p->has_auth = plan->config.random_auth_nonce = !o->no_auth;
        return;
    }
    teredo_make_bubble(p, &p->ip6.source, &o->peer);
    plan->config.random_source = !bubble_given(o, FIELD_SOURCE);
    if (o->message == MESSAGE_ECHO) {
        make_message(plan, o, ICMP6_TYPE_ECHO_REQUEST);
        p->ip6.hop_limit = UDP_DEFAULT_TTL;
        plan->config.is_echo = true;
        plan->config.random_echo_data = !bubble_given(o, FIELD_PAYLOAD);
    } else if (bubble_given(o, FIELD_PAYLOAD)) {
        p->payload = o->set.packet.payload;
        p->payload_size = o->set.packet.payload_size;
    }
}

static int read_packet(struct bubble_plan *plan, const struct bubble_options *o,
                       struct error *error)
{
    unsigned long number = o->packet != 0 ? o->packet : 1;
    size_t size = packet_file_read(plan->from_file, number, plan->file, error);
    struct teredo_packet *p = &plan->config.base.packet;
    struct wire_fault fault;

    if (size == 0)
        return -1;
    if (!craft_decode(plan->file, size, &plan->config.base, &fault))
        return error_set(error, EX_DATAERR, 0, "packet %lu of %s: %s, at byte %zu", number,
                         o->from_file, wire_reason_text(fault.reason), fault.offset);
    if (plan->config.base.raw != NULL &&
        (bubble_given(o, FIELDS_ALL & ~FIELDS_OUTSIDE) || o->has_peer ||
         o->set.packet.trailer_count > 0 || o->no_auth || o->no_origin || o->no_trailers))
        return error_set(
            error, EX_DATAERR, 0,
            "packet %lu of %s is not a Teredo packet, so that only its outer headers can "
            "be changed: %s, at byte %zu",
            number, o->from_file, wire_reason_text(fault.reason), fault.offset);
    plan->from = plan->config.base.from;
    if (o->has_peer)
        p->ip6.destination = o->peer;
    if (o->no_auth)
        p->has_auth = false;
    if (o->no_origin)
        p->has_origin = false;
    if (o->no_trailers) {
        p->trailer_count = 0;
        plan->config.base.tail_size = 0;
    }
    if (bubble_given(o, FIELD_PAYLOAD)) {
        p->payload = o->set.packet.payload;
        p->payload_size = o->set.packet.payload_size;
        plan->config.base.icmp6_checksum = false;
    }
    return 0;
}

static void set_fields(struct bubble_plan *plan, const struct bubble_options *o)
{
    struct teredo_packet *p = &plan->config.base.packet;

    bubble_set_fields(o, &plan->config.base);
    if (bubble_given(o, FIELDS_OF_AUTH)) {
        plan->config.random_auth_nonce = !p->has_auth || plan->config.random_auth_nonce;
        p->has_auth = true;
    }
    if (bubble_given(o, FIELD_AUTH_NONCE))
        plan->config.random_auth_nonce = false;
    if (bubble_given(o, FIELD_ORIGIN))
        p->has_origin = true;
    if (bubble_given(o, FIELD_PAYLOAD_LENGTH))
        plan->config.base.lies_about_length = true;
    if (o->from.address != 0)
        plan->from.address = o->from.address;
    if (o->from.port != 0)
        plan->from.port = o->from.port;
}

/* A trailer that a file's packet has is replaced by one of its type; the others follow. */
static int set_trailers(struct bubble_plan *plan, const struct bubble_options *o,
                        struct error *error)
{
    struct teredo_packet *p = &plan->config.base.packet;
    unsigned old = p->trailer_count;
    unsigned replaced = 0; /* a bit each */

    for (unsigned i = 0; i < o->set.packet.trailer_count; i++) {
        const struct teredo_trailer *trailer = &o->set.packet.trailers[i];
        unsigned at = 0;

        while (at < old && (p->trailers[at].type != trailer->type || (replaced & 1U << at) != 0))
            at++;
        if (at == old)
            at = p->trailer_count;
        if (at == TEREDO_MAX_TRAILERS)
            return error_set(error, EX_USAGE, 0, "more than %d trailers", TEREDO_MAX_TRAILERS);
        replaced |= 1U << at;
        p->trailers[at] = *trailer;
        if ((o->random_trailers & 1U << i) != 0)
            plan->config.random_trailers |= 1U << at;
        if (at == p->trailer_count)
            p->trailer_count++;
    }
    return 0;
}

static const char *needs_raw(const struct bubble_plan *plan, const struct bubble_options *o)
{
    if (plan->config.base.udp.checksum == UDP_CHECKSUM_WRONG)
        return "--checksum=wrong";
    if (plan->config.base.udp.id == 0)
        return NULL;
    return bubble_given(o, FIELD_IP_ID) ? "--ip-id"
                                        : "the IP id of the packet in the file (--ip-id=0: any)";
}

static int check_size(const struct bubble_plan *plan, struct error *error)
{
    uint8_t packet[CRAFT_MAX_SIZE];

    if (craft_encode(&plan->config.base, packet, sizeof packet) == 0)
        return error_set(error, EX_USAGE, 0, "the packet is larger than the 65535 bytes of IPv4");
    return 0;
}

static void add_target(struct bubble_plan *plan, enum bubble_aim aim, struct endpoint to)
{
    plan->config.targets[plan->config.target_count++] = (struct bubble_target){aim, to};
}

static int find_targets(struct bubble_plan *plan, const struct bubble_options *o,
                        struct error *error)
{
    const char *name = o->to;
    struct names_answer to;

    if (o->direct)
        add_target(plan, BUBBLE_DIRECT, o->peer_parts.mapped);
    if (o->indirect)
        add_target(plan, BUBBLE_INDIRECT, (struct endpoint){o->peer_parts.server, TEREDO_PORT});
    if (plan->config.target_count > 0)
        return 0;
    if (name == NULL && o->message == MESSAGE_FILE) {
        add_target(plan, BUBBLE_GIVEN, plan->config.base.to);
        return 0;
    }
    if (name == NULL)
        name = getenv("TEREDO_SERVER");
    if (names_resolve(name, TEREDO_PORT, &to, error) != 0)
        return -1;
    add_target(plan, BUBBLE_GIVEN, to.list[0]);
    return 0;
}

static bool is_laboratory(uint32_t address)
{
    const char *block = ip4_special_block(address);

    return block != NULL && (strcmp(block, "loopback") == 0 ||
                             strcmp(block, "documentation") == 0 || strcmp(block, "shared") == 0);
}

/* Ten packets are soon sent, whatever the interval. */
static int check_rate(const struct bubble_plan *plan, const struct bubble_options *o,
                      struct error *error)
{
    char to[ENDPOINT_STRLEN];

    if (o->rate != 0 || o->count * plan->config.target_count <= UNASKED_RATE ||
        plan->config.target_count * NSEC_S <= UNASKED_RATE * plan->interval)
        return 0;
    for (unsigned i = 0; i < plan->config.target_count; i++) {
        if (is_laboratory(plan->config.targets[i].to.address))
            continue;
        error_set(error, EX_USAGE, 0, "more than %d packets a second to %s", UNASKED_RATE,
                  endpoint_format(plan->config.targets[i].to, to));
        return error_hint(error, "a longer --interval; or --rate N, if that many are meant");
    }
    return 0;
}

static int make_aim(struct bubble_plan *plan, const struct bubble_options *o, struct error *error)
{
    char to[ENDPOINT_STRLEN];

    if (find_targets(plan, o, error) != 0)
        return -1;
    for (unsigned i = 0; i < plan->config.target_count; i++)
        if (plan->config.targets[i].to.address == 0 || plan->config.targets[i].to.port == 0)
            return error_set(error, EX_USAGE, 0, "nothing can be sent to %s",
                             endpoint_format(plan->config.targets[i].to, to));
    plan->interval = o->interval;
    if (o->rate != 0)
        plan->interval = (nsec)plan->config.target_count * NSEC_S / (nsec)o->rate;
    return o->dry_run || o->write != NULL ? 0 : check_rate(plan, o, error);
}

/* Fills the plan, which must not be moved afterwards. 0, or -1 and ERROR filled: EX_NOINPUT,
 * EX_DATAERR for --from-file, EX_NOHOST for a server's name, EX_USAGE for what does not go together
 * and for more than ten packets a second without --rate. */
static int make_plan(struct bubble_plan *plan, const struct bubble_options *o, struct error *error)
{
    plan->config.rounds = o->count;
    plan->config.wait = o->wait;
    if (!entropy_fill(plan->config.nonces.key, sizeof plan->config.nonces.key, error))
        return -1;
    if (o->message != MESSAGE_FILE)
        make_message_or_bubble(plan, o);
    else if (read_packet(plan, o, error) != 0)
        return -1;
    set_fields(plan, o);
    plan->raw_option = needs_raw(plan, o);
    if (set_trailers(plan, o, error) != 0 || check_size(plan, error) != 0)
        return -1;
    return make_aim(plan, o, error);
}

/* The command's running parts. */
struct work {
    struct bubble_options options;
    struct bubble_plan plan;
    struct bubble bubble;
    struct inject inject;
    struct route route; /* for packets that are not sent */
    struct pcap_writer *writer;
    struct reporter *reporter;
    struct text_buffer log;  /* on standard error, of --verbose */
    struct error send_error; /* the first */
};

static void tell(struct work *w, const struct event *event)
{
    struct event_sink sink = reporter_sink(w->reporter);

    sink.emit(sink.context, event);
}

/* What decode would show of it. */
static void log_packet(struct work *w, const struct captured_packet *s)
{
    if (w->options.common.verbosity == 0)
        return;
    packet_put(&w->log, s, PACKET_LINE | PACKET_TREE);
    text_buffer_flush(&w->log);
}

static void tell_packet(struct work *w)
{
    struct bubble_packet *p = &w->bubble.packet;
    struct event event = {
        .kind = EVENT_BUBBLE_SENT, .when = p->captured_packet.when, .bubble_packet = p};

    p->whole = w->options.dry_run;
    reporter_expects(w->reporter, 1);
    log_packet(w, &p->captured_packet);
    tell(w, &event);
}

static void note_failure(struct work *w, int errnum)
{
    char to[ENDPOINT_STRLEN];

    if (w->bubble.summary.failed == 0)
        error_set(&w->send_error, errnum == EACCES || errnum == EPERM ? EX_NOPERM : EX_OSERR,
                  errnum, "cannot send to %s", endpoint_format(w->bubble.craft.to, to));
    bubble_note_failed(&w->bubble, errnum);
}

static void fire(void *context, unsigned long round)
{
    struct work *w = context;
    struct bubble *b = &w->bubble;

    (void)round;
    bubble_begin_round(b);
    for (unsigned i = 0; i < b->config.target_count; i++) {
        nsec when;
        int errnum;

        bubble_make(b, i, inject_source(&w->inject, b->config.targets[i].to));
        errnum = inject_send(&w->inject, &b->craft, &when);
        if (errnum == 0)
            bubble_note_sent(b, when);
        else
            note_failure(w, errnum);
        tell_packet(w);
    }
}

static void receive_icmp(struct work *w, const struct port_receipt *receipt)
{
    struct bubble_icmp icmp = {
        .when = receipt->when,
        .to = receipt->to,
        .error = {receipt->icmp_type, receipt->icmp_code, receipt->icmp_reporter},
    };
    struct event event = {.kind = EVENT_BUBBLE_ICMP, .when = receipt->when, .bubble_icmp = &icmp};

    w->bubble.summary.icmp_errors++;
    tell(w, &event);
}

static void receive(void *context, const struct port_receipt *receipt)
{
    struct work *w = context;
    struct observation o = {
        .kind = OBSERVED_RECEIVED,
        .when = receipt->when,
        .from = receipt->from,
        .to = receipt->to,
        .size = receipt->size,
    };
    struct bubble_reply reply;
    struct event event = {
        .kind = EVENT_BUBBLE_REPLY, .when = receipt->when, .bubble_reply = &reply};

    if (receipt->is_error) {
        receive_icmp(w, receipt);
        return;
    }
    bubble_receive(&w->bubble, &o, receipt->bytes, &reply);
    tell(w, &event);
    if (reporter_logs(w->reporter, 0, o.when))
        log_packet(w, &reply.captured_packet);
}

static int open_report(struct work *w, struct error *error)
{
    const struct bubble_options *o = &w->options;
    struct report_config config = options_report(&command_bubble, &o->common);

    config.verdict = EVENT_BUBBLED;
    config.columns = TSV_BUBBLE;
    if (o->write != NULL && strcmp(o->write, "-") == 0) {
        config.out = stderr;
        config.color = false;
    }
    text_buffer_init(&w->log, stderr);
    w->reporter = reporter_new(&config);
    return w->reporter == NULL ? error_set(error, EX_OSERR, ENOMEM, "cannot start") : 0;
}

static struct endpoint source_without_socket(const struct work *w, struct endpoint to)
{
    struct endpoint from = w->plan.from;

    if (from.address == 0)
        from.address = route_source(&w->route, to);
    if (from.port == 0)
        from.port = TEREDO_PORT;
    return from;
}

/* --dry-run and --write: every packet at the time at which it would be sent. */
static int show_or_write(struct work *w, struct error *error)
{
    struct bubble *b = &w->bubble;
    nsec when = clock_now();

    route_open(&w->route);
    if (confine(&command_bubble, &w->options.common, NULL, error) != 0)
        return -1;
    for (; b->round < b->config.rounds; when += w->plan.interval) {
        bubble_begin_round(b);
        for (unsigned i = 0; i < b->config.target_count; i++) {
            bubble_make(b, i, source_without_socket(w, b->config.targets[i].to));
            bubble_note_sent(b, when);
            if (w->writer != NULL)
                pcap_writer_add_packet(w->writer, when, b->packet.ip4, b->packet.ip4_size);
            tell_packet(w);
        }
    }
    b->summary.verdict = w->writer != NULL ? BUBBLE_WRITTEN : BUBBLE_SHOWN;
    return 0;
}

static void remark(const struct work *w)
{
    if (w->options.common.quiet)
        return;
    if (w->inject.foreign_port)
        fprintf(stderr,
                "teredoctl bubble: port %u is another program's: sending through a raw socket\n",
                w->inject.from.port);
    if (w->inject.spoofed && w->options.wait != 0)
        fprintf(stderr, "teredoctl bubble: answers go to the spoofed address, not to this host\n");
}

static int open_sockets(struct work *w, struct error *error)
{
    struct inject_config config = {
        .from = w->plan.from,
        .towards = w->plan.config.targets[0].to,
        .udp = w->plan.config.base.udp,
        .spoof = w->options.spoof,
        .raw_option = w->plan.raw_option,
        .listen = w->options.wait != 0,
    };
    const struct confine_more more = {.may = SANDBOX_NET};

    if (inject_open(&w->inject, &config, error) != 0 ||
        confine(&command_bubble, &w->options.common, &more, error) != 0)
        return -1;
    w->bubble.summary.via = w->inject.raw != NULL ? "raw_socket" : "udp_socket";
    remark(w);
    return 0;
}

static void tick(void *context, nsec now, nsec end)
{
    struct work *w = context;
    char text[100];

    if (end == NSEC_NEVER)
        snprintf(text, sizeof text, "sending: packet %lu of %lu", w->bubble.packet.number,
                 w->options.count * w->plan.config.target_count);
    else
        snprintf(text, sizeof text, "waiting for answers: %lu so far, %.1f s left",
                 w->bubble.summary.answers, nsec_seconds(nsec_max(end - now, 0)));
    reporter_status(w->reporter, now, text);
}

static int send_and_listen(struct work *w, struct error *error)
{
    struct paced_send_config paced_send = {
        .inject = &w->inject,
        .rounds = w->options.count,
        .interval = w->plan.interval,
        .wait = w->options.wait,
        .fire = fire,
        .receive = receive,
        .tick = reporter_has_terminal(w->reporter) ? tick : NULL,
        .context = w,
    };
    bool interrupted = false;

    if (open_sockets(w, error) != 0 || paced_send_run(&paced_send, &interrupted, error) != 0)
        return -1;
    bubble_finish(&w->bubble, interrupted);
    return 0;
}

/* What takes the rights of the user; the rest takes those to open a raw socket and any port. */
static int open_files(struct work *w, struct error *error)
{
    const struct bubble_options *o = &w->options;

    if (o->from_file != NULL && (w->plan.from_file = packet_file_open(o->from_file, error)) == NULL)
        return -1;
    if (o->write != NULL &&
        (w->writer = pcap_writer_open(o->write, PCAP_WRITER_RAW, error)) == NULL)
        return -1;
    return confine_early(&o->common,
                         PRIVILEGE_BIT(CAP_NET_RAW) | PRIVILEGE_BIT(CAP_NET_BIND_SERVICE), error);
}

static int run_plan(struct work *w, struct error *error)
{
    static const int status[] = {
        [BUBBLE_SENT] = EX_OK,    [BUBBLE_ANSWERED] = EX_OK, [BUBBLE_UNANSWERED] = 1,
        [BUBBLE_INTERRUPTED] = 2, [BUBBLE_NOT_SENT] = -1,    [BUBBLE_SHOWN] = EX_OK,
        [BUBBLE_WRITTEN] = EX_OK,
    };
    bool offline = w->options.dry_run || w->options.write != NULL;
    struct event end = {.kind = EVENT_BUBBLED, .bubbled = &w->bubble.summary};

    if (open_report(w, error) != 0 || open_files(w, error) != 0 ||
        make_plan(&w->plan, &w->options, error) != 0)
        return -1;
    bubble_init(&w->bubble, &w->plan.config);
    if ((offline ? show_or_write(w, error) : send_and_listen(w, error)) != 0)
        return -1;
    end.when = clock_now();
    tell(w, &end);
    if (w->bubble.summary.verdict == BUBBLE_NOT_SENT)
        *error = w->send_error;
    return status[w->bubble.summary.verdict];
}

static int finish(struct work *w, int status, struct error *error)
{
    struct error late = {0};

    inject_close(&w->inject);
    route_close(&w->route);
    capture_close(w->plan.from_file);
    if (w->writer != NULL && pcap_writer_close(w->writer, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    if (w->reporter != NULL && reporter_close(w->reporter, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    free(w->log.data);
    free(w);
    return status;
}

static int run(int argc, char **argv, struct error *error)
{
    struct work *w = calloc(1, sizeof *w);

    if (w == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    w->inject = (struct inject){.udp = {.fd = -1}, .copies = {.fd = -1}, .route = {.fd = -1}};
    w->route.fd = -1;
    w->options.count = 1;
    w->options.interval = NSEC_S;
    options_parse(&command_bubble, argc, argv, &w->options);
    return finish(w, run_plan(w, error), error);
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
    .sandbox = SANDBOX_BASE | SANDBOX_ROUTE,
    .run = run,
};
