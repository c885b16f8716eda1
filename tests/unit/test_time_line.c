/* src/engine/time_line.c: the times of captures, whatever their clocks did. Times are seconds. */
#include <stdlib.h>

#include "prng.h"
#include "tap.h"
#include "time_line.h"

enum {
    FRAMES = 16
};

/* Frames in the order of the file: of which interface, at which time, and the steady time wanted.
 * Those that are held back have it once nothing is. */
struct story {
    const char *name;
    bool patient;
    unsigned steps; /* how often the time is said to go back */
    struct {
        unsigned clock;
        double when, steady;
    } frames[FRAMES];
};

#define PATIENT true
#define IMPATIENT false

static const struct story stories[] = {
    {"a clock that behaves", PATIENT, 0, {{0, 100, 100}, {0, 101, 101}, {0, 200, 200}}},
    {"frames out of order by a little",
     PATIENT,
     0,
     {{0, 100, 100}, {0, 101, 101}, {0, 100.95, 101}, {0, 101.5, 101.5}}},
    {"a clock that is slowed down by a third of a second",
     PATIENT,
     1,
     {{0, 100, 100}, {0, 101, 101}, {0, 100.7, 101}, {0, 100.9, 101}, {0, 101.2, 101.2}}},
    {"a clock that was set back goes on where it was",
     PATIENT,
     1,
     {{0, 100, 100}, {0, 101, 101}, {0, 91, 101}, {0, 92, 102}, {0, 110, 120}}},
    {"the same, read from a pipe",
     IMPATIENT,
     1,
     {{0, 100, 100}, {0, 101, 101}, {0, 91, 101}, {0, 92, 102}, {0, 110, 120}}},
    {"a clock that was set back three times",
     PATIENT,
     3,
     {{0, 100, 100},
      {0, 90, 100},
      {0, 91, 101},
      {0, 41, 101},
      {0, 42, 102},
      {0, 10, 102},
      {0, 11, 103}}},
    {"a clock that was ahead for a while: what it said then is put back",
     PATIENT,
     1,
     {{0, 100, 100}, {0, 101, 101}, {0, 112, 102}, {0, 113, 103}, {0, 103, 103}, {0, 104, 104}}},
    {"for so long that there is no room for it in between",
     PATIENT,
     1,
     {{0, 100, 100}, {0, 112, 100}, {0, 120, 108}, {0, 101, 108}, {0, 102, 109}}},
    {"ahead, and then back before where it had been",
     PATIENT,
     1,
     {{0, 100, 100}, {0, 112, 112}, {0, 50, 112}, {0, 51, 113}}},
    {"ahead twice",
     PATIENT,
     2,
     {{0, 100, 100},
      {0, 110, 100.5},
      {0, 100.5, 100.5},
      {0, 101, 101},
      {0, 111, 101.5},
      {0, 101.5, 101.5}}},
    {"a silence is a silence",
     PATIENT,
     0,
     {{0, 100, 100}, {0, 130, 130}, {0, 131, 131}, {0, 400, 400}, {0, 401, 401}}},
    {"one that ends more than a minute before the clock is set back stays one",
     PATIENT,
     1,
     {{0, 100, 100}, {0, 110, 110}, {0, 171, 171}, {0, 172, 172}, {0, 160, 172}}},
    {"frames of two clocks in one, turn by turn",
     PATIENT,
     3,
     {{0, 100, 100},
      {0, 95, 100},
      {0, 100.25, 100.25},
      {0, 95.5, 100.25},
      {0, 100.5, 100.5},
      {0, 95.75, 100.5},
      {0, 101, 101}}},
    {"interfaces that are read one after another",
     PATIENT,
     0,
     {{0, 100, 100}, {1, 99.75, 99.75}, {0, 101, 101}, {1, 100.25, 100.25}, {1, 101.5, 101.5}}},
    {"an interface of which the clock is behind",
     PATIENT,
     1,
     {{0, 100, 100}, {1, 95, 100}, {0, 100.5, 100.5}, {1, 96, 101}}},
    {"an interface of which the clock is ahead",
     PATIENT,
     1,
     {{0, 100, 100}, {1, 105, 100.5}, {0, 100.5, 100.5}, {1, 106, 101.5}, {0, 101, 101}}},
    {"a clock of two interfaces that was ahead for a while",
     PATIENT,
     2,
     {{0, 100, 100},
      {1, 100, 100},
      {0, 110, 100.5},
      {1, 110.25, 100.75},
      {1, 100.75, 100.75},
      {0, 101, 101},
      {1, 101.25, 101.25}}},
};

static struct time_step add(struct time_line *t, unsigned clock, nsec when)
{
    struct time_step step;

    time_line_add(t, clock, when, &step);
    return step;
}

static nsec of(double seconds)
{
    return (nsec)(seconds * 1e6) * NSEC_US;
}

static void test_story(const struct story *s)
{
    struct time_line t = {.patient = s->patient, .several = s->frames[1].clock != 0};
    nsec steady[FRAMES], settled = 0;
    unsigned count = 0, steps = 0, wrong = 0, unsettled = 0;

    for (; count < FRAMES && s->frames[count].when > 0; count++) {
        struct time_step step = add(&t, s->frames[count].clock, of(s->frames[count].when));

        for (unsigned i = 0; i < count && step.too_early > 0; i++)
            if (steady[i] >= step.jumped) {
                steady[i] -= step.too_early;
                unsettled += steady[i] + step.too_early <= settled;
            }
        unsettled += step.steady < settled && !t.several;
        steps += step.back > 0;
        steady[count] = step.steady;
        settled = step.settled;
    }
    for (unsigned i = 0; i < count; i++)
        if (llabs(steady[i] - of(s->frames[i].steady)) > NSEC_US) {
            wrong++;
            printf("# frame %u: %.6f, want %.6f\n", i + 1, nsec_seconds(steady[i]),
                   s->frames[i].steady);
        }
    ok(wrong == 0 && unsettled == 0, "%s", s->name);
    is_int(steps, s->steps, "%s: so often the time goes back", s->name);
}

static void test_how_far(void)
{
    struct time_line t = {0};
    struct time_step step;

    add(&t, 0, of(11.05));
    step = add(&t, 0, of(1));
    is_int(step.back, of(10.05), "how far a clock was set back is told");
    ok(!step.apart && step.steady == of(11.05), "and its frame is where the one before it was");
    step = add(&t, 3, of(5));
    ok(step.apart && step.back == of(6.05), "as is how far an interface is behind others");
}

static void test_live(void)
{
    struct time_line t = {0};

    time_line_bound(&t, 0, of(100), of(100.1));
    is_int(add(&t, 0, of(100)).steady, of(100), "frames that arrive live have their times");
    time_line_bound(&t, 0, of(3700), of(101));
    is_int(add(&t, 0, of(3700)).steady, of(101), "but none is of the future");
    time_line_bound(&t, 0, of(3701), of(102));
    is_int(add(&t, 0, of(3701)).steady, of(102), "nor is the next one");
}

static void test_gaps(void)
{
    struct time_line t = {.patient = true};
    nsec from;

    add(&t, 0, of(100));
    is_int(time_line_close_gap(&t, &from), 0, "without a gap there is none to close");
    add(&t, 0, of(110));
    add(&t, 0, of(110.5));
    is_int(time_line_close_gap(&t, &from), of(10), "a gap that was none is left out");
    is_int(from, of(110), "from its end on");
    is_int(add(&t, 0, of(111)).steady, of(101), "and from then on");
    is_int(add(&t, 0, of(113.5)).settled, of(101), "as long as there is not another one");
    is_int(time_line_close_gap(&t, &from), 0, "of less than 5 seconds there is no such doubt");
}

static void test_return(void)
{
    struct time_line t = {.patient = true};
    struct time_step step;
    nsec from;

    add(&t, 0, of(100));
    add(&t, 0, of(110.5));
    time_line_close_gap(&t, &from);
    is_int(add(&t, 0, of(111)).steady, of(100.5), "a clock is ahead since a gap that was none");
    step = add(&t, 0, of(101.5));
    ok(step.steady == of(101.5) && step.returned && step.back == of(9.5),
       "and comes back to where it was before");
    step = add(&t, 0, of(80));
    ok(step.steady == of(101.5) && !step.returned, "what goes back once more is set back");
}

static void test_believe(void)
{
    struct time_line t = {.patient = true};

    add(&t, 0, of(100));
    is_int(add(&t, 0, of(110)).settled, of(100), "what may be ahead is not settled");
    time_line_believe(&t);
    is_int(add(&t, 0, of(110.5)).settled, of(110.5), "unless there is no room for it");
    is_int(add(&t, 0, of(101)).steady, of(110.5), "and then it stays where it is");
}

/* Clocks that anybody may have chosen. */
static void test_any_times(void)
{
    struct prng prng = {3};
    unsigned wrong = 0;

    for (unsigned round = 0; round < 2000; round++) {
        struct time_line t = {.patient = round % 2 == 0};
        nsec before = 0;

        for (unsigned i = 0; i < 200; i++) {
            nsec when = (nsec)(prng_next(&prng) % (uint64_t)(NSEC_LATEST + 1));
            struct time_step step;

            when >>= prng_below(&prng, 63);
            if (prng_below(&prng, 8) == 0)
                when = prng_below(&prng, 2) == 0 ? 0 : NSEC_LATEST;
            step = add(&t, prng_below(&prng, 20), when);
            wrong += step.steady < 0 || step.steady > NSEC_LATEST;
            wrong += t.now < 0 || t.now > NSEC_LATEST || step.settled > t.now;
            wrong += step.too_early < 0 || step.back < 0;
            wrong += step.too_early == 0 && t.now < before;
            before = t.now;
        }
    }
    is_int(wrong, 0, "whatever the times, the steady ones go on, and none is beyond all bounds");
}

int main(void)
{
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        test_story(&stories[i]);
    test_how_far();
    test_live();
    test_gaps();
    test_return();
    test_believe();
    test_any_times();
    return done_testing();
}
