/* The odds that loss alone explains silence. */
#include "odds.h"
#include "tap.h"

static bool near(double got, double want)
{
    return got > want * 0.999999 && got < want * 1.000001;
}

int main(void)
{
    ok(odds_of_silence(10, 0, 0) == 1, "without a miss there is nothing to explain");
    ok(near(odds_of_silence(0, 0, 1), 0.5), "without a control, one miss is a toss-up");
    ok(near(odds_of_silence(0, 0, 3), 0.25), "without a control, more misses hardly help");
    ok(near(odds_of_silence(1, 0, 1), 1.0 / 3),
       "one control that came back makes loss less likely");
    ok(near(odds_of_silence(10, 10, 1), 11.0 / 12), "where no control comes back, silence is loss");
    ok(near(odds_of_silence(16, 0, 8), 1 / 1081575.0),
       "eight misses beside 16 controls that came back: one in a million");
    ok(odds_of_silence(16, 0, 7) > 1e-6, "seven do not suffice");
    ok(odds_of_silence(16, 4, 8) > 1e-4, "nor do eight where controls were lost");
    for (unsigned misses = 0; misses < 40; misses++)
        ok(odds_of_silence(50, 18, misses + 1) < odds_of_silence(50, 18, misses),
           "each miss makes it less likely (%u)", misses);
    for (unsigned failed = 0; failed < 20; failed++)
        ok(odds_of_silence(20, failed + (failed < 20), 5) > odds_of_silence(20, failed, 5) ||
               failed == 20,
           "each lost control makes it more likely (%u)", failed);
    ok(near(odds_of_silence(1000000, 360000, 10), 3.6564e-5) ||
           (odds_of_silence(1000000, 360000, 10) > 3.6e-5 &&
            odds_of_silence(1000000, 360000, 10) < 3.7e-5),
       "with many controls it is the loss rate to the power of the misses");
    ok(near(odds_at_loss(0.75, 2), 0.5625), "at a known loss it is that power");
    ok(odds_at_loss(0.75, 0) == 1, "and 1 for no miss");
    return done_testing();
}
