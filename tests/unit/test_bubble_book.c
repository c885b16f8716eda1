#include "bubble_book.h"
#include "hex.h"
#include "tap.h"

static const struct endpoint server = {0xc0000281, TEREDO_PORT}, mapped = {0xc6336414, 40000},
                             stranger = {0xcb007163, 9};
static const struct in6_addr secret = {{{0xfe, 0x80, [8] = 1, 2, 3, 4, 5, 6, 7, 8}}};

static struct in6_addr peer(void)
{
    struct teredo_addr a = {.prefix = TEREDO_PREFIX, .server = server.address, .mapped = mapped};
    struct in6_addr address;

    teredo_addr_encode(&a, &address);
    return address;
}

static void add(struct bubble_book *book, unsigned long number, struct endpoint to,
                const struct teredo_packet *p, bool secret_source)
{
    struct bubble_sent s;

    bubble_sent_describe(&s, to, p, secret_source);
    s.number = number;
    bubble_book_add(book, &s);
}

/* A bubble from SOURCE to the peer, through its server, with a nonce trailer unless NONCE is 0. */
static void add_bubble(struct bubble_book *book, unsigned long number,
                       const struct in6_addr *source, bool secret_source, uint32_t nonce)
{
    struct in6_addr to = peer();
    struct teredo_packet p;
    uint8_t buf[4];

    teredo_make_bubble(&p, source, &to);
    if (nonce != 0)
        teredo_add_nonce_trailer(&p, nonce, buf);
    add(book, number, server, &p, secret_source);
}

static void check(const struct bubble_book *book, const struct teredo_packet *p,
                  struct endpoint from, enum punch_proof proof, unsigned long number,
                  const char *what)
{
    const struct bubble_sent *sent;
    enum punch_proof got = bubble_book_find(book, p, from, &sent);

    is_str(code_of(&punch_proofs, got), code_of(&punch_proofs, proof), "%s: the proof", what);
    is_int(sent == NULL ? 0 : (int64_t)sent->number, (int64_t)number, "%s: what it answers", what);
}

static void test_bubbles(void)
{
    static struct bubble_book book;
    struct in6_addr from = peer(), other = secret;
    struct teredo_packet answer;
    uint8_t buf[4], other_buf[4];

    check(&book, NULL, server, PROOF_NONE, 0, "before anything was sent");
    add_bubble(&book, 1, &secret, true, 77);
    add_bubble(&book, 2, &teredo_rs_source, false, 78);
    teredo_make_bubble(&answer, &from, &secret);
    check(&book, &answer, stranger, PROOF_LINK_LOCAL, 1, "a bubble to our random address");
    check(&book, &answer, mapped, PROOF_LINK_LOCAL, 1, "which is more than its endpoint says");
    answer.ip6.destination = teredo_rs_source;
    check(&book, &answer, stranger, PROOF_NONE, 2, "a bubble to an address that anybody knows");
    check(&book, &answer, mapped, PROOF_ENDPOINT, 2, "the same from the peer's mapped endpoint");
    check(&book, &answer, server, PROOF_ENDPOINT, 2, "the same from where the packet went");
    teredo_add_nonce_trailer(&answer, 77, buf);
    check(&book, &answer, stranger, PROOF_NONCE, 1, "a bubble that repeats the first one's nonce");
    other.s6_addr[15] ^= 1;
    teredo_make_bubble(&answer, &from, &other);
    teredo_add_nonce_trailer(&answer, 79, other_buf);
    check(&book, &answer, stranger, PROOF_NONE, 2, "a bubble with another nonce and destination");
    check(&book, NULL, mapped, PROOF_NONE, 2, "what is no Teredo packet, wherever it comes from");
}

static void test_messages(void)
{
    static struct bubble_book book;
    struct teredo_packet rs, ra, echo, reply;
    uint8_t rs_buf[8], ra_buf[TEREDO_RA_SIZE], echo_buf[8], reply_buf[8];
    struct in6_addr to = peer();

    teredo_make_rs(&rs, &teredo_rs_source, rs_buf);
    teredo_add_auth_nonce(&rs, (const uint8_t *)"12345678");
    add(&book, 1, server, &rs, false);
    teredo_make_ra(&ra, &to, &teredo_rs_source, (struct teredo_advertised){server.address, 1280},
                   ra_buf);
    teredo_add_auth_nonce(&ra, (const uint8_t *)"12345678");
    check(&book, &ra, stranger, PROOF_NONCE, 1, "an advertisement with the solicitation's nonce");
    teredo_add_auth_nonce(&ra, (const uint8_t *)"12345679");
    check(&book, &ra, stranger, PROOF_NONE, 1, "one with another nonce");
    check(&book, &ra, server, PROOF_ENDPOINT, 1, "the same from the server that was asked");

    teredo_make_echo(&echo, &to, &to, &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, 7, 1, NULL, 0},
                     echo_buf);
    add(&book, 2, mapped, &echo, false);
    teredo_make_echo(&reply, &to, &to, &(struct teredo_echo){ICMP6_TYPE_ECHO_REPLY, 7, 1, NULL, 0},
                     reply_buf);
    check(&book, &reply, stranger, PROOF_NONCE, 2,
          "an echo reply with our identifier and sequence");
    teredo_make_echo(&reply, &to, &to, &(struct teredo_echo){ICMP6_TYPE_ECHO_REPLY, 7, 2, NULL, 0},
                     reply_buf);
    check(&book, &reply, stranger, PROOF_NONE, 2, "one with another sequence");
    teredo_make_echo(&reply, &to, &to,
                     &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, 7, 1, NULL, 0}, reply_buf);
    check(&book, &reply, stranger, PROOF_NONE, 2, "our own request, come back");
}

static void test_order(void)
{
    static struct bubble_book book;
    struct in6_addr from = peer();
    struct teredo_packet answer;
    uint8_t buf[4];

    for (unsigned long i = 1; i <= BUBBLE_BOOK_ROOM + 10; i++)
        add_bubble(&book, i, &teredo_rs_source, false, (uint32_t)i);
    teredo_make_bubble(&answer, &from, &secret);
    check(&book, &answer, mapped, PROOF_ENDPOINT, BUBBLE_BOOK_ROOM + 10,
          "where many may be meant, the latest is");
    teredo_add_nonce_trailer(&answer, 11, buf);
    check(&book, &answer, mapped, PROOF_NONCE, 11, "the oldest that is remembered");
    buf[3] = 10;
    check(&book, &answer, stranger, PROOF_NONE, BUBBLE_BOOK_ROOM + 10, "one that is forgotten");
}

int main(void)
{
    test_bubbles();
    test_messages();
    test_order();
    return done_testing();
}
