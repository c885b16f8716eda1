/* Makes the completion of a shell, when the program is built: copies a template from standard
 * input, and puts in place of its line @rows@ a call for each command, argument, option and word:
 *
 *     _teredoctl_row COMMAND OPTION LETTER KIND VALUES TEXT
 *
 * quoted in a way that bash, zsh and fish all read. COMMAND is '' for teredoctl itself, and @nat
 * for the words of a NAT; OPTION is '' for the command's arguments. KIND says what follows: flag
 * (nothing), text (anything), optional (a value after =, or none), words (one of VALUES), files,
 * hosts, interfaces, users, nat, commands (of teredoctl) and program (a command line). A + behind
 * it: the option may be given again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat_config.h"
#include "options.h"

enum {
    FEW = 10 /* numbers that are offered one by one */
};

/* What the name of a value in --help tells of it; OPTION NULL = of any. */
static const struct {
    const char *option, *arg, *kind;
} kinds[] = {
    {NULL, "FILE", "files"},        {NULL, "SERVER[:PORT]", "hosts"},
    {NULL, "HOST[:PORT]", "hosts"}, {NULL, "ADDRESS[:PORT]", "hosts"},
    {NULL, "NAT", "nat"},           {NULL, "INTERFACE", "interfaces"},
    {"user", "NAME", "users"},
};

static void put_quoted(const char *text)
{
    fputs(" '", stdout);
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    putchar('\'');
}

static void put_row(const char *const columns[static 5], const char *text)
{
    fputs("_teredoctl_row", stdout);
    for (int i = 0; i < 5; i++)
        put_quoted(columns[i]);
    put_quoted(text);
    putchar('\n');
}

/* Copies WORDS, parted by any of SEPARATORS, with blanks between them. */
static void list(const char *words, const char *separators, char *out, size_t size)
{
    size_t n = 0;

    for (words += strspn(words, separators); *words != '\0'; words += strspn(words, separators)) {
        size_t length = strcspn(words, separators);

        n += (size_t)snprintf(out + n, size - n, "%s%.*s", n > 0 ? " " : "", (int)length, words);
        words += length;
    }
}

static void list_numbers(unsigned long low, unsigned long high, char *out, size_t size)
{
    size_t n = 0;

    for (unsigned long i = low; i <= high; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%lu", n > 0 ? " " : "", i);
}

static const char *kind_of(const struct option_entry *o, char *values, size_t size)
{
    if (o->words != NULL || o->kind == VALUE_WORD)
        list(o->words != NULL ? o->words : o->arg, "|", values, size);
    else if (o->kind == VALUE_NUMBER && o->high - o->low < FEW)
        list_numbers(o->low, o->high, values, size);
    if (values[0] != '\0')
        return "words";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].arg, o->arg) == 0 &&
            (kinds[i].option == NULL || strcmp(kinds[i].option, o->name) == 0))
            return kinds[i].kind;
    return "text";
}

static void put_option(const char *command, const struct option_entry *o)
{
    char values[256] = "", letter[2] = {(char)o->letter, '\0'}, kind[32];
    bool optional = (o->flags & OPTION_ARG_OPTIONAL) != 0;
    const char *of_value = o->arg == NULL ? "flag" : kind_of(o, values, sizeof values);

    if (o->name == NULL || (o->flags & OPTION_HIDDEN) != 0)
        return;
    snprintf(kind, sizeof kind, "%s%s", optional ? "optional" : of_value,
             o->arg != NULL && o->kind == VALUE_PARSED ? "+" : "");
    put_row((const char *const[]){command, o->name, letter, kind, values}, o->doc);
}

/* argp's own, which a command may have replaced. */
static void put_standard(const char *command)
{
    put_row((const char *const[]){command, "help", "?", "flag", ""}, "Give this help list");
    put_row((const char *const[]){command, "usage", "", "flag", ""}, "Give a short usage message");
    put_row((const char *const[]){command, "version", "V", "flag", ""}, "Print program version");
}

static const char *arguments_of(const struct command *c)
{
    static const struct {
        const char *shown, *kind;
    } arguments[] = {{"FILE", "files"},
                     {"SERVER", "hosts"},
                     {"[--] COMMAND", "program"},
                     {"COMMAND", "commands"}};

    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        if (strstr(c->args_doc, arguments[i].shown) != NULL)
            return arguments[i].kind;
    return "text";
}

static void put_command(const struct command *c)
{
    bool has_help = false;

    put_row((const char *const[]){c->name, "", "", arguments_of(c), ""}, c->summary);
    for (const struct option_entry *const *table = c->options; *table != NULL; table++)
        for (const struct option_entry *o = *table; !option_is_end(o); o++) {
            has_help = has_help || (o->name != NULL && strcmp(o->name, "help") == 0);
            put_option(c->name, o);
        }
    for (const struct option_entry *o = common_options; c->options[0] != NULL && !option_is_end(o);
         o++)
        put_option(c->name, o);
    if (!has_help)
        put_standard(c->name);
}

/* The values of a NAT's option, from the hint of a wrong one: "1 to 4", or words. */
static void list_hinted(const char *hint, char *values, size_t size)
{
    char *end;
    unsigned long low = strtoul(hint, &end, 10);
    unsigned long high = strncmp(end, " to ", 4) == 0 ? strtoul(end + 4, NULL, 10) : 0;

    if (low < high && high - low < FEW)
        list_numbers(low, high, values, size);
    else if (strpbrk(hint, "0123456789") == NULL)
        list(hint, ", ", values, size);
}

static void put_nat_words(void)
{
    const char *word, *hint;

    for (size_t i = 0; (word = nat_config_word(i, &hint)) != NULL; i++) {
        char values[256] = "";

        if (hint != NULL)
            list_hinted(hint, values, sizeof values);
        put_row((const char *const[]){"@nat", word, "", hint == NULL ? "flag" : "words", values},
                "");
    }
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        if (strcmp(line, "@rows@\n") != 0) {
            fputs(line, stdout);
            continue;
        }
        put_standard("");
        for (const struct command *const *c = commands; *c != NULL; c++)
            put_command(*c);
        put_nat_words();
    }
    free(line);
    return fflush(stdout) == 0 && !ferror(stdin) ? EXIT_SUCCESS : EXIT_FAILURE;
}
