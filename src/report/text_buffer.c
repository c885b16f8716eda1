#include "text_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

enum {
    FULL = 48 << 10, /* then the block is handed over */
    FIRST_ROOM = 64 << 10,
    FRACTION = 20, /* where the nanoseconds begin */
    DIGITS = 9
};

void text_buffer_init(struct text_buffer *b, FILE *file)
{
    *b = (struct text_buffer){.file = file};
}

static void hand_over(struct text_buffer *b)
{
    if (b->size > 0 && fwrite(b->data, 1, b->size, b->file) < b->size && b->errnum == 0)
        b->errnum = errno;
    b->size = 0;
}

void text_buffer_flush(struct text_buffer *b)
{
    hand_over(b);
    if (fflush(b->file) != 0 && b->errnum == 0)
        b->errnum = errno;
}

int text_buffer_close(struct text_buffer *b, struct error *error)
{
    text_buffer_flush(b);
    free(b->data);
    b->data = NULL;
    b->room = 0;
    return b->errnum == 0 ? output_finish(b->file, error)
                          : error_set(error, EX_IOERR, b->errnum, "cannot write the results");
}

char *text_buffer_reserve(struct text_buffer *b, size_t size)
{
    if (b->room - b->size < size) {
        b->room = b->room == 0 ? FIRST_ROOM : b->room;
        while (b->room - b->size < size)
            b->room *= 2;
        b->data = realloc(b->data, b->room);
        if (b->data == NULL)
            abort();
    }
    return b->data + b->size;
}

void text_buffer_advance(struct text_buffer *b, const char *end)
{
    b->size = (size_t)(end - b->data);
    if (b->size >= FULL && b->file != NULL)
        hand_over(b);
}

void text_buffer_put(struct text_buffer *b, const char *text)
{
    size_t size = strlen(text);

    text_buffer_advance(b, put_bytes(text_buffer_reserve(b, size), text, size));
}

int output_finish(FILE *file, struct error *error)
{
    errno = 0;
    if (fflush(file) != 0 || ferror(file))
        return error_set(error, EX_IOERR, errno, "cannot write the results");
    return 0;
}

char *put_decimal(char *p, uint64_t value)
{
    char text[3 * sizeof value];
    size_t n = sizeof text;

    do
        text[--n] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    return put_bytes(p, text + n, sizeof text - n);
}

static const char digits[] = "0123456789abcdef";

char *put_hex16(char *p, uint16_t value)
{
    *p++ = '0';
    *p++ = 'x';
    for (int shift = 12; shift >= 0; shift -= 4)
        *p++ = digits[value >> shift & 0xf];
    return p;
}

char *put_ip4(char *p, uint32_t address)
{
    return p + strlen(ip4_format(address, p));
}

char *put_hex(char *p, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *p++ = digits[data[i] >> 4];
        *p++ = digits[data[i] & 0xf];
    }
    return p;
}

char *put_endpoint(char *p, struct endpoint e)
{
    p = put_ip4(p, e.address);
    *p++ = ':';
    return put_decimal(p, e.port);
}

char *put_prefix(char *p, const struct icmp6_prefix *prefix)
{
    p = put_ip6(p, &prefix->prefix);
    *p++ = '/';
    return put_decimal(p, prefix->length);
}

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
    memcpy(s->text, "0000-00-00T00:00:00.000000000Z", sizeof s->text);
    put_digits(s->text, (unsigned)tm.tm_year + 1900, 4);
    put_digits(s->text + 5, (unsigned)tm.tm_mon + 1, 2);
    put_digits(s->text + 8, (unsigned)tm.tm_mday, 2);
    put_digits(s->text + 11, (unsigned)tm.tm_hour, 2);
    put_digits(s->text + 14, (unsigned)tm.tm_min, 2);
    put_digits(s->text + 17, (unsigned)tm.tm_sec, 2);
    s->second = second;
}

char *put_time(struct stamp *s, char *p, nsec when)
{
    nsec second = when / NSEC_S;

    if (s->text[0] == '\0' || second != s->second)
        set_second(s, second);
    memcpy(p, s->text, sizeof s->text);
    put_digits(p + FRACTION, (unsigned)(when % NSEC_S), DIGITS);
    return p + sizeof s->text;
}
