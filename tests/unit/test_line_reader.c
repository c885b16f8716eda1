#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include "hex.h"
#include "line_reader.h"
#include "prng.h"
#include "tap.h"

static struct line_reader reader;
static unsigned waits;

static void count_wait(void *context)
{
    waits += context == &waits;
}

/* An unlinked file that holds DATA, at its begin. */
static int file_of(const void *data, size_t size)
{
    char name[] = "/tmp/test_line_reader.XXXXXX";
    int fd = mkstemp(name);

    unlink(name);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return fd;
}

/* Reads all lines of TEXT and compares them with WANT, a list that ends with NULL. */
static void expect(const char *text, const char *const *want, const char *why)
{
    struct error error = {0};
    const char *line;
    size_t size;
    bool same = true;
    int fd = file_of(text, strlen(text)), more;

    line_reader_init(&reader, fd, NULL, NULL);
    while ((more = line_reader_next(&reader, &line, &size, &error)) > 0) {
        if (*want == NULL || strlen(*want) != size || memcmp(*want, line, size) != 0)
            same = false;
        if (*want != NULL)
            want++;
    }
    ok(more == 0 && same && *want == NULL, "%s", why);
    close(fd);
}

static void test_lines(void)
{
    expect("", (const char *const[]){NULL}, "an empty file has no line");
    expect("\n", (const char *const[]){"", NULL}, "a line may be empty");
    expect("a\nbc\n\nd\n", (const char *const[]){"a", "bc", "", "d", NULL}, "lines come in order");
    expect("a\nb", (const char *const[]){"a", "b", NULL}, "the last line may lack its end");
    expect("a\r\nb\r\n", (const char *const[]){"a\r", "b\r", NULL},
           "a carriage return is left to the trimming");
}

static void test_many_lines(void)
{
    enum {
        LINES = 20000
    };
    struct prng p = {.state = 14}, q = {.state = 14};
    static char data[LINES * 41];
    size_t end = 0, size;
    struct error error = {0};
    const char *line;
    unsigned wrong = 0, count = 0;
    int fd;

    for (unsigned i = 0; i < LINES; i++) {
        size_t n = prng_below(&p, 40);

        memset(data + end, 'a' + (int)(i % 26), n);
        data[end + n] = '\n';
        end += n + 1;
    }
    fd = file_of(data, end);
    line_reader_init(&reader, fd, NULL, NULL);
    while (line_reader_next(&reader, &line, &size, &error) > 0) {
        size_t n = prng_below(&q, 40);

        wrong += size != n || reader.number != count + 1;
        for (size_t i = 0; i < size; i++)
            wrong += line[i] != 'a' + (int)(count % 26);
        count++;
    }
    close(fd);
    ok(count == LINES && wrong == 0,
       "20,000 lines over many blocks come whole and with their number");
}

static void test_long_lines(void)
{
    static const size_t sizes[] = {LINE_READER_ROOM - 1, LINE_READER_ROOM, LINE_READER_ROOM + 1,
                                   3 * LINE_READER_ROOM, 3 * LINE_READER_ROOM + 7};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t long_size = sizes[i], size;
        char *data = malloc(long_size + 4);
        struct error error = {0};
        const char *line;
        int fd;

        memset(data, 'x', long_size);
        memcpy(data + long_size, "\ny\n", 4);
        fd = file_of(data, long_size + 3);
        line_reader_init(&reader, fd, NULL, NULL);
        ok(line_reader_next(&reader, &line, &size, &error) == 1 && reader.number == 1 &&
               size == (long_size < LINE_READER_ROOM ? long_size : LINE_READER_ROOM),
           "a line of %zu bytes is given once, cut to the room", long_size);
        ok(line_reader_next(&reader, &line, &size, &error) == 1 && size == 1 && *line == 'y' &&
               reader.number == 2,
           "the next line after %zu bytes is the second", long_size);
        is_int(line_reader_next(&reader, &line, &size, &error), 0, "and the last");
        close(fd);
        free(data);
    }
}

static void test_waiting(void)
{
    struct error error = {0};
    const char *line;
    size_t size;
    int fds[2];

    if (pipe(fds) != 0 || write(fds[1], "a\nb\nc", 5) != 5)
        abort();
    waits = 0;
    line_reader_init(&reader, fds[0], count_wait, &waits);
    line_reader_next(&reader, &line, &size, &error);
    line_reader_next(&reader, &line, &size, &error);
    is_int(waits, 0, "while lines are at hand nobody has to wait");
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    is_int(line_reader_next(&reader, &line, &size, &error), -1,
           "a read that would have to wait, and may not, is an error");
    is_int(waits, 1, "before it the caller is told");
    is_int(error.status, EX_IOERR, "the error is one of input");
    close(fds[0]);
    close(fds[1]);
}

static void test_read_error(void)
{
    struct error error = {0};
    const char *line;
    size_t size;
    int fd = open("/tmp", O_RDONLY);

    line_reader_init(&reader, fd, NULL, NULL);
    ok(line_reader_next(&reader, &line, &size, &error) == -1 && error.status == EX_IOERR &&
           strstr(error.what, "Is a directory") != NULL,
       "an error of the system is told in its own words");
    close(fd);
}

static void test_trim(void)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"", ""},
        {"a", "a"},
        {"  a b\t", "a b"},
        {"a\r", "a"},
        {"# a", ""},
        {"a # b # c", "a"},
        {" \t\r", ""},
        {"\xef\xbb\xbf"
         "a",
         "a"},
        {"\xef\xbb\xbf", ""},
        {"\xef\xbb", "\xef\xbb"},
        {"#", ""},
        {"\xef\xbb\xbf # a", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size = strlen(rows[i].line);
        uint8_t *copy = exact_copy(rows[i].line, size);
        const char *line = (const char *)copy;

        line_reader_trim(&line, &size);
        ok(size == strlen(rows[i].want) && memcmp(line, rows[i].want, size) == 0,
           "line %zu is trimmed to \"%s\"", i, rows[i].want);
        free(copy);
    }
}

int main(void)
{
    test_lines();
    test_many_lines();
    test_long_lines();
    test_waiting();
    test_read_error();
    test_trim();
    return done_testing();
}
