/* The analysis of `teredoctl trace -r`: the input is a list of what captures show, of few parties,
 * so that much of it belongs together. Eight bytes a sight:
 *
 *     kind and vantage point, time, from, to, IPv6 source, IPv6 destination, ttl, nonces
 */
#include <string.h>

#include "fuzz.h"
#include "passive.h"

enum {
    RECORD_SIZE = 8,
    VANTAGES = 3,
    ENDPOINTS = 8,
    ADDRESSES = 16,
    LINK_LOCALS = 4, /* the first addresses */
    CONES = 8,       /* from here on Teredo addresses have the cone bit */
    NATIVES = 12     /* these are not all Teredo addresses */
};

/* Two servers, four endpoints outside of NATs, two inside. */
static const struct endpoint endpoints[ENDPOINTS] = {
    {0xc0000201, 3544},  {0xc0000281, 3544},  {0xcb00710a, 40001}, {0xc6336414, 40001},
    {0xcb00710a, 40003}, {0xc6336414, 50000}, {0x64400102, 40001}, {0x64400202, 40001},
};

static const uint8_t ttls[] = {64, 63, 62, 61, 128, 255, 2, 1};

/* What is fed is kept for each pair of addresses: what a verdict says must have been seen. */
struct evidence {
    bool bubble, data;
};

struct state {
    struct outbox outbox;
    struct passive *engine;
    struct passive_config config;
    nsec now;
    struct evidence fed[ADDRESSES][ADDRESSES]; /* by source and destination */
    bool advertised[ENDPOINTS];                /* as mapped endpoints, by router advertisements */
    uint64_t bubbles, punches, qualifications;
    bool done;
};

static struct in6_addr address_of(unsigned n)
{
    struct teredo_addr t = {.prefix = TEREDO_PREFIX};
    struct in6_addr a = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)n}};

    if (n < LINK_LOCALS) {
        a = (struct in6_addr){.s6_addr = {0xfe, 0x80, [8] = 0x12, [15] = (uint8_t)n}};
    } else if (n < NATIVES) {
        t.mapped = endpoints[2 + n % 4];
        t.server = endpoints[n / 4 % 2].address;
        t.flags = n >= CONES ? TEREDO_FLAG_CONE : 0x1234;
        teredo_addr_encode(&t, &a);
    } else if (n == NATIVES) { /* that of an unmapped host */
        teredo_addr_encode(&t, &a);
    }
    return a;
}

static int index_of(const struct in6_addr *a)
{
    for (unsigned i = 0; i < ADDRESSES; i++) {
        struct in6_addr b = address_of(i);

        if (ip6_equal(a, &b))
            return (int)i;
    }
    return -1;
}

static bool fed_data(const struct state *s, const struct in6_addr *peer, bool any)
{
    int n = index_of(peer);

    HOLDS(n >= 0);
    for (unsigned i = 0; i < ADDRESSES; i++)
        if (s->fed[i][n].data || s->fed[n][i].data ||
            (any && (s->fed[i][n].bubble || s->fed[n][i].bubble)))
            return true;
    return false;
}

static void check_step(const struct step_report *step, nsec now)
{
    HOLDS(step->view_count <= STEP_MAX_VIEWS);
    if (step->state == STEP_MISSING)
        HOLDS(step->view_count == 0 && !step->lost);
    else
        HOLDS(step->when <= now);
    if (step->state == STEP_INFERRED)
        HOLDS(step->when <= step->latest);
    for (unsigned i = 0; i < step->view_count; i++)
        HOLDS(step->views[i].vantage < VANTAGES && step->views[i].place <= PLACE_RECEIVER);
}

/* Whether the punch is of the client that was asked for. Of an initiator without a Teredo address
 * only its endpoint tells, or what a server has advertised to it. */
static bool is_asked_for(const struct state *s, const struct punching *p)
{
    struct teredo_addr wanted;

    if (ip6_equal(&p->peer, &s->config.peer) || ip6_equal(&p->own, &s->config.peer))
        return true;
    if (p->has_own || !teredo_addr_decode(&s->config.peer, &wanted))
        return false;
    for (unsigned i = 0; i < ENDPOINTS; i++)
        if (s->advertised[i] && endpoint_equal(endpoints[i], wanted.mapped))
            return true;
    return endpoint_equal(p->mapped, wanted.mapped);
}

static void check_punch(const struct state *s, const struct punching *p)
{
    struct teredo_addr peer;

    HOLDS(teredo_addr_decode(&p->peer, &peer));
    HOLDS(p->cause < CAUSE_COUNT && p->side != SIDE_SELF);
    HOLDS(fed_data(s, &p->peer, true));
    HOLDS(p->verdict != PUNCH_PUNCHED || fed_data(s, &p->peer, false));
    HOLDS((p->verdict == PUNCH_PUNCHED) ==
          (p->cause == CAUSE_NONE || p->cause == CAUSE_PEER_REMAPPED));
    HOLDS(text_of(&captured_causes, p->cause)[0] != '\0');
    HOLDS(p->elapsed >= 0 && p->rtt >= 0);
    for (int i = 0; i < STEP_COUNT; i++)
        check_step(&p->steps[i], s->now);
    check_step(&p->request, s->now);
    if (s->config.has_peer)
        HOLDS(is_asked_for(s, p));
}

static void take_send(struct outbox *outbox, const struct send_request *request)
{
    (void)outbox;
    (void)request;
    abort();
}

static void take_event(struct outbox *outbox, const struct event *event)
{
    struct state *s = (struct state *)outbox;

    HOLDS(!s->done);
    if (event->kind == EVENT_PUNCHING) {
        s->punches++;
        check_punch(s, &event->punching);
    } else if (event->kind == EVENT_QUALIFICATION) {
        s->qualifications++;
        HOLDS(event->qualification.elapsed >= 0);
    } else {
        HOLDS(event->kind == EVENT_REJECTED);
    }
}

static void take_end(struct outbox *outbox)
{
    struct state *s = (struct state *)outbox;

    HOLDS(!s->done);
    s->done = true;
}

static void feed(struct state *s, const struct observation *o)
{
    engine_observe(passive_engine(s->engine), o, &s->outbox);
    HOLDS(s->done || engine_deadline(passive_engine(s->engine)) > s->now);
}

/* As a replay does: each deadline is kept. */
static void pass_time(struct state *s, unsigned vantage, nsec when)
{
    nsec deadline;

    while ((deadline = engine_deadline(passive_engine(s->engine))) <= when) {
        s->now = nsec_max(s->now, deadline);
        feed(s, &(struct observation){.kind = OBSERVED_TIMER, .when = s->now, .vantage = vantage});
    }
    s->now = nsec_max(s->now, when);
}

static void feed_packet(struct state *s, const uint8_t *r, struct observation o)
{
    unsigned source = r[4] % ADDRESSES, destination = r[5] % ADDRESSES;
    struct in6_addr from = address_of(source), to = address_of(destination);
    uint8_t body[TEREDO_RA_SIZE + 64] = {0}, trailer[4], nonce[TEREDO_NONCE_SIZE] = {r[7] % 4};
    uint8_t kind = r[0] % 16;
    struct teredo_packet p;

    switch (kind) {
    case 10:
        teredo_make_rs(&p, r[4] & 1 ? &teredo_rs_source_cone : &teredo_rs_source, body);
        break;
    case 11:
        from = teredo_link_local(0x8000, endpoints[r[2] % 2]);
        teredo_make_ra(&p, &from, r[4] & 1 ? &teredo_rs_source_cone : &teredo_rs_source,
                       (struct teredo_advertised){endpoints[r[4] / 2 % 2].address, TEREDO_MTU},
                       body);
        break;
    case 7:
        teredo_make_echo(&p, &from, &to,
                         &(struct teredo_echo){ICMP6_TYPE_ECHO_REQUEST, 7, r[7] % 4, "", 0}, body);
        break;
    case 8:
        teredo_make_echo(&p, &from, &to,
                         &(struct teredo_echo){ICMP6_TYPE_ECHO_REPLY, 7, r[7] % 4, "", 0}, body);
        break;
    default:
        teredo_make_bubble(&p, &from, &to);
        if (kind == 9) { /* TCP: ports, sequence number, acknowledgement, flags */
            p.kind = TEREDO_DATA;
            p.ip6.next_header = 6;
            memcpy(body, r, RECORD_SIZE);
            body[0] = body[1] = body[2] = body[3] = 0;
            body[12] = 0x50;
            body[13] = r[7];
            p.payload = body;
            p.payload_size = p.ip6.payload_length = r[6] % 24;
        } else if ((r[7] & 4) != 0) {
            teredo_add_nonce_trailer(&p, r[7] % 4, trailer);
        }
        break;
    }
    if (kind >= 10 && (r[7] & 4) != 0)
        teredo_add_auth_nonce(&p, nonce);
    p.has_origin = (r[7] & 8) != 0 || (kind == 11 && (r[7] & 16) != 0);
    p.origin = endpoints[2 + r[7] / 32 % 4];
    if (kind == 11)
        s->advertised[2 + r[7] / 32 % 4] = true;
    if (kind != 10 && kind != 11) {
        struct evidence *e = &s->fed[source][destination];

        e->bubble = e->bubble || p.kind == TEREDO_BUBBLE;
        e->data = e->data || p.kind != TEREDO_BUBBLE;
        s->bubbles += p.kind == TEREDO_BUBBLE;
    }
    o.kind = OBSERVED_SEEN;
    o.ttl = ttls[r[6] % 8];
    o.packet = &p;
    feed(s, &o);
}

static void feed_record(struct state *s, const uint8_t *r)
{
    struct observation o = {
        .kind = OBSERVED_TIMER,
        .vantage = r[0] / 16 % VANTAGES,
        .from = endpoints[r[2] % ENDPOINTS],
        .to = endpoints[r[3] % ENDPOINTS],
    };
    /* Mostly milliseconds, but for silences, and for times that captures can claim. */
    nsec step = r[1] < 0xc0   ? (nsec)(r[1] * r[1] / 16) * NSEC_MS
                : r[1] < 0xfe ? (nsec)(r[1] - 0xc0) * NSEC_S
                : r[1] < 0xff ? NSEC_NEVER / 3
                              : -NSEC_S;
    nsec when;

    if (__builtin_add_overflow(s->now, step, &when))
        when = NSEC_LATEST;
    when = nsec_max(0, nsec_min(when, NSEC_LATEST));
    pass_time(s, o.vantage, when);
    /* Frames of a capture are not always in the order of their times. */
    o.when = when;
    if (r[0] % 16 == 12) {
        o.kind = OBSERVED_ICMP_ERROR;
        o.icmp = (struct icmp_error){r[4], r[5], endpoints[r[6] % ENDPOINTS].address};
        feed(s, &o);
    } else if (r[0] % 16 == 13) {
        feed(s, &o);
    } else {
        feed_packet(s, r, o);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct state s;
    struct passive_summary sum;

    if (size < RECORD_SIZE)
        return 0;
    s = (struct state){
        .outbox = {take_send, take_event, take_end},
        .config = {.vantages = VANTAGES,
                   .punches = 1 + data[0] % 16U, /* few, so that some make way */
                   .clients = 1 + data[1] % 4U,
                   .seed = 1,
                   .settle = 250 * NSEC_MS,
                   .has_peer = data[2] % 4 == 0,
                   .peer = address_of(LINK_LOCALS + data[3] % 8U)},
        .now = data[4] == 0 ? 0 : 1700000000 * NSEC_S,
    };
    s.engine = passive_new(&s.config);
    HOLDS(s.engine != NULL);
    for (size_t i = RECORD_SIZE; i + RECORD_SIZE <= size; i += RECORD_SIZE)
        feed_record(&s, data + i);
    feed(&s, &(struct observation){.kind = OBSERVED_STOP, .when = s.now});
    HOLDS(s.done);
    sum = passive_summary(s.engine);
    HOLDS(sum.punches == s.punches && s.punches <= s.bubbles);
    HOLDS(sum.punched + sum.not_punched + sum.inconclusive == sum.punches);
    HOLDS(sum.qualifications == s.qualifications);
    passive_free(s.engine);
    return 0;
}
