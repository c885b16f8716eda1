#include "punching.h"

static const struct wording verdicts[] = {
    [PUNCH_PUNCHED] = {"punched", .mood = MOOD_YES},
    [PUNCH_NOT_PUNCHED] = {"not_punched", .mood = MOOD_NO},
    [PUNCH_INCONCLUSIVE] = {"inconclusive", .mood = MOOD_UNSURE},
};

const struct words punch_verdicts = WORDS("punch_verdict", verdicts);

static const struct wording causes[CAUSE_COUNT] = {
    [CAUSE_NONE] = {"none", "both NATs are open and data crosses directly", ""},
    [CAUSE_PEER_REMAPPED] =
        {"peer_remapped",
         "data crosses directly, though the peer answers from another endpoint than the one in its "
         "address: its NAT maps it anew for each destination",
         "use an RFC 6081 client or miredo at this end: one that follows RFC 4380 alone refuses "
         "such an answer"},
    [CAUSE_PEER_NAT_TRIPS] =
        {"peer_nat_trips_on_direct_bubble",
         "the peer's NAT trips over our direct bubble: it keeps state for the bubble that it "
         "should "
         "discard, and sends the peer's answer from another port",
         "ask whoever runs the peer's router to drop unsolicited UDP on its outside interface "
         "before connection tracking confirms it; until then ask the peer to start again from "
         "another port, and punch with --ttl"},
    [CAUSE_OWN_SERVER_SILENT] = {"own_server_silent",
                                 "our own Teredo server does not answer, so nothing could be tried",
                                 "run `teredoctl qualify` against it, or use another server"},
    [CAUSE_OWN_SERVER_UNREACHABLE] =
        {"own_server_unreachable",
         "our own Teredo server is not reachable, so nothing could be tried",
         "run `teredoctl qualify` against it, or use another server"},
    [CAUSE_PEER_SERVER_SILENT] =
        {"peer_server_silent",
         "the peer's Teredo server does not answer, so no bubble reached the peer through it",
         "ask the peer to qualify with a server that lives; its address will change with it"},
    [CAUSE_PEER_SERVER_UNREACHABLE] =
        {"peer_server_unreachable",
         "the peer's Teredo server is not reachable, so no bubble reached the peer through it",
         "ask the peer to qualify with a server that lives; its address will change with it"},
    [CAUSE_DIRECT_PATH_BLOCKED] =
        {"direct_path_blocked",
         "the peer lives and answers through our server, but nothing from it arrives directly: one "
         "of the two NATs maps or filters too strictly",
         "run `teredoctl classify` at both ends to find the strict NAT, and reserve a UDP port on "
         "it (RFC 4380 5.2.10): a symmetric NAT reaches only peers behind a cone or "
         "address-restricted NAT"},
    [CAUSE_DIRECT_ANSWER_MISSING] =
        {"direct_answer_missing",
         "the peer lives and has answered through our server, but not every bubble, and nothing "
         "from it arrived directly: packets were lost, or one of the two NATs is too strict",
         "repeat the trace; if this is what it says again, run `teredoctl classify` at both ends "
         "to find a symmetric NAT"},
    [CAUSE_ANSWER_UNPROVEN] =
        {"answer_unproven",
         "answers came only from another endpoint than the one in the peer's address, and without "
         "proof that the peer sent them",
         "ask for another proof with --proof=link-local: the peer's NAT may have mapped it anew, "
         "or somebody else may be answering"},
    [CAUSE_DATA_LOST] =
        {"data_lost",
         "the peer's direct bubble arrives, but nothing that we send to where it came from is "
         "answered, neither echo requests nor direct bubbles",
         "repeat the trace, and run it from the peer's end as well: the path to the peer may lose "
         "or filter what this side sends"},
    [CAUSE_PEER_SILENT] =
        {"peer_silent", "the peer's server lives, but the peer answers nothing",
         "ask the peer for its present address, and whether it is on-line: its NAT's mapping may "
         "have expired, its NAT may answer from a port that our NAT refuses, or its server may not "
         "relay"},
    [CAUSE_PEER_NOT_GLOBAL] =
        {"peer_not_global",
         "the peer's address embeds an IPv4 address that is not global unicast (RFC 4380 5.2.4)",
         "check the address with `teredoctl addr`; use --allow-private in a laboratory"},
    [CAUSE_PEER_IS_SELF] = {"peer_is_self", "the peer's mapped endpoint is our own",
                            "give another client's address"},
    [CAUSE_SEND_FAILED] = {"send_failed", "this host would not send to the peer",
                           "check this host's routes and firewall"},
    [CAUSE_INTERRUPTED] = {"interrupted", "interrupted before the peer answered", ""},
    [CAUSE_OWN_NAT_SYMMETRIC] =
        {"own_nat_symmetric",
         "our own NAT is symmetric: it maps us anew for each destination, so that the peer's "
         "packets, or ours, meet a mapping or a filter that is not for them; the peer lives, and "
         "answers",
         "reserve a UDP port on our NAT (RFC 4380 5.2.10), and use it with --local-port; without "
         "one only peers whose NAT does not filter by port can be reached"},
    [CAUSE_PEER_NAT_SYMMETRIC] =
        {"peer_nat_symmetric",
         "the peer's NAT is symmetric: our server sees the peer at another endpoint than the one "
         "in its address, and the endpoint that it answers us from is another one again, which "
         "our side refuses",
         "ask whoever runs the peer's NAT to reserve a UDP port there (RFC 4380 5.2.10), or "
         "reserve one on ours: a NAT or firewall that does not filter by port lets the answer in"},
    [CAUSE_SAME_NAT] =
        {"same_nat",
         "the peer is behind our own NAT, for both mapped addresses are equal, and that NAT does "
         "not hairpin: the peer lives, and nothing that either sends to the other's mapped "
         "endpoint arrives",
         "use the peer's address in the local network (RFC 6081 5.6), or have the NAT hairpin (RFC "
         "4787 6); a reserved port does not help"},
    [CAUSE_PACKETS_LOST] =
        {"packets_lost", "too little came back to tell lost packets from a cause",
         "repeat the trace, when fewer packets are lost; with --bubbles 4, if it was less"},
    [CAUSE_OWN_SERVER_REJECTED] =
        {"own_server_rejected",
         "our own Teredo server answers, but each answer broke a rule and was not believed, so "
         "nothing could be tried",
         "run `teredoctl qualify --explain` to see the rule, or use another server"},
    [CAUSE_NO_ANSWER] =
        {"no_answer", "the initiator's bubbles were answered neither by the peer nor by its server",
         "capture all UDP at the peer, or ask there whether the bubbles arrive; `teredoctl "
         "qualify` "
         "tells whether the peer's server lives"},
    [CAUSE_NOT_FORWARDED] =
        {"not_forwarded",
         "the indirect bubble went to the peer's server, and nothing of it came out for the peer",
         "ask the peer to qualify with a server that relays: this one does not, refuses the "
         "bubble's source (RFC 4380 5.3.1), or is off-line"},
    [CAUSE_FORWARD_LOST] =
        {"forward_lost",
         "the peer's server forwarded the bubble, and it did not arrive at the peer",
         "have the peer qualify again, for its NAT has lost the mapping that its address names, "
         "and "
         "see with `teredoctl classify --lifetime` how long it keeps one"},
    [CAUSE_ANSWER_LOST] =
        {"answer_lost",
         "the peer answered directly, and its answer did not arrive at the initiator",
         "compare the port that the answer left the peer's NAT from with the one in the peer's "
         "address, and run `teredoctl classify` at both ends: the initiator's NAT refuses it, or "
         "it was lost"},
    [CAUSE_NO_DATA] =
        {"no_data",
         "the peer answered directly, and no data followed that would show the path open in both "
         "directions",
         "send something, such as a ping, while capturing"},
    [CAUSE_NO_INDIRECT_BUBBLE] =
        {"no_indirect_bubble",
         "a direct bubble was seen, but none through the peer's server, and no answer",
         "capture all UDP of the initiator: the indirect bubble goes to another address; one that "
         "asks whether a known path is open (RFC 6081 5.7) has none"},
    [CAUSE_DIRECT_PATH_UNSEEN] =
        {"direct_path_unseen",
         "only the way through the peer's server was captured, so that nothing is known of the "
         "direct path",
         "capture at the initiator or at the peer"},
    [CAUSE_CAPTURE_ENDED] =
        {"capture_ended",
         "the capture ended before an outcome: its last frame comes too soon after the bubbles",
         "capture for some seconds more, without a filter: of a silence after its last frame a "
         "capture shows nothing"},
    [CAUSE_FORGOTTEN] =
        {"forgotten", "too many hole punches were under way at once, and this one had to make way",
         "filter the capture, or name one --peer"},
    [CAUSE_PEER_HOST_SILENT] =
        {"peer_host_silent",
         "the indirect bubble did arrive at the peer's host, which sent nothing to the initiator",
         "look at the peer's host: its Teredo client does not run or does not answer, or its own "
         "firewall refuses the bubble"},
    [CAUSE_PEER_INDIRECT_ONLY] =
        {"peer_answers_indirectly_only",
         "the peer's host answered through the initiator's server, and sent nothing directly",
         "look at the peer's host: its client or its own firewall keeps back what goes to the "
         "initiator's mapped endpoint"},
    [CAUSE_PATHS_UNSEEN] =
        {"answer_paths_unseen",
         "no answer of the peer was seen, and one may have gone a way that was not captured, or be "
         "in a frame that was cut too short to tell",
         "capture whole frames at the initiator or at the peer, without a filter"},
    [CAUSE_DATA_UNPROVEN] =
        {"data_unproven",
         "the peer's direct bubble arrives; whether what we send arrives there is not proven, for "
         "this peer answers no echo request, and need not know what RFC 6081 would have it answer",
         "reach for a TCP or UDP service of the peer, or run the trace from the peer's end: it may "
         "filter ICMPv6 echo requests, as Windows does unless told otherwise"},
};

const struct words punch_causes = WORDS("punch_cause", causes);

/* Of punches that captures show, where the words above speak in the first person. Others hold. */
static const struct wording captured[CAUSE_COUNT] = {
    [CAUSE_PEER_REMAPPED] =
        {NULL,
         "data crosses directly, though the peer answers from another endpoint than the one in its "
         "address: its NAT maps it anew for each destination",
         ""},
    [CAUSE_OWN_NAT_SYMMETRIC] =
        {NULL,
         "the initiator's NAT is symmetric: it maps the initiator anew for each destination, and "
         "what the peer sends goes to a mapping that is not for it; the peer lives, and answers "
         "through a server",
         "reserve a UDP port on the initiator's NAT (RFC 4380 5.2.10); without one only peers "
         "whose NAT does not filter by port can be reached"},
    [CAUSE_PEER_NAT_SYMMETRIC] =
        {NULL,
         "the peer's NAT is symmetric: the initiator's server sees the peer at another endpoint "
         "than the one in its address, and the endpoint that it answers the initiator from is "
         "another one again, which the initiator's side refuses",
         "ask whoever runs the peer's NAT to reserve a UDP port there (RFC 4380 5.2.10), or "
         "reserve one on the initiator's: a NAT or firewall that does not filter by port lets the "
         "answer in"},
    [CAUSE_SAME_NAT] =
        {NULL,
         "both are behind one NAT, for their mapped addresses are equal, and that NAT does not "
         "hairpin: the peer lives, and nothing that either sends to the other's mapped endpoint "
         "arrives",
         "use the peer's address in the local network (RFC 6081 5.6), or have the NAT hairpin (RFC "
         "4787 6); a reserved port does not help"},
    [CAUSE_NOT_FORWARDED] =
        {NULL,
         "the indirect bubble went to the peer's server, and nothing of it was seen to come out "
         "for the peer",
         "ask the peer to qualify with a server that relays, and again: this one does not, refuses "
         "the bubble's source (RFC 4380 5.3.1), or is off-line, or what it sends does not get "
         "through the peer's NAT"},
    [CAUSE_FORWARD_LOST] =
        {NULL, "the peer's server forwarded the bubble, and it did not arrive at the peer",
         "have the peer qualify again, for its NAT may have lost the mapping that its address "
         "names, and see with `teredoctl classify --lifetime` how long it keeps one"},
    [CAUSE_PEER_NAT_TRIPS] =
        {NULL,
         "the peer's NAT trips over the direct bubble: it keeps state for the bubble that it "
         "should "
         "discard, and sends the peer's answer from another port",
         "ask whoever runs the peer's router to drop unsolicited UDP on its outside interface "
         "before connection tracking confirms it, then start the peer again from another port"},
    [CAUSE_PEER_SERVER_UNREACHABLE] =
        {NULL,
         "the peer's Teredo server is not reachable, so no bubble reached the peer through it",
         "have the peer qualify with a server that lives; its address will change with it"},
    [CAUSE_DIRECT_PATH_BLOCKED] =
        {NULL,
         "the peer lives and answers through the initiator's server, but nothing from it arrives "
         "directly: one of the two NATs maps or filters too strictly",
         "run `teredoctl classify` at both ends to find the strict NAT: a symmetric one reaches "
         "only peers behind a cone or address-restricted NAT"},
    [CAUSE_DIRECT_ANSWER_MISSING] =
        {NULL,
         "the peer lives and has answered through the initiator's server, but nothing from it "
         "arrived directly: packets were lost, or a NAT is too strict",
         "run `teredoctl classify` at both ends, which tells how each NAT maps, filters and "
         "hairpins"},
    [CAUSE_ANSWER_UNPROVEN] =
        {NULL,
         "answers came only from another endpoint than the one in the peer's address, and without "
         "proof that the peer sent them",
         "capture at the peer too: its NAT has mapped it anew, or somebody else answers"},
    [CAUSE_DATA_LOST] = {NULL,
                         "bubbles crossed in both directions, but no reply to the data was seen",
                         "send something else, such as a ping: the peer may filter this kind of "
                         "data, or the path loses packets"},
    [CAUSE_PEER_SILENT] =
        {NULL, "the peer's server lives, but the peer answers nothing",
         "capture all UDP at the peer, which shows what becomes there of the bubbles and of "
         "answers"},
};

const struct words captured_causes = {
    .count = CAUSE_COUNT, .list = captured, .otherwise = &punch_causes};

static const struct wording steps[STEP_COUNT] = {
    [STEP_DIRECT_BUBBLE] = {"direct_bubble", "direct bubble to the peer"},
    [STEP_INDIRECT_BUBBLE] = {"indirect_bubble", "indirect bubble to the peer's server"},
    [STEP_FORWARDED] = {"forwarded", "the server forwards it to the peer"},
    [STEP_ANSWER] = {"answer", "direct bubble from the peer"},
    [STEP_DATA] = {"data", "data on the direct path"},
};

const struct words punch_steps = WORDS("punch_step", steps);

static const struct wording states[] = {
    [STEP_MISSING] = {"missing"},   [STEP_SENT] = {"sent"},         [STEP_RECEIVED] = {"received"},
    [STEP_INFERRED] = {"inferred"}, [STEP_OBSERVED] = {"observed"},
};

const struct words step_states = WORDS("step_state", states);

static const struct wording proofs[] = {
    [PROOF_NONE] = {"none"},
    [PROOF_ENDPOINT] = {"endpoint"},
    [PROOF_LINK_LOCAL] = {"link_local"},
    [PROOF_NONCE] = {"nonce"},
};

const struct words punch_proofs = WORDS("proof", proofs);

static const struct wording blames[BLAME_COUNT] = {
    [BLAME_NOBODY] = {"nobody"},
    [BLAME_OWN_NAT] = {"own_nat"},
    [BLAME_PEER_NAT] = {"peer_nat"},
    [BLAME_SAME_NAT] = {"same_nat"},
    [BLAME_PEER] = {"peer"},
    [BLAME_PEER_SERVER] = {"peer_server"},
    [BLAME_OWN_SERVER] = {"own_server"},
    [BLAME_PATH] = {"path"},
    [BLAME_UNKNOWN] = {"unknown"},
};

const struct words punch_blames = WORDS("punch_blame", blames);

static const struct wording evidences[EVIDENCE_COUNT] = {
    [EVIDENCE_DIRECT_ANSWER] = {"direct_answer"},
    [EVIDENCE_ANSWER_ELSEWHERE] = {"answer_from_another_endpoint"},
    [EVIDENCE_UNPROVEN_ANSWER] = {"unproven_answer"},
    [EVIDENCE_ECHO_REPLY] = {"echo_reply"},
    [EVIDENCE_BUBBLE_REPLY] = {"bubble_reply"},
    [EVIDENCE_ECHO_SILENCE] = {"echo_silence"},
    [EVIDENCE_INDIRECT_ANSWER] = {"indirect_answer"},
    [EVIDENCE_DIRECT_SILENCE] = {"direct_silence"},
    [EVIDENCE_PEER_SILENCE] = {"peer_silence"},
    [EVIDENCE_PEER_MAPS_ANEW] = {"peer_maps_anew"},
    [EVIDENCE_OWN_MAPS_ANEW] = {"own_maps_anew"},
    [EVIDENCE_SAME_ADDRESS] = {"same_address"},
    [EVIDENCE_REFERENCE_ANSWERED] = {"control_answered"},
    [EVIDENCE_REFERENCES_ALONE] = {"controls_alone_answered"},
    [EVIDENCE_PEER_SERVER_ALIVE] = {"peer_server_alive"},
    [EVIDENCE_PEER_SERVER_SILENCE] = {"peer_server_silence"},
    [EVIDENCE_PEER_SERVER_ICMP] = {"peer_server_icmp"},
    [EVIDENCE_PEER_ICMP] = {"peer_icmp"},
    [EVIDENCE_LOSS] = {"loss"},
    [EVIDENCE_DATA_CROSSED] = {"data_crossed"},
    [EVIDENCE_DATA_SENT] = {"data_sent"},
    [EVIDENCE_DATA_SILENCE] = {"data_silence"},
    [EVIDENCE_ANSWER_ARRIVED] = {"answer_arrived"},
    [EVIDENCE_ANSWER_NOT_SEEN] = {"answer_did_not_arrive"},
    [EVIDENCE_PAIRS_AFTER_ANSWER] = {"pairs_after_answer"},
    [EVIDENCE_INDIRECT_BUBBLE] = {"indirect_bubble"},
    [EVIDENCE_FORWARDED] = {"forwarded"},
    [EVIDENCE_FORWARD_ARRIVED] = {"forward_arrived"},
    [EVIDENCE_FORWARD_NOT_SEEN] = {"not_forwarded"},
    [EVIDENCE_ARRIVAL_NOT_SEEN] = {"forward_did_not_arrive"},
    [EVIDENCE_PEER_CAPTURED] = {"peer_captured"},
    [EVIDENCE_DIRECT_PATH_SEEN] = {"direct_path_captured"},
    [EVIDENCE_ANSWER_PATHS_SEEN] = {"answer_paths_captured"},
    [EVIDENCE_RANDOM_PORT] = {"random_port"},
    [EVIDENCE_MAY_BE_REFERENCE] = {"may_be_control"},
    [EVIDENCE_CAPTURE_ENDED] = {"capture_ended"},
    [EVIDENCE_FORGOTTEN] = {"forgotten"},
    [EVIDENCE_PEER_HOST_REFUSED] = {"peer_host_refused"},
    [EVIDENCE_NONCE_REPEATED] = {"nonce_repeated"},
};

const struct words punch_evidences = WORDS("punch_evidence", evidences);

static const struct wording sides[] = {
    [SIDE_SELF] = {NULL},
    [SIDE_INITIATOR] = {"initiator"},
    [SIDE_PEER] = {"peer"},
    [SIDE_PATH] = {"path"},
};

const struct words punch_sides = WORDS("punch_side", sides);

static const struct wording places[] = {
    [PLACE_SENDER] = {"sender"},
    [PLACE_PATH] = {"path"},
    [PLACE_RECEIVER] = {"receiver"},
};

const struct words view_places = WORDS("view_place", places);

nsec captured_punch_origin(const struct punching *p)
{
    for (int i = 0; i < STEP_COUNT; i++)
        if (p->steps[i].state != STEP_MISSING && p->steps[i].state != STEP_INFERRED)
            return p->steps[i].when;
    return p->started;
}

/* A sight of a packet, and when that was since step 1. */
struct view_row {
    struct step_view view;
    nsec offset;
};

static const struct field view_fields[] = {
    {KEY("capture"), FIELD_CAPTURE, AT(struct view_row, view.vantage)},
    {KEY("when"), FIELD_TIME, AT(struct view_row, view.when)},
    {KEY("offset_s"), FIELD_OFFSET, AT(struct view_row, offset)},
    {KEY("from"), FIELD_ENDPOINT, AT(struct view_row, view.from), .flags = FIELD_ZERO_IS_NULL},
    {KEY("to"), FIELD_ENDPOINT, AT(struct view_row, view.to), .flags = FIELD_ZERO_IS_NULL},
    {KEY("ttl"), FIELD_COUNT, AT(struct view_row, view.ttl)},
    {KEY("place"), FIELD_CODE, AT(struct view_row, view.place), .words = &view_places},
};

static const struct record_type view_record = RECORD_TYPE("view", view_fields);

struct step_row step_row(enum punch_step step, const struct step_report *report, nsec origin)
{
    return (struct step_row){
        *report, step, step + 1, origin, report->when - origin, report->latest - origin};
}

RECORD_TEST(is_seen, struct step_row, r->report.state != STEP_MISSING)
RECORD_TEST(is_inferred, struct step_row, r->report.state == STEP_INFERRED)

static const struct field step_fields[] = {
    {KEY("step"), FIELD_COUNT, AT(struct step_row, number)},
    {KEY("name"), FIELD_CODE, AT(struct step_row, step), .words = &punch_steps},
    {KEY("state"), FIELD_CODE, AT(struct step_row, report.state), .words = &step_states},
    {KEY("when"), FIELD_TIME, AT(struct step_row, report.when), .known = is_seen},
    {KEY("offset_s"), FIELD_OFFSET, AT(struct step_row, offset), .known = is_seen},
    {KEY("latest_offset_s"), FIELD_OFFSET, AT(struct step_row, latest_offset), .known = is_inferred,
     .flags = FIELD_OPTIONAL},
    {KEY("from"), FIELD_ENDPOINT, AT(struct step_row, report.from), .known = is_seen,
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("to"), FIELD_ENDPOINT, AT(struct step_row, report.to), .known = is_seen,
     .flags = FIELD_ZERO_IS_NULL},
};

const struct record_type step_record = RECORD_TYPE("step", step_fields);

static size_t count_views(const void *record)
{
    return ((const struct step_row *)record)->report.view_count;
}

static const void *view_item(const void *record, size_t i, union field_room *room)
{
    const struct step_row *step = record;
    struct view_row *row = (struct view_row *)(void *)room;

    row->view = step->report.views[i];
    row->offset = row->view.when - step->origin;
    return row;
}

static const struct field captured_step_fields[] = {
    {KEY("step"), FIELD_KEYS, .record = &step_record},
    {KEY("lost"), FIELD_BOOL, AT(struct step_row, report.lost)},
    {KEY("views"), FIELD_LIST, .record = &view_record, .count = count_views, .item = view_item},
};

static const struct record_type captured_step_record =
    RECORD_TYPE("captured_step", captured_step_fields);

static size_t count_steps(const void *record)
{
    (void)record;
    return STEP_COUNT;
}

static const void *step_item(const void *record, size_t i, union field_room *room)
{
    const struct punching *p = record;
    struct step_row *row = (struct step_row *)(void *)room;
    nsec origin =
        p->side == SIDE_SELF ? p->steps[STEP_DIRECT_BUBBLE].when : captured_punch_origin(p);

    *row = step_row((enum punch_step)i, &p->steps[i], origin);
    return row;
}

RECORD_TEST(has_icmp, struct punching, r->has_icmp)
RECORD_TEST(is_mapped, struct punching, !endpoint_is_unset(r->mapped))
RECORD_TEST(has_server_word, struct punching, r->peer_server_alive || r->peer_server_checked)
RECORD_TEST(has_own, struct punching, r->has_own)
RECORD_TEST(has_request, struct punching, r->request.state != STEP_MISSING)
RECORD_TEST(is_alive, struct punching, r->peer_server_alive)
RECORD_VALUE(request, struct punching, struct step_row,
             step_row(STEP_DATA, &r->request, captured_punch_origin(r)))

RECORD_TEST(has_odds, struct punching, r->loss_odds >= 0)
RECORD_TEST(has_rejected, struct punching, r->has_rejected)

static const struct field loss_fields[] = {
    {KEY("asked"), FIELD_COUNT, AT(struct punching, loss_asked)},
    {KEY("answered"), FIELD_COUNT, AT(struct punching, loss_answered)},
    {KEY("odds"), FIELD_REAL, AT(struct punching, loss_odds), .known = has_odds},
};

static const struct record_type loss_record = RECORD_TYPE("punch_loss", loss_fields);

static const struct field fields[] = {
    {KEY("verdict"), FIELD_CODE, AT(struct punching, verdict), .words = &punch_verdicts,
     .flags = FIELD_CHANGE},
    {KEY("cause"), FIELD_CODE, AT(struct punching, cause), .words = &punch_causes,
     .flags = FIELD_CHANGE},
    {KEY("text"), FIELD_SENTENCE, AT(struct punching, cause), .words = &punch_causes},
    {KEY("advice"), FIELD_ADVICE, AT(struct punching, cause), .words = &punch_causes},
    {KEY("peer"), FIELD_IP6, AT(struct punching, peer)},
    {KEY("peer_mapped"), FIELD_ENDPOINT, AT(struct punching, peer_mapped),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("peer_server"), FIELD_ENDPOINT, AT(struct punching, peer_server),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("server"), FIELD_ENDPOINT, AT(struct punching, server),
     .flags = FIELD_ZERO_IS_NULL | FIELD_CHANGE},
    {KEY("local"), FIELD_ENDPOINT, AT(struct punching, local),
     .flags = FIELD_ZERO_IS_NULL | FIELD_CHANGE},
    {KEY("mapped"), FIELD_ENDPOINT, AT(struct punching, mapped),
     .flags = FIELD_ZERO_IS_NULL | FIELD_CHANGE},
    {KEY("teredo_address"), FIELD_IP6, AT(struct punching, own), .known = is_mapped},
    {KEY("nat"), FIELD_CODE, AT(struct punching, own_nat), .words = &qualify_nats,
     .flags = FIELD_CHANGE},
    {KEY("timestamp_source"), FIELD_TEXT, AT(struct run_facts, timestamp_source),
     .flags = FIELD_OF_RUN | FIELD_ZERO_IS_NULL},
    {KEY("steps"), FIELD_LIST, .record = &step_record, .count = count_steps, .item = step_item},
    {KEY("proof"), FIELD_CODE, AT(struct punching, proof), .words = &punch_proofs},
    {KEY("answered_from"), FIELD_ENDPOINT, AT(struct punching, answered_from),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("unproven_from"), FIELD_ENDPOINT, AT(struct punching, unproven_from),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("attempts"), FIELD_COUNT, AT(struct punching, attempts)},
    {KEY("indirect_answers"), FIELD_COUNT, AT(struct punching, indirect_answers)},
    {KEY("peer_server_alive"), FIELD_BOOL, AT(struct punching, peer_server_alive),
     .known = has_server_word},
    {KEY("icmp"), FIELD_RECORD, AT(struct punching, icmp), .known = has_icmp,
     .record = &icmp_record},
    {KEY("rtt_s"), FIELD_DURATION, AT(struct punching, rtt), .flags = FIELD_ZERO_IS_NULL},
    {KEY("elapsed_s"), FIELD_DURATION, AT(struct punching, elapsed)},
    {KEY("blame"), FIELD_CODE, AT(struct punching, blame), .words = &punch_blames},
    {KEY("evidence"), FIELD_WORD_SET, AT(struct punching, evidence), .words = &punch_evidences},
    {KEY("loss"), FIELD_RECORD, .record = &loss_record},
    {KEY("peer_origin"), FIELD_ENDPOINT, AT(struct punching, peer_origin),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("mapped_at_peer_server"), FIELD_ENDPOINT, AT(struct punching, mapped_there),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("rejected_rule"), FIELD_CODE, AT(struct punching, rejected_rule), .words = &ra_rules,
     .known = has_rejected},
    {KEY("rejected_from"), FIELD_ENDPOINT, AT(struct punching, rejected_from),
     .flags = FIELD_ZERO_IS_NULL},
};

const struct record_type punching_record = RECORD_TYPE("punching", fields);

static const struct field initiator_fields[] = {
    {KEY("address"), FIELD_IP6, AT(struct punching, own)},
    {KEY("teredo_address"), FIELD_IP6, AT(struct punching, own), .known = has_own},
    {KEY("relay"), FIELD_BOOL, AT(struct punching, relay)},
    {KEY("local"), FIELD_ENDPOINT, AT(struct punching, local), .flags = FIELD_ZERO_IS_NULL},
    {KEY("mapped"), FIELD_ENDPOINT, AT(struct punching, mapped), .flags = FIELD_ZERO_IS_NULL},
    {KEY("server"), FIELD_ENDPOINT, AT(struct punching, server), .flags = FIELD_ZERO_IS_NULL},
};

static const struct record_type initiator_record = RECORD_TYPE("initiator", initiator_fields);

static const struct field peer_fields[] = {
    {KEY("address"), FIELD_IP6, AT(struct punching, peer)},
    {KEY("mapped"), FIELD_ENDPOINT, AT(struct punching, peer_mapped), .flags = FIELD_ZERO_IS_NULL},
    {KEY("server"), FIELD_ENDPOINT, AT(struct punching, peer_server), .flags = FIELD_ZERO_IS_NULL},
};

static const struct record_type peer_record = RECORD_TYPE("captured_peer", peer_fields);

static const struct field captured_fields[] = {
    {KEY("when"), FIELD_TIME, AT(struct punching, started)},
    {KEY("verdict"), FIELD_CODE, AT(struct punching, verdict), .words = &punch_verdicts},
    {KEY("cause"), FIELD_CODE, AT(struct punching, cause), .words = &punch_causes},
    {KEY("text"), FIELD_SENTENCE, AT(struct punching, cause), .words = &captured_causes},
    {KEY("advice"), FIELD_ADVICE, AT(struct punching, cause), .words = &captured_causes},
    {KEY("initiator"), FIELD_RECORD, .record = &initiator_record},
    {KEY("peer"), FIELD_RECORD, .record = &peer_record},
    {KEY("side"), FIELD_CODE, AT(struct punching, side), .words = &punch_sides},
    {KEY("both_sides"), FIELD_BOOL, AT(struct punching, both_sides)},
    {KEY("steps"), FIELD_LIST, .record = &captured_step_record, .count = count_steps,
     .item = step_item},
    {KEY("request"), FIELD_RECORD, FOUND(struct step_row, request), .known = has_request,
     .record = &captured_step_record},
    {KEY("proof"), FIELD_CODE, AT(struct punching, proof), .words = &punch_proofs},
    {KEY("answered_from"), FIELD_ENDPOINT, AT(struct punching, answered_from),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("unproven_from"), FIELD_ENDPOINT, AT(struct punching, unproven_from),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("attempts"), FIELD_COUNT, AT(struct punching, attempts)},
    {KEY("indirect_answers"), FIELD_COUNT, AT(struct punching, indirect_answers)},
    {KEY("peer_server_alive"), FIELD_BOOL, AT(struct punching, peer_server_alive),
     .known = is_alive},
    {KEY("control"), FIELD_BOOL, AT(struct punching, reference)},
    {KEY("icmp"), FIELD_RECORD, AT(struct punching, icmp), .known = has_icmp,
     .record = &icmp_record},
    {KEY("rtt_s"), FIELD_DURATION, AT(struct punching, rtt), .flags = FIELD_ZERO_IS_NULL},
    {KEY("elapsed_s"), FIELD_DURATION, AT(struct punching, elapsed)},
    {KEY("blame"), FIELD_CODE, AT(struct punching, blame), .words = &punch_blames},
    {KEY("evidence"), FIELD_WORD_SET, AT(struct punching, evidence), .words = &punch_evidences},
    {KEY("loss"), FIELD_RECORD, .record = &loss_record},
    {KEY("peer_origin"), FIELD_ENDPOINT, AT(struct punching, peer_origin),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("peer_random_port"), FIELD_COUNT, AT(struct punching, peer_random_port),
     .flags = FIELD_ZERO_IS_NULL},
};

const struct record_type captured_punch_record = RECORD_TYPE("captured_punch", captured_fields);
