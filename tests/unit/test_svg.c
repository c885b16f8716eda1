/* The picture: well-formed whatever is in it, and everything inside its frame. */
#include "chart_fixture.h"

static void test_escapes(void)
{
    is_str(escaped(svg_text, "<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;", "markup is text");
    is_str(escaped(svg_text, "]]>"), "]]&gt;", "the end of a CDATA section too");
    is_str(escaped(svg_text, "a\x01\x7f\n"), "a   ", "XML has no control characters");
    is_str(escaped(svg_text, "\xc3\xa9\xe2\x86\x92"), "\xc3\xa9\xe2\x86\x92", "UTF-8 stays");
    is_str(escaped(svg_text, "\xff\xc0\x80"), "???", "what is no UTF-8 does not");
    is_str(escaped(svg_text, "\xed\xa0\x80"), "???", "nor do surrogates");
    is_str(escaped(svg_text, "\xef\xbf\xbf"), "?", "nor what is no character");
    is_str(escaped(svg_text, "\xf0\x9f\x98\x80\xf4\x90\x80\x80"), "\xf0\x9f\x98\x80????",
           "nor what is beyond Unicode");
}

/* Every tag that opens is closed, in order; attributes have values in double quotes. */
static bool is_well_formed(const char *text)
{
    char open[16][16];
    unsigned depth = 0;

    if (strncmp(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg ", 44) != 0)
        return false;
    text = strchr(text, '\n') + 1;
    for (const char *at = strchr(text, '<'); at != NULL; at = strchr(at + 1, '<')) {
        const char *end = strchr(at, '>'), *next = strchr(at + 1, '<');
        char name[16] = "";

        if (end == NULL || (next != NULL && next < end) ||
            sscanf(at + 1, "%*[/]%15[a-z]", name) + sscanf(at + 1, "%15[a-z]", name) < 0)
            return false;
        if (at[1] == '/') {
            sscanf(at + 2, "%15[a-z]", name);
            if (depth == 0 || strcmp(open[--depth], name) != 0)
                return false;
        } else if (end[-1] != '/') {
            if (depth == 16)
                return false;
            strcpy(open[depth++], name);
        }
    }
    return depth == 0;
}

/* The number after NAME=" at AT. */
static double number(const char *at, const char *name)
{
    const char *found = strstr(at, name);

    return found == NULL ? -1 : strtod(found + strlen(name), NULL);
}

static bool is_inside(const char *text)
{
    double width = number(text, " width=\""), height = number(text, " height=\"");

    for (const char *at = strstr(text, "<text"); at != NULL; at = strstr(at + 1, "<text")) {
        double x = number(at, " x=\""), y = number(at, " y=\"");

        if (x < 0 || x > width || y < 10 || y > height)
            return false;
    }
    for (const char *at = strstr(text, "class=\"head\" d=\"M"); at != NULL;
         at = strstr(at + 1, "class=\"head\" d=\"M")) {
        double x = strtod(at + 17, NULL);

        if (x <= 0 || x >= width)
            return false;
    }
    return width > 0 && height > 0;
}

static void test_awkward(void)
{
    for (unsigned lanes = 1; lanes <= SEQUENCE_MAX_LANES; lanes++) {
        struct sequence s = {0};
        const char *text;

        for (unsigned i = 0; i < lanes; i++)
            sequence_lane(&s, i, awkward[i]);
        for (unsigned i = 0; i < AWKWARD; i++) {
            if (lanes > 1)
                sequence_arrow(&s, i % lanes, (i + 1) % lanes, "%s", awkward[i])->stopped = i % 2;
            sequence_remark(&s, i % lanes, "%s", awkward[i]);
        }
        sequence_verdict(&s, MOOD_NO, NULL, awkward[5]);
        text = document_of(svg_write, &s, 1);
        ok(is_well_formed(text), "%u lanes: no label breaks the picture", lanes);
        ok(is_inside(text), "%u lanes: all is inside the frame", lanes);
        sequence_clear(&s);
    }
}

static void test_punch(void)
{
    struct punch_story story;
    struct sequence s[2] = {0};
    const char *text;
    double height;

    story_punched(&story);
    story_chart(&story, &s[0]);
    story_chart(&story, &s[1]);
    text = document_of(svg_write, s, 1);
    ok(is_well_formed(text) && is_inside(text), "a punch is a picture");
    ok(has(text, ">1 direct bubble</text>"), "with the steps");
    ok(has(text, "class=\"cross\""), "the cross");
    ok(has(text, "class=\"arrow dashed\""), "the dashes");
    ok(has(text, "class=\"yes\">punched: both NATs are open</text>"), "and the verdict");
    ok(has(text, "<desc>punched: both NATs are open"), "which is read aloud as well");
    ok(!has(text, "href") && !has(text, "<script") && !has(text, "url("), "it needs nothing else");
    height = number(text, " height=\"");
    text = document_of(svg_write, s, 2);
    ok(is_well_formed(text) && is_inside(text), "two punches are one picture");
    ok(number(text, " height=\"") > 1.8 * height, "one under the other");
    sequence_clear(&s[0]);
    sequence_clear(&s[1]);
}

int main(void)
{
    test_escapes();
    test_awkward();
    test_punch();
    return done_testing();
}
