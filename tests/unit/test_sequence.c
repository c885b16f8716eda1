/* The model of a chart, and the ladder that is drawn of it. */
#include "chart_fixture.h"

static void test_lanes(void)
{
    struct sequence s = {0};
    unsigned order[SEQUENCE_MAX_LANES], place[SEQUENCE_MAX_LANES];
    unsigned b = sequence_lane(&s, 5, "B"), a = sequence_lane(&s, 0, "A"),
             server = sequence_lane(&s, 3, "server");

    is_int(sequence_lane(&s, 0, "A again"), a, "a rank is one lane, however often it is asked for");
    is_int(s.lane_count, 3, "three lanes");
    sequence_order(&s, order, place);
    is_int(order[0], a, "the lowest rank is on the left");
    is_int(order[1], server, "then comes the next");
    is_int(order[2], b, "the highest is on the right");
    is_int(place[b], 2, "and each lane knows its place");
    for (unsigned i = 0; i < 2 * SEQUENCE_MAX_LANES; i++)
        sequence_lane(&s, 10 + i, "more");
    is_int(s.lane_count, SEQUENCE_MAX_LANES, "there are not more lanes than there is room for");
    sequence_clear(&s);
    is_int(s.lane_count, 0, "a chart that was cleared is empty");
}

static void test_times(void)
{
    struct sequence_item item = {0};
    char text[32];

    sequence_time(&item, text, 14);
    is_str(text, "", "a time that is not known is not written");
    sequence_at(&item, 51000);
    sequence_time(&item, text, 14);
    is_str(text, "+0.051", "milliseconds with three decimals");
    sequence_at(&item, -1500000);
    sequence_time(&item, text, 14);
    is_str(text, "-1.500", "what came before the zero is negative");
    sequence_between(&item, 51000, 153589000);
    sequence_time(&item, text, 14);
    is_str(text, "0.05..153.59", "with as many decimals as there is room for");
    sequence_time(&item, text, sizeof text);
    is_str(text, "0.051..153.589", "bounds");
    sequence_between(&item, 59000, 153581000);
    sequence_time(&item, text, 14);
    is_str(text, "0.05..153.59", "and bounds are never made narrower");
    sequence_between(&item, -59000, -51000);
    sequence_time(&item, text, 14);
    is_str(text, "-0.06..-0.05", "below zero neither");
    sequence_between(&item, 2200100000, 2353700000);
    sequence_time(&item, text, 14);
    is_str(text, "2200..2354", "down to none");
    sequence_between(&item, 10 * NSEC_S, 86400 * NSEC_S);
    sequence_time(&item, text, 12);
    is_str(text, "<86400000", "and the later bound alone where both are too long");
}

static void test_room(void)
{
    struct sequence s = {0};
    unsigned a = sequence_lane(&s, 0, "A"), b = sequence_lane(&s, 1, "B");
    const char *ladder;

    for (unsigned i = 0; i < SEQUENCE_MAX_ITEMS + 7; i++)
        sequence_at(sequence_arrow(&s, a, b, "%u", i), i);
    is_int(s.count, SEQUENCE_MAX_ITEMS, "a chart keeps so many items");
    is_int(s.beyond, 7, "and counts those beyond");
    ladder = ladder_of(&s, 80, true, false);
    ok(has(ladder, "(and 7 lines more)\n"), "which the ladder tells");
    ok(has(document_of(mermaid_write, &s, 1), "and 7 lines more"), "and Mermaid");
    ok(has(document_of(svg_write, &s, 1), "and 7 lines more"), "and SVG");
    sequence_clear(&s);
}

/* The columns of the longest line of UTF-8 text; the escape sequences of colours take none. */
static unsigned widest(const char *text)
{
    unsigned most = 0, columns = 0;

    for (; *text != '\0'; text++) {
        if (*text == '\033')
            text = strchr(text, 'm');
        else if (*text == '\n')
            columns = 0;
        else if (((unsigned char)*text & 0xc0) != 0x80 && ++columns > most)
            most = columns;
    }
    return most;
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 128)
            return false;
    return true;
}

static void fill_awkward(struct sequence *s, unsigned lanes)
{
    for (unsigned i = 0; i < lanes; i++) {
        char title[SEQUENCE_TITLE];

        snprintf(title, sizeof title, "party %u", i);
        sequence_lane(s, i, title);
        sequence_detail(s, i, "192.0.2.%u:3544", i);
    }
    for (unsigned i = 0; i < AWKWARD; i++) {
        if (lanes > 1)
            sequence_at(sequence_arrow(s, i % lanes, (i + 1) % lanes, "%s", awkward[i]),
                        i * NSEC_MS);
        sequence_remark(s, i % lanes, "%s and a text that is long enough to be broken, as %s is",
                        awkward[i], "198.51.100.20:65535");
    }
    sequence_verdict(s, MOOD_NO, "not punched",
                     "a sentence that is so long that no terminal of "
                     "sixty columns has it on one line\n  try: this, and that, and "
                     "something else that is not short either\n");
}

static void test_widths(void)
{
    unsigned too_wide = 0, not_ascii = 0, charts = 0;

    for (unsigned lanes = 1; lanes <= SEQUENCE_MAX_LANES; lanes++) {
        struct sequence s = {0};

        fill_awkward(&s, lanes);
        for (unsigned width = LADDER_MIN_WIDTH; width <= LADDER_MAX_WIDTH; width++, charts++) {
            too_wide += widest(ladder_of(&s, width, false, true)) > width;
            too_wide += widest(ladder_of(&s, width, true, false)) > width;
            not_ascii += !is_ascii(ladder_of(&s, width, true, true));
        }
        sequence_clear(&s);
    }
    is_int(charts, SEQUENCE_MAX_LANES * 141, "charts of every width and number of lanes");
    is_int(too_wide, 0, "no line is wider than was asked for");
    is_int(not_ascii, 0, "in ASCII there is nothing but ASCII");
}

static void test_clamped(void)
{
    struct sequence s = {0};

    fill_awkward(&s, 3);
    is_int(widest(ladder_of(&s, 10, true, false)), LADDER_MIN_WIDTH, "a ladder has a least width");
    ok(widest(ladder_of(&s, 5000, true, false)) <= LADDER_MAX_WIDTH, "and a largest");
    sequence_clear(&s);
}

static void test_arrows(void)
{
    struct sequence s = {0};
    unsigned a = sequence_lane(&s, 0, "A"), b = sequence_lane(&s, 1, "B");
    struct sequence_item *item;
    const char *text;

    sequence_arrow(&s, a, b, "right");
    sequence_arrow(&s, b, a, "left");
    text = ladder_of(&s, 60, true, false);
    ok(has(text, "|-------------- right -------------->|"), "an arrow to the right");
    ok(has(text, "|<------------- left ----------------|"), "an arrow to the left");
    ok(!has(text, "dashed"), "no word on dashes where there are none");
    text = ladder_of(&s, 60, false, false);
    ok(has(text, "│────────────── right ──────────────▶│"), "the same with lines");
    item = sequence_arrow(&s, a, b, "dropped");
    item->stopped = item->dashed = true;
    text = ladder_of(&s, 60, true, false);
    ok(has(text, ">X\n"), "a packet that is dropped ends in a cross");
    ok(has(text, "- - dropped") || has(text, "- dropped"), "what is inferred is dashed");
    ok(has(text, "A dashed arrow is inferred"), "and that is explained");
    text = ladder_of(&s, 60, false, true);
    ok(has(text, "\033[0;1;31m✗\033[0m"), "the cross has a colour");
    ok(!has(ladder_of(&s, 60, false, false), "\033"), "without colour there is no escape");
    sequence_clear(&s);
}

static void test_verdict(void)
{
    struct sequence s = {0};

    sequence_lane(&s, 0, "A");
    sequence_verdict(&s, MOOD_YES, "punched", "it works\n  try: nothing else\n");
    ok(has(ladder_of(&s, 80, true, false), "\npunched: it works\n  try: nothing else\n"),
       "the verdict stands under the ladder");
    ok(has(ladder_of(&s, 80, true, true), "\033[1;32mpunched\033[0m: it works\n"),
       "its word in the colour of the mood");
    sequence_clear(&s);
}

int main(void)
{
    test_lanes();
    test_times();
    test_room();
    test_widths();
    test_clamped();
    test_arrows();
    test_verdict();
    return done_testing();
}
