#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "address.h"
#include "entropy.h"
#include "line_reader.h"
#include "options.h"
#include "tsv.h"

struct addr_options {
    struct options common;
    bool encode;
    bool random_flags;
    struct teredo_addr teredo; /* to encode; the prefix is not set */
    char **addresses;          /* of argv; "-" = standard input */
    int count;
};

/* What was given. */
enum {
    GIVEN_SERVER = 1 << 0,
    GIVEN_MAPPED = 1 << 1,
    GIVEN_FLAGS = 1 << 2,
    GIVEN_RANDOM_FLAGS = 1 << 3,
};

static void parse_flags(const struct option_value *v, void *options)
{
    struct addr_options *o = options;
    const char *digits = strncmp(v->text, "0x", 2) == 0 ? v->text + 2 : v->text;

    if (strlen(digits) < 1 || strlen(digits) > 4 ||
        strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
        argp_error(v->state, "'%s' are no flags: one to four hexadecimal digits", v->text);
    o->teredo.flags = (uint16_t)strtoul(digits, NULL, 16);
}

static const struct option_entry addr_options[] = {
    {"encode", 0, NULL, "Build an address from the options that follow", .group = 1,
     OPTION_FLAG(struct addr_options, encode)},
    {"server", 0, "IP", "IPv4 address of the Teredo server",
     OPTION_OF(VALUE_IP4, struct addr_options, teredo.server), .given = GIVEN_SERVER},
    {"mapped", 0, "IP:PORT", "Mapped address and port of the client",
     OPTION_OF(VALUE_ENDPOINT, struct addr_options, teredo.mapped), .given = GIVEN_MAPPED},
    {"flags", 0, "HEX", "The 16 flags (default: 0)", OPTION_PARSED(parse_flags),
     .given = GIVEN_FLAGS},
    {"random-flags", 0, NULL, "Random flags, as RFC 5991 asks for",
     OPTION_FLAG(struct addr_options, random_flags), .given = GIVEN_RANDOM_FLAGS},
    {OPTION_FORMAT(FORMATS, FORMATS, "How to print results (default: text)"), .group = 2},
    {OPTION_HEADER},
    {OPTION_QUIET("One line an address, nothing about what is not an address")},
    {0},
};

static void take_address(const struct option_value *v, void *options)
{
    struct addr_options *o = options;

    if (o->count++ == 0)
        o->addresses = &v->state->argv[v->state->next - 1];
}

static void check(void *options, struct argp_state *state)
{
    const struct addr_options *o = options;
    uint32_t given = o->common.given;

    if (!o->encode && given != 0)
        argp_error(state, "--server, --mapped, --flags and --random-flags go with --encode");
    if (o->encode && o->count > 0)
        argp_error(state, "--encode takes no ADDRESS");
    if (o->encode && ((given & GIVEN_SERVER) == 0 || (given & GIVEN_MAPPED) == 0))
        argp_error(state, "--encode needs --server and --mapped");
    if ((given & GIVEN_FLAGS) != 0 && (given & GIVEN_RANDOM_FLAGS) != 0)
        argp_error(state, "--flags and --random-flags exclude each other");
}

static void print(struct address_printer *printer, const char *text, size_t size,
                  unsigned long line)
{
    struct address address;

    address_examine(text, size, line, &address);
    address_print(printer, &address);
}

static void flush_results(void *context)
{
    output_flush(context);
}

/* Every line but blank ones and comments; how many those were, or -1. */
static long print_stream(struct address_printer *printer, struct error *error)
{
    static struct line_reader reader;
    const char *line;
    size_t size;
    long count = 0;
    int more;

    if (isatty(STDIN_FILENO) && !printer->quiet)
        fprintf(printer->err, "teredoctl addr: reading addresses, one a line; end with Ctrl-D\n");
    line_reader_init(&reader, STDIN_FILENO, flush_results, printer->out);
    while ((more = line_reader_next(&reader, &line, &size, error)) > 0) {
        line_reader_trim(&line, &size);
        if (size > 0) {
            print(printer, line, size, reader.number);
            count++;
        }
    }
    return more < 0 ? -1 : count;
}

static int decode(const struct addr_options *a, struct address_printer *printer,
                  struct error *error)
{
    static const int status[] = {
        [ADDRESS_TEREDO] = EX_OK, [ADDRESS_NOT_TEREDO] = 1, [ADDRESS_INVALID] = EX_DATAERR};
    char dash[] = "-", *from_stdin[] = {dash};
    char **addresses = a->count > 0 ? a->addresses : from_stdin;
    int count = a->count > 0 ? a->count : 1;
    long total = 0;

    printer->many = count > 1 || strcmp(addresses[0], "-") == 0;
    for (int i = 0; i < count; i++) {
        long n = 1;

        if (strcmp(addresses[i], "-") == 0)
            n = print_stream(printer, error);
        else
            print(printer, addresses[i], strlen(addresses[i]), 0);
        if (n < 0)
            return -1;
        total += n;
    }
    address_print_end(printer);
    if (total == 0)
        return error_set(error, EX_NOINPUT, 0, "no address in the input");
    return status[printer->worst];
}

static int encode(struct addr_options *a, struct address_printer *printer, struct error *error)
{
    struct in6_addr encoded;
    struct address address;
    char text[IP6_STRLEN], note[ADDRESS_NOTE_ROOM];
    uint16_t random;

    a->teredo.prefix = TEREDO_PREFIX;
    if (a->random_flags) {
        if (!entropy_fill(&random, sizeof random, error))
            return -1;
        a->teredo.flags = random & TEREDO_FLAGS_RANDOM;
    }
    teredo_addr_encode(&a->teredo, &encoded);
    address_examine(text, ip6_format(&encoded, text), 0, &address);
    if (a->common.format != REPORT_TEXT) {
        address_print(printer, &address);
        return EX_OK;
    }
    output_text(printer->out, text);
    output_text(printer->out, "\n");
    for (uint32_t left = a->common.quiet ? 0 : address.notes; left != 0; left &= left - 1) {
        *address_put_note(note, &address, (enum address_note)__builtin_ctz(left)) = '\0';
        fprintf(stderr, "teredoctl addr: note: %s\n", note);
    }
    return EX_OK;
}

static int run(int argc, char **argv, struct error *error)
{
    static struct output output;
    struct addr_options a = {0};
    struct address_printer printer = {.out = &output, .err = stderr};
    int status;

    options_parse(&command_addr, argc, argv, &a);
    output_init(&output, stdout);
    printer.format = a.common.format;
    printer.quiet = a.common.quiet;
    if (a.common.header)
        tsv_header(stdout, "addr");
    status = a.encode ? encode(&a, &printer, error) : decode(&a, &printer, error);
    /* What was printed before an error of the input stays printed. */
    if (status < 0) {
        output_flush(&output);
        return -1;
    }
    return output_close(&output, error) == 0 ? status : -1;
}

const struct command command_addr = {
    .name = "addr",
    .summary = "take Teredo addresses apart, or build one",
    .args_doc = "[ADDRESS...]\n--encode --server IP --mapped IP:PORT",
    .doc =
        "Take Teredo addresses apart, or build one. Without ADDRESS, or where it is -, addresses "
        "are read from standard input, one a line.\vExit status: 0 all are Teredo addresses, 1 "
        "one is another address, 65 one is not an IPv6 address; see teredoctl-addr(1).",
    .options = {addr_options},
    .argument = take_address,
    .check = check,
    .run = run,
};
