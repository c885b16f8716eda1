#include "time_line.h"

/* What a single clock may go back by without being told: queues of a card that are emptied side by
 * side. */
#define JITTER (100 * NSEC_MS)
/* By so much interfaces that are read side by side, or clocks that are kept on time, differ. */
#define SLACK NSEC_S
/* A gap that may be none. */
#define JUMP (2 * NSEC_S)
/* Nobody waits for longer than this before he asks again (RFC 4380 5.2.1: 4 seconds). */
#define LONGEST_WAIT (5 * NSEC_S)
/* For how long it may be none. */
#define LONGEST_JUMP (60 * NSEC_S)

/* A time of the clock, steady. Whoever wrote the capture may have chosen any. */
static nsec steady_of(const struct time_line_clock *c, nsec when)
{
    nsec steady;

    if (__builtin_add_overflow(when, c->shift, &steady))
        return NSEC_LATEST;
    return nsec_max(0, nsec_min(steady, NSEC_LATEST));
}

static nsec settled(const struct time_line *t)
{
    nsec latest = t->jumping ? t->jump_from : t->now;

    if (!t->patient)
        return t->now;
    return t->several ? latest - SLACK : latest;
}

static void end_jump(struct time_line *t)
{
    t->jumping = false;
    for (unsigned i = 0; i < TIME_LINE_CLOCKS; i++)
        t->clocks[i].jumped = false;
}

void time_line_believe(struct time_line *t)
{
    end_jump(t);
}

/* Since the jump all was ahead, if STEADY is what follows: it has its place in between. */
static void shift_jumped(struct time_line *t, nsec by)
{
    for (unsigned i = 0; i < TIME_LINE_CLOCKS; i++)
        if (t->clocks[i].jumped)
            t->clocks[i].shift -= by;
}

static void note_gap(struct time_line *t, nsec gap)
{
    for (unsigned i = 0; i < TIME_LINE_CLOCKS; i++)
        t->clocks[i].gap = t->clocks[i].jumped ? gap : 0;
}

nsec time_line_close_gap(struct time_line *t, nsec *from)
{
    nsec gap = t->jump_to - t->jump_from;

    if (!t->jumping || gap < LONGEST_WAIT)
        return 0;
    *from = t->jump_to;
    t->now -= gap;
    shift_jumped(t, gap);
    note_gap(t, gap);
    end_jump(t);
    return gap;
}

static bool has_come_back(const struct time_line *t, nsec steady)
{
    return t->jumping && steady >= t->jump_from - JITTER && steady < t->now;
}

static void put_back(struct time_line *t, nsec steady, struct time_step *step)
{
    step->too_early = nsec_min(t->now - steady, t->jump_to - t->jump_from);
    step->jumped = t->jump_to;
    t->now -= step->too_early;
}

/* The clock is behind, and goes on from now. */
static void catch_up(const struct time_line *t, struct time_line_clock *c, nsec when)
{
    if (steady_of(c, when) < t->now)
        c->shift = t->now - when;
}

/* The clock was ahead since a gap that was closed, and now is where it would be without: it shows
 * how much later this frame is. */
static bool returns(const struct time_line *t, struct time_line_clock *c, nsec when)
{
    nsec steady;

    if (c->gap == 0 || __builtin_add_overflow(steady_of(c, when), c->gap, &steady) ||
        steady < t->now - JITTER || steady > t->now + JUMP)
        return false;
    c->shift += c->gap;
    c->gap = 0;
    return true;
}

/* The clock was at a later time before. */
static void take_set_back(struct time_line *t, struct time_line_clock *c, nsec when,
                          struct time_step *step)
{
    nsec steady = steady_of(c, when);

    if (has_come_back(t, steady)) {
        put_back(t, steady, step);
        end_jump(t);
        catch_up(t, c, when);
    } else if (returns(t, c, when)) {
        step->returned = true;
        catch_up(t, c, when);
    } else if (steady < t->now - SLACK || steady > t->now + JUMP) {
        c->set = c->last - when;
        catch_up(t, c, when);
    }
    c->last = when;
}

/* The clock goes on, and others are ahead of it. */
static void take_behind(struct time_line *t, struct time_line_clock *c, nsec when,
                        struct time_step *step)
{
    nsec steady = steady_of(c, when);

    step->back = t->now - steady;
    step->apart = true;
    if (has_come_back(t, steady)) {
        put_back(t, steady, step);
        shift_jumped(t, step->too_early);
        end_jump(t);
    }
    catch_up(t, c, when);
}

/* The clock was set back, and now is where it would be without: frames of two clocks, turn by turn.
 */
static void take_set_forth(const struct time_line *t, struct time_line_clock *c, nsec when)
{
    nsec steady = steady_of(c, when - c->set);

    if (c->set > 0 && steady >= t->now && steady < t->now + JUMP) {
        c->shift -= c->set;
        c->set = 0;
    }
}

static void begin_jump(struct time_line *t, nsec steady)
{
    if (t->jumping && t->now - t->jump_to > LONGEST_JUMP)
        end_jump(t);
    if (!t->jumping && t->patient && t->begun && steady - t->now > JUMP) {
        t->jumping = true;
        t->jump_from = t->now;
        t->jump_to = steady;
    }
}

/* A clock that goes on, as clocks do. */
static bool goes_on(const struct time_line *t, struct time_line_clock *c, nsec when,
                    struct time_step *step)
{
    nsec steady = steady_of(c, when);

    if (!c->seen || when < c->last || t->jumping || steady < t->now - SLACK ||
        steady > t->now + JUMP)
        return false;
    c->last = when;
    step->steady = steady;
    return true;
}

static void add(struct time_line *t, struct time_line_clock *c, nsec when, struct time_step *step)
{
    if (!c->seen) {
        c->seen = true;
        c->last = when;
    }
    if (when < c->last - JITTER)
        step->back = c->last - when;
    if (when < c->last - SLACK)
        take_set_back(t, c, when, step);
    else if (t->begun && steady_of(c, when) < t->now - SLACK)
        take_behind(t, c, when, step);
    else if (steady_of(c, when) > t->now + JUMP)
        take_set_forth(t, c, when);
    c->last = nsec_max(c->last, when);
    step->steady = steady_of(c, c->last);
    begin_jump(t, step->steady);
    c->jumped = t->jumping;
}

void time_line_add(struct time_line *t, size_t clock, nsec when, struct time_step *step)
{
    struct time_line_clock *c = &t->clocks[clock % TIME_LINE_CLOCKS];

    step->back = step->too_early = 0;
    step->apart = step->returned = false;
    if (!goes_on(t, c, when, step))
        add(t, c, when, step);
    t->now = t->begun ? nsec_max(t->now, step->steady) : step->steady;
    t->begun = true;
    step->settled = settled(t);
}

void time_line_bound(struct time_line *t, size_t clock, nsec when, nsec now)
{
    struct time_line_clock *c = &t->clocks[clock % TIME_LINE_CLOCKS];

    if (steady_of(c, when) > now + SLACK)
        c->shift = now - when;
}
