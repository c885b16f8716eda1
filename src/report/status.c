#include "status.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool status_terminal(FILE *file)
{
    const char *kind = getenv("TERM");

    return isatty(fileno(file)) && kind != NULL && kind[0] != '\0' && strcmp(kind, "dumb") != 0;
}

void status_init(struct status *s, FILE *err, bool quiet)
{
    *s = (struct status){.err = err, .on = err != NULL && !quiet && status_terminal(err)};
}

void status_hush(struct status *s, nsec when)
{
    if (s->shown) {
        fputs("\r\033[K", s->err);
        fflush(s->err);
    }
    s->shown = false;
    s->printed = when;
}

static int columns_of(FILE *file)
{
    struct winsize size;

    return ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void status_show(struct status *s, nsec now, const char *text)
{
    if (!s->on)
        return;
    if (s->started == 0)
        s->started = now;
    if (now - nsec_max(s->started, s->printed) < NSEC_S)
        return;
    /* A line that fills the last column wraps, and could not be erased. */
    fprintf(s->err, "\r\033[K%.*s", columns_of(s->err) - 1, text);
    fflush(s->err);
    s->shown = true;
}

__attribute__((format(printf, 2, 3))) static void add(char *buf, const char *format, ...)
{
    size_t used = strlen(buf);
    va_list args;

    va_start(args, format);
    vsnprintf(buf + used, STATUS_STRLEN - used, format, args);
    va_end(args);
}

static void add_try(char *buf, const struct waiting *w, const char *what)
{
    if (w->try > 0 && w->tries > 0)
        add(buf, ": %s %u of %u", what, w->try, w->tries);
    else if (w->try > 0)
        add(buf, ": %s %u", what, w->try);
}

static void add_bounds(char *buf, const struct waiting *w)
{
    if (w->at_least > 0)
        add(buf, ", at least %.1f s", nsec_seconds(w->at_least));
    if (w->at_most != NSEC_NEVER)
        add(buf, ", at most %.1f s", nsec_seconds(w->at_most));
}

const char *status_words(const struct waiting *w, nsec now, char buf[static STATUS_STRLEN])
{
    char whom[ENDPOINT_STRLEN];

    buf[0] = '\0';
    endpoint_format(w->whom, whom);
    switch (w->what) {
    case WAITING_FOR_NOTHING:
        return buf;
    case WAITING_FOR_SERVER:
        add(buf, "waiting for the server %s", whom);
        add_try(buf, w, "solicitation");
        break;
    case WAITING_FOR_PEER:
        add(buf, "waiting for the peer %s", whom);
        add_try(buf, w, "bubble pair");
        break;
    case WAITING_FOR_ECHO:
        add(buf, "waiting for data from the peer %s", whom);
        add_try(buf, w, "echo request");
        break;
    case WAITING_FOR_PEERS:
        add(buf, "waiting for peers: %u came", w->try);
        if (w->tries > 0)
            add(buf, ", %u asked for", w->tries);
        break;
    case WAITING_FOR_PUNCHES:
        add(buf, "watching: %u hole punch%s so far", w->try, w->try == 1 ? "" : "es");
        break;
    case WAITING_FOR_TESTS:
        add(buf, "testing the NAT by the server %s", whom);
        add_try(buf, w, "round");
        break;
    case WAITING_FOR_LIFETIME:
        add(buf, "measuring how long a mapping lives");
        add_bounds(buf, w);
        break;
    }
    if (w->until != NSEC_NEVER)
        add(buf, ", %.1f s left", nsec_seconds(nsec_max(w->until - now, 0)));
    else
        add(buf, ", for %.0f s", nsec_seconds(nsec_max(now - w->since, 0)));
    return buf;
}
