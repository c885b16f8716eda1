#include "passive_punch.h"

#include <string.h>

enum {
    ND_ADVERTISEMENT = 1 /* RFC 6081 4.4 */
};

bool passive_is_advertisement(const struct teredo_packet *packet)
{
    uint8_t type;

    return teredo_trailer_nd(packet, &type) && type == ND_ADVERTISEMENT;
}

bool passive_is_solicitation(const struct teredo_packet *packet)
{
    uint8_t type;

    return teredo_trailer_nd(packet, &type) && type != ND_ADVERTISEMENT;
}

static bool has_initial_ttl(uint8_t ttl)
{
    return ttl == 64 || ttl == 128 || ttl == 255;
}

bool passive_is_at_sender(const struct observation *o)
{
    return ip4_is_inside(o->from.address) || has_initial_ttl(o->ttl);
}

/* Where on its way SENDER's packet is in O. */
static enum view_place place_of(const struct passive_punch *p, const struct observation *o,
                                enum passive_party sender)
{
    uint32_t receiver = p->next_to[sender == INITIATOR ? PEER : INITIATOR][o->vantage];

    if (passive_is_at_sender(o))
        return PLACE_SENDER;
    /* A receiver that has a public address itself is known by what it has sent. */
    return ip4_is_inside(o->to.address) || (receiver != 0 && receiver == o->to.address)
               ? PLACE_RECEIVER
               : PLACE_PATH;
}

const struct step_view *passive_view(const struct passive_packet *packet, enum view_place place)
{
    for (unsigned i = 0; i < packet->count; i++)
        if (packet->views[i].place == place)
            return &packet->views[i];
    return NULL;
}

static struct step_view make_view(const struct observation *o, enum view_place place)
{
    return (struct step_view){
        .when = o->when,
        .from = o->from,
        .to = o->to,
        .vantage = (uint8_t)o->vantage,
        .ttl = o->ttl,
        .place = (uint8_t)place,
    };
}

/* A packet passes each point of its way once. */
static bool was_there(const struct passive_packet *packet, const struct observation *o)
{
    for (unsigned i = 0; i < packet->count; i++) {
        const struct step_view *v = &packet->views[i];

        if (v->vantage == o->vantage && v->ttl == o->ttl && endpoint_equal(v->from, o->from) &&
            endpoint_equal(v->to, o->to))
            return true;
    }
    return false;
}

/* Adds O as a sight of PACKET; false where it is no such thing, but another packet. */
static bool add_view(struct passive_packet *packet, const struct observation *o,
                     enum view_place place)
{
    if (packet->count > 0 &&
        (o->when - packet->views[0].when > PASSIVE_SAME || was_there(packet, o)))
        return false;
    /* The last place is for the sight that is furthest on the way. */
    if (packet->count == STEP_MAX_VIEWS) {
        struct step_view *last = &packet->views[STEP_MAX_VIEWS - 1];

        if (last->place != PLACE_RECEIVER && (place == PLACE_RECEIVER || o->ttl < last->ttl))
            *last = make_view(o, place);
        return true;
    }
    packet->views[packet->count++] = make_view(o, place);
    return true;
}

/* Who has a public address is known next to a vantage point from what it sends, which may be after
 * what it was sent. */
static bool place_packet_again(const struct passive_punch *p, struct passive_packet *packet,
                               enum passive_party receiver)
{
    bool arrived = false;

    for (unsigned i = 0; i < packet->count; i++) {
        struct step_view *v = &packet->views[i];

        if (v->place == PLACE_PATH && v->to.address == p->next_to[receiver][v->vantage])
            v->place = PLACE_RECEIVER;
        arrived = arrived || v->place == PLACE_RECEIVER;
    }
    return arrived;
}

void passive_place_again(struct passive_punch *p)
{
    for (unsigned i = 0; i < PASSIVE_ATTEMPTS && i < p->attempt_count; i++) {
        if (place_packet_again(p, &p->attempts[i].direct, PEER))
            p->talk.arrived[INITIATOR] = true;
        place_packet_again(p, &p->attempts[i].forwarded, PEER);
    }
    if (place_packet_again(p, &p->answer, INITIATOR))
        p->talk.arrived[PEER] = true;
}

bool passive_from_initiator(const struct passive_punch *p, const struct observation *o)
{
    return ip6_equal(&o->packet->ip6.destination, &p->peer);
}

bool passive_is_next_to(const struct passive_punch *p, enum passive_party party)
{
    for (unsigned i = 0; i < PASSIVE_VANTAGES; i++)
        if (p->next_to[party][i] != 0)
            return true;
    return false;
}

static struct punch_mark mark_of(const struct teredo_packet *packet)
{
    struct punch_mark mark = {.source = packet->ip6.source};

    mark.has_nonce = teredo_trailer_nonce(packet, &mark.nonce);
    return mark;
}

static bool mark_equal(const struct punch_mark *a, const struct punch_mark *b)
{
    return ip6_equal(&a->source, &b->source) && a->has_nonce == b->has_nonce &&
           (!a->has_nonce || a->nonce == b->nonce);
}

/* Attempt N, of those that are kept. */
static struct passive_attempt *attempt_at(struct passive_punch *p, unsigned n)
{
    return &p->attempts[n % PASSIVE_ATTEMPTS];
}

static unsigned oldest_attempt(const struct passive_punch *p)
{
    return p->attempt_count > PASSIVE_ATTEMPTS ? p->attempt_count - PASSIVE_ATTEMPTS : 0;
}

static struct passive_packet *part_of(struct passive_attempt *a, enum passive_role role)
{
    return role == ROLE_DIRECT ? &a->direct : role == ROLE_INDIRECT ? &a->indirect : &a->forwarded;
}

static nsec attempt_start(const struct passive_attempt *a)
{
    nsec start = NSEC_NEVER;

    if (a->direct.count > 0)
        start = a->direct.views[0].when;
    if (a->indirect.count > 0)
        start = nsec_min(start, a->indirect.views[0].when);
    if (a->forwarded.count > 0)
        start = nsec_min(start, a->forwarded.views[0].when);
    return start;
}

/* Whether the bubble may belong to the attempt: it is another sight of one of its bubbles, or the
 * one that it lacks. */
static bool fits(struct passive_attempt *a, const struct observation *o, enum passive_role role,
                 const struct punch_mark *mark)
{
    const struct punch_mark *own = role == ROLE_DIRECT ? &a->direct_mark : &a->indirect_mark;
    bool has_own =
        role == ROLE_DIRECT ? a->direct.count > 0 : a->indirect.count > 0 || a->forwarded.count > 0;
    nsec since = o->when - attempt_start(a);

    if (since > PASSIVE_SAME || since < -PASSIVE_SAME)
        return false;
    if (has_own)
        return mark_equal(own, mark);
    return ip6_equal(&a->direct_mark.source, &mark->source) ||
           ip6_equal(&a->indirect_mark.source, &mark->source);
}

static struct passive_attempt *find_attempt(struct passive_punch *p, const struct observation *o,
                                            enum passive_role role, const struct punch_mark *mark)
{
    for (unsigned n = p->attempt_count; n > oldest_attempt(p); n--)
        if (fits(attempt_at(p, n - 1), o, role, mark))
            return attempt_at(p, n - 1);
    return NULL;
}

static struct passive_attempt *new_attempt(struct passive_punch *p, const struct observation *o)
{
    struct passive_attempt *a = attempt_at(p, p->attempt_count++);

    memset(a, 0, sizeof *a);
    if (p->answer.count > 0 && o->when - p->answer.views[0].when > PASSIVE_SAME)
        p->attempts_after_answer++;
    return a;
}

static void note_peer_nonce(struct passive_punch *p, const struct observation *o, bool direct)
{
    uint32_t nonce;

    if (teredo_trailer_nonce(o->packet, &nonce))
        p->peer_nonces[p->peer_nonce_count++ % PASSIVE_FRESH] =
            (struct passive_nonce){nonce, direct};
}

static const struct passive_nonce *find_peer_nonce(const struct passive_punch *p,
                                                   const struct punch_mark *mark)
{
    for (unsigned i = 0; mark->has_nonce && i < PASSIVE_FRESH && i < p->peer_nonce_count; i++)
        if (p->peer_nonces[i].nonce == mark->nonce)
            return &p->peer_nonces[i];
    return NULL;
}

/* Holds the direct bubble O, which belongs to no pair that is known. */
static void hold_bubble(struct passive_punch *p, const struct observation *o,
                        const struct punch_mark *mark, enum view_place place)
{
    if (p->lone.packet.count > 0 && mark_equal(&p->lone.mark, mark) &&
        add_view(&p->lone.packet, o, place))
        return;
    p->lone.packet.count = 0;
    p->lone.mark = *mark;
    add_view(&p->lone.packet, o, place);
}

void passive_hold(struct passive_punch *p, const struct observation *o)
{
    struct punch_mark mark = mark_of(o->packet);

    hold_bubble(p, o, &mark, place_of(p, o, passive_from_initiator(p, o) ? INITIATOR : PEER));
}

/* Gives the pair of the indirect bubble O the direct one that was held. */
static void adopt_bubble(struct passive_punch *p, struct passive_attempt *a,
                         const struct observation *o, const struct punch_mark *mark)
{
    if (p->lone.packet.count == 0 || o->when - p->lone.packet.views[0].when > PASSIVE_SAME ||
        !ip6_equal(&p->lone.mark.source, &mark->source))
        return;
    a->direct = p->lone.packet;
    a->direct_mark = p->lone.mark;
    p->lone.packet.count = 0;
}

/* Takes the direct bubble O if it is no part of a pair, as far as is known. Once the peer was
 * heard, it may answer what came through a server (RFC 4380 5.2.3), or ask whether the path is open
 * (RFC 6081 5.7): those that are to open a NAT have an indirect bubble behind them. Only what says
 * that it answers (5.7.4.2) cannot be one of these. That a bubble repeats a nonce of the peer's
 * shows what the initiator has got. */
static bool take_lone_bubble(struct passive_punch *p, const struct observation *o,
                             const struct punch_mark *mark, const struct passive_attempt *a)
{
    const struct passive_nonce *answered = find_peer_nonce(p, mark);
    enum view_place place = place_of(p, o, INITIATOR);
    bool asks = passive_is_solicitation(o->packet);

    if (place == PLACE_RECEIVER)
        p->talk.arrived[INITIATOR] = true;
    if (place == PLACE_SENDER && p->first_indirect != 0)
        p->sent_since++;
    if (p->peer_random_port != 0 && o->to.address == p->peer_parts.mapped.address &&
        o->to.port == p->peer_random_port)
        p->random_port_tried = true;
    if (answered != NULL && answered->direct)
        p->talk.answered[PEER] = true;
    if (passive_is_advertisement(o->packet))
        return true;
    if ((p->answer.count == 0 && p->first_indirect == 0) ||
        (a != NULL && (a->direct.count > 0 || (!asks && answered == NULL))))
        return false;
    if (asks && mark->has_nonce && answered == NULL)
        p->fresh[p->fresh_count++ % PASSIVE_FRESH] = mark->nonce;
    p->solicited = p->solicited || asks;
    hold_bubble(p, o, mark, place);
    return true;
}

static void take_bubble(struct passive_punch *p, const struct observation *o,
                        enum passive_role role)
{
    struct punch_mark mark = mark_of(o->packet);
    struct passive_attempt *a = find_attempt(p, o, role, &mark);
    /* What comes out of the server is its own packet. */
    enum view_place place = place_of(p, o, INITIATOR);

    if (role == ROLE_DIRECT && take_lone_bubble(p, o, &mark, a))
        return;
    if (a == NULL) {
        a = new_attempt(p, o);
        if (role != ROLE_DIRECT)
            adopt_bubble(p, a, o, &mark);
    }
    if (role == ROLE_DIRECT)
        a->direct_mark = mark;
    else
        a->indirect_mark = mark;
    add_view(part_of(a, role), o, place);
    p->last_attempt = nsec_max(p->last_attempt, o->when);
}

/* The reference's direct bubbles are told by their source and their short reach. */
static bool is_reference(const struct in6_addr *source, uint8_t ttl)
{
    return ip6_is_link_local(source) && ttl <= PASSIVE_SHORT_TTL;
}

bool passive_is_reference_pair(const struct passive_punch *p, const struct observation *o)
{
    const struct passive_attempt *first = &p->attempts[0];
    const struct in6_addr *source = &o->packet->ip6.source;

    return !p->has_reference && p->attempt_count > 0 && first->direct.count > 0 &&
           endpoint_equal(o->to, first->direct.views[0].to) && passive_from_initiator(p, o) &&
           !ip6_equal(source, &first->direct_mark.source) &&
           is_reference(source, o->ttl) !=
               is_reference(&first->direct_mark.source, first->direct.views[0].ttl);
}

/* Which of the two comes first is not said. */
static void learn_reference(struct passive_punch *p, const struct observation *o)
{
    struct passive_attempt *first = attempt_at(p, 0);
    const struct in6_addr *source = &o->packet->ip6.source;

    p->has_reference = true;
    if (is_reference(source, o->ttl)) {
        p->reference_source = *source;
        return;
    }
    /* What the punch began with was the reference. */
    p->reference_source = first->direct_mark.source;
    p->reference_attempts = 1;
    p->reference_last = first->direct.views[0].when;
    p->attempt_count = 0;
    p->has_service_inside = p->has_service_outside = false;
    p->initiator = *source;
    /* So was what it may have been answered with. */
    if (p->answer.count > 0) {
        p->reference_answers = 1;
        p->reference_answered_last = p->reference_last;
        p->reference_proven = endpoint_equal(p->answered_from, p->peer_parts.mapped);
    }
    p->answer.count = 0;
    p->first_answer = 0;
    p->proof = PROOF_NONE;
    p->answered_from = (struct endpoint){0};
    p->answer_elsewhere = false;
    p->talk.arrived[PEER] = false;
}

/* Takes a bubble of the reference; false if it is none. */
static bool take_reference(struct passive_punch *p, const struct observation *o,
                           enum passive_role role)
{
    if (role == ROLE_DIRECT && passive_is_reference_pair(p, o))
        learn_reference(p, o);
    if (!p->has_reference || !ip6_equal(&o->packet->ip6.source, &p->reference_source))
        return false;
    if (role == ROLE_DIRECT && o->when - p->reference_last > PASSIVE_SAME) {
        p->reference_attempts++;
        p->reference_last = o->when;
    }
    return true;
}

/* The initiator's side of O: where its packets come from, and the peer's go to. */
static struct endpoint initiator_end(const struct passive_punch *p, const struct observation *o)
{
    return passive_from_initiator(p, o) ? o->from : o->to;
}

enum passive_role passive_role(const struct passive_punch *p, const struct observation *o)
{
    struct endpoint server = {p->peer_parts.server, TEREDO_PORT};
    bool from_initiator = passive_from_initiator(p, o);

    if (o->packet->kind != TEREDO_BUBBLE)
        return ROLE_DATA;
    if (!from_initiator) {
        uint32_t other = p->initiator_known ? p->initiator_parts.server : 0;

        return other != 0 && (o->from.address == other || o->to.address == other) &&
                       (o->from.port == TEREDO_PORT || o->to.port == TEREDO_PORT)
                   ? ROLE_INDIRECT_ANSWER
                   : ROLE_ANSWER;
    }
    if (endpoint_equal(o->to, server))
        return ROLE_INDIRECT;
    return endpoint_equal(o->from, server) || o->packet->has_origin ? ROLE_FORWARDED : ROLE_DIRECT;
}

static void learn_initiator(struct passive_punch *p, const struct in6_addr *source)
{
    struct teredo_addr parts;

    if (p->initiator_known || !teredo_addr_decode(source, &parts))
        return;
    p->initiator = *source;
    p->initiator_known = true;
    p->initiator_parts = parts;
}

/* Where the parties are, as far as O shows. */
static void learn_places(struct passive_punch *p, const struct observation *o,
                         enum passive_role role)
{
    bool from_initiator = passive_from_initiator(p, o);
    struct endpoint end = initiator_end(p, o);

    if (role == ROLE_FORWARDED) {
        if (o->packet->has_origin) {
            p->initiator_outside = o->packet->origin;
            p->has_service_outside = true;
        }
    } else if (role != ROLE_INDIRECT_ANSWER) {
        bool inside = ip4_is_inside(end.address) || (from_initiator && passive_is_at_sender(o));
        bool outside = !ip4_is_inside(end.address);

        if (inside && (role == ROLE_INDIRECT || !p->has_service_inside)) {
            p->initiator_inside = end;
            p->has_service_inside = role == ROLE_INDIRECT;
        }
        if (outside && (role == ROLE_INDIRECT || !p->has_service_outside)) {
            p->initiator_outside = end;
            p->has_service_outside = role == ROLE_INDIRECT;
        }
    }
    if (passive_is_at_sender(o) && role != ROLE_FORWARDED &&
        !(role == ROLE_INDIRECT_ANSWER && o->from.port == TEREDO_PORT))
        p->next_to[from_initiator ? INITIATOR : PEER][o->vantage] = o->from.address;
    if (ip4_is_inside(o->to.address))
        p->next_to[from_initiator ? PEER : INITIATOR][o->vantage] = o->to.address;
}

static enum punch_proof find_proof(struct passive_punch *p, const struct observation *o,
                                   unsigned *attempt)
{
    struct punch_mark marks[2 * PASSIVE_ATTEMPTS];
    unsigned numbers[2 * PASSIVE_ATTEMPTS], count = 0, which;
    enum punch_proof proof;

    /* The newest first: where all look alike (miredo's do), the last one has been answered. */
    for (unsigned n = p->attempt_count; n > oldest_attempt(p); n--) {
        marks[count] = attempt_at(p, n - 1)->direct_mark;
        numbers[count++] = n - 1;
        marks[count] = attempt_at(p, n - 1)->indirect_mark;
        numbers[count++] = n - 1;
    }
    if (count == 0)
        return PROOF_NONE;
    proof = punch_find_proof(marks, count, o, p->peer_parts.mapped, &which);
    *attempt = proof == PROOF_NONE || proof == PROOF_ENDPOINT ? numbers[0] : numbers[which];
    return proof;
}

static bool is_for_reference(const struct passive_punch *p, const struct observation *o)
{
    return p->has_reference && ip6_equal(&o->packet->ip6.destination, &p->reference_source);
}

static void take_reference_answer(struct passive_punch *p, const struct observation *o)
{
    if (place_of(p, o, PEER) != PLACE_RECEIVER || p->reference_answered_last == p->reference_last)
        return;
    p->reference_answers++;
    p->reference_answered_last = p->reference_last;
    if (endpoint_equal(o->from, p->peer_parts.mapped))
        p->reference_proven = true;
}

static bool repeats_fresh(const struct passive_punch *p, const struct observation *o)
{
    uint32_t nonce;

    if (teredo_trailer_nonce(o->packet, &nonce))
        for (unsigned i = 0; i < PASSIVE_FRESH && i < p->fresh_count; i++)
            if (p->fresh[i] == nonce)
                return true;
    return false;
}

static void take_answer(struct passive_punch *p, const struct observation *o)
{
    enum view_place place = place_of(p, o, PEER);
    bool elsewhere = place != PLACE_SENDER && !endpoint_equal(o->from, p->peer_parts.mapped);
    unsigned attempt = 0;
    enum punch_proof proof = find_proof(p, o, &attempt);
    bool fresh = repeats_fresh(p, o);
    bool advertises = p->solicited && proof != PROOF_NONE && passive_is_advertisement(o->packet);
    /* Seen as it leaves the peer it needs no proof. */
    bool believed = proof != PROOF_NONE || fresh || place == PLACE_SENDER ||
                    (p->answer.count > 0 &&
                     o->when - p->answer.views[p->answer.count - 1].when <= PASSIVE_SAME);

    if (is_for_reference(p, o)) {
        take_reference_answer(p, o);
        return;
    }
    if (!believed) {
        p->unproven_from = o->from;
        return;
    }
    /* A client sends data once something has arrived. */
    if ((fresh || advertises) && place != PLACE_SENDER && p->talk.seen[INITIATOR])
        p->answered_fresh = true;
    if (p->first_answer == 0)
        p->first_answer = o->when;
    if (passive_view(&p->answer, PLACE_RECEIVER) == NULL && !add_view(&p->answer, o, place)) {
        /* Another answer: the one before it did not arrive. */
        p->answer.count = 0;
        add_view(&p->answer, o, place);
    }
    if (proof > p->proof)
        p->proof = proof;
    if (p->answer.count == 1)
        p->answered_attempt = attempt;
    if (place != PLACE_SENDER)
        p->answered_from = o->from;
    if (proof != PROOF_NONCE && !fresh)
        note_peer_nonce(p, o, true);
    if (elsewhere)
        p->answer_elsewhere = true;
    if (elsewhere && p->peer_random_port != 0 && o->from.port == p->peer_random_port)
        p->random_port_answered = true;
    if (place == PLACE_RECEIVER)
        p->talk.arrived[PEER] = true;
}

static void take_indirect_answer(struct passive_punch *p, const struct observation *o)
{
    unsigned attempt = 0;
    enum punch_proof proof = find_proof(p, o, &attempt);

    if (p->attempt_count == 0)
        return;
    if (p->first_indirect == 0)
        p->first_indirect = o->when;
    if (o->packet->has_origin)
        p->peer_origin = o->packet->origin;
    if (proof != PROOF_NONCE)
        note_peer_nonce(p, o, false);
    teredo_trailer_random_port(o->packet, &p->peer_random_port);
    if (!attempt_at(p, attempt)->answered_indirectly)
        p->indirect_answers++;
    attempt_at(p, attempt)->answered_indirectly = true;
}

static void take_data(struct passive_punch *p, const struct observation *o)
{
    enum passive_party sender = passive_from_initiator(p, o) ? INITIATOR : PEER;
    enum view_place place = place_of(p, o, sender);
    struct step_view view = make_view(o, place);
    const struct in6_addr *far =
        sender == INITIATOR ? &o->packet->ip6.source : &o->packet->ip6.destination;
    struct teredo_addr parts;

    if (teredo_addr_decode(far, &parts))
        learn_initiator(p, far);
    else if (!ip6_is_link_local(far))
        p->relay = true;
    if (place == PLACE_RECEIVER)
        p->talk.arrived[sender] = true;
    talk_take(&p->talk, o, sender, &view);
}

void passive_take(struct passive_punch *p, const struct observation *o, enum passive_role role)
{
    bool is_bubble = role == ROLE_DIRECT || role == ROLE_INDIRECT || role == ROLE_FORWARDED;

    p->last = nsec_max(p->last, o->when);
    if (is_bubble && take_reference(p, o, role))
        return;
    learn_places(p, o, role);
    switch (role) {
    case ROLE_DIRECT:
    case ROLE_INDIRECT:
    case ROLE_FORWARDED:
        learn_initiator(p, &o->packet->ip6.source);
        take_bubble(p, o, role);
        break;
    case ROLE_ANSWER:
        take_answer(p, o);
        break;
    case ROLE_INDIRECT_ANSWER:
        take_indirect_answer(p, o);
        break;
    case ROLE_DATA:
        take_data(p, o);
        break;
    }
}

void passive_take_icmp(struct passive_punch *p, const struct observation *o)
{
    struct endpoint server = {p->peer_parts.server, TEREDO_PORT};
    bool for_server = endpoint_equal(o->to, server);

    /* A bubble that is meant to die on the way does. */
    if (!for_server && o->icmp.type == ICMP4_TIME_EXCEEDED)
        return;
    /* An error for the indirect bubble is the graver news: it outranks one for the direct. */
    if (p->has_icmp && !for_server)
        return;
    p->has_icmp = true;
    p->icmp_from_direct = !for_server;
    p->icmp = o->icmp;
}

void passive_begin(struct passive_punch *p, const struct observation *o, enum passive_role role,
                   const struct passive_bubble *lone)
{
    uint32_t reference = p->reference;

    memset(p, 0, sizeof *p);
    p->lone = *lone;
    p->reference = reference;
    p->initiator = o->packet->ip6.source;
    p->peer = o->packet->ip6.destination;
    teredo_addr_decode(&p->peer, &p->peer_parts);
    p->first = p->last = o->when;
    passive_take(p, o, role);
}

nsec passive_patience(const struct passive_punch *p)
{
    return p->answer.count > 0 ? PASSIVE_LONG_PATIENCE : PASSIVE_PATIENCE;
}

const struct passive_attempt *passive_shown(const struct passive_punch *p)
{
    unsigned n = p->answer.count > 0 && p->answered_attempt >= oldest_attempt(p)
                     ? p->answered_attempt
                     : p->attempt_count - 1;

    return p->attempt_count == 0 ? NULL : &p->attempts[n % PASSIVE_ATTEMPTS];
}
