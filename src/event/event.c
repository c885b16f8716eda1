#include "event.h"

struct activity_words {
    const char *code;
    const char *text;
};

static const struct activity_words activities[] = {
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

static const char *const notes[] = {
    [NOTE_RETRANSMIT] = "retransmit",
    [NOTE_INDIRECT_ANSWER] = "indirect_answer",
    [NOTE_UNPROVEN] = "unproven_answer",
    [NOTE_DIRECT_ICMP] = "icmp_for_direct_bubble",
    [NOTE_SERVER_ICMP] = "icmp_for_indirect_bubble",
    [NOTE_SERVER_CHECK] = "peer_server_asked",
    [NOTE_SERVER_ALIVE] = "peer_server_alive",
};

const char *peer_activity_code(enum peer_activity activity)
{
    return activities[activity].code;
}

const char *peer_activity_text(enum peer_activity activity)
{
    return activities[activity].text;
}

const char *punch_note_code(enum punch_note note)
{
    return notes[note];
}

const char *progress_phase_code(enum progress_phase phase)
{
    return phase == PROGRESS_FIRST_ANSWER ? "first_answer" : "lifetime";
}
