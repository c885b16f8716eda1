/* What is written as Mermaid, against the grammar of its documentation (sequenceDiagram): each line
 * is a participant, a message or a note, and text holds nothing that means anything. */
#include <ctype.h>

#include "chart_fixture.h"

struct diagram {
    const char *at;
    char parties[32][16];
    unsigned party_count;
};

static bool take(struct diagram *r, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

static bool take_name(struct diagram *r, char name[static 16])
{
    size_t n = strspn(r->at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

    if (n == 0 || n > 15)
        return false;
    memcpy(name, r->at, n);
    name[n] = '\0';
    r->at += n;
    return true;
}

static bool is_party(const struct diagram *r, const char *name)
{
    for (unsigned i = 0; i < r->party_count; i++)
        if (strcmp(r->parties[i], name) == 0)
            return true;
    return false;
}

static bool take_party(struct diagram *r)
{
    char name[16];

    return take_name(r, name) && is_party(r, name);
}

/* Text to the end of the line: not empty, and only of characters that are themselves, of entity
 * codes in base 10, and of line breaks. */
static bool take_text(struct diagram *r)
{
    const char *start = r->at;

    while (*r->at != '\n') {
        unsigned char c = (unsigned char)*r->at;

        if (c == '#') {
            size_t n = strspn(r->at + 1, "0123456789");

            if (n == 0 || r->at[n + 1] != ';')
                return false;
            r->at += n + 2;
        } else if (c == '<') {
            if (!take(r, "<br/>"))
                return false;
        } else if (c == '\0' || c < ' ' || c == 0x7f || strchr(";>&\"%`$\\{}", c) != NULL) {
            return false;
        } else {
            bool word = r->at == start || !isalnum((unsigned char)r->at[-1]);

            if (word && strncasecmp(r->at, "end", 3) == 0 && !isalnum((unsigned char)r->at[3]))
                return false;
            r->at++;
        }
    }
    return r->at > start && take(r, "\n");
}

static bool take_statement(struct diagram *r)
{
    if (!take(r, "    "))
        return false;
    if (take(r, "participant ")) {
        char *name = r->parties[r->party_count];

        return r->party_count < 32 && take_name(r, name) && !is_party(r, name) && take(r, " as ") &&
               ++r->party_count && take_text(r);
    }
    if (take(r, "Note over "))
        return take_party(r) && (!take(r, ",") || take_party(r)) && take(r, ": ") && take_text(r);
    return take_party(r) &&
           (take(r, "-->>") || take(r, "->>") || take(r, "--x") || take(r, "-x")) &&
           take_party(r) && take(r, ": ") && take_text(r);
}

static bool is_diagram(const char *text)
{
    struct diagram r = {.at = text};

    if (!take(&r, "sequenceDiagram\n"))
        return false;
    while (*r.at != '\0')
        if (!take_statement(&r)) {
            printf("# not of the grammar: %.60s\n", r.at);
            return false;
        }
    return r.party_count > 0;
}

static void test_grammar_is_strict(void)
{
    ok(is_diagram("sequenceDiagram\n    participant A as x<br/>y\n    A->>A: #35;\n"), "good");
    ok(!is_diagram("sequenceDiagram\n    participant A as x\n    A->>B: y\n"), "an unknown party");
    ok(!is_diagram("sequenceDiagram\n    participant A as x\n    A->>A: a;b\n"), "a semicolon");
    ok(!is_diagram("sequenceDiagram\n    participant A as x\n    A->>A: the end\n"),
       "the word end");
    ok(!is_diagram("sequenceDiagram\n    participant A as x\n    A->>A: \n"), "no text");
    ok(!is_diagram("sequenceDiagram\n    participant A as x\n    A->A: x\n"), "another arrow");
}

static void test_escapes(void)
{
    is_str(escaped(mermaid_text, "a;b#c"), "a#59;b#35;c", "; and # are entity codes");
    is_str(escaped(mermaid_text, "<b> & \"c\""), "#60;b#62; #38; #34;c#34;", "and HTML's own");
    is_str(escaped(mermaid_text, "end of the END, friend"), "#101;nd of the #69;ND, friend",
           "the word end is no keyword");
    is_str(escaped(mermaid_text, "50%"), "50#37;", "nor a percent sign a comment");
    is_str(escaped(mermaid_text, "a\nb\x01"), "a b ", "control characters are spaces");
    is_str(escaped(mermaid_text, "\xc3\xa9\xff"), "\xc3\xa9?", "what is no UTF-8 is told");
}

static void test_awkward(void)
{
    struct sequence s = {0};
    unsigned a = sequence_lane(&s, 0, "end;"), b = sequence_lane(&s, 1, "<B>");

    sequence_detail(&s, a, "%s", "#1 \"x\"");
    for (unsigned i = 0; i < AWKWARD; i++) {
        sequence_arrow(&s, a, b, "%s", awkward[i]);
        sequence_remark(&s, b, "%s", awkward[i]);
    }
    sequence_verdict(&s, MOOD_NO, NULL, "end\n  ; end\n");
    ok(is_diagram(document_of(mermaid_write, &s, 1)), "no label breaks the diagram");
    sequence_clear(&s);
}

static void test_punch(void)
{
    struct punch_story story;
    struct sequence s = {0};
    const char *text;

    story_punched(&story);
    story_chart(&story, &s);
    text = document_of(mermaid_write, &s, 1);
    ok(is_diagram(text), "a punch is a diagram");
    ok(has(text, "    participant P0 as A<br/>100.64.1.2:50000\n"), "A with its endpoint");
    ok(has(text, "    P0--xP4: +0.000 ms 1 direct bubble\n"), "step 1 is dashed, and dropped");
    ok(has(text, "    P0->>P3: +0.051 ms 2 indirect bubble\n"), "step 2 was sent");
    ok(has(text, "    P3-->>P5: 0.051..153.589 ms 3 bubble with origin\n"), "step 3 is inferred");
    ok(has(text, "    P5->>P0: +153.589 ms 4 direct bubble with our nonce\n"),
       "step 4 was received");
    ok(has(text, ": punched: both NATs are open<br/>try: nothing\n"), "the verdict is a note");
    sequence_clear(&s);
}

static void test_several(void)
{
    struct punch_story story;
    struct sequence s[2] = {0};
    const char *text;

    story_punched(&story);
    story_chart(&story, &s[0]);
    story.punching.local.port = 50001;
    story.punching.own_nat = QUALIFY_NAT_SYMMETRIC;
    story_note(&story, NOTE_INDIRECT_ANSWER, 300);
    story_chart(&story, &s[1]);
    text = document_of(mermaid_write, s, 2);
    ok(is_diagram(text), "two punches are one diagram");
    ok(has(text, "participant P2 as A's server"), "with the parties of both");
    ok(has(text, "    Note over P0: 100.64.1.2:50001\n"), "and what the second says otherwise");
    sequence_clear(&s[0]);
    sequence_clear(&s[1]);
}

int main(void)
{
    test_grammar_is_strict();
    test_escapes();
    test_awkward();
    test_punch();
    test_several();
    return done_testing();
}
