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

void text_buffer_out_of_memory(void)
{
    fputs("teredoctl: out of memory\n", stderr);
    exit(EX_OSERR);
}

char *text_buffer_reserve(struct text_buffer *b, size_t size)
{
    if (b->data == NULL || b->room - b->size < size) {
        b->room = b->room == 0 ? FIRST_ROOM : b->room;
        while (b->room - b->size < size)
            b->room *= 2;
        b->data = realloc(b->data, b->room);
        if (b->data == NULL)
            text_buffer_out_of_memory();
        b->limit = b->data + b->room - TEXT_SLACK;
    }
    return b->data + b->size;
}

char *text_buffer_more(struct text_buffer *b, char *p, size_t size)
{
    b->size = (size_t)(p - b->data);
    return text_buffer_reserve(b, size + TEXT_SLACK);
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

/* Eight bytes at once: the highest bit of each says whether it is below BYTE. It may also say so
 * where a byte before it is. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define BELOW(x, byte) (((x)-EACH(byte)) & ~(x))

/* Copies eight bytes; false if one of them is not plain. */
static bool put_eight(char *p, const char *text)
{
    uint64_t x;

    memcpy(&x, text, sizeof x);
    memcpy(p, &x, sizeof x);
    return ((x | BELOW(x, ' ') | BELOW(x ^ EACH('"'), 1) | BELOW(x ^ EACH('\\'), 1) |
             BELOW(x ^ EACH(0x7f), 1)) &
            EACH(0x80)) == 0;
}

bool put_plain(char *p, const char *text, size_t size)
{
    bool plain = true;

    if (size < 8) {
        for (size_t i = 0; i < size; i++) {
            plain = plain && text[i] >= ' ' && text[i] < 0x7f && text[i] != '"' && text[i] != '\\';
            p[i] = text[i];
        }
        return plain;
    }
    for (size_t i = 0; i + 8 < size && plain; i += 8)
        plain = put_eight(p + i, text + i);
    return plain && put_eight(p + size - 8, text + size - 8);
}

/* Two digits for each number below a hundred. */
static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

/* The last COUNT digits. */
static void put_digits(char *p, uint64_t value, unsigned count)
{
    for (; count > 1; value /= 100)
        memcpy(p + (count -= 2), pairs + 2 * (value % 100), 2);
    if (count > 0)
        *p = (char)('0' + value % 10);
}

static unsigned count_digits(uint64_t value)
{
    unsigned count = 1;

    for (; value >= 10000; value /= 10000)
        count += 4;
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

char *put_decimal(char *p, uint64_t value)
{
    unsigned count = count_digits(value);

    put_digits(p, value, count);
    return p + count;
}

static const char digits[] = "0123456789abcdef";

char *put_hex16(char *p, uint16_t value)
{
    char text[] = {'0',
                   'x',
                   digits[value >> 12],
                   digits[value >> 8 & 0xf],
                   digits[value >> 4 & 0xf],
                   digits[value & 0xf]};

    return put_bytes(p, text, sizeof text);
}

char *put_ip4(char *p, uint32_t address)
{
    return p + ip4_put(address, p);
}

/* Sixteen half bytes as digits. */
typedef uint8_t sixteen __attribute__((vector_size(16)));

static void put_sixteen(char *p, sixteen halves)
{
    halves += '0' + ((sixteen)(halves > 9) & ('a' - '0' - 10));
    memcpy(p, &halves, sizeof halves);
}

char *put_hex(char *p, const uint8_t *data, size_t size)
{
    for (; size >= sizeof(sixteen); size -= sizeof(sixteen), data += sizeof(sixteen)) {
        sixteen bytes, high, low;

        memcpy(&bytes, data, sizeof bytes);
        high = bytes >> 4;
        low = bytes & 0xf;
        put_sixteen(p, __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                               6, 22, 7, 23));
        put_sixteen(p + 16, __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                                    13, 29, 14, 30, 15, 31));
        p += 32;
    }
    for (; size > 0; size--, data++) {
        *p++ = digits[*data >> 4];
        *p++ = digits[*data & 0xf];
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
