#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *e, int status, int errnum, const char *format, ...)
{
    va_list args;
    int n;

    e->status = status;
    e->hint[0] = '\0';
    va_start(args, format);
    n = vsnprintf(e->what, sizeof e->what, format, args);
    va_end(args);
    if (errnum != 0 && n >= 0 && (size_t)n < sizeof e->what)
        snprintf(e->what + n, sizeof e->what - (size_t)n, ": %s", strerror(errnum));
    return -1;
}

int error_hint(struct error *e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(e->hint, sizeof e->hint, format, args);
    va_end(args);
    return -1;
}
