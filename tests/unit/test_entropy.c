#include "entropy.h"
#include "tap.h"

int main(void)
{
    uint8_t a[1000] = {0}, b[1000] = {0};
    const uint8_t untouched = 0;
    struct error error = {0};
    unsigned seen[256] = {0}, values = 0;

    ok(entropy_fill(a, sizeof a, &error) && entropy_fill(b, sizeof b, &error),
       "the kernel gives random bytes");
    ok(memcmp(a, b, sizeof a) != 0, "others each time");
    ok(memcmp(a + 992, "\0\0\0\0\0\0\0\0", 8) != 0, "to the end of the block");
    for (size_t i = 0; i < sizeof a; i++)
        values += seen[a[i]]++ == 0;
    ok(values > 200, "of nearly all 256 values");
    b[0] = untouched;
    ok(entropy_fill(b, 0, &error) && b[0] == untouched, "asked for none, it gives none");
    return done_testing();
}
