/* src/base/foreign.c: what of a text from outside may be shown. */
#include "foreign.h"

#include <stdio.h>
#include <string.h>

#include "tap.h"

static const struct {
    const char *text;
    const char *shown;
    const char *what;
} cases[] = {
    {"server.example:3544", "server.example:3544", "ASCII stays"},
    {"Gerät 日本 🌍", "Gerät 日本 🌍", "letters of two, three and four bytes stay"},
    {"\033]0;x\a\033[2J", "?]0;x??[2J", "escape sequences lose what begins them"},
    {"a\tb\nc\r\x7f", "a?b?c??", "control characters, tabs and line ends are hidden"},
    {"\xc2\x9b"
     "31m\xc2\x85",
     "?31m?", "C1 control characters are hidden in UTF-8"},
    {"\x9b"
     "31m\xff\xc0\xaf",
     "?31m???", "and bytes that are no UTF-8, each for itself"},
    {"\xed\xa0\x80\xf4\x90\x80\x80", "???????", "surrogates and what is above U+10FFFF are none"},
    {"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069x", "?????????x",
     "what turns the direction is hidden"},
    {"\u061c\u200e\u200f\u2028\u2029", "?????", "marks of direction, and separators, too"},
    {"\u2027\u202f\u2065\u206a\u00a0", "\u2027\u202f\u2065\u206a\u00a0", "their neighbours stay"},
    {"\xe2\x80", "??", "a character that ends in its midst"},
    {"", "", "nothing stays nothing"},
};

int main(void)
{
    char text[64] = "\xe2\x80\xae";

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "%s", cases[i].text);
        foreign_clean_text(text);
        is_str(text, cases[i].shown, "%s", cases[i].what);
    }
    strcpy(text, "\u202e");
    is_int((long)foreign_clean(text, 2), 2, "no byte behind the size is looked at");
    return done_testing();
}
