#include "qualification.h"

static const struct wording verdicts[] = {
    [QUALIFY_QUALIFIED] = {"qualified", .mood = MOOD_YES},
    [QUALIFY_NOT_QUALIFIED] = {"not_qualified", .mood = MOOD_NO},
    [QUALIFY_INCONCLUSIVE] = {"inconclusive", .mood = MOOD_UNSURE},
};

const struct words qualify_verdicts = WORDS("qualify_verdict", verdicts);

static const struct wording reasons[QUALIFY_REASON_COUNT] = {
    [QUALIFY_BOTH_AGREE] = {"both_agree",
                            "both server addresses saw the same mapped address and port", ""},
    [QUALIFY_SYMMETRIC_NAT] =
        {"symmetric_nat", "the two server addresses saw different mappings: the NAT is symmetric",
         "reserve a UDP port on the NAT for this host (RFC 4380 5.2.10), and use it with "
         "--local-port; without one, RFC 4380 clients cannot work behind this NAT"},
    [QUALIFY_NO_REPLY] =
        {"no_reply", "neither server address replied",
         "check that UDP port 3544 may leave this network; the server may be off-line, or answer "
         "only clients with --auth-id: try another server"},
    [QUALIFY_ONLY_PRIMARY] =
        {"only_primary_replied", "the primary server address replied, the secondary did not",
         "check the server's second address (--secondary); without it the NAT type stays unknown"},
    [QUALIFY_ONLY_SECONDARY] =
        {"only_secondary_replied", "the secondary server address replied, the primary did not",
         "check that the server address is right and that its server process listens on it"},
    [QUALIFY_REJECTED] =
        {"replies_rejected", "every reply broke a rule and was not believed",
         "run `teredoctl qualify --explain` to see the rule; another host may be answering in "
         "the server's place"},
    [QUALIFY_NAME_NOT_FOUND] = {"name_not_found", "the server's name was not found",
                                "check the name, or give an IPv4 address"},
    [QUALIFY_NAME_NO_ADDRESS] = {"name_no_ipv4_address", "the server's name has no IPv4 address",
                                 "Teredo runs over IPv4: give a server that has an IPv4 address"},
    [QUALIFY_ADDRESS_UNUSABLE] =
        {"address_unusable", "the server's address is one that no server can have",
         "this host's resolver may block the name; give the server's address"},
    [QUALIFY_NAME_MALFORMED] = {"name_malformed",
                                "not a server: neither an IPv4 address nor a name",
                                "give an address or a name, with :PORT if it is not 3544"},
    [QUALIFY_RESOLVER_FAILED] = {"resolver_failed", "the name servers did not answer",
                                 "check this host's name servers, or give an IPv4 address"},
    [QUALIFY_TWO_LOCAL_ADDRESSES] =
        {"two_local_addresses",
         "this host sends to the two server addresses from two addresses of its own, so that two "
         "mappings show nothing of a NAT",
         "route both server addresses over one uplink, or name a --secondary that is"},
    [QUALIFY_INTERRUPTED] = {"interrupted", "interrupted before an answer came", ""},
    [QUALIFY_NOT_SENT] = {"not_sent", "this host was short of room for packets, and sent none",
                          "try again when this host sends less"},
    [QUALIFY_ONE_ASKED] = {"one_address_asked",
                           "the server answered; its other address was not asked, so the kind of "
                           "NAT is not known",
                           ""},
    [QUALIFY_UNANSWERED] =
        {"unanswered", "no answer to the client's solicitations was seen",
         "see with `teredoctl qualify` whether the server lives, and whether UDP "
         "port 3544 may leave the client's network"},
    [QUALIFY_CAPTURE_ENDED] = {"capture_ended", "the capture ended before an answer", ""},
    [QUALIFY_ANSWER_CUT] = {"answer_cut",
                            "an answer was seen, cut too short by the capture to be judged",
                            "capture whole frames, as tcpdump -s 0 does"},
    REFUSAL_WORDS(QUALIFY_REFUSED),
};

const struct words qualify_reasons = WORDS("qualify_reason", reasons);

static const struct wording evidences[QUALIFY_EVIDENCE_COUNT] = {
    [QUALIFY_EVIDENCE_PRIMARY_ANSWER] = {"primary_answer"},
    [QUALIFY_EVIDENCE_SECONDARY_ANSWER] = {"secondary_answer"},
    [QUALIFY_EVIDENCE_SAME_MAPPING] = {"same_mapping"},
    [QUALIFY_EVIDENCE_DIFFERENT_MAPPINGS] = {"different_mappings"},
    [QUALIFY_EVIDENCE_LOCAL_MAPPING] = {"local_mapping"},
    [QUALIFY_EVIDENCE_TWO_LOCAL_ADDRESSES] = {"two_local_addresses"},
    [QUALIFY_EVIDENCE_PRIMARY_SILENCE] = {"primary_silence"},
    [QUALIFY_EVIDENCE_SECONDARY_SILENCE] = {"secondary_silence"},
    [QUALIFY_EVIDENCE_PRIMARY_REFUSAL] = {"primary_refusal"},
    [QUALIFY_EVIDENCE_SECONDARY_REFUSAL] = {"secondary_refusal"},
    [QUALIFY_EVIDENCE_OWN_REFUSAL] = {"own_refusal"},
    [QUALIFY_EVIDENCE_OWN_REFUSAL_OF_SECONDARY] = {"own_refusal_of_secondary"},
    [QUALIFY_EVIDENCE_PRIMARY_HINT] = {"primary_icmp_hint"},
    [QUALIFY_EVIDENCE_SECONDARY_HINT] = {"secondary_icmp_hint"},
    [QUALIFY_EVIDENCE_REJECTED_ANSWER] = {"rejected_answer"},
    [QUALIFY_EVIDENCE_ANSWER_WITH_NONCE] = {"answer_with_nonce"},
    [QUALIFY_EVIDENCE_CROSSED_ANSWER] = {"crossed_answer"},
    [QUALIFY_EVIDENCE_ANSWER_ELSEWHERE] = {"answer_from_another_address"},
    [QUALIFY_EVIDENCE_ANSWER_WITHOUT_ORIGIN] = {"answer_without_origin"},
    [QUALIFY_EVIDENCE_PRIVATE_ORIGIN] = {"private_origin"},
    [QUALIFY_EVIDENCE_KEY_REFUSED] = {"key_refused"},
    [QUALIFY_EVIDENCE_ANSWER_WITHOUT_AUTHENTICATION] = {"answer_without_authentication"},
    [QUALIFY_EVIDENCE_KEY_SHOWN] = {"key_shown"},
    [QUALIFY_EVIDENCE_LOSS] = {"loss"},
    [QUALIFY_EVIDENCE_NOTHING_SENT] = {"nothing_sent"},
    [QUALIFY_EVIDENCE_INTERRUPTED] = {"interrupted"},
    [QUALIFY_EVIDENCE_NAME] = {"name"},
    [QUALIFY_EVIDENCE_CAPTURE_END] = {"capture_end"},
    [QUALIFY_EVIDENCE_CUT_ANSWER] = {"cut_answer"},
    [QUALIFY_EVIDENCE_TRANSLATED] = {"translated"},
};

const struct words qualify_evidences = WORDS("qualify_evidence", evidences);

const char *qualification_advice(const struct qualification *q)
{
    return q->advice != NULL ? q->advice : advice_of(&qualify_reasons, q->reason);
}

static const struct wording nats[] = {
    [QUALIFY_NAT_UNKNOWN] = {"unknown", "unknown"},
    [QUALIFY_NAT_NONE] = {"none", "none: the mapped endpoint is the local one"},
    [QUALIFY_NAT_CONE_OR_RESTRICTED] =
        {"cone_or_restricted", "cone or restricted: one mapping for both server addresses"},
    [QUALIFY_NAT_SYMMETRIC] = {"symmetric", "symmetric: another mapping for each server address"},
};

const struct words qualify_nats = WORDS("qualify_nat", nats);

static const struct wording rules[RULE_COUNT] = {
    [RULE_SOURCE_ENDPOINT] = {"source_endpoint",
                              "comes from the address and port that was solicited",
                              .rfc = "RFC 4380 5.3.2"},
    [RULE_ENCAPSULATION] = {"encapsulation", "is a well-formed Teredo packet",
                            .rfc = "RFC 4380 5.1.1"},
    [RULE_NONCE] = {"nonce", "repeats the nonce of the solicitation", .rfc = "RFC 4380 5.2.2"},
    [RULE_CONFIRMATION] = {"confirmation_byte", "confirmation byte is 0: the client's key is valid",
                           .rfc = "RFC 4380 5.2.2"},
    [RULE_AUTH_VALUE] = {"authentication_value", "authentication value matches the shared secret",
                         .rfc = "RFC 4380 5.2.2"},
    [RULE_ADVERTISEMENT] = {"router_advertisement", "is a router advertisement with code 0",
                            .rfc = "RFC 4861 6.1.2"},
    [RULE_CHECKSUM] = {"checksum", "ICMPv6 checksum is right", .rfc = "RFC 4861 6.1.2"},
    [RULE_HOP_LIMIT] = {"hop_limit", "hop limit is 255", .rfc = "RFC 4861 6.1.2"},
    [RULE_INNER_SOURCE] = {"inner_source", "IPv6 source is a link-local address",
                           .rfc = "RFC 4380 5.2.1"},
    [RULE_INNER_DESTINATION] = {"inner_destination",
                                "IPv6 destination is the solicitation's source",
                                .rfc = "RFC 4380 5.2.1"},
    [RULE_ONE_PREFIX] = {"one_prefix", "advertises exactly one prefix", .rfc = "RFC 4380 5.2.1"},
    [RULE_PREFIX] = {"prefix", "the prefix is 2001::/32 followed by the server's IPv4 address",
                     .rfc = "RFC 4380 5.2.1"},
    [RULE_ORIGIN_PRESENT] = {"origin_present", "carries an origin indication",
                             .rfc = "RFC 4380 5.2.1"},
    [RULE_ORIGIN_GLOBAL] = {"origin_global", "the origin is a global unicast address",
                            .rfc = "RFC 4380 4"},
};

const struct words ra_rules = WORDS("rule", rules);

/* A rule, as it was kept. */
struct check {
    enum ra_rule rule;
    enum finding ok;
    unsigned rejected;
};

static const struct field check_fields[] = {
    {KEY("rule"), FIELD_CODE, AT(struct check, rule), .words = &ra_rules},
    {KEY("rfc"), FIELD_RFC, AT(struct check, rule), .words = &ra_rules},
    {KEY("ok"), FIELD_FINDING, AT(struct check, ok)},
    {KEY("rejected"), FIELD_COUNT, AT(struct check, rejected)},
};

static const struct record_type check_record = RECORD_TYPE("check", check_fields);

static size_t count_rules(const void *record)
{
    (void)record;
    return RULE_COUNT;
}

static const void *rule_item(const void *record, size_t i, union field_room *room)
{
    static const enum finding ok[] = {
        [RULE_UNTESTED] = FINDING_UNKNOWN,
        [RULE_OK] = FINDING_YES,
        [RULE_FAILED] = FINDING_NO,
        [RULE_NOT_APPLICABLE] = FINDING_NOT_APPLICABLE,
    };
    const struct qualification *q = record;
    struct check *check = (struct check *)(void *)room;

    *check = (struct check){(enum ra_rule)i, ok[q->rules[i]], q->rejected[i]};
    return check;
}

static const void *advice(const void *record, const struct run_facts *run, union field_room *room)
{
    const char **text = (const char **)(void *)room;

    (void)run;
    *text = qualification_advice(record);
    return text;
}

RECORD_TEST(is_answered, struct qualification, r->advertisements > 0)
RECORD_TEST(has_address, struct qualification, r->has_address)
RECORD_TEST(has_icmp, struct qualification, r->has_icmp)

static const struct field fields[] = {
    {KEY("verdict"), FIELD_CODE, AT(struct qualification, verdict), .words = &qualify_verdicts,
     .flags = FIELD_CHANGE},
    {KEY("reason"), FIELD_CODE, AT(struct qualification, reason), .words = &qualify_reasons,
     .flags = FIELD_CHANGE},
    {KEY("server"), FIELD_ENDPOINT, AT(struct qualification, server),
     .flags = FIELD_ZERO_IS_NULL | FIELD_CHANGE},
    {KEY("secondary"), FIELD_ENDPOINT, AT(struct qualification, secondary),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("teredo_address"), FIELD_IP6, AT(struct qualification, teredo_address),
     .known = has_address},
    {KEY("prefix"), FIELD_IP6, AT(struct qualification, prefix), .known = is_answered},
    {KEY("local"), FIELD_ENDPOINT, AT(struct qualification, local),
     .flags = FIELD_ZERO_IS_NULL | FIELD_CHANGE},
    {KEY("mapped"), FIELD_ENDPOINT, AT(struct qualification, mapped),
     .flags = FIELD_ZERO_IS_NULL | FIELD_CHANGE},
    {KEY("mapped_secondary"), FIELD_ENDPOINT, AT(struct qualification, mapped_secondary),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("nat"), FIELD_CODE, AT(struct qualification, nat), .words = &qualify_nats,
     .flags = FIELD_CHANGE},
    {KEY("rtt_s"), FIELD_DURATION, AT(struct qualification, rtt), .known = is_answered,
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("elapsed_s"), FIELD_DURATION, AT(struct qualification, elapsed)},
    {KEY("mtu"), FIELD_COUNT, AT(struct qualification, mtu), .known = is_answered,
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("icmp"), FIELD_RECORD, AT(struct qualification, icmp), .known = has_icmp,
     .record = &icmp_record},
    {KEY("system_error"), FIELD_ERRNO, AT(struct qualification, errnum),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("checks"), FIELD_LIST, .record = &check_record, .count = count_rules, .item = rule_item},
    {KEY("advice"), FIELD_TEXT, FOUND(const char *, advice)},
    {KEY("evidence"), FIELD_WORD_SET, AT(struct qualification, evidence),
     .words = &qualify_evidences},
    {KEY("answered_from"), FIELD_ENDPOINT, AT(struct qualification, answered_from),
     .flags = FIELD_ZERO_IS_NULL},
};

const struct record_type qualification_record = RECORD_TYPE("qualification", fields);

static const struct field many_fields[] = {
    {KEY("servers"), FIELD_COUNT, AT(struct qualify_many_summary, servers)},
    {KEY("qualified"), FIELD_COUNT, AT(struct qualify_many_summary, verdicts[QUALIFY_QUALIFIED])},
    {KEY("not_qualified"), FIELD_COUNT,
     AT(struct qualify_many_summary, verdicts[QUALIFY_NOT_QUALIFIED])},
    {KEY("inconclusive"), FIELD_COUNT,
     AT(struct qualify_many_summary, verdicts[QUALIFY_INCONCLUSIVE])},
    {KEY("bad_names"), FIELD_COUNT, AT(struct qualify_many_summary, bad_names)},
    {KEY("left"), FIELD_COUNT, AT(struct qualify_many_summary, left)},
    {KEY("solicitations"), FIELD_COUNT, AT(struct qualify_many_summary, solicitations)},
    {KEY("elapsed_s"), FIELD_DURATION, AT(struct qualify_many_summary, elapsed)},
};

const struct record_type qualify_many_record = RECORD_TYPE("survey", many_fields);
