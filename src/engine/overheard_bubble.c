#include "overheard_bubble.h"

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

struct overheard_attempt *overheard_attempt_at(struct overheard_punch *p, unsigned n)
{
    return &p->attempts[n % OVERHEARD_ATTEMPTS];
}

unsigned overheard_oldest_attempt(const struct overheard_punch *p)
{
    return p->attempt_count > OVERHEARD_ATTEMPTS ? p->attempt_count - OVERHEARD_ATTEMPTS : 0;
}

static struct overheard_packet *part_of(struct overheard_attempt *a, enum overheard_role role)
{
    return role == ROLE_DIRECT ? &a->direct : role == ROLE_INDIRECT ? &a->indirect : &a->forwarded;
}

static nsec attempt_start(const struct overheard_attempt *a)
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
static bool fits(struct overheard_attempt *a, const struct observation *o, enum overheard_role role,
                 const struct punch_mark *mark)
{
    const struct overheard_packet *part = part_of(a, role);
    const struct punch_mark *own = role == ROLE_DIRECT ? &a->direct_mark : &a->indirect_mark;
    bool has_own =
        role == ROLE_DIRECT ? a->direct.count > 0 : a->indirect.count > 0 || a->forwarded.count > 0;
    nsec since = o->when - attempt_start(a);

    if (since > OVERHEARD_SAME || since < -OVERHEARD_SAME)
        return false;
    if (has_own || part->count > 0)
        return mark_equal(own, mark);
    return ip6_equal(&a->direct_mark.source, &mark->source) ||
           ip6_equal(&a->indirect_mark.source, &mark->source);
}

static struct overheard_attempt *find_attempt(struct overheard_punch *p,
                                              const struct observation *o, enum overheard_role role,
                                              const struct punch_mark *mark)
{
    for (unsigned n = p->attempt_count; n > overheard_oldest_attempt(p); n--)
        if (fits(overheard_attempt_at(p, n - 1), o, role, mark))
            return overheard_attempt_at(p, n - 1);
    return NULL;
}

static struct overheard_attempt *new_attempt(struct overheard_punch *p, const struct observation *o)
{
    struct overheard_attempt *a = overheard_attempt_at(p, p->attempt_count++);

    memset(a, 0, sizeof *a);
    if (p->answer.count > 0 && o->when - p->answer.views[0].when > OVERHEARD_SAME)
        p->attempts_after_answer++;
    return a;
}

void overheard_take_bubble(struct overheard_punch *p, const struct observation *o,
                           enum overheard_role role)
{
    struct punch_mark mark = mark_of(o->packet);
    struct overheard_attempt *a = find_attempt(p, o, role, &mark);
    /* What comes out of the server is its own packet. */
    enum view_place place = overheard_place(p, o, INITIATOR);

    if (a == NULL)
        a = new_attempt(p, o);
    if (role == ROLE_DIRECT)
        a->direct_mark = mark;
    else
        a->indirect_mark = mark;
    overheard_add_view(part_of(a, role), o, place);
    if (role == ROLE_DIRECT && place == PLACE_RECEIVER)
        p->talk.arrived[INITIATOR] = true;
    p->last_attempt = nsec_max(p->last_attempt, o->when);
}

/* The control's direct bubbles are told by their source and their short reach. */
static bool is_control(const struct in6_addr *source, uint8_t ttl)
{
    return ip6_is_link_local(source) && ttl <= OVERHEARD_SHORT_TTL;
}

bool overheard_is_control_pair(const struct overheard_punch *p, const struct observation *o)
{
    const struct overheard_attempt *first = &p->attempts[0];
    const struct in6_addr *source = &o->packet->ip6.source;

    return !p->has_control && p->attempt_count > 0 && first->direct.count > 0 &&
           endpoint_equal(o->to, first->direct.views[0].to) && overheard_from_initiator(p, o) &&
           !ip6_equal(source, &first->direct_mark.source) &&
           is_control(source, o->ttl) !=
               is_control(&first->direct_mark.source, first->direct.views[0].ttl);
}

/* Which of the two comes first is not said. */
static void learn_control(struct overheard_punch *p, const struct observation *o)
{
    struct overheard_attempt *first = overheard_attempt_at(p, 0);
    const struct in6_addr *source = &o->packet->ip6.source;

    p->has_control = true;
    if (is_control(source, o->ttl)) {
        p->control_source = *source;
        return;
    }
    /* What the punch began with was the control. */
    p->control_source = first->direct_mark.source;
    p->control_attempts = 1;
    p->control_last = first->direct.views[0].when;
    p->attempt_count = 0;
    p->initiator = *source;
    /* So was what it may have been answered with. */
    if (p->answer.count > 0) {
        p->control_answers = 1;
        p->control_answered_last = p->control_last;
    }
    p->answer.count = 0;
    p->first_answer = 0;
    p->proof = PROOF_NONE;
    p->answered_from = (struct endpoint){0};
    p->answer_elsewhere = false;
    p->talk.arrived[PEER] = false;
}

/* Takes a bubble of the control; false if it is none. */
bool overheard_take_control(struct overheard_punch *p, const struct observation *o,
                            enum overheard_role role)
{
    if (role == ROLE_DIRECT && overheard_is_control_pair(p, o))
        learn_control(p, o);
    if (!p->has_control || !ip6_equal(&o->packet->ip6.source, &p->control_source))
        return false;
    if (role == ROLE_DIRECT && o->when - p->control_last > OVERHEARD_SAME) {
        p->control_attempts++;
        p->control_last = o->when;
    }
    return true;
}
