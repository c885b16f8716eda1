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
    [STEP_MISSING] = "missing",
    [STEP_SENT] = "sent",
    [STEP_RECEIVED] = "received",
    [STEP_INFERRED] = "inferred",
};

static const char *const proof_codes[] = {
    [PROOF_NONE] = "none",
    [PROOF_ENDPOINT] = "endpoint",
    [PROOF_LINK_LOCAL] = "link_local",
    [PROOF_NONCE] = "nonce",
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
