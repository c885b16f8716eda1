#include "line_limit.h"

/* Twenty a second, and a hundred at once after a pause: more than anybody reads, and in a day no
 * more than a small disk holds. */
#define LINES ((struct rate){NSEC_S / 20, 100})
#define PATIENCE NSEC_S

/* Kinds of events that strangers can bring about; the order is of no matter. */
enum {
    KIND_REJECTED,
    KIND_REPLY,
    KIND_ICMP,
    KIND_QUALIFICATION,
    KIND_PUNCH,                  /* and a verdict */
    KIND_NOTE = KIND_PUNCH + 4,  /* and which */
    KIND_PEER = KIND_NOTE + 16,  /* and the activity */
    KIND_NONE = LINE_LIMIT_KINDS /* is told always */
};

/* The kind of E, and in LIKE what those of this kind have in common. */
static unsigned kind_of(const struct event *e, const char **like)
{
    *like = NULL;
    switch (e->kind) {
    case EVENT_REJECTED:
        *like = ra_rules.list[e->rejected.rule].code;
        return KIND_REJECTED;
    case EVENT_BUBBLE_REPLY:
        return KIND_REPLY;
    case EVENT_BUBBLE_ICMP:
        return KIND_ICMP;
    case EVENT_QUALIFICATION:
        return e->qualification.captured ? KIND_QUALIFICATION : KIND_NONE;
    case EVENT_PUNCHING:
        if (e->punching.side == SIDE_SELF)
            return KIND_NONE;
        *like = code_of(&punch_verdicts, e->punching.verdict);
        return KIND_PUNCH + (unsigned)e->punching.verdict;
    case EVENT_NOTE:
        *like = code_of(&punch_notes, e->note.note);
        return KIND_NOTE + (unsigned)e->note.note;
    case EVENT_PEER:
        /* Whose packets come from the endpoint in his address may be anybody who writes it there;
         * the other proofs nobody has by chance, or more often than we have asked for one. */
        if (e->peer.activity == PEER_TRUSTED && e->peer.proof != PROOF_ENDPOINT)
            return KIND_NONE;
        *like = code_of(&peer_activities, e->peer.activity);
        return KIND_PEER + (unsigned)e->peer.activity;
    default:
        return KIND_NONE;
    }
}

bool line_limit_ends(const struct event *e)
{
    const char *like;

    return kind_of(e, &like) == KIND_NONE && e->kind != EVENT_PEER && e->kind != EVENT_STEP;
}

bool line_limit_take(struct line_limit *l, unsigned kind, nsec now)
{
    if (rate_take(LINES, &l->kinds[kind].spent, now))
        return true;
    if (l->credit > 0) {
        l->credit--;
        return true;
    }
    l->kinds[kind].left.count++;
    if (l->due == 0)
        l->due = now + PATIENCE;
    return false;
}

bool line_limit_passes(struct line_limit *l, const struct event *e)
{
    const char *like;
    unsigned kind = kind_of(e, &like);

    if (kind == KIND_NONE || line_limit_take(l, kind, e->when))
        return true;
    l->kinds[kind].left.of = event_record(e)->event;
    l->kinds[kind].left.activity = like;
    return false;
}

void line_limit_expect(struct line_limit *l, unsigned count)
{
    l->credit += count;
}

bool line_limit_is_due(const struct line_limit *l, nsec now)
{
    return l->due != 0 && now >= l->due;
}

bool line_limit_next(struct line_limit *l, struct left_out *out)
{
    for (unsigned i = 0; i < LINE_LIMIT_KINDS; i++)
        if (l->kinds[i].left.count > 0) {
            *out = l->kinds[i].left;
            l->kinds[i].left.count = 0;
            return true;
        }
    l->due = 0;
    return false;
}
