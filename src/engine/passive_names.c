#include "passive_state.h"

void passive_learn(struct passive *e, struct book_key key, uint32_t note)
{
    *lru_set_add(e->book, key.words) = note;
}

uint32_t passive_look_up(const struct passive *e, struct book_key key)
{
    const uint32_t *note = lru_set_find(e->book, key.words);

    return note == NULL ? 0 : *note;
}

struct passive_punch *passive_punch_of(struct passive *e, struct book_key key)
{
    uint32_t reference = passive_look_up(e, key);
    struct passive_punch *p;

    if (reference == 0 || ring_slot(reference) >= e->punch_ring.size)
        return NULL;
    p = &e->punches[ring_slot(reference)];
    return p->reference == reference ? p : NULL;
}

struct passive_client *passive_client_of(struct passive *e, struct book_key key)
{
    uint32_t reference = passive_look_up(e, key);
    struct passive_client *c;

    if (reference == 0 || ring_slot(reference) >= e->client_ring.size)
        return NULL;
    c = &e->clients[ring_slot(reference)];
    return c->reference == reference ? c : NULL;
}

/* Whether a vantage point next to PARTY was capturing when it mattered. */
bool passive_is_captured(const struct passive *e, struct endpoint party,
                         const uint32_t next_to[PASSIVE_VANTAGES], nsec when)
{
    for (unsigned v = 0; v < e->config.vantages; v++)
        if (e->first[v] <= when && e->last[v] >= when + NSEC_S &&
            ((next_to != NULL && next_to[v] != 0) || passive_look_up(e, book_near(v, party)) != 0))
            return true;
    return false;
}

/* Whether a packet that a name has led to the punch can be of it: it goes to the peer or comes from
 * it, by its address or, of a bubble, from a link-local one. */
static bool is_with_peer(const struct passive_punch *p, const struct observation *o)
{
    const struct ip6_header *ip6 = &o->packet->ip6;

    return ip6_equal(&ip6->source, &p->peer) || ip6_equal(&ip6->destination, &p->peer) ||
           (o->packet->kind == TEREDO_BUBBLE && ip6_is_link_local(&ip6->source));
}

/* The punch that a packet belongs to: by its two addresses; else by the nonce that it repeats (a
 * peer behind a symmetric NAT answers through the server from a link-local address); else by the
 * initiator's endpoint, which is at either end, or in the origin indication; else, of a control, by
 * its host. */
struct passive_punch *passive_find_punch(struct passive *e, const struct observation *o)
{
    const struct in6_addr *source = &o->packet->ip6.source;
    const struct in6_addr *destination = &o->packet->ip6.destination;
    struct passive_punch *p = passive_punch_of(e, book_pair(source, destination));
    struct passive_punch *newer = NULL;
    uint32_t nonce;

    /* The peer's link-local address may be the same in all punches. */
    if ((p == NULL || p->done) && o->packet->kind == TEREDO_BUBBLE &&
        teredo_trailer_nonce(o->packet, &nonce))
        newer = passive_punch_of(e, book_trailer(nonce, destination));
    if (newer != NULL)
        p = newer;
    if (p == NULL && o->packet->has_origin)
        p = passive_punch_of(e, book_endpoint(o->packet->origin, destination));
    if (p == NULL)
        p = passive_punch_of(e, book_endpoint(o->from, destination));
    if (p == NULL)
        p = passive_punch_of(e, book_endpoint(o->to, source));
    if (p == NULL && o->packet->kind == TEREDO_BUBBLE) {
        p = passive_punch_of(e, book_host(o->from.address, destination));
        if (p != NULL && !passive_is_reference_pair(p, o))
            p = NULL;
    }
    return p != NULL && is_with_peer(p, o) ? p : NULL;
}

/* The names under which the punch is to be found from now on. */
void passive_learn_names(struct passive *e, const struct passive_punch *p,
                         const struct observation *o, enum passive_role role)
{
    bool from_initiator = passive_from_initiator(p, o);
    struct endpoint end = from_initiator ? o->from : o->to;
    uint32_t nonce;

    if (from_initiator && role != ROLE_DATA && teredo_trailer_nonce(o->packet, &nonce))
        passive_learn(e, book_trailer(nonce, &o->packet->ip6.source), p->reference);
    if (role != ROLE_DATA)
        passive_learn(e, book_pair(&o->packet->ip6.source, &o->packet->ip6.destination),
                      p->reference);
    if (role == ROLE_DIRECT || role == ROLE_INDIRECT || role == ROLE_FORWARDED)
        passive_learn(e, book_way(o->from, o->to), p->reference);
    if (role == ROLE_FORWARDED) {
        if (o->packet->has_origin)
            passive_learn(e, book_endpoint(o->packet->origin, &p->peer), p->reference);
        return;
    }
    if (role == ROLE_INDIRECT_ANSWER)
        return;
    passive_learn(e, book_endpoint(end, &p->peer), p->reference);
    if (role == ROLE_DIRECT || (from_initiator && passive_is_at_sender(o)))
        passive_learn(e, book_host(o->from.address, &p->peer), p->reference);
}

void passive_find_companion(struct passive *e, struct passive_punch *p)
{
    struct book_key key = book_host(p->initiator_outside.address, &p->peer);
    struct passive_punch *q = passive_punch_of(e, key);

    if (p->initiator_outside.address == 0)
        return;
    if (q != NULL && q != p && !q->absorbed && p->last - q->last < PASSIVE_LONGEST)
        p->has_companion = q->has_companion = true;
    passive_learn(e, key, p->reference);
}

/* Which vantage points stand next to whom, and which servers live. */
void passive_learn_parties(struct passive *e, const struct observation *o)
{
    struct teredo_addr source;
    bool is_teredo = teredo_addr_decode(&o->packet->ip6.source, &source);

    if (o->from.port == TEREDO_PORT && (o->packet->kind == TEREDO_RA || o->packet->has_origin)) {
        passive_learn(e, book_server(o->from.address), (uint32_t)(o->when / NSEC_S));
        if (passive_is_at_sender(o))
            passive_learn(e, book_near(o->vantage, o->from), 1);
    } else if (is_teredo && passive_is_at_sender(o)) {
        passive_learn(e, book_near(o->vantage, source.mapped), 1);
    }
    if (o->packet->kind == TEREDO_RA && o->packet->has_origin && ip4_is_inside(o->to.address))
        passive_learn(e, book_near(o->vantage, o->packet->origin), 1);
}
