/* What a classification concludes from which answers: a server and a NAT that a test makes up port
 * by port. Two ports do each test, and where they contradict each other nothing is concluded. */
#include <stdlib.h>

#include "classify.h"
#include "send_queue.h"
#include "tap.h"

#define START (INT64_C(1000) * NSEC_S)
#define RTT (20 * NSEC_MS)

enum {
    HOST = 0x64400102,
    OUTSIDE = 0xcb00710a,
    EXTRA_PORT = 3546,
    PENDING = 4096
};

enum destination {
    TO_P,
    TO_S,
    TO_EXTRA,
    DESTINATIONS
};

static const struct endpoint server = {0xc0000201, TEREDO_PORT};
static const struct endpoint secondary = {0xc0000202, TEREDO_PORT};
static const struct endpoint extra = {0xc0000201, EXTRA_PORT};

/* Of each socket. */
struct script {
    uint16_t mapped[CLASSIFY_SOCKETS][DESTINATIONS]; /* the external port; 0 = the local one */
    uint16_t later[CLASSIFY_SOCKETS]; /* the external port after the first answer; 0 = the same */
    bool silent[CLASSIFY_SOCKETS][DESTINATIONS]; /* solicitations are not answered */
    bool lets_in_cone[CLASSIFY_SOCKETS];         /* answers to the cone bit, from S */
    bool lets_in_relayed[CLASSIFY_SOCKETS];      /* bubbles that P relays */
    bool lets_in_extra[CLASSIFY_SOCKETS];        /* and its other port */
    bool hairpins_to[CLASSIFY_SOCKETS];
    uint32_t host[CLASSIFY_SOCKETS]; /* the local address of answers; 0 = HOST */
    bool moves[CLASSIFY_SOCKETS];    /* that address is another one from the second answer on */
    bool relays_data;                /* what is relayed is made an echo request */
    bool has_extra, translates;
};

struct reply {
    nsec when;
    unsigned socket;
    struct endpoint from;
    size_t size;
    uint8_t bytes[TEREDO_MAX_SIZE];
};

struct run {
    struct outbox outbox;
    struct send_queue sends;
    struct classify engine;
    struct endpoint local[CLASSIFY_SOCKETS];
    struct script script;
    unsigned answers[CLASSIFY_SOCKETS];
    struct reply replies[PENDING];
    unsigned first, last;
    nsec now;
    bool done;
    unsigned rejected;
    struct classification result;
};

static struct run *r;

static void take_send(struct outbox *outbox, const struct send_request *request)
{
    send_queue_add(&((struct run *)outbox)->sends, request);
}

static void take_event(struct outbox *outbox, const struct event *e)
{
    struct run *run = (struct run *)outbox;

    run->rejected += e->kind == EVENT_REJECTED;
    if (e->kind == EVENT_CLASSIFICATION)
        run->result = *e->classification;
}

static void take_end(struct outbox *outbox)
{
    ((struct run *)outbox)->done = true;
}

static struct endpoint external(unsigned socket, enum destination to)
{
    uint16_t port = r->script.mapped[socket][to];

    if (r->script.later[socket] != 0 && r->answers[socket] > 0)
        port = r->script.later[socket];
    return (struct endpoint){r->script.translates ? OUTSIDE : HOST,
                             port != 0 ? port : r->local[socket].port};
}

static void put_reply(unsigned socket, struct endpoint from, const struct teredo_packet *p)
{
    struct reply *reply = &r->replies[r->last++ % PENDING];
    struct writer w = writer_of(reply->bytes, sizeof reply->bytes);

    teredo_encode(&w, p);
    *reply = (struct reply){r->now + RTT, socket, from, w.size, {0}};
    w = writer_of(reply->bytes, sizeof reply->bytes);
    teredo_encode(&w, p);
}

static void answer_solicitation(unsigned socket, struct endpoint to, const struct teredo_packet *rs)
{
    struct in6_addr source = teredo_link_local(TEREDO_FLAG_CONE, server);
    bool cone = ip6_equal(&rs->ip6.source, &teredo_rs_source_cone);
    enum destination destination = endpoint_equal(to, server)      ? TO_P
                                   : endpoint_equal(to, secondary) ? TO_S
                                                                   : TO_EXTRA;
    struct teredo_packet ra;
    uint8_t body[TEREDO_RA_SIZE];

    if (cone ? !r->script.lets_in_cone[socket] : r->script.silent[socket][destination])
        return;
    teredo_make_ra(&ra, &source, &rs->ip6.source,
                   (struct teredo_advertised){server.address, TEREDO_MTU}, body);
    ra.has_auth = true;
    ra.auth = rs->auth;
    ra.has_origin = true;
    ra.origin = external(socket, destination);
    put_reply(socket, cone ? secondary : to, &ra);
}

/* A bubble to a Teredo address of ours: by P, by its other port, or straight by the NAT. */
static void relay(unsigned sender, struct endpoint to, struct teredo_packet *bubble)
{
    struct teredo_addr target;

    if (!teredo_addr_decode(&bubble->ip6.destination, &target))
        return;
    for (unsigned i = 0; i < CLASSIFY_SOCKETS; i++) {
        bool in = endpoint_equal(to, server)  ? r->script.lets_in_relayed[i]
                  : endpoint_equal(to, extra) ? r->script.lets_in_extra[i]
                                              : r->script.hairpins_to[i];

        if (!in || !(endpoint_equal(target.mapped, external(i, TO_P)) ||
                     endpoint_equal(target.mapped, external(i, TO_S)) ||
                     endpoint_equal(target.mapped, external(i, TO_EXTRA))))
            continue;
        if (r->script.relays_data) {
            struct in6_addr source = bubble->ip6.source;
            uint8_t body[8];

            teredo_make_echo(bubble, &source, &bubble->ip6.destination,
                             &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, 1, 1, "", 0}, body);
            put_reply(i, to, bubble);
            return;
        }
        bubble->has_origin = to.address == server.address;
        bubble->origin = external(sender, TO_P);
        put_reply(i, bubble->has_origin ? to : external(sender, TO_P), bubble);
    }
}

static void carry(const struct send_request *s)
{
    struct teredo_packet p;
    struct wire_fault fault;

    if (s->ttl != 0 || !teredo_decode(s->bytes, s->size, &p, &fault))
        return;
    if (p.kind == TEREDO_RS)
        answer_solicitation(s->socket, s->to, &p);
    else if (p.kind == TEREDO_BUBBLE)
        relay(s->socket, s->to, &p);
}

static void observe(struct observation o)
{
    struct queued_send *s;

    o.when = r->now;
    engine_observe(&r->engine.engine, &o, &r->outbox);
    while ((s = send_queue_take(&r->sends)) != NULL) {
        o = (struct observation){.kind = OBSERVED_SENT,
                                 .when = r->now,
                                 .socket = s->request.socket,
                                 .tag = s->request.tag,
                                 .from = r->local[s->request.socket],
                                 .to = s->request.to};
        engine_observe(&r->engine.engine, &o, &r->outbox);
        carry(&s->request);
        free(s);
    }
}

static void deliver(const struct reply *reply)
{
    unsigned socket = reply->socket;
    uint32_t host = r->script.host[socket] != 0 ? r->script.host[socket] : HOST;
    bool moved = r->script.moves[socket] && r->answers[socket] > 0;
    struct teredo_packet p;
    struct observation o = {.kind = OBSERVED_RECEIVED,
                            .socket = socket,
                            .from = reply->from,
                            .to = {host + moved, r->local[socket].port},
                            .size = reply->size};

    if (teredo_decode(reply->bytes, reply->size, &p, &o.fault))
        o.packet = &p;
    r->answers[socket]++;
    observe(o);
}

/* A NAT that maps endpoint-independently and lets in what was sent to. */
static void begin(void)
{
    memset(r, 0, sizeof *r);
    r->outbox = (struct outbox){take_send, take_event, take_end};
    for (unsigned i = 0; i < CLASSIFY_SOCKETS; i++)
        r->local[i] = (struct endpoint){HOST, (uint16_t)(40000 + 10 * i)};
    r->script.translates = true;
    r->script.lets_in_cone[CLASSIFY_OPEN0] = r->script.lets_in_cone[CLASSIFY_OPEN1] = true;
    r->script.lets_in_relayed[CLASSIFY_Y] = r->script.lets_in_relayed[CLASSIFY_F0] = true;
    r->script.lets_in_relayed[CLASSIFY_X] = true;
    r->script.lets_in_extra[CLASSIFY_F1] = true;
}

static const struct classification *classify(void)
{
    struct classify_config config = {
        .server = server,
        .secondary = secondary,
        .local = r->local,
        .extra_port = r->script.has_extra ? EXTRA_PORT : 0,
        .timeout = 3 * NSEC_S,
        .nonces = {.key = {9}},
    };

    r->now = START;
    classify_init(&r->engine, &config);
    observe((struct observation){.kind = OBSERVED_TIMER});
    while (!r->done && r->now < START + 100 * NSEC_S) {
        nsec deadline = engine_deadline(&r->engine.engine);
        nsec arrival = r->first < r->last ? r->replies[r->first % PENDING].when : NSEC_NEVER;

        r->now = nsec_max(r->now, nsec_min(deadline, arrival));
        if (arrival <= deadline)
            deliver(&r->replies[r->first++ % PENDING]);
        else
            observe((struct observation){.kind = OBSERVED_TIMER});
    }
    send_queue_clear(&r->sends);
    return &r->result;
}

/* A different external port for each destination. */
static void map_by_destination(unsigned socket, bool by_port)
{
    for (unsigned to = 0; to < DESTINATIONS; to++)
        r->script.mapped[socket][to] =
            (uint16_t)(50000 + 10 * socket + (to == TO_EXTRA && !by_port ? TO_P : to));
}

static void map_all_by_destination(bool by_port)
{
    for (unsigned i = 0; i < CLASSIFY_SOCKETS; i++)
        map_by_destination(i, by_port);
}

static void is_nat(enum nat_name nat, enum nat_depends mapping, enum nat_depends filtering,
                   const char *rule)
{
    const struct classification *c = classify();

    ok(r->done, "%s: it ends", rule);
    is_str(code_of(&nat_names, c->nat), code_of(&nat_names, nat), "%s: the NAT", rule);
    is_str(code_of(&nat_dependences, c->mapping), code_of(&nat_dependences, mapping), "%s: mapping",
           rule);
    is_str(code_of(&nat_dependences, c->filtering), code_of(&nat_dependences, filtering),
           "%s: filtering", rule);
    is_int(r->rejected, 0, "%s: and no answer was refused", rule);
}

static void test_filtering(void)
{
    begin();
    is_nat(NAT_NAME_PORT_RESTRICTED, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS_AND_PORT,
           "only what was sent to gets in");
    ok(r->result.error_odds > 0 && r->result.error_odds < 3 * CLASSIFY_ODDS,
       "which rests on two silences, and that of the hairpin on a third");
    for (unsigned i = CLASSIFY_ANY0; i <= CLASSIFY_ANY1; i++) {
        begin();
        r->script.lets_in_cone[i] = true;
        is_nat(NAT_NAME_UNKNOWN, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_UNKNOWN,
               "one port lets anyone in, the other does not");
    }
    begin();
    r->script.lets_in_cone[CLASSIFY_ANY0] = r->script.lets_in_cone[CLASSIFY_ANY1] = true;
    is_nat(NAT_NAME_CONE, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ENDPOINT_INDEPENDENT,
           "both ports let anyone in");
    for (unsigned i = CLASSIFY_PORT0; i <= CLASSIFY_PORT1; i++) {
        begin();
        r->script.lets_in_cone[i] = true;
        is_nat(NAT_NAME_UNKNOWN, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ENDPOINT,
               "one port lets another port in, the other does not");
    }
    begin();
    r->script.lets_in_cone[CLASSIFY_PORT0] = r->script.lets_in_cone[CLASSIFY_PORT1] = true;
    is_nat(NAT_NAME_ADDRESS_RESTRICTED, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS,
           "both ports let another port in");
    begin();
    r->script.lets_in_cone[CLASSIFY_OPEN0] = r->script.lets_in_cone[CLASSIFY_OPEN1] = false;
    r->script.lets_in_relayed[CLASSIFY_Y] = r->script.lets_in_relayed[CLASSIFY_F0] = false;
    is_nat(NAT_NAME_UNKNOWN, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_UNKNOWN,
           "silence means nothing where the reference is silent too");
    begin();
    r->script.lets_in_cone[CLASSIFY_OPEN0] = false;
    is_nat(NAT_NAME_PORT_RESTRICTED, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS_AND_PORT,
           "one reference that comes in will do");
}

/* A server that does not answer the cone bit: bubbles that it relays tell the same. */
static void test_filtering_without_cone_bit(void)
{
    for (unsigned i = 0; i < 8; i++) {
        static const enum nat_depends found[] = {
            DEPENDS_ADDRESS_AND_PORT, DEPENDS_ENDPOINT,
            DEPENDS_ENDPOINT,         DEPENDS_ADDRESS,
            DEPENDS_UNKNOWN,          DEPENDS_UNKNOWN,
            DEPENDS_UNKNOWN,          DEPENDS_ENDPOINT_INDEPENDENT,
        };
        static const enum nat_name names[] = {NAT_NAME_PORT_RESTRICTED, NAT_NAME_UNKNOWN,
                                              NAT_NAME_UNKNOWN,         NAT_NAME_ADDRESS_RESTRICTED,
                                              NAT_NAME_UNKNOWN,         NAT_NAME_UNKNOWN,
                                              NAT_NAME_UNKNOWN,         NAT_NAME_CONE};

        begin();
        r->script.lets_in_cone[CLASSIFY_OPEN0] = r->script.lets_in_cone[CLASSIFY_OPEN1] = false;
        r->script.lets_in_relayed[CLASSIFY_NEAR0] = (i & 1) != 0;
        r->script.lets_in_relayed[CLASSIFY_NEAR1] = (i & 2) != 0;
        r->script.lets_in_relayed[CLASSIFY_D0] = i == 4 || i == 7;
        r->script.lets_in_relayed[CLASSIFY_D1] = i >= 5;
        is_nat(names[i], DEPENDS_ENDPOINT_INDEPENDENT, found[i],
               "without the cone bit, what bubbles tell of two ports each");
        ok(r->result.sent <= 150, "in no more packets than the page says (%u)", r->result.sent);
    }
}

static void test_mapping(void)
{
    begin();
    map_by_destination(CLASSIFY_X, true);
    is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_ENDPOINT,
           "a NAT that draws ports may draw the same one twice: one port is enough to tell");
    begin();
    map_by_destination(CLASSIFY_Y, true);
    is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_ENDPOINT, "and so is the other port");
    begin();
    r->script.silent[CLASSIFY_Y][TO_S] = true;
    is_nat(NAT_NAME_UNKNOWN, DEPENDS_UNKNOWN, DEPENDS_ADDRESS_AND_PORT,
           "but one port alone does not show that the mapping is the same");
    begin();
    r->script.later[CLASSIFY_X] = 61000;
    is_nat(NAT_NAME_UNKNOWN, DEPENDS_UNKNOWN, DEPENDS_ADDRESS_AND_PORT,
           "a mapping that changes between two answers shows nothing");
    ok(r->result.unsteady, "and is told as unsteady");
    begin();
    r->script.host[CLASSIFY_Y] = HOST + 1;
    is_nat(NAT_NAME_UNKNOWN, DEPENDS_UNKNOWN, DEPENDS_ADDRESS_AND_PORT,
           "nor do ports whose answers come in by two addresses of this host");
    ok(r->result.unsteady, "which is unsteady, too");
    begin();
    r->script.moves[CLASSIFY_X] = true;
    is_nat(NAT_NAME_UNKNOWN, DEPENDS_UNKNOWN, DEPENDS_ADDRESS_AND_PORT,
           "nor does a port whose answers come in by another address after a while");
}

static void is_trip(enum finding found, const char *rule)
{
    classify();
    ok(r->done, "%s: it ends", rule);
    is_int(r->result.trips, found, "%s: the trap", rule);
    is_str(code_of(&nat_names, r->result.nat), "port_restricted", "%s: and the NAT", rule);
    ok(r->result.sent <= 150, "%s: in no more packets than the page says", rule);
}

/* A port that was sent to unasked is mapped anew towards that sender. */
static void test_trip(void)
{
    begin();
    is_trip(FINDING_NO, "what came unasked changes nothing");
    for (unsigned i = 1; i <= 3; i++) {
        begin();
        for (unsigned k = 0; k < 2; k++)
            if ((i >> k & 1) != 0)
                r->script.mapped[CLASSIFY_D0 + k][TO_P] = (uint16_t)(61000 + k);
        is_trip(i == 3 ? FINDING_YES : FINDING_UNKNOWN,
                i == 3 ? "both ports are mapped anew"
                       : "one port is mapped anew, the other is not");
    }
    for (unsigned i = 0; i < 2; i++) {
        begin();
        r->script.mapped[CLASSIFY_D0][TO_P] = 61000;
        r->script.mapped[CLASSIFY_D1][TO_P] = 61001;
        r->script.silent[CLASSIFY_D0 + i][TO_P] = true;
        is_trip(FINDING_UNKNOWN, "one port's new mapping is not seen");
    }
    begin();
    r->script.mapped[CLASSIFY_D0][TO_P] = 61000;
    r->script.mapped[CLASSIFY_D1][TO_P] = 61001;
    memset(r->script.lets_in_relayed, 0, sizeof r->script.lets_in_relayed);
    is_trip(FINDING_UNKNOWN, "a server that relays nothing sends nothing unasked");
    begin();
    r->script.lets_in_cone[CLASSIFY_ANY0] = r->script.lets_in_cone[CLASSIFY_ANY1] = true;
    r->script.lets_in_relayed[CLASSIFY_D0] = r->script.lets_in_relayed[CLASSIFY_D1] = true;
    classify();
    is_int(r->result.trips, FINDING_NO,
           "a NAT that lets in what nobody asked for has no such trap");
    begin();
    r->script.translates = false;
    classify();
    is_int(r->result.trips, FINDING_NOT_APPLICABLE, "nor is there one without a NAT");
    begin();
    map_all_by_destination(true);
    classify();
    is_int(r->result.trips, FINDING_UNKNOWN, "a symmetric NAT maps anew anyway");
}

static void test_second_port(void)
{
    begin();
    r->script.has_extra = true;
    map_all_by_destination(false);
    is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ADDRESS, DEPENDS_ADDRESS_AND_PORT,
           "the same mapping for both ports of an address");
    begin();
    r->script.has_extra = true;
    map_all_by_destination(false);
    map_by_destination(CLASSIFY_X, true);
    is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ADDRESS_AND_PORT, DEPENDS_ADDRESS_AND_PORT,
           "another mapping for the other port, seen at one local port");
    begin();
    r->script.has_extra = true;
    map_all_by_destination(false);
    map_by_destination(CLASSIFY_F1, true);
    is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ADDRESS_AND_PORT, DEPENDS_ADDRESS_AND_PORT,
           "or at the other");
    for (unsigned i = 0; i < 2; i++) {
        begin();
        r->script.has_extra = true;
        map_all_by_destination(false);
        r->script.silent[i == 0 ? CLASSIFY_X : CLASSIFY_F1][TO_EXTRA] = true;
        r->script.lets_in_extra[CLASSIFY_F1] = false;
        classify();
        is_str(code_of(&nat_dependences, r->result.mapping), "endpoint_dependent",
               "one local port alone does not show that the port of the server does not matter");
    }
    begin();
    r->script.has_extra = true;
    is_nat(NAT_NAME_PORT_RESTRICTED, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS_AND_PORT,
           "where the mapping is the same for all the other port adds nothing");
}

/* Behind a mapping that depends on the destination, by bubbles that the server relays. */
static void test_relayed(void)
{
    for (unsigned i = CLASSIFY_D0; i <= CLASSIFY_D1; i++) {
        begin();
        map_all_by_destination(true);
        r->script.lets_in_relayed[i] = true;
        is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_UNKNOWN,
               "one port lets a stranger's bubble in, the other does not");
    }
    begin();
    map_all_by_destination(true);
    r->script.lets_in_relayed[CLASSIFY_D0] = r->script.lets_in_relayed[CLASSIFY_D1] = true;
    is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_ENDPOINT_INDEPENDENT,
           "both let a stranger's bubble in");
    begin();
    map_all_by_destination(true);
    r->script.lets_in_cone[CLASSIFY_ANY0] = r->script.lets_in_cone[CLASSIFY_ANY1] = true;
    is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_ENDPOINT_INDEPENDENT,
           "or a stranger's answer");
    begin();
    map_all_by_destination(true);
    r->script.lets_in_relayed[CLASSIFY_Y] = r->script.lets_in_relayed[CLASSIFY_F0] = false;
    is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_UNKNOWN,
           "silence means nothing where the server relays nothing");
    begin();
    map_all_by_destination(true);
    r->script.relays_data = true;
    is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ENDPOINT, DEPENDS_UNKNOWN,
           "and other packets than bubbles are no answer to one");
    for (unsigned i = 0; i < 4; i++) {
        static const enum nat_depends found[] = {DEPENDS_ADDRESS_AND_PORT, DEPENDS_ENDPOINT,
                                                 DEPENDS_ENDPOINT, DEPENDS_ADDRESS};

        begin();
        r->script.has_extra = true;
        map_all_by_destination(false);
        r->script.lets_in_extra[CLASSIFY_Y] = (i & 1) != 0;
        r->script.lets_in_extra[CLASSIFY_F0] = (i & 2) != 0;
        is_nat(NAT_NAME_SYMMETRIC, DEPENDS_ADDRESS, found[i],
               "bubbles of the server's other port, let in by none, one or both of two ports");
    }
}

/* One port alone gets answers from the address; the others none. */
static void answer_one(unsigned socket, enum destination address)
{
    begin();
    for (unsigned i = 0; i < CLASSIFY_SOCKETS; i++)
        r->script.silent[i][address] = i != socket;
    classify();
}

static void test_reach(void)
{
    for (unsigned i = CLASSIFY_X; i <= CLASSIFY_D1; i++) {
        answer_one(i, TO_S);
        is_str(code_of(&classify_reaches, r->result.reach), "both_answered",
               "any port's answer shows that an address answers");
        is_int(r->result.mapping, DEPENDS_UNKNOWN, "but not what the mapping depends on");
    }
    for (unsigned i = CLASSIFY_X; i <= CLASSIFY_Y; i++) {
        answer_one(i, TO_P);
        is_str(code_of(&classify_reaches, r->result.reach), "both_answered",
               "the primary likewise");
        is_int(r->result.translated, FINDING_YES, "and that something is translated");
    }
    begin();
    r->script.translates = false;
    r->script.silent[CLASSIFY_X][TO_P] = true;
    classify();
    is_int(r->result.translated, FINDING_UNKNOWN,
           "one port that is not translated does not show that none is");
    begin();
    r->script.translates = false;
    r->script.mapped[CLASSIFY_Y][TO_P] = r->script.mapped[CLASSIFY_Y][TO_S] = 61000;
    classify();
    is_int(r->result.translated, FINDING_YES, "one port that is translated shows that some are");
    begin();
    r->script.translates = false;
    is_nat(NAT_NAME_FIREWALL, DEPENDS_ENDPOINT_INDEPENDENT, DEPENDS_ADDRESS_AND_PORT,
           "what filters and does not translate is a firewall");
}

static void test_hairpin(void)
{
    for (unsigned i = 0; i < 4; i++) {
        begin();
        r->script.hairpins_to[CLASSIFY_X] = (i & 1) != 0;
        r->script.hairpins_to[CLASSIFY_Y] = (i & 2) != 0;
        classify();
        is_int(r->result.hairpinning, i == 0 ? FINDING_NO : FINDING_YES,
               "a bubble that one of two ports gets shows that the NAT hairpins");
        for (unsigned k = 0; k < r->result.evidence_count; k++) {
            const struct classify_evidence *e = &r->result.evidence[k];

            if (e->test == TEST_HAIRPIN)
                ok(e->port == r->local[i == 1 ? CLASSIFY_X : CLASSIFY_Y].port &&
                       (e->delay != 0) == (i != 0),
                   "and the evidence is of the port that got one");
        }
    }
    begin();
    map_all_by_destination(true);
    classify();
    is_int(r->result.hairpinning, FINDING_UNKNOWN,
           "behind a mapping by destination that filters it cannot be told");
    begin();
    r->script.translates = false;
    classify();
    is_int(r->result.hairpinning, FINDING_NOT_APPLICABLE, "without translation there is none");
}

int main(void)
{
    r = malloc(sizeof *r);
    if (r == NULL)
        return 1;
    test_filtering();
    test_filtering_without_cone_bit();
    test_mapping();
    test_trip();
    test_second_port();
    test_relayed();
    test_reach();
    test_hairpin();
    free(r);
    return done_testing();
}
