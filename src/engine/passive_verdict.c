#include "passive_verdict.h"

#include "refusal.h"

enum {
    /* Attempts that must have failed alike before loss is no explanation any more. */
    ENOUGH_RETRIES = 2,
    ALL_ATTEMPTS = 4, /* RFC 4380 5.2.6: no more in 300 seconds without an answer */
};

/* What a client does at most, four pairs of which each is answered through a server and none
 * directly, has to do: a capture cannot ask more. */
#define CAPTURE_ODDS 2e-3

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
static bool sees_direct_path(const struct passive_punch *p,
                             const struct passive_surroundings *around)
{
    for (unsigned i = 0; i < PASSIVE_ATTEMPTS && i < p->attempt_count; i++)
        if (p->attempts[i].direct.count > 0)
            return true;
    return p->answer.count > 0 || around->direct_is_captured;
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

/* Whether the host that a bubble through the server arrived at has said that nobody listens there:
 * for a port, its word is final. */
static bool peer_host_refuses(const struct passive_punch *p)
{
    if (!p->has_icmp || p->icmp.type != ICMP4_UNREACHABLE || p->icmp.code != ICMP4_PORT)
        return false;
    for (unsigned i = 0; i < PASSIVE_ATTEMPTS && i < p->attempt_count; i++) {
        const struct step_view *v = passive_view(&p->attempts[i].forwarded, PLACE_RECEIVER);

        if (v != NULL && v->to.address == p->icmp.reporter)
            return true;
    }
    return false;
}

/* Each row of captures that say that a hole punch failed. */
#define FAILED(cause, blame, needs, refuted_by)                                                 \
    {                                                                                           \
        PUNCH_NOT_PUNCHED, cause, blame, needs, (refuted_by) | EVIDENCE(MAY_BE_REFERENCE), true \
    }
#define OPEN_QUESTION(cause, needs, refuted_by)                           \
    {                                                                     \
        PUNCH_INCONCLUSIVE, cause, BLAME_UNKNOWN, needs, refuted_by, true \
    }

/* What captures come to: as in src/engine/punch_judge.c the first row whose evidence stands. */
static const struct punch_rule rules[] = {
    /* Both directions are shown to work. */
    {PUNCH_PUNCHED, CAUSE_PEER_NAT_TRIPS, BLAME_PEER_NAT,
     EVIDENCE(DATA_CROSSED) | EVIDENCE(ANSWER_ELSEWHERE) | EVIDENCE(REFERENCE_ANSWERED), 0, true},
    {PUNCH_PUNCHED, CAUSE_PEER_REMAPPED, BLAME_NOBODY,
     EVIDENCE(DATA_CROSSED) | EVIDENCE(ANSWER_ELSEWHERE), EVIDENCE(REFERENCE_ANSWERED), true},
    {PUNCH_PUNCHED, CAUSE_NONE, BLAME_NOBODY, EVIDENCE(DATA_CROSSED), EVIDENCE(ANSWER_ELSEWHERE),
     true},
    OPEN_QUESTION(CAUSE_FORGOTTEN, EVIDENCE(FORGOTTEN), 0),
    OPEN_QUESTION(CAUSE_DIRECT_PATH_UNSEEN, 0, EVIDENCE(DIRECT_PATH_SEEN)),
    OPEN_QUESTION(CAUSE_CAPTURE_ENDED, EVIDENCE(CAPTURE_ENDED), 0),
    /* The peer answered directly. Data that has no answer by its nature may have arrived. */
    FAILED(CAUSE_DATA_LOST, BLAME_UNKNOWN, EVIDENCE(DIRECT_ANSWER) | EVIDENCE(DATA_SILENCE), 0),
    OPEN_QUESTION(CAUSE_NO_DATA, EVIDENCE(DIRECT_ANSWER) | EVIDENCE(DATA_SENT), 0),
    FAILED(CAUSE_SAME_NAT, BLAME_SAME_NAT,
           EVIDENCE(SAME_ADDRESS) | EVIDENCE(DIRECT_ANSWER) | EVIDENCE(PAIRS_AFTER_ANSWER),
           EVIDENCE(ANSWER_ARRIVED)),
    FAILED(CAUSE_ANSWER_LOST, BLAME_UNKNOWN, EVIDENCE(DIRECT_ANSWER) | EVIDENCE(ANSWER_NOT_SEEN),
           EVIDENCE(ANSWER_ARRIVED)),
    FAILED(CAUSE_ANSWER_LOST, BLAME_UNKNOWN, EVIDENCE(DIRECT_ANSWER) | EVIDENCE(PAIRS_AFTER_ANSWER),
           EVIDENCE(ANSWER_ARRIVED)),
    OPEN_QUESTION(CAUSE_NO_DATA, EVIDENCE(DIRECT_ANSWER), 0),
    OPEN_QUESTION(CAUSE_ANSWER_UNPROVEN, EVIDENCE(UNPROVEN_ANSWER), EVIDENCE(PEER_CAPTURED)),
    FAILED(CAUSE_PEER_NAT_TRIPS, BLAME_PEER_NAT, EVIDENCE(REFERENCES_ALONE), 0),
    /* It answered through a server alone. A peer that was sent to at the port that it announced
     * needs no other mapping. */
    FAILED(CAUSE_PEER_INDIRECT_ONLY, BLAME_PEER,
           EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(PEER_CAPTURED), 0),
    FAILED(CAUSE_SAME_NAT, BLAME_SAME_NAT,
           EVIDENCE(SAME_ADDRESS) | EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(DIRECT_SILENCE), 0),
    FAILED(CAUSE_OWN_NAT_SYMMETRIC, BLAME_OWN_NAT,
           EVIDENCE(OWN_MAPS_ANEW) | EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(DIRECT_SILENCE), 0),
    FAILED(CAUSE_PEER_NAT_SYMMETRIC, BLAME_PEER_NAT,
           EVIDENCE(PEER_MAPS_ANEW) | EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(DIRECT_SILENCE),
           EVIDENCE(OWN_MAPS_ANEW) | EVIDENCE(RANDOM_PORT) | EVIDENCE(REFERENCE_ANSWERED)),
    FAILED(CAUSE_DIRECT_PATH_BLOCKED, BLAME_UNKNOWN,
           EVIDENCE(INDIRECT_ANSWER) | EVIDENCE(DIRECT_SILENCE), 0),
    FAILED(CAUSE_DIRECT_ANSWER_MISSING, BLAME_UNKNOWN, EVIDENCE(INDIRECT_ANSWER), 0),
    /* It did not answer at all. */
    OPEN_QUESTION(CAUSE_NO_INDIRECT_BUBBLE, 0, EVIDENCE(INDIRECT_BUBBLE)),
    FAILED(CAUSE_PEER_HOST_SILENT, BLAME_PEER,
           EVIDENCE(FORWARD_ARRIVED) | EVIDENCE(PEER_HOST_REFUSED), 0),
    FAILED(CAUSE_PEER_HOST_SILENT, BLAME_PEER,
           EVIDENCE(FORWARD_ARRIVED) | EVIDENCE(PEER_CAPTURED) | EVIDENCE(ANSWER_PATHS_SEEN), 0),
    FAILED(CAUSE_FORWARD_LOST, BLAME_PATH, EVIDENCE(FORWARDED) | EVIDENCE(ARRIVAL_NOT_SEEN),
           EVIDENCE(FORWARD_ARRIVED)),
    OPEN_QUESTION(CAUSE_PATHS_UNSEEN, 0, EVIDENCE(ANSWER_PATHS_SEEN)),
    FAILED(CAUSE_PEER_SERVER_UNREACHABLE, BLAME_PEER_SERVER, EVIDENCE(PEER_SERVER_ICMP),
           EVIDENCE(FORWARDED)),
    FAILED(CAUSE_NOT_FORWARDED, BLAME_UNKNOWN, EVIDENCE(FORWARD_NOT_SEEN), EVIDENCE(FORWARDED)),
    FAILED(CAUSE_PEER_SILENT, BLAME_PEER, EVIDENCE(PEER_SERVER_ALIVE) | EVIDENCE(PEER_SILENCE), 0),
    FAILED(CAUSE_PEER_SILENT, BLAME_UNKNOWN, EVIDENCE(PEER_SERVER_ALIVE), 0),
    FAILED(CAUSE_NO_ANSWER, BLAME_UNKNOWN, 0, 0),
    /* The reference of another hole punch, perhaps. */
    OPEN_QUESTION(CAUSE_DIRECT_PATH_UNSEEN, 0, 0),
};

const struct punch_rule *passive_rules(unsigned *count)
{
    *count = sizeof rules / sizeof *rules;
    return rules;
}

/* Whether more could have followed when the capture ended: another attempt, unless the client has
 * had all that RFC 4380 5.2.6 gives it where no answer arrives; or an answer, or data. */
static bool ended_too_early(const struct passive_punch *p,
                            const struct passive_surroundings *around, nsec end)
{
    bool answered = p->talk.seen[INITIATOR] ||
                    (p->answer.count > 0 && (!around->answer_is_captured ||
                                             passive_view(&p->answer, PLACE_RECEIVER) != NULL));
    bool exhausted = !answered && p->attempts_before + p->attempt_count >= ALL_ATTEMPTS;

    if (exhausted)
        return end - p->last < ENOUGH_TIME;
    return end - p->last < (answered ? passive_patience(p) : PASSIVE_PATIENCE);
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

static void add(uint64_t *evidence, uint64_t one, bool stands)
{
    if (stands)
        *evidence |= one;
}

/* The mapped endpoint of the initiator, by its address or as it was seen. */
static struct endpoint mapped_of(const struct passive_punch *p)
{
    return p->initiator_known && p->initiator_parts.mapped.port != 0 ? p->initiator_parts.mapped
                                                                     : p->initiator_outside;
}

/* Of the two NATs. */
static uint64_t find_mappings(const struct passive_punch *p,
                              const struct passive_surroundings *around)
{
    struct endpoint mapped = mapped_of(p);
    uint64_t e = 0;

    add(&e, EVIDENCE(ANSWER_ELSEWHERE), p->answer_elsewhere);
    add(&e, EVIDENCE(PEER_MAPS_ANEW),
        !endpoint_is_unset(p->peer_origin) &&
            !endpoint_equal(p->peer_origin, p->peer_parts.mapped));
    add(&e, EVIDENCE(OWN_MAPS_ANEW),
        around->initiator_maps_anew ||
            (p->has_service_outside && !endpoint_equal(p->initiator_outside, mapped)));
    add(&e, EVIDENCE(SAME_ADDRESS),
        !p->relay && mapped.address != 0 && mapped.address == p->peer_parts.mapped.address);
    add(&e, EVIDENCE(RANDOM_PORT), p->random_port_tried || p->random_port_answered);
    return e;
}

/* Of the bubbles' way through the peer's server. */
static uint64_t find_forwarding(const struct passive_punch *p,
                                const struct passive_surroundings *around)
{
    bool forwarded = any_attempt_has(p, ROLE_FORWARDED), arrived = forwarding_arrived(p);
    uint64_t e = 0;

    add(&e, EVIDENCE(INDIRECT_BUBBLE), forwarded || any_attempt_has(p, ROLE_INDIRECT));
    add(&e, EVIDENCE(FORWARDED), forwarded);
    add(&e, EVIDENCE(FORWARD_ARRIVED), arrived);
    add(&e, EVIDENCE(ARRIVAL_NOT_SEEN), forwarded && !arrived && around->arrival_is_captured);
    add(&e, EVIDENCE(FORWARD_NOT_SEEN),
        !forwarded && (around->arrival_is_captured || around->forwarding_is_captured));
    add(&e, EVIDENCE(PEER_SERVER_ALIVE), around->server_heard || forwarded);
    /* What a network says of a server that was heard lately is but a hint (RFC 1122 3.2.2.1). */
    add(&e, EVIDENCE(PEER_SERVER_ICMP),
        p->has_icmp && !p->icmp_from_direct &&
            (!around->server_heard ||
             refusal_of_icmp(p->icmp, 0, p->peer_parts.server) == REFUSAL_PORT_UNREACHABLE));
    add(&e, EVIDENCE(PEER_ICMP), p->has_icmp && p->icmp_from_direct);
    add(&e, EVIDENCE(PEER_HOST_REFUSED), peer_host_refuses(p));
    return e;
}

/* Of the direct path. */
static uint64_t find_direct(const struct passive_punch *p,
                            const struct passive_surroundings *around)
{
    bool sent = p->talk.seen[INITIATOR];
    bool arrived = passive_view(&p->answer, PLACE_RECEIVER) != NULL || sent;
    bool answered = p->answer.count > 0;
    uint64_t e = 0;

    add(&e, EVIDENCE(DATA_CROSSED), passive_is_open(p));
    add(&e, EVIDENCE(DATA_SENT), sent);
    add(&e, EVIDENCE(DATA_SILENCE),
        sent && !passive_is_open(p) && !p->talk.arrived[INITIATOR] &&
            (p->talk.marks[INITIATOR][0].set || around->peer_is_captured));
    add(&e, EVIDENCE(DIRECT_ANSWER), answered);
    add(&e, EVIDENCE(ANSWER_ARRIVED), answered && arrived);
    add(&e, EVIDENCE(ANSWER_NOT_SEEN), answered && !arrived && around->answer_is_captured);
    add(&e, EVIDENCE(PAIRS_AFTER_ANSWER), p->attempts_after_answer >= ENOUGH_RETRIES);
    add(&e, EVIDENCE(UNPROVEN_ANSWER), !answered && !endpoint_is_unset(p->unproven_from));
    add(&e, EVIDENCE(PEER_CAPTURED), around->peer_is_captured);
    add(&e, EVIDENCE(DIRECT_PATH_SEEN), sees_direct_path(p, around));
    add(&e, EVIDENCE(REFERENCE_ANSWERED), p->reference_proven);
    add(&e, EVIDENCE(REFERENCES_ALONE),
        !answered && p->reference_answers >= PUNCH_ENOUGH_REFERENCES &&
            p->reference_answers >= p->reference_attempts);
    return e;
}

/* What of the bubble pairs was answered, as far as an answer would have been seen. */
static void count_pairs(const struct passive_punch *p, struct punch_facts *f)
{
    const uint64_t others = EVIDENCE(DATA_CROSSED) | EVIDENCE(DIRECT_ANSWER) |
                            EVIDENCE(UNPROVEN_ANSWER) | EVIDENCE(CAPTURE_ENDED) |
                            EVIDENCE(FORGOTTEN);

    if ((f->evidence & EVIDENCE(DIRECT_PATH_SEEN)) == 0 ||
        (f->evidence & (EVIDENCE(ANSWER_PATHS_SEEN) | EVIDENCE(INDIRECT_ANSWER))) == 0 ||
        (f->evidence & others) != 0)
        return;
    f->pairs = p->attempts_before + p->attempt_count;
    f->indirect = p->indirect_answers < f->pairs ? p->indirect_answers : f->pairs;
    f->opened = p->sent_since;
    f->seen.came[4] = f->indirect + p->reference_answers;
    if (f->indirect > 0 && !ip6_is_link_local(&p->initiator))
        f->seen.missing[4] = f->pairs - f->indirect;
    if (p->reference_answers > 0 && p->reference_attempts > p->reference_answers)
        f->seen.missing[4] += p->reference_attempts - p->reference_answers;
}

/* That a NAT maps anew is known already. What the initiator sent to the peer's NAT once that was
 * open is too little in most captures, and what the peer answered directly went astray, unless it
 * was lost. */
static void weigh_astray(struct punch_facts *f)
{
    const unsigned misses[ODDS_MAX_LEGS + 1] = {[2] = f->indirect, [4] = f->pairs - f->indirect};

    if ((f->evidence & EVIDENCE(OWN_MAPS_ANEW)) != 0 &&
        (f->evidence & EVIDENCE(DIRECT_ANSWER)) == 0 && f->indirect > 0 &&
        odds_all_lost(&f->seen, misses) <= f->bound)
        f->evidence |= EVIDENCE(DIRECT_SILENCE);
}

static struct punch_facts find_facts(const struct passive_punch *p,
                                     const struct passive_surroundings *around,
                                     enum passive_end end, nsec now)
{
    struct punch_facts f = {.bound = CAPTURE_ODDS};

    f.evidence = find_mappings(p, around) | find_forwarding(p, around) | find_direct(p, around);
    add(&f.evidence, EVIDENCE(INDIRECT_ANSWER), p->indirect_answers > 0);
    add(&f.evidence, EVIDENCE(ANSWER_PATHS_SEEN), around->answer_paths_are_captured);
    add(&f.evidence, EVIDENCE(MAY_BE_REFERENCE), may_be_reference(p));
    add(&f.evidence, EVIDENCE(FORGOTTEN), end == END_FORGOTTEN);
    add(&f.evidence, EVIDENCE(CAPTURE_ENDED),
        end == END_CAPTURE && !passive_is_open(p) && ended_too_early(p, around, now));
    f.seen.came[2] = around->solicitations_answered;
    f.seen.missing[2] = around->solicitations_lost;
    count_pairs(p, &f);
    weigh_astray(&f);
    return f;
}

static void judge(const struct passive_punch *p, const struct passive_surroundings *around,
                  enum passive_end end, nsec now, struct punching *r)
{
    struct punch_facts facts = find_facts(p, around, end, now);
    struct punch_judgement j = punch_judge_by(rules, &facts);

    r->verdict = j.verdict;
    r->cause = j.cause;
    r->blame = j.blame;
    r->evidence = j.evidence;
    r->loss_asked = j.asked;
    r->loss_answered = j.answered;
    /* No other cause rests on odds. */
    r->loss_odds = (j.evidence & EVIDENCE(INDIRECT_ANSWER)) != 0 ? j.odds : -1;
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
        [STEP_FORWARDED] = around->arrival_is_captured,
        [STEP_ANSWER] = around->answer_is_captured,
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
        .local = endpoint_is_unset(around->initiator_inside) ? p->initiator_inside
                                                             : around->initiator_inside,
        .mapped = mapped_of(p),
        .peer_origin = p->peer_origin,
        .peer_random_port = p->peer_random_port,
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
