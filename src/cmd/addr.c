#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "confine.h"
#include "entropy.h"
#include "line_reader.h"
#include "options.h"

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
    {OPTION_VERBOSE("Tell on standard error which sandbox is in force")},
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

enum {
    SHOWN_TEXT = 60 /* bytes of a text that is no address */
};

struct addr {
    struct addr_options options;
    struct reporter *reporter;
    enum address_verdict worst;
    struct line_reader reader;
};

/* On the diagnostics stream, in its place among the results. */
static void tell_invalid(const struct addr *addr, const struct address *a)
{
    char shown[SHOWN_TEXT + 1], quads[IP4_STRLEN];
    size_t size = a->size < SHOWN_TEXT ? a->size : SHOWN_TEXT;
    uint32_t ip4;
    bool is_ip4;

    for (size_t i = 0; i < size; i++)
        shown[i] = (char)(a->text[i] < ' ' || a->text[i] > '~' ? '?' : a->text[i]);
    shown[size] = '\0';
    is_ip4 = a->size < sizeof quads && ip4_parse(shown, &ip4);
    reporter_flush(addr->reporter);
    fprintf(stderr, "teredoctl addr: ");
    if (a->line > 0)
        fprintf(stderr, "line %lu: ", a->line);
    fprintf(stderr, "'%s%s' is %s\n", shown, a->size > size ? "..." : "",
            is_ip4 ? "an IPv4 address; Teredo addresses are IPv6 addresses"
                   : "not an IPv6 address");
}

static void print(struct addr *addr, const char *text, size_t size, unsigned long line)
{
    static struct event event = {.kind = EVENT_ADDRESS};
    struct event_sink sink = reporter_sink(addr->reporter);
    struct address address;

    address_examine(text, size, line, &address);
    if (address.verdict > addr->worst)
        addr->worst = address.verdict;
    if (address.verdict == ADDRESS_INVALID && !addr->options.common.quiet)
        tell_invalid(addr, &address);
    event.address = &address;
    sink.emit(sink.context, &event);
}

static void flush_results(void *context)
{
    reporter_flush(context);
}

/* Every line but blank ones and comments; how many those were, or -1. */
static long print_stream(struct addr *addr, struct error *error)
{
    struct line_reader *reader = &addr->reader;
    const char *line;
    size_t size;
    long count = 0;
    int more;

    if (isatty(STDIN_FILENO) && !addr->options.common.quiet)
        fprintf(stderr, "teredoctl addr: reading addresses, one a line; end with Ctrl-D\n");
    line_reader_init(reader, STDIN_FILENO, flush_results, addr->reporter);
    if (line_reader_end_on_signals(reader, error) != 0)
        return -1;
    while ((more = line_reader_next(reader, &line, &size, error)) > 0) {
        line_reader_trim(&line, &size);
        if (size > 0) {
            print(addr, line, size, reader->number);
            count++;
        }
    }
    return more < 0 ? -1 : count;
}

/* Whether there is a list of results, however many it has. */
static bool is_list(const struct addr_options *o)
{
    return !o->encode && (o->count != 1 || strcmp(o->addresses[0], "-") == 0);
}

static int decode(struct addr *addr, struct error *error)
{
    static const int status[] = {
        [ADDRESS_TEREDO] = EX_OK, [ADDRESS_NOT_TEREDO] = 1, [ADDRESS_INVALID] = EX_DATAERR};
    const struct addr_options *o = &addr->options;
    char dash[] = "-", *from_stdin[] = {dash};
    char **addresses = o->count > 0 ? o->addresses : from_stdin;
    int count = o->count > 0 ? o->count : 1;
    long total = 0;

    for (int i = 0; i < count; i++) {
        long n = 1;

        if (strcmp(addresses[i], "-") == 0)
            n = print_stream(addr, error);
        else
            print(addr, addresses[i], strlen(addresses[i]), 0);
        if (n < 0)
            return -1;
        total += n;
    }
    if (total == 0)
        return error_set(error, EX_NOINPUT, 0, "no address in the input");
    return status[addr->worst];
}

static int encode(struct addr *addr, struct error *error)
{
    struct addr_options *o = &addr->options;
    struct in6_addr encoded;
    struct address address;
    char text[IP6_STRLEN];
    uint16_t random;

    o->teredo.prefix = TEREDO_PREFIX;
    if (o->random_flags) {
        if (!entropy_fill(&random, sizeof random, error))
            return -1;
        o->teredo.flags = random & TEREDO_FLAGS_RANDOM;
    }
    teredo_addr_encode(&o->teredo, &encoded);
    ip6_format(&encoded, text);
    if (o->common.format != REPORT_TEXT) {
        print(addr, text, strlen(text), 0);
        return EX_OK;
    }
    address_examine(text, strlen(text), 0, &address);
    puts(text);
    for (uint32_t left = o->common.quiet ? 0 : address.notes; left != 0; left &= left - 1) {
        struct text_parts note =
            address_note_text(&address, (enum address_note)__builtin_ctz(left));

        fprintf(stderr, "teredoctl addr: note: %s%s%s\n", note.parts[0], note.parts[1],
                note.parts[2]);
    }
    return EX_OK;
}

static int run(int argc, char **argv, struct error *error)
{
    static struct addr addr;
    struct report_config config;
    struct error late;
    int status;

    options_parse(&command_addr, argc, argv, &addr.options);
    if (confine(&command_addr, &addr.options.common, NULL, error) != 0)
        return -1;
    config = options_report(&command_addr, &addr.options.common);
    config.verdict = EVENT_ADDRESS;
    config.columns = TSV_ADDR;
    config.many = is_list(&addr.options);
    config.buffered = true;
    addr.reporter = reporter_new(&config);
    if (addr.reporter == NULL)
        return error_set(error, EX_OSERR, ENOMEM, "cannot start");
    status = addr.options.encode ? encode(&addr, error) : decode(&addr, error);
    /* What was printed before an error of the input, or before a signal, stays printed, and whole.
     */
    if (reporter_close(addr.reporter, &late) != 0 && status >= 0) {
        *error = late;
        status = -1;
    }
    line_reader_die_of_signal();
    return status;
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
    .sandbox = SANDBOX_BASE,
    .run = run,
};
