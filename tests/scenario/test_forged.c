/* Forged packets of every kind, by the ten thousand (LONG=1: a million of each), at the listener,
 * at a qualification and at a hole punch, in virtual time. The forger knows every address and
 * endpoint, can write any source address, and sees none of what the victim sends: what it has to
 * guess is the only chance that it has. */
#include <math.h>
#include <stdlib.h>

#include "bytes.h"
#include "prng.h"
#include "punch.h"
#include "punch_judge.h"
#include "qualify_judge.h"
#include "responder.h"

#include "engine_fixture.h"

static const struct endpoint server = {0xc0000281, TEREDO_PORT};
static const struct endpoint secondary = {0xc0000282, TEREDO_PORT};
static const struct endpoint peer_server = {0xc0000201, TEREDO_PORT};
static const struct endpoint local = {0x64400202, 40001};
static const struct endpoint mapped = {0xc6336414, 40001};
static const struct endpoint peer_mapped = {0xcb00710a, 50001};
static const struct endpoint stranger = {0xc6336499, 999};

enum kind {
    FORGED_NONCE,         /* the peer's direct bubble from elsewhere, with a guessed nonce */
    FORGED_BARE,          /* the same without one */
    FORGED_FROM_RIGHT,    /* from the peer's own endpoint: our address is guessed, or the peer's */
    FORGED_INDIRECT,      /* through our server, with a nonce of the forger's; then a direct one */
    FORGED_ADVERTISEMENT, /* with a guessed nonce, from the server or from elsewhere */
    FORGED_ORIGIN,        /* an origin indication in front of a bubble, from elsewhere */
    FORGED_ICMP,          /* an error that names what was sent, and cannot quote it */
    FORGED_ECHO_REPLY,
    FORGED_ECHO_REQUEST,
    FORGED_ND, /* a bubble with an ND trailer, and a guessed nonce */
    FORGED_LINK_LOCAL,
    FORGED_NOISE,
    FORGED_KINDS
};

static const char *const names[FORGED_KINDS] = {
    [FORGED_NONCE] = "bubbles with guessed nonces",
    [FORGED_BARE] = "bubbles without a nonce",
    [FORGED_FROM_RIGHT] = "bubbles from the right endpoint",
    [FORGED_INDIRECT] = "pairs with a nonce of the forger's",
    [FORGED_ADVERTISEMENT] = "advertisements",
    [FORGED_ORIGIN] = "origin indications",
    [FORGED_ICMP] = "ICMP errors",
    [FORGED_ECHO_REPLY] = "echo replies",
    [FORGED_ECHO_REQUEST] = "echo requests",
    [FORGED_ND] = "ND options",
    [FORGED_LINK_LOCAL] = "link-local addresses",
    [FORGED_NOISE] = "noise",
};

/* The chance of one packet, by what is guessed. */
#define CHANCE_NONCE32 0x1p-32
#define CHANCE_NONCE64 0x1p-64
#define CHANCE_ADDRESS 0x1p-12 /* the random bits of a Teredo address (RFC 5991) */

static struct bench b;
static struct prng prng;
static struct in6_addr own, peer;
static bool own_is_secret; /* the forger has to guess the random bits of our address */

static struct in6_addr guessed(const struct in6_addr *address)
{
    struct teredo_addr a;
    struct in6_addr guess;

    teredo_addr_decode(address, &a);
    a.flags = (uint16_t)(prng_next(&prng) & TEREDO_FLAGS_RANDOM);
    teredo_addr_encode(&a, &guess);
    return guess;
}

static void feed(struct endpoint from, const struct teredo_packet *p)
{
    bench_packet(&b, 0, from, p);
}

static void forge_bubble(struct endpoint from, const struct in6_addr *source,
                         const struct in6_addr *destination, uint32_t nonce)
{
    struct teredo_packet p;
    uint8_t room[4];

    teredo_make_bubble(&p, source, destination);
    if (nonce != 0)
        teredo_add_nonce_trailer(&p, nonce, room);
    feed(from, &p);
}

static uint32_t any_nonce(void)
{
    return (uint32_t)prng_next(&prng) | 1U << prng_below(&prng, 32);
}

static void forge_pair(void)
{
    struct in6_addr to = own_is_secret ? guessed(&own) : own;
    uint32_t nonce = any_nonce();
    struct teredo_packet p;
    uint8_t room[4];

    teredo_make_bubble(&p, &peer, &to);
    teredo_add_nonce_trailer(&p, nonce, room);
    p.has_origin = prng_below(&prng, 2) == 0;
    p.origin = stranger;
    feed(server, &p);
    if (!own_is_secret)
        forge_bubble(stranger, &peer, &own, nonce);
}

static void forge_from_right(void)
{
    struct endpoint other = {peer_mapped.address, (uint16_t)(1 + prng_below(&prng, 50000))};
    struct in6_addr source = bench_teredo(peer_server.address, other);
    struct in6_addr to = guessed(&own);

    if (own_is_secret)
        forge_bubble(peer_mapped, &peer, &to, any_nonce());
    else
        forge_bubble(peer_mapped, &source, &own, any_nonce());
}

static void forge_advertisement(void)
{
    const struct endpoint froms[] = {server, secondary, peer_server, stranger};
    struct endpoint from = froms[prng_below(&prng, 4)];
    struct in6_addr source = teredo_link_local(TEREDO_FLAG_CONE, from);
    struct teredo_packet ra;
    uint8_t body[TEREDO_RA_SIZE];
    uint64_t nonce = prng_next(&prng);

    teredo_make_ra(&ra, &source, &teredo_rs_source,
                   (struct teredo_advertised){server.address, 1280}, body);
    ra.has_auth = prng_below(&prng, 8) != 0;
    memcpy(ra.auth.nonce, &nonce, sizeof nonce);
    ra.has_origin = true;
    ra.origin = stranger;
    feed(from, &ra);
}

static void forge_echo(uint8_t type)
{
    struct teredo_packet p;
    uint64_t data[2] = {prng_next(&prng), prng_next(&prng)};
    uint8_t buf[32];

    teredo_make_echo(&p, &peer, &own,
                     &(struct teredo_echo){type, (uint16_t)prng_next(&prng),
                                           (uint16_t)prng_below(&prng, 4), data, sizeof data},
                     buf);
    feed(stranger, &p);
}

static void forge_nd(void)
{
    const uint8_t option[4] = {(uint8_t)prng_below(&prng, 2)};
    struct teredo_packet p;
    uint8_t room[4];

    teredo_make_bubble(&p, &peer, &own);
    p.trailers[p.trailer_count++] = (struct teredo_trailer){TRAILER_ND_OPTION, 4, option};
    if (prng_below(&prng, 2) == 0)
        teredo_add_nonce_trailer(&p, any_nonce(), room);
    feed(stranger, &p);
}

static void forge_origin(void)
{
    struct teredo_packet p;

    teredo_make_bubble(&p, &peer, &own);
    p.has_origin = true;
    p.origin = prng_below(&prng, 2) == 0 ? peer_mapped : stranger;
    feed(stranger, &p);
}

/* As a forger may write it, and as our own would be: guessed. */
static void forge_link_local(void)
{
    struct in6_addr source = teredo_link_local(0, peer_mapped), to = {{{0xfe, 0x80}}};

    store_u32(&to.s6_addr[8], (uint32_t)prng_next(&prng) & 0x3cffffff);
    store_u32(&to.s6_addr[12], (uint32_t)prng_next(&prng));
    if (prng_below(&prng, 2) == 0)
        forge_bubble(stranger, &source, &own, any_nonce());
    else
        forge_bubble(stranger, &peer, &to, 0);
}

static void forge_icmp(void)
{
    const struct endpoint asked[] = {server, secondary, peer_server, peer_mapped};

    bench_forged_icmp(&b, asked[prng_below(&prng, 4)], (uint8_t)prng_below(&prng, 16));
}

static void forge_noise(void)
{
    const struct endpoint froms[] = {server, secondary, peer_mapped, stranger};
    uint8_t noise[80];

    for (unsigned i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)prng_next(&prng);
    bench_bytes(&b, 0, froms[prng_below(&prng, 4)], noise, prng_below(&prng, sizeof noise));
}

static void forge(enum kind kind)
{
    switch (kind) {
    case FORGED_NONCE:
        forge_bubble(stranger, &peer, &own, any_nonce());
        break;
    case FORGED_BARE:
        forge_bubble(stranger, &peer, &own, 0);
        break;
    case FORGED_FROM_RIGHT:
        forge_from_right();
        break;
    case FORGED_INDIRECT:
        forge_pair();
        break;
    case FORGED_ADVERTISEMENT:
        forge_advertisement();
        break;
    case FORGED_ORIGIN:
        forge_origin();
        break;
    case FORGED_ICMP:
        forge_icmp();
        break;
    case FORGED_ECHO_REPLY:
        forge_echo(ICMP6_TYPE_ECHO_REPLY);
        break;
    case FORGED_ECHO_REQUEST:
        forge_echo(ICMP6_TYPE_ECHO_REQUEST);
        break;
    case FORGED_ND:
        forge_nd();
        break;
    case FORGED_LINK_LOCAL:
        forge_link_local();
        break;
    case FORGED_NOISE:
    case FORGED_KINDS:
        forge_noise();
        break;
    }
}

/* Whom the packets are forged for. */
struct victim {
    const char *name;
    void (*start)(void);
    bool (*believed)(void); /* since it was last asked */
    nsec pace;              /* from one packet to the next */
    double chance[FORGED_KINDS];
};

static void advertise(struct endpoint from)
{
    bench_advertise(&b, server, from, mapped);
}

static struct qualify_config qualify_config(void)
{
    return (struct qualify_config){.server = server,
                                   .secondary = secondary,
                                   .local = local,
                                   .timeout = 1500 * NSEC_MS,
                                   .attempts = 3,
                                   .flags = 0x0c21,
                                   .nonces = {.key = {7}}};
}

/* The listener. */
static struct responder responder;

/* The peer asks through our server, and is sent a nonce by way of its own. */
static void ask_listener(void)
{
    forge_bubble(server, &peer, &own, 0x01020304);
}

static void start_listener(void)
{
    struct responder_config config = {.qualify = qualify_config(),
                                      .refresh_interval = 30 * NSEC_S,
                                      .nonces = {.key = {8, (uint8_t)prng_next(&prng)}}};

    responder_init(&responder, &config);
    bench_start(&b, &responder.engine, local);
    advertise(server);
    advertise(secondary);
    ask_listener();
    bench_forget(&b);
}

static bool listener_believed(void)
{
    const struct responder *r = &responder;

    for (int i = 0; i < RESPONDER_MAX_PEERS; i++) {
        const struct responder_peer *p = &r->peers[i];
        struct teredo_addr a;

        if (p->used && p->trusted &&
            !(teredo_addr_decode(&p->address, &a) && endpoint_equal(a.mapped, p->endpoint)))
            return true;
    }
    /* Nothing at all goes to the forger, and the address stays. */
    for (unsigned i = 0; i < b.send_count; i++)
        if (endpoint_equal(b.sends[i].to, stranger))
            return true;
    return !endpoint_equal(r->mapped, mapped) || !ip6_equal(&r->own, &own);
}

/* A qualification. */
static struct qualify qualify;

static void start_qualify(void)
{
    struct qualify_config config = qualify_config();

    config.nonces.key[1] = (uint8_t)prng_next(&prng);
    qualify_init(&qualify, &config);
    bench_start(&b, &qualify.engine, local);
}

static bool qualify_believed(void)
{
    const struct qualification *q = &qualify.result;

    /* An ICMP error that may be forged is a hint, until a valid answer has had its time. */
    return q->has_address || q->advertisements > 0 || !endpoint_is_unset(q->mapped) ||
           !endpoint_is_unset(q->mapped_secondary) || (b.done && q->elapsed < REFUSAL_BOUND) ||
           (b.done && q->reason != QUALIFY_NO_REPLY && q->reason != QUALIFY_REJECTED &&
            !q->has_icmp) ||
           (q->evidence & QUALIFY_EVIDENCE(ANSWER_WITH_NONCE)) != 0;
}

/* A hole punch that waits for its answer. */
static struct punch punch;
static uint32_t evidence_before;

static void start_punch(void)
{
    struct punch_config config = {
        .own = own,
        .peer = peer,
        .server = server,
        .local = local,
        .mapped = mapped,
        .own_nat = QUALIFY_NAT_CONE_OR_RESTRICTED,
        .server_rtt = 50 * NSEC_MS,
        .attempts = PUNCH_MAX_ATTEMPTS,
        .server_port = TEREDO_PORT,
        .solicitations = 2,
        .advertisements = 2,
    };
    uint64_t key = prng_next(&prng);

    memcpy(config.nonces.key, &key, sizeof key);
    punch_init(&punch, &config);
    bench_start(&b, &punch.engine, local);
    evidence_before = punch.evidence;
}

static bool punch_believed(void)
{
    /* That something unproven came is told as that. */
    uint32_t shows = punch.evidence & ~evidence_before & ~EVIDENCE(UNPROVEN_ANSWER);

    return shows != 0 || punch.result.indirect_answers > 0 ||
           punch.result.steps[STEP_ANSWER].state == STEP_RECEIVED ||
           (b.done && punch.result.verdict == PUNCH_PUNCHED);
}

static const struct victim victims[] = {
    {"listen",
     start_listener,
     listener_believed,
     100 * NSEC_US,
     {[FORGED_NONCE] = CHANCE_NONCE32, [FORGED_ND] = CHANCE_NONCE32 / 2}},
    {"qualify",
     start_qualify,
     qualify_believed,
     NSEC_MS,
     {[FORGED_ADVERTISEMENT] = 6 * CHANCE_NONCE64}},
    {"punch",
     start_punch,
     punch_believed,
     10 * NSEC_MS,
     {[FORGED_NONCE] = PUNCH_MAX_ATTEMPTS * CHANCE_NONCE32,
      [FORGED_ND] = PUNCH_MAX_ATTEMPTS * CHANCE_NONCE32 / 2,
      [FORGED_FROM_RIGHT] = CHANCE_ADDRESS,
      [FORGED_INDIRECT] = CHANCE_ADDRESS,
      [FORGED_LINK_LOCAL] = CHANCE_NONCE32,
      [FORGED_ADVERTISEMENT] = PUNCH_MAX_CHECKS * CHANCE_NONCE64}},
};

/* Feeds COUNT packets of KIND to V, which starts anew whenever it has ended or believed one. */
static unsigned attack(const struct victim *v, enum kind kind, unsigned count)
{
    unsigned believed = 0;

    v->start();
    for (unsigned i = 0; i < count; i++) {
        bench_wait(&b, v->pace);
        if (b.send_count > BENCH_ROOM / 2 || b.event_count > BENCH_ROOM / 2)
            bench_forget(&b);
        if (!b.done)
            forge(kind);
        if (v->believed()) {
            believed++;
            v->start();
        } else if (b.done) {
            v->start();
        }
    }
    return believed;
}

static void test_attacks(unsigned count)
{
    for (unsigned i = 0; i < sizeof victims / sizeof *victims; i++) {
        const struct victim *v = &victims[i];

        own_is_secret = v->start == start_punch;
        for (unsigned kind = 0; kind < FORGED_KINDS; kind++) {
            double expected = v->chance[kind] * count;
            unsigned believed = attack(v, (enum kind)kind, count);

            printf("# %s: %u %s, each with a chance of %.2g: %.2g expected, %u believed\n", v->name,
                   count, names[kind], v->chance[kind], expected, believed);
            /* Six standard deviations, and one more for what is rarer. */
            ok(believed <= expected + 6 * sqrt(expected) + 0.5 &&
                   believed >= expected - 6 * sqrt(expected) - 0.5,
               "%s: forged %s are believed by chance alone", v->name, names[kind]);
        }
    }
}

/* What is not forged is believed, so that the silence above means something. */
static void test_controls(void)
{
    struct teredo_packet p;
    struct wire_fault fault;
    uint32_t nonce = 0;

    own_is_secret = false;
    start_listener();
    forge(FORGED_NONCE);
    ok(!listener_believed(), "control: listen does not believe a guess");
    forge_bubble(stranger, &peer, &own, responder.peers[0].nonce_sent);
    ok(listener_believed(), "control: listen believes the nonce that it has sent");

    start_qualify();
    forge(FORGED_ADVERTISEMENT);
    ok(!qualify_believed(), "control: a qualification does not believe a guess");
    advertise(server);
    advertise(secondary);
    ok(b.done && qualify.result.reason == QUALIFY_BOTH_AGREE &&
           endpoint_equal(qualify.result.mapped, mapped),
       "control: it believes the server, whatever else has come");

    start_punch();
    forge(FORGED_NONCE);
    ok(!punch_believed(), "control: a hole punch does not believe a guess");
    for (unsigned i = 0; i < b.send_count; i++)
        if (endpoint_equal(b.sends[i].to, peer_server) &&
            teredo_decode(b.sends[i].bytes, b.sends[i].size, &p, &fault) &&
            teredo_trailer_nonce(&p, &nonce))
            break;
    forge_bubble(stranger, &peer, &own, nonce);
    ok(punch_believed(), "control: it believes the nonce of its bubble");
}

int main(void)
{
    const char *long_run = getenv("LONG"), *packets = getenv("PACKETS");
    unsigned count = packets != NULL    ? (unsigned)strtoul(packets, NULL, 10)
                     : long_run != NULL ? 1000000
                                        : 50000;

    prng.state = 61;
    own = bench_teredo(server.address, mapped);
    peer = bench_teredo(peer_server.address, peer_mapped);
    test_controls();
    test_attacks(count);
    return done_testing();
}
