#include "responder.h"

#include <string.h>

#include "hash.h"

static void tell(struct responder *r, enum peer_activity activity,
                 const struct responder_peer *peer, struct endpoint endpoint, nsec now)
{
    outbox_emit(r->out, &(struct event){.kind = EVENT_PEER,
                                        .when = now,
                                        .peer = {.activity = activity,
                                                 .peer = peer->address,
                                                 .endpoint = endpoint,
                                                 .proof = peer->proof,
                                                 .offset = now - peer->first_seen}});
}

static bool is_trusted(const struct responder_peer *peer, nsec now)
{
    return peer->trusted && now - peer->last_believed < RESPONDER_TRUST;
}

/* What speaks for keeping an entry: what strangers send in any names pushes nobody out who was
 * proven, and what they send from any endpoints nobody who knew what only a peer can know. */
enum merit {
    MERIT_FREE,
    MERIT_UNPROVEN,
    MERIT_WAS_PROVEN,
    MERIT_ENDPOINT, /* trusted for the endpoint in its address */
    MERIT_SECRET    /* for a nonce, or for a source that nobody guesses */
};

static enum merit merit_of(const struct responder_peer *peer, nsec now)
{
    if (!peer->used)
        return MERIT_FREE;
    if (is_trusted(peer, now))
        return peer->proof == PROOF_ENDPOINT ? MERIT_ENDPOINT : MERIT_SECRET;
    return peer->reached ? MERIT_WAS_PROVEN : MERIT_UNPROVEN;
}

/* True where A makes way for a new peer before B does. */
static bool makes_way(const struct responder_peer *a, const struct responder_peer *b, nsec now)
{
    enum merit of_a = merit_of(a, now), of_b = merit_of(b, now);

    return of_a != of_b ? of_a < of_b : a->last_received < b->last_received;
}

static bool comes_from_embedded(const struct observation *o)
{
    struct teredo_addr a;

    return teredo_addr_decode(&o->packet->ip6.source, &a) && endpoint_equal(a.mapped, o->from);
}

/* The entry of the packet's source; a new one takes the place of another where there is no room.
 * NULL where nobody makes way for it. */
static struct responder_peer *find_peer(struct responder *r, const struct observation *o)
{
    const struct in6_addr *address = &o->packet->ip6.source;
    struct responder_peer *first = &r->peers[0];

    for (int i = 0; i < RESPONDER_MAX_PEERS; i++) {
        struct responder_peer *peer = &r->peers[i];

        if (peer->used && ip6_equal(&peer->address, address))
            return peer;
        if (makes_way(peer, first, o->when))
            first = peer;
    }
    if (merit_of(first, o->when) > (comes_from_embedded(o) ? MERIT_ENDPOINT : MERIT_WAS_PROVEN))
        return NULL;
    *first = (struct responder_peer){
        .used = true, .address = *address, .first_seen = o->when, .last_received = o->when};
    return first;
}

/* RFC 4380 5.2.6. An answer to a newly learned endpoint is due even within the two seconds: that is
 * the step by which RFC 6081 reaches a client behind a symmetric NAT. So is the first one that can
 * repeat a nonce: the bubble that answered the direct one of the same pair had none to repeat (RFC
 * 6081 5.2.4.2), and proves nothing to a peer that sees us at another endpoint. */
static bool may_send_bubble(struct responder_peer *peer, struct endpoint to, nsec now)
{
    bool same_endpoint = endpoint_equal(to, peer->endpoint);
    bool first_nonce = peer->nonce_received != 0 && peer->nonce_repeated == 0;

    if (now - peer->window_start >= RESPONDER_BUBBLE_WINDOW || peer->last_bubble == 0) {
        peer->window_start = now;
        peer->window_bubbles = 0;
    }
    if (peer->window_bubbles >= RESPONDER_MAX_BUBBLES)
        return false;
    return peer->last_bubble == 0 || !same_endpoint || first_nonce ||
           now - peer->last_bubble >= RESPONDER_BUBBLE_INTERVAL;
}

/* What becomes of what is sent to a peer does not matter: its tag is none of the qualification's.
 */
static void send_packet(struct responder *r, struct endpoint to, const struct teredo_packet *p)
{
    outbox_send_packet(r->out, (struct send_request){.tag = QUALIFY_TAGS, .to = to}, p);
}

/* With NONCE in a trailer, unless it is 0. */
static void push_bubble(struct responder *r, struct endpoint to, struct teredo_packet *bubble,
                        uint32_t nonce)
{
    uint8_t room[4];

    if (nonce != 0)
        teredo_add_nonce_trailer(bubble, nonce, room);
    send_packet(r, to, bubble);
    r->bubbles_sent++;
}

/* RFC 6081 5.2.4.2: a direct bubble repeats the nonce of the peer's last indirect one, and has none
 * before there was one; 5.7.4.2: it answers a solicitation for its neighbor. */
static void push_direct_bubble(struct responder *r, struct responder_peer *peer, struct endpoint to)
{
    struct teredo_packet bubble;

    teredo_make_bubble(&bubble, &r->own, &peer->address);
    if (peer->solicits)
        teredo_add_nd_advertisement(&bubble);
    peer->solicits = false;
    peer->nonce_repeated = peer->nonce_received;
    push_bubble(r, to, &bubble, peer->nonce_received);
}

/* RFC 6081 5.2.4.1: an indirect bubble has a new nonce of our own, for the peer to repeat.
 *
 * Our Teredo address does not name the endpoint that a symmetric NAT gives us towards the peer's
 * server, which would discard it (RFC 4380 5.3.1, rule 5). So there the source is a link-local
 * address (rule 6), and the second half of its identifier is the nonce that the peer has sent us,
 * which tells the peer who we are. */
static void push_indirect_bubble(struct responder *r, struct responder_peer *peer,
                                 struct endpoint to)
{
    struct teredo_packet bubble;
    struct in6_addr source = r->own;

    do
        nonce_take(&r->config.nonces, &peer->nonce_sent, sizeof peer->nonce_sent);
    while (peer->nonce_sent == 0);
    if (r->behind_symmetric_nat)
        source = link_local_repeating(&r->config.nonces, peer->nonce_received);
    teredo_make_bubble(&bubble, &source, &peer->address);
    push_bubble(r, to, &bubble, peer->nonce_sent);
}

/* Whether one more bubble may go to ADDRESS at the word of somebody who is not proven. */
static bool may_reflect(struct responder *r, uint32_t address, nsec now)
{
    nsec *spent = &r->spent_at[hash_mix(0, address) % RESPONDER_ADDRESSES], before = *spent;

    if (!rate_take(RESPONDER_RATE_ADDRESS, spent, now))
        return false;
    if (rate_take(RESPONDER_RATE_UNPROVEN, &r->spent, now))
        return true;
    *spent = before;
    return false;
}

enum answer_way {
    DIRECTLY,
    ALSO_INDIRECTLY
};

/* A direct bubble to TO, and, where only the peer's server is sure to reach it, an indirect one
 * (RFC 6081: it tells a peer behind a symmetric NAT that we live and that our NAT is open). */
static void answer(struct responder *r, struct responder_peer *peer, struct endpoint to,
                   enum answer_way way, nsec now)
{
    struct teredo_addr a;

    if (!r->config.allow_private && !ip4_is_global_unicast(to.address)) {
        tell(r, PEER_REFUSED, peer, to, now);
        return;
    }
    if (!may_send_bubble(peer, to, now) ||
        (!is_trusted(peer, now) && !may_reflect(r, to.address, now))) {
        tell(r, PEER_RATE_LIMITED, peer, to, now);
        return;
    }
    peer->endpoint = to;
    peer->last_bubble = now;
    peer->window_bubbles++;
    push_direct_bubble(r, peer, to);
    tell(r, PEER_ANSWERED, peer, to, now);
    if (way == ALSO_INDIRECTLY && teredo_addr_decode(&peer->address, &a) &&
        (r->config.allow_private || ip4_is_global_unicast(a.server))) {
        struct endpoint server = {a.server, TEREDO_PORT};

        if (!is_trusted(peer, now) && !may_reflect(r, a.server, now)) {
            tell(r, PEER_RATE_LIMITED, peer, server, now);
            return;
        }
        push_indirect_bubble(r, peer, server);
        tell(r, PEER_ANSWERED_INDIRECTLY, peer, server, now);
    }
}

static void count_peer(struct responder *r, struct responder_peer *peer)
{
    if (!peer->reached)
        r->trusted_peers++;
    peer->reached = true;
}

/* RFC 4380 5.2.4. What proved the endpoint that was believed proves no other one. */
static void end_trust(struct responder_peer *peer, nsec now)
{
    if (!peer->trusted || is_trusted(peer, now))
        return;
    peer->trusted = false;
    peer->heard_indirect = false;
    peer->nonce_sent = peer->nonce_received = peer->nonce_repeated = 0;
    peer->stray = (struct endpoint){0};
    peer->has_voice = false;
}

static void trust(struct responder *r, struct responder_peer *peer, struct endpoint endpoint,
                  nsec now)
{
    bool news = !peer->trusted || !endpoint_equal(peer->endpoint, endpoint);

    /* A link-local source is a client's bubbles only: its Teredo address, which its data comes
     * from, is what counts as a peer. */
    if (!ip6_is_link_local(&peer->address))
        count_peer(r, peer);
    peer->trusted = true;
    peer->last_believed = now;
    peer->endpoint = endpoint;
    peer->window_bubbles = 0; /* a direct response has come */
    peer->stray = (struct endpoint){0};
    if (news)
        tell(r, PEER_TRUSTED, peer, endpoint, now);
}

/* A bubble through our own server: the peer asks us to open our NAT. */
static void take_indirect_bubble(struct responder *r, struct responder_peer *peer,
                                 const struct observation *o)
{
    struct teredo_addr a;
    struct endpoint to = o->packet->origin;
    bool is_teredo = teredo_addr_decode(&peer->address, &a);

    peer->heard_indirect = true;
    /* RFC 6081 5.2.4.3. It proves nothing: whoever sends through our server chooses it. */
    if (!teredo_trailer_nonce(o->packet, &peer->nonce_received))
        peer->nonce_received = 0;
    tell(r, PEER_INDIRECT_BUBBLE, peer, to, o->when);
    if (peer->trusted)
        to = peer->endpoint;
    else if (is_teredo)
        to = a.mapped; /* RFC 4380 5.2.6 */
    else if (!o->packet->has_origin)
        return; /* nobody knows where a link-local source lives */
    /* A direct bubble that our NAT let in need not mean that our answer from a symmetric one gets
     * out to where the peer lets it in. */
    answer(r, peer, to,
           is_teredo && (!peer->trusted || r->behind_symmetric_nat) ? ALSO_INDIRECTLY : DIRECTLY,
           o->when);
    /* The direct bubble of the same pair came first, from where nothing was known of the source:
     * now it is the same client's. */
    if (!endpoint_is_unset(peer->stray) && ip6_is_unguessable_link_local(&peer->address)) {
        struct endpoint stray = peer->stray;

        answer(r, peer, stray, DIRECTLY, o->when);
        peer->proof = PROOF_LINK_LOCAL;
        trust(r, peer, stray, o->when);
    }
}

/* What a direct packet shows of who sent it. */
enum {
    FROM_EMBEDDED = 1 << 0,  /* it comes from the endpoint in the peer's address */
    FROM_PROVEN = 1 << 1,    /* it comes from the endpoint that was proven, not 30 seconds ago */
    REPEATS_NONCE = 1 << 2,  /* a bubble with our nonce, which only the peer and its server saw */
    SECRET_SOURCE = 1 << 3,  /* the source is link-local, and nobody can guess it */
    HEARD_INDIRECT = 1 << 4, /* that source came through our server as well */
};

/* Whom to believe: the first row whose evidence all stands says why; without one, nobody. An
 * endpoint is believed for the one address alone. */
static const struct belief {
    unsigned needs;
    enum punch_proof proof; /* PROOF_NONE = the one of before */
} beliefs[] = {
    {FROM_EMBEDDED, PROOF_ENDPOINT}, /* RFC 4380 5.2.3 rule 3, RFC 6081 5.2.4.4 */
    {FROM_PROVEN, PROOF_NONE},       /* RFC 4380 5.2.3 rule 1 */
    {REPEATS_NONCE, PROOF_NONCE},    /* RFC 6081 5.2.4.4 */
    {SECRET_SOURCE | HEARD_INDIRECT, PROOF_LINK_LOCAL}, /* miredo's way */
};

static unsigned evidence_of(const struct responder_peer *peer, const struct observation *o)
{
    uint32_t nonce;
    unsigned evidence = 0;

    if (comes_from_embedded(o))
        evidence |= FROM_EMBEDDED;
    if (peer->trusted && endpoint_equal(peer->endpoint, o->from))
        evidence |= FROM_PROVEN;
    if (o->packet->kind == TEREDO_BUBBLE && peer->nonce_sent != 0 &&
        teredo_trailer_nonce(o->packet, &nonce) && nonce == peer->nonce_sent)
        evidence |= REPEATS_NONCE;
    if (ip6_is_unguessable_link_local(&peer->address))
        evidence |= SECRET_SOURCE;
    if (peer->heard_indirect)
        evidence |= HEARD_INDIRECT;
    return evidence;
}

/* NULL where nothing says that the packet is the peer's. */
static const struct belief *find_belief(const struct responder_peer *peer,
                                        const struct observation *o)
{
    unsigned evidence = evidence_of(peer, o);

    for (unsigned i = 0; i < sizeof beliefs / sizeof *beliefs; i++)
        if ((evidence & beliefs[i].needs) == beliefs[i].needs)
            return &beliefs[i];
    return NULL;
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
    teredo_make_echo(&reply, &r->own, &peer->address,
                     &(struct teredo_echo){ICMP6_TYPE_ECHO_REPLY, m->echo.id, m->echo.sequence,
                                           m->echo.data, m->echo.size},
                     buf);
    send_packet(r, o->from, &reply);
    r->echoes++;
    tell(r, PEER_ECHOED, peer, o->from, o->when);
}

/* A client whose bubbles came from a link-local source sends its data from its Teredo
 * address. The endpoint that those bubbles have proven speaks for the first such address that
 * embeds its IPv4 address (the port is another one behind a symmetric NAT), and for no other. It
 * only speaks: what else is sent to that address goes where the address says. */
static bool speaks_for(struct responder *r, struct endpoint e, const struct responder_peer *peer,
                       nsec now)
{
    struct teredo_addr a;

    if (!teredo_addr_decode(&peer->address, &a) || a.mapped.address != e.address)
        return false;
    for (int i = 0; i < RESPONDER_MAX_PEERS; i++) {
        struct responder_peer *p = &r->peers[i];

        end_trust(p, now);
        if (!p->trusted || !ip6_is_link_local(&p->address) || !endpoint_equal(p->endpoint, e) ||
            (p->has_voice && !ip6_equal(&p->voice, &peer->address)))
            continue;
        p->has_voice = true;
        p->voice = peer->address;
        p->last_received = p->last_believed = now;
        return true;
    }
    return false;
}

static void take_direct(struct responder *r, struct responder_peer *peer,
                        const struct observation *o)
{
    const struct teredo_packet *p = o->packet;
    const struct belief *belief = find_belief(peer, o);
    uint8_t type;

    if (p->kind == TEREDO_BUBBLE)
        tell(r, PEER_DIRECT_BUBBLE, peer, o->from, o->when);
    if (belief == NULL) {
        if (p->kind == TEREDO_ECHO_REQUEST && speaks_for(r, o->from, peer, o->when)) {
            count_peer(r, peer);
            echo_back(r, peer, o);
            return;
        }
        if (p->kind == TEREDO_BUBBLE)
            peer->stray = o->from;
        tell(r, PEER_UNPROVEN, peer, o->from, o->when);
        return;
    }
    peer->solicits =
        p->kind == TEREDO_BUBBLE && teredo_trailer_nd(p, &type) && type == ND_TRAILER_SOLICITATION;
    /* A bubble that our NAT let in unasked wants an answer as well: the sender's NAT may be the
     * restricted one (RFC 4380 5.2.3, last paragraph). */
    if (p->kind == TEREDO_BUBBLE && may_send_bubble(peer, o->from, o->when))
        answer(r, peer, o->from, DIRECTLY, o->when);
    if (belief->proof != PROOF_NONE)
        peer->proof = belief->proof;
    trust(r, peer, o->from, o->when);
    if (p->kind == TEREDO_ECHO_REQUEST)
        echo_back(r, peer, o);
}

/* A packet for our Teredo address. */
static void take_packet(struct responder *r, const struct observation *o)
{
    const struct teredo_packet *p = o->packet;
    const struct qualify_config *q = &r->config.qualify;
    bool through_server =
        endpoint_equal(o->from, q->server) || endpoint_equal(o->from, q->secondary);
    struct responder_peer *peer;

    if (ip6_equal(&p->ip6.source, &r->own) || (through_server && p->kind != TEREDO_BUBBLE)) {
        r->ignored++;
        return;
    }
    peer = find_peer(r, o);
    if (peer == NULL) {
        r->ignored++;
        return;
    }
    end_trust(peer, o->when);
    peer->last_received = o->when;
    if (p->kind == TEREDO_BUBBLE)
        r->bubbles_received++;
    if (through_server)
        take_indirect_bubble(r, peer, o);
    else
        take_direct(r, peer, o);
}

static void finish(struct responder *r, nsec now)
{
    r->done = true;
    if (r->qualified)
        outbox_emit(r->out, &(struct event){.kind = EVENT_LISTENED,
                                            .when = now,
                                            .listened = {.peers = r->trusted_peers,
                                                         .bubbles_received = r->bubbles_received,
                                                         .bubbles_sent = r->bubbles_sent,
                                                         .echoes = r->echoes,
                                                         .ignored = r->ignored,
                                                         .mapping_changes = r->mapping_changes,
                                                         .elapsed = now - r->started,
                                                         .count_reached =
                                                             r->config.count == 0 ||
                                                             r->trusted_peers >= r->config.count}});
    outbox_done(r->out);
}

/* RFC 4380 5.2: the randomized interval is 75 % to 100 % of the refresh interval. */
static void schedule_refresh(struct responder *r, nsec now)
{
    nsec interval = r->config.refresh_interval;

    r->next_refresh = now + nonce_between(&r->config.nonces, interval * 3 / 4, interval);
}

static void start_refresh(struct responder *r)
{
    struct qualify_config again = r->config.qualify;

    nonce_take(&r->config.nonces, again.nonces.key, sizeof again.nonces.key);
    qualify_init(&r->qualify, &again);
    r->refreshing = true;
    r->next_refresh = NSEC_NEVER;
}

/* Where one of the server's addresses was silent, what was known of the NAT stays. */
static void note_nat(struct responder *r, const struct qualification *q)
{
    if (q->nat != QUALIFY_NAT_UNKNOWN)
        r->behind_symmetric_nat = q->nat == QUALIFY_NAT_SYMMETRIC;
}

static void adopt(struct responder *r, const struct qualification *q)
{
    r->own = q->teredo_address;
    r->mapped = q->mapped;
}

static void first_qualification(struct responder *r, const struct event *e)
{
    const struct qualification *q = &e->qualification;

    outbox_emit(r->out, e);
    /* Behind a symmetric NAT, or with one server address silent, there still is an address that
     * some peers can reach; the event says what to think of it. */
    if (!q->has_address || q->reason == QUALIFY_INTERRUPTED) {
        finish(r, e->when);
        return;
    }
    r->qualified = true;
    r->started = r->answered = e->when;
    if (r->config.duration != 0)
        r->end = e->when + r->config.duration;
    adopt(r, q);
    note_nat(r, q);
    schedule_refresh(r, e->when);
}

/* RFC 4380 5.2.5. */
static void refreshed(struct responder *r, const struct event *e)
{
    const struct qualification *q = &e->qualification;

    schedule_refresh(r, e->when);
    if (!q->has_address || endpoint_is_unset(q->mapped)) {
        r->lost = true;
        outbox_emit(r->out, &(struct event){
                                .kind = EVENT_SERVER_LOST, .when = e->when, .qualification = *q});
        return;
    }
    if (r->lost)
        outbox_emit(r->out, &(struct event){.kind = EVENT_SERVER_BACK,
                                            .when = e->when,
                                            .back = {q->server, e->when - r->answered}});
    r->lost = false;
    r->answered = e->when;
    note_nat(r, q);
    if (!endpoint_equal(q->mapped, r->mapped)) {
        struct event change = {.kind = EVENT_MAPPING_CHANGED,
                               .when = e->when,
                               .mapping = {r->mapped, q->mapped, q->teredo_address}};

        r->mapping_changes++;
        adopt(r, q);
        outbox_emit(r->out, &change);
    }
}

/* The qualification's verdict is told in our words. */
static void told(struct engine *engine, const struct event *e)
{
    struct responder *r = (struct responder *)engine;

    if (e->kind != EVENT_QUALIFICATION) {
        outbox_emit(r->out, e);
        return;
    }
    r->refreshing = false;
    if (r->qualified)
        refreshed(r, e);
    else
        first_qualification(r, e);
}

static void feed_qualify(struct responder *r, const struct observation *o)
{
    if (r->refreshing)
        part_observe(&r->qualifying, o, r->out);
}

static void on_timer(struct responder *r, const struct observation *o)
{
    if (o->when >= r->end) {
        finish(r, o->when);
        return;
    }
    if (o->when >= r->next_refresh)
        start_refresh(r);
    feed_qualify(r, o);
}

static void on_received(struct responder *r, const struct observation *o)
{
    /* RFC 4380 5.2.3: what is not for our own Teredo address is not for us. */
    if (r->qualified && o->packet != NULL && ip6_equal(&o->packet->ip6.destination, &r->own)) {
        take_packet(r, o);
        /* Linger, so that the last peer's data is answered as well. */
        if (r->config.count != 0 && r->trusted_peers >= r->config.count)
            r->end = nsec_min(r->end, o->when + RESPONDER_LINGER);
    } else if (r->refreshing) {
        feed_qualify(r, o);
    } else {
        r->ignored++;
    }
}

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct responder *r = (struct responder *)engine;

    if (r->done)
        return;
    r->out = out;
    switch (o->kind) {
    case OBSERVED_TIMER:
        on_timer(r, o);
        break;
    case OBSERVED_RECEIVED:
        on_received(r, o);
        break;
    case OBSERVED_SENT:
    case OBSERVED_SEND_FAILED:
    case OBSERVED_ICMP_ERROR:
        feed_qualify(r, o);
        break;
    case OBSERVED_STOP:
        if (!r->qualified)
            feed_qualify(r, o);
        else
            finish(r, o->when);
        break;
    case OBSERVED_SEEN: /* of captures, which this engine is not fed from */
        break;
    }
}

static nsec deadline(const struct engine *engine)
{
    const struct responder *r = (const struct responder *)engine;
    nsec when = nsec_min(r->next_refresh, r->end);

    if (r->done)
        return NSEC_NEVER;
    return r->refreshing ? nsec_min(when, engine_deadline(&r->qualify.engine)) : when;
}

static void waiting(const struct engine *engine, struct waiting *out)
{
    const struct responder *r = (const struct responder *)engine;

    if (!r->qualified) {
        engine_waiting(&r->qualify.engine, out);
        return;
    }
    *out = (struct waiting){
        .what = r->done ? WAITING_FOR_NOTHING : WAITING_FOR_PEERS,
        .try = r->trusted_peers,
        .tries = r->config.count,
        .since = r->started,
        .until = r->end,
    };
}

void responder_init(struct responder *r, const struct responder_config *config)
{
    static const struct engine_ops ops = {observe, deadline, waiting};

    memset(r, 0, sizeof *r);
    r->engine.ops = &ops;
    r->config = *config;
    r->qualifying = (struct part){
        .engine = &r->qualify.engine, .composite = &r->engine, .told = told, .tags = QUALIFY_TAGS};
    r->next_refresh = r->end = NSEC_NEVER;
    qualify_init(&r->qualify, &config->qualify);
    r->refreshing = true;
}
