#include "passive_verdict.h"

enum {
    /* Attempts that must have failed alike before loss is no explanation any more. */
    ENOUGH_REFERENCES = 3,
    ENOUGH_RETRIES = 2,
    ENOUGH_INDIRECT = 4,
    ALL_ATTEMPTS = 4, /* RFC 4380 5.2.6: no more in 300 seconds without an answer */
};

/* An answer that is to come has come by then; before it, a capture that ends proves nothing. */
#define ENOUGH_TIME (2 * NSEC_S)

/* RFC 4380 5.2.4: to a peer whose address has no cone bit a client sends data directly only after
 * it has received something directly, so that its data shows that something arrived. */
static bool waits_for_trust(const struct teredo_addr *receiver)
{
    return (receiver->flags & TEREDO_FLAG_CONE) == 0;
}

/* Whether something of the initiator arrived at the peer directly. */
static bool reaches_peer(const struct passive_punch *p)
{
    const struct passive_talk *t = &p->talk;

    return t->arrived[INITIATOR] || t->answered[INITIATOR] ||
           (t->seen[PEER] && (p->relay || waits_for_trust(&p->initiator_parts)));
}

static bool reaches_initiator(const struct passive_punch *p)
{
    const struct passive_talk *t = &p->talk;

    return t->arrived[PEER] || t->answered[PEER] ||
           (t->seen[INITIATOR] && p->answer.count > 0 && waits_for_trust(&p->peer_parts));
}

bool passive_is_open(const struct passive_punch *p)
{
    return p->answered_fresh || ((p->talk.seen[INITIATOR] || p->talk.seen[PEER]) &&
                                 reaches_peer(p) && reaches_initiator(p));
}

/* Whether direct packets would have been captured, had there been any. */
static bool sees_direct_path(const struct passive_punch *p)
{
    for (unsigned i = 0; i < PASSIVE_ATTEMPTS && i < p->attempt_count; i++)
        if (p->attempts[i].direct.count > 0)
            return true;
    return p->answer.count > 0 || passive_is_next_to(p, INITIATOR) || passive_is_next_to(p, PEER);
}

static bool any_attempt_has(const struct passive_punch *p, enum passive_role role)
{
    for (unsigned i = 0; i < PASSIVE_ATTEMPTS && i < p->attempt_count; i++)
        if ((role == ROLE_INDIRECT ? p->attempts[i].indirect.count
                                   : p->attempts[i].forwarded.count) > 0)
            return true;
    return false;
}

static bool forwarding_arrived(const struct passive_punch *p)
{
    for (unsigned i = 0; i < PASSIVE_ATTEMPTS && i < p->attempt_count; i++)
        if (passive_view(&p->attempts[i].forwarded, PLACE_RECEIVER) != NULL)
            return true;
    return false;
}

static bool always_answered_indirectly(const struct passive_punch *p)
{
    for (unsigned i = 0; i < PASSIVE_ATTEMPTS && i < p->attempt_count; i++)
        if (!p->attempts[i].answered_indirectly)
            return false;
    return p->attempt_count >= ENOUGH_INDIRECT;
}

static void decide(struct punching *r, enum punch_verdict verdict, enum punch_cause cause)
{
    r->verdict = verdict;
    r->cause = cause;
}

/* The peer has answered, and yet the path is not shown open. Data that has no answer by its nature
 * may have arrived, unless the peer is captured and the data was not seen there. */
static void judge_answered(const struct passive_punch *p, const struct passive_surroundings *around,
                           struct punching *r)
{
    bool arrived = passive_view(&p->answer, PLACE_RECEIVER) != NULL || p->talk.seen[INITIATOR];

    if (p->talk.seen[INITIATOR] && !p->talk.arrived[INITIATOR] &&
        (p->talk.marks[INITIATOR][0].set || around->peer_is_captured))
        decide(r, PUNCH_NOT_PUNCHED, CAUSE_DATA_LOST);
    else if (p->talk.seen[INITIATOR])
        decide(r, PUNCH_INCONCLUSIVE, CAUSE_NO_DATA);
    else if (!arrived && around->initiator_is_captured)
        decide(r, PUNCH_NOT_PUNCHED, CAUSE_ANSWER_LOST);
    else if (!arrived && p->attempts_after_answer >= ENOUGH_RETRIES)
        decide(r, PUNCH_NOT_PUNCHED, CAUSE_ANSWER_LOST);
    else
        decide(r, PUNCH_INCONCLUSIVE, CAUSE_NO_DATA);
}

static void judge_unanswered(const struct passive_punch *p,
                             const struct passive_surroundings *around, struct punching *r)
{
    if (!endpoint_is_unset(p->unproven_from))
        decide(r, PUNCH_INCONCLUSIVE, CAUSE_ANSWER_UNPROVEN);
    else if (p->reference_answers >= ENOUGH_REFERENCES &&
             p->reference_answers >= p->reference_attempts)
        decide(r, PUNCH_NOT_PUNCHED, CAUSE_PEER_NAT_TRIPS);
    else if (p->indirect_answers > 0)
        decide(r, PUNCH_NOT_PUNCHED,
               always_answered_indirectly(p) ? CAUSE_DIRECT_PATH_BLOCKED
                                             : CAUSE_DIRECT_ANSWER_MISSING);
    else if (!any_attempt_has(p, ROLE_INDIRECT) && !any_attempt_has(p, ROLE_FORWARDED))
        decide(r, PUNCH_INCONCLUSIVE, CAUSE_NO_INDIRECT_BUBBLE);
    else if (any_attempt_has(p, ROLE_FORWARDED))
        decide(r, PUNCH_NOT_PUNCHED,
               around->peer_is_captured && !forwarding_arrived(p) ? CAUSE_FORWARD_LOST
                                                                  : CAUSE_PEER_SILENT);
    else if (p->has_icmp && !p->icmp_from_direct)
        decide(r, PUNCH_NOT_PUNCHED, CAUSE_PEER_SERVER_UNREACHABLE);
    else if (around->peer_is_captured || around->server_is_captured)
        decide(r, PUNCH_NOT_PUNCHED, CAUSE_NOT_FORWARDED);
    else if (around->server_heard)
        decide(r, PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT);
    else
        decide(r, PUNCH_NOT_PUNCHED, CAUSE_NO_ANSWER);
}

/* Whether more could have followed when the capture ended: another attempt, unless the client has
 * had all that RFC 4380 5.2.6 gives it where no answer arrives; or an answer, or data. */
static bool ended_too_early(const struct passive_punch *p,
                            const struct passive_surroundings *around, nsec end)
{
    bool answered = p->talk.seen[INITIATOR] ||
                    (p->answer.count > 0 && (!around->initiator_is_captured ||
                                             passive_view(&p->answer, PLACE_RECEIVER) != NULL));
    bool exhausted = !answered && p->attempts_before + p->attempt_count >= ALL_ATTEMPTS;

    return end - p->last < (exhausted ? ENOUGH_TIME : passive_patience(p));
}

/* `teredoctl trace` sends references from another port, with direct bubbles that stop short of the
 * peer, and no data ever: what fails so is no hole punch. Where the direct bubbles are not seen,
 * nothing but the company tells a reference. */
static bool may_be_reference(const struct passive_punch *p)
{
    if (p->initiator_known || !p->has_companion)
        return false;
    for (unsigned i = 0; i < PASSIVE_ATTEMPTS && i < p->attempt_count; i++) {
        const struct passive_packet *direct = &p->attempts[i].direct;

        if (direct->count > 0 && direct->views[0].ttl > PASSIVE_SHORT_TTL)
            return false;
    }
    return true;
}

static void judge(const struct passive_punch *p, const struct passive_surroundings *around,
                  enum passive_end end, nsec now, struct punching *r)
{
    if (passive_is_open(p))
        decide(r, PUNCH_PUNCHED, p->answer_elsewhere ? CAUSE_PEER_REMAPPED : CAUSE_NONE);
    else if (end == END_FORGOTTEN)
        decide(r, PUNCH_INCONCLUSIVE, CAUSE_FORGOTTEN);
    else if (!sees_direct_path(p))
        decide(r, PUNCH_INCONCLUSIVE, CAUSE_DIRECT_PATH_UNSEEN);
    else if (end == END_CAPTURE && ended_too_early(p, around, now))
        decide(r, PUNCH_INCONCLUSIVE, CAUSE_CAPTURE_ENDED);
    else if (p->answer.count > 0)
        judge_answered(p, around, r);
    else
        judge_unanswered(p, around, r);
    if (r->verdict == PUNCH_NOT_PUNCHED && may_be_reference(p))
        decide(r, PUNCH_INCONCLUSIVE,
               p->answer.count > 0 ? CAUSE_NO_DATA : CAUSE_DIRECT_PATH_UNSEEN);
}

/* A step as told by its sights: the sender's, where that side is the captured one, or the
 * receiver's. */
static void set_step(struct step_report *s, const struct passive_packet *packet,
                     enum step_state state, enum view_place place)
{
    const struct step_view *view = passive_view(packet, place);

    if (packet->count == 0)
        return;
    s->state = view != NULL ? state : STEP_OBSERVED;
    if (view == NULL)
        view = &packet->views[0];
    s->when = view->when;
    s->from = view->from;
    s->to = view->to;
    s->view_count = packet->count;
    for (unsigned i = 0; i < packet->count; i++)
        s->views[i] = packet->views[i];
}

/* What left the peer's server, seen where the peer is not the side that is told: it tells most
 * where it arrives. */
static void set_forwarded(const struct passive_punch *p, const struct passive_attempt *a,
                          struct punching *r)
{
    struct step_report *s = &r->steps[STEP_FORWARDED];
    const struct step_report *answer = &r->steps[STEP_ANSWER];
    const struct step_report *indirect = &r->steps[STEP_INDIRECT_BUBBLE];
    bool refused = p->has_icmp && !p->icmp_from_direct;

    set_step(s, &a->forwarded, r->side == SIDE_PEER ? STEP_RECEIVED : STEP_OBSERVED,
             PLACE_RECEIVER);
    if (s->state != STEP_MISSING || answer->state == STEP_MISSING || a->indirect.count == 0 ||
        refused)
        return;
    /* An answer that came before the indirect bubble was to the direct one. */
    if (answer->when < indirect->when)
        return;
    *s = (struct step_report){
        .state = STEP_INFERRED,
        .when = indirect->when,
        .latest = answer->when,
        .from = r->peer_server,
        .to = r->peer_mapped,
    };
}

/* Step 2 may be known from step 3 alone. */
static void infer_indirect(struct punching *r)
{
    const struct step_report *forwarded = &r->steps[STEP_FORWARDED];
    const struct step_report *direct = &r->steps[STEP_DIRECT_BUBBLE];

    if (forwarded->state == STEP_MISSING || r->steps[STEP_INDIRECT_BUBBLE].state != STEP_MISSING)
        return;
    r->steps[STEP_INDIRECT_BUBBLE] = (struct step_report){
        .state = STEP_INFERRED,
        .when = direct->state != STEP_MISSING ? nsec_min(direct->when, forwarded->when)
                                              : forwarded->when,
        .latest = forwarded->when,
        .from = r->mapped,
        .to = r->peer_server,
    };
}

/* A packet of PARTY as SIDE has it. */
static void set_view(struct step_report *s, enum punch_side side, unsigned party,
                     const struct step_view *v)
{
    unsigned own = side == SIDE_PEER ? PEER : INITIATOR;
    enum step_state state = STEP_OBSERVED;

    if (side != SIDE_PATH && party == own && v->place == PLACE_SENDER)
        state = STEP_SENT;
    if (side != SIDE_PATH && party != own && v->place == PLACE_RECEIVER)
        state = STEP_RECEIVED;
    *s = (struct step_report){
        .state = state,
        .when = v->when,
        .from = v->from,
        .to = v->to,
        .view_count = 1,
        .views = {*v},
    };
}

static void set_data(const struct passive_punch *p, struct punching *r)
{
    const struct passive_talk *t = &p->talk;
    struct step_report *s = &r->steps[STEP_DATA];
    unsigned own = r->side == SIDE_PEER ? PEER : INITIATOR;

    if (t->has_exchange) {
        set_view(s, r->side, t->initiator_asked ? PEER : INITIATOR, &t->reply);
        set_view(&r->request, r->side, t->initiator_asked ? INITIATOR : PEER, &t->request);
        /* Elsewhere it is but a part of the round trip that was seen. */
        if (t->request.place == PLACE_SENDER && t->reply.place == PLACE_RECEIVER)
            r->rtt = t->rtt;
    } else if (t->seen[1 - own]) {
        set_view(s, r->side, 1 - own, &t->first[1 - own]);
    } else if (t->seen[own]) {
        set_view(s, r->side, own, &t->first[own]);
    }
}

/* Packets that were seen to leave, and not to arrive. */
static void set_lost(const struct passive_surroundings *around, struct punching *r)
{
    const bool captured[STEP_COUNT] = {
        [STEP_DIRECT_BUBBLE] = around->peer_is_captured,
        [STEP_INDIRECT_BUBBLE] = around->server_is_captured,
        [STEP_FORWARDED] = around->peer_is_captured,
        [STEP_ANSWER] = around->initiator_is_captured,
    };
    const struct step_report *next = &r->steps[STEP_FORWARDED];

    for (int i = 0; i < STEP_DATA; i++) {
        struct step_report *s = &r->steps[i];
        bool arrived = s->view_count == 0 || (i == STEP_INDIRECT_BUBBLE && next->view_count > 0);

        for (unsigned n = 0; n < s->view_count; n++)
            arrived = arrived || s->views[n].place == PLACE_RECEIVER;
        s->lost = captured[i] && !arrived;
    }
}

static void set_steps(const struct passive_punch *p, struct punching *r)
{
    const struct passive_attempt *a = passive_shown(p);

    if (a != NULL) {
        set_step(&r->steps[STEP_DIRECT_BUBBLE], &a->direct, STEP_SENT, PLACE_SENDER);
        set_step(&r->steps[STEP_INDIRECT_BUBBLE], &a->indirect, STEP_SENT, PLACE_SENDER);
    }
    if (r->side == SIDE_PEER)
        set_step(&r->steps[STEP_ANSWER], &p->answer, STEP_SENT, PLACE_SENDER);
    else
        set_step(&r->steps[STEP_ANSWER], &p->answer, STEP_RECEIVED, PLACE_RECEIVER);
    if (a != NULL)
        set_forwarded(p, a, r);
    infer_indirect(r);
    set_data(p, r);
}

struct punching passive_judge(const struct passive_punch *p,
                              const struct passive_surroundings *around, enum passive_end end,
                              nsec now)
{
    struct punching r = {
        .peer = p->peer,
        .peer_mapped = p->peer_parts.mapped,
        .peer_server = {p->peer_parts.server, TEREDO_PORT},
        .own = p->initiator,
        .has_own = p->initiator_known,
        .relay = p->relay,
        .local = p->initiator_inside,
        .mapped = p->initiator_known && p->initiator_parts.mapped.port != 0
                      ? p->initiator_parts.mapped
                      : p->initiator_outside,
        .proof = p->proof,
        .answered_from = p->answered_from,
        .unproven_from = p->unproven_from,
        .attempts = p->attempts_before + p->attempt_count,
        .indirect_answers = p->indirect_answers,
        .has_icmp = p->has_icmp,
        .icmp_from_direct = p->icmp_from_direct,
        .icmp = p->icmp,
        .reference = p->has_reference,
        .started = p->first,
        .elapsed = now - p->first,
    };

    if (p->initiator_known)
        r.server = (struct endpoint){p->initiator_parts.server, TEREDO_PORT};
    r.peer_server_alive = around->server_heard || any_attempt_has(p, ROLE_FORWARDED);
    r.side = passive_is_next_to(p, INITIATOR) ? SIDE_INITIATOR
             : passive_is_next_to(p, PEER)    ? SIDE_PEER
                                              : SIDE_PATH;
    r.both_sides = r.side == SIDE_INITIATOR && passive_is_next_to(p, PEER);
    judge(p, around, end, now, &r);
    set_steps(p, &r);
    set_lost(around, &r);
    if (r.verdict == PUNCH_PUNCHED && r.steps[STEP_DATA].state != STEP_MISSING)
        r.elapsed = nsec_max(0, r.steps[STEP_DATA].when - p->first);
    return r;
}
