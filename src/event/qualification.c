#include "qualification.h"

static const char *const verdict_codes[] = {
    [QUALIFY_QUALIFIED] = "qualified",
    [QUALIFY_NOT_QUALIFIED] = "not_qualified",
    [QUALIFY_INCONCLUSIVE] = "inconclusive",
};

static const struct outcome_words reasons[QUALIFY_REASON_COUNT] = {
    [QUALIFY_BOTH_AGREE] = {"both_agree",
                            "both server addresses saw the same mapped address and port", ""},
    [QUALIFY_SYMMETRIC_NAT] =
        {"symmetric_nat", "the two server addresses saw different mappings: the NAT is symmetric",
         "reserve a UDP port on the NAT for this host (RFC 4380 5.2.10), and use it with "
         "--local-port; without one, RFC 4380 clients cannot work behind this NAT"},
    [QUALIFY_NO_REPLY] =
        {"no_reply", "neither server address replied",
         "check that UDP port 3544 may leave this network, and try another server"},
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
    [QUALIFY_NAME_MALFORMED] = {"name_malformed",
                                "not a server: neither an IPv4 address nor a name",
                                "give an address or a name, with :PORT if it is not 3544"},
    [QUALIFY_RESOLVER_FAILED] = {"resolver_failed", "the name servers did not answer",
                                 "check this host's name servers, or give an IPv4 address"},
    [QUALIFY_INTERRUPTED] = {"interrupted", "interrupted before an answer came", ""},
    [QUALIFY_ONE_ASKED] = {"one_address_asked",
                           "the server answered; its other address was not asked, so the kind of "
                           "NAT is not known",
                           ""},
    [QUALIFY_UNANSWERED] =
        {"unanswered", "no answer to the client's solicitations was seen",
         "see with `teredoctl qualify` whether the server lives, and whether UDP "
         "port 3544 may leave the client's network"},
    [QUALIFY_CAPTURE_ENDED] = {"capture_ended", "the capture ended before an answer", ""},
    REFUSAL_WORDS(QUALIFY_REFUSED),
};

static const char *const nat_codes[] = {
    [QUALIFY_NAT_UNKNOWN] = "unknown",
    [QUALIFY_NAT_NONE] = "none",
    [QUALIFY_NAT_CONE_OR_RESTRICTED] = "cone_or_restricted",
    [QUALIFY_NAT_SYMMETRIC] = "symmetric",
};

static const struct rule_text rules[RULE_COUNT] = {
    [RULE_SOURCE_ENDPOINT] = {"source_endpoint", "RFC 4380 5.3.2",
                              "comes from the address and port that was solicited"},
    [RULE_ENCAPSULATION] = {"encapsulation", "RFC 4380 5.1.1", "is a well-formed Teredo packet"},
    [RULE_NONCE] = {"nonce", "RFC 4380 5.2.2", "repeats the nonce of the solicitation"},
    [RULE_CONFIRMATION] = {"confirmation_byte", "RFC 4380 5.2.2",
                           "confirmation byte is 0: the client's key is valid"},
    [RULE_AUTH_VALUE] = {"authentication_value", "RFC 4380 5.2.2",
                         "authentication value matches the shared secret"},
    [RULE_ADVERTISEMENT] = {"router_advertisement", "RFC 4861 6.1.2",
                            "is a router advertisement with code 0"},
    [RULE_CHECKSUM] = {"checksum", "RFC 4861 6.1.2", "ICMPv6 checksum is right"},
    [RULE_HOP_LIMIT] = {"hop_limit", "RFC 4861 6.1.2", "hop limit is 255"},
    [RULE_INNER_SOURCE] = {"inner_source", "RFC 4380 5.2.1", "IPv6 source is a link-local address"},
    [RULE_INNER_DESTINATION] = {"inner_destination", "RFC 4380 5.2.1",
                                "IPv6 destination is the solicitation's source"},
    [RULE_ONE_PREFIX] = {"one_prefix", "RFC 4380 5.2.1", "advertises exactly one prefix"},
    [RULE_PREFIX] = {"prefix", "RFC 4380 5.2.1",
                     "the prefix is 2001::/32 followed by the server's IPv4 address"},
    [RULE_ORIGIN_PRESENT] = {"origin_present", "RFC 4380 5.2.1", "carries an origin indication"},
    [RULE_ORIGIN_GLOBAL] = {"origin_global", "RFC 4380 4",
                            "the origin is a global unicast address"},
};

const char *qualify_verdict_code(enum qualify_verdict verdict)
{
    return verdict_codes[verdict];
}

const char *qualify_reason_code(enum qualify_reason reason)
{
    return reasons[reason].code;
}

const char *qualify_reason_text(enum qualify_reason reason)
{
    return reasons[reason].text;
}

const char *qualify_reason_advice(enum qualify_reason reason)
{
    return reasons[reason].advice;
}

const char *qualify_nat_code(enum qualify_nat nat)
{
    return nat_codes[nat];
}

const struct rule_text *ra_rule_text(enum ra_rule rule)
{
    return &rules[rule];
}
