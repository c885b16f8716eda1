#include "mermaid.h"

#include <ctype.h>
#include <string.h>

#include "foreign.h"

/* Participants of all charts, from left to right. */
struct party {
    unsigned rank;
    const struct sequence_lane *lane; /* in the first chart that has it */
};

enum {
    MAX_PARTIES = 4 * SEQUENCE_MAX_LANES
};

/* "end" closes a block in Mermaid, wherever it stands as a word of its own. */
static bool is_end_word(const char *text, const char *start)
{
    return strncasecmp(text, "end", 3) == 0 && !isalnum((unsigned char)text[3]) &&
           (text == start || !isalnum((unsigned char)text[-1]));
}

void mermaid_text(FILE *out, const char *text)
{
    const char *start = text;

    while (*text != '\0') {
        bool shown;
        size_t length = foreign_length(text, strnlen(text, 4), &shown);

        if (!shown && (unsigned char)*text >= 0x80)
            fputc('?', out);
        else if (length > 1)
            fprintf(out, "%.*s", (int)length, text);
        else if (!shown)
            fputc(' ', out);
        else if (strchr("#;%<>&\"`$\\{}", *text) != NULL || is_end_word(text, start))
            fprintf(out, "#%d;", *text);
        else
            fputc(*text, out);
        text += length;
    }
}

static unsigned find_parties(const struct sequence *charts, unsigned count, struct party *parties)
{
    unsigned found = 0;

    for (unsigned c = 0; c < count; c++)
        for (unsigned i = 0; i < charts[c].lane_count; i++) {
            const struct sequence_lane *lane = &charts[c].lanes[i];
            unsigned at = 0;

            while (at < found && parties[at].rank < lane->rank)
                at++;
            if ((at < found && parties[at].rank == lane->rank) || found == MAX_PARTIES)
                continue;
            memmove(&parties[at + 1], &parties[at], (found - at) * sizeof *parties);
            parties[at] = (struct party){lane->rank, lane};
            found++;
        }
    return found;
}

static void write_parties(FILE *out, const struct party *parties, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fprintf(out, "    participant P%u as ", parties[i].rank);
        mermaid_text(out, parties[i].lane->title);
        if (parties[i].lane->detail[0] != '\0') {
            fputs("<br/>", out);
            mermaid_text(out, parties[i].lane->detail);
        }
        fputc('\n', out);
    }
}

static void write_time(FILE *out, const struct sequence_item *item)
{
    char time[32];

    sequence_time(item, time, sizeof time);
    if (time[0] != '\0')
        fprintf(out, "%s ms ", time);
}

static void write_item(FILE *out, const struct sequence *s, const struct sequence_item *item)
{
    unsigned from = s->lanes[item->from].rank, to = s->lanes[item->to].rank;

    if (item->kind == SEQUENCE_REMARK)
        fprintf(out, "    Note over P%u: ", from);
    else
        fprintf(out, "    P%u%s%sP%u: ", from, item->dashed ? "--" : "-",
                item->stopped ? "x" : ">>", to);
    write_time(out, item);
    mermaid_text(out, item->label);
    fputc('\n', out);
}

/* TEXT as a note over all lanes, its lines as lines. */
static void write_note(FILE *out, const struct party *parties, unsigned count, const char *text)
{
    if (count > 1)
        fprintf(out, "    Note over P%u,P%u: ", parties[0].rank, parties[count - 1].rank);
    else
        fprintf(out, "    Note over P%u: ", parties[0].rank);
    while (*text != '\0') {
        size_t n;
        char line[512];

        text += strspn(text, " ");
        n = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)n, text);
        mermaid_text(out, line);
        text += n + (text[n] == '\n' ? 1 : 0);
        if (*text != '\0')
            fputs("<br/>", out);
    }
    fputc('\n', out);
}

/* A participant has one description: the first chart's. What this one says otherwise is noted. */
static void write_differences(FILE *out, const struct sequence *s, const struct party *parties,
                              unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned lane = 0; lane < s->lane_count; lane++) {
            const struct sequence_lane *l = &s->lanes[lane];

            if (l->rank != parties[i].rank || l->detail[0] == '\0' ||
                strcmp(l->detail, parties[i].lane->detail) == 0)
                continue;
            fprintf(out, "    Note over P%u: ", l->rank);
            mermaid_text(out, l->detail);
            fputc('\n', out);
        }
}

void mermaid_write(FILE *out, const struct sequence *charts, unsigned count)
{
    struct party parties[MAX_PARTIES + 1];
    unsigned party_count = find_parties(charts, count, parties);

    fputs("sequenceDiagram\n", out);
    write_parties(out, parties, party_count);
    for (unsigned c = 0; c < count && party_count > 0; c++) {
        const struct sequence *s = &charts[c];

        if (s->title[0] != '\0')
            write_note(out, parties, party_count, s->title);
        write_differences(out, s, parties, party_count);
        for (unsigned i = 0; i < s->count; i++)
            write_item(out, s, &s->items[i]);
        if (s->beyond > 0)
            fprintf(out, "    Note over P%u: and %u lines more\n", parties[0].rank, s->beyond);
        if (s->verdict != NULL)
            write_note(out, parties, party_count, s->verdict);
    }
}
