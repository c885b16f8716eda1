#include "checking.h"

static const struct wording statuses[] = {
    [CHECK_OK] = {"ok", "OK"},
    [CHECK_WARNING] = {"warning", "WARNING"},
    [CHECK_CRITICAL] = {"critical", "CRITICAL"},
    [CHECK_UNKNOWN] = {"unknown", "UNKNOWN"},
};

const struct words check_statuses = WORDS("check_status", statuses);

static const struct wording causes[CHECK_CAUSE_COUNT] = {
    [CHECK_CAUSE_NONE] = {"none"},
    [CHECK_CAUSE_QUALIFICATION] = {"qualification"},
    [CHECK_CAUSE_RELAY] = {"relay"},
    [CHECK_CAUSE_RTT] = {"rtt"},
    [CHECK_CAUSE_INTERRUPTED] = {"interrupted"},
    [CHECK_CAUSE_ERROR] = {"error"},
    [CHECK_CAUSE_LOSS] = {"packets_lost"},
};

const struct words check_causes = WORDS("check_cause", causes);

static const struct wording relays[RELAY_COUNT] = {
    [RELAY_UNTESTED] = {"untested", "relaying of bubbles not tested"},
    [RELAY_WORKS] = {"works", "bubbles relayed"},
    [RELAY_SILENT] = {"silent", "bubbles are not relayed"},
    [RELAY_WRONG_ORIGIN] = {"wrong_origin", "bubbles are relayed with a wrong origin"},
    [RELAY_NO_ORIGIN] = {"no_origin", "bubbles are relayed without their origin"},
    [RELAY_LOST] = {"lost", "bubbles are lost, or not relayed"},
};

const struct words relay_states = WORDS("relay_state", relays);

static const struct wording evidences[CHECK_EVIDENCE_COUNT] = {
    [CHECK_EVIDENCE_SERVER_ANSWER] = {"server_answer"},
    [CHECK_EVIDENCE_SECONDARY_ANSWER] = {"secondary_answer"},
    [CHECK_EVIDENCE_SERVER_SILENCE] = {"server_silence"},
    [CHECK_EVIDENCE_SECONDARY_SILENCE] = {"secondary_silence"},
    [CHECK_EVIDENCE_SERVER_REFUSAL] = {"server_refusal"},
    [CHECK_EVIDENCE_SECONDARY_REFUSAL] = {"secondary_refusal"},
    [CHECK_EVIDENCE_BROKEN_RULE] = {"broken_rule"},
    [CHECK_EVIDENCE_NAME_ABSENT] = {"name_absent"},
    [CHECK_EVIDENCE_NAME_UNKNOWN] = {"name_unknown"},
    [CHECK_EVIDENCE_OWN_REFUSAL] = {"own_refusal"},
    [CHECK_EVIDENCE_NOTHING_SENT] = {"nothing_sent"},
    [CHECK_EVIDENCE_BUBBLE_RELAYED] = {"bubble_relayed"},
    [CHECK_EVIDENCE_BUBBLE_WITHOUT_ORIGIN] = {"bubble_without_origin"},
    [CHECK_EVIDENCE_BUBBLE_WITH_WRONG_ORIGIN] = {"bubble_with_wrong_origin"},
    [CHECK_EVIDENCE_RELAY_SILENCE] = {"relay_silence"},
    [CHECK_EVIDENCE_LOSS] = {"loss"},
    [CHECK_EVIDENCE_RTT_WARNING] = {"rtt_warning"},
    [CHECK_EVIDENCE_RTT_CRITICAL] = {"rtt_critical"},
    [CHECK_EVIDENCE_INTERRUPTED] = {"interrupted"},
    [CHECK_EVIDENCE_LOCAL_FAILURE] = {"local_failure"},
};

const struct words check_evidences = WORDS("check_evidence", evidences);

bool check_range_alerts(const struct check_range *range, double value)
{
    return range->text != NULL && (value >= range->low && value <= range->high) == range->inside;
}

static const struct field relay_fields[] = {
    {KEY("state"), FIELD_CODE, AT(struct checking, relay), .words = &relay_states,
     .flags = FIELD_CHANGE},
    {KEY("sent"), FIELD_COUNT, AT(struct checking, relay_sent)},
    {KEY("rtt_s"), FIELD_DURATION, AT(struct checking, relay_rtt), .flags = FIELD_ZERO_IS_NULL},
};

static const struct record_type relay_record = RECORD_TYPE("relay", relay_fields);

RECORD_TEST(has_odds, struct checking, r->odds >= 0)

static const struct field loss_fields[] = {
    {KEY("asked"), FIELD_COUNT, AT(struct checking, asked)},
    {KEY("answered"), FIELD_COUNT, AT(struct checking, answered)},
    {KEY("odds"), FIELD_REAL, AT(struct checking, odds), .known = has_odds},
};

static const struct record_type loss_record = RECORD_TYPE("check_loss", loss_fields);

static const struct field fields[] = {
    {KEY("status"), FIELD_CODE, AT(struct checking, status), .words = &check_statuses,
     .flags = FIELD_CHANGE},
    {KEY("cause"), FIELD_CODE, AT(struct checking, cause), .words = &check_causes,
     .flags = FIELD_CHANGE},
    {KEY("name"), FIELD_FOREIGN, AT(struct checking, name)},
    {KEY("server"), FIELD_ENDPOINT, AT(struct checking, qualification.server),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("rtt_s"), FIELD_DURATION, AT(struct checking, qualification.rtt),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("warning"), FIELD_FOREIGN, AT(struct checking, warning.text), .flags = FIELD_ZERO_IS_NULL},
    {KEY("critical"), FIELD_FOREIGN, AT(struct checking, critical.text),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("relay"), FIELD_RECORD, .record = &relay_record, .flags = FIELD_CHANGE},
    {KEY("qualification"), FIELD_RECORD, AT(struct checking, qualification),
     .record = &qualification_record, .flags = FIELD_CHANGE},
    {KEY("elapsed_s"), FIELD_DURATION, AT(struct checking, elapsed)},
    {KEY("evidence"), FIELD_WORD_SET, AT(struct checking, evidence), .words = &check_evidences},
    {KEY("loss"), FIELD_RECORD, .record = &loss_record},
};

const struct record_type checking_record = RECORD_TYPE("checking", fields);
