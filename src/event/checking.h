/* What a check of a Teredo server found, in the terms of the Monitoring Plugins' guidelines. */
#ifndef EVENT_CHECKING_H
#define EVENT_CHECKING_H

#include "qualification.h"

/* The exit status of `teredoctl check`, in this order. */
enum check_status {
    CHECK_OK,
    CHECK_WARNING,
    CHECK_CRITICAL,
    CHECK_UNKNOWN
};

/* Why it is that status; what is worse, then what comes first here, is named. */
enum check_cause {
    CHECK_CAUSE_NONE,
    CHECK_CAUSE_QUALIFICATION, /* the qualification's reason tells */
    CHECK_CAUSE_RELAY,         /* the server does not relay bubbles, or not as it should */
    CHECK_CAUSE_RTT,           /* the round trip is outside of a threshold */
    CHECK_CAUSE_INTERRUPTED,
    CHECK_CAUSE_ERROR, /* the check itself could not be made */
    CHECK_CAUSE_COUNT
};

/* A bubble to ourselves through the server (RFC 4380 5.3.1). */
enum relay_state {
    RELAY_UNTESTED,
    RELAY_WORKS,
    RELAY_SILENT,       /* it did not come back */
    RELAY_WRONG_ORIGIN, /* it did, with another origin than our mapping */
    RELAY_NO_ORIGIN,    /* it did, without an origin indication */
    RELAY_COUNT
};

/* A threshold: values that raise an alert are those outside of [low, high], or INSIDE of it. */
struct check_range {
    const char *text; /* as given, borrowed; NULL = no threshold */
    bool inside;
    double low, high; /* may be infinite */
};

struct checking {
    enum check_status status;
    enum check_cause cause;
    const char *name; /* the server as it was given, borrowed */
    struct qualification qualification;
    enum relay_state relay;
    unsigned relay_sent;                  /* bubbles */
    nsec relay_rtt;                       /* 0 = unknown */
    struct check_range warning, critical; /* for the round trip, in seconds */
    nsec elapsed;
};

bool check_range_alerts(const struct check_range *range, double value);

extern const struct words check_statuses; /* the text: "OK", "WARNING", … for plugins */
extern const struct words check_causes;
extern const struct words relay_states;
extern const struct record_type checking_record;

#endif
