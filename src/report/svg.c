#include "svg.h"

#include <string.h>

#include "foreign.h"

/* Pixels. The widths of characters are those of nearly every monospaced font: 0.6 of the size. */
enum {
    LEFT = 124, /* what the times take */
    MARGIN = 70,
    SPACING = 150, /* from lane to lane, at least */
    ROW = 34,
    QUARTER = 8, /* of a row */
    LINE = 17,
    HALF_LINE = 8,
    HEAD = 44,
    GAP = 28,
    HALF_GAP = 14,
    EDGE = 16,
    FONT = 13,
    SMALL = 11
};

#define CHARACTER (0.6 * FONT)
#define SMALL_CHARACTER (0.6 * SMALL)

static const char *const mood_classes[] = {
    [MOOD_YES] = "yes",
    [MOOD_NO] = "no",
    [MOOD_UNSURE] = "unsure",
};

static const char style[] =
    "text{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#1f2328;"
    "white-space:pre}"
    ".bg{fill:#ffffff}"
    ".lane{stroke:#8c959f;stroke-width:1}"
    ".title{font-weight:bold}"
    ".small{font-size:11px;fill:#59636e}"
    ".label{paint-order:stroke;stroke:#ffffff;stroke-width:4px}"
    ".arrow{stroke:#0969da;stroke-width:1.5;fill:none}"
    ".head{fill:#0969da}"
    ".dashed{stroke-dasharray:6 4}"
    ".cross{stroke:#cf222e;stroke-width:2.5}"
    ".yes{fill:#1a7f37;font-weight:bold}"
    ".no{fill:#cf222e;font-weight:bold}"
    ".unsure{fill:#9a6700;font-weight:bold}";

/* A chart on its way out. */
struct picture {
    FILE *out;
    const struct sequence *s;
    unsigned place[SEQUENCE_MAX_LANES];
    double spacing;
    double width; /* of the whole */
    double y;     /* of what comes next */
    bool draws;   /* else it only takes the room */
};

/* Where a text goes, and how it looks. */
struct place {
    double x, y;
    const char *anchor, *class;
};

void svg_text(FILE *out, const char *text)
{
    while (*text != '\0') {
        bool shown;
        size_t length = foreign_length(text, strnlen(text, 4), &shown);

        /* U+FFFE and U+FFFF are no characters of XML. */
        if ((!shown && (unsigned char)*text >= 0x80) ||
            (length == 3 && memcmp(text, "\xef\xbf", 2) == 0 && (unsigned char)text[2] >= 0xbe))
            fputc('?', out);
        else if (length > 1)
            fprintf(out, "%.*s", (int)length, text);
        else if (!shown)
            fputc(' ', out);
        else if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '"')
            fputs("&quot;", out);
        else
            fputc(*text, out);
        text += length;
    }
}

static double lane_x(const struct picture *p, unsigned lane)
{
    return LEFT + MARGIN + p->place[lane] * p->spacing;
}

static void put_text(const struct picture *p, const struct place *at, const char *text,
                     size_t length)
{
    char copy[512];

    if (length == 0 || !p->draws)
        return;
    snprintf(copy, sizeof copy, "%.*s", (int)length, text);
    fprintf(p->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", at->x, at->y,
            at->anchor, at->class);
    svg_text(p->out, copy);
    fputs("</text>\n", p->out);
}

/* How much of TEXT goes on a line of ROOM pixels: up to a space. */
static size_t break_at(const char *text, double room, double character)
{
    size_t length = strcspn(text, "\n"),
           most = room > 20 * character ? (size_t)(room / character) : 20;
    size_t n = most;

    if (length <= most)
        return length;
    while (n > 0 && text[n] != ' ')
        n--;
    return n > 0 ? n : most;
}

/* TEXT in lines of ROOM pixels, from p->y on, whatever the place's own Y. */
static void put_lines(struct picture *p, struct place at, double room, const char *text)
{
    while (*text != '\0') {
        size_t n = break_at(text, room, CHARACTER);

        at.y = p->y += LINE;
        put_text(p, &at, text, n);
        text += n;
        text += strspn(text, " \n");
    }
}

static void put_cross(const struct picture *p, double x, double y)
{
    fprintf(p->out, "<path class=\"cross\" d=\"M%.1f %.1fl12 12m0 -12l-12 12\" fill=\"none\"/>\n",
            x - 6, y - 6);
}

static void put_time(const struct picture *p, const struct sequence_item *item, double y)
{
    char time[24];

    sequence_time(item, time, sizeof time);
    put_text(p, &(struct place){LEFT - 14, y, "end", "small"}, time, strlen(time));
}

static void put_arrow(struct picture *p, const struct sequence_item *item)
{
    double from = lane_x(p, item->from), to = lane_x(p, item->to), y;
    double back = to > from ? -9 : 9, end = item->stopped ? to + back : to;

    p->y += ROW;
    if (!p->draws)
        return;
    y = p->y;
    put_time(p, item, y + 4);
    fprintf(p->out, "<path class=\"arrow%s\" d=\"M%.1f %.1fH%.1f\"/>\n",
            item->dashed ? " dashed" : "", from, y, end + back);
    fprintf(p->out, "<path class=\"head\" d=\"M%.1f %.1fl%.1f -4.5v9z\"/>\n", end, y, back);
    if (item->stopped)
        put_cross(p, to, y);
    put_text(p, &(struct place){(from + to) / 2, y - 6, "middle", "label"}, item->label,
             strlen(item->label));
}

static void put_remark(struct picture *p, const struct sequence_item *item)
{
    double x = lane_x(p, item->from);
    bool leftward = x > p->width * 3 / 5;
    double room = leftward ? x - LEFT - 16 : p->width - x - 8 - EDGE;
    struct place at = {leftward ? x - 8 : x + 8, 0, leftward ? "end" : "start", "small label"};

    p->y += QUARTER;
    put_time(p, item, p->y + LINE);
    put_lines(p, at, room, item->label);
}

static void put_heads(struct picture *p, double bottom)
{
    put_text(p, &(struct place){LEFT - 14, p->y + 15, "end", "small"}, "ms", 2);
    for (unsigned i = 0; i < p->s->lane_count; i++) {
        const struct sequence_lane *lane = &p->s->lanes[i];
        double x = lane_x(p, i);

        put_text(p, &(struct place){x, p->y + 15, "middle", "title"}, lane->title,
                 strlen(lane->title));
        put_text(p, &(struct place){x, p->y + 31, "middle", "small"}, lane->detail,
                 strlen(lane->detail));
        fprintf(p->out, "<path class=\"lane\" d=\"M%.1f %.1fV%.1f\"/>\n", x, p->y + HEAD - 6,
                bottom);
    }
}

static void put_items(struct picture *p)
{
    char more[48];

    for (unsigned i = 0; i < p->s->count; i++)
        if (p->s->items[i].kind == SEQUENCE_ARROW)
            put_arrow(p, &p->s->items[i]);
        else
            put_remark(p, &p->s->items[i]);
    snprintf(more, sizeof more, "and %u lines more", p->s->beyond);
    if (p->s->beyond > 0)
        put_lines(p, (struct place){LEFT, 0, "start", "small"}, p->width, more);
    p->y += HALF_GAP;
}

static void put_verdict(struct picture *p)
{
    const char *text = p->s->verdict, *class = mood_classes[p->s->mood];

    p->y += HALF_GAP;
    if (sequence_has_dashed(p->s))
        put_lines(p, (struct place){EDGE, 0, "start", "small"}, p->width,
                  "A dashed arrow is inferred: this side did not see it.");
    p->y += sequence_has_dashed(p->s) ? HALF_LINE : 0;
    while (text != NULL && *text != '\0') {
        size_t line = strcspn(text, "\n"), own = strspn(text, " ");
        char copy[1024];

        snprintf(copy, sizeof copy, "%.*s", (int)(line - own), text + own);
        put_lines(p, (struct place){EDGE + (double)own * CHARACTER, 0, "start", class},
                  p->width - 2 * EDGE, copy);
        text += line + (text[line] == '\n' ? 1 : 0);
        class = "";
    }
    p->y += GAP;
}

/* The chart, from p->y on. The lanes are as long as all items are high. */
static void put_chart(struct picture *p)
{
    bool draws = p->draws;
    double lanes;

    put_lines(p, (struct place){EDGE, 0, "start", "title"}, p->width - 2 * EDGE, p->s->title);
    p->y += 10;
    lanes = p->y;
    p->y += HEAD - LINE;
    p->draws = false;
    put_items(p);
    p->draws = draws;
    if (draws) {
        double bottom = p->y;

        p->y = lanes;
        put_heads(p, bottom);
        p->y += HEAD - LINE;
        put_items(p);
    }
    put_verdict(p);
}

/* Lanes as far apart as the longest label of each arrow asks for. */
static double find_spacing(const struct sequence *s, const unsigned *place)
{
    double spacing = SPACING;

    for (unsigned i = 0; i < s->count; i++) {
        const struct sequence_item *item = &s->items[i];
        unsigned a = place[item->from], b = place[item->to], lanes = a > b ? a - b : b - a;
        double need = (double)strlen(item->label) * CHARACTER + 30;

        if (item->kind == SEQUENCE_ARROW && lanes > 0 && need / lanes > spacing)
            spacing = need / lanes;
    }
    for (unsigned i = 0; i < s->lane_count; i++) {
        double need = (double)strlen(s->lanes[i].detail) * SMALL_CHARACTER + 12;

        if (need > spacing)
            spacing = need;
    }
    return spacing;
}

static void start_picture(struct picture *p, FILE *out, const struct sequence *s)
{
    unsigned order[SEQUENCE_MAX_LANES];

    p->out = out;
    p->s = s;
    sequence_order(s, order, p->place);
    p->spacing = find_spacing(s, p->place);
}

static void write_words(FILE *out, const char *element, const char *text)
{
    fprintf(out, "<%s>", element);
    svg_text(out, text);
    fprintf(out, "</%s>\n", element);
}

void svg_write(FILE *out, const struct sequence *charts, unsigned count)
{
    struct picture p = {.width = 600, .y = EDGE};
    double height;

    for (unsigned c = 0; c < count; c++) {
        double width;

        start_picture(&p, out, &charts[c]);
        width = LEFT + 2 * MARGIN +
                (charts[c].lane_count > 1 ? (charts[c].lane_count - 1) * p.spacing : 0);
        p.width = width > p.width ? width : p.width;
    }
    for (unsigned c = 0; c < count; c++) {
        start_picture(&p, out, &charts[c]);
        put_chart(&p);
    }
    height = p.y;
    p.draws = true;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n",
            p.width, height, p.width, height);
    write_words(out, "title",
                count > 0 && charts[0].title[0] != '\0' ? charts[0].title : "teredoctl");
    if (count > 0 && charts[0].verdict != NULL)
        write_words(out, "desc", charts[0].verdict);
    fprintf(out, "<style>%s</style>\n<rect class=\"bg\" width=\"100%%\" height=\"100%%\"/>\n",
            style);
    p.y = EDGE;
    for (unsigned c = 0; c < count; c++) {
        start_picture(&p, out, &charts[c]);
        put_chart(&p);
    }
    fputs("</svg>\n", out);
}
