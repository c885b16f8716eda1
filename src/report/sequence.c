#include "sequence.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned sequence_lane(struct sequence *s, unsigned rank, const char *title)
{
    struct sequence_lane *lane;

    for (unsigned i = 0; i < s->lane_count; i++)
        if (s->lanes[i].rank == rank)
            return i;
    if (s->lane_count == SEQUENCE_MAX_LANES)
        return SEQUENCE_MAX_LANES - 1;
    lane = &s->lanes[s->lane_count];
    lane->rank = rank;
    snprintf(lane->title, sizeof lane->title, "%s", title);
    return s->lane_count++;
}

void sequence_detail(struct sequence *s, unsigned lane, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(s->lanes[lane].detail, sizeof s->lanes[lane].detail, format, args);
    va_end(args);
}

void sequence_endpoint(struct sequence *s, unsigned lane, struct endpoint e)
{
    char text[ENDPOINT_STRLEN];

    if (!endpoint_is_unset(e))
        sequence_detail(s, lane, "%s", endpoint_format(e, text));
}

static struct sequence_item *add(struct sequence *s)
{
    static struct sequence_item scratch;
    struct sequence_item *item;

    if (s->count == s->room && s->room < SEQUENCE_MAX_ITEMS) {
        unsigned room = s->room == 0 ? 32 : 2 * s->room;
        struct sequence_item *more = realloc(s->items, room * sizeof *more);

        if (more != NULL) {
            s->items = more;
            s->room = room;
        }
    }
    if (s->count < s->room) {
        item = &s->items[s->count++];
    } else {
        item = &scratch;
        s->beyond++;
    }
    *item = (struct sequence_item){.kind = SEQUENCE_ARROW};
    return item;
}

struct sequence_item *sequence_arrow(struct sequence *s, unsigned from, unsigned to,
                                     const char *format, ...)
{
    struct sequence_item *item = add(s);
    va_list args;

    item->from = from;
    item->to = to;
    va_start(args, format);
    vsnprintf(item->label, sizeof item->label, format, args);
    va_end(args);
    return item;
}

struct sequence_item *sequence_remark(struct sequence *s, unsigned lane, const char *format, ...)
{
    struct sequence_item *item = add(s);
    va_list args;

    item->kind = SEQUENCE_REMARK;
    item->from = item->to = lane;
    va_start(args, format);
    vsnprintf(item->label, sizeof item->label, format, args);
    va_end(args);
    return item;
}

void sequence_at(struct sequence_item *item, nsec offset)
{
    item->timed = true;
    item->offset = offset;
}

void sequence_between(struct sequence_item *item, nsec offset, nsec latest)
{
    item->timed = item->between = true;
    item->offset = offset;
    item->latest = latest;
}

void sequence_verdict(struct sequence *s, enum mood mood, const char *word, const char *text)
{
    free(s->verdict);
    s->verdict = NULL;
    s->word = word != NULL ? strlen(word) : 0;
    s->mood = mood;
    if (asprintf(&s->verdict, "%s%s%s", word != NULL ? word : "", word != NULL ? ": " : "", text) <
        0)
        s->verdict = NULL;
}

void sequence_order(const struct sequence *s, unsigned order[static SEQUENCE_MAX_LANES],
                    unsigned place[SEQUENCE_MAX_LANES])
{
    for (unsigned i = 0; i < s->lane_count; i++) {
        unsigned at = i;

        for (; at > 0 && s->lanes[order[at - 1]].rank > s->lanes[i].rank; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (unsigned i = 0; place != NULL && i < s->lane_count; i++)
        place[order[i]] = i;
}

bool sequence_has_dashed(const struct sequence *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->items[i].dashed)
            return true;
    return false;
}

/* WHEN in milliseconds, in whole UNITs: the next one below, or above. */
static double round_down(nsec when, nsec unit)
{
    return (double)(when - (when % unit + unit) % unit) / 1e6;
}

static double round_up(nsec when, nsec unit)
{
    return round_down(when + unit - 1, unit);
}

void sequence_time(const struct sequence_item *item, char *buf, size_t size)
{
    nsec unit = 1000;

    buf[0] = '\0';
    if (!item->timed)
        return;
    /* Bounds stay bounds: what is left out makes them wider. */
    for (int decimals = 3; decimals >= 0; decimals--, unit *= 10) {
        int n = item->between
                    ? snprintf(buf, size, "%.*f..%.*f", decimals, round_down(item->offset, unit),
                               decimals, round_up(item->latest, unit))
                    : snprintf(buf, size, "%+.*f", decimals, (double)item->offset / 1e6);

        if (n >= 0 && (size_t)n < size)
            return;
    }
    snprintf(buf, size, "<%.0f",
             item->between ? round_up(item->latest, NSEC_MS) : (double)item->offset / 1e6);
}

void sequence_clear(struct sequence *s)
{
    free(s->items);
    free(s->verdict);
    *s = (struct sequence){0};
}
