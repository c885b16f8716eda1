/* The hole punch (RFC 4380 5.2.4 case 5, 5.2.6; RFC 6081): what is sent and when, which answers
 * prove themselves, and what each failure is called. */
#include "punch.h"

#include <errno.h>

#include "engine_fixture.h"
#include "prng.h"

static const struct endpoint own_server = {0xc0000201, TEREDO_PORT};
static const struct endpoint peer_server = {0xc0000281, TEREDO_PORT};
static const struct endpoint local = {0x64400102, 40001};
static const struct endpoint mapped = {0xcb00710a, 50001};
static const struct endpoint peer_mapped = {0xc6336414, 40001};
static const struct endpoint elsewhere = {0xc6336414, 40002};
static const struct endpoint stranger = {0xcb007163, 999};

/* Of a punch by way of a server that is 50 ms away, as below. */
#define PATIENCE (500 * NSEC_MS)

static struct bench b;
static struct punch p;
static struct punch_config config;
static struct in6_addr own, peer;

static void set_up(void)
{
    own = bench_teredo(own_server.address, mapped);
    peer = bench_teredo(peer_server.address, peer_mapped);
    config = (struct punch_config){
        .own = own,
        .peer = peer,
        .server = own_server,
        .local = local,
        .mapped = mapped,
        .own_nat = QUALIFY_NAT_CONE_OR_RESTRICTED,
        .server_rtt = 50 * NSEC_MS,
        .attempts = PUNCH_MAX_ATTEMPTS,
        .server_port = TEREDO_PORT,
        .nonces = {.key = {4, 5, 6}},
        .solicitations = 2,
        .advertisements = 2,
    };
}

/* What answers by itself, in good time: our own server, and the peer's if it lives. */
static bool peer_server_lives;
static unsigned answered;

static void advertise_to(const struct bench_send *s)
{
    struct in6_addr source = teredo_link_local(0, s->to);
    struct teredo_packet rs, ra;
    struct wire_fault fault;
    uint8_t body[TEREDO_RA_SIZE];

    if (!teredo_decode(s->bytes, s->size, &rs, &fault) || rs.kind != TEREDO_RS)
        return;
    teredo_make_ra(&ra, &source, &rs.ip6.source, (struct teredo_advertised){s->to.address, 1280},
                   body);
    ra.has_auth = true;
    ra.auth = rs.auth;
    bench_packet(&b, 0, s->to, &ra);
}

static void servers_answer(void)
{
    for (; answered < b.send_count && !b.done; answered++) {
        struct bench_send s = b.sends[answered];

        if (s.socket == 0 && (endpoint_equal(s.to, own_server) ||
                              (peer_server_lives && endpoint_equal(s.to, peer_server))))
            advertise_to(&s);
    }
}

static void wait_for(nsec time)
{
    nsec end = b.now + time;

    servers_answer();
    while (!b.done && engine_deadline(b.engine) <= end) {
        bench_until(&b, nsec_max(b.now, engine_deadline(b.engine)));
        servers_answer();
    }
    bench_until(&b, end);
}

static void finish(void)
{
    wait_for(86400 * NSEC_S);
}

static void start(void)
{
    punch_init(&p, &config);
    peer_server_lives = false;
    answered = 0;
    bench_start(&b, &p.engine, local);
}

/* The last indirect bubble of a pair: it carries our nonce (RFC 6081 5.2.4.1). */
static struct teredo_packet last_indirect(void)
{
    struct teredo_packet bubble;
    struct wire_fault fault;

    for (unsigned i = b.send_count; i > 0; i--)
        if (b.sends[i - 1].socket == 0 && endpoint_equal(b.sends[i - 1].to, peer_server) &&
            teredo_decode(b.sends[i - 1].bytes, b.sends[i - 1].size, &bubble, &fault) &&
            bubble.kind == TEREDO_BUBBLE && ip6_equal(&bubble.ip6.destination, &peer))
            return bubble;
    abort();
}

static const struct punching *verdict(void)
{
    static const struct punching none = {.cause = CAUSE_COUNT - 1};
    const struct event *e = bench_event(&b, EVENT_PUNCHING);

    return e == NULL ? &none : &e->punching;
}

static void is_verdict(enum punch_verdict v, enum punch_cause cause, const char *rule)
{
    ok(bench_count(&b, EVENT_PUNCHING) == 1 && b.done && b.after_done == 0,
       "%s: one verdict, and it is the end", rule);
    is_str(code_of(&punch_verdicts, verdict()->verdict), code_of(&punch_verdicts, v), "%s", rule);
    is_str(code_of(&punch_causes, verdict()->cause), code_of(&punch_causes, cause), "%s", rule);
}

static struct teredo_packet last_bubble(unsigned socket)
{
    struct teredo_packet bubble;

    if (!bench_last_sent(&b, socket, peer_mapped, &bubble))
        abort();
    return bubble;
}

/* The peer's bubble to DESTINATION, with the nonce trailer of LIKE if it is not NULL. */
static void bubble_from(struct endpoint from, const struct in6_addr *destination,
                        const struct teredo_packet *like)
{
    struct teredo_packet bubble;

    teredo_make_bubble(&bubble, &peer, destination);
    if (like != NULL) {
        bubble.trailers[0] = like->trailers[0];
        bubble.trailer_count = like->trailer_count;
    }
    bench_packet(&b, 0, from, &bubble);
}

static void echo_reply_from(struct endpoint from, int sequence_off, int id_off, int data_off)
{
    struct teredo_packet request, reply;
    uint8_t data[PUNCH_ECHO_DATA], buf[8 + PUNCH_ECHO_DATA];

    if (!bench_last_sent(&b, 0, p.result.answered_from, &request) ||
        request.kind != TEREDO_ECHO_REQUEST)
        abort();
    memcpy(data, request.icmp6.echo.data, sizeof data);
    data[0] ^= (uint8_t)data_off;
    teredo_make_echo(&reply, &peer, &own,
                     &(struct teredo_echo){
                         ICMP6_TYPE_ECHO_REPLY, (uint16_t)(request.icmp6.echo.id + id_off),
                         (uint16_t)(request.icmp6.echo.sequence + sequence_off), data, sizeof data},
                     buf);
    bench_packet(&b, 0, from, &reply);
}

/* Waits until the engine asks the peer's server, and lets it answer. */
static void check_lives(void)
{
    wait_for(PATIENCE);
    peer_server_lives = true;
    servers_answer();
}

static void test_bubbles(void)
{
    struct teredo_packet direct = {0}, indirect = {0}, later = {0};
    uint32_t one, two;

    set_up();
    start();
    is_int(b.send_count, 2, "a bubble pair");
    ok(endpoint_equal(b.sends[0].to, peer_mapped),
       "5.2.6: the direct bubble goes to the mapped endpoint in the peer's address, and first");
    ok(endpoint_equal(b.sends[1].to, peer_server),
       "5.2.6: the indirect bubble goes to the peer's server, at the Teredo UDP port");
    bench_last_sent(&b, 0, peer_mapped, &direct);
    bench_last_sent(&b, 0, peer_server, &indirect);
    ok(direct.kind == TEREDO_BUBBLE && indirect.kind == TEREDO_BUBBLE &&
           ip6_equal(&direct.ip6.source, &own) && ip6_equal(&direct.ip6.destination, &peer),
       "2.8: from our Teredo address to the peer's, without payload");
    ok(teredo_trailer_nonce(&indirect, &one),
       "RFC 6081 5.2.4.1: the indirect bubble carries a nonce");
    ok(!teredo_trailer_nonce(&direct, &two),
       "RFC 6081 5.2.4.2: the direct one has none before the peer has sent an indirect bubble");
    wait_for(PUNCH_INTERVAL);
    bench_last_sent(&b, 0, peer_mapped, &later);
    ok(ip6_is_link_local(&later.ip6.source),
       "the second attempt asks for miredo's proof: a link-local source");
    later = last_indirect();
    ok(teredo_trailer_nonce(&later, &two) && one != two, "and its nonce is another");
}

static void test_schedule(void)
{
    unsigned direct = 0;
    nsec last = 0, least = NSEC_NEVER;

    set_up();
    start();
    check_lives();
    finish();
    for (unsigned i = 0; i < b.send_count; i++)
        if (endpoint_equal(b.sends[i].to, peer_mapped)) {
            if (direct++ > 0)
                least = nsec_min(least, b.sent_at[i] - last);
            last = b.sent_at[i];
        }
    is_int(direct, 4, "5.2.6: no more than 4 bubbles in 300 seconds without a direct response");
    ok(least >= 2 * NSEC_S, "5.2.6: at least 2 seconds apart");
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT, "nothing at all, but the server lives");
    ok(verdict()->peer_server_alive && verdict()->peer_server_checked, "it was asked");
    is_int(verdict()->attempts, 4, "four attempts are told");
    ok(verdict()->steps[STEP_ANSWER].state == STEP_MISSING &&
           verdict()->steps[STEP_FORWARDED].state == STEP_MISSING &&
           verdict()->steps[STEP_INDIRECT_BUBBLE].state == STEP_SENT,
       "steps 1 and 2 were sent, 3 to 5 are missing");
    set_up();
    config.attempts = 1;
    config.ttl = 3;
    start();
    finish();
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 1, "--bubbles 1 is one attempt");
    ok(b.sends[0].ttl == 3 && b.sends[1].ttl == 0, "--ttl holds for direct bubbles alone");
}

static void test_punched(void)
{
    struct teredo_packet bubble, echo;

    set_up();
    start();
    wait_for(75 * NSEC_MS);
    bubble = last_indirect();
    bubble_from(peer_mapped, &own, &bubble);
    ok(!b.done, "5.2.4: after the peer's bubble the data goes out");
    ok(bench_last_sent(&b, 0, peer_mapped, &echo) && echo.kind == TEREDO_ECHO_REQUEST &&
           ip6_equal(&echo.ip6.source, &own),
       "an echo request from our Teredo address to the endpoint that answered");
    wait_for(50 * NSEC_MS);
    echo_reply_from(peer_mapped, 0, 0, 0);
    is_verdict(PUNCH_PUNCHED, CAUSE_NONE, "bubble and data crossed");
    is_int(verdict()->rtt, 50 * NSEC_MS, "the round trip is the echo's");
    is_int(verdict()->elapsed, 125 * NSEC_MS, "and the whole took this long");
    is_int(verdict()->steps[STEP_ANSWER].when - verdict()->steps[STEP_DIRECT_BUBBLE].when,
           75 * NSEC_MS, "step 4 is timed from step 1");
    ok(verdict()->steps[STEP_FORWARDED].state == STEP_INFERRED &&
           verdict()->steps[STEP_FORWARDED].when == BENCH_EPOCH &&
           verdict()->steps[STEP_FORWARDED].latest == BENCH_EPOCH + 75 * NSEC_MS,
       "step 3 is inferred, between steps 2 and 4");
    is_int(bench_count(&b, EVENT_STEP), 6, "each step was told as it happened: 1 2 3 4 5 5");
}

struct proof_case {
    const char *name;
    enum punch_ask ask;
    struct endpoint from;
    bool nonce;
    bool bad_nonce;
    enum punch_proof proof;
};

static const struct proof_case proofs[] = {
    {"5.2.3: the endpoint in the peer's address",
     PUNCH_ASK_AUTO,
     {0xc6336414, 40001},
     false,
     false,
     PROOF_ENDPOINT},
    {"RFC 6081: the nonce, from the peer's endpoint",
     PUNCH_ASK_AUTO,
     {0xc6336414, 40001},
     true,
     false,
     PROOF_NONCE},
    {"RFC 6081: the nonce, from another endpoint",
     PUNCH_ASK_AUTO,
     {0xc6336414, 40002},
     true,
     false,
     PROOF_NONCE},
    {"a wrong nonce, from the peer's endpoint",
     PUNCH_ASK_AUTO,
     {0xc6336414, 40001},
     true,
     true,
     PROOF_ENDPOINT},
    {"a wrong nonce, from another endpoint",
     PUNCH_ASK_AUTO,
     {0xc6336414, 40002},
     true,
     true,
     PROOF_NONE},
    {"no nonce, from another endpoint",
     PUNCH_ASK_AUTO,
     {0xc6336414, 40002},
     false,
     false,
     PROOF_NONE},
    {"our link-local source, from another endpoint",
     PUNCH_ASK_LINK_LOCAL,
     {0xc6336414, 40002},
     false,
     false,
     PROOF_LINK_LOCAL},
    {"RFC 4380 alone, from the peer's endpoint",
     PUNCH_ASK_ENDPOINT,
     {0xc6336414, 40001},
     false,
     false,
     PROOF_ENDPOINT},
    {"RFC 4380 alone, from another endpoint",
     PUNCH_ASK_ENDPOINT,
     {0xc6336414, 40002},
     false,
     false,
     PROOF_NONE},
};

static void test_proofs(void)
{
    for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++) {
        const struct proof_case *c = &proofs[i];
        struct teredo_packet bubble;
        uint8_t nonce[4];

        set_up();
        config.ask = c->ask;
        start();
        bubble = last_indirect();
        if (c->bad_nonce) {
            memcpy(nonce, bubble.trailers[0].value, sizeof nonce);
            nonce[3] ^= 1;
            bubble.trailers[0].value = nonce;
        }
        bubble_from(c->from, &bubble.ip6.source, c->nonce ? &bubble : NULL);
        is_str(code_of(&punch_proofs, p.result.proof), code_of(&punch_proofs, c->proof), "%s",
               c->name);
        if (c->proof == PROOF_NONE) {
            is_int(bench_sent(&b, c->from, TEREDO_ECHO_REQUEST), 0, "%s: no data goes there",
                   c->name);
            ok(bench_event(&b, EVENT_NOTE) != NULL &&
                   bench_event(&b, EVENT_NOTE)->note.note == NOTE_UNPROVEN,
               "%s: noted", c->name);
            finish();
            is_verdict(PUNCH_INCONCLUSIVE, CAUSE_ANSWER_UNPROVEN, c->name);
            ok(endpoint_equal(verdict()->unproven_from, c->from), "%s: told from where", c->name);
        } else {
            echo_reply_from(c->from, 0, 0, 0);
            is_verdict(PUNCH_PUNCHED,
                       endpoint_equal(c->from, peer_mapped) ? CAUSE_NONE : CAUSE_PEER_REMAPPED,
                       c->name);
        }
    }
}

/* With --proof=nonce. The packet may be anybody's who knows the peer's endpoint. */
static void test_weaker_proof(void)
{
    struct teredo_packet bubble;

    set_up();
    config.ask = PUNCH_ASK_NONCE;
    start();
    bubble = last_indirect();
    bubble_from(peer_mapped, &bubble.ip6.source, NULL);
    is_str(code_of(&punch_proofs, p.result.proof), "none",
           "an answer with a weaker proof than the one that is asked for is not taken at once");
    wait_for(PUNCH_INTERVAL);
    is_int(p.attempt_count, 2, "and stops no bubble pair");
    bubble = last_indirect();
    bubble_from(peer_mapped, &bubble.ip6.source, &bubble);
    is_str(code_of(&punch_proofs, p.result.proof), "nonce", "the one with the nonce is");

    start();
    bubble = last_indirect();
    bubble_from(peer_mapped, &bubble.ip6.source, NULL);
    wait_for(4 * PUNCH_INTERVAL + NSEC_S);
    is_str(code_of(&punch_proofs, p.result.proof), "endpoint",
           "where no other comes in its time, the weaker one is told");
}

static void test_late_answer(void)
{
    struct teredo_packet first;
    uint8_t nonce[4];

    set_up();
    start();
    first = last_indirect();
    memcpy(nonce, first.trailers[0].value, sizeof nonce);
    wait_for(PUNCH_INTERVAL + 10 * NSEC_MS);
    first.trailers[0].value = nonce;
    bubble_from(peer_mapped, &own, &first);
    is_int(p.result.steps[STEP_DIRECT_BUBBLE].when, BENCH_EPOCH,
           "the nonce tells that a late answer is to the first attempt");
    is_int(bench_event(&b, EVENT_STEP)->step.attempt, 1, "and the step says so");
    is_int(p.result.steps[STEP_INDIRECT_BUBBLE].when, BENCH_EPOCH,
           "the indirect bubble that is told is of that attempt, too");
}

static void test_not_ours(void)
{
    struct in6_addr other = bench_teredo(own_server.address, stranger);
    struct teredo_packet bubble;

    set_up();
    start();
    bubble = last_indirect();
    teredo_make_bubble(&bubble, &other, &own);
    bench_packet(&b, 0, peer_mapped, &bubble);
    bubble_from(peer_mapped, &other, NULL);
    is_int(p.result.steps[STEP_ANSWER].state, STEP_MISSING,
           "5.2.3: a packet of another peer, or to another address, is no answer");
    bench_bytes(&b, 0, peer_mapped, (const uint8_t *)"noise", 5);
    is_int(p.result.steps[STEP_ANSWER].state, STEP_MISSING, "nor is noise");
}

static void test_echo(void)
{
    struct teredo_packet bubble;

    set_up();
    start();
    bubble_from(peer_mapped, &own, NULL);
    echo_reply_from(peer_mapped, 1, 0, 0);
    echo_reply_from(peer_mapped, 0, 1, 0);
    echo_reply_from(peer_mapped, 0, 0, 1);
    ok(!b.done, "another sequence, identifier or data is not the reply to our echo request");
    finish();
    is_int(bench_sent(&b, peer_mapped, TEREDO_ECHO_REQUEST), PUNCH_MAX_ECHOES,
           "the echo request is repeated");
    is_verdict(PUNCH_INCONCLUSIVE, CAUSE_DATA_UNPROVEN,
               "an RFC 4380 peer that answers no echo request proves nothing of our way to it");
    ok(verdict()->steps[STEP_ANSWER].state == STEP_RECEIVED &&
           verdict()->steps[STEP_DATA].state == STEP_SENT,
       "step 4 stays received, step 5 sent");
    start();
    bubble = last_indirect();
    bubble_from(peer_mapped, &own, &bubble);
    finish();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_DATA_LOST,
               "one that repeats nonces would have answered, had anything arrived");
    start();
    bubble_from(peer_mapped, &own, NULL);
    wait_for(NSEC_S);
    echo_reply_from(peer_mapped, 0, 0, 0);
    is_verdict(PUNCH_PUNCHED, CAUSE_NONE, "a reply to a repeated echo request is as good");
}

static void indirect_answer(void)
{
    struct teredo_packet bubble = last_indirect();

    bubble_from(own_server, &own, &bubble);
}

/* The answer to LIKE through a server, with its origin. */
static void origin_from(struct endpoint server, const struct teredo_packet *like)
{
    struct teredo_packet bubble;

    teredo_make_bubble(&bubble, &peer, &like->ip6.source);
    bubble.trailers[0] = like->trailers[0];
    bubble.trailer_count = like->trailer_count;
    bubble.has_origin = true;
    bubble.origin = like->origin;
    bench_packet(&b, 0, server, &bubble);
}

static void test_indirect(void)
{
    struct teredo_packet bubble;

    set_up();
    start();
    indirect_answer();
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 2,
           "RFC 6081: an indirect answer calls for one more direct bubble at once");
    indirect_answer();
    is_int(bench_sent(&b, peer_mapped, TEREDO_BUBBLE), 2, "one, and no more");
    is_int(p.result.steps[STEP_ANSWER].state, STEP_MISSING, "it is not step 4");
    for (int i = 1; i < PUNCH_MAX_ATTEMPTS; i++) {
        wait_for(PUNCH_INTERVAL);
        bubble = last_indirect();
        ok(ip6_equal(&bubble.ip6.source, &own),
           "who answers through our server can do so only for our Teredo address: attempt %d", i);
        indirect_answer();
    }
    finish();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_DIRECT_PATH_BLOCKED,
               "each bubble was answered, but only through our server");
    is_int(verdict()->indirect_answers, 5, "the answers are counted");

    start();
    for (int i = 0; i < PUNCH_MAX_ATTEMPTS; i++) {
        if (i != 2)
            indirect_answer();
        if (i < PUNCH_MAX_ATTEMPTS - 1)
            wait_for(PUNCH_INTERVAL);
    }
    finish();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_DIRECT_PATH_BLOCKED,
               "one bubble went unanswered: where nothing else is lost that explains no silence");
    ok(verdict()->loss_odds > 0 && verdict()->loss_odds <= PUNCH_ODDS,
       "the odds that loss explains it are told");

    for (unsigned attempts = 1; attempts < PUNCH_MAX_ATTEMPTS; attempts += 2) {
        set_up();
        config.attempts = attempts;
        start();
        indirect_answer();
        for (unsigned i = 1; i < attempts; i++) {
            wait_for(PUNCH_INTERVAL);
            indirect_answer();
        }
        finish();
        if (attempts < 3)
            is_verdict(PUNCH_INCONCLUSIVE, CAUSE_DIRECT_ANSWER_MISSING,
                       "one answer is no evidence for a blocked path");
        else
            is_verdict(PUNCH_NOT_PUNCHED, CAUSE_DIRECT_PATH_BLOCKED,
                       "three are, where nothing else is lost");
        is_int(verdict()->indirect_answers, attempts, "though each bubble was answered");
    }

    set_up();
    start();
    bubble = last_indirect();
    bubble.has_origin = true;
    bubble.origin = stranger;
    origin_from(peer_server, &bubble);
    ok(endpoint_is_unset(p.result.peer_origin),
       "only our server's word on the peer's origin counts");
    origin_from(own_server, &bubble);
    ok(endpoint_equal(p.result.peer_origin, stranger), "which is taken");

    set_up();
    config.ttl = 3;
    start();
    indirect_answer();
    ok(endpoint_equal(b.sends[2].to, peer_mapped) && b.sends[2].ttl == 3,
       "--ttl holds for the further direct bubble too: it must not reach the peer's NAT either");
}

static void test_peer_server(void)
{
    struct teredo_packet rs;

    set_up();
    start();
    wait_for(PATIENCE);
    ok(bench_last_sent(&b, 0, peer_server, &rs) && rs.kind == TEREDO_RS && rs.has_auth,
       "no answer in good time: the peer's server is asked whether it lives");
    finish();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_SILENT, "it does not say so");
    ok(bench_sent(&b, peer_server, TEREDO_RS) > 1, "it was asked more than once");

    start();
    wait_for(50 * NSEC_MS);
    bench_icmp(&b, 0, peer_server, 3, 3);
    finish();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_UNREACHABLE, "an ICMP error from it");
    ok(verdict()->has_icmp && !verdict()->icmp_from_direct && verdict()->icmp.code == 3, "is kept");
    ok(verdict()->elapsed < 2 * NSEC_S, "and told soon");

    start();
    bench_icmp(&b, 0, peer_server, 3, 3);
    bubble_from(peer_mapped, &own, NULL);
    echo_reply_from(peer_mapped, 0, 0, 0);
    is_verdict(PUNCH_PUNCHED, CAUSE_NONE, "an ICMP error does not outweigh the peer's own answer");

    start();
    bench_icmp(&b, 0, peer_mapped, 3, 3);
    check_lives();
    finish();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT, "an error about the direct bubble");
    ok(verdict()->has_icmp && verdict()->icmp_from_direct, "is told as such");

    start();
    bench_forged_icmp(&b, peer_server, 3);
    bench_forged_icmp(&b, peer_mapped, 3);
    ok(p.result.evidence == 0 && p.evidence == 0, "an error that may be forged proves nothing");
    check_lives();
    finish();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT, "and shortens nothing");
    is_int(verdict()->attempts, PUNCH_MAX_ATTEMPTS, "all pairs are sent");
    ok(verdict()->has_icmp, "though it is told");

    start();
    bench_icmp(&b, 0, stranger, 3, 3);
    bench_icmp(&b, 1, peer_mapped, 11, 0);
    ok(!p.result.has_icmp, "errors about others, or about the control, are not counted");

    set_up();
    config.server = peer_server;
    start();
    peer_server_lives = true;
    ok(p.result.peer_server_alive, "a server that is our own too has just answered us");
    finish();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT, "and so it is the peer that is silent");
}

static unsigned notes(enum punch_note note)
{
    unsigned n = 0;

    for (unsigned i = 0; i < b.event_count; i++)
        n += b.events[i].kind == EVENT_NOTE && b.events[i].note.note == note;
    return n;
}

/* With the peer's server unknown to be alive, so that the ICMP errors decide. */
static void test_icmp(void)
{
    set_up();
    start();
    check_lives();
    finish();
    is_int(notes(NOTE_SERVER_ALIVE), 1,
           "that a server lives is told once, however often it is asked");

    set_up();
    start();
    bench_icmp(&b, 0, peer_mapped, 3, 3);
    bench_icmp(&b, 0, peer_server, 3, 1);
    bench_icmp(&b, 0, peer_mapped, 3, 3);
    finish();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_UNREACHABLE,
               "an error for the indirect bubble outranks those for the direct one");
    ok(!verdict()->icmp_from_direct && verdict()->icmp.code == 1, "and is the one that is kept");
    is_int(notes(NOTE_SERVER_ICMP) + notes(NOTE_DIRECT_ICMP), 3, "each of the errors is noted");

    start();
    bench_icmp(&b, 0, peer_mapped, 11, 0);
    ok(p.result.has_icmp && p.result.icmp_from_direct && p.result.icmp.type == 11 &&
           bench_event(&b, EVENT_NOTE)->note.note == NOTE_DIRECT_ICMP,
       "a direct bubble that dies on the way is told");
    config.ttl = 3;
    start();
    bench_icmp(&b, 0, peer_mapped, 11, 0);
    ok(!p.result.has_icmp && bench_count(&b, EVENT_NOTE) == 0,
       "unless --ttl means it to die on the way");
    bench_icmp(&b, 0, peer_mapped, 3, 3);
    ok(p.result.has_icmp, "another error for it is told all the same");
    start();
    bench_icmp(&b, 0, peer_server, 11, 0);
    ok(p.result.has_icmp && !p.result.icmp_from_direct,
       "and so is an indirect bubble that dies on the way");
}

static void test_server_reply_needs_nonce(void)
{
    struct in6_addr source = teredo_link_local(0, peer_server);
    struct teredo_packet rs, ra;
    uint8_t body[TEREDO_RA_SIZE];

    set_up();
    start();
    wait_for(PATIENCE);
    bench_last_sent(&b, 0, peer_server, &rs);
    teredo_make_ra(&ra, &source, &rs.ip6.source,
                   (struct teredo_advertised){peer_server.address, 1280}, body);
    ra.has_auth = true;
    ra.auth = rs.auth;
    ra.auth.nonce[0] ^= 1;
    bench_packet(&b, 0, peer_server, &ra);
    ok(!p.result.peer_server_alive, "5.2.2: an advertisement with another nonce proves no life");
    ra.auth.nonce[0] ^= 1;
    bench_packet(&b, 0, stranger, &ra);
    ok(!p.result.peer_server_alive, "nor does one from another host");
    bench_packet(&b, 0, peer_server, &ra);
    ok(p.result.peer_server_alive, "the right one does");
}

/* The peer's answer to the control, from FROM to DESTINATION. */
static void reference_answer(struct endpoint from, const struct in6_addr *destination)
{
    struct teredo_packet bubble;

    teredo_make_bubble(&bubble, &peer, destination);
    bench_packet(&b, 1, from, &bubble);
}

static void test_reference(void)
{
    struct in6_addr source;
    unsigned references = 0;

    set_up();
    config.reference_ttl = 2;
    start();
    is_int(b.send_count, 4, "a control pair, then the pair that it controls");
    ok(b.sends[0].socket == 1 && endpoint_equal(b.sends[0].to, peer_mapped) && b.sends[0].ttl == 2,
       "the control's direct bubble leaves from the other port and stops short");
    ok(b.sends[1].socket == 1 && endpoint_equal(b.sends[1].to, peer_server) && b.sends[1].ttl == 0,
       "its indirect bubble does not");
    ok(b.sends[2].socket == 0 && b.sends[3].socket == 0, "the pair leaves from the service port");
    source = last_bubble(1).ip6.source;
    ok(ip6_is_link_local(&source), "the control's source is nobody's to guess");
    reference_answer(peer_mapped, &source);
    is_int(p.result.steps[STEP_ANSWER].state, STEP_MISSING, "its answer is no step");
    for (int i = 1; i < PUNCH_MAX_ATTEMPTS; i++) {
        wait_for(PUNCH_INTERVAL);
        reference_answer(peer_mapped, &source);
    }
    finish();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_NAT_TRIPS, "each control crossed, each pair failed");
    ok(verdict()->steps[STEP_FORWARDED].state == STEP_INFERRED &&
           verdict()->steps[STEP_FORWARDED].when == verdict()->steps[STEP_INDIRECT_BUBBLE].when &&
           verdict()->steps[STEP_FORWARDED].latest == bench_event(&b, EVENT_PUNCHING)->when,
       "the server forwarded the controls, and so the pairs' indirect bubbles, too");
    for (unsigned i = 0; i < b.send_count; i++)
        references += b.sends[i].socket == 1;
    is_int(references, 2 * PUNCH_ENOUGH_REFERENCES,
           "what three pairs have proven is not asked four times");
}

static void test_reference_is_strict(void)
{
    static const char *const names[] = {
        "one control unanswered: loss would explain it",
        "controls answered from another endpoint tell nothing",
        "controls answered to another address tell nothing",
        "two attempts are too few to tell",
    };

    for (int i = 0; i < 4; i++) {
        struct in6_addr source;
        int attempts = i == 3 ? 2 : PUNCH_MAX_ATTEMPTS;

        set_up();
        config.reference_ttl = 2;
        config.attempts = (unsigned)attempts;
        start();
        source = i == 2 ? own : last_bubble(1).ip6.source;
        for (int n = 0; n < attempts; n++) {
            if (n > 0)
                wait_for(PUNCH_INTERVAL);
            if (i != 0 || n != 1)
                reference_answer(i == 1 ? elsewhere : peer_mapped, &source);
        }
        finish();
        if (i == 1 || i == 2)
            is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_SILENT, names[i]);
        else
            is_verdict(PUNCH_INCONCLUSIVE, CAUSE_PACKETS_LOST, names[i]);
    }
    set_up();
    config.reference_ttl = 2;
    start();
    reference_answer(peer_mapped, &p.reference_source);
    bubble_from(peer_mapped, &own, NULL);
    echo_reply_from(peer_mapped, 0, 0, 0);
    is_verdict(PUNCH_PUNCHED, CAUSE_NONE, "a punch that works needs no control");
    set_up();
    start();
    is_int(b.send_count, 2, "without --control-ttl there is no control");
}

/* The kernel's times of sending, which come later than the engine asked. */
static void test_kernel_times(void)
{
    nsec sent;

    set_up();
    punch_init(&p, &config);
    bench_start(&b, &p.engine, local);
    b.mute = true;
    bench_icmp(&b, 0, peer_mapped, 3, 3);
    is_int(bench_event(&b, EVENT_NOTE)->note.offset, 0, "an error counts from the first sending");
    start();
    bench_wait(&b, 100 * NSEC_MS);
    sent = p.attempts[0].sent_direct;
    bench_observe(
        &b, (struct observation){
                .kind = OBSERVED_SENT, .tag = b.sends[0].tag, .from = local, .to = peer_mapped});
    is_int(p.attempts[0].sent_direct, sent, "of two times of sending the first one counts");
    bench_wait(&b, 20 * NSEC_MS);
    bubble_from(peer_mapped, &own, NULL);
    is_int(bench_event(&b, EVENT_STEP)->step.offset, 120 * NSEC_MS, "steps count from it");
    set_up();
    punch_init(&p, &config);
    memset(&b, 0, sizeof b);
    b.engine = &p.engine;
    b.mute = true;
    b.now = BENCH_EPOCH;
    bench_observe(&b, (struct observation){.kind = OBSERVED_TIMER});
    bench_wait(&b, 30 * NSEC_MS);
    for (unsigned i = 0; i < 2; i++)
        bench_observe(&b, (struct observation){.kind = OBSERVED_SENT,
                                               .tag = b.sends[i].tag,
                                               .from = local,
                                               .to = b.sends[i].to});
    bench_wait(&b, 50 * NSEC_MS);
    bench_icmp(&b, 0, peer_mapped, 3, 3);
    is_int(bench_event(&b, EVENT_NOTE)->note.offset, 50 * NSEC_MS,
           "the first sending is when the kernel sent, not when the engine asked");
}

static void test_nothing_to_try(void)
{
    set_up();
    config.peer = bench_teredo(peer_server.address, (struct endpoint){0x0a000001, 5});
    start();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_NOT_GLOBAL, "5.2.4: a private mapped address");
    is_int(b.send_count, 0, "5.2.4: nothing is sent there");
    config.peer = bench_teredo(0x7f000001, peer_mapped);
    start();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_NOT_GLOBAL, "a loopback server");
    is_int(b.send_count, 0, "nothing is sent there");
    config.allow_private = true;
    start();
    is_int(b.send_count, 2, "in a laboratory it is");
    config.peer = bench_teredo(peer_server.address, (struct endpoint){peer_mapped.address, 0});
    start();
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_PEER_NOT_GLOBAL, "port 0 is no endpoint anywhere");
    set_up();
    config.peer = bench_teredo(peer_server.address, mapped);
    start();
    is_verdict(PUNCH_INCONCLUSIVE, CAUSE_PEER_IS_SELF, "our own mapped endpoint");
    is_int(b.send_count, 0, "nothing is sent to ourselves");
    set_up();
    config.peer = (struct in6_addr){{{0x20, 0x01, 0x0d, 0xb8}}};
    ok(!punch_init(&p, &config), "a peer without Teredo address is refused");
}

/* The last packet of KIND that went to TO from SOCKET could not be sent. */
static void fail(unsigned socket, struct endpoint to, enum teredo_kind kind, int errnum)
{
    struct teredo_packet packet;
    struct wire_fault fault;

    for (unsigned i = b.send_count; i > 0; i--) {
        const struct bench_send *s = &b.sends[i - 1];

        if (s->socket == socket && endpoint_equal(s->to, to) &&
            teredo_decode(s->bytes, s->size, &packet, &fault) && packet.kind == kind) {
            bench_send_failed(&b, s->tag, to, errnum);
            return;
        }
    }
    abort();
}

static void test_send_failed(void)
{
    set_up();
    config.reference_ttl = 2;
    start();
    wait_for(NSEC_S);
    fail(0, peer_server, TEREDO_RS, EPERM);
    fail(1, peer_mapped, TEREDO_BUBBLE, EPERM);
    ok(!b.done, "a control or a check that cannot be sent is no verdict");
    bench_send_failed(&b, PUNCH_TAGS, peer_mapped, ENETUNREACH);
    ok(!b.done, "nor is what was never asked for");
    fail(0, peer_mapped, TEREDO_BUBBLE, ENETUNREACH);
    is_verdict(PUNCH_NOT_PUNCHED, CAUSE_SEND_FAILED, "a bubble that cannot be sent");
    is_int(verdict()->errnum, ENETUNREACH, "the system's error is kept");
}

static void test_stop(void)
{
    for (int stage = 0; stage < 4; stage++) {
        set_up();
        start();
        if (stage > 0)
            wait_for(3 * NSEC_S);
        if (stage > 1)
            indirect_answer();
        if (stage > 2)
            bubble_from(peer_mapped, &own, NULL);
        bench_stop(&b);
        is_verdict(PUNCH_INCONCLUSIVE, CAUSE_INTERRUPTED, "interrupted");
        is_int(verdict()->elapsed, stage > 0 ? 3 * NSEC_S : 0, "after this time");
    }
    is_int(verdict()->steps[STEP_ANSWER].state, STEP_RECEIVED, "what was seen by then is told");
    bench_forget(&b);
    bubble_from(peer_mapped, &own, NULL);
    bench_stop(&b);
    ok(b.event_count == 0 && b.send_count == 0 && engine_deadline(&p.engine) == NSEC_NEVER,
       "after the verdict nothing happens any more");
}

static void random_observation(struct prng *random)
{
    const struct endpoint who[] = {peer_mapped, elsewhere, peer_server, own_server, stranger};
    struct endpoint from = who[prng_below(random, 5)];
    struct in6_addr sources[] = {peer, own, bench_teredo(1, stranger)};
    struct in6_addr source = sources[prng_below(random, 3)];
    struct in6_addr to = p.attempts[prng_below(random, PUNCH_MAX_ATTEMPTS)].mark.source;
    struct teredo_packet packet;
    uint8_t buf[64];

    switch (prng_below(random, 9)) {
    case 0:
    case 1:
        wait_for(prng_below(random, 1000) * NSEC_MS);
        break;
    case 2:
        bench_icmp(&b, prng_below(random, 2), from, (uint8_t)prng_below(random, 13),
                   (uint8_t)prng_below(random, 16));
        break;
    case 3:
        bench_observe(&b, (struct observation){.kind = OBSERVED_SENT,
                                               .tag = prng_below(random, PUNCH_TAGS + 2),
                                               .socket = prng_below(random, 2),
                                               .from = local,
                                               .to = from});
        break;
    case 4:
        bench_observe(&b, (struct observation){.kind = OBSERVED_TIMER});
        break;
    case 5:
        teredo_make_echo(&packet, &source, &own,
                         &(struct teredo_echo){ICMP6_TYPE_ECHO_REPLY, p.echo_id,
                                               (uint16_t)prng_below(random, 7), p.echo_data,
                                               prng_below(random, 17)},
                         buf);
        bench_packet(&b, prng_below(random, 2), from, &packet);
        break;
    case 6:
        for (unsigned i = 0; i < sizeof buf; i++)
            buf[i] = (uint8_t)prng_next(random);
        bench_bytes(&b, 0, from, buf, prng_below(random, sizeof buf));
        break;
    case 7:
        if (prng_below(random, 20) == 0)
            bench_send_failed(&b, prng_below(random, 0x600), from, EPERM);
        break;
    default:
        teredo_make_bubble(&packet, &source, prng_below(random, 2) == 0 ? &own : &to);
        bench_packet(&b, prng_below(random, 2), from, &packet);
    }
}

static void test_anything(void)
{
    struct prng random = {43};
    unsigned bad = 0, verdicts = 0, runs = 2500;

    for (unsigned run = 0; run < runs; run++) {
        set_up();
        config.attempts = prng_below(&random, 6);
        config.ask = (enum punch_ask)prng_below(&random, 4);
        config.reference_ttl = (uint8_t)prng_below(&random, 3);
        start();
        for (int i = 0; i < 40; i++) {
            nsec before = b.now;

            random_observation(&random);
            bad += b.now < before || (!b.done && engine_deadline(&p.engine) == NSEC_NEVER);
        }
        finish();
        verdicts += bench_count(&b, EVENT_PUNCHING);
        bad +=
            b.after_done > 0 || !b.done ||
            bench_sent(&b, peer_mapped, TEREDO_BUBBLE) > 3 * PUNCH_MAX_ATTEMPTS + PUNCH_MAX_ECHOES;
    }
    is_int(bad, 0, "100,000 random observations: never stuck, never too many bubbles");
    is_int(verdicts, runs, "and one verdict each run");
}

int main(void)
{
    test_bubbles();
    test_schedule();
    test_punched();
    test_proofs();
    test_weaker_proof();
    test_late_answer();
    test_not_ours();
    test_echo();
    test_indirect();
    test_peer_server();
    test_icmp();
    test_server_reply_needs_nonce();
    test_reference();
    test_reference_is_strict();
    test_kernel_times();
    test_nothing_to_try();
    test_send_failed();
    test_stop();
    test_anything();
    return done_testing();
}
