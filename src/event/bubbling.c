#include "bubbling.h"

static const struct wording aims[] = {
    [BUBBLE_DIRECT] = {"direct", "direct "},
    [BUBBLE_INDIRECT] = {"indirect", "indirect "},
    [BUBBLE_GIVEN] = {"given", ""},
};

const struct words bubble_aims = WORDS("bubble_aim", aims);

static const struct wording verdicts[] = {
    [BUBBLE_SENT] = {"sent"},
    [BUBBLE_ANSWERED] = {"answered"},
    [BUBBLE_UNANSWERED] = {"unanswered"},
    [BUBBLE_INTERRUPTED] = {"interrupted"},
    [BUBBLE_NOT_SENT] = {"not_sent"},
    [BUBBLE_SHOWN] = {"shown"},
    [BUBBLE_WRITTEN] = {"written"},
};

const struct words bubble_verdicts = WORDS("bubble_verdict", verdicts);

static const struct wording ways[] = {[0] = {"udp_socket"}, [1] = {"raw_socket"}};
static const struct words bubble_ways = WORDS("bubble_way", ways);

RECORD_TEST(is_whole, struct bubble_packet, r->whole)
RECORD_VALUE(packet_data, struct bubble_packet, struct bytes,
             ((struct bytes){r->captured_packet.udp.payload, r->captured_packet.udp.payload_size}))
RECORD_VALUE(packet_hex, struct bubble_packet, struct bytes, ((struct bytes){r->ip4, r->ip4_size}))

static const struct field packet_fields[] = {
    {KEY("number"), FIELD_COUNT, AT(struct bubble_packet, number)},
    {KEY("aim"), FIELD_CODE, AT(struct bubble_packet, aim), .words = &bubble_aims},
    {KEY("system_error"), FIELD_ERRNO, AT(struct bubble_packet, errnum),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("packet"), FIELD_KEYS, AT(struct bubble_packet, captured_packet),
     .record = &packet_record},
    {KEY("data"), FIELD_BYTES, FOUND(struct bytes, packet_data)},
    {KEY("hex"), FIELD_BYTES, FOUND(struct bytes, packet_hex), .known = is_whole,
     .flags = FIELD_OPTIONAL},
};

const struct record_type bubble_packet_record = RECORD_TYPE("bubble_packet", packet_fields);

RECORD_TEST(follows, struct bubble_reply, r->answered != 0)
RECORD_TEST(answers, struct bubble_reply, r->answered != 0 && r->proof != PROOF_NONE)
RECORD_VALUE(reply_data, struct bubble_reply, struct bytes,
             ((struct bytes){r->captured_packet.udp.payload, r->captured_packet.udp.payload_size}))

static const struct field reply_fields[] = {
    {KEY("delay_s"), FIELD_DURATION, AT(struct bubble_reply, delay), .known = follows},
    {KEY("answers"), FIELD_COUNT, AT(struct bubble_reply, answered), .known = answers},
    {KEY("proof"), FIELD_CODE, AT(struct bubble_reply, proof), .words = &punch_proofs},
    {KEY("packet"), FIELD_KEYS, AT(struct bubble_reply, captured_packet), .record = &packet_record},
    {KEY("data"), FIELD_BYTES, FOUND(struct bytes, reply_data)},
};

const struct record_type bubble_reply_record = RECORD_TYPE("bubble_reply", reply_fields);

static const struct field icmp_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct bubble_icmp, when)},
    {KEY("to"), FIELD_ENDPOINT, AT(struct bubble_icmp, to)},
    {KEY("icmp"), FIELD_RECORD, AT(struct bubble_icmp, error), .record = &icmp_record},
};

const struct record_type bubble_icmp_record = RECORD_TYPE("bubble_icmp_error", icmp_fields);

RECORD_TEST(is_answered, struct bubble_summary, r->answers > 0)

static const struct field summary_fields[] = {
    {KEY("verdict"), FIELD_CODE, AT(struct bubble_summary, verdict), .words = &bubble_verdicts},
    {KEY("via"), FIELD_TEXT, AT(struct bubble_summary, via), .words = &bubble_ways,
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("packets_sent"), FIELD_COUNT, AT(struct bubble_summary, sent)},
    {KEY("packets_failed"), FIELD_COUNT, AT(struct bubble_summary, failed)},
    {KEY("replies_received"), FIELD_COUNT, AT(struct bubble_summary, replies)},
    {KEY("replies_believed"), FIELD_COUNT, AT(struct bubble_summary, answers)},
    {KEY("icmp_errors_received"), FIELD_COUNT, AT(struct bubble_summary, icmp_errors)},
    {KEY("first_delay_s"), FIELD_DURATION, AT(struct bubble_summary, first_delay),
     .known = is_answered},
    {KEY("wait_s"), FIELD_DURATION, AT(struct bubble_summary, wait), .flags = FIELD_ZERO_IS_NULL},
};

const struct record_type bubble_summary_record = RECORD_TYPE("bubble_totals", summary_fields);
