#include "diagnostics.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "foreign.h"

static FILE *unguarded;

static void write_all(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, data, size);

        /* Who could be told? */
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
}

static ssize_t write_clean(void *cookie, const char *data, size_t size)
{
    char block[4096];
    size_t used = 0, length;

    (void)cookie;
    for (size_t i = 0; i < size; i += length) {
        bool shown;

        length = foreign_length(data + i, size - i, &shown);
        if (used + length > sizeof block) {
            write_all(block, used);
            used = 0;
        }
        if (shown || data[i] == '\n' || data[i] == '\t') {
            memcpy(block + used, data + i, length);
            used += length;
        } else {
            block[used++] = '?';
        }
    }
    write_all(block, used);
    return (ssize_t)size;
}

void diagnostics_guard(void)
{
    FILE *guarded = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_clean});

    if (guarded == NULL)
        return;
    setvbuf(guarded, NULL, _IONBF, 0);
    unguarded = stderr;
    stderr = guarded;
}

FILE *diagnostics_terminal(void)
{
    return unguarded != NULL ? unguarded : stderr;
}
