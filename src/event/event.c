#include "event.h"

static const struct wording activities[] = {
    [PEER_INDIRECT_BUBBLE] = {"indirect_bubble_received", "indirect bubble through our server"},
    [PEER_DIRECT_BUBBLE] = {"direct_bubble_received", "direct bubble from the peer"},
    [PEER_ANSWERED] = {"direct_bubble_sent", "direct bubble sent: opens our NAT"},
    [PEER_ANSWERED_INDIRECTLY] = {"indirect_bubble_sent",
                                  "indirect bubble sent to the peer's server"},
    [PEER_TRUSTED] = {"path_open", "the direct path is open"},
    [PEER_ECHOED] = {"echo_answered", "echo request answered"},
    [PEER_UNPROVEN] = {"unproven",
                       "packet from another endpoint than its address says: not believed"},
    [PEER_RATE_LIMITED] = {"rate_limited", "bubble held back (RFC 4380 5.2.6)"},
    [PEER_REFUSED] = {"refused", "not answered: its address is not global (RFC 4380 5.2.4)"},
};

const struct words peer_activities = WORDS("peer_activity", activities);

static const struct wording notes[] = {
    [NOTE_RETRANSMIT] = {"retransmit"},
    [NOTE_INDIRECT_ANSWER] = {"indirect_answer"},
    [NOTE_UNPROVEN] = {"unproven_answer"},
    [NOTE_DIRECT_ICMP] = {"icmp_for_direct_bubble"},
    [NOTE_SERVER_ICMP] = {"icmp_for_indirect_bubble"},
    [NOTE_SERVER_CHECK] = {"peer_server_asked"},
    [NOTE_SERVER_ALIVE] = {"peer_server_alive"},
};

const struct words punch_notes = WORDS("punch_note", notes);

static const struct wording phases[] = {
    [PROGRESS_FIRST_ANSWER] = {"first_answer"},
    [PROGRESS_LIFETIME] = {"lifetime"},
};

const struct words progress_phases = WORDS("progress_phase", phases);

static const struct field rejected_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct event, when)},
    {KEY("rule"), FIELD_CODE, AT(struct event, rejected.rule), .words = &ra_rules},
    {KEY("rfc"), FIELD_RFC, AT(struct event, rejected.rule), .words = &ra_rules},
    {KEY("from"), FIELD_ENDPOINT, AT(struct event, rejected.from)},
};

static const struct field qualification_fields[] = {
    {KEY("name"), FIELD_FOREIGN, AT(struct event, qualification.name),
     .flags = FIELD_ZERO_IS_NULL | FIELD_OPTIONAL | FIELD_CHANGE},
    {KEY("qualification"), FIELD_KEYS, AT(struct event, qualification),
     .record = &qualification_record, .flags = FIELD_CHANGE},
};

static const struct field captured_qualification_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct event, qualification.started)},
    {KEY("qualification"), FIELD_KEYS, AT(struct event, qualification),
     .record = &qualification_record},
};

RECORD_TEST(is_answer, struct event, r->step.step == STEP_ANSWER)
RECORD_VALUE(step, struct event, struct step_row,
             step_row(r->step.step, &r->step.report, r->step.report.when - r->step.offset))

static const struct field event_step_fields[] = {
    {KEY("attempt"), FIELD_COUNT, AT(struct event, step.attempt)},
    {KEY("step"), FIELD_KEYS, FOUND(struct step_row, step), .record = &step_record},
    {KEY("proof"), FIELD_CODE, AT(struct event, step.proof), .known = is_answer,
     .words = &punch_proofs},
};

RECORD_TEST(is_icmp, struct event,
            r->note.note == NOTE_DIRECT_ICMP || r->note.note == NOTE_SERVER_ICMP)

static const struct field note_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct event, when)},
    {KEY("note"), FIELD_CODE, AT(struct event, note.note), .words = &punch_notes},
    {KEY("attempt"), FIELD_COUNT, AT(struct event, note.attempt)},
    {KEY("offset_s"), FIELD_OFFSET, AT(struct event, note.offset)},
    {KEY("endpoint"), FIELD_ENDPOINT, AT(struct event, note.from), .flags = FIELD_ZERO_IS_NULL},
    {KEY("icmp"), FIELD_RECORD, AT(struct event, note.icmp), .known = is_icmp,
     .record = &icmp_record},
};

static const struct field punching_fields[] = {
    {KEY("punching"), FIELD_KEYS, AT(struct event, punching), .record = &punching_record,
     .flags = FIELD_CHANGE},
};

static const struct field captured_punch_fields[] = {
    {KEY("punch"), FIELD_KEYS, AT(struct event, punching), .record = &captured_punch_record},
};

RECORD_TEST(is_believed, struct event, r->peer.activity == PEER_TRUSTED)

static const struct field peer_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct event, when)},
    {KEY("activity"), FIELD_CODE, AT(struct event, peer.activity), .words = &peer_activities},
    {KEY("peer"), FIELD_IP6, AT(struct event, peer.peer)},
    {KEY("endpoint"), FIELD_ENDPOINT, AT(struct event, peer.endpoint), .flags = FIELD_ZERO_IS_NULL},
    {KEY("offset_s"), FIELD_OFFSET, AT(struct event, peer.offset)},
    {KEY("proof"), FIELD_CODE, AT(struct event, peer.proof), .words = &punch_proofs,
     .known = is_believed},
};

static const struct field mapping_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct event, when)},
    {KEY("mapped_before"), FIELD_ENDPOINT, AT(struct event, mapping.before),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("mapped"), FIELD_ENDPOINT, AT(struct event, mapping.after), .flags = FIELD_ZERO_IS_NULL},
    {KEY("teredo_address"), FIELD_IP6, AT(struct event, mapping.address)},
};

static const struct field back_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct event, when)},
    {KEY("server"), FIELD_ENDPOINT, AT(struct event, back.server)},
    {KEY("silent_s"), FIELD_DURATION, AT(struct event, back.silent)},
};

static const struct field gone_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct event, when)},
    {KEY("address"), FIELD_ENDPOINT, AT(struct event, gone)},
};

static const struct field left_out_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct event, when)},
    {KEY("of"), FIELD_TEXT, AT(struct event, left_out.of)},
    {KEY("activity"), FIELD_TEXT, AT(struct event, left_out.activity), .flags = FIELD_ZERO_IS_NULL},
    {KEY("count"), FIELD_COUNT, AT(struct event, left_out.count)},
};

static const struct field listened_fields[] = {
    {KEY("teredo_address"), FIELD_IP6, AT(struct run_facts, teredo_address), .flags = FIELD_OF_RUN},
    {KEY("mapped"), FIELD_ENDPOINT, AT(struct run_facts, mapped),
     .flags = FIELD_OF_RUN | FIELD_ZERO_IS_NULL},
    {KEY("peers"), FIELD_COUNT, AT(struct event, listened.peers)},
    {KEY("bubbles_received"), FIELD_COUNT, AT(struct event, listened.bubbles_received)},
    {KEY("bubbles_sent"), FIELD_COUNT, AT(struct event, listened.bubbles_sent)},
    {KEY("echoes"), FIELD_COUNT, AT(struct event, listened.echoes)},
    {KEY("ignored"), FIELD_COUNT, AT(struct event, listened.ignored)},
    {KEY("mapping_changes"), FIELD_COUNT, AT(struct event, listened.mapping_changes)},
    {KEY("elapsed_s"), FIELD_DURATION, AT(struct event, listened.elapsed)},
};

RECORD_VALUE(lifetime, struct event, struct bounds,
             ((struct bounds){r->progress.at_least, r->progress.at_most}))

static const struct field progress_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct event, when)},
    {KEY("phase"), FIELD_CODE, AT(struct event, progress.phase), .words = &progress_phases},
    {KEY("elapsed_s"), FIELD_DURATION, AT(struct event, progress.elapsed)},
    {KEY("longest_s"), FIELD_DURATION, AT(struct event, progress.longest)},
    {KEY("lifetime_s"), FIELD_RECORD, FOUND(struct bounds, lifetime), .record = &bounds_record},
};

/* All that is told lies elsewhere. */
#define KEYS_OF(member, type)                                                                      \
    static const void *at_##member(const void *record, const struct run_facts *run,                \
                                   union field_room *room)                                         \
    {                                                                                              \
        (void)run, (void)room;                                                                     \
        return ((const struct event *)record)->member;                                             \
    }                                                                                              \
    static const struct field member##_fields[] = {{KEY(#member), FIELD_KEYS, .find = at_##member, \
                                                    .record = &(type), .flags = FIELD_CHANGE}};

KEYS_OF(classification, classification_record)
KEYS_OF(packet, captured_packet_record)
KEYS_OF(flows, flows_summary_record)
KEYS_OF(address, address_record)
KEYS_OF(bubble_packet, bubble_packet_record)
KEYS_OF(bubble_reply, bubble_reply_record)
KEYS_OF(bubble_icmp, bubble_icmp_record)
KEYS_OF(bubbled, bubble_summary_record)

static const void *at_serving(const void *record, const struct run_facts *run,
                              union field_room *room)
{
    (void)run, (void)room;
    return ((const struct event *)record)->serving;
}

static const struct field serving_fields[] = {
    {KEY("server"), FIELD_KEYS, .find = at_serving, .record = &server_record},
    {KEY("counters"), FIELD_KEYS, .find = at_serving, .record = &counters_record},
};

RECORD_TEST(is_matched, struct event, r->clock.fit.packets > 0)
RECORD_TEST(is_bounded, struct event, r->clock.fit.bounded)
RECORD_VALUE(reference, struct event, unsigned, (unsigned)(0 * r->clock.vantage))
RECORD_VALUE(drift_ppm, struct event, double, r->clock.fit.drift * 1e6)

static const struct field clock_fields[] = {
    {KEY("capture"), FIELD_CAPTURE, AT(struct event, clock.vantage)},
    {KEY("reference"), FIELD_CAPTURE, FOUND(unsigned, reference)},
    {KEY("packets"), FIELD_COUNT, AT(struct event, clock.fit.packets)},
    {KEY("offset_s"), FIELD_OFFSET, AT(struct event, clock.fit.offset), .known = is_matched},
    {KEY("drift_ppm"), FIELD_REAL, FOUND(double, drift_ppm), .known = is_matched},
    {KEY("error_s"), FIELD_DURATION, AT(struct event, clock.fit.error), .known = is_bounded},
};

static const struct field passive_fields[] = {
    {KEY("punches"), FIELD_COUNT, AT(struct event, passive.punches)},
    {KEY("punched"), FIELD_COUNT, AT(struct event, passive.punched)},
    {KEY("not_punched"), FIELD_COUNT, AT(struct event, passive.not_punched)},
    {KEY("inconclusive"), FIELD_COUNT, AT(struct event, passive.inconclusive)},
    {KEY("qualifications"), FIELD_COUNT, AT(struct event, passive.qualifications)},
    {KEY("refreshes"), FIELD_COUNT, AT(struct event, passive.refreshes)},
    {KEY("forgotten"), FIELD_COUNT, AT(struct event, passive.forgotten)},
    {KEY("packets"), FIELD_COUNT, AT(struct event, passive.packets)},
    {KEY("frames"), FIELD_COUNT, AT(struct event, passive.frames)},
    {KEY("dropped"), FIELD_COUNT, AT(struct event, passive.dropped)},
    {KEY("remarks"), FIELD_KEYS, AT(struct event, passive.remarks),
     .record = &capture_remarks_record},
};

static const struct field many_fields[] = {
    {KEY("survey"), FIELD_KEYS, AT(struct event, qualified_many), .record = &qualify_many_record},
};

static const struct field checking_fields[] = {
    {KEY("checking"), FIELD_KEYS, AT(struct event, checking), .record = &checking_record,
     .flags = FIELD_CHANGE},
};

static const struct record_type records[] = {
    [EVENT_REJECTED] = EVENT_TYPE("rejected", "rejected", rejected_fields),
    [EVENT_QUALIFICATION] = EVENT_TYPE("told_qualification", "qualification", qualification_fields),
    [EVENT_STEP] = EVENT_TYPE("told_step", "step", event_step_fields),
    [EVENT_NOTE] = EVENT_TYPE("note", "note", note_fields),
    [EVENT_PUNCHING] = EVENT_TYPE("trace_object", "verdict", punching_fields),
    [EVENT_PEER] = EVENT_TYPE("peer", "peer", peer_fields),
    [EVENT_MAPPING_CHANGED] = EVENT_TYPE("mapping_changed", "mapping_changed", mapping_fields),
    [EVENT_SERVER_LOST] = EVENT_TYPE("server_lost", "server_lost", qualification_fields),
    [EVENT_LISTENED] = EVENT_TYPE("listened", "summary", listened_fields),
    [EVENT_PROGRESS] = EVENT_TYPE("progress", "progress", progress_fields),
    [EVENT_CLASSIFICATION] = EVENT_TYPE("classify_object", "verdict", classification_fields),
    [EVENT_CLOCK] = EVENT_TYPE("clock", "clock", clock_fields),
    [EVENT_PASSIVE] = EVENT_TYPE("passive_summary", "summary", passive_fields),
    [EVENT_QUALIFIED_MANY] = EVENT_TYPE("qualify_summary", "summary", many_fields),
    [EVENT_CHECKING] = EVENT_TYPE("check_object", "verdict", checking_fields),
    [EVENT_PACKET] = EVENT_TYPE("decode_packet", "packet", packet_fields),
    [EVENT_FLOWS] = EVENT_TYPE("decode_summary", "summary", flows_fields),
    [EVENT_ADDRESS] = EVENT_TYPE("addr_object", "address", address_fields),
    [EVENT_BUBBLE_SENT] = EVENT_TYPE("bubble_packet_event", "packet", bubble_packet_fields),
    [EVENT_BUBBLE_REPLY] = EVENT_TYPE("bubble_reply_event", "reply", bubble_reply_fields),
    [EVENT_BUBBLE_ICMP] = EVENT_TYPE("bubble_icmp_error_event", "icmp_error", bubble_icmp_fields),
    [EVENT_BUBBLED] = EVENT_TYPE("bubble_summary", "summary", bubbled_fields),
    [EVENT_SERVER_READY] = {.name = "serve_ready",
                            .event = "ready",
                            .fields = serving_fields,
                            .count = 1},
    [EVENT_SERVER_COUNTERS] = EVENT_TYPE("serve_counters", "counters", serving_fields),
    [EVENT_SERVED] = EVENT_TYPE("serve_summary", "summary", serving_fields),
    [EVENT_SERVER_BACK] = EVENT_TYPE("server_back", "server_back", back_fields),
    [EVENT_ADDRESS_GONE] = EVENT_TYPE("address_gone", "address_gone", gone_fields),
    [EVENT_ADDRESS_BACK] = EVENT_TYPE("address_back", "address_back", gone_fields),
    [EVENT_LEFT_OUT] = EVENT_TYPE("left_out", "left_out", left_out_fields),
};

static const struct record_type captured_qualification_record =
    EVENT_TYPE("client_qualification", "client_qualification", captured_qualification_fields);
static const struct record_type captured_punch_event =
    EVENT_TYPE("trace_punch", "punch", captured_punch_fields);

const struct record_type *event_record(const struct event *e)
{
    if (e->kind == EVENT_QUALIFICATION && e->qualification.captured)
        return &captured_qualification_record;
    if (e->kind == EVENT_PUNCHING && e->punching.side != SIDE_SELF)
        return &captured_punch_event;
    return &records[e->kind];
}
