#include "ladder.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

/* Columns of the time, on the left, and what the outer lanes keep free for their titles. */
enum {
    TIME_WIDTH = 14,
    MARGIN = 4
};

enum shade {
    SHADE_PLAIN,
    SHADE_DIM,
    SHADE_BOLD,
    SHADE_CROSS
};

static const char *const shades[] = {
    [SHADE_PLAIN] = "\033[0m",
    [SHADE_DIM] = "\033[0;2m",
    [SHADE_BOLD] = "\033[0;1m",
    [SHADE_CROSS] = "\033[0;1;31m",
};

static const char *const mood_colors[] = {
    [MOOD_YES] = "\033[1;32m",
    [MOOD_NO] = "\033[1;31m",
    [MOOD_UNSURE] = "\033[1;33m",
};

struct cell {
    char text[5]; /* one character of UTF-8 */
    enum shade shade;
};

/* A chart on its way out; `cells` are the line under construction. */
struct ladder {
    FILE *out;
    const struct sequence *s;
    struct ladder_style style;
    unsigned order[SEQUENCE_MAX_LANES];
    unsigned place[SEQUENCE_MAX_LANES];
    struct cell cells[LADDER_MAX_WIDTH];
};

static unsigned lane_column(const struct ladder *l, unsigned lane)
{
    unsigned room = l->style.width - TIME_WIDTH - 2 * MARGIN - 1, lanes = l->s->lane_count;

    return TIME_WIDTH + MARGIN + (lanes > 1 ? l->place[lane] * room / (lanes - 1) : 0);
}

static void put_cell(struct ladder *l, unsigned column, const char *text, enum shade shade)
{
    if (column >= l->style.width)
        return;
    snprintf(l->cells[column].text, sizeof l->cells[column].text, "%s", text);
    l->cells[column].shade = shade;
}

static void put_text(struct ladder *l, unsigned column, const char *text, size_t length,
                     enum shade shade)
{
    for (size_t i = 0; i < length; i++) {
        char c = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';

        put_cell(l, column + (unsigned)i, (char[]){c, '\0'}, shade);
    }
}

static void blank_line(struct ladder *l)
{
    for (unsigned i = 0; i < l->style.width; i++)
        put_cell(l, i, " ", SHADE_PLAIN);
}

static void lane_line(struct ladder *l)
{
    blank_line(l);
    for (unsigned i = 0; i < l->s->lane_count; i++)
        put_cell(l, lane_column(l, i), l->style.ascii ? "|" : "│", SHADE_DIM);
}

static void print_line(const struct ladder *l)
{
    enum shade shade = SHADE_PLAIN;
    unsigned end = l->style.width;

    while (end > 0 && l->cells[end - 1].text[0] == ' ')
        end--;
    for (unsigned i = 0; i < end; i++) {
        const struct cell *c = &l->cells[i];

        /* A space looks the same in every shade. */
        if (l->style.color && c->shade != shade && c->text[0] != ' ') {
            fputs(shades[c->shade], l->out);
            shade = c->shade;
        }
        fputs(c->text, l->out);
    }
    if (shade != SHADE_PLAIN)
        fputs(shades[SHADE_PLAIN], l->out);
    fputc('\n', l->out);
}

/* Where a title of LENGTH characters begins, in the middle above its lane where it can. */
static unsigned title_column(const struct ladder *l, unsigned lane, size_t length)
{
    unsigned column = lane_column(l, lane), half = (unsigned)length / 2;
    unsigned start = column > half ? column - half : 0;

    return start + length > l->style.width ? l->style.width - (unsigned)length : start;
}

static bool titles_overlap(const struct ladder *l)
{
    for (unsigned i = 1; i < l->s->lane_count; i++) {
        unsigned left = l->order[i - 1], right = l->order[i];
        size_t length = strlen(l->s->lanes[left].title);

        if (title_column(l, left, length) + length >=
            title_column(l, right, strlen(l->s->lanes[right].title)))
            return true;
    }
    return false;
}

/* In one row; or in two, every second title in each, where they would touch. */
static void write_titles(struct ladder *l)
{
    unsigned rows = titles_overlap(l) ? 2 : 1;

    for (unsigned row = 0; row < rows; row++) {
        blank_line(l);
        if (row + 1 == rows)
            put_text(l, TIME_WIDTH - 4, "ms", 2, SHADE_DIM);
        for (unsigned i = 0; i < l->s->lane_count; i++) {
            const char *title = l->s->lanes[l->order[i]].title;

            if (i % rows == row)
                put_text(l, title_column(l, l->order[i], strlen(title)), title, strlen(title),
                         SHADE_BOLD);
            else if (row > 0)
                put_cell(l, lane_column(l, l->order[i]), l->style.ascii ? "|" : "│", SHADE_DIM);
        }
        print_line(l);
    }
    lane_line(l);
    print_line(l);
}

/* How much of TEXT, of LENGTH bytes, goes on one line of ROOM: up to a space. */
static size_t break_at(const char *text, size_t length, size_t room)
{
    size_t n;

    if (length <= room)
        return length;
    for (n = room; n > 0 && text[n] != ' '; n--)
        ;
    return n > 0 ? n : room;
}

void ladder_wrap(FILE *out, const char *text, unsigned width, unsigned indent)
{
    while (*text != '\0') {
        size_t own = strspn(text, " "), left = own, line = strcspn(text, "\n");
        const char *next = text + line + (text[line] == '\n' ? 1 : 0);

        text += own;
        do {
            size_t n = break_at(text, strcspn(text, "\n"), width > left + 8 ? width - left : 8);

            fprintf(out, "%*s%.*s\n", (int)left, "", (int)n, text);
            text += n;
            text += strspn(text, " ");
            left = own + indent;
        } while (*text != '\n' && *text != '\0');
        text = next;
    }
}

/* Who is who, as far as there is more to say of a lane than its title. */
static void write_head(struct ladder *l)
{
    char text[SEQUENCE_MAX_LANES * (SEQUENCE_TITLE + SEQUENCE_DETAIL + 4)] = "";
    size_t used = 0;

    for (unsigned i = 0; i < l->s->lane_count; i++) {
        const struct sequence_lane *lane = &l->s->lanes[l->order[i]];

        if (lane->detail[0] != '\0')
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s: %s",
                                     used > 0 ? ", " : "", lane->title, lane->detail);
    }
    if (l->s->title[0] != '\0')
        ladder_wrap(l->out, l->s->title, l->style.width, 2);
    if (used > 0)
        ladder_wrap(l->out, text, l->style.width, 2);
    if (l->s->title[0] != '\0' || used > 0)
        fputc('\n', l->out);
}

static void put_shaft(struct ladder *l, const struct sequence_item *a, unsigned low, unsigned high)
{
    bool rightward = l->place[a->to] > l->place[a->from], ascii = l->style.ascii;
    const char *head = rightward ? (ascii ? ">" : "▶") : (ascii ? "<" : "◀");

    for (unsigned i = low + 1; i < high; i++)
        put_cell(l, i, a->dashed && i % 2 == 0 ? " " : ascii ? "-" : "─", SHADE_PLAIN);
    if (a->stopped)
        put_cell(l, rightward ? high : low, ascii ? "X" : "✗", SHADE_CROSS);
    put_cell(l, rightward ? high - 1 : low + 1, head, SHADE_PLAIN);
}

/* A label too long for its arrow goes above it, on as many lines as it needs. */
static void label_above(struct ladder *l, const char *label, unsigned low)
{
    unsigned room = l->style.width - TIME_WIDTH - 1;

    while (*label != '\0') {
        size_t n = break_at(label, strlen(label), room);
        unsigned start = low + 2;

        if (start + n > l->style.width)
            start = l->style.width - (unsigned)n;
        lane_line(l);
        put_text(l, start, label, n, SHADE_PLAIN);
        print_line(l);
        label += n;
        label += strspn(label, " ");
    }
}

static void write_arrow(struct ladder *l, const struct sequence_item *a)
{
    unsigned from = lane_column(l, a->from), to = lane_column(l, a->to);
    unsigned low = from < to ? from : to, high = from < to ? to : from;
    size_t length = strlen(a->label);
    bool above = length + 5 > high - low;
    char time[TIME_WIDTH + 1];

    if (above)
        label_above(l, a->label, low);
    lane_line(l);
    sequence_time(a, time, TIME_WIDTH - 1);
    put_text(l, TIME_WIDTH - 2 - (unsigned)strlen(time), time, strlen(time), SHADE_PLAIN);
    put_shaft(l, a, low, high);
    if (!above) {
        unsigned start = low + (high - low - (unsigned)length) / 2;

        put_cell(l, start - 1, " ", SHADE_PLAIN);
        put_text(l, start, a->label, length, SHADE_PLAIN);
        put_cell(l, start + (unsigned)length, " ", SHADE_PLAIN);
    }
    print_line(l);
}

/* Beside its lane, on the side that has more room. */
static void write_remark(struct ladder *l, const struct sequence_item *remark)
{
    unsigned column = lane_column(l, remark->from), width = l->style.width;
    bool leftward = column > width * 3 / 5;
    size_t room = leftward ? column - TIME_WIDTH - 2 : width - column - 2;
    const char *text = remark->label;
    char time[TIME_WIDTH + 1];

    sequence_time(remark, time, TIME_WIDTH - 1);
    while (*text != '\0') {
        size_t n = break_at(text, strlen(text), room);

        lane_line(l);
        if (text == remark->label)
            put_text(l, TIME_WIDTH - 2 - (unsigned)strlen(time), time, strlen(time), SHADE_PLAIN);
        put_text(l, leftward ? column - 1 - (unsigned)n : column + 2, text, n, SHADE_DIM);
        print_line(l);
        text += n;
        text += strspn(text, " ");
    }
}

/* Colour takes no columns: the lines are broken first. */
static void write_verdict(const struct ladder *l)
{
    size_t word = l->s->word, size = 0;
    char *text = NULL;
    FILE *wrapped = open_memstream(&text, &size);

    if (wrapped == NULL)
        return;
    ladder_wrap(wrapped, l->s->verdict, l->style.width, 2);
    if (fclose(wrapped) == 0 && l->style.color && size > word)
        fprintf(l->out, "%s%.*s\033[0m%s", mood_colors[l->s->mood], (int)word, text, text + word);
    else if (text != NULL)
        fputs(text, l->out);
    free(text);
}

void ladder_write(FILE *out, const struct sequence *s, const struct ladder_style *style)
{
    struct ladder l = {.out = out, .s = s, .style = *style};

    if (l.style.width < LADDER_MIN_WIDTH)
        l.style.width = LADDER_MIN_WIDTH;
    if (l.style.width > LADDER_MAX_WIDTH)
        l.style.width = LADDER_MAX_WIDTH;
    sequence_order(s, l.order, l.place);
    write_head(&l);
    write_titles(&l);
    for (unsigned i = 0; i < s->count; i++)
        if (s->items[i].kind == SEQUENCE_ARROW)
            write_arrow(&l, &s->items[i]);
        else
            write_remark(&l, &s->items[i]);
    if (s->beyond > 0)
        fprintf(out, "(and %u lines more)\n", s->beyond);
    if (sequence_has_dashed(s))
        fprintf(out, "\nA dashed arrow is inferred: this side did not see it.\n");
    if (s->verdict != NULL) {
        fputc('\n', out);
        write_verdict(&l);
    }
}

bool ladder_locale_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}
