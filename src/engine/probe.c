#include "probe.h"

#include <stddef.h>
#include <string.h>

#include "probe_find.h"

enum {
    BLIND_ROUNDS = 28,
    OTHER_PORT = 3545, /* of S: opens its address, not the port that answers */
    HOP_TTL = 2,       /* of LEG_HOP2: 1 would die at the first router, which proves nothing */
    BLIND_HOPS_EVERY = 4,
};

/* Between rounds, as a share of the round trip: eight rounds, which suffice on a path without loss,
 * then take no more than six round trips with the first and the last one's answer. */
#define ROUND_SHARE 0.3
#define ROUND_MIN (4 * NSEC_MS)
#define ROUND_MAX (200 * NSEC_MS)

/* Where a leg sends, or is answered from. */
enum party {
    NOBODY,
    P,
    S,
    P_EXTRA,
    S_OTHER
};

struct leg_plan {
    enum probe_kind kind;
    uint8_t socket, arrives;
    enum party to, answer, prime;
};

static const struct leg_plan plan[PROBE_LEGS] = {
    [LEG_X_P] = {PROBE_SOLICITATION, PROBE_X, PROBE_X, P, P, NOBODY},
    [LEG_X_S] = {PROBE_SOLICITATION, PROBE_X, PROBE_X, S, S, NOBODY},
    [LEG_Y_P] = {PROBE_SOLICITATION, PROBE_Y, PROBE_Y, P, P, NOBODY},
    [LEG_Y_S] = {PROBE_SOLICITATION, PROBE_Y, PROBE_Y, S, S, NOBODY},
    [LEG_D_S] = {PROBE_SOLICITATION, PROBE_D, PROBE_D, S, S, NOBODY},
    [LEG_F0] = {PROBE_SOLICITATION, PROBE_F0, PROBE_F0, P, P, NOBODY},
    [LEG_F1] = {PROBE_SOLICITATION, PROBE_F1, PROBE_F1, P, P, NOBODY},
    [LEG_F2] = {PROBE_SOLICITATION, PROBE_F2, PROBE_F2, P, P, NOBODY},
    [LEG_F3] = {PROBE_SOLICITATION, PROBE_F3, PROBE_F3, P, P, NOBODY},
    [LEG_X_EXTRA] = {PROBE_SOLICITATION, PROBE_X, PROBE_X, P_EXTRA, P_EXTRA, NOBODY},
    [LEG_F1_EXTRA] = {PROBE_SOLICITATION, PROBE_F1, PROBE_F1, P_EXTRA, P_EXTRA, NOBODY},
    [LEG_ANY] = {PROBE_CONE_SOLICITATION, PROBE_ANY, PROBE_ANY, P, S, NOBODY},
    [LEG_PORT] = {PROBE_CONE_SOLICITATION, PROBE_PORT, PROBE_PORT, P, S, S_OTHER},
    [LEG_OPEN0] = {PROBE_CONE_SOLICITATION, PROBE_OPEN0, PROBE_OPEN0, P, S, S},
    [LEG_OPEN1] = {PROBE_CONE_SOLICITATION, PROBE_OPEN1, PROBE_OPEN1, P, S, S},
    [LEG_RELAY_ANY] = {PROBE_BUBBLE, PROBE_X, PROBE_D, P, P, NOBODY},
    [LEG_RELAY_PORT] = {PROBE_BUBBLE, PROBE_X, PROBE_Y, P_EXTRA, P_EXTRA, NOBODY},
    [LEG_RELAY_OPEN0] = {PROBE_BUBBLE, PROBE_X, PROBE_Y, P, P, NOBODY},
    [LEG_RELAY_OPEN1] = {PROBE_BUBBLE, PROBE_X, PROBE_F0, P, P, NOBODY},
    [LEG_RELAY_EXTRA] = {PROBE_BUBBLE, PROBE_X, PROBE_F1, P_EXTRA, P_EXTRA, NOBODY},
    [LEG_HAIR_XY] = {PROBE_BUBBLE, PROBE_X, PROBE_Y, NOBODY, NOBODY, NOBODY},
    [LEG_HAIR_YX] = {PROBE_BUBBLE, PROBE_Y, PROBE_X, NOBODY, NOBODY, NOBODY},
    [LEG_HOP2] = {PROBE_SOLICITATION, PROBE_HOPS, PROBE_HOPS, P, P, NOBODY},
    [LEG_HOP3] = {PROBE_SOLICITATION, PROBE_HOPS, PROBE_HOPS, P, P, NOBODY},
    [LEG_HOP4] = {PROBE_SOLICITATION, PROBE_HOPS, PROBE_HOPS, P, P, NOBODY},
};

static struct endpoint party_endpoint(const struct probe_config *c, enum party party)
{
    switch (party) {
    case NOBODY:
        break;
    case P:
        return c->server;
    case S:
        return c->secondary;
    case P_EXTRA:
        return (struct endpoint){c->server.address, c->extra_port};
    case S_OTHER:
        return (struct endpoint){c->secondary.address,
                                 c->secondary.port == OTHER_PORT ? OTHER_PORT + 1 : OTHER_PORT};
    }
    return (struct endpoint){0};
}

void probe_init(struct probe *p, const struct probe_config *config)
{
    /* The lifetime's ports are many, and mostly not asked for. */
    memset(p, 0, config->lifetime ? sizeof *p : offsetof(struct probe, lifetime.ports));
    p->config = *config;
    p->next_round = NSEC_NEVER;
    for (int i = 0; i < PROBE_LEGS; i++) {
        struct probe_leg *leg = &p->legs[i];

        leg->kind = plan[i].kind;
        leg->socket = plan[i].socket;
        leg->arrives = plan[i].arrives;
        leg->to = party_endpoint(config, plan[i].to);
        leg->answer = party_endpoint(config, plan[i].answer);
        leg->prime = party_endpoint(config, plan[i].prime);
        if (i >= LEG_HOP2)
            leg->ttl = (uint8_t)(HOP_TTL + i - LEG_HOP2);
    }
    p->result.server = config->server;
    p->result.secondary = config->secondary;
    p->result.local = p->config.local[PROBE_X];
    p->result.lifetime.at_most = NSEC_NEVER;
}

static struct probe_server server_of(const struct probe *p)
{
    return (struct probe_server){p->config.server, p->config.secondary.address,
                                 p->config.allow_private, p->config.identity};
}

static void push(struct probe *p, enum probe_leg_name leg, bool prime)
{
    struct probe_pending *slot;

    if (p->pending_count == PROBE_PENDING)
        return; /* the next round makes up for it */
    slot = &p->pending[(p->pending_head + p->pending_count++) % PROBE_PENDING];
    *slot = (struct probe_pending){(uint8_t)leg, (uint8_t)p->round, prime};
}

static void send_leg(struct probe *p, enum probe_leg_name name)
{
    p->legs[name].open = true;
    if (!endpoint_is_unset(p->legs[name].prime))
        push(p, name, true);
    push(p, name, false);
}

static bool answered(const struct probe *p, enum probe_leg_name leg)
{
    return p->legs[leg].answered > 0;
}

static bool primary_answers(const struct probe *p)
{
    return answered(p, LEG_X_P) || answered(p, LEG_Y_P);
}

/* The Teredo address of a client of our server with this mapped endpoint: where a bubble to it goes
 * (RFC 4380 4). */
static struct in6_addr address_of(const struct probe *p, struct endpoint mapped)
{
    struct teredo_addr a = {
        .prefix = TEREDO_PREFIX, .server = p->config.server.address, .mapped = mapped};
    struct in6_addr address;

    teredo_addr_encode(&a, &address);
    return address;
}

/* A bubble that P relays to what P, or S, saw of the port that it is for. */
static void send_relay(struct probe *p, enum probe_leg_name name, enum probe_leg_name seen_by)
{
    if (!answered(p, seen_by))
        return;
    p->legs[name].target = address_of(p, p->legs[seen_by].mapped);
    send_leg(p, name);
}

/* A bubble straight to the external endpoint of another port of this host. */
static void send_hairpin(struct probe *p, enum probe_leg_name name, enum probe_leg_name seen_by)
{
    p->legs[name].to = p->legs[seen_by].mapped;
    p->legs[name].target = address_of(p, p->legs[seen_by].mapped);
    send_leg(p, name);
}

/* Packets that die on the way, to hear who lets them. */
static void send_hops(struct probe *p)
{
    for (enum probe_leg_name leg = LEG_HOP2; leg <= LEG_HOP4; leg++)
        send_leg(p, leg);
}

/* Until the first answer the round trip is not known, and the server may not be there. */
static void send_blind_round(struct probe *p)
{
    send_leg(p, LEG_X_P);
    send_leg(p, LEG_X_S);
    if (p->round == 0) {
        send_leg(p, LEG_Y_P);
        send_leg(p, LEG_Y_S);
        send_leg(p, LEG_D_S);
        if (p->config.extra_port != 0) {
            send_leg(p, LEG_X_EXTRA);
            send_leg(p, LEG_F1);
            send_leg(p, LEG_F1_EXTRA);
        }
    } else if (p->round % BLIND_HOPS_EVERY == 0) {
        send_hops(p);
    }
}

static void send_relays(struct probe *p)
{
    send_relay(p, LEG_RELAY_ANY, LEG_D_S);
    send_relay(p, LEG_RELAY_OPEN0, LEG_Y_P);
    send_relay(p, LEG_RELAY_OPEN1, LEG_F0);
    if (p->config.extra_port != 0) {
        send_relay(p, LEG_RELAY_PORT, LEG_Y_P);
        send_relay(p, LEG_RELAY_EXTRA, LEG_F1_EXTRA);
    }
}

static void send_filtering(struct probe *p)
{
    send_leg(p, LEG_ANY);
    if (probe_mapping_depends(p)) {
        send_relays(p);
        return;
    }
    if (!answered(p, LEG_PORT))
        send_leg(p, LEG_PORT);
    send_leg(p, LEG_OPEN0);
    send_leg(p, LEG_OPEN1);
}

/* Those of which no answer has come, and none is under way. */
static void send_unanswered(struct probe *p, nsec now, enum probe_leg_name first,
                            enum probe_leg_name last)
{
    for (enum probe_leg_name leg = first; leg <= last; leg++) {
        const struct probe_leg *l = &p->legs[leg];

        if (l->answered == 0 && (l->sent == 0 || now - l->last_sent >= p->wait))
            send_leg(p, leg);
    }
}

static void send_round(struct probe *p, nsec now)
{
    bool fresh = !p->legs[LEG_F0].open;

    /* The controls, in every round. */
    send_leg(p, LEG_X_P);
    send_leg(p, LEG_Y_P);
    if (!primary_answers(p)) {
        send_leg(p, LEG_X_S);
        send_leg(p, LEG_Y_S);
        return;
    }
    if (!p->refused[1].failed)
        send_unanswered(p, now, LEG_X_S, LEG_D_S);
    send_unanswered(p, now, LEG_F0, LEG_F3);
    if (p->config.extra_port != 0)
        send_unanswered(p, now, LEG_X_EXTRA, LEG_F1_EXTRA);
    if (probe_filtering_open(p, now, false))
        send_filtering(p);
    if (fresh)
        send_hops(p);
    if (probe_hairpin_open(p, now, false)) {
        send_hairpin(p, LEG_HAIR_XY, LEG_Y_P);
        send_hairpin(p, LEG_HAIR_YX, LEG_X_P);
    }
}

static nsec blind_interval(const struct probe *p)
{
    double share = (double)(p->round + 1) / (BLIND_ROUNDS * (BLIND_ROUNDS + 1) / 2.0);

    return (nsec)((double)p->config.timeout * share);
}

static nsec round_interval(const struct probe *p)
{
    return nsec_min(nsec_max((nsec)(ROUND_SHARE * (double)p->fastest), ROUND_MIN), ROUND_MAX);
}

static void finish(struct probe *p, nsec now)
{
    struct classification *c = &p->result;

    p->done = true;
    p->pending_count = 0;
    c->elapsed = now - p->started;
    if (p->measuring)
        lifetime_result(&p->lifetime, p->config.local + PROBE_SOCKETS, c);
    action_push_event(&p->queue, EVENT_CLASSIFICATION, now)->classification = c;
    action_push(&p->queue, ACTION_DONE);
}

/* The classification is made; the lifetime, where asked for, needs a server that relays. */
static void conclude(struct probe *p, nsec now)
{
    struct classification *c = &p->result;

    probe_find(p, now, false, c);
    probe_evidence(p, now, c);
    p->next_round = NSEC_NEVER;
    if (p->config.lifetime && primary_answers(p) && c->translated != FINDING_UNKNOWN &&
        !c->interrupted) {
        struct lifetime_config config = {
            .server = server_of(p),
            .first_socket = PROBE_SOCKETS,
            .sender = PROBE_X,
            .max = p->config.lifetime_max,
            .resolution = p->config.lifetime_resolution,
            .rtt = p->fastest,
            .wait = p->wait,
            .odds = PROBE_ODDS,
        };

        p->measuring = true;
        p->pending_count = 0;
        lifetime_start(&p->lifetime, &config, &p->config.nonces, now);
        return;
    }
    finish(p, now);
}

/* A primary that is not there is an answer already: no client can use this server. */
static bool all_refused(const struct probe *p)
{
    return p->refused[0].failed && !primary_answers(p);
}

static void advance(struct probe *p, nsec now)
{
    struct classification scratch = p->result;

    p->checked = now;
    if (all_refused(p)) {
        conclude(p, now);
        return;
    }
    if (p->first_answer == 0) {
        if (now < p->next_round)
            return;
        if (p->round == BLIND_ROUNDS) {
            conclude(p, now);
            return;
        }
        send_blind_round(p);
        p->next_round = now + blind_interval(p);
        p->last_round = now;
        p->round++;
        return;
    }
    if (probe_find(p, now, false, &scratch) ||
        (p->round == PROBE_ROUNDS && now - p->last_round >= p->wait)) {
        conclude(p, now);
        return;
    }
    if (p->next_round != NSEC_NEVER && now < p->next_round)
        return;
    if (p->round == PROBE_ROUNDS || probe_find(p, now, true, &scratch)) {
        /* All that is still missing, or may still come, is under way. */
        p->next_round = NSEC_NEVER;
        return;
    }
    send_round(p, now);
    p->next_round = now + round_interval(p);
    p->last_round = now;
    p->round++;
}

/* When what was sent last has had its time. */
static nsec settling_time(const struct probe *p)
{
    return p->last_round + p->wait;
}

static void note_made(struct probe *p, unsigned socket, struct endpoint to)
{
    for (unsigned i = 0; i < p->made_count; i++)
        if (p->made[i].socket == socket && endpoint_equal(p->made[i].to, to))
            return;
    if (p->made_count == PROBE_MADE)
        return;
    p->made[p->made_count].socket = socket;
    p->made[p->made_count].to = to;
    p->made_count++;
}

static void on_sent(struct probe *p, const struct observation *o)
{
    unsigned leg = o->tag >> 8, round = o->tag & 0xff;

    p->result.sent++;
    note_made(p, o->socket, o->to);
    p->last_round = nsec_max(p->last_round, o->when);
    if (o->tag != PROBE_TAG_PRIME && leg < PROBE_LEGS && round < PROBE_ROUNDS)
        probe_leg_sent(&p->legs[leg], round, o->when);
}

static void note_answer(struct probe *p, const struct probe_leg *leg, nsec delay, nsec now)
{
    /* A bubble between ports of this host takes another way than the server's answers. */
    if (leg == &p->legs[LEG_HAIR_XY] || leg == &p->legs[LEG_HAIR_YX])
        return;
    if (p->fastest == 0 || delay < p->fastest)
        p->fastest = nsec_max(delay, 1);
    /* Later answers are those of a queue or a detour; beyond this they count as lost. */
    p->wait = nsec_max(p->wait,
                       nsec_min(delay + delay / 16 + 2 * NSEC_MS, 4 * p->fastest + 100 * NSEC_MS));
    if (p->first_answer == 0) {
        p->first_answer = now;
        p->next_round = now;
    }
}

static bool from_server(const struct probe *p, struct endpoint from)
{
    return from.address == p->config.server.address || from.address == p->config.secondary.address;
}

static void reject(struct probe *p, const struct observation *o, enum ra_rule rule)
{
    struct event *e = action_push_event(&p->queue, EVENT_REJECTED, o->when);

    e->rejected.rule = rule;
    e->rejected.from = o->from;
    e->rejected.fault = o->fault;
    p->rejected++;
}

static void on_received(struct probe *p, const struct observation *o)
{
    p->result.received++;
    for (int i = 0; i < PROBE_LEGS; i++) {
        struct probe_leg *leg = &p->legs[i];
        struct probe_try *t = probe_leg_match(leg, p->round, o);
        struct probe_server server = server_of(p);
        enum ra_rule broken;
        bool news;

        if (t == NULL)
            continue;
        if (!probe_leg_believes(leg, t, &server, o, &broken)) {
            if (broken != RULE_COUNT)
                reject(p, o, broken);
            return;
        }
        news = leg->answered == 0;
        note_answer(p, leg, o->when - t->sent, o->when);
        probe_leg_answer(leg, t, o);
        /* A first answer may decide something; the others only tell of loss, in time. */
        if (news)
            advance(p, o->when);
        return;
    }
    if (from_server(p, o->from) && (o->packet == NULL || o->packet->kind == TEREDO_RA))
        reject(p, o, o->packet == NULL ? RULE_ENCAPSULATION : RULE_NONCE);
}

static enum classify_reach reach_of(enum qualify_reason reason)
{
    switch (reason) {
    case QUALIFY_NET_UNREACHABLE:
        return REACH_NET_UNREACHABLE;
    case QUALIFY_PORT_UNREACHABLE:
        return REACH_PORT_UNREACHABLE;
    case QUALIFY_PROHIBITED:
        return REACH_PROHIBITED;
    case QUALIFY_NO_ROUTE:
        return REACH_NO_ROUTE;
    case QUALIFY_SEND_REFUSED:
        return REACH_SEND_REFUSED;
    default:
        return REACH_HOST_UNREACHABLE;
    }
}

static void refuse(struct probe *p, const struct observation *o, enum qualify_reason reason)
{
    for (int i = 0; i < 2; i++) {
        struct endpoint server = i == 0 ? p->config.server : p->config.secondary;

        if (!endpoint_equal(o->to, server) || p->refused[i].failed)
            continue;
        p->refused[i].failed = true;
        p->refused[i].reach = reach_of(reason);
        p->refused[i].icmp = o->icmp;
        p->refused[i].errnum = o->errnum;
        advance(p, o->when);
        return;
    }
}

static void on_icmp(struct probe *p, const struct observation *o)
{
    bool of_server = o->to.address == p->config.server.address;

    if (o->icmp.type == 11 && o->socket == PROBE_HOPS) {
        for (unsigned i = 0; i < p->router_count; i++)
            if (p->routers[i] == o->icmp.reporter)
                return;
        if (p->router_count < PROBE_ROUTERS)
            p->routers[p->router_count++] = o->icmp.reporter;
    } else if (refusal_is_final(o->icmp)) {
        p->server_host_answered |= of_server && o->icmp.reporter == o->to.address;
        refuse(p, o, refusal_of_icmp(o->icmp));
    }
}

static void stop(struct probe *p, nsec now)
{
    p->result.interrupted = true;
    if (p->measuring)
        finish(p, now);
    else
        conclude(p, now);
}

void probe_observe(struct probe *p, const struct observation *o)
{
    if (p->done)
        return;
    if (p->started == 0) {
        p->started = o->when;
        p->next_round = o->when;
    }
    if (o->kind == OBSERVED_STOP) {
        stop(p, o->when);
        return;
    }
    if (p->measuring) {
        lifetime_observe(&p->lifetime, o, &p->queue);
        if (p->lifetime.done)
            finish(p, o->when);
        return;
    }
    switch (o->kind) {
    case OBSERVED_TIMER:
        advance(p, o->when);
        break;
    case OBSERVED_SENT:
        on_sent(p, o);
        break;
    case OBSERVED_RECEIVED:
        on_received(p, o);
        break;
    case OBSERVED_ICMP_ERROR:
        on_icmp(p, o);
        break;
    case OBSERVED_SEND_FAILED:
        refuse(p, o, refusal_of_errno(o->errnum));
        break;
    case OBSERVED_STOP:
        break;
    }
}

bool probe_next(struct probe *p, struct action *action)
{
    if (p->pending_count > 0) {
        const struct probe_pending *next = &p->pending[p->pending_head];
        struct probe_leg *leg = &p->legs[next->leg];
        struct probe_server server = server_of(p);

        p->pending_head = (p->pending_head + 1) % PROBE_PENDING;
        p->pending_count--;
        if (next->prime)
            probe_leg_send_prime(leg, PROBE_TAG_PRIME, &p->queue);
        else
            probe_leg_send(leg, next->round, (uint32_t)next->leg << 8 | next->round, &server,
                           &p->config.nonces, &p->queue);
    }
    return action_pop(&p->queue, action);
}

nsec probe_deadline(const struct probe *p)
{
    nsec deadline = p->next_round;

    if (p->done)
        return NSEC_NEVER;
    if (p->measuring)
        return lifetime_deadline(&p->lifetime);
    if (p->first_answer != 0 && settling_time(p) > p->checked)
        deadline = nsec_min(deadline, settling_time(p));
    return deadline;
}

static void observe(void *engine, const struct observation *o)
{
    probe_observe(engine, o);
}

static bool next(void *engine, struct action *action)
{
    return probe_next(engine, action);
}

static nsec deadline(const void *engine)
{
    return probe_deadline(engine);
}

const struct engine_ops probe_ops = {observe, next, deadline};
