#include "classification.h"

#include "evidence_words.h"

static const struct wording verdicts[] = {
    [CLASSIFY_CLASSIFIED] = {"classified", .mood = MOOD_YES},
    [CLASSIFY_BLOCKED] = {"blocked", .mood = MOOD_NO},
    [CLASSIFY_PARTIAL] = {"partial", .mood = MOOD_UNSURE},
};

const struct words classify_verdicts = WORDS("classify_verdict", verdicts);

static const struct wording reaches[REACH_COUNT] = {
    [REACH_BOTH] = {"both_answered", "both server addresses answer", ""},
    [REACH_ONLY_PRIMARY] =
        {"only_primary_answered",
         "the secondary server address gives no answer to believe: the mapping cannot be "
         "compared",
         "check the server's second address (--secondary), or try another server"},
    [REACH_ONLY_SECONDARY] =
        {"only_secondary_answered",
         "the primary server address gives no answer to believe: mapping and filtering are out "
         "of reach",
         "check that the server address is right and that its server process listens on it"},
    [REACH_UNSURE] = {"one_answered",
                      "one server address answers; the other did not, which may be loss",
                      "repeat it when the path loses less"},
    [REACH_NO_REPLY] = {"no_reply",
                        "nothing came back from the server, and nothing shows that UDP leaves "
                        "this network",
                        "let UDP port 3544 out of this network; if another server does not answer "
                        "either, it is this network that blocks UDP"},
    [REACH_SERVER_SILENT] =
        {"server_silent",
         "nothing came back from the server, though UDP gets out of this "
         "network at least as far as a router outside",
         "try another server: this one is down, answers only clients with a key "
         "(--auth-id), or something on the way to it drops UDP port 3544"},
    [REACH_ONLY_EXTRA] =
        {"only_extra_port_answered",
         "the server's own port is filtered on the way, or not served, though another port of the "
         "same server answers: UDP itself is not blocked",
         "let UDP port 3544 through; if no filter of this network drops it, try another server"},
    [REACH_REJECTED] = {"replies_rejected", "every reply broke a rule and was not believed",
                        "run `teredoctl qualify --explain` to see the rule; another host may be "
                        "answering in the server's place"},
    [REACH_NAME_NOT_FOUND] = {"name_not_found", "the server's name was not found",
                              "check the name, or give an IPv4 address"},
    [REACH_NAME_NO_ADDRESS] = {"name_no_ipv4_address", "the server's name has no IPv4 address",
                               "Teredo runs over IPv4: give a server that has an IPv4 address"},
    [REACH_ADDRESS_UNUSABLE] = {"address_unusable",
                                "the server's address is one that no server can have",
                                "this host's resolver may block the name; give the server's "
                                "address"},
    [REACH_RESOLVER_FAILED] = {"resolver_failed", "the name servers did not answer",
                               "check this host's name servers, or give an IPv4 address"},
    [REACH_INTERRUPTED] = {"interrupted", "interrupted before an answer came", ""},
    [REACH_NOT_SENT] = {"not_sent", "this host was short of room for packets, and sent none",
                        "try again when this host sends less"},
    REFUSAL_WORDS(REACH_REFUSED),
};

const struct words classify_reaches = WORDS("reachability", reaches);

static const struct wording nats[NAT_NAME_COUNT] = {
    [NAT_NAME_UNKNOWN] = {"unknown", "the evidence does not tell the kind of NAT"},
    [NAT_NAME_NONE] = {"none", "no NAT, and anyone may send to this host"},
    [NAT_NAME_FIREWALL] = {"firewall",
                           "no NAT, but a stateful firewall that lets answers in and no more"},
    [NAT_NAME_BLOCKED] = {"blocked", "UDP does not get through to this server and back"},
    [NAT_NAME_CONE] = {"cone", "one mapping for all destinations, and anyone may send to it"},
    [NAT_NAME_ADDRESS_RESTRICTED] =
        {"address_restricted",
         "one mapping for all destinations; it lets in addresses that were sent to"},
    [NAT_NAME_PORT_RESTRICTED] =
        {"port_restricted",
         "one mapping for all destinations; it lets in addresses and ports that were sent to"},
    [NAT_NAME_SYMMETRIC] = {"symmetric", "another mapping for each destination"},
};

const struct words nat_names = WORDS("nat_name", nats);

static const struct wording depends[DEPENDS_COUNT] = {
    [DEPENDS_UNKNOWN] = {"unknown"},
    [DEPENDS_ENDPOINT_INDEPENDENT] = {"endpoint_independent"},
    [DEPENDS_ADDRESS] = {"address_dependent"},
    [DEPENDS_ADDRESS_AND_PORT] = {"address_and_port_dependent"},
    [DEPENDS_ENDPOINT] = {"endpoint_dependent"},
};

const struct words nat_dependences = WORDS("nat_depends", depends);

static const struct wording allocations[] = {
    [PORTS_UNKNOWN] = {"unknown"},       [PORTS_PRESERVING] = {"preserving"},
    [PORTS_SEQUENTIAL] = {"sequential"}, [PORTS_RANDOM] = {"random"},
    [PORTS_NOT_APPLICABLE] = {NULL},
};

const struct words port_allocations = WORDS("port_allocation", allocations);

static const struct wording poolings[] = {
    [POOLING_UNKNOWN] = {"unknown"},
    [POOLING_ONE_ADDRESS] = {"one_address"},
    [POOLING_ARBITRARY] = {"arbitrary"},
    [POOLING_NOT_APPLICABLE] = {NULL},
};

const struct words address_poolings = WORDS("address_pooling", poolings);

static const struct wording cones[SERVER_CONE_COUNT] = {
    [SERVER_CONE_UNTRIED] = {NULL},
    [SERVER_CONE_HONOURED] = {"honoured", "it answers the cone bit from its other address"},
    [SERVER_CONE_IGNORED] = {"ignored",
                             "it ignores the cone bit: it answers from the address that was asked"},
    [SERVER_CONE_UNANSWERED] = {"unanswered",
                                "it does not answer the cone bit from its other address"},
};

const struct words server_cones = WORDS("server_cone", cones);

static const struct wording proven[CLASSIFY_PROVEN_COUNT] = {
    [CLASSIFY_PROVEN_PRIMARY_ANSWER] = {"primary_answer"},
    [CLASSIFY_PROVEN_SECONDARY_ANSWER] = {"secondary_answer"},
    [CLASSIFY_PROVEN_EXTRA_PORT_ANSWER] = {"extra_port_answer"},
    [CLASSIFY_PROVEN_PRIMARY_SILENCE] = {"primary_silence"},
    [CLASSIFY_PROVEN_SECONDARY_SILENCE] = {"secondary_silence"},
    [CLASSIFY_PROVEN_PRIMARY_REFUSAL] = {"primary_refusal"},
    [CLASSIFY_PROVEN_PRIMARY_PROHIBITED] = {"primary_prohibited"},
    [CLASSIFY_PROVEN_PRIMARY_HINT] = {"primary_hint"},
    [CLASSIFY_PROVEN_SECONDARY_REFUSAL] = {"secondary_refusal"},
    [CLASSIFY_PROVEN_REJECTED_ANSWER] = {"rejected_answer"},
    [CLASSIFY_PROVEN_UDP_OUTSIDE] = {"udp_outside"},
    [CLASSIFY_PROVEN_INTERRUPTED] = {"interrupted"},
    [CLASSIFY_PROVEN_NOTHING_SENT] = {"nothing_sent"},
    [CLASSIFY_PROVEN_TRANSLATED] = {"translated"},
    [CLASSIFY_PROVEN_UNTRANSLATED] = {"untranslated"},
    [CLASSIFY_PROVEN_UNSTEADY] = {"unsteady"},
    [CLASSIFY_PROVEN_SAME_MAPPING] = {"same_mapping"},
    [CLASSIFY_PROVEN_OTHER_MAPPING] = {"other_mapping"},
    [CLASSIFY_PROVEN_SAME_MAPPING_BY_PORT] = {"same_mapping_by_port"},
    [CLASSIFY_PROVEN_OTHER_MAPPING_BY_PORT] = {"other_mapping_by_port"},
    [CLASSIFY_PROVEN_STRANGER_IN] = {"stranger_in"},
    [CLASSIFY_PROVEN_STRANGER_OUT] = {"stranger_out"},
    [CLASSIFY_PROVEN_OTHER_PORT_IN] = {"other_port_in"},
    [CLASSIFY_PROVEN_OTHER_PORT_OUT] = {"other_port_out"},
    [CLASSIFY_PROVEN_CONE_BIT_DEAD] = {"cone_bit_dead"},
    [CLASSIFY_PROVEN_RELAY_DEAD] = {"relay_dead"},
    [CLASSIFY_PROVEN_HAIRPIN_IN] = {"hairpin_in"},
    [CLASSIFY_PROVEN_HAIRPIN_OUT] = {"hairpin_out"},
    [CLASSIFY_PROVEN_MAPPED_ANEW] = {"mapped_anew"},
    [CLASSIFY_PROVEN_NOT_MAPPED_ANEW] = {"not_mapped_anew"},
    [CLASSIFY_PROVEN_SHARED_SPACE_ROUTER] = {"shared_space_router"},
    [CLASSIFY_PROVEN_PRIVATE_ROUTER] = {"private_router"},
};

const struct words classify_proven_words = WORDS("classify_proven", proven);

static const struct wording tests[TEST_COUNT] = {
    [TEST_SILENCE] = {"silence"},
    [TEST_HOPS] = {"hops"},
    [TEST_MAPPING] = {"mapping"},
    [TEST_MAPPING_PORT] = {"mapping_by_port"},
    [TEST_FILTER_ANY] = {"filtering_any"},
    [TEST_FILTER_PORT] = {"filtering_other_port"},
    [TEST_FILTER_OPEN] = {"filtering_control"},
    [TEST_RELAY_ANY] = {"relayed_any"},
    [TEST_RELAY_PORT] = {"relayed_other_port"},
    [TEST_RELAY_OPEN] = {"relayed_control"},
    [TEST_PORTS] = {"port_allocation"},
    [TEST_POOLING] = {"pooling"},
    [TEST_HAIRPIN] = {"hairpinning"},
    [TEST_UNASKED] = {"unsolicited"},
    [TEST_LIFETIME] = {"lifetime"},
    [TEST_KEPT_INBOUND] = {"refresh_inbound"},
    [TEST_KEPT_OUTBOUND] = {"refresh_outbound"},
};

const struct words classify_tests = WORDS("classify_test", tests);

static const struct wording proofs[PROVES_COUNT] = {
    [PROVES_NOTHING] = {NULL, "nothing, by itself"},
    [PROVES_NO_UDP] = {NULL, "no UDP comes back from this server"},
    [PROVES_UDP_LEAVES] = {NULL, "UDP gets out at least as far as that router"},
    [PROVES_SHARED_SPACE] = {NULL, "a router has a carrier's shared address: maybe a second NAT"},
    [PROVES_PRIVATE_ROUTER] =
        {NULL, "a router behind the first has a private address: maybe a second NAT"},
    [PROVES_NO_TRANSLATION] = {NULL, "nothing is translated: the server sees the local endpoint"},
    [PROVES_MAPPING_INDEPENDENT] = {NULL, "the mapping does not depend on the destination"},
    [PROVES_MAPPING_DEPENDENT] = {NULL, "the mapping depends on the destination"},
    [PROVES_MAPPING_BY_ADDRESS] = {NULL, "the mapping depends on the address, not on the port"},
    [PROVES_MAPPING_BY_PORT] = {NULL, "the mapping depends on the port as well"},
    [PROVES_ANYONE_GETS_IN] = {NULL, "an address to which this port never sent gets in"},
    [PROVES_NOT_ANYONE] = {NULL, "an address to which this port never sent does not get in"},
    [PROVES_ADDRESS_GETS_IN] = {NULL, "once an address was sent to, all its ports get in"},
    [PROVES_NOT_ADDRESS] = {NULL, "another port of an address that was sent to does not get in"},
    [PROVES_REFERENCE_WORKS] =
        {NULL, "the server does answer this way: silence of the tests means the NAT"},
    [PROVES_PRESERVING] = {NULL, "the external port is the local one"},
    [PROVES_SEQUENTIAL] = {NULL, "each new mapping takes the next port"},
    [PROVES_RANDOM] = {NULL, "the external port has no pattern"},
    [PROVES_ONE_ADDRESS] = {NULL, "all these ports of this host had one external address"},
    [PROVES_ARBITRARY] = {NULL, "ports of this host get different external addresses"},
    [PROVES_HAIRPIN] = {NULL, "ports of this host reach each other by external endpoints"},
    [PROVES_NO_HAIRPIN] = {NULL,
                           "ports of this host do not reach each other by external endpoints"},
    [PROVES_MAPPED_ANEW] = {NULL, "a port is mapped anew towards whoever sent to it unasked"},
    [PROVES_NOT_MAPPED_ANEW] = {NULL, "what came unasked did not change the mapping"},
    [PROVES_ALIVE] = {NULL, "the mapping was still there"},
    [PROVES_GONE] = {NULL, "the mapping was gone"},
    [PROVES_REFRESHES] = {NULL, "this traffic keeps the mapping alive"},
    [PROVES_NO_REFRESH] = {NULL, "this traffic does not keep the mapping alive"},
};

const struct words classify_proofs = WORDS("classify_proof", proofs);

/* What to do where every reply broke a rule, by the last one. */
static const char *const rejected_advice[RULE_COUNT] = {
    [RULE_SOURCE_ENDPOINT] =
        "the server answers from another address than was asked: ask its operator to have each "
        "address answer for itself (RFC 4380 5.3.2), or use another server",
    [RULE_NONCE] = "the server does not repeat the nonce of a solicitation (RFC 4380 5.2.2), or "
                   "another host answers in its place: use another server",
    [RULE_CONFIRMATION] = "the server does not accept this client's key: get one for "
                          "--auth-secret-file from its operator (RFC 4380 5.2.2)",
    [RULE_ORIGIN_PRESENT] = "the server leaves out the origin indication, without which nobody "
                            "knows a mapping: use another server",
    [RULE_ORIGIN_GLOBAL] = "the server sees this host at an address that is not global: use one "
                           "outside of this network, or --allow-private in a laboratory",
};

const char *classification_advice(const struct classification *c)
{
    const char *about_server = advice_of(&classify_reaches, c->reach);

    if (c->reach == REACH_REJECTED && rejected_advice[c->rejected_rule] != NULL)
        return rejected_advice[c->rejected_rule];
    if (about_server[0] == '\0' && c->trips == FINDING_YES)
        return "let the NAT's own rules drop what comes unasked from outside, or reserve a UDP "
               "port "
               "on it for this host: a peer behind a NAT that trips likewise is out of reach";
    if (about_server[0] != '\0' || c->nat != NAT_NAME_SYMMETRIC)
        return about_server;
    return "reserve a UDP port on your NAT for this host (RFC 4380 5.2.10), or use RFC 6081 "
           "clients at both ends; what each peer's NAT asks for is in the table";
}

const char *classification_text(const struct classification *c)
{
    return c->nat == NAT_NAME_UNKNOWN && c->reach != REACH_BOTH
               ? text_of(&classify_reaches, c->reach)
               : text_of(&nat_names, c->nat);
}

static const void *sent_words(const void *record, const struct run_facts *run,
                              union field_room *room)
{
    (void)run;
    return evidence_sent(record, room->bytes);
}

static const void *received_words(const void *record, const struct run_facts *run,
                                  union field_room *room)
{
    (void)run;
    return evidence_received(record, room->bytes);
}

static const struct field evidence_fields[] = {
    {KEY("test"), FIELD_CODE, AT(struct classify_evidence, test), .words = &classify_tests},
    {KEY("sent"), FIELD_CHARS, .find = sent_words},
    {KEY("received"), FIELD_CHARS, .find = received_words},
    {KEY("proves"), FIELD_SENTENCE, AT(struct classify_evidence, proof), .words = &classify_proofs},
    {KEY("sent_count"), FIELD_COUNT, AT(struct classify_evidence, sent)},
    {KEY("received_count"), FIELD_COUNT, AT(struct classify_evidence, answered)},
    {KEY("controls"), FIELD_COUNT, AT(struct classify_evidence, references)},
    {KEY("controls_received"), FIELD_COUNT, AT(struct classify_evidence, references_answered)},
    {KEY("sent_at_s"), FIELD_DURATION, AT(struct classify_evidence, sent_at)},
    {KEY("delay_s"), FIELD_DURATION, AT(struct classify_evidence, delay),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("odds"), FIELD_REAL, AT(struct classify_evidence, odds), .flags = FIELD_ZERO_IS_NULL},
};

static const struct record_type evidence_record = RECORD_TYPE("evidence", evidence_fields);

static size_t count_evidence(const void *record)
{
    return ((const struct classification *)record)->evidence_count;
}

static const void *evidence_item(const void *record, size_t i, union field_room *room)
{
    (void)room;
    return &((const struct classification *)record)->evidence[i];
}

static const struct field prospect_fields[] = {
    {KEY("peer"), FIELD_TEXT, AT(struct punch_prospect, peer)},
    {KEY("outcome"), FIELD_CODE, AT(struct punch_prospect, outcome), .words = &punch_outcomes},
    {KEY("needs"), FIELD_TEXT, AT(struct punch_prospect, needs)},
};

static const struct record_type prospect_record = RECORD_TYPE("prospect", prospect_fields);

static size_t count_prospects(const void *record)
{
    (void)record;
    return CLASSIFY_PEERS;
}

static const void *prospect_item(const void *record, size_t i, union field_room *room)
{
    struct punch_prospect *prospects = (struct punch_prospect *)(void *)room;

    punch_prospects(record, prospects);
    return &prospects[i];
}

RECORD_TEST(is_sequential, struct classification, r->ports == PORTS_SEQUENTIAL)
RECORD_TEST(has_lifetime, struct classification, r->lifetime.measured)
RECORD_TEST(has_references, struct classification, r->references > 0)
RECORD_TEST(has_icmp, struct classification, r->has_icmp)
RECORD_TEST(has_rejected, struct classification, r->rejected > 0)
RECORD_VALUE(rfc4380, struct classification, const char *, rfc4380_name(r))
RECORD_VALUE(rfc3489, struct classification, const char *, rfc3489_name(r))
RECORD_VALUE(netsh, struct classification, const char *, netsh_name(r))
RECORD_VALUE(text, struct classification, const char *, classification_text(r))
RECORD_VALUE(advice, struct classification, const char *, classification_advice(r))
RECORD_VALUE(loss, struct classification, double,
             1 - (double)r->references_answered / (double)r->references)
RECORD_VALUE(lifetime, struct classification, struct bounds,
             ((struct bounds){r->lifetime.at_least, r->lifetime.at_most}))

static const struct field fields[] = {
    {KEY("verdict"), FIELD_CODE, AT(struct classification, verdict), .words = &classify_verdicts,
     .flags = FIELD_CHANGE},
    {KEY("reachability"), FIELD_CODE, AT(struct classification, reach), .words = &classify_reaches,
     .flags = FIELD_CHANGE},
    {KEY("nat"), FIELD_CODE, AT(struct classification, nat), .words = &nat_names,
     .flags = FIELD_CHANGE},
    {KEY("rfc4380"), FIELD_TEXT, FOUND(const char *, rfc4380)},
    {KEY("rfc3489"), FIELD_TEXT, FOUND(const char *, rfc3489)},
    {KEY("netsh"), FIELD_TEXT, FOUND(const char *, netsh)},
    {KEY("translated"), FIELD_FINDING, AT(struct classification, translated)},
    {KEY("mapping"), FIELD_CODE, AT(struct classification, mapping), .words = &nat_dependences,
     .flags = FIELD_CHANGE},
    {KEY("filtering"), FIELD_CODE, AT(struct classification, filtering), .words = &nat_dependences,
     .flags = FIELD_CHANGE},
    {KEY("port_allocation"), FIELD_CODE, AT(struct classification, ports),
     .words = &port_allocations, .flags = FIELD_CHANGE | FIELD_NULLABLE},
    {KEY("port_step"), FIELD_INTEGER, AT(struct classification, port_step), .known = is_sequential},
    {KEY("hairpinning"), FIELD_FINDING, AT(struct classification, hairpinning),
     .flags = FIELD_CHANGE},
    {KEY("pooling"), FIELD_CODE, AT(struct classification, pooling), .words = &address_poolings,
     .flags = FIELD_CHANGE | FIELD_NULLABLE},
    {KEY("shared_space_router"), FIELD_IP4, AT(struct classification, shared_space_router),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("unsteady"), FIELD_BOOL, AT(struct classification, unsteady)},
    {KEY("interrupted"), FIELD_BOOL, AT(struct classification, interrupted)},
    {KEY("lifetime_s"), FIELD_RECORD, FOUND(struct bounds, lifetime), .known = has_lifetime,
     .record = &bounds_record},
    {KEY("refreshed_by_outbound"), FIELD_FINDING,
     AT(struct classification, lifetime.outbound_refreshes)},
    {KEY("refreshed_by_inbound"), FIELD_FINDING,
     AT(struct classification, lifetime.inbound_refreshes)},
    {KEY("server"), FIELD_ENDPOINT, AT(struct classification, server),
     .flags = FIELD_ZERO_IS_NULL | FIELD_CHANGE},
    {KEY("secondary"), FIELD_ENDPOINT, AT(struct classification, secondary),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("local"), FIELD_ENDPOINT, AT(struct classification, local),
     .flags = FIELD_ZERO_IS_NULL | FIELD_CHANGE},
    {KEY("mapped"), FIELD_ENDPOINT, AT(struct classification, mapped),
     .flags = FIELD_ZERO_IS_NULL | FIELD_CHANGE},
    {KEY("mapped_secondary"), FIELD_ENDPOINT, AT(struct classification, mapped_secondary),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("loss"), FIELD_REAL, FOUND(double, loss), .known = has_references},
    {KEY("error_odds"), FIELD_REAL, AT(struct classification, error_odds)},
    {KEY("rtt_s"), FIELD_DURATION, AT(struct classification, rtt), .flags = FIELD_ZERO_IS_NULL},
    {KEY("elapsed_s"), FIELD_DURATION, AT(struct classification, elapsed)},
    {KEY("sent"), FIELD_COUNT, AT(struct classification, sent)},
    {KEY("received"), FIELD_COUNT, AT(struct classification, received)},
    {KEY("icmp"), FIELD_RECORD, AT(struct classification, icmp), .known = has_icmp,
     .record = &icmp_record},
    {KEY("system_error"), FIELD_ERRNO, AT(struct classification, errnum),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("evidence"), FIELD_LIST, .record = &evidence_record, .count = count_evidence,
     .item = evidence_item},
    {KEY("punching"), FIELD_LIST, .record = &prospect_record, .count = count_prospects,
     .item = prospect_item},
    {KEY("text"), FIELD_TEXT, FOUND(const char *, text)},
    {KEY("advice"), FIELD_TEXT, FOUND(const char *, advice)},
    {KEY("proven"), FIELD_WORD_SET, AT(struct classification, proven),
     .words = &classify_proven_words},
    {KEY("server_cone_bit"), FIELD_CODE, AT(struct classification, server_cone),
     .words = &server_cones, .flags = FIELD_NULLABLE},
    {KEY("server_relays"), FIELD_FINDING, AT(struct classification, server_relays)},
    {KEY("trips_on_unsolicited"), FIELD_FINDING, AT(struct classification, trips),
     .flags = FIELD_CHANGE},
    {KEY("private_router"), FIELD_IP4, AT(struct classification, private_router),
     .flags = FIELD_ZERO_IS_NULL},
    {KEY("rejected"), FIELD_COUNT, AT(struct classification, rejected)},
    {KEY("rejected_rule"), FIELD_CODE, AT(struct classification, rejected_rule), .words = &ra_rules,
     .known = has_rejected},
    {KEY("rejected_from"), FIELD_ENDPOINT, AT(struct classification, rejected_from),
     .flags = FIELD_ZERO_IS_NULL},
};

const struct record_type classification_record = RECORD_TYPE("classification", fields);
