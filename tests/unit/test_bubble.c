#include "bubble.h"

#include <string.h>

#include "tap.h"

static const struct endpoint server = {0xc0000281, TEREDO_PORT}, mapped = {0xc6336414, 40000},
                             here = {0xcb007109, 50000}, stranger = {0xcb007163, 9};

static struct in6_addr peer(void)
{
    struct teredo_addr a = {.prefix = TEREDO_PREFIX, .server = server.address, .mapped = mapped};
    struct in6_addr address;

    teredo_addr_encode(&a, &address);
    return address;
}

/* Two rounds of a bubble to the peer, each to its mapped endpoint and to its server. */
static struct bubble_config of_bubbles(void)
{
    struct bubble_config c = {
        .targets = {{BUBBLE_DIRECT, mapped}, {BUBBLE_INDIRECT, server}},
        .target_count = 2,
        .rounds = 2,
        .random_source = true,
        .nonces = {.key = {1}},
    };
    struct in6_addr to = peer(), source = {0};

    teredo_make_bubble(&c.base.packet, &source, &to);
    return c;
}

static const struct teredo_packet *made(const struct bubble *b)
{
    return &b->packet.captured_packet.packet;
}

static void send_round(struct bubble *b, nsec when)
{
    bubble_begin_round(b);
    for (unsigned i = 0; i < b->config.target_count; i++) {
        bubble_make(b, i, here);
        bubble_note_sent(b, when + (nsec)i);
    }
}

static struct bubble_reply receive(struct bubble *b, const struct teredo_packet *p,
                                   struct endpoint from, nsec when)
{
    struct observation o = {OBSERVED_RECEIVED, .when = when, .from = from, .to = here};
    struct bubble_reply reply;
    uint8_t bytes[TEREDO_MAX_SIZE];
    struct writer w = writer_of(bytes, sizeof bytes);

    teredo_encode(&w, p);
    o.size = w.size;
    bubble_receive(b, &o, bytes, &reply);
    return reply;
}

static void test_rounds(void)
{
    static struct bubble b;
    struct bubble_config c = of_bubbles();
    struct in6_addr first, second;

    bubble_init(&b, &c);
    bubble_begin_round(&b);
    bubble_make(&b, 0, here);
    first = made(&b)->ip6.source;
    is_int((int64_t)b.packet.number, 1, "packets are numbered from 1");
    is_int(b.packet.aim, BUBBLE_DIRECT, "the first goes to the first target");
    ok(endpoint_equal(b.packet.captured_packet.udp.to, mapped), "and to its endpoint");
    ok(endpoint_equal(b.packet.captured_packet.udp.from, here), "from where the caller says");
    ok(first.s6_addr[0] == 0xfe && first.s6_addr[1] == 0x80, "its source is link-local");
    bubble_make(&b, 1, here);
    is_int((int64_t)b.packet.number, 2, "numbers count on within a round");
    ok(endpoint_equal(b.packet.captured_packet.udp.to, server), "the next goes to the next target");
    ok(ip6_equal(&made(&b)->ip6.source, &first), "and is the same packet");
    bubble_begin_round(&b);
    bubble_make(&b, 0, here);
    second = made(&b)->ip6.source;
    ok(!ip6_equal(&second, &first), "the next round draws another source");
    is_int((int64_t)b.packet.number, 3, "numbers count on from round to round");
}

static void test_nonces(void)
{
    static struct bubble b;
    struct bubble_config c = of_bubbles();
    uint32_t nonce[3] = {0};
    uint8_t zeros[4] = {0}, auth[TEREDO_NONCE_SIZE];

    c.random_auth_nonce = c.base.packet.has_auth = true;
    teredo_add_nonce_trailer(&c.base.packet, 0, zeros);
    c.random_trailers = 1;
    bubble_init(&b, &c);
    bubble_begin_round(&b);
    bubble_make(&b, 0, here);
    ok(teredo_trailer_nonce(made(&b), &nonce[0]) && nonce[0] != 0, "a trailer gets a random nonce");
    memcpy(auth, made(&b)->auth.nonce, sizeof auth);
    bubble_make(&b, 1, here);
    ok(teredo_trailer_nonce(made(&b), &nonce[1]) && nonce[1] == nonce[0], "one for all targets");
    bubble_begin_round(&b);
    bubble_make(&b, 0, here);
    ok(teredo_trailer_nonce(made(&b), &nonce[2]) && nonce[2] != nonce[0], "the next round another");
    ok(memcmp(auth, made(&b)->auth.nonce, sizeof auth) != 0, "the authentication header as well");
}

static void test_echoes(void)
{
    static struct bubble b;
    struct bubble_config c = of_bubbles();
    uint8_t message[BUBBLE_ECHO_HEADER + BUBBLE_ECHO_DATA] = {ICMP6_TYPE_ECHO_REQUEST}, first[8];
    uint16_t id;

    c.is_echo = c.random_echo_data = c.base.icmp6_checksum = true;
    c.base.packet.ip6.next_header = IP_PROTOCOL_ICMP6;
    c.base.packet.payload = message;
    c.base.packet.payload_size = sizeof message;
    bubble_init(&b, &c);
    send_round(&b, 0);
    is_int(made(&b)->kind, TEREDO_ECHO_REQUEST, "an echo request is one");
    is_int(made(&b)->icmp6.echo.sequence, 1, "of sequence 1 in the first round");
    id = made(&b)->icmp6.echo.id;
    memcpy(first, made(&b)->payload + BUBBLE_ECHO_HEADER, sizeof first);
    send_round(&b, NSEC_S);
    is_int(made(&b)->icmp6.echo.sequence, 2, "of sequence 2 in the second");
    is_int(made(&b)->icmp6.echo.id, id, "with the same identifier");
    ok(memcmp(first, made(&b)->payload + BUBBLE_ECHO_HEADER, sizeof first) != 0,
       "and with other data");
}

static void test_answers(void)
{
    static struct bubble b;
    struct bubble_config c = of_bubbles();
    struct teredo_packet answer;
    struct in6_addr from = peer();
    struct bubble_reply reply;

    c.wait = NSEC_S;
    bubble_init(&b, &c);
    send_round(&b, NSEC_S);
    teredo_make_bubble(&answer, &from, &from);
    reply = receive(&b, &answer, stranger, NSEC_S + 20 * NSEC_MS);
    is_str(code_of(&punch_proofs, reply.proof), "none", "what anybody could send proves nothing");
    is_int((int64_t)b.summary.replies, 1, "it is counted as a reply");
    is_int((int64_t)b.summary.answers, 0, "but not as an answer");
    bubble_finish(&b, false);
    is_int(b.summary.verdict, BUBBLE_UNANSWERED, "so that nothing has answered");
    teredo_make_bubble(&answer, &from, &b.craft.packet.ip6.source);
    reply = receive(&b, &answer, mapped, NSEC_S + 30 * NSEC_MS);
    is_str(code_of(&punch_proofs, reply.proof), "link_local", "the drawn source is a proof");
    is_int((int64_t)reply.answered, 2, "of the packet that went last");
    is_int(reply.delay, 30 * NSEC_MS - 1, "after so long");
    receive(&b, &answer, mapped, NSEC_S + 40 * NSEC_MS);
    is_int((int64_t)b.summary.answers, 2, "every answer counts");
    is_int(b.summary.first_delay, 30 * NSEC_MS - 1, "the first one's delay is kept");
    bubble_finish(&b, false);
    is_int(b.summary.verdict, BUBBLE_ANSWERED, "and the verdict is: answered");
    reply = receive(&b, &answer, mapped, 0);
    is_int(reply.delay, 0, "a clock that went back makes no negative delay");
}

static enum bubble_verdict verdict_of(nsec wait, unsigned rounds, bool fails, bool interrupted)
{
    static struct bubble b;
    struct bubble_config c = of_bubbles();

    c.wait = wait;
    bubble_init(&b, &c);
    for (unsigned i = 0; i < rounds; i++)
        send_round(&b, 0);
    if (fails)
        bubble_note_failed(&b, 1);
    bubble_finish(&b, interrupted);
    return b.summary.verdict;
}

static void test_verdicts(void)
{
    enum {
        WHOLE = 2,
        HALF = 1
    };
    const bool well = false, fails = true, ended = false, interrupted = true;

    is_int(verdict_of(0, WHOLE, well, ended), BUBBLE_SENT, "all sent and none waited for: sent");
    is_int(verdict_of(0, WHOLE, well, interrupted), BUBBLE_SENT, "interrupted after all: sent");
    is_int(verdict_of(0, HALF, well, interrupted), BUBBLE_INTERRUPTED, "before that: interrupted");
    is_int(verdict_of(1, WHOLE, well, interrupted), BUBBLE_INTERRUPTED, "or while waiting");
    is_int(verdict_of(1, WHOLE, well, ended), BUBBLE_UNANSWERED, "waited in vain: unanswered");
    is_int(verdict_of(1, WHOLE, fails, interrupted), BUBBLE_NOT_SENT, "refused: not sent");
}

int main(void)
{
    test_rounds();
    test_nonces();
    test_echoes();
    test_answers();
    test_verdicts();
    return done_testing();
}
