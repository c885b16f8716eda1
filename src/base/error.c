#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "foreign.h"

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
    foreign_clean_text(e->what);
    return -1;
}

int error_set_no_input(struct error *e, int errnum, const char *name)
{
    bool exhausted = errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM;

    return error_set(e, exhausted ? EX_OSERR : EX_NOINPUT, errnum, "cannot read %s", name);
}

int error_hint(struct error *e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(e->hint, sizeof e->hint, format, args);
    va_end(args);
    foreign_clean_text(e->hint);
    return -1;
}
