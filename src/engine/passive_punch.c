#include "passive_bubble.h"

#include <string.h>

/* The initiator's side of O: where its packets come from, and the peer's go to. */
static struct endpoint initiator_end(const struct passive_punch *p, const struct observation *o)
{
    return passive_from_initiator(p, o) ? o->from : o->to;
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
        if (o->packet->has_origin)
            p->initiator_outside = o->packet->origin;
    } else if (role != ROLE_INDIRECT_ANSWER) {
        if (ip4_is_inside(end.address) || (from_initiator && passive_is_at_sender(o)))
            p->initiator_inside = end;
        if (!ip4_is_inside(end.address))
            p->initiator_outside = end;
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
    for (unsigned n = p->attempt_count; n > passive_oldest_attempt(p); n--) {
        marks[count] = passive_attempt_at(p, n - 1)->direct_mark;
        numbers[count++] = n - 1;
        marks[count] = passive_attempt_at(p, n - 1)->indirect_mark;
        numbers[count++] = n - 1;
    }
    if (count == 0)
        return PROOF_NONE;
    proof = punch_find_proof(marks, count, o->packet, o->from, p->peer_parts.mapped, &which);
    *attempt = proof == PROOF_NONE || proof == PROOF_ENDPOINT ? numbers[0] : numbers[which];
    return proof;
}

static bool is_for_reference(const struct passive_punch *p, const struct observation *o)
{
    return p->has_reference && ip6_equal(&o->packet->ip6.destination, &p->reference_source);
}

static void take_reference_answer(struct passive_punch *p, const struct observation *o)
{
    if (passive_place(p, o, PEER) != PLACE_RECEIVER ||
        p->reference_answered_last == p->reference_last)
        return;
    p->reference_answers++;
    p->reference_answered_last = p->reference_last;
}

static void take_answer(struct passive_punch *p, const struct observation *o)
{
    enum view_place place = passive_place(p, o, PEER);
    bool elsewhere = place != PLACE_SENDER && !endpoint_equal(o->from, p->peer_parts.mapped);
    unsigned attempt = 0;
    enum punch_proof proof = find_proof(p, o, &attempt);
    /* Seen as it leaves the peer it needs no proof. */
    bool believed = proof != PROOF_NONE || place == PLACE_SENDER ||
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
    if (p->first_answer == 0)
        p->first_answer = o->when;
    if (passive_view(&p->answer, PLACE_RECEIVER) == NULL &&
        !passive_add_view(&p->answer, o, place)) {
        /* Another answer: the one before it did not arrive. */
        p->answer.count = 0;
        passive_add_view(&p->answer, o, place);
    }
    if (proof > p->proof)
        p->proof = proof;
    if (p->answer.count == 1)
        p->answered_attempt = attempt;
    if (place != PLACE_SENDER)
        p->answered_from = o->from;
    if (elsewhere)
        p->answer_elsewhere = true;
    if (place == PLACE_RECEIVER)
        p->talk.arrived[PEER] = true;
}

static void take_indirect_answer(struct passive_punch *p, const struct observation *o)
{
    unsigned attempt = 0;

    find_proof(p, o, &attempt);
    if (p->attempt_count == 0)
        return;
    if (!passive_attempt_at(p, attempt)->answered_indirectly)
        p->indirect_answers++;
    passive_attempt_at(p, attempt)->answered_indirectly = true;
}

static void take_data(struct passive_punch *p, const struct observation *o)
{
    enum passive_party sender = passive_from_initiator(p, o) ? INITIATOR : PEER;
    enum view_place place = passive_place(p, o, sender);
    struct step_view view = passive_make_view(o, place);
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
    if (is_bubble && passive_take_reference(p, o, role))
        return;
    learn_places(p, o, role);
    switch (role) {
    case ROLE_DIRECT:
    case ROLE_INDIRECT:
    case ROLE_FORWARDED:
        learn_initiator(p, &o->packet->ip6.source);
        passive_take_bubble(p, o, role);
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

void passive_begin(struct passive_punch *p, const struct observation *o, enum passive_role role)
{
    uint32_t reference = p->reference;

    memset(p, 0, sizeof *p);
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
    unsigned n = p->answer.count > 0 && p->answered_attempt >= passive_oldest_attempt(p)
                     ? p->answered_attempt
                     : p->attempt_count - 1;

    return p->attempt_count == 0 ? NULL : &p->attempts[n % PASSIVE_ATTEMPTS];
}
