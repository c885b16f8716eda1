#include "ladder.h"

#include <langinfo.h>
#include <string.h>

/* Columns of the time, on the left, and what the outer lanes keep free for their titles. */
enum {
    TIME_WIDTH = 12,
    MARGIN = 4
};

/* One line under construction: a short string a column. */
struct line {
    const char *cells[LADDER_MAX_WIDTH + 1];
};

static const char ascii_cells[128][2] = {
#define ROW(c)                                                             \
    {c}, {(c) + 1}, {(c) + 2}, {(c) + 3}, {(c) + 4}, {(c) + 5}, {(c) + 6}, \
    {                                                                      \
        (c) + 7                                                            \
    }
    ROW(0),  ROW(8),  ROW(16), ROW(24), ROW(32), ROW(40),  ROW(48),  ROW(56),
    ROW(64), ROW(72), ROW(80), ROW(88), ROW(96), ROW(104), ROW(112), ROW(120),
#undef ROW
};

void ladder_init(struct ladder *l, FILE *out, unsigned width, bool ascii, bool color)
{
    if (width < LADDER_MIN_WIDTH)
        width = LADDER_MIN_WIDTH;
    if (width > LADDER_MAX_WIDTH)
        width = LADDER_MAX_WIDTH;
    *l = (struct ladder){.out = out, .width = width, .ascii = ascii, .color = color};
}

unsigned ladder_lane(struct ladder *l, const char *title)
{
    if (l->lanes == LADDER_MAX_LANES)
        return LADDER_MAX_LANES - 1;
    l->titles[l->lanes] = title;
    return l->lanes++;
}

static unsigned lane_column(const struct ladder *l, unsigned lane)
{
    unsigned room = l->width - TIME_WIDTH - 2 * MARGIN - 1;

    return TIME_WIDTH + MARGIN + (l->lanes > 1 ? lane * room / (l->lanes - 1) : 0);
}

static void put_text(struct line *line, unsigned column, const char *text, size_t length)
{
    for (size_t i = 0; i < length && column + i < LADDER_MAX_WIDTH; i++) {
        unsigned char c = (unsigned char)text[i];

        line->cells[column + i] = ascii_cells[c < 128 ? c : '?'];
    }
}

static void start_line(const struct ladder *l, struct line *line)
{
    for (unsigned i = 0; i < l->width; i++)
        line->cells[i] = " ";
    for (unsigned i = 0; i < l->lanes; i++)
        line->cells[lane_column(l, i)] = l->ascii ? "|" : "│";
}

static void print_line(const struct ladder *l, const struct line *line)
{
    unsigned end = l->width;

    while (end > 0 && line->cells[end - 1][0] == ' ')
        end--;
    for (unsigned i = 0; i < end; i++)
        fputs(line->cells[i], l->out);
    fputc('\n', l->out);
}

void ladder_head(const struct ladder *l)
{
    struct line line;

    for (unsigned i = 0; i < l->width; i++)
        line.cells[i] = " ";
    for (unsigned i = 0; i < l->lanes; i++) {
        size_t length = strlen(l->titles[i]);
        unsigned column = lane_column(l, i);
        unsigned start = column - (unsigned)(length / 2 < column ? length / 2 : column);

        if (start + length > l->width)
            start = l->width - (unsigned)length;
        put_text(&line, start, l->titles[i], length);
    }
    print_line(l, &line);
    start_line(l, &line);
    print_line(l, &line);
}

static void put_shaft(const struct ladder *l, struct line *line, const struct ladder_arrow *a,
                      unsigned low, unsigned high)
{
    const char *shaft = l->ascii ? "-" : "─";
    bool rightward = a->to > a->from;
    const char *head = rightward ? (l->ascii ? ">" : "▶") : (l->ascii ? "<" : "◀");

    for (unsigned i = low + 1; i < high; i++)
        line->cells[i] = a->dashed && i % 2 == 0 ? " " : shaft;
    if (a->stopped)
        line->cells[rightward ? high : low] = l->ascii ? "X" : "✗";
    line->cells[rightward ? high - 1 : low + 1] = head;
}

void ladder_arrow(const struct ladder *l, const struct ladder_arrow *a)
{
    struct line line;
    char label[128], time[TIME_WIDTH + 8];
    unsigned from = lane_column(l, a->from), to = lane_column(l, a->to);
    unsigned low = from < to ? from : to, high = from < to ? to : from;
    int n = snprintf(label, sizeof label, " %s ", a->label);
    size_t length = n < 0 ? 0 : (size_t)n < sizeof label ? (size_t)n : sizeof label - 1;

    /* A label too long for its arrow goes on a line of its own above it. */
    if (length + 4 > high - low && high - low > 1) {
        start_line(l, &line);
        put_text(&line, low + 2 + length - 2 < l->width ? low + 2 : l->width - (unsigned)length,
                 label + 1, length - 2);
        print_line(l, &line);
        length = 0;
    }
    start_line(l, &line);
    snprintf(time, sizeof time, "%+9.3f ms", (double)a->offset / 1e6);
    put_text(&line, 0, time, strlen(time));
    put_shaft(l, &line, a, low, high);
    put_text(&line, low + (high - low - (unsigned)length) / 2 + 1, label, length);
    print_line(l, &line);
}

/* How much of TEXT, at most ROOM bytes, goes on one line: up to a space. */
static size_t break_at(const char *text, size_t room)
{
    size_t length = strlen(text), n;

    if (length <= room)
        return length;
    for (n = room; n > 0 && text[n] != ' '; n--)
        ;
    return n > 0 ? n : room;
}

void ladder_note(const struct ladder *l, unsigned lane, const char *text)
{
    unsigned column = lane_column(l, lane);
    bool leftward = column > l->width * 3 / 5;
    size_t room = leftward ? column - TIME_WIDTH - 2 : l->width - column - 2;

    while (*text != '\0') {
        struct line line;
        size_t n = break_at(text, room);

        start_line(l, &line);
        put_text(&line, leftward ? column - 1 - (unsigned)n : column + 2, text, n);
        if (l->color)
            fputs("\033[2m", l->out);
        print_line(l, &line);
        if (l->color)
            fputs("\033[0m", l->out);
        text += n;
        while (*text == ' ')
            text++;
    }
}

bool ladder_locale_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}
