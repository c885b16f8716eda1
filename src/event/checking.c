#include "checking.h"

struct status_words {
    const char *code;
    const char *word;
};

static const struct status_words statuses[] = {
    [CHECK_OK] = {"ok", "OK"},
    [CHECK_WARNING] = {"warning", "WARNING"},
    [CHECK_CRITICAL] = {"critical", "CRITICAL"},
    [CHECK_UNKNOWN] = {"unknown", "UNKNOWN"},
};

static const char *const check_causes[CHECK_CAUSE_COUNT] = {
    [CHECK_CAUSE_NONE] = "none",
    [CHECK_CAUSE_QUALIFICATION] = "qualification",
    [CHECK_CAUSE_RELAY] = "relay",
    [CHECK_CAUSE_RTT] = "rtt",
    [CHECK_CAUSE_INTERRUPTED] = "interrupted",
    [CHECK_CAUSE_ERROR] = "error",
};

struct relay_words {
    const char *code;
    const char *text;
};

static const struct relay_words relays[RELAY_COUNT] = {
    [RELAY_UNTESTED] = {"untested", "relaying of bubbles not tested"},
    [RELAY_WORKS] = {"works", "bubbles relayed"},
    [RELAY_SILENT] = {"silent", "bubbles are not relayed"},
    [RELAY_WRONG_ORIGIN] = {"wrong_origin", "bubbles are relayed without the right origin"},
};

bool check_range_alerts(const struct check_range *range, double value)
{
    return range->text != NULL && (value >= range->low && value <= range->high) == range->inside;
}

const char *check_status_code(enum check_status status)
{
    return statuses[status].code;
}

const char *check_status_word(enum check_status status)
{
    return statuses[status].word;
}

const char *check_cause_code(enum check_cause cause)
{
    return check_causes[cause];
}

const char *relay_state_code(enum relay_state state)
{
    return relays[state].code;
}

const char *relay_state_text(enum relay_state state)
{
    return relays[state].text;
}
