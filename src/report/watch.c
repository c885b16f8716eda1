#include "watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "reporter.h"
#include "words.h"

/* Columns: of a Teredo address, an endpoint, the round-trip time and how long ago. */
enum {
    PEER_WIDTH = 39,
    ENDPOINT_WIDTH = 21,
    RTT_WIDTH = 9,
    AGO_WIDTH = 7,
    GAP = 2,
    STEP_WIDTH = 34,
    WIDE = PEER_WIDTH + ENDPOINT_WIDTH + RTT_WIDTH + AGO_WIDTH + STEP_WIDTH + 4 * GAP,
    OTHER_LINES = 5 /* than those of peers */
};

/* No sooner is the table drawn again for the sake of an event. */
#define DRAW_INTERVAL (100 * NSEC_MS)

/* How long a message stays. */
#define MESSAGE_TIME (20 * NSEC_S)

struct watch_row {
    struct in6_addr peer;
    struct endpoint endpoint;
    char step[64];
    nsec when;
    nsec rtt;      /* 0 = unknown */
    nsec answered; /* when we last sent it a direct bubble; 0 = never, or it was measured */
};

struct watch {
    const struct report_config *config;
    struct watch_row rows[WATCH_MAX_PEERS];
    unsigned count;
    unsigned forgotten; /* peers that had to go */
    char title[256];
    char message[256]; /* news, shown for a while instead of `words` */
    nsec message_end;
    char words[STATUS_STRLEN]; /* under the table */
    bool entered;              /* the second screen is shown */
    bool ended;
    nsec drawn;
};

struct watch *watch_new(const struct report_config *config)
{
    struct watch *w = calloc(1, sizeof *w);

    if (w != NULL)
        w->config = config;
    return w;
}

/* A client whose bubbles come from a link-local source sends its data from its Teredo address, and
 * both from one endpoint. */
static bool is_row_of(const struct watch_row *row, const struct in6_addr *peer,
                      struct endpoint endpoint)
{
    if (memcmp(&row->peer, peer, sizeof *peer) == 0)
        return true;
    return !endpoint_is_unset(endpoint) && endpoint_equal(row->endpoint, endpoint) &&
           (IN6_IS_ADDR_LINKLOCAL(&row->peer) || IN6_IS_ADDR_LINKLOCAL(peer));
}

static struct watch_row *find_row(struct watch *w, const struct in6_addr *peer,
                                  struct endpoint endpoint)
{
    struct watch_row *oldest = &w->rows[0];

    for (unsigned i = 0; i < w->count; i++) {
        if (is_row_of(&w->rows[i], peer, endpoint))
            return &w->rows[i];
        if (w->rows[i].when < oldest->when)
            oldest = &w->rows[i];
    }
    if (w->count < WATCH_MAX_PEERS)
        oldest = &w->rows[w->count++];
    else
        w->forgotten++;
    *oldest = (struct watch_row){.peer = *peer};
    return oldest;
}

void watch_update(struct watch *w, const struct watch_news *news)
{
    struct watch_row *row = find_row(w, news->peer, news->endpoint);

    if (!IN6_IS_ADDR_LINKLOCAL(news->peer))
        row->peer = *news->peer;
    if (!endpoint_is_unset(news->endpoint))
        row->endpoint = news->endpoint;
    snprintf(row->step, sizeof row->step, "%s", news->step);
    row->when = news->when;
    if (news->rtt != 0)
        row->rtt = news->rtt;
}

void watch_title(struct watch *w, const char *title)
{
    snprintf(w->title, sizeof w->title, "%s", title);
}

struct line {
    const char *peer, *endpoint, *step, *rtt, *ago;
};

/* Prints one line of the table, cut to COLUMNS. */
static void print_line(FILE *out, unsigned columns, const struct line *l)
{
    char line[256];
    bool wide = columns >= WIDE;
    unsigned fixed = PEER_WIDTH + RTT_WIDTH + AGO_WIDTH + 3 * GAP;
    int step_width = wide ? STEP_WIDTH : columns > fixed + 8 ? (int)(columns - fixed) : 8;

    if (wide)
        snprintf(line, sizeof line, "%-*s  %-*s  %-*.*s  %*s  %*s", PEER_WIDTH, l->peer,
                 ENDPOINT_WIDTH, l->endpoint, step_width, step_width, l->step, RTT_WIDTH, l->rtt,
                 AGO_WIDTH, l->ago);
    else
        snprintf(line, sizeof line, "%-*s  %-*.*s  %*s  %*s", PEER_WIDTH, l->peer, step_width,
                 step_width, l->step, RTT_WIDTH, l->rtt, AGO_WIDTH, l->ago);
    fprintf(out, "%.*s", (int)columns, line);
}

static void print_row(FILE *out, unsigned columns, const struct watch_row *row, nsec now)
{
    char peer[INET6_ADDRSTRLEN], endpoint[ENDPOINT_STRLEN] = "", rtt[24] = "-", ago[24];

    if (!endpoint_is_unset(row->endpoint))
        endpoint_format(row->endpoint, endpoint);
    if (row->rtt != 0)
        snprintf(rtt, sizeof rtt, "%.3f", words_ms(row->rtt));
    snprintf(ago, sizeof ago, "%.0f s", nsec_seconds(nsec_max(now - row->when, 0)));
    print_line(out, columns,
               &(struct line){words_ip6(&row->peer, peer), endpoint, row->step, rtt, ago});
}

static int later_first(const void *a, const void *b)
{
    const struct watch_row *const *x = a, *const *y = b;

    return ((*y)->when > (*x)->when) - ((*y)->when < (*x)->when);
}

/* Of a table. */
struct frame {
    FILE *out;
    unsigned columns; /* of a line, at most */
    unsigned most;    /* peers */
    const char *end;  /* of a line: on a terminal the rest of each is erased */
};

static void print_table(const struct watch *w, const struct frame *f, nsec now)
{
    const struct watch_row *order[WATCH_MAX_PEERS] = {NULL};
    unsigned shown = w->count < f->most ? w->count : f->most;

    for (unsigned i = 0; i < w->count; i++)
        order[i] = &w->rows[i];
    qsort(order, w->count, sizeof(struct watch_row *), later_first);
    print_line(f->out, f->columns,
               &(struct line){"peer", "endpoint", "last step", "rtt ms", "ago"});
    fputs(f->end, f->out);
    for (unsigned i = 0; i < shown; i++) {
        print_row(f->out, f->columns, order[i], now);
        fputs(f->end, f->out);
    }
    if (w->count + w->forgotten > shown)
        fprintf(f->out, "(and %u more)%s", w->count + w->forgotten - shown, f->end);
}

void watch_print(const struct watch *w, FILE *out, unsigned columns, unsigned most, nsec now)
{
    print_table(w, &(struct frame){out, columns, most, "\n"}, now);
}

static struct winsize size_of(const struct watch *w)
{
    struct winsize size = {0};

    if (ioctl(fileno(w->config->out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 ||
        size.ws_row == 0)
        size = (struct winsize){.ws_col = 80, .ws_row = 24};
    return size;
}

void watch_draw(struct watch *w, nsec now, const char *words)
{
    struct winsize size = size_of(w);
    FILE *out = w->config->out;
    unsigned rows = size.ws_row > OTHER_LINES ? size.ws_row - OTHER_LINES : 1;
    int columns = size.ws_col;

    if (w->ended)
        return;
    if (words != NULL)
        snprintf(w->words, sizeof w->words, "%s", words);
    /* The second screen, without a cursor; then from its top. */
    if (!w->entered)
        fputs("\033[?1049h\033[?25l", out);
    w->entered = true;
    w->drawn = now;
    fprintf(out, "\033[H%.*s\033[K\r\n\033[K\r\n", columns, w->title);
    print_table(w, &(struct frame){out, size.ws_col, rows, "\033[K\r\n"}, now);
    fprintf(out, "\033[K%.*s\033[K\033[J", columns, now < w->message_end ? w->message : w->words);
    fflush(out);
}

void watch_leave(struct watch *w)
{
    if (!w->entered)
        return;
    fputs("\033[?25h\033[?1049l", w->config->out);
    fflush(w->config->out);
    w->entered = false;
}

/* From our direct bubble to the first echo request after it: that is what the peer sends when the
 * bubble has come. */
static nsec measure(struct watch_row *row, const struct event *e)
{
    nsec rtt = 0;

    if (e->peer.activity == PEER_ANSWERED) {
        row->answered = e->when;
    } else if (e->peer.activity == PEER_ECHOED && row->answered != 0) {
        rtt = e->when - row->answered;
        row->answered = 0;
    }
    return rtt;
}

/* A bubble that was held back is no step. */
static void take_peer(struct watch *w, const struct event *e)
{
    struct watch_news news = {.peer = &e->peer.peer,
                              .endpoint = e->peer.endpoint,
                              .step = text_of(&peer_activities, e->peer.activity),
                              .when = e->when};

    if (e->peer.activity == PEER_RATE_LIMITED)
        return;
    /* That is the server's. */
    if (e->peer.activity == PEER_ANSWERED_INDIRECTLY)
        news.endpoint = (struct endpoint){0};
    news.rtt = measure(find_row(w, news.peer, news.endpoint), e);
    watch_update(w, &news);
}

static void take_address(struct watch *w, const struct in6_addr *address, struct endpoint mapped)
{
    char text[INET6_ADDRSTRLEN], endpoint[ENDPOINT_STRLEN], title[256];

    snprintf(title, sizeof title, "%s  mapped %s", words_ip6(address, text),
             endpoint_format(mapped, endpoint));
    watch_title(w, title);
}

static void tell(struct watch *w, nsec when, const char *message)
{
    snprintf(w->message, sizeof w->message, "%s", message);
    w->message_end = when + MESSAGE_TIME;
}

static void end_table(struct reporter *r, const struct event *e)
{
    struct watch *w = r->watch;

    watch_leave(w);
    w->ended = true;
    if (w->title[0] != '\0')
        fprintf(r->config.out, "%s\n", w->title);
    if (w->count > 0)
        watch_print(w, r->config.out, size_of(w).ws_col, WATCH_MAX_PEERS, e->when);
    text_emit(r, e);
}

static void take_qualification(struct reporter *r, const struct event *e)
{
    const struct qualification *q = &e->qualification;

    if (q->has_address)
        take_address(r->watch, &q->teredo_address,
                     endpoint_is_unset(q->mapped) ? q->mapped_secondary : q->mapped);
    else
        end_table(r, e);
}

/* The verdict first: there is not much room. */
static void take_punch(struct watch *w, const struct punching *p, nsec when)
{
    char step[96], verdict[32];

    words_of_code(code_of(&punch_verdicts, p->verdict), verdict, sizeof verdict);
    snprintf(step, sizeof step, "%s: %s", verdict, code_of(&punch_causes, p->cause));
    watch_update(w, &(struct watch_news){&p->peer, p->peer_mapped, step, when, p->rtt});
}

static void tell_qualification(struct watch *w, const struct event *e)
{
    char server[ENDPOINT_STRLEN], message[256];

    snprintf(message, sizeof message, "a client's qualification with %s: %s",
             endpoint_format(e->qualification.server, server),
             text_of(&qualify_reasons, e->qualification.reason));
    tell(w, e->when, message);
}

/* Draws the table if it is time to. */
static void draw_event(struct watch *w, const struct event *e)
{
    if (e->when - w->drawn >= DRAW_INTERVAL)
        watch_draw(w, e->when, NULL);
}

static void on_peer(struct reporter *r, const struct event *e)
{
    take_peer(r->watch, e);
    draw_event(r->watch, e);
}

static void on_punching(struct reporter *r, const struct event *e)
{
    take_punch(r->watch, &e->punching, e->when);
    draw_event(r->watch, e);
}

static void on_qualification(struct reporter *r, const struct event *e)
{
    if (e->qualification.captured)
        tell_qualification(r->watch, e);
    else
        take_qualification(r, e);
    draw_event(r->watch, e);
}

static void on_mapping_changed(struct reporter *r, const struct event *e)
{
    take_address(r->watch, &e->mapping.address, e->mapping.after);
    tell(r->watch, e->when, "the mapping has changed: peers must use the new address");
    draw_event(r->watch, e);
}

static void on_server_lost(struct reporter *r, const struct event *e)
{
    tell(r->watch, e->when, "the server no longer answers");
    draw_event(r->watch, e);
}

static void on_server_back(struct reporter *r, const struct event *e)
{
    tell(r->watch, e->when, "the server answers again");
    draw_event(r->watch, e);
}

void watch_free(struct watch *w)
{
    if (w == NULL)
        return;
    watch_leave(w);
    free(w);
}

static bool begin(struct reporter *r)
{
    r->watch = watch_new(&r->config);
    return r->watch != NULL;
}

static void end(struct reporter *r)
{
    watch_free(r->watch);
}

const struct output output_watch = {
    .begin = begin,
    .event =
        {
            [EVENT_PEER] = on_peer,
            [EVENT_PUNCHING] = on_punching,
            [EVENT_QUALIFICATION] = on_qualification,
            [EVENT_MAPPING_CHANGED] = on_mapping_changed,
            [EVENT_SERVER_LOST] = on_server_lost,
            [EVENT_SERVER_BACK] = on_server_back,
            [EVENT_LISTENED] = end_table,
            [EVENT_CLASSIFICATION] = end_table,
            [EVENT_PASSIVE] = end_table,
            [EVENT_QUALIFIED_MANY] = end_table,
            [EVENT_CHECKING] = end_table,
        },
    .end = end,
};
