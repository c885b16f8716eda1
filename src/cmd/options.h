/* Options as data. An entry says what --help shows of an option, which values it takes, where the
 * value is kept and what else is noted when it is given. Parsing, help, error messages and the
 * completions of the shells all come from the entries, so that an option is written once. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <argp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "nsec.h"
#include "report.h"
#include "teredo_addr.h"

/* What the options of every command begin with. */
struct options {
    /* The `given` bits of the options on the command line; what they mean is the command's own. */
    uint32_t given;
    enum report_format format;
    bool header; /* of tsv */
    bool quiet;
    bool color; /* the result of color_when, NO_COLOR and the terminal */
    bool ascii; /* a ladder without line-drawing characters, asked for or needed */
    enum {
        COLOR_AUTO,
        COLOR_ALWAYS,
        COLOR_NEVER
    } color_when;
    unsigned verbosity; /* how often -v was given */
    const char *user;   /* to become when started as root; NULL = sudo's, else nobody */
    bool no_sandbox;
    unsigned sandbox_told; /* more -v than this tell of the sandbox */
    unsigned width;        /* of a ladder, in columns; the terminal's if not given */
};

/* What an option's value is. It is kept where `at` says, in a field of the type on the right. */
enum value_kind {
    VALUE_NONE,     /* no value, but `low`: a bool or an enum */
    VALUE_COUNTED,  /* no value: how often the option was given, unsigned */
    VALUE_TEXT,     /* as it is: const char * */
    VALUE_NUMBER,   /* from `low` to `high`, decimal or after 0x hexadecimal: any unsigned type */
    VALUE_SECONDS,  /* "1.5", from a millisecond to a year: nsec */
    VALUE_WORD,     /* one of `words`: its index, an enum */
    VALUE_FORMAT,   /* one of `words`: enum report_format */
    VALUE_IP4,      /* uint32_t */
    VALUE_ENDPOINT, /* IP:PORT, struct endpoint */
    VALUE_IP6,      /* struct in6_addr */
    VALUE_TEREDO,   /* a Teredo address: struct in6_addr */
    VALUE_PARSED,   /* by `parse` */
};

/* A value on its way into the options. A wrong one is a usage error, which ends the program. */
struct option_value {
    struct argp_state *state;
    const char *name;                  /* "--count", or "PEER": for messages */
    char *text;                        /* NULL where the option has none */
    const struct option_entry *option; /* NULL for an argument */
};

/* A positional beginning, {"count", 0, "N", "End after N packets", …}, then what the macros below
 * put. */
struct option_entry {
    const char *name; /* NULL with a doc: a heading over its group */
    int letter;       /* or 0 */
    const char *arg;  /* what --help calls the value; NULL = none */
    const char *doc;
    int group; /* of --help; 0 = that of the entry before */
    int flags; /* of argp: OPTION_ARG_OPTIONAL and the like */
    enum value_kind kind;
    size_t at, size; /* the field in the command's options */
    unsigned long low, high;
    const char *words; /* "auto|always|never"; NULL = those in `arg` */
    void (*parse)(const struct option_value *value, void *options);
    uint32_t given; /* noted in struct options */
};

/* True for what ends a table, an empty entry. */
static inline bool option_is_end(const struct option_entry *o)
{
    return o->name == NULL && o->letter == 0 && o->doc == NULL;
}

/* The rest of an entry: the kind, and FIELD of TYPE, the command's options. */
#define OPTION_OF(kind_, type, field) \
    .kind = (kind_), .at = offsetof(type, field), .size = sizeof(((type *)0)->field)
#define OPTION_SET(type, field, value) OPTION_OF(VALUE_NONE, type, field), .low = (value)
#define OPTION_FLAG(type, field) OPTION_SET(type, field, true)
#define OPTION_TEXT(type, field) OPTION_OF(VALUE_TEXT, type, field)
#define OPTION_NUMBER(type, field, lowest, highest) \
    OPTION_OF(VALUE_NUMBER, type, field), .low = (lowest), .high = (highest)
#define OPTION_SECONDS(type, field) OPTION_OF(VALUE_SECONDS, type, field)
#define OPTION_WORD(type, field) OPTION_OF(VALUE_WORD, type, field)
#define OPTION_PARSED(function) .kind = VALUE_PARSED, .parse = (function)

/* The options that many commands have, each the inside of an entry. FORMATS_… are the words that
 * --format takes; SHOWN are those that --help shows. */
#define FORMATS "text|json|jsonl|tsv"
#define FORMATS_CHARTS FORMATS "|ladder|mermaid|svg"
#define FORMATS_METRICS FORMATS "|openmetrics"
#define OPTION_FORMAT(formats, shown, doc) \
    "format", 0, shown, doc, OPTION_OF(VALUE_FORMAT, struct options, format), .words = (formats)
#define OPTION_HEADER                                                                   \
    "header", 0, NULL, "With --format=tsv: first a line with the names of the columns", \
        OPTION_FLAG(struct options, header)
#define OPTION_QUIET(doc) "quiet", 'q', NULL, doc, OPTION_FLAG(struct options, quiet)
#define OPTION_VERBOSE(doc) \
    "verbose", 'v', NULL, doc, OPTION_OF(VALUE_COUNTED, struct options, verbosity)
#define OPTION_COLOR                                                         \
    "color", 0, "auto|always|never", "Colour on a terminal (default: auto)", \
        OPTION_WORD(struct options, color_when)
#define OPTION_ASCII                                                     \
    "ascii", 0, NULL, "Draw the ladder without line-drawing characters", \
        OPTION_FLAG(struct options, ascii)
#define OPTION_WIDTH                                                        \
    "width", 0, "COLUMNS", "Width of the ladder (default: the terminal's)", \
        OPTION_NUMBER(struct options, width, 1, 10000)

/* What every command has that has options at all. */
extern const struct option_entry common_options[];

/* Parses ARGV, whose first word is the command's name, into OPTIONS, which hold the defaults and
 * begin with a struct options. A usage error ends the program with 64, --help with 0, unless the
 * command's flags say otherwise; then argp's error is returned. */
error_t options_parse(const struct command *command, int argc, char **argv, void *options);

/* How OPTIONS ask for results to be reported; the caller adds what they are about. */
struct report_config options_report(const struct command *command, const struct options *options);

/* The name of FORMAT, as --format takes it. */
const char *options_format_name(enum report_format format);

/* Values that a VALUE_PARSED option or an argument is made of. */
unsigned long value_number(const struct option_value *value, unsigned long low, unsigned long high);
struct in6_addr value_ip6(const struct option_value *value);
/* Reads hexadecimal digits in pairs, with blanks or colons between them if need be, as bytes into
 * OUT; how many, or -1 if they are more than MAX or something else. */
long value_read_hex(const char *text, uint8_t *out, size_t max);
/* PARTS may be NULL. */
struct in6_addr value_teredo(const struct option_value *value, struct teredo_addr *parts);

#endif
