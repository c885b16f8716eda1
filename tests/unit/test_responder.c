/* The listening client: which packets it believes (RFC 4380 5.2.3), what it answers and how often
 * (5.2.6, RFC 6081), and how it keeps its mapping (5.2.5). */
#include "responder.h"

#include <errno.h>

#include "bytes.h"

#include "engine_fixture.h"
#include "prng.h"

static const struct endpoint server = {0xc0000281, TEREDO_PORT};
static const struct endpoint secondary = {0xc0000282, TEREDO_PORT};
static const struct endpoint peer_server = {0xc0000201, TEREDO_PORT};
static const struct endpoint local = {0x64400202, 40001};
static const struct endpoint mapped = {0xc6336414, 40001};
static const struct endpoint remapped = {0xc6336414, 40009};
static const struct endpoint peer_mapped = {0xcb00710a, 50001};
static const struct endpoint elsewhere = {0xcb00710a, 50002};
static const struct endpoint stranger = {0xcb007163, 999};

static struct bench b;
static struct responder r;
static struct responder_config config;
static struct in6_addr own, peer;

static void set_up(void)
{
    own = bench_teredo(server.address, mapped);
    peer = bench_teredo(peer_server.address, peer_mapped);
    config = (struct responder_config){
        .qualify = {.server = server,
                    .secondary = secondary,
                    .local = local,
                    .timeout = 1500 * NSEC_MS,
                    .attempts = 3,
                    .flags = 0x0c21,
                    .nonces = {.key = {7}}},
        .refresh_interval = 30 * NSEC_S,
        .nonces = {.key = {8}},
    };
}

static void advertise(struct endpoint from, struct endpoint origin)
{
    bench_advertise(&b, server, from, origin);
}

/* Starts, qualifies, and forgets what that took. */
static void listen_now(void)
{
    responder_init(&r, &config);
    bench_start(&b, &r.engine, local);
    advertise(server, mapped);
    advertise(secondary, mapped);
    bench_forget(&b);
}

static void set_nonce(struct teredo_packet *p, const uint8_t *nonce)
{
    if (nonce == NULL)
        return;
    p->trailers[0] = (struct teredo_trailer){TRAILER_NONCE, 4, nonce};
    p->trailer_count = 1;
}

static const uint8_t nonce_1[4] = {1, 2, 3, 4}, nonce_2[4] = {1, 2, 3, 5};

/* The nonce of our last indirect bubble to the peer's server, as it came in. */
static const uint8_t *nonce_sent(void)
{
    static uint8_t nonce[4];
    struct teredo_packet p;
    uint32_t value = 0;

    if (bench_last_sent(&b, 0, peer_server, &p))
        teredo_trailer_nonce(&p, &value);
    store_u32(nonce, value);
    return nonce;
}

static void direct_bubble(const struct in6_addr *source, struct endpoint from, const uint8_t *nonce)
{
    struct teredo_packet p;

    teredo_make_bubble(&p, source, &own);
    set_nonce(&p, nonce);
    bench_packet(&b, 0, from, &p);
}

static void indirect_bubble(const struct in6_addr *source, const struct endpoint *origin,
                            const uint8_t *nonce)
{
    struct teredo_packet p;

    teredo_make_bubble(&p, source, &own);
    set_nonce(&p, nonce);
    p.has_origin = origin != NULL;
    if (origin != NULL)
        p.origin = *origin;
    bench_packet(&b, 0, server, &p);
}

static void echo_request(const struct in6_addr *source, struct endpoint from)
{
    struct teredo_packet p;
    uint8_t buf[16];

    teredo_make_echo(&p, source, &own,
                     &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, 5, 6, "payload!", 8}, buf);
    bench_packet(&b, 0, from, &p);
}

static unsigned told(enum peer_activity activity)
{
    unsigned n = 0;

    for (unsigned i = 0; i < b.event_count; i++)
        n += b.events[i].kind == EVENT_PEER && b.events[i].peer.activity == activity;
    return n;
}

static void test_start(void)
{
    set_up();
    responder_init(&r, &config);
    bench_start(&b, &r.engine, local);
    advertise(server, mapped);
    ok(bench_event(&b, EVENT_QUALIFICATION) == NULL, "one advertisement is not yet an address");
    indirect_bubble(&peer, &peer_mapped, NULL);
    is_int(told(PEER_INDIRECT_BUBBLE), 0, "nor is anybody answered before there is one");
    advertise(secondary, mapped);
    ok(bench_event(&b, EVENT_QUALIFICATION) != NULL &&
           ip6_equal(&bench_event(&b, EVENT_QUALIFICATION)->qualification.teredo_address, &own),
       "the qualification tells the address");
    ok(!b.done, "and the responder listens");

    responder_init(&r, &config);
    bench_start(&b, &r.engine, local);
    bench_finish(&b);
    ok(b.done && bench_count(&b, EVENT_QUALIFICATION) == 1 && bench_count(&b, EVENT_LISTENED) == 0,
       "without an address it ends there");
    responder_init(&r, &config);
    bench_start(&b, &r.engine, local);
    bench_stop(&b);
    ok(b.done && bench_event(&b, EVENT_QUALIFICATION)->qualification.reason == QUALIFY_INTERRUPTED,
       "interrupted while it qualifies, it says so");
    responder_init(&r, &config);
    bench_start(&b, &r.engine, local);
    advertise(server, mapped);
    advertise(secondary, remapped);
    ok(!b.done && bench_event(&b, EVENT_QUALIFICATION)->qualification.nat == QUALIFY_NAT_SYMMETRIC,
       "behind a symmetric NAT it listens all the same, and tells it");
}

static void test_indirect_bubble(void)
{
    struct teredo_packet p;
    uint32_t nonce;

    set_up();
    listen_now();
    indirect_bubble(&peer, NULL, nonce_1);
    ok(bench_last_sent(&b, 0, peer_mapped, &p) && p.kind == TEREDO_BUBBLE &&
           ip6_equal(&p.ip6.source, &own) && ip6_equal(&p.ip6.destination, &peer),
       "5.2.6: a direct bubble to the mapped endpoint in the peer's address");
    ok(teredo_trailer_nonce(&p, &nonce) && nonce == 0x01020304,
       "RFC 6081 5.2.4.2: it repeats the nonce");
    ok(bench_last_sent(&b, 0, peer_server, &p) && teredo_trailer_nonce(&p, &nonce) &&
           nonce != 0x01020304 && nonce == r.peers[0].nonce_sent && ip6_equal(&p.ip6.source, &own),
       "RFC 6081 5.2.4.1: an indirect bubble to the peer's server, with a nonce of our own");
    ok(told(PEER_ANSWERED) == 1 && told(PEER_ANSWERED_INDIRECTLY) == 1 && told(PEER_TRUSTED) == 0,
       "the peer is not trusted for that");
    listen_now();
    indirect_bubble(&peer, NULL, NULL);
    ok(bench_last_sent(&b, 0, peer_mapped, &p) && p.trailer_count == 0,
       "without nonce there is none in the answer");
}

static void test_link_local(void)
{
    struct in6_addr source = {{{0xfe, 0x80, [8] = 0x1c, [15] = 9}}};
    struct teredo_packet p;

    set_up();
    listen_now();
    indirect_bubble(&source, NULL, NULL);
    is_int(b.send_count, 0, "nobody knows where a link-local source lives");
    indirect_bubble(&source, &elsewhere, NULL);
    is_int(b.send_count, 1, "the origin indication tells, and no other way is known");
    ok(bench_last_sent(&b, 0, elsewhere, &p) && ip6_equal(&p.ip6.destination, &source),
       "miredo's way: the answer goes to the origin, addressed to the link-local source");
    direct_bubble(&source, elsewhere, NULL);
    is_int(told(PEER_TRUSTED), 1, "the same source directly: the path is open");
    echo_request(&peer, elsewhere);
    is_int(told(PEER_ECHOED), 1, "data from its Teredo address comes from the proven endpoint");

    listen_now();
    direct_bubble(&source, stranger, NULL);
    is_int(told(PEER_UNPROVEN), 1, "a link-local source that our server never named is no proof");
    is_int(b.send_count, 0, "and is not answered");
    indirect_bubble(&source, &elsewhere, NULL);
    is_int(told(PEER_TRUSTED), 1, "once it is named, the direct bubble that came first is proven");
    is_int(bench_sent(&b, stranger, TEREDO_BUBBLE), 1, "and answered to where it came from");
}

static void test_rate(void)
{
    set_up();
    listen_now();
    indirect_bubble(&peer, NULL, NULL);
    bench_wait(&b, 2 * NSEC_S - 1);
    indirect_bubble(&peer, NULL, NULL);
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 1,
           "5.2.6: no bubble within 2 seconds of the last");
    is_int(told(PEER_RATE_LIMITED), 1, "and the reporter hears of it");
    bench_wait(&b, 1);
    for (int i = 0; i < 6; i++) {
        indirect_bubble(&peer, NULL, NULL);
        bench_wait(&b, 10 * NSEC_S);
    }
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 4,
           "5.2.6: no more than 4 bubbles in 300 seconds without a direct response");
    bench_wait(&b, 240 * NSEC_S);
    indirect_bubble(&peer, NULL, NULL);
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 5, "after 300 seconds it may try again");

    listen_now();
    for (int i = 0; i < 10; i++) {
        indirect_bubble(&peer, NULL, NULL);
        direct_bubble(&peer, peer_mapped, NULL);
        bench_wait(&b, 2 * NSEC_S);
    }
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 10,
           "5.2.6: direct responses set the count back");
    is_int(told(PEER_TRUSTED), 1, "that the path is open is told once");
}

static void test_direct_bubble(void)
{
    struct teredo_packet p;

    set_up();
    listen_now();
    direct_bubble(&peer, peer_mapped, nonce_1);
    is_int(told(PEER_TRUSTED), 1, "5.2.3 rule 3: from the endpoint in its address: trusted");
    ok(b.send_count == 1 && bench_last_sent(&b, 0, peer_mapped, &p) && p.trailer_count == 0,
       "5.2.3: a bubble that came unasked is answered directly; RFC 6081 5.2.4.2: without a nonce, "
       "though it has one, as Windows' has");
    direct_bubble(&peer, peer_mapped, nonce_1);
    is_int(b.send_count, 1, "not again within 2 seconds");
    bench_wait(&b, 2 * NSEC_S);
    direct_bubble(&peer, peer_mapped, nonce_1);
    is_int(b.send_count, 2, "but after them, for the first answer may be lost");
    bench_wait(&b, 2 * NSEC_S);
    indirect_bubble(&peer, NULL, nonce_1);
    ok(bench_sent(&b, peer_mapped, TEREDO_BUBBLE) == 3 &&
           bench_sent(&b, peer_server, TEREDO_BUBBLE) == 0,
       "a trusted peer needs no answer through its server");
}

static void test_spoofed(void)
{
    set_up();
    listen_now();
    direct_bubble(&peer, stranger, nonce_1);
    echo_request(&peer, stranger);
    is_int(told(PEER_UNPROVEN), 2, "5.2.3 rule 6: the source address may be spoofed");
    is_int(b.send_count, 0, "nothing is sent to the spoofer");
    indirect_bubble(&peer, NULL, NULL);
    is_int(bench_sent(&b, stranger, TEREDO_BUBBLE), 0,
           "not even when the true peer asks without a nonce");
    is_int(told(PEER_TRUSTED), 0, "and it is not trusted");

    listen_now();
    direct_bubble(&peer, stranger, nonce_2);
    indirect_bubble(&peer, NULL, nonce_1);
    ok(bench_sent(&b, stranger, TEREDO_BUBBLE) == 0 && told(PEER_TRUSTED) == 0,
       "nor when the true peer's nonce is another one");
    listen_now();
    direct_bubble(&peer, stranger, NULL);
    indirect_bubble(&peer, NULL, nonce_1);
    ok(bench_sent(&b, stranger, TEREDO_BUBBLE) == 0 && told(PEER_TRUSTED) == 0,
       "nor when the spoofed bubble had none");
    direct_bubble(&peer, stranger, nonce_2);
    ok(bench_sent(&b, stranger, TEREDO_BUBBLE) == 0 && told(PEER_TRUSTED) == 0, "nor after it");
    direct_bubble(&peer, stranger, nonce_1);
    ok(bench_sent(&b, stranger, TEREDO_BUBBLE) == 0 && told(PEER_TRUSTED) == 0,
       "nor with the nonce that came through our server, which whoever sent it has chosen");
    echo_request(&peer, stranger);
    is_int(told(PEER_ECHOED), 0, "data from there is not answered");
}

static const struct in6_addr secret = {{{0xfe, 0x80, [8] = 0x1c, [15] = 9}}};

static void test_hijack(void)
{
    struct in6_addr attacker = bench_teredo(peer_server.address, stranger);

    set_up();
    listen_now();
    direct_bubble(&attacker, stranger, nonce_1);
    is_int(told(PEER_TRUSTED), 1, "an attacker is believed for the address that embeds it");
    bench_forget(&b);
    direct_bubble(&peer, stranger, nonce_1);
    echo_request(&peer, stranger);
    is_int(told(PEER_UNPROVEN), 2, "5.2.3: but its endpoint vouches for no other address");
    is_int(b.send_count, 0, "nothing is sent to it as the victim's");
    indirect_bubble(&peer, NULL, nonce_2);
    ok(bench_sent(&b, peer_mapped, TEREDO_BUBBLE) == 1 &&
           bench_sent(&b, stranger, TEREDO_BUBBLE) == 0,
       "the victim is answered at the endpoint in its own address");
    is_int(r.trusted_peers, 1, "and has not reached us yet");
    direct_bubble(&peer, peer_mapped, nonce_2);
    is_int(told(PEER_TRUSTED), 1, "it is believed when it comes from there");
    direct_bubble(&peer, stranger, nonce_1);
    bench_forget(&b);
    bench_wait(&b, 2 * NSEC_S);
    indirect_bubble(&peer, NULL, NULL);
    ok(bench_sent(&b, peer_mapped, TEREDO_BUBBLE) == 1 &&
           bench_sent(&b, stranger, TEREDO_BUBBLE) == 0,
       "nor does the attacker move a victim that is trusted already");
}

static void test_hijack_through_link_local(void)
{
    struct in6_addr second = bench_teredo(peer_server.address, (struct endpoint){0xcb00710a, 7});

    set_up();
    listen_now();
    indirect_bubble(&secret, &stranger, NULL);
    direct_bubble(&secret, stranger, NULL);
    is_int(told(PEER_TRUSTED), 1, "an unguessable source proves its endpoint");
    bench_forget(&b);
    direct_bubble(&peer, stranger, NULL);
    echo_request(&peer, stranger);
    ok(told(PEER_UNPROVEN) == 2 && b.send_count == 0,
       "but neither for a victim's bubbles nor for its data");

    listen_now();
    indirect_bubble(&secret, &elsewhere, NULL);
    direct_bubble(&secret, elsewhere, NULL);
    bench_forget(&b);
    direct_bubble(&peer, elsewhere, NULL);
    ok(told(PEER_UNPROVEN) == 1 && b.send_count == 0,
       "nor for the bubbles of one behind the same IPv4 address");
    echo_request(&peer, elsewhere);
    is_int(bench_sent(&b, elsewhere, TEREDO_ECHO_REPLY), 1,
           "whose echo from there is answered to where it came from");
    indirect_bubble(&peer, NULL, NULL);
    ok(bench_sent(&b, peer_mapped, TEREDO_BUBBLE) == 1 &&
           bench_sent(&b, elsewhere, TEREDO_BUBBLE) == 0 && told(PEER_TRUSTED) == 0,
       "which moves no answer for that address: it goes to the endpoint in the address");
    bench_forget(&b);
    echo_request(&second, elsewhere);
    ok(told(PEER_UNPROVEN) == 1 && b.send_count == 0,
       "and a second Teredo address from the same endpoint is not answered");
    is_int(r.trusted_peers, 1, "one client counts once");
}

static void test_guessable(void)
{
    struct in6_addr guessable[] = {
        teredo_link_local(TEREDO_FLAG_CONE, elsewhere),
        teredo_link_local(0, elsewhere),
        {{{0xfe, 0x80, [15] = 1}}},
        {{{[15] = 1}}},
        {{{0x20, 0x01, 0x0d, 0xb8, [15] = 1}}},
    };

    set_up();
    for (unsigned i = 0; i < sizeof guessable / sizeof *guessable; i++) {
        listen_now();
        direct_bubble(&guessable[i], stranger, NULL);
        indirect_bubble(&guessable[i], &elsewhere, NULL);
        direct_bubble(&guessable[i], stranger, NULL);
        ok(told(PEER_TRUSTED) == 0 && told(PEER_UNPROVEN) == 2 &&
               bench_sent(&b, stranger, TEREDO_BUBBLE) == 0,
           "a source that anybody can write is no proof, before and after our server named it (%u)",
           i);
        direct_bubble(&guessable[i], elsewhere, NULL);
        is_int(told(PEER_TRUSTED), 0, "not even from the endpoint that our server named");
        indirect_bubble(&guessable[i], &elsewhere, nonce_1);
        direct_bubble(&guessable[i], elsewhere, nonce_1);
        is_int(told(PEER_TRUSTED), 0, "nor with a nonce that it has chosen itself");
    }
}

static void test_stale(void)
{
    uint8_t first[4];

    set_up();
    listen_now();
    indirect_bubble(&peer, NULL, nonce_1);
    memcpy(first, nonce_sent(), sizeof first);
    direct_bubble(&peer, elsewhere, first);
    bench_forget(&b);
    bench_wait(&b, RESPONDER_TRUST - 1);
    indirect_bubble(&peer, NULL, NULL);
    is_int(bench_sent(&b, elsewhere, TEREDO_BUBBLE), 1,
           "5.2.4: within 30 seconds of its last packet a peer is answered where it was proven");
    bench_forget(&b);
    bench_wait(&b, 2 * NSEC_S);
    indirect_bubble(&peer, NULL, NULL);
    ok(bench_sent(&b, elsewhere, TEREDO_BUBBLE) == 0 &&
           bench_sent(&b, peer_mapped, TEREDO_BUBBLE) == 1 &&
           bench_sent(&b, peer_server, TEREDO_BUBBLE) == 1,
       "after 30 seconds of silence the old endpoint is not answered, but the one in the address");
    bench_forget(&b);
    echo_request(&peer, elsewhere);
    ok(told(PEER_UNPROVEN) == 1 && b.send_count == 0, "nor is the old endpoint believed");
    direct_bubble(&peer, elsewhere, first);
    is_int(told(PEER_TRUSTED), 0, "not with the nonce of then either");
    bench_wait(&b, 2 * NSEC_S);
    indirect_bubble(&peer, NULL, nonce_2);
    direct_bubble(&peer, stranger, nonce_sent());
    is_int(told(PEER_TRUSTED), 1, "a new mapping is learned by a new proof");
    is_int(r.trusted_peers, 1, "and the peer counts once");

    listen_now();
    indirect_bubble(&peer, NULL, nonce_1);
    direct_bubble(&peer, elsewhere, nonce_sent());
    for (int i = 0; i < 4; i++) {
        bench_wait(&b, 20 * NSEC_S);
        echo_request(&peer, elsewhere);
    }
    is_int(told(PEER_ECHOED), 4, "each packet that is believed prolongs the trust");
}

static void test_stale_link_local(void)
{
    set_up();
    listen_now();
    indirect_bubble(&secret, &elsewhere, NULL);
    direct_bubble(&secret, elsewhere, NULL);
    echo_request(&peer, elsewhere);
    bench_forget(&b);
    bench_wait(&b, 40 * NSEC_S);
    echo_request(&peer, elsewhere);
    ok(told(PEER_UNPROVEN) == 1 && bench_sent(&b, elsewhere, TEREDO_ECHO_REPLY) == 0,
       "after 30 seconds of silence a link-local source's endpoint speaks for nobody");
    direct_bubble(&secret, stranger, NULL);
    is_int(told(PEER_UNPROVEN), 2, "and its new mapping is not believed at once");
    indirect_bubble(&secret, &stranger, NULL);
    ok(bench_sent(&b, stranger, TEREDO_BUBBLE) == 1 &&
           bench_sent(&b, elsewhere, TEREDO_BUBBLE) == 0,
       "the answer goes to the new mapping, not to the old one");
    is_int(told(PEER_TRUSTED), 1, "which is learned when it comes through our server again");
}

static void test_kept_by_strangers(void)
{
    set_up();
    listen_now();
    indirect_bubble(&peer, NULL, nonce_1);
    direct_bubble(&peer, elsewhere, nonce_sent());
    for (int i = 0; i < 4; i++) {
        bench_wait(&b, 10 * NSEC_S);
        direct_bubble(&peer, stranger, NULL);
    }
    bench_forget(&b);
    indirect_bubble(&peer, NULL, NULL);
    is_int(bench_sent(&b, elsewhere, TEREDO_BUBBLE), 0,
           "5.2.4: what a stranger sends in the peer's name does not prolong the trust");
}

static void test_nonce(void)
{
    struct teredo_packet p;
    uint32_t nonce = 0;

    set_up();
    listen_now();
    indirect_bubble(&peer, NULL, nonce_1);
    direct_bubble(&peer, elsewhere, nonce_sent());
    is_int(told(PEER_TRUSTED), 1,
           "RFC 6081 5.2.4.4: our nonce proves a bubble from another endpoint");
    ok(bench_sent(&b, elsewhere, TEREDO_BUBBLE) == 1 && bench_last_sent(&b, 0, elsewhere, &p) &&
           teredo_trailer_nonce(&p, &nonce) && nonce == 0x01020304,
       "and it is answered there at once, with its nonce: that opens our NAT to the new mapping");
    echo_request(&peer, elsewhere);
    is_int(bench_sent(&b, elsewhere, TEREDO_ECHO_REPLY), 1, "data from there is answered");
    direct_bubble(&peer, peer_mapped, NULL);
    ok(endpoint_equal(r.peers[0].endpoint, peer_mapped),
       "RFC 6081 5.2.4.4: the endpoint in the address is accepted whatever was proven before, and "
       "is where the peer is from then on");
}

static void is_proof(enum punch_proof proof, const char *name)
{
    const struct event *e = NULL;

    for (unsigned i = 0; i < b.event_count; i++)
        if (b.events[i].kind == EVENT_PEER && b.events[i].peer.activity == PEER_TRUSTED)
            e = &b.events[i];
    is_str(e == NULL ? "none" : code_of(&punch_proofs, e->peer.proof),
           code_of(&punch_proofs, proof), "%s", name);
}

static void test_proofs(void)
{
    set_up();
    listen_now();
    direct_bubble(&peer, peer_mapped, NULL);
    is_proof(PROOF_ENDPOINT, "an endpoint vouches for the address that embeds it");
    listen_now();
    indirect_bubble(&peer, NULL, nonce_1);
    direct_bubble(&peer, elsewhere, nonce_sent());
    is_proof(PROOF_NONCE, "a nonce proves another one");
    listen_now();
    indirect_bubble(&secret, &elsewhere, NULL);
    direct_bubble(&secret, elsewhere, NULL);
    is_proof(PROOF_LINK_LOCAL, "an unguessable source proves its own");
    listen_now();
    direct_bubble(&secret, elsewhere, NULL);
    indirect_bubble(&secret, &elsewhere, NULL);
    is_proof(PROOF_LINK_LOCAL, "in either order");
}

static void test_nonce_of_another(void)
{
    struct in6_addr other = bench_teredo(peer_server.address, stranger);
    uint8_t first[4];

    set_up();
    listen_now();
    indirect_bubble(&peer, NULL, nonce_1);
    memcpy(first, nonce_sent(), sizeof first);
    indirect_bubble(&other, NULL, nonce_1);
    ok(memcmp(first, nonce_sent(), sizeof first) != 0,
       "RFC 6081 5.2.4.1: each peer is sent a nonce of its own");
    direct_bubble(&peer, elsewhere, nonce_sent());
    is_int(told(PEER_TRUSTED), 0, "and the one's proves nothing for the other");
    direct_bubble(&other, elsewhere, nonce_sent());
    is_int(told(PEER_TRUSTED), 1, "but for itself");
    bench_wait(&b, 2 * NSEC_S);
    indirect_bubble(&peer, NULL, nonce_1);
    ok(memcmp(first, nonce_sent(), sizeof first) != 0,
       "RFC 6081 5.2.4.1: each indirect bubble has a new nonce");
    direct_bubble(&peer, elsewhere, first);
    is_int(told(PEER_TRUSTED), 1, "and the last one counts, as in 5.2.1");
    direct_bubble(&peer, elsewhere, nonce_sent());
    is_int(told(PEER_TRUSTED), 2, "which is the peer's proof");
}

static void test_nonce_received(void)
{
    struct teredo_packet p;
    uint32_t nonce = 0;

    set_up();
    listen_now();
    direct_bubble(&peer, peer_mapped, nonce_2);
    indirect_bubble(&peer, NULL, nonce_1);
    ok(bench_sent(&b, peer_mapped, TEREDO_BUBBLE) == 2 && bench_last_sent(&b, 0, peer_mapped, &p) &&
           teredo_trailer_nonce(&p, &nonce) && nonce == 0x01020304,
       "RFC 6081 5.2.4.2: the nonce of a pair whose direct bubble came first is repeated at once");
    indirect_bubble(&peer, NULL, nonce_2);
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 2,
           "RFC 4380 5.2.6: another one not within 2 seconds");
    bench_wait(&b, 2 * NSEC_S);
    direct_bubble(&peer, peer_mapped, NULL);
    ok(bench_last_sent(&b, 0, peer_mapped, &p) && teredo_trailer_nonce(&p, &nonce) &&
           nonce == 0x01020305,
       "RFC 6081 5.2.4.3: the nonce of the last indirect bubble is kept");
    bench_wait(&b, 2 * NSEC_S);
    indirect_bubble(&peer, NULL, NULL);
    ok(bench_last_sent(&b, 0, peer_mapped, &p) && p.trailer_count == 0,
       "RFC 6081 5.2.4.3: and forgotten where the last one has none");
}

static void test_habits(void)
{
    struct teredo_packet p;

    set_up();
    listen_now();
    for (int hops = 0; hops <= 21; hops += 21) {
        teredo_make_bubble(&p, &peer, &own);
        p.ip6.hop_limit = (uint8_t)hops;
        p.trailers[0] = (struct teredo_trailer){TRAILER_NONCE, 4, nonce_1};
        p.trailers[1] =
            (struct teredo_trailer){TRAILER_ND_OPTION, 4, (const uint8_t[]){0, 0, 0, 0}};
        p.trailer_count = hops == 0 ? 0 : 2;
        bench_packet(&b, 0, peer_mapped, &p);
        bench_wait(&b, 2 * NSEC_S);
    }
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 2,
           "miredo's bubbles, of hop limit 0, and Windows', of 21 with a nonce and an ND option, "
           "are answered");
}

static void solicit(const struct in6_addr *source, struct endpoint from)
{
    struct teredo_packet p;

    teredo_make_bubble(&p, source, &own);
    teredo_add_nd_solicitation(&p);
    bench_packet(&b, 0, from, &p);
}

static void test_neighbor_discovery(void)
{
    struct teredo_packet p;
    uint8_t type = 0;

    set_up();
    listen_now();
    solicit(&peer, stranger);
    ok(b.send_count == 0 && told(PEER_UNPROVEN) == 1,
       "RFC 6081 5.7.4.2: an unproven solicitation is not answered");
    direct_bubble(&peer, peer_mapped, NULL);
    ok(bench_last_sent(&b, 0, peer_mapped, &p) && !teredo_trailer_nd(&p, &type),
       "who does not solicit gets no advertisement");
    solicit(&peer, peer_mapped);
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 1,
           "RFC 4380 5.2.6: within 2 seconds of the last bubble nothing is sent");
    bench_wait(&b, 2 * NSEC_S);
    solicit(&peer, peer_mapped);
    ok(bench_sent(&b, peer_mapped, TEREDO_BUBBLE) == 2 && bench_last_sent(&b, 0, peer_mapped, &p) &&
           teredo_trailer_nd(&p, &type) && type == ND_TRAILER_ADVERTISEMENT,
       "RFC 6081 5.7.4.2: a direct bubble that solicits is answered by one that advertises");
    bench_wait(&b, 2 * NSEC_S);
    direct_bubble(&peer, peer_mapped, NULL);
    ok(bench_last_sent(&b, 0, peer_mapped, &p) && !teredo_trailer_nd(&p, &type),
       "one without is answered without");
    indirect_bubble(&peer, NULL, nonce_1);
    ok(bench_last_sent(&b, 0, peer_mapped, &p) && !teredo_trailer_nd(&p, &type),
       "nor does an indirect one");
}

static void test_symmetric_source(void)
{
    struct teredo_packet p;
    uint32_t nonce = 0;

    set_up();
    responder_init(&r, &config);
    bench_start(&b, &r.engine, local);
    advertise(server, mapped);
    advertise(secondary, remapped);
    indirect_bubble(&peer, NULL, nonce_1);
    ok(bench_last_sent(&b, 0, peer_server, &p) && ip6_is_unguessable_link_local(&p.ip6.source) &&
           load_u32(&p.ip6.source.s6_addr[12]) == 0x01020304,
       "5.3.1 rule 6: behind a symmetric NAT the indirect bubble is from a link-local address, "
       "which repeats the peer's nonce");
    ok(teredo_trailer_nonce(&p, &nonce) && nonce == r.peers[0].nonce_sent && nonce != 0x01020304,
       "and its trailer has our own");

    bench_until(&b, engine_deadline(&r.engine));
    advertise(server, mapped);
    advertise(secondary, mapped);
    bench_wait(&b, 2 * NSEC_S);
    bench_forget(&b);
    indirect_bubble(&peer, NULL, nonce_1);
    ok(bench_last_sent(&b, 0, peer_server, &p) && ip6_equal(&p.ip6.source, &own),
       "5.2.5: a later qualification that sees one mapping ends that, though the mapping is the "
       "same");
    bench_until(&b, engine_deadline(&r.engine));
    advertise(server, mapped);
    bench_wait(&b, 3 * NSEC_S);
    bench_forget(&b);
    indirect_bubble(&peer, NULL, nonce_1);
    ok(bench_last_sent(&b, 0, peer_server, &p) && ip6_equal(&p.ip6.source, &own),
       "one that cannot tell changes nothing");
    bench_until(&b, engine_deadline(&r.engine));
    advertise(server, mapped);
    advertise(secondary, remapped);
    bench_wait(&b, 2 * NSEC_S);
    bench_forget(&b);
    indirect_bubble(&peer, NULL, nonce_1);
    ok(bench_last_sent(&b, 0, peer_server, &p) && !ip6_equal(&p.ip6.source, &own),
       "and one that sees two begins it");
}

static void test_no_buffers(void)
{
    static const int errors[] = {ENOBUFS, EAGAIN, ENOMEM};

    set_up();
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        responder_init(&r, &config);
        bench_start(&b, &r.engine, local);
        bench_send_failed(&b, 0, server, errors[i]);
        bench_send_failed(&b, QUALIFY_MAX_ATTEMPTS, secondary, errors[i]);
        advertise(server, mapped);
        advertise(secondary, mapped);
        ok(bench_event(&b, EVENT_QUALIFICATION) != NULL && !b.done,
           "a system short of room loses a packet, and no qualification (errno %d)", errors[i]);
        bench_send_failed(&b, QUALIFY_TAGS, peer_mapped, errors[i]);
        bench_until(&b, engine_deadline(&r.engine));
        bench_send_failed(&b, 0, server, errors[i]);
        bench_forget(&b);
        bench_wait(&b, NSEC_S / 2);
        indirect_bubble(&peer, NULL, NULL);
        ok(!b.done && bench_count(&b, EVENT_SERVER_LOST) == 0 &&
               bench_sent(&b, peer_mapped, TEREDO_BUBBLE) == 1,
           "nor does it end what listens or refreshes (errno %d)", errors[i]);
    }
}

static void test_echo(void)
{
    struct teredo_packet p;

    set_up();
    listen_now();
    echo_request(&peer, peer_mapped);
    ok(bench_last_sent(&b, 0, peer_mapped, &p) && p.kind == TEREDO_ECHO_REPLY &&
           p.icmp6.echo.id == 5 && p.icmp6.echo.sequence == 6 && p.icmp6.echo.size == 8 &&
           memcmp(p.icmp6.echo.data, "payload!", 8) == 0,
       "RFC 4443 4.2: an echo reply repeats identifier, sequence and data");
    ok(ip6_equal(&p.ip6.source, &own) && ip6_equal(&p.ip6.destination, &peer),
       "back to its sender");
    bench_forget(&b);
    echo_request(&peer, server);
    is_int(b.send_count, 0, "an echo request through our server has no endpoint to answer to");
    echo_request(&own, stranger);
    is_int(b.send_count, 0, "nor has one from our own address");
    is_int(r.ignored, 2, "both are counted as ignored");
}

static void test_not_for_us(void)
{
    struct in6_addr other = bench_teredo(server.address, stranger);
    struct teredo_packet p;

    set_up();
    listen_now();
    teredo_make_bubble(&p, &peer, &other);
    bench_packet(&b, 0, peer_mapped, &p);
    bench_bytes(&b, 0, peer_mapped, (const uint8_t *)"noise", 5);
    ok(b.send_count == 0 && b.event_count == 0, "5.2.3: what is not for our address is discarded");
    is_int(r.ignored, 2, "and counted");
}

static void test_not_global(void)
{
    struct endpoint private_endpoint = {0x0a000001, 5};
    struct in6_addr private_peer = bench_teredo(peer_server.address, private_endpoint);

    set_up();
    listen_now();
    indirect_bubble(&private_peer, NULL, NULL);
    is_int(b.send_count, 0, "5.2.4: nothing is sent to an address that is not global unicast");
    is_int(told(PEER_REFUSED), 1, "and the reporter hears of it");
    config.allow_private = true;
    listen_now();
    indirect_bubble(&private_peer, NULL, NULL);
    is_int(bench_sent(&b, private_endpoint, TEREDO_BUBBLE), 1, "in a laboratory it is");
}

static void test_many_peers(void)
{
    set_up();
    listen_now();
    direct_bubble(&peer, peer_mapped, NULL);
    for (unsigned i = 0; i < 3 * RESPONDER_MAX_PEERS; i++) {
        struct endpoint e = {0xcb007164 + i, 7000};
        struct in6_addr address = bench_teredo(peer_server.address, e);

        bench_wait(&b, NSEC_MS);
        direct_bubble(&address, e, NULL);
        direct_bubble(&peer, peer_mapped, NULL);
        bench_forget(&b);
    }
    is_int(r.trusted_peers, 3 * RESPONDER_MAX_PEERS + 1, "more peers than the table holds");
    direct_bubble(&peer, peer_mapped, NULL);
    is_int(told(PEER_TRUSTED), 0, "7.3.3: who is heard of stays; the longest silent goes");
}

static void test_flood(void)
{
    set_up();
    listen_now();
    indirect_bubble(&peer, NULL, nonce_1);
    direct_bubble(&peer, elsewhere, nonce_sent());
    for (unsigned i = 0; i < 4 * RESPONDER_MAX_PEERS; i++) {
        struct in6_addr address =
            bench_teredo(peer_server.address, (struct endpoint){0xcb007164 + i, 7000});

        bench_wait(&b, NSEC_MS);
        direct_bubble(&address, stranger, NULL);
        bench_forget(&b);
    }
    echo_request(&peer, elsewhere);
    is_int(told(PEER_ECHOED), 1,
           "7.3.3: what strangers send in any names pushes no proven peer out");
}

/* Everybody can have bubbles sent to an address by naming it as a peer's. */
static void test_reflection(void)
{
    enum {
        FORGED = 2000
    };
    unsigned sent;

    set_up();
    listen_now();
    for (unsigned i = 0; i < FORGED; i++) {
        struct in6_addr address =
            bench_teredo(0xcb007201 + i, (struct endpoint){0xcb008164 + i, 7000});

        bench_wait(&b, NSEC_MS);
        indirect_bubble(&address, NULL, nonce_1);
        sent = b.send_count;
        if (b.event_count > BENCH_ROOM / 2)
            b.event_count = 0;
    }
    ok(sent <= 90, "2000 peers that are not proven, in 2 s: %u bubbles go out", sent);

    set_up();
    listen_now();
    for (unsigned i = 0; i < FORGED; i++) {
        struct in6_addr address =
            bench_teredo(0xcb007201, (struct endpoint){0xcb008164, (uint16_t)(7000 + i)});

        bench_wait(&b, 5 * NSEC_MS);
        indirect_bubble(&address, NULL, nonce_1);
        if (b.event_count > BENCH_ROOM / 2)
            b.event_count = 0;
    }
    sent = b.send_count - bench_sent(&b, server, TEREDO_RS) - bench_sent(&b, secondary, TEREDO_RS);
    ok(sent <= 2 * (16 + 20 + 1), "to one address, and to the one server named, in 10 s: %u", sent);
    bench_forget(&b);
    indirect_bubble(&peer, NULL, nonce_1);
    is_int(told(PEER_ANSWERED), 1, "another address is still answered");
    direct_bubble(&peer, elsewhere, nonce_sent());
    is_int(told(PEER_TRUSTED), 1, "and a peer that is proven is not bounded so");

    /* Its own, not a spoofed endpoint: the table is full of those. */
    for (unsigned i = 0; i < 2 * RESPONDER_MAX_PEERS; i++) {
        struct endpoint e = {0xcb009164 + i, 7000};
        struct in6_addr address = bench_teredo(peer_server.address, e);

        direct_bubble(&address, e, NULL);
        bench_forget(&b);
    }
    echo_request(&peer, elsewhere);
    is_int(told(PEER_ECHOED), 1, "who repeated a nonce is pushed out by no endpoints either");
}

static void test_refresh(void)
{
    nsec least = NSEC_NEVER, most = 0, last = BENCH_EPOCH;

    set_up();
    listen_now();
    for (int i = 0; i < 200; i++) {
        nsec next = engine_deadline(&r.engine);

        least = nsec_min(least, next - last);
        most = nsec_max(most, next - last);
        last = next;
        bench_until(&b, next);
        advertise(server, mapped);
        advertise(secondary, mapped);
        if (bench_count(&b, EVENT_MAPPING_CHANGED) + bench_count(&b, EVENT_SERVER_LOST) +
                bench_count(&b, EVENT_QUALIFICATION) >
            0)
            ok(false, "refresh %d: nothing to tell", i);
        bench_forget(&b);
    }
    ok(least >= 30 * NSEC_S * 3 / 4 && most <= 30 * NSEC_S,
       "5.2: the interval is 75 to 100 %% of the refresh interval");
    ok(most - least > 3 * NSEC_S, "and randomised");
}

static void test_mapping_changed(void)
{
    const struct event *e;
    struct in6_addr before, after = bench_teredo(server.address, remapped);

    set_up();
    listen_now();
    before = own;
    bench_until(&b, engine_deadline(&r.engine));
    advertise(server, remapped);
    advertise(secondary, remapped);
    e = bench_event(&b, EVENT_MAPPING_CHANGED);
    ok(e != NULL && endpoint_equal(e->mapping.before, mapped) &&
           endpoint_equal(e->mapping.after, remapped) && ip6_equal(&e->mapping.address, &after),
       "5.2.5: another mapped endpoint is told, with the new address");
    bench_forget(&b);
    own = after;
    indirect_bubble(&peer, NULL, NULL);
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 1, "5.2.5: the new address is in use");
    own = before;
    bench_forget(&b);
    bench_wait(&b, 3 * NSEC_S);
    indirect_bubble(&peer, NULL, NULL);
    is_int(b.send_count, 0, "5.2.5: the old one is not");
    own = before;
}

static void test_server_lost(void)
{
    set_up();
    listen_now();
    bench_wait(&b, 33 * NSEC_S);
    is_int(bench_count(&b, EVENT_SERVER_LOST), 1, "a refresh without answer is told");
    ok(!b.done, "and the responder goes on");
    indirect_bubble(&peer, NULL, NULL);
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 1, "under its old address");
    bench_until(&b, engine_deadline(&r.engine));
    advertise(server, mapped);
    advertise(secondary, mapped);
    is_int(bench_count(&b, EVENT_MAPPING_CHANGED), 0, "the server is back: nothing has changed");
    is_int(bench_count(&b, EVENT_SERVER_LOST), 1, "and is not lost any more");
}

static void test_refresh_forged(void)
{
    struct in6_addr source = teredo_link_local(TEREDO_FLAG_CONE, server);
    struct teredo_packet rs, ra;
    uint8_t body[TEREDO_RA_SIZE];

    set_up();
    listen_now();
    bench_until(&b, engine_deadline(&r.engine));
    bench_last_sent(&b, 0, server, &rs);
    teredo_make_ra(&ra, &source, &rs.ip6.source, (struct teredo_advertised){server.address, 1280},
                   body);
    ra.has_auth = true;
    ra.auth = rs.auth;
    ra.auth.nonce[3] ^= 1;
    ra.has_origin = true;
    ra.origin = remapped;
    bench_packet(&b, 0, server, &ra);
    advertise(server, mapped);
    advertise(secondary, mapped);
    is_int(bench_count(&b, EVENT_MAPPING_CHANGED), 0,
           "5.2.5: an invalid advertisement moves nothing");
    is_int(bench_count(&b, EVENT_REJECTED), 1, "it is named");
}

static void test_end(void)
{
    const struct event *e;

    set_up();
    config.count = 1;
    listen_now();
    direct_bubble(&peer, peer_mapped, NULL);
    bench_wait(&b, RESPONDER_LINGER - 1);
    ok(!b.done, "--count: the last peer's data is waited for");
    echo_request(&peer, peer_mapped);
    bench_wait(&b, 1);
    e = bench_event(&b, EVENT_LISTENED);
    ok(b.done && e != NULL && e->listened.count_reached && e->listened.peers == 1 &&
           e->listened.echoes == 1 && e->listened.bubbles_received == 1 &&
           e->listened.bubbles_sent == 1,
       "--count reached: a summary ends it");
    config.count = 2;
    config.duration = 10 * NSEC_S;
    listen_now();
    direct_bubble(&peer, peer_mapped, NULL);
    bench_finish(&b);
    e = bench_event(&b, EVENT_LISTENED);
    ok(e != NULL && !e->listened.count_reached && e->listened.elapsed == 10 * NSEC_S,
       "--duration over: so does it, and says that the count was not reached");
    config.count = 0;
    config.duration = 0;
    listen_now();
    bench_wait(&b, 100 * NSEC_S);
    bench_stop(&b);
    e = bench_event(&b, EVENT_LISTENED);
    ok(b.done && e != NULL && e->listened.count_reached && e->listened.elapsed == 100 * NSEC_S,
       "interrupted: so does it");
    is_int(bench_count(&b, EVENT_LISTENED), 1, "once");
    bench_forget(&b);
    direct_bubble(&peer, peer_mapped, NULL);
    ok(b.event_count == 0 && b.send_count == 0 && engine_deadline(&r.engine) == NSEC_NEVER,
       "after that nothing happens any more");
}

static void random_observation(struct prng *random)
{
    const struct endpoint who[] = {peer_mapped, elsewhere, server, secondary, stranger};
    struct endpoint from = who[prng_below(random, 5)];
    struct in6_addr link_local = {{{0xfe, 0x80, [8] = prng_below(random, 2) == 0 ? 0x1c : 0,
                                    [15] = (uint8_t)prng_below(random, 4)}}};
    struct endpoint many = {0xcb007100 + prng_below(random, 500), 7000};
    struct in6_addr sources[] = {peer, own, link_local, bench_teredo(peer_server.address, many)};
    struct in6_addr source = sources[prng_below(random, 4)];
    uint8_t noise[64];

    switch (prng_below(random, 9)) {
    case 0:
        bench_wait(&b, prng_below(random, 4000) * NSEC_MS);
        break;
    case 1:
        direct_bubble(&source, prng_below(random, 2) == 0 ? from : many,
                      prng_below(random, 2) == 0 ? nonce_1 : NULL);
        break;
    case 2:
        indirect_bubble(&source, prng_below(random, 2) == 0 ? &many : NULL,
                        prng_below(random, 2) == 0 ? nonce_1 : nonce_2);
        break;
    case 3:
        echo_request(&source, from);
        break;
    case 4:
        bench_icmp(&b, 0, from, (uint8_t)prng_below(random, 13), (uint8_t)prng_below(random, 16));
        break;
    case 5:
        bench_observe(&b, (struct observation){.kind = OBSERVED_SENT,
                                               .tag = prng_below(random, 2 * QUALIFY_TAGS),
                                               .to = from});
        break;
    case 6:
        bench_observe(&b, (struct observation){.kind = OBSERVED_TIMER});
        break;
    case 7:
        bench_send_failed(&b, (uint32_t)prng_next(random), from, 1);
        break;
    default:
        for (unsigned i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)prng_next(random);
        bench_bytes(&b, 0, from, noise, prng_below(random, sizeof noise));
    }
}

static void test_anything(void)
{
    struct prng random = {44};
    unsigned bad = 0, ends = 0, runs = 500;

    for (unsigned run = 0; run < runs; run++) {
        set_up();
        config.count = prng_below(&random, 2) * prng_below(&random, 40);
        listen_now();
        for (int i = 0; i < 200; i++) {
            nsec before = b.now;

            if (b.send_count > BENCH_ROOM / 2)
                bench_forget(&b);
            random_observation(&random);
            bad += b.now < before || (!b.done && engine_deadline(&r.engine) == NSEC_NEVER) ||
                   b.after_done > 0;
            ends += bench_count(&b, EVENT_LISTENED);
            if (b.done)
                bench_forget(&b);
        }
        bench_stop(&b);
        ends += bench_count(&b, EVENT_LISTENED);
        bad += !b.done;
    }
    is_int(bad, 0, "100,000 random observations: never stuck, never lost");
    is_int(ends, runs, "and one summary each run");
}

int main(void)
{
    test_start();
    test_indirect_bubble();
    test_link_local();
    test_rate();
    test_direct_bubble();
    test_spoofed();
    test_hijack();
    test_hijack_through_link_local();
    test_guessable();
    test_stale();
    test_stale_link_local();
    test_kept_by_strangers();
    test_nonce();
    test_proofs();
    test_nonce_of_another();
    test_nonce_received();
    test_habits();
    test_neighbor_discovery();
    test_symmetric_source();
    test_no_buffers();
    test_echo();
    test_not_for_us();
    test_not_global();
    test_many_peers();
    test_flood();
    test_reflection();
    test_refresh();
    test_mapping_changed();
    test_server_lost();
    test_refresh_forged();
    test_end();
    test_anything();
    return done_testing();
}
