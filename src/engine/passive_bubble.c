#include "passive_bubble.h"

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

struct passive_attempt *passive_attempt_at(struct passive_punch *p, unsigned n)
{
    return &p->attempts[n % PASSIVE_ATTEMPTS];
}

unsigned passive_oldest_attempt(const struct passive_punch *p)
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
    const struct passive_packet *part = part_of(a, role);
    const struct punch_mark *own = role == ROLE_DIRECT ? &a->direct_mark : &a->indirect_mark;
    bool has_own =
        role == ROLE_DIRECT ? a->direct.count > 0 : a->indirect.count > 0 || a->forwarded.count > 0;
    nsec since = o->when - attempt_start(a);

    if (since > PASSIVE_SAME || since < -PASSIVE_SAME)
        return false;
    if (has_own || part->count > 0)
        return mark_equal(own, mark);
    return ip6_equal(&a->direct_mark.source, &mark->source) ||
           ip6_equal(&a->indirect_mark.source, &mark->source);
}

static struct passive_attempt *find_attempt(struct passive_punch *p, const struct observation *o,
                                            enum passive_role role, const struct punch_mark *mark)
{
    for (unsigned n = p->attempt_count; n > passive_oldest_attempt(p); n--)
        if (fits(passive_attempt_at(p, n - 1), o, role, mark))
            return passive_attempt_at(p, n - 1);
    return NULL;
}

static struct passive_attempt *new_attempt(struct passive_punch *p, const struct observation *o)
{
    struct passive_attempt *a = passive_attempt_at(p, p->attempt_count++);

    memset(a, 0, sizeof *a);
    if (p->answer.count > 0 && o->when - p->answer.views[0].when > PASSIVE_SAME)
        p->attempts_after_answer++;
    return a;
}

void passive_take_bubble(struct passive_punch *p, const struct observation *o,
                         enum passive_role role)
{
    struct punch_mark mark = mark_of(o->packet);
    struct passive_attempt *a = find_attempt(p, o, role, &mark);
    /* What comes out of the server is its own packet. */
    enum view_place place = passive_place(p, o, INITIATOR);

    if (a == NULL)
        a = new_attempt(p, o);
    if (role == ROLE_DIRECT)
        a->direct_mark = mark;
    else
        a->indirect_mark = mark;
    passive_add_view(part_of(a, role), o, place);
    if (role == ROLE_DIRECT && place == PLACE_RECEIVER)
        p->talk.arrived[INITIATOR] = true;
    p->last_attempt = nsec_max(p->last_attempt, o->when);
}

/* The control's direct bubbles are told by their source and their short reach. */
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
    struct passive_attempt *first = passive_attempt_at(p, 0);
    const struct in6_addr *source = &o->packet->ip6.source;

    p->has_reference = true;
    if (is_reference(source, o->ttl)) {
        p->reference_source = *source;
        return;
    }
    /* What the punch began with was the control. */
    p->reference_source = first->direct_mark.source;
    p->reference_attempts = 1;
    p->reference_last = first->direct.views[0].when;
    p->attempt_count = 0;
    p->initiator = *source;
    /* So was what it may have been answered with. */
    if (p->answer.count > 0) {
        p->reference_answers = 1;
        p->reference_answered_last = p->reference_last;
    }
    p->answer.count = 0;
    p->first_answer = 0;
    p->proof = PROOF_NONE;
    p->answered_from = (struct endpoint){0};
    p->answer_elsewhere = false;
    p->talk.arrived[PEER] = false;
}

/* Takes a bubble of the control; false if it is none. */
bool passive_take_reference(struct passive_punch *p, const struct observation *o,
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
