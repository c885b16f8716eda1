#include "line_reader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/types.h>
#include <sysexits.h>
#include <unistd.h>

void line_reader_init(struct line_reader *r, int fd, void (*before_wait)(void *context),
                      void *context)
{
    r->fd = fd;
    r->number = 0;
    r->begin = r->end = 0;
    r->at_end = r->skip = false;
    r->before_wait = before_wait;
    r->context = context;
}

/* Reads a block behind the bytes at hand, which move to the front. */
static int fill(struct line_reader *r, struct error *error)
{
    struct pollfd ready = {.fd = r->fd, .events = POLLIN};
    ssize_t n;

    memmove(r->data, r->data + r->begin, r->end - r->begin);
    r->end -= r->begin;
    r->begin = 0;
    if (r->before_wait != NULL && poll(&ready, 1, 0) == 0)
        r->before_wait(r->context);
    do
        n = read(r->fd, r->data + r->end, sizeof r->data - r->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set(error, EX_IOERR, errno, "cannot read the input");
    r->at_end = n == 0;
    r->end += (size_t)n;
    return 0;
}

/* Passes over SIZE bytes, and gives them as a line unless they are the rest of one that was cut. */
static bool take(struct line_reader *r, size_t size, size_t passed, bool cut, const char **line,
                 size_t *line_size)
{
    bool rest = r->skip;

    *line = r->data + r->begin;
    *line_size = size;
    r->begin += passed;
    r->skip = cut;
    if (!rest)
        r->number++;
    return !rest;
}

int line_reader_next(struct line_reader *r, const char **line, size_t *size, struct error *error)
{
    for (;;) {
        size_t have = r->end - r->begin;
        const char *start = r->data + r->begin;
        const char *newline = have > 0 ? memchr(start, '\n', have) : NULL;

        if (newline != NULL) {
            size_t length = (size_t)(newline - start);

            if (take(r, length, length + 1, false, line, size))
                return 1;
        } else if (have == sizeof r->data) {
            if (take(r, have, have, true, line, size))
                return 1;
        } else if (r->at_end) {
            if (have == 0)
                return 0;
            if (take(r, have, have, false, line, size))
                return 1;
        } else if (fill(r, error) != 0) {
            return -1;
        }
    }
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void line_reader_trim(const char **line, size_t *size)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    const char *begin = *line, *end = *line + *size;
    const char *comment = *size > 0 ? memchr(begin, '#', *size) : NULL;

    if (*size >= sizeof mark && memcmp(begin, mark, sizeof mark) == 0)
        begin += sizeof mark;
    if (comment != NULL)
        end = comment;
    while (begin < end && is_blank(*begin))
        begin++;
    while (begin < end && is_blank(end[-1]))
        end--;
    *line = begin;
    *size = (size_t)(end - begin);
}
