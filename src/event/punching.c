#include "punching.h"

static const char *const verdict_codes[] = {
    [PUNCH_PUNCHED] = "punched",
    [PUNCH_NOT_PUNCHED] = "not_punched",
    [PUNCH_INCONCLUSIVE] = "inconclusive",
};

struct cause_words {
    const char *code;
    const char *text;
    const char *advice;
};

static const struct cause_words causes[CAUSE_COUNT] = {
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
    [CAUSE_DATA_LOST] = {"data_lost",
                         "bubbles crossed in both directions, but no echo reply came back",
                         "repeat the trace, and reach for a TCP or UDP service of the peer: it may "
                         "filter ICMPv6 echo requests, or the path may lose packets"},
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
    [CAUSE_NO_ANSWER] =
        {"no_answer", "the initiator's bubbles were answered neither by the peer nor by its server",
         "capture at the peer too, or ask there whether the bubbles arrive; `teredoctl qualify` "
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
         "it "
         "was lost"},
    [CAUSE_NO_DATA] =
        {"no_data",
         "the peer answered directly, and no data followed that would show the path open in both "
         "directions",
         "send something, such as a ping, while capturing"},
    [CAUSE_NO_INDIRECT_BUBBLE] =
        {"no_indirect_bubble",
         "a direct bubble was seen, but none through the peer's server, and no answer",
         "capture all UDP of the initiator: the indirect bubble goes to another address"},
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
};

/* Of punches that captures show, where the words above speak in the first person. Others hold. */
static const struct cause_words captured[CAUSE_COUNT] = {
    [CAUSE_PEER_NAT_TRIPS] =
        {"",
         "the peer's NAT trips over the direct bubble: it keeps state for the bubble that it "
         "should "
         "discard, and sends the peer's answer from another port",
         "ask whoever runs the peer's router to drop unsolicited UDP on its outside interface "
         "before connection tracking confirms it, then start the peer again from another port"},
    [CAUSE_PEER_SERVER_UNREACHABLE] =
        {"", "the peer's Teredo server is not reachable, so no bubble reached the peer through it",
         "have the peer qualify with a server that lives; its address will change with it"},
    [CAUSE_DIRECT_PATH_BLOCKED] =
        {"",
         "the peer lives and answers through the initiator's server, but nothing from it arrives "
         "directly: one of the two NATs maps or filters too strictly",
         "run `teredoctl classify` at both ends to find the strict NAT: a symmetric one reaches "
         "only peers behind a cone or address-restricted NAT"},
    [CAUSE_DIRECT_ANSWER_MISSING] =
        {"",
         "the peer lives and has answered through the initiator's server, but nothing from it "
         "arrived directly: packets were lost, or one of the two NATs is too strict",
         "run `teredoctl classify` at both ends to find a symmetric NAT"},
    [CAUSE_ANSWER_UNPROVEN] =
        {"",
         "answers came only from another endpoint than the one in the peer's address, and without "
         "proof that the peer sent them",
         "capture at the peer too: its NAT has mapped it anew, or somebody else answers"},
    [CAUSE_DATA_LOST] = {"",
                         "bubbles crossed in both directions, but no reply to the data was seen",
                         "send something else, such as a ping: the peer may filter this kind of "
                         "data, or the path loses packets"},
    [CAUSE_PEER_SILENT] =
        {"", "the peer's server lives, but the peer answers nothing",
         "capture at the peer too: it is off-line, its NAT mapping has expired, its NAT answers "
         "from a port that the initiator's NAT refuses, or its server does not relay"},
};

struct step_words {
    const char *code;
    const char *title;
};

static const struct step_words steps[STEP_COUNT] = {
    [STEP_DIRECT_BUBBLE] = {"direct_bubble", "direct bubble to the peer"},
    [STEP_INDIRECT_BUBBLE] = {"indirect_bubble", "indirect bubble to the peer's server"},
    [STEP_FORWARDED] = {"forwarded", "the server forwards it to the peer"},
    [STEP_ANSWER] = {"answer", "direct bubble from the peer"},
    [STEP_DATA] = {"data", "data on the direct path"},
};

static const char *const state_codes[] = {
    [STEP_MISSING] = "missing",   [STEP_SENT] = "sent",         [STEP_RECEIVED] = "received",
    [STEP_INFERRED] = "inferred", [STEP_OBSERVED] = "observed",
};

static const char *const proof_codes[] = {
    [PROOF_NONE] = "none",
    [PROOF_ENDPOINT] = "endpoint",
    [PROOF_LINK_LOCAL] = "link_local",
    [PROOF_NONCE] = "nonce",
};

static const char *const side_codes[] = {
    [SIDE_SELF] = "self",
    [SIDE_INITIATOR] = "initiator",
    [SIDE_PEER] = "peer",
    [SIDE_PATH] = "path",
};

static const char *const place_codes[] = {
    [PLACE_SENDER] = "sender",
    [PLACE_PATH] = "path",
    [PLACE_RECEIVER] = "receiver",
};

const char *punch_verdict_code(enum punch_verdict verdict)
{
    return verdict_codes[verdict];
}

const char *punch_cause_code(enum punch_cause cause)
{
    return causes[cause].code;
}

const char *punch_cause_text(enum punch_cause cause)
{
    return causes[cause].text;
}

const char *punch_cause_advice(enum punch_cause cause)
{
    return causes[cause].advice;
}

const char *punch_step_code(enum punch_step step)
{
    return steps[step].code;
}

const char *punch_step_title(enum punch_step step)
{
    return steps[step].title;
}

const char *step_state_code(enum step_state state)
{
    return state_codes[state];
}

const char *punch_proof_code(enum punch_proof proof)
{
    return proof_codes[proof];
}

const char *punch_side_code(enum punch_side side)
{
    return side_codes[side];
}

const char *view_place_code(enum view_place place)
{
    return place_codes[place];
}

static const struct cause_words *captured_words(enum punch_cause cause)
{
    return captured[cause].text != NULL ? &captured[cause] : &causes[cause];
}

const char *punch_cause_captured_text(enum punch_cause cause)
{
    return captured_words(cause)->text;
}

const char *punch_cause_captured_advice(enum punch_cause cause)
{
    return captured_words(cause)->advice;
}
