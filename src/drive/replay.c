#include "replay.h"

#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "clock_match.h"

/* A capture with its next find at hand. */
struct lane {
    struct capture_reader reader;
    struct capture_find find;
    enum capture_reader_result found;
    nsec when; /* of the find, or of the last frame, corrected */
    struct capture_strangers told;
};

struct run {
    struct outbox outbox; /* the engine's */
    struct replay *replay;
    struct engine *engine;
    const struct event_sink *sink;
    struct lane lanes[PASSIVE_VANTAGES];
    nsec now;
    bool done; /* the engine is */
    struct error *error;
    bool failed; /* ERROR is filled: of the first capture that failed */
};

static void ignore_send(struct outbox *outbox, const struct send_request *request)
{
    (void)outbox;
    (void)request;
}

static void take_event(struct outbox *outbox, const struct event *event)
{
    const struct run *r = (const struct run *)outbox;

    r->sink->emit(r->sink->context, event);
}

static void take_end(struct outbox *outbox)
{
    ((struct run *)outbox)->done = true;
}

static void feed(struct run *r, const struct observation *o)
{
    if (!r->done)
        engine_observe(r->engine, o, &r->outbox);
}

static void feed_timer(struct run *r, unsigned vantage, nsec when)
{
    feed(r, &(struct observation){.kind = OBSERVED_TIMER, .when = when, .vantage = vantage});
}

/* Reads on to the next find of a lane. What fails ends the lane, and is told once all else is. */
static void advance(struct run *r, unsigned vantage)
{
    struct lane *lane = &r->lanes[vantage];
    struct error other;

    lane->found = capture_reader_next(&lane->reader, &lane->find, r->failed ? &other : r->error);
    if (lane->found == CAPTURE_READER_FAILED)
        r->failed = true;
    lane->when = clock_correct(&r->replay->fits[vantage], lane->find.packet.steady);
}

static void feed_cut(struct run *r, unsigned vantage)
{
    feed(r, &(struct observation){.kind = OBSERVED_SEEN,
                                  .when = r->now,
                                  .vantage = vantage,
                                  .fault = {.reason = WIRE_TRUNCATED}});
}

/* Tells what the capture has shown beside its finds. */
static void feed_strangers(struct run *r, unsigned vantage)
{
    struct lane *lane = &r->lanes[vantage];
    const struct capture_strangers *now = capture_reader_strangers(&lane->reader);
    struct observation o = {.kind = OBSERVED_SEEN, .when = r->now, .vantage = vantage};

    if (now->other_than_ip4 && !lane->told.other_than_ip4)
        feed(r, &o);
    if (now->cut && !lane->told.cut)
        feed_cut(r, vantage);
    for (unsigned i = lane->told.count; i < now->count; i++) {
        o.from.address = now->hosts[i][0];
        o.to.address = now->hosts[i][1];
        feed(r, &o);
    }
    lane->told = *now;
}

static bool has_find(const struct lane *lane)
{
    return lane->found == CAPTURE_READER_FIND || lane->found == CAPTURE_READER_IDLE;
}

/* The lane whose find is the earliest; -1 = all are at their ends. */
static int earliest_lane(const struct run *r)
{
    int best = -1;

    for (unsigned i = 0; i < r->replay->count; i++)
        if (has_find(&r->lanes[i]) && (best < 0 || r->lanes[i].when < r->lanes[best].when))
            best = (int)i;
    return best;
}

/* Lets the time pass up to WHEN: each capture was at work until its next find, or its end. */
static void pass_time(struct run *r, nsec when)
{
    nsec deadline;

    while (!r->done && (deadline = engine_deadline(r->engine)) <= when) {
        r->now = nsec_max(r->now, deadline);
        for (unsigned i = 0; i < r->replay->count; i++)
            feed_timer(r, i, nsec_min(r->now, r->lanes[i].when));
        /* The engine counts by the latest of them: one capture at least reaches that far. */
        if (engine_deadline(r->engine) == deadline)
            feed_timer(r, 0, r->now);
        if (engine_deadline(r->engine) == deadline)
            break;
    }
    r->now = nsec_max(r->now, when);
}

/* Makes what a server sent, and the capture has cut before its kind, an advertisement that is cut:
 * that is what servers put an authentication header in front of, and what they send most. */
static void take_for_advertisement(const struct captured_packet *s, struct teredo_packet *packet)
{
    if (s->extent == TEREDO_NOTHING)
        packet->ip6 = (struct ip6_header){0};
    packet->kind = TEREDO_RA;
    packet->payload_size = 0;
    packet->ip6.payload_length = 1;
}

/* Of a packet of which the capture has not all, what is there counts as data; a solicitation is
 * told by what is there, and an advertisement is at least an answer. */
static void feed_packet(struct run *r, unsigned vantage)
{
    const struct captured_packet *s = &r->lanes[vantage].find.packet;
    struct teredo_packet packet = s->packet;
    struct observation o = {
        .kind = OBSERVED_SEEN,
        .when = r->now,
        .from = s->udp.from,
        .to = s->udp.to,
        .packet = &packet,
        .size = s->size,
        .vantage = vantage,
        .ttl = s->udp.ip.ttl,
    };

    if (s->copy || (s->extent < TEREDO_KIND && s->missing == 0))
        return;
    if (s->extent < TEREDO_KIND && !packet.has_auth)
        feed_cut(r, vantage);
    if (s->extent < TEREDO_KIND && s->udp.from.port != TEREDO_PORT)
        return;
    if (s->extent < TEREDO_KIND) {
        take_for_advertisement(s, &packet);
    } else if (s->extent < TEREDO_WHOLE) {
        bool asks = packet.kind == TEREDO_RS || packet.kind == TEREDO_RA;

        if (asks && packet.payload_size == packet.ip6.payload_length)
            return;
        if (!asks && packet.kind != TEREDO_BUBBLE)
            packet.kind = TEREDO_DATA;
        packet.trailer_count = 0;
    }
    feed(r, &o);
}

static void feed_error(struct run *r, unsigned vantage)
{
    const struct icmp4_message *icmp = &r->lanes[vantage].find.icmp;

    feed(r, &(struct observation){
                .kind = OBSERVED_ICMP_ERROR,
                .when = r->now,
                .from = icmp->quoted_from,
                .to = icmp->quoted_to,
                .icmp = icmp->error,
                .quotes_sent = true,
                .vantage = vantage,
            });
}

static void play(struct run *r)
{
    int vantage;

    for (unsigned i = 0; i < r->replay->count; i++) {
        advance(r, i);
        feed_strangers(r, i);
    }
    while (!r->done && (vantage = earliest_lane(r)) >= 0) {
        const struct lane *lane = &r->lanes[vantage];

        pass_time(r, lane->when);
        if (lane->found != CAPTURE_READER_FIND)
            feed_timer(r, (unsigned)vantage, lane->when);
        else if (lane->find.is_error)
            feed_error(r, (unsigned)vantage);
        else
            feed_packet(r, (unsigned)vantage);
        advance(r, (unsigned)vantage);
        feed_strangers(r, (unsigned)vantage);
    }
    for (unsigned i = 0; i < r->replay->count; i++)
        if (r->lanes[i].when > r->now)
            pass_time(r, r->lanes[i].when);
    for (unsigned i = 0; i < r->replay->count; i++)
        feed_timer(r, i, r->lanes[i].when);
    feed(r, &(struct observation){.kind = OBSERVED_STOP, .when = r->now});
}

/* A first reading of a capture, for the packets that tell its clock. It ends at damage, which the
 * second reading tells. */
static int collect(struct replay *r, struct capture *capture, struct clock_packets *packets,
                   struct error *error)
{
    struct capture_reader reader = r->capture_reader;
    struct error ignored;
    struct capture_find find;
    int result = capture_reader_begin(&reader, capture, error);

    reader.errors = false;
    while (result == 0 && capture_reader_next(&reader, &find, &ignored) == CAPTURE_READER_FIND)
        clock_packets_add(packets, &find.packet);
    clock_packets_close(packets);
    capture_reader_end(&reader);
    return result != 0 ? result : capture_rewind(capture, error);
}

/* Better: bounded, then by the error, then by the number of packets. */
static bool is_better(const struct clock_match *a, const struct clock_match *b)
{
    if (b->packets == 0 || a->packets == 0)
        return a->packets > 0;
    if (a->bounded != b->bounded)
        return a->bounded;
    return a->bounded ? a->error < b->error : a->packets > b->packets;
}

/* Each clock is fitted to one that is fitted already, the best first: the first capture and a third
 * may have no packet in common, and yet each some with a second. */
static void fit_clocks(struct replay *r, struct clock_packets *const *packets)
{
    bool fitted[PASSIVE_VANTAGES] = {true};

    for (unsigned round = 1; round < r->count; round++) {
        struct clock_match best = {0};
        unsigned which = 0;

        for (unsigned i = 1; i < r->count; i++)
            for (unsigned j = 0; j < r->count && !fitted[i]; j++) {
                struct clock_match fit;

                if (!fitted[j])
                    continue;
                fit = clock_packets_match(packets[j], &r->fits[j], packets[i]);
                if (is_better(&fit, &best)) {
                    best = fit;
                    which = i;
                }
            }
        if (which == 0)
            return;
        r->fits[which] = best;
        fitted[which] = true;
    }
}

static int compare_clocks(struct replay *r, struct error *error)
{
    struct clock_packets *packets[PASSIVE_VANTAGES] = {NULL};
    int result = 0;

    for (unsigned i = 0; i < r->count && result == 0; i++) {
        packets[i] = clock_packets_new(r->seed);
        result = packets[i] == NULL ? error_set(error, EX_OSERR, 0, "out of memory")
                                    : collect(r, r->sources[i].capture, packets[i], error);
    }
    if (result == 0)
        fit_clocks(r, packets);
    /* The second reading counts. */
    teredo_flows_restart(r->capture_reader.teredo_flows);
    for (unsigned i = 0; i < r->count; i++)
        clock_packets_free(packets[i]);
    return result;
}

static void tell_and_play(struct run *run)
{
    const struct replay *r = run->replay;

    for (unsigned i = 1; i < r->count; i++) {
        struct event e = {.kind = EVENT_CLOCK, .when = r->fits[i].at};

        e.clock.vantage = i;
        e.clock.fit = r->fits[i];
        run->sink->emit(run->sink->context, &e);
    }
    play(run);
}

int replay_run(struct replay *r, struct engine *engine, const struct event_sink *sink,
               struct error *error)
{
    struct run run = {.outbox = {ignore_send, take_event, take_end},
                      .replay = r,
                      .engine = engine,
                      .sink = sink,
                      .error = error};

    int result = 0;

    memset(r->fits, 0, sizeof r->fits);
    if (r->count > 1 && compare_clocks(r, error) != 0)
        return -1;
    for (unsigned i = 0; i < r->count && result == 0; i++) {
        run.lanes[i].reader = r->capture_reader;
        result = capture_reader_begin(&run.lanes[i].reader, r->sources[i].capture, error);
    }
    if (result == 0)
        tell_and_play(&run);
    for (unsigned i = 0; i < r->count; i++)
        capture_reader_end(&run.lanes[i].reader);
    return result != 0 || run.failed ? -1 : 0;
}
