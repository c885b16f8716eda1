/* The qualification of RFC 4380 5.2.1 and 5.2.2, sentence by sentence: what is asked, which
 * advertisements are believed, and what a failure is called. */
#include "qualify.h"

#include <errno.h>

#include "engine_fixture.h"
#include "prng.h"
#include "ra_check.h"

static const struct endpoint server = {0xc0000201, TEREDO_PORT};
static const struct endpoint secondary = {0xc0000202, TEREDO_PORT};
static const struct endpoint stranger = {0xc0000263, TEREDO_PORT};
static const struct endpoint local = {0x64400102, 40001};
static const struct endpoint mapped = {0xcb00710a, 50001};
static const struct endpoint remapped = {0xcb00710a, 50002};
static const uint8_t secret[] = "a shared secret";

static struct bench b;
static struct qualify q;
static struct qualify_config config;

static void set_up(void)
{
    config = (struct qualify_config){
        .server = server,
        .secondary = secondary,
        .local = local,
        .timeout = 1500 * NSEC_MS,
        .attempts = 3,
        .flags = 0x1c42,
        .nonces = {.key = {1, 2, 3}},
    };
}

static void start(void)
{
    qualify_init(&q, &config);
    bench_start(&b, &q.engine, local);
}

/* An advertisement to be spoilt: the valid answer to the last solicitation that TO was sent. */
struct ra_check {
    struct endpoint from;
    struct teredo_packet p;
    uint8_t body[TEREDO_RA_SIZE + 64];
    uint8_t value[TEREDO_HMAC_SIZE];
};

static struct ra_check make_advert(struct endpoint from, struct endpoint origin)
{
    struct ra_check a = {.from = from};
    struct in6_addr source = teredo_link_local(TEREDO_FLAG_CONE, server);
    struct teredo_packet rs;

    if (!bench_last_sent(&b, 0, from, &rs))
        abort();
    teredo_make_ra(&a.p, &source, &rs.ip6.source, (struct teredo_advertised){server.address, 1280},
                   a.body);
    a.p.has_auth = true;
    a.p.auth = (struct teredo_auth){0};
    memcpy(a.p.auth.nonce, rs.auth.nonce, TEREDO_NONCE_SIZE);
    a.p.has_origin = true;
    a.p.origin = origin;
    return a;
}

static void sign(struct ra_check *a, const uint8_t *with, size_t size)
{
    a->p.auth.client_id = (const uint8_t *)config.identity.client_id;
    a->p.auth.client_id_size = (uint8_t)strlen(config.identity.client_id);
    a->p.auth.value = a->value;
    a->p.auth.value_size = sizeof a->value;
    a->p.payload = a->body;
    teredo_auth_value(with, size, &a->p, a->value);
}

static void deliver(struct ra_check *a)
{
    a->p.payload = a->body;
    bench_packet(&b, 0, a->from, &a->p);
}

static void answer(struct endpoint from, struct endpoint origin)
{
    struct ra_check a = make_advert(from, origin);

    deliver(&a);
}

/* Encodes the advertisement's ICMPv6 again after a change to a->p.icmp6 or its options. */
static void encode_body(struct ra_check *a, const void *options, size_t size)
{
    struct writer w = writer_of(a->body, sizeof a->body);

    a->p.icmp6.options = options;
    a->p.icmp6.options_size = size;
    a->p.ip6.payload_length = (uint16_t)(16 + size);
    icmp6_encode(&w, &a->p.icmp6, &a->p.ip6);
    a->p.payload_size = w.size;
}

static size_t put_prefixes(uint8_t *buf, unsigned count, uint32_t service_prefix, uint32_t address,
                           uint8_t length)
{
    struct writer w = writer_of(buf, 128);
    struct teredo_addr a = {.prefix = service_prefix, .server = address};
    struct icmp6_prefix prefix = {.length = length};

    teredo_addr_encode(&a, &prefix.prefix);
    memset(prefix.prefix.s6_addr + 8, 0, 8);
    for (unsigned i = 0; i < count; i++)
        nd_put_prefix(&w, &prefix);
    return w.size;
}

static const struct qualification *verdict(void)
{
    static const struct qualification none;
    const struct event *e = bench_event(&b, EVENT_QUALIFICATION);

    return e == NULL ? &none : &e->qualification;
}

static void is_verdict(enum qualify_verdict v, enum qualify_reason reason, const char *rule)
{
    ok(bench_count(&b, EVENT_QUALIFICATION) == 1 && b.done && b.after_done == 0,
       "%s: one verdict, and it is the end", rule);
    is_str(code_of(&qualify_verdicts, verdict()->verdict), code_of(&qualify_verdicts, v), "%s",
           rule);
    is_str(code_of(&qualify_reasons, verdict()->reason), code_of(&qualify_reasons, reason), "%s",
           rule);
}

static void test_solicitation(void)
{
    struct teredo_packet one = {0}, two = {0};

    set_up();
    start();
    is_int(b.send_count, 2, "both server addresses are solicited at once");
    ok(bench_last_sent(&b, 0, server, &one) && bench_last_sent(&b, 0, secondary, &two),
       "at the Teredo UDP port, from the service port");
    ok(one.kind == TEREDO_RS && ip6_is_all_routers(&one.ip6.destination) &&
           ip6_is_link_local(&one.ip6.source) && one.ip6.hop_limit == 255,
       "5.2.1: a router solicitation from a link-local address to all routers");
    is_int(one.ip6.source.s6_addr[8] & 0x80, 0, "the cone bit is 0 (RFC 5991)");
    ok(one.has_auth && two.has_auth && one.auth.client_id_size == 0 && one.auth.value_size == 0,
       "5.2.2: with a nonce, and null lengths where nothing more is asked");
    is_int(one.auth.confirmation, 0, "5.2.2: the client sets the confirmation byte to 0");
    ok(memcmp(one.auth.nonce, two.auth.nonce, TEREDO_NONCE_SIZE) != 0,
       "the nonces of the two are independent");
}

static void test_schedule(void)
{
    nsec before = 0;

    set_up();
    start();
    bench_finish(&b);
    is_int(bench_sent(&b, server, TEREDO_RS), 3, "N attempts, no more, to the primary");
    is_int(bench_sent(&b, secondary, TEREDO_RS), 3, "and to the secondary");
    is_int(b.sent_at[2] - b.sent_at[0], 1500 * NSEC_MS / 7, "the first interval is T / 7");
    is_int(b.sent_at[4] - b.sent_at[2], 2 * (1500 * NSEC_MS) / 7, "the second is twice as long");
    is_verdict(QUALIFY_NOT_QUALIFIED, QUALIFY_NO_REPLY, "5.2.1: no response after N repetitions");
    is_int(verdict()->elapsed, 1500 * NSEC_MS, "told when the time-out is over, and not later");
    for (unsigned i = 0; i < b.send_count; i++)
        for (unsigned j = 0; j < i; j++)
            before += memcmp(b.sends[i].bytes + 4, b.sends[j].bytes + 4, TEREDO_NONCE_SIZE) == 0;
    is_int(before, 0, "each solicitation has a fresh nonce");

    set_up();
    config.attempts = 1;
    start();
    bench_finish(&b);
    is_int(b.send_count, 2, "one attempt is one solicitation each");
    is_int(verdict()->elapsed, 1500 * NSEC_MS, "and the same time-out");
    config.attempts = 1000;
    start();
    bench_finish(&b);
    is_int(b.send_count, 2 * QUALIFY_MAX_ATTEMPTS, "attempts are bounded");
}

static void test_known_rtt(void)
{
    set_up();
    start();
    bench_wait(&b, 50 * NSEC_MS);
    answer(server, mapped);
    bench_until(&b, BENCH_EPOCH + 124 * NSEC_MS);
    is_int(bench_sent(&b, secondary, TEREDO_RS), 1, "the other address gets its time first");
    bench_until(&b, BENCH_EPOCH + 125 * NSEC_MS);
    is_int(bench_sent(&b, secondary, TEREDO_RS), 2,
           "once the round trip is known, the other is asked again on its measure");
    is_int(bench_sent(&b, server, TEREDO_RS), 1, "who has answered is asked no more");
    bench_finish(&b);
    is_verdict(QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_PRIMARY, "only the primary answers");
    is_int(verdict()->evidence & (UINT32_C(1) << QUALIFY_EVIDENCE_SAME_MAPPING |
                                  UINT32_C(1) << QUALIFY_EVIDENCE_DIFFERENT_MAPPINGS),
           0, "and nothing is known of a second mapping");
    ok(verdict()->has_address, "the address is told all the same");
    is_int(verdict()->nat, QUALIFY_NAT_UNKNOWN, "the NAT is not guessed");
}

static void test_mappings(void)
{
    struct teredo_addr a;

    set_up();
    start();
    bench_wait(&b, 50 * NSEC_MS);
    answer(server, mapped);
    ok(!b.done, "5.2.1: one response does not tell the NAT");
    bench_wait(&b, 2 * NSEC_MS);
    answer(secondary, mapped);
    is_verdict(QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, "5.2.1: the values are the same");
    is_int(verdict()->nat, QUALIFY_NAT_CONE_OR_RESTRICTED, "a NAT, and not a symmetric one");
    is_int(verdict()->rtt, 50 * NSEC_MS, "the round trip is the primary's");
    is_int(verdict()->mtu, 1280, "the MTU is the advertised one");
    ok(teredo_addr_decode(&verdict()->teredo_address, &a) && a.prefix == TEREDO_PREFIX &&
           a.server == server.address && endpoint_equal(a.mapped, mapped),
       "5.2.1: the address is the prefix, the obfuscated port and the obfuscated address");
    is_int(a.flags, 0x1c42, "RFC 5991: with the random flags that the caller drew");
    for (int i = 0; i < RULE_COUNT; i++)
        ok(verdict()->rules[i] == (i == RULE_AUTH_VALUE ? RULE_NOT_APPLICABLE : RULE_OK),
           "rule %s was checked", code_of(&ra_rules, (unsigned)i));

    start();
    answer(secondary, remapped);
    answer(server, mapped);
    is_verdict(QUALIFY_NOT_QUALIFIED, QUALIFY_SYMMETRIC_NAT, "5.2.1: the values are different");
    ok(endpoint_equal(verdict()->mapped, mapped) &&
           endpoint_equal(verdict()->mapped_secondary, remapped),
       "both are told");
    ok(teredo_addr_decode(&verdict()->teredo_address, &a) && endpoint_equal(a.mapped, mapped),
       "whichever came first, the address is made of what the primary saw");

    start();
    answer(server, local);
    answer(secondary, local);
    is_int(verdict()->nat, QUALIFY_NAT_NONE, "mapped is local: there is no NAT");

    start();
    bench_wait(&b, 300 * NSEC_MS);
    answer(secondary, mapped);
    bench_finish(&b);
    is_verdict(QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_SECONDARY, "only the secondary answers");
}

static void test_retransmission_is_matched(void)
{
    struct ra_check first;

    set_up();
    start();
    first = make_advert(server, mapped);
    bench_wait(&b, 300 * NSEC_MS);
    is_int(bench_sent(&b, server, TEREDO_RS), 2, "the solicitation was repeated meanwhile");
    deliver(&first);
    answer(secondary, mapped);
    is_int(verdict()->rtt, 300 * NSEC_MS,
           "a late answer to the first solicitation is timed from the first");
}

/* One way to spoil an advertisement, and the rule that this breaks. */
struct spoil {
    const char *how;
    enum ra_rule rule;
    void (*spoil)(struct ra_check *a);
};

static void from_stranger(struct ra_check *a)
{
    a->from = stranger;
}

static void from_other_port(struct ra_check *a)
{
    a->from.port++;
}

static void from_other_address(struct ra_check *a)
{
    a->from = secondary;
}

static void wrong_nonce(struct ra_check *a)
{
    a->p.auth.nonce[7] ^= 1;
}

static void no_authentication(struct ra_check *a)
{
    a->p.has_auth = false;
}

static void bad_confirmation(struct ra_check *a)
{
    a->p.auth.confirmation = 1;
}

static void bad_code(struct ra_check *a)
{
    uint8_t options[128];

    a->p.icmp6.code = 1;
    encode_body(a, options, put_prefixes(options, 1, TEREDO_PREFIX, server.address, 64));
}

static void not_an_advertisement(struct ra_check *a)
{
    struct in6_addr source = a->p.ip6.source, destination = a->p.ip6.destination;
    struct teredo_packet bubble;

    teredo_make_bubble(&bubble, &source, &destination);
    bubble.has_auth = bubble.has_origin = true;
    bubble.auth = a->p.auth;
    bubble.origin = a->p.origin;
    a->p = bubble;
}

static void bad_checksum(struct ra_check *a)
{
    a->body[2] ^= 0x55;
}

static void bad_hop_limit(struct ra_check *a)
{
    a->p.ip6.hop_limit = 254;
}

static void readdress(struct ra_check *a)
{
    uint8_t options[128];

    encode_body(a, options, put_prefixes(options, 1, TEREDO_PREFIX, server.address, 64));
}

static void global_source(struct ra_check *a)
{
    a->p.ip6.source = bench_teredo(server.address, mapped);
    readdress(a);
}

static void other_destination(struct ra_check *a)
{
    a->p.ip6.destination.s6_addr[15] ^= 1;
    readdress(a);
}

static void no_prefix(struct ra_check *a)
{
    encode_body(a, NULL, 0);
}

static void two_prefixes(struct ra_check *a)
{
    uint8_t options[128];

    encode_body(a, options, put_prefixes(options, 2, TEREDO_PREFIX, server.address, 64));
}

static void old_prefix(struct ra_check *a)
{
    uint8_t options[128];

    encode_body(a, options, put_prefixes(options, 1, TEREDO_PREFIX_OLD, server.address, 64));
}

static void other_server(struct ra_check *a)
{
    uint8_t options[128];

    encode_body(a, options, put_prefixes(options, 1, TEREDO_PREFIX, stranger.address, 64));
}

static void short_prefix(struct ra_check *a)
{
    uint8_t options[128];

    encode_body(a, options, put_prefixes(options, 1, TEREDO_PREFIX, server.address, 32));
}

static void no_origin(struct ra_check *a)
{
    a->p.has_origin = false;
}

static void private_origin(struct ra_check *a)
{
    a->p.origin.address = 0x0a000001;
}

static void origin_port_zero(struct ra_check *a)
{
    a->p.origin.port = 0;
}

static const struct spoil spoils[] = {
    {"from another host", RULE_SOURCE_ENDPOINT, from_stranger},
    {"from another port", RULE_SOURCE_ENDPOINT, from_other_port},
    {"from the address that was not asked", RULE_SOURCE_ENDPOINT, from_other_address},
    {"with a nonce that nobody sent", RULE_NONCE, wrong_nonce},
    {"without authentication header", RULE_NONCE, no_authentication},
    {"with a confirmation byte of 1", RULE_CONFIRMATION, bad_confirmation},
    {"with code 1", RULE_ADVERTISEMENT, bad_code},
    {"a bubble in place of an advertisement", RULE_ADVERTISEMENT, not_an_advertisement},
    {"with a wrong checksum", RULE_CHECKSUM, bad_checksum},
    {"with hop limit 254", RULE_HOP_LIMIT, bad_hop_limit},
    {"from a global IPv6 source", RULE_INNER_SOURCE, global_source},
    {"to another link-local address", RULE_INNER_DESTINATION, other_destination},
    {"without prefix", RULE_ONE_PREFIX, no_prefix},
    {"with two prefixes", RULE_ONE_PREFIX, two_prefixes},
    {"with the old service prefix", RULE_PREFIX, old_prefix},
    {"with another server's prefix", RULE_PREFIX, other_server},
    {"with a /32 prefix", RULE_PREFIX, short_prefix},
    {"without origin indication", RULE_ORIGIN_PRESENT, no_origin},
    {"with a private origin", RULE_ORIGIN_GLOBAL, private_origin},
    {"with origin port 0", RULE_ORIGIN_GLOBAL, origin_port_zero},
};

static void test_rules(void)
{
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
        const struct spoil *s = &spoils[i];
        const struct event *e;
        struct ra_check a;

        set_up();
        start();
        a = make_advert(server, mapped);
        s->spoil(&a);
        deliver(&a);
        e = bench_event(&b, EVENT_REJECTED);
        is_str(e == NULL ? "" : code_of(&ra_rules, e->rejected.rule), code_of(&ra_rules, s->rule),
               "an advertisement %s: the rule is named", s->how);
        bench_finish(&b);
        is_verdict(QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED, s->how);
        ok(!verdict()->has_address && verdict()->advertisements == 0 &&
               verdict()->rejected[s->rule] == 1 && verdict()->rules[s->rule] == RULE_FAILED,
           "an advertisement %s: counted, and nothing of it believed", s->how);
    }
}

static void test_rejected_is_no_harm(void)
{
    struct ra_check a;

    set_up();
    start();
    a = make_advert(server, remapped);
    wrong_nonce(&a);
    deliver(&a);
    answer(server, mapped);
    answer(secondary, mapped);
    is_verdict(QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE,
               "5.2.1: invalid responses are discarded, and the valid one still counts");
    ok(endpoint_equal(verdict()->mapped, mapped), "the forger's mapping is not taken");
    is_int(verdict()->rejected[RULE_NONCE], 1, "but counted");
}

static void test_secondary_may_name_itself(void)
{
    struct ra_check a;
    uint8_t options[128];

    set_up();
    start();
    a = make_advert(secondary, mapped);
    encode_body(&a, options, put_prefixes(options, 1, TEREDO_PREFIX, secondary.address, 64));
    deliver(&a);
    is_int(bench_count(&b, EVENT_REJECTED), 0, "the secondary's own prefix passes from itself");
    a = make_advert(server, mapped);
    encode_body(&a, options, put_prefixes(options, 1, TEREDO_PREFIX, secondary.address, 64));
    deliver(&a);
    is_int(bench_count(&b, EVENT_REJECTED), 1, "but not from the primary");
}

static void test_replay(void)
{
    struct ra_check old;

    set_up();
    start();
    old = make_advert(server, mapped);
    config.nonces.key[0] ^= 1;
    start();
    deliver(&old);
    is_int(verdict()->advertisements, 0, "an advertisement of an earlier run is not believed");
    is_int(bench_count(&b, EVENT_REJECTED), 1, "its nonce is not of this run");

    set_up();
    start();
    answer(server, mapped);
    old = make_advert(server, remapped);
    deliver(&old);
    answer(secondary, mapped);
    is_verdict(QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE,
               "a second answer to the same solicitation changes nothing");

    set_up();
    start();
    old = make_advert(server, mapped);
    old.from = secondary;
    deliver(&old);
    bench_finish(&b);
    is_verdict(QUALIFY_NOT_QUALIFIED, QUALIFY_REJECTED,
               "one address's nonce does not pass from the other address");
}

static void test_noise(void)
{
    static const uint8_t noise[] = {1, 2, 3, 4};
    struct teredo_packet bubble;
    struct in6_addr own = bench_teredo(server.address, mapped);

    set_up();
    start();
    bench_bytes(&b, 0, stranger, noise, sizeof noise);
    teredo_make_bubble(&bubble, &own, &own);
    bench_packet(&b, 0, stranger, &bubble);
    is_int(bench_count(&b, EVENT_REJECTED), 0, "what is no reply is no rejected reply");
    bench_bytes(&b, 0, server, noise, sizeof noise);
    ok(bench_event(&b, EVENT_REJECTED) != NULL &&
           bench_event(&b, EVENT_REJECTED)->rejected.rule == RULE_ENCAPSULATION,
       "from the server it is one, and not well-formed (5.1.1)");
}

static void test_secure(void)
{
    struct teredo_packet rs;
    struct ra_check a;

    set_up();
    config.identity.client_id = "alice";
    config.identity.secret = secret;
    config.identity.secret_size = sizeof secret - 1;
    start();
    bench_last_sent(&b, 0, server, &rs);
    ok(rs.auth.client_id_size == 5 && memcmp(rs.auth.client_id, "alice", 5) == 0,
       "5.2.2: the client identifier is the configured one");
    ok(teredo_auth_verify(secret, sizeof secret - 1, &rs),
       "5.2.2: the authentication value covers nonce, confirmation byte and IPv6 packet");
    a = make_advert(server, mapped);
    deliver(&a);
    is_int(verdict()->advertisements, 0, "5.2.2: without an authentication value: discarded");
    is_int(bench_event(&b, EVENT_REJECTED)->rejected.rule, RULE_AUTH_VALUE, "the rule is named");
    a = make_advert(server, mapped);
    sign(&a, (const uint8_t *)"another secret", 14);
    deliver(&a);
    is_int(bench_count(&b, EVENT_REJECTED), 2, "5.2.2: the values do not match: discarded");
    a = make_advert(server, mapped);
    sign(&a, secret, sizeof secret - 1);
    a.p.origin = remapped;
    deliver(&a);
    is_int(bench_count(&b, EVENT_REJECTED), 3, "5.2.2: the origin indication is protected too");
    a = make_advert(server, mapped);
    sign(&a, secret, sizeof secret - 1);
    deliver(&a);
    a = make_advert(secondary, mapped);
    sign(&a, secret, sizeof secret - 1);
    deliver(&a);
    is_verdict(QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, "5.2.2: the two values match");
    is_int(verdict()->rules[RULE_AUTH_VALUE], RULE_OK, "the rule was checked");
    is_int(verdict()->rejected[RULE_AUTH_VALUE], 3, "the three before are counted");
}

static void test_allow_private(void)
{
    set_up();
    config.allow_private = true;
    start();
    answer(server, (struct endpoint){0x0a000001, 5});
    is_int(bench_count(&b, EVENT_REJECTED), 0, "in a laboratory a private origin is believed");
}

static void test_icmp(void)
{
    static const struct {
        uint8_t code;
        enum qualify_reason reason;
    } errors[] = {
        {2, QUALIFY_REFUSAL(REFUSAL_PORT_UNREACHABLE)},
        {3, QUALIFY_REFUSAL(REFUSAL_PORT_UNREACHABLE)},
        {7, QUALIFY_REFUSAL(REFUSAL_HOST_UNREACHABLE)},
        {9, QUALIFY_REFUSAL(REFUSAL_PROHIBITED)},
        {10, QUALIFY_REFUSAL(REFUSAL_PROHIBITED)},
        {13, QUALIFY_REFUSAL(REFUSAL_PROHIBITED)},
    };

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        char name[64];

        set_up();
        start();
        bench_wait(&b, 50 * NSEC_MS);
        bench_icmp(&b, 0, server, 3, errors[i].code);
        snprintf(name, sizeof name, "ICMP unreachable, code %u", errors[i].code);
        is_verdict(QUALIFY_NOT_QUALIFIED, errors[i].reason, name);
        is_int(verdict()->elapsed, 50 * NSEC_MS, "%s: told at once", name);
        ok(verdict()->has_icmp && verdict()->icmp.code == errors[i].code, "%s: and kept", name);
    }
    set_up();
    start();
    bench_icmp(&b, 0, server, 11, 0);
    bench_icmp(&b, 0, server, 3, 4);
    ok(!b.done, "time exceeded and fragmentation needed are no verdict");
    bench_icmp(&b, 0, stranger, 3, 3);
    ok(!b.done, "nor is an error about another host");
    bench_icmp(&b, 0, secondary, 3, 3);
    ok(!b.done, "an error about the secondary waits for the primary");
    answer(server, mapped);
    is_verdict(QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_PRIMARY, "and then only the primary replied");
    start();
    answer(server, mapped);
    bench_icmp(&b, 0, server, 3, 3);
    ok(!b.done, "an error about an address that has answered is too late to matter");
}

static void test_icmp_hints(void)
{
    static const struct {
        uint8_t code;
        enum refusal refusal;
    } hints[] = {
        {0, REFUSAL_NET_UNREACHABLE},
        {1, REFUSAL_HOST_UNREACHABLE},
        {5, REFUSAL_HOST_UNREACHABLE},
    };

    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        char name[64];

        snprintf(name, sizeof name, "RFC 1122 3.2.2.1: code %u", hints[i].code);
        set_up();
        start();
        bench_icmp(&b, 0, server, 3, hints[i].code);
        bench_icmp(&b, 0, secondary, 3, hints[i].code);
        ok(!b.done, "%s is a hint, and no verdict", name);
        bench_wait(&b, 300 * NSEC_MS);
        is_int(bench_sent(&b, server, TEREDO_RS), 2, "%s: the server is asked again", name);
        answer(server, mapped);
        answer(secondary, mapped);
        is_verdict(QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, name);
        ok(verdict()->has_icmp && verdict()->icmp.code == hints[i].code, "%s: and it is told",
           name);
        set_up();
        start();
        bench_icmp(&b, 0, server, 3, hints[i].code);
        bench_finish(&b);
        is_verdict(QUALIFY_NOT_QUALIFIED, QUALIFY_REFUSAL(hints[i].refusal), name);
        is_int(verdict()->elapsed, 1500 * NSEC_MS, "%s: believed where nothing else comes", name);
    }
}

/* RFC 5927: nobody needs to have seen a packet to forge an error about it. */
static void test_forged_icmp(void)
{
    set_up();
    start();
    for (int i = 0; i < 1000; i++)
        bench_forged_icmp(&b, i % 2 == 0 ? server : secondary, 3);
    ok(!b.done, "errors that do not quote what was sent end nothing");
    bench_wait(&b, 300 * NSEC_MS);
    is_int(bench_sent(&b, server, TEREDO_RS), 2, "the server is asked again");
    answer(server, mapped);
    answer(secondary, mapped);
    is_verdict(QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, "and its answer outranks them");

    start();
    bench_wait(&b, 50 * NSEC_MS);
    bench_forged_icmp(&b, server, 3);
    bench_finish(&b);
    is_verdict(QUALIFY_NOT_QUALIFIED, QUALIFY_REFUSAL(REFUSAL_PORT_UNREACHABLE),
               "where nothing valid comes they are believed");
    is_int(verdict()->elapsed, 1050 * NSEC_MS, "a round trip's bound later");

    start();
    bench_wait(&b, 20 * NSEC_MS);
    answer(server, mapped);
    bench_forged_icmp(&b, secondary, 3);
    bench_finish(&b);
    is_verdict(QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_PRIMARY, "so they are of the secondary");
    is_int(verdict()->elapsed, 110 * NSEC_MS, "where the round trip is known, by that");

    start();
    bench_forged_icmp(&b, server, 3);
    bench_icmp(&b, 0, server, 3, 3);
    ok(b.done, "a real one beside them is told at once");

    start();
    bench_observe(&b, (struct observation){.kind = OBSERVED_ICMP_ERROR,
                                           .from = b.local[0],
                                           .to = server,
                                           .icmp = {3, 3, b.local[0].address},
                                           .quotes_sent = true});
    is_verdict(QUALIFY_NOT_QUALIFIED, QUALIFY_REFUSAL(REFUSAL_SEND_REFUSED),
               "what this host itself says is its own firewall's");
}

static void test_patience(void)
{
    set_up();
    start();
    bench_wait(&b, 20 * NSEC_MS);
    answer(server, mapped);
    bench_finish(&b);
    is_verdict(QUALIFY_INCONCLUSIVE, QUALIFY_ONLY_PRIMARY, "the secondary stays silent");
    is_int(verdict()->elapsed, 1500 * NSEC_MS, "the timeout is used whole where one is missing");
    set_up();
    start();
    bench_wait(&b, 20 * NSEC_MS);
    answer(server, mapped);
    bench_wait(&b, 1400 * NSEC_MS);
    answer(secondary, mapped);
    is_verdict(QUALIFY_QUALIFIED, QUALIFY_BOTH_AGREE, "a late answer within the timeout counts");
}

static void test_two_uplinks(void)
{
    set_up();
    config.local_secondary = local.address + 256;
    start();
    answer(server, mapped);
    answer(secondary, (struct endpoint){mapped.address + 1, mapped.port});
    is_verdict(QUALIFY_INCONCLUSIVE, QUALIFY_TWO_LOCAL_ADDRESSES,
               "two mappings of two local addresses show nothing of a NAT");
    is_int(verdict()->nat, QUALIFY_NAT_UNKNOWN, "and no word of a NAT is said");
}

static void test_send_failed(void)
{
    static const struct {
        int errnum;
        enum qualify_reason reason;
    } errors[] = {
        {ENETUNREACH, QUALIFY_REFUSAL(REFUSAL_NO_ROUTE)},
        {EHOSTUNREACH, QUALIFY_REFUSAL(REFUSAL_NO_ROUTE)},
        {ENETDOWN, QUALIFY_REFUSAL(REFUSAL_NO_ROUTE)},
        {EPERM, QUALIFY_REFUSAL(REFUSAL_SEND_REFUSED)},
        {EACCES, QUALIFY_REFUSAL(REFUSAL_SEND_REFUSED)},
    };

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        set_up();
        start();
        bench_send_failed(&b, 0, server, errors[i].errnum);
        is_verdict(QUALIFY_NOT_QUALIFIED, errors[i].reason, strerror(errors[i].errnum));
        ok(verdict()->errnum == errors[i].errnum && !verdict()->has_icmp,
           "%s: the system's error is kept, and no ICMP made up", strerror(errors[i].errnum));
    }
}

static void test_stop(void)
{
    struct ra_check late;

    for (int stage = 0; stage < 3; stage++) {
        set_up();
        start();
        if (stage > 0)
            answer(server, mapped);
        if (stage > 1)
            bench_wait(&b, 120 * NSEC_MS);
        bench_stop(&b);
        is_verdict(QUALIFY_INCONCLUSIVE, QUALIFY_INTERRUPTED, "interrupted");
        is_int(verdict()->has_address, stage > 0, "what was found by then is told");
    }
    late = make_advert(secondary, mapped);
    bench_forget(&b);
    deliver(&late);
    bench_stop(&b);
    ok(b.event_count == 0 && b.send_count == 0, "after the verdict nothing happens any more");
    is_int(engine_deadline(&q.engine), NSEC_NEVER, "and no timer is asked for");
    qualify_init(&q, &config);
    memset(&b, 0, sizeof b);
    b.engine = &q.engine;
    b.now = BENCH_EPOCH;
    bench_stop(&b);
    is_verdict(QUALIFY_INCONCLUSIVE, QUALIFY_INTERRUPTED, "interrupted before it began");
    is_int(verdict()->elapsed, 0, "which took no time");
}

/* Any observation at any time: no crash, no endless work, deadlines that move on. */
static void test_anything(void)
{
    const struct endpoint who[] = {server, secondary, stranger};
    struct prng random = {42};
    unsigned bad = 0, verdicts = 0;

    for (int run = 0; run < 2000; run++) {
        nsec last = BENCH_EPOCH;

        set_up();
        config.attempts = prng_below(&random, 10);
        start();
        for (int i = 0; i < 50; i++) {
            struct endpoint peer = who[prng_below(&random, 3)];

            switch (prng_below(&random, 8)) {
            case 0:
            case 1:
                bench_wait(&b, prng_below(&random, 300) * NSEC_MS);
                break;
            case 2:
                bench_icmp(&b, prng_below(&random, 2), peer,
                           (uint8_t)(3 + 8 * prng_below(&random, 2)),
                           (uint8_t)prng_below(&random, 16));
                break;
            case 3:
                bench_send_failed(&b, (uint32_t)prng_next(&random), peer, EPERM);
                break;
            case 4:
                bench_observe(&b, (struct observation){.kind = OBSERVED_SENT,
                                                       .tag = (uint32_t)prng_next(&random),
                                                       .to = peer});
                break;
            case 5:
                bench_observe(&b, (struct observation){.kind = OBSERVED_TIMER});
                break;
            default:
                if (!endpoint_equal(peer, stranger)) {
                    struct ra_check a = make_advert(peer, mapped);

                    spoils[prng_below(&random, sizeof spoils / sizeof *spoils)].spoil(&a);
                    deliver(&a);
                }
            }
            bad += b.now < last || (!b.done && engine_deadline(&q.engine) == NSEC_NEVER);
            last = b.now;
        }
        bench_finish(&b);
        verdicts += bench_count(&b, EVENT_QUALIFICATION);
        bad += b.after_done > 0 || verdict()->verdict == QUALIFY_QUALIFIED;
    }
    is_int(bad, 0, "100,000 random observations: never qualified, never stuck");
    is_int(verdicts, 2000, "and one verdict each run");
}

static void is_reason(enum qualify_reason reason, const char *name)
{
    is_str(code_of(&qualify_reasons, verdict()->reason), code_of(&qualify_reasons, reason),
           "%s: the reason", name);
}

/* Servers as they are: what a qualification says of those that break one rule. */
static void spoil(struct ra_check *a, unsigned how)
{
    switch (how) {
    case 1:
        a->p.has_origin = false;
        break;
    case 2:
        a->p.has_auth = false;
        break;
    case 3:
        a->p.auth.confirmation = 1;
        break;
    case 4:
        a->p.origin.address = 0x0a000001;
        break;
    case 5:
        a->p.ip6.hop_limit = 64;
        break;
    default:
        break;
    }
}

static bool shows(enum qualify_evidence word)
{
    return (verdict()->evidence & UINT32_C(1) << word) != 0;
}

static void is_advice(const char *part, const char *name)
{
    ok(strstr(qualification_advice(verdict()), part) != NULL, "%s: the advice: %s", name,
       qualification_advice(verdict()));
}

static void test_odd_servers(void)
{
    static const struct {
        unsigned how;
        const char *name, *advice;
        enum qualify_evidence shows;
    } rows[] = {
        {1, "answers without an origin indication", "leaves out the origin",
         QUALIFY_EVIDENCE_ANSWER_WITHOUT_ORIGIN},
        {2, "answers without a nonce", "does not repeat the nonce",
         QUALIFY_EVIDENCE_ANSWER_WITHOUT_AUTHENTICATION},
        {3, "answers only clients that it knows", "give --auth-id", QUALIFY_EVIDENCE_KEY_REFUSED},
        {4, "sees a private origin", "not global", QUALIFY_EVIDENCE_PRIVATE_ORIGIN},
        {5, "sets another hop limit", "the rule that the server breaks",
         QUALIFY_EVIDENCE_ANSWER_WITH_NONCE},
    };

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_up();
        start();
        for (int n = 0; n < 2; n++) {
            struct ra_check a = make_advert(n == 0 ? server : secondary, mapped);

            spoil(&a, rows[i].how);
            deliver(&a);
        }
        bench_finish(&b);
        is_reason(QUALIFY_REJECTED, rows[i].name);
        ok(shows(rows[i].shows) && shows(QUALIFY_EVIDENCE_REJECTED_ANSWER) &&
               !shows(QUALIFY_EVIDENCE_PRIMARY_SILENCE),
           "%s: the evidence", rows[i].name);
        is_advice(rows[i].advice, rows[i].name);
    }
}

/* The answer to what WHOM was asked comes FROM elsewhere. */
static void answer_from(struct endpoint whom, struct endpoint from)
{
    struct ra_check a = make_advert(whom, mapped);

    a.from = from;
    deliver(&a);
}

static void test_answers_from_elsewhere(void)
{
    set_up();
    start();
    answer_from(server, secondary);
    answer_from(secondary, server);
    bench_finish(&b);
    is_reason(QUALIFY_REJECTED, "crosswise");
    ok(shows(QUALIFY_EVIDENCE_CROSSED_ANSWER) && endpoint_is_unset(verdict()->answered_from),
       "crosswise: the evidence");
    is_advice("each of the two addresses answers for the other", "crosswise");

    start();
    answer_from(server, stranger);
    answer_from(secondary, stranger);
    bench_finish(&b);
    is_reason(QUALIFY_REJECTED, "from another address");
    ok(shows(QUALIFY_EVIDENCE_ANSWER_ELSEWHERE) &&
           endpoint_equal(verdict()->answered_from, stranger),
       "from another address: which is told");
    is_advice("--secondary", "from another address");

    start();
    answer(server, mapped);
    answer_from(secondary, stranger);
    bench_finish(&b);
    is_reason(QUALIFY_ONLY_PRIMARY, "the secondary's answer from another address");
    ok(endpoint_equal(verdict()->answered_from, stranger),
       "the secondary's answer from another address: which is told");
    is_advice("name the address that the answer came from",
              "the secondary's answer from another address");

    start();
    answer(server, mapped);
    answer_from(secondary, server);
    bench_finish(&b);
    is_reason(QUALIFY_ONLY_PRIMARY, "the primary answers for both");
    is_advice("answers for the second one as well", "the primary answers for both");

    start();
    answer(secondary, mapped);
    answer_from(server, secondary);
    bench_finish(&b);
    is_reason(QUALIFY_ONLY_SECONDARY, "the secondary answers for both");
    is_advice("answers for the primary one as well", "the secondary answers for both");

    start();
    answer(server, mapped);
    bench_icmp(&b, 0, secondary, 3, 3);
    is_reason(QUALIFY_ONLY_PRIMARY, "nobody at the second address");
    is_advice("what was asked refuses", "nobody at the second address");
}

static void test_no_reply_advice(void)
{
    set_up();
    start();
    bench_finish(&b);
    is_reason(QUALIFY_NO_REPLY, "silence");
    ok(shows(QUALIFY_EVIDENCE_PRIMARY_SILENCE) && shows(QUALIFY_EVIDENCE_SECONDARY_SILENCE),
       "silence: the evidence");
    is_advice("only clients with --auth-id", "a server may want authentication");
    config.identity = (struct rs_identity){"me", secret, sizeof secret - 1};
    start();
    bench_finish(&b);
    is_reason(QUALIFY_NO_REPLY, "silence after authentication");
    is_advice("identifier or its key", "a server may not know the client");
    ok(strstr(qualification_advice(verdict()), "--auth-id") == NULL,
       "but nobody is told to do what was done");

    start();
    for (int n = 0; n < 2; n++) {
        struct ra_check a = make_advert(n == 0 ? server : secondary, mapped);

        a.p.auth.confirmation = 1;
        sign(&a, secret, sizeof secret - 1);
        deliver(&a);
    }
    bench_finish(&b);
    is_reason(QUALIFY_REJECTED, "a key that is refused");
    is_advice("get a new one", "a key that is refused");
}

static void test_no_buffers(void)
{
    set_up();
    start();
    bench_send_failed(&b, 0, server, ENOBUFS);
    bench_send_failed(&b, QUALIFY_MAX_ATTEMPTS, secondary, ENOBUFS);
    ok(!b.done, "a full queue is loss, and ends nothing");
    answer(server, mapped);
    answer(secondary, mapped);
    is_reason(QUALIFY_BOTH_AGREE, "what was sent later is answered");

    qualify_init(&q, &config);
    memset(&b, 0, sizeof b);
    b.engine = &q.engine;
    b.now = BENCH_EPOCH;
    b.mute = true;
    bench_observe(&b, (struct observation){.kind = OBSERVED_TIMER});
    for (unsigned i = 0; !b.done; i++) {
        for (; i < b.send_count; i++)
            bench_send_failed(&b, b.sends[i].tag, b.sends[i].to, ENOBUFS);
        bench_until(&b, engine_deadline(&q.engine));
    }
    is_reason(QUALIFY_NOT_SENT, "a queue that stays full");
    ok(verdict()->verdict == QUALIFY_INCONCLUSIVE && shows(QUALIFY_EVIDENCE_NOTHING_SENT) &&
           verdict()->solicitations == 0,
       "is no silence of the server's");
}

int main(void)
{
    ok(sizeof(struct qualify) <= 2048, "thousands at once take little memory: %zu bytes each",
       sizeof(struct qualify));
    test_solicitation();
    test_schedule();
    test_known_rtt();
    test_mappings();
    test_retransmission_is_matched();
    test_rules();
    test_rejected_is_no_harm();
    test_secondary_may_name_itself();
    test_replay();
    test_noise();
    test_secure();
    test_allow_private();
    test_icmp();
    test_icmp_hints();
    test_forged_icmp();
    test_patience();
    test_two_uplinks();
    test_send_failed();
    test_odd_servers();
    test_answers_from_elsewhere();
    test_no_reply_advice();
    test_no_buffers();
    test_stop();
    test_anything();
    return done_testing();
}
