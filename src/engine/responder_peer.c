#include "responder_peer.h"

static void tell(struct responder *r, enum peer_activity activity,
                 const struct responder_peer *peer, struct endpoint endpoint, nsec now)
{
    outbox_emit(r->out, &(struct event){.kind = EVENT_PEER,
                                        .when = now,
                                        .peer = {.activity = activity,
                                                 .peer = peer->address,
                                                 .endpoint = endpoint,
                                                 .offset = now - peer->first_seen}});
}

/* The peer's entry; a new one takes the place of the one that was silent for longest. */
static struct responder_peer *find_peer(struct responder *r, const struct in6_addr *address,
                                        nsec now)
{
    struct responder_peer *oldest = &r->peers[0];

    for (int i = 0; i < RESPONDER_MAX_PEERS; i++) {
        struct responder_peer *peer = &r->peers[i];

        if (peer->used && ip6_equal(&peer->address, address))
            return peer;
        if (oldest->used && (!peer->used || peer->last_received < oldest->last_received))
            oldest = peer;
    }
    *oldest = (struct responder_peer){
        .used = true, .address = *address, .first_seen = now, .last_received = now};
    return oldest;
}

/* RFC 4380 5.2.6. An answer to a newly learned endpoint is due even within the two seconds: that is
 * the step by which RFC 6081 reaches a client behind a symmetric NAT. */
static bool may_send_bubble(struct responder_peer *peer, struct endpoint to, nsec now)
{
    bool same_endpoint = endpoint_equal(to, peer->endpoint);

    if (now - peer->window_start >= RESPONDER_BUBBLE_WINDOW || peer->last_bubble == 0) {
        peer->window_start = now;
        peer->window_bubbles = 0;
    }
    if (peer->window_bubbles >= RESPONDER_MAX_BUBBLES)
        return false;
    return peer->last_bubble == 0 || !same_endpoint ||
           now - peer->last_bubble >= RESPONDER_BUBBLE_INTERVAL;
}

/* What becomes of what is sent to a peer does not matter: its tag is none of the qualification's.
 */
static void send_packet(struct responder *r, struct endpoint to, const struct teredo_packet *p)
{
    outbox_send_packet(r->out, (struct send_request){.tag = QUALIFY_TAGS, .to = to}, p);
}

static void push_bubble(struct responder *r, const struct responder_peer *peer,
                        const struct in6_addr *source, struct endpoint to)
{
    struct teredo_packet bubble;
    uint8_t nonce[4];

    teredo_make_bubble(&bubble, source, &peer->address);
    /* RFC 6081: the answering bubble repeats the nonce. */
    if (peer->has_nonce)
        teredo_add_nonce_trailer(&bubble, peer->nonce, nonce);
    send_packet(r, to, &bubble);
    r->bubbles_sent++;
}

/* A direct bubble to TO, and, where only the peer's server is sure to reach it, an indirect one
 * (RFC 6081: it tells a peer behind a symmetric NAT that we live and that our NAT is open). */
static void answer(struct responder *r, struct responder_peer *peer, struct endpoint to,
                   bool also_indirectly, nsec now)
{
    struct teredo_addr a;

    if (!r->config.allow_private && !ip4_is_global_unicast(to.address)) {
        tell(r, PEER_REFUSED, peer, to, now);
        return;
    }
    if (!may_send_bubble(peer, to, now)) {
        tell(r, PEER_RATE_LIMITED, peer, to, now);
        return;
    }
    peer->endpoint = to;
    peer->last_bubble = now;
    peer->window_bubbles++;
    push_bubble(r, peer, &r->own, to);
    tell(r, PEER_ANSWERED, peer, to, now);
    if (also_indirectly && teredo_addr_decode(&peer->address, &a) &&
        (r->config.allow_private || ip4_is_global_unicast(a.server))) {
        struct endpoint server = {a.server, TEREDO_PORT};

        /* Our Teredo address does not name the endpoint that a symmetric NAT gives us towards that
         * server, which would discard it (RFC 4380 5.3.1, rule 5); the nonce says who we are. */
        push_bubble(r, peer, r->behind_symmetric_nat ? &r->link_local : &r->own, server);
        tell(r, PEER_ANSWERED_INDIRECTLY, peer, server, now);
    }
}

static void trust(struct responder *r, struct responder_peer *peer, struct endpoint endpoint,
                  nsec now)
{
    bool news = !peer->trusted || !endpoint_equal(peer->endpoint, endpoint);

    /* A link-local source is a client's bubbles only: its Teredo address, which its data comes
     * from, is what counts as a peer. */
    if (!peer->trusted && !ip6_is_link_local(&peer->address))
        r->trusted_peers++;
    peer->trusted = true;
    peer->endpoint = endpoint;
    peer->window_bubbles = 0; /* a direct response has come */
    peer->stray = (struct endpoint){0};
    if (news)
        tell(r, PEER_TRUSTED, peer, endpoint, now);
}

/* True where the direct bubble that came first, from an unexpected endpoint, belongs to the
 * indirect one that has come now: it had the same nonce (RFC 6081), or the unguessable link-local
 * source. */
static bool stray_is_proven(const struct responder_peer *peer)
{
    if (endpoint_is_unset(peer->stray))
        return false;
    if (ip6_is_link_local(&peer->address))
        return true;
    return peer->has_nonce && peer->stray_has_nonce && peer->stray_nonce == peer->nonce;
}

/* A bubble through our own server: the peer asks us to open our NAT. */
static void take_indirect_bubble(struct responder *r, struct responder_peer *peer,
                                 const struct observation *o)
{
    struct teredo_addr a;
    struct endpoint to = o->packet->origin;
    bool is_teredo = teredo_addr_decode(&peer->address, &a);

    peer->heard_indirect = true;
    peer->has_nonce = teredo_trailer_nonce(o->packet, &peer->nonce);
    tell(r, PEER_INDIRECT_BUBBLE, peer, to, o->when);
    if (peer->trusted)
        to = peer->endpoint;
    else if (is_teredo)
        to = a.mapped; /* RFC 4380 5.2.6 */
    else if (!o->packet->has_origin)
        return; /* nobody knows where a link-local source lives */
    answer(r, peer, to, is_teredo && !peer->trusted, o->when);
    /* The direct bubble of the same pair came first, and from elsewhere: now it is proven. */
    if (stray_is_proven(peer)) {
        struct endpoint stray = peer->stray;

        answer(r, peer, stray, false, o->when);
        trust(r, peer, stray, o->when);
    }
}

/* True where a direct packet from an unexpected endpoint is the peer's all the same: it repeats the
 * nonce that came through our server (RFC 6081), or the unguessable link-local source. */
static bool proves_itself(const struct responder_peer *peer, const struct teredo_packet *p)
{
    uint32_t nonce;

    if (!peer->heard_indirect)
        return false;
    if (ip6_is_link_local(&peer->address))
        return true;
    return peer->has_nonce && teredo_trailer_nonce(p, &nonce) && nonce == peer->nonce;
}

static void echo_back(struct responder *r, struct responder_peer *peer, const struct observation *o)
{
    const struct icmp6_message *m = &o->packet->icmp6;
    struct teredo_packet reply;
    uint8_t buf[TEREDO_MAX_SIZE];

    if (m->echo.size > TEREDO_MTU - IP6_HEADER_SIZE - 8) {
        r->ignored++;
        return;
    }
    teredo_make_echo(&reply, ICMP6_TYPE_ECHO_REPLY, &r->own, &peer->address, m->echo.id,
                     m->echo.sequence, m->echo.data, m->echo.size, buf);
    send_packet(r, o->from, &reply);
    r->echoes++;
    tell(r, PEER_ECHOED, peer, o->from, o->when);
}

/* A client whose bubbles came from a link-local source sends its data from its Teredo address: the
 * endpoint that those bubbles have proven speaks for both. */
static bool endpoint_is_trusted(const struct responder *r, struct endpoint e)
{
    for (int i = 0; i < RESPONDER_MAX_PEERS; i++)
        if (r->peers[i].used && r->peers[i].trusted && endpoint_equal(r->peers[i].endpoint, e))
            return true;
    return false;
}

static void take_direct(struct responder *r, struct responder_peer *peer,
                        const struct observation *o)
{
    const struct teredo_packet *p = o->packet;
    struct teredo_addr a;
    bool expected = teredo_addr_decode(&peer->address, &a) && endpoint_equal(a.mapped, o->from);
    bool known = peer->trusted && endpoint_equal(peer->endpoint, o->from);

    if (p->kind == TEREDO_BUBBLE)
        tell(r, PEER_DIRECT_BUBBLE, peer, o->from, o->when);
    if (!expected && !known && !proves_itself(peer, p) && !endpoint_is_trusted(r, o->from)) {
        if (p->kind == TEREDO_BUBBLE) {
            peer->stray = o->from;
            peer->stray_has_nonce = teredo_trailer_nonce(p, &peer->stray_nonce);
        }
        tell(r, PEER_UNPROVEN, peer, o->from, o->when);
        return;
    }
    /* A bubble that our NAT let in unasked wants an answer as well: the sender's NAT may be the
     * restricted one (RFC 4380 5.2.3, last paragraph). */
    if (p->kind == TEREDO_BUBBLE) {
        uint32_t nonce;

        if (teredo_trailer_nonce(p, &nonce)) {
            peer->has_nonce = true;
            peer->nonce = nonce;
        }
        if (may_send_bubble(peer, o->from, o->when))
            answer(r, peer, o->from, false, o->when);
    }
    trust(r, peer, o->from, o->when);
    if (p->kind == TEREDO_ECHO_REQUEST)
        echo_back(r, peer, o);
}

void responder_take_packet(struct responder *r, const struct observation *o)
{
    const struct teredo_packet *p = o->packet;
    const struct qualify_config *q = &r->config.qualify;
    bool through_server =
        o->from.port == q->server.port &&
        (o->from.address == q->server.address || o->from.address == q->secondary.address);
    struct responder_peer *peer;

    if (ip6_equal(&p->ip6.source, &r->own) || (through_server && p->kind != TEREDO_BUBBLE)) {
        r->ignored++;
        return;
    }
    peer = find_peer(r, &p->ip6.source, o->when);
    peer->last_received = o->when;
    if (p->kind == TEREDO_BUBBLE)
        r->bubbles_received++;
    if (through_server)
        take_indirect_bubble(r, peer, o);
    else
        take_direct(r, peer, o);
}
