#include "stamp.h"

#include <string.h>
#include <time.h>

enum {
    FRACTION = 20, /* where the nanoseconds begin */
    DIGITS = 9
};

static void put_digits(char *p, unsigned value, int count)
{
    while (count > 0) {
        p[--count] = (char)('0' + value % 10);
        value /= 10;
    }
}

static void set_second(struct stamp *s, nsec second)
{
    time_t t = second;
    struct tm tm;

    gmtime_r(&t, &tm);
    memcpy(s->text, "0000-00-00T00:00:00.000000000Z", STAMP_SIZE);
    put_digits(s->text, (unsigned)tm.tm_year + 1900, 4);
    put_digits(s->text + 5, (unsigned)tm.tm_mon + 1, 2);
    put_digits(s->text + 8, (unsigned)tm.tm_mday, 2);
    put_digits(s->text + 11, (unsigned)tm.tm_hour, 2);
    put_digits(s->text + 14, (unsigned)tm.tm_min, 2);
    put_digits(s->text + 17, (unsigned)tm.tm_sec, 2);
    s->second = second;
}

char *stamp_put(struct stamp *s, char *p, nsec when)
{
    nsec second = when / NSEC_S;

    if (s->text[0] == '\0' || second != s->second)
        set_second(s, second);
    memcpy(p, s->text, STAMP_SIZE);
    put_digits(p + FRACTION, (unsigned)(when % NSEC_S), DIGITS);
    return p + STAMP_SIZE;
}
