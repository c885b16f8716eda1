#include "output.h"

#include <errno.h>
#include <sysexits.h>

void output_init(struct output *o, FILE *file)
{
    o->file = file;
    o->errnum = 0;
    o->size = 0;
}

static void hand_over(struct output *o)
{
    if (fwrite(o->data, 1, o->size, o->file) < o->size && o->errnum == 0)
        o->errnum = errno;
    o->size = 0;
}

void output_flush(struct output *o)
{
    hand_over(o);
    if (fflush(o->file) != 0 && o->errnum == 0)
        o->errnum = errno;
}

int output_close(struct output *o, struct error *error)
{
    output_flush(o);
    return o->errnum == 0 ? output_finish(o->file, error)
                          : error_set(error, EX_IOERR, o->errnum, "cannot write the results");
}

char *output_reserve(struct output *o)
{
    if (sizeof o->data - o->size < OUTPUT_PIECE)
        hand_over(o);
    return o->data + o->size;
}

void output_text(struct output *o, const char *text)
{
    output_advance(o, put_string(output_reserve(o), text));
}

void output_long_text(struct output *o, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        size_t piece = left < OUTPUT_PIECE ? left : OUTPUT_PIECE;

        output_advance(o, put_bytes(output_reserve(o), text, piece));
        text += piece;
        left -= piece;
    }
}

int output_finish(FILE *file, struct error *error)
{
    errno = 0;
    if (fflush(file) != 0 || ferror(file))
        return error_set(error, EX_IOERR, errno, "cannot write the results");
    return 0;
}

char *put_decimal(char *p, unsigned long value)
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
