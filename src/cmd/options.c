#include "options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "diagnostics.h"
#include "ladder.h"

enum {
    MOST_OPTIONS = 96,
    FIRST_KEY = 0x100, /* of the options without a letter */
    DEFAULT_WIDTH = 100,
    MOST_COLUMNS = 10000 /* that somebody may mean */
};

static const char *const formats[] = {
    [REPORT_TEXT] = "text",     [REPORT_JSON] = "json",
    [REPORT_JSONL] = "jsonl",   [REPORT_TSV] = "tsv",
    [REPORT_LADDER] = "ladder", [REPORT_MERMAID] = "mermaid",
    [REPORT_SVG] = "svg",       [REPORT_OPENMETRICS] = "openmetrics",
    [REPORT_RECORD] = "record",
};

struct report_config options_report(const struct command *command, const struct options *o)
{
    return (struct report_config){
        .format = o->format,
        .command = command->name,
        .header = o->header,
        .out = stdout,
        .err = stderr,
        .terminal = diagnostics_terminal(),
        .quiet = o->quiet,
        .verbose = o->verbosity > 0,
        .color = o->color,
        .width = o->width,
        .ascii = o->ascii,
    };
}

const char *options_format_name(enum report_format format)
{
    return formats[format];
}

unsigned long value_number(const struct option_value *v, unsigned long low, unsigned long high)
{
    int base = strncasecmp(v->text, "0x", 2) == 0 ? 16 : 10;
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(v->text, &end, base);
    if (!isdigit((unsigned char)v->text[0]) || *end != '\0' || errno != 0 || number < low ||
        number > high)
        argp_error(v->state, "%s: '%s' is not a number from %lu to %lu", v->name, v->text, low,
                   high);
    return number;
}

static nsec value_seconds(const struct option_value *v)
{
    char *end;
    double seconds = strtod(v->text, &end);

    if (end == v->text || *end != '\0' || !isfinite(seconds) || seconds < 0.001 ||
        seconds > 31536000)
        argp_error(v->state, "%s: '%s' is not a number of seconds from 0.001 to 31536000", v->name,
                   v->text);
    return (nsec)(seconds * 1e9);
}

/* The index of the value among WORDS, which are parted by bars. */
static unsigned value_word(const struct option_value *v, const char *words)
{
    char list[256], *p = list;
    unsigned i = 0;

    for (const char *word = words;; word++, i++) {
        size_t size = strcspn(word, "|");

        if (strlen(v->text) == size && strncmp(word, v->text, size) == 0)
            return i;
        word += size;
        if (*word == '\0')
            break;
    }
    for (const char *c = words; *c != '\0' && p < list + sizeof list - 2; c++) {
        *p++ = *c == '|' ? ',' : *c;
        if (*c == '|')
            *p++ = ' ';
    }
    *p = '\0';
    argp_error(v->state, "%s: '%s' is none of %s", v->name, v->text, list);
    return 0;
}

static enum report_format value_format(const struct option_value *v, const char *words)
{
    /* In no list: it is between the lab and its own trace. */
    if (strcmp(v->text, formats[REPORT_RECORD]) == 0)
        return REPORT_RECORD;
    value_word(v, words);
    for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i], v->text) == 0)
            return (enum report_format)i;
    return REPORT_TEXT;
}

static uint32_t value_ip4(const struct option_value *v)
{
    uint32_t address = 0;

    if (!ip4_parse(v->text, &address))
        argp_error(v->state, "%s: '%s' is not an IPv4 address", v->name, v->text);
    return address;
}

static struct endpoint value_endpoint(const struct option_value *v)
{
    struct endpoint endpoint = {0};

    if (!endpoint_parse(v->text, 0, &endpoint))
        argp_error(v->state, "%s: '%s' is not an IPv4 address and port (192.0.2.45:40000)", v->name,
                   v->text);
    return endpoint;
}

long value_read_hex(const char *text, uint8_t *out, size_t max)
{
    static const char digits[] = "0123456789abcdef";
    size_t count = 0;

    for (text += strspn(text, " :\t\n"); *text != '\0'; text += strspn(text, " :\t\n")) {
        const char *high = strchr(digits, *text | 0x20), *low;

        if (high == NULL || text[1] == '\0' || (low = strchr(digits, text[1] | 0x20)) == NULL ||
            count == max)
            return -1;
        out[count++] = (uint8_t)((high - digits) << 4 | (low - digits));
        text += 2;
    }
    return (long)count;
}

struct in6_addr value_ip6(const struct option_value *v)
{
    struct in6_addr address = {0};

    if (inet_pton(AF_INET6, v->text, &address) != 1)
        argp_error(v->state, "%s: '%s' is not an IPv6 address", v->name, v->text);
    return address;
}

struct in6_addr value_teredo(const struct option_value *v, struct teredo_addr *parts)
{
    struct in6_addr address = value_ip6(v);
    struct teredo_addr unused;

    if (!teredo_addr_decode(&address, parts != NULL ? parts : &unused))
        argp_error(v->state, "%s: %s is not a Teredo address; `teredoctl addr %s` says what it is",
                   v->name, v->text, v->text);
    return address;
}

/* Keeps an unsigned number in a field of SIZE bytes. */
static void keep_number(void *field, size_t size, unsigned long number)
{
    switch (size) {
    case 1:
        *(uint8_t *)field = (uint8_t)number;
        break;
    case 2:
        *(uint16_t *)field = (uint16_t)number;
        break;
    case 4:
        *(uint32_t *)field = (uint32_t)number;
        break;
    case 8:
        *(uint64_t *)field = number;
        break;
    }
}

static void take(const struct option_value *v, void *options)
{
    const struct option_entry *o = v->option;
    void *field = (char *)options + o->at;
    const char *words = o->words != NULL ? o->words : o->arg;

    switch (o->kind) {
    case VALUE_NONE:
        keep_number(field, o->size, o->low);
        break;
    case VALUE_COUNTED:
        ++*(unsigned *)field;
        break;
    case VALUE_TEXT:
        *(const char **)field = v->text;
        break;
    case VALUE_NUMBER:
        keep_number(field, o->size, value_number(v, o->low, o->high));
        break;
    case VALUE_SECONDS:
        *(nsec *)field = value_seconds(v);
        break;
    case VALUE_WORD:
        keep_number(field, o->size, value_word(v, words));
        break;
    case VALUE_FORMAT:
        *(enum report_format *)field = value_format(v, words);
        break;
    case VALUE_IP4:
        *(uint32_t *)field = value_ip4(v);
        break;
    case VALUE_ENDPOINT:
        *(struct endpoint *)field = value_endpoint(v);
        break;
    case VALUE_IP6:
        *(struct in6_addr *)field = value_ip6(v);
        break;
    case VALUE_TEREDO:
        *(struct in6_addr *)field = value_teredo(v, NULL);
        break;
    case VALUE_PARSED:
        o->parse(v, options);
        break;
    }
    ((struct options *)options)->given |= o->given;
}

/* The columns of standard output's terminal; without a terminal those of COLUMNS. */
static unsigned terminal_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    long width = columns != NULL ? strtol(columns, NULL, 10) : 0;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return width > 0 && width <= MOST_COLUMNS ? (unsigned)width : DEFAULT_WIDTH;
}

static bool color_by_default(void)
{
    const char *no_color = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

static void settle(struct options *o, struct argp_state *state)
{
    if (o->header && o->format != REPORT_TSV)
        argp_error(state, "--header goes with --format=tsv");
    o->color = o->color_when == COLOR_AUTO ? color_by_default() : o->color_when == COLOR_ALWAYS;
    o->ascii = o->ascii || !ladder_locale_is_utf8();
    if (o->width == 0)
        o->width = terminal_width();
}

/* A command line that is being parsed, and the command's tables in one. */
struct parsing {
    const struct command *command;
    void *options;
    unsigned count;
    struct argp_option shown[MOST_OPTIONS + 1];
    const struct option_entry *entries[MOST_OPTIONS];
};

static void add_table(struct parsing *p, const struct option_entry *o)
{
    for (; !option_is_end(o) && p->count < MOST_OPTIONS; o++) {
        bool has_key = o->letter != 0 || o->name == NULL;

        p->shown[p->count] = (struct argp_option){
            .name = o->name,
            .key = has_key ? o->letter : FIRST_KEY + (int)p->count,
            .arg = o->arg,
            .flags = o->flags,
            .doc = o->doc,
            .group = o->group,
        };
        p->entries[p->count++] = o;
    }
}

const struct option_entry common_options[] = {
    {"no-sandbox", 0, NULL, "Keep all privileges, to find out what the sandbox forbids",
     .group = -2, OPTION_FLAG(struct options, no_sandbox)},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct parsing *p = state->input;
    struct option_value value = {.state = state, .text = arg};
    char name[32];

    if (key == ARGP_KEY_ARG && p->command->argument != NULL) {
        p->command->argument(&value, p->options);
        return 0;
    }
    if (key == ARGP_KEY_END) {
        if (p->command->check != NULL)
            p->command->check(p->options, state);
        settle(p->options, state);
        return 0;
    }
    for (unsigned i = 0; i < p->count; i++)
        if (key != 0 && p->shown[i].key == key) {
            value.option = p->entries[i];
            snprintf(name, sizeof name, "--%s", p->shown[i].name != NULL ? p->shown[i].name : "");
            value.name = name;
            take(&value, p->options);
            return 0;
        }
    return ARGP_ERR_UNKNOWN;
}

error_t options_parse(const struct command *command, int argc, char **argv, void *options)
{
    struct parsing p = {.command = command, .options = options};
    struct argp argp = {.options = p.shown,
                        .parser = parse_option,
                        .args_doc = command->args_doc,
                        .doc = command->doc};
    static char name[32];
    error_t result;

    for (const struct option_entry *const *table = command->options; *table != NULL; table++)
        add_table(&p, *table);
    if (p.count > 0)
        add_table(&p, common_options);
    /* glibc's help does not free what it keeps of a list without an option. */
    if (p.count == 0)
        argp.options = NULL;
    snprintf(name, sizeof name, "teredoctl %s", command->name);
    argv[0] = name;
    result = argp_parse(&argp, argc, argv, command->flags, NULL, &p);
    if (result != 0 && (command->flags & ARGP_NO_EXIT) == 0) {
        /* Whatever is wrong with the options has ended the program before. */
        fprintf(stderr, "%s: out of memory\n", name);
        exit(EX_OSERR);
    }
    return result;
}
