#include "probe_round.h"

#include "probe_find.h"

enum {
    OTHER_PORT = 3545, /* of S: opens its address, not the port that answers */
    FIRST_HOP = 2,     /* 1 would die at the first router, which proves nothing */
    HOPS_A_ROUND = 3,
    BLIND_HOPS_EVERY = 4,
    BLIND_HOPS_CYCLE = 3, /* so up to the tenth router, twice */
};

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

#define ASK(port, party)                                     \
    {                                                        \
        PROBE_SOLICITATION, port, port, party, party, NOBODY \
    }
#define CONE(port, prime)                                \
    {                                                    \
        PROBE_CONE_SOLICITATION, port, port, P, S, prime \
    }
#define RELAY(by, arrives)                             \
    {                                                  \
        PROBE_BUBBLE, PROBE_X, arrives, by, by, NOBODY \
    }

static const struct leg_plan plan[PROBE_LEGS] = {
    [LEG_X_P] = ASK(PROBE_X, P),
    [LEG_Y_P] = ASK(PROBE_Y, P),
    [LEG_X_S] = ASK(PROBE_X, S),
    [LEG_Y_S] = ASK(PROBE_Y, S),
    [LEG_D0_S] = ASK(PROBE_D0, S),
    [LEG_D1_S] = ASK(PROBE_D1, S),
    [LEG_F0] = ASK(PROBE_F0, P),
    [LEG_F1] = ASK(PROBE_F1, P),
    [LEG_F2] = ASK(PROBE_F2, P),
    [LEG_F3] = ASK(PROBE_F3, P),
    [LEG_X_EXTRA] = ASK(PROBE_X, P_EXTRA),
    [LEG_F1_EXTRA] = ASK(PROBE_F1, P_EXTRA),
    [LEG_ANY0] = CONE(PROBE_ANY0, NOBODY),
    [LEG_ANY1] = CONE(PROBE_ANY1, NOBODY),
    [LEG_PORT0] = CONE(PROBE_PORT0, S_OTHER),
    [LEG_PORT1] = CONE(PROBE_PORT1, S_OTHER),
    [LEG_OPEN0] = CONE(PROBE_OPEN0, S),
    [LEG_OPEN1] = CONE(PROBE_OPEN1, S),
    [LEG_RELAY_ANY0] = RELAY(P, PROBE_D0),
    [LEG_RELAY_ANY1] = RELAY(P, PROBE_D1),
    [LEG_RELAY_PORT0] = RELAY(P_EXTRA, PROBE_Y),
    [LEG_RELAY_PORT1] = RELAY(P_EXTRA, PROBE_F0),
    [LEG_RELAY_OPEN0] = RELAY(P, PROBE_Y),
    [LEG_RELAY_OPEN1] = RELAY(P, PROBE_F0),
    [LEG_RELAY_EXTRA] = RELAY(P_EXTRA, PROBE_F1),
    [LEG_HAIR_XY] = {PROBE_BUBBLE, PROBE_X, PROBE_Y, NOBODY, NOBODY, NOBODY},
    [LEG_HAIR_YX] = {PROBE_BUBBLE, PROBE_Y, PROBE_X, NOBODY, NOBODY, NOBODY},
    [LEG_HOP0] = ASK(PROBE_HOPS, P),
    [LEG_HOP1] = ASK(PROBE_HOPS, P),
    [LEG_HOP2] = ASK(PROBE_HOPS, P),
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

void probe_plan_legs(struct probe *p)
{
    for (int i = 0; i < PROBE_LEGS; i++) {
        struct probe_leg *leg = &p->legs[i];

        leg->kind = plan[i].kind;
        leg->socket = plan[i].socket;
        leg->arrives = plan[i].arrives;
        leg->to = party_endpoint(&p->config, plan[i].to);
        leg->answer = party_endpoint(&p->config, plan[i].answer);
        leg->prime = party_endpoint(&p->config, plan[i].prime);
    }
}

/* The legs of one round, before they are put in order. */
struct selection {
    enum probe_leg_name legs[PROBE_LEGS];
    unsigned count;
};

static void choose(struct selection *s, enum probe_leg_name leg)
{
    s->legs[s->count++] = leg;
}

static void push(struct probe *p, enum probe_leg_name leg, bool prime)
{
    if (p->pending_count == PROBE_PENDING)
        return; /* the next round makes up for it */
    p->pending[(p->pending_head + p->pending_count++) % PROBE_PENDING] =
        (struct probe_pending){(uint8_t)leg, (uint8_t)p->round, prime};
}

/* Every other round backwards: who drops what comes too fast drops the last of a burst, and must
 * not always meet the same test. */
static void push_all(struct probe *p, const struct selection *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        enum probe_leg_name leg = s->legs[p->round % 2 == 0 ? i : s->count - 1 - i];

        p->legs[leg].open = true;
        if (!endpoint_is_unset(p->legs[leg].prime))
            push(p, leg, true);
        push(p, leg, false);
    }
}

/* Packets that die on the way, at three routers from FIRST on, to hear who they are. */
static void choose_hops(struct probe *p, struct selection *s, unsigned first)
{
    for (unsigned i = 0; i < HOPS_A_ROUND; i++) {
        p->legs[LEG_HOP0 + i].ttl = (uint8_t)(first + i);
        choose(s, LEG_HOP0 + i);
    }
}

void probe_send_blind_round(struct probe *p)
{
    struct selection s = {0};

    choose(&s, LEG_X_P);
    choose(&s, LEG_X_S);
    if (p->round == 0) {
        choose(&s, LEG_Y_P);
        choose(&s, LEG_Y_S);
        choose(&s, LEG_D0_S);
        choose(&s, LEG_D1_S);
        if (p->config.extra_port != 0) {
            choose(&s, LEG_X_EXTRA);
            choose(&s, LEG_F0);
            choose(&s, LEG_F1);
            choose(&s, LEG_F1_EXTRA);
        }
    } else if (p->round % BLIND_HOPS_EVERY == 0) {
        unsigned turn = (p->round / BLIND_HOPS_EVERY - 1) % BLIND_HOPS_CYCLE;

        choose_hops(p, &s, FIRST_HOP + turn * HOPS_A_ROUND);
    }
    push_all(p, &s);
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

/* A bubble to the endpoint that P, or S, saw of the port that it is for. */
static void choose_bubble(struct probe *p, struct selection *s, enum probe_leg_name leg,
                          enum probe_leg_name seen_by)
{
    if (!probe_answered(p, seen_by))
        return;
    p->legs[leg].target = address_of(p, p->legs[seen_by].mapped);
    if (leg == LEG_HAIR_XY || leg == LEG_HAIR_YX)
        p->legs[leg].to = p->legs[seen_by].mapped;
    choose(s, leg);
}

static void choose_relays(struct probe *p, struct selection *s)
{
    choose_bubble(p, s, LEG_RELAY_ANY0, LEG_D0_S);
    choose_bubble(p, s, LEG_RELAY_ANY1, LEG_D1_S);
    choose_bubble(p, s, LEG_RELAY_OPEN0, LEG_Y_P);
    choose_bubble(p, s, LEG_RELAY_OPEN1, LEG_F0);
    if (p->config.extra_port == 0)
        return;
    choose_bubble(p, s, LEG_RELAY_PORT0, LEG_Y_P);
    choose_bubble(p, s, LEG_RELAY_PORT1, LEG_F0);
    choose_bubble(p, s, LEG_RELAY_EXTRA, LEG_F1_EXTRA);
}

static void choose_filtering(struct probe *p, struct selection *s)
{
    choose(s, LEG_ANY0);
    choose(s, LEG_ANY1);
    if (probe_mapping_depends(p)) {
        choose_relays(p, s);
        return;
    }
    choose(s, LEG_PORT0);
    choose(s, LEG_PORT1);
    choose(s, LEG_OPEN0);
    choose(s, LEG_OPEN1);
}

/* Those of which no answer has come, and none is under way. */
static void choose_unanswered(const struct probe *p, struct selection *s, nsec now,
                              enum probe_leg_name first, enum probe_leg_name last)
{
    for (enum probe_leg_name leg = first; leg <= last; leg++) {
        const struct probe_leg *l = &p->legs[leg];

        if (l->answered == 0 && (l->sent == 0 || now - l->last_sent >= p->wait))
            choose(s, leg);
    }
}

void probe_send_round(struct probe *p, nsec now)
{
    struct selection s = {0};
    bool first = !p->legs[LEG_F2].open;

    /* The controls, in every round. */
    choose(&s, LEG_X_P);
    choose(&s, LEG_Y_P);
    if (!probe_primary_answers(p)) {
        choose(&s, LEG_X_S);
        choose(&s, LEG_Y_S);
        push_all(p, &s);
        return;
    }
    if (!probe_is_refused(p, 1, now))
        choose_unanswered(p, &s, now, LEG_X_S, LEG_D1_S);
    choose_unanswered(p, &s, now, LEG_F0, LEG_F3);
    if (p->config.extra_port != 0)
        choose_unanswered(p, &s, now, LEG_X_EXTRA, LEG_F1_EXTRA);
    if (probe_filtering_open(p, now, false))
        choose_filtering(p, &s);
    if (probe_hairpin_open(p, now, false)) {
        choose_bubble(p, &s, LEG_HAIR_XY, LEG_Y_P);
        choose_bubble(p, &s, LEG_HAIR_YX, LEG_X_P);
    }
    if (first)
        choose_hops(p, &s, FIRST_HOP);
    push_all(p, &s);
}

struct probe_server probe_server_of(const struct probe *p)
{
    return (struct probe_server){p->config.server, p->config.secondary.address,
                                 p->config.allow_private, p->config.identity};
}

void probe_encode_pending(struct probe *p)
{
    const struct probe_pending *next = &p->pending[p->pending_head];
    struct probe_leg *leg = &p->legs[next->leg];
    struct probe_server server = probe_server_of(p);

    if (p->pending_count == 0)
        return;
    p->pending_head = (p->pending_head + 1) % PROBE_PENDING;
    p->pending_count--;
    if (next->prime)
        probe_leg_send_prime(leg, PROBE_TAG_PRIME, &p->queue);
    else
        probe_leg_send(leg, next->round, (uint32_t)next->leg << 8 | next->round, &server,
                       &p->config.nonces, &p->queue);
}
