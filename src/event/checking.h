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
    CHECK_CAUSE_LOSS,  /* lost packets may be all that is wrong */
    CHECK_CAUSE_COUNT
};

/* A bubble to ourselves through the server (RFC 4380 5.3.1). */
enum relay_state {
    RELAY_UNTESTED,
    RELAY_WORKS,
    RELAY_SILENT,       /* it did not come back */
    RELAY_WRONG_ORIGIN, /* it did, with another origin than our mapping */
    RELAY_NO_ORIGIN,    /* it did, without an origin indication */
    RELAY_LOST,         /* it did not come back, which lost packets explain as well */
    RELAY_COUNT
};

/* What was observed, each a word of the key "evidence". The table in check_judge.c says what each
 * shows. The server is its primary address. */
enum check_evidence {
    CHECK_EVIDENCE_SERVER_ANSWER, /* an advertisement that keeps every rule */
    CHECK_EVIDENCE_SECONDARY_ANSWER,
    CHECK_EVIDENCE_SERVER_SILENCE, /* which lost packets do not explain */
    CHECK_EVIDENCE_SECONDARY_SILENCE,
    CHECK_EVIDENCE_SERVER_REFUSAL, /* an ICMP error */
    CHECK_EVIDENCE_SECONDARY_REFUSAL,
    CHECK_EVIDENCE_BROKEN_RULE,    /* an answer that broke one */
    CHECK_EVIDENCE_NAME_ABSENT,    /* the name servers say that there is no such name */
    CHECK_EVIDENCE_NAME_UNKNOWN,   /* they do not say, or nothing of use */
    CHECK_EVIDENCE_OWN_REFUSAL,    /* this host has no route, or would not send */
    CHECK_EVIDENCE_NOTHING_SENT,   /* it had no room for any packet */
    CHECK_EVIDENCE_BUBBLE_RELAYED, /* one came back, with the right origin or as follows */
    CHECK_EVIDENCE_BUBBLE_WITHOUT_ORIGIN,
    CHECK_EVIDENCE_BUBBLE_WITH_WRONG_ORIGIN,
    CHECK_EVIDENCE_RELAY_SILENCE, /* which lost packets do not explain */
    CHECK_EVIDENCE_LOSS,          /* packets were lost */
    CHECK_EVIDENCE_RTT_WARNING,   /* the round trip alerts */
    CHECK_EVIDENCE_RTT_CRITICAL,
    CHECK_EVIDENCE_INTERRUPTED,
    CHECK_EVIDENCE_LOCAL_FAILURE, /* the check could not be made */
    CHECK_EVIDENCE_COUNT
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
    unsigned relay_sent;      /* bubbles that left this host */
    nsec relay_rtt;           /* 0 = unknown */
    uint32_t evidence;        /* bit 1 << N for that of N */
    unsigned asked, answered; /* of what is answered unless it is lost: to tell the loss by */
    double odds;              /* that loss explains the silence that counts; negative = none does */
    struct check_range warning, critical; /* for the round trip, in seconds */
    nsec elapsed;
};

bool check_range_alerts(const struct check_range *range, double value);

extern const struct words check_statuses; /* the text: "OK", "WARNING", … for plugins */
extern const struct words check_causes;
extern const struct words relay_states;
extern const struct words check_evidences;
extern const struct record_type checking_record;

#endif
