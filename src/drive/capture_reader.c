#include "capture_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "gtpu.h"
#include "reassembly.h"
#include "time_line.h"

enum {
    /* GTP-U in GTP-U does not occur; a forged packet could hold some thousand levels of it. */
    MAX_TUNNELS = 4,
    /* Hosts that are known to leave checksums to their network cards: where a capture is taken
     * there are few. */
    SENDERS = 8,
    /* What may be answered after a gap. */
    QUESTIONS = 8,
};

/* Whoever asked longer ago than this had a good reason to wait. */
#define QUESTION_AGE (2 * NSEC_S)

/* A packet that is answered with its nonce. */
struct question {
    enum teredo_kind answer;
    uint8_t nonce[TEREDO_NONCE_SIZE];
    struct endpoint from, to;
    nsec when; /* steady; 0 = there is none */
};

struct capture_state {
    struct capture *capture;
    bool live;
    struct capture_frame frame;
    struct time_line time;
    struct time_step step; /* of the frame */
    struct capture_strangers strangers;
    struct packet_copies *copies;
    struct reassembly *reassembly;
    struct find_queue *queue; /* NULL until something is held back */
    uint32_t senders[SENDERS];
    unsigned sender_count;
    struct question questions[QUESTIONS];
    unsigned question_count;
    uint64_t jump_frame; /* the first one after the gap, if there is one */
    /* The last gap that was closed: told, unless the clock comes back. */
    struct clock_step forward;        /* frame 0 = there is none */
    enum capture_reader_result ended; /* CAPTURE_READER_FIND = not yet; else how */
    struct error error;               /* if it has failed */
};

bool capture_reader_is_done(const struct capture_reader *reader)
{
    return reader->count > 0 && teredo_flows_packets(reader->teredo_flows) >= reader->count;
}

void capture_reader_end(struct capture_reader *reader)
{
    struct capture_state *state = reader->state;

    if (state == NULL)
        return;
    packet_copies_free(state->copies);
    reassembly_free(state->reassembly);
    find_queue_free(state->queue);
    free(state);
    reader->state = NULL;
}

int capture_reader_begin(struct capture_reader *reader, struct capture *capture,
                         struct error *error)
{
    struct capture_state *state = calloc(1, sizeof *state);

    capture_reader_end(reader);
    reader->state = state;
    if (state != NULL) {
        state->capture = capture;
        state->live = capture_file(capture) == NULL;
        state->time.patient = reader->in_order && capture_is_regular(capture);
        state->copies = packet_copies_new(reader->seed);
        state->reassembly = reassembly_new();
    }
    if (state == NULL || state->copies == NULL || state->reassembly == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    state->ended = CAPTURE_READER_FIND;
    return capture_begin(capture, error);
}

static bool has_sent(const struct capture_state *state, uint32_t address)
{
    for (unsigned i = 0; i < state->sender_count && i < SENDERS; i++)
        if (state->senders[i] == address)
            return true;
    return false;
}

/* A checksum that the network card had still to fill in is no fault. The frame is known to be on
 * its way out if the capture says so. If the capture says nothing, an IPv4 header checksum of 0
 * shows it, for the first router would have dropped such a packet; and so does its source, if other
 * packets of it were seen on their way out. */
static void excuse_checksums(struct capture_state *state, const struct udp_datagram *udp,
                             struct wire_fault *fault)
{
    const struct capture_frame *frame = &state->frame;
    enum link_direction way = frame->direction;

    if (!udp->unfilled && fault->reason != WIRE_IP4_CHECKSUM && fault->reason != WIRE_UDP_CHECKSUM)
        return;
    if (way == LINK_EITHER_WAY)
        way = link_direction_of(frame->link, frame->data, frame->size);
    if (way == LINK_RECEIVED)
        return;
    if (udp->unfilled && !has_sent(state, udp->ip.source))
        state->senders[state->sender_count++ % SENDERS] = udp->ip.source;
    if ((way == LINK_SENT || has_sent(state, udp->ip.source)) &&
        (fault->reason == WIRE_IP4_CHECKSUM || fault->reason == WIRE_UDP_CHECKSUM))
        fault->reason = WIRE_OK;
}

/* What udp4_dissect refuses, it can be that for want of bytes alone. */
static void count_malformed(const struct capture_reader *reader, struct captured_packet *s,
                            enum wire_reason reason)
{
    if (reason == WIRE_TRUNCATED && s->missing > 0)
        teredo_flows_count_cut(reader->teredo_flows, s);
    else if (reason != WIRE_NOT_UDP)
        teredo_flows_count_fault(reader->teredo_flows, reason);
}

/* The packet in a GTP-U tunnel; false if S->udp is none. */
static bool enter_tunnel(const struct capture_reader *reader, struct captured_packet *s,
                         const uint8_t **data, size_t *size)
{
    const struct udp_datagram *udp = &s->udp;
    enum link_find found = LINK_TOO_SHORT;
    size_t offset, start;

    if (!reader->tunnels || (udp->to.port != GTPU_PORT && udp->from.port != GTPU_PORT))
        return false;
    if (gtpu_find_packet(udp->payload, udp->payload_size, &offset))
        found = link_find_ip4(LINK_RAW, udp->payload + offset, udp->payload_size - offset, &start);
    /* Messages of GTP's own are not longer than a header of it. */
    if (found == LINK_TOO_SHORT && s->missing > 0 && udp->truncated)
        teredo_flows_count_cut(reader->teredo_flows, s);
    if (found != LINK_HAS_IP4)
        return false;
    *data = udp->payload + offset;
    *size = udp->payload_size - offset;
    return true;
}

/* Whether the packet is a fragment, and not the one that makes a datagram whole, which is then in
 * its place. */
static bool is_held(struct capture_state *state, struct captured_packet *s, const uint8_t **data,
                    size_t *size)
{
    struct reassembled whole;
    struct fragment fragment;

    if (!reassembly_may_want(*data, *size) || !reassembly_wants(*data, *size, &fragment))
        return false;
    fragment.frame = s->frame;
    fragment.when = s->when;
    if (!reassembly_add(state->reassembly, &fragment, s->steady, &whole))
        return true;
    *data = whole.data;
    *size = whole.size;
    s->fragments = whole.fragments;
    return false;
}

/* Looks at an IPv4 packet; true if it, or one tunnelled in it, is Teredo. */
static bool look_at_ip4(struct capture_reader *reader, const uint8_t *data, size_t size,
                        struct captured_packet *s)
{
    struct wire_fault fault;

    for (int level = 0; level <= MAX_TUNNELS; level++) {
        if (is_held(reader->state, s, &data, &size))
            return false;
        if (!udp4_dissect(data, size, &s->udp, &fault)) {
            count_malformed(reader, s, fault.reason);
            return false;
        }
        if (level == 0)
            excuse_checksums(reader->state, &s->udp, &fault);
        if (teredo_flows_look(reader->teredo_flows, reader->state->copies, s, &fault))
            return true;
        if (!enter_tunnel(reader, s, &data, &size))
            return false;
    }
    return false;
}

/* A datagram of which fragments are missing: what its first one shows, for as long as it is there.
 */
static bool look_at_pieces(struct capture_reader *reader, struct capture_find *find)
{
    struct capture_state *state = reader->state;
    struct captured_packet *s = &find->packet;
    struct reassembled pieces;
    nsec now = state->ended == CAPTURE_READER_FIND ? state->time.now : NSEC_NEVER;

    while (reassembly_give_up(state->reassembly, now, &pieces)) {
        struct wire_fault fault;

        teredo_flows_count_fragments(reader->teredo_flows, pieces.lost, pieces.refused);
        if (pieces.data == NULL)
            continue;
        s->frame = pieces.frame;
        s->when = pieces.when;
        s->steady = state->time.now;
        s->timeless = false;
        s->missing = 0;
        s->fragments = 0;
        if (!udp4_dissect(pieces.data, pieces.size, &s->udp, &fault))
            count_malformed(reader, s, fault.reason);
        else if (teredo_flows_look(reader->teredo_flows, state->copies, s, &fault))
            return true;
    }
    return false;
}

static void tell_forward(struct capture_reader *reader)
{
    struct clock_step *forward = &reader->state->forward;

    if (forward->frame != 0)
        teredo_flows_note_step(reader->teredo_flows, forward);
    forward->frame = 0;
}

static void take_time(struct capture_reader *reader, struct captured_packet *s)
{
    struct capture_state *state = reader->state;
    const struct capture_frame *frame = &state->frame;

    if (state->live)
        time_line_bound(&state->time, frame->interface, frame->when, clock_now());
    state->time.several = capture_interfaces(state->capture) > 1;
    time_line_add(&state->time, frame->interface, frame->when, &state->step);
    if (state->time.jumping && state->time.jump_to == state->step.steady && state->jump_frame == 0)
        state->jump_frame = frame->number;
    if (!state->time.jumping)
        state->jump_frame = 0;
    if (state->step.too_early > 0 && state->queue != NULL)
        find_queue_shift(state->queue, state->step.jumped, state->step.too_early);
    if (state->step.back > 0 && !state->step.apart)
        packet_copies_forget(state->copies);
    /* Then a part of the capture was ahead, and that is one step. */
    if (state->step.returned)
        state->forward.frame = 0;
    if (state->step.back > 0)
        teredo_flows_note_step(
            reader->teredo_flows,
            &(struct clock_step){.file = capture_file(state->capture),
                                 .kind = state->step.apart ? CLOCK_BEHIND : CLOCK_SET_BACK,
                                 .frame = frame->number,
                                 .by = state->step.back});
    s->when = frame->when;
    s->timeless = !frame->has_time;
    s->steady = state->step.steady;
}

const struct capture_strangers *capture_reader_strangers(const struct capture_reader *reader)
{
    return &reader->state->strangers;
}

/* Notes the hosts of an IPv4 packet that is none of Teredo's. */
static void note_stranger(struct capture_strangers *strangers, const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct wire_fault fault;
    struct ip4_header h;

    if (strangers->count == CAPTURE_STRANGERS || !ip4_decode(&r, &h, true, &fault))
        return;
    if (h.protocol == IP_PROTOCOL_UDP && h.fragment_offset == 0) {
        uint16_t from = reader_u16(&r), to = reader_u16(&r);

        if (from == TEREDO_PORT || to == TEREDO_PORT)
            return;
    }
    for (unsigned i = 0; i < strangers->count; i++)
        if (strangers->hosts[i][0] == h.source && strangers->hosts[i][1] == h.destination)
            return;
    strangers->hosts[strangers->count][0] = h.source;
    strangers->hosts[strangers->count++][1] = h.destination;
}

/* Looks at the frame that was read. */
static bool look_at_frame(struct capture_reader *reader, struct capture_find *find)
{
    const struct capture_frame *frame = &reader->state->frame;
    struct captured_packet *s = &find->packet;
    size_t offset;

    s->frame = frame->number;
    s->captured = frame->size;
    s->missing = frame->whole - frame->size;
    s->fragments = 0;
    s->too_short = false;
    teredo_flows_count_frame(reader->teredo_flows);
    take_time(reader, s);
    switch (link_find_ip4(frame->link, frame->data, frame->size, &offset)) {
    case LINK_HAS_IP4:
        break;
    case LINK_TOO_SHORT:
        if (s->missing > 0)
            teredo_flows_count_cut(reader->teredo_flows, s);
        reader->state->strangers.cut = reader->state->strangers.cut || s->too_short;
        return false;
    case LINK_HAS_NO_IP4:
        if (frame->link == LINK_UNKNOWN)
            teredo_flows_count_unread(reader->teredo_flows, frame->link_name);
        else
            reader->state->strangers.other_than_ip4 = true;
        return false;
    }
    if (look_at_ip4(reader, frame->data + offset, frame->size - offset, s))
        return true;
    find->is_error = reader->errors &&
                     icmp4_error_decode(frame->data + offset, frame->size - offset, &find->icmp);
    if (s->too_short)
        reader->state->strangers.cut = true;
    else if (reader->errors && !find->is_error)
        note_stranger(&reader->state->strangers, frame->data + offset, frame->size - offset);
    return find->is_error;
}

/* Reads on to the next find, in the order of the capture. */
static enum capture_reader_result read_on(struct capture_reader *reader, struct capture_find *find)
{
    struct capture_state *state = reader->state;
    enum capture_result got;

    for (;;) {
        find->is_error = false;
        if (look_at_pieces(reader, find))
            return CAPTURE_READER_FIND;
        if (state->ended != CAPTURE_READER_FIND)
            return state->ended;
        got = capture_next(state->capture, &state->frame, &state->error);
        if (got == CAPTURE_FRAME && look_at_frame(reader, find))
            return CAPTURE_READER_FIND;
        if (got == CAPTURE_IDLE)
            return CAPTURE_READER_IDLE;
        if (got != CAPTURE_FRAME)
            state->ended = got == CAPTURE_FAILED ? CAPTURE_READER_FAILED : CAPTURE_READER_END;
    }
}

/* What of a packet is answered, or answers; false if it is neither. */
static bool read_nonce(const struct captured_packet *s, struct question *q)
{
    uint32_t nonce;

    *q = (struct question){.from = s->udp.from, .to = s->udp.to, .when = s->steady};
    if (s->extent < TEREDO_KIND || s->copy)
        return false;
    if ((s->packet.kind == TEREDO_RS || s->packet.kind == TEREDO_RA) && s->packet.has_auth) {
        q->answer = TEREDO_RA;
        memcpy(q->nonce, s->packet.auth.nonce, sizeof q->nonce);
        return true;
    }
    q->answer = TEREDO_BUBBLE;
    if (s->extent < TEREDO_WHOLE || s->packet.kind != TEREDO_BUBBLE ||
        !teredo_trailer_nonce(&s->packet, &nonce))
        return false;
    memcpy(q->nonce, &nonce, sizeof nonce);
    return true;
}

/* A question from just before the gap that has the same nonce. */
static struct question *find_question(struct capture_state *state, const struct question *found)
{
    for (unsigned i = 0; i < QUESTIONS; i++) {
        struct question *q = &state->questions[i];

        if (q->when != 0 && q->when + QUESTION_AGE >= state->time.jump_from &&
            q->answer == found->answer && memcmp(q->nonce, found->nonce, sizeof q->nonce) == 0)
            return q;
    }
    return NULL;
}

/* A gap that somebody has waited over is none: else he would have asked again. */
static void look_for_answer(struct capture_reader *reader, struct capture_find *find)
{
    struct capture_state *state = reader->state;
    struct captured_packet *s = &find->packet;
    struct question found, *asked;
    nsec from, gap;

    if (find->is_error || !read_nonce(s, &found))
        return;
    if (!state->time.jumping) {
        state->questions[state->question_count++ % QUESTIONS] = found;
        return;
    }
    asked = find_question(state, &found);
    if (asked == NULL)
        return;
    if (s->packet.kind == TEREDO_RS || endpoint_equal(asked->from, found.from)) {
        /* Asked again, if of the same one. */
        if (endpoint_equal(asked->to, found.to))
            asked->when = 0;
        return;
    }
    gap = time_line_close_gap(&state->time, &from);
    if (gap == 0)
        return;
    s->steady -= gap;
    state->step.settled = state->time.now;
    if (state->queue != NULL)
        find_queue_shift(state->queue, from, gap);
    tell_forward(reader);
    state->forward = (struct clock_step){
        .file = s->file, .kind = CLOCK_SET_FORWARD, .frame = state->jump_frame, .by = gap};
}

/* Holds the find back; false if that cannot be. */
static bool hold(struct capture_state *state, const struct capture_find *find)
{
    if (state->queue == NULL)
        state->queue = find_queue_new();
    return state->queue != NULL && find_queue_put(state->queue, find);
}

/* A find that was held back, and need be no more. */
static bool take_held(struct capture_state *state, struct capture_find *find)
{
    nsec until = state->step.settled;

    if (state->queue == NULL)
        return false;
    if (find_queue_is_full(state->queue))
        time_line_believe(&state->time);
    if (find_queue_is_full(state->queue) || state->ended != CAPTURE_READER_FIND)
        until = NSEC_NEVER;
    return find_queue_take(state->queue, until, find);
}

enum capture_reader_result capture_reader_next(struct capture_reader *reader,
                                               struct capture_find *find, struct error *error)
{
    struct capture_state *state = reader->state;
    enum capture_reader_result got;

    find->packet.file = capture_file(state->capture);
    while (!take_held(state, find)) {
        got = read_on(reader, find);
        if (got == CAPTURE_READER_IDLE) {
            find->packet.steady = nsec_max(state->time.now, clock_now());
            return got;
        }
        if (got != CAPTURE_READER_FIND && take_held(state, find))
            break;
        if (got != CAPTURE_READER_FIND) {
            find->packet.steady = state->time.now;
            tell_forward(reader);
            if (got == CAPTURE_READER_FAILED)
                *error = state->error;
            return got;
        }
        if (state->time.patient)
            look_for_answer(reader, find);
        if (find->packet.steady <= state->step.settled &&
            (state->queue == NULL || find_queue_is_empty(state->queue)))
            break;
        if (!hold(state, find))
            break;
    }
    return CAPTURE_READER_FIND;
}

int capture_reader_capture(struct capture_reader *reader, struct error *error)
{
    enum capture_reader_result got = CAPTURE_READER_FIND;
    struct capture_find find;

    while (got != CAPTURE_READER_END && got != CAPTURE_READER_FAILED &&
           !capture_reader_is_done(reader)) {
        got = capture_reader_next(reader, &find, error);
        if (got == CAPTURE_READER_FIND && !find.is_error && reader->seen != NULL)
            reader->seen(reader->context, &find.packet);
    }
    return got == CAPTURE_READER_FAILED ? -1 : 0;
}
