#include "line_reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
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
    r->stop = -1;
    r->before_wait = before_wait;
    r->context = context;
}

static volatile sig_atomic_t stopped_by;
static int stop_fd;

static void note_stop(int number)
{
    const uint64_t one = 1;
    int saved = errno;
    ssize_t unused = write(stop_fd, &one, sizeof one);

    (void)unused;
    stopped_by = number;
    errno = saved;
}

int line_reader_end_on_signals(struct line_reader *r, struct error *error)
{
    /* Results that are being written are written on. */
    const struct sigaction action = {.sa_handler = note_stop,
                                     .sa_flags = SA_RESTART | SA_RESETHAND};

    r->stop = stop_fd = eventfd(stopped_by != 0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->stop < 0)
        return error_set(error, EX_OSERR, errno, "cannot start");
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return 0;
}

void line_reader_die_of_signal(void)
{
    if (stopped_by != 0)
        raise(stopped_by);
}

/* Waits until there is something to read; false if it was stopped instead. */
static bool wait_for_input(struct line_reader *r)
{
    struct pollfd ready[] = {{.fd = r->stop, .events = POLLIN}, {.fd = r->fd, .events = POLLIN}};

    if (poll(ready, 2, 0) == 0 && r->before_wait != NULL)
        r->before_wait(r->context);
    if (r->stop >= 0)
        while (poll(ready, 2, -1) < 0 && errno == EINTR)
            continue;
    return (ready[0].revents & POLLIN) == 0;
}

/* Reads a block behind the bytes at hand, which move to the front. */
static int fill(struct line_reader *r, struct error *error)
{
    ssize_t n = 0;

    memmove(r->data, r->data + r->begin, r->end - r->begin);
    r->end -= r->begin;
    r->begin = 0;
    if (wait_for_input(r))
        do
            n = read(r->fd, r->data + r->end, sizeof r->data - r->end);
        while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set(error, EX_IOERR, errno, "cannot read the input");
    r->at_end = n == 0;
    r->end += (size_t)n;
    return 0;
}

/* Passes over SIZE bytes of a line, all of it or the first part. False if they are the rest of a
 * line of which the first part was passed over before. */
enum part {
    WHOLE,
    FIRST_PART
};

static bool pass(struct line_reader *r, size_t size, enum part part)
{
    bool rest = r->skip;

    r->begin += size;
    r->skip = part == FIRST_PART;
    if (!rest)
        r->number++;
    return !rest;
}

int line_reader_next(struct line_reader *r, const char **line, size_t *size, struct error *error)
{
    for (;;) {
        size_t have = r->end - r->begin;
        const char *newline;

        *line = r->data + r->begin;
        newline = have > 0 ? memchr(*line, '\n', have) : NULL;
        *size = newline != NULL ? (size_t)(newline - *line) : have;
        if (newline != NULL) {
            if (pass(r, *size + 1, WHOLE))
                return 1;
        } else if (have == sizeof r->data) {
            if (pass(r, have, FIRST_PART))
                return 1;
        } else if (r->at_end) {
            if (have == 0)
                return 0;
            if (pass(r, have, WHOLE))
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
