#include "passive.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "deadline_pool.h"
#include "passive_client.h"
#include "passive_verdict.h"

enum {
    STRANGERS = 8 /* pairs of hosts that are kept of a vantage point */
};

/* Bubbles of a path that was open so lately renew it, or are late copies (5.2.4: 30 seconds). */
#define FRESH (30 * NSEC_S)

/* Packets that are none of Teredo's: they show that a capture was not filtered down to a flow. */
struct strangers {
    bool other_than_ip4;
    bool cut; /* some are too short to tell what they are, which may be anything */
    unsigned count;
    uint32_t hosts[STRANGERS][2];
};

struct passive {
    struct engine engine;
    struct outbox *out; /* while it is observed */
    struct passive_config config;
    struct lru_set *book;
    struct deadline_pool punch_pool, client_pool;
    struct passive_punch *punches;
    struct passive_client *clients;
    nsec now;
    nsec first[PASSIVE_VANTAGES], last[PASSIVE_VANTAGES]; /* when each was capturing */
    struct strangers strangers[PASSIVE_VANTAGES];
    uint32_t last_hosts[PASSIVE_VANTAGES][2]; /* of the last packet */
    bool stopping, done;
    struct passive_summary summary;
};

/* A note in the book. */
static void learn(struct passive *e, struct book_key key, uint32_t note)
{
    *lru_set_add(e->book, key.words) = note;
}

/* What the book says; 0 = nothing. */
static uint32_t look_up(const struct passive *e, struct book_key key)
{
    const uint32_t *note = lru_set_find(e->book, key.words);

    return note == NULL ? 0 : *note;
}

/* What the book refers to under KEY; NULL if there is no such thing, or not any more. */
static struct passive_punch *punch_of(struct passive *e, struct book_key key)
{
    uint32_t reference = look_up(e, key);
    struct passive_punch *p;

    if (reference == 0)
        return NULL;
    p = &e->punches[deadline_pool_slot(reference)];
    return p->reference == reference ? p : NULL;
}

static struct passive_client *client_of(struct passive *e, struct book_key key)
{
    uint32_t reference = look_up(e, key);
    struct passive_client *c;

    if (reference == 0)
        return NULL;
    c = &e->clients[deadline_pool_slot(reference)];
    return c->reference == reference ? c : NULL;
}

/* Whether a packet that a name has led to the punch can be of it: it goes to the peer or comes from
 * it, by its address or, of a bubble, from a link-local one. */
static bool is_with_peer(const struct passive_punch *p, const struct observation *o)
{
    const struct ip6_header *ip6 = &o->packet->ip6;

    return ip6_equal(&ip6->source, &p->peer) || ip6_equal(&ip6->destination, &p->peer) ||
           (o->packet->kind == TEREDO_BUBBLE && ip6_is_link_local(&ip6->source));
}

/* The punch that a packet belongs to: by its two addresses; else by the nonce that it repeats, in a
 * trailer or, where a listener behind a symmetric NAT answers through the server, in its link-local
 * source; else by the
 * initiator's endpoint, which is at either end, or in the origin indication; else, of a reference,
 * by its host. */
static struct passive_punch *find_punch(struct passive *e, const struct observation *o)
{
    const struct in6_addr *source = &o->packet->ip6.source;
    const struct in6_addr *destination = &o->packet->ip6.destination;
    struct passive_punch *p = punch_of(e, book_pair(source, destination));
    struct passive_punch *newer = NULL;
    uint32_t nonce;

    /* The peer's link-local address may be the same in all punches. */
    if ((p == NULL || p->done) && o->packet->kind == TEREDO_BUBBLE) {
        if (teredo_trailer_nonce(o->packet, &nonce))
            newer = punch_of(e, book_trailer(nonce, destination));
        if (newer == NULL && ip6_is_unguessable_link_local(source))
            newer = punch_of(e, book_trailer(load_u32(&source->s6_addr[12]), destination));
    }
    if (newer != NULL)
        p = newer;
    if (p == NULL && o->packet->has_origin)
        p = punch_of(e, book_endpoint(o->packet->origin, destination));
    if (p == NULL)
        p = punch_of(e, book_endpoint(o->from, destination));
    if (p == NULL)
        p = punch_of(e, book_endpoint(o->to, source));
    if (p == NULL && o->packet->kind == TEREDO_BUBBLE) {
        p = punch_of(e, book_host(o->from.address, destination));
        if (p != NULL && !passive_is_reference_pair(p, o))
            p = NULL;
    }
    return p != NULL && is_with_peer(p, o) ? p : NULL;
}

/* The names under which the punch is to be found from now on. */
static void learn_names(struct passive *e, const struct passive_punch *p,
                        const struct observation *o, enum passive_role role)
{
    bool from_initiator = passive_from_initiator(p, o);
    struct endpoint end = from_initiator ? o->from : o->to;
    uint32_t nonce;

    if (from_initiator && role != ROLE_DATA && teredo_trailer_nonce(o->packet, &nonce))
        learn(e, book_trailer(nonce, &o->packet->ip6.source), p->reference);
    if (role != ROLE_DATA)
        learn(e, book_pair(&o->packet->ip6.source, &o->packet->ip6.destination), p->reference);
    if (role == ROLE_DIRECT || role == ROLE_INDIRECT || role == ROLE_FORWARDED)
        learn(e, book_way(o->from, o->to), p->reference);
    if (role == ROLE_FORWARDED) {
        if (o->packet->has_origin)
            learn(e, book_endpoint(o->packet->origin, &p->peer), p->reference);
        return;
    }
    if (role == ROLE_INDIRECT_ANSWER)
        return;
    learn(e, book_endpoint(end, &p->peer), p->reference);
    if (role == ROLE_DIRECT || (from_initiator && passive_is_at_sender(o)))
        learn(e, book_host(o->from.address, &p->peer), p->reference);
}

/* Looks whether the same host punches to the same peer from another port as well. */
static void find_companion(struct passive *e, struct passive_punch *p)
{
    struct book_key key = book_host(p->initiator_outside.address, &p->peer);
    struct passive_punch *q = punch_of(e, key);

    if (p->initiator_outside.address == 0)
        return;
    if (q != NULL && q != p && !q->absorbed && p->last - q->last < PASSIVE_LONGEST)
        p->has_companion = q->has_companion = true;
    learn(e, key, p->reference);
}

/* Which vantage points stand next to whom, and which servers live. */
static void learn_parties(struct passive *e, const struct observation *o)
{
    struct teredo_addr source;
    bool is_teredo = teredo_addr_decode(&o->packet->ip6.source, &source);

    if (o->from.port == TEREDO_PORT && (o->packet->kind == TEREDO_RA || o->packet->has_origin)) {
        learn(e, book_server(o->from.address), (uint32_t)(o->when / NSEC_S));
        if (passive_is_at_sender(o))
            learn(e, book_near(o->vantage, o->from), o->from.address);
    } else if (is_teredo && passive_is_at_sender(o)) {
        learn(e, book_near(o->vantage, source.mapped), o->from.address);
    }
    if (o->packet->kind == TEREDO_RA && o->packet->has_origin && ip4_is_inside(o->to.address))
        learn(e, book_near(o->vantage, o->packet->origin), o->to.address);
}

/* Nearly every packet is between the same hosts as the one before it, in one of the directions. */
static void learn_hosts(struct passive *e, const struct observation *o)
{
    uint32_t *last = e->last_hosts[o->vantage];

    if ((last[0] == o->from.address && last[1] == o->to.address) ||
        (last[0] == o->to.address && last[1] == o->from.address))
        return;
    last[0] = o->from.address;
    last[1] = o->to.address;
    learn(e, book_hosts(o->vantage, last[0], last[1]), 1);
}

static void take_stranger(struct passive *e, const struct observation *o)
{
    struct strangers *s = &e->strangers[o->vantage];

    if (o->fault.reason == WIRE_TRUNCATED) {
        s->cut = true;
    } else if (o->from.address == 0 && o->to.address == 0) {
        s->other_than_ip4 = true;
    } else if (s->count < STRANGERS) {
        s->hosts[s->count][0] = o->from.address;
        s->hosts[s->count++][1] = o->to.address;
    }
}

/* Whether CLIENT's is the endpoint that ADDRESS names, as far as its qualification tells. */
static bool has_qualified_as(struct passive *e, struct endpoint client,
                             const struct teredo_addr *address)
{
    const struct passive_client *c = client_of(e, book_client(client));

    return c != NULL && (endpoint_equal(c->known_mapped, address->mapped) ||
                         endpoint_equal(c->result.mapped, address->mapped));
}

/* Whether the punch is to be told. Of an initiator that uses a link-local address and never got as
 * far as to send data only the endpoint tells who it is. */
static bool is_told(struct passive *e, const struct passive_punch *p)
{
    struct teredo_addr wanted;

    if (!e->config.has_peer || ip6_equal(&p->peer, &e->config.peer) ||
        ip6_equal(&p->initiator, &e->config.peer))
        return true;
    if (p->initiator_known || !teredo_addr_decode(&e->config.peer, &wanted))
        return false;
    return endpoint_equal(p->initiator_outside, wanted.mapped) ||
           has_qualified_as(e, p->initiator_inside, &wanted) ||
           has_qualified_as(e, p->initiator_outside, &wanted);
}

/* What a vantage point shows of a punch. */
struct outlook {
    const struct passive *engine;
    unsigned vantage;
    /* The addresses of whom the packets of the punch go to and come from, as the internet sees
     * them; 0 = not known. */
    uint32_t own_server, peer_server, peer, mapped, outside;
    uint32_t initiator_here, peer_here, server_here; /* next to the vantage point; 0 = is not */
};

static bool shows_pair(const struct outlook *l, uint32_t a, uint32_t b)
{
    return a != 0 && b != 0 && look_up(l->engine, book_hosts(l->vantage, a, b)) != 0;
}

/* Whether the capture of a host shows that it has packets to others as well than those of whom the
 * punch knows: a filter may have let these alone through. */
static bool is_whole(const struct outlook *l, bool of_server)
{
    const struct strangers *s = &l->engine->strangers[l->vantage];
    uint32_t known[] = {l->own_server, l->peer_server, l->peer, l->mapped, l->outside};

    if (l->engine->config.unfiltered || s->other_than_ip4)
        return true;
    if (of_server)
        known[0] = known[1] = 0;
    if (l->initiator_here != 0)
        known[3] = known[4] = 0;
    if (l->peer_here != 0)
        known[2] = 0;
    for (unsigned i = 0; i < s->count; i++) {
        bool strange = true;

        for (unsigned n = 0; n < sizeof known / sizeof *known; n++)
            if (known[n] != 0 && (s->hosts[i][0] == known[n] || s->hosts[i][1] == known[n]))
                strange = false;
        if (strange)
            return true;
    }
    return false;
}

/* Whether packets between the host NEAR, next to the vantage point, and FAR would be seen. */
static bool would_show(const struct outlook *l, uint32_t near, uint32_t far)
{
    return near != 0 && (shows_pair(l, near, far) || is_whole(l, near == l->server_here));
}

/* Whether direct packets next to a party would be seen. */
static bool would_show_direct(const struct outlook *l, enum passive_party party)
{
    if (party == INITIATOR)
        return would_show(l, l->initiator_here, l->peer);
    return would_show(l, l->peer_here, l->mapped) || would_show(l, l->peer_here, l->outside);
}

static struct outlook outlook_of(const struct passive *e, const struct passive_punch *p,
                                 unsigned vantage)
{
    struct endpoint server = {p->peer_parts.server, TEREDO_PORT};

    return (struct outlook){
        .engine = e,
        .vantage = vantage,
        .own_server = p->initiator_known ? p->initiator_parts.server : 0,
        .peer_server = p->peer_parts.server,
        .peer = p->peer_parts.mapped.address,
        .mapped = p->initiator_known ? p->initiator_parts.mapped.address : 0,
        .outside = p->initiator_outside.address,
        .initiator_here = p->next_to[INITIATOR][vantage],
        .peer_here = p->next_to[PEER][vantage],
        .server_here = look_up(e, book_near(vantage, server)),
    };
}

/* Whether the vantage point was capturing at WHEN, and for a while after. */
static bool captured_at(const struct outlook *l, nsec when)
{
    const struct passive *e = l->engine;

    return e->first[l->vantage] <= when && e->last[l->vantage] >= when + NSEC_S;
}

/* An initiator that is not known to have a server is answered directly. */
static bool would_show_indirect(const struct outlook *l, const struct passive_punch *p)
{
    return !p->initiator_known || would_show(l, l->initiator_here, l->own_server) ||
           would_show(l, l->peer_here, l->own_server) || shows_pair(l, l->mapped, l->own_server) ||
           shows_pair(l, l->peer, l->own_server);
}

static void look_around(const struct passive *e, const struct passive_punch *p,
                        struct passive_surroundings *around)
{
    nsec answered = nsec_max(p->first, p->first_answer);

    for (unsigned v = 0; v < e->config.vantages; v++) {
        struct outlook l = outlook_of(e, p, v);

        if (e->strangers[v].cut)
            continue;
        if (would_show_direct(&l, INITIATOR) || would_show_direct(&l, PEER) ||
            shows_pair(&l, l.mapped, l.peer) || shows_pair(&l, l.outside, l.peer))
            around->direct_is_captured = true;
        if (would_show_indirect(&l, p))
            around->answer_paths_are_captured = true;
        if (captured_at(&l, answered) && would_show_direct(&l, INITIATOR))
            around->answer_is_captured = true;
        if (!captured_at(&l, p->first))
            continue;
        if (would_show_direct(&l, PEER))
            around->peer_is_captured = true;
        if (would_show(&l, l.peer_here, l.peer_server))
            around->arrival_is_captured = true;
        if (would_show(&l, l.server_here, l.peer))
            around->forwarding_is_captured = true;
        if (would_show(&l, l.server_here, l.outside))
            around->server_is_captured = true;
    }
}

/* What the initiator's qualifications say of it. */
static void ask_client(struct passive *e, const struct passive_punch *p,
                       struct passive_surroundings *around)
{
    const struct passive_client *c = client_of(
        e, book_mapped(p->initiator_known ? p->initiator_parts.mapped : p->initiator_outside));

    if (c != NULL && c->is_next_to)
        around->initiator_inside = c->at;
    if (c == NULL)
        c = client_of(e, book_client(p->initiator_inside));
    if (c == NULL)
        c = client_of(e, book_client(p->initiator_outside));
    if (c == NULL)
        return;
    around->initiator_maps_anew = c->maps_anew;
    client_count_loss(c, &around->solicitations_answered, &around->solicitations_lost);
}

static struct punching judge_punch(struct passive *e, const struct passive_punch *p,
                                   enum passive_end end)
{
    uint32_t heard = look_up(e, book_server(p->peer_parts.server));
    struct passive_surroundings around = {
        .server_heard = heard != 0 && (nsec)heard * NSEC_S + 60 * NSEC_S > p->first,
    };

    if (end != END_FORGOTTEN) {
        look_around(e, p, &around);
        ask_client(e, p, &around);
    }
    return passive_judge(p, &around, end, e->now);
}

static void finish(struct passive *e)
{
    e->done = true;
    outbox_done(e->out);
}

/* Who stands next to which vantage point, as far as other packets tell: a party that has sent none
 * of the punch, say. */
static void find_places(const struct passive *e, struct passive_punch *p)
{
    struct endpoint initiator =
        p->initiator_known ? p->initiator_parts.mapped : p->initiator_outside;

    for (unsigned v = 0; v < e->config.vantages; v++) {
        if (p->next_to[INITIATOR][v] == 0)
            p->next_to[INITIATOR][v] = look_up(e, book_near(v, initiator));
        if (p->next_to[PEER][v] == 0)
            p->next_to[PEER][v] = look_up(e, book_near(v, p->peer_parts.mapped));
    }
}

static void conclude_punch(struct passive *e, struct passive_punch *p, enum passive_end end)
{
    struct punching verdict;

    if (end != END_FORGOTTEN)
        find_places(e, p);
    passive_place_again(p);
    verdict = judge_punch(e, p, end);
    p->done = true;
    deadline_pool_set(&e->punch_pool, deadline_pool_slot(p->reference), NSEC_NEVER);
    if (!is_told(e, p))
        return;
    if (end == END_FORGOTTEN)
        e->summary.forgotten++;
    e->summary.punches++;
    if (verdict.verdict == PUNCH_PUNCHED)
        e->summary.punched++;
    else if (verdict.verdict == PUNCH_NOT_PUNCHED)
        e->summary.not_punched++;
    else
        e->summary.inconclusive++;
    outbox_emit(e->out,
                &(struct event){.kind = EVENT_PUNCHING, .when = e->now, .punching = verdict});
    if (e->summary.punches == e->config.count)
        finish(e);
}

static void conclude_client(struct passive *e, struct passive_client *c, bool ended)
{
    deadline_pool_set(&e->client_pool, deadline_pool_slot(c->reference), NSEC_NEVER);
    if (!client_conclude(c, e->now, ended)) {
        e->summary.refreshes++;
        return;
    }
    e->summary.qualifications++;
    outbox_emit(
        e->out,
        &(struct event){.kind = EVENT_QUALIFICATION, .when = e->now, .qualification = c->result});
}

static struct passive_punch *new_punch(struct passive *e)
{
    uint32_t reference = deadline_pool_take(&e->punch_pool);
    struct passive_punch *p = &e->punches[deadline_pool_slot(reference)];

    if (p->reference != 0 && !p->done)
        conclude_punch(e, p, END_FORGOTTEN);
    p->reference = reference;
    return p;
}

static struct passive_client *new_client(struct passive *e)
{
    uint32_t reference = deadline_pool_take(&e->client_pool);
    struct passive_client *c = &e->clients[deadline_pool_slot(reference)];

    if (c->open) {
        e->summary.forgotten++;
        conclude_client(e, c, true);
    }
    memset(c, 0, sizeof *c);
    c->reference = reference;
    return c;
}

/* What a bubble is by itself, before it is known of which punch. */
static enum passive_role first_role(const struct observation *o, const struct teredo_addr *to)
{
    if (o->to.address == to->server && o->to.port == TEREDO_PORT)
        return ROLE_INDIRECT;
    if ((o->from.address == to->server && o->from.port == TEREDO_PORT) || o->packet->has_origin)
        return ROLE_FORWARDED;
    return ROLE_DIRECT;
}

/* What is open is told, however much data follows; what is not gets its time with each packet, for
 * data that is lost is sent again. A client that never gives up does not delay it for ever. */
static void set_deadline(struct passive *e, struct passive_punch *p, nsec now)
{
    if (p->opened == 0 && passive_is_open(p))
        p->opened = now;
    deadline_pool_set(&e->punch_pool, deadline_pool_slot(p->reference),
                      p->opened != 0
                          ? p->opened + e->config.settle
                          : nsec_min(p->last + passive_patience(p), p->first + PASSIVE_LONGEST));
}

/* Whether what is seen after a punch was told is a new one. */
static bool is_over(const struct passive_punch *p, const struct observation *o)
{
    return o->when - p->last > (passive_is_open(p) ? FRESH : PASSIVE_SAME);
}

static bool is_wanted(const struct passive *e, const struct observation *o)
{
    return !e->config.has_peer || ip6_equal(&o->packet->ip6.source, &e->config.peer) ||
           ip6_equal(&o->packet->ip6.destination, &e->config.peer) ||
           ip6_is_link_local(&o->packet->ip6.source) ||
           ip6_is_link_local(&o->packet->ip6.destination);
}

/* A bubble that belongs to nothing known begins a punch, unless it can only be an answer: those go
 * to link-local addresses that nobody has seen, or advertise (RFC 6081 5.7.4.2). */
static void begin_punch(struct passive *e, const struct observation *o,
                        const struct passive_punch *older)
{
    struct passive_bubble lone = {0};
    struct passive_punch *p;
    struct teredo_addr to;
    enum passive_role role;

    if (!teredo_addr_decode(&o->packet->ip6.destination, &to))
        return;
    role = first_role(o, &to);
    if (role == ROLE_DIRECT && passive_is_advertisement(o->packet))
        return;
    if (older != NULL)
        lone = older->lone;
    p = new_punch(e);
    passive_begin(p, o, role, &lone);
    find_companion(e, p);
    learn_names(e, p, o, role);
    set_deadline(e, p, o->when);
}

/* Behind a symmetric NAT, with another link-local source for each attempt, it is the endpoint that
 * the peer's server sees which shows an attempt to be of the same initiator as the one before. */
static void absorb(struct passive *e, struct passive_punch *p, struct passive_punch *older)
{
    if (older == NULL || older == p || older->done || passive_is_open(older) ||
        older->first > p->first)
        return;
    older->done = older->absorbed = true;
    deadline_pool_set(&e->punch_pool, deadline_pool_slot(older->reference), NSEC_NEVER);
    p->first = older->first;
    p->attempts_before += older->attempts_before + older->attempt_count;
}

/* Whether the bubble O asks whether the path that P has opened is open still. */
static bool asks_for_path(const struct passive_punch *p, const struct observation *o)
{
    struct teredo_addr to;

    return passive_is_open(p) && passive_is_solicitation(o->packet) &&
           teredo_addr_decode(&o->packet->ip6.destination, &to) &&
           first_role(o, &to) == ROLE_DIRECT;
}

static void take_packet(struct passive *e, const struct observation *o)
{
    struct passive_punch *p = find_punch(e, o);
    bool is_bubble = o->packet->kind == TEREDO_BUBBLE;
    enum passive_role role;

    /* With a bubble to itself a host asks a server whether it relays. */
    if (ip6_same_interface(&o->packet->ip6.source, &o->packet->ip6.destination))
        return;
    if (p == NULL || (p->done && is_bubble && is_over(p, o))) {
        if (p != NULL && asks_for_path(p, o))
            passive_hold(p, o);
        else if (is_bubble)
            begin_punch(e, o, p);
        return;
    }
    role = passive_role(p, o);
    if (p->done) {
        /* The path stays fresh as long as something uses it. */
        if (role == ROLE_DATA || passive_is_open(p))
            p->last = o->when;
        return;
    }
    if (role == ROLE_INDIRECT)
        absorb(e, p, punch_of(e, book_endpoint(o->from, &p->peer)));
    if (role == ROLE_FORWARDED && o->packet->has_origin)
        absorb(e, p, punch_of(e, book_endpoint(o->packet->origin, &p->peer)));
    passive_take(p, o, role);
    find_companion(e, p);
    learn_names(e, p, o, role);
    set_deadline(e, p, o->when);
}

static void take_solicitation(struct passive *e, const struct observation *o)
{
    struct passive_client *c = NULL;

    if (o->packet->has_auth)
        c = client_of(e, book_nonce(o->packet->auth.nonce));
    if (c != NULL && client_takes_copy(c, o)) {
        learn(e, book_client(o->from), c->reference);
        return;
    }
    c = client_of(e, book_client(o->from));
    if (c == NULL) {
        c = new_client(e);
        learn(e, book_client(o->from), c->reference);
    }
    if (o->packet->has_auth)
        learn(e, book_nonce(o->packet->auth.nonce), c->reference);
    client_solicits(c, o);
    deadline_pool_set(&e->client_pool, deadline_pool_slot(c->reference),
                      o->when + PASSIVE_PATIENCE);
}

static void take_advertisement(struct passive *e, const struct observation *o)
{
    struct passive_client *c = NULL;
    struct client_ask *ask;

    if (o->packet->has_auth)
        c = client_of(e, book_nonce(o->packet->auth.nonce));
    if (c == NULL)
        c = client_of(e, book_client(o->to));
    if (c == NULL || !c->open)
        return;
    ask = client_find_ask(c, o);
    if (ask == NULL)
        return;
    client_is_answered(c, o, ask, e->out);
    if (o->packet->has_origin && c->is_next_to) {
        learn(e, book_near(o->vantage, o->packet->origin), c->at.address);
        learn(e, book_mapped(o->packet->origin), c->reference);
    }
    if (client_is_settled(c))
        deadline_pool_set(&e->client_pool, deadline_pool_slot(c->reference),
                          o->when + e->config.settle);
}

static void take_icmp(struct passive *e, const struct observation *o)
{
    struct passive_client *c = client_of(e, book_client(o->from));
    struct passive_punch *p;

    if (c != NULL)
        client_is_refused(c, o);
    p = punch_of(e, book_way(o->from, o->to));
    if (p != NULL && !p->done)
        passive_take_icmp(p, o);
}

static void take_seen(struct passive *e, const struct observation *o)
{
    learn_parties(e, o);
    learn_hosts(e, o);
    if (o->packet->kind == TEREDO_RS) {
        take_solicitation(e, o);
    } else if (o->packet->kind == TEREDO_RA) {
        take_advertisement(e, o);
    } else if (is_wanted(e, o)) {
        take_packet(e, o);
    }
}

/* All that is due; once nothing more is to come, all that is left. */
static void conclude_due(struct passive *e)
{
    nsec now = e->stopping ? NSEC_NEVER - 1 : e->now;
    size_t slot;

    while (!e->done) {
        if (deadline_pool_due(&e->client_pool, now, &slot))
            conclude_client(e, &e->clients[slot], e->client_pool.items[slot].when > e->now);
        else if (deadline_pool_due(&e->punch_pool, now, &slot))
            conclude_punch(e, &e->punches[slot],
                           e->punch_pool.items[slot].when > e->now ? END_CAPTURE : END_TIME);
        else if (e->stopping)
            finish(e);
        else
            return;
    }
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct passive *e = (struct passive *)engine;
    unsigned v = o->vantage;

    if (e->done || v >= e->config.vantages)
        return;
    e->out = out;
    e->now = nsec_max(e->now, o->when);
    switch (o->kind) {
    case OBSERVED_SEEN:
    case OBSERVED_ICMP_ERROR:
    case OBSERVED_TIMER:
        if (e->first[v] == 0)
            e->first[v] = o->when;
        e->last[v] = nsec_max(e->last[v], o->when);
        if (o->kind == OBSERVED_SEEN && o->packet != NULL)
            take_seen(e, o);
        else if (o->kind == OBSERVED_SEEN)
            take_stranger(e, o);
        else if (o->kind == OBSERVED_ICMP_ERROR)
            take_icmp(e, o);
        break;
    case OBSERVED_STOP:
        e->stopping = true;
        break;
    case OBSERVED_SENT: /* of live runs alone */
    case OBSERVED_RECEIVED:
    case OBSERVED_SEND_FAILED:
        break;
    }
    conclude_due(e);
}

static nsec deadline(const struct engine *engine)
{
    const struct passive *e = (const struct passive *)engine;

    return e->done ? NSEC_NEVER
                   : nsec_min(heap_when(&e->punch_pool.heap), heap_when(&e->client_pool.heap));
}

static void waiting(const struct engine *engine, struct waiting *out)
{
    const struct passive *e = (const struct passive *)engine;

    out->what = WAITING_FOR_PUNCHES;
    out->try = (unsigned)e->summary.punches;
    out->since = e->first[0];
}

struct passive *passive_new(const struct passive_config *config)
{
    static const struct engine_ops ops = {observe, deadline, waiting};
    struct passive *e = calloc(1, sizeof *e);
    size_t punches = config->punches > 0 ? config->punches : PASSIVE_PUNCHES;
    size_t clients = config->clients > 0 ? config->clients : PASSIVE_CLIENTS;

    if (e == NULL)
        return NULL;
    e->engine.ops = &ops;
    e->config = *config;
    e->book = lru_set_new(BOOK_KEY_WORDS, BOOK_SIZE, config->seed);
    e->punches = calloc(punches, sizeof *e->punches);
    e->clients = calloc(clients, sizeof *e->clients);
    if (e->book == NULL || e->punches == NULL || e->clients == NULL ||
        !deadline_pool_init(&e->punch_pool, punches) ||
        !deadline_pool_init(&e->client_pool, clients)) {
        passive_free(e);
        return NULL;
    }
    return e;
}

void passive_free(struct passive *e)
{
    if (e == NULL)
        return;
    lru_set_free(e->book);
    deadline_pool_free(&e->punch_pool);
    deadline_pool_free(&e->client_pool);
    free(e->punches);
    free(e->clients);
    free(e);
}

struct engine *passive_engine(struct passive *e)
{
    return &e->engine;
}

struct passive_summary passive_summary(const struct passive *e)
{
    return e->summary;
}
